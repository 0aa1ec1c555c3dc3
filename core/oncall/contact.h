/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A contact as it is given from outside: its fields, what is wrong with them, and the row they
 * make.
 */
#ifndef CORE_ONCALL_CONTACT_H
#define CORE_ONCALL_CONTACT_H

#include <tocsin/option.h>

struct contact_row;
struct zones;

#define CONTACT_NAME_MAX 100
#define CONTACT_PIN_SHOWN "****" /* what stands for a PIN that is there */

struct contact_number_fields {
	const char *number;
	struct tc_strings use;
};

struct contact_fields {
	const char *id, *name;
	struct tc_list numbers; /* of struct contact_number_fields */
	const char *language, *voice, *timezone, *pin, *note;
	bool enabled;
};

/* The table of struct contact_fields (design, "Shapes"). */
extern const struct tc_option contact_table[];

/*
 * Check what a table cannot express.
 *
 * errs  receives the faults; never a PIN
 */
void contact_check(const struct contact_fields *fields, const struct zones *zones,
		   struct tc_errors *errs);

/*
 * A row out of fields that were checked, without id, PIN, version and times; it owns its strings.
 */
void contact_row_fill(struct contact_row *row, const struct contact_fields *fields);

#endif
