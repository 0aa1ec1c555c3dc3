/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: a CSV file of contacts, compared with two that there are. What it changes is written
 * as a file again, which must then change nothing.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "oncall/contact_csv.h"
#include "oncall/zone.h"

#define SIZE_LIMIT 20000 /* larger ones teach nothing new */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct zones *zones;

static void forget(void)
{
	zones_free(zones);
}

static void know(struct contact_csv *csv)
{
	const struct contact_row alice = {
		.id = "01890000-0000-7000-8000-000000000001",
		.name = "Alice",
		.numbers = "[{\"number\":\"+49301\",\"use\":[\"call\",\"sms\"]}]",
		.enabled = true,
		.note = "",
		.version = 1};
	const struct contact_row bob = {.id = "01890000-0000-7000-8000-000000000002",
					.name = "Bob",
					.numbers = "[]",
					.language = "de",
					.note = "",
					.version = 2};

	contact_csv_begin(csv);
	contact_csv_known(&alice, csv);
	contact_csv_known(&bob, csv);
}

/* The contacts as the file has made them, as a file: all of them are the same. */
static void expect_unchanged(const struct contact_csv_change *changes, size_t n)
{
	struct tc_buf text = {0};
	struct contact_csv *csv;
	json_t *report;
	size_t again;

	contact_csv_put_header(&text);
	for (size_t i = 0; i < n; i++)
		contact_csv_put(&text, &changes[i].row);
	csv = contact_csv_new(text.data, text.len, zones, "49");
	contact_csv_begin(csv);
	for (size_t i = 0; i < n; i++)
		contact_csv_known(&changes[i].row, csv);
	contact_csv_plan(csv, 2);
	assert(!contact_csv_faults(csv));
	contact_csv_changes(csv, &again);
	assert(!again);
	report = contact_csv_report(csv, true);
	assert(json_integer_value(json_object_get(report, "unchanged")) == (json_int_t)n);
	json_decref(report);
	contact_csv_free(csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct contact_csv_change *changes;
	struct contact_csv *csv;
	json_t *report;
	char *text;
	size_t n;

	if (size > SIZE_LIMIT)
		return 0;
	if (!zones) {
		zones = zones_load(NULL);
		atexit(forget);
	}
	text = tc_alloc(size + 1);
	if (size) /* memcpy() takes no NULL */
		memcpy(text, data, size);
	csv = contact_csv_new(text, size, zones, "49");
	know(csv);
	contact_csv_plan(csv, 1);
	report = contact_csv_report(csv, true);
	assert(report);
	json_decref(report);
	changes = contact_csv_changes(csv, &n);
	assert(!contact_csv_broken(csv) || !n);
	expect_unchanged(changes, n);
	contact_csv_free(csv);
	return 0;
}
