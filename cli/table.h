/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Columns for people: a table is filled cell by cell and printed at its end.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "format.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct table_cell {
	char *text; /* owned */
	enum format_tone tone;
};

struct table {
	unsigned columns;
	struct table_cell *cells; /* owned; the first row is the titles */
	size_t n, room;
};

/* titles: NULL-terminated; all NULL-titled tables have one column at least. */
void table_init(struct table *t, const char *const *titles);
/* The next cell, by rows. text is taken; NULL is an empty cell. It is cleaned. */
void table_add(struct table *t, enum format_tone tone, char *text);
/* A member of a JSON object as the next cell. */
void table_add_member(struct table *t, enum format_tone tone, const json_t *object,
		      const char *name);
/* The same, coloured by what it says. */
void table_add_state(struct table *t, const json_t *object, const char *name);
/* Print and release; the last column is cut to a terminal. nothing: said if there are no rows. */
void table_print(struct table *t, const struct cli *cli, const char *nothing);

#endif
