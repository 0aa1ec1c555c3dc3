/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What contact_csv.c and contact_csv_plan.c share. Nobody else includes this.
 */
#ifndef CORE_ONCALL_CONTACT_CSV_ROWS_H
#define CORE_ONCALL_CONTACT_CSV_ROWS_H

#include "oncall/contact_csv.h"

enum contact_csv_column {
	CSV_ID,
	CSV_NAME,
	CSV_SURNAME,
	CSV_NUMBERS,
	CSV_LANGUAGE,
	CSV_VOICE,
	CSV_TIMEZONE,
	CSV_ENABLED,
	CSV_NOTE,
	CSV_PIN,
	CSV_COLUMNS,
	CSV_IGNORED = CSV_COLUMNS,
};

struct contact_csv_row {
	unsigned line;
	char *cells[CSV_COLUMNS]; /* owned; without blanks around; NULL: there is no such column */
	size_t known;             /* index of whom it is about, SIZE_MAX = a new one */
	bool bad;
};

struct contact_csv_fault {
	unsigned line;
	char *field; /* owned; may be NULL */
	char *text;  /* owned */
};

/* A contact that there is. */
struct contact_csv_known {
	struct contact_row row; /* owned strings */
	unsigned line;          /* that is about it, 0 = none */
};

struct contact_csv {
	char *text; /* owned */
	const struct zones *zones;
	char country[8];
	bool broken;
	struct contact_csv_row *rows;
	size_t n_rows, rows_room;
	json_t *ignored;
	/* those of the file, then those of the plan */
	struct contact_csv_fault *faults;
	size_t n_faults, faults_room, n_file_faults;
	size_t faults_unkept, file_unkept;
	/* the plan */
	struct contact_csv_known *known;
	size_t n_known, known_room;
	struct contact_csv_change *changes;
	size_t n_changes, added, changed, unchanged;
};

/* Note a fault; field may be NULL. */
void contact_csv_fault(struct contact_csv *csv, unsigned line, const char *field, const char *fmt,
		       ...) TC_PRINTF(4, 5);

#endif
