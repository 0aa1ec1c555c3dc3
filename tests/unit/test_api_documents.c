/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/policies and /v1/maintenance over the daemon's Unix socket, with a real store: fields,
 * faults, versions, pages, and what is named by others. Schedules are the same piece.
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

#include "oncall/document.h"
#include "oncall/oncall.h"
#include "store/event_repo.h"
#include "unit/api_rig.h"

static const char *text_of(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

/* The status alone; field: of the problem, NULL = none; says: part of its detail, may be NULL. */
static void expect(struct api_rig *rig, const char *method, const char *path, const char *match,
		   const char *body, int status, const char *field, const char *says)
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
		if (says && !strstr(text_of(json, "detail"), says))
			fail_msg("%s %s: %s", method, path, a.body);
	}
	json_decref(json);
	answer_free(&a);
}

/* Add something; receives its path. */
static void add(struct api_rig *rig, const char *where, const char *body, char path[96])
{
	json_t *json = api_rig_json(rig, "POST", where, body, 201);

	if (path)
		snprintf(path, 96, "%s/%s", where, text_of(json, "id"));
	json_decref(json);
}

#define POLICIES "/v1/policies"
#define POLICY   "{\"name\":\"default\",\"steps\":[{\"targets\":[\"contact:Alice\"]}]}"
#define NAMED(n) "{\"name\":\"" n "\",\"steps\":[{\"targets\":[\"+4930123\"]}]}"

static void shows_what_was_given(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	json_t *alice = api_rig_json(rig, "POST", "/v1/contacts", "{\"name\":\"Alice\"}", 201);
	char contact[80], path[96];
	struct http_answer a;
	json_t *json, *want, *got;

	snprintf(contact, sizeof(contact), "contact:%s", text_of(alice, "id"));
	api_rig_match(rig, "POST", POLICIES, NULL,
	    "{\"name\":\"default\",\"steps\":[{\"targets\":[\"contact:Alice\",\"+4930123\"],"
	    "\"wait\":\"2m\"}],\"ack_timeout\":\"1h\"}",
	    &a);
	assert_int_equal(a.status, 201);
	assert_true(answer_has(&a, "ETag: \"1\""));
	json = answer_json(&a);
	snprintf(path, sizeof(path), "Location: /v1/policies/%s", text_of(json, "id"));
	assert_true(answer_has(&a, path));
	answer_free(&a);
	want = json_pack("{s:s, s:s, s:[{s:[s,s], s:s, s:s, s:b}], s:i, s:[], s:s}", "id",
			 text_of(json, "id"), "name", "default", "steps", "targets", contact,
			 "+4930123", "strategy", "call", "wait", "2m", "all_must_acknowledge", 0,
			 "repeat", 0, "final", "ack_timeout", "1h");
	assert_true(json_equal(json, want));
	got = api_rig_json(rig, "GET", path + strlen("Location: "), NULL, 200);
	assert_true(json_equal(got, want));
	json_decref(got);
	json_decref(json);
	json_decref(want);
	json_decref(alice);
}

static void names_what_is_wrong(void **state)
{
	struct api_rig *rig = api_rig_of(state);

	expect(rig, "POST", POLICIES, NULL, POLICY, 422, "steps[0].targets[0]",
	       "there is no 'contact:Alice'");
	expect(rig, "POST", POLICIES, NULL, NAMED(" x"), 422, "name", "blanks");
	expect(rig, "POST", POLICIES, NULL, NAMED("01890000-0000-7000-8000-000000000001"), 422,
	       "name", "look like an id");
	expect(rig, "POST", POLICIES, NULL, "{\"name\":\"p\",\"steps\":[],\"id\":\"x\"}", 422,
	       "steps", NULL);
	expect(rig, "POST", POLICIES, NULL,
	       "{\"id\":\"x\",\"name\":\"p\",\"steps\":[{\"targets\":[\"oncall\"]}]}", 422, "id",
	       "cannot be chosen");
	expect(rig, "POST", POLICIES, NULL, "{\"name\":\"p\",\"step\":[]}", 400, "step", NULL);
	expect(rig, "POST", POLICIES, NULL, "{\"name\":7}", 400, "name", NULL);
	expect(rig, "POST", POLICIES, NULL, "[]", 400, NULL, "object");
	expect(rig, "POST", "/v1/maintenance", NULL,
	       "{\"name\":\"w\",\"matchers\":[{\"label\":\"a\",\"op\":\"=~\",\"value\":\"(\"}],"
	       "\"start\":\"2026-01-31T18:00:00Z\",\"end\":\"2026-01-31T19:00:00Z\"}",
	       422, "matchers[0].value", "no regular expression");
	expect(rig, "GET", "/v1/policies/nonsense", NULL, NULL, 404, NULL, "no such policy");
	expect(rig, "GET", "/v1/policies/01890000-0000-7000-8000-000000000001", NULL, NULL, 404,
	       NULL, "no such policy");
}

