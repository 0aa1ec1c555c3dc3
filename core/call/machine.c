/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that an answering machine seems to have taken: the message is left behind its beep, once. A
 * hint only: whoever presses a key is somebody.
 */
#include <tocsin/log.h>

#include "call/call.h"

#define BEEP_MS 30000 /* from the answer: then we speak without one */
#define GAP_MS  1000  /* what was sent last is still on its way when we hang up */
#define TOLD_MAX 5    /* alerts that a machine is told */

static void hang_up(void *arg)
{
	call_hang_up(arg);
}

static void say(struct call *call, const struct page *page, const char *text)
{
	const struct speak_words words = {.language = page->language, .voice = page->voice};

	speaker_text(&call->speaker, text, &words);
}

/* Once, behind the beep. */
static void leave_message(struct call *call)
{
	unsigned told = 0;
	struct ride *ride;

	loop_timer_stop(&call->machine_beep);
	if (call->state != CALL_ANSWERED || call->hung_up || call->busy || !call->open ||
	    call->finishing || call->pin.asking)
		return;
	speaker_begin(&call->speaker);
	call->finishing = true;
	if (call->open == 1)
		say(call, rides_first(call)->page,
		    rides_first(call)->page->text[PROMPT_GREETING]);
	else
		bundle_greet(call);
	TAILQ_FOREACH(ride, &call->rides, link)
		if (ride->open && told++ < TOLD_MAX)
			say(call, ride->page, ride->page->text[PROMPT_MESSAGE]);
	speaker_silence(&call->speaker, GAP_MS);
	speaker_play(&call->speaker, hang_up);
}

static void no_beep(void *arg)
{
	leave_message(arg);
}

void machine_found(struct call *call, const struct tc_pbx_event *event)
{
	int64_t left_us = call->answered_us + BEEP_MS * INT64_C(1000) -
			  loop_wall_us(call->caller->deps.loop);

	if (call->state != CALL_ANSWERED || call->machine || call->finishing || call->busy ||
	    !call->open || call->dialplan || call->released || call->pin.asking)
		return;
	call->machine = true;
	call_record(call, "call.machine", event->text[0] ? event->text : NULL, NULL,
		    "a machine seems to have answered the call to %s", call_whom(call));
	if (!call->hung_up)
		play_stop(call);
	if (!call->machine_beep.fn)
		loop_timer_init(&call->machine_beep, call->caller->deps.loop, no_beep, call);
	loop_timer_start_us(&call->machine_beep, left_us > 0 ? left_us : 0);
}

void machine_beep(struct call *call, const struct tc_pbx_event *event)
{
	(void)event;
	if (call->machine)
		leave_message(call);
}

void machine_not(struct call *call)
{
	if (!call->machine)
		return;
	call->machine = false;
	loop_timer_stop(&call->machine_beep);
	call->finishing = false;
}
