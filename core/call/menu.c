/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The menu: the alerts that concern who calls, one after the other, and the keys that decide on
 * them. Which alerts these are, and what becomes of a decision, is the alert layer's.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "call/menu.h"

#define TAIL_MS 5000 /* after the last menu: time to find the key */
#define GAP_MS  300  /* behind a confirmation */

static const struct config_inbound_prompts *prompts(const struct incoming *call)
{
	return &call->inbound->caller->deps.prompts->inbound;
}

static struct menu_alert *current(struct incoming *call)
{
	return call->at < call->n ? &call->alerts[call->at] : NULL;
}

static bool is(const struct menu_alert *alert, const char *state)
{
	return !strcmp(alert->state, state);
}

/* ---- beginning ---- */

static void ask_for(struct incoming *call, const char *const *numbers, size_t n)
{
	const struct inbound *in = call->inbound;
	const struct config_inbound *config = incoming_config(call);
	struct inbound_whose whose = {
		.numbers = numbers,
		.n = n,
		.country = directory_country(in->caller->deps.directory),
		.since_us = loop_wall_us(in->caller->deps.loop) - config->recent * 1000,
		.limit = (int)config->max_alerts,
	};

	in->ops->list(in->arg, call->id, &whose);
}

static void ask_for_number(struct incoming *call)
{
	const char *number = call->plain;

	ask_for(call, &number, 1);
}

void menu_look(struct incoming *call)
{
	call->state = IN_LOOKING;
	ask_for_number(call);
}

static void become(struct incoming *call, const struct contact *contact)
{
	call->known = true;
	call->contact = contact != NULL;
	free(call->name);
	call->name = tc_strdup(contact ? contact->name : call->number);
	free(call->language);
	free(call->voice);
	call->language = tc_strdup(contact ? contact->language : NULL);
	call->voice = tc_strdup(contact ? contact->voice : NULL);
	json_object_set_new(call->values, "name", json_string(call->name));
}

void menu_open(struct incoming *call, const struct contact *contact)
{
	const char **numbers;

	become(call, contact);
	call->state = IN_LISTING;
	if (!contact) {
		ask_for_number(call);
		return;
	}
	numbers = tc_calloc(contact->n + 1, sizeof(*numbers));
	for (size_t i = 0; i < contact->n; i++)
		numbers[i] = contact->numbers[i].plain;
	ask_for(call, numbers, contact->n);
	free(numbers);
}

/* ---- what there is ---- */

void menu_fini(struct incoming *call)
{
	for (size_t i = 0; i < call->n; i++) {
		free(call->alerts[i].state);
		free(call->alerts[i].language);
		free(call->alerts[i].voice);
		json_decref(call->alerts[i].values);
	}
	free(call->alerts);
	call->alerts = NULL;
	call->n = call->at = 0;
}

static void take(struct incoming *call, const struct inbound_found *found)
{
	call->alerts = tc_calloc(found->n + 1, sizeof(*call->alerts));
	call->more = found->more;
	json_object_set_new(call->values, "count", json_integer((json_int_t)found->open));
	for (size_t i = 0; i < found->n; i++) {
		const struct inbound_alert *told = &found->alerts[i];
		struct menu_alert *a = &call->alerts[call->n++];

		tc_strcopy(a->id, sizeof(a->id), told->id);
		a->state = tc_strdup(told->state);
		a->language = tc_strdup(told->language);
		a->voice = tc_strdup(told->voice);
		a->values = json_copy(call->values);
		json_object_update_new(a->values,
				       json_pack("{s:s, s:s, s:s, s:I, s:O?}", "message",
						 told->message, "severity", told->severity, "state",
						 told->state, "index", (json_int_t)i + 1, "labels",
						 told->labels));
	}
}

static void next(struct incoming *call);

static const char *text_of(const struct incoming *call, const struct menu_alert *alert)
{
	return is(alert, "acknowledged") ? prompts(call)->acknowledged_alert
					 : prompts(call)->alert;
}

static void leave(struct incoming *call)
{
	say_begin(call);
	say_text(call, call->more ? prompts(call)->more : prompts(call)->end, NULL);
	say_farewell(call);
}

static void say_alert(struct incoming *call, const char *first);

static void begin(struct incoming *call)
{
	if (current(call))
		say_alert(call, NULL);
	else
		leave(call);
}

/* How many there are; the first one is being rendered meanwhile. */
static void say_count(struct incoming *call)
{
	const struct config_inbound_prompts *p = prompts(call);
	json_int_t n = json_integer_value(json_object_get(call->values, "count"));

	say_begin(call);
	if (!call->greeted)
		say_text(call, p->welcome, NULL);
	call->greeted = true;
	say_text(call, n > 1 ? p->count : n ? p->one : p->none, NULL);
	if (current(call)) {
		call->state = IN_GREETING;
		say_play(call, begin);
		say_ahead(call, text_of(call, current(call)), current(call));
	} else {
		say_text(call, call->inbound->caller->deps.prompts->goodbye, NULL);
		say_farewell(call);
	}
}

