/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drills: how they begin, what the trunk reports of them, how they end and what is kept of that.
 */
#include "call/drill.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "call/drill_talk.h"
#include "host/host.h"
#include "host/id.h"
#include "store/journal.h"
#include "store/store.h"

#define TALK_MS 90000 /* nobody needs longer for one key */
#define END_MS 10000  /* for the trunk to report the end that was asked for */

/* ---- what is kept ---- */

/* A row on its way into the store. */
struct keeping {
	struct drill *drill; /* NULL: it is over */
	struct journal *journal;
	struct drill_row row;   /* owned */
	struct event_row event; /* text owned; what NULL = none */
	void (*begun)(void *arg, const char *id, int err);
	void (*done)(void *arg, const struct drill_row *row);
	void *arg;
};

static void keeping_free(struct keeping *k)
{
	free((char *)k->event.text);
	drill_row_fini(&k->row);
	free(k);
}

static int run_insert(struct db *db, void *arg)
{
	struct keeping *k = arg;

	return drill_insert(db, &k->row);
}

static int run_update(struct db *db, void *arg)
{
	struct keeping *k = arg;
	int err = drill_update(db, &k->row);

	return err ? err : event_insert(db, &k->event);
}

static void on_updated(void *arg, int err)
{
	struct keeping *k = arg;

	if (err)
		tc_log(NULL, TC_LOG_ERROR, "test call %s: what came of it cannot be kept: %s",
		       k->row.id, tc_strerror(err));
	else
		journal_publish(k->journal, &k->event);
	if (k->done)
		k->done(k->arg, &k->row);
	keeping_free(k);
}

static struct keeping *keep(const struct drill *drill)
{
	struct keeping *k = tc_alloc(sizeof(*k));

	k->journal = drill->caller->deps.journal;
	k->done = drill->done;
	k->arg = drill->arg;
	drill_row_copy(&k->row, &drill->row);
	return k;
}

static int run_lose(struct db *db, void *arg)
{
	(void)arg;
	return drill_lose(db, tc_wall_us());
}

static void on_lost(void *arg, int err)
{
	(void)arg;
	if (err)
		tc_log(NULL, TC_LOG_WARN, "test calls that were left open stay so: %s",
		       tc_strerror(err));
}

void drills_begin(struct caller *caller)
{
	if (caller->deps.store && store_write(caller->deps.store, run_lose, on_lost, NULL))
		on_lost(NULL, -EAGAIN);
}

/* ---- birth and end ---- */

static void drill_free(struct drill *drill)
{
	LIST_REMOVE(drill, link);
	loop_timer_stop(&drill->limit);
	drill_talk_fini(drill);
	drill_row_fini(&drill->row);
	tc_buf_fini(&drill->heard);
	free(drill->who);
	free(drill->language);
	free(drill->voice);
	free(drill->called);
	free(drill);
}

void drills_free(struct caller *caller)
{
	while (!LIST_EMPTY(&caller->drills))
		drill_free(LIST_FIRST(&caller->drills));
}

static void set(const char **to, const char *text)
{
	free((char *)*to);
	*to = tc_strdup(text);
}

static void keep_end(struct drill *drill)
{
	struct keeping *k = keep(drill);

	k->event = (struct event_row){
		.at_us = drill->row.ended_us,
		.what = "test_call.ended",
		.call_id = k->row.id,
		.text = tc_asprintf("test call %s%s to %s: %s", drill->row.name ? "loop " : "",
				    drill->row.name ? drill->row.name : "", drill->who,
				    drill->row.result),
		.reason = k->row.reason,
	};
	if (store_write(drill->caller->deps.store, run_update, on_updated, k))
		on_updated(k, -EAGAIN);
}

