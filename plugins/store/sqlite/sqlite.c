/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The embedded store: SQLite in WAL mode. The descriptor, the settings, and how a connection is
 * made; what runs on a connection is in statement.c.
 */
#include "sqlite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

static const char *const synchronous_names[] = {"full", "normal", NULL};

static const struct tc_option options[] = {
	{.name = "path",
	 .type = TC_STRING,
	 .offset = offsetof(struct sqlite_config, path),
	 .def = "tocsin.db",
	 .min = 1,
	 .max = 4096,
	 .help = "database file; a relative path lies in the state directory"},
	{.name = "synchronous",
	 .type = TC_ENUM,
	 .offset = offsetof(struct sqlite_config, synchronous),
	 .def = "full",
	 .choices = synchronous_names,
	 .help = "full: a commit is on the disk when it is reported; normal: a power cut may undo "
		 "the last ones"},
	{.name = "busy_timeout",
	 .type = TC_DURATION,
	 .offset = offsetof(struct sqlite_config, busy_timeout),
	 .def = "5s",
	 .min = 0,
	 .max = 60000,
	 .help = "how long to wait while another process (a backup, a shell) holds the database"},
	{.name = "quick_check",
	 .type = TC_BOOL,
	 .offset = offsetof(struct sqlite_config, quick_check),
	 .def = "true",
	 .help = "look for damage at start; switch off when the file is so large that it takes too "
		 "long"},
	TC_OPTION_END,
};

static const struct tc_store_dialect sqlite_dialect = {
	.name = "sqlite",
	/* AUTOINCREMENT: the id of a deleted row is not given to a new one */
	.autoid = "INTEGER PRIMARY KEY AUTOINCREMENT",
	.text = "TEXT",
	.blob = "BLOB",
	.table_suffix = "",
	.for_update = "",
	.skip_locked = "",
};

/* ---- the instance ---- */

static int sqlite_open(struct tc_instance *self, const void *cfg, void **state)
{
	struct sqlite *sqlite;

	if (!sqlite3_threadsafe()) {
		tc_log(self, TC_LOG_ERROR, "this SQLite library was built without threads");
		return -EINVAL;
	}
	sqlite = tc_alloc(sizeof(*sqlite));
	sqlite->self = self;
	sqlite->cfg = cfg;
	if (sqlite->cfg->path[0] == '/')
		sqlite->path = tc_strdup(sqlite->cfg->path);
	else
		sqlite->path = tc_asprintf("%s/%s", tc_instance_state_dir(self), sqlite->cfg->path);
	*state = sqlite;
	return 0;
}

static void sqlite_close(void *state)
{
	struct sqlite *sqlite = state;

	free(sqlite->path);
	free(sqlite);
}

static void sqlite_status(void *state, struct tc_status *out)
{
	struct sqlite *sqlite = state;
	int fault = atomic_load(&sqlite->fault);

	if (fault)
		tc_status_health(out, false, "%s: %s", sqlite->path, tc_strerror(fault));
	else
		tc_status_health(out, true, "%s", sqlite->path);
	tc_status_text(out, "library", sqlite3_libversion());
}

static const struct tc_store_dialect *dialect(void *state)
{
	(void)state;
	return &sqlite_dialect;
}

/* ---- connections ---- */

/*
 * Make the file, for us alone: SQLite gives its WAL the same mode. Its directory entry is on the
 * disk before anything is reported as committed.
 */
static int create(const char *path, char *text, size_t size_bytes)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char *folder, *slash;
	int err = 0;

	if (fd < 0) {
		if (errno == EEXIST)
			return 0;
		err = errno;
		snprintf(text, size_bytes, "cannot create the database %s: %s", path,
			 strerror(err));
		return err == ENOSPC ? -ENOSPC : -EACCES;
	}
	close(fd);
	folder = tc_strdup(path);
	slash = strrchr(folder, '/');
	slash[slash == folder] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0) {
		err = -EIO;
		snprintf(text, size_bytes, "cannot write the directory %s: %s", folder,
			 strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	free(folder);
	return err;
}

/* Run a statement; its first column as text is left in answer. */
static int ask(struct tc_db *db, const char *sql, char *answer, size_t size_bytes)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);

	answer[0] = '\0';
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(stmt);
		if (rc == SQLITE_ROW && sqlite3_column_text(stmt, 0))
			snprintf(answer, size_bytes, "%s",
				 (const char *)sqlite3_column_text(stmt, 0));
	}
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		rc = SQLITE_OK;
	rc = sqlite_result(db, rc);
	sqlite3_finalize(stmt);
	return rc;
}

/*
 * The size of the WAL is bounded by the automatic checkpoint; the limit takes it back after a
 * burst.
 */
