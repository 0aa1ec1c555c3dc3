/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calendars as windows of a schedule: the file, whom its events mean, and what becomes of both.
 * When an event takes place: ical_event.c.
 */
#include "oncall/ical.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libical/ical.h>

#include "host/rfc3339.h"
#include "host/text.h"
#include "oncall/directory.h"
#include "oncall/ical_event.h"
#include "oncall/local.h"
#include "oncall/oncall.h"
#include "oncall/people.h"
#include "oncall/schedule.h"
#include "oncall/zone.h"

#define DEPTH_MAX  8 /* of components in each other */
#define EVENTS_MAX 5000
#define SHOWN      120

struct reading {
	ical_find_fn *find;
	void *arg;
	const struct ical_source *source;
	const struct zone *zone;
	size_t lines[EVENTS_MAX]; /* where each VEVENT begins */
	size_t n_lines, nth;
	struct ical_replaced replaced;
	json_t *windows;
	struct tc_errors *errs;
	bool full;
};

/* ---- the text ---- */

static bool begins(const char *line, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len >= n && !strncasecmp(line, word, n);
}

/* Look over the lines before libical does; NULL = it is a calendar as far as can be seen. */
static const char *look_over(struct reading *r, const char *text, size_t size)
{
	size_t line = 1, depth = 0, calendars = 0;

	if (size > ICAL_BYTES_MAX)
		return "is larger than 512 kB";
	if (memchr(text, '\0', size))
		return "is no text";
	for (const char *end = text + size, *at = text; at < end; line++) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((next ? next : end) - at);

		if (begins(at, len, "BEGIN:"))
			depth++;
		if (begins(at, len, "END:") && !depth--)
			return "ends a component that has not begun";
		calendars += begins(at, len, "BEGIN:VCALENDAR");
		if (depth > DEPTH_MAX)
			return "has components too deep in each other";
		if (begins(at, len, "BEGIN:VEVENT")) {
			if (r->n_lines == EVENTS_MAX)
				return "has more than 5000 events";
			r->lines[r->n_lines++] = line;
		}
		at = next ? next + 1 : end;
	}
	if (!calendars)
		return "is no calendar: there is no BEGIN:VCALENDAR";
	return depth ? "ends before its components do" : NULL;
}

/* ---- whom it means ---- */

static const char *named(void *arg, const char *text)
{
	const struct oncall *oncall = arg;
	const struct directory *dir = oncall_directory(oncall);
	const struct contact *c, *found = NULL;
	char name[SHOWN];
	size_t n = 0;

	while (*text == ' ')
		text++;
	if (strlen(text) >= sizeof(name))
		return NULL;
	tc_strcopy(name, sizeof(name), text);
	for (size_t len = strlen(name); len && name[len - 1] == ' ';)
		name[--len] = '\0';
	c = people_contact(oncall, name);
	if (c)
		return c->id;
	/* otherwise written, if only one is meant */
	for (c = directory_next(dir, NULL); c; c = directory_next(dir, c)) {
		if (strcasecmp(c->name, name) != 0)
			continue;
		found = c;
		n++;
	}
	return n == 1 ? found->id : NULL;
}

static bool declined(icalproperty *attendee)
{
	icalparameter *p = icalproperty_get_first_parameter(attendee, ICAL_PARTSTAT_PARAMETER);

	return p && icalparameter_get_partstat(p) == ICAL_PARTSTAT_DECLINED;
}

/* The ids of an event's contacts; at most room. name: receives the last one that is nobody's. */
static size_t who(const struct reading *r, icalcomponent *event, const char **found, size_t room,
		  const char **name)
{
	const char *summary = icalcomponent_get_summary(event);
	icalproperty *p = icalcomponent_get_first_property(event, ICAL_ATTENDEE_PROPERTY);
	size_t n = 0;

	*name = summary ? summary : "";
	for (; p && n < room; p = icalcomponent_get_next_property(event, ICAL_ATTENDEE_PROPERTY)) {
		icalparameter *cn = icalproperty_get_first_parameter(p, ICAL_CN_PARAMETER);
		const char *text = cn ? icalparameter_get_cn(cn) : NULL;

		if (!text || declined(p))
			continue;
		found[n] = r->find(r->arg, text);
		n += found[n] != NULL;
		if (!summary)
			*name = text;
	}
	if (n || !summary)
		return n;
	found[0] = r->find(r->arg, summary);
	return found[0] != NULL;
}

/* ---- one event ---- */

static void add_fault(struct reading *r, const char *text)
{
	char field[32];

	snprintf(field, sizeof(field), "line %zu", r->nth ? r->lines[r->nth - 1] : 1);
	tc_errors_add(r->errs, field, "%s", text);
}

static void add_windows(struct reading *r, const char *contact,
			const struct ical_occurrences *found)
{
	char start[RFC3339_SIZE], end[RFC3339_SIZE];

	for (size_t i = 0; i < found->n; i++) {
		if (json_array_size(r->windows) >= SCHEDULE_SPANS_MAX) {
			if (!r->full)
				add_fault(r, "there are more than 1000 windows with this event");
			r->full = true;
			return;
		}
		rfc3339_format(start, local_us(found->v[i].from_s));
		rfc3339_format(end, local_us(found->v[i].until_s));
		json_array_append_new(r->windows,
				      json_pack("{s:s, s:s, s:s, s:I}", "contact", contact, "start",
						start, "end", end, "priority",
						(json_int_t)r->source->priority));
	}
}

