/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/trunks and what of the trunks stands in /metrics, with a trunk that does as it is told. How
 * trunks are chosen and judged is test_trunk.c's and test_trunk_health.c's.
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

/* ---- a trunk that is checked as the test wants ---- */

static struct {
	int refuse;         /* what check() returns */
	bool wait;          /* the test completes it, else done at once */
	int err;
	const char *result; /* JSON, or NULL */
	struct tc_op *op;   /* taken and not completed */
	char number[40];    /* that it was asked for, "" = none */
} told;

static json_t *result_of(void)
{
	return told.result ? json_loads(told.result, JSON_DECODE_ANY, NULL) : NULL;
}

static int check(void *state, struct tc_op *op, const char *number)
{
	(void)state;
	tc_strcopy(told.number, sizeof(told.number), number ? number : "");
	if (told.refuse)
		return told.refuse;
	if (told.wait)
		told.op = op;
	else
		tc_op_done(op, told.err, result_of(), told.err ? "Asterisk is tired" : NULL);
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
	if (told.op)
		tc_op_done(told.op, -ECANCELED, NULL, "the trunk is being closed");
	told.op = NULL;
}

static const struct tc_option no_options[] = {TC_OPTION_END};
static const struct tc_pbx_ops checked_ops = {.check = check};
static const struct tc_pbx_ops plain_ops = {.check = NULL};

#define PLUGIN(of_name, of_ops)                                                                    \
	{                                                                                          \
		TC_PLUGIN_GUARD(TC_KIND_PBX), .name = of_name, .version = "1",                     \
		.summary = "Calls nobody", .options = no_options, .config_size = 1,                \
		.open = pbx_open, .close = pbx_close, .ops = of_ops                                \
	}

static const struct tc_plugin checked = PLUGIN("checked", &checked_ops);
static const struct tc_plugin plain = PLUGIN("plain", &plain_ops);

static struct trunk *add(struct api_rig *rig, const struct tc_plugin *plugin, const char *name)
{
	json_t *settings = json_pack("{s:s, s:s}", "name", name, "plugin", plugin->name);
	struct tc_errors *errs = tc_errors_new();
	struct tc_instance *self;
	struct trunk *trunk;

	host_plugin_add(rig->host, plugin);
	self = instance_new(rig->host, TC_KIND_PBX, settings, errs);
	assert_non_null(self);
	trunk = trunks_add(rig->trunks, self);
	assert_int_equal(instance_open(self), 0);
	tc_errors_free(errs);
	json_decref(settings);
	return trunk;
}

static int setup(void **state)
{
	struct api_rig *rig = api_rig_new();

	memset(&told, 0, sizeof(told));
	if (rig) {
		add(rig, &checked, "office");
		add(rig, &plain, "a b");
	}
	*state = rig;
	return 0;
}

/* Check the trunk: whether the answer says so, and its steps as "step:ok:text step:..." */
static void expect(struct api_rig *rig, const char *trunk, const char *body, bool ok,
		   const char *steps)
{
	char *path = tc_asprintf("/v1/trunks/%s/check", trunk);
	json_t *answer = api_rig_json(rig, "POST", path, body, 200), *step;
	struct tc_buf got = {0};
	size_t i;

	tc_buf_puts(&got, "");
	json_array_foreach (json_object_get(answer, "steps"), i, step) {
		const json_t *of = json_object_get(step, "ok");

		assert_int_equal(json_object_size(step), 3);
		tc_buf_printf(&got, "%s%s:%s:%s", i ? " " : "",
			      json_string_value(json_object_get(step, "step")),
			      json_is_true(of)    ? "true"
			      : json_is_false(of) ? "false"
						  : "null",
			      json_string_value(json_object_get(step, "text")));
	}
	assert_string_equal(got.data, steps);
	assert_int_equal(json_is_true(json_object_get(answer, "ok")), ok);
	tc_buf_fini(&got);
	json_decref(answer);
	free(path);
}

/* ---- the check ---- */

static void without_a_check_health_is_the_answer(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct trunk *t = trunks_find(rig->trunks, "a b");

	expect(rig, "a%20b", NULL, true, "health:true:not yet known");
	trunk_said(t, false, "no answer");
	api_rig_settle(rig);
	expect(rig, "a%20b", "{}", false, "health:false:no answer");
	instance_close(t->instance);
	expect(rig, "a%20b", NULL, false, "health:false:the trunk is closed");
}

