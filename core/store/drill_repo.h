/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drills (test calls) in the store, and when a number was reached last. All functions run on a
 * store thread, inside a transaction.
 */
#ifndef CORE_STORE_DRILL_REPO_H
#define CORE_STORE_DRILL_REPO_H

#include <tocsin/defs.h>

struct db;

struct drill_row {
	char id[TC_ID_SIZE];
	const char *name;       /* of the loop-back test that it is; NULL: of a person */
	const char *target;     /* as it was asked for: "contact:alice", a number */
	const char *contact_id; /* may be NULL */
	const char *number;
	const char *trunk;      /* may be NULL */
	const char *result;     /* "passed", or why not: "busy", "no_key"; NULL while it goes on */
	const char *reason;     /* for people; may be NULL */
	const char *by;         /* who asked for it */
	int64_t created_us, ringing_us, answered_us, key_us, ended_us; /* 0 = not (yet) */
	const char *keys_sent, *keys_heard; /* of a loop-back test; may be NULL */
	int level_dbov;         /* what came back; meaningful when has_level */
	bool has_level;
};

void drill_row_fini(struct drill_row *row);
/* A copy that owns its strings. */
void drill_row_copy(struct drill_row *to, const struct drill_row *from);

int drill_insert(struct db *db, const struct drill_row *row);
/* Write what becomes known later: trunk, result, times, keys, level. */
int drill_update(struct db *db, const struct drill_row *row);
int drill_get(struct db *db, const char *id, struct drill_row *row); /* 1 found, 0 none */

struct drill_filter {
	const char *name, *number, *result, *before_id; /* NULL = any */
	int limit;
};
/* Newest first. */
int drill_list(struct db *db, const struct drill_filter *filter,
		   int (*fn)(const struct drill_row *row, void *arg), void *arg);
/* Those that a process has left when it ended become "lost". */
int drill_lose(struct db *db, int64_t now_us);

/*
 * When somebody at a number pressed a key last, in a call or in a test call; 0 = never.
 *
 * number  as calls have it
 */
int drill_reached(struct db *db, const char *number, int64_t *at_us);

#endif
