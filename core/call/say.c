/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said to who calls, in his words and those of an alert. What is said when is menu.c's and
 * identify.c's; the lists are speak.c's.
 */
#include "call/menu.h"

#define FAREWELL_MS 300 /* what was sent last is still on its way when we hang up */

static void failed(void *arg)
{
	incoming_hang_up(arg);
}

void say_init(struct incoming *call)
{
	call->speaker = (struct speaker){.caller = call->inbound->caller,
					 .call_id = call->id,
					 .trunk = call->trunk,
					 .hung_up = &call->hung_up,
					 .failed = failed,
					 .arg = call};
}

void say_begin(struct incoming *call)
{
	speaker_begin(&call->speaker);
}

void say_fini(struct incoming *call)
{
	speaker_fini(&call->speaker);
}

static struct speak_words words_of(const struct incoming *call, const struct menu_alert *alert)
{
	return (struct speak_words){
		.values = alert ? alert->values : call->values,
		.language = alert && alert->language ? alert->language : call->language,
		.voice = alert && alert->voice ? alert->voice : call->voice};
}

void say_text(struct incoming *call, const char *template, const struct menu_alert *alert)
{
	struct speak_words words = words_of(call, alert);

	speaker_text(&call->speaker, template, &words);
}

void say_silence(struct incoming *call, int64_t ms)
{
	speaker_silence(&call->speaker, ms);
}

static void played(void *arg)
{
	struct incoming *call = arg;

	call->then(call);
}

void say_play(struct incoming *call, void (*then)(struct incoming *call))
{
	call->then = then;
	speaker_play(&call->speaker, played);
}

void say_farewell(struct incoming *call)
{
	call->state = IN_LEAVING;
	say_silence(call, FAREWELL_MS);
	say_play(call, incoming_hang_up);
}

void say_again(struct incoming *call)
{
	speaker_again(&call->speaker);
}

void say_stop(struct incoming *call)
{
	speaker_stop(&call->speaker);
}

void say_played(struct incoming *call, const struct tc_pbx_event *event)
{
	const struct speaker *s = &call->speaker;

	if (event->play_id == s->play_id && s->sent && s->n && !event->item && event->whole)
		menu_heard(call);
	speaker_played(&call->speaker, event);
}

void say_ahead(struct incoming *call, const char *template, const struct menu_alert *alert)
{
	struct speak_words words = words_of(call, alert);

	speaker_ahead(&call->speaker, template, &words);
}
