/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call that tells several alerts: one after the other, the worst first, and what keys do in
 * between. What a key decides is ack.c's affair. Only the next few texts are rendered.
 */
#include <string.h>

#include "call/call.h"
#include "call/severity.h"

#define CHANGE_MS 200    /* alerts that come in while the telephone rings: the list is made anew */
#define TAIL_MS 5000     /* behind the menu: time to find the key */
#define KEY_MS 2000      /* behind any other alert */
#define GAP_MS 300       /* behind a confirmation */
#define DIALPLAN_MAX 20  /* alerts that are told through a PBX's own dialplan */

static const struct config_bundle_prompts *prompts(const struct call *call)
{
	return &call->caller->deps.prompts->bundle;
}

/* ---- words ---- */

static void say_of_ride(struct call *call, const struct ride *ride, const char *template)
{
	const struct page *page = ride->page;
	json_t *values = page ? json_copy(page->values) : json_object();
	struct speak_words words = {.values = values,
				    .language = page ? page->language : NULL,
				    .voice = page ? page->voice : NULL};

	json_object_set_new(values, "index", json_integer(ride->index));
	speaker_text(&call->speaker, template, &words);
	json_decref(values);
}

static void ahead(struct call *call, struct ride *ride)
{
	json_t *values = json_copy(ride->page->values);
	struct speak_words words = {.values = values,
				    .language = ride->page->language,
				    .voice = ride->page->voice};

	json_object_set_new(values, "index",
			    json_integer(ride->index ? ride->index : call->bundle.told + 1));
	speaker_ahead(&call->speaker, prompts(call)->alert, &words);
	json_decref(values);
}

static void say_of_all(struct call *call, const char *template, unsigned count)
{
	struct speak_words words = {.values = NULL};
	const struct ride *ride;
	unsigned critical = 0;
	json_t *values;

	TAILQ_FOREACH(ride, &call->rides, link)
		critical += ride->open && ride->page->rank <= SEVERITY_CRITICAL;
	values = json_pack("{s:i, s:i}", "count", (int)count, "critical", (int)critical);
	words.values = values;
	speaker_text(&call->speaker, template, &words);
	json_decref(values);
}

/* ---- one after the other ---- */

static bool before(const struct ride *a, const struct ride *b)
{
	if (a->page->rank != b->page->rank)
		return a->page->rank < b->page->rank;
	return strcmp(a->alert_id, b->alert_id) < 0; /* ids begin with the time */
}

/* The worst of those that were not told in this round, then the oldest. */
static struct ride *pick(const struct call *call, const struct ride *but)
{
	struct ride *ride, *found = NULL;

	TAILQ_FOREACH(ride, &call->rides, link)
		if (ride != but && ride->open && ride->rounds <= call->bundle.round &&
		    (!found || before(ride, found)))
			found = ride;
	return found;
}

static void tell_next(void *arg);

/* The list has come to its end. */
static void told(void *arg)
{
	struct call *call = arg;
	struct ride *ride = call->bundle.next;

	if (ride->rounds <= call->bundle.round)
		ride->rounds = call->bundle.round + 1;
	tell_next(call);
}

/* Keys decide on it from now on. */
static void turn_to(struct call *call, struct ride *ride)
{
	if (call->bundle.at != ride)
		call->acked_us = 0;
	call->bundle.at = ride;
}

/* Behind what is in the list already. */
static void tell(struct call *call, struct ride *ride, bool menu)
{
	struct bundle *b = &call->bundle;
	struct ride *next;

	if (!ride->index)
		ride->index = ++b->told;
	b->next = ride;
	b->text_item = call->speaker.n;
	if (!b->text_item)
		turn_to(call, ride);
	say_of_ride(call, ride, prompts(call)->alert);
	if (menu)
		say_of_all(call, prompts(call)->menu, call->open);
	b->menu = menu;
	speaker_silence(&call->speaker, menu ? TAIL_MS : KEY_MS);
	speaker_play(&call->speaker, told);
	next = pick(call, ride);
	if (next)
		ahead(call, next);
}

void bundle_greet(struct call *call)
{
	say_of_all(call, prompts(call)->greeting, call->open);
}

static void greet(struct call *call)
{
	speaker_begin(&call->speaker);
	if (!call->greeted)
		bundle_greet(call);
	else if (call->bundle.at && (call->bundle.menu_said || !call->bundle.round))
		say_of_all(call, prompts(call)->next, call->open);
	call->greeted = true;
}

static void tell_next(void *arg)
{
	struct call *call = arg;
	struct bundle *b = &call->bundle;
	struct ride *ride = pick(call, NULL);

	if (ride) {
		greet(call);
		tell(call, ride, !b->menu_said);
	} else if (call->open && ++b->round < call->caller->deps.config->repeat_message) {
		b->menu_said = false;
		b->next = NULL;
		speaker_begin(&call->speaker);
		say_of_all(call, prompts(call)->end, call->open);
		speaker_silence(&call->speaker, call->caller->deps.prompts->pause);
		speaker_play(&call->speaker, tell_next);
	} else {
		b->next = NULL;
		play_say(call, "goodbye", true);
	}
}

void bundle_begin(struct call *call)
{
	call->items = 0;
	tell_next(call);
}

