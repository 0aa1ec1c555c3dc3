/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Documents of people in the store: the statements on their table. What stands in a document is not
 * looked at here.
 */
#include "store/document_repo.h"

#include <stdlib.h>

#include <tocsin/alloc.h>

#include "store/row.h"

#define COLUMNS      "id, kind, name, body, version, created_us, updated_us"
#define COLUMN_COUNT 7

void document_row_fini(struct document_row *row)
{
	free((void *)row->kind);
	free((void *)row->name);
	free((void *)row->body);
	*row = (struct document_row){0};
}

void document_row_copy(struct document_row *to, const struct document_row *from)
{
	*to = *from;
	to->kind = tc_strdup(from->kind);
	to->name = tc_strdup(from->name);
	to->body = tc_strdup(from->body);
}

static void row_read(const struct tc_value *v, void *out)
{
	struct document_row *row = out;

	*row = (struct document_row){
		.kind = row_text_or_empty(&v[1]),
		.name = row_text_or_empty(&v[2]),
		.body = row_text_or_empty(&v[3]),
		.version = v[4].i,
		.created_us = v[5].i,
		.updated_us = v[6].i,
	};
	row_id(&v[0], row->id);
}

/* ---- changes ---- */

int document_insert(struct db *db, const struct document_row *row)
{
	const struct tc_value params[COLUMN_COUNT] = {
		DB_TEXT(row->id),        DB_TEXT(row->kind),   DB_TEXT(row->name),
		DB_TEXT(row->body),      DB_INT(row->version), DB_INT(row->created_us),
		DB_INT(row->updated_us),
	};

	return db_run(db, "INSERT INTO documents (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?)",
		      params, COLUMN_COUNT);
}

static int check_version(struct db *db, const char *kind, const char *id, int64_t wanted,
			 int64_t *version)
{
	const struct tc_value params[] = {DB_TEXT(id), DB_TEXT(kind)};

	return row_version(db, "SELECT version FROM documents WHERE id = ? AND kind = ?", params, 2,
			   wanted, version);
}

int document_update(struct db *db, struct document_row *row, int64_t version)
{
	int64_t now = 0;
	int err = check_version(db, row->kind, row->id, version, &now);
	const struct tc_value params[] = {
		DB_TEXT(row->name),      DB_TEXT(row->body), DB_INT(now + 1),
		DB_INT(row->updated_us), DB_TEXT(row->id),   DB_INT(now),
	};

	if (!err)
		err = db_run(db,
			     "UPDATE documents SET name = ?, body = ?, version = ?, updated_us = ? "
			     "WHERE id = ? AND version = ?",
			     params, sizeof(params) / sizeof(params[0]));
	if (err)
		return err;
	row->version = now + 1;
	return db_changes(db) ? 0 : -ESTALE; /* another node was quicker */
}

int document_delete(struct db *db, const char *kind, const char *id, int64_t version)
{
	int64_t now = 0;
	int err = check_version(db, kind, id, version, &now);
	const struct tc_value params[] = {DB_TEXT(id), DB_INT(now)};

	if (!err)
		err = db_run(db, "DELETE FROM documents WHERE id = ? AND version = ?", params, 2);
	if (err)
		return err;
	return db_changes(db) ? 0 : -ESTALE;
}

/* ---- reading ---- */

int document_get(struct db *db, const char *kind, const char *id, struct document_row *row)
{
	const struct tc_value params[] = {DB_TEXT(id), DB_TEXT(kind)};

	return row_get(db, "SELECT " COLUMNS " FROM documents WHERE id = ? AND kind = ?", params, 2,
		       COLUMN_COUNT, row_read, row);
}

struct reader {
	int (*fn)(const struct document_row *row, void *arg);
	void *arg;
};

static int hand_over(const struct tc_value *v, void *arg)
{
	struct reader *reader = arg;
	struct document_row row;
	int stop;

	row_read(v, &row);
	stop = reader->fn(&row, reader->arg);
	document_row_fini(&row);
	return stop;
}

int document_list(struct db *db, const char *kind,
		  int (*fn)(const struct document_row *row, void *arg), void *arg)
{
	const struct tc_value params[] = {DB_TEXT(kind)};
	struct reader reader = {fn, arg};

	return rows_each(db, "SELECT " COLUMNS " FROM documents WHERE kind = ? ORDER BY name",
			 params, 1, COLUMN_COUNT, hand_over, &reader);
}
