/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler over a clock of its own: what is due is raised once, whatever happens around it.
 * Its requests are test_scheduler_routes.c's, times test_scheduler_when.c's.
 */
#include "test_clock.h"

/* ---- once ---- */

static void is_raised_when_it_is_due(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE], path[96];
	json_t *json = test_plan(f, "\"at\":\"2030-01-01T00:10:00Z\",\"labels\":{\"a\":\"b\"}", id);

	expect_text(json, "state", "planned");
	expect_text(json, "next_at", "2030-01-01T00:10:00Z");
	json_decref(json);
	test_set_clock(f, START_US + 10 * MINUTE_US - 1);
	assert_int_equal(api_rig_count(f->rig), 0);
	expect_state(f, id, "planned");
	test_set_clock(f, START_US + 10 * MINUTE_US);
	assert_int_equal(api_rig_count(f->rig), 1);
	json = test_get(f, id);
	expect_text(json, "state", "raised");
	expect_text(json, "last_alert_id", id);
	expect_text(json, "last_at", "2030-01-01T00:10:00Z");
	assert_true(json_is_null(json_object_get(json, "next_at")));
	assert_int_equal(number_of(json, "raised"), 1);
	json_decref(json);
	snprintf(path, sizeof(path), "/v1/alerts/%s", id); /* the id of the plan */
	json = api_rig_json(f->rig, "GET", path, NULL, 200);
	expect_text(json, "message", "Fire");
	expect_text(json_object_get(json, "labels"), "a", "b");
	snprintf(path, sizeof(path), "planned/%s/2030-01-01T00:10:00Z", id);
	expect_text(json, "dedup_key", path);
	json_decref(json);
	test_set_clock(f, START_US + 10 * HOUR_US);
	assert_int_equal(api_rig_count(f->rig), 1);
}

static void survives_a_restart(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	json_t *before = test_plan(f, "\"at\":\"2030-06-01T09:00\",\"timezone\":\"Europe/Rome\","
				      "\"labels\":{\"a\":\"\u00fc\"},\"severity\":\"warning\","
				      "\"dedup_key\":\"k\",\"max_lateness\":\"90s\"", id);
	json_t *after;

	test_close(f);
	test_open(f);
	after = test_get(f, id);
	assert_true(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	assert_int_equal(f->planner->planned, 1);
}

static void is_raised_late_after_a_restart(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];

	json_decref(test_plan(f, "\"at\":\"2030-01-01T01:00:00Z\"", id));
	test_close(f);
	test_now_us = START_US + HOUR_US + 15 * MINUTE_US;
	test_open(f);
	test_set_clock(f, test_now_us);
	expect_state(f, id, "raised");
	assert_int_equal(api_rig_count(f->rig), 1);
}

static void is_missed_when_it_is_too_late(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE], other[TC_ID_SIZE];
	json_t *json;

	json_decref(test_plan(f, "\"at\":\"2030-01-01T01:00:00Z\"", id));
	json_decref(test_plan(f, "\"at\":\"2030-01-01T01:00:00Z\",\"max_lateness\":\"2h\"", other));
	test_close(f);
	test_now_us = START_US + HOUR_US + 15 * MINUTE_US + SECOND_US;
	test_open(f);
	test_set_clock(f, test_now_us);
	json = test_get(f, id);
	expect_text(json, "state", "missed");
	expect_text(json, "missed_at", "2030-01-01T01:00:00Z");
	assert_non_null(strstr(text_of(json, "reason"), "901 s late"));
	assert_int_equal(number_of(json, "missed"), 1);
	json_decref(json);
	expect_state(f, other, "raised");
	assert_int_equal(api_rig_count(f->rig), 1);
	assert_int_equal(f->planner->missed, 1);
	/* and it stays so */
	test_close(f);
	test_open(f);
	test_set_clock(f, test_now_us);
	expect_state(f, id, "missed");
	assert_int_equal(api_rig_count(f->rig), 1);
}

/* ---- the process dies between the alert's commit and the plan's ---- */

/* What a process leaves that has raised it and died then: the alert, and the plan as it was. */
static void raise_by_hand(struct fixture *f, const char *id)
{
	struct entry *e = planner_find(f->planner, id);
	struct tc_errors *errs = tc_errors_new();
	struct tc_intake intake;
	char key[128], got[TC_ID_SIZE] = "";

	plan_intake(&e->plan, &intake, key);
	assert_int_equal(tc_intake_submit(f->rig->store_instance, &intake, 1, errs, api_rig_stored,
					  got),
			 0);
	client_wait(f->rig->loop, api_rig_got, got);
	assert_string_equal(got, e->plan.next_id);
	tc_errors_free(errs);
}

