/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store's threads over a real database: group commit, order, isolation of failures, closing,
 * and what a kill leaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "store/event_repo.h"
#include "store/token_repo.h"
#include "unit/store_rig.h"

/* One job, and what became of it. */
struct work {
	size_t *finished; /* how many have completed */
	sem_t *gate;      /* wait for it first */
	const char *what; /* the event that is written; NULL = none */
	int result;       /* what run() returns after the write */
	int err;          /* what done() was told */
	size_t place;     /* among the completed, 1-based */
	unsigned runs;
	int64_t seen; /* by a reader */
};

static int work_run(struct db *db, void *arg)
{
	struct work *w = arg;
	struct event_row row = {.at_us = 1, .what = w->what, .text = ""};
	int err = 0;

	__atomic_add_fetch(&w->runs, 1, __ATOMIC_SEQ_CST);
	if (w->gate)
		sem_wait(w->gate);
	if (w->what)
		err = event_insert(db, &row);
	return err ? err : w->result;
}

static void work_done(void *arg, int err)
{
	struct work *w = arg;

	w->err = err;
	w->place = ++*w->finished;
}

static struct work *work_new(size_t n, size_t *finished)
{
	struct work *w = tc_calloc(n, sizeof(*w));

	*finished = 0;
	for (size_t i = 0; i < n; i++) {
		w[i].finished = finished;
		w[i].what = "test";
		w[i].err = 1;
	}
	return w;
}

static void submit_all(struct store *store, struct work *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(store_write(store, work_run, work_done, &w[i]), 0);
}

static int count_run(struct db *db, void *arg)
{
	struct work *w = arg;
	struct db_stmt *stmt;
	struct tc_value v;
	int err = db_query(db, "SELECT COUNT(*) FROM events", NULL, 0, &stmt);

	if (err)
		return err;
	err = db_next(stmt, &v, 1);
	w->seen = v.i;
	db_done(stmt);
	return err < 0 ? err : 0;
}

static void test_write_then_read(void **state)
{
	struct store *store = rig_store(*state);
	struct work *w;
	size_t finished;
	const char *text;

	w = work_new(2, &finished);
	submit_all(store, w, 1);
	assert_int_equal(store_pending(store), 1);
	assert_int_equal(w[0].err, 1); /* never inside the call */
	rig_wait_count(*state, &finished, 1);
	assert_int_equal(w[0].err, 0);
	assert_int_equal(store_read(store, count_run, work_done, &w[1]), 0);
	rig_wait_count(*state, &finished, 2);
	assert_int_equal(w[1].err, 0);
	assert_int_equal(w[1].seen, 1);
	assert_int_equal(store_pending(store), 0);
	assert_true(store_healthy(store, &text));
	store_close(store);
	free(w);
}

/*
 * The first job holds the writer; what comes meanwhile is committed in groups, and told in order.
 */
static void test_group_and_order(void **state)
{
	enum { N = 1 + 300 };
	struct store *store = rig_store(*state);
	uint64_t commits, jobs, commit_us;
	struct work *w;
	size_t finished;
	sem_t gate;

	sem_init(&gate, 0, 0);
	w = work_new(N, &finished);
	w[0].gate = &gate;
	submit_all(store, w, N);
	sem_post(&gate);
	rig_wait_count(*state, &finished, N);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(w[i].err, 0);
		assert_int_equal(w[i].place, i + 1);
		assert_int_equal(w[i].runs, 1);
	}
	store_figures(store, &commits, &jobs, &commit_us);
	assert_int_equal(jobs, N);
	/* The first alone or with some that were quick, then groups of at most 256. */
	assert_in_range(commits, 2, 3);
	assert_true(commit_us > 0);
	store_close(store);
	assert_int_equal(rig_number(*state, "SELECT COUNT(*) FROM events"), N);
	sem_destroy(&gate);
	free(w);
}

static int token_run(struct db *db, void *arg)
{
	struct token_row row = {.name = "same", .scope = "read", .id = "1"};
	int err;

	err = work_run(db, arg);
	return err ? err : token_insert(db, &row);
}

