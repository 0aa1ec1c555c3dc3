/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who calls, and what was dialled: the user of a URI as it stands in a From, To or
 * P-Asserted-Identity. All of it is the far end's text.
 */
#ifndef SIP_PARTY_H
#define SIP_PARTY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The user part: '"Alice" <sip:+49301;phone-context=x:pw@example.com>;tag=1' has "+49301". A tel
 * URI has its number there.
 *
 * value   len bytes: a header's value with its name and parameters, or a URI alone
 * buf     receives it, unescaped
 * result  false, and buf is "": there is none, it is too long, or it holds what no number and no
 *         extension is written with
 * thread  any
 * source  RFC 3261 25.1, RFC 3966 3
 */
bool party_user(const char *value, size_t len, char *buf, size_t size_bytes);

/*
 * As party_user(), and it must be a telephone number; marks that only please the eye are taken out
 * (RFC 3966 5.1.1).
 *
 * buf  receives [+]digits, * and #
 */
bool party_number(const char *value, size_t len, char *buf, size_t size_bytes);

/* Whether a Privacy header wants the caller unnamed: source RFC 3323 4.2, RFC 3325 9.3. */
bool party_withheld(const char *value, size_t len);

#endif