/* It is over. Frees it. reason may be "" */
static void over(struct drill *drill, const char *result, const char *reason)
{
	struct caller *caller = drill->caller;
	struct trunk *trunk = drill->trunk;
	struct line *line = drill->line;

	set(&drill->row.result, result);
	set(&drill->row.reason, *reason ? reason : NULL);
	if (drill->row.name && drill->row.keys_sent)
		set(&drill->row.keys_heard, drill->heard.data ? drill->heard.data : "");
	drill->row.ended_us = loop_wall_us(caller->deps.loop);
	if (drill->far_trunk)
		trunk_hangup(drill->far_trunk, drill->far_id);
	tc_log(NULL, TC_LOG_INFO, "test call %s: %s%s%s", drill->row.id, result,
	       *reason ? ": " : "", reason);
	keep_end(drill);
	drill_free(drill);
	place_yield(caller, line);
	trunk_leave(caller->deps.trunks, trunk);
}

static const char *result_of(const struct drill *drill, const struct tc_pbx_event *event)
{
	static const char *const names[] = {
		[TC_PBX_END_REMOTE] = "no_key",      [TC_PBX_END_LOCAL] = "no_key",
		[TC_PBX_END_TIMEOUT] = "no_answer",  [TC_PBX_END_BUSY] = "busy",
		[TC_PBX_END_REJECTED] = "rejected",  [TC_PBX_END_UNREACHABLE] = "unreachable",
		[TC_PBX_END_CONGESTION] = "congestion", [TC_PBX_END_TRUNK] = "unreachable",
		[TC_PBX_END_FAILED] = "failed",      [TC_PBX_END_GONE] = "lost",
	};
	bool passed = drill->row.name ? !drill_loop_fault(drill) : drill->row.key_us != 0;

	if (passed)
		return "passed";
	if (drill->row.answered_us && drill->row.name)
		return "failed";
	if (drill->row.answered_us)
		return event->end == TC_PBX_END_GONE ? "lost" : "no_key";
	if (event->end == TC_PBX_END_LOCAL)
		return "no_answer";
	return names[event->end] ? names[event->end] : "failed";
}

static void ended(struct drill *drill, const struct tc_pbx_event *event)
{
	const char *result, *why = drill->failed;

	if (event->level_dbov) {
		drill->row.level_dbov = event->level_dbov;
		drill->row.has_level = true;
	}
	result = result_of(drill, event);
	if (!why && drill->row.name && drill->row.answered_us)
		why = drill_loop_fault(drill);
	if (!why || !strcmp(result, "passed"))
		why = strcmp(result, "passed") ? event->text : "";
	over(drill, result, why);
}

static void limit_reached(void *arg)
{
	struct drill *drill = arg;
	const struct tc_pbx_event event = {.type = TC_PBX_ENDED, .end = TC_PBX_END_LOCAL};

	if (drill->hung_up)
		ended(drill, &event);
	else
		drill_hang_up(drill, drill->row.answered_us ? "no key was pressed" : NULL);
}

void drill_limit(struct drill *drill, int64_t limit_ms)
{
	loop_timer_start_us(&drill->limit, limit_ms * 1000);
}

void drill_hang_up(struct drill *drill, const char *failed)
{
	if (drill->hung_up)
		return;
	drill->hung_up = true;
	drill->failed = failed;
	trunk_hangup(drill->trunk, drill->row.id);
	drill_limit(drill, END_MS);
}

/* ---- what the trunk reports ---- */

static struct drill *find(const struct caller *caller, const char *id)
{
	struct drill *drill;

	LIST_FOREACH (drill, &caller->drills, link)
		if (!strcmp(drill->row.id, id))
			return drill;
	return NULL;
}

static void on_answered(struct drill *drill)
{
	if (drill->row.answered_us || drill->hung_up)
		return;
	drill->row.answered_us = loop_wall_us(drill->caller->deps.loop);
	trunk_outcome(drill->trunk, drill->row.id, drill->row.created_us, true);
	drill_limit(drill, TALK_MS);
	if (drill->row.name)
		drill_loop_answered(drill);
	else
		drill_speak(drill);
}

