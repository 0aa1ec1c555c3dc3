/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The beep of an answering machine: one steady tone, then silence.
 *
 * What else is a tone is told apart as far as one can: music and speech do not keep one pitch and
 * loudness for long, and go on; busy tones come again; a fax's CED (2100 Hz) lasts longer; its CNG
 * (1100 Hz for half a second) is known by its length. Where a machine's beep is like one of these,
 * the silence after it is still told by talk.h.
 */
#ifndef AMD_BEEP_H
#define AMD_BEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BEEP_FRAME 160 /* samples of 20 ms at 8 kHz */

/* Begins as zeros. */
struct beep {
	unsigned frames;  /* of the tone that is heard; 0 = none */
	double hz, power; /* of it: means */
	unsigned since;   /* frames since a tone has ended, of which: */
	unsigned quiet;
	unsigned ended; /* its frames; 0 = none has */
	double ended_hz, ended_power;
	unsigned blind; /* frames for which no tone counts: busy */
};

/*
 * Take in 20 ms.
 *
 * power   mean square of them
 * result  Hz of a beep that has ended (some 60 ms ago, or 600 ms when it is like a busy tone); 0 =
 *         none
 */
int beep_feed(struct beep *beep, const int16_t pcm[BEEP_FRAME], double power);

/* Whether a tone is heard now. */
bool beep_is_tone(const struct beep *beep);

#endif
