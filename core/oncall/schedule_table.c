/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of what a schedule is given as from outside.
 */
#include "oncall/schedule_table.h"

#include "oncall/schedule.h"

static const char *const rotations[] = {"daily", "weekly", "rrule", NULL};

#define AT(field) .offset = offsetof(struct schedule_layer_fields, field)
static const struct tc_option layer_table[] = {
	{"name", TC_STRING, AT(name), .flags = TC_REQUIRED, .max = DOCUMENT_NAME_MAX,
	 .help = "For people; no other layer of the schedule has it"},
	{"members", TC_STRINGS, AT(members), .flags = TC_REQUIRED, .min = 1, .max = 200,
	 .help = "Who take turns, in order: contact:NAME; one may stand there several times"},
	{"rotation", TC_ENUM, AT(rotation), .def = "weekly", .choices = rotations,
	 .help = "When one is relieved by the next: each day, each week (on the weekday of the "
		 "start), or as rrule says"},
	{"rrule", TC_STRING, AT(rrule), .min = 1, .max = 1000,
	 .help = "RFC 5545, as FREQ=WEEKLY;BYDAY=MO,FR: the hand-overs after the first one"},
	{"handover", TC_STRING, AT(handover), .def = "09:00", .max = 5,
	 .help = "Local time of the hand-over"},
	{"start", TC_STRING, AT(start), .flags = TC_REQUIRED, .max = 10,
	 .help = "Date, as 2026-01-05: the first member's turn begins, at the hand-over time"},
	TC_OPTION_END,
};
#undef AT

#define AT(field) .offset = offsetof(struct schedule_window_fields, field)
#define SPAN                                                                                    \
	{"contact", TC_STRING, AT(contact), .flags = TC_REQUIRED, .max = 120,                   \
	 .help = "Id or name of a contact"},                                                    \
	{"start", TC_STRING, AT(start), .flags = TC_REQUIRED, .max = 40,                        \
	 .help = "RFC 3339, or local time of the schedule, as 2026-01-31T18:00"},               \
	{"end", TC_STRING, AT(end), .flags = TC_REQUIRED, .max = 40, .help = "The same"}
static const struct tc_option window_table[] = {
	SPAN,
	{"priority", TC_INT, AT(priority), .def = "0", .min = -1000, .max = 1000,
	 .help = "Of those that are open at the same time the lowest number comes first"},
	TC_OPTION_END,
};
static const struct tc_option override_table[] = {SPAN, TC_OPTION_END};
#undef SPAN
#undef AT

#define AT(field) .offset = offsetof(struct schedule_fields, field)
const struct tc_option schedule_table[] = {
	{"name", TC_STRING, AT(name), .flags = TC_REQUIRED, .max = DOCUMENT_NAME_MAX,
	 .help = "For people, and in targets (schedule:NAME); no other schedule has it"},
	{"timezone", TC_STRING, AT(timezone), .flags = TC_REQUIRED, .max = 64,
	 .help = "IANA name, as Europe/Berlin: what local times in it mean"},
	{"layers", TC_LIST, AT(layers), .max = 20, .sub = layer_table,
	 .sub_size = sizeof(struct schedule_layer_fields),
	 .help = "Rotations; of each one member is on call, in the order of the layers"},
	{"windows", TC_LIST, AT(windows), .max = SCHEDULE_SPANS_MAX, .sub = window_table,
	 .sub_size = sizeof(struct schedule_window_fields),
	 .help = "Times in which somebody is on call before all layers"},
	{"overrides", TC_LIST, AT(overrides), .max = SCHEDULE_SPANS_MAX, .sub = override_table,
	 .sub_size = sizeof(struct schedule_window_fields),
	 .help = "Times in which somebody stands in for the one who would be the first"},
	TC_OPTION_END,
};
#undef AT