/* Failures in the middle of a group harm nobody, leave nothing, and cost one repetition. */
static void test_failing_job_is_isolated(void **state)
{
	enum { N = 12 };
	struct store *store = rig_store(*state);
	uint64_t commits, jobs, commit_us;
	struct work *w;
	size_t finished;
	sem_t gate;

	sem_init(&gate, 0, 0);
	w = work_new(N, &finished);
	w[0].gate = &gate;
	w[4].what = "bad";
	w[4].result = -EPERM;
	w[9].what = "bad";
	w[9].result = -ECANCELED;
	assert_int_equal(store_write(store, work_run, work_done, &w[0]), 0);
	/* Only when the first is running is the rest surely one group. */
	while (!__atomic_load_n(&w[0].runs, __ATOMIC_SEQ_CST))
		sched_yield();
	for (size_t i = 1; i < N; i++) {
		bool token = i == 2 || i == 7; /* the second of them meets the first */

		if (i == 7)
			w[i].what = "bad";
		assert_int_equal(store_write(store, token ? token_run : work_run, work_done, &w[i]),
				 0);
	}
	sem_post(&gate);
	rig_wait_count(*state, &finished, N);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(w[i].err, i == 4   ? -EPERM
					   : i == 9 ? -ECANCELED
					   : i == 7 ? -EEXIST
						    : 0);
		assert_int_equal(w[i].place, i + 1);
		assert_in_range(w[i].runs, 1, 2);
	}
	store_figures(store, &commits, &jobs, &commit_us);
	assert_int_equal(commits, 2);
	assert_int_equal(jobs, N - 3);
	assert_true(store_healthy(store, NULL));
	store_close(store);
	assert_int_equal(rig_number(*state, "SELECT COUNT(*) FROM events WHERE what = 'bad'"), 0);
	assert_int_equal(rig_number(*state, "SELECT COUNT(*) FROM events"), N - 3);
	assert_int_equal(rig_number(*state, "SELECT COUNT(*) FROM tokens"), 1);
	sem_destroy(&gate);
	free(w);
}

static void test_single_failure(void **state)
{
	struct store *store = rig_store(*state);
	struct work *w;
	size_t finished;

	w = work_new(1, &finished);
	w[0].result = -EPERM;
	submit_all(store, w, 1);
	rig_wait_count(*state, &finished, 1);
	assert_int_equal(w[0].err, -EPERM);
	assert_int_equal(w[0].runs, 1);
	store_close(store);
	assert_int_equal(rig_number(*state, "SELECT COUNT(*) FROM events"), 0);
	free(w);
}

static void test_full_queue(void **state)
{
	struct store *store = rig_store(*state);
	struct work first = {0}, *rest;
	size_t finished, taken = 0, before;
	sem_t gate;

	sem_init(&gate, 0, 0);
	rest = work_new(30000, &finished);
	first = (struct work){.gate = &gate, .finished = &finished};
	assert_int_equal(store_write(store, work_run, work_done, &first), 0);
	for (size_t i = 0; i < 30000; i++) {
		rest[i].what = NULL;
		if (store_write(store, work_run, work_done, &rest[i]))
			break;
		taken++;
	}
	/* 20000 wait, beside the first and those that the thread took together with it. */
	assert_in_range(taken, 20000 - 1, 20000 + 256);
	assert_int_equal(store_write(store, work_run, work_done, &rest[29999]), -EAGAIN);
	before = store_pending(store);
	assert_int_equal(before, taken + 1);
	sem_post(&gate);
	rig_wait_count(*state, &finished, taken + 1);
	assert_int_equal(rest[29999].runs, 0);
	assert_int_equal(rest[29999].place, 0);
	assert_int_equal(store_write(store, work_run, work_done, &rest[29999]), 0);
	rig_wait_count(*state, &finished, taken + 2);
	store_close(store);
	sem_destroy(&gate);
	free(rest);
}

