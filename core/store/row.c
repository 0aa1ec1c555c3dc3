/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values out of rows, and queries of lists with filters, for the repositories. Values never become
 * part of the text of a statement.
 */
#include "store/row.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 32

char *row_text(const struct tc_value *v)
{
	return v->type == TC_V_NULL ? NULL : tc_strndup(v->s ? v->s : "", v->len);
}

char *row_text_or_empty(const struct tc_value *v)
{
	return v->type == TC_V_NULL ? tc_strdup("") : row_text(v);
}

void row_id(const struct tc_value *v, char id[TC_ID_SIZE])
{
	size_t len = v->type == TC_V_NULL ? 0 : v->len;

	if (len > TC_ID_SIZE - 1)
		len = TC_ID_SIZE - 1;
	if (len)
		memcpy(id, v->s, len);
	id[len] = '\0';
}

int row_get(struct db *db, const char *sql, const struct tc_value *params, size_t n, size_t columns,
	    void (*read)(const struct tc_value *row, void *out), void *out)
{
	struct tc_value row[COLUMNS];
	struct db_stmt *stmt;
	int err;

	assert(columns <= COLUMNS);
	err = db_query(db, sql, params, n, &stmt);
	if (err)
		return err;
	err = db_next(stmt, row, columns);
	if (err == 1)
		read(row, out);
	db_done(stmt);
	return err;
}

struct number {
	bool there;
	int64_t value;
};

static void read_number(const struct tc_value *row, void *out)
{
	struct number *number = out;

	number->there = row->type == TC_V_INT;
	number->value = row->i;
}

int row_get_int(struct db *db, const char *sql, const struct tc_value *params, size_t n,
		int64_t *value)
{
	struct number number = {0};
	int err = row_get(db, sql, params, n, 1, read_number, &number);

	if (err < 0 || !number.there)
		return err < 0 ? err : 0;
	*value = number.value;
	return 1;
}

int row_version(struct db *db, const char *sql, const struct tc_value *params, size_t n,
		int64_t wanted, int64_t *version)
{
	int err = row_get_int(db, sql, params, n, version);

	if (err < 0)
		return err;
	if (!err)
		return -ENOENT;
	return wanted && *version != wanted ? -ESTALE : 0;
}

/* ---- lists ---- */

void listing_init(struct listing *list, const char *select)
{
	*list = (struct listing){0};
	tc_buf_puts(&list->sql, select);
}

static void where(struct listing *list, const char *condition, struct tc_value value)
{
	assert(list->n < LIST_PARAMS);
	tc_buf_puts(&list->sql, list->n ? " AND " : " WHERE ");
	tc_buf_puts(&list->sql, condition);
	list->params[list->n++] = value;
}

void listing_where_text(struct listing *list, const char *condition, const char *value)
{
	if (value)
		where(list, condition, DB_TEXT(value));
}

void listing_where_int(struct listing *list, const char *condition, int64_t value)
{
	if (value)
		where(list, condition, DB_INT(value));
}

void listing_contains(struct listing *list, const char *column, const char *other, const char *q)
{
	struct tc_buf pattern = {0};

	if (!q)
		return;
	/* The escape is not a backslash: databases do not agree on what that is in a literal. */
	tc_buf_puts(&pattern, "%");
	for (; *q; q++) {
		if (strchr("%_!", *q))
			tc_buf_puts(&pattern, "!");
		tc_buf_add(&pattern, q, 1);
	}
	tc_buf_puts(&pattern, "%");
	assert(!list->pattern && list->n + 2 <= LIST_PARAMS);
	list->pattern = tc_buf_take(&pattern);
	tc_buf_printf(
		&list->sql,
		"%s(LOWER(%s) LIKE LOWER(?) ESCAPE '!' OR LOWER(%s) LIKE LOWER(?) ESCAPE '!')",
		list->n ? " AND " : " WHERE ", column, other);
	list->params[list->n++] = DB_TEXT(list->pattern);
	list->params[list->n++] = DB_TEXT(list->pattern);
}

static int each(struct db_stmt *stmt, size_t columns,
		int (*read)(const struct tc_value *row, void *arg), void *arg)
{
	struct tc_value row[COLUMNS];
	int err;

	assert(columns <= COLUMNS);
	while ((err = db_next(stmt, row, columns)) == 1) {
		err = read(row, arg);
		if (err)
			break;
	}
	db_done(stmt);
	return err < 0 ? err : 0;
}

int listing_run(struct listing *list, struct db *db, const char *order, int limit, size_t columns,
	     int (*read)(const struct tc_value *row, void *arg), void *arg)
{
	struct db_stmt *stmt;
	int err;

	if (limit < 1)
		limit = 1;
	if (limit > 500)
		limit = 500;
	assert(list->n < LIST_PARAMS);
	tc_buf_printf(&list->sql, " ORDER BY %s LIMIT ?", order);
	list->params[list->n++] = DB_INT(limit);
	err = db_query_text(db, list->sql.data, list->params, list->n, &stmt);
	return err ? err : each(stmt, columns, read, arg);
}

void listing_fini(struct listing *list)
{
	tc_buf_fini(&list->sql);
	free(list->pattern);
	list->pattern = NULL;
}

int rows_each(struct db *db, const char *sql, const struct tc_value *params, size_t n,
	      size_t columns, int (*read)(const struct tc_value *row, void *arg), void *arg)
{
	struct db_stmt *stmt;
	int err = db_query(db, sql, params, n, &stmt);

	return err ? err : each(stmt, columns, read, arg);
}
