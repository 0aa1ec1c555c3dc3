/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How loud it is, in dBov: 0 is the loudest that can be said, as a square wave.
 */
#ifndef AMD_LEVEL_H
#define AMD_LEVEL_H

#include <stddef.h>
#include <stdint.h>

#define LEVEL_WINDOW 4000 /* samples of half a second at 8 kHz */

/* The loudest half second of what is heard. Begins as zeros; no thread of its own, as all here. */
struct level {
	size_t n;    /* samples in the window that is being filled */
	int64_t sum; /* of their squares */
	double most; /* mean square of the loudest window */
};

/* Mean of the squares. */
double level_mean(const int16_t *pcm, size_t n);
/* -127 .. 0; source: RFC 6464 3 (there without the sign) */
int level_dbov(double mean_square);
/* The mean square at this level. */
double level_square(double dbov);

void level_feed(struct level *level, const int16_t *pcm, size_t n);
/* -127 .. -1; 0 = less than half a second was heard. */
int level_loudest(const struct level *level);

#endif
