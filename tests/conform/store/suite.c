/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conform-store NAME: finds the plugin in TOCSIN_PLUGIN_PATH, opens an instance and runs the
 * contract suite. The instance's settings are the JSON object in TOCSIN_CONFORM_SETTINGS; plugins
 * that need none have a default.
 */
#include "conform/store/suite.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/host.h"
#include "host/loop.h"

const struct tc_store_ops *ops;
void *instance_state;

static struct host *host;
static json_t *settings;
static struct tc_instance *second;

/* What works without a server. Others are skipped unless settings are given. */
static const struct {
	const char *name, *settings;
} defaults[] = {
	{"sqlite", "{\"path\": \"conform.db\"}"},
};

/* ---- for the tests ---- */

struct tc_db *connect_db(void)
{
	struct tc_db *db = NULL;
	char text[512] = "";
	int err = ops->connect(instance_state, &db, text, sizeof(text));

	if (err)
		print_message("%d: %s\n", err, text);
	assert_int_equal(err, 0);
	return db;
}

static char *expand(const char *sql)
{
	const struct tc_store_dialect *d = ops->dialect(instance_state);
	const char *const words[][2] = {{"{text}", d->text},
					{"{blob}", d->blob},
					{"{autoid}", d->autoid},
					{"{suffix}", d->table_suffix},
					{"{for_update}", d->for_update}};
	struct tc_buf out = {0};

	while (*sql) {
		size_t len = 0;

		for (size_t i = 0; i < 5 && !len; i++) {
			if (strncmp(sql, words[i][0], strlen(words[i][0])) != 0)
				continue;
			len = strlen(words[i][0]);
			tc_buf_puts(&out, words[i][1]);
		}
		if (!len)
			tc_buf_add(&out, sql, len = 1);
		sql += len;
	}
	return tc_buf_take(&out);
}

int try_run(struct tc_db *db, const char *sql, const struct tc_value *params, size_t n)
{
	char *text = expand(sql);
	struct tc_stmt *stmt;
	int err = ops->prepare(db, text, &stmt);

	free(text);
	if (err)
		return err;
	err = ops->execute(stmt, params, n);
	ops->reset(stmt);
	ops->finish(stmt);
	return err;
}

void run(struct tc_db *db, const char *sql)
{
	int err = try_run(db, sql, NULL, 0);

	if (err)
		print_message("%s: %d: %s\n", sql, err, ops->error(db));
	assert_int_equal(err, 0);
}

int64_t number(struct tc_db *db, const char *sql)
{
	char *text = expand(sql);
	struct tc_stmt *stmt;
	struct tc_value v;

	assert_int_equal(ops->prepare(db, text, &stmt), 0);
	free(text);
	assert_int_equal(ops->execute(stmt, NULL, 0), 0);
	assert_int_equal(ops->next(stmt, &v, 1), 1);
	assert_int_equal(v.type, TC_V_INT);
	ops->reset(stmt);
	ops->finish(stmt);
	return v.i;
}

void table(struct tc_db *db, const char *name, const char *columns)
{
	char *sql = tc_asprintf("DROP TABLE IF EXISTS %s", name);

	run(db, sql);
	free(sql);
	sql = tc_asprintf("CREATE TABLE %s %s{suffix}", name, columns);
	run(db, sql);
	free(sql);
}

static struct tc_instance *open_instance(void)
{
	struct tc_errors *errs = tc_errors_new();
	struct tc_instance *self = instance_new(host, TC_KIND_STORE, settings, errs);

	for (size_t i = 0; i < tc_errors_count(errs); i++)
		print_message("%s: %s\n", tc_errors_field(errs, i) ? tc_errors_field(errs, i) : "",
			      tc_errors_text(errs, i));
	tc_errors_free(errs);
	if (self && instance_open(self)) {
		instance_free(self);
		return NULL;
	}
	return self;
}

void *second_open(void)
{
	second = open_instance();
	assert_non_null(second);
	return second->state;
}

void second_close(void)
{
	instance_free(second);
	second = NULL;
}

/* ---- the program ---- */

static bool load_settings(const char *name)
{
	const char *text = getenv("TOCSIN_CONFORM_SETTINGS");
	json_error_t error;

	for (size_t i = 0; !text && i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (strcmp(defaults[i].name, name) == 0)
			text = defaults[i].settings;
	if (!text) {
		/* As cmocka says that a test was skipped. */
		printf("1..1\nok 1 # SKIP %s needs TOCSIN_CONFORM_SETTINGS\n", name);
		return false;
	}
	settings = json_loads(text, 0, &error);
	if (!json_is_object(settings)) {
		printf("1..1\nnot ok 1 - TOCSIN_CONFORM_SETTINGS: %s\n", error.text);
		return false;
	}
	json_object_set_new(settings, "plugin", json_string(name));
	return true;
}

static void remove_folder(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

static int run_suite(void)
{
	const struct CMUnitTest tests[] = {
#define X(f) cmocka_unit_test(f),
		VALUE_TESTS(X) TRANSACTION_TESTS(X)
#undef X
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	const char *path = getenv("TOCSIN_PLUGIN_PATH"), *tmp = getenv("TMPDIR");
	struct tc_instance *instance;
	struct loop *loop;
	char dir[64];
	int failed;

	if (argc != 2) {
		fprintf(stderr, "usage: conform-store NAME\n");
		return 2;
	}
	if (!load_settings(argv[1]))
		return settings ? 1 : 0;
	snprintf(dir, sizeof(dir), "%.30s/tocsin-conform-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return 1;
	loop = loop_new(LOOP_REAL);
	host = host_new(loop, path ? path : "plugins", dir);
	instance = open_instance();
	if (instance) {
		ops = instance->plugin->ops;
		instance_state = instance->state;
		failed = run_suite();
	} else {
		printf("1..1\nnot ok 1 - no instance\n");
		failed = 1;
	}
	instance_free(instance);
	host_free(host);
	loop_free(loop);
	json_decref(settings);
	remove_folder(dir);
	return failed != 0;
}
