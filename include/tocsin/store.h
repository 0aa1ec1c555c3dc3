/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of a store plugin (kind store): a SQL driver, with no knowledge of alerts.
 *
 * The core writes SQL once, in the part of the language that SQLite and MariaDB share: "?"
 * parameters, no upsert, no dialect functions; what differs comes from struct tc_store_dialect.
 * All calls block and are made on the core's store threads; each connection is used by one thread
 * only.
 */
#ifndef TOCSIN_STORE_H
#define TOCSIN_STORE_H

#include <tocsin/plugin.h>

enum tc_value_type { TC_V_NULL, TC_V_INT, TC_V_TEXT, TC_V_BLOB };

struct tc_value {
	enum tc_value_type type;
	int64_t i;
	const char *s; /* TEXT (UTF-8) and BLOB: len bytes; a TEXT from a row also has a final
			  NUL */
	size_t len;
};

struct tc_db;   /* one connection, the plugin's */
struct tc_stmt; /* one prepared statement, the plugin's */

/* What differs between databases; constant per instance. */
struct tc_store_dialect {
	const char *name;         /* "sqlite", "mariadb" */
	const char *autoid;       /* column type of a growing 64-bit primary key */
	const char *text;         /* column type of long UTF-8 text (up to 1 MiB) */
	const char *blob;
	const char *table_suffix; /* behind the ")" of CREATE TABLE: engine, character set */
	const char *for_update;   /* suffix that locks the rows read, "" where the transaction
				     does */
	const char *skip_locked;  /* suffix behind for_update, "" where there is none */
};

struct tc_store_ops {
	const struct tc_store_dialect *(*dialect)(void *state);

	/*
	 * A new connection. Called on the thread that will use it.
	 *
	 * result  0 | -EACCES login or file refused | -EHOSTDOWN not reachable | -EINVAL wrong
	 *         database
	 * text    receives why, for people; size_bytes of it
	 */
	int (*connect)(void *state, struct tc_db **db, char *text, size_t size_bytes);
	void (*disconnect)(struct tc_db *db);

	/*
	 * Transactions. begin(write) takes the write lock at once where there is one. commit is
	 * durable when it returns 0 (on the disk, fsync).
	 *
	 * errors  -EAGAIN deadlock, lock wait or certification conflict: rolled back, try the
	 *         whole again -EHOSTDOWN connection lost: it is unknown whether a commit happened;
	 *         reconnect -EIO, -ENOSPC
	 */
	int (*begin)(struct tc_db *db, bool write);
	int (*commit)(struct tc_db *db);
	int (*rollback)(struct tc_db *db);

	/*
	 * Prepare one statement; it lives until finish() or disconnect(). errors: -EINVAL bad SQL
	 * (text by error()).
	 */
	int (*prepare)(struct tc_db *db, const char *sql, struct tc_stmt **stmt);
	void (*finish)(struct tc_stmt *stmt);

	/*
	 * Run a statement with its parameters (copied or used up before return). Rows come by
	 * next().
	 *
	 * errors  -EEXIST unique or primary key violated | -EINVAL | -EAGAIN | -EHOSTDOWN | -EIO |
	 *         -ENOSPC
	 */
	int (*execute)(struct tc_stmt *stmt, const struct tc_value *params, size_t n);

	/*
	 * The next row.
	 *
	 * row     receives n columns; TEXT and BLOB live until the next call on stmt
	 * result  1 a row | 0 no more | negative
	 */
	int (*next)(struct tc_stmt *stmt, struct tc_value *row, size_t n);

	/* Done with the rows of this execution. Always called, also after an error. */
	void (*reset)(struct tc_stmt *stmt);

	int64_t (*last_id)(struct tc_db *db);  /* autoid of the last insert */
	int64_t (*changes)(struct tc_db *db);  /* rows changed by the last execute */
	const char *(*error)(struct tc_db *db); /* text of the last error, without any parameter
						   value */
};

#endif
