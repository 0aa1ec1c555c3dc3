/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schedules: who is on call when. What is given from outside, and the answer at an instant.
 *
 * Those on call are, in order: the absolute windows that are open (the lowest priority number
 * first, then the one that began first), then of each layer, in order, the member whose turn it
 * is. An override stands in for the first of these; of several overrides the one that began last
 * comes first. Nobody stands in the answer twice.
 */
#ifndef CORE_ONCALL_SCHEDULE_H
#define CORE_ONCALL_SCHEDULE_H

#include "oncall/document.h"

#define SCHEDULE_SPANS_MAX 1000 /* windows of one schedule, and overrides */

/* rotation: whose turn it is changes */
enum schedule_rotation { ROTATION_DAILY, ROTATION_WEEKLY, ROTATION_RRULE };

/* Of the table; design, "Shapes". */
struct schedule_layer_fields {
	const char *name;
	struct tc_strings members; /* "contact:ID", "contact:NAME" */
	int rotation;              /* enum schedule_rotation */
	const char *rrule;         /* of the hand-overs; NULL unless ROTATION_RRULE */
	const char *handover;      /* "09:00", local */
	const char *start;         /* "2026-01-05": the first member's turn begins */
};

struct schedule_window_fields {
	const char *contact; /* id or name */
	const char *start, *end; /* RFC 3339, or local time of the schedule */
	int64_t priority;    /* windows only */
};

struct schedule_fields {
	const char *name, *timezone;
	struct tc_list layers;    /* of struct schedule_layer_fields */
	struct tc_list windows;   /* of struct schedule_window_fields */
	struct tc_list overrides; /* the same */
};

extern const struct document_kind schedule_kind;

enum schedule_by { TURN_LAYER, TURN_WINDOW, TURN_OVERRIDE };

/* One who is on call. Borrowed from the schedule. */
struct schedule_turn {
	const char *contact; /* "ID" or a name, as it stands in the schedule; no "contact:" */
	enum schedule_by by;
	const char *layer;   /* its name; NULL unless TURN_LAYER */
	int64_t from_us, until_us; /* this turn; INT64_MAX = no end */
};

#define SCHEDULE_TURNS 64 /* most that are on call at an instant */

struct schedule; /* what document_kind.compile makes */

/*
 * Who is on call at an instant, in order, each of them once. (A rotation by RRULE remembers what it
 * has counted; else the schedule stays as it is.)
 *
 * turns     room for SCHEDULE_TURNS
 * until_us  receives when this answer may next change; INT64_MAX = never
 * result    how many
 */
size_t schedule_at(const struct schedule *schedule, int64_t at_us, struct schedule_turn *turns,
		   int64_t *until_us);

/* A time in which nobody who can be called is on call. */
struct schedule_gap {
	int64_t from_us, until_us;
};

/*
 * The gaps between two instants; members who are disabled, gone or have no number to call count for
 * nobody.
 *
 * result  how many there are; at most room are stored
 */
size_t schedule_gaps(const struct oncall *oncall, const struct schedule *schedule,
		     int64_t from_us, int64_t until_us, struct schedule_gap *gaps, size_t room);

/*
 * The same bit by bit. Zero it, set from_us; call again until it returns true.
 *
 * steps   how many changes of the schedule are looked at in one call at most
 * result  whether until_us was reached: gaps and n are complete
 */
struct schedule_sweep {
	int64_t from_us;           /* how far it has come */
	struct schedule_gap *gaps; /* room of them; NULL with room 0 */
	size_t room, n;            /* n: how many there are, stored or not */
	int64_t gap_us;            /* how long they are together */
	int64_t last_us;           /* where the last one ends */
};
bool schedule_sweep(const struct oncall *oncall, const struct schedule *schedule,
		    struct schedule_sweep *sweep, int64_t until_us, size_t steps);

const char *schedule_timezone(const struct schedule *schedule);
const char *schedule_name(const struct schedule *schedule);

#endif
