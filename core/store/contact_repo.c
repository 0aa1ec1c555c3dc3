/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contacts in the store: the statements on the table of contacts. Whose a number or a PIN is the
 * directory knows, which has all of them in memory.
 */
#include "store/contact_repo.h"

#include <stdlib.h>

#include <tocsin/alloc.h>

#include "store/row.h"

#define COLUMNS                                                                                    \
	"id, name, numbers, language, voice, timezone, pin, enabled, note, version, created_us, "  \
	"updated_us"
#define COLUMN_COUNT 12

void contact_row_fini(struct contact_row *row)
{
	free((void *)row->name);
	free((void *)row->numbers);
	free((void *)row->language);
	free((void *)row->voice);
	free((void *)row->timezone);
	free((void *)row->pin);
	free((void *)row->note);
	*row = (struct contact_row){0};
}

void contact_row_copy(struct contact_row *to, const struct contact_row *from)
{
	*to = *from;
	to->name = tc_strdup(from->name);
	to->numbers = tc_strdup(from->numbers);
	to->language = tc_strdup(from->language);
	to->voice = tc_strdup(from->voice);
	to->timezone = tc_strdup(from->timezone);
	to->pin = tc_strdup(from->pin);
	to->note = tc_strdup(from->note);
}

static void row_read(const struct tc_value *v, void *out)
{
	struct contact_row *row = out;

	*row = (struct contact_row){
		.name = row_text_or_empty(&v[1]),
		.numbers = row_text_or_empty(&v[2]),
		.language = row_text(&v[3]),
		.voice = row_text(&v[4]),
		.timezone = row_text(&v[5]),
		.pin = row_text(&v[6]),
		.enabled = v[7].i != 0,
		.note = row_text_or_empty(&v[8]),
		.version = v[9].i,
		.created_us = v[10].i,
		.updated_us = v[11].i,
	};
	row_id(&v[0], row->id);
}

/* ---- changes ---- */

int contact_insert(struct db *db, const struct contact_row *row)
{
	const struct tc_value params[COLUMN_COUNT] = {
		DB_TEXT(row->id),
		DB_TEXT(row->name),
		DB_TEXT(row->numbers),
		DB_TEXT(row->language),
		DB_TEXT(row->voice),
		DB_TEXT(row->timezone),
		DB_TEXT(row->pin),
		DB_INT(row->enabled),
		DB_TEXT(row->note ? row->note : ""),
		DB_INT(row->version),
		DB_INT(row->created_us),
		DB_INT(row->updated_us),
	};

	return db_run(db,
		      "INSERT INTO contacts (" COLUMNS ") "
		      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		      params, COLUMN_COUNT);
}

/* The contact's version, if it is the one that is wanted: 0, -ENOENT, -ESTALE. */
static int check_version(struct db *db, const char *id, int64_t wanted, int64_t *version)
{
	const struct tc_value params[] = {DB_TEXT(id)};

	return row_version(db, "SELECT version FROM contacts WHERE id = ?", params, 1, wanted,
			   version);
}

int contact_update(struct db *db, struct contact_row *row, int64_t version)
{
	int64_t now = 0;
	int err = check_version(db, row->id, version, &now);
	const struct tc_value params[] = {
		DB_TEXT(row->name),
		DB_TEXT(row->numbers),
		DB_TEXT(row->language),
		DB_TEXT(row->voice),
		DB_TEXT(row->timezone),
		DB_TEXT(row->pin),
		DB_INT(row->enabled),
		DB_TEXT(row->note ? row->note : ""),
		DB_INT(now + 1),
		DB_INT(row->updated_us),
		DB_TEXT(row->id),
		DB_INT(now),
	};

	if (!err)
		err = db_run(db,
			     "UPDATE contacts SET name = ?, numbers = ?, language = ?, voice = ?, "
			     "timezone = ?, pin = ?, enabled = ?, note = ?, version = ?, "
			     "updated_us = ? WHERE id = ? AND version = ?",
			     params, sizeof(params) / sizeof(params[0]));
	if (err)
		return err;
	row->version = now + 1;
	return db_changes(db) ? 0 : -ESTALE; /* another node was quicker */
}

int contact_delete(struct db *db, const char *id, int64_t version)
{
	int64_t now = 0;
	int err = check_version(db, id, version, &now);
	const struct tc_value params[] = {DB_TEXT(id), DB_INT(now)};

	if (!err)
		err = db_run(db, "DELETE FROM contacts WHERE id = ? AND version = ?", params, 2);
	if (err)
		return err;
	return db_changes(db) ? 0 : -ESTALE;
}

/* ---- reading ---- */

int contact_get(struct db *db, const char *id, struct contact_row *row)
{
	const struct tc_value params[] = {DB_TEXT(id)};

	return row_get(db, "SELECT " COLUMNS " FROM contacts WHERE id = ?", params, 1,
		       COLUMN_COUNT, row_read, row);
}

struct reader {
	int (*fn)(const struct contact_row *row, void *arg);
	void *arg;
};

static int hand_over(const struct tc_value *v, void *arg)
{
	struct reader *reader = arg;
	struct contact_row row;
	int stop;

	row_read(v, &row);
	stop = reader->fn(&row, reader->arg);
	contact_row_fini(&row);
	return stop;
}

int contact_list(struct db *db, int (*fn)(const struct contact_row *row, void *arg), void *arg)
{
	struct reader reader = {fn, arg};

	return rows_each(db, "SELECT " COLUMNS " FROM contacts ORDER BY name", NULL, 0,
			 COLUMN_COUNT, hand_over, &reader);
}

int contact_mark(struct db *db, struct contact_mark *mark)
{
	struct db_stmt *stmt;
	struct tc_value v[2];
	int err;

	*mark = (struct contact_mark){0};
	err = db_query(db, "SELECT COUNT(*), MAX(updated_us) FROM contacts", NULL, 0, &stmt);
	if (err)
		return err;
	err = db_next(stmt, v, 2);
	if (err == 1) {
		mark->n = v[0].i;
		mark->updated_us = v[1].type == TC_V_INT ? v[1].i : 0;
	}
	db_done(stmt);
	return err < 0 ? err : 0;
}
