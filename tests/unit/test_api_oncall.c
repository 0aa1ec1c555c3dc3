/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/schedules, /v1/oncall, the gaps of a schedule and calendars, over the daemon's Unix socket.
 * Who is on call when is test_people.c's.
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

static const char *text_of(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

/* A request with an If-Match of "*", whose answer must have this status; its field, or "-". */
static void expect(struct api_rig *rig, const char *method, const char *path, const char *body,
		   int status, const char *field)
{
	struct http_answer a;
	json_t *json;

	api_rig_match(rig, method, path, "*", body, &a);
	if (a.status != status)
		fail_msg("%s %s: %d, not %d: %s", method, path, a.status, status, a.body);
	if (field) {
		json = answer_json(&a);
		assert_string_equal(text_of(json, "field") ? text_of(json, "field") : "-", field);
		json_decref(json);
	}
	answer_free(&a);
}

#define LAYER(members)                                                                             \
	"\"layers\":[{\"name\":\"primary\",\"members\":[" members                                  \
	"],\"rotation\":\"daily\",\"start\":\"2026-01-05\"}]"
#define SCHEDULE(name, inner) "{\"name\":\"" name "\",\"timezone\":\"Europe/Berlin\"," inner "}"

/* Alice and Bob take turns at nine in the morning; the id of the schedule. */
static void fill(struct api_rig *rig, char id[TC_ID_SIZE])
{
	json_t *json;

	json_decref(api_rig_json(rig, "POST", "/v1/contacts",
				 "{\"name\":\"Alice\",\"numbers\":[{\"number\":\"+49301\"}]}",
				 201));
	json_decref(api_rig_json(rig, "POST", "/v1/contacts",
				 "{\"name\":\"Bob\",\"numbers\":[{\"number\":\"+49302\"}]}", 201));
	json = api_rig_json(rig, "POST", "/v1/schedules",
			    SCHEDULE("ops", LAYER("\"contact:Alice\",\"contact:Bob\"")), 201);
	tc_strcopy(id, TC_ID_SIZE, text_of(json, "id"));
	json_decref(json);
}

static void a_schedule_shows_all_of_its_fields(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char id[TC_ID_SIZE], path[80];
	json_t *json, *layer;

	fill(rig, id);
	snprintf(path, sizeof(path), "/v1/schedules/%s", id);
	json = api_rig_json(rig, "GET", path, NULL, 200);
	layer = json_array_get(json_object_get(json, "layers"), 0);
	assert_string_equal(text_of(json, "timezone"), "Europe/Berlin");
	assert_string_equal(text_of(layer, "handover"), "09:00");
	assert_string_equal(text_of(layer, "rotation"), "daily");
	assert_true(json_is_null(json_object_get(layer, "rrule")));
	assert_int_equal(json_array_size(json_object_get(json, "windows")), 0);
	assert_int_equal(json_array_size(json_object_get(json, "overrides")), 0);
	/* by id, not by name */
	assert_int_equal(
		strlen(json_string_value(json_array_get(json_object_get(layer, "members"), 0))),
		strlen("contact:") + TC_ID_SIZE - 1);
	json_decref(json);
	expect(rig, "POST", "/v1/schedules", SCHEDULE("x", LAYER("\"contact:Carol\"")), 422,
	       "layers[0].members[0]");
	expect(rig, "POST", "/v1/schedules", "{\"name\":\"x\",\"timezone\":\"Mars/One\"}", 422,
	       "timezone");
	expect(rig, "POST", "/v1/schedules", SCHEDULE("ops", "\"layers\":[]"), 409, "name");
}

static void what_a_schedule_names_stays(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char id[TC_ID_SIZE], path[80], alice[80];
	json_t *json;

	fill(rig, id);
	json = api_rig_json(rig, "GET", "/v1/contacts?q=Alice", NULL, 200);
	snprintf(alice, sizeof(alice), "/v1/contacts/%s",
		 text_of(json_array_get(json_object_get(json, "items"), 0), "id"));
	json_decref(json);
	snprintf(path, sizeof(path), "/v1/schedules/%s", id);
	expect(rig, "DELETE", alice, NULL, 409, NULL);
	json_decref(api_rig_json(rig, "POST", "/v1/policies",
				 "{\"name\":\"p\",\"steps\":[{\"targets\":[\"schedule:ops\"]}]}",
				 201));
	expect(rig, "DELETE", path, NULL, 409, NULL);
	expect(rig, "PUT", path, SCHEDULE("ops", "\"layers\":[]"), 200, NULL);
	expect(rig, "DELETE", alice, NULL, 204, NULL);
}

/* GET, and one text of the first person; "" when there is nobody. Owned by the caller. */
static char *first(struct api_rig *rig, const char *path, const char *member)
{
	json_t *json = api_rig_json(rig, "GET", path, NULL, 200);
	const char *text = text_of(json_array_get(json_object_get(json, "people"), 0), member);
	char *copy = tc_strdup(text ? text : "");

	json_decref(json);
	return copy;
}

static void first_is(struct api_rig *rig, const char *path, const char *member, const char *want)
{
	char *got = first(rig, path, member);

	if (strcmp(got, want) != 0)
		fail_msg("%s: %s is %s, not %s", path, member, got, want);
	free(got);
}

static void says_who_is_on_call(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char id[TC_ID_SIZE], path[120];
	json_t *json;

	fill(rig, id);
	first_is(rig, "/v1/oncall?schedule=ops&at=2026-01-05T08:00:00Z", "name", "Alice");
	first_is(rig, "/v1/oncall?schedule=ops&at=2026-01-06T08:00:00Z", "name", "Bob");
	first_is(rig, "/v1/oncall?schedule=ops&at=2026-01-06T08:00:00Z", "number", "+49302");
	first_is(rig, "/v1/oncall?schedule=ops&at=2026-01-06T08:00:00Z", "from",
		 "2026-01-06T08:00:00.000000Z");
	first_is(rig, "/v1/oncall?schedule=ops&at=2026-01-06T08:00:00Z", "until",
		 "2026-01-07T08:00:00.000000Z");
	first_is(rig, "/v1/oncall?schedule=schedule:ops&at=2026-01-06T08:59", "name", "Alice");
	snprintf(path, sizeof(path), "/v1/oncall?schedule=%s&at=2026-01-06T09:00", id);
	first_is(rig, path, "name", "Bob");
	json = api_rig_json(rig, "GET", "/v1/oncall?schedule=ops&at=2026-01-04T08:00:00Z", NULL,
			    200);
	assert_int_equal(json_array_size(json_object_get(json, "people")), 0);
	assert_string_equal(text_of(json, "schedule"), "ops");
	assert_string_equal(text_of(json, "until"), "2026-01-05T08:00:00.000000Z");
	assert_non_null(text_of(json, "fault"));
	json_decref(json);
	json = api_rig_json(rig, "GET", "/v1/oncall?schedule=ops", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(json, "people")), 1);
	json_decref(json);
	expect(rig, "GET", "/v1/oncall?schedule=none", NULL, 422, "schedule");
	json = api_rig_json(rig, "GET", "/v1/oncall", NULL, 200); /* none is called default */
	assert_int_equal(json_array_size(json_object_get(json, "people")), 0);
	assert_non_null(strstr(text_of(json, "fault"), "there is no schedule 'default'"));
	json_decref(json);
	expect(rig, "GET", "/v1/oncall?schedule=ops&at=noon", NULL, 400, "at");
	expect(rig, "GET", "/v1/oncall?schedule=ops&at=2026-03-29T02:30", NULL, 400, "at");
	json_decref(api_rig_json(rig, "POST", "/v1/schedules",
				 SCHEDULE("default", LAYER("\"contact:Bob\"")), 201));
	first_is(rig, "/v1/oncall", "name", "Bob");
}

