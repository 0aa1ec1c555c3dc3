/* SPDX-License-Identifier: BSD-2-Clause */
/* A windowed-sinc filter, one row of weights for each phase that occurs. */
#include "resample.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OUT_HZ 8000
#define CUT_HZ 3600.0
#define SIDE   24 /* zero crossings of the filter on each side */

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t r = a % b;
		a = b;
		b = r;
	}
	return a;
}

size_t resample_length(size_t samples, uint32_t rate_hz)
{
	return (size_t)((uint64_t)samples * OUT_HZ / rate_hz);
}

/*
 * The weights for an output sample that lies phase/phases of an input sample behind one; they
 * sum to 1.
 */
static void weigh(float *row, int half, double phase, double cut)
{
	double sum = 0;

	for (int k = -half; k <= half; k++) {
		double t = k - phase;
		double x = M_PI * cut * t;
		double window = 0.5 + 0.5 * cos(M_PI * t / (half + 1));
		double w = (fabs(x) < 1e-9 ? 1 : sin(x) / x) * window;
		row[k + half] = (float)w;
		sum += w;
	}
	for (int k = 0; k <= 2 * half; k++)
		row[k] /= (float)sum;
}

static int16_t filter(const int16_t *in, size_t samples, int64_t at, const float *row, int half)
{
	float sum = 0;

	for (int k = -half; k <= half; k++) {
		int64_t i = at + k;
		if (i >= 0 && i < (int64_t)samples)
			sum += row[k + half] * in[i];
	}
	return (int16_t)lrintf(fmaxf(-32768, fminf(32767, sum)));
}

int resample(const int16_t *in, size_t samples, uint32_t rate_hz, int16_t *out)
{
	size_t n = resample_length(samples, rate_hz);

	if (rate_hz == OUT_HZ) {
		memcpy(out, in, n * sizeof(*out));
		return 0;
	}
	uint32_t common = gcd(rate_hz, OUT_HZ);
	uint32_t phases = OUT_HZ / common;
	double cut = 2 * CUT_HZ / rate_hz;
	int half = (int)ceil(SIDE / cut);
	size_t width = (size_t)(2 * half + 1);
	float *rows = calloc(phases, width * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (uint32_t p = 0; p < phases; p++)
		weigh(rows + p * width, half, (double)p / phases, cut);
	for (size_t i = 0; i < n; i++) {
		uint64_t at = (uint64_t)i * rate_hz / common;
		out[i] = filter(in, samples, (int64_t)(at / phases), rows + at % phases * width,
				half);
	}
	free(rows);
	return 0;
}
