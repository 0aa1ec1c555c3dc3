/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of alerts, told to the triggers that have raised them (struct tc_trigger_ops in
 * tocsin/trigger.h): each decision goes into the store together with the change that it is about,
 * and stays there until it has been told.
 */
#ifndef CORE_ALERT_NOTICE_H
#define CORE_ALERT_NOTICE_H

#include <tocsin/trigger.h>

struct db;
struct host;
struct journal;
struct loop;
struct notices;
struct store;

/* Does this instance want to hear what becomes of its alerts? */
bool notice_wanted(const struct tc_instance *self);

/*
 * In the transaction that changes an alert's state: note that it is to be told. Costs little when
 * nobody wants to hear of it. After the commit: notices_wake().
 *
 * state    the new one: "acknowledged", "open" (again), "resolved", "cancelled", "exhausted"
 * by       who decided, or NULL
 * silence  they asked for silence
 * thread   store
 */
int notice_decided(struct db *db, const char *alert_id, const char *state, const char *by,
		   bool silence, int64_t at_us);

/*
 * Begin to tell. The instances of the host are open; what an earlier process has not told is told
 * now.
 */
struct notices *notices_new(struct loop *loop, struct store *store, struct journal *journal,
			    struct host *host);
/* What has not been told yet is the next process's. NULL is fine. */
void notices_free(struct notices *notices);
/* There may be something to tell. NULL is fine. */
void notices_wake(struct notices *notices);

#endif
