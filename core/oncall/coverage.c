/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Coverage of the schedules. All of them are gone through after a change of schedules or contacts,
 * when somebody else is on call in one of them, and every ten minutes, as the 14 days move on; a
 * bounded number of changes in one turn of the loop.
 */
#include "oncall/coverage.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <tocsin/alloc.h>
#include <tocsin/calendar.h>
#include <tocsin/log.h>

#include "host/loop.h"
#include "host/metrics.h"
#include "oncall/directory.h"
#include "oncall/oncall.h"
#include "oncall/people.h"
#include "oncall/schedule.h"

#define SLICE_STEPS  64
#define SETTLE_US    (100 * 1000) /* changes come in hundreds: what is imported */
#define EVERY_US     (600 * INT64_C(1000000))
#define HORIZON_US   (COVERAGE_DAYS * 24 * 3600 * INT64_C(1000000))
#define LABELS_BYTES 400

/* A schedule whose metrics are there. */
struct told {
	LIST_ENTRY(told) link;
	char id[TC_ID_SIZE];
	char labels[LABELS_BYTES];
	bool gaps; /* it has been logged that there are some */
	bool seen; /* in this round */
};

struct coverage {
	struct loop *loop;
	struct oncall *oncall;
	struct loop_timer timer;
	const struct document *doc; /* where the round is; NULL = a new one begins */
	bool sweeping;              /* doc has been begun */
	bool changed;               /* the timer runs for that */
	int64_t now_us, next_us;    /* of the round */
	struct schedule_sweep sweep;
	struct schedule_gap first; /* gap of doc */
	LIST_HEAD(, told) told;
};

/* ---- what is told ---- */

static void forget(struct told *t)
{
	metrics_forget("tocsin_schedule_gap_seconds", t->labels);
	metrics_forget("tocsin_oncall_people", t->labels);
	LIST_REMOVE(t, link);
	free(t);
}

static struct told *told_of(struct coverage *cov, const struct document *doc)
{
	char labels[LABELS_BYTES] = "";
	struct told *t;

	metrics_label(labels, sizeof(labels), "schedule", doc->name);
	LIST_FOREACH (t, &cov->told, link)
		if (!strcmp(t->id, doc->id))
			break;
	if (t && !strcmp(t->labels, labels))
		return t;
	if (t) /* it has another name now */
		forget(t);
	t = tc_alloc(sizeof(*t));
	tc_strcopy(t->id, sizeof(t->id), doc->id);
	tc_strcopy(t->labels, sizeof(t->labels), labels);
	LIST_INSERT_HEAD(&cov->told, t, link);
	return t;
}

static void log_gaps(struct coverage *cov, struct told *t)
{
	const struct document *doc = cov->doc;
	char from[40], until[40];
	bool gaps = cov->sweep.n > 0;

	if (gaps && !t->gaps && doc->compiled) {
		const char *zone = schedule_timezone(doc->compiled);

		tc_local_format(cov->first.from_us, zone, from);
		tc_local_format(cov->first.until_us, zone, until);
		tc_log(NULL, TC_LOG_WARN,
		       "schedule %s: nobody who can be called is on call from %s to %s; gaps in "
		       "the next %d days: %zu",
		       doc->name, from, until, COVERAGE_DAYS, cov->sweep.n);
	} else if (!gaps && t->gaps) {
		tc_log(NULL, TC_LOG_INFO, "schedule %s has no gap in the next %d days any more",
		       doc->name, COVERAGE_DAYS);
	}
	t->gaps = gaps;
}

static void tell(struct coverage *cov)
{
	struct told *t = told_of(cov, cov->doc);
	struct people people;

	people_find(cov->oncall, &(struct target){TARGET_SCHEDULE, cov->doc->id}, cov->now_us,
		    &people);
	metrics_gauge("tocsin_schedule_gap_seconds",
		      "Time of the next 14 days in which nobody who can be called is on call.",
		      t->labels, (double)cov->sweep.gap_us / 1e6);
	metrics_gauge("tocsin_oncall_people", "People who are on call now and can be called.",
		      t->labels, (double)people.n);
	people_free(&people);
	log_gaps(cov, t);
	t->seen = true;
}

