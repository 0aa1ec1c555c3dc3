/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests of schedules and targets: the room of people over a real store, and contacts and
 * schedules put into it as if they had been committed.
 */
#ifndef TESTS_UNIT_ONCALL_RIG_H
#define TESTS_UNIT_ONCALL_RIG_H

#include "oncall/oncall.h"
#include "oncall/schedule.h"
#include "unit/store_rig.h"

struct oncall_rig {
	struct store_rig *store_rig;
	struct store *store;
	struct oncall *oncall; /* read, and empty */
};

/* For cmocka; the test is skipped when there is no store. */
int oncall_rig_setup(void **state);
int oncall_rig_teardown(void **state);

/* numbers: comma separated ("+491,+492"), or NULL; a trailing "s" makes one for SMS only */
void oncall_rig_contact(struct oncall_rig *rig, const char *id, const char *name,
			const char *numbers, bool enabled);
/* body: JSON with ' in place of " */
void oncall_rig_schedule(struct oncall_rig *rig, const char *id, const char *name,
			 const char *body);
/* The same, not put anywhere; NULL: it is not good. Freed by schedule_kind.free(). */
struct schedule *oncall_rig_compile(const char *body);
/* RFC 3339. */
int64_t oncall_rig_at(const char *text);

#endif
