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

/* Written by hand: that is done for every alert that comes in, and a tree of values costs more. */
static void put_text(struct tc_buf *out, const char *name, const char *text)
{
	tc_buf_printf(out, "\"%s\":\"", name);
	for (const char *c = text; *c; c++) {
		size_t plain = 0;

		while ((unsigned char)c[plain] >= ' ' && c[plain] != '"' && c[plain] != '\\')
			plain++;
		tc_buf_add(out, c, plain);
		c += plain;
		if (!*c)
			break;
		if (*c == '"' || *c == '\\')
			tc_buf_printf(out, "\\%c", *c);
		else
			tc_buf_printf(out, "\\u%04x", (unsigned)*c);
	}
	tc_buf_puts(out, "\",");
}

static void put_optional(struct tc_buf *out, const char *name, const char *text)
{
	if (text)
		put_text(out, name, text);
}

static void put_number(struct tc_buf *out, const char *name, int64_t number)
{
	tc_buf_printf(out, "\"%s\":%lld,", name, (long long)number);
}

static void put_truth(struct tc_buf *out, const char *name, bool truth)
{
	tc_buf_printf(out, "\"%s\":%s,", name, truth ? "true" : "false");
}

/* The end of an object or a list: in place of the last comma. */
static void put_end(struct tc_buf *out, char end)
{
	if (out->data[out->len - 1] == ',')
		out->data[out->len - 1] = end;
	else
		tc_buf_add(out, &end, 1);
	tc_buf_puts(out, ",");
}

static void put_asked(struct tc_buf *out, const struct asked *asked)
{
	tc_buf_puts(out, "{");
	put_optional(out, "contact", asked->contact_id);
	put_text(out, "name", asked->name);
	put_text(out, "number", asked->number);
	put_optional(out, "why", asked->why);
	put_number(out, "serial", asked->serial);
	put_text(out, "state", states[asked->state]);
	put_end(out, '}');
}

static void put_chain(struct tc_buf *out, const struct chain *chain)
{
	tc_buf_puts(out, "{");
	put_text(out, "target", chain->target);
	put_text(out, "label", chain->label);
	put_truth(out, "over", chain->over);
	tc_buf_puts(out, "\"people\":[");
	for (size_t i = 0; i < chain->n; i++)
		put_asked(out, &chain->asked[i]);
	put_end(out, ']');
	put_end(out, '}');
}

static void put_acked(struct tc_buf *out, const struct escalation *e)
{
	tc_buf_puts(out, "\"acked\":[");
	for (size_t i = 0; i < e->acked_n; i++) {
		tc_buf_puts(out, "{");
		put_optional(out, "contact", e->acked[i].contact_id);
		put_text(out, "name", e->acked[i].name);
		put_number(out, "at", e->acked[i].at_us);
		put_end(out, '}');
	}
	put_end(out, ']');
}

static void put_holds(struct tc_buf *out, const struct escalation *e)
{
	if (e->held_by) {
		tc_buf_puts(out, "\"held\":{");
		put_text(out, "by", e->held_by);
		put_number(out, "until", e->held_until_us);
		put_number(out, "left", e->left_ms);
		put_end(out, '}');
	}
	if (e->snoozed_by) {
		tc_buf_puts(out, "\"snoozed\":{");
		put_text(out, "by", e->snoozed_by);
		put_number(out, "until", e->snoozed_until_us);
		put_end(out, '}');
	}
}

char *escalation_format(const struct escalation *e)
{
	struct tc_buf out = {0};

	tc_buf_puts(&out, "{");
	put_text(&out, "stage", stages[e->stage]);
	put_optional(&out, "fallback", e->fallback);
	put_optional(&out, "policy_id", e->policy_id);
	put_optional(&out, "policy", e->policy);
	put_number(&out, "round", e->round);
	put_number(&out, "rounds", e->rounds);
	put_number(&out, "step", e->step);
	put_number(&out, "steps", e->steps);
	put_truth(&out, "all", e->all);
	put_truth(&out, "waits", e->waits);
	put_truth(&out, "reached", e->reached);
	put_number(&out, "began", e->began_us);
	put_number(&out, "wait", e->wait_ms);
	put_number(&out, "due", e->due_us);
	put_number(&out, "serial", e->serial);
	if (e->acked_n)
		put_acked(&out, e);
	put_holds(&out, e);
	tc_buf_puts(&out, "\"chains\":[");
	for (size_t i = 0; i < e->n; i++)
		put_chain(&out, &e->chains[i]);
	put_end(&out, ']');
	put_end(&out, '}');
	out.data[--out.len] = '\0'; /* the comma behind all of it */
	return tc_buf_take(&out);
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
