/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of an escalation as JSON, and back. What the API shows of it is made from the same
 * text (core/api/shape.c).
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "alert/escalation.h"

static const char *const stages[] = {"new", "step", "final", "ending", NULL};
static const char *const states[] = {"calling", "tried", "acknowledged", NULL};

/* ---- out ---- */

static json_t *asked_json(const struct asked *asked)
{
	return json_pack("{s:s*, s:s, s:s, s:s*, s:i, s:s}", "contact", asked->contact_id, "name",
			 asked->name, "number", asked->number, "why", asked->why, "serial",
			 asked->serial, "state", states[asked->state]);
}

static json_t *chain_json(const struct chain *chain)
{
	json_t *people = json_array();

	for (size_t i = 0; i < chain->n; i++)
		json_array_append_new(people, asked_json(&chain->asked[i]));
	return json_pack("{s:s, s:s, s:b, s:o}", "target", chain->target, "label", chain->label,
			 "over", chain->over, "people", people);
}

static json_t *acked_json(const struct escalation *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->acked_n; i++)
		json_array_append_new(list,
				      json_pack("{s:s*, s:s, s:I}", "contact",
						e->acked[i].contact_id, "name", e->acked[i].name,
						"at", (json_int_t)e->acked[i].at_us));
	return list;
}

static void add_hold(const struct escalation *e, json_t *all)
{
	if (e->held_by)
		json_object_set_new(all, "held",
				    json_pack("{s:s, s:I, s:I}", "by", e->held_by, "until",
					      (json_int_t)e->held_until_us, "left",
					      (json_int_t)e->left_ms));
	if (e->snoozed_by)
		json_object_set_new(all, "snoozed",
				    json_pack("{s:s, s:I}", "by", e->snoozed_by, "until",
					      (json_int_t)e->snoozed_until_us));
}

char *escalation_format(const struct escalation *e)
{
	json_t *chains = json_array(), *all;
	char *text;

	for (size_t i = 0; i < e->n; i++)
		json_array_append_new(chains, chain_json(&e->chains[i]));
	all = json_pack("{s:s, s:s*, s:s*, s:s*, s:i, s:i, s:i, s:i, s:b, s:b, s:b, s:I, s:I, "
			"s:I, s:i, s:o}",
			"stage", stages[e->stage], "fallback", e->fallback, "policy_id",
			e->policy_id, "policy", e->policy, "round", e->round, "rounds", e->rounds,
			"step", e->step, "steps", e->steps, "all", e->all, "waits", e->waits,
			"reached", e->reached, "began", (json_int_t)e->began_us, "wait",
			(json_int_t)e->wait_ms, "due", (json_int_t)e->due_us, "serial", e->serial,
			"chains", chains);
	if (e->acked_n)
		json_object_set_new(all, "acked", acked_json(e));
	add_hold(e, all);
	text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	return text;
}

/* ---- in ---- */

static char *text_of(const json_t *object, const char *name)
{
	return tc_strdup(json_string_value(json_object_get(object, name)));
}

static char *text_or_empty(const json_t *object, const char *name)
{
	char *text = text_of(object, name);

	return text ? text : tc_strdup("");
}

static int64_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static bool truth_of(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static int word_of(const json_t *object, const char *name, const char *const *words)
{
	const char *text = json_string_value(json_object_get(object, name));

	for (int i = 0; text && words[i]; i++)
		if (!strcmp(words[i], text))
			return i;
	return 0;
}

static void chain_read(const json_t *object, struct chain *chain)
{
	const json_t *people = json_object_get(object, "people");
	size_t i;
	json_t *one;

	*chain = (struct chain){.target = text_or_empty(object, "target"),
				.label = text_or_empty(object, "label"),
				.over = truth_of(object, "over")};
	chain->asked = tc_calloc(json_array_size(people) + 1, sizeof(*chain->asked));
	json_array_foreach(people, i, one)
		chain->asked[chain->n++] = (struct asked){
			.contact_id = text_of(one, "contact"),
			.name = text_or_empty(one, "name"),
			.number = text_or_empty(one, "number"),
			.why = text_of(one, "why"),
			.serial = (int)number_of(one, "serial"),
			.state = (enum asked_state)word_of(one, "state", states)};
}

static void lists_read(struct escalation *e, const json_t *all)
{
	const json_t *chains = json_object_get(all, "chains");
	const json_t *acked = json_object_get(all, "acked");
	size_t i;
	json_t *one;

	e->chains = tc_calloc(json_array_size(chains) + 1, sizeof(*e->chains));
	json_array_foreach(chains, i, one)
		chain_read(one, &e->chains[e->n++]);
	e->acked = tc_calloc(json_array_size(acked) + 1, sizeof(*e->acked));
	json_array_foreach(acked, i, one)
		e->acked[e->acked_n++] = (struct acked){.contact_id = text_of(one, "contact"),
							.name = text_or_empty(one, "name"),
							.at_us = number_of(one, "at")};
}

static void hold_read(struct escalation *e, const json_t *all)
{
	const json_t *held = json_object_get(all, "held");
	const json_t *snoozed = json_object_get(all, "snoozed");

	if (held) {
		e->held_by = text_or_empty(held, "by");
		e->held_until_us = number_of(held, "until");
		e->left_ms = number_of(held, "left");
	}
	if (snoozed) {
		e->snoozed_by = text_or_empty(snoozed, "by");
		e->snoozed_until_us = number_of(snoozed, "until");
	}
}

int escalation_parse(struct escalation *e, const char *target, const char *text)
{
	json_t *all = json_loads(text, 0, NULL);

	escalation_init(e, target);
	if (!json_is_object(all)) {
		json_decref(all);
		return -EINVAL;
	}
	e->stage = (enum escalation_stage)word_of(all, "stage", stages);
	e->fallback = text_of(all, "fallback");
	e->policy_id = text_of(all, "policy_id");
	e->policy = text_of(all, "policy");
	e->round = (int)number_of(all, "round");
	e->rounds = (int)number_of(all, "rounds");
	e->step = (int)number_of(all, "step");
	e->steps = (int)number_of(all, "steps");
	e->all = truth_of(all, "all");
	e->waits = truth_of(all, "waits");
	e->reached = truth_of(all, "reached");
	e->began_us = number_of(all, "began");
	e->wait_ms = number_of(all, "wait");
	e->due_us = number_of(all, "due");
	e->serial = (int)number_of(all, "serial");
	lists_read(e, all);
	hold_read(e, all);
	json_decref(all);
	return 0;
}
