/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The API over its Unix socket, with a real store: shapes, lists, decisions, tokens, events,
 * health, and its description.
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

#include "host/rfc3339.h"
#include "unit/api_rig.h"

static const char *text_of(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

/* ---- the description ---- */

static json_t *description(struct api_rig *rig)
{
	return api_rig_json(rig, "GET", "/v1/openapi.json", NULL, 200);
}

static const char *const method_names[] = {"get", "post", "put", "delete"};

struct described {
	json_t *doc;
	size_t n;
};

static void is_described(void *arg, const struct tc_http_route *route)
{
	struct described *d = arg;
	json_t *path = json_object_get(json_object_get(d->doc, "paths"), route->path);
	json_t *operation = json_object_get(path, method_names[route->method]);
	json_t *schemas = json_object_get(json_object_get(d->doc, "components"), "schemas");
	json_t *answer, *schema;
	char status[8];

	d->n++;
	if (!operation)
		fail_msg("%s %s is not described", method_names[route->method], route->path);
	snprintf(status, sizeof(status), "%d", route->success);
	answer = json_object_get(json_object_get(operation, "responses"), status);
	if (!answer)
		fail_msg("%s: no answer %s", route->path, status);
	if (!route->reply)
		return;
	schema = json_object_iter_value(json_object_iter(json_object_get(answer, "content")));
	if (json_string_value(json_object_get(json_object_get(schema, "schema"), "type")))
		return; /* text */
	if (!json_object_get(schemas, route->reply))
		fail_msg("%s: there is no shape %s", route->path, route->reply);
}

/* All references lead somewhere. */
static void check_references(const json_t *json, const json_t *schemas)
{
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach ((json_t *)json, name, value) {
		const char *text = strcmp(name, "$ref") ? NULL : json_string_value(value);

		if (text) {
			assert_memory_equal(text, "#/components/schemas/", 21);
			if (!json_object_get(schemas, text + 21))
				fail_msg("%s leads nowhere", text);
		}
		check_references(value, schemas);
	}
	json_array_foreach (json, i, value)
		check_references(value, schemas);
}

static void describes_every_route(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct described d = {description(rig), 0};

	http_server_routes(rig->http, is_described, &d);
	assert_in_range(d.n, 20, 100);
	check_references(d.doc, json_object_get(json_object_get(d.doc, "components"), "schemas"));
	json_decref(d.doc);
}

static bool type_is(const json_t *schema, const char *type)
{
	json_t *types = json_object_get(schema, "type"), *value;
	size_t i;

	if (json_is_string(types))
		return !strcmp(json_string_value(types), type);
	json_array_foreach (types, i, value)
		if (!strcmp(json_string_value(value), type))
			return true;
	return false;
}

static const char *type_name(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "integer";
	case JSON_REAL:
		return "number";
	case JSON_NULL:
		return "null";
	default:
		return "boolean";
	}
}

/* As much of JSON Schema as schema.c writes. */
static void conforms(const json_t *json, const json_t *schema, const json_t *schemas,
		     const char *where)
{
	const char *ref = text_of(schema, "$ref"), *name;
	json_t *properties, *value;
	size_t i;

	if (ref) {
		conforms(json, json_object_get(schemas, ref + 21), schemas, where);
		return;
	}
	if (json_object_get(schema, "anyOf")) {
		if (!json_is_null(json))
			conforms(json, json_array_get(json_object_get(schema, "anyOf"), 0), schemas,
				 where);
		return;
	}
	if (!type_is(schema, type_name(json)) &&
	    !(json_is_integer(json) && type_is(schema, "number")))
		fail_msg("%s is %s", where, type_name(json));
	properties = json_object_get(schema, "properties");
	json_array_foreach (json_object_get(schema, "required"), i, value)
		if (!json_object_get(json, json_string_value(value)))
			fail_msg("%s: no %s", where, json_string_value(value));
	json_object_foreach ((json_t *)json, name, value) {
		json_t *inner = json_object_get(properties, name);

		if (inner)
			conforms(value, inner, schemas, name);
		else if (json_is_false(json_object_get(schema, "additionalProperties")))
			fail_msg("%s: %s is not described", where, name);
	}
	json_array_foreach (json, i, value)
		conforms(value, json_object_get(schema, "items"), schemas, where);
}

static void expect_shape(struct api_rig *rig, const char *shape, const char *path)
{
	json_t *doc = description(rig), *json = api_rig_json(rig, "GET", path, NULL, 200);
	json_t *schemas = json_object_get(json_object_get(doc, "components"), "schemas");

	conforms(json, json_object_get(schemas, shape), schemas, path);
	json_decref(json);
	json_decref(doc);
}

