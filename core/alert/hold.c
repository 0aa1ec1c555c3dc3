/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What holds alerts back: maintenance windows, looked at whenever one begins, ends, or is changed;
 * and the snooze of one alert.
 */
#include <stdlib.h>
#include <string.h>

#include "alert/book.h"
#include "oncall/maintenance.h"
#include "oncall/oncall.h"

#define WAKE_AT_ONCE 20
#define WAKE_APART_US 1000
#define CLOCK_US (20 * 1000 * 1000)  /* how often it is looked whether the wall clock was set */
#define CLOCK_SET_US (1000 * 1000)   /* and by how much that has to be */

/* What holds, and until when; by: owned by the caller, NULL = nothing. */
static char *holder(const struct alerts *alerts, const struct alert_row *row, const json_t *labels,
		    const struct escalation *e, int64_t now_us, int64_t *until_us)
{
	const struct maintenance_alert seen = {.labels = labels,
					       .severity = row->severity,
					       .source = row->source,
					       .target = row->target};
	const struct document *window = maintenance_holds(alerts->oncall, &seen, now_us, until_us);

	if (e->snoozed_by && (!window || e->snoozed_until_us > *until_us)) {
		*until_us = e->snoozed_until_us;
		return tc_asprintf("snooze by %s", e->snoozed_by);
	}
	return window ? tc_asprintf("maintenance %s", window->name) : NULL;
}

bool hold_look(struct alert *alert, const struct escalation_eyes *eyes,
	       struct escalation_notes *notes)
{
	struct escalation *e = &alert->e;
	int64_t until_us = 0;
	bool changed = false, snooze;
	char *by, *reason = NULL;

	if (e->snoozed_by && e->snoozed_until_us <= eyes->now_us) {
		free(e->snoozed_by);
		e->snoozed_by = NULL;
		changed = true;
	}
	by = holder(alert->alerts, &alert->row, json_object_get(alert->values, "labels"), e,
		    eyes->now_us, &until_us);
	if (!by && e->held_by) {
		snooze = !strncmp(e->held_by, "snooze", 6);
		reason = tc_strdup(e->held_until_us > eyes->now_us
					   ? snooze ? "the snooze was ended"
						    : "the maintenance was ended, or changed"
				   : snooze ? "the snooze is over"
					    : "the maintenance is over");
	}
	changed = escalation_hold(e, eyes, by, until_us, reason, notes) || changed;
	free(by);
	free(reason);
	return changed;
}

void hold_begin(struct alerts *alerts, const struct alert_row *row, const json_t *labels,
		struct escalation *e, const struct escalation_eyes *eyes,
		struct escalation_notes *notes)
{
	int64_t until_us = 0;
	char *by = holder(alerts, row, labels, e, eyes->now_us, &until_us);

	escalation_hold(e, eyes, by, until_us, NULL, notes);
	free(by);
}

/* ---- windows ---- */

/* Some at a time: the loop has others to serve, too. */
static void wake_all(struct alerts *alerts)
{
	struct alert *alert;
	int64_t n = 0;

	TAILQ_FOREACH(alert, &alerts->list, link)
		course_wake_in(alert, n++ / WAKE_AT_ONCE * WAKE_APART_US);
}

static void wait_for_next(struct alerts *alerts)
{
	int64_t now_us = loop_wall_us(alerts->loop);
	int64_t next_us = maintenance_next(alerts->oncall, now_us);

	loop_timer_stop(&alerts->windows);
	if (next_us < INT64_MAX)
		loop_timer_start_us(&alerts->windows, next_us - now_us);
}

static void on_boundary(void *arg)
{
	wake_all(arg);
	wait_for_next(arg);
}

static int64_t wall_ahead_us(const struct alerts *alerts)
{
	return loop_wall_us(alerts->loop) - loop_now_us(alerts->loop);
}

/* Timers go by the other clock: what waits for an instant waits anew when that is set. */
static void on_clock(void *arg)
{
	struct alerts *alerts = arg;
	int64_t ahead_us = wall_ahead_us(alerts);

	if (llabs(ahead_us - alerts->ahead_us) > CLOCK_SET_US)
		on_boundary(alerts);
	alerts->ahead_us = ahead_us;
	loop_timer_start_us(&alerts->clock, CLOCK_US);
}

void hold_start(struct alerts *alerts)
{
	loop_timer_init(&alerts->windows, alerts->loop, on_boundary, alerts);
	loop_timer_init(&alerts->clock, alerts->loop, on_clock, alerts);
	alerts->ahead_us = wall_ahead_us(alerts);
	loop_timer_start_us(&alerts->clock, CLOCK_US);
	documents_listen(oncall_maintenance(alerts->oncall), on_boundary, alerts);
}

void hold_stop(struct alerts *alerts)
{
	loop_timer_stop(&alerts->windows);
	loop_timer_stop(&alerts->clock);
	documents_listen(oncall_maintenance(alerts->oncall), NULL, NULL);
}
