/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POST /v1/alerts of the trigger http_api: its fields, its answers, what is stored; and what a
 * PBX's dialplan says by it. It stands here and not beside the plugin, for it loads two plugins as
 * the daemon does. What all triggers have in common is the contract suite's.
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

#include "call/trunk.h"
#include "unit/api_rig.h"

static int setup(void **state)
{
	struct api_rig *rig = api_rig_new();

	if (rig)
		api_rig_trigger(rig, "http_api", "api", "{}");
	*state = rig;
	return 0;
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
	struct api_rig *rig = api_rig_of(state);
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
	struct api_rig *rig = api_rig_of(state);
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
	struct api_rig *rig = api_rig_of(state);
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
	struct api_rig *rig = api_rig_of(state);

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
	struct api_rig *rig = api_rig_of(state);

	assert_int_equal(status_of_length(rig, 4096), 202);
	assert_int_equal(status_of_length(rig, 4097), 422);
	assert_int_equal(status_of_length(rig, 500000), 422);
	assert_int_equal(status_of_length(rig, 2 << 20), 413);
	assert_int_equal(api_rig_count(rig), 1);
}

/* ---- what a dialplan says ---- */

/* A trunk in whose dialplan every call is as soon as it is placed. */
static int originate(void *state, const struct tc_pbx_originate *call)
{
	static const enum tc_pbx_event_type story[] = {TC_PBX_ANSWERED, TC_PBX_RELEASED};
	struct tc_pbx_event event = {.dialplan = true};

	tc_strcopy(event.call_id, sizeof(event.call_id), call->call_id);
	for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++) {
		event.type = story[i];
		tc_pbx_event(state, &event);
	}
	return 0;
}

static int play(void *state, const char *call_id, uint32_t play_id, const struct tc_pbx_item *items,
		size_t n)
{
	(void)state;
	(void)call_id;
	(void)play_id;
	(void)items;
	(void)n;
	return 0;
}

static int hangup(void *state, const char *call_id)
{
	struct tc_pbx_event event = {.type = TC_PBX_ENDED, .end = TC_PBX_END_LOCAL};

	tc_strcopy(event.call_id, sizeof(event.call_id), call_id);
	tc_pbx_event(state, &event);
	return 0;
}

static int release(void *state, const char *call_id)
{
	(void)state;
	(void)call_id;
	return 0;
}

static int pbx_open(struct tc_instance *self, const void *cfg, void **state)
{
	(void)cfg;
	*state = self;
	return 0;
}

static void pbx_close(void *state)
{
	(void)state;
}

static const struct tc_option no_options[] = {TC_OPTION_END};
static const struct tc_pbx_ops pbx_ops = {
	.originate = originate, .play = play, .hangup = hangup, .release = release};
static const struct tc_plugin dialplan = {
	TC_PLUGIN_GUARD(TC_KIND_PBX),
	.name = "dialplan",
	.version = "1",
	.summary = "Gives each call to a dialplan",
	.options = no_options,
	.config_size = 1,
	.open = pbx_open,
	.close = pbx_close,
	.ops = &pbx_ops,
};

static int setup_dialplan(void **state)
{
	struct api_rig *rig = api_rig_new();
	struct tc_errors *errs = tc_errors_new();
	json_t *settings = json_pack("{s:s}", "plugin", dialplan.name);

	if (rig) {
		struct tc_instance *self;

		host_plugin_add(rig->host, &dialplan);
		self = instance_new(rig->host, TC_KIND_PBX, settings, errs);
		assert_non_null(self);
		trunks_add(rig->trunks, self);
		assert_int_equal(instance_open(self), 0);
		api_rig_trigger(rig, "http_api", "api", "{\"dialplan_callbacks\": true}");
	}
	tc_errors_free(errs);
	json_decref(settings);
	*state = rig;
	return 0;
}

/* Raise an alert; its call, which the dialplan has then. */
static void call_up(struct api_rig *rig, char alert[TC_ID_SIZE], char call[TC_ID_SIZE])
{
	json_t *json = raised(rig, "{\"message\":\"x\",\"target\":\"+4930123\"}"), *item;

	tc_strcopy(alert, TC_ID_SIZE, json_string_value(json_object_get(json, "id")));
	json_decref(json);
	for (int i = 0; i < 10000; i++) {
		api_rig_settle(rig);
		json = api_rig_json(rig, "GET", "/v1/calls?state=answered", NULL, 200);
		item = json_array_get(json_object_get(json, "items"), 0);
		if (item)
			tc_strcopy(call, TC_ID_SIZE,
				   json_string_value(json_object_get(item, "id")));
		json_decref(json);
		if (item)
			return;
	}
	fail_msg("no call was answered");
}