static void say_failed(struct incoming *call)
{
	call->excused = true;
	say_begin(call);
	say_text(call, prompts(call)->failed, NULL);
	say_farewell(call);
}

void menu_listed(struct incoming *call, const struct inbound_found *found)
{
	bool looking = call->state == IN_LOOKING;

	if (!looking && call->state != IN_LISTING)
		return;
	if (!found) {
		say_failed(call);
		return;
	}
	if (looking && !found->open) { /* what is decided makes nobody known */
		identify_by_pin(call);
		return;
	}
	if (looking)
		become(call, NULL);
	take(call, found);
	say_count(call);
}

/* ---- one after the other ---- */

static const char *menu_of(const struct incoming *call, const struct menu_alert *alert)
{
	const struct config_inbound_prompts *p = prompts(call);

	return is(alert, "acknowledged") ? p->acknowledged_menu
	       : is(alert, "exhausted")  ? p->exhausted_menu
					 : p->menu;
}

/* first: what is said before it, or NULL */
static void say_alert(struct incoming *call, const char *first)
{
	const struct caller_deps *deps = &call->inbound->caller->deps;
	struct menu_alert *alert = current(call);

	call->state = IN_ALERT;
	say_begin(call);
	if (first)
		say_text(call, first, NULL);
	for (int64_t i = 0; i < deps->config->repeat_message; i++) {
		if (i)
			say_silence(call, deps->prompts->pause);
		say_text(call, text_of(call, alert), alert);
		say_text(call, menu_of(call, alert), alert);
	}
	say_silence(call, TAIL_MS);
	say_play(call, next);
}

static void next(struct incoming *call)
{
	call->at++;
	begin(call);
}

void menu_heard(struct incoming *call)
{
	struct menu_alert *alert = current(call);
	char who[200];

	if (call->state != IN_ALERT || !alert || alert->heard)
		return;
	alert->heard = true;
	incoming_note(call, "inbound.heard", alert->id, NULL, "%s called, and heard the alert",
		      incoming_who(call, who));
}

/* ---- keys ---- */

static const struct {
	const char *action, *what;
	enum page_key key;
	const char *states; /* of the alerts on which it can be decided so */
} deciding[] = {
	{"acknowledge", "inbound.acknowledged", PAGE_KEY_ACKNOWLEDGE, "open exhausted"},
	{"escalate", "inbound.escalated", PAGE_KEY_ESCALATE, "open"},
	{"resolve", "inbound.resolved", PAGE_KEY_RESOLVE, "open exhausted acknowledged"},
	{"silence", "inbound.silenced", PAGE_KEY_SILENCE, "open exhausted"},
};

/* result: false when the action does not decide, or not on this alert */
static bool decide(struct incoming *call, const char *action, char key)
{
	const struct inbound *in = call->inbound;
	struct menu_alert *alert = current(call);
	char who[200];

	for (size_t i = 0; i < sizeof(deciding) / sizeof(*deciding); i++) {
		if (strcmp(deciding[i].action, action) != 0 ||
		    !strstr(deciding[i].states, alert->state))
			continue;
		call->state = IN_DECIDING;
		call->decided++;
		say_stop(call);
		incoming_note(call, deciding[i].what, alert->id, NULL, "%s pressed %c: %s",
			      incoming_who(call, who), key, action);
		in->ops->key(in->arg, call->id, alert->id, deciding[i].key, call->name);
		return true;
	}
	return false;
}

/*
 * On an alert that was not begun to be told nobody decides: the key was meant for the one before.
 * Unless there is but one.
 */
static bool is_meant(const struct incoming *call)
{
	return call->n == 1 || (call->state == IN_ALERT && call->speaker.sent);
}

void menu_key(struct incoming *call, char key)
{
	const char *action = ack_action(call->inbound->caller->deps.config, key);

	if (call->state == IN_DECIDED && key == '#' && !action) {
		say_stop(call);
		next(call);
		return;
	}
	if ((call->state != IN_GREETING && call->state != IN_ALERT) || !current(call))
		return;
	if (key == '#' && !action) {
		say_stop(call);
		if (call->state == IN_GREETING)
			begin(call);
		else
			next(call);
	} else if (is_meant(call) && !(action && decide(call, action, key))) {
		say_stop(call);
		say_alert(call, action && !strcmp(action, "repeat")
					? NULL
					: call->inbound->caller->deps.prompts->unknown_key);
	}
}

void menu_confirm(struct incoming *call, const char *prompt)
{
	const struct config_prompts *p = call->inbound->caller->deps.prompts;
	const struct {
		const char *name, *text;
	} all[] = {
		{"acknowledged", p->acknowledged},
		{"escalated", p->escalated},
		{"resolved", p->resolved},
	};
	const char *text = p->inbound.over;

	if (call->state != IN_DECIDING)
		return;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(all[i].name, prompt))
			text = all[i].text;
	call->state = IN_DECIDED;
	say_begin(call);
	say_text(call, text, current(call));
	say_silence(call, GAP_MS);
	say_play(call, next);
}
