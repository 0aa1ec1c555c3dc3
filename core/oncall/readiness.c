/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether people would be reached: who is called when by each policy, schedule and target of the
 * configuration. What is wrong with a single target is found in readiness_target.c.
 */
#include "oncall/readiness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "host/quantity.h"
#include "oncall/directory.h"
#include "oncall/oncall.h"
#include "oncall/policy.h"
#include "oncall/readiness_target.h"
#include "oncall/schedule.h"

#define TIMES_MAX 64 /* of a policy in which nobody is reached, that are named */

/* ---- policies ---- */

/* The times in which none of a policy's targets has anybody. */
struct nobody {
	struct schedule_gap v[TIMES_MAX];
	size_t n;
};

static bool has_people(const json_t *period)
{
	return json_array_size(json_object_get(period, "people")) > 0;
}

/* Leave of the times so far those in which this target has nobody either. */
static void keep_empty(struct nobody *times, const json_t *periods)
{
	struct nobody left = {.n = 0};
	const json_t *period;
	size_t k;

	for (size_t i = 0; i < times->n; i++) {
		json_array_foreach (periods, k, period) {
			int64_t from_us = readiness_from_us(period),
				until_us = readiness_until_us(period);

			if (from_us < times->v[i].from_us)
				from_us = times->v[i].from_us;
			if (until_us > times->v[i].until_us)
				until_us = times->v[i].until_us;
			if (has_people(period) || from_us >= until_us || left.n == TIMES_MAX)
				continue;
			if (left.n && left.v[left.n - 1].until_us == from_us)
				left.v[left.n - 1].until_us = until_us;
			else
				left.v[left.n++] = (struct schedule_gap){from_us, until_us};
		}
	}
	*times = left;
}

struct policy_look {
	struct readiness *r;
	const char *name;
	struct nobody nobody;
	json_t *steps;
	json_t *met; /* whom its steps have: names */
};

static void look_at_step(struct policy_look *look, const struct policy_step *step, bool final)
{
	int number = (int)json_array_size(look->steps) + 1;
	json_t *targets = json_array(), *target, *period, *person;
	char wait[QUANTITY_SIZE], where[READINESS_WHERE];
	size_t k, m;

	if (final)
		snprintf(where, sizeof(where), "policy %s, final step", look->name);
	else
		snprintf(where, sizeof(where), "policy %s, step %d", look->name, number);
	for (size_t i = 0; i < step->targets.n; i++) {
		target = readiness_target(look->r, step->targets.v[i], where);
		json_array_append_new(targets, target);
		keep_empty(&look->nobody, json_object_get(target, "periods"));
		json_array_foreach (json_object_get(target, "periods"), k, period)
			json_array_foreach (json_object_get(period, "people"), m, person)
				json_object_set(
					look->met,
					json_string_value(json_object_get(person, "name")),
					json_true());
	}
	json_array_append_new(
		look->steps,
		json_pack("{s:i, s:b, s:o, s:o}", "step", number, "final", final, "wait",
			  step->wait_ms ? json_string(quantity_format_duration(wait, step->wait_ms))
					: json_null(),
			  "targets", targets));
}

static void judge_policy(const struct policy_look *look)
{
	struct readiness *r = look->r;
	char where[READINESS_WHERE];

	snprintf(where, sizeof(where), "policy %s", look->name);
	for (size_t i = 0; i < look->nobody.n && !r->facts->fallback; i++)
		readiness_problem(r, READINESS_ERROR, "no_way_out", where,
				  look->nobody.v[i].from_us, look->nobody.v[i].until_us,
				  "none of its steps leads to anybody, and there is no "
				  "escalation.fallback");
	if (json_object_size(look->met) == 1 && !r->facts->fallback)
		readiness_problem(r, READINESS_WARNING, "single_person", where, 0, 0,
				  "all of its steps lead to %s alone, and there is no "
				  "escalation.fallback",
				  json_object_iter_key(json_object_iter(look->met)));
}

