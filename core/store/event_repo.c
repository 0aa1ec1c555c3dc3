/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events in the store: the statements on the table of events, and of those among them that are kept
 * for a while only. They are added and read, never changed.
 */
#include "store/event_repo.h"

#include <stdlib.h>

#include "store/row.h"

#define COLUMNS      "id, at_us, alert_id, call_id, what, sentence, reason, data"
#define COLUMN_COUNT 8

void event_row_fini(struct event_row *row)
{
	free((void *)row->alert_id);
	free((void *)row->call_id);
	free((void *)row->what);
	free((void *)row->text);
	free((void *)row->reason);
	free((void *)row->data);
	*row = (struct event_row){0};
}

static void row_read(const struct tc_value *v, struct event_row *row)
{
	*row = (struct event_row){
		.id = v[0].i,
		.at_us = v[1].i,
		.alert_id = row_text(&v[2]),
		.call_id = row_text(&v[3]),
		.what = row_text_or_empty(&v[4]),
		.text = row_text_or_empty(&v[5]),
		.reason = row_text(&v[6]),
		.data = row_text(&v[7]),
	};
}

int event_insert(struct db *db, struct event_row *row)
{
	const struct tc_value params[] = {
		DB_INT(row->at_us),
		DB_TEXT(row->alert_id),
		DB_TEXT(row->call_id),
		DB_TEXT(row->what),
		DB_TEXT(row->text ? row->text : ""),
		DB_TEXT(row->reason),
		DB_TEXT(row->data),
	};
	int err;

	err = db_run(db,
		     "INSERT INTO events (at_us, alert_id, call_id, what, sentence, reason, data) "
		     "VALUES (?, ?, ?, ?, ?, ?, ?)",
		     params, sizeof(params) / sizeof(params[0]));
	if (!err)
		row->id = db_last_id(db);
	return err;
}

int event_note_insert(struct db *db, struct event_row *row)
{
	int err = event_insert(db, row);
	const struct tc_value params[] = {DB_INT(row->id)};

	return err ? err : db_run(db, "INSERT INTO event_notes (event_id) VALUES (?)", params, 1);
}

#define TRIM_AT_ONCE 1000

struct trim {
	int64_t ids[TRIM_AT_ONCE];
	int n;
};

static int trim_add(const struct tc_value *v, void *arg)
{
	struct trim *t = arg;

	t->ids[t->n++] = v[0].i;
	return 0;
}

/* One at a time by their ids: no database has to look through the events for that. */
static int trim_delete(struct db *db, const struct trim *t)
{
	int err = 0;

	for (int i = 0; i < t->n && !err; i++) {
		const struct tc_value params[] = {DB_INT(t->ids[i])};

		err = db_run(db, "DELETE FROM events WHERE id = ?", params, 1);
		if (!err)
			err = db_run(db, "DELETE FROM event_notes WHERE event_id = ?", params, 1);
	}
	return err;
}

int event_notes_trim(struct db *db, int keep)
{
	const struct tc_value params[] = {DB_INT(TRIM_AT_ONCE), DB_INT(keep)};
	struct trim t;
	int err;

	do {
		t.n = 0;
		err = rows_each(db,
				"SELECT event_id FROM event_notes ORDER BY event_id DESC "
				"LIMIT ? OFFSET ?",
				params, 2, 1, trim_add, &t);
		if (!err)
			err = trim_delete(db, &t);
	} while (!err && t.n == TRIM_AT_ONCE);
	return err;
}

struct reader {
	int (*fn)(const struct event_row *row, void *arg);
	void *arg;
};

static int hand_over(const struct tc_value *v, void *arg)
{
	struct reader *reader = arg;
	struct event_row row;
	int stop;

	row_read(v, &row);
	stop = reader->fn(&row, reader->arg);
	event_row_fini(&row);
	return stop;
}

/*
 * What has happened in a call that tells several alerts stands under the first of these, once; the
 * others share it.
 */
#define SHARED                                                                                     \
	"'call.queued', 'call.deferred', 'call.placing', 'call.ringing', 'call.answered', "        \
	"'call.released', 'call.resumed', 'call.callback', 'call.heard', 'call.machine', "         \
	"'call.pin', 'pbx.events'"

int event_list_alert(struct db *db, const char *alert_id,
		     int (*fn)(const struct event_row *row, void *arg), void *arg)
{
	const struct tc_value params[] = {DB_TEXT(alert_id), DB_TEXT(alert_id)};
	struct reader reader = {fn, arg};

	return rows_each(db,
			 "SELECT " COLUMNS " FROM events WHERE alert_id = ? UNION ALL "
			 "SELECT e.id, e.at_us, e.alert_id, e.call_id, e.what, e.sentence, "
			 "e.reason, e.data FROM call_pages p JOIN calls c ON c.id = p.call_id "
			 "JOIN events e ON e.alert_id = c.alert_id AND e.call_id = p.call_id "
			 "WHERE p.alert_id = ? AND c.alert_id <> p.alert_id "
			 "AND e.at_us >= p.joined_us AND e.what IN (" SHARED ") ORDER BY id",
			 params, 2, COLUMN_COUNT, hand_over, &reader);
}

int event_list_after(struct db *db, int64_t after_id, int limit,
		     int (*fn)(const struct event_row *row, void *arg), void *arg)
{
	const struct tc_value params[] = {DB_INT(after_id), DB_INT(limit)};
	struct reader reader = {fn, arg};

	return rows_each(db, "SELECT " COLUMNS " FROM events WHERE id > ? ORDER BY id LIMIT ?",
			 params, 2, COLUMN_COUNT, hand_over, &reader);
}

int event_last_id(struct db *db, int64_t *id)
{
	int err = row_get_int(db, "SELECT MAX(id) FROM events", NULL, 0, id);

	if (!err)
		*id = 0;
	return err < 0 ? err : 0;
}
