/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * G.711, both laws, and the two voices in which silence is said.
 */
#ifndef RTP_G711_H
#define RTP_G711_H

#include <stddef.h>
#include <stdint.h>

/* Also the static RTP payload types of the two (RFC 3551, table 4). */
enum g711_law { G711_ULAW = 0, G711_ALAW = 8 };

#define G711_ULAW_SILENCE 0xff
#define G711_ALAW_SILENCE 0xd5

/* One sample. Source: ITU-T G.711, tables 1a and 2a. Thread: any. */
uint8_t g711_ulaw_encode(int16_t pcm);
uint8_t g711_alaw_encode(int16_t pcm);
int16_t g711_ulaw_decode(uint8_t code);
int16_t g711_alaw_decode(uint8_t code);

/* n samples. */
void g711_encode(enum g711_law law, const int16_t *pcm, uint8_t *code, size_t n);
void g711_decode(enum g711_law law, const uint8_t *code, int16_t *pcm, size_t n);

#endif
