/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The schema, step by step. A step that was released is never changed: what comes after is a new
 * step.
 *
 * The statements of a step may be repeated: some databases commit each CREATE by itself, so that a
 * step that was cut short is run again from its beginning. Words in braces come from the dialect.
 * Times are microseconds since 1970 UTC, 0 = not (yet). Texts that stand in an index are bounded;
 * that they fit is checked where they come in.
 */
#include "store/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "store/db.h"

static const char *const step_1[] = {
	"CREATE TABLE IF NOT EXISTS alerts ("
	" id VARCHAR(36) NOT NULL PRIMARY KEY,"
	" state VARCHAR(16) NOT NULL,"
	" message {text} NOT NULL,"
	" target VARCHAR(255) NOT NULL,"
	" strategy VARCHAR(32) NOT NULL,"
	" severity VARCHAR(64) NOT NULL,"
	" language VARCHAR(64),"
	" voice VARCHAR(255),"
	" source VARCHAR(255),"
	" dedup_key VARCHAR(512),"
	" labels {text} NOT NULL,"
	" created_us BIGINT NOT NULL,"
	" updated_us BIGINT NOT NULL,"
	" acknowledged_by VARCHAR(255),"
	" acknowledged_us BIGINT NOT NULL,"
	" step INT NOT NULL){suffix}",
	"CREATE INDEX IF NOT EXISTS alerts_dedup_key ON alerts (dedup_key, id)",
	"CREATE INDEX IF NOT EXISTS alerts_state ON alerts (state, id)",

	"CREATE TABLE IF NOT EXISTS calls ("
	" id VARCHAR(36) NOT NULL PRIMARY KEY,"
	" alert_id VARCHAR(36) NOT NULL,"
	" contact_id VARCHAR(36),"
	" number VARCHAR(255) NOT NULL,"
	" trunk VARCHAR(255),"
	" state VARCHAR(16) NOT NULL,"
	" result VARCHAR(32),"
	" sip INT NOT NULL,"
	" q850 INT NOT NULL,"
	" cause {text},"
	" ref {text},"
	" attempt INT NOT NULL,"
	" created_us BIGINT NOT NULL,"
	" placed_us BIGINT NOT NULL,"
	" ringing_us BIGINT NOT NULL,"
	" answered_us BIGINT NOT NULL,"
	" ended_us BIGINT NOT NULL,"
	" spoken_ms BIGINT NOT NULL,"
	" pressed {text} NOT NULL){suffix}",
	"CREATE INDEX IF NOT EXISTS calls_alert ON calls (alert_id, id)",
	"CREATE INDEX IF NOT EXISTS calls_state ON calls (state, id)",
	"CREATE INDEX IF NOT EXISTS calls_number ON calls (number, id)",

	"CREATE TABLE IF NOT EXISTS events ("
	" id {autoid},"
	" at_us BIGINT NOT NULL,"
	" alert_id VARCHAR(36),"
	" call_id VARCHAR(36),"
	" what VARCHAR(64) NOT NULL,"
	" sentence {text} NOT NULL,"
	" reason {text},"
	" data {text}){suffix}",
	"CREATE INDEX IF NOT EXISTS events_alert ON events (alert_id, id)",

	"CREATE TABLE IF NOT EXISTS tokens ("
	" id VARCHAR(36) NOT NULL PRIMARY KEY,"
	" name VARCHAR(255) NOT NULL,"
	" scope VARCHAR(16) NOT NULL,"
	" hash CHAR(64) NOT NULL,"
	" created_us BIGINT NOT NULL,"
	" expires_us BIGINT NOT NULL){suffix}",
	"CREATE UNIQUE INDEX IF NOT EXISTS tokens_name ON tokens (name)",
	"CREATE UNIQUE INDEX IF NOT EXISTS tokens_hash ON tokens (hash)",
	NULL,
};

/* People: their numbers are JSON, [{"number":"+4930123","use":["call"]}]. */
static const char *const step_2[] = {
	"CREATE TABLE IF NOT EXISTS contacts ("
	" id VARCHAR(36) NOT NULL PRIMARY KEY,"
	" name VARCHAR(255) NOT NULL,"
	" numbers {text} NOT NULL,"
	" language VARCHAR(64),"
	" voice VARCHAR(255),"
	" timezone VARCHAR(64),"
	" pin VARCHAR(255),"
	" enabled INT NOT NULL,"
	" note {text} NOT NULL,"
	" version BIGINT NOT NULL,"
	" created_us BIGINT NOT NULL,"
	" updated_us BIGINT NOT NULL){suffix}",
	"CREATE UNIQUE INDEX IF NOT EXISTS contacts_name ON contacts (name)",
	"CREATE INDEX IF NOT EXISTS alerts_updated ON alerts (state, updated_us)",
	NULL,
};

