/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong with a trunk, step by step: asked of its plugin, and brought into one shape.
 */
#include <stdlib.h>

#include <tocsin/alloc.h>

#include "call/trunk.h"
#include "host/host.h"

#define CHECK_MS 30000

struct check {
	trunk_checked_fn done;
	void *arg;
};

static void add_step(json_t *steps, const char *step, json_t *ok, const char *text)
{
	json_array_append_new(steps, json_pack("{s:s, s:o, s:s}", "step", step, "ok", ok, "text",
					       text ? text : ""));
}

/* What the plugin gave, and nothing else than what is described. */
static void add_steps(json_t *steps, const json_t *given)
{
	for (size_t i = 0; i < json_array_size(given); i++) {
		const json_t *one = json_array_get(given, i);
		const char *step = json_string_value(json_object_get(one, "step"));
		json_t *ok = json_object_get(one, "ok");

		add_step(steps, step ? step : "?",
			 json_is_boolean(ok) ? json_incref(ok) : json_null(),
			 json_string_value(json_object_get(one, "text")));
	}
	if (!json_array_size(given))
		add_step(steps, "check", json_false(), "the plugin has checked nothing");
}

/* Something was good, and nothing bad: what was not tried does not count. Takes steps. */
static json_t *report(json_t *steps)
{
	bool good = false, bad = false;

	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *ok = json_object_get(json_array_get(steps, i), "ok");

		good = good || json_is_true(ok);
		bad = bad || json_is_false(ok);
	}
	return json_pack("{s:b, s:o}", "ok", good && !bad, "steps", steps);
}

static void checked(void *arg, int err, void *result, const char *text)
{
	struct check *check = arg;
	json_t *steps = json_array();

	if (err)
		add_step(steps, "check", json_false(), text ? text : tc_strerror(err));
	else
		add_steps(steps, result);
	json_decref(result);
	check->done(check->arg, report(steps));
	free(check);
}

static void discard(void *result)
{
	json_decref(result);
}

static void tell_health(const struct trunk *trunk, trunk_checked_fn done, void *arg)
{
	json_t *steps = json_array();
	bool open = trunk->instance->open;

	add_step(steps, "health", json_boolean(open && trunk->healthy),
		 open ? trunk->text : "the trunk is closed");
	done(arg, report(steps));
}

struct tc_op *trunk_check(struct trunk *trunk, const char *number, trunk_checked_fn done, void *arg)
{
	struct check *check;
	struct tc_op *op;
	int err;

	if (!trunk->instance->open || !trunk->ops->check) {
		tell_health(trunk, done, arg);
		return NULL;
	}
	check = tc_alloc(sizeof(*check));
	*check = (struct check){done, arg};
	op = op_new(trunk->instance, "check", CHECK_MS, checked, discard, check);
	err = trunk->ops->check(trunk->instance->state, op, number);
	if (!err)
		return op;
	op_refused(op);
	checked(check, err, NULL, NULL);
	return NULL;
}
