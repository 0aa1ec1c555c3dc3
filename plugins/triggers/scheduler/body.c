/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What somebody wants planned: the alert as the intake would check it now, and times that exist and
 * are still to come. What happens to it then is not known here.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "planner.h"
#include "when.h"

#define TEXT_MAX (TC_KEEP_TEXT_MAX - 4096) /* what becomes of a plan is written into it */
#define LOOK_AHEAD 50

static int check_alert(struct planner *planner, const struct tc_intake *alert,
		       struct tc_errors *errs)
{
	int err = tc_intake_check(planner->self, alert, errs);

	return err == -EINVAL ? 0 : err; /* its faults are noted: there may be others */
}

/* How long it is as it will be kept. */
static void check_size(const struct plan *plan, struct tc_errors *errs)
{
	char *text = plan_text(plan);

	if (strlen(text) > TEXT_MAX)
		tc_errors_add(errs, "labels", "are too much to be kept: %zu bytes in all, of %d",
			      strlen(text), TEXT_MAX);
	free(text);
}

static int finish(const struct tc_intake *alert, struct plan *plan, struct tc_errors *errs)
{
	if (!tc_errors_count(errs)) {
		plan->state = PLAN_PLANNED;
		plan->alert = plan_alert(alert);
		check_size(plan, errs);
	}
	return tc_errors_count(errs) ? -EINVAL : 0;
}

/* ---- once ---- */

static void check_past(const struct planner *planner, const struct plan *plan,
		       struct tc_errors *errs)
{
	int64_t now_us = planner->wall_us(), late_us = plan_lateness_us(planner, plan);
	char at[WHEN_SIZE], now[WHEN_SIZE], span[WHEN_SIZE];

	if (now_us - plan->at_us <= late_us)
		return; /* as one that is late: it is raised at once */
	tc_errors_add(errs, "at", "is past: %s, and it is %s now; at most %s late is raised",
		      when_format(at, plan->at_us), when_format(now, now_us),
		      when_span(span, late_us / 1000));
}

int plan_make(struct planner *planner, const struct tc_intake *alert, const char *at,
	      const char *timezone, struct plan *plan, struct tc_errors *errs)
{
	int err = check_alert(planner, alert, errs);

	if (err)
		return err;
	if (!when_parse(at, timezone, &plan->at_us, errs)) {
		plan->next_us = plan->at_us;
		plan->timezone = tc_strdup(timezone);
		check_past(planner, plan, errs);
	}
	return finish(alert, plan, errs);
}

/* ---- again and again ---- */

/* An alert each second would telephone somebody each second. */
static void check_interval(const struct planner *planner, struct tc_recur *recur, int64_t next_us,
			   struct tc_errors *errs)
{
	int64_t least_us = planner->cfg->min_interval_ms * 1000;
	char span[WHEN_SIZE], least[WHEN_SIZE];

	for (int i = 0; i < LOOK_AHEAD; i++) {
		int64_t then_us = tc_recur_next(recur, next_us);

		if (then_us == INT64_MAX)
			return;
		if (then_us - next_us < least_us) {
			tc_errors_add(errs, "rrule", "comes again after %s: at least %s is wanted",
				      when_span(span, (then_us - next_us) / 1000),
				      when_span(least, least_us / 1000));
			return;
		}
		next_us = then_us;
	}
}

static void check_rule(const struct planner *planner, const struct recurrence *r,
		       struct plan *plan, struct tc_errors *errs)
{
	struct tc_recur *recur = NULL;
	char fault[256] = "";
	int64_t next_us;

	if (tc_recur_new(&recur, r->rrule, r->start, r->timezone, fault, sizeof(fault))) {
		tc_errors_add(errs, "rrule", "%s", fault);
		return;
	}
	next_us = tc_recur_next(recur, planner->wall_us());
	if (next_us == INT64_MAX)
		tc_errors_add(errs, "rrule", "has no time to come");
	else
		check_interval(planner, recur, next_us, errs);
	tc_recur_free(recur);
	plan->next_us = next_us;
}

int plan_make_recurring(struct planner *planner, const struct tc_intake *alert,
			const struct recurrence *r, struct plan *plan, struct tc_errors *errs)
{
	int err = check_alert(planner, alert, errs);
	int64_t any_us;

	if (err)
		return err;
	if (!r->start)
		tc_errors_add(errs, "start",
			      "is missing: the local time at which the rule begins, as "
			      "2026-11-30T07:00");
	else if (tc_local_parse(r->start, "UTC", &any_us, NULL))
		tc_errors_add(errs, "start", "is no local time, as 2026-11-30T07:00");
	if (!r->timezone)
		tc_errors_add(errs, "timezone", "is missing, as Europe/Rome");
	else if (!tc_zone_known(r->timezone))
		tc_errors_add(errs, "timezone",
			      "is not the name of a time zone, as Europe/Rome: %.64s", r->timezone);
	if (!tc_errors_count(errs))
		check_rule(planner, r, plan, errs);
	plan->rrule = tc_strdup(r->rrule);
	plan->start = tc_strdup(r->start);
	plan->timezone = tc_strdup(r->timezone);
	return finish(alert, plan, errs);
}
