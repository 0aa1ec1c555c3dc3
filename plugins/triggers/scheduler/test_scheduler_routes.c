/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The requests of the scheduler: what is planned, listed, changed and cancelled, also while it
 * becomes due; and what other triggers hand over.
 */
#include "test_clock.h"

#define PLAN "{\"message\":\"Fire\",\"target\":\"+4930123\","
#define AT   "\"at\":\"2030-01-01T00:10:00Z\""

static void names_the_field(void **state)
{
	static const struct {
		const char *body, *field;
		int status;
	} all[] = {
		{"{}", "message", 422},
		{"{\"message\":\"x\"," AT "}", "target", 422},
		{PLAN "\"surprise\":1," AT "}", "surprise", 400},
		{PLAN "\"severity\":\"high\"}", "at", 422},
		{PLAN "\"at\":\"soon\"}", "at", 422},
		{PLAN "\"at\":\"2030-01-01T00:10\"}", "timezone", 422},
		{PLAN "\"at\":\"2029-12-31T23:44:59Z\"}", "at", 422}, /* 15m and a second ago */
		{PLAN "\"at\":\"2030-03-31T02:30\",\"timezone\":\"Europe/Rome\"}", "at", 422},
		{PLAN AT ",\"timezone\":\"Mars\"}", "timezone", 422},
		{PLAN AT ",\"start\":\"2030-01-01T00:10\"}", "start", 422},
		{PLAN AT ",\"rrule\":\"FREQ=DAILY\"}", "rrule", 422},
		{PLAN AT ",\"max_lateness\":\"-1s\"}", "max_lateness", 422},
		{PLAN AT ",\"max_lateness\":\"0s\"}", "max_lateness", 422},
		{PLAN AT ",\"id\":\"x\"}", "id", 400},
		{"{\"message\":\"x\",\"target\":\"nobody\"," AT "}", "target", 422},
		{PLAN "\"strategy\":\"shout\"," AT "}", "strategy", 422},
		{PLAN "\"rrule\":\"FREQ=DAILY\",\"timezone\":\"UTC\"}", "start", 422},
		{PLAN "\"rrule\":\"FREQ=DAILY\",\"start\":\"2030-01-01T00:10\"}", "timezone", 422},
		{PLAN "\"rrule\":\"FREQ=DAILY\",\"start\":\"soon\",\"timezone\":\"UTC\"}", "start",
		 422},
		{PLAN "\"rrule\":\"FREQ=OFTEN\",\"start\":\"2030-01-01T00:10\","
		      "\"timezone\":\"UTC\"}", "rrule", 422},
		{PLAN "\"rrule\":\"FREQ=DAILY;COUNT=3\",\"start\":\"2020-01-01T00:10\","
		      "\"timezone\":\"UTC\"}", "rrule", 422},
	};
	struct fixture *f = test_fixture(state);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct http_answer a;
		json_t *json;

		api_rig_ask(f->rig, "POST", "/v1/planned", all[i].body, &a);
		if (a.status != all[i].status)
			fail_msg("%d for %s: %s", a.status, all[i].body, a.body);
		json = answer_json(&a);
		if (strcmp(text_of(json, "field"), all[i].field) != 0)
			fail_msg("field \"%s\" for %s: %s", text_of(json, "field"), all[i].body,
				 a.body);
		json_decref(json);
		answer_free(&a);
	}
	assert_int_equal(f->planner->planned, 0);
}

static void a_time_just_past_is_raised_at_once(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];

	json_decref(test_plan(f, "\"at\":\"2029-12-31T23:45:00Z\"", id));
	test_set_clock(f, START_US);
	expect_state(f, id, "raised");
}

static void what_was_read_can_be_written_back(void **state)
{
	static const char *const all[] = {
		"\"at\":\"2030-06-01T09:00\",\"timezone\":\"Europe/Rome\",\"labels\":{\"a\":\"b\"},"
		"\"severity\":\"low\",\"dedup_key\":\"k\",\"max_lateness\":\"90s\"",
		"\"rrule\":\"FREQ=DAILY\",\"start\":\"2030-01-01T09:00\","
		"\"timezone\":\"Asia/Tokyo\"",
	};
	struct fixture *f = test_fixture(state);

	for (size_t i = 0; i < 2; i++) {
		char id[TC_ID_SIZE], *body;
		json_t *before = test_plan(f, all[i], id), *after;

		body = json_dumps(before, 0);
		assert_int_equal(test_change(f, "PUT", id, "\"1\"", body), 200);
		after = test_get(f, id);
		assert_true(json_equal(before, after));
		free(body);
		json_decref(before);
		json_decref(after);
	}
}

