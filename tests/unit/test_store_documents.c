/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The repository of documents, over a real database.
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

#include "store/document_repo.h"
#include "unit/store_rig.h"

static struct document_row sample(unsigned n, const char *kind, const char *name)
{
	struct document_row row = {
		.kind = kind,
		.name = name,
		.body = "{\"steps\":[]}",
		.version = 1,
		.created_us = 1000 + n,
		.updated_us = 2000 + n,
	};

	snprintf(row.id, sizeof(row.id), "id-%02u", n);
	return row;
}

static void check_stored(struct db *db, const struct document_row *want)
{
	struct document_row got;

	assert_int_equal(document_get(db, want->kind, want->id, &got), 1);
	assert_string_equal(got.id, want->id);
	assert_string_equal(got.kind, want->kind);
	assert_string_equal(got.name, want->name);
	assert_string_equal(got.body, want->body);
	assert_true(got.version == want->version);
	assert_true(got.created_us == want->created_us && got.updated_us == want->updated_us);
	document_row_fini(&got);
}

static void test_life_of_a_document(void **state)
{
	struct db *db = rig_db(*state);
	struct document_row row = sample(1, "policy", "default"), got;

	assert_int_equal(document_get(db, "policy", row.id, &got), 0);
	assert_int_equal(document_insert(db, &row), 0);
	check_stored(db, &row);
	row.name = "Älice Ω";
	row.body = "{}";
	row.updated_us = INT64_C(1800000000000000);
	assert_int_equal(document_update(db, &row, 1), 0);
	assert_int_equal(row.version, 2);
	check_stored(db, &row);
	assert_int_equal(document_update(db, &row, 0), 0);
	assert_int_equal(row.version, 3);
	assert_int_equal(document_delete(db, "policy", row.id, 3), 0);
	assert_int_equal(document_get(db, "policy", row.id, &got), 0);
	db_close(db);
}

static void test_versions_are_compared(void **state)
{
	struct db *db = rig_db(*state);
	struct document_row row = sample(1, "policy", "default"), stale;

	assert_int_equal(document_insert(db, &row), 0);
	assert_int_equal(document_update(db, &row, 1), 0);
	stale = row;
	stale.body = "{\"lost\":1}";
	stale.version = 1;
	assert_int_equal(document_update(db, &stale, 1), -ESTALE);
	assert_int_equal(stale.version, 1);
	assert_int_equal(document_delete(db, "policy", row.id, 1), -ESTALE);
	check_stored(db, &row);
	stale = sample(2, "policy", "other");
	assert_int_equal(document_update(db, &stale, 0), -ENOENT);
	assert_int_equal(document_delete(db, "policy", stale.id, 0), -ENOENT);
	db_close(db);
}

/* A schedule and a policy may have the same name; one is not the other, whatever the id. */
static void test_kinds_are_apart(void **state)
{
	struct db *db = rig_db(*state);
	struct document_row policy = sample(1, "policy", "ops"),
			    schedule = sample(2, "schedule", "ops"),
			    twin = sample(3, "policy", "ops"), got;

	assert_int_equal(document_insert(db, &policy), 0);
	assert_int_equal(document_insert(db, &schedule), 0);
	assert_int_equal(document_insert(db, &twin), -EEXIST);
	twin.name = "other";
	assert_int_equal(document_insert(db, &twin), 0);
	twin.name = "ops";
	assert_int_equal(document_update(db, &twin, 0), -EEXIST);
	assert_int_equal(document_get(db, "schedule", policy.id, &got), 0);
	assert_int_equal(document_delete(db, "schedule", policy.id, 0), -ENOENT);
	policy.kind = "schedule";
	assert_int_equal(document_update(db, &policy, 0), -ENOENT);
	db_close(db);
}

struct names {
	struct tc_buf text;
	int stop_after;
};

static int add_name(const struct document_row *row, void *arg)
{
	struct names *names = arg;

	tc_buf_printf(&names->text, "%s ", row->name);
	return --names->stop_after == 0;
}

static void test_lists_by_name(void **state)
{
	struct db *db = rig_db(*state);
	struct document_row rows[] = {sample(1, "policy", "c"), sample(2, "policy", "a"),
				      sample(3, "schedule", "b"), sample(4, "policy", "b")};
	struct names all = {0}, two = {.stop_after = 2}, none = {0};

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(document_insert(db, &rows[i]), 0);
	assert_int_equal(document_list(db, "policy", add_name, &all), 0);
	assert_string_equal(all.text.data, "a b c ");
	assert_int_equal(document_list(db, "policy", add_name, &two), 0);
	assert_string_equal(two.text.data, "a b ");
	assert_int_equal(document_list(db, "maintenance", add_name, &none), 0);
	assert_null(none.text.data);
	tc_buf_fini(&all.text);
	tc_buf_fini(&two.text);
	db_close(db);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_life_of_a_document),
		RIG_TEST(test_versions_are_compared),
		RIG_TEST(test_kinds_are_apart),
		RIG_TEST(test_lists_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
