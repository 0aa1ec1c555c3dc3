/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events of a calendar written out. Whom they mean is not looked at here.
 */
#include "oncall/ical_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "oncall/ical_zone.h"
#include "oncall/local.h"
#include "oncall/recur.h"
#include "oncall/zone.h"

#define NEAR_S         (26 * 3600)
#define LENGTH_MAX_S   (366 * (int64_t)LOCAL_DAY_S)
#define ITERATIONS_MAX 20000
#define EXCLUDED_MAX   2000

struct event {
	icalcomponent *calendar, *c;
	const struct zone *schedule;
	const struct ical_replaced *replaced;
	const char *uid;
	struct ical_zone zone;
	int64_t start_s, length_s; /* local */
	struct ical_span within;
	struct ical_occurrences *found;
	struct ical_replacement *excluded; /* owned; EXCLUDED_MAX */
	size_t n_excluded;
};

static int fail(char *fault, size_t size_bytes, const char *why)
{
	tc_strcopy(fault, size_bytes, why);
	return -EINVAL;
}

/* ---- times ---- */

/* libical lets a 31st of June pass. */
static bool is_time(struct icaltimetype t)
{
	struct local_fields f;

	if (icaltime_is_null_time(t) || t.year < 1900 || t.year > 9999 || t.hour > 23 ||
	    t.minute > 59 || t.second > 60 || t.hour < 0 || t.minute < 0 || t.second < 0)
		return false;
	t.is_date = 1;
	local_fields(ical_zone_seconds(t), &f);
	return f.year == t.year && f.month == t.month && f.day == t.day;
}

/* A day or an instant, whichever it says. */
static struct ical_replacement moment_of(icalcomponent *calendar, icalproperty *p,
					 struct icaltimetype t, const struct zone *schedule)
{
	struct ical_replacement moment = {.date = icaltime_is_date(t)};
	struct ical_zone zone;

	moment.known = is_time(t) && ical_zone_of(calendar, p, t, schedule, &zone);
	if (moment.known)
		moment.value_s = moment.date ? ical_zone_seconds(t)
					     : ical_zone_instant(&zone, ical_zone_seconds(t));
	return moment;
}

static bool is_excluded(const struct event *e, int64_t local_s, int64_t at_s)
{
	int64_t day_s = local_s - ((local_s % LOCAL_DAY_S) + LOCAL_DAY_S) % LOCAL_DAY_S;

	for (size_t i = 0; i < e->n_excluded; i++)
		if (e->excluded[i].value_s == (e->excluded[i].date ? day_s : at_s))
			return true;
	return false;
}

static void exclude(struct event *e, const struct ical_replacement *moment)
{
	if (moment->known && e->n_excluded < EXCLUDED_MAX)
		e->excluded[e->n_excluded++] = *moment;
}

/* EXDATE, and what other events take the place of. */
static int read_excluded(struct event *e, char *fault, size_t size_bytes)
{
	/* a component has one place for walking through its properties */
	bool replaces = icalcomponent_get_first_property(e->c, ICAL_RECURRENCEID_PROPERTY);
	icalproperty *p = icalcomponent_get_first_property(e->c, ICAL_EXDATE_PROPERTY);

	e->excluded = tc_calloc(EXCLUDED_MAX, sizeof(*e->excluded));
	for (; p; p = icalcomponent_get_next_property(e->c, ICAL_EXDATE_PROPERTY)) {
		struct ical_replacement moment =
			moment_of(e->calendar, p, icalproperty_get_exdate(p), e->schedule);

		exclude(e, &moment);
	}
	for (size_t i = 0; e->uid && !replaces && i < e->replaced->n; i++)
		if (!strcmp(e->replaced->v[i].uid, e->uid))
			exclude(e, &e->replaced->v[i]);
	if (e->n_excluded == EXCLUDED_MAX)
		return fail(fault, size_bytes, "has 2000 exceptions or more");
	return 0;
}