static void decide(struct fixture *f, const char *id, const char *verb)
{
	char path[96];

	snprintf(path, sizeof(path), "/v1/alerts/%s/%s", id, verb);
	json_decref(api_rig_json(f->rig, "POST", path, "{}", 200));
}

static void a_death_in_between_doubles_nothing(void **state)
{
	static const char *const verbs[] = {NULL, "acknowledge", "resolve", "cancel"};
	static const int64_t late_us[] = {0, HOUR_US}; /* of the restart */
	struct fixture *f = test_fixture(state);
	size_t n = 0;

	for (size_t i = 0; i < 8; i++) {
		char id[TC_ID_SIZE], rest[64], at[WHEN_SIZE];
		json_t *json;

		when_format(at, test_now_us + MINUTE_US);
		snprintf(rest, sizeof(rest), "\"at\":\"%s\"", at);
		json_decref(test_plan(f, rest, id));
		raise_by_hand(f, id);
		n++;
		if (verbs[i % 4])
			decide(f, id, verbs[i % 4]);
		test_close(f);
		test_now_us += MINUTE_US + late_us[i / 4];
		test_open(f);
		test_set_clock(f, test_now_us);
		json = test_get(f, id);
		expect_text(json, "state", "raised");
		expect_text(json, "last_alert_id", id);
		assert_int_equal(number_of(json, "missed"), 0);
		json_decref(json);
		assert_int_equal(api_rig_count(f->rig), n);
	}
}

static void nor_does_it_with_a_rule(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	json_t *json;

	json_decref(test_plan(f, "\"rrule\":\"FREQ=HOURLY\",\"start\":\"2030-01-01T00:30\","
				 "\"timezone\":\"UTC\"", id));
	raise_by_hand(f, id);
	test_close(f);
	test_now_us = START_US + 2 * HOUR_US; /* 0:30 was raised, 1:30 was not */
	test_open(f);
	test_set_clock(f, test_now_us);
	json = test_get(f, id);
	expect_text(json, "state", "planned");
	expect_text(json, "next_at", "2030-01-01T02:30:00Z");
	expect_text(json, "last_at", "2030-01-01T00:30:00Z");
	expect_text(json, "missed_at", "2030-01-01T01:30:00Z");
	assert_int_equal(number_of(json, "raised"), 1);
	assert_int_equal(number_of(json, "missed"), 1);
	json_decref(json);
	assert_int_equal(api_rig_count(f->rig), 1);
}

/* ---- again and again ---- */

static void a_rule_is_raised_each_time(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	json_t *json;

	json_decref(test_plan(f, "\"rrule\":\"FREQ=MINUTELY;COUNT=5\","
				 "\"start\":\"2030-01-01T00:01\",\"timezone\":\"UTC\"", id));
	for (int i = 1; i <= 5; i++) {
		test_set_clock(f, START_US + i * MINUTE_US - 1);
		assert_int_equal(api_rig_count(f->rig), i - 1);
		test_set_clock(f, START_US + i * MINUTE_US);
		assert_int_equal(api_rig_count(f->rig), i);
	}
	json = test_get(f, id);
	expect_text(json, "state", "finished");
	assert_int_equal(number_of(json, "raised"), 5);
	assert_true(json_is_null(json_object_get(json, "next_at")));
	json_decref(json);
	test_set_clock(f, START_US + 10 * MINUTE_US);
	assert_int_equal(api_rig_count(f->rig), 5);
	assert_int_equal(f->planner->planned, 0);
}

/* Three days down, a rule each hour: all that is too late is missed, what is not is raised. */
static void a_rule_after_a_long_time(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	json_t *json;

	json_decref(test_plan(f, "\"rrule\":\"FREQ=HOURLY\",\"start\":\"2030-01-01T00:00\","
				 "\"timezone\":\"UTC\",\"max_lateness\":\"150m\"", id));
	test_close(f);
	test_now_us = START_US + 72 * HOUR_US + 30 * MINUTE_US;
	test_open(f);
	test_set_clock(f, test_now_us);
	json = test_get(f, id);
	assert_int_equal(number_of(json, "missed"), 69); /* 1:00 to 69:00 */
	assert_int_equal(number_of(json, "raised"), 3);  /* 70:00, 71:00, 72:00 */
	expect_text(json, "missed_at", "2030-01-03T21:00:00Z");
	expect_text(json, "next_at", "2030-01-04T01:00:00Z");
	json_decref(json);
	assert_int_equal(api_rig_count(f->rig), 3);
}

/* More than is looked at in one go. */
static void a_rule_after_a_very_long_time(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	json_t *json;

	json_decref(test_plan(f, "\"rrule\":\"FREQ=MINUTELY\",\"start\":\"2030-01-01T00:00\","
				 "\"timezone\":\"UTC\",\"max_lateness\":\"1s\"", id));
	test_set_clock(f, START_US + 1800 * MINUTE_US + 2 * SECOND_US);
	json = test_get(f, id);
	assert_int_equal(number_of(json, "missed"), 1800);
	assert_int_equal(number_of(json, "raised"), 0);
	expect_text(json, "next_at", "2030-01-02T06:01:00Z");
	json_decref(json);
}

