/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schedules and people's turns as calendars. Reading calendars: ical_read.c.
 */
#include "oncall/ical.h"

#include <stdlib.h>
#include <string.h>

#include <libical/ical.h>
#include <openssl/sha.h>

#include "oncall/directory.h"
#include "oncall/document.h"
#include "oncall/local.h"
#include "oncall/oncall.h"
#include "oncall/people.h"
#include "oncall/schedule.h"

#define WEEK_US    (7 * (int64_t)LOCAL_DAY_S * 1000000)
#define WEEKS_BACK 5
#define STEPS_MAX  20000 /* changes of one schedule that are looked at */

/* Somebody's turn that has not ended yet. */
struct open_turn {
	const char *contact; /* id; a name when there is no such contact */
	const char *name;
	const char *layer;
	enum schedule_by by;
	int64_t from_us;
	int64_t until_us; /* as far as the schedule knows now */
	bool goes_on;
};

struct writing {
	const struct oncall *oncall;
	const struct document *doc;
	const char *only; /* id of a contact; NULL: all */
	int64_t now_us, from_us;
	icalcomponent *calendar;
	struct open_turn open[SCHEDULE_TURNS];
	size_t n;
};

/* ---- one event ---- */

static struct icaltimetype utc(int64_t at_us)
{
	return icaltime_from_timet_with_zone((time_t)local_floor_s(at_us), 0,
					     icaltimezone_get_utc_timezone());
}

/* The same turn has the same: of what it is, and when it began. */
static char *uid_of(const struct writing *w, const struct open_turn *turn)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	struct tc_buf text = {0};

	tc_buf_printf(&text, "%s\n%s\n%d\n%s\n%lld", w->doc->id, turn->contact, (int)turn->by,
		      turn->layer ? turn->layer : "", (long long)turn->from_us);
	SHA256((const unsigned char *)text.data, text.len, hash);
	tc_buf_fini(&text);
	for (size_t i = 0; i < 16; i++)
		tc_buf_printf(&text, "%02x", hash[i]);
	tc_buf_puts(&text, "@tocsin");
	return tc_buf_take(&text);
}

static void add_event(struct writing *w, const struct open_turn *turn, int64_t until_us)
{
	char *uid = uid_of(w, turn), *summary, *description;

	summary = w->only ? tc_asprintf("On call: %s", w->doc->name) : tc_strdup(turn->name);
	description = turn->by == TURN_LAYER
			      ? tc_asprintf("%s is on call in layer %s of schedule %s", turn->name,
					    turn->layer, w->doc->name)
			      : tc_asprintf("%s is on call by %s of schedule %s", turn->name,
					    turn->by == TURN_WINDOW ? "a window" : "an override",
					    w->doc->name);
	icalcomponent_add_component(
		w->calendar,
		icalcomponent_vanew(ICAL_VEVENT_COMPONENT, icalproperty_new_uid(uid),
				    icalproperty_new_dtstamp(utc(w->now_us)),
				    icalproperty_new_dtstart(utc(turn->from_us)),
				    icalproperty_new_dtend(utc(until_us)),
				    icalproperty_new_summary(summary),
				    icalproperty_new_description(description),
				    icalproperty_new_transp(ICAL_TRANSP_TRANSPARENT), (void *)0));
	free(uid);
	free(summary);
	free(description);
}

/* ---- a schedule ---- */

static struct open_turn *find_open(struct writing *w, const char *contact,
				   const struct schedule_turn *turn)
{
	for (size_t i = 0; i < w->n; i++) {
		struct open_turn *open = &w->open[i];

		if (open->by == turn->by && !strcmp(open->contact, contact) &&
		    (open->layer == turn->layer ||
		     (open->layer && turn->layer && !strcmp(open->layer, turn->layer))))
			return open;
	}
	return NULL;
}

