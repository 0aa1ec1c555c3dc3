/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a trunk does without a call: it registers, and asks by OPTIONS whether the far end is
 * there. Together they are its health.
 */
#ifndef SIP_UPKEEP_H
#define SIP_UPKEEP_H

#include <stdbool.h>

struct agent;
struct upkeep;

/* Thread: loop, before the agent's thread starts. */
struct upkeep *upkeep_new(struct agent *agent);
/* The rest: signalling thread. The transports are open: */
void upkeep_start(struct upkeep *upkeep);
/* Unregister; upkeep_idle() is true, and agent_count() called, when that was answered. */
void upkeep_close(struct upkeep *upkeep);
bool upkeep_idle(const struct upkeep *upkeep);
void upkeep_free(struct upkeep *upkeep);

#endif
