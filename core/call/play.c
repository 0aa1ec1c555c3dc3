/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said in a call: the play lists, and the prompts they are made of, rendered while the
 * phone rings.
 */
#include <limits.h>
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

/* The page of a call with one alert. */
static struct page *only(const struct call *call)
{
	const struct ride *ride = rides_first(call);

	return ride ? ride->page : NULL;
}

void play_ready(struct call *call)
{
	if (call->originated && call->open && !call->hung_up && !call->items &&
	    !speaker_busy(&call->speaker) && !call->want && !call->busy && !call->released &&
	    !call->pin.asking && !call->machine && call->state != CALL_ENDED)
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
			if (page->ride) {
				call_event(page->ride->call, page->alert_id, "speech.failed",
					   text ? text : tc_strerror(err),
					   "the message cannot be spoken: tones are played");
				call_record(page->ride->call, NULL, NULL, NULL, "%s", "");
			}
		}
	}
	free(w);
	page->wanted--;
	if (page->ride && !page->ride->call->bundle.on)
		play_ready(page->ride->call);
}

void play_answered(struct call *call)
{
	if (call->dialplan)
		call->items = 0; /* what was kept for the answer is said by the dialplan */
	bundle_answered(call);
	play_ready(call);
}

/* The trunk does not play. */
static void failed(void *arg)
{
	call_hang_up(arg);
}

void play_init(struct call *call)
{
	call->speaker = (struct speaker){.caller = call->caller,
					 .call_id = call->id,
					 .hung_up = &call->hung_up,
					 .failed = failed,
					 .arg = call};
}

void play_prepare(struct call *call)
{
	struct page *page = only(call);

	if (call->open > 1)
		call->bundle.on = true;
	if (call->bundle.on || !page || page->rendering) {
		play_ready(call);
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

	speaker_begin(&call->speaker);
	call->items = l->n;
	err = trunk_play(call->trunk, call->id, call->speaker.play_id, l->items, l->n);
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
	struct page *page = only(call);
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
	struct page *page = only(call);
	struct list l = {.n = 0};

	if (call->bundle.on) {
		bundle_dialplan(call);
		return;
	}
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
	struct page *page = only(call);
	struct list l = {.n = 0};

	if (call->dialplan) {
		begin_dialplan(call);
		return;
	}
	if (call->bundle.on) {
		bundle_begin(call);
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
	speaker_begin(&call->speaker);
	call->items = 0;
	trunk_play(call->trunk, call->id, call->speaker.play_id, NULL, 0);
}

void play_release(struct call *call)
{
	drop_want(call);
	call->finishing = false;
	call->items = 0;
	speaker_begin(&call->speaker);
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

const char *play_text(const struct call *call, const char *prompt)
{
	const struct config_prompts *p = call->caller->deps.prompts;
	const struct {
		const char *name, *text;
	} all[] = {
		{"acknowledged", p->acknowledged}, {"escalated", p->escalated},
		{"resolved", p->resolved},         {"unknown_key", p->unknown_key},
		{"goodbye", p->goodbye},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(all[i].name, prompt))
			return all[i].text;
	return p->goodbye;
}

/* The prompt that was rendered last. */
static void say_spare(struct call *call)
{
	const struct page *page = only(call);
	struct list l = {.n = 0};

	add_clip(&l, call->spare);
	add_silence(&l, GAP_MS);
	if (!call->finishing && page && !page->wanted) {
		add_clip(&l, page->clip[PROMPT_MENU]);
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

/* In whose words: also when it is decided. */
static const struct page *whose(const struct call *call)
{
	const struct ride *first = TAILQ_FIRST(&call->rides);

	return only(call) ? only(call) : first ? first->page : NULL;
}

static void say(struct call *call, const char *prompt, bool finish)
{
	struct caller *caller = call->caller;
	const struct page *page = call->bundle.on ? NULL : whose(call);
	char *said = page_prompt(page ? page->values : NULL, play_text(call, prompt));
	struct speech_text text = {.text = said,
				   .language = page ? page->language : NULL,
				   .voice = page ? page->voice : NULL,
				   .any_voice = true};
	struct wanted *w;

	drop_want(call);
	speaker_begin(&call->speaker);
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

static void hear(struct call *call)
{
	struct ride *ride = rides_first(call);

	if (!ride)
		ride = TAILQ_FIRST(&call->rides);
	ride->heard = true;
	ride->rounds = UINT_MAX; /* it is told often enough, whatever else comes */
}

/* The list has come to its end. */
static void play_on(struct call *call)
{
	if (call->finishing)
		call_hang_up(call);
	else if (call->dialplan)
		play_give_back(call);
	else if (call->bundle.on) /* others have come meanwhile */
		bundle_begin(call);
	else if (call->first_message == ITEMS_MAX)
		play_begin(call); /* that was the greeting alone */
	else
		play_say(call, "goodbye", true);
}

void play_played(struct call *call, const struct tc_pbx_event *event)
{
	unsigned i = event->item;

	if (event->play_id != call->speaker.play_id)
		return;
	if (!call->items) {
		bundle_played(call, event);
		return;
	}
	if (event->whole && i >= call->first_message && call->message_every &&
	    (i - call->first_message) % call->message_every == 0 &&
	    (i + 1 < call->items || call->dialplan))
		hear(call);
	if (i + 1 < call->items)
		return;
	call->items = 0;
	play_on(call);
}

/*
 * What is still to come comes: a prompt being rendered, the word on a key being stored. A last word
 * is said again, and then ends the call as it would have.
 */
void play_resume(struct call *call)
{
	if (!call->callee || call->hung_up || call->released || call->busy)
		return;
	if ((call->pin.asking || call->machine) && !speaker_busy(&call->speaker))
		return; /* a key, or a beep, is waited for */
	if (speaker_busy(&call->speaker))
		speaker_again(&call->speaker);
	else if (call->finishing && !call->want)
		say_spare(call);
	else if (!call->finishing && call->greeted)
		play_message(call);
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
