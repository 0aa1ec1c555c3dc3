/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract on transactions: atomic, isolated, durable, and what happens when two meet.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conform/store/suite.h"

#define COUNT "SELECT COUNT(*) FROM conform_t"

static void fresh(struct tc_db *db)
{
	table(db, "conform_t", "(id INT NOT NULL PRIMARY KEY, v BIGINT)");
}

void test_commit_and_rollback(void **state)
{
	struct tc_db *db = connect_db(), *other;

	(void)state;
	fresh(db);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ops->begin(db, true), 0);
		run(db, "INSERT INTO conform_t (id, v) VALUES (1, 1)");
		run(db, "INSERT INTO conform_t (id, v) VALUES (2, 1)");
		assert_int_equal(number(db, COUNT), 2);
		assert_int_equal(ops->rollback(db), 0);
		assert_int_equal(number(db, COUNT), 0);
	}
	assert_int_equal(ops->begin(db, true), 0);
	run(db, "INSERT INTO conform_t (id, v) VALUES (1, 1)");
	assert_int_equal(ops->commit(db), 0);
	/* one that changes nothing, and one that only reads */
	assert_int_equal(ops->begin(db, true), 0);
	assert_int_equal(ops->commit(db), 0);
	assert_int_equal(ops->begin(db, false), 0);
	assert_int_equal(number(db, COUNT), 1);
	assert_int_equal(ops->commit(db), 0);
	/* uncommitted work is gone with its connection, committed work is there for a new one */
	assert_int_equal(ops->begin(db, true), 0);
	run(db, "INSERT INTO conform_t (id, v) VALUES (2, 1)");
	ops->disconnect(db);
	other = connect_db();
	assert_int_equal(number(other, COUNT), 1);
	ops->disconnect(other);
}

void test_isolation(void **state)
{
	struct tc_db *writer = connect_db(), *reader = connect_db();

	(void)state;
	fresh(writer);
	assert_int_equal(ops->begin(writer, true), 0);
	run(writer, "INSERT INTO conform_t (id, v) VALUES (1, 1)");
	assert_int_equal(number(writer, COUNT), 1);
	assert_int_equal(number(reader, COUNT), 0); /* and does not wait for the writer */
	assert_int_equal(ops->commit(writer), 0);
	assert_int_equal(number(reader, COUNT), 1);
	ops->disconnect(writer);
	ops->disconnect(reader);
}

/* A reading transaction sees one moment. */
void test_snapshot(void **state)
{
	struct tc_db *writer = connect_db(), *reader = connect_db();

	(void)state;
	fresh(writer);
	assert_int_equal(ops->begin(reader, false), 0);
	assert_int_equal(number(reader, COUNT), 0);
	assert_int_equal(ops->begin(writer, true), 0);
	run(writer, "INSERT INTO conform_t (id, v) VALUES (1, 1)");
	assert_int_equal(ops->commit(writer), 0);
	assert_int_equal(number(reader, COUNT), 0);
	assert_int_equal(ops->commit(reader), 0);
	assert_int_equal(ops->begin(reader, false), 0);
	assert_int_equal(number(reader, COUNT), 1);
	assert_int_equal(ops->rollback(reader), 0);
	ops->disconnect(writer);
	ops->disconnect(reader);
}

void test_savepoints(void **state)
{
	struct tc_db *db = connect_db();

	(void)state;
	fresh(db);
	assert_int_equal(ops->begin(db, true), 0);
	for (int i = 1; i <= 4; i++) {
		struct tc_value v = INT(i);

		run(db, "SAVEPOINT job");
		assert_int_equal(try_run(db, "INSERT INTO conform_t (id, v) VALUES (?, 1)", &v, 1),
				 0);
		if (i == 2)
			run(db, "ROLLBACK TO SAVEPOINT job");
		run(db, "RELEASE SAVEPOINT job");
	}
	assert_int_equal(ops->commit(db), 0);
	assert_int_equal(number(db, COUNT), 3);
	assert_int_equal(number(db, "SELECT COUNT(*) FROM conform_t WHERE id = 2"), 0);
	ops->disconnect(db);
}

/* A statement that violates a key undoes itself alone; the transaction goes on. */
void test_failure_inside(void **state)
{
	struct tc_db *db = connect_db();
	struct tc_stmt *stmt;

	(void)state;
	fresh(db);
	assert_int_equal(ops->begin(db, true), 0);
	run(db, "INSERT INTO conform_t (id, v) VALUES (1, 1)");
	assert_int_equal(try_run(db, "INSERT INTO conform_t (id, v) VALUES (1, 2)", NULL, 0),
			 -EEXIST);
	assert_int_equal(ops->prepare(db, "SELEKT", &stmt), -EINVAL);
	run(db, "INSERT INTO conform_t (id, v) VALUES (2, 1)");
	assert_int_equal(ops->commit(db), 0);
	assert_int_equal(number(db, COUNT), 2);
	assert_int_equal(number(db, "SELECT v FROM conform_t WHERE id = 1"), 1);
	ops->disconnect(db);
}

