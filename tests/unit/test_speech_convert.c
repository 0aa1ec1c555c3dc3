/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sound: conversion for the telephone, and WAV in memory and in files.
 */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <tocsin/prompt.h>

#include "speech/convert.h"
#include "speech/speech.h"
#include "speech/wav.h"

#define PI 3.14159265358979

/* Silence, a tone, silence. */
static struct tc_clip *tone(uint32_t rate_hz, double hz, double level, unsigned quiet_ms,
			    unsigned tone_ms)
{
	size_t quiet = (size_t)rate_hz * quiet_ms / 1000, n = (size_t)rate_hz * tone_ms / 1000;
	struct tc_clip *clip = tc_clip_new(rate_hz, n + 2 * quiet);

	assert_non_null(clip);
	for (size_t i = 0; i < n; i++)
		clip->pcm[quiet + i] =
			(int16_t)(level * 32767 * sin(2 * PI * hz * (double)i / rate_hz));
	return clip;
}

static int peak(const struct tc_clip *clip)
{
	int most = 0;

	for (size_t i = 0; i < clip->samples; i++)
		most = abs(clip->pcm[i]) > most ? abs(clip->pcm[i]) : most;
	return most;
}

/* How much of the clip's power is at this frequency: 0..1. */
static double share(const struct tc_clip *clip, double hz)
{
	double re = 0, im = 0, all = 0;

	for (size_t i = 0; i < clip->samples; i++) {
		double at = 2 * PI * hz * (double)i / clip->rate_hz;

		re += clip->pcm[i] * cos(at);
		im += clip->pcm[i] * sin(at);
		all += (double)clip->pcm[i] * clip->pcm[i];
	}
	return 2 * (re * re + im * im) / all / (double)clip->samples;
}

static struct tc_clip *converted(struct tc_clip *in)
{
	struct tc_clip *out = NULL;

	assert_int_equal(convert_clip(in, &out), 0);
	assert_non_null(out);
	assert_int_equal(out->rate_hz, SPEECH_RATE_HZ);
	assert_int_equal(out->refs, 1);
	tc_clip_unref(in);
	return out;
}

/* From each rate that engines have: same length, same tone, -3 dB. */
static void keeps_the_sound(void **state)
{
	static const uint32_t rates[] = {8000, 16000, 22050, 24000, 44100, 48000};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct tc_clip *out = converted(tone(rates[i], 1000, 0.5, 0, 1000));

		assert_in_range(tc_clip_ms(out), 995, 1005);
		assert_in_range(peak(out), 23000, 23400);
		assert_true(share(out, 1000) > 0.95);
		tc_clip_unref(out);
	}
}

/*
 * What the telephone cannot carry must not come back as another tone: 5 kHz would be heard as 3
 * kHz.
 */
static void does_not_alias(void **state)
{
	struct tc_clip *mixed = tone(22050, 1000, 0.4, 0, 1000),
		       *high = tone(22050, 5000, 0.4, 0, 1000);
	struct tc_clip *out;

	(void)state;
	for (size_t i = 0; i < mixed->samples; i++)
		mixed->pcm[i] = (int16_t)(mixed->pcm[i] + high->pcm[i]);
	tc_clip_unref(high);
	out = converted(mixed);
	assert_true(share(out, 3000) < 0.0001);
	assert_true(share(out, 1000) > 0.95);
	tc_clip_unref(out);
}

static void trims_silence(void **state)
{
	static const uint32_t rates[] = {8000, 22050};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct tc_clip *out = converted(tone(rates[i], 500, 0.5, 700, 1000));

		assert_in_range(tc_clip_ms(out), 1055, 1065);
		tc_clip_unref(out);
		out = converted(tone(rates[i], 500, 0.5, 20, 1000));
		assert_in_range(tc_clip_ms(out), 1028, 1033);
		tc_clip_unref(out);
	}
}

static void brings_to_level(void **state)
{
	struct tc_clip *out = converted(tone(22050, 500, 1.0, 0, 500));

	(void)state;
	assert_in_range(peak(out), 23000, 23400);
	tc_clip_unref(out);
	out = converted(tone(22050, 500, 0.01, 0, 500)); /* 327, eight times that */
	assert_in_range(peak(out), 2500, 2700);
	tc_clip_unref(out);
}

/* Full-scale steps make the resampler overshoot; no sample may wrap round. */
static void never_wraps(void **state)
{
	struct tc_clip *in = tc_clip_new(22050, 22050), *out;

	(void)state;
	for (size_t i = 0; i < in->samples; i++)
		in->pcm[i] = i / 50 % 2 ? INT16_MAX : INT16_MIN;
	out = converted(in);
	assert_in_range(peak(out), 23000, 23400);
	tc_clip_unref(out);
}

