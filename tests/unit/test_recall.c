/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recall rules: what the ends of calls say about the next one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "call/recall.h"
#include "host/config.h"

#define S INT64_C(1000000)

static struct config_call rules(void)
{
	struct config_call c = {.attempts = 3, .window = 180 * 1000};

	c.redial.busy = 20 * 1000;
	c.redial.no_answer = 30 * 1000;
	c.redial.rejected = 60 * 1000;
	c.redial.unreachable = 31 * 1000;
	c.redial.congestion = 10 * 1000;
	c.redial.machine = 32 * 1000;
	c.redial.heard = 33 * 1000;
	c.redial.unheard = 11 * 1000;
	c.redial.failed = 5 * 1000;
	return c;
}

/* A call to a number that has used up an attempt: placed at, ended a second later. */
static void add(struct recall *r, const struct config_call *c, size_t number,
		enum call_result result, int64_t at_us)
{
	struct recall_end end = {.number = number,
				 .result = result,
				 .use = PAGE_USE_ATTEMPT,
				 .placed_us = at_us,
				 .ended_us = at_us + S};

	recall_add(r, c, &end);
}

static void add_use(struct recall *r, const struct config_call *c, enum call_result result,
		    enum page_use use, int64_t at_us)
{
	struct recall_end end = {
		.result = result, .use = use, .placed_us = at_us, .ended_us = at_us};

	recall_add(r, c, &end);
}

static void check_over(const struct recall *r, const struct config_call *c, const char *want)
{
	char *got = recall_over(r, c);

	if (want)
		assert_string_equal(got ? got : "not over", want);
	else
		assert_null(got);
	free(got);
}

static void test_intervals(void **state)
{
	static const struct {
		enum call_result result;
		int64_t seconds;
	} all[] = {{CALL_BUSY, 20},       {CALL_NO_ANSWER, 30},   {CALL_REJECTED, 60},
		   {CALL_UNREACHABLE, 31}, {CALL_CONGESTION, 10}, {CALL_MACHINE, 32},
		   {CALL_HEARD, 33},      {CALL_UNHEARD, 11},     {CALL_FAILED, 5}};
	struct config_call c = rules();

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct recall r;

		recall_init(&r, 1);
		add(&r, &c, 0, all[i].result, 100 * S);
		assert_int_equal(r.due_us, (101 + all[i].seconds) * S);
		assert_int_equal(r.next, 0);
		assert_int_equal(r.attempts, 1);
		check_over(&r, &c, NULL);
	}
}

static void test_attempts(void **state)
{
	struct config_call c = rules();
	struct recall r;

	(void)state;
	recall_init(&r, 1);
	check_over(&r, &c, NULL);
	add(&r, &c, 0, CALL_BUSY, 100 * S);
	add(&r, &c, 0, CALL_BUSY, 121 * S);
	check_over(&r, &c, NULL);
	add(&r, &c, 0, CALL_BUSY, 142 * S);
	check_over(&r, &c, "all attempts are used up");
	c.attempts = 4; /* after a reload */
	check_over(&r, &c, NULL);
	c.until_reached = true;
	c.attempts = 1;
	check_over(&r, &c, NULL);
}

static void test_window(void **state)
{
	struct config_call c = rules();
	struct recall r;

	(void)state;
	c.attempts = 100;
	recall_init(&r, 1);
	add(&r, &c, 0, CALL_BUSY, 100 * S);
	add(&r, &c, 0, CALL_BUSY, 259 * S);
	assert_int_equal(r.due_us, 280 * S);
	check_over(&r, &c, NULL);
	add(&r, &c, 0, CALL_BUSY, 260 * S);
	check_over(&r, &c, "the time for attempts is over");
	c.until_reached = true;
	check_over(&r, &c, NULL);
}

static void test_most(void **state)
{
	struct config_call c = rules();
	struct recall r;

	(void)state;
	c.attempts = 10;
	c.window = 10000 * 1000;
	c.most.rejected = 1;
	c.most.busy = 2;
	recall_init(&r, 1);
	add(&r, &c, 0, CALL_BUSY, 100 * S);
	add(&r, &c, 0, CALL_NO_ANSWER, 200 * S);
	check_over(&r, &c, NULL);
	add(&r, &c, 0, CALL_BUSY, 300 * S);
	check_over(&r, &c, "busy, 2 times");
	recall_init(&r, 1);
	add(&r, &c, 0, CALL_REJECTED, 100 * S);
	check_over(&r, &c, "the call was declined, 1 time");
	c.until_reached = true;
	check_over(&r, &c, NULL);
}

/* Each number once, at once; then the interval of the last one, and from the first again. */
static void test_numbers_in_turn(void **state)
{
	struct config_call c = rules();
	struct recall r;

	(void)state;
	c.attempts = 5;
	recall_init(&r, 3);
	add(&r, &c, 0, CALL_REJECTED, 100 * S);
	assert_int_equal(r.next, 1);
	assert_int_equal(r.due_us, 101 * S);
	add(&r, &c, 1, CALL_NO_ANSWER, 101 * S);
	assert_int_equal(r.next, 2);
	assert_int_equal(r.due_us, 102 * S);
	add(&r, &c, 2, CALL_BUSY, 102 * S);
	assert_int_equal(r.next, 0);
	assert_int_equal(r.due_us, 123 * S);
	check_over(&r, &c, NULL);
	add(&r, &c, 0, CALL_BUSY, 123 * S);
	assert_int_equal(r.next, 1);
	assert_int_equal(r.due_us, 124 * S);
	check_over(&r, &c, NULL);
	add(&r, &c, 1, CALL_BUSY, 124 * S);
	check_over(&r, &c, "all attempts are used up");
}

