/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Columns for people; see table.h.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#define GAP 2

static void push(struct table *t, enum format_tone tone, char *clean)
{
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->cells = reallocarray(t->cells, t->room, sizeof(*t->cells));
		if (!t->cells)
			abort();
	}
	t->cells[t->n++] = (struct table_cell){.text = clean, .tone = tone};
}

void table_init(struct table *t, const char *const *titles)
{
	*t = (struct table){0};
	for (; titles[t->columns] && t->columns < TABLE_COLUMNS_MAX; t->columns++)
		push(t, TONE_TITLE, format_clean(titles[t->columns]));
}

void table_add(struct table *t, enum format_tone tone, char *text)
{
	push(t, tone, format_clean(text));
	free(text);
}

/* A member as it reads: texts, numbers, yes and no. */
static char *member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (json_is_boolean(value))
		return format_text("%s", json_is_true(value) ? "yes" : "no");
	if (json_is_integer(value))
		return format_text("%lld", (long long)json_integer_value(value));
	if (json_is_real(value))
		return format_text("%g", json_real_value(value));
	return format_member(object, name);
}

void table_add_member(struct table *t, enum format_tone tone, const json_t *object,
		      const char *name)
{
	push(t, tone, member(object, name));
}

void table_add_state(struct table *t, const json_t *object, const char *name)
{
	char *text = member(object, name);

	push(t, format_tone_of(text), text);
}

/* columns: those of the table, without the empty ones at the end of this row. */
static void print_row(unsigned columns, const struct cli *cli, const struct table_cell *row,
		      const size_t *widths)
{
	size_t at = 0;

	while (columns > 1 && !*row[columns - 1].text)
		columns--;
	for (unsigned c = 0; c < columns; c++) {
		bool last = c + 1 == columns;
		char *text = last && cli->width > at ? format_cut(row[c].text, cli->width - at)
						     : format_text("%s", row[c].text);
		size_t pad = last ? 0 : widths[c] + GAP - format_width(text);

		format_put(cli, row[c].tone, text);
		printf("%*s", (int)pad, "");
		at += widths[c] + GAP;
		free(text);
	}
	putchar('\n');
}

void table_print(struct table *t, const struct cli *cli, const char *nothing)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0}, width;

	for (size_t i = 0; i < t->n; i++) {
		width = format_width(t->cells[i].text);
		if (width > widths[i % t->columns])
			widths[i % t->columns] = width;
	}
	if (t->n <= t->columns)
		puts(nothing);
	else
		for (size_t i = 0; i + t->columns <= t->n; i += t->columns)
			print_row(t->columns, cli, t->cells + i, widths);
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i].text);
	free(t->cells);
}
