/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plans as values: copied, kept as text, read again, shown. Nothing here acts.
 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "when.h"

static const char *const names[] = {
#define X(sym, name) [sym] = name,
	PLAN_STATES(X)
#undef X
};

const char *plan_state_name(enum plan_state state)
{
	return names[state];
}

enum plan_state plan_state_find(const char *name)
{
	int state = 0;

	while (state < PLAN_STATE_COUNT && strcmp(names[state], name) != 0)
		state++;
	return (enum plan_state)state;
}

void plan_fini(struct plan *plan)
{
	json_decref(plan->alert);
	free(plan->rrule);
	free(plan->start);
	free(plan->timezone);
	free(plan->reason);
	*plan = (struct plan){.id = ""};
}

void plan_copy(struct plan *to, const struct plan *from)
{
	*to = *from;
	json_incref(to->alert);
	to->rrule = tc_strdup(from->rrule);
	to->start = tc_strdup(from->start);
	to->timezone = tc_strdup(from->timezone);
	to->reason = tc_strdup(from->reason);
}

/* ---- the alert ---- */

static const char *field(const struct plan *plan, const char *name)
{
	return json_string_value(json_object_get(plan->alert, name));
}

void plan_intake(const struct plan *plan, struct tc_intake *intake, char key[128])
{
	char at[WHEN_SIZE];

	*intake = (struct tc_intake){
		.action = TC_INTAKE_RAISE,
		.dedup = TC_DEDUP_ACTIVE,
		.message = field(plan, "message"),
		.target = field(plan, "target"),
		.strategy = field(plan, "strategy"),
		.severity = field(plan, "severity"),
		.language = field(plan, "language"),
		.voice = field(plan, "voice"),
		.source = field(plan, "source"),
		.dedup_key = field(plan, "dedup_key"),
		.labels = json_object_get(plan->alert, "labels"),
		.id = plan->next_id[0] ? plan->next_id : NULL,
	};
	if (intake->dedup_key)
		return;
	/* the id alone would do, but people and other nodes see what it was by the key */
	snprintf(key, 128, "planned/%s/%s", plan->id, when_format(at, plan->next_us));
	intake->dedup_key = key;
	intake->dedup = TC_DEDUP_ONCE;
}

json_t *plan_alert(const struct tc_intake *in)
{
	return json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:O*}", "message",
			 in->message, "target", in->target, "strategy", in->strategy, "severity",
			 in->severity, "language", in->language, "voice", in->voice, "source",
			 in->source, "dedup_key", in->dedup_key, "labels",
			 json_is_object(in->labels) ? in->labels : NULL);
}

/* ---- as it is kept ---- */

char *plan_text(const struct plan *p)
{
	json_t *json = json_pack(
		"{s:I, s:s, s:O, s:I, s:s*, s:s*, s:s*, s:I, s:I, s:s, s:I, s:s, s:I, s:s*, s:I, "
		"s:I, s:I, s:I}",
		"version", (json_int_t)p->version, "state", plan_state_name(p->state), "alert",
		p->alert, "at", (json_int_t)p->at_us, "rrule", p->rrule, "start", p->start,
		"timezone", p->timezone, "max_lateness", (json_int_t)p->max_lateness_ms, "next",
		(json_int_t)p->next_us, "next_id", p->next_id, "last", (json_int_t)p->last_us,
		"last_id", p->last_id, "missed_at", (json_int_t)p->missed_us, "reason", p->reason,
		"raised", (json_int_t)p->raised, "missed", (json_int_t)p->missed, "created",
		(json_int_t)p->created_us, "updated", (json_int_t)p->updated_us);
	char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	if (!text)
		abort(); /* a text that is not UTF-8: nothing of it may be written */
	return text;
}

static int64_t number(const json_t *json, const char *name)
{
	return json_integer_value(json_object_get(json, name));
}

