/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CSV, and what files of contacts mean for those that there are. Storing them is
 * test_api_contacts_csv.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "oncall/contact_csv.h"
#include "oncall/csv.h"
#include "oncall/pin.h"
#include "oncall/zone.h"

#define ALICE "01890000-0000-7000-8000-000000000001"
#define BOB   "01890000-0000-7000-8000-000000000002"
#define OTHER "01890000-0000-7000-8000-000000000003"

/* ---- rows and cells ---- */

/* "line:cell|cell\n" for each row, "line!fault\n" for a bad one; owned. */
static char *rows_of(const char *text, size_t len)
{
	struct csv_row row = {0};
	struct tc_buf out = {0};
	struct csv csv;
	int more;

	tc_buf_puts(&out, "");
	csv_init(&csv, text, len);
	for (int i = 0; (more = csv_next(&csv, &row)) && i < 100; i++) {
		tc_buf_printf(&out, "%u%s", row.line, more > 0 ? ":" : "!");
		if (more < 0)
			tc_buf_puts(&out, row.fault);
		for (size_t k = 0; more > 0 && k < row.n; k++)
			tc_buf_printf(&out, "%s%s", k ? "|" : "", csv_cell(&row, k));
		tc_buf_puts(&out, "\n");
	}
	csv_row_fini(&row);
	return tc_buf_take(&out);
}

static void reads_what_spreadsheets_write(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", ""},
		{"\n\r\n \t\n", ""},
		{"a,b\nc,d\n", "1:a|b\n2:c|d\n"},
		{"a,b\r\nc,d", "1:a|b\n2:c|d\n"},
		{"a,b\rc,d\r", "1:a|b\n2:c|d\n"},
		{"\xef\xbb\xbf"
		 "a;b\nc;d,e\n",
		 "1:a|b\n2:c|d,e\n"},
		{"\"a,b\",c;d\n", "1:a,b|c;d\n"},
		{"\"a;b;c\",d\n", "1:a;b;c|d\n"},
		{"a,\"say \"\"hi\"\"\",\"\"\n", "1:a|say \"hi\"|\n"},
		{"a,\"two\nlines\"\n\nx,y\n", "1:a|two\nlines\n4:x|y\n"},
		{"a,\"two\r\nlines\"\r\nx,y\r\n", "1:a|two\r\nlines\n3:x|y\n"},
		{"a,b \"c\" d\n", "1:a|b \"c\" d\n"},
		{",\n,,\n", "1:|\n2:||\n"},
		{"a,\"b\"x,c\nd,e\n",
		 "1!there is something between the end of a quotation and the next separator\n"
		 "2:d|e\n"},
		{"a,\"b\nc,d\n", "1!a quotation has no end\n"},
		{"a,b\nc,\xff\n", "1:a|b\n2!is not UTF-8: the file has to be saved as UTF-8\n"},
		{"Äöß,Ω\n", "1:Äöß|Ω\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *got = rows_of(rows[i].text, strlen(rows[i].text));

		if (strcmp(got, rows[i].want) != 0)
			fail_msg("'%s' is '%s', not '%s'", rows[i].text, got, rows[i].want);
		free(got);
	}
}

static void a_nul_is_a_fault(void **state)
{
	char *got = rows_of("a,b\0c\nd,e\n", 10);

	(void)state;
	assert_string_equal(got, "1!has a NUL character\n2:d|e\n");
	free(got);
}

static void too_many_columns_are_a_fault(void **state)
{
	char text[CSV_COLUMNS_MAX + 8], *got;

	(void)state;
	memset(text, ',', CSV_COLUMNS_MAX);
	tc_strcopy(text + CSV_COLUMNS_MAX, 8, "\na,b\n");
	got = rows_of(text, strlen(text));
	assert_string_equal(got, "1!has too many columns\n2:a|b\n");
	free(got);
}

static void what_is_written_can_be_read(void **state)
{
	static const char *const cells[] = {"",      "a",    " b",   "c ",  "d,e", "f;g",
					    "\"h\"", "i\nj", "\r\n", "k\"", "Äöß", "+49 1"};
	struct tc_buf out = {0};
	struct csv_row row = {0};
	struct csv csv;

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		tc_buf_puts(&out, i ? "," : "");
		csv_put(&out, cells[i]);
	}
	tc_buf_puts(&out, "\r\n");
	csv_init(&csv, out.data, out.len);
	assert_int_equal(csv_next(&csv, &row), 1);
	assert_int_equal(row.n, 12);
	for (size_t i = 0; i < 12; i++)
		assert_string_equal(csv_cell(&row, i), cells[i]);
	assert_int_equal(csv_next(&csv, &row), 0);
	csv_row_fini(&row);
	tc_buf_fini(&out);
}

