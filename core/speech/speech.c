/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wanted: a text becomes a clip, by one voice after the other until one of them can. How
 * a single voice's prompt is made stands in flight.c.
 */
#include "speech/speech.h"

#include <stdlib.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "host/loop.h"
#include "speech/cache.h"
#include "speech/flight.h"
#include "speech/speakable.h"
#include "speech/voice.h"
#include "speech/worker.h"

#define MEMORY_MAX   (INT64_C(64) * 1024 * 1024)
#define MEMORY_MIN   (INT64_C(4) * 1024 * 1024)
#define WORKER_DEPTH 20000

struct speech_want {
	struct waiter waiter; /* first */
	TAILQ_ENTRY(speech_want) link, ready_link;
	struct speech *speech;
	char *text, *language; /* owned; language may be NULL */
	struct voice **order;  /* owned; which voices to try */
	size_t n, next;
	speech_done_fn done;
	void *arg;
	/* the result */
	bool ready;
	int err;
	struct tc_clip *clip; /* one reference */
	char *why;            /* owned */
};

TAILQ_HEAD(want_list, speech_want);

struct speech {
	struct loop *loop;
	struct worker *worker;
	struct cache *cache;
	struct voices voices;
	struct flights flights;
	struct want_list wants; /* all of them */
	struct want_list ready; /* those whose result is there */
	struct loop_timer deliver;
};

static void want_free(struct speech_want *want)
{
	struct speech *speech = want->speech;

	flight_leave(&want->waiter);
	TAILQ_REMOVE(&speech->wants, want, link);
	if (want->ready)
		TAILQ_REMOVE(&speech->ready, want, ready_link);
	tc_clip_unref(want->clip);
	free(want->text);
	free(want->language);
	free(want->order);
	free(want->why);
	free(want);
}

/* Who asked is told from the loop, never inside a call of his. */
static void on_deliver(void *arg)
{
	struct speech *speech = arg;
	struct speech_want *want;
	size_t n = 0; /* those that come while these are told have their own turn */

	TAILQ_FOREACH (want, &speech->ready, ready_link)
		n++;
	while (n-- && (want = TAILQ_FIRST(&speech->ready))) {
		struct tc_clip *clip = want->clip;
		char *why = want->why;
		int err = want->err;
		speech_done_fn done = want->done;
		void *done_arg = want->arg;

		want->clip = NULL;
		want->why = NULL;
		want_free(want);
		done(done_arg, err, clip, why);
		free(why);
	}
	if (!TAILQ_EMPTY(&speech->ready) && !loop_timer_armed(&speech->deliver))
		loop_timer_start_us(&speech->deliver, 0);
}

static void finish(struct speech_want *want, int err, struct tc_clip *clip, const char *why)
{
	struct speech *speech = want->speech;

	want->err = err;
	want->clip = clip;
	free(want->why);
	want->why = tc_strdup(why);
	want->ready = true;
	TAILQ_INSERT_TAIL(&speech->ready, want, ready_link);
	if (!loop_timer_armed(&speech->deliver))
		loop_timer_start_us(&speech->deliver, 0);
}

/* The answer of one voice: good, or the next one is asked. The last one's fault is told. */
static void on_told(struct waiter *waiter, int err, struct tc_clip *clip, const char *text)
{
	struct speech_want *want = (struct speech_want *)waiter;

	if (!err || want->next == want->n)
		finish(want, err, clip, text);
	else
		flights_join(&want->speech->flights, want->order[want->next++], want->language,
			     want->text, waiter);
}

struct speech *speech_new(struct loop *loop, const char *cache_dir, int64_t cache_size)
{
	struct speech *speech = tc_alloc(sizeof(*speech));
	int64_t memory = cache_size / 10;

