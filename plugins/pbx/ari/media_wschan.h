/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A channel of Asterisk's chan_websocket: made, connected to, spoken into. Asterisk plays what it
 * has been sent at its pace; its queue holds 20 s. What is said, and to whom, is not known here.
 *
 * Source: https://docs.asterisk.org/Configuration/Channel-Drivers/WebSocket/ ; tried with 22.10.1:
 * a message of more than 65535 bytes ends the connection.
 */
#ifndef ARI_MEDIA_WSCHAN_H
#define ARI_MEDIA_WSCHAN_H

#include "ari.h"

#define WSCHAN_HZ    8000
#define WSCHAN_FRAME 160 /* samples of 20 ms */

struct wschan;

/* Told on the loop, never inside a call. After failed() nothing is told. */
struct wschan_events {
	void (*open)(void *arg); /* it can be spoken into */
	/* All before the mark of this number has been played. */
	void (*mark)(void *arg, uint32_t number);
	/* Its queue is full, or has room again. */
	void (*flow)(void *arg, bool go);
	/*
	 * What the bridge gives to the channel: PCM at 8 kHz. NULL: it is not wanted, and, where
	 * the version can, not sent.
	 */
	void (*sound)(void *arg, const int16_t *pcm, size_t n);
	void (*failed)(void *arg, const char *why);
};

/* channel: the id that it is to have; events are borrowed */
struct wschan *wschan_new(struct ari *ari, const char *channel, const struct wschan_events *events,
			  void *arg);
/* The channel is hung up. NULL is fine. */
void wschan_free(struct wschan *wschan);

/* Whether it is of a version that may not know marks. */
bool wschan_plain(const struct wschan *wschan);

/* n: samples, a multiple of WSCHAN_FRAME, at most 16000. NULL: silence */
void wschan_send(struct wschan *wschan, const int16_t *pcm, size_t n);
void wschan_mark(struct wschan *wschan, uint32_t number);
/* Forget what has been sent and not yet played, marks as well. */
void wschan_flush(struct wschan *wschan);

/* Where its WebSocket is: cfg->url "http://HOST/ari" -> "ws://HOST/media/ID"; to be freed. */
char *wschan_url(const char *url, const char *id);

#endif
