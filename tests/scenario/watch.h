/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the scripted trigger is told of its alerts.
 */
#ifndef TESTS_SCENARIO_WATCH_H
#define TESTS_SCENARIO_WATCH_H

#include <tocsin/trigger.h>

struct world;

/* Of the scripted trigger. */
extern const struct tc_trigger_ops watch_ops;
void watch_status(void *state, struct tc_status *out);

/*
 * How it takes what it is told from now on: "works", "quiet": without a word for the timeline,
 * "away": to be told again later, "busy": the same, at once; "refuses": never again, "slow": it
 * completes when it works again, "sick": it says that it does not work.
 */
void world_trigger(struct world *w, const char *how);
/*
 * What it was told, one at a time, oldest first: "acknowledged ID by script", "... silence". NULL =
 * nothing (more).
 */
const char *world_told(struct world *w);
/* Its process ends: what it still has is nobody's. */
void watch_close(void);
/* Forget all: the next world. */
void watch_reset(void);

#endif