static void a_rule_over_the_change_of_clocks(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	json_t *json;
	static const char *const want[] = {"2030-03-30T01:30:00Z", "2030-03-31T01:30:00Z",
					   "2030-04-01T00:30:00Z"};

	test_set_clock(f, START_US + 88 * 24 * HOUR_US); /* 30 March */
	json_decref(test_plan(f, "\"rrule\":\"FREQ=DAILY\",\"start\":\"2030-03-01T02:30\","
				 "\"timezone\":\"Europe/Rome\"", id));
	for (size_t i = 0; i < 3; i++) {
		json = test_get(f, id);
		expect_text(json, "next_at", want[i]);
		json_decref(json);
		test_set_clock(f, planner_find(f->planner, id)->plan.next_us);
	}
	assert_int_equal(api_rig_count(f->rig), 3);
}

/* ---- clocks that are set ---- */

static void a_clock_set_back_raises_nothing_twice(void **state)
{
	struct fixture *f = test_fixture(state);
	char once[TC_ID_SIZE], rule[TC_ID_SIZE];
	json_t *json;

	json_decref(test_plan(f, "\"at\":\"2030-01-01T02:00:00Z\"", once));
	json_decref(test_plan(f, "\"rrule\":\"FREQ=HOURLY\",\"start\":\"2030-01-01T00:00\","
				 "\"timezone\":\"UTC\"", rule));
	for (int i = 1; i <= 3; i++)
		test_set_clock(f, START_US + i * HOUR_US);
	assert_int_equal(api_rig_count(f->rig), 4);
	test_set_clock(f, START_US);
	for (int i = 1; i <= 12; i++)
		test_set_clock(f, START_US + i * 15 * MINUTE_US);
	assert_int_equal(api_rig_count(f->rig), 4);
	test_set_clock(f, START_US + 4 * HOUR_US);
	assert_int_equal(api_rig_count(f->rig), 5);
	json = test_get(f, rule);
	assert_int_equal(number_of(json, "raised"), 4);
	assert_int_equal(number_of(json, "missed"), 0);
	json_decref(json);
}

static void a_clock_set_forward_skips_nothing_silently(void **state)
{
	struct fixture *f = test_fixture(state);
	char within[TC_ID_SIZE], beyond[TC_ID_SIZE];

	json_decref(test_plan(f, "\"at\":\"2030-01-01T00:50:00Z\"", within));
	json_decref(test_plan(f, "\"at\":\"2030-01-01T00:10:00Z\"", beyond));
	test_set_clock(f, START_US + HOUR_US);
	expect_state(f, within, "raised");
	expect_state(f, beyond, "missed");
	assert_int_equal(api_rig_count(f->rig), 1);
}

/* ---- what does not go as planned ---- */

static bool is_busy_now(void *arg)
{
	return ((const struct entry *)arg)->busy;
}

static void a_slow_store_raises_it_once(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];

	json_decref(test_plan(f, "\"at\":\"2030-01-01T00:10:00Z\"", id));
	api_rig_hold(f->rig);
	test_now_us = START_US + 10 * MINUTE_US;
	planner_wake(f->planner);
	client_wait(f->rig->loop, is_busy_now, planner_find(f->planner, id));
	for (int i = 0; i < 100; i++) {
		planner_wake(f->planner);
		client_turn(f->rig->loop);
	}
	api_rig_let_go(f->rig);
	test_set_clock(f, test_now_us);
	expect_state(f, id, "raised");
	assert_int_equal(api_rig_count(f->rig), 1);
}

static bool has_trouble_or_retry(void *arg)
{
	return ((const struct entry *)arg)->retry_us != 0;
}

static void a_full_store_is_tried_again(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	struct entry *e;

	json_decref(test_plan(f, "\"at\":\"2030-01-01T00:10:00Z\"", id));
	e = planner_find(f->planner, id);
	api_rig_hold(f->rig);
	api_rig_flood(f->rig);
	test_now_us = START_US + 10 * MINUTE_US;
	planner_wake(f->planner);
	client_wait(f->rig->loop, has_trouble_or_retry, e);
	assert_int_equal(e->plan.state, PLAN_PLANNED);
	api_rig_let_go(f->rig);
	api_rig_settle(f->rig);
	e->retry_us = 0; /* the second is over */
	test_set_clock(f, test_now_us);
	expect_state(f, id, "raised");
	assert_int_equal(api_rig_count(f->rig), 1);
}