static void says_when_nobody_is(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char id[TC_ID_SIZE], path[120];
	json_t *json;

	fill(rig, id);
	snprintf(path, sizeof(path), "/v1/schedules/%s/gaps", id);
	json = api_rig_json(rig, "GET", path, NULL, 200);
	assert_int_equal(json_array_size(json_object_get(json, "gaps")), 0);
	assert_int_equal(json_integer_value(json_object_get(json, "seconds")), 0);
	json_decref(json);
	/* one who cannot be called is nobody: every second day of these, piece by piece */
	expect(rig, "POST", "/v1/contacts", "{\"name\":\"Carol\"}", 201, NULL);
	snprintf(path, sizeof(path), "/v1/schedules/%s", id);
	expect(rig, "PUT", path, SCHEDULE("ops", LAYER("\"contact:Alice\",\"contact:Carol\"")), 200,
	       NULL);
	snprintf(path, sizeof(path), "/v1/schedules/%s/gaps?days=400", id);
	json = api_rig_json(rig, "GET", path, NULL, 200);
	assert_in_range(json_array_size(json_object_get(json, "gaps")), 199, 201);
	assert_true(json_integer_value(json_object_get(json, "seconds")) > 198 * 86400);
	assert_string_equal(text_of(json, "schedule"), "ops");
	json_decref(json);
	snprintf(path, sizeof(path), "/v1/schedules/%s/gaps?days=401", id);
	expect(rig, "GET", path, NULL, 400, "days");
	expect(rig, "GET", "/v1/schedules/x/gaps", NULL, 404, NULL);
	expect(rig, "GET", "/v1/schedules/01890000-0000-7000-8000-000000000001/gaps", NULL, 404,
	       NULL);
}

