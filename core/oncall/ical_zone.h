/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The zones that stand in a calendar: the machine's where the name says which, else those that the
 * file describes.
 */
#ifndef CORE_ONCALL_ICAL_ZONE_H
#define CORE_ONCALL_ICAL_ZONE_H

#include <libical/ical.h>

#include <tocsin/defs.h>

struct zone;

struct ical_zone {
	const struct zone *zone;
	icaltimezone *own; /* owned by the calendar; NULL when zone is there */
};

/*
 * The zone of a property: of its TZID, UTC, or that of the schedule.
 *
 * calendar  where VTIMEZONEs stand
 * result    false: TZID names none that is known
 */
bool ical_zone_of(icalcomponent *calendar, icalproperty *prop, struct icaltimetype time,
		  const struct zone *schedule, struct ical_zone *zone);

/* Local time as an instant, and the other way round; seconds. */
int64_t ical_zone_instant(const struct ical_zone *zone, int64_t local_s);
int64_t ical_zone_local(const struct ical_zone *zone, int64_t at_s);

/* The numbers of a time, whatever its zone is; a date is its midnight. */
int64_t ical_zone_seconds(struct icaltimetype time);
struct icaltimetype ical_zone_time(int64_t local_s);

#endif
