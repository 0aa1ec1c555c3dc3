/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contacts as they are given from outside: the table of their fields, checks, and the row. Who has
 * a name or a PIN already only the store knows.
 */
#include "oncall/contact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <tocsin/alloc.h>

#include "host/id.h"
#include "host/text.h"
#include "oncall/number.h"
#include "oncall/pin.h"
#include "oncall/zone.h"
#include "store/contact_repo.h"

#define AT(field) .offset = offsetof(struct contact_number_fields, field)
static const struct tc_option number_table[] = {
	{"number", TC_STRING, AT(number), .flags = TC_REQUIRED, .max = NUMBER_MAX,
	 .help = "+4930123, or as it is dialled: digits, * and #"},
	{"use", TC_STRINGS, AT(use), .def = "[\"call\", \"sms\"]", .min = 1, .max = 2,
	 .help = "What it is used for: call, sms; default: both"},
	TC_OPTION_END,
};
#undef AT

#define AT(field) .offset = offsetof(struct contact_fields, field)
const struct tc_option contact_table[] = {
	{"id", TC_STRING, AT(id), .max = 36, .help = "Only as it stands in the path"},
	{"name", TC_STRING, AT(name), .flags = TC_REQUIRED, .max = CONTACT_NAME_MAX,
	 .help = "For people, in timelines and in targets (contact:NAME); nobody else has it"},
	{"numbers", TC_LIST, AT(numbers), .max = 20, .sub = number_table,
	 .sub_size = sizeof(struct contact_number_fields), .help = "In order of preference"},
	{"language", TC_STRING, AT(language), .max = 35, .help = "BCP 47, as en or de-AT"},
	{"voice", TC_STRING, AT(voice), .max = 64, .help = "Name of a configured voice"},
	{"timezone", TC_STRING, AT(timezone), .max = 64, .help = "IANA name, as Europe/Berlin"},
	{"pin", TC_SECRET, AT(pin), .max = PIN_MAX,
	 .help = "4 to 12 digits, keyed by who calls in; never shown: **** stands for one that is "
		 "there, and keeps it; \"\" or null takes it away, without the field it stays"},
	{"enabled", TC_BOOL, AT(enabled), .def = "true",
	 .help = "false: is not called, and not known when calling"},
	{"note", TC_STRING, AT(note), .max = 2000, .help = "For people"},
	TC_OPTION_END,
};
#undef AT

/* ---- checks ---- */

static void check_name(const char *name, struct tc_errors *errs)
{
	if (!text_is_line(name))
		tc_errors_add(errs, "name", "must not have control characters, nor blanks at its "
					    "beginning or end");
	else if (id_valid(name))
		tc_errors_add(errs, "name", "must not look like an id");
}

static void check_uses(const struct tc_strings *use, const char *path, struct tc_errors *errs)
{
	bool seen[2] = {false, false};
	char field[64];

	for (size_t i = 0; i < use->n; i++) {
		bool call = !strcmp(use->v[i], "call");

		snprintf(field, sizeof(field), "%s.use[%zu]", path, i);
		if (!call && strcmp(use->v[i], "sms") != 0)
			tc_errors_add(errs, field, "must be call or sms");
		else if (seen[call])
			tc_errors_add(errs, field, "stands there twice");
		else
			seen[call] = true;
	}
}

static void check_numbers(const struct tc_list *numbers, struct tc_errors *errs)
{
	const struct contact_number_fields *v = numbers->v;
	char path[32], field[48];

	for (size_t i = 0; i < numbers->n; i++) {
		snprintf(path, sizeof(path), "numbers[%zu]", i);
		snprintf(field, sizeof(field), "%s.number", path);
		check_uses(&v[i].use, path, errs);
		if (!number_valid(v[i].number)) {
			tc_errors_add(errs, field, "must be a telephone number, as +4930123: "
						   "digits, * and #, without separators");
			continue;
		}
		for (size_t k = 0; k < i; k++) {
			if (!number_same(v[k].number, v[i].number, NULL))
				continue;
			tc_errors_add(errs, field, "is the same as numbers[%zu].number", k);
			break;
		}
	}
}

/* RFC 5646, as far as its letters go. */
static bool is_language(const char *s)
{
	size_t len = strlen(s);

	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
		       len &&
	       len >= 2 && *s != '-' && s[len - 1] != '-' && !strstr(s, "--");
}

void contact_check(const struct contact_fields *fields, const struct zones *zones,
		   struct tc_errors *errs)
{
	check_name(fields->name, errs);
	check_numbers(&fields->numbers, errs);
	if (fields->language && *fields->language && !is_language(fields->language))
		tc_errors_add(errs, "language", "must be a language tag, as en or de-AT");
	if (fields->voice && !text_is_line(fields->voice))
		tc_errors_add(errs, "voice", "must be the name of a voice");
	if (fields->timezone && *fields->timezone && !zones_know(zones, fields->timezone))
		tc_errors_add(errs, "timezone", "there is no such time zone; one of the IANA's "
						"names is wanted, as Europe/Berlin");
	if (fields->pin && *fields->pin && !pin_valid(fields->pin) &&
	    strcmp(fields->pin, CONTACT_PIN_SHOWN) != 0)
		tc_errors_add(errs, "pin", "must have %d to %d digits", PIN_MIN, PIN_MAX);
}

/* ---- the row ---- */

static char *numbers_text(const struct tc_list *numbers)
{
	const struct contact_number_fields *v = numbers->v;
	json_t *all = json_array(), *use;
	char *text;

	for (size_t i = 0; i < numbers->n; i++) {
		use = json_array();
		for (size_t k = 0; k < v[i].use.n; k++)
			json_array_append_new(use, json_string(v[i].use.v[k]));
		json_array_append_new(all, json_pack("{s:s, s:o}", "number", v[i].number, "use",
						     use));
	}
	text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	return text;
}

static char *text_or_null(const char *s)
{
	return s && *s ? tc_strdup(s) : NULL;
}

void contact_row_fill(struct contact_row *row, const struct contact_fields *fields)
{
	*row = (struct contact_row){
		.name = tc_strdup(fields->name),
		.numbers = numbers_text(&fields->numbers),
		.language = text_or_null(fields->language),
		.voice = text_or_null(fields->voice),
		.timezone = text_or_null(fields->timezone),
		.enabled = fields->enabled,
		.note = tc_strdup(fields->note ? fields->note : ""),
	};
}