/* Without a token, as CURL of a dialplan asks. */
static void expect_callback(struct api_rig *rig, const char *method, const char *path,
			    const char *body, int status)
{
	struct http_answer a;
	json_t *json;

	client_ask(rig->loop, rig->port, method, path, "", body, &a);
	if (a.status != status)
		fail_msg("%s %s %s: %d, not %d: %s", method, path, body ? body : "", a.status,
			 status, a.body);
	json = answer_json(&a);
	assert_int_equal(json_integer_value(json_object_get(json, "status")), status);
	if (status == 200)
		assert_int_equal(json_object_size(json), 1);
	else
		expect_text(json, "field", "asterisk_chan");
	json_decref(json);
	answer_free(&a);
}

static void expect_event(struct api_rig *rig, const char *alert, const char *what, int times)
{
	char path[96];
	json_t *json, *event;
	size_t i;

	api_rig_settle(rig);
	snprintf(path, sizeof(path), "/v1/alerts/%s", alert);
	json = api_rig_json(rig, "GET", path, NULL, 200);
	json_array_foreach (json_object_get(json, "timeline"), i, event)
		if (!strcmp(json_string_value(json_object_get(event, "what")), what))
			times--;
	assert_int_equal(times, 0);
	json_decref(json);
}

static void a_dialplan_says_what_it_did(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char alert[TC_ID_SIZE], call[TC_ID_SIZE], path[96], body[96];
	json_t *json;

	call_up(rig, alert, call);
	snprintf(path, sizeof(path), "/heard?asterisk_chan=%s", call);
	expect_callback(rig, "GET", path, NULL, 200);
	expect_callback(rig, "POST", path, NULL, 200);
	expect_event(rig, alert, "call.heard", 1);
	snprintf(body, sizeof(body), "x=y&asterisk_chan=%s&z=", call);
	expect_callback(rig, "POST", "/ack", body, 200);
	expect_callback(rig, "POST", "/ack", body, 200); /* no harm */
	expect_event(rig, alert, "alert.acknowledged", 1);
	snprintf(path, sizeof(path), "/v1/alerts/%s", alert);
	json = api_rig_json(rig, "GET", path, NULL, 200);
	expect_text(json, "state", "acknowledged");
	json_decref(json);
}

static void a_dialplan_names_the_call(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char alert[TC_ID_SIZE], call[TC_ID_SIZE], path[96], body[512];

	call_up(rig, alert, call);
	for (int i = 0; i < 2; i++) {
		const char *where = i ? "/ack" : "/heard";

		expect_callback(rig, "GET", where, NULL, 422);
		expect_callback(rig, "POST", where, NULL, 422);
		expect_callback(rig, "POST", where, "asterisk_channel=1&", 422);
		snprintf(path, sizeof(path), "%s?asterisk_chan=", where);
		expect_callback(rig, "GET", path, NULL, 422);
		snprintf(path, sizeof(path), "%s?asterisk_chan=%sx", where, call);
		expect_callback(rig, "GET", path, NULL, 404);
		snprintf(path, sizeof(path), "%s?asterisk_chan=%.35s", where, call);
		expect_callback(rig, "GET", path, NULL, 404);
		snprintf(path, sizeof(path), "%s?asterisk_chan=%s", where, alert);
		expect_callback(rig, "GET", path, NULL, 404);
		snprintf(body, sizeof(body), "asterisk_chan=%s%0400d", call, 0);
		expect_callback(rig, "POST", where, body, 404);
	}
	expect_event(rig, alert, "call.heard", 0);
	expect_event(rig, alert, "alert.acknowledged", 0);
}

static void a_dialplan_is_not_heard_unasked(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct http_answer a;

	api_rig_ask(rig, "GET", "/ack?asterisk_chan=x", NULL, &a);
	assert_int_equal(a.status, 404);
	answer_free(&a);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, api_rig_teardown)
#define DIALPLAN(fn) cmocka_unit_test_setup_teardown(fn, setup_dialplan, api_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(stores_all_fields), TEST(fills_in_defaults),  TEST(takes_in_what_is_known),
		TEST(names_the_field),   TEST(limits_the_message),
		DIALPLAN(a_dialplan_says_what_it_did),
		DIALPLAN(a_dialplan_names_the_call),
		TEST(a_dialplan_is_not_heard_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
