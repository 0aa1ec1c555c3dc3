/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the store share. No test stands here.
 */
#include "unit/store_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <unistd.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "store/migrate.h"

#define WAIT_US 30000000

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

struct tc_instance *rig_instance(struct store_rig *rig, const char *path)
{
	json_t *settings = json_pack("{s:s, s:s}", "plugin", "sqlite", "path", path);
	struct tc_errors *errs = tc_errors_new();
	struct tc_instance *self = instance_new(rig->host, TC_KIND_STORE, settings, errs);

	if (!self)
		print_message("%s\n", tc_errors_text(errs, 0));
	assert_non_null(self);
	assert_int_equal(instance_open(self), 0);
	tc_errors_free(errs);
	json_decref(settings);
	return self;
}

int rig_setup(void **state)
{
	const char *path = getenv("TOCSIN_PLUGIN_PATH");
	const char *tmp = getenv("TMPDIR");
	struct store_rig *rig = tc_alloc(sizeof(*rig));
	char fault[512];

	snprintf(rig->dir, sizeof(rig->dir), "%.40s/tocsin-store-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(rig->dir))
		return -1;
	rig->loop = loop_new(LOOP_REAL);
	rig->host = host_new(rig->loop, path ? path : "plugins", rig->dir);
	*state = rig;
	if (host_plugin(rig->host, TC_KIND_STORE, "sqlite", fault, sizeof(fault)))
		rig->instance = rig_instance(rig, "tocsin.db");
	else
		print_message("%s\n", fault);
	return 0;
}

int rig_teardown(void **state)
{
	struct store_rig *rig = *state;

	instance_free(rig->instance);
	host_free(rig->host);
	loop_free(rig->loop);
	remove_folder(rig->dir);
	free(rig);
	return 0;
}

struct store *rig_store(struct store_rig *rig)
{
	char fault[512] = "";
	struct store *store;

	if (!rig->instance)
		skip();
	store = store_open(rig->loop, rig->instance, fault, sizeof(fault));
	if (!store)
		print_message("%s\n", fault);
	assert_non_null(store);
	return store;
}

struct db *rig_db(struct store_rig *rig)
{
	char fault[512] = "";
	struct db *db;

	if (!rig->instance)
		skip();
	assert_int_equal(db_open(rig->instance->plugin->ops, rig->instance->state, &db, fault,
				 sizeof(fault)),
			 0);
	assert_int_equal(migrate_run(db, fault, sizeof(fault)), 0);
	return db;
}

int64_t rig_number(struct store_rig *rig, const char *sql)
{
	struct db *db = rig_db(rig);
	struct db_stmt *stmt;
	struct tc_value v;
	int64_t number;

	assert_int_equal(db_query_text(db, sql, NULL, 0, &stmt), 0);
	assert_int_equal(db_next(stmt, &v, 1), 1);
	number = v.i;
	db_done(stmt);
	db_close(db);
	return number;
}

struct waiting {
	struct loop *loop;
	struct loop_timer timer;
	bool (*check)(void *arg);
	void *arg;
	int64_t end_us;
	bool met;
};

static void look(void *arg)
{
	struct waiting *w = arg;

	w->met = w->check(w->arg);
	if (w->met || loop_now_us(w->loop) > w->end_us)
		loop_stop(w->loop);
	else
		loop_timer_start_us(&w->timer, 1000);
}

void rig_wait(struct store_rig *rig, bool (*check)(void *arg), void *arg)
{
	struct waiting w = {.loop = rig->loop, .check = check, .arg = arg};

	w.end_us = loop_now_us(rig->loop) + WAIT_US;
	loop_timer_init(&w.timer, rig->loop, look, &w);
	loop_timer_start_us(&w.timer, 0);
	loop_run(rig->loop);
	loop_timer_stop(&w.timer);
	assert_true(w.met);
}

struct count {
	const size_t *count;
	size_t want;
};

static bool reached(void *arg)
{
	struct count *c = arg;

	return *c->count >= c->want;
}

void rig_wait_count(struct store_rig *rig, const size_t *count, size_t want)
{
	struct count c = {count, want};

	rig_wait(rig, reached, &c);
}