/* The events that are kept for a while only: to find the oldest ones without a search. */
static const char *const step_3[] = {
	"CREATE TABLE IF NOT EXISTS event_notes ("
	" event_id BIGINT NOT NULL PRIMARY KEY){suffix}",
	NULL,
};

/*
 * Documents of people: schedules, policies, maintenance windows; each is JSON under an id and a
 * name. And what plugins keep.
 */
static const char *const step_4[] = {
	"CREATE TABLE IF NOT EXISTS documents ("
	" id VARCHAR(36) NOT NULL PRIMARY KEY,"
	" kind VARCHAR(32) NOT NULL,"
	" name VARCHAR(255) NOT NULL,"
	" body {text} NOT NULL,"
	" version BIGINT NOT NULL,"
	" created_us BIGINT NOT NULL,"
	" updated_us BIGINT NOT NULL){suffix}",
	"CREATE UNIQUE INDEX IF NOT EXISTS documents_name ON documents (kind, name)",
	"CREATE TABLE IF NOT EXISTS kept ("
	" owner VARCHAR(64) NOT NULL,"
	" name VARCHAR(200) NOT NULL,"
	" body {text} NOT NULL,"
	" updated_us BIGINT NOT NULL,"
	" PRIMARY KEY (owner, name)){suffix}",
	NULL,
};

/* Escalation: how far an alert has come, who is being reached for it, what holds it back. */
static const char *const step_5[] = {
	"CREATE TABLE IF NOT EXISTS escalations ("
	" alert_id VARCHAR(36) NOT NULL PRIMARY KEY,"
	" version BIGINT NOT NULL,"
	" ack_timeout_ms BIGINT NOT NULL,"
	" expires_us BIGINT NOT NULL,"
	" body {text} NOT NULL){suffix}",
	"CREATE INDEX IF NOT EXISTS escalations_expires ON escalations (expires_us)",
	NULL,
};

/*
 * Calls that tell several alerts: which ones, and what became of each in the call. Until now each
 * told the one that its own row names.
 */
static const char *const step_6[] = {
	"CREATE TABLE IF NOT EXISTS call_pages ("
	" call_id VARCHAR(36) NOT NULL,"
	" alert_id VARCHAR(36) NOT NULL,"
	" serial INT NOT NULL,"
	" attempt INT NOT NULL,"
	" joined_us BIGINT NOT NULL,"
	" result VARCHAR(32),"
	" used INT NOT NULL,"
	" pressed VARCHAR(64) NOT NULL,"
	" PRIMARY KEY (call_id, alert_id)){suffix}",
	"CREATE INDEX IF NOT EXISTS call_pages_alert ON call_pages (alert_id, call_id)",
	"INSERT INTO call_pages"
	" (call_id, alert_id, serial, attempt, joined_us, result, used, pressed)"
	" SELECT id, alert_id, 1, attempt, created_us, result,"
	" CASE WHEN result IN ('lost', 'cancelled') THEN 0 ELSE 1 END, SUBSTR(pressed, 1, 64)"
	" FROM calls"
	" WHERE id NOT IN (SELECT call_id FROM call_pages)",
	"CREATE TABLE IF NOT EXISTS call_deferrals ("
	" call_id VARCHAR(36) NOT NULL PRIMARY KEY,"
	" until_us BIGINT NOT NULL,"
	" reason {text} NOT NULL){suffix}",
	NULL,
};

/* Decisions that triggers have yet to be told; and whose alert each is, until it is over. */
static const char *const step_7[] = {
	"CREATE TABLE IF NOT EXISTS alert_raisers ("
	" alert_id VARCHAR(36) NOT NULL PRIMARY KEY,"
	" instance VARCHAR(255) NOT NULL){suffix}",
	"CREATE TABLE IF NOT EXISTS notices ("
	" id {autoid},"
	" alert_id VARCHAR(36) NOT NULL,"
	" instance VARCHAR(255) NOT NULL,"
	" what VARCHAR(16) NOT NULL,"
	" by_whom VARCHAR(255),"
	" silence INT NOT NULL,"
	" at_us BIGINT NOT NULL,"
	" tries INT NOT NULL,"
	" due_us BIGINT NOT NULL){suffix}",
	"CREATE INDEX IF NOT EXISTS notices_alert ON notices (alert_id, id)",
	"CREATE INDEX IF NOT EXISTS notices_due ON notices (instance, due_us)",
	NULL,
};

