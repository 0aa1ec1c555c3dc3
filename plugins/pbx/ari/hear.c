/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who has answered. How that is guessed is lib/amd's affair; here is only what it is guessed from.
 */
#include "hear.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <tocsin/alloc.h>

#include "amd/amd.h"
#include "amd/level.h"
#include "media.h"

#define PAUSE_MS 150 /* so long a silence ends a word for TALK_DETECT */

struct hear {
	struct leg *leg;
	struct level level;
	bool guesses;
	int64_t since_us;       /* the answer, monotonic */
	struct amd amd;         /* by sound */
	struct talk talk;       /* by TALK_DETECT */
	struct tc_timer *timer; /* NULL when it never guessed */
};

void hear_variable(const struct ari_config *cfg, char *value, size_t size_bytes)
{
	/* Asterisk compares the mean amplitude */
	double amplitude = 32768 * pow(10, (double)cfg->talk.voice_level / 20);

	snprintf(value, size_bytes, "%d,%.0f", PAUSE_MS, amplitude);
}

/* ---- guessing ---- */

/* The way may change in the middle of a call: what it brings counts now. */
static bool by_sound(const struct leg *leg)
{
	return leg->media && leg->media->way && leg->media->way->hears;
}

static int64_t now_ms(const struct hear *h)
{
	return (tc_now_us() - h->since_us) / 1000;
}

static void told(void *arg, enum amd_event guess, const char *why)
{
	static const enum tc_pbx_event_type types[] = {[AMD_HUMAN] = TC_PBX_HUMAN,
						       [AMD_MACHINE] = TC_PBX_MACHINE,
						       [AMD_BEEP] = TC_PBX_BEEP};
	struct hear *h = arg;

	leg_guess(h->leg, types[guess], why);
}

/* The end of guessing: by one it is known, the other one need not be asked. */
static void settle(struct hear *h)
{
	bool over = by_sound(h->leg) ? amd_is_over(&h->amd) : h->talk.state == TALK_OVER;

	if (over) {
		h->guesses = false;
		tc_timer_stop(h->timer);
	}
}

/* By TALK_DETECT: what follows from what is said, and when to look again. */
static void look(struct hear *h)
{
	int64_t at_ms = now_ms(h), due_ms;
	enum talk_outcome outcome = talk_look(&h->talk, at_ms);
	char why[64];

	talk_why(&h->talk, outcome, at_ms, why, sizeof(why));
	if (outcome == TALK_HUMAN)
		told(h, AMD_HUMAN, why);
	else if (outcome == TALK_MACHINE)
		told(h, AMD_MACHINE, why);
	else if (outcome == TALK_SILENCE)
		told(h, AMD_BEEP, why);
	settle(h);
	due_ms = talk_due_ms(&h->talk);
	if (h->guesses && due_ms >= 0)
		tc_timer_start(h->timer, due_ms > at_ms ? due_ms - at_ms : 1);
	else
		tc_timer_stop(h->timer);
}

static void on_timer(void *arg)
{
	struct hear *h = arg;

	if (!by_sound(h->leg)) {
		look(h);
		return;
	}
	amd_silence(&h->amd, now_ms(h));
	settle(h);
	if (h->guesses)
		tc_timer_start(h->timer, AMD_LOOK_MS);
}

/* ---- what there is ---- */

static struct hear *hear_of(struct leg *leg)
{
	if (!leg->hear) {
		leg->hear = tc_alloc(sizeof(*leg->hear));
		leg->hear->leg = leg;
	}
	return leg->hear;
}

void hear_answered(struct leg *leg)
{
	const struct ari_config *cfg = leg->ari->cfg;
	struct hear *h;

	/* in dialplan mode the PBX has spoken with him before, who knows how long */
	if (!cfg->detect || leg->incoming || leg->dialplan || (leg->hear && leg->hear->timer))
		return;
	h = hear_of(leg);
	h->since_us = tc_now_us();
	h->talk.cfg = &cfg->talk;
	amd_init(&h->amd, &cfg->talk, told, h);
	h->timer = tc_timer_new(leg->ari->self, on_timer, h);
	h->guesses = true;
	tc_timer_start(h->timer, AMD_LOOK_MS);
}

void hear_sound(struct leg *leg, const int16_t *pcm, size_t n)
{
	struct hear *h = hear_of(leg);

	level_feed(&h->level, pcm, n);
	if (!h->guesses)
		return;
	amd_feed_at(&h->amd, now_ms(h), pcm, n);
	settle(h);
}

void hear_talk(struct leg *leg, const struct message *m)
{
	struct hear *h = leg->hear;
	const json_t *duration = json_object_get(m->json, "duration");
	int64_t at_ms;

	if (!h || !h->guesses || by_sound(leg))
		return;
	at_ms = now_ms(h);
	if (m->type == MESSAGE_TALK_STARTED)
		talk_begin(&h->talk, at_ms);
	else
		talk_end(&h->talk, h->talk.began_ms + json_integer_value(duration));
	look(h);
}

void hear_missed(struct leg *leg)
{
	if (!leg->hear || !leg->hear->timer)
		return;
	leg->hear->guesses = false;
	tc_timer_stop(leg->hear->timer);
}

int hear_level_dbov(const struct leg *leg)
{
	return leg->hear ? level_loudest(&leg->hear->level) : 0;
}

void hear_free(struct leg *leg)
{
	if (!leg->hear)
		return;
	if (leg->hear->timer)
		tc_timer_free(leg->hear->timer);
	free(leg->hear);
	leg->hear = NULL;
}
