/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sound as it goes on the wire: each clip is brought to 8 kHz and G.711 once, and shared by all
 * calls that play it.
 */
#ifndef RTP_CLIPS_H
#define RTP_CLIPS_H

#include <stdatomic.h>

#include <tocsin/audio.h>

#include "g711.h"

#define FRAME 160 /* samples and bytes of 20 ms */

/* A clip in both laws, whole frames, filled up with silence. */
struct coded {
	atomic_uint refs; /* through coded_ref and coded_unref */
	size_t frames;
	uint32_t ms;
	uint8_t *code[2]; /* owned; [0] u-law, [1] A-law */
};

/* The clips that were encoded lately. */
struct clips;

/* size_bytes: how much may be kept. Thread: one for all calls with the same clips. */
struct clips *clips_new(size_t size_bytes);
void clips_free(struct clips *clips);

/*
 * The coded form of a clip, made now or kept from before (by its key; one without a key is not
 * kept).
 *
 * result  one reference for the caller; NULL when there is no memory for it
 */
struct coded *clips_get(struct clips *clips, const struct tc_clip *clip);

/* How many bytes are kept. */
size_t clips_bytes(const struct clips *clips);

/* Thread: any. */
struct coded *coded_ref(struct coded *coded);
void coded_unref(struct coded *coded);

#endif
