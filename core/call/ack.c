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

static void decide(struct call *call, int what, const char *how)
{
	if (!call->hung_up)
		play_stop(call);
	/* already now, in case they hang up before the commit is done: the key counts */
	call->result = deciding[what].result;
	call->key_busy = true;
	call->page->events->key(call->page->arg, call->page, call->id, deciding[what].key, how);
}

void ack_key(struct call *call, char key)
{
	const char *action = ack_action(call->caller->deps.config, key);
	/* a result before the end: a key has decided. The goodbye is no decision */
	bool over = call->result || !call->page || call->page->stopped;

	tc_buf_add(&call->keys, &key, 1);
	if (deciding_find(action) >= 0)
		tc_buf_add(&call->pressed, &key, 1);
	call_record(call, "call.key", over ? "it came after the decision" : NULL, NULL,
		    "%s pressed %c%s%s", call_whom(call), key, action ? ": " : "",
		    action ? action : "");
	if (over)
		return;
	if (deciding_find(action) >= 0)
		decide(call, deciding_find(action), BY_KEY);
	else if (call->hung_up)
		return;
	else if (action)
		play_message(call);
	else if (!call->dialplan)
		play_say(call, "unknown_key", false);
}

/* What the earlier process perhaps could not decide any more; -1 = nothing. */
static int pressed(const struct call *call)
{
	int what = -1;

	if (call->acked)
		return deciding_find("acknowledge");
	for (const char *key = call->pressed.data; *key && what < 0; key++)
		what = deciding_find(ack_action(call->caller->deps.config, *key));
	return what;
}

bool ack_pressed(const struct call *call, enum page_key *key, const char **how)
{
	int what = pressed(call);

	if (what < 0)
		return false;
	*key = deciding[what].key;
	*how = call->acked ? BY_DIALPLAN : BY_KEY;
	return true;
}

enum call_result ack_result(const struct call *call)
{
	int what = pressed(call);

	return what < 0 ? CALL_NO_RESULT : deciding[what].result;
}

void ack_again(struct call *call)
{
	int what = pressed(call);

	if (what >= 0)
		decide(call, what, call->acked ? BY_DIALPLAN : BY_KEY);
}

int ack_callback(struct call *call)
{
	/* one without a page may still be taken by one */
	bool over = call->result || (call->page ? call->page->stopped : !call->word);

	if (!call->acked)
		call_record(call, "call.callback", over ? "it came after the decision" : NULL,
			    NULL, "%s acknowledged through the PBX's dialplan", call_whom(call));
	call->acked = true;
	if (over)
		return -EALREADY;
	if (call->page)
		decide(call, deciding_find("acknowledge"), BY_DIALPLAN);
	else
		recover_alive(call, true); /* who takes it will see */
	return 0;
}

void call_confirm(struct caller *caller, const char *call_id, const char *alert_id,
		  const char *prompt)
{
	struct call *call = caller_find(caller, call_id);

	if (!call)
		inbound_confirm(caller->inbound, call_id, prompt);
	if (!call || !call->key_busy || strcmp(call->alert_id, alert_id) != 0)
		return;
	call->key_busy = false;
	if (call->state == CALL_ANSWERED && !call->hung_up)
		play_say(call, prompt, true);
}
