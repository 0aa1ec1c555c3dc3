/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An outage of the store: a person is called without a record, and what happened is written down
 * when the store is back. Part of self_alarm.h.
 */
#ifndef CORE_ALERT_OUTAGE_H
#define CORE_ALERT_OUTAGE_H

#include "alert/self_alarm.h"

struct outage;

/* deps: borrowed. */
struct outage *outage_new(const struct self_deps *deps);
void outage_free(struct outage *outage);

/* The store has been away since then (wall time): call somebody, unless that is being done. */
void outage_begin(struct outage *outage, int64_t since_us, const char *why);
/* It works: nobody is called any more, all is written down. Costs nothing if there was none. */
void outage_end(struct outage *outage);

#endif