/* Its target was good when it was planned, and is not any more. */
static void what_is_refused_is_tried_and_then_missed(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	struct entry *e;
	json_t *json, *status;

	json_decref(test_plan(f, "\"at\":\"2030-01-01T00:10:00Z\"", id));
	e = planner_find(f->planner, id);
	json_object_set_new(e->plan.alert, "target", json_string("nobody"));
	test_now_us = START_US + 10 * MINUTE_US;
	planner_wake(f->planner);
	client_wait(f->rig->loop, has_trouble_or_retry, e);
	expect_state(f, id, "planned");
	status = instance_status(f->self);
	assert_true(json_is_false(json_object_get(status, "healthy")));
	assert_non_null(strstr(text_of(status, "text"), "target"));
	json_decref(status);
	test_now_us += 15 * MINUTE_US + 1;
	e->retry_us = 0;
	test_set_clock(f, test_now_us);
	json = test_get(f, id);
	expect_text(json, "state", "missed");
	assert_non_null(strstr(text_of(json, "reason"), "target"));
	json_decref(json);
	status = instance_status(f->self);
	assert_true(json_is_true(json_object_get(status, "healthy")));
	assert_int_equal(json_number_value(json_object_get(json_object_get(status, "numbers"),
							   "missed")),
			 1);
	json_decref(status);
	assert_int_equal(api_rig_count(f->rig), 0);
}

static bool is_kept(void *arg)
{
	return *(bool *)arg;
}

static void on_kept(void *arg, int err)
{
	assert_int_equal(err, 0);
	*(bool *)arg = true;
}

static void what_cannot_be_read_is_seen(void **state)
{
	static const char *const broken[] = {
		"", "{", "[]", "{\"state\":\"planned\"}",
		"{\"state\":\"strange\",\"alert\":{\"message\":\"x\",\"target\":\"y\"},\"at\":1}",
		"{\"state\":\"planned\",\"alert\":{\"message\":\"x\",\"target\":\"y\"},\"at\":1}"};
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	json_t *status;

	json_decref(test_plan(f, "\"at\":\"2030-01-01T00:10:00Z\"", id));
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		char key[16];
		bool kept = false;

		snprintf(key, sizeof(key), "plan/%zu", i);
		assert_int_equal(tc_keep_put(f->self, key, broken[i], on_kept, &kept), 0);
		client_wait(f->rig->loop, is_kept, &kept);
	}
	test_close(f);
	test_open(f);
	assert_int_equal(f->planner->unreadable, 6);
	status = instance_status(f->self);
	assert_true(json_is_false(json_object_get(status, "healthy")));
	json_decref(status);
	expect_state(f, id, "planned");
}

static void what_is_over_goes(void **state)
{
	struct fixture *f = test_fixture(state);
	char raised[TC_ID_SIZE], missed[TC_ID_SIZE], later[TC_ID_SIZE], path[96];

	json_decref(test_plan(f, "\"at\":\"2030-01-01T00:50:00Z\"", raised));
	json_decref(test_plan(f, "\"at\":\"2030-01-01T00:10:00Z\"", missed));
	json_decref(test_plan(f, "\"at\":\"2031-01-01T00:00:00Z\"", later));
	test_set_clock(f, START_US + HOUR_US);
	test_set_clock(f, START_US + HOUR_US + 30 * 24 * HOUR_US);
	expect_state(f, raised, "raised");
	expect_state(f, missed, "missed");
	test_set_clock(f, START_US + HOUR_US + 30 * 24 * HOUR_US + SECOND_US);
	for (int restart = 0; restart < 2; restart++) {
		snprintf(path, sizeof(path), "/v1/planned/%s", raised);
		json_decref(api_rig_json(f->rig, "GET", path, NULL, 404));
		snprintf(path, sizeof(path), "/v1/planned/%s", missed);
		json_decref(api_rig_json(f->rig, "GET", path, NULL, 404));
		expect_state(f, later, "planned");
		test_close(f);
		test_open(f);
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, test_setup, test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(is_raised_when_it_is_due),
		TEST(survives_a_restart),
		TEST(is_raised_late_after_a_restart),
		TEST(is_missed_when_it_is_too_late),
		TEST(a_death_in_between_doubles_nothing),
		TEST(nor_does_it_with_a_rule),
		TEST(a_rule_is_raised_each_time),
		TEST(a_rule_after_a_long_time),
		TEST(a_rule_after_a_very_long_time),
		TEST(a_rule_over_the_change_of_clocks),
		TEST(a_clock_set_back_raises_nothing_twice),
		TEST(a_clock_set_forward_skips_nothing_silently),
		TEST(a_slow_store_raises_it_once),
		TEST(a_full_store_is_tried_again),
		TEST(what_is_refused_is_tried_and_then_missed),
		TEST(what_cannot_be_read_is_seen),
		TEST(what_is_over_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
