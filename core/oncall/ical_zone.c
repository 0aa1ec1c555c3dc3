/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zones in calendars. Names come as the IANA's, with something in front, or as a program's own with
 * a description, VTIMEZONE, of its rules.
 */
#include "oncall/ical_zone.h"

#include <string.h>

#include "oncall/local.h"
#include "oncall/zone.h"

/* "/citadel.org/20190914_1/Europe/Rome": what is behind a "/" may be a name. */
static const struct zone *find_in(const char *text)
{
	const struct zone *zone = NULL;

	for (const char *at = text; at && !zone; at = strchr(at, '/')) {
		if (*at == '/')
			at++;
		zone = zone_find(at);
	}
	return zone;
}

static icalcomponent *description_of(icalcomponent *calendar, const char *tzid)
{
	icalcomponent *c = icalcomponent_get_first_component(calendar, ICAL_VTIMEZONE_COMPONENT);

	for (; c; c = icalcomponent_get_next_component(calendar, ICAL_VTIMEZONE_COMPONENT)) {
		icalproperty *id = icalcomponent_get_first_property(c, ICAL_TZID_PROPERTY);

		if (id && icalproperty_get_tzid(id) && !strcmp(icalproperty_get_tzid(id), tzid))
			return c;
	}
	return NULL;
}

/* X-LIC-LOCATION: the IANA's name of a zone that a program calls otherwise. */
static const struct zone *location_of(icalcomponent *description)
{
	icalproperty *p = icalcomponent_get_first_property(description, ICAL_X_PROPERTY);

	for (; p; p = icalcomponent_get_next_property(description, ICAL_X_PROPERTY)) {
		const char *name = icalproperty_get_x_name(p);

		if (name && !strcmp(name, "X-LIC-LOCATION") && icalproperty_get_x(p))
			return zone_find(icalproperty_get_x(p));
	}
	return NULL;
}

/* Rules of zones say one day of a year; others would be written out up to 2037 by the second. */
static bool is_yearly(icalcomponent *description)
{
	icalcomponent *c = icalcomponent_get_first_component(description, ICAL_ANY_COMPONENT);

	for (; c; c = icalcomponent_get_next_component(description, ICAL_ANY_COMPONENT)) {
		icalproperty *p = icalcomponent_get_first_property(c, ICAL_RRULE_PROPERTY);

		for (; p; p = icalcomponent_get_next_property(c, ICAL_RRULE_PROPERTY)) {
			struct icalrecurrencetype rule = icalproperty_get_rrule(p);

			if (rule.freq != ICAL_YEARLY_RECURRENCE ||
			    rule.by_second[0] != ICAL_RECURRENCE_ARRAY_MAX ||
			    rule.by_minute[0] != ICAL_RECURRENCE_ARRAY_MAX ||
			    rule.by_hour[0] != ICAL_RECURRENCE_ARRAY_MAX)
				return false;
		}
	}
	return true;
}

bool ical_zone_of(icalcomponent *calendar, icalproperty *prop, struct icaltimetype time,
		  const struct zone *schedule, struct ical_zone *zone)
{
	icalparameter *param = icalproperty_get_first_parameter(prop, ICAL_TZID_PARAMETER);
	const char *tzid = param ? icalparameter_get_tzid(param) : NULL;
	icalcomponent *description;

	*zone = (struct ical_zone){schedule, NULL};
	if (icaltime_is_utc(time)) {
		zone->zone = zone_find("UTC");
		return true;
	}
	if (icaltime_is_date(time) || !tzid)
		return true;
	zone->zone = find_in(tzid);
	if (zone->zone)
		return true;
	description = description_of(calendar, tzid);
	if (!description)
		return false;
	zone->zone = location_of(description);
	if (!zone->zone && is_yearly(description))
		zone->own = icalcomponent_get_timezone(calendar, tzid);
	return zone->zone || zone->own;
}

int64_t ical_zone_seconds(struct icaltimetype time)
{
	struct local_fields f = {time.year, time.month, time.day, 0, 0, 0, 0};

	if (!time.is_date) {
		f.hour = time.hour;
		f.minute = time.minute;
		f.second = time.second;
	}
	return local_seconds(&f);
}

struct icaltimetype ical_zone_time(int64_t local_s)
{
	struct icaltimetype t = icaltime_null_time();
	struct local_fields f;

	local_fields(local_s, &f);
	t.year = f.year;
	t.month = f.month;
	t.day = f.day;
	t.hour = f.hour;
	t.minute = f.minute;
	t.second = f.second;
	return t;
}

int64_t ical_zone_instant(const struct ical_zone *zone, int64_t local_s)
{
	struct icaltimetype t;

	if (zone->zone)
		return zone_instant(zone->zone, local_s, NULL);
	t = ical_zone_time(local_s);
	return local_s - icaltimezone_get_utc_offset(zone->own, &t, NULL);
}

int64_t ical_zone_local(const struct ical_zone *zone, int64_t at_s)
{
	struct icaltimetype t;

	if (zone->zone)
		return zone_local(zone->zone, at_s);
	t = ical_zone_time(at_s);
	return at_s + icaltimezone_get_utc_offset_of_utc_time(zone->own, &t, NULL);
}