static void answers_in_the_shapes_described(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	json_t *labels = json_pack("{s:s}", "a", "b");
	char id[TC_ID_SIZE], path[64];

	api_rig_raise(rig, "Fire", "+4930123", labels, id);
	json_decref(labels);
	snprintf(path, sizeof(path), "/v1/alerts/%s", id);
	expect_shape(rig, "alert", path);
	expect_shape(rig, "alerts", "/v1/alerts");
	expect_shape(rig, "calls", "/v1/calls");
	json_decref(api_rig_json(rig, "POST", "/v1/tokens", "{\"name\":\"x\",\"scope\":\"read\"}",
				 201));
	expect_shape(rig, "tokens", "/v1/tokens");
	json_decref(api_rig_json(rig, "POST", "/v1/contacts",
				 "{\"name\":\"x\",\"numbers\":[{\"number\":\"110\"}]}", 201));
	expect_shape(rig, "contacts", "/v1/contacts");
	expect_shape(rig, "plugins", "/v1/plugins");
	expect_shape(rig, "trunks", "/v1/trunks");
	expect_shape(rig, "voices", "/v1/voices");
	expect_shape(rig, "plugins", "/v1/carriers");
	expect_shape(rig, "health", "/healthz");
	expect_shape(rig, "ready", "/readyz");
}

/* ---- alerts ---- */

static void shows_an_alert_and_its_story(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	json_t *labels = json_pack("{s:s}", "host", "db1"), *json, *first;
	char id[TC_ID_SIZE], path[64];

	api_rig_raise(rig, "Disk full", "+4930123", labels, id);
	json_decref(labels);
	snprintf(path, sizeof(path), "/v1/alerts/%s", id);
	json = api_rig_json(rig, "GET", path, NULL, 200);
	assert_string_equal(text_of(json, "message"), "Disk full");
	assert_string_equal(text_of(json, "state"), "open");
	assert_string_equal(text_of(json_object_get(json, "labels"), "host"), "db1");
	assert_true(json_is_null(json_object_get(json, "acknowledged_at")));
	first = json_array_get(json_object_get(json, "timeline"), 0);
	assert_string_equal(text_of(first, "what"), "alert.raised");
	json_decref(json);
}

static void misses_what_is_not_there(void **state)
{
	static const char *const paths[] = {
		"/v1/alerts/x", "/v1/alerts/01890000-0000-7000-8000-000000000000",
		"/v1/calls/01890000-0000-7000-8000-000000000000", "/v1/x"};
	struct api_rig *rig = api_rig_of(state);

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		json_decref(api_rig_json(rig, "GET", paths[i], NULL, 404));
	json_decref(api_rig_json(
		rig, "POST", "/v1/alerts/01890000-0000-7000-8000-000000000000/cancel", NULL, 404));
	json_decref(api_rig_json(rig, "DELETE", "/v1/tokens/01890000-0000-7000-8000-000000000000",
				 NULL, 404));
}

static size_t listed(struct api_rig *rig, const char *query)
{
	char path[256];
	json_t *json;
	size_t n;

	snprintf(path, sizeof(path), "/v1/alerts?%s", query);
	json = api_rig_json(rig, "GET", path, NULL, 200);
	n = json_array_size(json_object_get(json, "items"));
	json_decref(json);
	return n;
}

static void lists_by_filters_and_pages(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char ids[5][TC_ID_SIZE], message[32], path[128], cursor[TC_ID_SIZE] = "";
	size_t seen = 0;

	for (int i = 0; i < 5; i++) {
		snprintf(message, sizeof(message), "Alert %d", i);
		api_rig_raise(rig, message, i % 2 ? "+49301" : "+49302", NULL, ids[i]);
	}
	assert_int_equal(listed(rig, "target=%2B49301"), 2);
	assert_int_equal(listed(rig, "q=alert+3"), 1);
	assert_int_equal(listed(rig, "state=open&severity=critical&source=test"), 5);
	assert_int_equal(listed(rig, "state=resolved"), 0);
	assert_int_equal(listed(rig, "since=2099-01-01T00:00:00Z"), 0);
	assert_int_equal(listed(rig, "until=2001-01-01T00:00:00Z"), 0);
	do {
		json_t *page;

		snprintf(path, sizeof(path), "/v1/alerts?limit=2%s%s", *cursor ? "&cursor=" : "",
			 cursor);
		page = api_rig_json(rig, "GET", path, NULL, 200);
		for (size_t i = 0; i < json_array_size(json_object_get(page, "items")); i++) {
			json_t *item = json_array_get(json_object_get(page, "items"), i);

			assert_in_range(seen, 0, 4);
			assert_string_equal(text_of(item, "id"), ids[4 - seen++]);
			assert_null(json_object_get(item, "timeline"));
		}
		cursor[0] = '\0';
		if (text_of(page, "next"))
			tc_strcopy(cursor, sizeof(cursor), text_of(page, "next"));
		json_decref(page);
	} while (*cursor);
	assert_int_equal(seen, 5);
}