static void is_changed_and_cancelled_by_version(void **state)
{
	static const char changed[] = PLAN "\"at\":\"2030-01-01T01:00:00Z\"}";
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE], etag[16] = "\"2\"";
	json_t *json;

	json_decref(test_plan(f, AT, id));
	assert_int_equal(test_change(f, "PUT", id, NULL, changed), 428);
	assert_int_equal(test_change(f, "PUT", id, "\"2\"", changed), 412);
	assert_int_equal(test_change(f, "PUT", id, "W/\"1\"", changed), 412);
	assert_int_equal(test_change(f, "PUT", id, "\"11\"", changed), 412);
	assert_int_equal(test_change(f, "PUT", id, "\"1\"", "{}"), 422);
	assert_int_equal(test_change(f, "PUT", id, "\"7\", \"1\"", changed), 200);
	assert_int_equal(test_change(f, "PUT", id, "\"1\"", changed), 412);
	json = test_get(f, id);
	expect_text(json, "next_at", "2030-01-01T01:00:00Z");
	json_decref(json);
	test_set_clock(f, START_US + 30 * MINUTE_US);
	assert_int_equal(api_rig_count(f->rig), 0);
	assert_int_equal(test_change(f, "DELETE", id, NULL, NULL), 428);
	assert_int_equal(test_change(f, "DELETE", id, "\"1\"", NULL), 412);
	assert_int_equal(test_change(f, "DELETE", id, etag, NULL), 204);
	expect_state(f, id, "cancelled");
	assert_int_equal(test_change(f, "DELETE", id, "*", NULL), 204);
	assert_int_equal(test_change(f, "PUT", id, "*", changed), 409);
	test_close(f);
	test_open(f);
	test_set_clock(f, START_US + 2 * HOUR_US);
	expect_state(f, id, "cancelled");
	assert_int_equal(api_rig_count(f->rig), 0);
	assert_int_equal(test_change(f, "DELETE", "01890a5d-ac96-774b-bcce-b302099a8057", "*",
				     NULL),
			 404);
}

static void a_rule_becomes_once_and_back(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	json_t *json;

	json_decref(test_plan(f, AT, id));
	assert_int_equal(test_change(f, "PUT", id, "*",
				     PLAN "\"rrule\":\"FREQ=MINUTELY\","
					  "\"start\":\"2030-01-01T00:00\",\"timezone\":\"UTC\"}"),
			 200);
	test_set_clock(f, START_US + MINUTE_US);
	assert_int_equal(test_change(f, "PUT", id, "*",
				     PLAN "\"rrule\":\"FREQ=HOURLY\","
					  "\"start\":\"2030-01-01T00:00\",\"timezone\":\"UTC\"}"),
			 200);
	json = test_get(f, id);
	expect_text(json, "next_at", "2030-01-01T01:00:00Z");
	assert_int_equal(number_of(json, "raised"), 1);
	json_decref(json);
	assert_int_equal(test_change(f, "PUT", id, "*", PLAN AT "}"), 200);
	test_set_clock(f, START_US + 10 * MINUTE_US);
	json = test_get(f, id);
	expect_text(json, "state", "raised");
	expect_text(json, "last_alert_id", id);
	assert_int_equal(number_of(json, "raised"), 2);
	json_decref(json);
	assert_int_equal(api_rig_count(f->rig), 2);
}

/* ---- while it becomes due ---- */

static int change_begin(struct fixture *f, const char *method, const char *id, const char *body)
{
	int fd = client_connect(0, f->rig->socket);
	char text[512];

	snprintf(text, sizeof(text),
		 "%s /v1/planned/%s HTTP/1.1\r\nIf-Match: *\r\nContent-Length: %zu\r\n\r\n%s",
		 method, id, strlen(body), body);
	client_send(fd, text);
	return fd;
}

static bool is_in_flight(void *arg)
{
	return http_server_in_flight(((struct fixture *)arg)->rig->http) == 1;
}

static bool is_busy_now(void *arg)
{
	return ((const struct entry *)arg)->busy;
}

