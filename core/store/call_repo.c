/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls in the store: the statements on the table of calls, and on that of the alerts that each of
 * them tells. An ended call is never written again.
 */
#include "store/call_repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "store/row.h"

#define COLUMNS                                                                                    \
	"id, alert_id, contact_id, number, trunk, state, result, sip, q850, cause, ref, attempt, " \
	"created_us, placed_us, ringing_us, answered_us, ended_us, spoken_ms, pressed"
#define COLUMN_COUNT 19
#define READ                                                                                       \
	COLUMNS ", (SELECT GROUP_CONCAT(p.alert_id) FROM call_pages p WHERE p.call_id = calls.id)"
#define READ_COUNT (COLUMN_COUNT + 1)

void call_row_fini(struct call_row *row)
{
	free((void *)row->contact_id);
	free((void *)row->number);
	free((void *)row->trunk);
	free((void *)row->state);
	free((void *)row->result);
	free((void *)row->cause);
	free((void *)row->ref);
	free((void *)row->keys);
	free((void *)row->alert_ids);
	*row = (struct call_row){0};
}

void call_row_copy(struct call_row *to, const struct call_row *from)
{
	*to = *from;
	to->contact_id = tc_strdup(from->contact_id);
	to->number = tc_strdup(from->number);
	to->trunk = tc_strdup(from->trunk);
	to->state = tc_strdup(from->state);
	to->result = tc_strdup(from->result);
	to->cause = tc_strdup(from->cause);
	to->ref = tc_strdup(from->ref);
	to->keys = tc_strdup(from->keys);
	to->alert_ids = tc_strdup(from->alert_ids);
}

static void row_read(const struct tc_value *v, void *out)
{
	struct call_row *row = out;

	*row = (struct call_row){
		.contact_id = row_text(&v[2]),
		.number = row_text_or_empty(&v[3]),
		.trunk = row_text(&v[4]),
		.state = row_text_or_empty(&v[5]),
		.result = row_text(&v[6]),
		.sip = (int)v[7].i,
		.q850 = (int)v[8].i,
		.cause = row_text(&v[9]),
		.ref = row_text(&v[10]),
		.attempt = (int)v[11].i,
		.created_us = v[12].i,
		.placed_us = v[13].i,
		.ringing_us = v[14].i,
		.answered_us = v[15].i,
		.ended_us = v[16].i,
		.spoken_ms = v[17].i,
		.keys = row_text_or_empty(&v[18]),
		.alert_ids = row_text(&v[19]),
	};
	row_id(&v[0], row->id);
	row_id(&v[1], row->alert_id);
}

/* ---- changes ---- */

int call_insert(struct db *db, const struct call_row *row)
{
	const struct tc_value params[COLUMN_COUNT] = {
		DB_TEXT(row->id),
		DB_TEXT(row->alert_id),
		DB_TEXT(row->contact_id),
		DB_TEXT(row->number),
		DB_TEXT(row->trunk),
		DB_TEXT(row->state),
		DB_TEXT(row->result),
		DB_INT(row->sip),
		DB_INT(row->q850),
		DB_TEXT(row->cause),
		DB_TEXT(row->ref),
		DB_INT(row->attempt),
		DB_INT(row->created_us),
		DB_INT(row->placed_us),
		DB_INT(row->ringing_us),
		DB_INT(row->answered_us),
		DB_INT(row->ended_us),
		DB_INT(row->spoken_ms),
		DB_TEXT(row->keys ? row->keys : ""),
	};

	return db_run(db,
		      "INSERT INTO calls (" COLUMNS ") "
		      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		      params, COLUMN_COUNT);
}

/*
 * After an UPDATE of a call that had not ended changed nothing: 0 it was right already (some
 * databases do not count that), -EPERM it has ended, -ENOENT there is none.
 */
static int why_unchanged(struct db *db, const char *id)
{
	const struct tc_value params[] = {DB_TEXT(id)};
	struct db_stmt *stmt;
	struct tc_value v;
	bool ended = false;
	int err;

	err = db_query(db, "SELECT state FROM calls WHERE id = ?", params, 1, &stmt);
	if (err)
		return err;
	err = db_next(stmt, &v, 1);
	if (err == 1)
		ended = strcmp(v.s, "ended") == 0;
	db_done(stmt);
	if (err < 0)
		return err;
	return !err ? -ENOENT : ended ? -EPERM : 0;
}

int call_update(struct db *db, const struct call_row *row)
{
	const struct tc_value params[] = {
		DB_TEXT(row->contact_id),
		DB_TEXT(row->trunk),
		DB_TEXT(row->state),
		DB_TEXT(row->result),
		DB_INT(row->sip),
		DB_INT(row->q850),
		DB_TEXT(row->cause),
		DB_TEXT(row->ref),
		DB_INT(row->attempt),
		DB_INT(row->placed_us),
		DB_INT(row->ringing_us),
		DB_INT(row->answered_us),
		DB_INT(row->ended_us),
		DB_INT(row->spoken_ms),
		DB_TEXT(row->keys ? row->keys : ""),
		DB_TEXT(row->id),
	};
	int err;

	err = db_run(db,
		     "UPDATE calls SET contact_id = ?, trunk = ?, state = ?, result = ?, sip = ?, "
		     "q850 = ?, cause = ?, ref = ?, attempt = ?, placed_us = ?, ringing_us = ?, "
		     "answered_us = ?, ended_us = ?, spoken_ms = ?, pressed = ? "
		     "WHERE id = ? AND state <> 'ended'",
		     params, sizeof(params) / sizeof(params[0]));
	return err || db_changes(db) ? err : why_unchanged(db, row->id);
}

