/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations: exactly one completion, whatever the plugin, the deadline and a cancellation do.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "host/logging.h"
#include "unit/aborts.h"
#include "unit/host_rig.h"

#define TIMEOUT_MS 1000

/* Who waits, and what was told. */
struct waiter {
	struct host_rig rig;
	struct tc_instance *self;
	unsigned told;
	bool done;
	int err;
	void *result;
	char text[64];
};

static unsigned discarded;

static void discard(void *result)
{
	discarded++;
	free(result);
}

static void on_done(void *arg, int err, void *result, const char *text)
{
	struct waiter *w = arg;

	w->told++;
	w->done = true;
	w->err = err;
	w->result = result;
	tc_strcopy(w->text, sizeof(w->text), text ? text : "(null)");
}

static int setup_clock(void **state, enum loop_clock clock)
{
	struct waiter *w = tc_alloc(sizeof(*w));

	logging_setup(TC_LOG_ERROR, LOGGING_TEXT);
	discarded = 0;
	host_rig_init(&w->rig, clock);
	w->self = host_rig_instance(&w->rig, &host_rig_plugin, "n", NULL);
	*state = w;
	return instance_open(w->self);
}

static int setup(void **state)
{
	return setup_clock(state, LOOP_VIRTUAL);
}

static int setup_real(void **state)
{
	return setup_clock(state, LOOP_REAL);
}

static int teardown(void **state)
{
	struct waiter *w = *state;

	host_rig_fini(&w->rig);
	free(w);
	return 0;
}

static struct tc_op *begin(struct waiter *w)
{
	return op_new(w->self, "test", TIMEOUT_MS, on_done, discard, w);
}

static void pass_ms(struct waiter *w, int64_t ms)
{
	loop_advance_us(w->rig.loop, ms * 1000);
	host_rig_turn(&w->rig);
}

static void expect_told(struct waiter *w, int err, const char *text)
{
	assert_int_equal(w->told, 1);
	assert_int_equal(w->err, err);
	assert_string_equal(w->text, text);
}

static void test_completed(void **state)
{
	struct waiter *w = *state;
	struct tc_op *op = begin(w);
	char text[] = "said so";

	assert_false(tc_op_cancelled(op));
	tc_op_done(op, 0, &w->rig, text);
	text[0] = 'X'; /* it was copied */
	assert_int_equal(w->told, 0); /* never inside the plugin's frame */
	host_rig_turn(&w->rig);
	expect_told(w, 0, "said so");
	assert_ptr_equal(w->result, &w->rig);
	assert_int_equal(discarded, 0);
	pass_ms(w, TIMEOUT_MS);
	assert_int_equal(w->told, 1);
	assert_int_equal(loop_next_us(w->rig.loop), INT64_MAX); /* no deadline is left */
}

static void test_failed(void **state)
{
	struct waiter *w = *state;

	tc_op_done(begin(w), TC_EUNSURE, NULL, NULL);
	host_rig_turn(&w->rig);
	expect_told(w, TC_EUNSURE, "(null)");
	assert_null(w->result);
}

/* A plugin that gives a result with its error: nobody else would free it. */
static void test_failed_with_a_result(void **state)
{
	struct waiter *w = *state;

	tc_op_done(begin(w), -EIO, tc_strdup("half of it"), "broken");
	host_rig_turn(&w->rig);
	expect_told(w, -EIO, "broken");
	assert_null(w->result);
	assert_int_equal(discarded, 1);
}

static void test_deadline(void **state)
{
	struct waiter *w = *state;
	struct tc_op *op = begin(w);

	pass_ms(w, TIMEOUT_MS - 1);
	assert_int_equal(w->told, 0);
	assert_false(tc_op_cancelled(op));
	pass_ms(w, 1);
	expect_told(w, -ETIMEDOUT, "it did not end in time");
	assert_true(tc_op_cancelled(op));
	/* what comes too late is swallowed */
	tc_op_done(op, 0, tc_strdup("late"), "late");
	assert_int_equal(discarded, 0);
	host_rig_turn(&w->rig);
	assert_int_equal(discarded, 1);
	expect_told(w, -ETIMEDOUT, "it did not end in time");
}

/* It came in time, and was only not yet told. */
static void test_completed_just_before_the_deadline(void **state)
{
	struct waiter *w = *state;

	tc_op_done(begin(w), 0, NULL, "in time");
	pass_ms(w, TIMEOUT_MS);
	expect_told(w, 0, "in time");
}

