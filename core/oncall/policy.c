/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Escalation policies as they are given from outside: the table of their fields, what is wrong with
 * them, whom they name. Going through their steps is the alert layer's.
 */
#include "oncall/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "host/text.h"
#include "oncall/number.h"
#include "oncall/oncall.h"
#include "oncall/reference.h"

#define DAY_MS (24 * 3600 * 1000LL)

#define AT(field) .offset = offsetof(struct policy_step, field)
static const struct tc_option step_table[] = {
	{"targets", TC_STRINGS, AT(targets), .flags = TC_REQUIRED, .min = 1, .max = 50,
	 .help = "Who is reached, all at the same time: schedule:NAME, contact:NAME, oncall, "
		 "+4930123"},
	{"strategy", TC_STRING, AT(strategy), .def = "call", .max = 20,
	 .help = "How: call; SMS is not there yet"},
	{"wait", TC_DURATION, AT(wait_ms), .def = "0s", .max = 7 * DAY_MS,
	 .help = "How long the step has before the next one begins; 0: until all its people were "
		 "tried"},
	{"all_must_acknowledge", TC_BOOL, AT(all_must_acknowledge), .def = "false",
	 .help = "true: each of them has to acknowledge; else one is enough"},
	TC_OPTION_END,
};
#undef AT

#define AT(field) .offset = offsetof(struct policy_fields, field)
static const struct tc_option table[] = {
	{"name", TC_STRING, AT(name), .flags = TC_REQUIRED, .max = DOCUMENT_NAME_MAX,
	 .help = "For people, in timelines and in targets (policy:NAME); no other policy has it"},
	{"steps", TC_LIST, AT(steps), .flags = TC_REQUIRED, .min = 1, .max = 50, .sub = step_table,
	 .sub_size = sizeof(struct policy_step), .help = "One after the other"},
	{"repeat", TC_INT, AT(repeat), .def = "0", .max = 100,
	 .help = "How often all steps are gone through once more"},
	{"final", TC_LIST, AT(final), .max = 1, .sub = step_table,
	 .sub_size = sizeof(struct policy_step), .help = "One step after the last round, or none"},
	{"ack_timeout", TC_DURATION, AT(ack_timeout_ms), .max = 30 * DAY_MS,
	 .help = "An alert that is not resolved so long after it was acknowledged is open again; "
		 "0: never; null: as escalation.ack_timeout says"},
	TC_OPTION_END,
};
#undef AT

/* ---- checks ---- */

static void check_target(const struct oncall *oncall, const char *target, const char *field,
			 struct tc_errors *errs)
{
	char id[TC_ID_SIZE], shown[120];

	if (number_valid(target) || !strcmp(target, "oncall"))
		return;
	text_copy(shown, sizeof(shown), target);
	if (!strncmp(target, "policy:", strlen("policy:")))
		tc_errors_add(errs, field, "must not be a policy: a step reaches people");
	else if (!reference_valid(target))
		tc_errors_add(errs, field,
			      "must be schedule:NAME, contact:NAME, oncall or a telephone number "
			      "(+4930123)");
	else if (!reference_find(oncall, target, id))
		tc_errors_add(errs, field, "there is no '%s'", shown);
}

static void check_strategy(const char *strategy, const char *field, struct tc_errors *errs)
{
	static const char *const sms[] = {"sms", "sms_then_call", "call_and_sms"};

	if (!strcmp(strategy, "call"))
		return;
	for (size_t i = 0; i < sizeof(sms) / sizeof(sms[0]); i++) {
		if (strcmp(strategy, sms[i]) != 0)
			continue;
		tc_errors_add(errs, field, "needs a carrier for SMS, and none is configured");
		return;
	}
	tc_errors_add(errs, field, "must be one of call, sms, sms_then_call, call_and_sms");
}

/* list: the name of the field that has the steps */
static void check_steps(const struct oncall *oncall, const struct tc_list *steps, const char *list,
			struct tc_errors *errs)
{
	const struct policy_step *v = steps->v;
	char field[64];

	for (size_t i = 0; i < steps->n; i++) {
		for (size_t k = 0; k < v[i].targets.n; k++) {
			snprintf(field, sizeof(field), "%s[%zu].targets[%zu]", list, i, k);
			check_target(oncall, v[i].targets.v[k], field, errs);
		}
		snprintf(field, sizeof(field), "%s[%zu].strategy", list, i);
		check_strategy(v[i].strategy, field, errs);
	}
}

static void check(const struct oncall *oncall, const void *fields, struct tc_errors *errs)
{
	const struct policy_fields *policy = fields;

	check_steps(oncall, &policy->steps, "steps", errs);
	check_steps(oncall, &policy->final, "final", errs);
}

/* ---- what is kept ---- */

static void *compile(const json_t *body)
{
	struct policy *policy = tc_alloc(sizeof(*policy));
	struct tc_errors *errs = tc_errors_new();
	int err = tc_options_fill(table, body, &policy->fields, &policy->memory, errs);

	tc_errors_free(errs);
	if (err) {
		tc_options_release(policy->memory);
		free(policy);
		return NULL;
	}
	if (!json_is_string(json_object_get(body, "ack_timeout")))
		policy->fields.ack_timeout_ms = -1;
	return policy;
}

static void policy_free(void *compiled)
{
	struct policy *policy = compiled;

	tc_options_release(policy->memory);
	free(policy);
}

static bool steps_refer(const struct oncall *oncall, const struct tc_list *steps, const char *what)
{
	const struct policy_step *v = steps->v;

	for (size_t i = 0; i < steps->n; i++)
		for (size_t k = 0; k < v[i].targets.n; k++)
			if (reference_same(oncall, v[i].targets.v[k], what))
				return true;
	return false;
}

static bool refers(const struct oncall *oncall, const void *compiled, const char *what)
{
	const struct policy *policy = compiled;

	return steps_refer(oncall, &policy->fields.steps, what) ||
	       steps_refer(oncall, &policy->fields.final, what);
}

const struct document_kind policy_kind = {
	.name = "policy",
	.plural = "policies",
	.table = table,
	.fields_size = sizeof(struct policy_fields),
	.check = check,
	.compile = compile,
	.free = policy_free,
	.refers = refers,
};
