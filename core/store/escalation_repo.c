/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Escalations in the store: the statements on their table.
 */
#include "store/escalation_repo.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "store/alert_repo.h"
#include "store/row.h"

#define COLUMNS "alert_id, version, ack_timeout_ms, expires_us, body"
#define COLUMN_COUNT 5

void escalation_row_fini(struct escalation_row *row)
{
	free((void *)row->body);
	*row = (struct escalation_row){.body = NULL};
}

void escalation_row_copy(struct escalation_row *to, const struct escalation_row *from)
{
	*to = *from;
	to->body = tc_strdup(from->body);
}

static void row_read(const struct tc_value *v, void *out)
{
	struct escalation_row *row = out;

	*row = (struct escalation_row){.version = v[1].i,
				       .ack_timeout_ms = v[2].i,
				       .expires_us = v[3].i,
				       .body = row_text(&v[4])};
	row_id(&v[0], row->alert_id);
}

int escalation_insert(struct db *db, const struct escalation_row *row)
{
	const struct tc_value params[] = {DB_TEXT(row->alert_id), DB_INT(row->version),
					  DB_INT(row->ack_timeout_ms), DB_INT(row->expires_us),
					  DB_TEXT(row->body)};

	return db_run(db, "INSERT INTO escalations (" COLUMNS ") VALUES (?, ?, ?, ?, ?)", params,
		      COLUMN_COUNT);
}

static int version_get(struct db *db, const char *alert_id, int64_t *version)
{
	const struct tc_value params[] = {DB_TEXT(alert_id)};
	int err;

	*version = 0;
	err = row_get_int(db, "SELECT version FROM escalations WHERE alert_id = ?", params, 1,
			  version);
	return err < 0 ? err : 0;
}

int escalation_put(struct db *db, const struct escalation_row *row)
{
	const struct tc_value params[] = {DB_INT(row->version),      DB_INT(row->ack_timeout_ms),
					  DB_INT(row->expires_us),   DB_TEXT(row->body),
					  DB_TEXT(row->alert_id),    DB_INT(row->version - 1)};
	int64_t version;
	int err;

	err = db_run(db,
		     "UPDATE escalations SET version = ?, ack_timeout_ms = ?, expires_us = ?, "
		     "body = ? WHERE alert_id = ? AND version = ?",
		     params, 6);
	if (err || db_changes(db))
		return err;
	err = version_get(db, row->alert_id, &version);
	if (err)
		return err;
	if (!version) /* of an alert that is older than this table */
		return escalation_insert(db, row);
	return version == row->version ? -EALREADY : -ESTALE;
}

int escalation_get(struct db *db, const char *alert_id, struct escalation_row *row)
{
	const struct tc_value params[] = {DB_TEXT(alert_id)};

	return row_get(db, "SELECT " COLUMNS " FROM escalations WHERE alert_id = ?", params, 1,
		       COLUMN_COUNT, row_read, row);
}

static int expires_get(struct db *db, const char *alert_id, int64_t *expires_us)
{
	const struct tc_value params[] = {DB_TEXT(alert_id)};
	int err;

	*expires_us = 0;
	err = row_get_int(db, "SELECT expires_us FROM escalations WHERE alert_id = ?", params, 1,
			  expires_us);
	return err < 0 ? err : 0;
}

int escalation_acknowledged(struct db *db, const char *alert_id, const char *body, int64_t at_us,
			    int64_t *expires_us)
{
	const struct tc_value params[] = {DB_INT(at_us), DB_TEXT(body), DB_TEXT(alert_id)};
	int err;

	err = db_run(db,
		     "UPDATE escalations SET expires_us = "
		     "CASE WHEN ack_timeout_ms > 0 THEN ? + ack_timeout_ms * 1000 ELSE 0 END, "
		     "body = COALESCE(?, body) WHERE alert_id = ?",
		     params, 3);
	return err ? err : expires_get(db, alert_id, expires_us);
}

int escalation_over(struct db *db, const char *alert_id)
{
	const struct tc_value params[] = {DB_TEXT(alert_id)};

	return db_run(db,
		      "UPDATE escalations SET expires_us = 0 WHERE alert_id = ? AND expires_us > 0",
		      params, 1);
}

/* ---- for start-up ---- */

struct reader {
	struct db *db;
	struct escalation_row *rows; /* by alert_id */
	size_t n, room;
	escalation_fn fn;
	void *arg;
};

static int keep(const struct tc_value *v, void *arg)
{
	struct reader *r = arg;

	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		r->rows = tc_realloc(r->rows, r->room * sizeof(*r->rows));
	}
	row_read(v, &r->rows[r->n++]);
	return 0;
}

static int by_alert(const void *a, const void *b)
{
	const struct escalation_row *row_a = a, *row_b = b;

	return strcmp(row_a->alert_id, row_b->alert_id);
}

static int hand_over(const struct alert_row *alert, void *arg)
{
	struct reader *r = arg;
	struct escalation_row wanted = {.body = NULL}, *found;

	tc_strcopy(wanted.alert_id, sizeof(wanted.alert_id), alert->id);
	found = r->n ? bsearch(&wanted, r->rows, r->n, sizeof(*r->rows), by_alert) : NULL;
	return r->fn(alert, found ? found : &wanted, r->arg);
}

static void reader_fini(struct reader *r)
{
	for (size_t i = 0; i < r->n; i++)
		escalation_row_fini(&r->rows[i]);
	free(r->rows);
}

int escalation_list_open(struct db *db, escalation_fn fn, void *arg)
{
	struct reader r = {.db = db, .fn = fn, .arg = arg};
	int err;

	err = rows_each(db,
			"SELECT e.alert_id, e.version, e.ack_timeout_ms, e.expires_us, e.body "
			"FROM escalations e JOIN alerts a ON a.id = e.alert_id "
			"WHERE a.state = 'open'",
			NULL, 0, COLUMN_COUNT, keep, &r);
	if (r.n)
		qsort(r.rows, r.n, sizeof(*r.rows), by_alert);
	if (!err)
		err = alert_list_open(db, hand_over, &r);
	reader_fini(&r);
	return err;
}

int escalation_list_expiring(struct db *db, escalation_fn fn, void *arg)
{
	struct reader r = {.db = db};
	int err;

	err = rows_each(db, "SELECT " COLUMNS " FROM escalations WHERE expires_us > 0", NULL, 0,
			COLUMN_COUNT, keep, &r);
	for (size_t i = 0; i < r.n && !err; i++) {
		struct alert_row alert;
		int found = alert_get(db, r.rows[i].alert_id, &alert);

		if (found < 0)
			err = found;
		if (found <= 0)
			continue;
		if (!strcmp(alert.state, "acknowledged"))
			err = fn(&alert, &r.rows[i], arg);
		alert_row_fini(&alert);
	}
	reader_fini(&r);
	return err;
}
