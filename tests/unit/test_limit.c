/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often one person is called within a while; and the keying of PINs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "call/keying.h"
#include "call/limit.h"
#include "call/severity.h"

#define S INT64_C(1000000)

static void test_limit(void **state)
{
	struct limits *l = limits_new();

	(void)state;
	assert_int_equal(limit_until(l, "c1", 2, 60 * S, 100 * S), 0);
	limit_note(l, "c1", 100 * S, 60 * S);
	assert_int_equal(limit_until(l, "c1", 2, 60 * S, 100 * S), 0);
	limit_note(l, "c1", 110 * S, 60 * S);
	assert_int_equal(limit_until(l, "c1", 2, 60 * S, 110 * S), 160 * S);
	assert_int_equal(limit_until(l, "c1", 3, 60 * S, 110 * S), 0);
	assert_int_equal(limit_until(l, "c1", 0, 60 * S, 110 * S), 0);
	assert_int_equal(limit_until(l, "c2", 1, 60 * S, 110 * S), 0);
	assert_int_equal(limit_until(l, "c1", 2, 60 * S, 160 * S), 0);
	limit_note(l, "c1", 161 * S, 60 * S);
	assert_int_equal(limit_until(l, "c1", 2, 60 * S, 161 * S), 170 * S);
	limits_free(l);
}

/* Those of an earlier process may be read later than the first ones of this are made. */
static void test_limit_out_of_order(void **state)
{
	struct limits *l = limits_new();

	(void)state;
	limit_note(l, "c1", 110 * S, 60 * S);
	limit_note(l, "c1", 100 * S, 60 * S);
	limit_note(l, "c1", 105 * S, 60 * S);
	assert_int_equal(limit_until(l, "c1", 3, 60 * S, 110 * S), 160 * S);
	assert_int_equal(limit_until(l, "c1", 2, 60 * S, 110 * S), 165 * S);
	limits_free(l);
}

static void test_limit_is_bounded(void **state)
{
	struct limits *l = limits_new();

	(void)state;
	for (int64_t i = 0; i < 30000; i++)
		limit_note(l, "c1", i, 3600 * S);
	assert_int_equal(limit_until(l, "c1", 10000, 3600 * S, 30000), 20000 + 3600 * S);
	limits_free(l);
}

static void key_all(struct keying *k, const char *keys)
{
	while (*keys)
		assert_false(keying_key(k, *keys++));
}

static void test_keying(void **state)
{
	struct keying k = {.n = 0};

	(void)state;
	key_all(&k, "12A3");
	assert_string_equal(k.digits, "123");
	assert_true(keying_key(&k, '#'));
	key_all(&k, "*");
	assert_int_equal(k.n, 0);
	assert_string_equal(k.digits, "");
	key_all(&k, "12345678901234567890"); /* too many: that is none */
	assert_int_equal(k.n, PIN_MAX + 1);
	assert_int_equal(strlen(k.digits), PIN_MAX + 1);
	keying_forget(&k);
	assert_int_equal(k.n, 0);
}

static void test_severity(void **state)
{
	(void)state;
	assert_true(severity_rank("critical") <= SEVERITY_CRITICAL);
	assert_true(severity_rank("Disaster") < severity_rank("critical"));
	assert_true(severity_rank("warning") > SEVERITY_CRITICAL);
	assert_int_equal(severity_rank("warning"), severity_rank("of their own"));
	assert_int_equal(severity_rank(NULL), severity_rank("warning"));
	assert_true(severity_rank("info") < severity_rank("none"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_out_of_order),
		cmocka_unit_test(test_limit_is_bounded),
		cmocka_unit_test(test_keying),
		cmocka_unit_test(test_severity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
