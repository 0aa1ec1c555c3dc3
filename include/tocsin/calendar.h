/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local times and recurrences in IANA time zones. The day on which clocks are changed is exact: a
 * recurrence is iterated in local time and converted one occurrence at a time.
 */
#ifndef TOCSIN_CALENDAR_H
#define TOCSIN_CALENDAR_H

#include <tocsin/defs.h>

/* What a local time is on a day on which clocks are changed. */
enum tc_local {
	TC_LOCAL_ONCE, /* the usual case */
	TC_LOCAL_GAP,  /* it does not exist: clocks are put forward over it */
	TC_LOCAL_TWICE /* it exists twice: clocks are put back */
};

/* Is there a zone of this name ("Europe/Rome", "UTC")? Thread: any. */
TC_API bool tc_zone_known(const char *zone);

/*
 * A local time as an instant.
 *
 * text    "2026-03-29T02:30" or with ":SS"
 * zone    an IANA name
 * at_us   receives the wall time: of a time that exists twice the first one; of one that does not
 *         exist, what the offset before the gap makes of it (02:30 becomes 03:30)
 * kind    receives which of these it is; may be NULL
 * result  0 | -EINVAL text is no local time | -ENOENT no such zone
 * thread  any
 * source  RFC 5545 3.3.5
 */
TC_API int tc_local_parse(const char *text, const char *zone, int64_t *at_us, enum tc_local *kind);

/*
 * An instant as local time with its offset: "2026-03-29T03:30:00+02:00".
 *
 * result  0 | -ENOENT no such zone
 * thread  any
 */
TC_API int tc_local_format(int64_t at_us, const char *zone, char out[40]);

/* A recurrence: an RRULE that begins at a local time in a zone. */
struct tc_recur;

/*
 * All of RFC 5545 but what would be searched for long or is not reliable: FREQ=SECONDLY, BYWEEKNO,
 * BYSETPOS below FREQ=MONTHLY or with several times a day, BYMONTHDAY without BYMONTH for
 * FREQ=YEARLY, for WEEKLY, or from the end for DAILY, BYYEARDAY but for FREQ=YEARLY alone, filters
 * other than BYDAY, BYHOUR and BYMINUTE for FREQ=HOURLY and MINUTELY, a COUNT above 5,000, more than
 * 1,440 times a day. A rule that does not come within 40 years is refused, too.
 *
 * start   "2026-01-05T09:00", the first occurrence if the rule has it
 * rrule   "FREQ=WEEKLY;BYDAY=MO", without "RRULE:"; UNTIL is local time, or UTC with a "Z"
 * fault   receives why not, for people (size_bytes of it)
 * result  0 | -EINVAL
 * thread  any
 * source  RFC 5545 3.3.10
 */
TC_API int tc_recur_new(struct tc_recur **recur, const char *rrule, const char *start,
			const char *zone, char *fault, size_t size_bytes);
TC_API void tc_recur_free(struct tc_recur *recur);
/*
 * The first occurrence after an instant; INT64_MAX = there is none any more.
 *
 * thread  any, one at a time
 */
TC_API int64_t tc_recur_next(struct tc_recur *recur, int64_t after_us);

#endif
