/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migrations and the connection underneath: from nothing, again, cut short, refused; and that the
 * indexes serve.
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

#include "store/alert_repo.h"
#include "store/event_repo.h"
#include "store/migrate.h"
#include "unit/store_rig.h"

static struct db *bare(struct store_rig *rig)
{
	char fault[256];
	struct db *db;

	if (!rig->instance)
		skip();
	assert_int_equal(db_open(rig->instance->plugin->ops, rig->instance->state, &db, fault,
				 sizeof(fault)),
			 0);
	return db;
}

static void test_from_empty_and_again(void **state)
{
	struct store_rig *rig = *state;
	struct db *db = bare(rig);
	char fault[256] = "";

	assert_int_equal(migrate_run(db, fault, sizeof(fault)), 0);
	assert_int_equal(migrate_run(db, fault, sizeof(fault)), 0);
	assert_string_equal(fault, "");
	db_close(db);
	assert_int_equal(rig_number(rig, "SELECT MAX(version) FROM schema_version"),
			 migrate_version());
	assert_int_equal(rig_number(rig, "SELECT COUNT(*) FROM schema_version"), migrate_version());
}

static void test_newer_is_refused_and_untouched(void **state)
{
	struct store_rig *rig = *state;
	struct db *db = bare(rig);
	char fault[256] = "", own[32];
	struct db_stmt *stmt;
	struct tc_value v;

	assert_int_equal(db_exec_text(db, "CREATE TABLE schema_version "
					  "(version INT PRIMARY KEY, applied_us BIGINT)"),
			 0);
	assert_int_equal(db_exec_text(db, "INSERT INTO schema_version VALUES (9999, 0)"), 0);
	assert_int_equal(migrate_run(db, fault, sizeof(fault)), -EPROTO);
	snprintf(own, sizeof(own), " %d", migrate_version());
	assert_non_null(strstr(fault, "9999"));
	assert_non_null(strstr(fault, own));
	assert_int_equal(db_query_text(db,
				       "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'",
				       NULL, 0, &stmt),
			 0);
	assert_int_equal(db_next(stmt, &v, 1), 1);
	assert_int_equal(v.i, 1);
	db_done(stmt);
	db_close(db);
}

/* A database that commits each CREATE by itself, and a start that was cut short. */
static void test_half_done_is_finished(void **state)
{
	struct store_rig *rig = *state;
	struct db *db = rig_db(rig);
	char fault[256] = "";
	struct alert_row row = {.id = "1",
				.state = "open",
				.message = "m",
				.target = "t",
				.strategy = "s",
				.severity = "s"};

	assert_int_equal(alert_insert(db, &row), 0);
	assert_int_equal(db_exec_text(db, "DELETE FROM schema_version"), 0);
	assert_int_equal(db_exec_text(db, "DROP TABLE events"), 0);
	assert_int_equal(migrate_run(db, fault, sizeof(fault)), 0);
	db_close(db);
	assert_int_equal(rig_number(rig, "SELECT COUNT(*) FROM events"), 0);
	assert_int_equal(rig_number(rig, "SELECT COUNT(*) FROM alerts"), 1);
}

static void test_failure_is_explained(void **state)
{
	struct db *db = bare(*state);
	char fault[256] = "";

	/* something else of that name stands there */
	assert_int_equal(db_exec_text(db, "CREATE TABLE alerts (x INT)"), 0);
	assert_int_equal(migrate_run(db, fault, sizeof(fault)), -EINVAL);
	assert_non_null(strstr(fault, "schema version"));
	assert_non_null(strstr(fault, "dedup_key"));
	db_close(db);
}

/* ---- the queries that run often find their rows through an index ---- */

static void check_plan(struct db *db, const char *sql, const char *index)
{
	char *explain = tc_asprintf("EXPLAIN QUERY PLAN %s", sql);
	struct db_stmt *stmt;
	struct tc_value v[4];
	bool found = false;

	assert_int_equal(db_query_text(db, explain, NULL, 0, &stmt), 0);
	while (db_next(stmt, v, 4) == 1) {
		found |= strstr(v[3].s, index) != NULL;
		assert_null(strstr(v[3].s, "SCAN"));
	}
	db_done(stmt);
	free(explain);
	assert_true(found);
}

