/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a call plays: items one behind the other, cut into frames of 20 ms. No clock and no
 * network here.
 */
#ifndef RTP_PLAYLIST_H
#define RTP_PLAYLIST_H

#include "clips.h"

struct playlist_item {
	struct coded *coded; /* owned reference; NULL = silence */
	size_t frames;
	uint32_t ms;
};

struct playlist {
	uint32_t play_id;
	size_t n, at; /* items; the one that plays */
	size_t frame; /* the next frame of it */
	struct playlist_item items[];
};

/* The end of an item. */
struct playlist_end {
	uint32_t play_id, item, item_ms;
	bool sound; /* it was not silence */
};

/* An empty list of n items for the caller to fill; playlist_free() frees it. Thread: any. */
struct playlist *playlist_new(uint32_t play_id, size_t n);
void playlist_free(struct playlist *list);

/*
 * Items without a frame at the place where the list stands. result: true and *end = one of them
 * has ended
 */
bool playlist_skip(struct playlist *list, struct playlist_end *end);

/*
 * The next frame.
 *
 * law     0 u-law, 1 A-law
 * ended   receives whether an item ended with this frame
 * sound   receives whether the frame is of a clip
 * result  FRAME bytes that live as long as the list; NULL = silence (also when the list is at
 *         its end)
 */
const uint8_t *playlist_next(struct playlist *list, int law, bool *sound, bool *ended,
			     struct playlist_end *end);

/* Whether all was played. */
bool playlist_done(const struct playlist *list);

#endif
