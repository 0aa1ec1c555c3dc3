/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a telephone says that does not press keys: made, not recorded. Noise stands for speech.
 */
#ifndef CONFORM_PBX_TAPE_H
#define CONFORM_PBX_TAPE_H

#include <stdint.h>

#define TAPE_FRAME 160 /* samples of 20 ms */

/* By the second character of the telephone's number. */
enum tape {
	TAPE_MACHINE = '1', /* a greeting of 3.2 s, and after half a second a beep of 1000 Hz */
	TAPE_HUMAN = '2',   /* one word */
	TAPE_NO_BEEP = '3', /* the greeting alone */
	TAPE_SILENCE = '4',
};

/* When the beep of TAPE_MACHINE is over, in ms after the answer. */
#define TAPE_BEEP_END_MS 4500
/* So loud is its loudest half second, more or less, in dBov. */
#define TAPE_DBOV (-13)

/* Frame n since the answer, in u-law. */
void tape_play(enum tape tape, unsigned n, uint8_t frame[TAPE_FRAME]);

#endif
