/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sound in memory: a clip is immutable, counted, and may be read by any thread.
 */
#ifndef TOCSIN_AUDIO_H
#define TOCSIN_AUDIO_H

#include <tocsin/defs.h>

/* Mono, signed 16 bit, host byte order. */
struct tc_clip {
	unsigned refs;      /* only through the functions below */
	uint32_t rate_hz;
	size_t samples;
	char key[65];       /* what it is: hash of engine, voice, language, rate and text (hex), or
			       "" */
	int16_t pcm[];
};

/*
 * A new clip with one reference; pcm is zeroed, to be filled before the clip is shared.
 *
 * rate_hz  8000..48000
 * samples  comes from outside: NULL when there is no memory for it
 * thread   any
 */
TC_API struct tc_clip *tc_clip_new(uint32_t rate_hz, size_t samples);

/* One more reference; returns clip. Thread: any. */
TC_API struct tc_clip *tc_clip_ref(struct tc_clip *clip);

/* One reference less; the last one frees it. NULL is fine. Thread: any. */
TC_API void tc_clip_unref(struct tc_clip *clip);

/* Length in milliseconds. */
static inline int64_t tc_clip_ms(const struct tc_clip *clip)
{
	return (int64_t)(clip->samples * 1000 / clip->rate_hz);
}

#endif