/* ---- files of contacts ---- */

struct world {
	struct zones *zones;
	char kept[PIN_KEPT_SIZE];
	struct contact_csv *csv;
};

static int setup(void **state)
{
	struct world *w = tc_alloc(sizeof(*w));

	w->zones = zones_load(NULL);
	assert_int_equal(pin_keep("4711", w->kept), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	contact_csv_free(w->csv);
	zones_free(w->zones);
	free(w);
	return 0;
}

/* Alice with +49301 and a PIN, Bob with +49302 for SMS. */
static void plan(struct world *w, const char *text)
{
	const struct contact_row alice = {.id = ALICE,
					  .name = "Alice",
					  .numbers = "[{\"number\":\"+49301\",\"use\":[\"call\","
						     "\"sms\"]}]",
					  .language = "de",
					  .timezone = "Europe/Berlin",
					  .pin = w->kept,
					  .enabled = true,
					  .note = "nights",
					  .version = 3,
					  .created_us = 7};
	const struct contact_row bob = {.id = BOB,
					.name = "Bob",
					.numbers = "[{\"number\":\"+49302\",\"use\":[\"sms\"]}]",
					.enabled = false,
					.note = "",
					.version = 1,
					.created_us = 8};

	contact_csv_free(w->csv);
	w->csv = contact_csv_new(tc_strdup(text), strlen(text), w->zones, "49");
	/* twice, as when somebody was quicker */
	for (int i = 0; i < 2; i++) {
		contact_csv_begin(w->csv);
		assert_int_equal(contact_csv_known(&alice, w->csv), 0);
		assert_int_equal(contact_csv_known(&bob, w->csv), 0);
		contact_csv_plan(w->csv, 1000000);
	}
}

/* "added changed unchanged; line field text; ..." */
static char *report_of(struct world *w)
{
	json_t *report = contact_csv_report(w->csv, true), *fault;
	struct tc_buf out = {0};
	size_t i;

	tc_buf_printf(&out, "%d %d %d", (int)json_integer_value(json_object_get(report, "added")),
		      (int)json_integer_value(json_object_get(report, "changed")),
		      (int)json_integer_value(json_object_get(report, "unchanged")));
	json_array_foreach (json_object_get(report, "faults"), i, fault) {
		const char *field = json_string_value(json_object_get(fault, "field"));

		tc_buf_printf(
			&out, "; %d %s %s", (int)json_integer_value(json_object_get(fault, "line")),
			field ? field : "-", json_string_value(json_object_get(fault, "text")));
	}
	json_decref(report);
	return tc_buf_take(&out);
}

/* want: the report, or its beginning if it ends with "..." */
static void expect(struct world *w, const char *text, const char *want)
{
	size_t len = strlen(want);
	char *got;

	plan(w, text);
	got = report_of(w);
	if (len > 3 && !strcmp(want + len - 3, "...") ? strncmp(got, want, len - 3) != 0
						      : strcmp(got, want) != 0)
		fail_msg("%s\ngives '%s', not '%s'", text, got, want);
	free(got);
}

static const struct contact_csv_change *change(struct world *w, size_t i)
{
	size_t n;
	const struct contact_csv_change *changes = contact_csv_changes(w->csv, &n);

	assert_true(i < n);
	return &changes[i];
}

static void a_missing_column_leaves_the_value(void **state)
{
	struct world *w = *state;
	const struct contact_row *row;

	expect(w, "name,language\nAlice,en\n", "0 1 0");
	assert_int_equal(change(w, 0)->version, 3);
	row = &change(w, 0)->row;
	assert_string_equal(row->id, ALICE);
	assert_string_equal(row->language, "en");
	assert_string_equal(row->timezone, "Europe/Berlin");
	assert_string_equal(row->note, "nights");
	assert_string_equal(row->pin, w->kept);
	assert_string_equal(row->numbers, "[{\"number\":\"+49301\",\"use\":[\"call\",\"sms\"]}]");
	assert_true(row->enabled);
	assert_true(row->created_us == 7 && row->updated_us == 1000000);
	/* an empty cell takes it away; of PIN and enabled it says nothing */
	expect(w, "name,language,note,pin,enabled,numbers\nAlice,,,,,\n", "0 1 0");
	row = &change(w, 0)->row;
	assert_null(row->language);
	assert_string_equal(row->note, "");
	assert_string_equal(row->numbers, "[]");
	assert_string_equal(row->pin, w->kept);
	assert_true(row->enabled);
	expect(w, "name,pin\nAlice,-\n", "0 1 0");
	assert_null(change(w, 0)->row.pin);
}

static void what_is_the_same_is_not_written(void **state)
{
	struct world *w = *state;

	expect(w, "name\nAlice\nBob\n", "0 0 2");
	expect(w,
	       "name,numbers,language,timezone,note,pin,enabled\n"
	       "Alice,+49301,de,Europe/Berlin,nights,4711,yes\nBob,+49302 sms,,,,,no\n",
	       "0 0 2");
	expect(w, "name,pin\nAlice,****\n", "0 0 1");
	expect(w, "name;numbers\nAlice;+49 30-1 sms+call\n", "0 0 1");
}

static void rows_find_their_contacts(void **state)
{
	struct world *w = *state;

	/* by id: the name is new */
	expect(w, "id,name\n" ALICE ",Alicia\n", "0 1 0");
	assert_string_equal(change(w, 0)->row.name, "Alicia");
	assert_string_equal(change(w, 0)->row.id, ALICE);
	/* an id that nobody has: by name, else a new one that gets it */
	expect(w, "id,name,note\n" OTHER ",Alice,x\n", "0 1 0");
	assert_string_equal(change(w, 0)->row.id, ALICE);
	expect(w, "id,name\n" OTHER ",Carol\n", "1 0 0");
	assert_string_equal(change(w, 0)->row.id, OTHER);
	assert_int_equal(change(w, 0)->version, 0);
	assert_int_equal(change(w, 0)->row.version, 1);
	assert_true(change(w, 0)->row.enabled);
	/* by name, whatever the numbers are */
	expect(w, "name,numbers\nAlice,+49309\n", "0 1 0");
	expect(w, "name,numbers\nCarol,+49309\nDave,\n", "2 0 0");
	assert_int_equal(strlen(change(w, 0)->row.id), TC_ID_SIZE - 1);
	assert_string_not_equal(change(w, 0)->row.id, change(w, 1)->row.id);
	/* a number alone is not enough, written in whatever way */
	expect(w, "name,numbers\nAlicia,0301\n",
	       "0 0 0; 2 name has a number of Alice: if this is a new name for the same contact, "
	       "the id is needed; if it is another one, Alice has to be in the file too");
	expect(w, "name,numbers\nCarol,0301\nAlice,+49301\n", "1 0 1");
	expect(w, "id,name,numbers\n" OTHER ",Carol,+49301\n", "1 0 0");
}

static void faults_have_lines_and_fields(void **state)
{
	struct world *w = *state;

	expect(w, "", "0 0 0; 1 - the file is empty");
	expect(w, "name,nom\nAlice,x\n", "0 0 0; 1 - there is no column 'nom'...");
	expect(w, "name,Name\nAlice,x\n", "0 0 0; 1 - the column 'Name' is there twice");
	expect(w, "note\nx\n", "0 0 0; 1 - the first line has to name the columns...");
	expect(w, "Alice,+49301\n", "0 0 0; 1 - there is no column 'Alice'...");
	expect(w, "name,note\nCarol\nDave,x,y\nErin,x,,\nFay,x\n",
	       "2 0 0; 2 - has 1 columns, and the first line has 2; 3 - has 3 columns, and the "
	       "first line has 2");
	expect(w, "name,numbers\nCarol,\"+4930x call\"\n",
	       "0 0 0; 2 numbers[0].number must be a telephone number...");
	expect(w, "name,numbers\nCarol,+4930;+4931;0049 31\n",
	       "0 0 0; 2 numbers[2].number is the same as numbers[1].number");
	expect(w, "name,numbers\nCarol,+49303 fax\n", "0 0 0; 2 numbers[0].number must be...");
	expect(w, "name,timezone,language\nCarol,Mars/One,x\n",
	       "0 0 0; 2 language must be a language tag, as en or de-AT; 2 timezone there is no "
	       "such time zone...");
	expect(w, "name,enabled\nCarol,maybe\n", "0 0 0; 2 enabled must be true or false");
	expect(w, "id,name\nx,Carol\n", "0 0 0; 2 id is no id");
	expect(w, "id,name\n" ALICE ",\n", "0 0 0; 2 name is missing");
	expect(w, "id,name\n" ALICE ",Bob\n",
	       "0 0 0; 2 name there is another contact with this name");
	expect(w, "name\nCarol\n\nCarol\n", "1 0 0; 4 name stands in the file twice");
	expect(w, "id,name\n,Alice\n" ALICE ",Alicia\n",
	       "0 0 1; 3 - is about the same contact as line 2: Alice");
	expect(w, "id,name\n" OTHER ",Carol\n" OTHER ",Dave\n",
	       "1 0 0; 3 id stands in the file twice");
	expect(w, "name,pin\nCarol,123\n", "0 0 0; 2 pin must have 4 to 12 digits");
	expect(w, "name,pin\nCarol,4711\n",
	       "0 0 0; 2 pin this PIN cannot be used: choose another one");
	expect(w, "name,pin\nCarol,0815\nDave,0815\n",
	       "1 0 0; 3 pin this PIN cannot be used: choose another one");
	assert_int_equal(contact_csv_faults(w->csv), 1);
	assert_false(contact_csv_broken(w->csv));
}

static void there_is_an_end_to_faults(void **state)
{
	struct world *w = *state;
	struct tc_buf text = {0};
	json_t *report;

	tc_buf_puts(&text, "name,enabled\n");
	for (int i = 0; i < 1200; i++)
		tc_buf_printf(&text, "p%d,x\n", i);
	plan(w, text.data);
	assert_int_equal(contact_csv_faults(w->csv), 1200);
	report = contact_csv_report(w->csv, false);
	assert_int_equal(json_array_size(json_object_get(report, "faults")), 1001);
	json_decref(report);
	tc_buf_fini(&text);
}

/* The export of py-phone-caller's address book. */
static void another_program_s_export_is_understood(void **state)
{
	struct world *w = *state;
	const struct contact_row *row;
	json_t *report;

	expect(w,
	       "id,name,surname,address,zip_code,city,state,country,phone_number,enabled,"
	       "created_time,annotations,on_call_availability\r\n" OTHER
	       ",Carol,Jones,Main St. 1,10115,Berlin,,DE,+49 30 9,true,2026-01-01 10:00:00,second "
	       "shift,\"[{\"\"start_at\"\": \"\"2026-01-05T09:00\"\"}]\"\r\n",
	       "1 0 0");
	row = &change(w, 0)->row;
	assert_string_equal(row->name, "Carol Jones");
	assert_string_equal(row->numbers, "[{\"number\":\"+49309\",\"use\":[\"call\",\"sms\"]}]");
	assert_string_equal(row->note, "second shift");
	assert_true(row->enabled);
	report = contact_csv_report(w->csv, true);
	assert_int_equal(json_array_size(json_object_get(report, "ignored")), 7);
	json_decref(report);
}

static void what_is_exported_changes_nothing(void **state)
{
	struct world *w = *state;
	const struct contact_row carol = {.id = OTHER,
					  .name = "Carol \"C\" O,Neil",
					  .numbers = "[{\"number\":\"+49303\",\"use\":[\"call\"]},"
						     "{\"number\":\"*31#\",\"use\":[\"sms\"]}]",
					  .enabled = true,
					  .pin = "secret",
					  .note = "two\nlines; and more"};
	struct tc_buf out = {0};

	contact_csv_put_header(&out);
	contact_csv_put(&out, &carol);
	assert_null(strstr(out.data, "secret"));
	assert_non_null(strstr(out.data, "\"+49303 call; *31# sms\""));
	w->csv = contact_csv_new(tc_strdup(out.data), out.len, w->zones, NULL);
	contact_csv_known(&carol, w->csv);
	contact_csv_plan(w->csv, 1);
	{
		char *got = report_of(w);

		assert_string_equal(got, "0 0 1");
		free(got);
	}
	tc_buf_fini(&out);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_spreadsheets_write),
		cmocka_unit_test(a_nul_is_a_fault),
		cmocka_unit_test(too_many_columns_are_a_fault),
		cmocka_unit_test(what_is_written_can_be_read),
		WORLD_TEST(a_missing_column_leaves_the_value),
		WORLD_TEST(what_is_the_same_is_not_written),
		WORLD_TEST(rows_find_their_contacts),
		WORLD_TEST(faults_have_lines_and_fields),
		WORLD_TEST(there_is_an_end_to_faults),
		WORLD_TEST(another_program_s_export_is_understood),
		WORLD_TEST(what_is_exported_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