void ical_replaced_add(struct ical_replaced *replaced, icalcomponent *calendar,
		       icalcomponent *event, const struct zone *schedule)
{
	icalproperty *p = icalcomponent_get_first_property(event, ICAL_RECURRENCEID_PROPERTY);
	struct ical_replacement moment;
	const char *uid = icalcomponent_get_uid(event);

	if (!p || !uid)
		return;
	moment = moment_of(calendar, p, icalproperty_get_recurrenceid(p), schedule);
	moment.uid = uid;
	if (!moment.known)
		return;
	if (replaced->n == replaced->room) {
		replaced->room = 2 * replaced->room + 16;
		replaced->v = tc_realloc(replaced->v, replaced->room * sizeof(*replaced->v));
	}
	replaced->v[replaced->n++] = moment;
}

/* ---- occurrences ---- */

static void add(struct event *e, int64_t local_s)
{
	struct ical_occurrences *found = e->found;
	struct ical_span span = {ical_zone_instant(&e->zone, local_s),
				 ical_zone_instant(&e->zone, local_s + e->length_s)};

	if (span.until_s <= span.from_s || span.until_s <= e->within.from_s ||
	    span.from_s >= e->within.until_s || is_excluded(e, local_s, span.from_s))
		return;
	if (found->n == found->room) {
		found->room = 2 * found->room + 16;
		found->v = tc_realloc(found->v, found->room * sizeof(*found->v));
	}
	found->v[found->n++] = span;
}

static int begin_rule(const struct event *e, icalproperty *p, struct tc_recur **recur, char *fault,
		      size_t size_bytes)
{
	struct icalrecurrencetype rule = icalproperty_get_rrule(p);
	struct local_fields f;
	char start[40], *text;
	int err;

	if (!e->zone.zone && icaltime_is_utc(rule.until)) /* the recurrence is told no zone */
		rule.until =
			ical_zone_time(ical_zone_local(&e->zone, ical_zone_seconds(rule.until)));
	text = icalrecurrencetype_as_string_r(&rule);
	if (!text)
		return fail(fault, size_bytes, "RRULE: the rule is not understood");
	local_fields(e->start_s, &f);
	snprintf(start, sizeof(start), "%04d-%02d-%02dT%02d:%02d:%02d", f.year, f.month, f.day,
		 f.hour, f.minute, f.second);
	tc_strcopy(fault, size_bytes, "RRULE: ");
	err = tc_recur_new(recur, text, start, e->zone.zone ? zone_name(e->zone.zone) : "UTC",
			   fault + strlen(fault), size_bytes - strlen(fault));
	icalmemory_free_buffer(text);
	return err;
}

static int add_rule(struct event *e, icalproperty *p, char *fault, size_t size_bytes)
{
	struct tc_recur *recur;
	int64_t local_s, iterations = 0;

	if (begin_rule(e, p, &recur, fault, size_bytes))
		return -EINVAL;
	recur_seek(recur, e->within.from_s - e->length_s - 2 * NEAR_S);
	while (recur_next_local(recur, &local_s) && local_s < e->within.until_s + NEAR_S &&
	       iterations++ < ITERATIONS_MAX)
		if (local_s != e->start_s) /* is there already */
			add(e, local_s);
	tc_recur_free(recur);
	return iterations < ITERATIONS_MAX
		       ? 0
		       : fail(fault, size_bytes, "RRULE: there are more than 20000 occurrences");
}

static void add_dates(struct event *e)
{
	icalproperty *p = icalcomponent_get_first_property(e->c, ICAL_RDATE_PROPERTY);

	for (; p; p = icalcomponent_get_next_property(e->c, ICAL_RDATE_PROPERTY)) {
		struct icaldatetimeperiodtype date = icalproperty_get_rdate(p);
		bool period = icaltime_is_null_time(date.time);
		struct ical_replacement moment = moment_of(
			e->calendar, p, period ? date.period.start : date.time, e->schedule);

		if (moment.known)
			add(e, moment.date ? moment.value_s
					   : ical_zone_local(&e->zone, moment.value_s));
	}
}

static int by_time(const void *a, const void *b)
{
	const struct ical_span *one = a, *other = b;

	return one->from_s < other->from_s ? -1 : one->from_s > other->from_s;
}

static void sort(struct ical_occurrences *found)
{
	size_t n = 0;

	if (found->n)
		qsort(found->v, found->n, sizeof(*found->v), by_time);
	for (size_t i = 0; i < found->n; i++)
		if (!n || found->v[i].from_s != found->v[n - 1].from_s)
			found->v[n++] = found->v[i];
	found->n = n;
}

