/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local times as text and as numbers: seconds, counted as if local time were UTC. Zones are not
 * known here.
 */
#ifndef CORE_ONCALL_LOCAL_H
#define CORE_ONCALL_LOCAL_H

#include <tocsin/defs.h>

#define LOCAL_DAY_S 86400

struct local_fields {
	int year, month, day, hour, minute, second, weekday; /* 0 = Sunday */
};

void local_fields(int64_t local_s, struct local_fields *fields);
int64_t local_seconds(const struct local_fields *fields);

/* "2026-03-29T02:30", or with ":SS". result: 0 | -EINVAL */
int local_parse(const char *text, int64_t *local_s);
/* "2026-03-29": its midnight. result: 0 | -EINVAL */
int local_parse_date(const char *text, int64_t *local_s);
/* "09:00": seconds behind midnight. result: 0 | -EINVAL */
int local_parse_time(const char *text, int64_t *seconds);

/* Microseconds as seconds, and the other way round without overflow. */
int64_t local_floor_s(int64_t at_us);
int64_t local_us(int64_t at_s);

#endif
