/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The identity of a call on the wire, derived from its call_id alone: what a new process needs
 * to end the call of one that crashed. The Call-ID is the call_id itself, CSeq counts from 1;
 * tags and branches are made here.
 */
#ifndef SIP_IDS_H
#define SIP_IDS_H

#include <stdint.h>

#define IDS_TAG_SIZE    17 /* 16 hexadecimal digits and a NUL */
#define IDS_BRANCH_SIZE 24 /* "z9hG4bK", 16 digits, NUL: as libre writes it */

/*
 * 64 bits that look random but follow from their arguments: the first bytes of SHA-256 over them.
 *
 * purpose  what it is for: "tag", "invite", "ack"
 * n        which one, from 1
 * thread   any
 */
uint64_t ids_derive(const char *call_id, const char *purpose, unsigned n);

/* The From tag of a call. */
void ids_tag(char tag[static IDS_TAG_SIZE], const char *call_id);

/* The Via branch of the n-th request of a kind; source: RFC 3261 8.1.1.7 for the cookie. */
void ids_branch(char branch[static IDS_BRANCH_SIZE], const char *call_id, const char *purpose,
		unsigned n);

#endif