/* ---- calendars ---- */

static void calendars_go_out_and_come_in(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char id[TC_ID_SIZE], path[120], contact[120];
	struct http_answer a;
	json_t *json;

	fill(rig, id);
	snprintf(path, sizeof(path), "/v1/schedules/%s/calendar.ics", id);
	api_rig_ask(rig, "GET", path, NULL, &a);
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "Content-Type: text/calendar; charset=utf-8"));
	assert_non_null(strstr(a.body, "BEGIN:VCALENDAR"));
	assert_non_null(strstr(a.body, "SUMMARY:Alice"));
	/* what went out of one schedule can come into another one */
	json = api_rig_json(rig, "POST", "/v1/schedules", SCHEDULE("copy", "\"layers\":[]"), 201);
	snprintf(path, sizeof(path), "/v1/schedules/%s/calendar.ics?priority=3",
		 text_of(json, "id"));
	json_decref(json);
	json = api_rig_json(rig, "POST", path, a.body, 200);
	assert_in_range(json_integer_value(json_object_get(json, "added")), 89, 92);
	assert_int_equal(
		json_array_size(json_object_get(json_object_get(json, "schedule"), "windows")),
		json_integer_value(json_object_get(json, "added")));
	json_decref(json);
	json = api_rig_json(rig, "POST", path, a.body, 200); /* once */
	assert_int_equal(json_integer_value(json_object_get(json, "added")), 0);
	json_decref(json);
	answer_free(&a);
	json = api_rig_json(rig, "GET", "/v1/oncall?schedule=copy", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(json, "people")), 1);
	snprintf(contact, sizeof(contact), "/v1/contacts/%s/calendar.ics?days=7",
		 text_of(json_array_get(json_object_get(json, "people"), 0), "contact_id"));
	json_decref(json);
	api_rig_ask(rig, "GET", contact, NULL, &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "BEGIN:VEVENT"));
	answer_free(&a);
	expect(rig, "POST", path, "no calendar", 422, NULL);
	expect(rig, "POST", path,
	       "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:"
	       "20200101T080000Z\r\nDTEND:20200101T090000Z\r\nRRULE:FREQ=DAILY\r\nSUMMARY:"
	       "Nobody\r\nEND:VEVENT\r\n"
	       "END:VCALENDAR\r\n",
	       422, "line 3");
	expect(rig, "GET", "/v1/contacts/x/calendar.ics", NULL, 404, NULL);
	expect(rig, "GET", "/v1/schedules/x/calendar.ics", NULL, 404, NULL);
	expect(rig, "POST", "/v1/schedules/x/calendar.ics", "x", 404, NULL);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, api_rig_setup, api_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_schedule_shows_all_of_its_fields),
		RIG_TEST(what_a_schedule_names_stays),
		RIG_TEST(says_who_is_on_call),
		RIG_TEST(says_when_nobody_is),
		RIG_TEST(calendars_go_out_and_come_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
