/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lanes: order, their bound, their threads, and that a lane that closes does what it has taken.
 */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "unit/host_rig.h"

#define JOBS 1000
#define WAIT_S 30

struct trace {
	pthread_mutex_t lock;
	int order[JOBS];
	pthread_t by[JOBS];
	int n;
	sem_t gate, reached;
	bool timed_out;
};

struct job {
	struct trace *trace;
	int number;
};

static struct trace trace;
static struct job jobs[JOBS];

static int setup(void **state)
{
	(void)state;
	memset(&trace, 0, sizeof(trace));
	pthread_mutex_init(&trace.lock, NULL);
	for (int i = 0; i < JOBS; i++)
		jobs[i] = (struct job){&trace, i};
	return sem_init(&trace.gate, 0, 0) || sem_init(&trace.reached, 0, 0);
}

static int teardown(void **state)
{
	(void)state;
	sem_destroy(&trace.gate);
	sem_destroy(&trace.reached);
	return pthread_mutex_destroy(&trace.lock);
}

static bool wait_sem(sem_t *sem)
{
	struct timespec t;
	int err;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += WAIT_S;
	do
		err = sem_timedwait(sem, &t);
	while (err && errno == EINTR);
	return !err;
}

static void note(struct tc_op *op, void *arg)
{
	struct job *job = arg;
	struct trace *t = job->trace;

	(void)op;
	pthread_mutex_lock(&t->lock);
	t->order[t->n] = job->number;
	t->by[t->n++] = pthread_self();
	pthread_mutex_unlock(&t->lock);
}

/* Holds its thread until the gate opens. */
static void wait_at_gate(struct tc_op *op, void *arg)
{
	(void)op;
	(void)arg;
	sem_post(&trace.reached);
	if (!wait_sem(&trace.gate))
		trace.timed_out = true;
}

static void test_order_and_one_thread(void **state)
{
	struct tc_lane *lane = lane_open("test", 1, JOBS);

	(void)state;
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(tc_lane_submit(lane, note, NULL, &jobs[i]), 0);
	tc_lane_close(lane); /* runs what waits */
	assert_int_equal(trace.n, JOBS);
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(trace.order[i], i);
		assert_true(pthread_equal(trace.by[i], trace.by[0]));
	}
	assert_false(pthread_equal(trace.by[0], pthread_self()));
	tc_lane_close(NULL);
}

static void test_bound(void **state)
{
	struct tc_lane *lane = lane_open("test", 1, 3);

	(void)state;
	assert_int_equal(tc_lane_submit(lane, wait_at_gate, NULL, NULL), 0);
	assert_true(wait_sem(&trace.reached)); /* it runs: it does not wait any more */
	for (int i = 0; i < 3; i++)
		assert_int_equal(tc_lane_submit(lane, note, NULL, &jobs[i]), 0);
	for (int i = 3; i < 6; i++)
		assert_int_equal(tc_lane_submit(lane, note, NULL, &jobs[i]), -EBUSY);
	sem_post(&trace.gate);
	tc_lane_close(lane);
	assert_int_equal(trace.n, 3); /* what was refused has not run */
	assert_false(trace.timed_out);
}

static void test_room_again(void **state)
{
	struct tc_lane *lane = lane_open("test", 1, 1);

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(tc_lane_submit(lane, wait_at_gate, NULL, NULL), 0);
		assert_true(wait_sem(&trace.reached));
		assert_int_equal(tc_lane_submit(lane, note, NULL, &jobs[i]), 0);
		assert_int_equal(tc_lane_submit(lane, note, NULL, &jobs[i]), -EBUSY);
		sem_post(&trace.gate);
		/* taken as soon as the one that waits has begun */
		for (int tries = 0; tc_lane_submit(lane, wait_at_gate, NULL, NULL); tries++) {
			assert_in_range(tries, 0, WAIT_S * 1000);
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		}
		sem_post(&trace.gate);
		assert_true(wait_sem(&trace.reached));
	}
	tc_lane_close(lane);
	assert_int_equal(trace.n, 20);
}

