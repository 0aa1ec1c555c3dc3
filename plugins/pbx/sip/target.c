/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading of URIs, addresses and ranges of the configuration. Not of what comes from the
 * network.
 */
#include "target.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NUMBER "{number}"

static int fail(const char **fault, const char *why)
{
	*fault = why;
	return -EINVAL;
}

/* Copy n bytes with a NUL; false if they do not fit. */
static bool take(char *dst, size_t size_bytes, const char *src, size_t n)
{
	if (n >= size_bytes)
		return false;
	memcpy(dst, src, n);
	dst[n] = '\0';
	return true;
}

static int parse_port(const char *text, size_t len, uint16_t *port)
{
	long value = 0;

	if (len < 1 || len > 5)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return -EINVAL;
		value = value * 10 + (text[i] - '0');
	}
	if (value < 1 || value > 65535)
		return -EINVAL;
	*port = (uint16_t)value;
	return 0;
}

int target_read(const char *uri, struct target *t, const char **fault)
{
	memset(t, 0, sizeof(*t));
	if (strncasecmp(uri, "sips:", 5) == 0)
		return fail(fault, "sips: is not supported; write sip: and transport: tls");
	if (strncasecmp(uri, "sip:", 4) != 0)
		return fail(fault, "does not begin with sip:");
	if (strlen(uri) >= TARGET_SIZE - 64)
		return fail(fault, "is too long");
	for (const char *p = uri; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == '<' || *p == '>' || *p == '"' || *p == 0x7f)
			return fail(fault, "has a space, quote or angle bracket in it");
	}
	const char *p = uri + 4;
	const char *at = strchr(p, '@');
	if (at) {
		if (!take(t->user, sizeof(t->user), p, (size_t)(at - p)))
			return fail(fault, "has a user part that is too long");
		p = at + 1;
	}
	if (*p == '[') {
		*fault = "is an IPv6 address, which is not supported";
		return -EAFNOSUPPORT;
	}
	size_t n = strcspn(p, ":;?");
	if (n == 0)
		return fail(fault, "has no host");
	if (!take(t->host, sizeof(t->host), p, n))
		return fail(fault, "has a host that is too long");
	p += n;
	if (*p == ':') {
		n = strcspn(++p, ";?");
		if (memchr(p, ':', n)) {
			*fault = "is an IPv6 address, which is not supported";
			return -EAFNOSUPPORT;
		}
		if (parse_port(p, n, &t->port))
			return fail(fault, "has a port that is not 1..65535");
		p += n;
	}
	if (*p == '?')
		return fail(fault, "has headers (\"?\") in it");
	if (!take(t->params, sizeof(t->params), p, strlen(p)))
		return fail(fault, "has parameters that are too long");
	return 0;
}

bool target_has_number(const struct target *t)
{
	return strstr(t->user, NUMBER) != NULL;
}

/* The number as a user part holds it. */
static int escape(const char *number, char *buf, size_t size_bytes)
{
	size_t n = 0;

	for (const char *p = number; *p; p++) {
		if (!isdigit((unsigned char)*p) && *p != '*' && *p != '#' &&
		    (*p != '+' || p != number))
			return -EINVAL;
		if (n + 4 > size_bytes)
			return -EINVAL;
		if (*p == '#') {
			memcpy(buf + n, "%23", 3);
			n += 3;
		} else {
			buf[n++] = *p;
		}
	}
	buf[n] = '\0';
	return n > 0 ? 0 : -EINVAL;
}

int target_expand(const struct target *t, const char *number, char *buf, size_t size_bytes)
{
	const char *gap = strstr(t->user, NUMBER);
	char escaped[128], port[8] = "";
	int len;

	if (escape(number, escaped, sizeof(escaped)))
		return -EINVAL;
	if (t->port)
		snprintf(port, sizeof(port), ":%u", t->port);
	if (gap)
		len = snprintf(buf, size_bytes, "sip:%.*s%s%s@%s%s%s", (int)(gap - t->user),
			       t->user, escaped, gap + strlen(NUMBER), t->host, port, t->params);
	else
		len = snprintf(buf, size_bytes, "sip:%s%s%s%s%s", t->user, t->user[0] ? "@" : "",
			       t->host, port, t->params);
	return len > 0 && (size_t)len < size_bytes ? 0 : -EINVAL;
}

int target_ports(const char *range, uint16_t *min, uint16_t *max)
{
	const char *dash = strchr(range, '-');

	if (!dash || parse_port(range, (size_t)(dash - range), min) ||
	    parse_port(dash + 1, strlen(dash + 1), max))
		return -EINVAL;
	*min = (uint16_t)((*min + 1) & ~1);
	*max = (uint16_t)(*max & ~1);
	return *min >= 1024 && *min <= *max ? 0 : -EINVAL;
}

int target_address(const char *text, uint32_t *ip, uint16_t *port)
{
	size_t n = strcspn(text, ":");
	char host[INET_ADDRSTRLEN];
	struct in_addr addr;

	if (!take(host, sizeof(host), text, n) || inet_pton(AF_INET, host, &addr) != 1)
		return -EINVAL;
	if (strcmp(text + n, ":0") == 0)
		*port = 0;
	else if (text[n] == ':' && parse_port(text + n + 1, strlen(text + n + 1), port))
		return -EINVAL;
	*ip = ntohl(addr.s_addr);
	return 0;
}

int target_network(const char *text, uint32_t *ip, uint32_t *mask)
{
	size_t n = strcspn(text, "/");
	char host[INET_ADDRSTRLEN];
	struct in_addr addr;
	unsigned bits = 32;

	if (!take(host, sizeof(host), text, n) || inet_pton(AF_INET, host, &addr) != 1)
		return -EINVAL;
	if (text[n] == '/') {
		char *end;
		if (!isdigit((unsigned char)text[n + 1]))
			return -EINVAL;
		bits = (unsigned)strtoul(text + n + 1, &end, 10);
		if (*end || bits > 32)
			return -EINVAL;
	}
	*mask = bits ? UINT32_MAX << (32 - bits) : 0;
	*ip = ntohl(addr.s_addr) & *mask;
	return 0;
}
