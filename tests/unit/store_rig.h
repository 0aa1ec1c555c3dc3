/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of the store: a folder of its own, a loop, a host with the sqlite plugin, and the
 * waiting for completions.
 */
#ifndef TESTS_UNIT_STORE_RIG_H
#define TESTS_UNIT_STORE_RIG_H

#include "host/host.h"
#include "host/loop.h"
#include "store/db.h"
#include "store/store.h"

struct store_rig {
	char dir[64];
	struct loop *loop;
	struct host *host;
	struct tc_instance *instance;
};

/*
 * A fresh folder with an open instance; skips the test when the plugin is not built. For rig_setup
 * of cmocka.
 */
int rig_setup(void **state);
int rig_teardown(void **state);
/* Another instance over the same folder; path is its database. Freed by instance_free(). */
struct tc_instance *rig_instance(struct store_rig *rig, const char *path);
/* A store, or the test fails. */
struct store *rig_store(struct store_rig *rig);
/* A connection with the schema, or the test fails. */
struct db *rig_db(struct store_rig *rig);
/* SELECT of one number, run on a connection of its own. */
int64_t rig_number(struct store_rig *rig, const char *sql);
/* Turn the loop until check(arg) is true; the test fails after 30 s. */
void rig_wait(struct store_rig *rig, bool (*check)(void *arg), void *arg);
/* The same for a counter. */
void rig_wait_count(struct store_rig *rig, const size_t *count, size_t want);

#endif
