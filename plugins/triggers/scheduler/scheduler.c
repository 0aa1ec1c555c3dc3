/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trigger scheduler: alerts that are raised later, once or again and again. Its options, and
 * its life; the work is in the files that planner.h lists.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "planner.h"
#include "when.h"

#define OPTION(name_, field) .name = name_, .offset = offsetof(struct scheduler_config, field)
#define YEAR_MS (INT64_C(366) * 86400000)

static const struct tc_option options[] = {
	{OPTION("path", path), .type = TC_STRING, .def = "/v1/planned", .min = 2, .max = 100,
	 .help = "where what is planned is listed and changed; a second instance needs another"},
	{OPTION("max_lateness", max_lateness_ms), .type = TC_DURATION, .def = "15m", .min = 1000,
	 .max = YEAR_MS,
	 .help = "what could not be raised in time (the daemon was down) is raised as long as it "
		 "is not later than this; what is later is marked missed"},
	{OPTION("keep", keep_ms), .type = TC_DURATION, .def = "30d", .max = 10 * YEAR_MS,
	 .help = "how long what was raised, missed or cancelled stays in the list"},
	{OPTION("min_interval", min_interval_ms), .type = TC_DURATION, .def = "1m", .min = 1000,
	 .max = YEAR_MS, .help = "a rule that comes again sooner is refused"},
	{OPTION("max_planned", max_planned), .type = TC_INT, .def = "10000", .min = 1,
	 .max = 100000, .help = "how many can be planned at the same time"},
	TC_OPTION_END,
};

static int check(const void *cfg, struct tc_errors *errs)
{
	const struct scheduler_config *config = cfg;

	if (config->path[0] == '/')
		return 0;
	tc_errors_add(errs, "path", "does not begin with \"/\"");
	return -EINVAL;
}

/* ---- for other triggers ---- */

struct plan_request {
	tc_plan_done_fn done;
	void *arg;
	int err;
	char id[TC_ID_SIZE];
	int64_t at_us;
};

static void on_added(void *arg, int err, const struct entry *e)
{
	struct plan_request *r = arg;

	r->done(r->arg, err, err ? NULL : e->plan.id, err ? 0 : e->plan.at_us, false);
	free(r);
}

static void tell_known(void *arg)
{
	struct plan_request *r = arg;

	r->done(r->arg, 0, r->id, r->at_us, true);
	free(r);
}

/* Has somebody repeated a request that was taken? NULL = no. */
static const struct entry *find_same(struct planner *planner, const struct plan *plan)
{
	const json_t *key = json_object_get(plan->alert, "dedup_key");
	const struct entry *e;

	TAILQ_FOREACH(e, &planner->entries, link) {
		const struct plan *p = e->there ? &e->plan : &e->next;

		if (key && p->state == PLAN_PLANNED && p->at_us == plan->at_us &&
		    json_equal(json_object_get(p->alert, "dedup_key"), key))
			return e;
	}
	return NULL;
}

static int add(struct planner *planner, struct plan *plan, tc_plan_done_fn done, void *arg)
{
	const struct entry *same = find_same(planner, plan);
	struct plan_request *r;
	char at[WHEN_SIZE];
	int err;

	if (same && !same->there) {
		plan_fini(plan);
		return -EAGAIN; /* nobody knows yet what becomes of that one */
	}
	r = tc_alloc(sizeof(*r));
	r->done = done;
	r->arg = arg;
	if (same) {
		tc_strcopy(r->id, sizeof(r->id), same->plan.id);
		r->at_us = same->plan.at_us;
		plan_fini(plan);
		return tc_post(planner->self, tell_known, tell_known, r);
	}
	tc_id_new(plan->id, plan->next_us);
	tc_strcopy(plan->next_id, sizeof(plan->next_id), plan->id);
	err = planner_add(planner, plan,
			  tc_asprintf("planned alert %s was added: %s", plan->id,
				      when_format(at, plan->next_us)),
			  on_added, r);
	if (err)
		free(r);
	return err;
}

static int scheduler_plan(void *state, const struct tc_intake *alert, const char *at,
			  const char *timezone, struct tc_errors *errs, tc_plan_done_fn done,
			  void *arg)
{
	struct planner *planner = state;
	struct plan plan = {.max_lateness_ms = -1};
	int err = planner->loaded ? plan_make(planner, alert, at, timezone, &plan, errs) : -EAGAIN;

	if (!err)
		return add(planner, &plan, done, arg);
	plan_fini(&plan);
	return err;
}

static const struct tc_trigger_ops ops = {.plan = scheduler_plan};

/* ---- the instance ---- */

static int scheduler_open(struct tc_instance *self, const void *cfg, void **state)
{
	struct planner *planner = planner_new(self, cfg);
	int err = routes_add(planner);

	if (err) {
		planner_close(planner);
		return err;
	}
	*state = planner;
	return 0;
}

static void scheduler_close(void *state)
{
	planner_close(state);
}

static void scheduler_status(void *state, struct tc_status *out)
{
	const struct planner *planner = state;
	const struct entry *e, *bad = NULL;
	int64_t next_us = INT64_MAX;
	char at[WHEN_SIZE] = "";
	size_t late = 0;

	TAILQ_FOREACH(e, &planner->entries, link) {
		if (!e->there || e->plan.state != PLAN_PLANNED)
			continue;
		if (e->plan.next_us < next_us)
			next_us = e->plan.next_us;
		bad = e->trouble ? e : bad;
		late += e->trouble != NULL;
	}
	if (next_us != INT64_MAX)
		when_format(at, next_us);
	if (!planner->loaded)
		tc_status_health(out, !planner->unread, "what is planned %s",
				 planner->unread ? "cannot be read" : "is being read");
	else if (bad)
		tc_status_health(out, false, "%zu cannot be raised; planned %s: %s", late,
				 bad->plan.id, bad->trouble);
	else if (planner->unreadable)
		tc_status_health(out, false, "%llu that were planned cannot be read",
				 (unsigned long long)planner->unreadable);
	else
		tc_status_health(out, true, "%zu planned%s%s", planner->planned,
				 *at ? ", the next for " : "", at);
	tc_status_text(out, "next_at", at);
	tc_status_number(out, "planned", (double)planner->planned);
	tc_status_number(out, "cannot_be_raised", (double)late);
	tc_status_number(out, "raised", (double)planner->raised);
	tc_status_number(out, "missed", (double)planner->missed);
}

TC_API const struct tc_plugin tc_plugin = {
	TC_PLUGIN_GUARD(TC_KIND_TRIGGER),
	.name = "scheduler",
	.version = TC_VERSION,
	.summary = "Raises alerts later: once, or again and again",
	.options = options,
	.config_size = sizeof(struct scheduler_config),
	.check = check,
	.open = scheduler_open,
	.close = scheduler_close,
	.status = scheduler_status,
	.ops = &ops,
};
