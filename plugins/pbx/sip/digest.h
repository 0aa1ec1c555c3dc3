/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Digest authentication of a client (RFC 8760 for SHA-256, RFC 2617 and 3261 22 for MD5):
 * challenge in, header out.
 */
#ifndef SIP_DIGEST_H
#define SIP_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum digest_algorithm { DIGEST_NONE, DIGEST_MD5, DIGEST_SHA256 };

/* What one realm wants. Zeroed is empty. */
struct digest {
	enum digest_algorithm algorithm;
	bool proxy;  /* Proxy-Authenticate, not WWW-Authenticate */
	bool named;  /* the challenge named its algorithm */
	bool qop;    /* "auth" was offered */
	bool stale;  /* the nonce was too old: not a wrong password */
	unsigned nc; /* answers given to this nonce */
	char realm[128], nonce[512], opaque[256];
};

/*
 * Read the value of a (WWW|Proxy)-Authenticate header into d if it is stronger than what d holds.
 *
 * value   len bytes: 'Digest realm="x", nonce="y", ...'
 * result  0 | -ENOTSUP unknown scheme or algorithm, or only auth-int | -EBADMSG no realm or
 *         nonce, or too long
 * thread  that of d
 */
int digest_challenge(struct digest *d, const char *value, size_t len, bool proxy);

/*
 * Write the header line that answers, with its CRLF.
 *
 * cnonce  a fresh random number
 * result  bytes written, or -ENOSPC
 */
int digest_answer(struct digest *d, const char *user, const char *password, const char *method,
		  const char *uri, uint64_t cnonce, char *buf, size_t size_bytes);

#endif
