/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contacts as CSV: a file taken apart, what it changes in the contacts that there are, and a file
 * made of them. Storing is not done here.
 *
 * Columns, by the names in the first line, in any order: id, name, numbers, language, voice,
 * timezone, enabled, note, pin (never written). Numbers stand in one cell: "+4930123 call+sms;
 * +4930124 sms"; without a use both are meant. The columns of py-phone-caller's export are known
 * too: surname, phone_number, annotations; what else it has is passed over.
 *
 * A row is about the contact with its id; else about the one with its name; else it is a new one.
 * A row with a new name and without an id, but with a number of a contact who is not in the file,
 * is a fault: it may be the same person under another name, and it may be another one.
 */
#ifndef CORE_ONCALL_CONTACT_CSV_H
#define CORE_ONCALL_CONTACT_CSV_H

#include <jansson.h>

#include "oncall/csv.h"
#include "store/contact_repo.h"

struct contact_csv;
struct zones;

/*
 * Take a file apart.
 *
 * text     taken
 * zones    must outlive it
 * country  as directory_set_country() has it; copied
 * result   never NULL: what is wrong is in the report
 * thread   any, one at a time; as all below
 */
struct contact_csv *contact_csv_new(char *text, size_t len, const struct zones *zones,
				    const char *country);
void contact_csv_free(struct contact_csv *csv);

/* Begin to find out what changes: forgets those who were known. */
void contact_csv_begin(struct contact_csv *csv);
/* For contact_list(): one that there is; arg is the contact_csv. */
int contact_csv_known(const struct contact_row *row, void *arg);
/* All are known: find out what each row means. */
void contact_csv_plan(struct contact_csv *csv, int64_t now_us);

/* Whether nothing of the file can be used, whatever the rows are. */
bool contact_csv_broken(const struct contact_csv *csv);
/* How many faults there are. */
size_t contact_csv_faults(const struct contact_csv *csv);

struct contact_csv_change {
	struct contact_row row;
	int64_t version; /* the one that is changed; 0: it is a new one */
};
/* What is to be written, in order; borrowed. */
struct contact_csv_change *contact_csv_changes(const struct contact_csv *csv, size_t *n);

/* How many are added and changed. */
void contact_csv_count(const struct contact_csv *csv, size_t *added, size_t *changed);
/*
 * {"added","changed","unchanged","faults":[{"line","field","text"}],"ignored":["address"]}; the
 * numbers are 0 when nothing is done. New reference.
 */
json_t *contact_csv_report(const struct contact_csv *csv, bool done);

/* The file of contacts: its first line, and a line per contact. */
void contact_csv_put_header(struct tc_buf *out);
void contact_csv_put(struct tc_buf *out, const struct contact_row *row);

#endif