void bundle_played(struct call *call, const struct tc_pbx_event *event)
{
	struct bundle *b = &call->bundle;
	const struct speaker *s = &call->speaker;
	struct ride *ride;

	if (event->play_id != s->play_id || !s->sent || !s->n)
		return;
	if (call->dialplan) {
		TAILQ_FOREACH(ride, &call->rides, link)
			if (event->whole && ride->index == event->item + 1)
				ride->heard = true;
	} else if (b->next && event->whole) {
		if (event->item + 1 >= b->text_item && event->item <= b->text_item)
			turn_to(call, b->next);
		if (event->item == b->text_item) {
			b->at->heard = true;
			b->menu_said = b->menu_said || b->menu;
		}
	}
	speaker_played(&call->speaker, event);
}

/* ---- those that come and go ---- */

/* The list that is kept for the answer tells too few, or too many. */
static void begin_anew(struct call *call)
{
	loop_timer_stop(&call->bundle.change);
	call->greeted = false;
	call->items = 0;
	call->bundle.on = call->open > 1;
	call->bundle.at = call->bundle.next = NULL;
	speaker_begin(&call->speaker);
}

static void on_change(void *arg)
{
	struct call *call = arg;

	if (call->hung_up || call->state == CALL_ANSWERED || call->state == CALL_ENDED)
		return;
	begin_anew(call);
	play_prepare(call);
}

static void change(struct call *call)
{
	struct loop_timer *t = &call->bundle.change;

	if (!call->originated || loop_timer_armed(t))
		return;
	if (!t->fn)
		loop_timer_init(t, call->caller->deps.loop, on_change, call);
	loop_timer_start_us(t, CHANGE_MS * 1000);
}

void bundle_answered(struct call *call)
{
	if (loop_timer_armed(&call->bundle.change)) {
		begin_anew(call);
		play_prepare(call);
	}
}

void bundle_joined(struct call *call)
{
	if (call->state != CALL_ANSWERED) {
		change(call);
		return;
	}
	if (!call->bundle.on && call->items)
		call->bundle.at = rides_first(call);
	call->bundle.on = true;
	play_ready(call);
}

static void go_on(void *arg)
{
	struct call *call = arg;

	call->bundle.next = NULL;
	tell_next(call);
}

static void hang_up(void *arg)
{
	call_hang_up(arg);
}

/* A single word, then the next alert, or the end when there is none. */
static void say_word(struct call *call, void (*then)(void *arg))
{
	speaker_silence(&call->speaker, GAP_MS);
	call->finishing = then == hang_up;
	speaker_play(&call->speaker, then);
}

void bundle_left(struct ride *ride, const char *reason)
{
	struct call *call = ride->call;
	struct bundle *b = &call->bundle;

	if (call->state != CALL_ANSWERED) {
		change(call);
		return;
	}
	if (call->pin.asking && call->pin.ride == ride)
		pin_drop(call);
	else if (call->pin.asking || call->machine)
		return;
	if (ride->result || call->busy || call->hung_up || call->finishing || call->released ||
	    !(ride == b->next || (ride == b->at && call->items)))
		return;
	play_stop(call);
	say_of_ride(call, ride, play_text(call, reason));
	say_word(call, go_on);
}

/* ---- keys ---- */

void bundle_skip(struct call *call)
{
	struct bundle *b = &call->bundle;
	unsigned told = b->round + 1;

	if (b->at && b->at->rounds < told)
		b->at->rounds = told;
	if (b->next && b->next->rounds < told)
		b->next->rounds = told;
	play_stop(call);
	tell_next(call);
}

void bundle_again(struct call *call, const char *first)
{
	struct bundle *b = &call->bundle;
	struct ride *ride = b->at ? b->at : b->next;

	play_stop(call);
	if (!ride || !ride->open) {
		tell_next(call);
		return;
	}
	if (first)
		say_of_ride(call, ride, play_text(call, first));
	tell(call, ride, true);
}

void bundle_confirm(struct ride *ride, const char *prompt)
{
	struct call *call = ride->call;
	unsigned acknowledged = 0;
	struct ride *r;

	TAILQ_FOREACH(r, &call->rides, link)
		acknowledged += r->result == CALL_ACKNOWLEDGED;
	call->bundle.next = NULL;
	call->items = 0;
	speaker_begin(&call->speaker);
	if (call->bundle.all && !strcmp(prompt, "acknowledged"))
		say_of_all(call, prompts(call)->acknowledged_all, acknowledged);
	else
		say_of_ride(call, ride, play_text(call, prompt));
	say_word(call, call->open ? go_on : hang_up);
}

/* ---- through a PBX's own dialplan ---- */

static void give_back(void *arg)
{
	play_give_back(arg);
}

void bundle_dialplan(struct call *call)
{
	struct ride *ride;

	speaker_begin(&call->speaker);
	call->bundle.told = 0;
	while (call->bundle.told < DIALPLAN_MAX && (ride = pick(call, NULL))) {
		ride->rounds++;
		ride->index = ++call->bundle.told;
		say_of_ride(call, ride, prompts(call)->alert);
	}
	call->greeted = true;
	speaker_play(&call->speaker, give_back);
}
