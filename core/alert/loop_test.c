/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loop-back tests: when each is due, and who hears of it when they fail. The call itself is the
 * caller's (call/drill.h).
 */
#include "alert/loop_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "alert/alert.h"
#include "call/drill.h"
#include "call/trunk.h"
#include "host/config.h"
#include "host/loop.h"
#include "host/metrics.h"
#include "store/drill_repo.h"
#include "store/store.h"

#define BUSY_US (60 * INT64_C(1000000)) /* until it is tried again when there is no room */
#define SLACK_US (3600 * INT64_C(1000000)) /* of at: clocks are changed by an hour */
#define SOURCE "tocsin"

struct loop_test {
	struct loop_tests *all;
	const struct config_loop_test *cfg;
	struct loop_timer due;
	int64_t last_us; /* when the newest was begun, wall time; 0 = never */
	int64_t failed;  /* so many in a row */
};

struct loop_tests {
	struct loop_test_deps deps;
	struct loop_test *v;
	size_t n;
};

/* ---- when ---- */

/* The first HH:MM of the machine's own time that is not before an instant. */
static int64_t next_at_us(const char *at, int64_t from_us)
{
	time_t from = (time_t)(from_us / 1000000), when;
	struct tm tm;

	for (int day = 0; day < 3; day++) {
		localtime_r(&from, &tm);
		tm.tm_mday += day;
		sscanf(at, "%2d:%2d", &tm.tm_hour, &tm.tm_min);
		tm.tm_sec = 0;
		tm.tm_isdst = -1;
		when = mktime(&tm);
		if (when >= from)
			return (int64_t)when * 1000000;
	}
	return from_us;
}

static int64_t due_us(const struct loop_test *t, int64_t now_us)
{
	const struct config_loop_test *cfg = t->cfg;
	int64_t every_us = (t->failed ? cfg->retry : cfg->every) * 1000, due;

	due = t->last_us ? t->last_us + every_us : now_us;
	if (due < now_us)
		due = now_us;
	if (cfg->at && !t->failed)
		due = next_at_us(cfg->at, t->last_us ? due - SLACK_US : due);
	return due < now_us ? now_us : due;
}

static void schedule(struct loop_test *t)
{
	int64_t now_us = loop_wall_us(t->all->deps.loop);

	loop_timer_start_us(&t->due, due_us(t, now_us) - now_us);
}

/* ---- who hears of it ---- */

static void on_said(void *arg, int err, const struct tc_intake_result *results, size_t n)
{
	(void)arg;
	(void)results;
	(void)n;
	if (err)
		tc_log(NULL, TC_LOG_ERROR, "what became of a test call cannot be made an alert: %s",
		       tc_strerror(err));
}

static void submit(const struct loop_test *t, struct tc_intake *in)
{
	struct tc_errors *errs = tc_errors_new();
	char *key = tc_asprintf("self/test_call/%s", t->cfg->name);
	int err;

	in->source = SOURCE;
	in->dedup_key = key;
	err = alerts_submit(t->all->deps.alerts, NULL, in, 1, errs, on_said, NULL);
	if (err == -EINVAL && tc_errors_count(errs))
		tc_log(NULL, TC_LOG_ERROR, "nobody can be called about it: self_alarms.%s %s",
		       tc_errors_field(errs, 0), tc_errors_text(errs, 0));
	else if (err)
		on_said(NULL, err, NULL, 0);
	tc_errors_free(errs);
	free(key);
}

static void raise_alarm(const struct loop_test *t, const struct drill_row *row)
{
	const char *target = t->all->deps.alarms->target;
	char *message;
	json_t *labels;

	if (!target)
		return;
	message = tc_asprintf("Tocsin: the test call %s by trunk %s has failed %lld times: %s",
			      t->cfg->name, row->trunk ? row->trunk : "?", (long long)t->failed,
			      row->reason ? row->reason : row->result);
	labels = json_pack("{s:s, s:s, s:s}", "alertname", "TocsinTestCallFailed", "test",
			   t->cfg->name, "trunk", row->trunk ? row->trunk : "");
	submit(t, &(struct tc_intake){.action = TC_INTAKE_RAISE,
				      .message = message,
				      .target = target,
				      .labels = labels});
	json_decref(labels);
	free(message);
}

