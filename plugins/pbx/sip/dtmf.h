/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of one call, from wherever they come, each reported once.
 */
#ifndef SIP_DTMF_H
#define SIP_DTMF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of trust: once a better source has spoken, worse ones are not heard any more. */
enum dtmf_source { DTMF_INBAND, DTMF_INFO, DTMF_EVENT };

struct dtmf {
	enum dtmf_source best;
	char last; /* the last key taken, and when */
	int64_t last_us;
	bool seen;  /* RFC 4733: an event of this stream was there */
	bool ended; /* and its end */
	uint32_t ssrc, stamp;
	uint16_t duration;
	uint8_t event;
};

/*
 * Whether this key is to be reported. A key that a worse source has just reported is the same key.
 *
 * result  false: not, it was reported before
 * thread  that of d, as all below
 */
bool dtmf_take(struct dtmf *d, enum dtmf_source source, char key, int64_t now_us);

/*
 * An RTP packet with an RFC 4733 event (2.3): all packets of an event have one timestamp; they
 * may be lost, doubled, reordered; a long event goes on in segments (2.5.1.3).
 *
 * result  the key of a new event, or 0
 */
char dtmf_event(struct dtmf *d, uint32_t ssrc, uint32_t stamp, bool marker, const uint8_t *payload,
		size_t len);

/*
 * The key in the body of an INFO.
 *
 * relay   the type is application/dtmf-relay ("Signal=5\r\nDuration=160"), else
 *         application/dtmf ("5")
 * result  0 = none
 */
char dtmf_info(bool relay, const char *body, size_t len);

#endif