static void on_event(struct drill *drill, const struct tc_pbx_event *event)
{
	switch (event->type) {
	case TC_PBX_RINGING:
		if (!drill->row.ringing_us)
			drill->row.ringing_us = loop_wall_us(drill->caller->deps.loop);
		break;
	case TC_PBX_ANSWERED:
		on_answered(drill);
		break;
	case TC_PBX_DTMF:
		if (!drill->row.name)
			drill_key(drill, event->key);
		break;
	case TC_PBX_PLAYED:
		if (!drill->row.name)
			drill_played(drill, event);
		break;
	case TC_PBX_ENDED:
		trunk_ended(drill->trunk, drill->row.id, drill->row.created_us, event->end);
		ended(drill, event);
		break;
	default:
		break;
	}
}

bool drill_event(struct caller *caller, struct trunk *trunk, const struct tc_pbx_event *event)
{
	struct drill *drill = find(caller, event->call_id);

	if (!drill || drill->trunk != trunk)
		return drill_loop_event(caller, trunk, event);
	on_event(drill, event);
	return true;
}

/* ---- beginning ---- */

static void originate(void *arg, int err)
{
	struct keeping *k = arg;
	struct drill *drill = k->drill;
	struct caller *caller = drill->caller;
	struct tc_pbx_originate o = {.call_id = drill->row.id,
				     .number = drill->row.number,
				     .ring_timeout_ms = caller->deps.config->ring_timeout};

	if (k->begun)
		k->begun(k->arg, drill->row.id, err);
	keeping_free(k);
	if (caller->closing)
		return;
	if (!err)
		err = trunk_originate(drill->trunk, &o);
	if (err) {
		over(drill, "failed", tc_strerror(err));
		return;
	}
	drill->originated = true;
	drill_limit(drill, o.ring_timeout_ms + ANSWER_MS);
	drill_prepare(drill);
}

/* result: NULL, and *err says why */
static struct trunk *pick(struct caller *caller, struct trunk *wanted, int *err)
{
	int64_t wait_us;
	struct trunk *trunk = wanted;

	*err = TAILQ_EMPTY(&caller->deps.trunks->list) ? -EHOSTDOWN : -EAGAIN;
	if (!trunk)
		trunk = trunks_pick(caller->deps.trunks, 0, &wait_us);
	return trunk && !trunk->held && trunk->live < trunk->max_calls ? trunk : NULL;
}

static struct drill *drill_new(struct caller *caller, const struct drill_request *request)
{
	struct drill *drill = tc_alloc(sizeof(*drill));

	drill->caller = caller;
	drill->who = tc_strdup(request->who);
	drill->language = tc_strdup(request->language);
	drill->voice = tc_strdup(request->voice);
	drill->called = tc_strdup(request->called ? request->called : request->number);
	drill->done = request->done;
	drill->arg = request->arg;
	drill->row = (struct drill_row){.name = tc_strdup(request->loop),
					.target = tc_strdup(request->target),
					.contact_id = tc_strdup(request->contact_id),
					.number = tc_strdup(request->number),
					.by = tc_strdup(request->by),
					.created_us = loop_wall_us(caller->deps.loop)};
	id_new(drill->row.id, drill->row.created_us);
	loop_timer_init(&drill->limit, caller->deps.loop, limit_reached, drill);
	LIST_INSERT_HEAD(&caller->drills, drill, link);
	return drill;
}

int drill_start(struct caller *caller, const struct drill_request *request, char id[TC_ID_SIZE])
{
	struct trunk *trunk;
	struct drill *drill;
	struct keeping *k;
	struct line *line;
	int err;

	if (caller->closing)
		return -EAGAIN;
	trunk = pick(caller, request->trunk, &err);
	if (!trunk)
		return err;
	line = place_seize(caller, request->number);
	if (!line)
		return -EBUSY;
	drill = drill_new(caller, request);
	drill->line = line;
	drill->trunk = trunk;
	drill->row.trunk = tc_strdup(trunk->instance->name);
	trunk_enter(trunk);
	tc_strcopy(id, TC_ID_SIZE, drill->row.id);
	k = keep(drill);
	k->drill = drill;
	k->begun = request->begun;
	if (!store_write(caller->deps.store, run_insert, originate, k))
		return 0;
	keeping_free(k);
	drill_free(drill);
	place_yield(caller, line);
	trunk_leave(caller->deps.trunks, trunk);
	return -EAGAIN;
}
