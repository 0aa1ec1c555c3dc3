/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether there is a day for a recurrence rule at all.
 */
#ifndef CORE_ONCALL_RRULE_DAYS_H
#define CORE_ONCALL_RRULE_DAYS_H

#include <libical/ical.h>

#include <tocsin/defs.h>

#define RRULE_YEARS 40 /* within which it must come: 29 February is a Monday that seldom */

/*
 * Whether one of the days of the next RRULE_YEARS passes all filters of a rule by the day or more,
 * each looked at alone. libical seeks a day that there is not through centuries, for a second.
 *
 * start_s  local time of its beginning
 * result   false: it never comes; true: it may
 * thread   any; some hundred microseconds where there is none
 */
bool rrule_has_day(const struct icalrecurrencetype *rule, int64_t start_s);

#endif
