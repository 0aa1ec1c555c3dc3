/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory: the growing buffer, copies that are cut, what aborts, and the texts of result codes.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "unit/aborts.h"

static void test_zeroed(void **state)
{
	unsigned char *a = tc_alloc(1000), *b = tc_calloc(10, 100), *c = tc_try_alloc(1000);

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(a[i] | b[i] | c[i], 0);
	free(a);
	free(b);
	free(c);
	free(tc_alloc(0));
	free(tc_calloc(0, 8));
	free(tc_calloc(8, 0));
	free(tc_try_alloc(0));
	free(tc_realloc(NULL, 0));
}

static void test_strings(void **state)
{
	char *s;

	(void)state;
	assert_null(tc_strdup(NULL));
	s = tc_strdup("abc");
	assert_string_equal(s, "abc");
	free(s);
	s = tc_strndup("abc", 2);
	assert_string_equal(s, "ab");
	free(s);
	s = tc_strndup("abc", 10);
	assert_string_equal(s, "abc");
	free(s);
	s = tc_asprintf("%s-%d", "abc", 7);
	assert_string_equal(s, "abc-7");
	free(s);
	s = tc_asprintf("%s", "");
	assert_string_equal(s, "");
	free(s);
}

static void test_strcopy(void **state)
{
	char buf[4] = "zzz";

	(void)state;
	assert_true(tc_strcopy(buf, sizeof(buf), "abc"));
	assert_string_equal(buf, "abc");
	assert_false(tc_strcopy(buf, sizeof(buf), "defg"));
	assert_string_equal(buf, "def");
	assert_true(tc_strcopy(buf, 1, ""));
	assert_string_equal(buf, "");
	assert_false(tc_strcopy(buf, 1, "x"));
	assert_string_equal(buf, "");
}

static void test_buffer(void **state)
{
	struct tc_buf b = {0};
	char *s;

	(void)state;
	tc_buf_add(&b, "", 0);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	tc_buf_puts(&b, "abc");
	tc_buf_printf(&b, "%05d", 42);
	tc_buf_add(&b, "\0x", 2);
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.data, "abc00042\0x", 11); /* with its NUL */
	s = tc_buf_take(&b);
	assert_memory_equal(s, "abc00042\0x", 11);
	free(s);
	assert_null(b.data);
	assert_int_equal(b.len + b.cap, 0);
	s = tc_buf_take(&b); /* empty, and never NULL */
	assert_string_equal(s, "");
	free(s);
	tc_buf_puts(&b, "again");
	tc_buf_fini(&b);
	assert_null(b.data);
	tc_buf_fini(&b);
}

/* Every length around the sizes to which it grows, by both ways in. */
static void test_buffer_grows(void **state)
{
	static char text[600];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (int len = 0; len < 599; len++) {
		struct tc_buf a = {0}, p = {0};

		tc_buf_puts(&a, "<");
		tc_buf_add(&a, text, (size_t)len);
		tc_buf_puts(&a, ">");
		tc_buf_printf(&p, "<%.*s>", len, text);
		assert_int_equal(a.len, len + 2);
		assert_string_equal(a.data, p.data);
		assert_int_equal(a.len, p.len);
		tc_buf_fini(&a);
		tc_buf_fini(&p);
	}
}

static void test_buffer_of_a_megabyte(void **state)
{
	struct tc_buf b = {0};

	(void)state;
	for (int i = 0; i < 1 << 20; i++)
		tc_buf_add(&b, &(char){(char)('a' + i % 26)}, 1);
	assert_int_equal(b.len, 1 << 20);
	for (int i = 0; i < 1 << 20; i++)
		if (b.data[i] != 'a' + i % 26)
			fail_msg("byte %d is wrong", i);
	assert_int_equal(b.data[b.len], '\0');
	tc_buf_fini(&b);
}

static void grow_beyond_all(void *arg)
{
	struct tc_buf b = {0};

	(void)arg;
	tc_buf_puts(&b, "x");
	tc_buf_add(&b, "x", SIZE_MAX - 2);
}

static void overflow(void *arg)
{
	(void)arg;
	tc_calloc(SIZE_MAX / 2, 4);
}

static void too_much(void *arg)
{
	(void)arg;
	tc_alloc(SIZE_MAX / 4);
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_aborts(grow_beyond_all, NULL);
	assert_aborts(overflow, NULL);
	assert_aborts(too_much, NULL);
}

static void test_no_memory_for_outside_sizes(void **state)
{
	const char *sanitize = getenv("TOCSIN_SANITIZE");

	(void)state;
	if (!sanitize || !*sanitize) /* those end the process at such sizes */
		assert_null(tc_try_alloc(SIZE_MAX / 4));
}

static void test_strerror(void **state)
{
	(void)state;
	assert_string_equal(tc_strerror(0), "no error");
	assert_string_equal(tc_strerror(-ENOENT), "No such file or directory");
	assert_string_equal(tc_strerror(ENOENT), "No such file or directory");
	assert_non_null(strstr(tc_strerror(TC_EUNSURE), "may have happened"));
	assert_string_equal(tc_strerror(-99999), "unknown error");
	assert_string_equal(tc_strerror(INT_MIN), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zeroed),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_strcopy),
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_buffer_grows),
		cmocka_unit_test(test_buffer_of_a_megabyte),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_memory_for_outside_sizes),
		cmocka_unit_test(test_strerror),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
