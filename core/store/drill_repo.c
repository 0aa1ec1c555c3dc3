/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drills (test calls) in the store: the statements on their table, and the two questions that are
 * asked of all calls to a number.
 */
#include "store/drill_repo.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "store/row.h"

#define COLUMNS                                                                                    \
	"id, name, target, contact_id, number, trunk, result, reason, by_whom, created_us, "      \
	"ringing_us, answered_us, key_us, ended_us, keys_sent, keys_heard, level_dbov"
#define COLUMN_COUNT 17

void drill_row_fini(struct drill_row *row)
{
	free((void *)row->name);
	free((void *)row->target);
	free((void *)row->contact_id);
	free((void *)row->number);
	free((void *)row->trunk);
	free((void *)row->result);
	free((void *)row->reason);
	free((void *)row->by);
	free((void *)row->keys_sent);
	free((void *)row->keys_heard);
	*row = (struct drill_row){0};
}

void drill_row_copy(struct drill_row *to, const struct drill_row *from)
{
	*to = *from;
	to->name = tc_strdup(from->name);
	to->target = tc_strdup(from->target);
	to->contact_id = tc_strdup(from->contact_id);
	to->number = tc_strdup(from->number);
	to->trunk = tc_strdup(from->trunk);
	to->result = tc_strdup(from->result);
	to->reason = tc_strdup(from->reason);
	to->by = tc_strdup(from->by);
	to->keys_sent = tc_strdup(from->keys_sent);
	to->keys_heard = tc_strdup(from->keys_heard);
}

static void row_read(const struct tc_value *v, void *out)
{
	struct drill_row *row = out;

	*row = (struct drill_row){
		.name = row_text(&v[1]),
		.target = row_text_or_empty(&v[2]),
		.contact_id = row_text(&v[3]),
		.number = row_text_or_empty(&v[4]),
		.trunk = row_text(&v[5]),
		.result = row_text(&v[6]),
		.reason = row_text(&v[7]),
		.by = row_text_or_empty(&v[8]),
		.created_us = v[9].i,
		.ringing_us = v[10].i,
		.answered_us = v[11].i,
		.key_us = v[12].i,
		.ended_us = v[13].i,
		.keys_sent = row_text(&v[14]),
		.keys_heard = row_text(&v[15]),
		.level_dbov = v[16].type == TC_V_INT ? (int)v[16].i : 0,
		.has_level = v[16].type == TC_V_INT,
	};
	row_id(&v[0], row->id);
}

static struct tc_value level_of(const struct drill_row *row)
{
	return row->has_level ? DB_INT(row->level_dbov) : DB_TEXT(NULL);
}

int drill_insert(struct db *db, const struct drill_row *row)
{
	const struct tc_value params[COLUMN_COUNT] = {
		DB_TEXT(row->id),        DB_TEXT(row->name),       DB_TEXT(row->target),
		DB_TEXT(row->contact_id), DB_TEXT(row->number),    DB_TEXT(row->trunk),
		DB_TEXT(row->result),    DB_TEXT(row->reason),     DB_TEXT(row->by),
		DB_INT(row->created_us), DB_INT(row->ringing_us),  DB_INT(row->answered_us),
		DB_INT(row->key_us),     DB_INT(row->ended_us),    DB_TEXT(row->keys_sent),
		DB_TEXT(row->keys_heard), level_of(row),
	};

	return db_run(db,
		      "INSERT INTO test_calls (" COLUMNS ") "
		      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		      params, COLUMN_COUNT);
}

int drill_update(struct db *db, const struct drill_row *row)
{
	const struct tc_value params[] = {
		DB_TEXT(row->trunk),       DB_TEXT(row->result),  DB_TEXT(row->reason),
		DB_INT(row->ringing_us),   DB_INT(row->answered_us), DB_INT(row->key_us),
		DB_INT(row->ended_us),     DB_TEXT(row->keys_sent),  DB_TEXT(row->keys_heard),
		level_of(row),             DB_TEXT(row->id),
	};

	return db_run(db,
		      "UPDATE test_calls SET trunk = ?, result = ?, reason = ?, ringing_us = ?,"
		      " answered_us = ?, key_us = ?, ended_us = ?, keys_sent = ?, keys_heard = ?,"
		      " level_dbov = ? WHERE id = ?",
		      params, sizeof(params) / sizeof(params[0]));
}

int drill_get(struct db *db, const char *id, struct drill_row *row)
{
	const struct tc_value params[] = {DB_TEXT(id)};

	return row_get(db, "SELECT " COLUMNS " FROM test_calls WHERE id = ?", params, 1,
		       COLUMN_COUNT, row_read, row);
}

struct reader {
	int (*fn)(const struct drill_row *row, void *arg);
	void *arg;
};

static int hand_over(const struct tc_value *v, void *arg)
{
	const struct reader *reader = arg;
	struct drill_row row;
	int stop;

	row_read(v, &row);
	stop = reader->fn(&row, reader->arg);
	drill_row_fini(&row);
	return stop;
}

int drill_list(struct db *db, const struct drill_filter *filter,
		   int (*fn)(const struct drill_row *row, void *arg), void *arg)
{
	struct reader reader = {fn, arg};
	struct listing list;
	int err;

	listing_init(&list, "SELECT " COLUMNS " FROM test_calls");
	listing_where_text(&list, "name = ?", filter->name);
	listing_where_text(&list, "number = ?", filter->number);
	listing_where_text(&list, "result = ?", filter->result);
	listing_where_text(&list, "id < ?", filter->before_id);
	err = listing_run(&list, db, "id DESC", filter->limit, COLUMN_COUNT, hand_over, &reader);
	listing_fini(&list);
	return err;
}

int drill_lose(struct db *db, int64_t now_us)
{
	const struct tc_value params[] = {DB_INT(now_us)};

	return db_run(db,
		      "UPDATE test_calls SET result = 'lost',"
		      " reason = 'the daemon ended during this call', ended_us = ?"
		      " WHERE result IS NULL",
		      params, 1);
}

/* ---- numbers ---- */

static int newest(struct db *db, const char *sql, const char *number, int64_t *at_us)
{
	const struct tc_value params[] = {DB_TEXT(number)};
	int64_t found_us = 0;
	int err = row_get_int(db, sql, params, 1, &found_us);

	if (found_us > *at_us)
		*at_us = found_us;
	return err < 0 ? err : 0;
}

int drill_reached(struct db *db, const char *number, int64_t *at_us)
{
	int err;

	*at_us = 0;
	err = newest(db,
		     "SELECT ended_us FROM calls WHERE number = ?"
		     " AND result IN ('acknowledged', 'escalated') ORDER BY id DESC LIMIT 1",
		     number, at_us);
	if (err)
		return err;
	return newest(db,
		      "SELECT ended_us FROM test_calls WHERE number = ?"
		      " AND name IS NULL AND result = 'passed' ORDER BY id DESC LIMIT 1",
		      number, at_us);
}