static void on_done(void *arg, const struct drill_row *row)
{
	struct loop_test *t = arg;
	bool passed = !strcmp(row->result, "passed");
	char labels[200] = "";

	metrics_label(labels, sizeof(labels), "name", t->cfg->name);
	metrics_gauge("tocsin_test_call_passed", "Whether the newest loop-back test was passed.",
		      labels, passed);
	t->last_us = row->created_us;
	t->failed = passed ? 0 : t->failed + 1;
	if (passed)
		submit(t, &(struct tc_intake){.action = TC_INTAKE_RESOLVE});
	else if (t->failed >= t->cfg->alarm_after)
		raise_alarm(t, row);
	schedule(t);
}

/* ---- calling ---- */

static void on_due(void *arg)
{
	struct loop_test *t = arg;
	const struct loop_test_deps *deps = &t->all->deps;
	struct drill_request request = {.target = t->cfg->number,
					.number = t->cfg->number,
					.who = t->cfg->number,
					.by = SOURCE,
					.trunk = trunks_find(deps->trunks, t->cfg->trunk),
					.loop = t->cfg->name,
					.called = t->cfg->called,
					.done = on_done,
					.arg = t};
	char id[TC_ID_SIZE];
	int err = request.trunk ? drill_start(deps->caller, &request, id) : -ENOENT;

	if (!err)
		return;
	tc_log(NULL, TC_LOG_WARN, "test call %s cannot be made now: %s", t->cfg->name,
	       tc_strerror(err));
	loop_timer_start_us(&t->due, BUSY_US);
}

/* ---- beginning ---- */

/* What the history says: newest first. */
static int add(const struct drill_row *row, void *arg)
{
	struct loop_test *t = arg;

	if (!row->result || !strcmp(row->result, "lost"))
		return 0; /* nobody's fault: made once more */
	if (!t->last_us)
		t->last_us = row->created_us;
	if (!strcmp(row->result, "passed"))
		return 1;
	t->failed++;
	return 0;
}

static int read_history(struct db *db, void *arg)
{
	struct loop_tests *all = arg;
	int err = 0;

	for (size_t i = 0; i < all->n && !err; i++) {
		struct drill_filter filter = {.name = all->v[i].cfg->name, .limit = 20};

		all->v[i].last_us = all->v[i].failed = 0;
		err = drill_list(db, &filter, add, &all->v[i]);
	}
	return err;
}

static void on_read(void *arg, int err)
{
	struct loop_tests *all = arg;

	if (err)
		tc_log(NULL, TC_LOG_WARN, "the history of test calls cannot be read: %s",
		       tc_strerror(err));
	for (size_t i = 0; i < all->n; i++)
		schedule(&all->v[i]);
}

struct loop_tests *loop_tests_new(const struct loop_test_deps *deps)
{
	struct loop_tests *all = tc_alloc(sizeof(*all));
	const struct config_loop_test *cfg = deps->tests->v;

	all->deps = *deps;
	all->v = tc_calloc(deps->tests->n + 1, sizeof(*all->v));
	all->n = deps->tests->n;
	for (size_t i = 0; i < all->n; i++) {
		all->v[i].all = all;
		all->v[i].cfg = &cfg[i];
		loop_timer_init(&all->v[i].due, deps->loop, on_due, &all->v[i]);
	}
	if (all->n && store_read(deps->store, read_history, on_read, all))
		on_read(all, -EAGAIN);
	return all;
}

void loop_tests_free(struct loop_tests *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->n; i++)
		loop_timer_stop(&all->v[i].due);
	free(all->v);
	free(all);
}

void loop_tests_configure(struct loop_tests *all, const struct config_self_alarms *alarms)
{
	if (all)
		all->deps.alarms = alarms;
}