int call_set_ref(struct db *db, const char *id, const char *ref)
{
	const struct tc_value params[] = {DB_TEXT(ref), DB_TEXT(id)};
	int err;

	err = db_run(db, "UPDATE calls SET ref = ? WHERE id = ? AND state <> 'ended'", params, 2);
	return err || db_changes(db) ? err : why_unchanged(db, id);
}

/* ---- reading ---- */

int call_get(struct db *db, const char *id, struct call_row *row)
{
	const struct tc_value params[] = {DB_TEXT(id)};

	return row_get(db, "SELECT " READ " FROM calls WHERE id = ?", params, 1,
		       READ_COUNT, row_read, row);
}

struct reader {
	int (*fn)(const struct call_row *row, void *arg);
	void *arg;
};

static int hand_over(const struct tc_value *v, void *arg)
{
	struct reader *reader = arg;
	struct call_row row;
	int stop;

	row_read(v, &row);
	stop = reader->fn(&row, reader->arg);
	call_row_fini(&row);
	return stop;
}

int call_list(struct db *db, const struct call_filter *filter,
	      int (*fn)(const struct call_row *row, void *arg), void *arg)
{
	struct reader reader = {fn, arg};
	struct listing list;
	int err;

	listing_init(&list, "SELECT " READ " FROM calls");
	listing_where_text(&list, "id IN (SELECT call_id FROM call_pages WHERE alert_id = ?)",
			   filter->alert_id);
	listing_where_text(&list, "state = ?", filter->state);
	listing_where_text(&list, "result = ?", filter->result);
	listing_where_text(&list, "trunk = ?", filter->trunk);
	listing_where_text(&list, "number = ?", filter->number);
	listing_where_int(&list, "created_us >= ?", filter->since_us);
	listing_where_int(&list, "created_us < ?", filter->until_us);
	listing_where_text(&list, "id < ?", filter->before_id);
	err = listing_run(&list, db, "id DESC", filter->limit, READ_COUNT, hand_over, &reader);
	listing_fini(&list);
	return err;
}

int call_list_live(struct db *db, int (*fn)(const struct call_row *row, void *arg), void *arg)
{
	struct reader reader = {fn, arg};

	/* The states are named, not excluded: so the index on them serves. */
	return rows_each(db,
			 "SELECT " READ " FROM calls "
			 "WHERE state IN ('deferred', 'queued', 'placing', 'ringing', 'answered') "
			 "ORDER BY id",
			 NULL, 0, READ_COUNT, hand_over, &reader);
}

int call_list_alert(struct db *db, const char *alert_id,
		    int (*fn)(const struct call_row *row, void *arg), void *arg)
{
	const struct tc_value params[] = {DB_TEXT(alert_id)};
	struct reader reader = {fn, arg};

	return rows_each(db,
			 "SELECT " READ " FROM calls "
			 "WHERE id IN (SELECT call_id FROM call_pages WHERE alert_id = ?) "
			 "ORDER BY id",
			 params, 1, READ_COUNT, hand_over, &reader);
}

/* ---- what they tell ---- */

