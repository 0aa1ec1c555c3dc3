/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One prompt on its way: load, or wait for the engine, speak, convert. Which voice, and what to do
 * when it fails, is decided by speech.c.
 */
#include "speech/flight.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "host/host.h"
#include "host/loop.h"
#include "speech/cache.h"
#include "speech/convert.h"
#include "speech/worker.h"

#define SYNTHESIS_MS 10000
/*
 * Prompts of a voice that are being spoken or converted at once. The others wait here, where no
 * deadline runs and no sound takes memory.
 */
#define LIVE_MAX    4
#define FLIGHTS_MAX 10000

enum flight_state { FLIGHT_LOADING, FLIGHT_WAITING, FLIGHT_SPEAKING, FLIGHT_CONVERTING };

struct flight {
	LIST_ENTRY(flight) link;   /* in the table */
	TAILQ_ENTRY(flight) queue; /* FLIGHT_WAITING: of the voice */
	struct flights *flights;
	struct voice *voice;
	enum flight_state state;
	char key[VOICE_KEY_SIZE];
	char *language, *text; /* owned; language may be NULL */
	TAILQ_HEAD(, waiter) waiters;
	struct tc_op *op; /* FLIGHT_SPEAKING */
	int64_t began_us;
};

/* The conversion, on the worker's thread. */
struct conversion {
	struct work work; /* first */
	struct flight *flight;
	struct tc_clip *in, *out; /* one reference each */
	int err;
};

static void pump(struct voice *voice);

static struct flight_table *table_of(struct flights *flights, const char *key)
{
	char first[3];

	tc_strcopy(first, sizeof(first), key);
	return &flights->table[strtoul(first, NULL, 16) & 0xff];
}

static struct flight *find(struct flights *flights, const char *key)
{
	struct flight *f;

	LIST_FOREACH (f, table_of(flights, key), link)
		if (!strcmp(f->key, key))
			return f;
	return NULL;
}

static struct flight *flight_new(struct flights *flights, struct voice *voice, const char *key,
				 const char *language, const char *text)
{
	struct flight *f = tc_alloc(sizeof(*f));

	f->flights = flights;
	f->voice = voice;
	tc_strcopy(f->key, sizeof(f->key), key);
	f->language = tc_strdup(language);
	f->text = tc_strdup(text);
	TAILQ_INIT(&f->waiters);
	LIST_INSERT_HEAD(table_of(flights, key), f, link);
	flights->n++;
	return f;
}

static void flight_free(struct flight *f)
{
	LIST_REMOVE(f, link);
	f->flights->n--;
	free(f->language);
	free(f->text);
	free(f);
}

/* The end: clip (one reference comes in) or err for all who wait. */
static void land(struct flight *f, int err, struct tc_clip *clip, const char *text)
{
	TAILQ_HEAD(, waiter) waiters = TAILQ_HEAD_INITIALIZER(waiters);
	struct waiter *w;

	TAILQ_CONCAT(&waiters, &f->waiters, link);
	TAILQ_FOREACH (w, &waiters, link)
		w->flight = NULL;
	flight_free(f); /* first: who is told may begin a flight of the same key */
	while ((w = TAILQ_FIRST(&waiters))) {
		TAILQ_REMOVE(&waiters, w, link);
		w->told(w, err, clip ? tc_clip_ref(clip) : NULL, text);
	}
	tc_clip_unref(clip);
}

/* ---- convert ---- */

static void conversion_free(struct work *work)
{
	struct conversion *c = (struct conversion *)work;

	tc_clip_unref(c->in);
	tc_clip_unref(c->out);
	free(c);
}

static void run_conversion(struct work *work)
{
	struct conversion *c = (struct conversion *)work;

	c->err = convert_clip(c->in, &c->out);
}

static void on_converted(struct work *work)
{
	struct conversion *c = (struct conversion *)work;
	struct flight *f = c->flight;
	struct voice *voice = f->voice;

	voice->live--;
	if (c->err) {
		land(f, c->err == -ENODATA ? -EIO : c->err, NULL,
		     c->err == -ENODATA ? "the voice made no sound of the text" : NULL);
	} else {
		tc_strcopy(c->out->key, sizeof(c->out->key), f->key);
		cache_add(f->flights->cache, c->out);
		land(f, 0, tc_clip_ref(c->out), NULL);
	}
	conversion_free(work);
	pump(voice);
}

static void convert(struct flight *f, struct tc_clip *clip)
{
	struct conversion *c = tc_alloc(sizeof(*c));

	c->work = (struct work){
		.run = run_conversion,
		.done = on_converted,
		.drop = conversion_free,
		.skip = true,
	};
	c->flight = f;
	c->in = clip;
	f->state = FLIGHT_CONVERTING;
	if (!worker_submit(f->flights->worker, &c->work))
		return;
	conversion_free(&c->work);
	f->voice->live--;
	land(f, -EBUSY, NULL, "too many prompts are being made");
}

