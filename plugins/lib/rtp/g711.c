/* SPDX-License-Identifier: BSD-2-Clause */
/* G.711 by its definition: sign, segment, step. No tables. */
#include "g711.h"

/* The number of the segment: position of the highest set bit above the lowest segment's. */
static int segment(int value, int first)
{
	int seg = 0;

	for (value >>= first; value > 1 && seg < 7; value >>= 1)
		seg++;
	return seg;
}

uint8_t g711_ulaw_encode(int16_t pcm)
{
	/* 14 bits, with the bias of 33 that makes each segment twice the one before. */
	int value = pcm >> 2;
	int sign = value < 0 ? 0x80 : 0;

	if (value < 0)
		value = -value;
	value += 33;
	if (value > 8191)
		value = 8191;
	int seg = segment(value, 5);
	return (uint8_t) ~(sign | seg << 4 | (value >> (seg + 1) & 15));
}

int16_t g711_ulaw_decode(uint8_t code)
{
	code = (uint8_t)~code;
	int seg = code >> 4 & 7;
	int value = ((((code & 15) << 1) + 33) << seg) - 33;

	return (int16_t)((code & 0x80 ? -value : value) * 4);
}

uint8_t g711_alaw_encode(int16_t pcm)
{
	/* 13 bits; negative values are one's complement, so that both signs have a zero. */
	int value = pcm >> 3;
	int sign = 0x80;

	if (value < 0) {
		value = ~value;
		sign = 0;
	}
	int seg = value < 32 ? 0 : segment(value, 4);
	int step = seg < 2 ? value >> 1 : value >> seg;
	return (uint8_t)((sign | seg << 4 | (step & 15)) ^ 0x55);
}

int16_t g711_alaw_decode(uint8_t code)
{
	code ^= 0x55;
	int seg = code >> 4 & 7;
	int value = (code & 15) << 1 | 1;

	if (seg > 0)
		value = (value + 32) << (seg - 1);
	return (int16_t)((code & 0x80 ? value : -value) * 8);
}

void g711_encode(enum g711_law law, const int16_t *pcm, uint8_t *code, size_t n)
{
	for (size_t i = 0; i < n; i++)
		code[i] = law == G711_ULAW ? g711_ulaw_encode(pcm[i]) : g711_alaw_encode(pcm[i]);
}

void g711_decode(enum g711_law law, const uint8_t *code, int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = law == G711_ULAW ? g711_ulaw_decode(code[i]) : g711_alaw_decode(code[i]);
}