int call_told_insert(struct db *db, const struct call_told *told)
{
	const struct tc_value params[] = {
		DB_TEXT(told->call_id), DB_TEXT(told->alert_id),  DB_INT(told->serial),
		DB_INT(told->attempt),  DB_INT(told->joined_us),  DB_TEXT(told->result),
		DB_INT(told->use),      DB_TEXT(told->pressed ? told->pressed : ""),
	};

	return db_run(db,
		      "INSERT INTO call_pages (call_id, alert_id, serial, attempt, joined_us, "
		      "result, used, pressed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		      params, sizeof(params) / sizeof(params[0]));
}

int call_told_update(struct db *db, const struct call_told *told)
{
	const struct tc_value params[] = {
		DB_TEXT(told->result),  DB_INT(told->use),
		DB_TEXT(told->pressed ? told->pressed : ""),
		DB_TEXT(told->call_id), DB_TEXT(told->alert_id),
	};

	return db_run(db,
		      "UPDATE call_pages SET result = ?, used = ?, pressed = ? "
		      "WHERE call_id = ? AND alert_id = ?",
		      params, sizeof(params) / sizeof(params[0]));
}

void call_told_fini(struct call_told *told)
{
	free((void *)told->result);
	free((void *)told->pressed);
	*told = (struct call_told){.serial = 0};
}

void call_told_copy(struct call_told *to, const struct call_told *from)
{
	*to = *from;
	to->result = tc_strdup(from->result);
	to->pressed = tc_strdup(from->pressed);
}

struct told_reader {
	int (*fn)(const struct call_told *told, void *arg);
	void *arg;
};

static int told_hand_over(const struct tc_value *v, void *arg)
{
	struct told_reader *reader = arg;
	struct call_told told = {
		.serial = (int)v[2].i,
		.attempt = (int)v[3].i,
		.joined_us = v[4].i,
		.result = row_text(&v[5]),
		.use = (int)v[6].i,
		.pressed = row_text_or_empty(&v[7]),
	};
	int stop;

	row_id(&v[0], told.call_id);
	row_id(&v[1], told.alert_id);
	stop = reader->fn(&told, reader->arg);
	call_told_fini(&told);
	return stop;
}

int call_told_list(struct db *db, const char *call_id,
		   int (*fn)(const struct call_told *told, void *arg), void *arg)
{
	const struct tc_value params[] = {DB_TEXT(call_id)};
	struct told_reader reader = {fn, arg};

	return rows_each(db,
			 "SELECT call_id, alert_id, serial, attempt, joined_us, result, used, "
			 "pressed FROM call_pages WHERE call_id = ? ORDER BY joined_us, alert_id",
			 params, 1, 8, told_hand_over, &reader);
}

struct past_reader {
	int (*fn)(const struct call_past *past, void *arg);
	void *arg;
};

static int past_hand_over(const struct tc_value *v, void *arg)
{
	struct past_reader *reader = arg;
	char *number = row_text_or_empty(&v[3]), *state = row_text_or_empty(&v[4]);
	char *result = row_text(&v[5]), *pressed = row_text_or_empty(&v[9]);
	struct call_past past = {
		.serial = (int)v[1].i,
		.attempt = (int)v[2].i,
		.number = number,
		.over = !strcmp(state, "ended"),
		.result = result,
		.use = (int)v[6].i,
		.placed_us = v[7].i,
		.ended_us = v[8].i,
		.pressed = pressed,
	};
	int stop;

	row_id(&v[0], past.call_id);
	stop = reader->fn(&past, reader->arg);
	free(number);
	free(state);
	free(result);
	free(pressed);
	return stop;
}

int call_list_past(struct db *db, const char *alert_id,
		   int (*fn)(const struct call_past *past, void *arg), void *arg)
{
	const struct tc_value params[] = {DB_TEXT(alert_id)};
	struct past_reader reader = {fn, arg};

	return rows_each(db,
			 "SELECT c.id, p.serial, p.attempt, c.number, c.state, "
			 "COALESCE(p.result, c.result), p.used, c.placed_us, c.ended_us, p.pressed "
			 "FROM call_pages p JOIN calls c ON c.id = p.call_id "
			 "WHERE p.alert_id = ? ORDER BY c.id",
			 params, 1, 10, past_hand_over, &reader);
}

int call_list_since(struct db *db, int64_t since_us,
		    int (*fn)(const struct call_row *row, void *arg), void *arg)
{
	struct reader reader = {fn, arg};
	char first[TC_ID_SIZE];
	struct tc_value params[1];

	/* ids begin with the milliseconds (RFC 9562): so the primary key serves */
	snprintf(first, sizeof(first), "%08llx-%04llx",
		 (unsigned long long)(since_us / 1000) >> 16,
		 (unsigned long long)(since_us / 1000) & 0xffff);
	params[0] = DB_TEXT(first);
	return rows_each(db, "SELECT " COLUMNS ", NULL FROM calls WHERE id >= ? ORDER BY id",
			 params, 1, READ_COUNT, hand_over, &reader);
}

/* ---- those that are put off ---- */

int call_deferral_put(struct db *db, const char *call_id, int64_t until_us, const char *reason)
{
	const struct tc_value params[] = {DB_TEXT(call_id), DB_INT(until_us), DB_TEXT(reason)};

	return db_run(db,
		      "INSERT INTO call_deferrals (call_id, until_us, reason) VALUES (?, ?, ?)",
		      params, 3);
}

int call_deferral_drop(struct db *db, const char *call_id)
{
	const struct tc_value params[] = {DB_TEXT(call_id)};

	return db_run(db, "DELETE FROM call_deferrals WHERE call_id = ?", params, 1);
}

int call_deferral_get(struct db *db, const char *alert_id, int64_t *until_us, char **reason)
{
	const struct tc_value params[] = {DB_TEXT(alert_id)};
	struct tc_value v[2];
	struct db_stmt *stmt;
	int err;

	err = db_query(db,
		       "SELECT d.until_us, d.reason FROM call_pages p "
		       "JOIN call_deferrals d ON d.call_id = p.call_id WHERE p.alert_id = ? "
		       "ORDER BY d.until_us",
		       params, 1, &stmt);
	if (err)
		return err;
	err = db_next(stmt, v, 2);
	if (err == 1) {
		*until_us = v[0].i;
		*reason = row_text_or_empty(&v[1]);
	}
	db_done(stmt);
	return err;
}
