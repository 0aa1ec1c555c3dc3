/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alerts in the store: the statements on the table of alerts. What the states mean to people is
 * the alert layer's.
 */
#include "store/alert_repo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "store/row.h"

#define COLUMNS                                                                                    \
	"id, state, message, target, strategy, severity, language, voice, source, dedup_key, "     \
	"labels, "                                                                                 \
	"created_us, updated_us, acknowledged_by, acknowledged_us, step"
#define COLUMN_COUNT 16
#define FROM_STATES  4 /* most states that one change may begin in */
#define Q_MAX_BYTES  1024

void alert_row_fini(struct alert_row *row)
{
	free((void *)row->state);
	free((void *)row->message);
	free((void *)row->target);
	free((void *)row->strategy);
	free((void *)row->severity);
	free((void *)row->language);
	free((void *)row->voice);
	free((void *)row->source);
	free((void *)row->dedup_key);
	free((void *)row->labels);
	free((void *)row->acknowledged_by);
	*row = (struct alert_row){0};
}

void alert_row_copy(struct alert_row *to, const struct alert_row *from)
{
	*to = *from;
	to->state = tc_strdup(from->state);
	to->message = tc_strdup(from->message);
	to->target = tc_strdup(from->target);
	to->strategy = tc_strdup(from->strategy);
	to->severity = tc_strdup(from->severity);
	to->language = tc_strdup(from->language);
	to->voice = tc_strdup(from->voice);
	to->source = tc_strdup(from->source);
	to->dedup_key = tc_strdup(from->dedup_key);
	to->labels = tc_strdup(from->labels);
	to->acknowledged_by = tc_strdup(from->acknowledged_by);
}

static void row_read(const struct tc_value *v, void *out)
{
	struct alert_row *row = out;

	*row = (struct alert_row){
		.state = row_text_or_empty(&v[1]),
		.message = row_text_or_empty(&v[2]),
		.target = row_text_or_empty(&v[3]),
		.strategy = row_text_or_empty(&v[4]),
		.severity = row_text_or_empty(&v[5]),
		.language = row_text(&v[6]),
		.voice = row_text(&v[7]),
		.source = row_text(&v[8]),
		.dedup_key = row_text(&v[9]),
		.labels = row_text_or_empty(&v[10]),
		.created_us = v[11].i,
		.updated_us = v[12].i,
		.acknowledged_by = row_text(&v[13]),
		.acknowledged_us = v[14].i,
		.step = (int)v[15].i,
	};
	row_id(&v[0], row->id);
}

int alert_insert(struct db *db, const struct alert_row *row)
{
	const struct tc_value params[COLUMN_COUNT] = {
		DB_TEXT(row->id),
		DB_TEXT(row->state),
		DB_TEXT(row->message),
		DB_TEXT(row->target),
		DB_TEXT(row->strategy),
		DB_TEXT(row->severity),
		DB_TEXT(row->language),
		DB_TEXT(row->voice),
		DB_TEXT(row->source),
		DB_TEXT(row->dedup_key),
		DB_TEXT(row->labels ? row->labels : "{}"),
		DB_INT(row->created_us),
		DB_INT(row->updated_us),
		DB_TEXT(row->acknowledged_by),
		DB_INT(row->acknowledged_us),
		DB_INT(row->step),
	};

	return db_run(db,
		      "INSERT INTO alerts (" COLUMNS ") "
		      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		      params, COLUMN_COUNT);
}

static void state_copy(const struct tc_value *v, char state[16])
{
	size_t len = v->len < 15 ? v->len : 15;

	memcpy(state, v->s, len);
	state[len] = '\0';
}

