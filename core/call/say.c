/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said to who calls: lists of texts, rendered and then played. What is said when is
 * menu.c's and identify.c's.
 */
#include <stdlib.h>

#include <tocsin/log.h>

#include "call/menu.h"

#define FAREWELL_MS 300 /* what was sent last is still on its way when we hang up */
#define NOTHING_MS 20   /* an empty list is one with silence: its end comes as every other's */

static void drop_items(struct incoming *call)
{
	for (unsigned i = 0; i < call->n_items; i++) {
		if (call->items[i].want)
			speech_cancel(call->items[i].want);
		tc_clip_unref(call->items[i].clip);
		call->items[i] = (struct say_item){.call = call};
	}
	call->n_items = call->wanted = 0;
	call->then = NULL;
}

void say_begin(struct incoming *call)
{
	drop_items(call);
	call->sent = false;
	call->play_id++; /* what still comes of the one before means nothing */
}

void say_fini(struct incoming *call)
{
	drop_items(call);
}

static void send_list(struct incoming *call)
{
	struct tc_pbx_item items[SAY_MAX];
	int err;

	for (unsigned i = 0; i < call->n_items; i++)
		items[i] = (struct tc_pbx_item){.clip = call->items[i].clip,
						.silence_ms = call->items[i].silence_ms};
	call->sent = true;
	err = trunk_play(call->trunk, call->id, ++call->play_id, items, call->n_items);
	if (!err)
		return;
	tc_log(NULL, TC_LOG_ERROR, "call %s: the trunk does not play, hanging up: %s", call->id,
	       tc_strerror(err));
	incoming_hang_up(call);
}

static void rendered(void *arg, int err, struct tc_clip *clip, const char *text)
{
	struct say_item *item = arg;
	struct incoming *call = item->call;

	item->want = NULL;
	item->clip = clip;
	if (err) {
		tc_log(NULL, TC_LOG_ERROR, "call %s: a prompt cannot be spoken: %s", call->id,
		       text ? text : tc_strerror(err));
		item->clip = play_chime();
	}
	call->wanted--;
	if (!call->wanted && call->then && !call->hung_up)
		send_list(call);
}

static struct say_item *add(struct incoming *call)
{
	struct say_item *item = &call->items[call->n_items++];

	item->call = call;
	return item;
}

static struct speech_want *render(const struct incoming *call, const char *template,
				  const struct menu_alert *alert, speech_done_fn done, void *arg)
{
	struct caller *caller = call->inbound->caller;
	char *said = page_prompt(alert ? alert->values : call->values, template);
	struct speech_text text = {
		.text = said,
		.language = alert && alert->language ? alert->language : call->language,
		.voice = alert && alert->voice ? alert->voice : call->voice,
		.any_voice = true};
	struct speech_want *want = NULL;

	if (*said)
		want = speech_render(caller->deps.speech, &text, done, arg);
	free(said);
	return want;
}

void say_text(struct incoming *call, const char *template, const struct menu_alert *alert)
{
	struct say_item *item;

	if (call->n_items == SAY_MAX)
		return;
	item = add(call);
	item->want = render(call, template, alert, rendered, item);
	if (item->want)
		call->wanted++;
	else
		call->n_items--;
}

void say_silence(struct incoming *call, int64_t ms)
{
	if (ms > 0 && call->n_items < SAY_MAX)
		add(call)->silence_ms = (uint32_t)ms;
}

void say_play(struct incoming *call, void (*then)(struct incoming *call))
{
	if (!call->n_items)
		say_silence(call, NOTHING_MS);
	call->then = then;
	if (!call->wanted)
		send_list(call);
}

void say_farewell(struct incoming *call)
{
	call->state = IN_LEAVING;
	say_silence(call, FAREWELL_MS);
	say_play(call, incoming_hang_up);
}

void say_again(struct incoming *call)
{
	if (call->sent && call->n_items && !call->hung_up)
		send_list(call);
}

void say_stop(struct incoming *call)
{
	bool playing = call->sent && call->n_items;

	say_begin(call);
	if (playing && !call->hung_up)
		trunk_play(call->trunk, call->id, call->play_id, NULL, 0);
}

void say_played(struct incoming *call, const struct tc_pbx_event *event)
{
	void (*then)(struct incoming *call) = call->then;

	if (event->play_id != call->play_id || !call->sent || !call->n_items)
		return;
	if (!event->item && event->whole)
		menu_heard(call);
	if (event->item + 1 < call->n_items)
		return;
	say_begin(call);
	then(call);
}

/* ---- ahead ---- */

static void forget(void *arg, int err, struct tc_clip *clip, const char *text)
{
	(void)arg;
	(void)err; /* told when it is to be said */
	(void)text;
	tc_clip_unref(clip);
}

void say_ahead(struct incoming *call, const char *template, const struct menu_alert *alert)
{
	render(call, template, alert, forget, NULL);
}
