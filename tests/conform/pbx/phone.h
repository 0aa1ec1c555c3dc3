/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A room full of telephones for trunks that speak SIP over UDP: a small user agent server in a
 * thread of its own. What a telephone does follows from the first digit of its number.
 */
#ifndef CONFORM_PBX_PHONE_H
#define CONFORM_PBX_PHONE_H

#include <stdbool.h>
#include <stdint.h>

/* X(symbol, digit, what) */
#define PHONE_HABITS(X)                                                                            \
	X(PHONE_PRESSES_WELL, '0')  /* picks up, presses "1", "1", "#" by RFC 4733 */              \
	X(PHONE_ANSWERS, '1')       /* rings, picks up after 100 ms, waits for the end */          \
	X(PHONE_RINGS, '2')         /* for ever */                                                 \
	X(PHONE_REFUSES, '3')       /* with the status in the three digits that follow */          \
	X(PHONE_HANGS_UP, '4')      /* picks up, hangs up after 300 ms, Q.850 cause 16 */          \
	X(PHONE_PRESSES, '5')       /* picks up, presses "1", "1", "#" by RFC 4733, with faults */ \
	X(PHONE_ANSWERS_BLIND, '6') /* picks up after 300 ms without having rung */                \
	X(PHONE_REDIRECTS, '7')     /* to phone_decoy_port() */                                    \
	X(PHONE_DEAF, '8')          /* no answer at all */                                         \
	X(PHONE_HOLDS, '9')         /* picks up, puts us on hold after 200 ms, for 600 ms */       \
	X(PHONE_SPEAKS, '*')        /* picks up, plays the tape of the next character (tape.h) */

enum phone_habit {
#define X(sym, digit) sym = digit,
	PHONE_HABITS(X)
#undef X
};

struct phone;

/* Begin. Aborts when there is no socket. phone_free() ends the thread. */
struct phone *phone_new(void);
void phone_free(struct phone *phone);

/* UDP ports on 127.0.0.1: where calls are taken, and where none may come. */
unsigned phone_port(const struct phone *phone);
unsigned phone_decoy_port(const struct phone *phone);

/* What one telephone has seen, all calls to its number together. Times: CLOCK_MONOTONIC. */
struct phone_view {
	unsigned calls;   /* with Call-IDs of their own */
	unsigned invites; /* without retransmissions */
	unsigned ringing; /* now */
	unsigned up;      /* now, from picking up to BYE */
	unsigned most;    /* ringing or up at one moment */
	unsigned cancels, byes, acks;
	unsigned packets; /* of RTP */
	unsigned speech;  /* of these, not silent */
	unsigned markers;
	bool first_marked;
	char keys[32];    /* pressed by us, RFC 4733 */
	unsigned events;  /* packets of these; for each key there was one with a marker */
	unsigned ends;    /* of these, those that say that it is over */
	unsigned event_ms; /* how long the last one was */
	int64_t key_us;   /* when the last one began */
	int64_t acked_us, first_packet_us, first_speech_us, last_packet_us, ended_us;
};

/* A look at the telephone with this number. Thread: any. */
struct phone_view phone_view(struct phone *phone, const char *number);

/* How many datagrams came to the decoy port. Thread: any. */
unsigned phone_decoys(struct phone *phone);

#endif
