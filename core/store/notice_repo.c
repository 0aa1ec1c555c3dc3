/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notices in the store: the statements on the tables of notices and of those who raise alerts. Who
 * is told, and when, is the alert layer's.
 */
#include "store/notice_repo.h"

#include <stdlib.h>

#include "store/row.h"

#define COLUMNS      "id, alert_id, instance, what, by_whom, silence, at_us, tries"
#define COLUMN_COUNT 8

void notice_row_fini(struct notice_row *row)
{
	free((void *)row->instance);
	free((void *)row->what);
	free((void *)row->by);
	*row = (struct notice_row){0};
}

int notice_raiser_insert(struct db *db, const char *alert_id, const char *instance)
{
	const struct tc_value params[] = {DB_TEXT(alert_id), DB_TEXT(instance)};

	return db_run(db, "INSERT INTO alert_raisers (alert_id, instance) VALUES (?, ?)", params,
		      2);
}

int notice_insert(struct db *db, const struct notice_row *row, bool last)
{
	const struct tc_value params[] = {
		DB_TEXT(row->what), DB_TEXT(row->by),       DB_INT(row->silence),
		DB_INT(row->at_us), DB_TEXT(row->alert_id),
	};
	int err;

	err = db_run(db,
		     "INSERT INTO notices (alert_id, instance, what, by_whom, silence, at_us, "
		     "tries, due_us) SELECT alert_id, instance, ?, ?, ?, ?, 0, 0 "
		     "FROM alert_raisers WHERE alert_id = ?",
		     params, sizeof(params) / sizeof(params[0]));
	if (err || !last)
		return err;
	return db_run(db, "DELETE FROM alert_raisers WHERE alert_id = ?", &params[4], 1);
}

struct reader {
	int (*fn)(const struct notice_row *row, void *arg);
	void *arg;
};

static int hand_over(const struct tc_value *v, void *arg)
{
	struct reader *reader = arg;
	struct notice_row row = {.id = v[0].i,
				 .instance = row_text_or_empty(&v[2]),
				 .what = row_text_or_empty(&v[3]),
				 .by = row_text(&v[4]),
				 .silence = v[5].i != 0,
				 .at_us = v[6].i,
				 .tries = (int)v[7].i};
	int stop;

	row_id(&v[1], row.alert_id);
	stop = reader->fn(&row, reader->arg);
	notice_row_fini(&row);
	return stop;
}

int notice_list_due(struct db *db, const char *instance, int64_t now_us, int limit,
		    int (*fn)(const struct notice_row *row, void *arg), void *arg)
{
	const struct tc_value params[] = {DB_TEXT(instance), DB_INT(now_us), DB_INT(limit)};
	struct reader reader = {fn, arg};

	return rows_each(db,
			 "SELECT " COLUMNS " FROM notices n WHERE instance = ? AND due_us <= ? "
			 "AND NOT EXISTS (SELECT 1 FROM notices e WHERE e.alert_id = n.alert_id "
			 "AND e.id < n.id) ORDER BY due_us, id LIMIT ?",
			 params, 3, COLUMN_COUNT, hand_over, &reader);
}

int notice_next_due(struct db *db, const char *instance, int64_t now_us, int64_t *due_us)
{
	const struct tc_value params[] = {DB_TEXT(instance), DB_INT(now_us)};

	return row_get_int(db, "SELECT MIN(due_us) FROM notices WHERE instance = ? AND due_us > ?",
			   params, 2, due_us);
}

int notice_postpone(struct db *db, int64_t id, int tries, int64_t due_us)
{
	const struct tc_value params[] = {DB_INT(tries), DB_INT(due_us), DB_INT(id)};

	return db_run(db, "UPDATE notices SET tries = ?, due_us = ? WHERE id = ?", params, 3);
}

int notice_delete(struct db *db, int64_t id)
{
	const struct tc_value params[] = {DB_INT(id)};

	return db_run(db, "DELETE FROM notices WHERE id = ?", params, 1);
}

int notice_reset(struct db *db)
{
	return db_run(db, "UPDATE notices SET tries = 0, due_us = 0 WHERE tries > 0", NULL, 0);
}

struct names {
	int (*fn)(const char *instance, void *arg);
	void *arg;
};

static int hand_name(const struct tc_value *v, void *arg)
{
	struct names *names = arg;
	char *name = row_text_or_empty(&v[0]);
	int stop = names->fn(name, names->arg);

	free(name);
	return stop;
}

int notice_instances(struct db *db, int (*fn)(const char *instance, void *arg), void *arg)
{
	struct names names = {fn, arg};

	return rows_each(db, "SELECT DISTINCT instance FROM notices", NULL, 0, 1, hand_name,
			 &names);
}

int notice_delete_all(struct db *db, const char *instance, int64_t *n)
{
	const struct tc_value params[] = {DB_TEXT(instance)};
	int err = db_run(db, "DELETE FROM notices WHERE instance = ?", params, 1);

	if (!err)
		*n = db_changes(db);
	return err;
}
