/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection as the repositories use it: statements prepared once, typed parameters, rows by
 * column.
 */
#ifndef CORE_STORE_DB_H
#define CORE_STORE_DB_H

#include <tocsin/store.h>

struct db;
struct db_stmt;

/*
 * Connect. ops and state of the store instance; blocks; on the thread that uses it.
 */
int db_open(const struct tc_store_ops *ops, void *state, struct db **db, char *fault,
	    size_t size_bytes);
void db_close(struct db *db);
const struct tc_store_dialect *db_dialect(const struct db *db);
int db_begin(struct db *db, bool write);
int db_commit(struct db *db);
int db_rollback(struct db *db);
/* Why the transaction can only be rolled back: an error that ends it; 0 = it can go on. */
int db_failed(const struct db *db);
/* Text of the last error. */
const char *db_error(struct db *db);

/* Parameters. */
#define DB_INT(v) ((struct tc_value){.type = TC_V_INT, .i = (v)})
#define DB_TEXT(v) db_text(v) /* NULL becomes SQL NULL */
#define DB_BLOB(p, n) ((struct tc_value){.type = TC_V_BLOB, .s = (p), .len = (n)})
struct tc_value db_text(const char *s);

/*
 * Run a statement that gives no rows (or whose rows nobody wants).
 *
 * sql     a string constant: the statement is prepared once and found again by its address
 * errors  as tc_store_ops.execute
 */
int db_run(struct db *db, const char *sql, const struct tc_value *params, size_t n);

/* Begin a query; then db_next() until it returns <= 0, then db_done() (always). */
int db_query(struct db *db, const char *sql, const struct tc_value *params, size_t n,
	     struct db_stmt **stmt);
/* As db_query for a statement put together at run time (lists with filters); not kept. */
int db_query_text(struct db *db, const char *sql, const struct tc_value *params, size_t n,
		  struct db_stmt **stmt);
int db_next(struct db_stmt *stmt, struct tc_value *row, size_t n);
void db_done(struct db_stmt *stmt);

int64_t db_last_id(struct db *db);
int64_t db_changes(struct db *db);

/* A statement run as it stands, unprepared afterwards (migrations). */
int db_exec_text(struct db *db, const char *sql);

#endif
