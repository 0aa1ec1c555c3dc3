/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alarms about ourselves: a trunk, a voice, a trigger or the store does not work, for longer than
 * is to be borne. Who is called for that has a target of his own. All: loop thread.
 */
#ifndef CORE_ALERT_SELF_ALARM_H
#define CORE_ALERT_SELF_ALARM_H

#include <tocsin/defs.h>

struct alerts;
struct caller;
struct config_self_alarms;
struct host;
struct journal;
struct loop;
struct oncall;
struct self_alarms;
struct store;
struct trunks;

struct self_deps {
	struct loop *loop;
	struct host *host;
	struct store *store;
	struct journal *journal;
	struct trunks *trunks;
	struct oncall *oncall;
	struct caller *caller;
	struct alerts *alerts;
	const struct config_self_alarms *config;
};

/* Begin to watch, once the alerts that were left open are worked on. */
struct self_alarms *self_alarms_new(const struct self_deps *deps);
/*
 * The process is about to end: that what it closes works no more is nothing to call about. NULL is
 * fine.
 */
void self_alarms_close(struct self_alarms *all);
/* Before the alerts and the caller go. NULL is fine. */
void self_alarms_free(struct self_alarms *all);
/* After a reload of the configuration. NULL is fine. */
void self_alarms_configure(struct self_alarms *all, const struct config_self_alarms *config);

#endif