static json_t *look_at_policy(struct readiness *r, const struct document *doc)
{
	const struct policy *policy = doc->compiled;
	struct policy_look look = {.r = r, .name = doc->name, .steps = json_array()};
	json_t *shape;
	char where[READINESS_WHERE];

	snprintf(where, sizeof(where), "policy %s", doc->name);
	if (policy) {
		const struct policy_step *steps = policy->fields.steps.v,
					 *final = policy->fields.final.v;

		look.met = json_object();
		look.nobody.v[look.nobody.n++] =
			(struct schedule_gap){r->facts->now_us, r->facts->until_us};
		for (size_t i = 0; i < policy->fields.steps.n; i++)
			look_at_step(&look, &steps[i], false);
		if (policy->fields.final.n)
			look_at_step(&look, final, true);
		judge_policy(&look);
		json_decref(look.met);
	} else {
		readiness_problem(r, READINESS_ERROR, "broken", where, 0, 0,
				  "it cannot be read: alerts for it lead to nobody");
	}
	shape = json_pack("{s:s, s:s, s:o}", "id", doc->id, "name", doc->name, "steps", look.steps);
	return shape;
}

static json_t *look_at_policies(struct readiness *r)
{
	const struct document *doc = NULL;
	json_t *policies = json_array();

	while ((doc = documents_next(oncall_policies(r->oncall), doc)))
		json_array_append_new(policies, look_at_policy(r, doc));
	return policies;
}

/* ---- what no policy names ---- */

static void look_at_option(struct readiness *r, json_t *targets, const char *target,
			   const char *option)
{
	char fault[200];

	if (!target)
		return;
	if (!strncmp(target, "policy:", 7)) { /* its people are told with it */
		if (target_check(r->oncall, target, fault, sizeof(fault)) == -ENOENT)
			readiness_problem(r, READINESS_ERROR, "unknown", option, 0, 0, "%s", fault);
		return;
	}
	json_array_append_new(targets, readiness_target(r, target, option));
}

static json_t *look_at_others(struct readiness *r)
{
	const struct document *doc = NULL;
	json_t *targets = json_array();
	char target[sizeof("schedule:") + TC_ID_SIZE], where[READINESS_WHERE];

	look_at_option(r, targets, r->facts->fallback, "escalation.fallback");
	look_at_option(r, targets, r->facts->self_alarm, "self_alarms.target");
	while ((doc = documents_next(oncall_schedules(r->oncall), doc))) {
		snprintf(target, sizeof(target), "schedule:%s", doc->id);
		if (readiness_seen(r, target))
			continue;
		snprintf(where, sizeof(where), "schedule %s", doc->name);
		json_array_append_new(targets, readiness_target(r, target, where));
	}
	return targets;
}

/* ---- trunks ---- */

static json_t *look_at_trunks(struct readiness *r)
{
	const struct readiness_facts *f = r->facts;
	json_t *trunks = json_array();
	size_t healthy = 0;

	for (size_t i = 0; i < f->n_trunks; i++)
		healthy += f->trunks[i].healthy;
	if (!f->n_trunks)
		readiness_problem(r, READINESS_ERROR, "no_trunk", "trunks", 0, 0,
				  "no trunk is configured: nobody can be called");
	for (size_t i = 0; i < f->n_trunks; i++) {
		const struct readiness_trunk *t = &f->trunks[i];
		char where[READINESS_WHERE];

		json_array_append_new(trunks, json_pack("{s:s, s:b, s:s}", "name", t->name,
							"healthy", t->healthy, "text", t->text));
		if (t->healthy)
			continue;
		snprintf(where, sizeof(where), "trunk %s", t->name);
		readiness_problem(r, healthy ? READINESS_WARNING : READINESS_ERROR, "trunk_down",
				  where, 0, 0, "it is down%s: %s",
				  healthy ? "; calls take another one" : ", and there is no other",
				  t->text);
	}
	return trunks;
}

/* ---- all of it ---- */

json_t *readiness_make(const struct oncall *oncall, const struct readiness_facts *facts)
{
	struct readiness r = {.oncall = oncall,
			      .facts = facts,
			      .problems = json_array(),
			      .seen = json_object(),
			      .proven = json_object()};
	json_t *trunks = look_at_trunks(&r), *policies = look_at_policies(&r),
	       *targets = look_at_others(&r), *answer;

	answer = json_pack("{s:o, s:o, s:b, s:I, s:o, s:o, s:o, s:o}", "at",
			   readiness_time(facts->now_us), "until", readiness_time(facts->until_us),
			   "ready", !r.count, "problem_count", (json_int_t)r.count, "trunks",
			   trunks, "policies", policies, "targets", targets, "problems",
			   r.problems);
	json_decref(r.seen);
	json_decref(r.proven);
	return answer;
}
