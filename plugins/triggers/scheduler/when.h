/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times as people write them, and as they are shown. Recurrences are calendar.h's.
 */
#ifndef SCHEDULER_WHEN_H
#define SCHEDULER_WHEN_H

#include <tocsin/option.h>

#define WHEN_SIZE 32

/*
 * When an alert is to be raised.
 *
 * at        RFC 3339 (then zone is only how it is shown), or YYYY-MM-DDTHH:MM[:SS] in zone
 * zone      IANA name, or NULL
 * at_us     receives the wall time
 * errs      receives faults of "at" and "timezone": also that a local time does not exist or
 *           exists twice, and what can be meant
 * result    0 | -EINVAL
 * source    RFC 3339, 5.6
 */
int when_parse(const char *at, const char *zone, int64_t *at_us, struct tc_errors *errs);

/* "2026-03-29T01:30:00Z", with microseconds where there are some; returns buf. */
const char *when_format(char buf[WHEN_SIZE], int64_t at_us);
/* In a zone, with its offset. result: 0 | -ENOENT there is no such zone */
int when_format_in(char buf[40], int64_t at_us, const char *zone);
/* "15m", "90s", "500ms"; returns buf. */
const char *when_span(char buf[WHEN_SIZE], int64_t span_ms);

#endif
