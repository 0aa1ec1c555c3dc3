/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One target over the coming days: who is reached by it from when until when, and what is wrong
 * with that.
 */
#include "oncall/readiness_target.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "host/rfc3339.h"
#include "oncall/directory.h"
#include "oncall/document.h"
#include "oncall/oncall.h"
#include "oncall/schedule.h"

#define PERIODS_MAX 1000 /* of one target */
#define DAY_US (24 * 3600 * INT64_C(1000000))

/* ---- problems ---- */

json_t *readiness_time(int64_t wall_us)
{
	char text[RFC3339_SIZE];

	return wall_us ? json_string(rfc3339_format(text, wall_us)) : json_null();
}

void readiness_problem(struct readiness *r, enum readiness_severity severity, const char *kind,
		       const char *where, int64_t from_us, int64_t until_us, const char *fmt, ...)
{
	static const char *const names[] = {"error", "warning", "note"};
	char text[2000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(r->problems,
			      json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "kind", kind, "severity",
					names[severity], "where", where, "text", text, "from",
					readiness_time(from_us), "until",
					readiness_time(until_us)));
	r->count += severity != READINESS_NOTE;
}

/* ---- people ---- */

static int64_t time_of(const json_t *period, const char *name)
{
	int64_t at_us = 0;

	rfc3339_parse(json_string_value(json_object_get(period, name)), &at_us);
	return at_us;
}

int64_t readiness_from_us(const json_t *period)
{
	return time_of(period, "from");
}

int64_t readiness_until_us(const json_t *period)
{
	return time_of(period, "until");
}

/* Of all his numbers: one that works is enough to reach him. */
static int64_t last_reached_us(const struct readiness *r, const struct person *p)
{
	int64_t last_us = 0;

	for (size_t i = 0; i < p->n_numbers && r->facts->reached_us; i++) {
		int64_t at_us = r->facts->reached_us(r->facts->arg, p->numbers[i]);

		if (at_us > last_us)
			last_us = at_us;
	}
	return last_us;
}

/* What is to be said of a person, once. */
static void judge_person(struct readiness *r, const struct person *p)
{
	const char *key = p->contact_id ? p->contact_id : p->name;
	int64_t limit_us = r->facts->unproven_us, last_us = last_reached_us(r, p);
	char where[READINESS_WHERE];

	if (json_object_get(r->proven, key))
		return;
	json_object_set_new(r->proven, key, json_true());
	snprintf(where, sizeof(where), "%s %s", p->contact_id ? "contact" : "number", p->name);
	if (limit_us && !last_us)
		readiness_problem(r, READINESS_WARNING, "unproven", where, 0, 0,
				  "no call has ever reached %s: make a test call", p->name);
	else if (limit_us && r->facts->now_us - last_us > limit_us)
		readiness_problem(r, READINESS_WARNING, "unproven", where, 0, 0,
				  "no call has reached %s for %lld days: make a test call", p->name,
				  (long long)((r->facts->now_us - last_us) / DAY_US));
	if (p->contact_id && !p->pin && directory_has_pins(oncall_directory(r->oncall)))
		readiness_problem(r, READINESS_NOTE, "no_pin", where, 0, 0,
				  "%s has no PIN, others have: whoever answers that telephone "
				  "decides",
				  p->name);
}

static json_t *shape_person(struct readiness *r, const struct person *p)
{
	json_t *numbers = json_array();

	for (size_t i = 0; i < p->n_numbers; i++)
		json_array_append_new(numbers, json_string(p->numbers[i]));
	return json_pack("{s:s?, s:s, s:o, s:s?, s:o}", "contact_id", p->contact_id, "name",
			 p->name, "numbers", numbers, "why", p->why, "last_reached",
			 readiness_time(last_reached_us(r, p)));
}

static json_t *shape_people(struct readiness *r, const struct people *people)
{
	json_t *all = json_array();

	for (size_t i = 0; i < people->n; i++) {
		judge_person(r, &people->v[i]);
		json_array_append_new(all, shape_person(r, &people->v[i]));
	}
	return all;
}

/* ---- periods ---- */

static const struct document *schedule_of(const struct readiness *r, const struct target *target)
{
	if (target->kind != TARGET_SCHEDULE)
		return NULL;
	return documents_named(oncall_schedules(r->oncall),
			       *target->name ? target->name : oncall_default_schedule(r->oncall));
}

/* When what people_find() says of it may change next. */
static int64_t next_change_us(const struct schedule *schedule, int64_t at_us)
{
	struct schedule_turn turns[SCHEDULE_TURNS];
	int64_t until_us = INT64_MAX;

	if (schedule)
		schedule_at(schedule, at_us, turns, &until_us);
	return until_us > at_us ? until_us : INT64_MAX;
}

/* The same people as in the period before, whatever the reason: that one goes on. */
static bool goes_on(const json_t *before, const json_t *people)
{
	const json_t *old = json_object_get(before, "people"), *person;
	size_t i;

	if (!before || json_array_size(old) != json_array_size(people))
		return false;
	json_array_foreach (people, i, person) {
		const json_t *other = json_array_get(old, i);

		if (!json_equal(json_object_get(person, "name"), json_object_get(other, "name")) ||
		    !json_equal(json_object_get(person, "why"), json_object_get(other, "why")))
			return false;
	}
	return true;
}

