/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/contacts over the daemon's Unix socket, with a real store: fields, faults, versions, pages,
 * and that a PIN is never seen again.
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

#include "oncall/directory.h"
#include "store/event_repo.h"
#include "unit/api_rig.h"

static const char *text_of(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

/* The status alone; field: of the problem, NULL = none. */
static void expect(struct api_rig *rig, const char *method, const char *path, const char *match,
		   const char *body, int status, const char *field)
{
	struct http_answer a;
	json_t *json = NULL;

	api_rig_match(rig, method, path, match, body, &a);
	if (a.status != status)
		fail_msg("%s %s: %d, not %d: %s", method, path, a.status, status, a.body);
	if (status >= 400) {
		json = answer_json(&a);
		if (field)
			assert_string_equal(text_of(json, "field"), field);
		else
			assert_null(json_object_get(json, "field"));
	}
	json_decref(json);
	answer_free(&a);
}

/* Add a contact; receives its path. */
static void add(struct api_rig *rig, const char *body, char path[64])
{
	json_t *json = api_rig_json(rig, "POST", "/v1/contacts", body, 201);

	if (path)
		snprintf(path, 64, "/v1/contacts/%s", text_of(json, "id"));
	json_decref(json);
}

static void shows_what_was_given(void **state)
{
	static const char body[] =
		"{\"name\":\"Älice\",\"numbers\":[{\"number\":\"+49301\"},{\"number\":\"0049302\","
		"\"use\":[\"sms\"]}],\"language\":\"de\",\"voice\":\"local\",\"timezone\":\"UTC\","
		"\"pin\":\"471147\",\"enabled\":false,\"note\":\"nights\"}";
	struct api_rig *rig = api_rig_of(state);
	struct http_answer a;
	json_t *json, *want, *got;
	char path[64];

	api_rig_match(rig, "POST", "/v1/contacts", NULL, body, &a);
	assert_int_equal(a.status, 201);
	assert_true(answer_has(&a, "ETag: \"1\""));
	assert_null(strstr(a.body, "471147"));
	json = answer_json(&a);
	snprintf(path, sizeof(path), "Location: /v1/contacts/%s", text_of(json, "id"));
	assert_true(answer_has(&a, path));
	answer_free(&a);
	want = json_pack("{s:s, s:s, s:[{s:s, s:[s,s]}, {s:s, s:[s]}], s:s, s:s, s:s, s:s, s:b, "
			 "s:s}",
			 "id", text_of(json, "id"), "name", "Älice", "numbers", "number", "+49301",
			 "use", "call", "sms", "number", "0049302", "use", "sms", "language", "de",
			 "voice", "local", "timezone", "UTC", "pin", "****", "enabled", 0, "note",
			 "nights");
	assert_true(json_equal(json, want));
	got = api_rig_json(rig, "GET", path + strlen("Location: "), NULL, 200);
	assert_true(json_equal(got, want));
	json_decref(got);
	json_decref(json);
	json_decref(want);
}

static void fills_in_what_is_not_given(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	json_t *json = api_rig_json(rig, "POST", "/v1/contacts", "{\"name\":\"Bob\"}", 201);
	json_t *want = json_pack("{s:s, s:s, s:[], s:n, s:n, s:n, s:n, s:b, s:s}", "id",
				 text_of(json, "id"), "name", "Bob", "numbers", "language", "voice",
				 "timezone", "pin", "enabled", 1, "note", "");

	assert_true(json_equal(json, want));
	json_decref(json);
	json_decref(want);
}

static void names_the_field_that_is_wrong(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *field;
	} bad[] = {
		{"{}", 422, "name"},
		{"{\"name\":\"\"}", 422, "name"},
		{"{\"name\":7}", 400, "name"},
		{"{\"name\":\" Bob\"}", 422, "name"},
		{"{\"name\":\"Bob\\u0007\"}", 422, "name"},
		{"{\"name\":\"01890000-0000-7000-8000-000000000000\"}", 422, "name"},
		{"{\"name\":\"Bob\",\"wibble\":1}", 400, "wibble"},
		{"{\"name\":\"Bob\",\"id\":\"x\"}", 422, "id"},
		{"{\"name\":\"Bob\",\"numbers\":\"+491\"}", 400, "numbers"},
		{"{\"name\":\"Bob\",\"numbers\":[\"+491\"]}", 400, "numbers[0]"},
		{"{\"name\":\"Bob\",\"numbers\":[{}]}", 422, "numbers[0].number"},
		{"{\"name\":\"Bob\",\"numbers\":[{\"number\":\"+49 30\"}]}", 422,
		 "numbers[0].number"},
		{"{\"name\":\"Bob\",\"numbers\":[{\"number\":\"+491\",\"x\":1}]}", 400,
		 "numbers[0].x"},
		{"{\"name\":\"Bob\",\"numbers\":[{\"number\":\"+491\"},{\"number\":\"00491\"}]}",
		 422, "numbers[1].number"},
		{"{\"name\":\"Bob\",\"numbers\":[{\"number\":\"+491\",\"use\":[\"fax\"]}]}", 422,
		 "numbers[0].use[0]"},
		{"{\"name\":\"Bob\",\"numbers\":[{\"number\":\"1\",\"use\":[\"sms\",\"sms\"]}]}",
		 422, "numbers[0].use[1]"},
		{"{\"name\":\"Bob\",\"numbers\":[{\"number\":\"1\",\"use\":[]}]}", 422,
		 "numbers[0].use"},
		{"{\"name\":\"Bob\",\"language\":\"e\"}", 422, "language"},
		{"{\"name\":\"Bob\",\"timezone\":\"Mars/Olympus\"}", 422, "timezone"},
		{"{\"name\":\"Bob\",\"enabled\":\"yes\"}", 400, "enabled"},
		{"{\"name\":\"Bob\",\"pin\":\"123\"}", 422, "pin"},
		{"{\"name\":\"Bob\",\"pin\":\"12345678901234\"}", 422, "pin"},
		{"{\"name\":\"Bob\",\"pin\":\"12a4\"}", 422, "pin"},
		{"{\"name\":\"Bob\",\"pin\":\"****\"}", 422, "pin"},
		{"{\"name\":\"Bob\",\"pin\":4711}", 400, "pin"},
		{"[]", 400, NULL},
	};
	struct api_rig *rig = api_rig_of(state);
	json_t *page;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect(rig, "POST", "/v1/contacts", NULL, bad[i].body, bad[i].status,
		       bad[i].field);
	page = api_rig_json(rig, "GET", "/v1/contacts", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(page, "items")), 0);
	json_decref(page);
}

