/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answering machines: who has answered, and when a machine begins to record, from the sound of the
 * far end at 8 kHz. An estimate, never more: it must decide nothing that cannot be taken back.
 * How good it is stands in pbx/sip/sip.md.
 */
#ifndef AMD_AMD_H
#define AMD_AMD_H

#include "beep.h"
#include "talk.h"

#define AMD_FLOOR   50 /* frames */
#define AMD_LOOK_MS 100

enum amd_event {
	AMD_HUMAN,
	AMD_MACHINE, /* at most one of the two, and the first that is told */
	AMD_BEEP,    /* after AMD_MACHINE: its beep is over, or it has fallen silent */
};

/* why: for people, less than 64 bytes */
typedef void (*amd_fn)(void *arg, enum amd_event event, const char *why);

struct amd {
	struct talk talk;
	struct beep beep;
	amd_fn told;
	void *arg;
	double least;             /* mean square of the least loud voice */
	double newest[AMD_FLOOR]; /* powers of the newest frames, in a circle */
	unsigned at;              /* in it */
	unsigned gap;             /* frames since the last one with voice */
	int64_t now_ms;
	int16_t frame[BEEP_FRAME]; /* that is being filled */
	size_t n;
};

/* cfg: borrowed; told: called by amd_feed(), which it must not free */
void amd_init(struct amd *amd, const struct talk_settings *cfg, amd_fn told, void *arg);

/* What was heard next, from the answer on. */
void amd_feed(struct amd *amd, const int16_t *pcm, size_t n);

/*
 * The same for sound as it comes over a network: what comes faster than the clock is dropped.
 *
 * at_ms  since the answer
 */
void amd_feed_at(struct amd *amd, int64_t at_ms, const int16_t *pcm, size_t n);
/* Where nothing came until now it was silent: many send nothing then. To be said every AMD_LOOK_MS.
 */
void amd_silence(struct amd *amd, int64_t at_ms);

/* Nothing more will be told: it need not be fed. */
bool amd_is_over(const struct amd *amd);

#endif
