/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a trigger needs that raises alerts later (tocsin/trigger.h): alerts under an id that it has
 * chosen, checking without storing, finding again, and who is asked to plan.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <tocsin/alloc.h>

#include "unit/api_rig.h"
#include "unit/host_rig.h"

struct taken {
	char id[TC_ID_SIZE], state[16];
	bool deduplicated, done;
};

static void on_taken(void *arg, int err, const struct tc_intake_result *results, size_t n)
{
	struct taken *t = arg;

	assert_int_equal(err, 0);
	assert_int_equal(n, 1);
	tc_strcopy(t->id, sizeof(t->id), results->id);
	tc_strcopy(t->state, sizeof(t->state), results->state);
	t->deduplicated = results->deduplicated;
	t->done = true;
}

static bool is_taken(void *arg)
{
	return ((struct taken *)arg)->done;
}

/* Submit, expect it to be taken. */
static struct taken submit(struct api_rig *rig, const char *id, const char *key)
{
	const struct tc_intake intake = {.message = "x",
					 .target = "+4930123",
					 .dedup = TC_DEDUP_ONCE,
					 .dedup_key = key,
					 .id = id};
	struct tc_errors *errs = tc_errors_new();
	struct taken t = {.done = false};

	assert_int_equal(tc_intake_submit(rig->store_instance, &intake, 1, errs, on_taken, &t), 0);
	client_wait(rig->loop, is_taken, &t);
	tc_errors_free(errs);
	return t;
}

static void decide(struct api_rig *rig, const char *id, const char *verb)
{
	char path[96];

	snprintf(path, sizeof(path), "/v1/alerts/%s/%s", id, verb);
	json_decref(api_rig_json(rig, "POST", path, "{}", 200));
}

static void an_alert_has_the_id_that_was_chosen(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char id[TC_ID_SIZE];
	struct taken t;

	tc_id_new(id, tc_wall_us());
	t = submit(rig, id, NULL);
	assert_string_equal(t.id, id);
	assert_false(t.deduplicated);
	t = submit(rig, id, NULL);
	assert_string_equal(t.id, id);
	assert_true(t.deduplicated);
	assert_string_equal(t.state, "open");
	assert_int_equal(api_rig_count(rig), 1);
}

/* Whatever became of it: the id names one alert, also under another key. */
static void an_id_is_used_once(void **state)
{
	static const char *const verbs[][2] = {
		{"acknowledge", "acknowledged"}, {"resolve", "resolved"}, {"cancel", "cancelled"}};
	struct api_rig *rig = api_rig_of(state);

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		char id[TC_ID_SIZE];
		struct taken t;

		tc_id_new(id, tc_wall_us());
		submit(rig, id, NULL);
		decide(rig, id, verbs[i][0]);
		t = submit(rig, id, "another key");
		assert_true(t.deduplicated);
		assert_string_equal(t.id, id);
		assert_string_equal(t.state, verbs[i][1]);
	}
	assert_int_equal(api_rig_count(rig), 3);
}

/* A key that is known takes it in under the id of the one that is there. */
static void a_key_counts_beside_the_id(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char first[TC_ID_SIZE], second[TC_ID_SIZE];
	struct taken t;

	tc_id_new(first, tc_wall_us());
	tc_id_new(second, tc_wall_us());
	submit(rig, first, "k");
	t = submit(rig, second, "k");
	assert_true(t.deduplicated);
	assert_string_equal(t.id, first);
	assert_int_equal(api_rig_count(rig), 1);
}

static void expect_fault(struct api_rig *rig, const struct tc_intake *intake, const char *field)
{
	struct tc_errors *errs = tc_errors_new();

	assert_int_equal(tc_intake_submit(rig->store_instance, intake, 1, errs, on_taken, NULL),
			 -EINVAL);
	assert_string_equal(tc_errors_field(errs, 0), field);
	assert_int_equal(tc_intake_check(rig->store_instance, intake, errs), -EINVAL);
	assert_int_equal(tc_errors_count(errs), 2);
	assert_string_equal(tc_errors_field(errs, 1), field);
	assert_string_equal(tc_errors_text(errs, 1), tc_errors_text(errs, 0));
	tc_errors_free(errs);
}

