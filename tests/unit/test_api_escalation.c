/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the API shows of an alert's escalation, and snoozing through it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/api_rig.h"

/* A value below: "escalation.step"; NULL: there is none. */
static const json_t *at(const json_t *json, const char *path)
{
	char *copy = strdup(path), *rest = copy, *part;

	while (json && (part = strsep(&rest, ".")))
		json = json_is_array(json) ? json_array_get(json, strtoul(part, NULL, 10))
					   : json_object_get(json, part);
	free(copy);
	return json;
}

static void assert_text(const json_t *json, const char *path, const char *wanted)
{
	const char *got = json_string_value(at(json, path));

	if (!got || strcmp(got, wanted) != 0)
		fail_msg("%s: wanted '%s', got '%s'", path, wanted, got ? got : "nothing");
}

static json_t *ask(struct api_rig *rig, const char *method, const char *id, const char *rest,
		   const char *body, int status)
{
	char path[128];

	snprintf(path, sizeof(path), "/v1/alerts/%s%s", id, rest);
	return api_rig_json(rig, method, path, body, status);
}

static void who_is_called_is_shown(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char id[TC_ID_SIZE];
	json_t *alert, *list;

	api_rig_raise(rig, "Disk full", "+4930123", NULL, id);
	alert = ask(rig, "GET", id, "", NULL, 200);
	assert_int_equal(json_integer_value(at(alert, "step")), 1);
	assert_true(json_is_null(at(alert, "escalation.policy")));
	assert_int_equal(json_integer_value(at(alert, "escalation.step")), 1);
	assert_int_equal(json_integer_value(at(alert, "escalation.steps")), 1);
	assert_int_equal(json_integer_value(at(alert, "escalation.round")), 1);
	assert_int_equal(json_array_size(at(alert, "escalation.people")), 1);
	assert_text(alert, "escalation.people.0.name", "+4930123");
	assert_text(alert, "escalation.people.0.number", "+4930123");
	assert_text(alert, "escalation.people.0.state", "calling");
	assert_true(json_is_null(at(alert, "escalation.next_at")));
	assert_true(json_is_null(at(alert, "held")));
	assert_true(json_is_null(at(alert, "deferred")));
	assert_int_equal(json_array_size(at(alert, "acknowledgements")), 0);
	list = api_rig_json(rig, "GET", "/v1/alerts", NULL, 200);
	assert_true(json_equal(at(list, "items.0.escalation"), at(alert, "escalation")));
	json_decref(list);
	json_decref(alert);
	alert = ask(rig, "POST", id, "/acknowledge", "{\"by\":\"Bob\",\"silence\":true}", 200);
	assert_text(alert, "acknowledgements.0.name", "Bob");
	assert_text(alert, "escalation.people.0.state", "stopped");
	json_decref(alert);
}

static void steps_of_a_policy(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char id[TC_ID_SIZE];
	json_t *alert;

	json_decref(api_rig_json(rig, "POST", "/v1/policies",
				 "{\"name\":\"p\",\"repeat\":1,\"steps\":["
				 "{\"targets\":[\"+491\"],\"wait\":\"5m\"},"
				 "{\"targets\":[\"+492\",\"+493\"],\"wait\":\"5m\"}]}",
				 201));
	api_rig_raise(rig, "Disk full", "policy:p", NULL, id);
	json_decref(ask(rig, "POST", id, "/escalate", "{\"by\":\"Bob\"}", 200));
	alert = ask(rig, "GET", id, "", NULL, 200);
	assert_text(alert, "state", "open");
	assert_int_equal(json_integer_value(at(alert, "step")), 2);
	assert_text(alert, "escalation.policy", "p");
	assert_int_equal(json_integer_value(at(alert, "escalation.step")), 2);
	assert_int_equal(json_integer_value(at(alert, "escalation.steps")), 2);
	assert_text(alert, "escalation.people.1.name", "+493");
	assert_true(json_is_string(at(alert, "escalation.next_at")));
	json_decref(alert);
}

static void snoozing(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char id[TC_ID_SIZE];
	json_t *alert;

	api_rig_raise(rig, "Disk full", "+4930123", NULL, id);
	json_decref(ask(rig, "POST", id, "/snooze", "{}", 400));
	json_decref(ask(rig, "POST", id, "/snooze", "{\"for\":\"1h\",\"until\":\"x\"}", 400));
	json_decref(ask(rig, "POST", id, "/snooze", "{\"until\":\"tomorrow\"}", 400));
	json_decref(ask(rig, "POST", id, "/snooze", "{\"until\":\"2020-01-01T00:00:00Z\"}", 422));
	alert = ask(rig, "POST", id, "/snooze", "{\"for\":\"1h\",\"by\":\"Bob\"}", 200);
	assert_text(alert, "state", "open");
	assert_text(alert, "held.by", "snooze by Bob");
	assert_true(json_is_string(at(alert, "held.until")));
	assert_text(alert, "escalation.people.0.state", "held");
	json_decref(alert);
	alert = ask(rig, "DELETE", id, "/snooze", NULL, 200);
	assert_true(json_is_null(at(alert, "held")));
	assert_text(alert, "escalation.people.0.state", "calling");
	json_decref(alert);
	json_decref(ask(rig, "POST", id, "/resolve", "{}", 200));
	alert = ask(rig, "POST", id, "/snooze", "{\"for\":\"1h\"}", 409);
	assert_text(alert, "state", "resolved");
	json_decref(alert);
	json_decref(ask(rig, "POST", "01890000-0000-7000-8000-000000000000", "/snooze",
			"{\"for\":\"1h\"}", 404));
}

static void maintenance_is_shown(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char id[TC_ID_SIZE];
	json_t *alert;

	json_decref(api_rig_json(rig, "POST", "/v1/maintenance",
				 "{\"name\":\"night\",\"matchers\":[{\"label\":\"target\","
				 "\"value\":\"+4930123\"}],\"start\":\"2020-01-01T00:00:00Z\","
				 "\"end\":\"2120-01-01T00:00:00Z\"}",
				 201));
	api_rig_raise(rig, "Disk full", "+4930123", NULL, id);
	alert = ask(rig, "GET", id, "", NULL, 200);
	assert_text(alert, "held.by", "maintenance night");
	assert_text(alert, "held.until", "2120-01-01T00:00:00.000000Z");
	assert_true(json_is_null(at(alert, "escalation")));
	json_decref(alert);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, api_rig_setup, api_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_is_called_is_shown),
		TEST(steps_of_a_policy),
		TEST(snoozing),
		TEST(maintenance_is_shown),
	};

	return cmocka_run_group_tests_name("api_escalation", tests, NULL, NULL);
}
