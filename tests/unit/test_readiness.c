/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readiness: who would be reached when, and each problem that there may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "oncall/policy.h"
#include "oncall/readiness.h"
#include "store/document_repo.h"
#include "unit/oncall_rig.h"

#define ALICE "01890000-0000-7000-8000-00000000000a"
#define BOB "01890000-0000-7000-8000-00000000000b"
#define CAROL "01890000-0000-7000-8000-00000000000c"
#define DAVE "01890000-0000-7000-8000-00000000000d"
#define OPS "01890000-0000-7000-8000-000000000001"
#define NIGHTS "01890000-0000-7000-8000-000000000002"
#define POLICY "01890000-0000-7000-8000-000000000003"
#define NOW "2026-01-05T12:00:00Z" /* a Monday */
#define UNTIL "2026-01-12T12:00:00Z"
#define DAY_US (24 * 3600 * INT64_C(1000000))

static const struct readiness_trunk up = {"office", "registered", true},
				    down = {"spare", "no answer", false};

/* Alice was reached a day before NOW, Bob forty days before, others never. */
static int64_t reached_us(void *arg, const char *number)
{
	int64_t now_us = ((const struct readiness_facts *)arg)->now_us;

	return !strcmp(number, "+4911") ? now_us - DAY_US
	       : !strcmp(number, "+4921") ? now_us - 40 * DAY_US
					  : 0;
}

static void put_policy(struct oncall_rig *rig, const char *name, const char *body)
{
	char *text = tc_strdup(body);
	struct document_row row = {.id = POLICY, .kind = "policy", .name = name, .body = text,
				   .version = 1};

	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	documents_put(oncall_policies(rig->oncall), &row);
	free(text);
}

/* Alice and Bob change on Mondays at 9 local time. */
static struct oncall_rig *world(void **state)
{
	struct oncall_rig *rig = *state;

	if (!rig->oncall)
		skip();
	oncall_rig_contact(rig, ALICE, "Alice", "+4911", true);
	oncall_rig_contact(rig, BOB, "Bob", "+4921", true);
	oncall_rig_contact(rig, CAROL, "Carol", "+4931s", true);
	oncall_rig_contact(rig, DAVE, "Dave", "+4941", false);
	oncall_rig_schedule(rig, OPS, "ops",
			    "{'name':'ops','timezone':'Europe/Berlin','layers':[{'name':'primary',"
			    "'members':['contact:" ALICE "','contact:" BOB "'],'rotation':'weekly',"
			    "'handover':'09:00','start':'2026-01-05'}]}");
	return rig;
}

static json_t *make(struct oncall_rig *rig, struct readiness_facts *facts)
{
	facts->now_us = oncall_rig_at(NOW);
	facts->until_us = oncall_rig_at(UNTIL);
	facts->reached_us = reached_us;
	facts->arg = facts;
	if (!facts->trunks) {
		facts->trunks = &up;
		facts->n_trunks = 1;
	}
	return readiness_make(rig->oncall, facts);
}

static const json_t *problem(const json_t *answer, const char *kind, const char *where)
{
	const json_t *p;
	size_t i;

	json_array_foreach (json_object_get(answer, "problems"), i, p)
		if (!strcmp(json_string_value(json_object_get(p, "kind")), kind) &&
		    strstr(json_string_value(json_object_get(p, "where")), where))
			return p;
	return NULL;
}

static void assert_text(const json_t *object, const char *name, const char *text)
{
	assert_non_null(object);
	assert_string_equal(json_string_value(json_object_get(object, name)), text);
}

static const json_t *at(const json_t *array, size_t i)
{
	assert_true(i < json_array_size(array));
	return json_array_get(array, i);
}

static const json_t *first_target(const json_t *answer, size_t step)
{
	const json_t *policy = at(json_object_get(answer, "policies"), 0);

	return at(json_object_get(at(json_object_get(policy, "steps"), step), "targets"), 0);
}

/* ---- who is reached ---- */

static void a_hand_over_makes_two_periods(void **state)
{
	struct oncall_rig *rig = world(state);
	struct readiness_facts facts = {0};
	const json_t *periods, *person;
	json_t *answer;

	put_policy(rig, "p", "{'name':'p','steps':[{'targets':['schedule:" OPS "'],'wait':'2m'},"
			     "{'targets':['+4999'],'wait':'0s'}]}");
	answer = make(rig, &facts);
	periods = json_object_get(first_target(answer, 0), "periods");
	assert_int_equal(json_array_size(periods), 2);
	assert_text(at(periods, 0), "from", "2026-01-05T12:00:00.000000Z");
	assert_text(at(periods, 0), "until", "2026-01-12T08:00:00.000000Z");
	assert_text(at(periods, 1), "until", "2026-01-12T12:00:00.000000Z");
	person = at(json_object_get(at(periods, 0), "people"), 0);
	assert_text(person, "name", "Alice");
	assert_text(person, "last_reached", "2026-01-04T12:00:00.000000Z");
	assert_text(at(json_object_get(at(periods, 1), "people"), 0), "name", "Bob");
	assert_true(json_is_true(json_object_get(answer, "ready")));
	assert_int_equal(json_array_size(json_object_get(answer, "problems")), 0);
	assert_int_equal(json_array_size(json_object_get(answer, "targets")), 0);
	json_decref(answer);
}

static void schedules_of_no_policy_are_looked_at(void **state)
{
	struct oncall_rig *rig = world(state);
	struct readiness_facts facts = {.self_alarm = "contact:Eve", .fallback = "policy:q"};
	json_t *answer = make(rig, &facts);

	assert_text(at(json_object_get(answer, "targets"), 1), "text", "schedule ops");
	assert_non_null(problem(answer, "unknown", "self_alarms.target"));
	assert_text(problem(answer, "unknown", "escalation.fallback"), "text",
		    "there is no policy 'q'");
	json_decref(answer);
}

