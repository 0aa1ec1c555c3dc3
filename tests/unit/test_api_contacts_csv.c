/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/contacts.csv over the daemon's Unix socket, with a real store: all or nothing, what is seen
 * afterwards, and others who change contacts meanwhile. What files mean is test_contact_csv.c's.
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

#include "host/id.h"
#include "oncall/directory.h"
#include "store/contact_repo.h"
#include "store/event_repo.h"
#include "unit/api_rig.h"

#define CSV "/v1/contacts.csv"

static int number_of(const json_t *json, const char *name)
{
	return (int)json_integer_value(json_object_get(json, name));
}

/* Import, and the report's numbers. */
static void import(struct api_rig *rig, const char *path, const char *text, int status, int added,
		   int changed, int unchanged, size_t faults)
{
	json_t *json = api_rig_json(rig, "POST", path, text, status);

	assert_int_equal(number_of(json, "added"), added);
	assert_int_equal(number_of(json, "changed"), changed);
	assert_int_equal(number_of(json, "unchanged"), unchanged);
	assert_int_equal(json_array_size(json_object_get(json, "faults")), faults);
	json_decref(json);
}

static void all_or_nothing(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	json_t *json;

	import(rig, CSV, "name,numbers\nAlice,+49301\nBob,oops\nCarol,+49303\n", 422, 0, 0, 0, 1);
	assert_null(directory_next(rig->directory, NULL));
	import(rig, CSV "?partial=true", "name,numbers\nAlice,+49301\nBob,oops\nCarol,+49303\n",
	       200, 2, 0, 0, 1);
	assert_non_null(directory_find_name(rig->directory, "Alice"));
	assert_null(directory_find_name(rig->directory, "Bob"));
	assert_non_null(directory_find_number(rig->directory, "+49303", NULL));
	/* of a file that names no columns nothing can be taken */
	import(rig, CSV "?partial=true", "name,nom\nDave,x\n", 422, 0, 0, 0, 1);
	import(rig, CSV, "", 422, 0, 0, 0, 1);
	json = api_rig_json(rig, "POST", CSV, "name,numbers\nBob,oops\n", 422);
	assert_int_equal(number_of(json, "status"), 422);
	assert_string_equal(json_string_value(json_object_get(json, "field")), "numbers[0].number");
	assert_non_null(strstr(json_string_value(json_object_get(json, "detail")), "line 2: "));
	json_decref(json);
	json_decref(api_rig_json(rig, "POST", CSV "?partial=maybe", "name\nBob\n", 400));
}

static void what_was_exported_can_be_imported(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct http_answer a;

	import(rig, CSV,
	       "name,numbers,pin\n\"Älice, A.\",+49301 call;+49302,4711\nBob,,\n", 200, 2, 0,
	       0, 0);
	api_rig_ask(rig, "GET", CSV, NULL, &a);
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "Content-Type: text/csv; charset=utf-8"));
	assert_non_null(strstr(a.body, "\"Älice, A.\",\"+49301 call; +49302 call+sms\",,,,true,"));
	assert_null(strstr(a.body, "4711"));
	import(rig, CSV, a.body, 200, 0, 0, 2, 0);
	assert_non_null(directory_find_pin(rig->directory, "4711"));
	answer_free(&a);
}

static void notice(void *arg, const struct event_row *row)
{
	tc_buf_printf(arg, "%s|%s\n", row->what, row->text);
}

static void one_event_tells_of_a_file(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct tc_buf told = {0};
	void *listener = journal_listen(rig->journal, notice, &told);

	tc_buf_puts(&told, "");
	import(rig, CSV, "name\nAlice\nBob\n", 200, 2, 0, 0, 0);
	assert_non_null(strstr(told.data, "contacts.imported|contacts were imported by uid:"));
	assert_non_null(strstr(told.data, ": 2 added, 0 changed\n"));
	told.len = 0;
	import(rig, CSV, "name\nAlice\nBob\n", 200, 0, 0, 2, 0);
	assert_int_equal(told.len, 0);
	journal_unlisten(rig->journal, listener);
	tc_buf_fini(&told);
}

static int insert(struct db *db, void *arg)
{
	return contact_insert(db, arg);
}

/* Another one is added after the file was compared with what there is, and before it is written. */
static void somebody_else_is_quicker(void **state)
{
	static const char text[] = "name,note\nAlice,by file\nBob,by file\n";
	struct api_rig *rig = api_rig_of(state);
	struct contact_row row = {.name = "Alice",
				  .numbers = "[]",
				  .enabled = true,
				  .version = 1,
				  .note = "by hand",
				  .updated_us = 5};
	int fd = client_connect(0, rig->socket);
	struct tc_buf all = {0};
	struct http_answer a;
	json_t *json;

	id_new(row.id, 1);
	api_rig_hold(rig);
	assert_int_equal(store_write(rig->store, insert, NULL, &row), 0);
	tc_buf_printf(&all, "POST " CSV " HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s",
		      sizeof(text) - 1, text);
	client_push(rig->loop, fd, all.data, all.len);
	tc_buf_fini(&all);
	while (store_pending(rig->store) < 3) /* the gate, the row, and what the file means */
		loop_turn(rig->loop);
	api_rig_let_go(rig);
	client_answer(rig->loop, fd, &a);
	close(fd);
	assert_int_equal(a.status, 200);
	json = answer_json(&a);
	assert_int_equal(number_of(json, "added"), 1);
	assert_int_equal(number_of(json, "changed"), 1);
	json_decref(json);
	answer_free(&a);
	assert_string_equal(directory_find_name(rig->directory, "Alice")->note, "by file");
	assert_string_equal(directory_find_name(rig->directory, "Alice")->id, row.id);
	assert_int_equal(directory_find_name(rig->directory, "Alice")->version, 2);
}

static void overload_is_said(void **state)
{
	struct api_rig *rig = api_rig_of(state);

	api_rig_hold(rig);
	api_rig_flood(rig);
	json_decref(api_rig_json(rig, "POST", CSV, "name\nAlice\n", 503));
	api_rig_let_go(rig);
	api_rig_settle(rig);
	import(rig, CSV, "name\nAlice\n", 200, 1, 0, 0, 0);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, api_rig_setup, api_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(all_or_nothing),
		RIG_TEST(what_was_exported_can_be_imported),
		RIG_TEST(one_event_tells_of_a_file),
		RIG_TEST(somebody_else_is_quicker),
		RIG_TEST(overload_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