static void refuses_silence(void **state)
{
	struct tc_clip *in = tc_clip_new(22050, 22050), *out = NULL;

	(void)state;
	assert_int_equal(convert_clip(in, &out), -ENODATA);
	in->pcm[500] = 3;
	assert_int_equal(convert_clip(in, &out), -ENODATA);
	tc_clip_unref(in);
	in = tc_clip_new(22050, 0);
	assert_int_equal(convert_clip(in, &out), -ENODATA);
	assert_null(out);
	tc_clip_unref(in);
	in = tc_clip_new(22050, 1);
	in->pcm[0] = 30000;
	if (!convert_clip(in, &out)) /* too short for the resampler, or a sample: both will do */
		tc_clip_unref(out);
	tc_clip_unref(in);
}

/* ---- WAV ---- */

static void there_and_back(void **state)
{
	struct tc_clip *clip = tone(8000, 440, 0.9, 10, 300), *back = NULL;
	unsigned char *data;
	size_t len;

	(void)state;
	assert_int_equal(tc_clip_wav(clip, (void **)&data, &len), 0);
	assert_int_equal(len, 44 + 2 * clip->samples);
	assert_memory_equal(data, "RIFF", 4);
	assert_memory_equal(data + 8, "WAVEfmt ", 8);
	/* PCM, mono, 8000 Hz, 16000 bytes a second, 2 a frame, 16 bits (little endian) */
	assert_memory_equal(data + 20, "\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0", 16);
	assert_int_equal(wav_parse(data, len, &back), 0);
	assert_int_equal(back->rate_hz, 8000);
	assert_int_equal(back->samples, clip->samples);
	assert_memory_equal(back->pcm, clip->pcm, clip->samples * sizeof(clip->pcm[0]));
	tc_clip_unref(back);
	tc_clip_unref(clip);
	free(data);
}

/*
 * Cut at any place, and with each byte of its head damaged: refused or read, never more than is
 * there.
 */
static void damaged(void **state)
{
	struct tc_clip *clip = tone(8000, 440, 0.9, 0, 5), *back = NULL;
	unsigned char *data;
	size_t len;

	(void)state;
	assert_int_equal(wav_format(clip, (void **)&data, &len), 0);
	for (size_t cut = 0; cut < len; cut++) {
		void *part = malloc(cut ? cut : 1);

		memcpy(part, data, cut);
		assert_int_equal(wav_parse(part, cut, &back), -EINVAL);
		free(part);
	}
	for (size_t i = 0; i < 44; i++) {
		data[i] ^= 0xff;
		if (!wav_parse(data, len, &back)) {
			assert_true(back->samples <= clip->samples);
			tc_clip_unref(back);
		}
		data[i] ^= 0xff;
	}
	free(data);
	tc_clip_unref(clip);
}

static void not_a_telephones(void **state)
{
	/* an empty WAV: 36 bytes follow, none of them sound */
	static const unsigned char empty[44] =
		"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0"
		"\x80\x3e\0\0\x02\0\x10\0"
		"data\0\0\0";
	struct tc_clip *back = NULL;
	unsigned char stereo[48];

	(void)state;
	assert_int_equal(wav_parse(empty, sizeof(empty), &back), -EINVAL);
	memcpy(stereo, empty, sizeof(empty));
	memset(stereo + 44, 1, 4);
	stereo[4] = 0x28;
	stereo[22] = 2;
	stereo[32] = 4;
	stereo[40] = 4;
	assert_int_equal(wav_parse(stereo, sizeof(stereo), &back), -EINVAL);
}

static void in_files(void **state)
{
	char dir[] = "/tmp/test-wav-XXXXXX", path[64], link[64];
	struct tc_clip *clip = tone(8000, 440, 0.9, 0, 100), *back = NULL;
	struct stat st;
	size_t size;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.wav", dir);
	snprintf(link, sizeof(link), "%s/b.wav", dir);
	assert_int_equal(wav_load(path, &back), -ENOENT);
	assert_int_equal(wav_save(path, clip, &size), 0);
	assert_int_equal(wav_save(path, clip, NULL), 0); /* again, over it */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, size);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(wav_load(path, &back), 0);
	assert_memory_equal(back->pcm, clip->pcm, clip->samples * sizeof(clip->pcm[0]));
	tc_clip_unref(back);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(wav_load(link, &back), -ELOOP);
	assert_int_equal(truncate(path, (off_t)size - 2), 0);
	assert_int_equal(wav_load(path, &back), -EINVAL);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(wav_load(path, &back), -EINVAL);
	unlink(link);
	unlink(path);
	/* nothing else was left there */
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(wav_save(path, clip, NULL), -ENOENT);
	tc_clip_unref(clip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_sound),  cmocka_unit_test(does_not_alias),
		cmocka_unit_test(trims_silence),    cmocka_unit_test(brings_to_level),
		cmocka_unit_test(never_wraps),      cmocka_unit_test(refuses_silence),
		cmocka_unit_test(there_and_back),   cmocka_unit_test(damaged),
		cmocka_unit_test(not_a_telephones), cmocka_unit_test(in_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
