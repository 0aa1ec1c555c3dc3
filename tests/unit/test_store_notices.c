/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The repository of notices, over a real database.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "store/notice_repo.h"
#include "unit/store_rig.h"

static void decide(struct db *db, const char *alert, const char *what, bool last)
{
	struct notice_row row = {.what = what, .by = "alice", .silence = last, .at_us = 7};

	tc_strcopy(row.alert_id, sizeof(row.alert_id), alert);
	assert_int_equal(notice_insert(db, &row, last), 0);
}

struct got {
	unsigned n;
	int64_t id[8];
	char text[256]; /* "a:acknowledged b:resolved" */
};

static int add(const struct notice_row *row, void *arg)
{
	struct got *got = arg;
	size_t len = strlen(got->text);

	snprintf(got->text + len, sizeof(got->text) - len, "%s%s:%s", len ? " " : "", row->alert_id,
		 row->what);
	got->id[got->n++] = row->id;
	assert_string_equal(row->by, "alice");
	assert_true(row->at_us == 7);
	return 0;
}

static struct got due(struct db *db, const char *instance, int64_t now_us, int limit)
{
	struct got got = {0};

	assert_int_equal(notice_list_due(db, instance, now_us, limit, add, &got), 0);
	return got;
}

static void test_only_for_those_who_want_it(void **state)
{
	struct db *db = rig_db(*state);

	decide(db, "a", "acknowledged", false);
	assert_int_equal(due(db, "am", 100, 10).n, 0);
	assert_int_equal(notice_raiser_insert(db, "a", "am"), 0);
	decide(db, "a", "acknowledged", false);
	assert_int_equal(due(db, "other", 100, 10).n, 0);
	assert_string_equal(due(db, "am", 100, 10).text, "a:acknowledged");
	db_close(db);
}

static void test_in_order_for_each_alert(void **state)
{
	struct db *db = rig_db(*state);
	struct got got;

	assert_int_equal(notice_raiser_insert(db, "a", "am"), 0);
	assert_int_equal(notice_raiser_insert(db, "b", "am"), 0);
	decide(db, "a", "acknowledged", false);
	decide(db, "a", "resolved", true);
	decide(db, "b", "acknowledged", false);
	got = due(db, "am", 100, 10);
	assert_string_equal(got.text, "a:acknowledged b:acknowledged");
	assert_string_equal(due(db, "am", 100, 1).text, "a:acknowledged");
	assert_int_equal(notice_delete(db, got.id[0]), 0);
	assert_string_equal(due(db, "am", 100, 10).text, "a:resolved b:acknowledged");
	db_close(db);
}

static void test_after_its_end_nothing_follows(void **state)
{
	struct db *db = rig_db(*state);

	assert_int_equal(notice_raiser_insert(db, "a", "am"), 0);
	decide(db, "a", "cancelled", true);
	decide(db, "a", "resolved", true);
	assert_string_equal(due(db, "am", 100, 10).text, "a:cancelled");
	assert_int_equal(notice_delete(db, due(db, "am", 100, 10).id[0]), 0);
	assert_int_equal(due(db, "am", 100, 10).n, 0);
	db_close(db);
}

static void test_postponed(void **state)
{
	struct db *db = rig_db(*state);
	int64_t next_us = 0;
	struct got got;

	assert_int_equal(notice_raiser_insert(db, "a", "am"), 0);
	decide(db, "a", "acknowledged", false);
	decide(db, "a", "resolved", true);
	assert_int_equal(notice_next_due(db, "am", 100, &next_us), 0);
	got = due(db, "am", 100, 10);
	assert_int_equal(notice_postpone(db, got.id[0], 1, 500), 0);
	assert_int_equal(due(db, "am", 499, 10).n, 0);
	assert_int_equal(notice_next_due(db, "am", 499, &next_us), 1);
	assert_true(next_us == 500);
	assert_int_equal(notice_next_due(db, "other", 499, &next_us), 0);
	assert_int_equal(due(db, "am", 500, 10).n, 1);
	assert_int_equal(notice_reset(db), 0);
	assert_string_equal(due(db, "am", 100, 10).text, "a:acknowledged");
	db_close(db);
}

static int count(const char *instance, void *arg)
{
	unsigned *n = arg;

	assert_string_equal(instance, "gone");
	(*n)++;
	return 0;
}

static void test_dropped_with_the_instance(void **state)
{
	struct db *db = rig_db(*state);
	unsigned names = 0;
	int64_t n = 0;

	assert_int_equal(notice_raiser_insert(db, "a", "gone"), 0);
	assert_int_equal(notice_raiser_insert(db, "b", "gone"), 0);
	decide(db, "a", "acknowledged", false);
	decide(db, "b", "acknowledged", false);
	assert_int_equal(notice_instances(db, count, &names), 0);
	assert_int_equal(names, 1);
	assert_int_equal(notice_delete_all(db, "gone", &n), 0);
	assert_true(n == 2);
	assert_int_equal(due(db, "gone", 100, 10).n, 0);
	db_close(db);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_only_for_those_who_want_it),    TEST(test_in_order_for_each_alert),
		TEST(test_after_its_end_nothing_follows), TEST(test_postponed),
		TEST(test_dropped_with_the_instance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