static void go_on(struct writing *w, const struct schedule_turn *turn, int64_t at_us, bool first)
{
	const struct contact *c = people_contact(w->oncall, turn->contact);
	const char *contact = c ? c->id : turn->contact;
	struct open_turn *open = find_open(w, contact, turn);
	bool begun = first && turn->from_us != INT64_MIN && turn->from_us < at_us;

	if (w->only && strcmp(w->only, contact) != 0)
		return;
	if (!open) {
		if (w->n == SCHEDULE_TURNS)
			return;
		open = &w->open[w->n++];
		*open = (struct open_turn){contact,  c ? c->name : turn->contact,   turn->layer,
					   turn->by, begun ? turn->from_us : at_us, 0,
					   false};
	}
	open->until_us = turn->until_us;
	open->goes_on = true;
}

/* End those that do not go on. */
static void end_others(struct writing *w, int64_t at_us)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		if (!w->open[i].goes_on && at_us > w->from_us)
			add_event(w, &w->open[i], at_us);
		if (w->open[i].goes_on)
			w->open[n++] = w->open[i];
	}
	w->n = n;
	for (size_t i = 0; i < w->n; i++)
		w->open[i].goes_on = false;
}

/*
 * Begins some weeks before, at the same instant for all questions of a week: where a turn began
 * that goes on must not depend on when is asked.
 */
static void add_schedule(struct writing *w, int64_t until_us)
{
	const struct schedule *schedule = w->doc->compiled;
	struct schedule_turn turns[SCHEDULE_TURNS];
	int64_t at_us = (w->from_us / WEEK_US - WEEKS_BACK) * WEEK_US, next_us;
	bool first = true;

	for (size_t steps = 0; steps < STEPS_MAX && at_us < until_us; steps++) {
		size_t n = schedule_at(schedule, at_us, turns, &next_us);

		for (size_t i = 0; i < n; i++)
			go_on(w, &turns[i], at_us, first);
		end_others(w, at_us);
		at_us = next_us;
		first = false;
	}
	/* the last ones end where their turns end, unless that is far behind the calendar's end */
	for (size_t i = 0; i < w->n; i++) {
		bool far = w->open[i].until_us > until_us + WEEKS_BACK * WEEK_US;

		add_event(w, &w->open[i], far ? until_us : w->open[i].until_us);
	}
	w->n = 0;
}

/* ---- the calendar ---- */

static icalcomponent *calendar_new(const char *name)
{
	char *title = tc_asprintf("Tocsin: %s", name);
	icalproperty *shown = icalproperty_new_x(title), *refresh = icalproperty_new_x("PT15M");

	icalproperty_set_x_name(shown, "X-WR-CALNAME");
	icalproperty_set_x_name(refresh, "X-PUBLISHED-TTL");
	free(title);
	return icalcomponent_vanew(ICAL_VCALENDAR_COMPONENT, icalproperty_new_version("2.0"),
				   icalproperty_new_prodid("-//Tocsin//Tocsin " TC_VERSION "//EN"),
				   icalproperty_new_calscale("GREGORIAN"),
				   icalproperty_new_method(ICAL_METHOD_PUBLISH), shown, refresh,
				   (void *)0);
}

static void calendar_end(icalcomponent *calendar, struct tc_buf *out)
{
	char *text = icalcomponent_as_ical_string_r(calendar);

	tc_buf_puts(out, text);
	icalmemory_free_buffer(text);
	icalcomponent_free(calendar);
}

void ical_schedule(const struct oncall *oncall, const struct document *doc, int64_t now_us,
		   int64_t from_us, int64_t until_us, struct tc_buf *out)
{
	struct writing w = {.oncall = oncall,
			    .doc = doc,
			    .now_us = now_us,
			    .from_us = from_us,
			    .calendar = calendar_new(doc->name)};

	if (doc->compiled)
		add_schedule(&w, until_us);
	calendar_end(w.calendar, out);
}

void ical_contact(const struct oncall *oncall, const struct contact *contact, int64_t now_us,
		  int64_t from_us, int64_t until_us, struct tc_buf *out)
{
	struct writing w = {.oncall = oncall,
			    .only = contact->id,
			    .now_us = now_us,
			    .from_us = from_us,
			    .calendar = calendar_new(contact->name)};
	const struct documents *docs = oncall_schedules(oncall);

	for (w.doc = documents_next(docs, NULL); w.doc; w.doc = documents_next(docs, w.doc))
		if (w.doc->compiled)
			add_schedule(&w, until_us);
	calendar_end(w.calendar, out);
}