static void test_several_threads_at_once(void **state)
{
	struct tc_lane *lane = lane_open("test", 3, 10);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(tc_lane_submit(lane, wait_at_gate, NULL, NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_true(wait_sem(&trace.reached)); /* all three run */
	for (int i = 0; i < 3; i++)
		sem_post(&trace.gate);
	tc_lane_close(lane);
	assert_false(trace.timed_out);
}

static void look_at_signals(struct tc_op *op, void *arg)
{
	bool *blocked = arg;
	sigset_t set;

	(void)op;
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	*blocked = sigismember(&set, SIGTERM) && sigismember(&set, SIGHUP);
}

static void test_signals_are_not_theirs(void **state)
{
	struct tc_lane *lane = lane_open("test", 1, 1);
	bool blocked = false;
	sigset_t set;

	(void)state;
	assert_int_equal(tc_lane_submit(lane, look_at_signals, NULL, &blocked), 0);
	tc_lane_close(lane);
	assert_true(blocked);
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	assert_false(sigismember(&set, SIGTERM)); /* and they stay the main thread's */
}

/* ---- of an instance ---- */

static void complete(struct tc_op *op, void *arg)
{
	note(NULL, arg);
	tc_op_done(op, 0, arg, NULL);
}

struct told {
	bool done;
	int err;
	void *result;
};

static void on_done(void *arg, int err, void *result, const char *text)
{
	struct told *told = arg;

	(void)text;
	*told = (struct told){true, err, result};
}

static void test_operation(void **state)
{
	struct told told = {0};
	struct host_rig rig;
	struct tc_instance *self;
	struct tc_lane *lane;
	struct tc_op *op;

	(void)state;
	host_rig_init(&rig, LOOP_REAL);
	self = host_rig_instance(&rig, &host_rig_plugin, "n", NULL);
	assert_int_equal(instance_open(self), 0);
	lane = tc_lane_open(self, "a name that is too long for a thread", 2, 4);
	op = op_new(self, "test", WAIT_S * 1000, on_done, NULL, &told);
	assert_int_equal(tc_lane_submit(lane, complete, op, &jobs[7]), 0);
	host_rig_wait(&rig, &told.done);
	assert_int_equal(told.err, 0);
	assert_ptr_equal(told.result, &jobs[7]);
	host_rig_fini(&rig); /* closes the lane */
}

/* Its close() comes first, then what waits is run, then it is gone; completions still count. */
static void test_closed_with_its_instance(void **state)
{
	struct told told = {0};
	struct host_rig rig;
	struct tc_instance *self;
	struct tc_lane *lane, *early;
	struct tc_op *op;

	(void)state;
	host_rig_init(&rig, LOOP_REAL);
	self = host_rig_instance(&rig, &host_rig_plugin, "n", NULL);
	assert_int_equal(instance_open(self), 0);
	early = tc_lane_open(self, "early", 1, 1);
	lane = tc_lane_open(self, "late", 1, 10);
	tc_lane_close(early); /* by the plugin itself */
	assert_int_equal(tc_lane_submit(lane, wait_at_gate, NULL, NULL), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(tc_lane_submit(lane, note, NULL, &jobs[i]), 0);
	op = op_new(self, "test", WAIT_S * 1000, on_done, NULL, &told);
	assert_int_equal(tc_lane_submit(lane, complete, op, &jobs[5]), 0);
	sem_post(&trace.gate);
	instance_close(self);
	assert_int_equal(trace.n, 6);
	assert_false(told.done);
	host_rig_wait(&rig, &told.done);
	assert_int_equal(told.err, 0);
	host_rig_fini(&rig);
}

int main(void)
{
#define LANE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		LANE(test_order_and_one_thread),
		LANE(test_bound),
		LANE(test_room_again),
		LANE(test_several_threads_at_once),
		LANE(test_signals_are_not_theirs),
		LANE(test_operation),
		LANE(test_closed_with_its_instance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