static int status_of(struct fixture *f, int fd)
{
	struct http_answer a;
	int status;

	client_answer(f->rig->loop, fd, &a);
	status = a.status;
	answer_free(&a);
	close(fd);
	return status;
}

/* It is being raised: who cancels it then is told that it was. */
static void a_cancel_that_is_too_late_says_so(void **state)
{
	static const char *const methods[] = {"DELETE", "PUT"};
	struct fixture *f = test_fixture(state);

	for (size_t i = 0; i < 2; i++) {
		char id[TC_ID_SIZE], rest[64], at[WHEN_SIZE];
		int fd;

		snprintf(rest, sizeof(rest), "\"at\":\"%s\"",
			 when_format(at, test_now_us + MINUTE_US));
		json_decref(test_plan(f, rest, id));
		api_rig_hold(f->rig);
		test_now_us += MINUTE_US;
		planner_wake(f->planner);
		client_wait(f->rig->loop, is_busy_now, planner_find(f->planner, id));
		fd = change_begin(f, methods[i], id, i ? PLAN AT "}" : "");
		client_wait(f->rig->loop, is_in_flight, f);
		for (int k = 0; k < 50; k++)
			client_turn(f->rig->loop);
		assert_int_equal(STAILQ_EMPTY(&f->planner->waiting), 0);
		api_rig_let_go(f->rig);
		assert_int_equal(status_of(f, fd), 409);
		expect_state(f, id, "raised");
		assert_int_equal(api_rig_count(f->rig), i + 1);
	}
}

/* It becomes due while the cancellation is being written: it is not raised. */
static void a_cancel_that_is_in_time_counts(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	int fd;

	json_decref(test_plan(f, AT, id));
	api_rig_hold(f->rig);
	fd = change_begin(f, "DELETE", id, "");
	client_wait(f->rig->loop, is_busy_now, planner_find(f->planner, id));
	test_now_us = START_US + 10 * MINUTE_US;
	for (int i = 0; i < 50; i++) {
		planner_wake(f->planner);
		client_turn(f->rig->loop);
	}
	api_rig_let_go(f->rig);
	assert_int_equal(status_of(f, fd), 204);
	test_set_clock(f, test_now_us);
	expect_state(f, id, "cancelled");
	assert_int_equal(api_rig_count(f->rig), 0);
}

static void two_changes_at_once_are_one_after_the_other(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	int put, del;

	json_decref(test_plan(f, AT, id));
	api_rig_hold(f->rig);
	put = change_begin(f, "PUT", id, PLAN "\"at\":\"2030-01-01T00:20:00Z\"}");
	client_wait(f->rig->loop, is_busy_now, planner_find(f->planner, id));
	del = change_begin(f, "DELETE", id, "");
	for (int i = 0; i < 50; i++)
		client_turn(f->rig->loop);
	api_rig_let_go(f->rig);
	assert_int_equal(status_of(f, put), 200);
	assert_int_equal(status_of(f, del), 204);
	expect_state(f, id, "cancelled");
}

/* A full store: nothing is changed, nothing is added, and all of it works afterwards. */
static void a_full_store_changes_nothing(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	json_t *json;

	json_decref(test_plan(f, AT, id));
	api_rig_hold(f->rig);
	api_rig_flood(f->rig);
	json_decref(api_rig_json(f->rig, "POST", "/v1/planned", PLAN AT "}", 503));
	assert_int_equal(test_change(f, "DELETE", id, "*", NULL), 503);
	api_rig_let_go(f->rig);
	api_rig_settle(f->rig);
	test_set_clock(f, START_US); /* what was there is written again, what was not goes */
	expect_state(f, id, "planned");
	json = api_rig_json(f->rig, "GET", "/v1/planned", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(json, "items")), 1);
	json_decref(json);
	assert_int_equal(f->planner->planned, 1);
	test_close(f);
	test_open(f);
	assert_int_equal(f->planner->planned, 1);
	test_set_clock(f, START_US + 10 * MINUTE_US);
	expect_state(f, id, "raised");
}