static void changes_only_what_was_seen(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct http_answer a;
	char path[64];

	add(rig, "{\"name\":\"Bob\"}", path);
	expect(rig, "PUT", path, NULL, "{\"name\":\"Rob\"}", 428, NULL);
	expect(rig, "DELETE", path, NULL, NULL, 428, NULL);
	expect(rig, "PUT", path, "\"2\"", "{\"name\":\"Rob\"}", 412, NULL);
	expect(rig, "PUT", path, "W/\"1\"", "{\"name\":\"Rob\"}", 412, NULL);
	expect(rig, "PUT", path, "1", "{\"name\":\"Rob\"}", 412, NULL);
	expect(rig, "PUT", path, "", "{\"name\":\"Rob\"}", 412, NULL);
	/* what is wrong anyway is told first (RFC 9110, 13.2.1) */
	expect(rig, "PUT", path, NULL, "{\"name\":\"\"}", 422, "name");
	expect(rig, "PUT", "/v1/contacts/01890000-0000-7000-8000-000000000000", NULL,
	       "{\"name\":\"Rob\"}", 404, NULL);
	expect(rig, "PUT", "/v1/contacts/x", "*", "{\"name\":\"Rob\"}", 404, NULL);
	api_rig_match(rig, "PUT", path, "\"x\", W/\"1\" , \"1\"", "{\"name\":\"Rob\"}", &a);
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "ETag: \"2\""));
	answer_free(&a);
	expect(rig, "PUT", path, "\"1\"", "{\"name\":\"Rob\"}", 412, NULL);
	expect(rig, "DELETE", path, "\"1\"", NULL, 412, NULL);
	expect(rig, "PUT", path, "*", "{\"name\":\"Rob\"}", 200, NULL);
	api_rig_match(rig, "GET", path, NULL, NULL, &a);
	assert_true(answer_has(&a, "ETag: \"3\""));
	answer_free(&a);
	expect(rig, "DELETE", path, "\"3\"", NULL, 204, NULL);
	expect(rig, "GET", path, NULL, NULL, 404, NULL);
	expect(rig, "DELETE", path, "\"3\"", NULL, 404, NULL);
}

