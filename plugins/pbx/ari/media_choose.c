/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which way speech goes: all that may be used are tried at each connection, and the best of those
 * that work is taken. How one is tried is its own affair.
 */
#include "media.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>
#include <tocsin/prompt.h>

#define AGAIN_MS  (5 * 60 * 1000) /* a better way may have become usable */
#define NONE_MS   5000            /* while none works, twice as long each time */
#define DOUBT_MS  10000           /* after one has failed in a call */
#define SILENCES  16
#define PROBE_HZ  8000
#define PROBE_LEN 800 /* samples */

/* The best first. */
static const struct media_way *const ways[MEDIA_WAYS] = {
	&media_file,
	&media_http,
	&media_websocket,
	&media_rtp,
};

enum verdict { UNKNOWN, WORKS, FAILS, UNUSABLE };

struct candidate {
	enum verdict verdict;
	bool probing;
	char why[200];
	void *own; /* the way's */
};

/* Somebody wants to know whether it works. */
struct prove {
	STAILQ_ENTRY(prove) link;
	size_t way; /* MEDIA_WAYS: none */
	bool told, ok;
	char text[256];
	void (*done)(void *arg, bool ok, const char *text);
	void *arg;
};

struct medias {
	struct ari *ari;
	struct candidate candidates[MEDIA_WAYS];
	const struct media_way *said; /* what the log says that is used */
	bool said_none, choosing;
	int64_t none_ms; /* until they are tried again should none work */
	struct tc_timer *again, *tell;
	STAILQ_HEAD(, prove) proves;
	struct tc_clip *silences[SILENCES]; /* owned; the newest first */
	char text[1024];                    /* for medias_way() */
};

static size_t index_of(const struct media_way *way)
{
	size_t i = 0;

	while (ways[i] != way)
		i++;
	return i;
}

/* Whether the settings leave it open. */
static bool considered(const struct ari *ari, size_t i)
{
	return ari->cfg->media == ARI_MEDIA_AUTO || ari->cfg->media == (int)ways[i]->id;
}

/* ---- choosing ---- */

const struct media_way *medias_pick(struct medias *medias, unsigned broken)
{
	static const enum verdict order[] = {WORKS, UNKNOWN, FAILS};

	for (size_t k = 0; k < sizeof(order) / sizeof(*order); k++)
		for (size_t i = 0; i < MEDIA_WAYS; i++)
			if (considered(medias->ari, i) && !(broken & 1u << ways[i]->id) &&
			    medias->candidates[i].verdict == order[k])
				return ways[i];
	return NULL;
}

/* Why those before the way (all, if it is NULL) are not used. */
static void add_reasons(struct medias *medias, const struct media_way *way)
{
	char *text = medias->text;
	size_t size = sizeof(medias->text);

	for (size_t i = 0; i < MEDIA_WAYS && ways[i] != way; i++) {
		size_t len = strlen(text);

		if (considered(medias->ari, i))
			snprintf(text + len, size - len, "%s%s: %s", len ? "; " : "", ways[i]->name,
				 medias->candidates[i].why);
	}
}

const char *medias_way(struct medias *medias, const char **why)
{
	const struct media_way *way = medias_pick(medias, 0);
	const struct candidate *c = way ? &medias->candidates[index_of(way)] : NULL;

	if (!c || c->verdict == FAILS) {
		medias->text[0] = '\0';
		add_reasons(medias, NULL);
		way = NULL;
	} else {
		tc_strcopy(medias->text, sizeof(medias->text),
			   c->verdict == WORKS ? c->why : "it is being tried");
		add_reasons(medias, way);
	}
	*why = medias->text;
	return way ? way->name : NULL;
}

/* ---- the outcome ---- */

static void on_tell(void *arg)
{
	struct medias *medias = arg;
	struct prove *prove, *next;

	for (prove = STAILQ_FIRST(&medias->proves); prove; prove = next) {
		next = STAILQ_NEXT(prove, link);
		if (!prove->told)
			continue;
		STAILQ_REMOVE(&medias->proves, prove, prove, link);
		prove->done(prove->arg, prove->ok, prove->text);
		free(prove);
	}
}

static bool any_probing(const struct medias *medias)
{
	for (size_t i = 0; i < MEDIA_WAYS; i++)
		if (medias->candidates[i].probing)
			return true;
	return false;
}

