/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys: what is pressed, at any moment of a call, and what is said about it once it is committed.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "call/call.h"
#include "call/inbound.h"

const char *ack_action(const struct config_call *config, char key)
{
	for (size_t i = 0; i < config->keys.n; i++)
		if (config->keys.v[i].key[0] == key && !config->keys.v[i].key[1])
			return config->keys.v[i].value;
	return NULL;
}

/* Keys whose consequence the alert layer commits, and the call's result by them. */
static const struct {
	const char *action;
	enum page_key key;
	enum call_result result;
} deciding[] = {
	{"acknowledge", PAGE_KEY_ACKNOWLEDGE, CALL_ACKNOWLEDGED},
	{"escalate", PAGE_KEY_ESCALATE, CALL_ESCALATED},
	{"resolve", PAGE_KEY_RESOLVE, CALL_ACKNOWLEDGED},
	{"silence", PAGE_KEY_SILENCE, CALL_ACKNOWLEDGED},
};

#define BY_KEY "key pressed in the call"
#define BY_DIALPLAN "acknowledged through the PBX's dialplan"

/* -1: the action decides nothing. */
static int deciding_find(const char *action)
{
	for (size_t i = 0; action && i < sizeof(deciding) / sizeof(*deciding); i++)
		if (!strcmp(deciding[i].action, action))
			return (int)i;
	return -1;
}

#define TWICE_US (2 * 1000 * 1000) /* within which the second press means all */

/* On which one a key decides: the one that is read; before the first one of several: none. */
static struct ride *current(const struct call *call)
{
	struct ride *first = rides_first(call);

	if (call->bundle.on)
		return call->bundle.at;
	return first ? first : TAILQ_FIRST(&call->rides);
}

static void press(struct ride *ride, char key)
{
	size_t len = strlen(ride->pressed);

	if (len + 1 == sizeof(ride->pressed))
		return;
	ride->pressed[len] = key;
	ride_change(ride);
}

/* Already now, in case they hang up before the commit is done: the key counts. */
static void mark(struct ride *ride, int what)
{
	ride->result = deciding[what].result;
	ride->busy = true;
	ride->page->decided = true;
	ride->call->busy++;
	ride_close(ride);
}

static void submit(struct ride *ride, int what, const char *how)
{
	struct page *page = ride->page;

	page->events->key(page->arg, page, ride->call->id, deciding[what].key, how);
}

static void decide(struct ride *ride, int what, const char *how)
{
	if (!ride->call->hung_up)
		play_stop(ride->call);
	mark(ride, what);
	submit(ride, what, how);
}

/* All that are open. */
static void decide_all(struct call *call, int what, const char *how)
{
	struct ride *ride, **all = tc_calloc(call->open + 1, sizeof(*all));
	unsigned n = 0;

	if (!call->hung_up)
		play_stop(call);
	TAILQ_FOREACH(ride, &call->rides, link)
		if (ride->open)
			all[n++] = ride;
	for (unsigned i = 0; i < n; i++)
		mark(all[i], what);
	for (unsigned i = 0; i < n; i++)
		submit(all[i], what, how);
	free(all);
}

/* A key after the decision, or before there is anything to decide on. */
static const char *why_idle(const struct ride *ride)
{
	if (!ride)
		return "no alert was begun to be told";
	return ride->open ? NULL : "it came after the decision";
}

static void note_key(struct call *call, const struct ride *ride, char key, const char *action,
		     const char *reason)
{
	call_event(call, ride ? ride->alert_id : call->alert_id, "call.key", reason,
		   "%s pressed %c%s%s", call_whom(call), key, action ? ": " : "",
		   action ? action : "");
	call_record(call, NULL, NULL, NULL, "%s", "");
}

/* The acknowledging key, twice: all the others as well. */
static bool is_second(const struct call *call, int what)
{
	int64_t now_us = loop_now_us(call->caller->deps.loop);

	return what == deciding_find("acknowledge") && call->bundle.on && call->acked_us &&
	       now_us - call->acked_us <= TWICE_US;
}

static void second(struct call *call, int what, char key, const char *action)
{
	struct ride *ride;

	TAILQ_FOREACH(ride, &call->rides, link)
		if (ride->open)
			press(ride, key);
	call_event(call, current(call) ? current(call)->alert_id : call->alert_id, "call.key", NULL,
		   "%s pressed %c again: %s all", call_whom(call), key, action);
	call_record(call, NULL, NULL, NULL, "%s", "");
	call->bundle.all = true;
	decide_all(call, what, BY_KEY);
}