static void read_event(struct reading *r, icalcomponent *calendar, icalcomponent *event)
{
	struct ical_query query = {
		.calendar = calendar,
		.event = event,
		.schedule = r->zone,
		.replaced = &r->replaced,
		.within = {local_floor_s(r->source->from_us), local_floor_s(r->source->until_us)}};
	const char *contacts[20];
	struct ical_occurrences found = {0};
	char fault[300], shown[SHOWN];
	const char *name;
	size_t n;

	if (icalcomponent_get_status(event) == ICAL_STATUS_CANCELLED)
		return;
	if (ical_event_expand(&query, &found, fault, sizeof(fault))) {
		add_fault(r, fault);
	} else if (found.n) { /* what is over need not have a name that is still known */
		n = who(r, event, contacts, 20, &name);
		for (size_t i = 0; i < n; i++)
			add_windows(r, contacts[i], &found);
		if (!n) {
			text_copy(shown, sizeof(shown), name);
			snprintf(fault, sizeof(fault), "there is no contact '%s'", shown);
			add_fault(r, fault);
		}
	}
	free(found.v);
}

/* ---- the calendar ---- */

typedef void event_fn(struct reading *r, icalcomponent *calendar, icalcomponent *event);

static void note_replaced(struct reading *r, icalcomponent *calendar, icalcomponent *event)
{
	ical_replaced_add(&r->replaced, calendar, event, r->zone);
}

/* All components in the order of the file; events count that stand in a calendar. */
static void walk(struct reading *r, icalcomponent *c, event_fn *fn)
{
	bool calendar = icalcomponent_isa(c) == ICAL_VCALENDAR_COMPONENT;
	icalcompiter i = icalcomponent_begin_component(c, ICAL_ANY_COMPONENT);

	for (; icalcompiter_deref(&i); icalcompiter_next(&i)) {
		icalcomponent *inner = icalcompiter_deref(&i);

		if (icalcomponent_isa(inner) == ICAL_VEVENT_COMPONENT && r->nth < r->n_lines) {
			r->nth++;
			if (calendar)
				fn(r, c, inner);
		}
		walk(r, inner, fn);
	}
}

static int by_start(const void *a, const void *b)
{
	json_t *one = *(json_t *const *)a, *other = *(json_t *const *)b;

	return strcmp(json_string_value(json_object_get(one, "start")),
		      json_string_value(json_object_get(other, "start")));
}

/* By start; of two that are the same one. */
static json_t *sorted(json_t *windows)
{
	size_t n = json_array_size(windows);
	json_t **v = tc_calloc(n + 1, sizeof(json_t *)), *in_order = json_array();
	json_t *body = json_object(), *all;

	for (size_t i = 0; i < n; i++)
		v[i] = json_array_get(windows, i);
	qsort(v, n, sizeof(json_t *), by_start);
	for (size_t i = 0; i < n; i++)
		json_array_append(in_order, v[i]);
	free(v);
	ical_merge(body, in_order);
	all = json_incref(json_object_get(body, "windows"));
	json_decref(body);
	json_decref(in_order);
	json_decref(windows);
	return all;
}

int ical_windows_of(ical_find_fn *find, void *arg, const struct ical_source *source,
		    json_t **windows, struct tc_errors *errs)
{
	struct reading *r = tc_alloc(sizeof(*r));
	size_t faults = tc_errors_count(errs);
	const char *fault;
	icalcomponent *top = NULL;
	char *text;

	*r = (struct reading){.find = find,
			      .arg = arg,
			      .source = source,
			      .errs = errs,
			      .zone = zone_find(source->zone),
			      .windows = json_array()};
	text = tc_strndup(source->text, source->size_bytes);
	fault = r->zone ? look_over(r, source->text, source->size_bytes)
			: "cannot be read: there is no such time zone as that of the schedule";
	if (!fault && !(top = icalparser_parse_string(text)))
		fault = "is no calendar";
	if (fault)
		tc_errors_add(errs, NULL, "the file %s", fault);
	free(text);
	if (top) {
		walk(r, top, note_replaced);
		r->nth = 0;
		walk(r, top, read_event);
		icalcomponent_free(top);
	}
	*windows = sorted(r->windows);
	free(r->replaced.v);
	free(r);
	return tc_errors_count(errs) > faults ? -EINVAL : 0;
}

int ical_windows(const struct oncall *oncall, const struct ical_source *source, json_t **windows,
		 struct tc_errors *errs)
{
	return ical_windows_of(named, (void *)oncall, source, windows, errs);
}

/* ---- into a schedule ---- */

static bool is_new(json_t *seen, const json_t *window)
{
	const char *contact = json_string_value(json_object_get(window, "contact"));
	const char *start = json_string_value(json_object_get(window, "start"));
	const char *end = json_string_value(json_object_get(window, "end"));
	char *key = tc_asprintf("%s\n%s\n%s", contact ? contact : "", start ? start : "",
				end ? end : "");
	bool known = json_object_get(seen, key);

	if (!known)
		json_object_set_new(seen, key, json_true());
	free(key);
	return !known;
}

size_t ical_merge(json_t *body, const json_t *windows)
{
	json_t *there = json_object_get(body, "windows"), *seen = json_object(), *one;
	size_t i, added = 0;

	if (!json_is_array(there)) {
		there = json_array();
		json_object_set_new(body, "windows", there);
	}
	json_array_foreach (there, i, one)
		is_new(seen, one);
	json_array_foreach (windows, i, one) {
		if (!is_new(seen, one))
			continue;
		json_array_append(there, one);
		added++;
	}
	json_decref(seen);
	return added;
}
