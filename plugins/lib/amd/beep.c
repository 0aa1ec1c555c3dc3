/* SPDX-License-Identifier: BSD-2-Clause */
/* The beep finder: the pitch of each frame, how much of it is this one tone, and for how long. */
#include "beep.h"

#include <math.h>

#define RATE         8000.0
#define HALF         ((size_t)BEEP_FRAME / 2)
#define HZ_MIN       350
#define HZ_MAX       2200
#define OFF          5     /* so many Hz a measured pitch may be off */
#define NEAR         0.004 /* radians a sample: 5 Hz */
#define PURE         0.85  /* so much of a frame is the tone */
#define LEAST        3.4e4 /* mean square of -45 dBov */
#define SAME_HZ      8.0   /* how far a frame may be from the others */
#define SAME_LOUD    2.0   /* and by which factor of power */
#define FRAMES       6     /* those wholly within 150 ms */
#define FRAMES_MAX   100   /* what is longer is no beep */
#define QUIET        0.063 /* -12 dB: it is over, not followed by something else */
#define QUIET_FRAMES 3
#define END_FRAMES   5   /* within which these must come */
#define AGAIN_FRAMES 32  /* a busy tone has begun again by then */
#define BLIND_FRAMES 150 /* after one */

struct phasor {
	double re, im;
};

/* Half a frame at one frequency; source: G. Goertzel, 1958. */
static struct phasor half(const int16_t *pcm, double w)
{
	double c = cos(w), s1 = 0, s2 = 0;

	for (size_t i = 0; i < HALF; i++) {
		double s = pcm[i] + 2 * c * s1 - s2;
		s2 = s1;
		s1 = s;
	}
	return (struct phasor){s1 - c * s2, sin(w) * s2};
}

/*
 * The frequency of the only tone in white noise, by two values of the autocorrelation; source: V.
 * F. Pisarenko, 1973. result: radians a sample, or -1
 */
static double pisarenko(const int16_t *pcm)
{
	double r1 = 0, r2 = 0;

	for (size_t i = 2; i < BEEP_FRAME; i++) {
		r1 += pcm[i - 1] * (double)(pcm[i] + pcm[i - 2]);
		r2 += pcm[i] * (double)pcm[i - 2];
	}
	r1 /= 2;
	if (fabs(r1) < 1)
		return fabs(r2) < 1 ? -1 : M_PI / 2;
	double c = (r2 + sqrt(r2 * r2 + 8 * r1 * r1)) / (4 * r1);
	return fabs(c) < 1 ? acos(c) : -1;
}

/*
 * The pitch of a frame, and how much of its power is that tone (0..1).
 *
 * result  Hz, or 0
 */
static double pitch(const int16_t *pcm, double power, double *share)
{
	const double samples = BEEP_FRAME / 2.0;
	double w = pisarenko(pcm), off = 1;

	*share = 0;
	/* By how far the phase runs off between the halves. */
	for (int i = 0; i < 2 && fabs(off) > NEAR; i++) {
		if (w < 2 * M_PI * (HZ_MIN - 60) / RATE || w > 2 * M_PI * (HZ_MAX + 60) / RATE)
			return 0;
		struct phasor a = half(pcm, w), b = half(pcm + HALF, w);
		double amplitude = (hypot(a.re, a.im) + hypot(b.re, b.im)) / samples;
		off = atan2(b.im * a.re - b.re * a.im, b.re * a.re + b.im * a.im) - w * samples;
		off = remainder(off, 2 * M_PI) / samples;
		w += off;
		*share = amplitude * amplitude / 2 / power;
	}
	return w * RATE / 2 / M_PI;
}

/* ---- tones ---- */

static bool belongs(const struct beep *b, double hz, double power)
{
	return fabs(hz - b->hz) < SAME_HZ && power < b->power * SAME_LOUD &&
	       power * SAME_LOUD > b->power;
}

static bool is_cng(double hz, unsigned frames)
{
	/* ITU-T T.30: 1100 +- 38 Hz, 0.5 s +- 15 % */
	return fabs(hz - 1100) < 38 && frames >= 20 && frames <= 29;
}

/* ITU-T E.180: 400 to 450 Hz, 0.1 to 0.66 s, and again after as long. */
static bool like_busy(double hz, unsigned frames)
{
	return hz > 390 && hz < 460 && frames <= 34;
}

/* A tone is over: perhaps a beep. */
static void end_tone(struct beep *b)
{
	bool fits = b->frames >= FRAMES && b->frames <= FRAMES_MAX && b->hz > HZ_MIN - OFF &&
		    b->hz < HZ_MAX + OFF && !is_cng(b->hz, b->frames);

	b->ended = fits && !b->blind ? b->frames : 0;
	b->ended_hz = b->hz;
	b->ended_power = b->power;
	b->since = b->quiet = 0;
	b->frames = 0;
}

/* What follows a tone. result: Hz of a beep, or 0 */
static int after(struct beep *b, double power)
{
	bool busy = like_busy(b->ended_hz, b->ended);

	b->since++;
	b->quiet += power < b->ended_power * QUIET;
	if (b->since >= END_FRAMES && b->quiet < QUIET_FRAMES) {
		b->ended = 0; /* something else has followed */
		return 0;
	}
	if (b->quiet < QUIET_FRAMES || (busy && b->since < AGAIN_FRAMES))
		return 0;
	b->ended = 0;
	return (int)lrint(b->ended_hz);
}

int beep_feed(struct beep *b, const int16_t pcm[BEEP_FRAME], double power)
{
	double share = 0, hz = power > LEAST ? pitch(pcm, power, &share) : 0;
	bool tone = hz > 0 && share > PURE;

	if (b->blind)
		b->blind--;
	if (b->frames && tone && belongs(b, hz, power)) {
		b->hz += (hz - b->hz) / ++b->frames;
		b->power += (power - b->power) / b->frames;
		if (b->frames == FRAMES && b->ended && fabs(b->hz - b->ended_hz) < 2 * SAME_HZ) {
			b->ended = 0; /* the same tone again: busy */
			b->blind = BLIND_FRAMES;
		}
		return 0;
	}
	if (b->frames >= FRAMES)
		end_tone(b);
	b->frames = tone;
	b->hz = hz;
	b->power = power;
	return b->ended ? after(b, power) : 0;
}

bool beep_is_tone(const struct beep *b)
{
	return b->frames >= 3;
}