static char *text_of(const json_t *json, const char *name)
{
	return tc_strdup(json_string_value(json_object_get(json, name)));
}

static void id_of(char id[TC_ID_SIZE], const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	tc_strcopy(id, TC_ID_SIZE, text ? text : "");
}

bool plan_read(struct plan *plan, const char *id, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	const char *state = json_string_value(json_object_get(json, "state"));
	json_t *alert = json_object_get(json, "alert");

	*plan = (struct plan){.id = ""};
	if (state && json_is_object(alert)) {
		*plan = (struct plan){
			.version = number(json, "version"),
			.state = plan_state_find(state),
			.alert = json_incref(alert),
			.at_us = number(json, "at"),
			.rrule = text_of(json, "rrule"),
			.start = text_of(json, "start"),
			.timezone = text_of(json, "timezone"),
			.max_lateness_ms = number(json, "max_lateness"),
			.next_us = number(json, "next"),
			.last_us = number(json, "last"),
			.missed_us = number(json, "missed_at"),
			.reason = text_of(json, "reason"),
			.raised = number(json, "raised"),
			.missed = number(json, "missed"),
			.created_us = number(json, "created"),
			.updated_us = number(json, "updated"),
		};
		id_of(plan->next_id, json, "next_id");
		id_of(plan->last_id, json, "last_id");
	}
	json_decref(json);
	if (tc_strcopy(plan->id, sizeof(plan->id), id) && plan->alert && field(plan, "message") &&
	    field(plan, "target") && plan->state != PLAN_STATE_COUNT &&
	    (plan->at_us || (plan->rrule && plan->start && plan->timezone)) &&
	    (plan->state != PLAN_PLANNED || (plan->next_us && plan->next_id[0])))
		return true;
	plan_fini(plan);
	return false;
}

/* ---- as it is shown ---- */

static json_t *shape_time(int64_t at_us)
{
	char at[WHEN_SIZE];

	return at_us ? json_string(when_format(at, at_us)) : json_null();
}

/* In its own zone, where it has one: so people recognise it, and it can be written back. */
static json_t *shape_at(const struct plan *plan)
{
	char at[40];

	if (plan->at_us && plan->timezone && !when_format_in(at, plan->at_us, plan->timezone))
		return json_string(at);
	return shape_time(plan->at_us);
}

static json_t *shape_text(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

json_t *plan_shape(const struct plan *p)
{
	static const char *const optional[] = {"strategy", "severity", "dedup_key",
					       "language", "voice",    "source"};
	json_t *labels = json_object_get(p->alert, "labels");
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", p->id, "state",
				 plan_state_name(p->state), "message", field(p, "message"),
				 "target", field(p, "target"), "labels",
				 labels ? json_incref(labels) : json_object());
	char span[WHEN_SIZE];

	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		json_object_set_new(json, optional[i], shape_text(field(p, optional[i])));
	json_object_set_new(json, "at", shape_at(p));
	json_object_set_new(json, "rrule", shape_text(p->rrule));
	json_object_set_new(json, "start", shape_text(p->start));
	json_object_set_new(json, "timezone", shape_text(p->timezone));
	json_object_set_new(json, "max_lateness",
			    p->max_lateness_ms < 0
				    ? json_null()
				    : json_string(when_span(span, p->max_lateness_ms)));
	json_object_set_new(json, "next_at", shape_time(p->next_us));
	json_object_set_new(json, "last_at", shape_time(p->last_us));
	json_object_set_new(json, "last_alert_id", shape_text(p->last_id));
	json_object_set_new(json, "missed_at", shape_time(p->missed_us));
	json_object_set_new(json, "reason", shape_text(p->reason));
	json_object_set_new(json, "raised", json_integer(p->raised));
	json_object_set_new(json, "missed", json_integer(p->missed));
	json_object_set_new(json, "created_at", shape_time(p->created_us));
	json_object_set_new(json, "updated_at", shape_time(p->updated_us));
	return json;
}
