/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CSV file of contacts: its columns and cells, the report, and the writing of one. What the rows
 * mean for the contacts that there are is contact_csv_plan.c's.
 */
#include "oncall/contact_csv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/text.h"
#include "oncall/contact_csv_rows.h"

#define FAULTS_MAX 1000 /* more are counted, not kept */
#define SHOWN      60   /* bytes of what is quoted in a fault */

static const struct {
	const char *name;
	enum contact_csv_column column;
} columns[] = {
	{"id", CSV_ID},
	{"name", CSV_NAME},
	{"numbers", CSV_NUMBERS},
	{"language", CSV_LANGUAGE},
	{"voice", CSV_VOICE},
	{"timezone", CSV_TIMEZONE},
	{"enabled", CSV_ENABLED},
	{"note", CSV_NOTE},
	{"pin", CSV_PIN},
	/* py-phone-caller's export (caller_address_book, export_csv) */
	{"surname", CSV_SURNAME},
	{"phone_number", CSV_NUMBERS},
	{"annotations", CSV_NOTE},
	{"address", CSV_IGNORED},
	{"zip_code", CSV_IGNORED},
	{"city", CSV_IGNORED},
	{"state", CSV_IGNORED},
	{"country", CSV_IGNORED},
	{"created_time", CSV_IGNORED},
	{"on_call_availability", CSV_IGNORED},
};

/* ---- faults ---- */

void contact_csv_fault(struct contact_csv *csv, unsigned line, const char *field, const char *fmt,
		       ...)
{
	struct contact_csv_fault *f;
	struct tc_buf text = {0};
	va_list ap;

	if (csv->n_faults == FAULTS_MAX) {
		csv->faults_unkept++;
		return;
	}
	if (csv->n_faults == csv->faults_room) {
		csv->faults_room = csv->faults_room ? 2 * csv->faults_room : 16;
		csv->faults = tc_realloc(csv->faults, csv->faults_room * sizeof(*csv->faults));
	}
	va_start(ap, fmt);
	tc_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	f = &csv->faults[csv->n_faults++];
	*f = (struct contact_csv_fault){line, tc_strdup(field), tc_buf_take(&text)};
}

size_t contact_csv_faults(const struct contact_csv *csv)
{
	return csv->n_faults + csv->faults_unkept;
}

bool contact_csv_broken(const struct contact_csv *csv)
{
	return csv->broken;
}

/* ---- taking a file apart ---- */

/* A copy without blanks around it. */
static char *trimmed(const char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	return tc_strndup(text, len);
}

static int column_of(const char *name)
{
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (!strcasecmp(columns[i].name, name))
			return (int)columns[i].column;
	return -1;
}

/* The columns of the first line; false after a fault that leaves nothing to be done. */
static bool read_header(struct contact_csv *csv, const struct csv_row *row,
			int which[CSV_COLUMNS_MAX])
{
	bool seen[CSV_COLUMNS] = {false};
	char shown[SHOWN];

	for (size_t i = 0; i < row->n; i++) {
		char *name = trimmed(csv_cell(row, i));

		which[i] = column_of(name);
		text_copy(shown, sizeof(shown), name);
		if (which[i] < 0)
			contact_csv_fault(csv, row->line, NULL,
					  "there is no column '%s': they are id, name, numbers, "
					  "language, voice, timezone, enabled, note, pin",
					  shown);
		else if (which[i] == CSV_IGNORED)
			json_array_append_new(csv->ignored, json_string(name));
		else if (seen[which[i]])
			contact_csv_fault(csv, row->line, NULL, "the column '%s' is there twice",
					  shown);
		if (which[i] >= 0 && which[i] < CSV_COLUMNS)
			seen[which[i]] = true;
		free(name);
	}
	if (!csv->n_faults && !seen[CSV_NAME] && !seen[CSV_ID])
		contact_csv_fault(csv, row->line, NULL,
				  "the first line has to name the columns, id or name among them");
	return !csv->n_faults;
}

static void add_row(struct contact_csv *csv, const struct csv_row *cells, const int *which)
{
	struct contact_csv_row *row;

	if (csv->n_rows == csv->rows_room) {
		csv->rows_room = csv->rows_room ? 2 * csv->rows_room : 64;
		csv->rows = tc_realloc(csv->rows, csv->rows_room * sizeof(*csv->rows));
	}
	row = &csv->rows[csv->n_rows++];
	*row = (struct contact_csv_row){.line = cells->line};
	for (size_t i = 0; i < cells->n; i++)
		if (which[i] != CSV_IGNORED)
			row->cells[which[i]] = trimmed(csv_cell(cells, i));
}

/* Spreadsheets leave empty cells behind the last one. */
static void cut_empty(struct csv_row *row, size_t n)
{
	while (row->n > n && !*csv_cell(row, row->n - 1))
		row->n--;
}

