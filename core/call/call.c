/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call as an object: its names, its birth, its place in the tree of calls, its end. What happens
 * to it is elsewhere.
 */
#include "call/call.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

static const char *const states[] = {
#define X(sym, name) [sym] = name,
	CALL_STATES(X)
#undef X
};

static const struct {
	const char *name, *text;
} results[] = {
#define X(sym, name, text) [sym] = {name, text},
	CALL_RESULTS(X)
#undef X
};

const char *call_state_name(enum call_state state)
{
	return states[state];
}

bool call_waits(const struct call *call)
{
	return call->state == CALL_DEFERRED || call->state == CALL_QUEUED;
}

const char *call_result_name(enum call_result result)
{
	return results[result].name;
}

const char *call_result_text(enum call_result result)
{
	return results[result].text;
}

enum call_result call_result_find(const char *name)
{
	for (unsigned i = 1; name && i < CALL_RESULT_COUNT; i++)
		if (!strcmp(results[i].name, name))
			return (enum call_result)i;
	return CALL_NO_RESULT;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(a, b); /* the id is a call's first member */
}

struct call *call_new(struct caller *caller, const char *id, const char *number)
{
	struct call *call = tc_alloc(sizeof(*call));

	tc_strcopy(call->id, sizeof(call->id), id);
	call->caller = caller;
	call->number = tc_strdup(number);
	tc_buf_puts(&call->keys, "");
	TAILQ_INIT(&call->rides);
	STAILQ_INIT(&call->records);
	STAILQ_INIT(&call->events);
	STAILQ_INIT(&call->changed);
	call->state = CALL_QUEUED;
	play_init(call);
	pin_init(call);
	tsearch(call, &caller->calls, by_id);
	return call;
}

void call_free(struct call *call)
{
	tdelete(call, &call->caller->calls, by_id);
	if (call->want)
		free(speech_cancel(call->want));
	rides_free(call);
	speaker_fini(&call->speaker);
	loop_timer_stop(&call->bundle.change);
	pin_drop(call);
	loop_timer_stop(&call->machine_beep);
	loop_timer_stop(&call->retry);
	loop_timer_stop(&call->limit);
	tc_clip_unref(call->spare);
	tc_buf_fini(&call->keys);
	free(call->whom);
	free(call->deferred_why);
	loop_timer_stop(&call->defer);
	free(call->number);
	free(call->contact_id);
	free(call->ref);
	free(call);
}

struct call *caller_find(struct caller *caller, const char *id)
{
	void *found = tfind(id, &caller->calls, by_id);

	return found ? *(struct call **)found : NULL;
}

void call_enter(struct call *call, enum call_state state, const char *event)
{
	tc_log(NULL, TC_LOG_INFO, "call %s: %s -(%s)-> %s", call->id, states[call->state], event,
	       states[state]);
	call->state = state;
}

const char *call_whom(const struct call *call)
{
	return call->whom ? call->whom : call->number;
}
