/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIP URIs as they stand in the configuration: read apart, and filled with a number. Nothing is
 * resolved here.
 */
#ifndef SIP_TARGET_H
#define SIP_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TARGET_SIZE 512 /* the longest URI that is taken, with its NUL */

/* "sip:{number}@host:port;params", read apart. */
struct target {
	char user[128]; /* with {number} in it, or without; "" = none */
	char host[256];
	uint16_t port;    /* 0 = not given */
	char params[128]; /* from the first ";" on, or "" */
};

/*
 * Read a URI. "sips:" is refused: say transport: tls.
 *
 * fault   receives what is wrong, constant text
 * result  0 | -EINVAL | -EAFNOSUPPORT an IPv6 address
 * thread  any
 */
int target_read(const char *uri, struct target *t, const char **fault);

/*
 * The request URI for a number: what a user part may not hold is escaped (RFC 3261 25.1: "#" is
 * "%23").
 *
 * number  [+]digits, *, #
 * result  0 | -EINVAL a character that no number has, or too long
 */
int target_expand(const struct target *t, const char *number, char *buf, size_t size_bytes);

/* Whether the user part asks for a number. */
bool target_has_number(const struct target *t);

/* "MIN-MAX", both ends even or made so, 1024..65535. result: 0 | -EINVAL */
int target_ports(const char *range, uint16_t *min, uint16_t *max);

/*
 * "IP" or "IP:PORT", also port 0. The port is not touched when there is none. result: 0 |
 * -EINVAL
 */
int target_address(const char *text, uint32_t *ip, uint16_t *port);

/* "IP" or "IP/BITS"; both in host byte order. result: 0 | -EINVAL */
int target_network(const char *text, uint32_t *ip, uint32_t *mask);

#endif
