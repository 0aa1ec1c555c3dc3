/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rotation: members who take turns, and are relieved at local times in a zone.
 */
#ifndef CORE_ONCALL_ROTATION_H
#define CORE_ONCALL_ROTATION_H

#include <tocsin/calendar.h>

#define ROTATION_A_DAY 24    /* most hand-overs that a day may have */
#define ROTATION_MAX   30000 /* hand-overs of an RRULE that are counted: then the last one stays */

struct rotation;

struct rotation_config {
	const char *zone;
	const char *start;    /* "2026-01-05" */
	const char *handover; /* "09:00" */
	const char *rrule;    /* of the hand-overs; NULL: every every_days days */
	int every_days;
	const char *const *members; /* borrowed, also afterwards */
	size_t n;                   /* >= 1 */
};

struct rotation_turn {
	const char *member;        /* NULL: it has not begun */
	int64_t from_us, until_us; /* INT64_MIN, INT64_MAX = no end on this side */
};

/*
 * The first member's turn begins at the hand-over time of the start, the next one's with each
 * hand-over after that. A hand-over in a gap or at a time that exists twice is at the instant that
 * tc_local_parse() gives. If a hand-over that comes later by the clock is earlier in truth (both
 * around a gap), the turn between them is left out. An RRULE that ends leaves the last one on call.
 *
 * field   receives the field that is wrong: "start", "handover", "rrule", "timezone"
 * fault   receives why
 * result  0 | -EINVAL
 */
int rotation_new(struct rotation **rotation, const struct rotation_config *config,
		 const char **field, char *fault, size_t size_bytes);
void rotation_free(struct rotation *rotation);

/*
 * Whose turn it is at an instant, and from when to when; turns of the same member that follow one
 * another are one. The time it takes does not depend on how long ago the start is; but with an
 * RRULE by the month or the year, or with COUNT or UNTIL, the first question counts all hand-overs.
 */
void rotation_at(struct rotation *rotation, int64_t at_us, struct rotation_turn *turn);

#endif
