/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CSV: reading rows of a text, and writing cells. What the columns mean is not known here.
 */
#ifndef CORE_ONCALL_CSV_H
#define CORE_ONCALL_CSV_H

#include <tocsin/alloc.h>

#define CSV_COLUMNS_MAX 64

/* A row; csv_row_fini() releases it. */
struct csv_row {
	unsigned line;                /* where it begins, from 1 */
	size_t n;                     /* cells */
	const char *fault;            /* why it could not be read, constant */
	size_t start[CSV_COLUMNS_MAX];
	struct tc_buf text;
};

struct csv {
	const char *at, *end;
	char separator;
	unsigned line;
};

/*
 * Begin. A byte order mark is passed over; the separator, "," or ";", is the one that there is more
 * of in the first line.
 *
 * text    borrowed
 * source  RFC 4180
 */
void csv_init(struct csv *csv, const char *text, size_t len);
/*
 * The next row that is not empty. Lines end with LF, CR LF or CR; quoted cells may have several.
 *
 * row     zeroed, or from the call before
 * result  1 | 0 there is none any more | -EINVAL row->fault says why; the next call goes on behind
 *         it, except when a quotation has no end
 */
int csv_next(struct csv *csv, struct csv_row *row);
/* A cell; it lives until the row is used again. i < row->n */
const char *csv_cell(const struct csv_row *row, size_t i);
void csv_row_fini(struct csv_row *row);

/* Append a cell, quoted if it has to be. */
void csv_put(struct tc_buf *out, const char *text);

#endif
