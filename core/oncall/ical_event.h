/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When an event of a calendar takes place: its occurrences as instants.
 */
#ifndef CORE_ONCALL_ICAL_EVENT_H
#define CORE_ONCALL_ICAL_EVENT_H

#include <libical/ical.h>

#include <tocsin/defs.h>

struct zone;

/* An occurrence by its beginning. */
struct ical_replacement {
	const char *uid; /* borrowed from the calendar; NULL = of the same event */
	bool known;      /* its time was understood */
	bool date;       /* a whole day */
	int64_t value_s; /* local midnight of that, or an instant */
};

/* Occurrences that other events, with RECURRENCE-ID, take the place of. */
struct ical_replaced {
	struct ical_replacement *v; /* owned */
	size_t n, room;
};

/* Note the occurrence that an event replaces, if it replaces one. */
void ical_replaced_add(struct ical_replaced *replaced, icalcomponent *calendar,
		       icalcomponent *event, const struct zone *schedule);

struct ical_span {
	int64_t from_s, until_s;
};

struct ical_occurrences {
	struct ical_span *v; /* owned; by time, each once */
	size_t n, room;
};

struct ical_query {
	icalcomponent *calendar, *event;
	const struct zone *schedule;
	const struct ical_replaced *replaced;
	struct ical_span within; /* those that end after the one and begin before the other */
};

/*
 * All occurrences of an event.
 *
 * found     receives them; the caller frees found->v
 * fault     receives what is wrong
 * result    0 | -EINVAL
 */
int ical_event_expand(const struct ical_query *query, struct ical_occurrences *found, char *fault,
		      size_t size_bytes);

#endif