static void first(struct ride *ride, int what, char key, const char *action)
{
	struct call *call = ride->call;

	call->acked_us = what == deciding_find("acknowledge")
				 ? loop_now_us(call->caller->deps.loop)
				 : 0;
	if (pin_needed(call) && call->hung_up) {
		call->acked_us = 0;
		note_key(call, ride, key, action,
			 "it does not count: the PIN cannot be asked for any more");
		return;
	}
	if (pin_needed(call)) {
		note_key(call, ride, key, action, "it counts once the PIN is keyed");
		pin_ask(ride, what, key);
		return;
	}
	press(ride, key);
	note_key(call, ride, key, action, NULL);
	decide(ride, what, BY_KEY);
}

void ack_counts(struct ride *ride, int what, char key)
{
	struct call *call = ride->call;

	if (call->acked_us)
		call->acked_us = loop_now_us(call->caller->deps.loop);
	press(ride, key);
	call_record(call, NULL, NULL, NULL, "%s", "");
	decide(ride, what, BY_KEY);
}

/* One that decides nothing. */
static void other(struct call *call, char key, const char *action)
{
	if (call->bundle.on && key == '#' && !action)
		bundle_skip(call);
	else if (call->bundle.on)
		bundle_again(call, action ? NULL : "unknown_key");
	else if (action)
		play_message(call);
	else if (!call->dialplan)
		play_say(call, "unknown_key", false);
}

void ack_key(struct call *call, char key)
{
	const char *action = ack_action(call->caller->deps.config, key);
	struct ride *ride = current(call);
	int what = deciding_find(action);

	if (pin_takes(call, key))
		return;
	machine_not(call);
	tc_buf_add(&call->keys, &key, 1);
	if (call->open && is_second(call, what)) {
		second(call, what, key, action);
		return;
	}
	if (ride && ride->open && what >= 0) {
		first(ride, what, key, action);
		return;
	}
	if (what != deciding_find("acknowledge"))
		call->acked_us = 0; /* not twice in a row */
	note_key(call, ride, key, action, why_idle(ride));
	if (!call->hung_up && !call->busy && call->open && what < 0 &&
	    (call->bundle.on || (ride && ride->open)))
		other(call, key, action);
}

static int first_of(const struct caller *caller, const char *keys)
{
	int what = -1;

	for (; *keys && what < 0; keys++)
		what = deciding_find(ack_action(caller->deps.config, *keys));
	return what;
}

/* What the earlier process perhaps could not decide any more; -1 = nothing. */
static int pressed(const struct ride *ride)
{
	if (ride->call->acked)
		return deciding_find("acknowledge");
	return first_of(ride->call->caller, ride->pressed);
}

bool caller_decided(const struct caller *caller, const char *keys, const char *result,
		    enum page_key *key, const char **how)
{
	int what = first_of(caller, keys);

	*how = *keys ? BY_KEY : BY_DIALPLAN;
	for (size_t i = 0; i < sizeof(deciding) / sizeof(*deciding) && what < 0; i++)
		if (!strcmp(call_result_name(deciding[i].result), result)) /* keys have changed */
			what = (int)i;
	if (what < 0 || strcmp(call_result_name(deciding[what].result), result) != 0)
		return false;
	*key = deciding[what].key;
	return true;
}

bool ack_pressed(const struct ride *ride, enum page_key *key, const char **how)
{
	int what = pressed(ride);

	if (what < 0)
		return false;
	*key = deciding[what].key;
	*how = ride->call->acked ? BY_DIALPLAN : BY_KEY;
	return true;
}

enum call_result ack_result(const struct ride *ride)
{
	int what = pressed(ride);

	return what < 0 ? CALL_NO_RESULT : deciding[what].result;
}

void ack_again(struct ride *ride)
{
	int what = pressed(ride);

	if (what >= 0)
		decide(ride, what, ride->call->acked ? BY_DIALPLAN : BY_KEY);
}

int ack_callback(struct call *call)
{
	/* one without a page may still be taken by one */
	bool over = call->callee ? !call->open : !call->word;

	if (!call->acked)
		call_record(call, "call.callback", over ? "it came after the decision" : NULL,
			    NULL, "%s acknowledged through the PBX's dialplan", call_whom(call));
	call->acked = true;
	if (over)
		return -EALREADY;
	if (call->callee)
		decide_all(call, deciding_find("acknowledge"), BY_DIALPLAN);
	else
		recover_alive(call, true); /* who takes it will see */
	return 0;
}

void call_confirm(struct caller *caller, const char *call_id, const char *alert_id,
		  const char *prompt)
{
	struct call *call = caller_find(caller, call_id);
	struct ride *ride = call ? ride_find(call, alert_id) : NULL;

	if (!call)
		inbound_confirm(caller->inbound, call_id, prompt);
	if (!ride || !ride->busy)
		return;
	ride->busy = false;
	call->busy--;
	if (call->busy || call->state != CALL_ANSWERED || call->hung_up)
		return;
	if (call->bundle.on)
		bundle_confirm(ride, prompt);
	else
		play_say(call, prompt, true);
}