/* The instance goes while one waits for the commit, and another one for that. */
static void goes_with_requests_under_way(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	int first, second;

	json_decref(test_plan(f, AT, id));
	api_rig_hold(f->rig);
	first = change_begin(f, "DELETE", id, "");
	client_wait(f->rig->loop, is_busy_now, planner_find(f->planner, id));
	second = change_begin(f, "DELETE", id, "");
	for (int i = 0; i < 50; i++)
		client_turn(f->rig->loop);
	test_close(f);
	assert_int_equal(status_of(f, second), 503);
	api_rig_let_go(f->rig);
	assert_int_equal(status_of(f, first), 204);
	test_open(f);
	expect_state(f, id, "cancelled");
}

/* ---- lists ---- */

static void lists_by_time_in_pages(void **state)
{
	struct fixture *f = test_fixture(state);
	char path[128] = "/v1/planned?limit=2", id[TC_ID_SIZE], last[WHEN_SIZE] = "";
	size_t seen = 0;
	json_t *json;

	for (int i = 0; i < 7; i++) {
		char rest[64];

		snprintf(rest, sizeof(rest), "\"at\":\"2030-01-0%dT00:00:00Z\"", 2 + i * 3 % 7);
		json_decref(test_plan(f, rest, id));
	}
	for (const char *next = ""; next; seen += 2) {
		json_t *item;
		size_t i;

		json = api_rig_json(f->rig, "GET", path, NULL, 200);
		json_array_foreach (json_object_get(json, "items"), i, item) {
			assert_true(strcmp(text_of(item, "next_at"), last) > 0);
			tc_strcopy(last, sizeof(last), text_of(item, "next_at"));
		}
		next = json_string_value(json_object_get(json, "next"));
		snprintf(path, sizeof(path), "/v1/planned?limit=2&cursor=%s", next ? next : "");
		json_decref(json);
		assert_in_range(seen, 0, 8);
	}
	assert_string_equal(last, "2030-01-08T00:00:00Z");
	assert_int_equal(seen, 8);
	assert_int_equal(test_change(f, "DELETE", id, "*", NULL), 204);
	json = api_rig_json(f->rig, "GET", "/v1/planned?state=planned", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(json, "items")), 6);
	json_decref(json);
	json = api_rig_json(f->rig, "GET", "/v1/planned?state=cancelled", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(json, "items")), 1);
	json_decref(json);
	json_decref(api_rig_json(f->rig, "GET", "/v1/planned?state=lost", NULL, 400));
	json_decref(api_rig_json(f->rig, "GET", "/v1/planned?cursor=7", NULL, 400));
}

/* The description is true: a plan has these fields, and no others. */
static void is_as_it_is_described(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	json_t *plan = test_plan(f, AT, id), *all, *properties, *value;
	const char *name;

	all = api_rig_json(f->rig, "GET", "/v1/openapi.json", NULL, 200);
	properties = json_object_get(all, "components");
	properties = json_object_get(json_object_get(properties, "schemas"), "planned");
	properties = json_object_get(properties, "properties");
	assert_true(json_object_size(properties) > 20);
	assert_int_equal(json_object_size(properties), json_object_size(plan));
	json_object_foreach (plan, name, value)
		if (!json_object_get(properties, name))
			fail_msg("%s is not described", name);
	json_decref(plan);
	json_decref(all);
}

/* ---- limits ---- */

static void a_rule_that_comes_too_often_is_refused(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	json_t *json;

	test_close(f);
	f->settings = "{}";
	test_open(f);
	json = api_rig_json(f->rig, "POST", "/v1/planned",
			    PLAN "\"rrule\":\"FREQ=DAILY;BYHOUR=1;BYMINUTE=0;BYSECOND=0,30\","
				 "\"start\":\"2030-01-01T00:00\",\"timezone\":\"UTC\"}", 422);
	expect_text(json, "field", "rrule");
	assert_non_null(strstr(text_of(json, "detail"), "30s"));
	json_decref(json);
	json_decref(test_plan(f, "\"rrule\":\"FREQ=MINUTELY\",\"start\":\"2030-01-01T00:00\","
				 "\"timezone\":\"UTC\"", id));
}

static void not_more_than_max_planned(void **state)
{
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];

	test_close(f);
	f->settings = "{\"max_planned\":2}";
	test_open(f);
	json_decref(test_plan(f, AT, id));
	json_decref(test_plan(f, AT, id));
	json_decref(api_rig_json(f->rig, "POST", "/v1/planned", PLAN AT "}", 422));
	assert_int_equal(test_change(f, "DELETE", id, "*", NULL), 204);
	json_decref(test_plan(f, AT, id));
	json_decref(api_rig_json(f->rig, "POST", "/v1/planned", PLAN AT "}", 422));
}