/* Closing finishes what is queued and tells it, without a turn of the loop. */
static void test_close_drains(void **state)
{
	enum { N = 700 };
	struct store *store = rig_store(*state);
	struct work *w;
	size_t finished;

	w = work_new(N, &finished);
	submit_all(store, w, N - 1);
	assert_int_equal(store_read(store, count_run, work_done, &w[N - 1]), 0);
	store_close(store);
	assert_int_equal(finished, N);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(w[i].err, 0);
	assert_int_equal(rig_number(*state, "SELECT COUNT(*) FROM events"), N - 1);
	free(w);
}

/* Stopped, it still stands there to be asked, and takes nothing. */
static void test_stopped_and_still_there(void **state)
{
	enum { N = 300 };
	struct store_rig *rig = *state;
	struct store *store = rig_store(rig);
	uint64_t commits, jobs, us;
	size_t finished;
	struct work *w;

	w = work_new(N, &finished);
	submit_all(store, w, N);
	store_stop(store);
	assert_int_equal(finished, N);
	assert_int_equal(store_pending(store), 0);
	assert_int_equal(store_write(store, work_run, work_done, &w[0]), -EAGAIN);
	assert_int_equal(store_read(store, count_run, work_done, &w[0]), -EAGAIN);
	assert_true(store_healthy(store, NULL));
	store_figures(store, &commits, &jobs, &us);
	assert_int_equal(jobs, N);
	while (loop_turn(rig->loop)) /* a notice that was under way finds nobody */
		;
	assert_int_equal(finished, N);
	store_stop(store);
	store_close(store);
	free(w);
}

static struct store *closing;

static void resubmit(void *arg, int err)
{
	struct work *w = arg;

	work_done(w, err);
	w->result = store_write(closing, work_run, work_done, w);
}

static void test_nothing_is_taken_while_closing(void **state)
{
	struct work *w;
	size_t finished;

	closing = rig_store(*state);
	w = work_new(1, &finished);
	assert_int_equal(store_write(closing, work_run, resubmit, w), 0);
	store_close(closing);
	assert_int_equal(finished, 1);
	assert_int_equal(w->result, -EAGAIN);
	free(w);
}

static void test_done_may_be_missing(void **state)
{
	struct store *store = rig_store(*state);
	struct work *w;
	size_t finished;

	w = work_new(2, &finished);
	assert_int_equal(store_write(store, work_run, NULL, &w[0]), 0);
	submit_all(store, &w[1], 1);
	rig_wait_count(*state, &finished, 1);
	assert_int_equal(w[0].runs, 1);
	assert_int_equal(store_pending(store), 0);
	store_close(store);
	assert_int_equal(rig_number(*state, "SELECT COUNT(*) FROM events"), 2);
	free(w);
}

/* Two stores over two databases in one process know nothing of each other. */
static void test_two_stores(void **state)
{
	struct store_rig *rig = *state;
	struct store *one = rig_store(rig), *two;
	struct tc_instance *other = rig_instance(rig, "other.db");
	char fault[512];
	struct work *w;
	size_t finished;

	two = store_open(rig->loop, other, fault, sizeof(fault));
	assert_non_null(two);
	w = work_new(5, &finished);
	submit_all(one, w, 2);
	submit_all(two, w + 2, 3);
	rig_wait_count(rig, &finished, 5);
	store_close(one);
	store_close(two);
	assert_int_equal(rig_number(rig, "SELECT COUNT(*) FROM events"), 2);
	instance_free(other);
	free(w);
}

