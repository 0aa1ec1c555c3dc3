/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection as the repositories use it: statements kept by the address of their text, and a
 * transaction that stays failed once it has failed. No SQL stands here.
 */
#include "store/db.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#define KEPT_SLOTS 256 /* a power of two; some 30 statements exist */

struct db_stmt {
	struct db *db;
	struct tc_stmt *stmt;
	const char *sql; /* of a kept one: its key */
	bool kept, busy;
	struct db_stmt *next; /* in the slot */
};

struct db {
	const struct tc_store_ops *ops;
	void *state;
	struct tc_db *conn;
	struct db_stmt *kept[KEPT_SLOTS];
	bool inside; /* a transaction */
	int failed;  /* why it can only be rolled back, 0 = it can go on */
};

struct tc_value db_text(const char *s)
{
	if (!s)
		return (struct tc_value){.type = TC_V_NULL};
	return (struct tc_value){.type = TC_V_TEXT, .s = s, .len = strlen(s)};
}

int db_open(const struct tc_store_ops *ops, void *state, struct db **out, char *fault,
	    size_t size_bytes)
{
	struct db *db = tc_alloc(sizeof(*db));
	int err;

	db->ops = ops;
	db->state = state;
	fault[0] = '\0';
	err = ops->connect(state, &db->conn, fault, size_bytes);
	if (err) {
		if (!fault[0])
			tc_strcopy(fault, size_bytes, tc_strerror(err));
		free(db);
		return err;
	}
	*out = db;
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < KEPT_SLOTS; i++) {
		struct db_stmt *s;

		while ((s = db->kept[i])) {
			db->kept[i] = s->next;
			db->ops->finish(s->stmt);
			free(s);
		}
	}
	db->ops->disconnect(db->conn);
	free(db);
}

const struct tc_store_dialect *db_dialect(const struct db *db)
{
	return db->ops->dialect(db->state);
}

const char *db_error(struct db *db)
{
	return db->ops->error(db->conn);
}

int64_t db_last_id(struct db *db)
{
	return db->ops->last_id(db->conn);
}

int64_t db_changes(struct db *db)
{
	return db->ops->changes(db->conn);
}

/*
 * Errors after which the database may have ended the transaction by itself. Whoever went on would
 * write outside of one, so nothing runs any more until the rollback, even if a repository
 * overlooks the result.
 */
static int note(struct db *db, int err)
{
	switch (err) {
	case -EAGAIN:
	case -EHOSTDOWN:
	case -EIO:
	case -ENOSPC:
	case -ENOMEM:
		if (db->inside && !db->failed)
			db->failed = err;
	}
	return err;
}

/* -EINVAL is a bug of ours: the statement, or a value that does not fit. */
static int complain(struct db *db, const char *sql, int err)
{
	if (err == -EINVAL)
		tc_log(NULL, TC_LOG_ERROR, "statement refused: %s sql=\"%s\"", db_error(db), sql);
	return note(db, err);
}

/* ---- transactions ---- */

int db_begin(struct db *db, bool write)
{
	int err = db->ops->begin(db->conn, write);

	db->inside = !err;
	db->failed = 0;
	return err;
}

int db_commit(struct db *db)
{
	int err = db->failed;

	if (err)
		db->ops->rollback(db->conn);
	else
		err = db->ops->commit(db->conn);
	db->inside = false;
	db->failed = 0;
	return err;
}

int db_rollback(struct db *db)
{
	db->inside = false;
	db->failed = 0;
	return db->ops->rollback(db->conn);
}

int db_failed(const struct db *db)
{
	return db->failed;
}

/* ---- statements ---- */

static size_t slot(const char *sql)
{
	/* Fibonacci hashing: constants lie close together. */
	return (size_t)(((uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15)) >> 56) & (KEPT_SLOTS - 1);
}

static int prepare(struct db *db, const char *sql, bool kept, struct db_stmt **out)
{
	struct tc_stmt *stmt;
	struct db_stmt *s;
	int err;

	if (db->failed)
		return db->failed;
	err = db->ops->prepare(db->conn, sql, &stmt);
	if (err)
		return complain(db, sql, err);
	s = tc_alloc(sizeof(*s));
	s->db = db;
	s->stmt = stmt;
	s->sql = sql;
	s->kept = kept;
	if (kept) {
		s->next = db->kept[slot(sql)];
		db->kept[slot(sql)] = s;
	}
	*out = s;
	return 0;
}

/*
 * A kept statement whose rows are still being read is not taken away from its reader: a second one
 * is made.
 */
static int find(struct db *db, const char *sql, struct db_stmt **out)
{
	struct db_stmt *s = db->kept[slot(sql)];

	while (s && s->sql != sql)
		s = s->next;
	if (!s || s->busy)
		return prepare(db, sql, !s, out);
	*out = s;
	return 0;
}

static int start(struct db_stmt *s, const struct tc_value *params, size_t n)
{
	struct db *db = s->db;
	int err = db->failed;

	if (!err)
		err = complain(db, s->sql, db->ops->execute(s->stmt, params, n));
	s->busy = true;
	if (err)
		db_done(s);
	return err;
}

void db_done(struct db_stmt *s)
{
	struct db *db;

	if (!s)
		return;
	db = s->db;
	db->ops->reset(s->stmt);
	s->busy = false;
	if (s->kept)
		return;
	db->ops->finish(s->stmt);
	free(s);
}

int db_query(struct db *db, const char *sql, const struct tc_value *params, size_t n,
	     struct db_stmt **out)
{
	struct db_stmt *s;
	int err = find(db, sql, &s);

	if (!err)
		err = start(s, params, n);
	*out = err ? NULL : s;
	return err;
}

int db_query_text(struct db *db, const char *sql, const struct tc_value *params, size_t n,
		  struct db_stmt **out)
{
	struct db_stmt *s;
	int err = prepare(db, sql, false, &s);

	if (!err)
		err = start(s, params, n);
	*out = err ? NULL : s;
	if (!err)
		s->sql = "(list)"; /* the caller's text need not live on */
	return err;
}

int db_next(struct db_stmt *s, struct tc_value *row, size_t n)
{
	int err = s->db->failed;

	if (err)
		return err;
	err = s->db->ops->next(s->stmt, row, n);
	return err < 0 ? complain(s->db, s->sql, err) : err;
}

int db_run(struct db *db, const char *sql, const struct tc_value *params, size_t n)
{
	struct db_stmt *s;
	int err = db_query(db, sql, params, n, &s);

	db_done(s);
	return err;
}

int db_exec_text(struct db *db, const char *sql)
{
	struct db_stmt *s;
	int err = db_query_text(db, sql, NULL, 0, &s);

	db_done(s);
	return err;
}
