/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one thread that sends all RTP: each call has its place in one of 20 slots, a millisecond
 * apart.
 */
#ifndef RTP_PACER_H
#define RTP_PACER_H

#include <netinet/in.h>
#include <sys/queue.h>

#include <tocsin/plugin.h>

#include "keys.h"
#include "playlist.h"

struct pacer;
struct stream; /* what is sent in one call */

/* An item that has been played. */
struct pacer_end {
	STAILQ_ENTRY(pacer_end) link;
	char call_id[TC_ID_SIZE];
	struct playlist_end end;
	uint32_t total_ms;
	int64_t at_us;
};

struct pacer_figures {
	uint64_t packets; /* sent */
	uint64_t late;    /* of these, more than 5 ms after their time */
	uint64_t failed;  /* refused by the kernel */
	unsigned streams; /* running now */
	bool realtime;    /* SCHED_FIFO was allowed */
};

/*
 * Start the thread.
 *
 * notify_fd  an eventfd, written to when pacer_take() has something; borrowed
 * result     NULL when there can be no thread (logged)
 */
struct pacer *pacer_new(struct tc_instance *self, int notify_fd);
/* Stop and join it. All streams have been freed. */
void pacer_free(struct pacer *pacer);
/* The next item that ended, or NULL; the caller frees it. Thread: any. */
struct pacer_end *pacer_take(struct pacer *pacer);
/* Thread: any. */
struct pacer_figures pacer_figures(struct pacer *pacer);

/*
 * Encrypts a packet in place before it is sent, on the pacing thread.
 *
 * len     of the packet, changed; cap bytes of room
 * result  0, or the packet is not sent
 */
typedef int (*stream_seal_fn)(void *arg, uint8_t *packet, size_t *len, size_t cap);

/*
 * Streams. All: thread of the one owner.
 *
 * fd       a bound UDP socket, borrowed until stream_free()
 */
struct stream *stream_new(struct pacer *pacer, const char *call_id, int fd);
void stream_free(struct stream *stream);
void stream_seal(struct stream *stream, stream_seal_fn seal, void *arg);
/* Where to and as what; law also is the payload type. May be changed while it runs. */
void stream_aim(struct stream *stream, const struct sockaddr_in *to, enum g711_law law);
/* Nothing is sent and the list stands still while held. */
void stream_hold(struct stream *stream, bool hold);
/* Begin to send: within the next 20 ms, silence if there is no list. */
void stream_start(struct stream *stream);
/* Play this list (ownership passes; NULL = silence) in place of the one that plays. */
void stream_play(struct stream *stream, struct playlist *list);
/*
 * Send these keys (keys_valid) in place of what would be sent in that time: 300 ms each.
 *
 * event_type  their payload type, or KEYS_INBAND: the far end knows none
 * result      0 | -EBUSY too many wait
 */
int stream_press(struct stream *stream, const char *keys, int event_type);
/* Milliseconds of clips sent so far. */
uint32_t stream_total_ms(struct stream *stream);

#endif
