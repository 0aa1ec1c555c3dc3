/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From an engine's sound to the telephone's: trimming, resampling, level. No files here.
 */
#include "speech/convert.h"

#include <math.h>
#include <samplerate.h>
#include <stdlib.h>

#include <tocsin/alloc.h>

#include "speech/speech.h"

#define LEAD_MS    10      /* of silence kept before: who answers is spoken to at once */
#define TAIL_MS    50      /* and behind */
#define SILENCE    0.005f  /* of the peak, -46 dB: quieter is silence */
#define NO_SOUND   0.0005f /* of full scale: a clip with no louder sample says nothing */
#define LEVEL      0.708f  /* of full scale, -3 dB: where the peak goes */
#define GAIN_MAX   8.0f    /* 18 dB */
#define FULL_SCALE 32768.0f

static float peak_of(const float *s, size_t n)
{
	float peak = 0;

	for (size_t i = 0; i < n; i++)
		peak = fmaxf(peak, fabsf(s[i]));
	return peak;
}

/* Which part is sound: its first sample, and how many. */
static size_t sound_of(const struct tc_clip *in, const float *s, float peak, size_t *n)
{
	size_t lead = (size_t)in->rate_hz * LEAD_MS / 1000;
	size_t tail = (size_t)in->rate_hz * TAIL_MS / 1000;
	size_t begin = 0, end = in->samples;

	while (begin < end && fabsf(s[begin]) < peak * SILENCE)
		begin++;
	while (end > begin && fabsf(s[end - 1]) < peak * SILENCE)
		end--;
	begin = begin > lead ? begin - lead : 0;
	end = in->samples - end > tail ? end + tail : in->samples;
	*n = end - begin;
	return begin;
}

/* result: samples written to out, or a negative errno. */
static long resample(const float *in, size_t n, uint32_t rate_hz, float *out, size_t room)
{
	SRC_DATA data = {
		.data_in = in,
		.input_frames = (long)n,
		.data_out = out,
		.output_frames = (long)room,
		.src_ratio = (double)SPEECH_RATE_HZ / rate_hz,
	};

	if (src_simple(&data, SRC_SINC_MEDIUM_QUALITY, 1))
		return -EIO;
	return data.output_frames_gen;
}

static int16_t to_sample(float s)
{
	float v = s * FULL_SCALE;

	if (v >= 32767.0f)
		return INT16_MAX;
	return v <= -32768.0f ? INT16_MIN : (int16_t)lrintf(v);
}

/* The peak is measured here again: the resampler moves it a little. */
static int finish(const float *s, size_t n, struct tc_clip **out)
{
	float peak = peak_of(s, n);
	float gain = peak > 0 ? fminf(LEVEL / peak, GAIN_MAX) : 0;
	struct tc_clip *made = n ? tc_clip_new(SPEECH_RATE_HZ, n) : NULL;

	if (!made)
		return n ? -ENOMEM : -ENODATA;
	for (size_t i = 0; i < n; i++)
		made->pcm[i] = to_sample(s[i] * gain);
	*out = made;
	return 0;
}

int convert_clip(const struct tc_clip *in, struct tc_clip **out)
{
	/* the resampler gives at most this many, and one for rounding */
	size_t room = (size_t)((double)in->samples * SPEECH_RATE_HZ / in->rate_hz) + 2;
	float *s = tc_try_alloc(in->samples * sizeof(*s));
	float *resampled = tc_try_alloc(room * sizeof(*resampled));
	size_t begin, n;
	float peak;
	long got;
	int err = -ENOMEM;

	if (!s || !resampled)
		goto out;
	src_short_to_float_array(in->pcm, s, (int)in->samples);
	peak = peak_of(s, in->samples);
	err = -ENODATA;
	if (peak < NO_SOUND)
		goto out;
	begin = sound_of(in, s, peak, &n);
	if (in->rate_hz == SPEECH_RATE_HZ) {
		err = finish(s + begin, n, out);
		goto out;
	}
	got = resample(s + begin, n, in->rate_hz, resampled, room);
	err = got < 0 ? (int)got : finish(resampled, (size_t)got, out);
out:
	free(s);
	free(resampled);
	return err;
}