static void versions_are_compared(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct http_answer a;
	char path[96], same[200];
	json_t *json;

	add(rig, POLICIES, NAMED("one"), path);
	add(rig, POLICIES, NAMED("two"), NULL);
	expect(rig, "POST", POLICIES, NULL, NAMED("one"), 409, "name", "with this name");
	expect(rig, "PUT", path, NULL, NAMED("uno"), 428, NULL, "If-Match");
	expect(rig, "PUT", path, "\"2\"", NAMED("uno"), 412, NULL, "the policy was changed");
	expect(rig, "PUT", path, "\"1\"", NAMED("two"), 409, "name", "with this name");
	api_rig_match(rig, "PUT", path, "\"1\"", NAMED("uno"), &a);
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "ETag: \"2\""));
	answer_free(&a);
	expect(rig, "PUT", path, "\"1\"", NAMED("one"), 412, NULL, NULL);
	expect(rig, "DELETE", path, "\"1\"", NULL, 412, NULL, NULL);
	/* what was read can be given back */
	json = api_rig_json(rig, "GET", path, NULL, 200);
	assert_string_equal(text_of(json, "name"), "uno");
	snprintf(same, sizeof(same),
		 "{\"id\":\"%s\",\"name\":\"uno\",\"steps\":[{\"targets\":["
		 "\"+4930123\"]}]}",
		 text_of(json, "id"));
	json_decref(json);
	expect(rig, "PUT", path, "\"2\"", same, 200, NULL, NULL);
	expect(rig, "PUT", path, "*",
	       "{\"id\":\"x\",\"name\":\"uno\",\"steps\":[{\"targets\":[\"+4930123\"]}]}", 422,
	       "id", "not the one in the path");
	expect(rig, "DELETE", path, NULL, NULL, 428, NULL, NULL);
	expect(rig, "DELETE", path, "\"3\"", NULL, 204, NULL, NULL);
	expect(rig, "DELETE", path, "*", NULL, 404, NULL, NULL);
	expect(rig, "GET", path, NULL, NULL, 404, NULL, NULL);
}

/* Two want to change the same version: both have passed the check when the first is committed. */
static void one_of_two_is_refused(void **state)
{
	static const char text[] = "PUT %s HTTP/1.1\r\nIf-Match: \"1\"\r\nContent-Length: %zu\r\n"
				   "\r\n%s";
	struct api_rig *rig = api_rig_of(state);
	int fd[2] = {client_connect(0, rig->socket), client_connect(0, rig->socket)}, good = 0;
	struct http_answer a;
	char path[96];

	add(rig, POLICIES, NAMED("one"), path);
	api_rig_hold(rig);
	for (int i = 0; i < 2; i++) {
		struct tc_buf all = {0};

		tc_buf_printf(&all, text, path, strlen(NAMED("uno")), NAMED("uno"));
		client_push(rig->loop, fd[i], all.data, all.len);
		tc_buf_fini(&all);
	}
	while (store_pending(rig->store) < 3)
		loop_turn(rig->loop);
	api_rig_let_go(rig);
	for (int i = 0; i < 2; i++) {
		client_answer(rig->loop, fd[i], &a);
		assert_true(a.status == 200 || a.status == 412);
		good += a.status == 200;
		answer_free(&a);
		close(fd[i]);
	}
	assert_int_equal(good, 1);
}

static void what_is_named_stays(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char alice[96], first[96], second[96];

	add(rig, "/v1/contacts", "{\"name\":\"Alice\"}", alice);
	add(rig, POLICIES, POLICY, first);
	add(rig, POLICIES,
	    "{\"name\":\"late\",\"steps\":[{\"targets\":[\"+49301\"]}],\"final\":[{\"targets\":["
	    "\"contact:Alice\"]}]}",
	    second);
	expect(rig, "DELETE", alice, "*", NULL, 409, NULL,
	       "the contact is still named by policy default, policy late");
	expect(rig, "DELETE", first, "*", NULL, 204, NULL, NULL);
	expect(rig, "DELETE", alice, "*", NULL, 409, NULL, "named by policy late");
	/* by another name it is the same one */
	expect(rig, "PUT", alice, "*", "{\"name\":\"Alicia\"}", 200, NULL, NULL);
	expect(rig, "DELETE", alice, "*", NULL, 409, NULL, "named by policy late");
	expect(rig, "PUT", second, "*", NAMED("late"), 200, NULL, NULL);
	expect(rig, "DELETE", alice, "*", NULL, 204, NULL, NULL);
}

