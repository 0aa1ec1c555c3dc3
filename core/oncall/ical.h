/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iCalendar (RFC 5545): what schedules and people have as a calendar, and a calendar as windows of
 * a schedule. Text in and out; storing and answering is the caller's. All functions: loop thread.
 */
#ifndef CORE_ONCALL_ICAL_H
#define CORE_ONCALL_ICAL_H

#include <jansson.h>

#include <tocsin/alloc.h>
#include <tocsin/option.h>

struct contact;
struct document;
struct oncall;

#define ICAL_BYTES_MAX (512 * 1024) /* of a file that is read */
#define ICAL_DAYS      90           /* what is usually written out, from now on */
#define ICAL_READ_DAYS 366          /* how far recurrences are usually written out */

/*
 * Who is on call in a schedule, as events in UTC: real turns, overrides applied, each with a UID
 * that stays as long as the turn is the same. SUMMARY is the contact's name, so that
 * ical_windows() understands it.
 *
 * doc      a schedule
 * now_us   for DTSTAMP
 * from_us  turns that end after it and begin before until_us
 * out      text/calendar is appended
 */
void ical_schedule(const struct oncall *oncall, const struct document *doc, int64_t now_us,
		   int64_t from_us, int64_t until_us, struct tc_buf *out);

/* When one person is on call, in whatever schedule. */
void ical_contact(const struct oncall *oncall, const struct contact *contact, int64_t now_us,
		  int64_t from_us, int64_t until_us, struct tc_buf *out);

struct ical_source {
	const char *text; /* need not be UTF-8, nor end with NUL */
	size_t size_bytes;
	const char *zone;          /* of the schedule: for times without a zone, and whole days */
	int64_t from_us, until_us; /* events that end after from_us and begin before until_us */
	int64_t priority;          /* of the windows */
};

/*
 * Events as windows. Who: each attendee (CN) that is a contact; else the summary is his name. When:
 * DTSTART with DTEND or DURATION, in the event's zone, in UTC or in that of the schedule; whole
 * days; RRULE, RDATE, EXDATE and RECURRENCE-ID are followed, ends are kept by the clock. Cancelled
 * events are left out.
 *
 * windows  receives an array of {"contact": id, "start", "end" (RFC 3339, UTC), "priority"}, by
 *          start, each once; a new reference, also after a fault
 * errs     receives the faults; field is "line N": where the event begins
 * result   0 | -EINVAL there was a fault: the windows of the other events are there
 */
int ical_windows(const struct oncall *oncall, const struct ical_source *source, json_t **windows,
		 struct tc_errors *errs);

/*
 * The same for people who are found otherwise: find gives the id of a name, or NULL.
 */
typedef const char *ical_find_fn(void *arg, const char *name);
int ical_windows_of(ical_find_fn *find, void *arg, const struct ical_source *source,
		    json_t **windows, struct tc_errors *errs);

/*
 * Add windows to a schedule's body, in place, without those that it has already.
 *
 * result  how many were added
 */
size_t ical_merge(json_t *body, const json_t *windows);

#endif
