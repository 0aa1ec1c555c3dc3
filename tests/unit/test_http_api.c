/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POST /v1/alerts of the trigger http_api: its fields, its answers, what is stored. It stands here
 * and not beside the plugin, for it loads two plugins as the daemon does. What all triggers have
 * in common is the contract suite's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <tocsin/alloc.h>

#include "unit/api_rig.h"

static int setup(void **state)
{
	struct api_rig *rig = api_rig_new();

	if (rig)
		api_rig_trigger(rig, "http_api", "api", "{}");
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	if (*state)
		api_rig_free(*state);
	return 0;
}

static struct api_rig *rig_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static void expect_text(const json_t *json, const char *name, const char *want)
{
	const char *got = json_string_value(json_object_get(json, name));

	if (!got || strcmp(got, want))
		fail_msg("%s is %s, not %s", name, got ? got : "(no text)", want);
}

/* Raise, and return the alert as it is stored then. */
static json_t *raised(struct api_rig *rig, const char *body)
{
	json_t *answer = api_rig_json(rig, "POST", "/v1/alerts", body, 202), *alert;
	char path[96];

	expect_text(answer, "state", "open");
	snprintf(path, sizeof(path), "/v1/alerts/%s",
		 json_string_value(json_object_get(answer, "id")));
	alert = api_rig_json(rig, "GET", path, NULL, 200);
	json_decref(answer);
	return alert;
}

static void stores_all_fields(void **state)
{
	struct api_rig *rig = rig_of(state);
	json_t *alert = raised(
		rig, "{\"message\":\"K\u00fchlhaus: 9 Grad\",\"target\":\"+4930123\","
		     "\"strategy\":\"call\",\"severity\":\"warning\",\"labels\":{\"a\":\"\u00fc\"},"
		     "\"dedup_key\":\"k\",\"source\":\"sensor\"}");

	expect_text(alert, "message", "K\u00fchlhaus: 9 Grad");
	expect_text(alert, "target", "+4930123");
	expect_text(alert, "strategy", "call");
	expect_text(alert, "severity", "warning");
	expect_text(alert, "dedup_key", "k");
	expect_text(alert, "source", "sensor");
	expect_text(json_object_get(alert, "labels"), "a", "\u00fc");
	json_decref(alert);
}

static void fills_in_defaults(void **state)
{
	struct api_rig *rig = rig_of(state);
	json_t *alert = raised(rig, "{\"message\":\"x\",\"target\":\"+4930123\",\"labels\":null}");
	char who[32];

	snprintf(who, sizeof(who), "uid:%u", (unsigned)geteuid());
	expect_text(alert, "source", who);
	expect_text(alert, "severity", "critical");
	expect_text(alert, "strategy", "call");
	assert_true(json_is_null(json_object_get(alert, "dedup_key")));
	assert_int_equal(json_object_size(json_object_get(alert, "labels")), 0);
	json_decref(alert);
}

static void takes_in_what_is_known(void **state)
{
	static const char body[] =
		"{\"message\":\"x\",\"target\":\"+4930123\",\"dedup_key\":\"k\"}";
	struct api_rig *rig = rig_of(state);
	json_t *first = api_rig_json(rig, "POST", "/v1/alerts", body, 202);
	json_t *second = api_rig_json(rig, "POST", "/v1/alerts", body, 202);

	assert_true(json_is_false(json_object_get(first, "deduplicated")));
	assert_true(json_is_true(json_object_get(second, "deduplicated")));
	expect_text(second, "id", json_string_value(json_object_get(first, "id")));
	assert_int_equal(api_rig_count(rig), 1);
	json_decref(first);
	json_decref(second);
}

static void names_the_field(void **state)
{
	static const struct {
		const char *field, *body;
		int status;
	} all[] = {
		{"target", "{\"message\":\"x\"}", 422},
		{"message", "{\"target\":\"+49301\"}", 422},
		{"message", "{\"target\":\"+49301\",\"message\":\"\"}", 422},
		{"message", "{\"target\":\"+49301\",\"message\":\"a\\u0000b\"}", 422},
		{"message", "{\"target\":\"+49301\",\"message\":5}", 400},
		{"target", "{\"target\":\"nobody\",\"message\":\"x\"}", 422},
		{"target", "{\"target\":\"+49 abc\",\"message\":\"x\"}", 422},
		{"strategy", "{\"target\":\"+49301\",\"message\":\"x\",\"strategy\":\"fax\"}", 422},
		{"strategy", "{\"target\":\"+49301\",\"message\":\"x\",\"strategy\":\"sms\"}", 422},
		{"labels", "{\"target\":\"+49301\",\"message\":\"x\",\"labels\":[]}", 400},
		{"labels.a", "{\"target\":\"+49301\",\"message\":\"x\",\"labels\":{\"a\":1}}", 422},
		{"at", "{\"target\":\"+49301\",\"message\":\"x\",\"at\":\"2099-01-01T00:00:00Z\"}",
		 422},
		{"timezone", "{\"target\":\"+49301\",\"message\":\"x\",\"timezone\":\"UTC\"}", 422},
		{"mesage", "{\"target\":\"+49301\",\"mesage\":\"x\"}", 400},
		{"wibble", "{\"target\":\"+49301\",\"message\":\"x\",\"wibble\":null}", 400},
	};
	struct api_rig *rig = rig_of(state);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		json_t *problem =
			api_rig_json(rig, "POST", "/v1/alerts", all[i].body, all[i].status);

		expect_text(problem, "field", all[i].field);
		json_decref(problem);
	}
	assert_int_equal(api_rig_count(rig), 0);
}

static int status_of_length(struct api_rig *rig, size_t len)
{
	struct tc_buf body = {0};
	struct http_answer a;

	tc_buf_puts(&body, "{\"target\":\"+49301\",\"message\":\"");
	for (size_t i = 0; i < len; i++)
		tc_buf_puts(&body, "x");
	tc_buf_puts(&body, "\"}");
	api_rig_ask(rig, "POST", "/v1/alerts", body.data, &a);
	answer_free(&a);
	tc_buf_fini(&body);
	return a.status;
}

static void limits_the_message(void **state)
{
	struct api_rig *rig = rig_of(state);

	assert_int_equal(status_of_length(rig, 4096), 202);
	assert_int_equal(status_of_length(rig, 4097), 422);
	assert_int_equal(status_of_length(rig, 500000), 422);
	assert_int_equal(status_of_length(rig, 2 << 20), 413);
	assert_int_equal(api_rig_count(rig), 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(stores_all_fields), TEST(fills_in_defaults),  TEST(takes_in_what_is_known),
		TEST(names_the_field),   TEST(limits_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
