/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events: the timeline of alerts and the stream of /v1/events, in the order of their commits.
 */
#ifndef CORE_STORE_EVENT_REPO_H
#define CORE_STORE_EVENT_REPO_H

#include <tocsin/defs.h>

struct db;

struct event_row {
	int64_t id;           /* grows; set by event_insert() */
	int64_t at_us;
	const char *alert_id, *call_id; /* may be NULL */
	const char *what;     /* "call.ended" */
	const char *text;     /* a sentence for people */
	const char *reason;   /* why, may be NULL */
	const char *data;     /* JSON as text, may be NULL: an object, or a note's array */
};

void event_row_fini(struct event_row *row);

int event_insert(struct db *db, struct event_row *row);
/* One that is kept for a while only. */
int event_note_insert(struct db *db, struct event_row *row);
/* Delete all such but the newest keep of them. Costs little when few are to go. */
int event_notes_trim(struct db *db, int keep);
/* Those of one alert, oldest first. */
int event_list_alert(struct db *db, const char *alert_id,
		     int (*fn)(const struct event_row *row, void *arg), void *arg);
/* Those behind an id, oldest first, at most limit. */
int event_list_after(struct db *db, int64_t after_id, int limit,
		     int (*fn)(const struct event_row *row, void *arg), void *arg);
/* The newest id, 0 = none. */
int event_last_id(struct db *db, int64_t *id);

#endif
