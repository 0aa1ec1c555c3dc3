/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clips: their memory and their counting. How they sound is the business of others.
 */
#include <tocsin/audio.h>

#include <assert.h>
#include <stdlib.h>

#include <tocsin/alloc.h>

#define RATE_MIN_HZ 8000
#define RATE_MAX_HZ 48000
#define SECONDS_MAX 3600 /* nobody listens longer, and the length comes from outside */

struct tc_clip *tc_clip_new(uint32_t rate_hz, size_t samples)
{
	struct tc_clip *clip;

	if (rate_hz < RATE_MIN_HZ || rate_hz > RATE_MAX_HZ ||
	    samples > (size_t)rate_hz * SECONDS_MAX)
		return NULL;
	clip = tc_try_alloc(sizeof(*clip) + samples * sizeof(clip->pcm[0]));
	if (!clip)
		return NULL;
	clip->refs = 1;
	clip->rate_hz = rate_hz;
	clip->samples = samples;
	return clip;
}

struct tc_clip *tc_clip_ref(struct tc_clip *clip)
{
	unsigned before = __atomic_fetch_add(&clip->refs, 1, __ATOMIC_RELAXED);

	assert(before > 0);
	return clip;
}

void tc_clip_unref(struct tc_clip *clip)
{
	unsigned before;

	if (!clip)
		return;
	/* release: what this thread read of the clip happens before another thread frees it */
	before = __atomic_fetch_sub(&clip->refs, 1, __ATOMIC_ACQ_REL);
	assert(before > 0);
	if (before == 1)
		free(clip);
}