static void test_indexes_serve(void **state)
{
	struct db *db = rig_db(*state);

	check_plan(db, "SELECT id FROM alerts WHERE dedup_key = 'x' ORDER BY id DESC LIMIT 1",
		   "alerts_dedup_key");
	check_plan(db, "SELECT * FROM alerts WHERE state = 'open' ORDER BY id", "alerts_state");
	check_plan(db,
		   "SELECT * FROM alerts WHERE state = 'acknowledged' AND updated_us >= 5 "
		   "ORDER BY updated_us DESC LIMIT 10",
		   "alerts_updated");
	check_plan(db, "SELECT * FROM calls WHERE alert_id = 'x' ORDER BY id", "calls_alert");
	check_plan(db, "SELECT * FROM calls WHERE state IN ('queued', 'placing') ORDER BY id",
		   "calls_state");
	check_plan(db, "SELECT * FROM calls WHERE number = 'x' ORDER BY id DESC", "calls_number");
	check_plan(db, "SELECT * FROM events WHERE alert_id = 'x' ORDER BY id", "events_alert");
	check_plan(db, "SELECT * FROM events WHERE id > 5 ORDER BY id", "PRIMARY KEY");
	db_close(db);
}

/* ---- db.c ---- */

static int64_t next_number(struct db_stmt *stmt)
{
	struct tc_value v;

	return db_next(stmt, &v, 1) == 1 ? v.i : -1;
}

static const char sql_numbers[] = "SELECT id FROM events WHERE id > ? ORDER BY id";

/* The same statement while its rows are being read: each reader has its own. */
static void test_statement_within_itself(void **state)
{
	struct db *db = rig_db(*state);
	struct tc_value from[] = {DB_INT(0)};
	struct db_stmt *outer, *inner, *again;

	for (int i = 0; i < 3; i++) {
		struct event_row row = {.what = "x"};

		assert_int_equal(event_insert(db, &row), 0);
	}
	assert_int_equal(db_query(db, sql_numbers, from, 1, &outer), 0);
	assert_int_equal(next_number(outer), 1);
	from[0] = DB_INT(1);
	assert_int_equal(db_query(db, sql_numbers, from, 1, &inner), 0);
	assert_ptr_not_equal(inner, outer);
	assert_int_equal(next_number(inner), 2);
	assert_int_equal(next_number(outer), 2);
	db_done(inner);
	assert_int_equal(next_number(outer), 3);
	assert_int_equal(next_number(outer), -1);
	db_done(outer);
	/* and it is found again */
	assert_int_equal(db_query(db, sql_numbers, from, 1, &again), 0);
	assert_ptr_equal(again, outer);
	assert_int_equal(next_number(again), 2);
	db_done(again);
	db_done(NULL);
	db_close(db);
}

static void test_wrong_sql_is_refused(void **state)
{
	struct db *db = rig_db(*state);
	struct db_stmt *stmt = (struct db_stmt *)state;

	assert_int_equal(db_query(db, "SELECT missing FROM nowhere", NULL, 0, &stmt), -EINVAL);
	assert_null(stmt);
	assert_non_null(strstr(db_error(db), "nowhere"));
	assert_int_equal(db_run(db, sql_numbers, NULL, 0), -EINVAL);
	assert_int_equal(db_exec_text(db, "INSERT INTO events (what) VALUES (NULL)"), -EINVAL);
	/* a mistake in a statement does not end the transaction */
	assert_int_equal(db_begin(db, true), 0);
	assert_int_equal(db_exec_text(db, "nonsense"), -EINVAL);
	assert_int_equal(db_failed(db), 0);
	assert_int_equal(event_insert(db, &(struct event_row){.what = "x"}), 0);
	assert_int_equal(db_commit(db), 0);
	db_close(db);
	assert_int_equal(rig_number(*state, "SELECT COUNT(*) FROM events"), 1);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_from_empty_and_again),  RIG_TEST(test_newer_is_refused_and_untouched),
		RIG_TEST(test_half_done_is_finished), RIG_TEST(test_failure_is_explained),
		RIG_TEST(test_indexes_serve),         RIG_TEST(test_statement_within_itself),
		RIG_TEST(test_wrong_sql_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
