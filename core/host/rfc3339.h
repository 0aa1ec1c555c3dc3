/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times at the edge: RFC 3339 text to and from microseconds since 1970 UTC.
 */
#ifndef CORE_HOST_RFC3339_H
#define CORE_HOST_RFC3339_H

#include <tocsin/defs.h>

#define RFC3339_SIZE 32

/* "2026-11-22T14:02:54.632000Z"; returns buf. */
const char *rfc3339_format(char buf[RFC3339_SIZE], int64_t wall_us);
/* The same without the fraction, for sentences. */
const char *rfc3339_format_seconds(char buf[RFC3339_SIZE], int64_t wall_us);
/* result: 0, or -EINVAL when s is not a full RFC 3339 date-time with a zone. */
int rfc3339_parse(const char *s, int64_t *wall_us);

#endif
