/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store's writer when the database fails: a driver around the real one that fails when it is
 * told to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <semaphore.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "store/event_repo.h"
#include "unit/store_rig.h"

/* ---- a driver that fails ---- */

/* After some that work, so many calls fail, with this. */
struct failing {
	atomic_int skip, times, err;
};

static const struct tc_store_ops *real;
static struct {
	struct failing connect, begin, execute, commit, rollback;
	atomic_bool commit_first; /* the commit is done before it fails */
	atomic_int connects, commits;
} faults;

static void break_it(struct failing *f, int skip, int times, int err)
{
	atomic_store(&f->err, err);
	atomic_store(&f->skip, skip);
	atomic_store(&f->times, times);
}

static int failed(struct failing *f)
{
	if (atomic_load(&f->times) <= 0 || atomic_fetch_sub(&f->skip, 1) > 0)
		return 0;
	atomic_fetch_sub(&f->times, 1);
	return atomic_load(&f->err);
}

static int fake_connect(void *state, struct tc_db **db, char *text, size_t size_bytes)
{
	int err = failed(&faults.connect);

	atomic_fetch_add(&faults.connects, 1);
	if (!err)
		return real->connect(state, db, text, size_bytes);
	snprintf(text, size_bytes, "the server sleeps");
	return err;
}

static int fake_begin(struct tc_db *db, bool write)
{
	int err = write ? failed(&faults.begin) : 0;

	return err ? err : real->begin(db, write);
}

static int fake_execute(struct tc_stmt *stmt, const struct tc_value *params, size_t n)
{
	int err = failed(&faults.execute);

	return err ? err : real->execute(stmt, params, n);
}

static int fake_commit(struct tc_db *db)
{
	int err = failed(&faults.commit);

	if (!err || atomic_load(&faults.commit_first)) {
		int real_err = real->commit(db);

		atomic_fetch_add(&faults.commits, 1);
		return err ? err : real_err;
	}
	real->rollback(db);
	return err;
}

static int fake_rollback(struct tc_db *db)
{
	int err = failed(&faults.rollback);

	return err ? err : real->rollback(db);
}

static struct tc_store_ops fake_ops;
static struct tc_plugin fake_plugin;
static struct tc_instance fake;

static struct store *fake_store(struct store_rig *rig)
{
	struct store *store;
	char fault[512];

	if (!rig->instance)
		skip();
	memset(&faults, 0, sizeof(faults));
	real = rig->instance->plugin->ops;
	fake_ops = *real;
	fake_ops.connect = fake_connect;
	fake_ops.begin = fake_begin;
	fake_ops.execute = fake_execute;
	fake_ops.commit = fake_commit;
	fake_ops.rollback = fake_rollback;
	fake_plugin = *rig->instance->plugin;
	fake_plugin.ops = &fake_ops;
	fake = *rig->instance;
	fake.plugin = &fake_plugin;
	store = store_open(rig->loop, &fake, fault, sizeof(fault));
	assert_non_null(store);
	return store;
}

/* ---- jobs ---- */

struct work {
	size_t *finished;
	sem_t *gate;
	atomic_uint runs;
	bool overlook; /* the result of the write */
	int err;
	size_t place;
};

static int work_run(struct db *db, void *arg)
{
	struct work *w = arg;
	struct event_row row = {.at_us = 1, .what = "test", .text = ""};
	int err;

	atomic_fetch_add(&w->runs, 1);
	if (w->gate)
		return sem_wait(w->gate);
	err = event_insert(db, &row);
	return w->overlook ? 0 : err;
}

static void work_done(void *arg, int err)
{
	struct work *w = arg;

	w->err = err;
	w->place = ++*w->finished;
}

enum { GROUP = 10 };

/* GROUP jobs that are surely one group: submitted while another one holds the writer. */
struct run {
	struct work first, w[GROUP];
	size_t finished;
	sem_t gate;
};

static void begin(struct store *store, struct run *r)
{
	*r = (struct run){0};
	sem_init(&r->gate, 0, 0);
	r->first.finished = &r->finished;
	r->first.gate = &r->gate;
	assert_int_equal(store_write(store, work_run, work_done, &r->first), 0);
	while (!atomic_load(&r->first.runs))
		sched_yield();
	for (size_t i = 0; i < GROUP; i++) {
		r->w[i].finished = &r->finished;
		r->w[i].err = 1;
		assert_int_equal(store_write(store, work_run, work_done, &r->w[i]), 0);
	}
}

static void go(struct store_rig *rig, struct run *r)
{
	sem_post(&r->gate);
	rig_wait_count(rig, &r->finished, GROUP + 1);
	for (size_t i = 0; i < GROUP; i++)
		assert_int_equal(r->w[i].place, i + 2);
	sem_destroy(&r->gate);
}