/* All have been tried: say what is used, and look again for something better later. */
static void settle(struct medias *medias)
{
	struct ari *ari = medias->ari;
	const struct media_way *way = medias_pick(medias, 0);
	const char *why, *name = medias_way(medias, &why);
	bool better = false;

	if (!name)
		way = NULL;
	if (way && way != medias->said)
		tc_log(ari->self, TC_LOG_INFO, "speech goes by %s: %s", name, why);
	else if (!way && !medias->said_none)
		tc_log(ari->self, TC_LOG_ERROR, "Asterisk cannot be given any speech: %s", why);
	medias->said = way;
	medias->said_none = !way;
	link_speech(ari->link, way ? NULL : why);
	if (!way) {
		tc_timer_start(medias->again, medias->none_ms);
		if (medias->none_ms < AGAIN_MS)
			medias->none_ms *= 2;
		return;
	}
	medias->none_ms = NONE_MS;
	for (size_t i = 0; i < MEDIA_WAYS && ways[i] != way; i++)
		better |= considered(ari, i);
	if (better)
		tc_timer_start(medias->again, AGAIN_MS);
}

void media_probed(struct ari *ari, const struct media_way *way, bool ok, const char *why)
{
	struct medias *medias = ari->medias;
	size_t i = index_of(way);
	struct candidate *c = &medias->candidates[i];
	struct prove *prove;

	if (!c->probing)
		return;
	c->probing = false;
	c->verdict = ok ? WORKS : FAILS;
	tc_strcopy(c->why, sizeof(c->why), why);
	way->probe_end(ari);
	STAILQ_FOREACH (prove, &medias->proves, link) {
		if (prove->told || prove->way != i)
			continue;
		prove->told = true;
		prove->ok = ok;
		snprintf(prove->text, sizeof(prove->text), "%s: %s", way->name, c->why);
		tc_timer_start(medias->tell, 0);
	}
	if (!medias->choosing && !any_probing(medias))
		settle(medias);
}

/* ---- trying ---- */

static void probe(struct medias *medias, size_t i)
{
	struct candidate *c = &medias->candidates[i];

	if (c->probing)
		return;
	if (!ways[i]->usable(medias->ari, c->why, sizeof(c->why))) {
		c->verdict = UNUSABLE;
		return;
	}
	if (c->verdict == UNUSABLE)
		c->verdict = UNKNOWN;
	c->probing = true;
	ways[i]->probe(medias->ari);
}

void medias_choose(struct medias *medias)
{
	tc_timer_stop(medias->again);
	medias->choosing = true;
	for (size_t i = 0; i < MEDIA_WAYS; i++) {
		if (medias->candidates[i].probing) /* it waits for events of an older connection */
			ways[i]->probe_end(medias->ari);
		medias->candidates[i].probing = false;
		if (considered(medias->ari, i))
			probe(medias, i);
	}
	medias->choosing = false;
	if (!any_probing(medias))
		settle(medias);
}

static void on_again(void *arg)
{
	struct medias *medias = arg;
	const struct media_way *way = medias_pick(medias, 0);

	if (!link_up(medias->ari->link))
		return; /* at the next connection */
	medias->choosing = true;
	for (size_t i = 0; i < MEDIA_WAYS; i++) {
		const struct candidate *c = &medias->candidates[i];

		if (c->verdict == WORKS && ways[i] == way)
			break;
		if (considered(medias->ari, i))
			probe(medias, i);
	}
	medias->choosing = false;
	if (!any_probing(medias))
		settle(medias);
}

void medias_doubt(struct medias *medias, const struct media_way *way)
{
	struct candidate *c = &medias->candidates[index_of(way)];

	if (c->verdict == WORKS)
		c->verdict = UNKNOWN;
	tc_timer_start(medias->again, DOUBT_MS);
}

void medias_prove(struct medias *medias, void (*done)(void *arg, bool ok, const char *text),
		  void *arg)
{
	const struct media_way *way = medias_pick(medias, 0);
	struct prove *prove = tc_alloc(sizeof(*prove));

	prove->done = done;
	prove->arg = arg;
	prove->way = way ? index_of(way) : MEDIA_WAYS;
	STAILQ_INSERT_TAIL(&medias->proves, prove, link);
	if (way) {
		probe(medias, prove->way);
		return;
	}
	const char *why;
	medias_way(medias, &why);
	tc_strcopy(prove->text, sizeof(prove->text), why);
	prove->told = true;
	tc_timer_start(medias->tell, 0);
}

