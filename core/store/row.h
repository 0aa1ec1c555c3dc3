/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the repositories share: values out of rows, and queries of lists with filters. Nothing that
 * knows a table.
 */
#ifndef CORE_STORE_ROW_H
#define CORE_STORE_ROW_H

#include <tocsin/alloc.h>

#include "store/db.h"

/* A text column: owned by the caller, NULL for SQL NULL. */
char *row_text(const struct tc_value *v);
/* A text column that the schema keeps from being NULL: never NULL; owned by the caller. */
char *row_text_or_empty(const struct tc_value *v);
/* An id column; "" for SQL NULL. */
void row_id(const struct tc_value *v, char id[TC_ID_SIZE]);

/*
 * The version of a row that is to be changed.
 *
 * sql     SELECT of it, a string constant
 * wanted  the one it must have; 0 = any
 * result  0 | -ENOENT there is no such row | -ESTALE it has another one
 */
int row_version(struct db *db, const char *sql, const struct tc_value *params, size_t n,
		int64_t wanted, int64_t *version);

/*
 * The first row of a query, read into out.
 *
 * sql      a string constant
 * columns  <= 32
 * read     makes out of the row; not called when there is none
 * result   1 found | 0 there is none | negative
 */
int row_get(struct db *db, const char *sql, const struct tc_value *params, size_t n, size_t columns,
	    void (*read)(const struct tc_value *row, void *out), void *out);
/* The same for a query of one number: 0 also for SQL NULL; value is written when it is 1. */
int row_get_int(struct db *db, const char *sql, const struct tc_value *params, size_t n,
		int64_t *value);

/* Most parameters that one list takes. */
#define LIST_PARAMS 16

/* A SELECT that grows by conditions. Zeroed is empty; listing_fini() releases it. */
struct listing {
	struct tc_buf sql;
	struct tc_value params[LIST_PARAMS];
	size_t n;
	char *pattern; /* owned, of listing_contains() */
};

/* Begin: select is all up to WHERE. */
void listing_init(struct listing *list, const char *select);
/*
 * condition with one "?", a constant; nothing is added for a NULL, or for 0. Values are borrowed
 * until listing_fini().
 */
void listing_where_text(struct listing *list, const char *condition, const char *value);
void listing_where_int(struct listing *list, const char *condition, int64_t value);
/* Either column contains q, without regard to case. */
void listing_contains(struct listing *list, const char *column, const char *other, const char *q);
/*
 * Run it, and hand each row to read, which returns 0 to go on.
 *
 * order    constant, "id DESC"
 * limit    1..500; anything else is taken as the nearest of these
 * columns  <= 32
 * result   0 all is read or read() stopped it | negative, of the database or of read()
 */
int listing_run(struct listing *list, struct db *db, const char *order, int limit, size_t columns,
	     int (*read)(const struct tc_value *row, void *arg), void *arg);
void listing_fini(struct listing *list);

/* Hand each row of a query to read: as listing_run(), without a limit, for a constant statement. */
int rows_each(struct db *db, const char *sql, const struct tc_value *params, size_t n,
	      size_t columns, int (*read)(const struct tc_value *row, void *arg), void *arg);

#endif
