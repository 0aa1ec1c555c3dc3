/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said in a call: the play lists, and the prompts they are made of, rendered while the
 * phone rings.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>
#include <tocsin/trigger.h>

#include "call/call.h"
#include "call/inbound.h"
#include "host/host.h"

#define ITEMS_MAX 64
#define TAIL_MS 5000   /* after the last menu: time to find the key */
#define GAP_MS 300     /* between a confirmation and what follows */

/* A prompt on its way to a page or a call. */
struct wanted {
	struct page *page;
	struct call *call;
	enum page_prompt prompt;
	bool finish;
};

/* Three falling tones: rings even when no voice can speak. */
struct tc_clip *play_chime(void)
{
	static const double tones_hz[] = {880, 660, 440};
	const size_t per_tone = SPEECH_RATE_HZ / 2;
	struct tc_clip *clip = tc_clip_new(SPEECH_RATE_HZ, 3 * per_tone);

	if (!clip)
		return NULL;
	tc_strcopy(clip->key, sizeof(clip->key), "chime");
	for (size_t i = 0; i < clip->samples; i++) {
		double t = (double)(i % per_tone) / SPEECH_RATE_HZ;

		clip->pcm[i] = (int16_t)(9000 * exp(-3 * t) *
					 sin(2 * M_PI * tones_hz[i / per_tone] * t));
	}
	return clip;
}

static void play_begin(struct call *call);

/* ---- a page's three prompts ---- */

/*
 * A prompt has come, or the phone was answered: begin, if nothing is being said and all or the
 * greeting is there.
 */
static void page_ready(struct page *page)
{
	struct call *call = page->call;

	if (call && call->originated && !call->hung_up && !call->items && !call->want &&
	    !call->key_busy && !call->released && call->state != CALL_ENDED)
		play_begin(call);
}

static void prompt_done(void *arg, int err, struct tc_clip *clip, const char *text)
{
	struct wanted *w = arg;
	struct page *page = w->page;

	page->want[w->prompt] = NULL;
	page->clip[w->prompt] = clip;
	if (err) {
		tc_log(NULL, TC_LOG_ERROR, "alert %s: a prompt cannot be spoken: %s",
		       page->alert_id, text ? text : tc_strerror(err));
		if (w->prompt == PROMPT_MESSAGE) {
			page->clip[w->prompt] = play_chime();
			if (page->call)
				call_record(page->call, "speech.failed",
					    text ? text : tc_strerror(err), NULL,
					    "the message cannot be spoken: tones are played");
		}
	}
	free(w);
	page->wanted--;
	page_ready(page);
}

void play_answered(struct call *call)
{
	if (call->dialplan)
		call->items = 0; /* what was kept for the answer is said by the dialplan */
	page_ready(call->page);
}

void play_prepare(struct page *page)
{
	if (page->rendering) {
		page_ready(page);
		return;
	}
	page->rendering = true;
	page->wanted = PROMPT_COUNT;
	for (unsigned i = 0; i < PROMPT_COUNT; i++) {
		struct speech_text text = {.text = page->text[i],
					   .language = page->language,
					   .voice = page->voice,
					   .any_voice = true};
		struct wanted *w = tc_alloc(sizeof(*w));

		*w = (struct wanted){.page = page, .prompt = (enum page_prompt)i};
		page->want[i] = speech_render(page->caller->deps.speech, &text, prompt_done, w);
	}
}

void play_forget(struct page *page)
{
	for (unsigned i = 0; i < PROMPT_COUNT; i++) {
		if (page->want[i])
			free(speech_cancel(page->want[i]));
		tc_clip_unref(page->clip[i]);
		page->want[i] = NULL;
		page->clip[i] = NULL;
	}
}

/* ---- play lists ---- */

struct list {
	struct tc_pbx_item items[ITEMS_MAX];
	unsigned n;
};

static void add_clip(struct list *l, struct tc_clip *clip)
{
	if (clip && l->n < ITEMS_MAX)
		l->items[l->n++].clip = clip;
}