/* ---- speak ---- */

static void discard(void *result)
{
	tc_clip_unref(result);
}

static void on_spoken(void *arg, int err, void *result, const char *text)
{
	struct flight *f = arg;
	struct voice *voice = f->voice;
	int64_t now_us = loop_now_us(f->flights->loop);

	f->op = NULL;
	voice_note(voice, err, text, now_us - f->began_us, now_us);
	if (err) {
		voice->live--;
		land(f, err, NULL, text);
	} else {
		convert(f, result);
	}
	pump(voice);
}

static void speak(struct flight *f)
{
	struct voice *voice = f->voice;
	struct tc_tts_request request = {.text = f->text, .language = f->language};
	int err;

	f->flights->misses++;
	f->state = FLIGHT_SPEAKING;
	f->began_us = loop_now_us(f->flights->loop);
	f->op = op_new(voice->instance, "synthesis", SYNTHESIS_MS, on_spoken, discard, f);
	err = voice->ops->synthesize(voice->instance->state, f->op, &request);
	if (!err) {
		voice->live++;
		return;
	}
	op_refused(f->op);
	voice_note(voice, err, NULL, 0, f->began_us);
	land(f, err, NULL, tc_strerror(err));
}

static void pump(struct voice *voice)
{
	struct flight *f;

	while (voice->live < LIVE_MAX && (f = TAILQ_FIRST(&voice->queue)) && !f->flights->closing) {
		TAILQ_REMOVE(&voice->queue, f, queue);
		voice->queued--;
		speak(f);
	}
}

static void wait_for_voice(struct flight *f)
{
	f->state = FLIGHT_WAITING;
	TAILQ_INSERT_TAIL(&f->voice->queue, f, queue);
	f->voice->queued++;
	pump(f->voice);
}

/* ---- load ---- */

static void on_loaded(void *arg, struct tc_clip *clip)
{
	struct flight *f = arg;

	if (clip) {
		f->flights->hits++;
		land(f, 0, clip, NULL);
	} else if (TAILQ_EMPTY(&f->waiters)) {
		flight_free(f);
	} else {
		wait_for_voice(f);
	}
}

static void start(struct flight *f)
{
	struct cache *cache = f->flights->cache;

	f->state = FLIGHT_LOADING;
	if (!cache_stored(cache, f->key) || cache_load(cache, f->key, on_loaded, f))
		wait_for_voice(f);
}

/* ---- from outside ---- */

void flights_init(struct flights *flights, struct loop *loop, struct worker *worker,
		  struct cache *cache)
{
	*flights = (struct flights){.loop = loop, .worker = worker, .cache = cache};
	for (size_t i = 0; i < sizeof(flights->table) / sizeof(flights->table[0]); i++)
		LIST_INIT(&flights->table[i]);
}

void flights_fini(struct flights *flights)
{
	for (size_t i = 0; i < sizeof(flights->table) / sizeof(flights->table[0]); i++)
		while (!LIST_EMPTY(&flights->table[i]))
			flight_free(LIST_FIRST(&flights->table[i]));
}

void flights_join(struct flights *flights, struct voice *voice, const char *language,
		  const char *text, struct waiter *waiter)
{
	char key[VOICE_KEY_SIZE];
	struct tc_clip *clip;
	struct flight *f;
	bool is_new;

	voice_key(voice, language, text, key);
	clip = cache_find(flights->cache, key);
	if (clip) {
		flights->hits++;
		waiter->told(waiter, 0, clip, NULL);
		return;
	}
	f = find(flights, key);
	is_new = !f;
	if (is_new && flights->n >= FLIGHTS_MAX) {
		waiter->told(waiter, -EBUSY, NULL, "too many prompts are being made");
		return;
	}
	if (is_new)
		f = flight_new(flights, voice, key, language, text);
	waiter->flight = f;
	TAILQ_INSERT_TAIL(&f->waiters, waiter, link);
	if (is_new)
		start(f);
}

void flight_leave(struct waiter *waiter)
{
	struct flight *f = waiter->flight;

	if (!f)
		return;
	TAILQ_REMOVE(&f->waiters, waiter, link);
	waiter->flight = NULL;
	if (!TAILQ_EMPTY(&f->waiters))
		return;
	if (f->state == FLIGHT_WAITING) {
		TAILQ_REMOVE(&f->voice->queue, f, queue);
		f->voice->queued--;
		flight_free(f);
	} else if (f->state == FLIGHT_SPEAKING) {
		op_cancel(f->op); /* it lands at once, with nobody in it */
	}
	/* else the result goes to the cache */
}
