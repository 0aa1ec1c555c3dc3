/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asterisk's own player: a whole list is one playback in the leg's channel. What the ways file and
 * http share; where the sound lies is theirs.
 */
#ifndef ARI_MEDIA_PLAY_H
#define ARI_MEDIA_PLAY_H

#include "media.h"

struct playing;

/* The state of a leg in such a way begins with this; zeroed. */
struct player {
	struct leg *leg;
	struct playing *now;       /* or NULL */
	TAILQ_HEAD(, playing) all; /* and those that are being stopped */
};

void player_init(struct player *player, struct leg *leg);
/*
 * Play.
 *
 * uris  one for each item of the list from from on, "sound:..."; NULL = an item without a length.
 *       The array and its strings are taken
 */
void player_play(struct player *player, const struct speech *list, size_t from, char **uris);
void player_stop(struct player *player);
void player_message(struct player *player, const struct message *m);
/* The leg is over, or another way plays: what plays is stopped. Does not free player. */
void player_end(struct player *player);

/* The number of names that the playbacks of a leg have, one after the other. */
#define PLAYER_NAMES 8

/* Milliseconds of an event's "timestamp", or 0. For tests. */
int64_t player_event_ms(const json_t *event);

#endif