int alert_by_key(struct db *db, const char *dedup_key, char id[TC_ID_SIZE], char state[16])
{
	const struct tc_value params[] = {DB_TEXT(dedup_key)};
	struct tc_value row[2];
	struct db_stmt *stmt;
	int err;

	err = db_query(db,
		       "SELECT id, state FROM alerts WHERE dedup_key = ? ORDER BY id DESC LIMIT 1",
		       params, 1, &stmt);
	if (err)
		return err;
	err = db_next(stmt, row, 2);
	if (err == 1) {
		row_id(&row[0], id);
		state_copy(&row[1], state);
	}
	db_done(stmt);
	return err;
}

int alert_by_prefix(struct db *db, const char *prefix, char id[TC_ID_SIZE])
{
	char *beyond = tc_strdup(prefix); /* the first text that is behind all that begin so */
	const struct tc_value params[] = {DB_TEXT(prefix), DB_TEXT(beyond)};
	struct db_stmt *stmt;
	struct tc_value row;
	int err;

	beyond[strlen(beyond) - 1]++;
	err = db_query(db,
		       "SELECT id FROM alerts WHERE dedup_key >= ? AND dedup_key < ? "
		       "AND state IN ('open', 'acknowledged', 'exhausted') "
		       "ORDER BY id DESC LIMIT 1",
		       params, 2, &stmt);
	if (!err) {
		err = db_next(stmt, &row, 1);
		if (err == 1)
			row_id(&row, id);
		db_done(stmt);
	}
	free(beyond);
	return err;
}

/* ---- changes ---- */

/* The state, for the one who was refused: 1 found, 0 no such alert. */
static int state_get(struct db *db, const char *id, char state[16])
{
	const struct tc_value params[] = {DB_TEXT(id)};
	struct db_stmt *stmt;
	struct tc_value v;
	int err;

	err = db_query(db, "SELECT state FROM alerts WHERE id = ?", params, 1, &stmt);
	if (err)
		return err;
	err = db_next(stmt, &v, 1);
	if (err == 1)
		state_copy(&v, state);
	db_done(stmt);
	return err;
}

/* The names in "open,acknowledged" as parameters; what is left over is a name that no state has. */
static void from_split(const char *from, struct tc_value states[FROM_STATES])
{
	size_t n = 0;

	while (*from) {
		size_t len = strcspn(from, ",");

		assert(n < FROM_STATES);
		states[n++] = (struct tc_value){.type = TC_V_TEXT, .s = from, .len = len};
		from += len + (from[len] == ',');
	}
	while (n < FROM_STATES)
		states[n++] = DB_TEXT("");
}

static bool from_has(const struct tc_value states[FROM_STATES], const char *state)
{
	for (size_t i = 0; i < FROM_STATES; i++)
		if (states[i].len == strlen(state) &&
		    memcmp(states[i].s, state, states[i].len) == 0)
			return true;
	return false;
}

static const char sql_set_state[] = "UPDATE alerts SET state = ?, updated_us = ? "
				    "WHERE id = ? AND state IN (?, ?, ?, ?)";
static const char sql_set_open[] = "UPDATE alerts SET state = ?, updated_us = ?, "
				   "acknowledged_by = NULL, acknowledged_us = 0 "
				   "WHERE id = ? AND state IN (?, ?, ?, ?)";
static const char sql_set_acknowledged[] =
	"UPDATE alerts SET state = ?, updated_us = ?, acknowledged_by = COALESCE(?, "
	"acknowledged_by), "
	"acknowledged_us = ? WHERE id = ? AND state IN (?, ?, ?, ?)";