static void test_cancelled(void **state)
{
	struct waiter *w = *state;
	struct tc_op *op = begin(w);

	op_cancel(op);
	expect_told(w, -ECANCELED, "cancelled"); /* at once */
	assert_true(tc_op_cancelled(op));
	pass_ms(w, 2 * TIMEOUT_MS);
	tc_op_done(op, 0, tc_strdup("late"), NULL);
	host_rig_turn(&w->rig);
	assert_int_equal(discarded, 1);
	assert_int_equal(w->told, 1);
}

static void test_cancelled_when_completed_and_not_told(void **state)
{
	struct waiter *w = *state;
	struct tc_op *op = begin(w);

	tc_op_done(op, 0, tc_strdup("on its way"), NULL);
	op_cancel(op);
	host_rig_turn(&w->rig);
	expect_told(w, -ECANCELED, "cancelled");
	assert_null(w->result);
	assert_int_equal(discarded, 1);
}

static void test_late_without_a_result_or_discard(void **state)
{
	struct waiter *w = *state;
	struct tc_op *op = op_new(w->self, "test", TIMEOUT_MS, on_done, NULL, w);

	op_cancel(op);
	tc_op_done(op, 0, w, NULL); /* nobody's to free */
	op = begin(w);
	op_cancel(op);
	tc_op_done(op, -EIO, NULL, "late");
	host_rig_turn(&w->rig);
	assert_int_equal(w->told, 2);
	assert_int_equal(discarded, 0);
}

static void test_refused(void **state)
{
	struct waiter *w = *state;

	op_refused(begin(w));
	assert_int_equal(loop_next_us(w->rig.loop), INT64_MAX);
	pass_ms(w, 2 * TIMEOUT_MS);
	assert_int_equal(w->told, 0);
}

static void *complete_elsewhere(void *op)
{
	tc_op_done(op, 0, tc_strdup("from a thread"), "well done");
	return NULL;
}

static void test_completed_by_another_thread(void **state)
{
	struct waiter *w = *state;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, complete_elsewhere, begin(w)), 0);
	host_rig_wait(&w->rig, &w->done);
	pthread_join(thread, NULL);
	expect_told(w, 0, "well done");
	assert_string_equal(w->result, "from a thread");
	free(w->result);
}

/* A completion counts also while its instance closes. */
static void test_completed_while_closing(void **state)
{
	struct waiter *w = *state;

	tc_op_done(begin(w), 0, NULL, "the last");
	instance_close(w->self);
	host_rig_turn(&w->rig);
	expect_told(w, 0, "the last");
}

/* ---- what must abort ---- */

static void complete_twice(void *op)
{
	tc_op_done(op, 0, NULL, NULL);
	tc_op_done(op, 0, NULL, NULL);
}

static void complete_twice_after_cancel(void *op)
{
	op_cancel(op);
	complete_twice(op);
}

static void cancel_twice(void *op)
{
	op_cancel(op);
	op_cancel(op);
}

static void refuse_what_is_completed(void *op)
{
	tc_op_done(op, 0, NULL, NULL);
	op_refused(op);
}

static void test_exactly_once(void **state)
{
	static void (*const bad[])(void *op) = {
		complete_twice,
		complete_twice_after_cancel,
		cancel_twice,
		refuse_what_is_completed,
	};
	struct waiter *w = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct tc_op *op = begin(w);

		assert_aborts(bad[i], op); /* in a child */
		op_refused(op);
	}
}

int main(void)
{
#define VIRTUAL(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define REAL(f) cmocka_unit_test_setup_teardown(f, setup_real, teardown)
	const struct CMUnitTest tests[] = {
		VIRTUAL(test_completed),
		VIRTUAL(test_failed),
		VIRTUAL(test_failed_with_a_result),
		VIRTUAL(test_deadline),
		VIRTUAL(test_completed_just_before_the_deadline),
		VIRTUAL(test_cancelled),
		VIRTUAL(test_cancelled_when_completed_and_not_told),
		VIRTUAL(test_late_without_a_result_or_discard),
		VIRTUAL(test_refused),
		REAL(test_completed_by_another_thread),
		VIRTUAL(test_completed_while_closing),
		VIRTUAL(test_exactly_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
