/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 3339: round trips, offsets, leap seconds, what is no time, and the years at both ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/rfc3339.h"

#define S INT64_C(1000000)

static void expect(const char *text, int64_t wall_us)
{
	int64_t found = -77;

	if (rfc3339_parse(text, &found))
		fail_msg("'%s' is refused", text);
	if (found != wall_us)
		fail_msg("'%s' is %lld, not %lld", text, (long long)found, (long long)wall_us);
}

static void test_known_times(void **state)
{
	char buf[RFC3339_SIZE];

	(void)state;
	/* RFC 3339, 5.8 */
	expect("1985-04-12T23:20:50.52Z", INT64_C(482196050) * S + 520000);
	expect("1996-12-19T16:39:57-08:00", INT64_C(851042397) * S);
	expect("1937-01-01T12:00:27.87+00:20", INT64_C(-1041337173) * S + 870000);
	/* others */
	expect("1970-01-01T00:00:00Z", 0);
	expect("2000-02-29T12:00:00Z", INT64_C(951825600) * S);
	expect("2026-11-22t14:02:54.632z", INT64_C(1795356174) * S + 632000);
	expect("2026-11-22 14:02:54.632Z", INT64_C(1795356174) * S + 632000);
	assert_string_equal(rfc3339_format(buf, INT64_C(1795356174) * S + 632000),
			    "2026-11-22T14:02:54.632000Z");
	assert_string_equal(rfc3339_format(buf, -1), "1969-12-31T23:59:59.999999Z");
	assert_string_equal(rfc3339_format(buf, -S), "1969-12-31T23:59:59.000000Z");
}

static void test_offsets(void **state)
{
	(void)state;
	expect("2026-01-01T00:00:00+01:00", INT64_C(1767222000) * S);
	expect("2026-01-01T00:00:00-01:30", INT64_C(1767231000) * S);
	expect("2026-01-01T00:00:00-00:00", INT64_C(1767225600) * S);
	expect("2026-01-01T00:00:00+23:59", (INT64_C(1767225600) - 86340) * S);
	expect("2026-03-29T02:30:00+02:00", INT64_C(1774744200) * S); /* no zone's rules here */
}

static void test_fractions(void **state)
{
	(void)state;
	expect("1970-01-01T00:00:00.1Z", 100000);
	expect("1970-01-01T00:00:00.000001Z", 1);
	expect("1970-01-01T00:00:00.0000019999999999999999999Z", 1);
	expect("1970-01-01T00:00:00.999999999Z", 999999);
	expect("1969-12-31T23:59:59.5Z", -500000);
}

static void test_leap_seconds(void **state)
{
	int64_t us;

	(void)state;
	/* RFC 3339, 5.8: the same moment twice */
	expect("1990-12-31T23:59:60Z", INT64_C(662687999) * S);
	expect("1990-12-31T15:59:60-08:00", INT64_C(662687999) * S);
	expect("2016-12-31T23:59:60.5Z", INT64_C(1483228799) * S + 500000);
	assert_int_equal(rfc3339_parse("2016-12-31T23:58:60Z", &us), -EINVAL);
	assert_int_equal(rfc3339_parse("2016-12-31T12:59:60Z", &us), -EINVAL);
	assert_int_equal(rfc3339_parse("2016-12-31T23:59:60+01:00", &us), -EINVAL);
	assert_int_equal(rfc3339_parse("2016-12-31T23:59:61Z", &us), -EINVAL);
}

static void test_round_trips(void **state)
{
	uint64_t x = 88172645463325252u;
	char buf[RFC3339_SIZE];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		int64_t wall_us;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		/* years 0000 to 9999 */
		wall_us = (int64_t)(x % 315569520000000000u) - INT64_C(62167219200) * S;
		expect(rfc3339_format(buf, wall_us), wall_us);
	}
}

static void test_the_years_at_both_ends(void **state)
{
	char buf[RFC3339_SIZE];
	int64_t us;

	(void)state;
	expect("0000-01-01T00:00:00Z", INT64_C(-62167219200) * S);
	expect("9999-12-31T23:59:59.999999Z", INT64_C(253402300800) * S - 1);
	assert_int_equal(rfc3339_parse("0000-01-01T00:00:00+00:01", &us), -EINVAL);
	assert_int_equal(rfc3339_parse("9999-12-31T23:59:59-00:01", &us), -EINVAL);
	/* what no year of four digits can say is the nearest that one can */
	assert_string_equal(rfc3339_format(buf, INT64_MIN), "0000-01-01T00:00:00.000000Z");
	assert_string_equal(rfc3339_format(buf, INT64_MAX), "9999-12-31T23:59:59.999999Z");
	assert_string_equal(rfc3339_format(buf, INT64_C(-62167219200) * S - 1),
			    "0000-01-01T00:00:00.000000Z");
	assert_string_equal(rfc3339_format(buf, INT64_C(253402300800) * S),
			    "9999-12-31T23:59:59.999999Z");
}

static void test_what_is_no_time(void **state)
{
	static const char *const bad[] = {
		"", "now", "2026", "2026-11-22", "2026-11-22T14:02", "2026-11-22T14:02:54",
		"2026-11-22T14:02Z", "2026-11-22T14:02:54.Z", "2026-11-22T14:02:54,5Z",
		"2026-11-22T14:02:54Zx", "2026-11-22T14:02:54Z ", " 2026-11-22T14:02:54Z",
		"2026-11-22_14:02:54Z", "2026-13-22T14:02:54Z", "2026-00-22T14:02:54Z",
		"2026-11-00T14:02:54Z", "2026-11-31T14:02:54Z", "2026-02-29T14:02:54Z",
		"2100-02-29T14:02:54Z", "2026-11-22T24:00:00Z", "2026-11-22T14:60:54Z",
		"2026-1-22T14:02:54Z", "2026-11-2T14:02:54Z", "26-11-22T14:02:54Z",
		"12026-11-22T14:02:54Z", "-026-11-22T14:02:54Z", "+026-11-22T14:02:54Z",
		"2026-11-22T+4:02:54Z", "2026-11-22T14:02:-4Z", "2026-11-22T 4:02:54Z",
		"2026-11-22T14:02:54+1:00", "2026-11-22T14:02:54+0100", "2026-11-22T14:02:54+01",
		"2026-11-22T14:02:54+24:00", "2026-11-22T14:02:54+01:60", "2026-11-22T14:02:54 Z",
		"2026-11-22T14:02:54UTC", "2026-11-22T14:02:54+-1:00", "20261122T140254Z",
		"2026-11-22T14:02:\xd9\xa1\xd9\xa2Z", "2026-11-22T14:02:54.+5Z",
	};
	int64_t us = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (rfc3339_parse(bad[i], &us) != -EINVAL)
			fail_msg("'%s' counts as a time", bad[i]);
	assert_int_equal(us, 77); /* written on success only */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_times),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_fractions),
		cmocka_unit_test(test_leap_seconds),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_the_years_at_both_ends),
		cmocka_unit_test(test_what_is_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
