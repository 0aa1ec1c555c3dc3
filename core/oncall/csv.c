/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CSV as RFC 4180 has it, and as spreadsheets write it.
 */
#include "oncall/csv.h"

#include <errno.h>
#include <string.h>

#include <tocsin/utf8.h>

#define BOM "\xef\xbb\xbf"

/* ---- reading ---- */

static bool is_end(char c)
{
	return c == '\n' || c == '\r';
}

void csv_init(struct csv *csv, const char *text, size_t len)
{
	size_t commas = 0, semicolons = 0;
	bool quoted = false;

	*csv = (struct csv){.at = text, .end = text + len, .line = 1};
	if (len >= strlen(BOM) && !memcmp(text, BOM, strlen(BOM)))
		csv->at += strlen(BOM);
	for (const char *s = csv->at; s < csv->end && (quoted || !is_end(*s)); s++) {
		quoted ^= *s == '"';
		commas += !quoted && *s == ',';
		semicolons += !quoted && *s == ';';
	}
	csv->separator = semicolons > commas ? ';' : ',';
}

/* The end of a line: LF, CR LF or CR. */
static void pass_end(struct csv *csv)
{
	if (csv->at == csv->end)
		return;
	if (*csv->at == '\r' && csv->at + 1 < csv->end && csv->at[1] == '\n')
		csv->at++;
	csv->at++;
	csv->line++;
}

static void pass_line(struct csv *csv)
{
	while (csv->at < csv->end && !is_end(*csv->at))
		csv->at++;
	pass_end(csv);
}

/* From behind the opening quote to behind the closing one; false: there is none. */
static bool read_quoted(struct csv *csv, struct csv_row *row)
{
	for (; csv->at < csv->end; csv->at++) {
		if (*csv->at == '"') {
			if (csv->at + 1 == csv->end || csv->at[1] != '"') {
				csv->at++;
				return true;
			}
			csv->at++;
		} else if (*csv->at == '\n' ||
			   (*csv->at == '\r' && (csv->at + 1 == csv->end || csv->at[1] != '\n'))) {
			csv->line++;
		}
		tc_buf_add(&row->text, csv->at, 1);
	}
	return false;
}

static bool at_cell_end(const struct csv *csv)
{
	return csv->at == csv->end || *csv->at == csv->separator || is_end(*csv->at);
}

/* NULL, or the fault. */
static const char *read_cell(struct csv *csv, struct csv_row *row)
{
	const char *from = csv->at;

	if (row->n == CSV_COLUMNS_MAX)
		return "has too many columns";
	row->start[row->n++] = row->text.len;
	if (csv->at < csv->end && *csv->at == '"') {
		csv->at++;
		if (!read_quoted(csv, row))
			return "a quotation has no end";
		if (!at_cell_end(csv))
			return "there is something between the end of a quotation and the next "
			       "separator";
	} else {
		while (!at_cell_end(csv))
			csv->at++;
		tc_buf_add(&row->text, from, (size_t)(csv->at - from));
	}
	tc_buf_add(&row->text, "", 1);
	return NULL;
}

static const char *read_row(struct csv *csv, struct csv_row *row)
{
	const char *fault;

	row->n = 0;
	row->text.len = 0;
	row->line = csv->line;
	for (;;) {
		fault = read_cell(csv, row);
		if (fault || csv->at == csv->end || *csv->at != csv->separator)
			return fault;
		csv->at++;
	}
}

static bool is_text(const struct csv_row *row)
{
	uint32_t code;
	size_t n;

	for (size_t at = 0; at < row->text.len; at += n) {
		n = tc_utf8_decode(row->text.data + at, &code);
		if (!n)
			return false;
	}
	return true;
}

/* A NUL within a cell would cut it. */
static bool has_nul(const struct csv_row *row)
{
	size_t cells = 0;

	for (size_t at = 0; at < row->text.len; at++)
		cells += !row->text.data[at];
	return cells != row->n;
}

static bool is_blank(const struct csv_row *row)
{
	return row->n == 1 && !csv_cell(row, 0)[strspn(csv_cell(row, 0), " \t")];
}

int csv_next(struct csv *csv, struct csv_row *row)
{
	do {
		if (csv->at == csv->end)
			return 0;
		row->fault = read_row(csv, row);
		if (row->fault) {
			pass_line(csv);
			return -EINVAL;
		}
		pass_end(csv);
		if (has_nul(row))
			row->fault = "has a NUL character";
		else if (!is_text(row))
			row->fault = "is not UTF-8: the file has to be saved as UTF-8";
		if (row->fault)
			return -EINVAL;
	} while (is_blank(row));
	return 1;
}

const char *csv_cell(const struct csv_row *row, size_t i)
{
	return row->text.data + row->start[i];
}

void csv_row_fini(struct csv_row *row)
{
	tc_buf_fini(&row->text);
}

/* ---- writing ---- */

void csv_put(struct tc_buf *out, const char *text)
{
	size_t len = strlen(text);
	bool plain =
		!text[strcspn(text, "\",;\r\n")] && *text != ' ' && (!len || text[len - 1] != ' ');

	if (plain) {
		tc_buf_puts(out, text);
		return;
	}
	tc_buf_puts(out, "\"");
	for (; *text; text++)
		tc_buf_add(out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
	tc_buf_puts(out, "\"");
}
