/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ids: their form, that they grow and differ, and what counts as one.
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

#include <tocsin/plugin.h>

#include "host/id.h"

/* Later than any that a test before has used: ids never go back. */
#define WALL_US (INT64_C(1767225600000) * 1000) /* 2026-01-01 */

static void test_form(void **state)
{
	char id[TC_ID_SIZE];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		id_new(id, WALL_US);
		assert_int_equal(strlen(id), 36);
		assert_true(id_valid(id));
		assert_memory_equal(id, "019b76da-a800", 13); /* 0x019b76daa800 = 1767225600000 */
		assert_int_equal(id[14], '7');
		assert_non_null(strchr("89ab", id[19]));
	}
}

static void test_growth(void **state)
{
	char last[TC_ID_SIZE], id[TC_ID_SIZE];

	(void)state;
	id_new(last, WALL_US + 1000);
	for (int i = 0; i < 20000; i++) { /* more than the counter holds in a millisecond */
		id_new(id, WALL_US + 1000);
		assert_true(strcmp(last, id) < 0);
		tc_strcopy(last, sizeof(last), id);
	}
	id_new(id, WALL_US); /* the clock was set back */
	assert_true(strcmp(last, id) < 0);
	tc_strcopy(last, sizeof(last), id);
	id_new(id, -1);
	assert_true(strcmp(last, id) < 0);
	id_new(id, WALL_US + 60 * 1000000);
	assert_memory_equal(id, "019b76db-9260", 13);
}

/* Ids of what is to be: they sort by their own time, and those of now are not moved by them. */
static void test_of_a_time(void **state)
{
	char id[TC_ID_SIZE], other[TC_ID_SIZE];

	(void)state;
	tc_id_new(id, WALL_US + INT64_C(86400) * 365 * 1000000);
	tc_id_new(other, WALL_US + INT64_C(86400) * 365 * 1000000);
	assert_true(id_valid(id));
	assert_int_equal(id[14], '7');
	assert_non_null(strchr("89ab", id[19]));
	assert_memory_equal(id, "01a2ce8b-d400", 13);
	assert_memory_equal(id, other, 13);
	assert_string_not_equal(id, other);
	id_new(other, WALL_US + 3600 * INT64_C(1000000));
	assert_true(strcmp(other, id) < 0);
}

static void test_the_rest_is_random(void **state)
{
	char a[TC_ID_SIZE], b[TC_ID_SIZE];
	unsigned same = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		id_new(a, WALL_US);
		id_new(b, WALL_US);
		same += !strcmp(a + 20, b + 20);
	}
	assert_int_equal(same, 0);
}

#define THREADS 4
#define EACH 5000

static void *make(void *arg)
{
	char(*ids)[TC_ID_SIZE] = arg;

	for (int i = 0; i < EACH; i++)
		id_new(ids[i], WALL_US);
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Also without their random part, and growing within each thread. */
static void test_unique_over_threads(void **state)
{
	char(*ids)[TC_ID_SIZE] = tc_calloc(THREADS * EACH, TC_ID_SIZE);
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make, ids + i * EACH), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 1; i < THREADS * EACH; i++)
		if (i % EACH)
			assert_true(strncmp(ids[i - 1], ids[i], 18) < 0);
	qsort(ids, THREADS * EACH, TC_ID_SIZE, by_text);
	for (int i = 1; i < THREADS * EACH; i++)
		assert_true(strncmp(ids[i - 1], ids[i], 18) < 0);
	free(ids);
}

static void test_validity(void **state)
{
	static const char *const bad[] = {
		"",
		"0",
		"019b76da-a800-7000-8000-00000000000",   /* too short */
		"019b76da-a800-7000-8000-0000000000000", /* too long */
		"019B76DA-A800-7000-8000-000000000000",  /* capitals */
		"019b76daa800-7000-8000-000000000000-",
		"019b76da-a800-7000-8000-00000000000g",
		"019b76da-a800-7000-8000_000000000000",
		"019b76da-a800-7000-8000-0000 0000000",
		"{19b76da-a800-7000-8000-00000000000}",
		"019b76da-a800-7000-8000-00000000000\xc3\xa9",
		"------------------------------------",
	};

	(void)state;
	assert_true(id_valid("019b76da-a800-7000-8000-000000000000"));
	assert_true(id_valid("ffffffff-ffff-4fff-bfff-ffffffffffff")); /* any version */
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (id_valid(bad[i]))
			fail_msg("'%s' counts as an id", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_unique_over_threads),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_of_a_time),
		cmocka_unit_test(test_the_rest_is_random),
		cmocka_unit_test(test_validity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