int alert_set_state(struct db *db, const char *id, const char *from, const char *to, const char *by,
		    int64_t at_us, char now[16])
{
	struct tc_value params[5 + FROM_STATES], *states;
	bool acknowledged = strcmp(to, "acknowledged") == 0;
	const char *sql = acknowledged              ? sql_set_acknowledged
			  : strcmp(to, "open") == 0 ? sql_set_open
						    : sql_set_state;
	char state[16];
	size_t n = 0;
	int err;

	params[n++] = DB_TEXT(to);
	params[n++] = DB_INT(at_us);
	if (acknowledged) {
		params[n++] = DB_TEXT(by);
		params[n++] = DB_INT(at_us);
	}
	params[n++] = DB_TEXT(id);
	states = &params[n];
	from_split(from, states);
	err = db_run(db, sql, params, n + FROM_STATES);
	if (err)
		return err;
	tc_strcopy(state, sizeof(state), to);
	/* Some databases do not count a row that was right already: look before refusing. */
	if (!db_changes(db)) {
		err = state_get(db, id, state);
		if (err == 1)
			err = from_has(states, state) ? 0 : -EPERM;
		else if (!err)
			err = -ENOENT;
	}
	if (now && (!err || err == -EPERM))
		tc_strcopy(now, 16, state);
	return err;
}

int alert_set_step(struct db *db, const char *id, int step, int64_t at_us)
{
	const struct tc_value params[] = {DB_INT(step), DB_INT(at_us), DB_TEXT(id)};
	char state[16];
	int err;

	err = db_run(db, "UPDATE alerts SET step = ?, updated_us = ? WHERE id = ?", params, 3);
	if (err || db_changes(db))
		return err;
	err = state_get(db, id, state);
	return err == 1 ? 0 : err ? err : -ENOENT;
}

/* ---- reading ---- */

int alert_get(struct db *db, const char *id, struct alert_row *row)
{
	const struct tc_value params[] = {DB_TEXT(id)};

	return row_get(db, "SELECT " COLUMNS " FROM alerts WHERE id = ?", params, 1,
		       COLUMN_COUNT, row_read, row);
}

struct reader {
	int (*fn)(const struct alert_row *row, void *arg);
	void *arg;
};

static int hand_over(const struct tc_value *v, void *arg)
{
	struct reader *reader = arg;
	struct alert_row row;
	int stop;

	row_read(v, &row);
	stop = reader->fn(&row, reader->arg);
	alert_row_fini(&row);
	return stop;
}

int alert_list(struct db *db, const struct alert_filter *filter,
	       int (*fn)(const struct alert_row *row, void *arg), void *arg)
{
	struct reader reader = {fn, arg};
	struct listing list;
	int err;

	if (filter->q && strlen(filter->q) > Q_MAX_BYTES)
		return -EINVAL;
	listing_init(&list, "SELECT " COLUMNS " FROM alerts");
	listing_where_text(&list, "state = ?", filter->state);
	listing_where_text(&list, "severity = ?", filter->severity);
	listing_where_text(&list, "source = ?", filter->source);
	listing_where_text(&list, "target = ?", filter->target);
	listing_where_int(&list, "created_us >= ?", filter->since_us);
	listing_where_int(&list, "created_us < ?", filter->until_us);
	listing_where_text(&list, "id < ?", filter->before_id);
	listing_contains(&list, "message", "labels", filter->q);
	err = listing_run(&list, db, "id DESC", filter->limit, COLUMN_COUNT, hand_over, &reader);
	listing_fini(&list);
	return err;
}

int alert_list_open(struct db *db, int (*fn)(const struct alert_row *row, void *arg), void *arg)
{
	struct reader reader = {fn, arg};

	return rows_each(db, "SELECT " COLUMNS " FROM alerts WHERE state = 'open' ORDER BY id",
			 NULL, 0, COLUMN_COUNT, hand_over, &reader);
}

int alert_list_changed(struct db *db, const char *state, int64_t since_us, int limit,
		       int (*fn)(const struct alert_row *row, void *arg), void *arg)
{
	const struct tc_value params[] = {DB_TEXT(state), DB_INT(since_us), DB_INT(limit)};
	struct reader reader = {fn, arg};

	return rows_each(db,
			 "SELECT " COLUMNS " FROM alerts WHERE state = ? AND updated_us >= ? "
			 "ORDER BY updated_us DESC LIMIT ?",
			 params, 3, COLUMN_COUNT, hand_over, &reader);
}
