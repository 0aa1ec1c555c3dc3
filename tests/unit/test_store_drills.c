/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The repository of test calls, over a real database; and when a number was reached.
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

#include "store/call_repo.h"
#include "store/drill_repo.h"
#include "unit/store_rig.h"

static struct drill_row sample(unsigned n, const char *name, const char *number)
{
	struct drill_row row = {.name = name,
				.target = number,
				.number = number,
				.by = "eve",
				.created_us = 1000 + n};

	snprintf(row.id, sizeof(row.id), "id-%02u", n);
	return row;
}

static void same(const char *a, const char *b)
{
	if (a && b)
		assert_string_equal(a, b);
	else
		assert_ptr_equal(a, b);
}

static void check_stored(struct db *db, const struct drill_row *want)
{
	struct drill_row got;

	assert_int_equal(drill_get(db, want->id, &got), 1);
	same(got.name, want->name);
	same(got.target, want->target);
	same(got.contact_id, want->contact_id);
	same(got.number, want->number);
	same(got.trunk, want->trunk);
	same(got.result, want->result);
	same(got.reason, want->reason);
	same(got.by, want->by);
	same(got.keys_sent, want->keys_sent);
	same(got.keys_heard, want->keys_heard);
	assert_true(got.created_us == want->created_us && got.ringing_us == want->ringing_us &&
		    got.answered_us == want->answered_us && got.key_us == want->key_us &&
		    got.ended_us == want->ended_us);
	assert_int_equal(got.has_level, want->has_level);
	assert_int_equal(got.level_dbov, want->level_dbov);
	drill_row_fini(&got);
}

static void life_of_a_drill(void **state)
{
	struct db *db = rig_db(*state);
	struct drill_row row = sample(1, NULL, "+4911"), got;

	assert_int_equal(drill_get(db, row.id, &got), 0);
	assert_int_equal(drill_insert(db, &row), 0);
	check_stored(db, &row);
	row.trunk = "office";
	row.result = "passed";
	row.reason = "4 was pressed";
	row.ringing_us = 1;
	row.answered_us = 2;
	row.key_us = 3;
	row.ended_us = 4;
	row.keys_sent = "1#";
	row.keys_heard = "";
	row.level_dbov = -23;
	row.has_level = true;
	assert_int_equal(drill_update(db, &row), 0);
	check_stored(db, &row);
	db_close(db);
}

static int see(const struct drill_row *row, void *arg)
{
	char *seen = arg;
	size_t len = strlen(seen);

	snprintf(seen + len, 100 - len, "%s ", row->id);
	return 0;
}

static void lists_are_filtered_newest_first(void **state)
{
	struct db *db = rig_db(*state);
	struct drill_filter filter = {.limit = 10};
	struct drill_row row;
	char seen[100] = "";

	for (unsigned i = 1; i <= 3; i++) {
		row = sample(i, i == 2 ? "loop" : NULL, "+4911");
		row.result = i == 1 ? NULL : "passed";
		assert_int_equal(drill_insert(db, &row), 0);
	}
	assert_int_equal(drill_list(db, &filter, see, seen), 0);
	assert_string_equal(seen, "id-03 id-02 id-01 ");
	filter.name = "loop";
	*seen = '\0';
	assert_int_equal(drill_list(db, &filter, see, seen), 0);
	assert_string_equal(seen, "id-02 ");
	filter = (struct drill_filter){.before_id = "id-03", .limit = 1};
	*seen = '\0';
	assert_int_equal(drill_list(db, &filter, see, seen), 0);
	assert_string_equal(seen, "id-02 ");
	/* what a process has left */
	assert_int_equal(drill_lose(db, 77), 0);
	filter = (struct drill_filter){.result = "lost", .limit = 10};
	*seen = '\0';
	assert_int_equal(drill_list(db, &filter, see, seen), 0);
	assert_string_equal(seen, "id-01 ");
	db_close(db);
}

static void put_call(struct db *db, const char *id, const char *result, int64_t ended_us)
{
	struct call_row row = {.number = "+4911",
			       .state = "ended",
			       .result = result,
			       .attempt = 1,
			       .ended_us = ended_us,
			       .keys = ""};

	tc_strcopy(row.id, sizeof(row.id), id);
	tc_strcopy(row.alert_id, sizeof(row.alert_id), "a");
	assert_int_equal(call_insert(db, &row), 0);
}

static void a_number_is_reached_by_keys_only(void **state)
{
	struct db *db = rig_db(*state);
	struct drill_row row = sample(9, NULL, "+4911");
	int64_t at_us = 7;

	assert_int_equal(drill_reached(db, "+4911", &at_us), 0);
	assert_true(at_us == 0);
	put_call(db, "c1", "acknowledged", 100);
	put_call(db, "c2", "heard", 200);
	assert_int_equal(drill_reached(db, "+4911", &at_us), 0);
	assert_true(at_us == 100);
	put_call(db, "c3", "escalated", 300);
	row.ended_us = 250;
	row.result = "passed";
	assert_int_equal(drill_insert(db, &row), 0);
	assert_int_equal(drill_reached(db, "+4911", &at_us), 0);
	assert_true(at_us == 300);
	row = sample(10, NULL, "+4911");
	row.ended_us = 400;
	row.result = "passed";
	assert_int_equal(drill_insert(db, &row), 0);
	row = sample(11, NULL, "+4911");
	row.ended_us = 500;
	row.result = "no_key";
	assert_int_equal(drill_insert(db, &row), 0);
	row = sample(12, "loop", "+4911"); /* no person was at it */
	row.ended_us = 600;
	row.result = "passed";
	assert_int_equal(drill_insert(db, &row), 0);
	assert_int_equal(drill_reached(db, "+4911", &at_us), 0);
	assert_true(at_us == 400);
	assert_int_equal(drill_reached(db, "+49110", &at_us), 0);
	assert_true(at_us == 0);
	db_close(db);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(life_of_a_drill),
		WITH(lists_are_filtered_newest_first),
		WITH(a_number_is_reached_by_keys_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
