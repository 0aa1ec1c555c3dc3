/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flights: one prompt on its way, from the disk or from an engine, for all who want it at once.
 */
#ifndef CORE_SPEECH_FLIGHT_H
#define CORE_SPEECH_FLIGHT_H

#include "speech/voice.h"

struct cache;
struct loop;
struct worker;

/* One who waits for a prompt; embed it, zeroed. */
struct waiter {
	TAILQ_ENTRY(waiter) link;
	struct flight *flight; /* NULL: waits for nothing */
	/*
	 * Told once, on the loop, perhaps inside flights_join(). May join again.
	 *
	 * clip  one reference, NULL on error; text: why, borrowed, may be NULL
	 */
	void (*told)(struct waiter *waiter, int err, struct tc_clip *clip, const char *text);
};

struct flights {
	struct loop *loop;
	struct worker *worker;
	struct cache *cache;
	LIST_HEAD(flight_table, flight) table[256];
	size_t n;
	uint64_t hits, misses; /* prompts that were in the cache, or had to be spoken */
	bool closing;          /* nothing new is begun */
};

void flights_init(struct flights *flights, struct loop *loop, struct worker *worker,
		  struct cache *cache);
/* After all waiters have left and the worker has been freed. */
void flights_fini(struct flights *flights);

/*
 * Get what a voice makes of a text: from the cache, from a flight that is on its way, or by a new
 * one.
 *
 * language, text  copied; language may be NULL
 * errors          told: as the voice's plugin says | -ETIMEDOUT | -EBUSY too much is on its way |
 *                 -EIO it made no sound
 */
void flights_join(struct flights *flights, struct voice *voice, const char *language,
		  const char *text, struct waiter *waiter);

/* Wait no more: not told. A synthesis for which nobody waits is cancelled. */
void flight_leave(struct waiter *waiter);

#endif
