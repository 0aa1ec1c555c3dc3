/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys that are pressed for the far end: as events (RFC 4733) or, where the far end knows none, as
 * tones in the sound. Cut into frames of 20 ms; no clock and no network here.
 */
#ifndef RTP_KEYS_H
#define RTP_KEYS_H

#include <stdbool.h>

#include "clips.h"

#define KEYS_MAX        32
#define KEYS_INBAND     (-1)
#define KEYS_EVENT_SIZE 4 /* bytes of an event's payload */

/* Begins as zeros. */
struct keys {
	char wait[KEYS_MAX + 1]; /* the first one is being sent */
	unsigned tick;           /* frames of it that were */
};

/* Whether these are keys: 1..KEYS_MAX of 0-9 * # A-D. Thread: any. */
bool keys_valid(const char *keys);

/* result: 0 | -EBUSY too many wait */
int keys_press(struct keys *k, const char *keys);

struct keys_frame {
	bool tones;       /* the frame was filled with them */
	bool event;       /* KEYS_EVENT_SIZE bytes of it were, in place of sound */
	bool begins;      /* the first packet of the event: it has the marker */
	unsigned samples; /* since the event began: its packets all have the time of that */
};

/*
 * What goes out in the next 20 ms.
 *
 * events   the far end knows them
 * payload  FRAME bytes of sound, replaced where a key is sent
 */
struct keys_frame keys_next(struct keys *k, bool events, enum g711_law law, uint8_t *payload);

#endif
