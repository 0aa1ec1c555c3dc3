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
};

static bool decide(struct call *call, const char *action)
{
	for (size_t i = 0; i < sizeof(deciding) / sizeof(*deciding); i++) {
		if (strcmp(deciding[i].action, action) != 0)
			continue;
		if (!call->hung_up)
			play_stop(call);
		/* already now, in case they hang up before the commit is done: the key counts */
		call->result = deciding[i].result;
		call->key_busy = true;
		call->page->events->key(call->page->arg, call->page, call->id, deciding[i].key);
		return true;
	}
	return false;
}

void ack_key(struct call *call, char key)
{
	const char *action = ack_action(call->caller->deps.config, key);
	/* a result before the end: a key has decided. The goodbye is no decision */
	bool over = call->result || !call->page || call->page->stopped;

	tc_buf_add(&call->keys, &key, 1);
	call_record(call, "call.key", over ? "it came after the decision" : NULL, NULL,
		    "%s pressed %c%s%s", call_whom(call), key, action ? ": " : "",
		    action ? action : "");
	if (over || (action && decide(call, action)) || call->hung_up)
		return;
	if (!action)
		play_say(call, "unknown_key", false);
	else
		play_message(call);
}

void call_confirm(struct caller *caller, const char *call_id, const char *prompt)
{
	struct call *call = caller_find(caller, call_id);

	if (!call)
		inbound_confirm(caller->inbound, call_id, prompt);
	if (!call || !call->key_busy)
		return;
	call->key_busy = false;
	if (call->state == CALL_ANSWERED && !call->hung_up)
		play_say(call, prompt, true);
}