static void checks_as_submitting_does(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct tc_intake good = {.message = "x", .target = "+4930123"}, bad;
	struct tc_errors *errs = tc_errors_new();

	assert_int_equal(tc_intake_check(rig->store_instance, &good, errs), 0);
	assert_int_equal(tc_errors_count(errs), 0);
	tc_errors_free(errs);
	bad = good, bad.message = " ";
	expect_fault(rig, &bad, "message");
	bad = good, bad.target = "nobody";
	expect_fault(rig, &bad, "target");
	bad = good, bad.id = "7";
	expect_fault(rig, &bad, "id");
	bad = good, bad.action = TC_INTAKE_RESOLVE, bad.dedup_key = "k";
	bad.id = "01890a5d-ac96-774b-bcce-b302099a8057";
	expect_fault(rig, &bad, "id");
	assert_int_equal(api_rig_count(rig), 0);
}

/* ---- finding ---- */

struct found {
	bool done, found;
	int err;
};

static void on_found(void *arg, int err, bool found)
{
	struct found *f = arg;

	*f = (struct found){.done = true, .found = found, .err = err};
}

static bool has_found(void *arg)
{
	return ((struct found *)arg)->done;
}

static bool find(struct api_rig *rig, const char *id)
{
	struct found f = {.done = false};

	assert_int_equal(tc_intake_find(rig->store_instance, id, on_found, &f), 0);
	assert_false(f.done);
	client_wait(rig->loop, has_found, &f);
	assert_int_equal(f.err, 0);
	return f.found;
}

static void finds_what_was_taken_in(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char id[TC_ID_SIZE];

	tc_id_new(id, tc_wall_us());
	assert_false(find(rig, id));
	submit(rig, id, NULL);
	assert_true(find(rig, id));
	decide(rig, id, "cancel");
	assert_true(find(rig, id));
}

/* ---- planning ---- */

static int plan_it(void *self, const struct tc_intake *alert, const char *at, const char *timezone,
		   struct tc_errors *errs, tc_plan_done_fn done, void *arg)
{
	const char **seen = arg;

	(void)done;
	assert_string_equal(alert->message, "x");
	assert_string_equal(at, "2030-01-01T00:00");
	assert_string_equal(timezone, "UTC");
	tc_errors_add(errs, "at", "is seen");
	*seen = tc_instance_name(self);
	return -EINVAL;
}

static const struct tc_trigger_ops planner_ops = {.plan = plan_it};

static void the_first_that_can_is_asked_to_plan(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	const struct tc_intake alert = {.message = "x", .target = "+4930123"};
	struct tc_errors *errs = tc_errors_new();
	static struct tc_plugin planner;
	struct tc_instance *first;
	const char *seen = NULL;

	planner = host_rig_plugin;
	planner.name = "planner";
	planner.ops = &planner_ops;
	host_plugin_add(rig->host, &host_rig_plugin);
	host_plugin_add(rig->host, &planner);
	api_rig_trigger(rig, "nothing", "cannot", "{}");
	assert_int_equal(tc_intake_plan(rig->store_instance, &alert, "2030-01-01T00:00", "UTC",
					errs, NULL, &seen),
			 -ENOTSUP);
	first = api_rig_trigger(rig, "planner", "one", "{}");
	api_rig_trigger(rig, "planner", "two", "{}");
	assert_int_equal(tc_intake_plan(rig->store_instance, &alert, "2030-01-01T00:00", "UTC",
					errs, NULL, &seen),
			 -EINVAL);
	assert_string_equal(seen, "one");
	assert_int_equal(tc_errors_count(errs), 1);
	instance_close(first);
	tc_intake_plan(rig->store_instance, &alert, "2030-01-01T00:00", "UTC", errs, NULL, &seen);
	assert_string_equal(seen, "two");
	tc_errors_free(errs);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, api_rig_setup, api_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_alert_has_the_id_that_was_chosen),
		TEST(an_id_is_used_once),
		TEST(a_key_counts_beside_the_id),
		TEST(checks_as_submitting_does),
		TEST(finds_what_was_taken_in),
		TEST(the_first_that_can_is_asked_to_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