/* Where the database has ended a transaction by itself, rolling back is no error. */
void test_rollback_without(void **state)
{
	struct tc_db *db = connect_db();

	(void)state;
	fresh(db);
	assert_int_equal(ops->rollback(db), 0);
	run(db, "INSERT INTO conform_t (id, v) VALUES (1, 1)");
	assert_int_equal(ops->rollback(db), 0);
	assert_int_equal(number(db, COUNT), 1);
	assert_int_equal(ops->begin(db, true), 0);
	assert_int_equal(ops->commit(db), 0);
	ops->disconnect(db);
}

void test_schema_twice(void **state)
{
	struct tc_db *db = connect_db();

	(void)state;
	run(db, "DROP TABLE IF EXISTS conform_s");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ops->begin(db, true), 0);
		run(db, "CREATE TABLE IF NOT EXISTS conform_s (id {autoid}, at_us BIGINT NOT NULL,"
			" alert_id VARCHAR(36), name VARCHAR(512), word {text} NOT NULL, b "
			"{blob}){suffix}");
		run(db, "CREATE INDEX IF NOT EXISTS conform_s_name ON conform_s (name, alert_id)");
		assert_int_equal(ops->commit(db), 0);
	}
	run(db, "INSERT INTO conform_s (at_us, word) VALUES (1, 'w')");
	assert_int_equal(number(db, "SELECT COUNT(*) FROM conform_s"), 1);
	run(db, "DROP TABLE conform_s");
	ops->disconnect(db);
}

/* ---- two that write ---- */

enum { ROUNDS = 50 };

static int increment(struct tc_db *db)
{
	char sql[128];
	struct tc_stmt *stmt = NULL;
	struct tc_value v;
	int err = ops->begin(db, true);

	if (err)
		return err;
	snprintf(sql, sizeof(sql), "SELECT v FROM conform_t WHERE id = 1%s",
		 ops->dialect(instance_state)->for_update);
	err = ops->prepare(db, sql, &stmt);
	if (!err)
		err = ops->execute(stmt, NULL, 0);
	if (!err)
		err = ops->next(stmt, &v, 1) == 1 ? 0 : -EAGAIN;
	if (stmt) {
		ops->reset(stmt);
		ops->finish(stmt);
	}
	v = INT(v.i + 1);
	if (!err)
		err = try_run(db, "UPDATE conform_t SET v = ? WHERE id = 1", &v, 1);
	if (!err)
		err = ops->commit(db);
	else
		ops->rollback(db);
	return err;
}

/*
 * The result is the first error that is not -EAGAIN; cmocka's assertions are for the main thread.
 */
static void *incrementer(void *arg)
{
	int *result = arg;
	struct tc_db *db;
	char text[256];

	*result = ops->connect(instance_state, &db, text, sizeof(text));
	for (int i = 0; !*result && i < ROUNDS; i++) {
		int tries = 0;

		while ((*result = increment(db)) == -EAGAIN && ++tries < 1000)
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	ops->disconnect(db);
	return NULL;
}

void test_concurrent_increments(void **state)
{
	enum { THREADS = 3 };
	struct tc_db *db = connect_db();
	pthread_t threads[THREADS];
	int results[THREADS];

	(void)state;
	fresh(db);
	run(db, "INSERT INTO conform_t (id, v) VALUES (1, 0)");
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, incrementer, &results[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(results[i], 0);
	assert_int_equal(number(db, "SELECT v FROM conform_t WHERE id = 1"), THREADS * ROUNDS);
	ops->disconnect(db);
}

/* ---- the process dies ---- */

static void child(int fd)
{
	struct tc_db *db;
	char text[256];
	int err = ops->connect(instance_state, &db, text, sizeof(text));

	for (int i = 1; !err && i <= 20; i++) {
		struct tc_value v = INT(i);

		err = ops->begin(db, true);
		if (!err)
			err = try_run(db, "INSERT INTO conform_t (id, v) VALUES (?, 1)", &v, 1);
		if (!err && i < 20)
			err = ops->commit(db);
	}
	/* The last one is not committed. */
	if (!err && write(fd, "x", 1) == 1)
		pause();
	_exit(1);
}

void test_durable_after_kill(void **state)
{
	struct tc_db *db = connect_db();
	int fds[2], status;
	char byte;
	pid_t pid;

	(void)state;
	fresh(db);
	ops->disconnect(db); /* a connection does not survive a fork */
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(fds[0]);
		child(fds[1]);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	db = connect_db();
	assert_int_equal(number(db, COUNT), 19);
	assert_int_equal(number(db, "SELECT COUNT(*) FROM conform_t WHERE id = 20"), 0);
	/* and its lock is gone */
	assert_int_equal(ops->begin(db, true), 0);
	run(db, "INSERT INTO conform_t (id, v) VALUES (20, 1)");
	assert_int_equal(ops->commit(db), 0);
	ops->disconnect(db);
}

void test_two_instances(void **state)
{
	struct tc_db *one = connect_db(), *two = NULL;
	char text[256] = "";
	void *second;

	(void)state;
	fresh(one);
	run(one, "INSERT INTO conform_t (id, v) VALUES (1, 7)");
	second = second_open();
	assert_ptr_not_equal(second, instance_state);
	assert_int_equal(ops->connect(second, &two, text, sizeof(text)), 0);
	assert_int_equal(number(two, "SELECT v FROM conform_t WHERE id = 1"), 7);
	ops->disconnect(two);
	second_close();
	assert_int_equal(number(one, COUNT), 1);
	ops->disconnect(one);
}
