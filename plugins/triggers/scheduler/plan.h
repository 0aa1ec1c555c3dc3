/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thing that is planned: an alert, and when it is to be raised. As it is kept, and as the API
 * shows it; what becomes of it is planner.h's.
 */
#ifndef SCHEDULER_PLAN_H
#define SCHEDULER_PLAN_H

#include <tocsin/trigger.h>

#define PLAN_STATES(X) \
	X(PLAN_PLANNED, "planned") /* it has a time to come, or one that is due */ \
	X(PLAN_RAISED, "raised") \
	X(PLAN_MISSED, "missed") \
	X(PLAN_CANCELLED, "cancelled") \
	X(PLAN_FINISHED, "finished") /* a recurring one without further times */

enum plan_state {
#define X(sym, name) sym,
	PLAN_STATES(X)
#undef X
	PLAN_STATE_COUNT
};

const char *plan_state_name(enum plan_state state);
/* PLAN_STATE_COUNT: there is none of this name. */
enum plan_state plan_state_find(const char *name);

/* Times are microseconds since 1970 UTC, 0 = never. */
struct plan {
	char id[TC_ID_SIZE];
	int64_t version;         /* grows with each change */
	enum plan_state state;
	json_t *alert;           /* one reference; never changed. The alert's fields, without those
				    that were not given */
	int64_t at_us;           /* 0 = it recurs */
	char *rrule, *start;     /* owned; NULL = it does not recur */
	char *timezone;          /* owned; may be NULL for one with at_us */
	int64_t max_lateness_ms; /* -1 = the instance's */
	int64_t next_us;         /* PLANNED: when, and the id that the alert will have */
	char next_id[TC_ID_SIZE];
	int64_t last_us;         /* the one raised last, and its alert */
	char last_id[TC_ID_SIZE];
	int64_t missed_us;       /* the one missed last, and why */
	char *reason;            /* owned; NULL = none */
	int64_t raised, missed;  /* how many times */
	int64_t created_us, updated_us;
};

void plan_fini(struct plan *plan);
/* A copy that owns its strings. */
void plan_copy(struct plan *to, const struct plan *from);

/* The alert of the time next_us. Borrows all from plan; key: receives the dedup_key. */
void plan_intake(const struct plan *plan, struct tc_intake *intake, char key[128]);
/* The fields of an alert as a plan keeps them; new reference. */
json_t *plan_alert(const struct tc_intake *intake);

/* As it is kept: JSON as text, owned by the caller. */
char *plan_text(const struct plan *plan);
/* false: that is none; plan is then empty */
bool plan_read(struct plan *plan, const char *id, const char *text);

/* As the API shows it; new reference. */
json_t *plan_shape(const struct plan *plan);

#endif