/* Test calls. */
static const char *const step_8[] = {
	"CREATE TABLE IF NOT EXISTS test_calls ("
	" id VARCHAR(36) NOT NULL PRIMARY KEY,"
	" name VARCHAR(255),"
	" target VARCHAR(255) NOT NULL,"
	" contact_id VARCHAR(36),"
	" number VARCHAR(64) NOT NULL,"
	" trunk VARCHAR(255),"
	" result VARCHAR(32),"
	" reason {text},"
	" by_whom VARCHAR(255) NOT NULL,"
	" created_us BIGINT NOT NULL,"
	" ringing_us BIGINT NOT NULL,"
	" answered_us BIGINT NOT NULL,"
	" key_us BIGINT NOT NULL,"
	" ended_us BIGINT NOT NULL,"
	" keys_sent VARCHAR(64),"
	" keys_heard VARCHAR(64),"
	" level_dbov INT){suffix}",
	"CREATE INDEX IF NOT EXISTS test_calls_number ON test_calls (number, id)",
	"CREATE INDEX IF NOT EXISTS test_calls_name ON test_calls (name, id)",
	NULL,
};

/* In order; the first is version 1. */
static const char *const *const steps[] = {
	step_1,
	step_2,
	step_3,
	step_4,
	step_5,
	step_6,
	step_7,
	step_8,
};

int migrate_version(void)
{
	return (int)(sizeof(steps) / sizeof(steps[0]));
}

/* SQL with its {words} replaced by the dialect's; owned by the caller. */
static char *expand(const char *sql, const struct tc_store_dialect *dialect)
{
	const struct {
		const char *word, *text;
	} words[] = {
		{"{autoid}", dialect->autoid},
		{"{text}", dialect->text},
		{"{blob}", dialect->blob},
		{"{suffix}", dialect->table_suffix},
	};
	struct tc_buf out = {0};

	while (*sql) {
		size_t plain = strcspn(sql, "{"), skip = 0;

		tc_buf_add(&out, sql, plain);
		sql += plain;
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && !skip; i++) {
			if (strncmp(sql, words[i].word, strlen(words[i].word)) == 0) {
				skip = strlen(words[i].word);
				tc_buf_puts(&out, words[i].text);
			}
		}
		sql += skip;
		if (*sql == '{' && !skip)
			tc_buf_add(&out, sql++, 1);
	}
	return tc_buf_take(&out);
}

static int exec(struct db *db, const char *sql)
{
	char *text = expand(sql, db_dialect(db));
	int err = db_exec_text(db, text);

	free(text);
	return err;
}

static int version_get(struct db *db, int *version)
{
	struct db_stmt *stmt;
	struct tc_value v;
	int err;

	err = db_query(db, "SELECT MAX(version) FROM schema_version", NULL, 0, &stmt);
	if (err)
		return err;
	err = db_next(stmt, &v, 1);
	if (err == 1)
		*version = v.type == TC_V_INT ? (int)v.i : 0;
	db_done(stmt);
	return err < 0 ? err : 0;
}

/* A second node that starts at the same moment may have been quicker: -EEXIST is as good. */
static int version_add(struct db *db, int version)
{
	const struct tc_value params[] = {DB_INT(version), DB_INT(tc_wall_us())};
	int err;

	err = db_run(db, "INSERT INTO schema_version (version, applied_us) VALUES (?, ?)", params,
		     2);
	return err == -EEXIST ? 0 : err;
}

/* The next step, in a transaction of its own: 1 there may be more, 0 all is done, negative. */
static int advance(struct db *db, int *version)
{
	int err = db_begin(db, true);

	if (err)
		return err;
	err = exec(db, "CREATE TABLE IF NOT EXISTS schema_version ("
		       " version INT NOT NULL PRIMARY KEY,"
		       " applied_us BIGINT NOT NULL){suffix}");
	if (!err)
		err = version_get(db, version);
	if (!err && *version > migrate_version())
		err = -EPROTO;
	if (!err && *version < migrate_version()) {
		for (const char *const *sql = steps[*version]; !err && *sql; sql++)
			err = exec(db, *sql);
		if (!err)
			err = version_add(db, *version + 1);
		if (!err)
			err = db_commit(db);
		if (!err)
			return 1;
	}
	db_rollback(db);
	return err;
}

int migrate_run(struct db *db, char *fault, unsigned long size_bytes)
{
	int version = 0, from = -1, more;

	do {
		more = advance(db, &version);
		if (from < 0)
			from = version;
	} while (more > 0);
	if (more == -EPROTO)
		snprintf(fault, size_bytes,
			 "the database has schema version %d, this program knows %d: it was "
			 "written by a "
			 "newer program",
			 version, migrate_version());
	else if (more < 0)
		snprintf(fault, size_bytes, "cannot bring the database to schema version %d: %s",
			 migrate_version(), db_error(db));
	else if (from < version)
		tc_log(NULL, TC_LOG_INFO, "database schema brought up to date from=%d to=%d", from,
		       version);
	return more;
}
