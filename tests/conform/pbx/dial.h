/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A telephone that calls the trunk: SIP over UDP and RTP with PCMU, one call, in a thread of its
 * own. The telephones that are called are phone.h's.
 */
#ifndef CONFORM_PBX_DIAL_H
#define CONFORM_PBX_DIAL_H

#include <stdbool.h>

struct dial;

/*
 * Begin to call. Aborts when there is no socket.
 *
 * port    UDP port on 127.0.0.1 that is called
 * called  whom to ask for
 * number  who calls, as From says
 */
struct dial *dial_new(unsigned port, const char *called, const char *number);
/* Without a word to the far end. */
void dial_free(struct dial *dial);

/* Give up while it rings. */
void dial_cancel(struct dial *dial);
void dial_hang_up(struct dial *dial);
/* Press a key, 0-9, by RFC 4733. */
void dial_press(struct dial *dial, char key);

struct dial_view {
	unsigned status;  /* the newest one that the INVITE was answered with; 0 = none */
	unsigned ringing; /* how often it was 180 */
	bool up;          /* from the answer to a BYE */
	unsigned byes;    /* received */
	unsigned packets; /* of RTP */
	unsigned speech;  /* of these, not silent */
};

/* A look at it. Thread: any, as all here. */
struct dial_view dial_view(struct dial *dial);

#endif