static void add_silence(struct list *l, int64_t ms)
{
	if (ms > 0 && l->n < ITEMS_MAX)
		l->items[l->n++].silence_ms = (uint32_t)ms;
}

static void send_list(struct call *call, const struct list *l)
{
	int err;

	call->items = l->n;
	call->play_id++;
	err = trunk_play(call->trunk, call->id, call->play_id, l->items, l->n);
	if (!err)
		return;
	/* rather another call than one in which nothing is said */
	tc_log(NULL, TC_LOG_ERROR, "call %s: the trunk does not play, hanging up: %s", call->id,
	       tc_strerror(err));
	call->items = 0;
	call_hang_up(call);
}

/* The message and the menu, as often as they are to be repeated, and time to press. */
static void add_message(struct call *call, struct list *l)
{
	struct page *page = call->page;
	const struct caller_deps *deps = &call->caller->deps;
	unsigned before;

	call->first_message = l->n;
	call->message_every = 0;
	for (int64_t i = 0; i < deps->config->repeat_message; i++) {
		before = l->n;
		add_clip(l, page->clip[PROMPT_MESSAGE]);
		add_clip(l, page->clip[PROMPT_MENU]);
		if (i + 1 < deps->config->repeat_message)
			add_silence(l, deps->prompts->pause);
		if (!call->message_every)
			call->message_every = l->n - before;
	}
	add_silence(l, TAIL_MS);
}

/* The message, once: all else is said by the PBX's dialplan, before and after. */
static void begin_dialplan(struct call *call)
{
	struct page *page = call->page;
	struct list l = {.n = 0};

	if (!page->rendering || page->wanted)
		return;
	call->first_message = 0;
	call->message_every = 1;
	add_clip(&l, page->clip[PROMPT_MESSAGE]);
	if (!l.n) /* there was not even memory for tones */
		add_silence(&l, GAP_MS);
	call->greeted = true;
	send_list(call, &l);
}

static void play_begin(struct call *call)
{
	struct page *page = call->page;
	struct list l = {.n = 0};

	if (call->dialplan) {
		begin_dialplan(call);
		return;
	}
	if (!call->greeted)
		add_clip(&l, page->clip[PROMPT_GREETING]);
	if (page->rendering && !page->wanted)
		add_message(call, &l);
	else if (call->state == CALL_ANSWERED)
		call->first_message = ITEMS_MAX; /* the greeting, until the message is there */
	else
		return; /* it still rings: the whole list may yet be ready in time */
	if (!l.n)
		return;
	call->greeted = true;
	send_list(call, &l);
}

/* What was about to be said is not wanted any more. */
static void drop_want(struct call *call)
{
	if (call->want)
		free(speech_cancel(call->want));
	call->want = NULL;
}

void play_message(struct call *call)
{
	if (call->released)
		return;
	drop_want(call);
	call->greeted = true;
	call->finishing = false;
	call->items = 0;
	play_begin(call);
}

void play_stop(struct call *call)
{
	if (call->released)
		return;
	drop_want(call);
	call->finishing = false;
	call->play_id++;
	call->items = 0;
	trunk_play(call->trunk, call->id, call->play_id, NULL, 0);
}

void play_release(struct call *call)
{
	drop_want(call);
	call->finishing = false;
	call->items = 0;
	call->released = true;
}

void play_give_back(struct call *call)
{
	int err = trunk_release(call->trunk, call->id);

	play_release(call);
	if (!err)
		return;
	tc_log(NULL, TC_LOG_ERROR, "call %s: the trunk does not release it, hanging up: %s",
	       call->id, tc_strerror(err));
	call_hang_up(call);
}

/* ---- single prompts ---- */

static const char *prompt_text(const struct config_prompts *p, const char *name)
{
	const struct {
		const char *name, *text;
	} all[] = {
		{"acknowledged", p->acknowledged}, {"escalated", p->escalated},
		{"resolved", p->resolved},         {"unknown_key", p->unknown_key},
		{"goodbye", p->goodbye},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(all[i].name, name))
			return all[i].text;
	return p->goodbye;
}

