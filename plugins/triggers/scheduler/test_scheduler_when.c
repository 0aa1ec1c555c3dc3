/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times as people write them: instants, local times, the days on which clocks are changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "when.h"

static void takes_instants_and_local_times(void **state)
{
	static const struct {
		const char *at, *timezone, *want;
	} all[] = {
		{"2030-01-01T00:00:00Z", NULL, "2030-01-01T00:00:00Z"},
		{"2030-01-01t00:00:00z", NULL, "2030-01-01T00:00:00Z"},
		{"2030-01-01 00:00:00Z", NULL, "2030-01-01T00:00:00Z"},
		{"2030-01-01T00:00:00.999Z", NULL, "2030-01-01T00:00:00Z"},
		{"2030-01-01T09:30:00+05:45", NULL, "2030-01-01T03:45:00Z"},
		{"2030-01-01T09:30:00.25-03:30", NULL, "2030-01-01T13:00:00Z"},
		{"2030-01-01T00:00:00Z", "Europe/Rome", "2030-01-01T00:00:00Z"},
		{"2030-01-01T07:00", "Europe/Rome", "2030-01-01T06:00:00Z"},
		{"2030-07-01T07:00:30", "Europe/Rome", "2030-07-01T05:00:30Z"},
		{"2030-01-01T07:00", "America/New_York", "2030-01-01T12:00:00Z"},
		{"2030-01-01T07:00", "Australia/Lord_Howe", "2029-12-31T20:00:00Z"},
		{"2030-01-01T07:00", "UTC", "2030-01-01T07:00:00Z"},
		/* given with its offset a time is never two */
		{"2030-10-27T02:30:00+02:00", "Europe/Rome", "2030-10-27T00:30:00Z"},
		{"2030-10-27T02:30:00+01:00", "Europe/Rome", "2030-10-27T01:30:00Z"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct tc_errors *errs = tc_errors_new();
		char got[WHEN_SIZE];
		int64_t at_us;

		if (when_parse(all[i].at, all[i].timezone, &at_us, errs))
			fail_msg("%s: %s", all[i].at, tc_errors_text(errs, 0));
		assert_int_equal(tc_errors_count(errs), 0);
		assert_string_equal(when_format(got, at_us), all[i].want);
		tc_errors_free(errs);
	}
}

static void says_what_can_be_meant(void **state)
{
	static const struct {
		const char *at, *timezone, *what, *one, *other;
	} all[] = {
		{"2030-03-31T02:30", "Europe/Rome", "does not exist", "2030-03-31T01:30:00+01:00",
		 "2030-03-31T03:30:00+02:00"},
		{"2030-03-31T02:00", "Europe/Rome", "does not exist", "2030-03-31T01:00:00+01:00",
		 "2030-03-31T03:00:00+02:00"},
		{"2030-10-27T02:30", "Europe/Rome", "exists twice", "2030-10-27T02:30:00+02:00",
		 "2030-10-27T02:30:00+01:00"},
		{"2030-03-10T02:15:10", "America/New_York", "does not exist",
		 "2030-03-10T01:15:10-05:00", "2030-03-10T03:15:10-04:00"},
		{"2030-11-03T01:59", "America/New_York", "exists twice",
		 "2030-11-03T01:59:00-04:00", "2030-11-03T01:59:00-05:00"},
		{"2030-10-06T02:10", "Australia/Lord_Howe", "does not exist",
		 "2030-10-06T01:40:00+10:30", "2030-10-06T02:40:00+11:00"},
		{"2030-04-07T01:45", "Australia/Lord_Howe", "exists twice",
		 "2030-04-07T01:45:00+11:00", "2030-04-07T01:45:00+10:30"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct tc_errors *errs = tc_errors_new();
		const char *text;
		int64_t at_us, again_us;

		assert_int_equal(when_parse(all[i].at, all[i].timezone, &at_us, errs), -EINVAL);
		assert_int_equal(tc_errors_count(errs), 1);
		assert_string_equal(tc_errors_field(errs, 0), "at");
		text = tc_errors_text(errs, 0);
		if (!strstr(text, all[i].what) || !strstr(text, all[i].one) ||
		    !strstr(text, all[i].other) || !strstr(text, all[i].timezone))
			fail_msg("%s", text);
		/* what it names is taken as it stands */
		assert_int_equal(when_parse(all[i].one, all[i].timezone, &at_us, errs), 0);
		assert_int_equal(when_parse(all[i].other, NULL, &again_us, errs), 0);
		assert_true(at_us < again_us);
		tc_errors_free(errs);
	}
}

static void refuses_what_is_no_time(void **state)
{
	static const struct {
		const char *at, *timezone, *field;
	} all[] = {
		{"", NULL, "at"},
		{"tomorrow", "Europe/Rome", "at"},
		{"2030-01-01", "Europe/Rome", "at"},
		{"2030-02-30T07:00", "Europe/Rome", "at"},
		{"2030-01-01T25:00", "Europe/Rome", "at"},
		{"2030-01-01T07:00Z", NULL, "at"},
		{"2030-01-01T07:00:00.Z", NULL, "at"},
		{"2030-01-01T07:00:00Zx", NULL, "at"},
		{"2030-01-01T07:00:00+1:00", NULL, "at"},
		{"2030-01-01T07:00:00+24:00", NULL, "at"},
		{"2030-01-01T07:00:00+0100", NULL, "at"},
		{"2030-13-01T07:00:00Z", NULL, "at"},
		{"\xff\xff\xff\xff", NULL, "at"},
		{"2030-01-01T07:00", NULL, "timezone"},
		{"2030-01-01T07:00:00", NULL, "timezone"},
		{"2030-01-01T07:00", "Europe/Atlantis", "timezone"},
		{"2030-01-01T07:00", "../../etc/passwd", "timezone"},
		{"2030-01-01T07:00:00Z", "Europe/Atlantis", "timezone"},
		{"2030-01-01T07:00:00Z", "", "timezone"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct tc_errors *errs = tc_errors_new();
		int64_t at_us;

		if (when_parse(all[i].at, all[i].timezone, &at_us, errs) != -EINVAL)
			fail_msg("taken: %s", all[i].at);
		assert_int_equal(tc_errors_count(errs), 1);
		assert_string_equal(tc_errors_field(errs, 0), all[i].field);
		tc_errors_free(errs);
	}
}

static void shows_spans_as_they_are_written(void **state)
{
	static const struct {
		int64_t ms;
		const char *want;
	} all[] = {{0, "0s"},      {500, "500ms"},       {1000, "1s"},       {90000, "90s"},
		   {900000, "15m"}, {5400000, "90m"},    {7200000, "2h"},    {86400000, "1d"},
		   {1001, "1001ms"}, {3000, "3s"}};
	char got[WHEN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_string_equal(when_span(got, all[i].ms), all[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_instants_and_local_times),
		cmocka_unit_test(says_what_can_be_meant),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(shows_spans_as_they_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
