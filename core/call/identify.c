/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who calls: by his number, which may be forged, and by his PIN, if he has one. What he hears then
 * is menu.c's.
 */
#include <string.h>

#include <tocsin/log.h>

#include "call/menu.h"

static const struct config_inbound_prompts *prompts(const struct incoming *call)
{
	return &call->inbound->caller->deps.prompts->inbound;
}

static const struct directory *directory(const struct incoming *call)
{
	return call->inbound->caller->deps.directory;
}

static void greet(struct incoming *call)
{
	if (!call->greeted)
		say_text(call, prompts(call)->welcome, NULL);
	call->greeted = true;
}

/* ---- nobody ---- */

/* wrong: a PIN was, that comes first */
static void tell_unknown(struct incoming *call, bool wrong)
{
	char who[200];

	incoming_note(call, "inbound.unknown", NULL,
		      wrong ? "no PIN that is known was keyed" : "the number is not known",
		      "%s is not known, and was told so", incoming_who(call, who));
	say_begin(call);
	greet(call);
	if (wrong)
		say_text(call, prompts(call)->wrong_pin, NULL);
	say_text(call, prompts(call)->unknown, NULL);
	say_farewell(call);
}

/* ---- PINs ---- */

static void wait_for_key(struct incoming *call)
{
	loop_timer_start_us(&call->pin, incoming_config(call)->pin_timeout * 1000);
}

static void ask_pin(struct incoming *call, bool wrong)
{
	call->state = IN_PIN;
	keying_forget(&call->keying);
	say_begin(call);
	greet(call);
	if (wrong)
		say_text(call, prompts(call)->wrong_pin, NULL);
	say_text(call, prompts(call)->pin, NULL);
	say_play(call, wait_for_key);
}

static bool has_number(const struct contact *contact, const char *plain)
{
	for (size_t i = 0; i < contact->n; i++)
		if (!strcmp(contact->numbers[i].plain, plain))
			return true;
	return false;
}

static const struct contact *who_has(const struct incoming *call)
{
	const struct contact *found = directory_find_pin(directory(call), call->keying.digits);

	if (found && !incoming_config(call)->pin_from_anywhere && !has_number(found, call->plain))
		return NULL;
	return found;
}

/* The digits are complete, or no more came. */
static void try_pin(struct incoming *call)
{
	const struct contact *found = who_has(call);
	char who[200];

	loop_timer_stop(&call->pin);
	if (found) {
		keying_forget(&call->keying);
		menu_open(call, found);
		return;
	}
	call->keying.tries++;
	incoming_note(call, "inbound.wrong_pin", NULL,
		      call->keying.n ? "the PIN is not known" : "no PIN was keyed",
		      "%s: try %lld of %lld", incoming_who(call, who),
		      (long long)call->keying.tries,
		      (long long)incoming_config(call)->pin_tries);
	if (call->keying.tries < incoming_config(call)->pin_tries)
		ask_pin(call, call->keying.n > 0);
	else
		tell_unknown(call, call->keying.n > 0);
}

void identify_key(struct incoming *call, char key)
{
	say_stop(call); /* who keys has heard enough */
	if (keying_key(&call->keying, key))
		try_pin(call);
	else
		wait_for_key(call);
}

static void timed_out(void *arg)
{
	try_pin(arg);
}

/* ---- who is it? ---- */

void identify_by_pin(struct incoming *call)
{
	if (incoming_config(call)->pin_from_anywhere && directory_has_pins(directory(call)))
		ask_pin(call, false);
	else
		tell_unknown(call, false);
}

/* The number is that of contacts, n of them enabled; one: the last of these. */
static void by_number(struct incoming *call, const struct contact *one, size_t n, bool pin)
{
	if (!n)
		identify_by_pin(call); /* he is not to act any more; another one may call from his
					  telephone */
	else if (pin)
		ask_pin(call, false);
	else
		menu_open(call, n == 1 ? one : NULL); /* a telephone of several */
}

void identify(struct incoming *call)
{
	const struct contact *c = NULL, *one = NULL;
	bool somebody = false, pin = false;
	size_t n = 0;

	loop_timer_init(&call->pin, call->inbound->caller->deps.loop, timed_out, call);
	while ((c = directory_find_number(directory(call), call->number, c))) {
		somebody = true;
		if (!c->enabled)
			continue;
		one = c;
		n++;
		pin = pin || c->pin;
	}
	if (somebody)
		by_number(call, one, n, pin);
	else if (call->plain[0] && incoming_config(call)->known_numbers)
		menu_look(call);
	else
		identify_by_pin(call);
}