static void test_open_says_why_not(void **state)
{
	struct store_rig *rig = *state;
	char fault[512] = "", path[128];
	struct db *db = rig_db(rig);
	FILE *f;

	assert_int_equal(db_exec_text(db, "INSERT INTO schema_version VALUES (4711, 0)"), 0);
	db_close(db);
	assert_null(store_open(rig->loop, rig->instance, fault, sizeof(fault)));
	assert_non_null(strstr(fault, "4711"));
	snprintf(path, sizeof(path), "%s/tocsin.db", rig->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("This is a text, and a text is no database, however long it may become.", f);
	for (int i = 0; i < 100; i++)
		fputs("It goes on.", f);
	fclose(f);
	assert_null(store_open(rig->loop, rig->instance, fault, sizeof(fault)));
	assert_non_null(strstr(fault, path));
}

/* ---- kill -9 ---- */

struct life {
	struct store_rig *rig;
	struct store *store;
	int fd;
	unsigned next;
};

struct one {
	struct life *life;
	unsigned number;
};

static int number_run(struct db *db, void *arg)
{
	struct one *one = arg;
	struct event_row row = {.at_us = one->number, .what = "kill", .text = ""};

	return event_insert(db, &row);
}

static void number_submit(struct life *life);

static void number_done(void *arg, int err)
{
	struct one *one = arg;
	struct life *life = one->life;

	/* What is reported here is what an HTTP answer would be. */
	if (!err && write(life->fd, &one->number, sizeof(one->number)) != sizeof(one->number))
		_exit(1);
	free(one);
	number_submit(life);
}

static void number_submit(struct life *life)
{
	struct one *one = tc_alloc(sizeof(*one));

	one->life = life;
	one->number = ++life->next;
	if (store_write(life->store, number_run, number_done, one))
		_exit(1);
}

static void child(int fd, const char *dir)
{
	struct life life = {.fd = fd};
	char fault[512];
	struct store_rig rig = {0};

	rig.loop = loop_new(LOOP_REAL);
	rig.host = host_new(rig.loop, getenv("TOCSIN_PLUGIN_PATH"), dir);
	rig.instance = rig_instance(&rig, "tocsin.db");
	life.rig = &rig;
	life.store = store_open(rig.loop, rig.instance, fault, sizeof(fault));
	if (!life.store)
		_exit(1);
	for (int i = 0; i < 100; i++)
		number_submit(&life);
	loop_run(rig.loop);
	_exit(1);
}

static void test_kill_loses_nothing_reported(void **state)
{
	enum { ENOUGH = 2000 };
	struct store_rig *rig = *state;
	unsigned numbers[ENOUGH + 16384], n = 0;
	size_t got = 0;
	int fds[2], status;
	struct db *db;
	ssize_t len;
	pid_t pid;

	if (!rig->instance)
		skip();
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(fds[0]);
		child(fds[1], rig->dir);
	}
	close(fds[1]);
	while (got < ENOUGH * sizeof(unsigned)) {
		len = read(fds[0], (char *)numbers + got, ENOUGH * sizeof(unsigned) - got);
		assert_true(len > 0);
		got += (size_t)len;
	}
	kill(pid, SIGKILL);
	/* What it reported before it died is in the pipe. */
	while (got < sizeof(numbers) &&
	       (len = read(fds[0], (char *)numbers + got, sizeof(numbers) - got)) > 0)
		got += (size_t)len;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	n = (unsigned)(got / sizeof(unsigned));
	db = rig_db(rig);
	for (unsigned i = 0; i < n; i++) {
		const struct tc_value params[] = {DB_INT(numbers[i])};
		struct db_stmt *stmt;
		struct tc_value v;

		/* Nothing failed before, so number and id are the same. */
		assert_int_equal(
			db_query(db, "SELECT at_us FROM events WHERE id = ?", params, 1, &stmt), 0);
		assert_int_equal(db_next(stmt, &v, 1), 1);
		assert_int_equal(v.i, numbers[i]);
		db_done(stmt);
	}
	db_close(db);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_write_then_read),
		RIG_TEST(test_group_and_order),
		RIG_TEST(test_failing_job_is_isolated),
		RIG_TEST(test_single_failure),
		RIG_TEST(test_full_queue),
		RIG_TEST(test_close_drains),
		RIG_TEST(test_stopped_and_still_there),
		RIG_TEST(test_nothing_is_taken_while_closing),
		RIG_TEST(test_done_may_be_missing),
		RIG_TEST(test_two_stores),
		RIG_TEST(test_open_says_why_not),
		RIG_TEST(test_kill_loses_nothing_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
