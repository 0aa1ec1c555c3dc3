/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The repository of contacts, over a real database.
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

#include "store/contact_repo.h"
#include "unit/store_rig.h"

static struct contact_row sample(unsigned n, const char *name)
{
	struct contact_row row = {
		.name = name,
		.numbers = "[{\"number\":\"+4930123\",\"use\":[\"call\"]}]",
		.language = "de",
		.voice = "local",
		.timezone = "Europe/Berlin",
		.pin = "kept",
		.enabled = true,
		.note = "works nights",
		.version = 1,
		.created_us = 1000 + n,
		.updated_us = 2000 + n,
	};

	snprintf(row.id, sizeof(row.id), "id-%02u", n);
	return row;
}

static void check_text(const char *a, const char *b)
{
	if (b)
		assert_string_equal(a, b);
	else
		assert_null(a);
}

static void check_stored(struct db *db, const struct contact_row *want)
{
	struct contact_row got;

	assert_int_equal(contact_get(db, want->id, &got), 1);
	assert_string_equal(got.id, want->id);
	assert_string_equal(got.name, want->name);
	assert_string_equal(got.numbers, want->numbers);
	check_text(got.language, want->language);
	check_text(got.voice, want->voice);
	check_text(got.timezone, want->timezone);
	check_text(got.pin, want->pin);
	assert_string_equal(got.note, want->note ? want->note : "");
	assert_int_equal(got.enabled, want->enabled);
	assert_true(got.version == want->version);
	assert_true(got.created_us == want->created_us && got.updated_us == want->updated_us);
	contact_row_fini(&got);
}

static void test_life_of_a_contact(void **state)
{
	struct db *db = rig_db(*state);
	struct contact_row row = sample(1, "Alice"), got;

	assert_int_equal(contact_get(db, row.id, &got), 0);
	assert_int_equal(contact_insert(db, &row), 0);
	check_stored(db, &row);
	row.name = "Älice Ω";
	row.numbers = "[]";
	row.language = row.voice = row.timezone = row.pin = row.note = NULL;
	row.enabled = false;
	row.updated_us = INT64_C(1800000000000000);
	assert_int_equal(contact_update(db, &row, 1), 0);
	assert_int_equal(row.version, 2);
	check_stored(db, &row);
	/* whatever it is; and nothing new in it */
	assert_int_equal(contact_update(db, &row, 0), 0);
	assert_int_equal(row.version, 3);
	row.created_us = 1; /* never written again */
	assert_int_equal(contact_update(db, &row, 3), 0);
	row.created_us = 1001;
	check_stored(db, &row);
	assert_int_equal(contact_delete(db, row.id, 4), 0);
	assert_int_equal(contact_get(db, row.id, &got), 0);
	db_close(db);
}

static void test_versions_are_compared(void **state)
{
	struct db *db = rig_db(*state);
	struct contact_row row = sample(1, "Alice"), stale;

	assert_int_equal(contact_insert(db, &row), 0);
	assert_int_equal(contact_update(db, &row, 1), 0);
	stale = row;
	stale.note = "lost";
	stale.version = 1;
	assert_int_equal(contact_update(db, &stale, 1), -ESTALE);
	assert_int_equal(stale.version, 1);
	assert_int_equal(contact_delete(db, row.id, 1), -ESTALE);
	check_stored(db, &row);
	stale = sample(2, "Bob");
	assert_int_equal(contact_update(db, &stale, 0), -ENOENT);
	assert_int_equal(contact_delete(db, stale.id, 0), -ENOENT);
	assert_int_equal(contact_delete(db, row.id, 0), 0);
	db_close(db);
}

static void test_names_are_unique(void **state)
{
	struct db *db = rig_db(*state);
	struct contact_row alice = sample(1, "Alice"), bob = sample(2, "Bob"), again;

	assert_int_equal(contact_insert(db, &alice), 0);
	again = sample(3, "Alice");
	assert_int_equal(contact_insert(db, &again), -EEXIST);
	assert_int_equal(contact_insert(db, &bob), 0);
	again = bob;
	again.name = "Alice";
	assert_int_equal(contact_update(db, &again, 1), -EEXIST);
	check_stored(db, &bob);
	/* exactly: letters are not all the same */
	again = sample(3, "alice");
	assert_int_equal(contact_insert(db, &again), 0);
	assert_int_equal(contact_update(db, &alice, 1), 0); /* its own name */
	/* and it is free again */
	assert_int_equal(contact_delete(db, alice.id, 0), 0);
	again = bob;
	again.name = "Alice";
	assert_int_equal(contact_update(db, &again, 1), 0);
	db_close(db);
}

static int see(const struct contact_row *row, void *arg)
{
	char *seen = arg;
	size_t len = strlen(seen);

	snprintf(seen + len, 64 - len, "%s ", row->name);
	return strcmp(row->name, "stop") == 0 ? -EIO : strcmp(row->name, "enough") == 0;
}

static void test_list(void **state)
{
	static const char *const names[] = {"carol", "Bob", "alice", "enough", "zoe"};
	struct db *db = rig_db(*state);
	struct contact_row row;
	char seen[64] = "";

	assert_int_equal(contact_list(db, see, seen), 0);
	assert_string_equal(seen, "");
	for (unsigned i = 0; i < 5; i++) {
		row = sample(i, names[i]);
		assert_int_equal(contact_insert(db, &row), 0);
	}
	assert_int_equal(contact_list(db, see, seen), 0);
	assert_string_equal(seen, "Bob alice carol enough ");
	row = sample(9, "stop");
	assert_int_equal(contact_insert(db, &row), 0);
	assert_int_equal(contact_delete(db, "id-03", 0), 0);
	seen[0] = '\0';
	assert_int_equal(contact_list(db, see, seen), -EIO);
	assert_string_equal(seen, "Bob alice carol stop ");
	db_close(db);
}

static void test_copy(void **state)
{
	struct contact_row from = sample(1, "Alice"), to;

	(void)state;
	from.voice = NULL;
	contact_row_copy(&to, &from);
	assert_string_equal(to.name, "Alice");
	assert_ptr_not_equal(to.name, from.name);
	assert_null(to.voice);
	assert_string_equal(to.pin, "kept");
	contact_row_fini(&to);
	assert_null(to.name);
}

/* What a database of the version before lacks comes with the next step; what is there stays. */
static void test_comes_to_an_older_database(void **state)
{
	struct store_rig *rig = *state;
	struct db *db = rig_db(rig);
	struct contact_row row = sample(1, "Alice");

	assert_int_equal(db_exec_text(db, "DROP TABLE contacts"), 0);
	assert_int_equal(db_exec_text(db, "DELETE FROM schema_version WHERE version > 1"), 0);
	db_close(db);
	db = rig_db(rig);
	assert_int_equal(contact_insert(db, &row), 0);
	check_stored(db, &row);
	db_close(db);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_life_of_a_contact),
		RIG_TEST(test_versions_are_compared),
		RIG_TEST(test_names_are_unique),
		RIG_TEST(test_list),
		cmocka_unit_test(test_copy),
		RIG_TEST(test_comes_to_an_older_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