static void steps_are_the_plugins(void **state)
{
	struct api_rig *rig = api_rig_of(state);

	told.result = "[{\"step\":\"connect\",\"ok\":true,\"text\":\"there\"},"
		      "{\"step\":\"endpoint\",\"ok\":null,\"text\":\"who knows\"}]";
	expect(rig, "office", NULL, true, "connect:true:there endpoint:null:who knows");
	assert_string_equal(told.number, "");
	told.result = "[{\"step\":\"connect\",\"ok\":true,\"text\":\"there\"},"
		      "{\"step\":\"login\",\"ok\":false,\"text\":\"no\"},"
		      "{\"step\":\"app\",\"ok\":null,\"text\":\"not tried\"}]";
	expect(rig, "office", "{\"number\":\"+49*30#1\"}", false,
	       "connect:true:there login:false:no app:null:not tried");
	assert_string_equal(told.number, "+49*30#1");
	/* nothing is known: that is not good */
	told.result = "[{\"step\":\"connect\",\"ok\":null,\"text\":\"not tried\"}]";
	expect(rig, "office", "{\"number\":null}", false, "connect:null:not tried");
	assert_string_equal(told.number, "");
}

static void what_is_no_answer_is_none(void **state)
{
	static const char nothing[] = "check:false:the plugin has checked nothing";
	struct api_rig *rig = api_rig_of(state);

	expect(rig, "office", NULL, false, nothing);
	told.result = "[]";
	expect(rig, "office", NULL, false, nothing);
	told.result = "{\"ok\":true}";
	expect(rig, "office", NULL, false, nothing);
	told.result = "[7, {\"ok\":1,\"text\":[],\"more\":2}]";
	expect(rig, "office", NULL, false, "?:null: ?:null:");
	told.err = -EIO;
	expect(rig, "office", NULL, false, "check:false:Asterisk is tired");
	told.refuse = -EBUSY;
	expect(rig, "office", NULL, false, "check:false:Device or resource busy");
}

static void what_is_asked_is_checked(void **state)
{
	static const struct {
		const char *body, *field;
		int status;
	} bad[] = {
		{"{\"number\":\"\"}", "number", 422},
		{"{\"number\":\"+\"}", "number", 422},
		{"{\"number\":\"+49 30\"}", "number", 422},
		{"{\"number\":\"alice\"}", "number", 422},
		{"{\"number\":\"+49301234567890123456789012345678\"}", "number", 422},
		{"{\"number\":4930}", "number", 400},
		{"{\"wibble\":1}", "wibble", 400},
	};
	struct api_rig *rig = api_rig_of(state);
	json_t *problem;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		problem = api_rig_json(rig, "POST", "/v1/trunks/office/check", bad[i].body,
				       bad[i].status);
		assert_string_equal(json_string_value(json_object_get(problem, "field")),
				    bad[i].field);
		json_decref(problem);
	}
	json_decref(api_rig_json(rig, "POST", "/v1/trunks/nowhere/check", NULL, 404));
	json_decref(api_rig_json(rig, "GET", "/v1/trunks/office/check", NULL, 405));
	assert_string_equal(told.number, "");
}