/* ---- the round ---- */

/* One schedule, or a part of it; true when it is done. */
static bool look(struct coverage *cov)
{
	const struct schedule *schedule = cov->doc->compiled;
	struct schedule_turn turns[SCHEDULE_TURNS];
	int64_t until_us;

	if (!cov->sweeping) {
		cov->sweep = (struct schedule_sweep){
			.from_us = cov->now_us, .gaps = &cov->first, .room = 1};
		cov->sweeping = true;
	}
	if (!schedule) { /* broken: nobody is on call */
		cov->first = (struct schedule_gap){cov->now_us, cov->now_us + HORIZON_US};
		cov->sweep.n = 1;
		cov->sweep.gap_us = HORIZON_US;
		return true;
	}
	if (!schedule_sweep(cov->oncall, schedule, &cov->sweep, cov->now_us + HORIZON_US,
			    SLICE_STEPS))
		return false;
	schedule_at(schedule, cov->now_us, turns, &until_us);
	if (until_us < cov->next_us)
		cov->next_us = until_us;
	return true;
}

static void end_round(struct coverage *cov)
{
	struct told *t, *next;
	int64_t delay_us = cov->next_us - loop_wall_us(cov->loop);

	for (t = LIST_FIRST(&cov->told); t; t = next) {
		next = LIST_NEXT(t, link);
		if (!t->seen)
			forget(t);
	}
	loop_timer_start_us(&cov->timer, delay_us > 0 ? delay_us : 0);
}

static void begin_round(struct coverage *cov)
{
	struct told *t;

	LIST_FOREACH (t, &cov->told, link)
		t->seen = false;
	cov->now_us = loop_wall_us(cov->loop);
	cov->next_us = cov->now_us + EVERY_US;
	cov->sweeping = false;
	cov->doc = documents_next(oncall_schedules(cov->oncall), NULL);
}

static void on_timer(void *arg)
{
	struct coverage *cov = arg;

	cov->changed = false;
	if (!cov->doc)
		begin_round(cov);
	if (cov->doc && look(cov)) {
		tell(cov);
		cov->sweeping = false;
		cov->doc = documents_next(oncall_schedules(cov->oncall), cov->doc);
	}
	if (cov->doc)
		loop_timer_start_us(&cov->timer, 0);
	else
		end_round(cov);
}

static void on_change(void *arg)
{
	struct coverage *cov = arg;

	cov->doc = NULL; /* it may be gone */
	cov->sweeping = false;
	if (cov->changed || !directory_ready(oncall_directory(cov->oncall)) ||
	    !documents_ready(oncall_schedules(cov->oncall)))
		return;
	cov->changed = true;
	loop_timer_start_us(&cov->timer, SETTLE_US);
}

/* ---- beginning and end ---- */

struct coverage *coverage_new(struct loop *loop, struct oncall *oncall)
{
	struct coverage *cov = tc_alloc(sizeof(*cov));

	cov->loop = loop;
	cov->oncall = oncall;
	LIST_INIT(&cov->told);
	loop_timer_init(&cov->timer, loop, on_timer, cov);
	documents_listen(oncall_schedules(oncall), on_change, cov);
	directory_listen(oncall_directory(oncall), on_change, cov);
	on_change(cov);
	return cov;
}

void coverage_free(struct coverage *cov)
{
	if (!cov)
		return;
	documents_listen(oncall_schedules(cov->oncall), NULL, NULL);
	directory_listen(oncall_directory(cov->oncall), NULL, NULL);
	loop_timer_stop(&cov->timer);
	while (!LIST_EMPTY(&cov->told))
		forget(LIST_FIRST(&cov->told));
	free(cov);
}