static int64_t rows(struct store_rig *rig)
{
	return rig_number(rig, "SELECT COUNT(*) FROM events");
}

/* ---- tests ---- */

/*
 * A certification conflict at the commit of the group: each is run alone, one of them three times.
 */
static void test_conflict_at_commit(void **state)
{
	struct store *store = fake_store(*state);
	struct run r;

	begin(store, &r);
	break_it(&faults.commit, 1, 3, -EAGAIN); /* the first job's commit is good */
	go(*state, &r);
	assert_int_equal(r.w[0].runs, 1 + 3);
	for (size_t i = 0; i < GROUP; i++) {
		assert_int_equal(r.w[i].err, 0);
		assert_in_range(r.w[i].runs, 2, 4);
	}
	assert_true(store_healthy(store, NULL));
	store_close(store);
	assert_int_equal(rows(*state), GROUP);
}

/*
 * The third write of the group meets a deadlock: the two before it are gone, too, and are done
 * again.
 */
static void test_deadlock_in_group(void **state)
{
	struct store *store = fake_store(*state);
	struct run r;

	begin(store, &r);
	break_it(&faults.execute, 2, 1, -EAGAIN);
	r.w[2].overlook = true; /* and even if the job does not look */
	go(*state, &r);
	for (size_t i = 0; i < GROUP; i++) {
		assert_int_equal(r.w[i].err, 0);
		assert_int_equal(r.w[i].runs, i < 3 ? 2 : 1);
	}
	store_close(store);
	assert_int_equal(rows(*state), GROUP);
}

/* For ever: after some tries it is the job's result. */
static void test_endless_deadlock(void **state)
{
	struct store *store = fake_store(*state);
	size_t finished = 0;
	struct work w = {.finished = &finished};

	break_it(&faults.execute, 0, 1000, -EAGAIN);
	assert_int_equal(store_write(store, work_run, work_done, &w), 0);
	rig_wait_count(*state, &finished, 1);
	assert_int_equal(w.err, -EAGAIN);
	assert_in_range(w.runs, 3, 20);
	break_it(&faults.execute, 0, 0, 0);
	store_close(store);
	assert_int_equal(rows(*state), 0);
}

static void test_lost_before_commit_is_repeated(void **state)
{
	struct store *store = fake_store(*state);
	int connects = atomic_load(&faults.connects);
	struct run r;

	begin(store, &r);
	break_it(&faults.execute, 0, 1, -EHOSTDOWN);
	go(*state, &r);
	/*
	 * The first write failed, the connection was made anew, the group was run again as a whole.
	 */
	assert_int_equal(r.w[0].runs, 2);
	assert_int_equal(r.w[1].runs, 1);
	for (size_t i = 0; i < GROUP; i++)
		assert_int_equal(r.w[i].err, 0);
	assert_int_equal(atomic_load(&faults.connects), connects + 1);
	assert_true(store_healthy(store, NULL));
	store_close(store);
	assert_int_equal(rows(*state), GROUP);
}

/* Lost at the commit: nobody knows, so it is not run again, whether or not it was written. */
static void lost_at_commit(void **state, bool written)
{
	struct store *store = fake_store(*state);
	size_t finished = 0;
	struct work w = {.finished = &finished}, next = {.finished = &finished};

	atomic_store(&faults.commit_first, written);
	break_it(&faults.commit, 0, 1, -EHOSTDOWN);
	assert_int_equal(store_write(store, work_run, work_done, &w), 0);
	rig_wait_count(*state, &finished, 1);
	assert_int_equal(w.err, -EHOSTDOWN);
	assert_int_equal(w.runs, 1);
	assert_int_equal(store_write(store, work_run, work_done, &next), 0);
	rig_wait_count(*state, &finished, 2);
	assert_int_equal(next.err, 0);
	assert_true(store_healthy(store, NULL));
	store_close(store);
	assert_int_equal(rows(*state), written ? 2 : 1);
}

static void test_lost_at_commit_not_written(void **state)
{
	lost_at_commit(state, false);
}

static void test_lost_at_commit_written(void **state)
{
	lost_at_commit(state, true);
}

static bool is_healthy(void *arg)
{
	return store_healthy(arg, NULL);
}

/*
 * Away: jobs fail soon, the store says so, and comes back by itself although nobody asks for
 * anything.
 */
static void test_away_and_back(void **state)
{
	struct store *store = fake_store(*state);
	struct run r;
	const char *text;

	begin(store, &r);
	break_it(&faults.connect, 0, 3, -EHOSTDOWN);
	break_it(&faults.execute, 0, 1, -EHOSTDOWN);
	go(*state, &r);
	for (size_t i = 0; i < GROUP; i++) {
		assert_int_equal(r.w[i].err, -EHOSTDOWN);
		assert_int_equal(r.w[i].runs, i ? 0 : 1);
	}
	assert_false(store_healthy(store, &text));
	assert_string_equal(text, "the server sleeps");
	rig_wait(*state, is_healthy, store);
	store_close(store);
	assert_int_equal(rows(*state), 0);
}

