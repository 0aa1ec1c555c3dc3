/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PIN of a person who is called: asked for after the first key that decides, which counts once
 * it is right. Then the rest of the call needs none.
 */
#include "oncall/pin.h"

#include "call/call.h"

#define GAP_MS 300
#define DEAF_US (3 * 1000 * 1000) /* for what is keyed after it was asked for */

static void try_it(struct call *call);
static void take(struct call *call, char key);

static void timed_out(void *arg)
{
	try_it(arg);
}

bool pin_needed(const struct call *call)
{
	return call->callee && call->callee->pin && !call->pin.ok && !call->dialplan &&
	       !call->released;
}

static void forget(struct call *call)
{
	keying_forget(&call->pin.keying);
	loop_timer_stop(&call->pin.timer);
}

void pin_init(struct call *call)
{
	loop_timer_init(&call->pin.timer, call->caller->deps.loop, timed_out, call);
}

/* What is still keyed of it is for nobody. */
static void be_deaf(struct call *call)
{
	call->pin.deaf_us = loop_now_us(call->caller->deps.loop) + DEAF_US;
}

void pin_drop(struct call *call)
{
	if (call->pin.asking)
		be_deaf(call);
	forget(call);
	call->pin.asking = false;
}

bool pin_takes(struct call *call, char key)
{
	int64_t now_us = loop_now_us(call->caller->deps.loop);

	if (key == '#' && now_us < call->pin.hash_us) { /* the end of one that was right already */
		call->pin.hash_us = 0;
		return true;
	}
	if (call->pin.asking) {
		take(call, key);
		return true;
	}
	if (!call->pin.locked && now_us >= call->pin.deaf_us)
		return false;
	be_deaf(call);
	if (key == '#')
		call->pin.deaf_us = 0;
	return true;
}

static void wait_for_key(void *arg)
{
	struct call *call = arg;

	loop_timer_start_us(&call->pin.timer, call->caller->deps.config->pin_timeout * 1000);
}

static void say(struct call *call, const char *template)
{
	const struct page *page = call->pin.ride->page;
	const struct speak_words words = {.values = page ? page->values : NULL,
					  .language = page ? page->language : NULL,
					  .voice = page ? page->voice : NULL};

	speaker_text(&call->speaker, template, &words);
}

static void ask(struct call *call, bool again)
{
	const struct config_prompts *p = call->caller->deps.prompts;

	forget(call);
	speaker_begin(&call->speaker);
	if (again)
		say(call, p->wrong_pin);
	say(call, p->pin);
	speaker_play(&call->speaker, wait_for_key);
}

void pin_ask(struct ride *ride, int what, char key)
{
	struct call *call = ride->call;

	play_stop(call);
	call->pin.asking = true;
	call->pin.ride = ride;
	call->pin.what = what;
	call->pin.key = key;
	ask(call, false);
}

static void hang_up(void *arg)
{
	call_hang_up(arg);
}

static void lock(struct call *call)
{
	call->pin.asking = false;
	call->pin.locked = true;
	call->finishing = true;
	call->pin.ride->heard = true; /* who keys has heard it; it does not count */
	speaker_begin(&call->speaker);
	say(call, call->caller->deps.prompts->locked);
	speaker_silence(&call->speaker, GAP_MS);
	speaker_play(&call->speaker, hang_up);
}

static void wrong(struct call *call, bool keyed)
{
	const int64_t most = call->caller->deps.config->pin_tries;

	call->pin.keying.tries++;
	call_event(call, call->pin.ride->alert_id, "call.pin",
		   keyed ? "the PIN is wrong" : "no PIN was keyed",
		   "%s is asked for the PIN: try %lld of %lld%s", call_whom(call),
		   (long long)call->pin.keying.tries, (long long)most,
		   call->pin.keying.tries < most ? "" : ", locked");
	call_record(call, NULL, NULL, NULL, "%s", "");
	if (call->pin.keying.tries < most)
		ask(call, true);
	else
		lock(call);
}

/* The digits are complete, or no more came. */
static void try_it(struct call *call)
{
	const struct callee *callee = call->callee;
	bool keyed = call->pin.keying.n > 0;
	bool right = keyed && callee && callee->pin &&
		     pin_matches(callee->pin, call->pin.keying.digits);

	if (keyed)
		tc_buf_puts(&call->keys, "****");
	forget(call);
	if (!right) {
		wrong(call, keyed);
		return;
	}
	call->pin.ok = true;
	call->pin.asking = false;
	call_event(call, call->pin.ride->alert_id, "call.pin", NULL, "%s keyed the right PIN",
		   call_whom(call));
	ack_counts(call->pin.ride, call->pin.what, call->pin.key);
}

/* It ends with the hash, or as soon as it is right. */
static void take(struct call *call, char key)
{
	struct keying *k = &call->pin.keying;
	const char *pin = call->callee ? call->callee->pin : NULL;

	speaker_stop(&call->speaker); /* who keys has heard enough */
	if (keying_key(k, key)) {
		try_it(call);
	} else if (pin && k->n >= PIN_MIN && pin_matches(pin, k->digits)) {
		call->pin.hash_us = loop_now_us(call->caller->deps.loop) + DEAF_US;
		try_it(call);
	} else {
		wait_for_key(call);
	}
}
