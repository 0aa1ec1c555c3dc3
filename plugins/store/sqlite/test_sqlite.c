/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is sqlite's own: its file, its settings, its errors. The contract of the kind is tested in
 * tests/conform/store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <tocsin/alloc.h>
#include <tocsin/store.h>

#include "host/host.h"
#include "host/loop.h"

extern const struct tc_plugin tc_plugin;

struct rig {
	struct loop *loop;
	struct host *host;
	struct tc_instance *instance;
	const struct tc_store_ops *ops;
	char dir[64];
};

static int setup(void **state)
{
	struct rig *rig = tc_alloc(sizeof(*rig));
	const char *tmp = getenv("TMPDIR");

	snprintf(rig->dir, sizeof(rig->dir), "%.40s/tocsin-sqlite-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(rig->dir))
		return -1;
	rig->loop = loop_new(LOOP_REAL);
	rig->host = host_new(rig->loop, "", rig->dir);
	host_plugin_add(rig->host, &tc_plugin);
	rig->ops = tc_plugin.ops;
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;
	struct dirent *e;
	DIR *d;

	instance_free(rig->instance);
	host_free(rig->host);
	loop_free(rig->loop);
	d = opendir(rig->dir);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(rig->dir);
	free(rig);
	return 0;
}

/* Open the instance with these settings (JSON), its "plugin" added; the faults' count, or 0. */
static size_t configure(struct rig *rig, const char *settings)
{
	json_t *object = json_loads(settings, 0, NULL);
	struct tc_errors *errs = tc_errors_new();
	size_t faults;

	assert_non_null(object);
	json_object_set_new(object, "plugin", json_string("sqlite"));
	instance_free(rig->instance);
	rig->instance = instance_new(rig->host, TC_KIND_STORE, object, errs);
	faults = tc_errors_count(errs);
	if (rig->instance)
		assert_int_equal(instance_open(rig->instance), 0);
	tc_errors_free(errs);
	json_decref(object);
	return faults;
}

static int try_connect(struct rig *rig, struct tc_db **db, char text[512])
{
	text[0] = '\0';
	return rig->ops->connect(rig->instance->state, db, text, 512);
}

static struct tc_db *connected(struct rig *rig)
{
	struct tc_db *db;
	char text[512];
	int err = try_connect(rig, &db, text);

	if (err)
		print_message("%s\n", text);
	assert_int_equal(err, 0);
	return db;
}

static int run(struct rig *rig, struct tc_db *db, const char *sql)
{
	struct tc_stmt *stmt;
	int err = rig->ops->prepare(db, sql, &stmt);

	if (err)
		return err;
	err = rig->ops->execute(stmt, NULL, 0);
	rig->ops->reset(stmt);
	rig->ops->finish(stmt);
	return err;
}

/* The first column of the first row, as text. */
static char *answer(struct rig *rig, struct tc_db *db, const char *sql)
{
	struct tc_stmt *stmt;
	struct tc_value v;
	char *text;

	assert_int_equal(rig->ops->prepare(db, sql, &stmt), 0);
	assert_int_equal(rig->ops->execute(stmt, NULL, 0), 0);
	assert_int_equal(rig->ops->next(stmt, &v, 1), 1);
	text = v.type == TC_V_INT ? tc_asprintf("%lld", (long long)v.i) : tc_strndup(v.s, v.len);
	rig->ops->reset(stmt);
	rig->ops->finish(stmt);
	return text;
}

static void check_answer(struct rig *rig, struct tc_db *db, const char *sql, const char *want)
{
	char *text = answer(rig, db, sql);

	assert_string_equal(text, want);
	free(text);
}

static void check_mode(struct rig *rig, const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", rig->dir, name);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_file(void **state)
{
	struct rig *rig = *state;
	mode_t old = umask(0);
	struct tc_db *db;
	char path[256], *settings;

	assert_int_equal(configure(rig, "{}"), 0);
	db = connected(rig);
	assert_int_equal(run(rig, db, "CREATE TABLE t (a INT)"), 0);
	umask(old);
	check_mode(rig, "tocsin.db");
	check_mode(rig, "tocsin.db-wal");
	rig->ops->disconnect(db);
	/* an absolute path is taken as it is */
	snprintf(path, sizeof(path), "%s/other.db", rig->dir);
	settings = tc_asprintf("{\"path\": \"%s\"}", path);
	assert_int_equal(configure(rig, settings), 0);
	free(settings);
	rig->ops->disconnect(connected(rig));
	check_mode(rig, "other.db");
	/* the mode of a file that was there is its owner's affair */
	assert_int_equal(chmod(path, 0640), 0);
	rig->ops->disconnect(connected(rig));
	assert_int_equal(chmod(path, 0600), 0);
}

static void test_pragmas(void **state)
{
	struct rig *rig = *state;
	struct tc_db *db;

	assert_int_equal(configure(rig, "{}"), 0);
	db = connected(rig);
	check_answer(rig, db, "PRAGMA journal_mode", "wal");
	check_answer(rig, db, "PRAGMA synchronous", "2");
	check_answer(rig, db, "PRAGMA foreign_keys", "1");
	check_answer(rig, db, "PRAGMA busy_timeout", "5000");
	check_answer(rig, db, "PRAGMA journal_size_limit", "67108864");
	rig->ops->disconnect(db);
	assert_int_equal(
		configure(rig, "{\"synchronous\": \"normal\", \"busy_timeout\": \"20ms\"}"), 0);
	db = connected(rig);
	check_answer(rig, db, "PRAGMA synchronous", "1");
	check_answer(rig, db, "PRAGMA busy_timeout", "20");
	rig->ops->disconnect(db);
}

static void test_settings(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(configure(rig, "{\"synchronous\": \"off\"}"), 1);
	assert_int_equal(configure(rig, "{\"path\": \"\"}"), 1);
	assert_int_equal(configure(rig, "{\"busy_timeout\": \"2h\", \"pfad\": \"x\"}"), 2);
	assert_null(rig->instance);
}

static void test_cannot_be_opened(void **state)
{
	struct rig *rig = *state;
	struct tc_db *db;
	char text[512];

	assert_int_equal(configure(rig, "{\"path\": \"no/such/folder/x.db\"}"), 0);
	assert_int_equal(try_connect(rig, &db, text), -EACCES);
	assert_non_null(strstr(text, "no/such/folder/x.db"));
	assert_non_null(strstr(text, "No such file"));
	/* the folder itself */
	assert_int_equal(configure(rig, "{\"path\": \".\"}"), 0);
	assert_int_not_equal(try_connect(rig, &db, text), 0);
	assert_non_null(strstr(text, rig->dir));
}

static void test_not_a_database(void **state)
{
	struct rig *rig = *state;
	char path[256], text[512];
	struct tc_db *db;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tocsin.db", rig->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < 200; i++)
		fputs("not a database\n", f);
	fclose(f);
	assert_int_equal(configure(rig, "{}"), 0);
	assert_int_equal(try_connect(rig, &db, text), -EINVAL);
	assert_non_null(strstr(text, path));
	assert_non_null(strstr(text, "damaged"));
}

/*
 * Overwrite a page in the middle of the tables: it is found when the file is opened, not when it is
 * too late.
 */
static void test_damage(void **state)
{
	struct rig *rig = *state;
	char path[256], text[512], page[4096];
	struct tc_db *db;
	int fd;

	assert_int_equal(configure(rig, "{}"), 0);
	db = connected(rig);
	assert_int_equal(run(rig, db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)"), 0);
	assert_int_equal(run(rig, db,
			     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
			     "WHERE i < 3000) INSERT INTO t SELECT i, 'row ' || i FROM n"),
			 0);
	rig->ops->disconnect(db);
	snprintf(path, sizeof(path), "%s/tocsin.db", rig->dir);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	memset(page, 0x5a, sizeof(page));
	assert_int_equal(pwrite(fd, page, sizeof(page), 5 * 4096), sizeof(page));
	close(fd);
	assert_int_equal(configure(rig, "{}"), 0);
	assert_int_equal(try_connect(rig, &db, text), -EINVAL);
	assert_non_null(strstr(text, path));
	assert_non_null(strstr(text, "damaged"));
	/* who has switched the check off meets it when it reads */
	assert_int_equal(configure(rig, "{\"quick_check\": false}"), 0);
	db = connected(rig);
	assert_int_equal(run(rig, db, "CREATE TABLE copy AS SELECT a, b FROM t"), -EIO);
	assert_non_null(strstr(rig->ops->error(db), "damaged"));
	rig->ops->disconnect(db);
}

static void test_busy(void **state)
{
	struct rig *rig = *state;
	struct tc_db *one, *two;

	assert_int_equal(configure(rig, "{\"busy_timeout\": \"10ms\"}"), 0);
	one = connected(rig);
	two = connected(rig);
	assert_int_equal(rig->ops->begin(one, true), 0);
	assert_int_equal(rig->ops->begin(two, true), -EAGAIN);
	assert_int_equal(rig->ops->rollback(two), 0);
	assert_int_equal(rig->ops->commit(one), 0);
	assert_int_equal(rig->ops->begin(two, true), 0);
	assert_int_equal(rig->ops->rollback(two), 0);
	rig->ops->disconnect(one);
	rig->ops->disconnect(two);
}

static void test_full(void **state)
{
	struct rig *rig = *state;
	struct tc_db *db;
	int err = 0;

	assert_int_equal(configure(rig, "{}"), 0);
	db = connected(rig);
	assert_int_equal(run(rig, db, "CREATE TABLE t (a BLOB)"), 0);
	assert_int_equal(run(rig, db, "INSERT INTO t VALUES (zeroblob(10))"), 0);
	assert_int_equal(run(rig, db, "PRAGMA max_page_count = 20"), 0);
	assert_int_equal(rig->ops->begin(db, true), 0);
	for (int i = 0; !err && i < 100; i++)
		err = run(rig, db, "INSERT INTO t VALUES (zeroblob(3000))");
	assert_int_equal(err, -ENOSPC);
	/* SQLite may have ended the transaction; either way it is not committed */
	assert_int_equal(rig->ops->rollback(db), 0);
	assert_int_equal(rig->ops->commit(db), -EIO);
	check_answer(rig, db, "SELECT COUNT(*) FROM t", "1");
	/* seen in the status until a commit succeeds */
	json_t *status = instance_status(rig->instance);
	assert_false(json_is_true(json_object_get(status, "healthy")));
	json_decref(status);
	assert_int_equal(rig->ops->begin(db, true), 0);
	assert_int_equal(run(rig, db, "INSERT INTO t VALUES (1)"), 0);
	assert_int_equal(rig->ops->commit(db), 0);
	status = instance_status(rig->instance);
	assert_true(json_is_true(json_object_get(status, "healthy")));
	json_decref(status);
	rig->ops->disconnect(db);
}

static void test_two_files(void **state)
{
	struct rig *rig = *state;
	struct tc_instance *first;
	struct tc_db *one, *two;

	assert_int_equal(configure(rig, "{\"path\": \"one.db\"}"), 0);
	first = rig->instance;
	rig->instance = NULL;
	assert_int_equal(configure(rig, "{\"path\": \"two.db\", \"synchronous\": \"normal\"}"), 0);
	assert_int_equal(rig->ops->connect(first->state, &one, (char[64]){0}, 64), 0);
	two = connected(rig);
	assert_int_equal(run(rig, one, "CREATE TABLE t (a INT)"), 0);
	assert_int_equal(run(rig, two, "INSERT INTO t VALUES (1)"), -EINVAL);
	check_answer(rig, one, "PRAGMA synchronous", "2");
	check_answer(rig, two, "PRAGMA synchronous", "1");
	rig->ops->disconnect(one);
	rig->ops->disconnect(two);
	instance_free(first);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_file),           RIG_TEST(test_pragmas),
		RIG_TEST(test_settings),       RIG_TEST(test_cannot_be_opened),
		RIG_TEST(test_not_a_database), RIG_TEST(test_damage),
		RIG_TEST(test_busy),           RIG_TEST(test_full),
		RIG_TEST(test_two_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
