/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is due. An alert is handed in under an id that was committed with the plan, and only when
 * that is stored the plan goes on to its next time: wherever the process dies, the alert is there
 * once. What is later than it may be is missed, which is a state and an event.
 *
 * Timers go by the monotonic clock, plans by the wall clock, which may be set and which goes on
 * while a machine sleeps: so it is looked at again and again, some times a minute.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>
#include <tocsin/utf8.h>

#include "planner.h"
#include "when.h"

#define MESSAGE_SIZE 64
#define LOOK_MS 20000         /* the longest that is slept */
#define AT_ONCE 100           /* begun in one turn of the loop: others have to do, too */
#define STORE_AGAIN_US (SECOND_US)
#define REFUSED_AGAIN_US (5 * SECOND_US)
#define MISSED_AT_ONCE 500    /* so that the loop is not held up by a rule of many years */

/* ---- going on ---- */

/* What comes with faults may have been cut anywhere. */
static void make_utf8(char *s)
{
	uint32_t code;
	size_t n;

	for (; *s; s += n) {
		n = tc_utf8_decode(s, &code);
		if (!n)
			*s = '?';
		n += !n;
	}
}

/* The plan after its present time; next: a copy that the caller has made. */
static void go_on(struct entry *e, struct plan *next, int64_t after_us)
{
	char *fault = NULL;
	enum plan_state over = next->last_us == e->plan.next_us ? PLAN_RAISED : PLAN_MISSED;

	next->next_us = next->at_us ? 0 : entry_next(e, after_us, &fault);
	next->next_id[0] = '\0';
	if (next->next_us)
		tc_id_new(next->next_id, next->next_us);
	else
		next->state = next->at_us ? over : PLAN_FINISHED;
	if (!fault)
		return;
	tc_log(e->planner->self, TC_LOG_ERROR, "planned %s: its rule cannot be read any more: %s",
	       next->id, fault);
	next->state = PLAN_MISSED;
	free(next->reason);
	next->reason = tc_asprintf("its rule cannot be read any more: %.200s", fault);
	make_utf8(next->reason);
	free(fault);
}

/* The beginning of its message, for people; characters are not cut in two. */
static const char *message_of(const struct plan *plan, char buf[MESSAGE_SIZE])
{
	const char *text = json_string_value(json_object_get(plan->alert, "message"));
	size_t len = 0, n;
	uint32_t code;

	while (text[len]) {
		n = tc_utf8_decode(text + len, &code);
		if (!n || len + n >= MESSAGE_SIZE)
			break;
		len += n;
	}
	snprintf(buf, MESSAGE_SIZE, "%.*s", (int)len, text);
	return buf;
}

/* alert_id: the one that it became, or that has taken it in */
static void was_raised(struct entry *e, const char *alert_id)
{
	int64_t late_us = e->planner->wall_us() - e->plan.next_us;
	char at[WHEN_SIZE], message[MESSAGE_SIZE], *text, *reason = NULL;
	struct plan next;

	plan_copy(&next, &e->plan);
	next.last_us = e->plan.next_us;
	tc_strcopy(next.last_id, sizeof(next.last_id), alert_id);
	next.raised++;
	e->planner->raised++;
	text = tc_asprintf("planned alert %s (\"%s\") of %s was raised: alert %s", next.id,
			   message_of(&next, message), when_format(at, next.last_us), alert_id);
	if (late_us >= 2 * SECOND_US)
		reason = tc_asprintf("%lld s late", (long long)(late_us / SECOND_US));
	tc_log(e->planner->self, TC_LOG_INFO, "planned %s: raised alert=%s at=%s late_ms=%lld",
	       next.id, alert_id, at, (long long)(late_us / 1000));
	go_on(e, &next, e->plan.next_us);
	entry_change(e, CHANGE_ADVANCE, &next, "planned.raised", text, reason, NULL, NULL);
}

/* ---- missed ---- */

/* All times of the plan that are too late: receives the last of them, and how many there are. */
static int64_t missed_times(struct entry *e, int64_t before_us, int64_t *last_us)
{
	int64_t n = 1, at_us = *last_us = e->plan.next_us;
	char *fault = NULL;

	while (!e->plan.at_us && n < MISSED_AT_ONCE) {
		at_us = entry_next(e, at_us, &fault);
		if (!at_us || at_us >= before_us)
			break;
		*last_us = at_us;
		n++;
	}
	free(fault); /* go_on() finds it again */
	return n;
}

static void was_missed(struct entry *e)
{
	int64_t now_us = e->planner->wall_us();
	int64_t may_us = plan_lateness_us(e->planner, &e->plan), last_us, n;
	char at[WHEN_SIZE], span[WHEN_SIZE], message[MESSAGE_SIZE], *text, *reason;
	struct plan next;

	n = missed_times(e, now_us - may_us, &last_us);
	when_format(at, last_us);
	reason = tc_asprintf("%lld s late, and max_lateness is %s%s%s",
			     (long long)((now_us - last_us) / SECOND_US),
			     when_span(span, may_us / 1000), e->trouble ? "; " : "",
			     e->trouble ? e->trouble : "");
	plan_copy(&next, &e->plan);
	next.missed += n;
	next.missed_us = last_us;
	free(next.reason);
	next.reason = tc_strdup(reason);
	e->planner->missed += (uint64_t)n;
	if (n > 1)
		text = tc_asprintf("planned alert %s (\"%s\") was missed %lld times, last at %s",
				   next.id, message_of(&next, message), (long long)n, at);
	else
		text = tc_asprintf("planned alert %s (\"%s\") of %s was missed", next.id,
				   message_of(&next, message), at);
	tc_log(e->planner->self, TC_LOG_ERROR, "%s: %s", text, reason);
	go_on(e, &next, last_us);
	entry_change(e, CHANGE_ADVANCE, &next, "planned.missed", text, reason, NULL, NULL);
}

