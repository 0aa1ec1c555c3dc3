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
	int attempt;            /* 1-based, of the first alert that it tells */
	int64_t created_us, placed_us, ringing_us, answered_us, ended_us; /* 0 = not (yet) */
	int64_t spoken_ms;
	const char *keys;       /* all that were pressed, in order; never NULL */
	const char *alert_ids;  /* all that it tells, with commas; NULL = alert_id. Not written */
};

/* That a call tells an alert, and what became of that. */
struct call_told {
	char call_id[TC_ID_SIZE], alert_id[TC_ID_SIZE];
	int serial, attempt;    /* of the page that it is for (call/page.h); 1-based */
	int64_t joined_us;
	const char *result;     /* NULL until it is decided, or the call has ended */
	int use;                /* enum page_use, once it has ended */
	const char *pressed;    /* keys that decide on this alert, in order; never NULL */
};

/* A call as one of the alerts that it tells sees it. */
struct call_past {
	char call_id[TC_ID_SIZE];
	int serial, attempt;
	const char *number;
	bool over;              /* it has ended: result, use, ended_us are known */
	const char *result;     /* may be NULL */
	int use;
	int64_t placed_us, ended_us;
	const char *pressed;    /* the keys that were pressed for this alert */
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

int call_told_insert(struct db *db, const struct call_told *told);
/* Write result, use and pressed; also after the call's end. -ENOENT */
int call_told_update(struct db *db, const struct call_told *told);
/* What a call tells, in the order in which it came to it. */
int call_told_list(struct db *db, const char *call_id,
		   int (*fn)(const struct call_told *told, void *arg), void *arg);
void call_told_fini(struct call_told *told);
/* A copy that owns its strings. */
void call_told_copy(struct call_told *to, const struct call_told *from);
/* The calls that have told an alert, oldest first. */
int call_list_past(struct db *db, const char *alert_id,
		   int (*fn)(const struct call_past *past, void *arg), void *arg);

/* A limit has put a call off: until when, and why; no longer. */
int call_deferral_put(struct db *db, const char *call_id, int64_t until_us, const char *reason);
int call_deferral_drop(struct db *db, const char *call_id);
/* Of a call that is to tell the alert: 1 found, 0 none. reason: owned by the caller */
int call_deferral_get(struct db *db, const char *alert_id, int64_t *until_us, char **reason);

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
/* Those that were begun since then (wall time), oldest first. */
int call_list_since(struct db *db, int64_t since_us,
		    int (*fn)(const struct call_row *row, void *arg), void *arg);
/* The calls that have told an alert, oldest first. */
int call_list_alert(struct db *db, const char *alert_id,
		    int (*fn)(const struct call_row *row, void *arg), void *arg);

#endif
