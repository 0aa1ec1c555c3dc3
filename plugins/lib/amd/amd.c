/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sound to speech and pauses. What these mean is talk.c's affair, tones are beep.c's.
 */
#include "amd.h"

#include <stdio.h>
#include <string.h>

#include "level.h"

#define FRAME_MS 20
#define LATE_MS  200 /* what has not come by then is silence */
#define EARLY_MS 400 /* so far ahead sound may be: it was late before */
#define ABOVE    6.3 /* 8 dB: so much louder than the least of the last second is voice */
#define GAP      3   /* frames without voice that a word may have in it */

void amd_init(struct amd *amd, const struct talk_settings *cfg, amd_fn told, void *arg)
{
	memset(amd, 0, sizeof(*amd));
	amd->told = told;
	amd->arg = arg;
	amd->talk.cfg = cfg;
	amd->least = level_square((double)cfg->voice_level);
	for (size_t i = 0; i < AMD_FLOOR; i++)
		amd->newest[i] = level_square(0);
}

/* The least loud frame of the last second: fans and hum are as loud in it as ever. */
static double noise(struct amd *amd, double power)
{
	double least = power;

	amd->newest[amd->at++ % AMD_FLOOR] = power;
	for (size_t i = 0; i < AMD_FLOOR; i++)
		if (amd->newest[i] < least)
			least = amd->newest[i];
	return least;
}

static void take_voice(struct amd *amd, bool voice)
{
	int64_t begun_ms = amd->now_ms - FRAME_MS;

	if (voice) {
		amd->gap = 0;
		talk_begin(&amd->talk, begun_ms);
	} else if (amd->talk.talks && ++amd->gap > GAP) {
		talk_end(&amd->talk, amd->now_ms - (int64_t)amd->gap * FRAME_MS);
	}
}

static void tell(struct amd *amd, enum amd_event event, const char *why)
{
	amd->told(amd->arg, event, why);
}

static void look(struct amd *amd)
{
	enum talk_outcome outcome = talk_look(&amd->talk, amd->now_ms);
	char why[64];

	talk_why(&amd->talk, outcome, amd->now_ms, why, sizeof(why));
	if (outcome == TALK_HUMAN)
		tell(amd, AMD_HUMAN, why);
	else if (outcome == TALK_MACHINE)
		tell(amd, AMD_MACHINE, why);
	else if (outcome == TALK_SILENCE)
		tell(amd, AMD_BEEP, why);
}

/* A short greeting may have come to its beep before it was known for one. */
static void take_beep(struct amd *amd, int hz)
{
	bool known = amd->talk.state == TALK_WAITS;
	char why[64];

	talk_stop(&amd->talk);
	if (!known)
		tell(amd, AMD_MACHINE, "a greeting with a beep");
	snprintf(why, sizeof(why), "a beep of %d Hz", hz);
	tell(amd, AMD_BEEP, why);
}

static void take_frame(struct amd *amd, const int16_t *pcm)
{
	double power = level_mean(pcm, BEEP_FRAME);
	double floor = noise(amd, power);
	int hz = beep_feed(&amd->beep, pcm, power);
	bool tone = beep_is_tone(&amd->beep);

	amd->now_ms += FRAME_MS;
	take_voice(amd, power > amd->least && power > floor * ABOVE && !tone);
	if (tone)
		talk_other(&amd->talk, amd->now_ms);
	if (hz && talk_heard(&amd->talk, amd->now_ms)) /* no greeting begins with its beep */
		take_beep(amd, hz);
	else
		look(amd);
}

void amd_feed(struct amd *amd, const int16_t *pcm, size_t n)
{
	while (n > 0 && !amd_is_over(amd)) {
		size_t more = BEEP_FRAME - amd->n < n ? BEEP_FRAME - amd->n : n;

		memcpy(amd->frame + amd->n, pcm, more * sizeof(*pcm));
		pcm += more;
		n -= more;
		amd->n += more;
		if (amd->n < BEEP_FRAME)
			return;
		amd->n = 0;
		take_frame(amd, amd->frame);
	}
}

void amd_feed_at(struct amd *amd, int64_t at_ms, const int16_t *pcm, size_t n)
{
	if (amd->now_ms <= at_ms + EARLY_MS)
		amd_feed(amd, pcm, n);
}

void amd_silence(struct amd *amd, int64_t at_ms)
{
	static const int16_t silence[BEEP_FRAME];

	while (amd->now_ms + LATE_MS < at_ms && !amd_is_over(amd))
		amd_feed(amd, silence, BEEP_FRAME);
}

bool amd_is_over(const struct amd *amd)
{
	return amd->talk.state == TALK_OVER;
}