static void checks_queries(void **state)
{
	static const char *const bad[][2] = {
		{"/v1/alerts?limit=0", "limit"},        {"/v1/alerts?limit=501", "limit"},
		{"/v1/alerts?state=sleeping", "state"}, {"/v1/alerts?since=yesterday", "since"},
		{"/v1/alerts?until=1", "until"},        {"/v1/alerts?cursor=x", "cursor"},
		{"/v1/alerts?cursor=%00", "cursor"},    {"/v1/alerts?wibble=1", "wibble"},
		{"/v1/calls?state=open", "state"},      {"/v1/calls?alert_id=7", "alert_id"},
		{"/v1/events?after=-1", "after"},
	};
	struct api_rig *rig = api_rig_of(state);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *problem = api_rig_json(rig, "GET", bad[i][0], NULL, 400);

		assert_string_equal(text_of(problem, "field"), bad[i][1]);
		json_decref(problem);
	}
}

static bool tells(const json_t *alert, const char *what)
{
	json_t *event;
	size_t i;

	json_array_foreach (json_object_get(alert, "timeline"), i, event)
		if (!strcmp(text_of(event, "what"), what))
			return true;
	return false;
}

static void lets_people_decide(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char id[TC_ID_SIZE], path[96];
	json_t *json;

	api_rig_raise(rig, "Fire", "+4930123", NULL, id);
	snprintf(path, sizeof(path), "/v1/alerts/%s/acknowledge", id);
	json = api_rig_json(rig, "POST", path, "{\"by\":\"alice\",\"note\":\"on my way\"}", 200);
	assert_string_equal(text_of(json, "state"), "acknowledged");
	assert_string_equal(text_of(json, "acknowledged_by"), "alice");
	assert_true(tells(json, "alert.acknowledged"));
	json_decref(json);
	json = api_rig_json(rig, "POST", path, NULL, 409);
	assert_string_equal(text_of(json, "state"), "acknowledged");
	json_decref(json);
	json = api_rig_json(rig, "POST", path, "{\"why\":1}", 400);
	assert_string_equal(text_of(json, "field"), "why");
	json_decref(json);
	snprintf(path, sizeof(path), "/v1/alerts/%s/resolve", id);
	json = api_rig_json(rig, "POST", path, "{}", 200);
	assert_string_equal(text_of(json, "state"), "resolved");
	json_decref(json);
	snprintf(path, sizeof(path), "/v1/alerts/%s/cancel", id);
	json = api_rig_json(rig, "POST", path, NULL, 409);
	assert_string_equal(text_of(json, "state"), "resolved");
	json_decref(json);
}

/* ---- tokens ---- */

static int status_with(struct api_rig *rig, const char *method, const char *path, const char *token)
{
	struct http_answer a;
	char head[256];

	snprintf(head, sizeof(head), "Authorization: Bearer %s\r\n", token);
	client_ask(rig->loop, rig->port, method, path, head, NULL, &a);
	answer_free(&a);
	return a.status;
}

static void makes_and_takes_away_tokens(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	json_t *made = api_rig_json(rig, "POST", "/v1/tokens",
				    "{\"name\":\"ci\",\"scope\":\"read\"}", 201);
	const char *token = text_of(made, "token");
	char path[96];
	struct http_answer a;
	json_t *list;

	assert_memory_equal(token, "tc_", 3);
	assert_int_equal(strlen(token), 3 + 43); /* 32 bytes in base64url */
	assert_int_equal(status_with(rig, "GET", "/v1/alerts", token), 200);
	assert_int_equal(status_with(rig, "GET", "/v1/tokens", token), 403);
	assert_int_equal(status_with(rig, "GET", "/v1/alerts", "tc_wrong"), 401);
	list = api_rig_json(rig, "GET", "/v1/tokens", NULL, 200);
	assert_null(json_object_get(json_array_get(json_object_get(list, "items"), 0), "token"));
	json_decref(list);
	json_decref(api_rig_json(rig, "POST", "/v1/tokens", "{\"name\":\"ci\",\"scope\":\"read\"}",
				 409));
	snprintf(path, sizeof(path), "/v1/tokens/%s", text_of(made, "id"));
	api_rig_ask(rig, "DELETE", path, NULL, &a);
	assert_int_equal(a.status, 204);
	answer_free(&a);
	assert_int_equal(status_with(rig, "GET", "/v1/alerts", token), 401);
	json_decref(made);
}

