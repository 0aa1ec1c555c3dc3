/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sound of one call: its RTP socket, its SDP, what comes in. Sending is the pacer's.
 */
#ifndef SIP_MEDIA_H
#define SIP_MEDIA_H

#include "amd/amd.h"
#include "stack.h"

struct media;

/* Told after media_start(). */
struct media_events {
	void (*key)(void *arg, char key); /* one that was pressed */
	amd_fn guess;                     /* NULL: who has answered is not asked */
};

/*
 * Open the socket and make the offer.
 *
 * events  borrowed
 * result  0 | -EADDRINUSE no port of the range is free | other negative errno
 */
int media_open(struct media **media, struct agent *agent, const char *call_id,
	       const struct media_events *events, void *arg);
void media_close(struct media *media);

/* The SDP offer. result: 0 or a positive errno; the caller derefs it */
int media_offer(struct media *media, struct mbuf **sdp);

/*
 * Take in an answer; signal is where it came from: RTP is believed from there as well.
 *
 * result  0 | -ENOMSG no SDP | -ENOTSUP no codec in common | -EPROTO no encryption | -EBADMSG
 */
int media_answer(struct media *media, struct mbuf *sdp, const struct sa *signal);

/*
 * Take in a later offer (hold, a new address) and make the answer; without an offer (sdp empty)
 * make one.
 *
 * result  as media_answer()
 */
int media_reoffer(struct media *media, struct mbuf *sdp, struct mbuf **answer);

/*
 * The same for the first offer, of a call that comes in; signal as in media_answer(). When it has
 * none, ours is made, and the answer goes to media_answer().
 */
int media_offered(struct media *media, struct mbuf *sdp, const struct sa *signal,
		  struct mbuf **answer);

/* For people: what a result of media_answer() means. */
const char *media_fault(int err);

/* The call is answered: send, listen. */
void media_start(struct media *media);

void media_play(struct media *media, struct playlist *list);
uint32_t media_total_ms(struct media *media);

/* The loudest half second that was heard, -127 .. -1; 0 = none was. */
int media_level_dbov(const struct media *media);

/* Send keys. result: 0 | -EBUSY too many wait */
int media_press(struct media *media, const char *keys);

/* A key from an INFO. */
void media_info_key(struct media *media, char key);

#endif