static void what_is_too_big_to_be_kept_is_refused(void **state)
{
	struct fixture *f = test_fixture(state);
	struct tc_buf body = {0};
	json_t *json;

	tc_buf_puts(&body, PLAN AT ",\"labels\":{\"a\":\"");
	for (int i = 0; i < 7000; i++)
		tc_buf_puts(&body, "0123456789");
	tc_buf_puts(&body, "\"}}");
	json = api_rig_json(f->rig, "POST", "/v1/planned", body.data, 422);
	expect_text(json, "field", "labels");
	json_decref(json);
	tc_buf_fini(&body);
}

static void wants_scopes(void **state)
{
	struct fixture *f = test_fixture(state);
	json_t *reader = api_rig_json(f->rig, "POST", "/v1/tokens",
				      "{\"name\":\"reader\",\"scope\":\"read\"}", 201);
	struct http_answer a;
	char head[160];

	snprintf(head, sizeof(head), "Authorization: Bearer %s\r\n", text_of(reader, "token"));
	client_ask(f->rig->loop, f->rig->port, "GET", "/v1/planned", head, NULL, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
	client_ask(f->rig->loop, f->rig->port, "POST", "/v1/planned", head, PLAN AT "}", &a);
	assert_int_equal(a.status, 403);
	answer_free(&a);
	client_ask(f->rig->loop, f->rig->port, "GET", "/v1/planned", "", NULL, &a);
	assert_int_equal(a.status, 401);
	answer_free(&a);
	json_decref(reader);
}

/* ---- what other triggers hand over ---- */

static void takes_what_is_posted_with_a_time(void **state)
{
	static const char body[] = PLAN "\"at\":\"2030-01-01T02:00\",\"timezone\":\"Europe/Rome\","
					"\"dedup_key\":\"k\"}";
	struct fixture *f = test_fixture(state);
	char id[TC_ID_SIZE];
	json_t *json;

	api_rig_trigger(f->rig, "http_api", "api", "{}");
	json = api_rig_json(f->rig, "POST", "/v1/alerts", body, 202);
	expect_text(json, "state", "planned");
	expect_text(json, "at", "2030-01-01T01:00:00Z");
	assert_true(json_is_false(json_object_get(json, "deduplicated")));
	tc_strcopy(id, sizeof(id), text_of(json, "id"));
	json_decref(json);
	json = api_rig_json(f->rig, "POST", "/v1/alerts", body, 202); /* sent again */
	expect_text(json, "id", id);
	assert_true(json_is_true(json_object_get(json, "deduplicated")));
	json_decref(json);
	assert_int_equal(f->planner->planned, 1);
	json_decref(api_rig_json(f->rig, "POST", "/v1/alerts", PLAN "\"timezone\":\"UTC\"}", 422));
	json = api_rig_json(f->rig, "POST", "/v1/alerts",
			    PLAN "\"at\":\"2030-10-27T02:30\",\"timezone\":\"Europe/Rome\"}", 422);
	expect_text(json, "field", "at");
	assert_non_null(strstr(text_of(json, "detail"), "2030-10-27T02:30:00+01:00"));
	json_decref(json);
	test_set_clock(f, START_US + HOUR_US);
	expect_state(f, id, "raised");
	assert_int_equal(api_rig_count(f->rig), 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, test_setup, test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_the_field),
		TEST(a_time_just_past_is_raised_at_once),
		TEST(what_was_read_can_be_written_back),
		TEST(is_changed_and_cancelled_by_version),
		TEST(a_rule_becomes_once_and_back),
		TEST(a_cancel_that_is_too_late_says_so),
		TEST(a_cancel_that_is_in_time_counts),
		TEST(two_changes_at_once_are_one_after_the_other),
		TEST(a_full_store_changes_nothing),
		TEST(goes_with_requests_under_way),
		TEST(lists_by_time_in_pages),
		TEST(is_as_it_is_described),
		TEST(a_rule_that_comes_too_often_is_refused),
		TEST(not_more_than_max_planned),
		TEST(what_is_too_big_to_be_kept_is_refused),
		TEST(wants_scopes),
		TEST(takes_what_is_posted_with_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
