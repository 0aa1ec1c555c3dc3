/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that a limit puts off: a person is not called more than so often. They are rows in the
 * state "deferred", with the time and the reason; none is dropped.
 */
#include <stdlib.h>

#include <tocsin/log.h>

#include "call/call.h"
#include "call/limit.h"
#include "host/rfc3339.h"
#include "oncall/directory.h"
#include "oncall/number.h"
#include "store/store.h"

/* ---- calls that are put off ---- */

void defer_until(struct call *call, int64_t until_us, char *why)
{
	char at[RFC3339_SIZE];

	free(call->deferred_why);
	call->deferred_why = why;
	call->deferred_us = until_us;
	if (call->state != CALL_DEFERRED)
		call_enter(call, CALL_DEFERRED, "limit");
	call_record(call, "call.deferred", why, NULL, "a call to %s is deferred until %s",
		    call_whom(call), rfc3339_format_seconds(at, until_us));
}

static void on_due(void *arg)
{
	struct call *call = arg;

	if (call->caller->closing || call->hung_up || call->state != CALL_DEFERRED)
		return;
	if (!defer_by_limit(call))
		place_now(call);
}

/* "60 calls within 1 h" */
static char *reason(const struct config_call *config)
{
	int64_t minutes = config->per_person.within / 60000;

	return tc_asprintf("%lld call%s to one person within %lld min are allowed "
			   "(call.per_person)",
			   (long long)config->per_person.calls,
			   config->per_person.calls == 1 ? "" : "s", (long long)minutes);
}

bool defer_by_limit(struct call *call)
{
	struct caller *caller = call->caller;
	const struct config_call *config = caller->deps.config;
	int64_t now_us = loop_wall_us(caller->deps.loop);
	int64_t until_us = limit_until(caller->limits, call->callee->key, config->per_person.calls,
				       config->per_person.within * 1000, now_us);

	if (!until_us)
		return false;
	defer_until(call, until_us, reason(config));
	if (!call->defer.fn)
		loop_timer_init(&call->defer, caller->deps.loop, on_due, call);
	loop_timer_start_us(&call->defer, until_us - now_us);
	return true;
}

void defer_placed(struct call *call)
{
	const struct caller *caller = call->caller;

	if (call->callee)
		limit_note(caller->limits, call->callee->key, call->placed_us,
			   caller->deps.config->per_person.within * 1000);
}

/* ---- the calls of earlier processes count ---- */

struct defer_load {
	struct caller *caller; /* NULL: it is gone */
	int64_t since_us;
	struct loaded {
		char *key;
		int64_t at_us;
	} *v; /* owned */
	size_t n, room;
	char country[8];
};

static int add(const struct call_row *row, void *arg)
{
	struct defer_load *load = arg;
	char plain[NUMBER_PLAIN_SIZE];

	if (!row->placed_us || row->placed_us < load->since_us)
		return 0;
	if (load->n == load->room) {
		load->room = load->room ? 2 * load->room : 64;
		load->v = tc_realloc(load->v, load->room * sizeof(*load->v));
	}
	if (!number_plain(plain, row->number, load->country))
		tc_strcopy(plain, sizeof(plain), row->number);
	load->v[load->n++] = (struct loaded){
		.key = row->contact_id ? tc_asprintf("c%s", row->contact_id)
				       : tc_asprintf("n%s", plain),
		.at_us = row->placed_us};
	return 0;
}

static int run(struct db *db, void *arg)
{
	struct defer_load *load = arg;

	while (load->n)
		free(load->v[--load->n].key);
	return call_list_since(db, load->since_us, add, load);
}

static void done(void *arg, int err)
{
	struct defer_load *load = arg;

	if (err)
		tc_log(NULL, TC_LOG_WARN, "the calls before the start do not count for limits: %s",
		       tc_strerror(err));
	for (size_t i = 0; i < load->n; i++) {
		if (load->caller)
			limit_note(load->caller->limits, load->v[i].key, load->v[i].at_us,
				   load->caller->deps.config->per_person.within * 1000);
		free(load->v[i].key);
	}
	if (load->caller)
		load->caller->load = NULL;
	free(load->v);
	free(load);
}

void defer_load(struct caller *caller)
{
	const struct config_call *config = caller->deps.config;
	struct defer_load *load;

	if (!caller->deps.store || !config->per_person.calls)
		return;
	load = tc_alloc(sizeof(*load));
	load->caller = caller;
	load->since_us =
		loop_wall_us(caller->deps.loop) - config->per_person.within * 1000;
	if (caller->deps.directory && directory_country(caller->deps.directory))
		tc_strcopy(load->country, sizeof(load->country),
			   directory_country(caller->deps.directory));
	caller->load = load;
	if (store_read(caller->deps.store, run, done, load)) {
		caller->load = NULL;
		free(load);
	}
}

void defer_forget(struct caller *caller)
{
	if (caller->load)
		caller->load->caller = NULL;
	caller->load = NULL;
}
