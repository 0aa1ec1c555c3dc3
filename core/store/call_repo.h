/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls in the store. All functions run on a store thread, inside a transaction.
 */
#ifndef CORE_STORE_CALL_REPO_H
#define CORE_STORE_CALL_REPO_H

#include <tocsin/defs.h>

struct db;

struct call_row {
	char id[TC_ID_SIZE], alert_id[TC_ID_SIZE];
	const char *contact_id; /* may be NULL */
	const char *number, *trunk; /* trunk NULL while queued */
	const char *state, *result; /* result NULL until ended */
	int sip, q850;          /* 0 = none */
	const char *cause;      /* text, may be NULL */
	const char *ref;        /* the trunk's, for recover(); may be NULL */
	int attempt;            /* 1-based within the alert and number */
	int64_t created_us, placed_us, ringing_us, answered_us, ended_us; /* 0 = not (yet) */
	int64_t spoken_ms;
	const char *keys;       /* all that were pressed, in order; never NULL */
};

void call_row_fini(struct call_row *row);
/* A copy that owns its strings. */
void call_row_copy(struct call_row *to, const struct call_row *from);

int call_insert(struct db *db, const struct call_row *row);
/* Write all columns but id, alert_id, number, created. An ended call is not written: -EPERM. */
int call_update(struct db *db, const struct call_row *row);
/* Only the trunk's reference. */
int call_set_ref(struct db *db, const char *id, const char *ref);
int call_get(struct db *db, const char *id, struct call_row *row); /* 1 found, 0 none */

struct call_filter {
	const char *alert_id, *state, *result, *trunk, *number;
	int64_t since_us, until_us;
	const char *before_id;
	int limit;
};
int call_list(struct db *db, const struct call_filter *filter,
	      int (*fn)(const struct call_row *row, void *arg), void *arg);
/* All that have not ended: for start-up. */
int call_list_live(struct db *db, int (*fn)(const struct call_row *row, void *arg), void *arg);
/* The calls of one alert, oldest first. */
int call_list_alert(struct db *db, const char *alert_id,
		    int (*fn)(const struct call_row *row, void *arg), void *arg);

#endif