/* The prompt that was rendered last. */
static void say_spare(struct call *call)
{
	struct list l = {.n = 0};

	add_clip(&l, call->spare);
	add_silence(&l, GAP_MS);
	if (!call->finishing && call->page && !call->page->wanted) {
		add_clip(&l, call->page->clip[PROMPT_MENU]);
		add_silence(&l, call->caller->deps.prompts->pause);
		add_message(call, &l);
	}
	send_list(call, &l);
}

static void say_done(void *arg, int err, struct tc_clip *clip, const char *text)
{
	struct wanted *w = arg;
	struct call *call = w->call;
	bool finish = w->finish;

	call->want = NULL;
	free(w);
	if (err)
		tc_log(NULL, TC_LOG_ERROR, "call %s: a prompt cannot be spoken: %s", call->id,
		       text ? text : tc_strerror(err));
	tc_clip_unref(call->spare);
	call->spare = clip ? clip : play_chime();
	if (call->state != CALL_ANSWERED || call->hung_up)
		return;
	call->finishing = finish;
	say_spare(call);
}

static void say(struct call *call, const char *prompt, bool finish)
{
	struct caller *caller = call->caller;
	char *said = page_prompt(call->page ? call->page->values : NULL,
				 prompt_text(caller->deps.prompts, prompt));
	struct speech_text text = {.text = said,
				   .language = call->page ? call->page->language : NULL,
				   .voice = call->page ? call->page->voice : NULL,
				   .any_voice = true};
	struct wanted *w;

	drop_want(call);
	w = tc_alloc(sizeof(*w));
	*w = (struct wanted){.call = call, .finish = finish};
	call->finishing = finish;
	call->first_message = ITEMS_MAX; /* none in this list, unless it goes on with the message */
	call->want = speech_render(caller->deps.speech, &text, say_done, w);
	free(said);
}

void play_say(struct call *call, const char *prompt, bool finish)
{
	if (!call->released)
		say(call, prompt, finish);
}

void play_played(struct call *call, const struct tc_pbx_event *event)
{
	unsigned i = event->item;

	if (event->play_id != call->play_id || !call->items)
		return;
	if (event->whole && i >= call->first_message && call->message_every &&
	    (i - call->first_message) % call->message_every == 0 &&
	    (i + 1 < call->items || call->dialplan))
		call->heard = true;
	if (i + 1 < call->items)
		return;
	call->items = 0;
	if (call->finishing)
		call_hang_up(call);
	else if (call->dialplan)
		play_give_back(call);
	else if (call->first_message == ITEMS_MAX)
		play_begin(call); /* that was the greeting alone */
	else
		play_say(call, "goodbye", true);
}

/*
 * What is still to come comes: a prompt being rendered, the word on a key being stored. A last word
 * is said again, and then ends the call as it would have.
 */
void play_resume(struct call *call)
{
	if (!call->page || call->hung_up || call->released || call->key_busy)
		return;
	if (!call->finishing && call->greeted)
		play_message(call);
	else if (call->finishing && !call->want)
		say_spare(call);
}

/* ---- warming up ---- */

static void warm_done(void *arg, int err, struct tc_clip *clip, const char *text)
{
	(void)arg;
	if (err)
		tc_log(NULL, TC_LOG_ERROR, "a prompt cannot be spoken: %s",
		       text ? text : tc_strerror(err));
	tc_clip_unref(clip);
}

/*
 * What is said in every call, and the greeting of the severity that alerts have when none is given.
 */
void caller_warm(struct caller *caller)
{
	const struct config_prompts *p = caller->deps.prompts;
	const char *const prompts[] = {p->greeting,  p->menu,        p->acknowledged, p->escalated,
				       p->resolved,  p->unknown_key, p->goodbye};
	json_t *values = json_pack("{s:s}", "severity", "critical");

	for (size_t i = 0; i < sizeof(prompts) / sizeof(*prompts); i++) {
		char *said = page_prompt(values, prompts[i]);
		struct speech_text text = {.text = said, .any_voice = true};

		speech_render(caller->deps.speech, &text, warm_done, NULL);
		free(said);
	}
	json_decref(values);
	inbound_warm(caller->inbound);
}
