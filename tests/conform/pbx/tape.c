/* SPDX-License-Identifier: BSD-2-Clause */
/* Sounds of a telephone, frame by frame. When they are sent is phone.c's affair. */
#include "tape.h"

#include <math.h>
#include <stdbool.h>

#define BEGIN_MS 400
#define WORDS    8
#define WORD_MS  300 /* and 100 ms until the next one */
#define BEEP_MS  (BEGIN_MS + 400 * WORDS + 500)

/* ITU-T G.711, by its definition. */
static uint8_t ulaw(int pcm)
{
	int sign = pcm < 0 ? 0x80 : 0, segment = 0;
	int value = (pcm < 0 ? -pcm : pcm) / 4 + 33;

	while (segment < 7 && value >= 64 << segment)
		segment++;
	return (uint8_t) ~(sign | segment << 4 | (value >> (segment + 1) & 15));
}

static bool speaks(enum tape tape, unsigned ms)
{
	unsigned since = ms - BEGIN_MS;

	if (ms < BEGIN_MS)
		return false;
	if (tape == TAPE_HUMAN)
		return since < 450;
	if (tape == TAPE_MACHINE || tape == TAPE_NO_BEEP)
		return since < 400 * WORDS && since % 400 < WORD_MS;
	return false;
}

void tape_play(enum tape tape, unsigned n, uint8_t frame[TAPE_FRAME])
{
	unsigned ms = n * 20;
	bool beeps = tape == TAPE_MACHINE && ms >= BEEP_MS && ms < TAPE_BEEP_END_MS;
	uint32_t seed = n;

	for (unsigned i = 0; i < TAPE_FRAME; i++) {
		double at = (double)(n * TAPE_FRAME + i) / 8000;
		int pcm = 0;

		seed = seed * 1664525 + 1013904223;
		if (beeps)
			pcm = (int)(8000 * sin(2 * M_PI * 1000 * at));
		else if (speaks(tape, ms))
			pcm = (int)(seed >> 16) % 28000 - 14000;
		frame[i] = ulaw(pcm);
	}
}
