/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of the API and of triggers: all rooms of the daemon around a store of their own,
 * and the server.
 */
#ifndef TESTS_UNIT_API_RIG_H
#define TESTS_UNIT_API_RIG_H

#include <semaphore.h>

#include "alert/alert.h"
#include "api/api.h"
#include "host/config.h"
#include "host/host.h"
#include "host/loop.h"
#include "http/server.h"
#include "store/journal.h"
#include "store/store.h"
#include "unit/http_client.h"

struct api_rig {
	char dir[64], socket[96];
	unsigned port;
	struct config *config;
	struct loop *loop;
	struct host *host;
	struct tc_instance *store_instance;
	struct store *store;
	struct journal *journal;
	struct http_server *http;
	struct trunks *trunks;
	struct oncall *oncall;
	struct directory *directory; /* of oncall */
	struct speech *speech;
	struct prompts *prompts;
	struct caller *caller;
	struct alerts *alerts;
	struct api *api;
	sem_t gate;    /* holds the writer's thread while gated */
	sem_t arrived; /* it waits there */
	bool gated, passed;
};

/* Everything is up and ready; NULL, after a message, when a plugin that is needed is not built. */
struct api_rig *api_rig_new(void);
void api_rig_free(struct api_rig *rig);
/*
 * The same for cmocka, a rig a test; and the rig in a test, which is skipped when there is none.
 */
int api_rig_setup(void **state);
int api_rig_teardown(void **state);
struct api_rig *api_rig_of(void **state);
/*
 * An open instance of a trigger; the test fails if it cannot be. settings: JSON without name and
 * plugin.
 */
struct tc_instance *api_rig_trigger(struct api_rig *rig, const char *plugin, const char *name,
				    const char *settings);
/* Its end, as the daemon does it. */
void api_rig_drop(struct api_rig *rig, struct tc_instance *trigger);
/* One request over the Unix socket, as admin. */
void api_rig_ask(struct api_rig *rig, const char *method, const char *path, const char *body,
		 struct http_answer *answer);
/* The same with an If-Match; NULL: without. */
void api_rig_match(struct api_rig *rig, const char *method, const char *path, const char *match,
		   const char *body, struct http_answer *answer);
/* As api_rig_ask(); the answer's JSON, new reference; the test fails if the status is another. */
json_t *api_rig_json(struct api_rig *rig, const char *method, const char *path, const char *body,
		     int status);
/* Raise an alert without HTTP, and wait for its id; nobody can be called, for there is no trunk. */
void api_rig_raise(struct api_rig *rig, const char *message, const char *target, json_t *labels,
		   char id[TC_ID_SIZE]);
/*
 * A tc_intake_done_fn for one alert, and a condition. arg: char[TC_ID_SIZE], "" until it is there.
 */
void api_rig_stored(void *arg, int err, const struct tc_intake_result *results, size_t n);
bool api_rig_got(void *arg);
/* How many alerts there are. */
size_t api_rig_count(struct api_rig *rig);
/* From here on the store's writer does nothing, until it is let go. */
void api_rig_hold(struct api_rig *rig);
void api_rig_let_go(struct api_rig *rig);
/* Wait until the store has nothing to do. */
void api_rig_settle(struct api_rig *rig);
/* Submit work that does nothing until the writer's queue is full (while it is held). */
void api_rig_flood(struct api_rig *rig);

#endif
