/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DTMF as tones: for trunks that send no telephone events.
 */
#ifndef SIP_GOERTZEL_H
#define SIP_GOERTZEL_H

#include <stddef.h>
#include <stdint.h>

#define GOERTZEL_BLOCK 102 /* samples at 8 kHz: 12.75 ms, bins 78 Hz wide */

/* Zeroed is ready. */
struct goertzel {
	float v1[8], v2[8]; /* the states of the eight filters */
	float energy;
	unsigned n;      /* samples of this block */
	char block, key; /* what the last block said; what is being pressed */
	float power;     /* of the two tones in that block */
};

/*
 * Listen to n samples of 8 kHz sound.
 *
 * keys    receives the keys that began, at most max
 * result  how many
 * thread  that of g
 * source  ITU-T Q.23 (frequencies), Q.24 (what must be accepted and refused)
 */
size_t goertzel_feed(struct goertzel *g, const int16_t *pcm, size_t n, char *keys, size_t max);

#endif
