/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alerts in the store. All functions run on a store thread, inside a transaction.
 */
#ifndef CORE_STORE_ALERT_REPO_H
#define CORE_STORE_ALERT_REPO_H

#include <tocsin/defs.h>

#include <jansson.h>

struct db;

/* One row. Strings are owned when it was read (alert_row_fini), borrowed when it is written. */
struct alert_row {
	char id[TC_ID_SIZE];
	const char *state;    /* open acknowledged resolved cancelled exhausted */
	const char *message, *target, *strategy, *severity;
	const char *language, *voice, *source, *dedup_key; /* may be NULL */
	const char *labels;   /* JSON object as text */
	int64_t created_us, updated_us;
	const char *acknowledged_by; /* may be NULL */
	int64_t acknowledged_us; /* 0 = never */
	int step;             /* of the escalation, 0-based */
};

void alert_row_fini(struct alert_row *row);
/* A copy that owns its strings. */
void alert_row_copy(struct alert_row *to, const struct alert_row *from);

int alert_insert(struct db *db, const struct alert_row *row);
/* The newest alert with this key: 1 found (id, state filled), 0 none. state: size >= 16. */
int alert_by_key(struct db *db, const char *dedup_key, char id[TC_ID_SIZE], char state[16]);
/*
 * The newest one that is not over (open, acknowledged, exhausted) and whose key begins so:
 * 1 found, 0 none, negative. prefix: ASCII, not empty.
 */
int alert_by_prefix(struct db *db, const char *prefix, char id[TC_ID_SIZE]);
/*
 * Change the state if it is one of those in from (at most 4, comma separated: "open,acknowledged").
 *
 * to      "acknowledged" also notes by (NULL = leave) and at_us; "open" forgets both
 * now     receives the state after it, or the one that was in the way; size >= 16; may be NULL
 * result  0 | -ENOENT no such alert | -EPERM it is in another state: nothing was changed
 */
int alert_set_state(struct db *db, const char *id, const char *from, const char *to, const char *by,
		    int64_t at_us, char now[16]);
int alert_set_step(struct db *db, const char *id, int step, int64_t at_us); /* -ENOENT */
/* 1 found, 0 none. */
int alert_get(struct db *db, const char *id, struct alert_row *row);

/* Filters of a list; NULL / 0 = any. */
struct alert_filter {
	const char *state, *severity, *source, *target, *q;
	int64_t since_us, until_us;
	const char *before_id; /* cursor: only ids below (newest first) */
	int limit;             /* 1..500 */
};
/* Newest first; fn is called per row, which is released after it; it returns 0 to go on. */
int alert_list(struct db *db, const struct alert_filter *filter,
	       int (*fn)(const struct alert_row *row, void *arg), void *arg);
/* All that are open, oldest first: for start-up. */
int alert_list_open(struct db *db, int (*fn)(const struct alert_row *row, void *arg), void *arg);
/* Those in this state that were changed then or later, the newest of them, newest first. */
int alert_list_changed(struct db *db, const char *state, int64_t since_us, int limit,
		       int (*fn)(const struct alert_row *row, void *arg), void *arg);

#endif
