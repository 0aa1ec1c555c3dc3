/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Option tables for people: the nearest name, ranges in words, --describe. The JSON Schema is in
 * option_schema.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/binder.h"
#include "host/config.h"
#include "host/quantity.h"

const struct tc_option *option_find(const struct tc_option *table, const char *name)
{
	for (; table->name; table++) {
		if (!strcmp(table->name, name))
			return table;
	}
	return NULL;
}

/* ---- the nearest name ---- */

/*
 * Edits (insert, delete, change, swap neighbours) from a to b; names that are too long are far
 * apart.
 *
 * source  optimal string alignment distance, as in Damerau 1964
 */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][OPTION_NAME_SIZE], la = strlen(a), lb = strlen(b);
	size_t *before = rows[0], *last = rows[1], *row = rows[2], *spare;

	if (la >= OPTION_NAME_SIZE || lb >= OPTION_NAME_SIZE)
		return OPTION_NAME_SIZE;
	memset(rows, 0, sizeof(rows));
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		spare = before;
		before = last;
		last = row;
		row = spare;
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

/* Keep candidate if it is nearer to name than all before it. */
static void nearer(const char *candidate, const char *name, const char **best, size_t *least)
{
	size_t d = distance(candidate, name);

	if (d < *least) {
		*least = d;
		*best = candidate;
	}
}

/* So many edits make another word. */
static size_t too_far(const char *name)
{
	size_t len = strlen(name);

	return len < 4 ? 2 : len < 8 ? 3 : 4;
}

const char *option_nearest(const struct tc_option *table, const char *name)
{
	size_t least = too_far(name);
	const char *best = NULL;

	for (; table->name; table++)
		nearer(table->name, name, &best, &least);
	return best;
}

const char *option_suggest(char buf[OPTION_NAME_SIZE], const struct tc_option *table,
			   const char *const *skip, bool forms, const char *name)
{
	static const char *const suffixes[] = {"", "_file", "_env"};
	size_t least = too_far(name);
	const char *best = NULL;

	*buf = '\0';
	for (; table->name; table++) {
		for (size_t i = 0; i < (forms && table->type == TC_SECRET ? 3 : 1); i++) {
			char form[OPTION_NAME_SIZE];
			size_t before = least;

			snprintf(form, sizeof(form), "%s%s", table->name, suffixes[i]);
			nearer(form, name, &best, &least);
			if (least < before)
				tc_strcopy(buf, OPTION_NAME_SIZE, form);
		}
	}
	for (; skip && *skip; skip++) {
		size_t before = least;

		nearer(*skip, name, &best, &least);
		if (least < before)
			tc_strcopy(buf, OPTION_NAME_SIZE, *skip);
	}
	return buf;
}

/* ---- in words ---- */

const char *option_type_text(const struct tc_option *o)
{
	static const char *const names[] = {
		[TC_STRING] = "text",	  [TC_SECRET] = "secret",     [TC_BOOL] = "true|false",
		[TC_INT] = "number",	  [TC_DOUBLE] = "decimal",    [TC_DURATION] = "duration",
		[TC_SIZE] = "size",	  [TC_ENUM] = "choice",	      [TC_STRINGS] = "texts",
		[TC_MAP] = "map",	  [TC_OBJECT] = "object",     [TC_LIST] = "list",
		[TC_JSON] = "any",
	};

	return names[o->type];
}

static const char *number_text(char buf[QUANTITY_SIZE], const struct tc_option *o, int64_t n)
{
	if (o->type == TC_DURATION && n >= 0)
		return quantity_format_duration(buf, n);
	if (o->type == TC_SIZE && n >= 0)
		return quantity_format_size(buf, n);
	snprintf(buf, QUANTITY_SIZE, "%" PRId64, n);
	return buf;
}

/* Whether the range is that of a length or a count. */
static bool has_size(const struct tc_option *o)
{
	return o->type == TC_STRING || o->type == TC_SECRET || o->type == TC_STRINGS ||
	       o->type == TC_MAP || o->type == TC_LIST;
}

static const char *unit_text(const struct tc_option *o)
{
	if (o->type == TC_STRING || o->type == TC_SECRET)
		return "bytes";
	return has_size(o) ? "entries" : o->unit ? o->unit : "";
}

const char *option_range_text(char buf[OPTION_RANGE_SIZE], const struct tc_option *o)
{
	const char *unit = unit_text(o), *space = *unit ? " " : "";
	char min[QUANTITY_SIZE], max[QUANTITY_SIZE];

	*buf = '\0';
	number_text(min, o, o->min);
	number_text(max, o, o->max);
	if (o->min == 0 && o->max == 0)
		return buf;
	if (o->max == 0 && o->min > 0)
		snprintf(buf, OPTION_RANGE_SIZE, "at least %s%s%s", min, space, unit);
	else if (o->min == 0 && has_size(o))
		snprintf(buf, OPTION_RANGE_SIZE, "at most %s%s%s", max, space, unit);
	else if (o->min == o->max)
		snprintf(buf, OPTION_RANGE_SIZE, "exactly %s%s%s", min, space, unit);
	else
		snprintf(buf, OPTION_RANGE_SIZE, "%s to %s%s%s", min, max, space, unit);
	return buf;
}

/* ---- --describe ---- */

#define INDENT 2

static size_t widest_name(const struct tc_option *table, size_t indent)
{
	size_t widest = 0;

	for (; table->name; table++) {
		size_t own = strlen(table->name) + indent;
		size_t inner = table->sub ? widest_name(table->sub, indent + INDENT) : 0;

		if (own > widest)
			widest = own;
		if (inner > widest)
			widest = inner;
	}
	return widest;
}

/* Default, range, choices, and what else is to be known, separated by commas. */
static void describe_facts(const struct tc_option *o, struct tc_buf *out)
{
	char range[OPTION_RANGE_SIZE];

	if (o->flags & TC_REQUIRED)
		tc_buf_puts(out, ", required");
	if (o->def)
		tc_buf_printf(out, o->type == TC_STRING ? ", default \"%s\"" : ", default %s",
			      o->def);
	for (size_t i = 0; o->choices && o->choices[i]; i++)
		tc_buf_printf(out, "%s%s", i ? "|" : ", one of ", o->choices[i]);
	if (*option_range_text(range, o))
		tc_buf_printf(out, ", %s", range);
	else if (o->unit)
		tc_buf_printf(out, ", in %s", o->unit);
	if (o->type == TC_SECRET)
		tc_buf_printf(out, " (or %s_file, %s_env)", o->name, o->name);
	if (o->flags & TC_RELOAD)
		tc_buf_puts(out, ", reloadable");
}

static void describe(const struct tc_option *table, FILE *file, int indent, int width)
{
	for (; table->name; table++) {
		struct tc_buf facts = {0};

		describe_facts(table, &facts);
		fprintf(file, "%*s%-*s  %s%s\n", indent, "", width - indent, table->name,
			option_type_text(table), facts.data ? facts.data : "");
		if (table->help)
			fprintf(file, "%*s  %s\n", width, "", table->help);
		tc_buf_fini(&facts);
		if (table->sub)
			describe(table->sub, file, indent + INDENT, width);
	}
}

void option_describe(const struct tc_option *table, void *file)
{
	describe(table, file, 0, (int)widest_name(table, 0));
}