	if (memory > MEMORY_MAX)
		memory = MEMORY_MAX;
	if (memory < MEMORY_MIN)
		memory = MEMORY_MIN;
	speech->loop = loop;
	speech->worker = worker_new(loop, "speech", WORKER_DEPTH);
	speech->cache = cache_new(loop, speech->worker, cache_dir, cache_size, memory);
	voices_init(&speech->voices);
	flights_init(&speech->flights, loop, speech->worker, speech->cache);
	TAILQ_INIT(&speech->wants);
	TAILQ_INIT(&speech->ready);
	loop_timer_init(&speech->deliver, loop, on_deliver, speech);
	return speech;
}

void speech_free(struct speech *speech)
{
	if (!speech)
		return;
	loop_timer_stop(&speech->deliver);
	speech->flights.closing = true;
	while (!TAILQ_EMPTY(&speech->wants))
		want_free(TAILQ_FIRST(&speech->wants));
	worker_free(speech->worker);
	flights_fini(&speech->flights);
	cache_free(speech->cache);
	voices_fini(&speech->voices);
	free(speech);
}

void speech_voice_add(struct speech *speech, struct tc_instance *voice)
{
	voices_add(&speech->voices, voice);
}

/* result: 0 | -ENOENT: then nothing is to be tried. */
static int choose(struct speech_want *want, const struct speech_text *text)
{
	const struct speech *speech = want->speech;
	int64_t now_us = loop_now_us(speech->loop);
	int err = voices_order(&speech->voices, text->voice, want->language, now_us, want->order);

	if (err && text->voice && text->any_voice && want->n) {
		tc_log(NULL, TC_LOG_WARN, "speech: there is no voice %s, another one speaks",
		       text->voice);
		err = 0; /* the order is that without the name */
	}
	return err;
}

struct speech_want *speech_render(struct speech *speech, const struct speech_text *text,
				  speech_done_fn done, void *arg)
{
	struct speech_want *want = tc_alloc(sizeof(*want));

	want->speech = speech;
	want->waiter.told = on_told;
	want->done = done;
	want->arg = arg;
	want->text = speakable_text(text->text);
	want->language = text->language && *text->language ? tc_strdup(text->language) : NULL;
	want->n = speech->voices.n;
	want->order = tc_calloc(want->n, sizeof(*want->order));
	TAILQ_INSERT_TAIL(&speech->wants, want, link);
	if (!*want->text)
		finish(want, -EINVAL, NULL, "there is nothing to say");
	else if (choose(want, text))
		finish(want, -ENOENT, NULL,
		       want->n ? "there is no voice of this name" : "no voice is configured");
	else
		flights_join(&speech->flights, want->order[want->next++], want->language,
			     want->text, &want->waiter);
	return want;
}

void *speech_cancel(struct speech_want *want)
{
	void *arg = want->arg;

	want_free(want);
	return arg;
}

json_t *speech_status(const struct speech *speech)
{
	json_t *cache = cache_status(speech->cache);

	json_object_set_new(cache, "hits", json_integer((json_int_t)speech->flights.hits));
	json_object_set_new(cache, "misses", json_integer((json_int_t)speech->flights.misses));
	return json_pack("{s:o, s:o}", "voices", voices_status(&speech->voices), "cache", cache);
}

struct tc_clip *speech_find(struct speech *speech, const char *key)
{
	return cache_find(speech->cache, key);
}

int speech_load(struct speech *speech, const char *key, speech_load_fn done, void *arg)
{
	if (!cache_stored(speech->cache, key))
		return -ENOENT;
	return cache_load(speech->cache, key, done, arg);
}

void speech_keep(struct speech *speech, struct tc_clip *clip)
{
	if (clip->rate_hz == SPEECH_RATE_HZ && !cache_stored(speech->cache, clip->key))
		cache_add(speech->cache, clip);
}

size_t speech_pending(const struct speech *speech)
{
	const struct speech_want *want;
	size_t n = 0;

	TAILQ_FOREACH (want, &speech->wants, link)
		n++;
	return n;
}