static const char *const settings[] = {
	"PRAGMA foreign_keys = ON",         "PRAGMA trusted_schema = OFF",
	"PRAGMA cell_size_check = ON",      "PRAGMA temp_store = MEMORY",
	"PRAGMA wal_autocheckpoint = 1000", "PRAGMA journal_size_limit = 67108864",
};

static int set_up(struct tc_db *db)
{
	const struct sqlite_config *cfg = db->sqlite->cfg;
	char answer[256];
	int err;

	err = ask(db, "PRAGMA journal_mode = WAL", answer, sizeof(answer));
	if (!err && strcmp(answer, "wal") != 0) {
		snprintf(db->text, sizeof(db->text),
			 "%s: no WAL is possible there (journal_mode is %s)", db->sqlite->path,
			 answer);
		err = -EINVAL;
	}
	if (!err)
		err = ask(db,
			  cfg->synchronous ? "PRAGMA synchronous = NORMAL"
					   : "PRAGMA synchronous = FULL",
			  answer, sizeof(answer));
	for (size_t i = 0; !err && i < sizeof(settings) / sizeof(settings[0]); i++)
		err = ask(db, settings[i], answer, sizeof(answer));
	if (err || !cfg->quick_check || atomic_load(&db->sqlite->checked))
		return err;
	err = ask(db, "PRAGMA quick_check(1)", answer, sizeof(answer));
	if (!err && strcmp(answer, "ok") != 0) {
		snprintf(db->text, sizeof(db->text), "the database %s is damaged: %s",
			 db->sqlite->path, answer);
		err = -EINVAL;
	}
	if (!err)
		atomic_store(&db->sqlite->checked, true);
	return err;
}

static void sqlite_disconnect(struct tc_db *db)
{
	struct tc_stmt *stmt;

	while ((stmt = LIST_FIRST(&db->stmts)))
		sqlite_finish(stmt);
	sqlite3_finalize(db->begin_write);
	sqlite3_finalize(db->begin_read);
	sqlite3_finalize(db->commit);
	sqlite3_finalize(db->rollback);
	sqlite3_close(db->handle);
	free(db);
}

/* What went wrong while connecting, in the words of connect(). */
static int refusal(int err)
{
	switch (err) {
	case -EAGAIN:
		return -EHOSTDOWN; /* somebody holds it: try again later */
	case -EIO:
		return -EINVAL;
	default:
		return err;
	}
}

static int sqlite_connect(void *state, struct tc_db **out, char *text, size_t size_bytes)
{
	struct sqlite *sqlite = state;
	struct tc_db *db;
	int err, rc;

	err = create(sqlite->path, text, size_bytes);
	if (err)
		return err;
	db = tc_alloc(sizeof(*db));
	db->sqlite = sqlite;
	LIST_INIT(&db->stmts);
	/* One thread at a time uses a connection: SQLite needs no lock around it. */
	rc = sqlite3_open_v2(sqlite->path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			     NULL);
	if (!db->handle) {
		snprintf(text, size_bytes, "out of memory");
		free(db);
		return -ENOMEM;
	}
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, (int)sqlite->cfg->busy_timeout);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	err = rc == SQLITE_OK ? set_up(db) : sqlite_result(db, rc);
	if (err == -EACCES)
		snprintf(text, size_bytes, "cannot open the database %s: %s", sqlite->path,
			 strerror(sqlite3_system_errno(db->handle)));
	else if (err)
		snprintf(text, size_bytes, "%s", db->text);
	if (err) {
		sqlite_disconnect(db);
		return refusal(err);
	}
	*out = db;
	return 0;
}

static int64_t sqlite_last_id(struct tc_db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

static int64_t sqlite_changes(struct tc_db *db)
{
	return sqlite3_changes(db->handle);
}

static const char *sqlite_error(struct tc_db *db)
{
	return db->text;
}

static const struct tc_store_ops ops = {
	.dialect = dialect,
	.connect = sqlite_connect,
	.disconnect = sqlite_disconnect,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.prepare = sqlite_prepare,
	.finish = sqlite_finish,
	.execute = sqlite_execute,
	.next = sqlite_next,
	.reset = sqlite_reset,
	.last_id = sqlite_last_id,
	.changes = sqlite_changes,
	.error = sqlite_error,
};

TC_API const struct tc_plugin tc_plugin = {
	TC_PLUGIN_GUARD(TC_KIND_STORE),
	.name = "sqlite",
	.version = TC_VERSION,
	.summary = "embedded database in one file, for one node",
	.options = options,
	.config_size = sizeof(struct sqlite_config),
	.open = sqlite_open,
	.close = sqlite_close,
	.status = sqlite_status,
	.ops = &ops,
};
