/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transactions and statements on one SQLite connection, and what SQLite's errors mean. Connecting
 * is in sqlite.c.
 */
#include "sqlite.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

/* source: https://www.sqlite.org/rescode.html */
static int translate(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CONSTRAINT:
		if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
		    rc == SQLITE_CONSTRAINT_ROWID)
			return -EEXIST;
		return -EINVAL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EAGAIN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_READONLY: /* also: the file was moved away under us */
		return -EIO;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		return -EINVAL;
	}
}

/* SQLite's messages name tables, columns and words of the statement, never a bound value. */
int sqlite_result(struct tc_db *db, int rc)
{
	int err = translate(rc);
	const char *message = sqlite3_errmsg(db->handle);

	if (!err)
		return 0;
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		snprintf(db->text, sizeof(db->text), "the database %s is damaged: %s",
			 db->sqlite->path, message);
		break;
	case SQLITE_IOERR:
	case SQLITE_FULL:
	case SQLITE_READONLY:
		snprintf(db->text, sizeof(db->text), "%s: %s (%s, %d)", db->sqlite->path, message,
			 strerror(sqlite3_system_errno(db->handle)), rc);
		break;
	default:
		snprintf(db->text, sizeof(db->text), "%s", message);
	}
	if (err == -EIO || err == -ENOSPC)
		atomic_store(&db->sqlite->fault, err);
	return err;
}

/* ---- transactions ---- */

static int run_once(struct tc_db *db, sqlite3_stmt **kept, const char *sql)
{
	int rc = SQLITE_OK;

	if (!*kept)
		rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, kept, NULL);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(*kept);
		if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
			int err = sqlite_result(db, rc);

			sqlite3_reset(*kept);
			return err;
		}
		rc = sqlite3_reset(*kept);
	}
	return sqlite_result(db, rc);
}

int sqlite_begin(struct tc_db *db, bool write)
{
	return write ? run_once(db, &db->begin_write, "BEGIN IMMEDIATE")
		     : run_once(db, &db->begin_read, "BEGIN");
}

int sqlite_rollback(struct tc_db *db)
{
	/* A full disk, an I/O error and others end the transaction by themselves. */
	if (sqlite3_get_autocommit(db->handle))
		return 0;
	return run_once(db, &db->rollback, "ROLLBACK");
}

int sqlite_commit(struct tc_db *db)
{
	int err;

	if (sqlite3_get_autocommit(db->handle)) {
		snprintf(db->text, sizeof(db->text),
			 "the transaction was ended by an earlier error");
		return -EIO;
	}
	err = run_once(db, &db->commit, "COMMIT");
	if (!err) {
		atomic_store(&db->sqlite->fault, 0);
		return 0;
	}
	/*
	 * A COMMIT that found the database busy leaves the transaction open. The text stays the
	 * COMMIT's.
	 */
	if (!sqlite3_get_autocommit(db->handle)) {
		char text[sizeof(db->text)];

		memcpy(text, db->text, sizeof(text));
		sqlite_rollback(db);
		memcpy(db->text, text, sizeof(text));
	}
	return err;
}

/* ---- statements ---- */

int sqlite_prepare(struct tc_db *db, const char *sql, struct tc_stmt **stmt)
{
	sqlite3_stmt *handle;
	const char *tail;
	struct tc_stmt *s;
	int rc;

	rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, &tail);
	if (rc != SQLITE_OK)
		return sqlite_result(db, rc);
	tail += strspn(tail, " \t\r\n;");
	if (!handle || *tail) {
		sqlite3_finalize(handle);
		snprintf(db->text, sizeof(db->text), "%s",
			 handle ? "more than one statement" : "no statement");
		return -EINVAL;
	}
	s = tc_alloc(sizeof(*s));
	s->db = db;
	s->stmt = handle;
	LIST_INSERT_HEAD(&db->stmts, s, link);
	*stmt = s;
	return 0;
}

void sqlite_finish(struct tc_stmt *stmt)
{
	if (!stmt)
		return;
	LIST_REMOVE(stmt, link);
	sqlite3_finalize(stmt->stmt);
	free(stmt);
}