/* ---- the event ---- */

/* What libical could not read it has replaced by a sentence about it. */
static int check_read(icalcomponent *c, char *fault, size_t size_bytes)
{
	static const char *const needed[] = {"DTSTART", "DTEND",  "DURATION",     "RRULE",
					     "RDATE",   "EXDATE", "RECURRENCE-ID"};
	icalproperty *p = icalcomponent_get_first_property(c, ICAL_XLICERROR_PROPERTY);

	for (; p; p = icalcomponent_get_next_property(c, ICAL_XLICERROR_PROPERTY)) {
		const char *text = icalproperty_get_xlicerror(p);

		for (size_t i = 0; text && i < sizeof(needed) / sizeof(needed[0]); i++) {
			if (!strstr(text, needed[i]))
				continue;
			snprintf(fault, size_bytes, "%s is not understood", needed[i]);
			return -EINVAL;
		}
	}
	return 0;
}

static int read_start(struct event *e, char *fault, size_t size_bytes)
{
	icalproperty *p = icalcomponent_get_first_property(e->c, ICAL_DTSTART_PROPERTY);
	struct icaltimetype t = p ? icalproperty_get_dtstart(p) : icaltime_null_time();

	if (!p)
		return fail(fault, size_bytes, "has no DTSTART");
	if (!is_time(t))
		return fail(fault, size_bytes, "DTSTART is not understood");
	if (!ical_zone_of(e->calendar, p, t, e->schedule, &e->zone))
		return fail(fault, size_bytes, "DTSTART has a TZID that is not known");
	e->start_s = ical_zone_seconds(t);
	e->length_s = icaltime_is_date(t) ? LOCAL_DAY_S : 0;
	return 0;
}

static int read_end(struct event *e, char *fault, size_t size_bytes)
{
	icalproperty *p = icalcomponent_get_first_property(e->c, ICAL_DTEND_PROPERTY);
	icalproperty *d = icalcomponent_get_first_property(e->c, ICAL_DURATION_PROPERTY);
	struct icaltimetype t = p ? icalproperty_get_dtend(p) : icaltime_null_time();
	struct ical_zone zone;

	if (p && !is_time(t))
		return fail(fault, size_bytes, "DTEND is not understood");
	if (p && !ical_zone_of(e->calendar, p, t, e->schedule, &zone))
		return fail(fault, size_bytes, "DTEND has a TZID that is not known");
	if (p && (zone.zone != e->zone.zone || zone.own != e->zone.own))
		e->length_s =
			ical_zone_local(&e->zone, ical_zone_instant(&zone, ical_zone_seconds(t))) -
			e->start_s;
	else if (p)
		e->length_s = ical_zone_seconds(t) - e->start_s;
	else if (d)
		e->length_s = icaldurationtype_as_int(icalproperty_get_duration(d));
	if (e->length_s <= 0)
		return fail(fault, size_bytes, "has no end, or one that is not behind its start");
	if (e->length_s > LENGTH_MAX_S)
		return fail(fault, size_bytes, "is longer than a year");
	return 0;
}

int ical_event_expand(const struct ical_query *query, struct ical_occurrences *found, char *fault,
		      size_t size_bytes)
{
	struct event e = {.calendar = query->calendar,
			  .c = query->event,
			  .schedule = query->schedule,
			  .replaced = query->replaced,
			  .uid = icalcomponent_get_uid(query->event),
			  .within = query->within,
			  .found = found};
	icalproperty *p;
	int err = check_read(e.c, fault, size_bytes);

	if (err || (err = read_start(&e, fault, size_bytes)) ||
	    (err = read_end(&e, fault, size_bytes)))
		return err;
	err = read_excluded(&e, fault, size_bytes);
	add(&e, e.start_s);
	p = icalcomponent_get_first_property(e.c, ICAL_RRULE_PROPERTY);
	for (; p && !err; p = icalcomponent_get_next_property(e.c, ICAL_RRULE_PROPERTY))
		err = add_rule(&e, p, fault, size_bytes);
	add_dates(&e);
	sort(found);
	free(e.excluded);
	return err;
}
