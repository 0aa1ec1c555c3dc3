/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of kind store as tests: what they share, and the list of them. Every plugin of the
 * kind passes all.
 */
#ifndef TESTS_CONFORM_STORE_SUITE_H
#define TESTS_CONFORM_STORE_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tocsin/alloc.h>
#include <tocsin/store.h>

/* The instance under test; set by main(), the same for all tests. */
extern const struct tc_store_ops *ops;
extern void *instance_state;

/* A connection, or the test fails. Closed by the test. */
struct tc_db *connect_db(void);
/*
 * Run a statement without rows; words as {text} come from the dialect. What is not 0 fails the
 * test.
 */
void run(struct tc_db *db, const char *sql);
/* The same, and its result. */
int try_run(struct tc_db *db, const char *sql, const struct tc_value *params, size_t n);
/* The number in the first column of the first row; fails the test when there is none. */
int64_t number(struct tc_db *db, const char *sql);
/* Drop the table if it is there, and make it anew: "(a INT, b {text})". */
void table(struct tc_db *db, const char *name, const char *columns);

#define INT(v) ((struct tc_value){.type = TC_V_INT, .i = (v)})
#define TEXT(v) ((struct tc_value){.type = TC_V_TEXT, .s = (v), .len = sizeof(v) - 1})
#define BLOB(p, n) ((struct tc_value){.type = TC_V_BLOB, .s = (p), .len = (n)})
#define NOTHING ((struct tc_value){.type = TC_V_NULL})

#define VALUE_TESTS(X) \
	X(test_dialect) \
	X(test_round_trip) \
	X(test_long_text) \
	X(test_params_are_used_up) \
	X(test_rows) \
	X(test_reuse_after_reset) \
	X(test_two_statements_at_once) \
	X(test_autoid) \
	X(test_changes) \
	X(test_unique) \
	X(test_comparisons_are_exact) \
	X(test_like) \
	X(test_common_sql) \
	X(test_refused_statements) \
	X(test_error_text_has_no_values) \
	X(test_finish_and_disconnect)

#define TRANSACTION_TESTS(X) \
	X(test_commit_and_rollback) \
	X(test_isolation) \
	X(test_snapshot) \
	X(test_savepoints) \
	X(test_failure_inside) \
	X(test_rollback_without) \
	X(test_schema_twice) \
	X(test_concurrent_increments) \
	X(test_durable_after_kill) \
	X(test_two_instances)

#define X(f) void f(void **state);
VALUE_TESTS(X)
TRANSACTION_TESTS(X)
#undef X

/* A second instance with the same settings; closed by second_close(). */
void *second_open(void);
void second_close(void);

#endif