bool media_is_ours(const char *id)
{
	return ari_is_part(id) || !strncmp(id, MEDIA_PROBE, strlen(MEDIA_PROBE));
}

bool medias_message(struct medias *medias, const struct message *m)
{
	size_t len = strlen(MEDIA_PROBE);

	if (strncmp(m->playback, MEDIA_PROBE, len) != 0 &&
	    strncmp(m->channel, MEDIA_PROBE, len) != 0)
		return false;
	for (size_t i = 0; i < MEDIA_WAYS; i++)
		if (medias->candidates[i].probing)
			ways[i]->probe_message(medias->ari, m);
	return true;
}

/* ---- what they need for it ---- */

void *media_own(struct ari *ari, const struct media_way *way)
{
	return ari->medias->candidates[index_of(way)].own;
}

/* Named once: its name is asked for at each call, and would be made of all its samples. */
static struct tc_clip *new_silence(uint32_t ms)
{
	struct tc_clip *clip = tc_clip_new(8000, (size_t)ms * 8);
	char name[sizeof(clip->key)];

	if (clip) {
		tc_prompt_name(clip, name);
		memcpy(clip->key, name, sizeof(name));
	}
	return clip;
}

struct tc_clip *media_silence(struct ari *ari, uint32_t ms)
{
	struct tc_clip **silences = ari->medias->silences, *clip = NULL;
	size_t i;

	for (i = 0; i < SILENCES && silences[i]; i++)
		if (tc_clip_ms(silences[i]) == ms)
			break;
	if (i < SILENCES)
		clip = silences[i];
	if (!clip)
		clip = new_silence(ms);
	if (!clip)
		return NULL;
	if (i == SILENCES)
		tc_clip_unref(silences[--i]);
	memmove(&silences[1], &silences[0], i * sizeof(*silences));
	silences[0] = clip;
	return clip;
}

struct tc_clip *media_probe_clip(void)
{
	struct tc_clip *clip = tc_clip_new(PROBE_HZ, PROBE_LEN);
	unsigned char noise[PROBE_LEN / 8];

	if (!clip)
		return NULL;
	if (getrandom(noise, sizeof(noise), 0) != (ssize_t)sizeof(noise)) {
		tc_clip_unref(clip);
		return NULL;
	}
	for (size_t i = 0; i < PROBE_LEN; i++)
		clip->pcm[i] = noise[i / 8] >> (i % 8) & 1;
	return clip;
}

char *media_probe_name(struct ari *ari, const struct media_way *way)
{
	uint64_t random = (uint64_t)tc_now_us();

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	return tc_asprintf(MEDIA_PROBE "%s-%s-%08x", tc_instance_name(ari->self), way->name,
			   (unsigned)random);
}

/* ---- life ---- */

struct medias *medias_new(struct ari *ari)
{
	struct medias *medias = tc_alloc(sizeof(*medias));

	medias->ari = ari;
	medias->none_ms = NONE_MS;
	ari->medias = medias; /* the ways look for it */
	medias->again = tc_timer_new(ari->self, on_again, medias);
	medias->tell = tc_timer_new(ari->self, on_tell, medias);
	STAILQ_INIT(&medias->proves);
	for (size_t i = 0; i < MEDIA_WAYS; i++) {
		struct candidate *c = &medias->candidates[i];

		if (!considered(ari, i))
			continue;
		if (!ways[i]->usable(ari, c->why, sizeof(c->why)))
			c->verdict = UNUSABLE;
		else
			tc_strcopy(c->why, sizeof(c->why), "not yet tried");
		if (ways[i]->open)
			c->own = ways[i]->open(ari);
	}
	return medias;
}

void medias_free(struct medias *medias)
{
	struct prove *prove;

	if (!medias)
		return;
	for (size_t i = 0; i < MEDIA_WAYS; i++) {
		struct candidate *c = &medias->candidates[i];

		if (c->probing)
			ways[i]->probe_end(medias->ari);
		if (c->own)
			ways[i]->close(c->own);
	}
	while ((prove = STAILQ_FIRST(&medias->proves))) {
		STAILQ_REMOVE_HEAD(&medias->proves, link);
		free(prove);
	}
	for (size_t i = 0; i < SILENCES; i++)
		tc_clip_unref(medias->silences[i]);
	tc_timer_free(medias->again);
	tc_timer_free(medias->tell);
	free(medias);
}