/* ---- raising ---- */

static void again_in(struct entry *e, int64_t delay_us)
{
	e->retry_us = tc_now_us() + delay_us;
}

static bool is_too_late(const struct entry *e)
{
	return e->planner->wall_us() - e->plan.next_us > plan_lateness_us(e->planner, &e->plan);
}

static void on_stored(void *arg, int err, const struct tc_intake_result *results, size_t n)
{
	struct entry *e = arg;
	struct planner *planner = e->planner;

	if (planner->self && (err || n != 1)) {
		free(e->trouble);
		e->trouble = tc_strdup("the store is away");
		again_in(e, STORE_AGAIN_US);
		entry_idle(e);
	} else if (planner->self) {
		was_raised(e, results->id);
	}
	planner_release(planner);
}

/* It was good when it was planned: somebody was removed since, or the store is overloaded. */
static void refused(struct entry *e, const struct tc_errors *errs)
{
	char *trouble;

	if (!tc_errors_count(errs)) {
		again_in(e, STORE_AGAIN_US);
		return;
	}
	again_in(e, REFUSED_AGAIN_US);
	trouble = tc_asprintf("its alert is refused: %.64s %.256s",
			      tc_errors_field(errs, 0) ? tc_errors_field(errs, 0) : "",
			      tc_errors_text(errs, 0));
	make_utf8(trouble);
	if (!e->trouble || strcmp(e->trouble, trouble) != 0)
		tc_log(e->planner->self, TC_LOG_ERROR, "planned %s: %s; it is tried again",
		       e->plan.id, trouble);
	free(e->trouble);
	e->trouble = trouble;
}

static void raise_alert(struct entry *e)
{
	struct tc_errors *errs = tc_errors_new();
	struct tc_intake intake;
	char key[128];
	int err;

	plan_intake(&e->plan, &intake, key);
	planner_hold(e->planner);
	err = tc_intake_submit(e->planner->self, &intake, 1, errs, on_stored, e);
	if (err) {
		refused(e, errs);
		planner_release(e->planner);
	} else {
		e->busy = e->tried = true;
	}
	tc_errors_free(errs);
}

/* ---- was it raised, before the process died or the store went away? ---- */

static void on_found(void *arg, int err, bool found)
{
	struct entry *e = arg;
	struct planner *planner = e->planner;

	if (planner->self && found) {
		was_raised(e, e->plan.next_id);
	} else if (planner->self) {
		e->busy = false;
		e->tried = e->tried && err;
		if (err)
			again_in(e, STORE_AGAIN_US);
		else if (is_too_late(e))
			was_missed(e);
		else
			raise_alert(e);
		if (!e->busy)
			entry_idle(e);
	}
	planner_release(planner);
}

static void look_for(struct entry *e)
{
	planner_hold(e->planner);
	if (!tc_intake_find(e->planner->self, e->plan.next_id, on_found, e)) {
		e->busy = true;
		return;
	}
	again_in(e, STORE_AGAIN_US);
	planner_release(e->planner);
}

/* ---- the clock ---- */

static void is_due(struct entry *e)
{
	if (e->tried || is_too_late(e))
		look_for(e);
	else
		raise_alert(e);
}

static bool is_over(const struct entry *e, int64_t now_us)
{
	return e->plan.state != PLAN_PLANNED &&
	       now_us - e->plan.updated_us > e->planner->cfg->keep_ms * 1000;
}

/* What one entry wants now; how long it can wait then, in microseconds. */
static int64_t attend(struct entry *e, int64_t now_us)
{
	int64_t wait_us;

	if (e->busy || !e->there)
		return INT64_MAX; /* its end wakes us */
	if (is_over(e, now_us)) {
		entry_change(e, CHANGE_REMOVE, NULL, NULL, NULL, NULL, NULL, NULL);
		return INT64_MAX;
	}
	if (e->plan.state != PLAN_PLANNED)
		return INT64_MAX;
	wait_us = e->plan.next_us - now_us;
	if (wait_us <= 0 && tc_now_us() >= e->retry_us)
		is_due(e);
	if (wait_us > 0)
		return wait_us;
	return e->busy ? INT64_MAX : e->retry_us - tc_now_us();
}

void planner_pass(struct planner *planner)
{
	int64_t now_us = planner->wall_us(), sleep_us = LOOK_MS * INT64_C(1000), wait_us;
	struct entry *e;
	int begun = 0;

	TAILQ_FOREACH(e, &planner->entries, link) { /* nothing is freed inside */
		bool was_busy = e->busy;

		wait_us = begun < AT_ONCE ? attend(e, now_us) : 0;
		if (wait_us < sleep_us)
			sleep_us = wait_us > 0 ? wait_us : 0;
		begun += e->busy && !was_busy;
	}
	tc_timer_start(planner->timer, (sleep_us + 999) / 1000);
}

void planner_wake(struct planner *planner)
{
	if (planner->self && planner->loaded)
		tc_timer_start(planner->timer, 0);
}