/* Both have seen the same version; both requests are there before the first is committed. */
static void lets_only_one_of_two_win(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	static const char body[] = "{\"name\":\"Rob\"}";
	struct http_answer a[2];
	struct tc_buf text = {0};
	char path[64];
	int fd[2];

	add(rig, "{\"name\":\"Bob\"}", path);
	api_rig_hold(rig);
	for (int i = 0; i < 2; i++) {
		fd[i] = client_connect(0, rig->socket);
		tc_buf_printf(&text, "PUT %s HTTP/1.1\r\nIf-Match: \"1\"\r\n"
				     "Content-Length: %zu\r\n\r\n%s",
			      path, strlen(body), body);
		client_push(rig->loop, fd[i], text.data, text.len);
		tc_buf_fini(&text);
	}
	for (int i = 0; i < 200 || store_pending(rig->store) < 3; i++)
		client_turn(rig->loop);
	api_rig_let_go(rig);
	for (int i = 0; i < 2; i++) {
		client_answer(rig->loop, fd[i], &a[i]);
		close(fd[i]);
	}
	assert_int_equal(a[0].status + a[1].status, 200 + 412);
	answer_free(&a[0]);
	answer_free(&a[1]);
}

static void keeps_names_apart(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char path[64];

	add(rig, "{\"name\":\"Alice\"}", NULL);
	add(rig, "{\"name\":\"Bob\"}", path);
	expect(rig, "POST", "/v1/contacts", NULL, "{\"name\":\"Alice\"}", 409, "name");
	expect(rig, "PUT", path, "*", "{\"name\":\"Alice\"}", 409, "name");
	expect(rig, "PUT", path, "*", "{\"name\":\"Bob\",\"note\":\"x\"}", 200, NULL);
}

static bool opens(struct api_rig *rig, const char *digits, const char *name)
{
	const struct contact *c = directory_find_pin(rig->directory, digits);

	return name ? c && !strcmp(c->name, name) : !c;
}

static void keeps_pins_apart_and_to_itself(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char path[64], problem_path[64];
	struct http_answer a;

	add(rig, "{\"name\":\"Alice\",\"pin\":\"4711\"}", path);
	assert_true(opens(rig, "4711", "Alice"));
	api_rig_match(rig, "POST", "/v1/contacts", NULL, "{\"name\":\"Bob\",\"pin\":\"4711\"}", &a);
	assert_int_equal(a.status, 422);
	assert_null(strstr(a.body, "Alice"));
	assert_null(strstr(a.body, "4711"));
	answer_free(&a);
	add(rig, "{\"name\":\"Bob\"}", problem_path);
	expect(rig, "PUT", problem_path, "*", "{\"name\":\"Bob\",\"pin\":\"4711\"}", 422, "pin");
	/* without the field, and with what is shown, it stays */
	expect(rig, "PUT", path, "*", "{\"name\":\"Alice\",\"note\":\"x\"}", 200, NULL);
	assert_true(opens(rig, "4711", "Alice"));
	expect(rig, "PUT", path, "*", "{\"name\":\"Alice\",\"pin\":\"****\"}", 200, NULL);
	assert_true(opens(rig, "4711", "Alice"));
	/* her own again */
	expect(rig, "PUT", path, "*", "{\"name\":\"Alice\",\"pin\":\"4711\"}", 200, NULL);
	expect(rig, "PUT", path, "*", "{\"name\":\"Alice\",\"pin\":\"0815\"}", 200, NULL);
	assert_true(opens(rig, "4711", NULL));
	assert_true(opens(rig, "0815", "Alice"));
	expect(rig, "PUT", path, "*", "{\"name\":\"Alice\",\"pin\":null}", 200, NULL);
	assert_true(opens(rig, "0815", NULL));
	expect(rig, "PUT", path, "*", "{\"name\":\"Alice\",\"pin\":\"0815\"}", 200, NULL);
	expect(rig, "PUT", path, "*", "{\"name\":\"Alice\",\"pin\":\"\"}", 200, NULL);
	assert_true(opens(rig, "0815", NULL));
	expect(rig, "PUT", problem_path, "*", "{\"name\":\"Bob\",\"pin\":\"4711\"}", 200, NULL);
	assert_true(opens(rig, "4711", "Bob"));
}

static void names_on(struct api_rig *rig, const char *query, const char *want, char next[256])
{
	struct tc_buf seen = {0};
	char path[400];
	json_t *page, *item;
	size_t i;

	snprintf(path, sizeof(path), "/v1/contacts?%s", query);
	page = api_rig_json(rig, "GET", path, NULL, 200);
	tc_buf_puts(&seen, "");
	json_array_foreach (json_object_get(page, "items"), i, item)
		tc_buf_printf(&seen, "%s ", text_of(item, "name"));
	assert_string_equal(seen.data, want);
	if (next)
		tc_strcopy(next, 256, text_of(page, "next") ? text_of(page, "next") : "");
	else
		assert_true(json_is_null(json_object_get(page, "next")));
	tc_buf_fini(&seen);
	json_decref(page);
}