static int bind(sqlite3_stmt *stmt, int i, const struct tc_value *v, sqlite3_destructor_type life)
{
	switch (v->type) {
	case TC_V_NULL:
		return sqlite3_bind_null(stmt, i);
	case TC_V_INT:
		return sqlite3_bind_int64(stmt, i, v->i);
	case TC_V_TEXT:
		return sqlite3_bind_text64(stmt, i, v->s ? v->s : "", v->len, life, SQLITE_UTF8);
	case TC_V_BLOB:
		if (!v->len) /* a NULL pointer would make it NULL */
			return sqlite3_bind_zeroblob(stmt, i, 0);
		return sqlite3_bind_blob64(stmt, i, v->s, v->len, life);
	}
	return SQLITE_MISUSE;
}

/* After a failure: the statement can be used again, and keeps none of the values. */
static int give_up(struct tc_stmt *stmt, int rc)
{
	int err = sqlite_result(stmt->db, rc);

	sqlite_reset(stmt);
	return err;
}

int sqlite_execute(struct tc_stmt *stmt, const struct tc_value *params, size_t n)
{
	sqlite3_stmt *handle = stmt->stmt;
	bool rows = sqlite3_column_count(handle) > 0;
	int rc;

	sqlite_reset(stmt);
	if (n != (size_t)sqlite3_bind_parameter_count(handle)) {
		snprintf(stmt->db->text, sizeof(stmt->db->text), "%zu parameters given, %d wanted",
			 n, sqlite3_bind_parameter_count(handle));
		return -EINVAL;
	}
	/* Without rows the values are used up before we return, and need no copy. */
	for (size_t i = 0; i < n; i++) {
		rc = bind(handle, (int)i + 1, &params[i], rows ? SQLITE_TRANSIENT : SQLITE_STATIC);
		if (rc != SQLITE_OK)
			return give_up(stmt, rc);
	}
	rc = sqlite3_step(handle);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return give_up(stmt, rc);
	stmt->fetch = rc == SQLITE_ROW ? FETCH_READY : FETCH_END;
	if (!rows)
		sqlite_reset(stmt);
	return 0;
}

static void column(sqlite3_stmt *stmt, int i, struct tc_value *v)
{
	*v = (struct tc_value){0};
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_NULL:
		v->type = TC_V_NULL;
		break;
	case SQLITE_INTEGER:
	case SQLITE_FLOAT:
		v->type = TC_V_INT;
		v->i = sqlite3_column_int64(stmt, i);
		break;
	case SQLITE_BLOB:
		v->type = TC_V_BLOB;
		v->s = sqlite3_column_blob(stmt, i);
		v->len = (size_t)sqlite3_column_bytes(stmt, i);
		if (!v->s)
			v->s = "";
		break;
	default:
		v->type = TC_V_TEXT;
		v->s = (const char *)sqlite3_column_text(stmt, i);
		v->len = (size_t)sqlite3_column_bytes(stmt, i);
	}
}

int sqlite_next(struct tc_stmt *stmt, struct tc_value *row, size_t n)
{
	if (n > (size_t)sqlite3_column_count(stmt->stmt)) {
		snprintf(stmt->db->text, sizeof(stmt->db->text), "%zu columns wanted, %d there", n,
			 sqlite3_column_count(stmt->stmt));
		return -EINVAL;
	}
	/* The first row was fetched by execute(), so that its errors come there. */
	if (stmt->fetch == FETCH_STEP) {
		int rc = sqlite3_step(stmt->stmt);

		if (rc != SQLITE_ROW && rc != SQLITE_DONE)
			return give_up(stmt, rc);
		stmt->fetch = rc == SQLITE_ROW ? FETCH_READY : FETCH_END;
	}
	/* Stepping a statement behind its end would begin it anew. */
	if (stmt->fetch == FETCH_END)
		return 0;
	for (size_t i = 0; i < n; i++)
		column(stmt->stmt, (int)i, &row[i]);
	stmt->fetch = FETCH_STEP;
	return 1;
}

void sqlite_reset(struct tc_stmt *stmt)
{
	sqlite3_reset(stmt->stmt);
	sqlite3_clear_bindings(stmt->stmt);
	stmt->fetch = FETCH_END;
}
