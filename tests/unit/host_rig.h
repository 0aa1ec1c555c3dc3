/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of the host: a loop and a host with plugins that are linked in.
 */
#ifndef TESTS_UNIT_HOST_RIG_H
#define TESTS_UNIT_HOST_RIG_H

#include "host/host.h"
#include "host/loop.h"

struct host_rig {
	struct loop *loop;
	struct host *host;
};

void host_rig_init(struct host_rig *rig, enum loop_clock clock);
/* Frees what instances are left. */
void host_rig_fini(struct host_rig *rig);

/* A plugin without settings that opens and closes and nothing else. */
extern const struct tc_plugin host_rig_plugin;

/*
 * An instance that is not open; the test fails when there are faults.
 *
 * settings  JSON without "plugin" and "name", or NULL
 */
struct tc_instance *host_rig_instance(struct host_rig *rig, const struct tc_plugin *plugin,
				      const char *name, const char *settings);

/* Run what is posted and due until nothing is left; the test fails when there is no end. */
void host_rig_turn(struct host_rig *rig);
/* Turn the loop until *flag is set (by a completion on it); the test fails after 30 s. */
void host_rig_wait(struct host_rig *rig, const bool *flag);

#endif
