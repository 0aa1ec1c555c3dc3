/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dead man's switch: routes whose alerts are heartbeats. That none has come for too long is an
 * alert; that they come again ends it. All: loop thread.
 */
#ifndef ALERTMANAGER_HEARTBEAT_H
#define ALERTMANAGER_HEARTBEAT_H

#include <tocsin/alloc.h>
#include <tocsin/trigger.h>

#include "route.h"

#define HEARTBEAT_KEY "heartbeat/" /* what the dedup_key of its alerts begins with */

struct heartbeats;

/* cfg, source: borrowed. Begins to wait: from now on, whatever was before. */
struct heartbeats *heartbeats_new(struct tc_instance *self, const struct am_config *cfg,
				  const char *source);
/* NULL is fine. */
void heartbeats_free(struct heartbeats *heartbeats);

/* One has come by this route, whose expect_every is not 0. */
void heartbeats_beat(struct heartbeats *heartbeats, const struct am_route *route);

/* Figures; and text: which routes have none, "" = all is well. */
void heartbeats_status(const struct heartbeats *heartbeats, struct tc_status *out,
		       struct tc_buf *text);

#endif