static void read_file(struct contact_csv *csv, size_t len)
{
	struct csv_row row = {0};
	int which[CSV_COLUMNS_MAX], more;
	struct csv reader;
	size_t n;

	csv_init(&reader, csv->text, len);
	more = csv_next(&reader, &row);
	if (more < 0)
		contact_csv_fault(csv, row.line, NULL, "%s", row.fault);
	else if (!more)
		contact_csv_fault(csv, 1, NULL, "the file is empty");
	csv->broken = more <= 0 || !read_header(csv, &row, which);
	n = row.n;
	while (!csv->broken && (more = csv_next(&reader, &row))) {
		if (more > 0)
			cut_empty(&row, n);
		if (more < 0)
			contact_csv_fault(csv, row.line, NULL, "%s", row.fault);
		else if (row.n != n)
			contact_csv_fault(csv, row.line, NULL,
					  "has %zu columns, and the first line has %zu", row.n, n);
		else
			add_row(csv, &row, which);
	}
	csv_row_fini(&row);
	csv->n_file_faults = csv->n_faults;
	csv->file_unkept = csv->faults_unkept;
}

struct contact_csv *contact_csv_new(char *text, size_t len, const struct zones *zones,
				    const char *country)
{
	struct contact_csv *csv = tc_alloc(sizeof(*csv));

	csv->text = text;
	csv->zones = zones;
	tc_strcopy(csv->country, sizeof(csv->country), country ? country : "");
	csv->ignored = json_array();
	read_file(csv, len);
	return csv;
}

void contact_csv_free(struct contact_csv *csv)
{
	if (!csv)
		return;
	contact_csv_begin(csv);
	for (size_t i = 0; i < csv->n_rows; i++)
		for (size_t k = 0; k < CSV_COLUMNS; k++)
			free(csv->rows[i].cells[k]);
	for (size_t i = 0; i < csv->n_faults; i++) {
		free(csv->faults[i].field);
		free(csv->faults[i].text);
	}
	json_decref(csv->ignored);
	free(csv->rows);
	free(csv->faults);
	free(csv->known);
	free(csv->changes);
	free(csv->text);
	free(csv);
}

/* ---- the report ---- */

static int by_line(const void *a, const void *b)
{
	const struct contact_csv_fault *const *fault_a = a, *const *fault_b = b;

	if ((*fault_a)->line != (*fault_b)->line)
		return (*fault_a)->line < (*fault_b)->line ? -1 : 1;
	return *fault_a < *fault_b ? -1 : *fault_a > *fault_b;
}

static json_t *faults_shape(const struct contact_csv *csv)
{
	const struct contact_csv_fault **order = tc_calloc(csv->n_faults + 1, sizeof(*order));
	json_t *all = json_array();

	for (size_t i = 0; i < csv->n_faults; i++)
		order[i] = &csv->faults[i];
	qsort(order, csv->n_faults, sizeof(*order), by_line);
	for (size_t i = 0; i < csv->n_faults; i++)
		json_array_append_new(all,
				      json_pack("{s:i, s:s?, s:s}", "line", (int)order[i]->line,
						"field", order[i]->field, "text", order[i]->text));
	if (csv->faults_unkept)
		json_array_append_new(
			all, json_pack("{s:n, s:n, s:o}", "line", "field", "text",
				       json_sprintf("and %zu more faults", csv->faults_unkept)));
	free(order);
	return all;
}

void contact_csv_count(const struct contact_csv *csv, size_t *added, size_t *changed)
{
	*added = csv->added;
	*changed = csv->changed;
}

json_t *contact_csv_report(const struct contact_csv *csv, bool done)
{
	return json_pack("{s:i, s:i, s:i, s:o, s:O}", "added", done ? (int)csv->added : 0,
			 "changed", done ? (int)csv->changed : 0, "unchanged",
			 done ? (int)csv->unchanged : 0, "faults", faults_shape(csv), "ignored",
			 csv->ignored);
}

/* ---- writing ---- */

void contact_csv_put_header(struct tc_buf *out)
{
	tc_buf_puts(out, "id,name,numbers,language,voice,timezone,enabled,note\r\n");
}

/* "+4930123 call+sms; +4930124 sms" */
static char *numbers_cell(const char *text)
{
	json_t *all = json_loads(text, 0, NULL), *entry, *use;
	struct tc_buf out = {0};
	size_t i, k;

	tc_buf_puts(&out, "");
	json_array_foreach (all, i, entry) {
		const json_t *uses = json_object_get(entry, "use");
		const char *number = json_string_value(json_object_get(entry, "number"));

		tc_buf_printf(&out, "%s%s", i ? "; " : "", number ? number : "");
		json_array_foreach (uses, k, use)
			tc_buf_printf(&out, "%s%s", k ? "+" : " ", json_string_value(use));
	}
	json_decref(all);
	return tc_buf_take(&out);
}

void contact_csv_put(struct tc_buf *out, const struct contact_row *row)
{
	char *numbers = numbers_cell(row->numbers);
	const char *const cells[] = {row->id,
				     row->name,
				     numbers,
				     row->language,
				     row->voice,
				     row->timezone,
				     row->enabled ? "true" : "false",
				     row->note};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		if (i)
			tc_buf_puts(out, ",");
		csv_put(out, cells[i] ? cells[i] : "");
	}
	tc_buf_puts(out, "\r\n");
	free(numbers);
}