static bool is_over(void *arg)
{
	return tc_wall_us() > *(int64_t *)arg;
}

static void ends_tokens(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	int64_t end_us = tc_wall_us() + 1500000;
	char body[128], when[RFC3339_SIZE];
	json_t *made;

	json_decref(api_rig_json(
		rig, "POST", "/v1/tokens",
		"{\"name\":\"a\",\"scope\":\"read\",\"expires_at\":\"2001-01-01T00:00:00Z\"}",
		422));
	json_decref(api_rig_json(rig, "POST", "/v1/tokens",
				 "{\"name\":\"a\",\"scope\":\"read\",\"expires_at\":\"soon\"}",
				 400));
	json_decref(
		api_rig_json(rig, "POST", "/v1/tokens", "{\"name\":\"a\",\"scope\":\"god\"}", 422));
	json_decref(api_rig_json(rig, "POST", "/v1/tokens", "{\"scope\":\"read\"}", 422));
	snprintf(body, sizeof(body), "{\"name\":\"a\",\"scope\":\"read\",\"expires_at\":\"%s\"}",
		 rfc3339_format(when, end_us));
	made = api_rig_json(rig, "POST", "/v1/tokens", body, 201);
	assert_int_equal(status_with(rig, "GET", "/v1/alerts", text_of(made, "token")), 200);
	client_wait(rig->loop, is_over, &end_us);
	assert_int_equal(status_with(rig, "GET", "/v1/alerts", text_of(made, "token")), 401);
	json_decref(made);
}

/* ---- health ---- */

static void is_ready_only_after_the_start(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	json_t *json;

	api_set_ready(rig->api, 0);
	json = api_rig_json(rig, "GET", "/readyz", NULL, 503);
	assert_true(json_is_false(json_object_get(json, "ready")));
	json_decref(json);
	json_decref(api_rig_json(rig, "GET", "/healthz", NULL, 200));
	api_set_ready(rig->api, 1);
	json_decref(api_rig_json(rig, "GET", "/readyz", NULL, 200));
}

static void writes_metrics(void **state)
{
	static const char *const names[] = {
		"tocsin_loop_lag_seconds ", "tocsin_store_healthy 1", "tocsin_store_commits_total ",
		"tocsin_alerts_open ",      "tocsin_calls_live ",     "tocsin_http_connections "};
	struct api_rig *rig = api_rig_of(state);
	struct http_answer a;

	client_ask(rig->loop, rig->port, "GET", "/metrics", "", NULL, &a);
	assert_int_equal(a.status, 200);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strstr(a.body, names[i]))
			fail_msg("no %s in:\n%s", names[i], a.body);
	answer_free(&a);
	client_ask(rig->loop, rig->port, "GET", "/metrics", "", NULL, &a);
	assert_non_null(strstr(a.body, "route=\"/metrics\",code=\"2xx\"} 1\n"));
	answer_free(&a);
}

static void checks_what_is_to_be_spoken(void **state)
{
	static const struct {
		const char *body, *field;
		int status;
	} bad[] = {
		{"{}", "text", 422},
		{"{\"text\":\"\"}", "text", 422},
		{"{\"text\":5}", "text", 400},
		{"{\"text\":\"a\",\"wibble\":1}", "wibble", 400},
		{"{\"text\":\"a\",\"voice\":\"nobody\"}", "voice", 422},
	};
	struct api_rig *rig = api_rig_of(state);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *json = api_rig_json(rig, "POST", "/v1/speech", bad[i].body, bad[i].status);

		assert_string_equal(text_of(json, "field"), bad[i].field);
		json_decref(json);
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, api_rig_setup, api_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(describes_every_route),
		TEST(answers_in_the_shapes_described),
		TEST(shows_an_alert_and_its_story),
		TEST(misses_what_is_not_there),
		TEST(lists_by_filters_and_pages),
		TEST(checks_queries),
		TEST(lets_people_decide),
		TEST(makes_and_takes_away_tokens),
		TEST(ends_tokens),
		TEST(is_ready_only_after_the_start),
		TEST(writes_metrics),
		TEST(checks_what_is_to_be_spoken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