/* Nobody at all, from when until when; and those who are left out all the same. */
static void judge_period(struct readiness *r, const char *where, const char *text,
			 const struct people *people, int64_t from_us, int64_t until_us,
			 bool always)
{
	const char *fault = people->fault ? people->fault : "nobody is on call";

	if (!people->n)
		readiness_problem(r, READINESS_ERROR, always ? "nobody" : "gap", where,
				  always ? 0 : from_us, always ? 0 : until_us,
				  "%s leads to nobody: %s", text, fault);
}

static json_t *look_at_periods(struct readiness *r, const struct target *target,
			       const struct schedule *schedule, const char *text, const char *where)
{
	json_t *periods = json_array(), *last = NULL, *left_out = json_object();
	int64_t at_us = r->facts->now_us, next_us;

	for (int n = 0; at_us < r->facts->until_us && n < PERIODS_MAX; n++, at_us = next_us) {
		struct people people;
		json_t *shapes;

		next_us = next_change_us(schedule, at_us);
		if (next_us > r->facts->until_us)
			next_us = r->facts->until_us;
		people_find(r->oncall, target, at_us, &people);
		shapes = shape_people(r, &people);
		if (people.n && people.fault && !json_object_get(left_out, people.fault)) {
			json_object_set_new(left_out, people.fault, json_true());
			readiness_problem(r, READINESS_WARNING, "left_out", where, at_us, next_us,
					  "%s: %s", text, people.fault);
		}
		if (goes_on(last, shapes)) {
			json_object_set_new(last, "until", readiness_time(next_us));
			json_decref(shapes);
		} else {
			last = json_pack("{s:o, s:o, s:o, s:s?}", "from", readiness_time(at_us),
					 "until", readiness_time(next_us), "people", shapes,
					 "fault", people.n ? NULL : people.fault);
			json_array_append_new(periods, last);
		}
		people_free(&people);
	}
	json_decref(left_out);
	return periods;
}

static void judge_periods(struct readiness *r, const char *where, const char *text,
			  const json_t *periods)
{
	const json_t *period;
	size_t i;

	json_array_foreach (periods, i, period) {
		const char *fault = json_string_value(json_object_get(period, "fault"));
		struct people nobody = {.n = json_array_size(json_object_get(period, "people")),
					.fault = (char *)fault};

		judge_period(r, where, text, &nobody, readiness_from_us(period),
			     readiness_until_us(period), json_array_size(periods) == 1);
	}
}

/* ---- a target ---- */

/* "schedule ops" for "schedule:0192...", whatever way it is written. */
static char *text_of(const struct readiness *r, const struct target *target, const char *given)
{
	const struct document *doc = schedule_of(r, target);
	const struct contact *contact =
		target->kind == TARGET_CONTACT ? people_contact(r->oncall, target->name) : NULL;

	if (doc)
		return tc_asprintf("schedule %s", doc->name);
	if (contact)
		return tc_asprintf("contact %s", contact->name);
	return tc_strdup(given);
}

/* The name under which its periods are remembered: "schedule:ID". */
static char *key_of(const struct readiness *r, const struct target *target, const char *given)
{
	const struct document *doc = schedule_of(r, target);

	return doc ? tc_asprintf("schedule:%s", doc->id) : tc_strdup(given);
}

bool readiness_seen(const struct readiness *r, const char *target)
{
	return json_object_get(r->seen, target) != NULL;
}

static json_t *periods_of(struct readiness *r, const struct target *target, const char *given,
			  const char *text, const char *where)
{
	const struct document *doc = schedule_of(r, target);
	char *key = key_of(r, target, given);
	json_t *periods = json_incref(json_object_get(r->seen, key));

	if (!periods) {
		periods = look_at_periods(r, target, doc ? doc->compiled : NULL, text, where);
		judge_periods(r, where, text, periods);
		json_object_set(r->seen, key, periods);
	}
	free(key);
	return periods;
}

json_t *readiness_target(struct readiness *r, const char *given, const char *where)
{
	struct target target;
	char fault[200];
	json_t *periods;
	char *text;

	if (target_parse(given, &target, fault, sizeof(fault)) ||
	    target_check(r->oncall, given, fault, sizeof(fault)) == -ENOENT) {
		readiness_problem(r, READINESS_ERROR, "unknown", where, 0, 0, "%s", fault);
		periods = json_array();
		json_array_append_new(periods,
				      json_pack("{s:o, s:o, s:[], s:s}", "from",
						readiness_time(r->facts->now_us), "until",
						readiness_time(r->facts->until_us), "people",
						"fault", fault));
		return json_pack("{s:s, s:s, s:o}", "target", given, "text", given, "periods",
				 periods);
	}
	text = text_of(r, &target, given);
	periods = periods_of(r, &target, given, text, where);
	periods = json_pack("{s:s, s:s, s:o}", "target", given, "text", text, "periods", periods);
	free(text);
	return periods;
}