/* The same while closing: it does not wait for the server. */
static void test_close_while_away(void **state)
{
	struct store *store = fake_store(*state);
	size_t finished = 0;
	struct work w[2] = {{.finished = &finished}, {.finished = &finished}};

	break_it(&faults.connect, 0, 1000, -EHOSTDOWN);
	break_it(&faults.begin, 0, 1, -EHOSTDOWN);
	assert_int_equal(store_write(store, work_run, work_done, &w[0]), 0);
	rig_wait_count(*state, &finished, 1);
	assert_int_equal(w[0].err, -EHOSTDOWN);
	assert_int_equal(store_write(store, work_run, work_done, &w[1]), 0);
	store_close(store);
	assert_int_equal(finished, 2);
	assert_int_equal(w[1].err, -EHOSTDOWN);
	assert_int_equal(w[1].runs, 0);
}

/*
 * Somebody else holds the database for too long: all that wait are told, not one after the other.
 */
static void test_busy(void **state)
{
	struct store *store = fake_store(*state);
	struct run r;

	begin(store, &r);
	break_it(&faults.begin, 0, 1, -EAGAIN);
	go(*state, &r);
	for (size_t i = 0; i < GROUP; i++) {
		assert_int_equal(r.w[i].err, -EAGAIN);
		assert_int_equal(r.w[i].runs, 0);
	}
	rig_wait(*state, is_healthy, store);
	store_close(store);
}

/* A full disk that has room again: unhealthy meanwhile, and found to be well without a job. */
static void test_no_space(void **state)
{
	struct store *store = fake_store(*state);
	size_t finished = 0;
	struct work w = {.finished = &finished};

	break_it(&faults.commit, 0, 2, -ENOSPC); /* in the group, and alone */
	assert_int_equal(store_write(store, work_run, work_done, &w), 0);
	rig_wait_count(*state, &finished, 1);
	assert_int_equal(w.err, -ENOSPC);
	assert_false(store_healthy(store, NULL));
	rig_wait(*state, is_healthy, store);
	store_close(store);
	assert_int_equal(rows(*state), 0);
}

/* A job that overlooks an error that ended its transaction is not told that all is well. */
static void test_overlooked_error(void **state)
{
	struct store *store = fake_store(*state);
	size_t finished = 0;
	struct work w = {.finished = &finished, .overlook = true};

	break_it(&faults.execute, 0, 2, -EIO);
	assert_int_equal(store_write(store, work_run, work_done, &w), 0);
	rig_wait_count(*state, &finished, 1);
	assert_int_equal(w.err, -EIO);
	store_close(store);
	assert_int_equal(rows(*state), 0);
}

/* A rollback that fails leaves a connection that nobody can trust. */
static void test_failed_rollback(void **state)
{
	struct store *store = fake_store(*state);
	int connects = atomic_load(&faults.connects);
	size_t finished = 0;
	struct work w = {.finished = &finished};

	break_it(&faults.execute, 0, 1, -EEXIST);
	break_it(&faults.rollback, 0, 1, -EIO);
	assert_int_equal(store_write(store, work_run, work_done, &w), 0);
	rig_wait_count(*state, &finished, 1);
	assert_int_equal(w.err, 0);
	assert_int_equal(w.runs, 2);
	assert_int_equal(atomic_load(&faults.connects), connects + 1);
	store_close(store);
	assert_int_equal(rows(*state), 1);
}

static int read_run(struct db *db, void *arg)
{
	struct work *w = arg;
	int64_t id;

	atomic_fetch_add(&w->runs, 1);
	return event_last_id(db, &id);
}

static void test_reader_reconnects(void **state)
{
	struct store *store = fake_store(*state);
	size_t finished = 0;
	struct work w = {.finished = &finished};

	break_it(&faults.execute, 0, 1, -EHOSTDOWN);
	assert_int_equal(store_read(store, read_run, work_done, &w), 0);
	rig_wait_count(*state, &finished, 1);
	assert_int_equal(w.err, 0);
	assert_int_equal(w.runs, 2);
	store_close(store);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_conflict_at_commit),
		RIG_TEST(test_deadlock_in_group),
		RIG_TEST(test_endless_deadlock),
		RIG_TEST(test_lost_before_commit_is_repeated),
		RIG_TEST(test_lost_at_commit_not_written),
		RIG_TEST(test_lost_at_commit_written),
		RIG_TEST(test_away_and_back),
		RIG_TEST(test_close_while_away),
		RIG_TEST(test_busy),
		RIG_TEST(test_no_space),
		RIG_TEST(test_overlooked_error),
		RIG_TEST(test_failed_rollback),
		RIG_TEST(test_reader_reconnects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
