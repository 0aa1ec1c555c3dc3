/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recurrence rule as text: what of it is taken, and what libical is given of it.
 */
#ifndef CORE_ONCALL_RRULE_H
#define CORE_ONCALL_RRULE_H

#include <libical/ical.h>

#include <tocsin/defs.h>

#define RRULE_COUNT_MAX 5000

struct rrule {
	struct icalrecurrencetype ical; /* without UNTIL and COUNT; by the day or more, unless
					   step_s is there */
	int64_t first_s;    /* local: where libical has to begin; not behind the start */
	int64_t step_s;     /* of a plain interval, which needs no libical; 0 = it is none */
	int count;          /* 0 = no COUNT */
	int64_t until_s;    /* local; INT64_MAX = none */
	int64_t until_at_s; /* the same as an instant, where it was given as one */
};

/*
 * Read a rule.
 *
 * start_s  local time of DTSTART
 * result   NULL = it is good; else why not, to be put behind "the rule "
 * thread   any
 * source   RFC 5545 3.3.10
 */
const char *rrule_read(struct rrule *rrule, const char *text, int64_t start_s);

/* Seconds after which all occurrences come again, for ever; 0 = none, or it is not known. */
int64_t rrule_period_s(const struct rrule *rrule);
/* The most occurrences that one day can have. */
int rrule_most_a_day(const struct rrule *rrule);

struct icaltimetype rrule_time(int64_t local_s);

#endif