/* Every number is tried at least once, whatever attempts, window and redial_most say. */
static void test_every_number_once(void **state)
{
	struct config_call c = rules();
	struct recall r;

	(void)state;
	c.attempts = 1;
	c.window = 1000;
	c.most.busy = 1;
	recall_init(&r, 3);
	assert_int_equal(recall_attempts(&r, &c), 3);
	add(&r, &c, 0, CALL_BUSY, 100 * S);
	check_over(&r, &c, NULL);
	add(&r, &c, 1, CALL_NO_ANSWER, 110 * S);
	check_over(&r, &c, NULL);
	add(&r, &c, 2, CALL_NO_ANSWER, 120 * S);
	check_over(&r, &c, "all attempts are used up");
}

static void test_no_attempt(void **state)
{
	struct config_call c = rules();
	struct recall r;

	(void)state;
	recall_init(&r, 2);
	add_use(&r, &c, CALL_LOST, PAGE_USE_NONE, 100 * S);
	assert_int_equal(r.attempts, 0);
	assert_int_equal(r.next, 0);
	assert_int_equal(r.due_us, 100 * S);
	add_use(&r, &c, CALL_UNREACHABLE, PAGE_USE_TRUNK, 101 * S);
	assert_int_equal(r.attempts, 0);
	assert_int_equal(r.next, 0);
	assert_int_equal(r.due_us, 101 * S);
	/* an earlier process's, of which nobody knows whether another trunk was left */
	add_use(&r, &c, CALL_UNREACHABLE, PAGE_USE_NONE, 102 * S);
	assert_int_equal(r.due_us, 133 * S);
	assert_int_equal(r.attempts, 0);
	add(&r, &c, 0, CALL_BUSY, 140 * S);
	assert_int_equal(r.attempts, 1);
	assert_int_equal(r.next, 1);
}

/* No trunk at all: longer and longer, up to ten minutes; it is forgotten with the next call. */
static void test_stall(void **state)
{
	struct config_call c = rules();
	struct recall r;

	(void)state;
	recall_init(&r, 1);
	for (unsigned i = 0; i < 4; i++) {
		add_use(&r, &c, CALL_UNREACHABLE, PAGE_USE_STALL, 100 * S);
		assert_int_equal(r.due_us, (100 + (31 << i)) * S);
		check_over(&r, &c, NULL);
	}
	for (unsigned i = 0; i < 10; i++)
		add_use(&r, &c, CALL_UNREACHABLE, PAGE_USE_STALL, 100 * S);
	assert_int_equal(r.due_us, 700 * S);
	assert_int_equal(r.attempts, 0);
	add(&r, &c, 0, CALL_BUSY, 800 * S);
	assert_int_equal(r.stalled, 0);
	add_use(&r, &c, CALL_UNREACHABLE, PAGE_USE_STALL, 900 * S);
	assert_int_equal(r.due_us, 931 * S);
}

/* The end of an attempt was never stored: the number of the next one tells of it. */
static void test_attempt_number(void **state)
{
	struct config_call c = rules();
	struct recall_end end = {.result = CALL_BUSY,
				 .use = PAGE_USE_ATTEMPT,
				 .attempt = 3,
				 .placed_us = 100 * S,
				 .ended_us = 101 * S};
	struct recall r;

	(void)state;
	recall_init(&r, 1);
	recall_add(&r, &c, &end);
	assert_int_equal(r.attempts, 3);
	check_over(&r, &c, "all attempts are used up");
	recall_init(&r, 1);
	recall_begin(&r, 2);
	assert_int_equal(r.attempts, 1);
	recall_begin(&r, 1);
	assert_int_equal(r.attempts, 1);
}

/* A number that a person has no longer: it counts, and the others have their turns. */
static void test_number_gone(void **state)
{
	struct config_call c = rules();
	struct recall r;

	(void)state;
	recall_init(&r, 2);
	add(&r, &c, RECALL_NUMBERS, CALL_BUSY, 100 * S);
	assert_int_equal(r.attempts, 1);
	assert_int_equal(r.next, 0);
	assert_int_equal(r.due_us, 121 * S);
	add(&r, &c, 0, CALL_BUSY, 121 * S);
	assert_int_equal(r.next, 1);
	check_over(&r, &c, NULL);
}

static void test_most_numbers(void **state)
{
	struct config_call c = rules();
	struct recall r;

	(void)state;
	recall_init(&r, 1000);
	assert_int_equal(r.numbers, RECALL_NUMBERS);
	for (size_t i = 0; i < RECALL_NUMBERS; i++) {
		assert_int_equal(r.next, i);
		check_over(&r, &c, NULL);
		add(&r, &c, i, CALL_BUSY, (int64_t)(100 + i) * S);
	}
	assert_int_equal(r.next, 0);
	check_over(&r, &c, "all attempts are used up");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_numbers_in_turn),
		cmocka_unit_test(test_every_number_once),
		cmocka_unit_test(test_no_attempt),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_attempt_number),
		cmocka_unit_test(test_number_gone),
		cmocka_unit_test(test_most_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