static void lists_by_name_in_pages(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char next[256], query[300], bob[64];

	add(rig, "{\"name\":\"dora\",\"note\":\"of the Docks\"}", NULL);
	add(rig, "{\"name\":\"Ada\",\"numbers\":[{\"number\":\"+4930123\"}]}", NULL);
	add(rig, "{\"name\":\"carol\"}", NULL);
	add(rig, "{\"name\":\"Bob\"}", bob);
	names_on(rig, "", "Ada Bob carol dora ", NULL);
	names_on(rig, "q=OCK", "dora ", NULL);
	names_on(rig, "q=30123", "Ada ", NULL);
	names_on(rig, "q=o&limit=2", "Bob carol ", next);
	names_on(rig, "limit=2", "Ada Bob ", next);
	/* also when the last of the page is gone by then */
	expect(rig, "DELETE", bob, "*", NULL, 204, NULL);
	snprintf(query, sizeof(query), "limit=2&cursor=%s", next);
	names_on(rig, query, "carol dora ", next);
	assert_string_equal(next, "");
	expect(rig, "GET", "/v1/contacts?cursor=x", NULL, NULL, 400, "cursor");
	expect(rig, "GET", "/v1/contacts?cursor=0", NULL, NULL, 400, "cursor");
	expect(rig, "GET", "/v1/contacts?limit=0", NULL, NULL, 400, "limit");
	expect(rig, "GET", "/v1/contacts?name=Bob", NULL, NULL, 400, "name");
}

/* What others see of it: an event, without secrets. */
struct heard {
	char text[1024];
};

static void listen_for(void *arg, const struct event_row *row)
{
	struct heard *heard = arg;
	size_t len = strlen(heard->text);

	snprintf(heard->text + len, sizeof(heard->text) - len, "%s: %s\n", row->what, row->text);
}

static void tells_of_changes(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct heard heard = {""};
	void *listener = journal_listen(rig->journal, listen_for, &heard);
	char path[64], want[512], who[32];

	add(rig, "{\"name\":\"Alice\",\"pin\":\"4711\"}", path);
	expect(rig, "PUT", path, "*", "{\"name\":\"Alicia\"}", 200, NULL);
	expect(rig, "DELETE", path, "*", NULL, 204, NULL);
	snprintf(who, sizeof(who), "uid:%u", (unsigned)getuid());
	snprintf(want, sizeof(want),
		 "contact.added: contact Alice was added by %s\n"
		 "contact.changed: contact Alicia was changed by %s\n"
		 "contact.removed: contact Alicia was removed by %s\n",
		 who, who, who);
	assert_string_equal(heard.text, want);
	journal_unlisten(rig->journal, listener);
}

static void is_there_after_a_restart(void **state)
{
	struct api_rig *rig = api_rig_of(state);

	add(rig, "{\"name\":\"Alice\",\"pin\":\"4711\"}", NULL);
	directory_drop(rig->directory, directory_find_name(rig->directory, "Alice")->id);
	directory_reload(rig->directory);
	api_rig_settle(rig);
	client_turn(rig->loop);
	assert_true(opens(rig, "4711", "Alice"));
}

static void says_when_the_store_is_full(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct http_answer a;

	api_rig_hold(rig);
	api_rig_flood(rig);
	api_rig_match(rig, "POST", "/v1/contacts", NULL, "{\"name\":\"Alice\"}", &a);
	assert_int_equal(a.status, 503);
	assert_true(answer_has(&a, "Retry-After: 2"));
	answer_free(&a);
	names_on(rig, "", "", NULL); /* reading needs no store */
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, api_rig_setup, api_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(shows_what_was_given),
		RIG_TEST(fills_in_what_is_not_given),
		RIG_TEST(names_the_field_that_is_wrong),
		RIG_TEST(changes_only_what_was_seen),
		RIG_TEST(lets_only_one_of_two_win),
		RIG_TEST(keeps_names_apart),
		RIG_TEST(keeps_pins_apart_and_to_itself),
		RIG_TEST(lists_by_name_in_pages),
		RIG_TEST(tells_of_changes),
		RIG_TEST(is_there_after_a_restart),
		RIG_TEST(says_when_the_store_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
