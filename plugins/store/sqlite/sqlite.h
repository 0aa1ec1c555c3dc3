/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two halves of the sqlite plugin share: the instance, a connection, and the mapping of
 * errors.
 */
#ifndef PLUGINS_STORE_SQLITE_SQLITE_H
#define PLUGINS_STORE_SQLITE_SQLITE_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include <tocsin/store.h>

/* Filled by the option table. */
struct sqlite_config {
	const char *path;
	int synchronous;      /* index into its choices: full, normal */
	int64_t busy_timeout; /* ms */
	bool quick_check;
};

struct sqlite {
	struct tc_instance *self;
	const struct sqlite_config *cfg;
	char *path;          /* owned, absolute */
	atomic_bool checked; /* the quick check of this instance was good */
	atomic_int fault;    /* the last result that a human must look at; 0 = none */
};

enum fetch {
	FETCH_END,   /* no more rows */
	FETCH_READY, /* one is there */
	FETCH_STEP,  /* step for one */
};

struct tc_stmt {
	LIST_ENTRY(tc_stmt) link;
	struct tc_db *db;
	sqlite3_stmt *stmt;
	enum fetch fetch;
};

struct tc_db {
	struct sqlite *sqlite;
	sqlite3 *handle;
	LIST_HEAD(, tc_stmt) stmts;
	sqlite3_stmt *begin_write, *begin_read, *commit, *rollback;
	char text[512]; /* of the last error */
};

/*
 * Note the last error of a connection, and translate it.
 *
 * rc      what SQLite returned, extended or not
 * result  0 for SQLITE_OK, SQLITE_ROW and SQLITE_DONE, else as the header of kind store says
 */
int sqlite_result(struct tc_db *db, int rc);

/* Transactions and statements: struct tc_store_ops, the part that works on a connection. */
int sqlite_begin(struct tc_db *db, bool write);
int sqlite_commit(struct tc_db *db);
int sqlite_rollback(struct tc_db *db);
int sqlite_prepare(struct tc_db *db, const char *sql, struct tc_stmt **stmt);
void sqlite_finish(struct tc_stmt *stmt);
int sqlite_execute(struct tc_stmt *stmt, const struct tc_value *params, size_t n);
int sqlite_next(struct tc_stmt *stmt, struct tc_value *row, size_t n);
void sqlite_reset(struct tc_stmt *stmt);

#endif