static void lists_pages_by_name(void **state)
{
	static const char *const names[] = {"delta", "Alpha", "charlie", "bravo"};
	struct api_rig *rig = api_rig_of(state);
	struct tc_buf seen = {0};
	char path[120], body[120];
	json_t *page;

	for (size_t i = 0; i < 4; i++) {
		snprintf(body, sizeof(body),
			 "{\"name\":\"%s\",\"steps\":[{\"targets\":[\"oncall\"]}]}", names[i]);
		add(rig, POLICIES, body, NULL);
	}
	tc_strcopy(path, sizeof(path), "/v1/policies?limit=3");
	for (int pages = 0; *path; pages++) {
		const char *next;

		assert_in_range(pages, 0, 1);
		page = api_rig_json(rig, "GET", path, NULL, 200);
		for (size_t i = 0; i < json_array_size(json_object_get(page, "items")); i++)
			tc_buf_printf(
				&seen, "%s ",
				text_of(json_array_get(json_object_get(page, "items"), i), "name"));
		next = text_of(page, "next");
		path[0] = '\0';
		if (next)
			snprintf(path, sizeof(path), "/v1/policies?limit=3&cursor=%s", next);
		json_decref(page);
	}
	assert_string_equal(seen.data, "Alpha bravo charlie delta ");
	tc_buf_fini(&seen);
	page = api_rig_json(rig, "GET", "/v1/policies?q=AVO", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(page, "items")), 1);
	json_decref(page);
	expect(rig, "GET", "/v1/policies?cursor=x", NULL, NULL, 400, "cursor", NULL);
	expect(rig, "GET", "/v1/policies?limit=501", NULL, NULL, 400, "limit", NULL);
	expect(rig, "GET", "/v1/policies?nonsense=1", NULL, NULL, 400, "nonsense", NULL);
}

/* ---- the store ---- */

static void overload_is_said(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char path[96];

	add(rig, POLICIES, NAMED("one"), path);
	api_rig_hold(rig);
	api_rig_flood(rig);
	expect(rig, "POST", POLICIES, NULL, NAMED("two"), 503, NULL, "store");
	expect(rig, "PUT", path, "*", NAMED("two"), 503, NULL, "store");
	expect(rig, "DELETE", path, "*", NULL, 503, NULL, "store");
	api_rig_let_go(rig);
	expect(rig, "GET", path, NULL, NULL, 200, NULL, NULL);
}

static void notice(void *arg, const struct event_row *row)
{
	tc_buf_printf(arg, "%s|%s\n", row->what, row->text);
}

static void events_tell_of_changes(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct tc_buf told = {0};
	void *listener = journal_listen(rig->journal, notice, &told);
	char path[96];

	add(rig, POLICIES, NAMED("one"), path);
	expect(rig, "PUT", path, "*", NAMED("uno"), 200, NULL, NULL);
	expect(rig, "DELETE", path, "*", NULL, 204, NULL, NULL);
	assert_non_null(strstr(told.data, "policy.added|policy one was added by uid:"));
	assert_non_null(strstr(told.data, "policy.changed|policy uno was changed by uid:"));
	assert_non_null(strstr(told.data, "policy.removed|policy uno was removed by uid:"));
	journal_unlisten(rig->journal, listener);
	tc_buf_fini(&told);
}

/* What the store has lost, or another one has put there, is seen after a reload. */
static void reading_again_finds_the_store(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct documents *docs = oncall_policies(rig->oncall);
	char path[96];

	add(rig, POLICIES, NAMED("one"), path);
	documents_drop(docs, documents_named(docs, "one")->id);
	expect(rig, "GET", path, NULL, NULL, 404, NULL, NULL);
	documents_reload(docs);
	api_rig_settle(rig);
	expect(rig, "GET", path, NULL, NULL, 200, NULL, NULL);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, api_rig_setup, api_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(shows_what_was_given),
		RIG_TEST(names_what_is_wrong),
		RIG_TEST(versions_are_compared),
		RIG_TEST(one_of_two_is_refused),
		RIG_TEST(what_is_named_stays),
		RIG_TEST(lists_pages_by_name),
		RIG_TEST(overload_is_said),
		RIG_TEST(events_tell_of_changes),
		RIG_TEST(reading_again_finds_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