static void it_is_for_administrators(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	json_t *token = api_rig_json(rig, "POST", "/v1/tokens",
				     "{\"name\":\"x\",\"scope\":\"alert\"}", 201);
	char *head = tc_asprintf("Authorization: Bearer %s\r\n",
				 json_string_value(json_object_get(token, "token")));
	struct http_answer a;

	client_ask(rig->loop, rig->port, "POST", "/v1/trunks/office/check", head, NULL, &a);
	assert_int_equal(a.status, 403);
	answer_free(&a);
	client_ask(rig->loop, rig->port, "GET", "/v1/trunks", head, NULL, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
	free(head);
	json_decref(token);
}

static bool is_taken(void *arg)
{
	(void)arg;
	return told.op != NULL;
}

static int ask_and_wait(struct api_rig *rig)
{
	int fd = client_connect(0, rig->socket);

	told.wait = true;
	client_send(fd, "POST /v1/trunks/office/check HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
	client_wait(rig->loop, is_taken, NULL);
	return fd;
}

static void a_trunk_that_closes_ends_its_check(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	int fd = ask_and_wait(rig);
	struct http_answer a;

	instance_close(trunks_find(rig->trunks, "office")->instance);
	client_answer(rig->loop, fd, &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "the trunk is being closed"));
	answer_free(&a);
	close(fd);
}

/* Who asked is gone, or the API itself: nothing is answered, and nothing is left over. */
static void an_end_leaves_nothing(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	int gone = ask_and_wait(rig), here;

	close(gone);
	client_turn(rig->loop);
	tc_op_done(told.op, 0, result_of(), NULL);
	told.op = NULL;
	here = ask_and_wait(rig);
	api_rig_free(rig); /* the plugin completes it when it is closed */
	*state = NULL;
	close(here);
	assert_null(told.op);
}

/* ---- how they are ---- */

static void expect_metric(struct api_rig *rig, const char *line)
{
	struct http_answer a;

	api_rig_ask(rig, "GET", "/metrics", NULL, &a);
	if (!strstr(a.body, line))
		fail_msg("'%s' is not in: %s", line, a.body);
	answer_free(&a);
}

static void figures_are_told(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct trunk *t = trunks_find(rig->trunks, "office");

	expect_metric(rig, "\ntocsin_trunk_up{trunk=\"office\"} 1\n");
	expect_metric(rig, "\ntocsin_trunk_held{trunk=\"office\"} 0\n");
	expect_metric(rig, "\ntocsin_trunk_failed_share{trunk=\"office\"} 0\n");
	expect_metric(rig, "\ntocsin_trunk_max_calls{trunk=\"office\"} 50\n");
	trunk_enter(t);
	trunk_enter(t);
	trunk_outcome(t, "1", INT64_MAX, true);
	trunk_outcome(t, "2", INT64_MAX, false);
	trunk_said(t, false, "away");
	trunk_hold(t, true, "behind");
	trunk_hold(t, false, "");
	trunk_hold(t, true, "behind again");
	for (int again = 0; again < 2; again++) { /* a counter is not counted twice */
		expect_metric(rig, "\ntocsin_trunk_up{trunk=\"office\"} 0\n");
		expect_metric(rig, "\ntocsin_trunk_healthy{trunk=\"office\"} 0\n");
		expect_metric(rig, "\ntocsin_trunk_held{trunk=\"office\"} 1\n");
		expect_metric(rig, "\ntocsin_trunk_live_calls{trunk=\"office\"} 2\n");
		expect_metric(rig, "\ntocsin_trunk_placed_total{trunk=\"office\"} 2\n");
		expect_metric(rig, "\ntocsin_trunk_failed_total{trunk=\"office\"} 1\n");
		expect_metric(rig, "\ntocsin_trunk_holds_total{trunk=\"office\"} 2\n");
		expect_metric(rig, "\ntocsin_trunk_failed_share{trunk=\"office\"} 0.5\n");
		expect_metric(rig, "\ntocsin_trunk_placed_total{trunk=\"a b\"} 0\n");
	}
	trunk_leave(rig->trunks, t);
	trunk_leave(rig->trunks, t);
	api_rig_settle(rig);
}

static void the_list_is_as_described(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	json_t *doc = api_rig_json(rig, "GET", "/v1/openapi.json", NULL, 200);
	json_t *page = api_rig_json(rig, "GET", "/v1/trunks", NULL, 200);
	json_t *schema = json_object_get(
		json_object_get(json_object_get(doc, "components"), "schemas"), "trunk");
	json_t *trunk = json_array_get(json_object_get(page, "items"), 0);
	json_t *properties = json_object_get(schema, "properties"), *v;
	const char *name;

	assert_int_equal(json_array_size(json_object_get(page, "items")), 2);
	json_object_foreach (trunk, name, v)
		if (!json_object_get(properties, name))
			fail_msg("%s is not described", name);
	json_object_foreach (properties, name, v)
		if (!json_object_get(trunk, name))
			fail_msg("%s is missing", name);
	json_decref(page);
	json_decref(doc);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, api_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(without_a_check_health_is_the_answer),
		TEST(steps_are_the_plugins),
		TEST(what_is_no_answer_is_none),
		TEST(what_is_asked_is_checked),
		TEST(it_is_for_administrators),
		TEST(a_trunk_that_closes_ends_its_check),
		TEST(an_end_leaves_nothing),
		TEST(figures_are_told),
		TEST(the_list_is_as_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