/* ---- problems ---- */

static void a_gap_has_its_times(void **state)
{
	struct oncall_rig *rig = world(state);
	struct readiness_facts facts = {0};
	const json_t *gap;
	json_t *answer;

	oncall_rig_schedule(rig, NIGHTS, "nights",
			    "{'name':'nights','timezone':'UTC','windows':[{'contact':'" ALICE "',"
			    "'start':'2026-01-05T00:00:00','end':'2026-01-10T06:00:00',"
			    "'priority':1},"
			    "{'contact':'" BOB "',"
			    "'start':'2026-01-11T00:00:00','end':'2026-02-01T00:00:00',"
			    "'priority':1}]}");
	put_policy(rig, "p", "{'name':'p','steps':[{'targets':['schedule:nights']}]}");
	answer = make(rig, &facts);
	gap = problem(answer, "gap", "policy p, step 1");
	assert_text(gap, "from", "2026-01-10T06:00:00.000000Z");
	assert_text(gap, "until", "2026-01-11T00:00:00.000000Z");
	assert_text(problem(answer, "no_way_out", "policy p"), "from",
		    "2026-01-10T06:00:00.000000Z");
	assert_false(json_is_true(json_object_get(answer, "ready")));
	json_decref(answer);
	facts.fallback = "+4999";
	answer = make(rig, &facts);
	assert_null(problem(answer, "no_way_out", "policy p"));
	json_decref(answer);
	/* another step has somebody at that time */
	facts.fallback = NULL;
	put_policy(rig, "p", "{'name':'p','steps':[{'targets':['schedule:nights']},"
			     "{'targets':['contact:Alice']}]}");
	answer = make(rig, &facts);
	assert_non_null(problem(answer, "gap", "policy p, step 1"));
	assert_null(problem(answer, "no_way_out", "policy p"));
	json_decref(answer);
}

static void those_who_cannot_be_called_are_named(void **state)
{
	struct oncall_rig *rig = world(state);
	struct readiness_facts facts = {0};
	json_t *answer;

	oncall_rig_schedule(rig, OPS, "ops",
			    "{'name':'ops','timezone':'UTC','layers':[{'name':'a','members':"
			    "['contact:Alice'],'rotation':'daily','handover':'09:00',"
			    "'start':'2026-01-05'},{'name':'b','members':['contact:Dave'],"
			    "'rotation':'daily','handover':'09:00','start':'2026-01-05'}]}");
	put_policy(rig, "p",
		   "{'name':'p','steps':[{'targets':['contact:Carol']},"
		   "{'targets':['contact:Dave']},{'targets':['contact:Eve']},"
		   "{'targets':['schedule:ops']}]}");
	answer = make(rig, &facts);
	assert_text(problem(answer, "nobody", "step 1"), "text",
		    "contact Carol leads to nobody: Carol has no number to call");
	assert_text(problem(answer, "nobody", "step 2"), "text",
		    "contact Dave leads to nobody: Dave is disabled");
	assert_text(problem(answer, "unknown", "step 3"), "text", "there is no contact 'Eve'");
	assert_text(problem(answer, "left_out", "step 4"), "severity", "warning");
	assert_text(problem(answer, "single_person", "policy p"), "text",
		    "all of its steps lead to Alice alone, and there is no escalation.fallback");
	json_decref(answer);
}

static void who_was_not_reached_for_long_is_named(void **state)
{
	struct oncall_rig *rig = world(state);
	struct readiness_facts facts = {.unproven_us = 30 * DAY_US};
	json_t *answer;

	put_policy(rig, "p", "{'name':'p','steps':[{'targets':['schedule:ops','+4999']}]}");
	answer = make(rig, &facts);
	assert_null(problem(answer, "unproven", "Alice"));
	assert_text(problem(answer, "unproven", "contact Bob"), "text",
		    "no call has reached Bob for 40 days: make a test call");
	assert_text(problem(answer, "unproven", "number +4999"), "text",
		    "no call has ever reached +4999: make a test call");
	assert_int_equal(json_integer_value(json_object_get(answer, "problem_count")), 2);
	json_decref(answer);
}

static void trunks_are_looked_at(void **state)
{
	struct oncall_rig *rig = world(state);
	const struct readiness_trunk both[] = {up, down};
	struct readiness_facts facts = {.trunks = both, .n_trunks = 2};
	json_t *answer = make(rig, &facts);

	assert_text(problem(answer, "trunk_down", "spare"), "severity", "warning");
	json_decref(answer);
	facts.trunks = &down;
	facts.n_trunks = 1;
	answer = make(rig, &facts);
	assert_text(problem(answer, "trunk_down", "spare"), "severity", "error");
	json_decref(answer);
	facts.n_trunks = 0;
	answer = make(rig, &facts);
	assert_non_null(problem(answer, "no_trunk", "trunks"));
	json_decref(answer);
}

static void a_policy_that_cannot_be_read_is_named(void **state)
{
	struct oncall_rig *rig = world(state);
	struct readiness_facts facts = {0};
	json_t *answer;

	put_policy(rig, "p", "{'name':'p','steps':'all'}");
	answer = make(rig, &facts);
	assert_non_null(problem(answer, "broken", "policy p"));
	json_decref(answer);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, oncall_rig_setup, oncall_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(a_hand_over_makes_two_periods),
		WITH(schedules_of_no_policy_are_looked_at),
		WITH(a_gap_has_its_times),
		WITH(those_who_cannot_be_called_are_named),
		WITH(who_was_not_reached_for_long_is_named),
		WITH(trunks_are_looked_at),
		WITH(a_policy_that_cannot_be_read_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
