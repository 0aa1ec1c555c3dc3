/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What triggers have yet to be told of their alerts, and whose alert each is. All functions run on
 * a store thread, inside a transaction.
 */
#ifndef CORE_STORE_NOTICE_REPO_H
#define CORE_STORE_NOTICE_REPO_H

#include <tocsin/defs.h>

struct db;

/* One row. Strings are owned when it was read (notice_row_fini), borrowed when it is written. */
struct notice_row {
	int64_t id;           /* grows; set by the store */
	char alert_id[TC_ID_SIZE];
	const char *instance; /* whom it is for; set by the store */
	const char *what;     /* "acknowledged" ... */
	const char *by;       /* may be NULL */
	bool silence;
	int64_t at_us;
	int tries;            /* that were in vain */
};

void notice_row_fini(struct notice_row *row);

/* This instance has raised the alert, and wants to hear what becomes of it. */
int notice_raiser_insert(struct db *db, const char *alert_id, const char *instance);

/*
 * An alert was decided, in this transaction. Nothing is stored when nobody wants to hear of it.
 *
 * last  nothing can follow: the alert is over
 */
int notice_insert(struct db *db, const struct notice_row *row, bool last);

/*
 * For each alert the oldest one for this instance, if it is due; at most limit (1..500) of them.
 * fn is called per row, which is released after it; it returns 0 to go on.
 */
int notice_list_due(struct db *db, const char *instance, int64_t now_us, int limit,
		    int (*fn)(const struct notice_row *row, void *arg), void *arg);
/* When the next one for this instance is due that is not due yet: 1 found, 0 none. */
int notice_next_due(struct db *db, const char *instance, int64_t now_us, int64_t *due_us);

int notice_postpone(struct db *db, int64_t id, int tries, int64_t due_us);
int notice_delete(struct db *db, int64_t id);

/* After a start: all are due. */
int notice_reset(struct db *db);
/* The instances for which there are any. */
int notice_instances(struct db *db, int (*fn)(const char *instance, void *arg), void *arg);
/* Delete all for an instance; n receives how many there were. */
int notice_delete_all(struct db *db, const char *instance, int64_t *n);

#endif
