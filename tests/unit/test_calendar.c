/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local times and recurrences on the days on which clocks are changed.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/calendar.h>

#include "host/rfc3339.h"
#include "oncall/local.h"
#include "oncall/recur.h"
#include "oncall/rrule_days.h"
#include "oncall/tzfile.h"
#include "oncall/zone.h"

static int64_t at(const char *text)
{
	int64_t us = 0;

	if (rfc3339_parse(text, &us))
		fail_msg("%s is no time", text);
	return us;
}

/* ---- local time ---- */

static void local_times_become_instants(void **state)
{
	static const struct {
		const char *local, *zone, *utc;
		enum tc_local kind;
	} all[] = {
		{"2026-01-05T09:00", "Europe/Rome", "2026-01-05T08:00:00Z", TC_LOCAL_ONCE},
		{"2026-07-05T09:00:30", "Europe/Rome", "2026-07-05T07:00:30Z", TC_LOCAL_ONCE},
		{"2026-03-29T01:59:59", "Europe/Rome", "2026-03-29T00:59:59Z", TC_LOCAL_ONCE},
		{"2026-03-29T02:00", "Europe/Rome", "2026-03-29T01:00:00Z", TC_LOCAL_GAP},
		{"2026-03-29T02:30", "Europe/Rome", "2026-03-29T01:30:00Z", TC_LOCAL_GAP},
		{"2026-03-29T03:00", "Europe/Rome", "2026-03-29T01:00:00Z", TC_LOCAL_ONCE},
		{"2026-10-25T01:59", "Europe/Rome", "2026-10-24T23:59:00Z", TC_LOCAL_ONCE},
		{"2026-10-25T02:00", "Europe/Rome", "2026-10-25T00:00:00Z", TC_LOCAL_TWICE},
		{"2026-10-25T02:59:59", "Europe/Rome", "2026-10-25T00:59:59Z", TC_LOCAL_TWICE},
		{"2026-10-25T03:00", "Europe/Rome", "2026-10-25T02:00:00Z", TC_LOCAL_ONCE},
		{"2026-03-08T02:30", "America/New_York", "2026-03-08T07:30:00Z", TC_LOCAL_GAP},
		{"2026-11-01T01:30", "America/New_York", "2026-11-01T05:30:00Z", TC_LOCAL_TWICE},
		/* half an hour */
		{"2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03T15:45:00Z", TC_LOCAL_GAP},
		{"2026-10-04T02:30", "Australia/Lord_Howe", "2026-10-03T15:30:00Z", TC_LOCAL_ONCE},
		{"2026-04-05T01:45", "Australia/Lord_Howe", "2026-04-04T14:45:00Z", TC_LOCAL_TWICE},
		{"2026-04-05T01:29", "Australia/Lord_Howe", "2026-04-04T14:29:00Z", TC_LOCAL_ONCE},
		/* there was no 30th of December */
		{"2011-12-29T23:59", "Pacific/Apia", "2011-12-30T09:59:00Z", TC_LOCAL_ONCE},
		{"2011-12-30T00:00", "Pacific/Apia", "2011-12-30T10:00:00Z", TC_LOCAL_GAP},
		{"2011-12-30T12:00", "Pacific/Apia", "2011-12-30T22:00:00Z", TC_LOCAL_GAP},
		{"2011-12-31T12:00", "Pacific/Apia", "2011-12-30T22:00:00Z", TC_LOCAL_ONCE},
		/* clocks go back in Ramadan: no rule, a list */
		{"2026-02-15T02:30", "Africa/Casablanca", "2026-02-15T01:30:00Z", TC_LOCAL_TWICE},
		{"2026-03-22T02:30", "Africa/Casablanca", "2026-03-22T02:30:00Z", TC_LOCAL_GAP},
		{"2026-02-20T12:00", "Africa/Casablanca", "2026-02-20T12:00:00Z", TC_LOCAL_ONCE},
		/* far beyond what the file lists: by its rule */
		{"2090-07-01T12:00", "Europe/Rome", "2090-07-01T10:00:00Z", TC_LOCAL_ONCE},
		{"2090-01-01T12:00", "America/New_York", "2090-01-01T17:00:00Z", TC_LOCAL_ONCE},
		{"2090-07-01T12:00", "Australia/Sydney", "2090-07-01T02:00:00Z", TC_LOCAL_ONCE},
		{"2090-07-01T12:00", "Europe/Dublin", "2090-07-01T11:00:00Z", TC_LOCAL_ONCE},
		{"2026-07-01T12:00", "America/Nuuk", "2026-07-01T13:00:00Z", TC_LOCAL_ONCE},
		/* since October 2022 Mexico has no summer time: libraries' own data are older */
		{"2026-07-01T12:00", "America/Mexico_City", "2026-07-01T18:00:00Z", TC_LOCAL_ONCE},
		{"2026-07-01T12:00", "UTC", "2026-07-01T12:00:00Z", TC_LOCAL_ONCE},
		{"2026-07-01T12:00", "Etc/GMT+5", "2026-07-01T17:00:00Z", TC_LOCAL_ONCE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		enum tc_local kind = (enum tc_local) - 1;
		char text[RFC3339_SIZE];
		int64_t us = -1;

		assert_int_equal(tc_local_parse(all[i].local, all[i].zone, &us, &kind), 0);
		if (us != at(all[i].utc) || kind != all[i].kind)
			fail_msg("%s %s: %s, kind %d", all[i].local, all[i].zone,
				 rfc3339_format(text, us), kind);
	}
}

static void instants_become_local_times(void **state)
{
	static const struct {
		const char *utc, *zone, *local;
	} all[] = {
		{"2026-03-29T00:59:59.9Z", "Europe/Rome", "2026-03-29T01:59:59+01:00"},
		{"2026-03-29T01:00:00Z", "Europe/Rome", "2026-03-29T03:00:00+02:00"},
		{"2026-10-25T00:59:59Z", "Europe/Rome", "2026-10-25T02:59:59+02:00"},
		{"2026-10-25T01:00:00Z", "Europe/Rome", "2026-10-25T02:00:00+01:00"},
		{"2026-03-08T06:59:59Z", "America/New_York", "2026-03-08T01:59:59-05:00"},
		{"2026-03-08T07:00:00Z", "America/New_York", "2026-03-08T03:00:00-04:00"},
		{"2026-10-03T15:29:59Z", "Australia/Lord_Howe", "2026-10-04T01:59:59+10:30"},
		{"2026-10-03T15:30:00Z", "Australia/Lord_Howe", "2026-10-04T02:30:00+11:00"},
		{"2011-12-30T09:59:59Z", "Pacific/Apia", "2011-12-29T23:59:59-10:00"},
		{"2011-12-30T10:00:00Z", "Pacific/Apia", "2011-12-31T00:00:00+14:00"},
		{"2026-03-22T01:59:59Z", "Africa/Casablanca", "2026-03-22T01:59:59+00:00"},
		{"2026-03-22T02:00:00Z", "Africa/Casablanca", "2026-03-22T03:00:00+01:00"},
		{"1969-12-31T23:59:59.999999Z", "UTC", "1969-12-31T23:59:59+00:00"},
		{"2000-02-29T12:00:00Z", "Asia/Kathmandu", "2000-02-29T17:45:00+05:45"},
		{"9999-12-31T23:00:00Z", "Asia/Tokyo", "0000-01-01T08:00:00+09:00"},
	};
	char text[40];

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		assert_int_equal(tc_local_format(at(all[i].utc), all[i].zone, text), 0);
		assert_string_equal(text, all[i].local);
	}
}

static void bad_local_times_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"2026",
		"2026-03-29",
		"2026-03-29T",
		"2026-03-29T02",
		"2026-03-29T02:3",
		"2026-03-29T24:00",
		"2026-03-29T02:60",
		"2026-02-29T02:30",
		"2026-13-01T02:30",
		"2026-00-01T02:30",
		"2026-01-00T02:30",
		"2026-06-31T02:30",
		"2026-03-29T02:30Z",
		"2026-03-29T02:30:",
		"2026-03-29T02:30:60",
		"2026-03-29T02:30:00.5",
		"2026-03-29 02:30",
		" 2026-03-29T02:30",
		"2026-03-29T02:30 ",
		"-026-03-29T02:30",
		"2026-03-29T02:30+01:00",
	};
	int64_t us = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (tc_local_parse(bad[i], "Europe/Rome", &us, NULL) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(us, 7);
	assert_int_equal(tc_local_parse("2026-03-29T02:30", "Europe/Roma", &us, NULL), -ENOENT);
}

static void zones_are_known_by_the_names_of_the_iana(void **state)
{
	static const char *const bad[] = {
		"",
		"Europe/Roma",
		"europe/rome",
		"Europe",
		"Europe/",
		"/Europe/Rome",
		"../etc/passwd",
		"posix/Europe/Rome",
		"right/Europe/Rome",
		"posixrules",
		"localtime",
		"tzdata.zi",
		"Europe//Rome",
		"Europe/../Europe/Rome",
		"Europe/Rome\n",
		"zone.tab",
		"CET-1CEST,M3.5.0,M10.5.0/3",
		"+02:00",
	};
	char text[40];

	(void)state;
	assert_true(tc_zone_known("Europe/Rome"));
	assert_true(tc_zone_known("America/Argentina/Buenos_Aires"));
	assert_true(tc_zone_known("UTC"));
	assert_true(tc_zone_known("Etc/GMT-14"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (tc_zone_known(bad[i]))
			fail_msg("'%s' is known", bad[i]);
	assert_int_equal(tc_local_format(0, "Europe/Roma", text), -ENOENT);
}

static void *ask_zones(void *arg)
{
	static const char *const names[] = {"Asia/Tokyo",     "Asia/Kolkata",  "Asia/Seoul",
					    "America/Denver", "Europe/Madrid", "Africa/Lagos",
					    "Pacific/Guam",   "Europe/Oslo",   "America/Lima"};
	int64_t us, sum = 0;

	for (int i = 0; i < 900; i++) {
		if (tc_local_parse("2026-03-29T12:00", names[i % 9], &us, NULL))
			return NULL;
		sum += us / 1000000;
	}
	*(int64_t *)arg = sum;
	return arg;
}

/* Zones that nobody has asked for yet. */
static void threads_may_ask_at_the_same_time(void **state)
{
	pthread_t threads[4];
	int64_t sums[4] = {0};

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_zones, &sums[i]), 0);
	for (int i = 0; i < 4; i++) {
		void *result;

		pthread_join(threads[i], &result);
		assert_non_null(result);
		assert_true(sums[i] == sums[0]);
	}
}

static void damaged_zone_files_are_refused(void **state)
{
	FILE *f = fopen("/usr/share/zoneinfo/Europe/Rome", "rb");
	unsigned char data[16384], damaged[16384];
	struct tzfile file;
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	assert_int_equal(tzfile_read(&file, data, n), 0);
	assert_true(file.n > 200);
	for (size_t i = 1; i < file.n; i++)
		assert_true(file.at[i] > file.at[i - 1]);
	tzfile_fini(&file);
	for (size_t len = 0; len < n; len++) {
		unsigned char *exact = malloc(len ? len : 1); /* a read beyond it is seen */

		memcpy(exact, data, len);
		assert_int_equal(tzfile_read(&file, exact, len), -EINVAL);
		free(exact);
	}
	for (size_t i = 0; i < n; i++) { /* whatever is made of it: nothing is read beyond it */
		memcpy(damaged, data, n);
		damaged[i] ^= 0xff;
		if (!tzfile_read(&file, damaged, n))
			tzfile_fini(&file);
	}
}

/* ---- recurrences ---- */

/* The first n occurrences after an instant, with blanks between them. */
static void assert_occurrences(const char *rrule, const char *start, const char *zone,
			       const char *after, const char *wanted)
{
	char fault[200] = "", all[1000] = "", text[40];
	struct tc_recur *recur;
	int64_t us = at(after);

	if (tc_recur_new(&recur, rrule, start, zone, fault, sizeof(fault)))
		fail_msg("%s: %s", rrule, fault);
	for (size_t left = strlen(wanted); strlen(all) < left;) {
		us = tc_recur_next(recur, us);
		if (us != INT64_MAX)
			tc_local_format(us, zone, text);
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", *all ? " " : "",
			 us == INT64_MAX ? "end" : text);
	}
	tc_recur_free(recur);
	assert_string_equal(all, wanted);
}

static void recurrences_in_local_time(void **state)
{
	(void)state;
	assert_occurrences("FREQ=DAILY", "2026-01-01T02:30", "Europe/Rome", "2026-03-27T12:00:00Z",
			   "2026-03-28T02:30:00+01:00 2026-03-29T03:30:00+02:00 "
			   "2026-03-30T02:30:00+02:00");
	assert_occurrences("FREQ=DAILY", "2026-01-01T02:30", "Europe/Rome", "2026-10-24T12:00:00Z",
			   "2026-10-25T02:30:00+02:00 2026-10-26T02:30:00+01:00");
	/* between the two half past two */
	assert_occurrences("FREQ=DAILY", "2026-01-01T02:30", "Europe/Rome", "2026-10-25T00:45:00Z",
			   "2026-10-26T02:30:00+01:00");
	assert_occurrences("FREQ=WEEKLY;BYDAY=SU", "2026-03-01T02:15", "Australia/Lord_Howe",
			   "2026-09-26T00:00:00Z",
			   "2026-09-27T02:15:00+10:30 2026-10-04T02:45:00+11:00 "
			   "2026-10-11T02:15:00+11:00");
	/* in the gap, by the clock before the one that follows */
	assert_occurrences("FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30", "2026-03-01T00:00", "Europe/Rome",
			   "2026-03-29T00:00:00Z",
			   "2026-03-29T03:00:00+02:00 2026-03-29T03:30:00+02:00 "
			   "2026-03-30T02:00:00+02:00");
	assert_occurrences("FREQ=HOURLY", "2026-03-01T00:00", "Europe/Rome", "2026-03-28T23:30:00Z",
			   "2026-03-29T01:00:00+01:00 2026-03-29T03:00:00+02:00 "
			   "2026-03-29T04:00:00+02:00");
	assert_occurrences("FREQ=DAILY", "2011-12-01T09:00", "Pacific/Apia", "2011-12-29T00:00:00Z",
			   "2011-12-29T09:00:00-10:00 2011-12-31T09:00:00+14:00 "
			   "2012-01-01T09:00:00+14:00");
}

static void recurrences_begin_and_end(void **state)
{
	(void)state;
	assert_occurrences("FREQ=DAILY;COUNT=2", "2026-01-05T09:00", "UTC", "2020-01-01T00:00:00Z",
			   "2026-01-05T09:00:00+00:00 2026-01-06T09:00:00+00:00 end");
	/* the start is an occurrence only if the rule has it */
	assert_occurrences("FREQ=WEEKLY;BYDAY=TU", "2026-01-05T09:00", "UTC",
			   "2020-01-01T00:00:00Z", "2026-01-06T09:00:00+00:00");
	assert_occurrences("FREQ=DAILY;UNTIL=20260106T090000", "2026-01-05T09:00", "Asia/Tokyo",
			   "2026-01-04T00:00:00Z",
			   "2026-01-05T09:00:00+09:00 2026-01-06T09:00:00+09:00 end");
	assert_occurrences("FREQ=DAILY;UNTIL=20260106T000000Z", "2026-01-05T09:00", "Asia/Tokyo",
			   "2026-01-04T00:00:00Z",
			   "2026-01-05T09:00:00+09:00 2026-01-06T09:00:00+09:00 end");
	assert_occurrences("FREQ=DAILY;UNTIL=20260105T235959Z", "2026-01-05T09:00", "Asia/Tokyo",
			   "2026-01-04T00:00:00Z", "2026-01-05T09:00:00+09:00 end");
	assert_occurrences("FREQ=DAILY;UNTIL=20260106", "2026-01-05T09:00", "UTC",
			   "2026-01-05T12:00:00Z", "2026-01-06T09:00:00+00:00 end");
	assert_occurrences("freq=monthly;byday=-1fr", "2016-01-29T17:00", "Europe/Rome",
			   "2026-10-01T00:00:00Z",
			   "2026-10-30T17:00:00+01:00 2026-11-27T17:00:00+01:00");
	assert_occurrences("FREQ=DAILY;INTERVAL=3", "1999-12-31T09:00", "UTC",
			   "2026-01-01T09:00:00Z",
			   "2026-01-04T09:00:00+00:00 2026-01-07T09:00:00+00:00");
	assert_occurrences("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "2020-01-02T09:00", "UTC",
			   "2026-01-05T10:00:00Z",
			   "2026-01-08T09:00:00+00:00 2026-01-19T09:00:00+00:00");
}

static void earlier_instants_may_be_asked_later(void **state)
{
	struct tc_recur *recur;
	char fault[100];

	(void)state;
	assert_int_equal(
		tc_recur_new(&recur, "FREQ=DAILY", "2026-01-05T09:00", "UTC", fault, sizeof(fault)),
		0);
	assert_int_equal(tc_recur_next(recur, at("2026-05-05T09:00:00Z")),
			 at("2026-05-06T09:00:00Z"));
	assert_int_equal(tc_recur_next(recur, at("2026-05-06T08:59:59.999999Z")),
			 at("2026-05-06T09:00:00Z"));
	assert_int_equal(tc_recur_next(recur, at("2026-05-06T09:00:00Z")),
			 at("2026-05-07T09:00:00Z"));
	assert_int_equal(tc_recur_next(recur, at("2026-02-01T00:00:00Z")),
			 at("2026-02-01T09:00:00Z"));
	assert_int_equal(tc_recur_next(recur, INT64_MIN), at("2026-01-05T09:00:00Z"));
	assert_int_equal(tc_recur_next(recur, INT64_MAX - 1), INT64_MAX);
	assert_int_equal(tc_recur_next(recur, at("9999-12-31T12:00:00Z")), INT64_MAX);
	tc_recur_free(recur);
}

/* Before libical looks for them through centuries, on the loop. */
static void days_that_never_come_are_known(void **state)
{
	static const struct {
		const char *rule, *start;
		bool has;
	} rules[] = {
		{"FREQ=YEARLY;BYYEARDAY=366", "2026-11-30T09:00", true},
		{"FREQ=YEARLY;BYDAY=53MO", "2026-11-30T09:00", true},
		{"FREQ=YEARLY;BYDAY=-1MO", "2026-11-30T09:00", true},
		{"FREQ=YEARLY;BYMONTH=1;BYSETPOS=9", "2026-11-30T09:00", false},
		{"FREQ=YEARLY;BYMONTH=1;BYSETPOS=-1", "2026-11-30T09:00", true},
		{"FREQ=YEARLY;BYDAY=MO;BYSETPOS=60", "2026-11-30T09:00", false},
		{"FREQ=YEARLY;INTERVAL=50;BYDAY=MO;BYSETPOS=50", "2026-11-30T09:00", true},
		{"FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=1,2;BYSETPOS=2", "2026-11-30T09:00", false},
		{"FREQ=MONTHLY;BYDAY=MO,TU;BYMONTHDAY=1,2;BYSETPOS=2", "2026-11-30T09:00", true},
		{"FREQ=YEARLY;BYYEARDAY=-366", "2026-11-30T09:00", true},
		{"FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1,2,3", "2026-11-30T09:00", false},
		{"FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=29", "2026-11-30T09:00", true},
		{"FREQ=MONTHLY;BYDAY=-1FR;BYMONTHDAY=-7", "2026-11-30T09:00", true},
		{"FREQ=MONTHLY;BYDAY=-1FR;BYMONTHDAY=-8", "2026-11-30T09:00", false},
		{"FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31;BYMONTH=1", "2026-11-30T09:00", false},
		{"FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30", "2026-11-30T09:00", true},
		{"FREQ=DAILY;INTERVAL=7;BYDAY=TU", "2026-11-30T09:00", false},
		{"FREQ=DAILY;INTERVAL=7;BYDAY=MO", "2026-11-30T09:00", true},
		{"FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29", "2027-01-01T09:00", false},
		{"FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29", "2026-01-01T09:00", true},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", "2026-11-30T09:00", true},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYMONTH=1", "2026-11-30T09:00", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct icalrecurrencetype rule = icalrecurrencetype_from_string(rules[i].rule);
		struct tc_recur *recur = NULL;
		char fault[200] = "";
		int64_t start_s;

		assert_int_equal(local_parse(rules[i].start, &start_s), 0);
		if (rrule_has_day(&rule, start_s) != rules[i].has)
			fail_msg("%s: wanted %d", rules[i].rule, rules[i].has);
		tc_recur_new(&recur, rules[i].rule, rules[i].start, "UTC", fault, sizeof(fault));
		if (strcmp(fault, rules[i].has ? "" : "the rule never comes") != 0)
			fail_msg("%s: '%s'", rules[i].rule, fault);
		tc_recur_free(recur);
	}
}

static void bad_rules_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"DAILY",
		"FREQ=",
		"FREQ=DALY",
		"FREQ=DAILY;",
		"FREQ=DAILY;FOO=1",
		"INTERVAL=2",
		"FREQ=DAILY;INTERVAL=0",
		"FREQ=DAILY;INTERVAL=-1",
		"FREQ=DAILY;BYHOUR=25",
		"FREQ=DAILY;FREQ=DAILY",
		"RRULE:FREQ=DAILY",
		"FREQ=DAILY;COUNT=0",
		"FREQ=DAILY;COUNT=-1",
		"FREQ=DAILY;COUNT=5001",
		"FREQ=DAILY;COUNT=99999999999",
		"FREQ=DAILY;COUNT=2;UNTIL=20260105",
		"FREQ=DAILY;UNTIL=2026-01-05",
		"FREQ=DAILY;UNTIL=20260231",
		"FREQ=DAILY;UNTIL=20250105",
		"FREQ=SECONDLY",
		"FREQ=HOURLY;BYMONTH=2",
		"FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1",
		"FREQ=HOURLY;BYDAY=1MO",
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=YEARLY;BYMONTH=4,6;BYMONTHDAY=31",
		"FREQ=DAILY;BYYEARDAY=200;BYMONTH=1;BYHOUR=1,2;BYMINUTE=1,2,3",
		"FREQ=DAILY;BYSETPOS=2;BYHOUR=1,2",
		"FREQ=WEEKLY;BYSETPOS=50;BYDAY=MO,TU",
		"FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
		"FREQ=MONTHLY;BYDAY=6FR",
		"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
		"FREQ=WEEKLY;BYDAY=1MO",
		"FREQ=YEARLY;BYDAY=54MO",
		"RSCALE=HEBREW;FREQ=DAILY",
		"FREQ=WEEKLY;BYDAY=XX",
		"FREQ=MONTHLY;BYMONTHDAY=32",
		"FREQ=YEARLY;BYMONTHDAY=5",
		"FREQ=YEARLY;BYMONTH=6,8,8;BYMONTHDAY=5;BYSETPOS=-1",
		"FREQ=WEEKLY;BYDAY=mo,TU,MO",
		"FREQ=YEARLY;BYDAY=1MO;BYMONTHDAY=2",
		"FREQ=YEARLY;BYYEARDAY=100;BYMONTH=4",
		"FREQ=YEARLY;BYYEARDAY=366;BYMONTH=3",
		"FREQ=MONTHLY;BYYEARDAY=100",
		"FREQ=WEEKLY;BYMONTHDAY=3",
		"FREQ=DAILY;BYMONTHDAY=1,-1",
	};
	struct tc_recur *recur = NULL;
	char fault[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		fault[0] = '\0';
		if (tc_recur_new(&recur, bad[i], "2026-01-05T09:00", "UTC", fault, sizeof(fault)) !=
		    -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_string_not_equal(fault, "");
	}
	assert_int_equal(
		tc_recur_new(&recur, "FREQ=DAILY", "2026-01-05", "UTC", fault, sizeof(fault)),
		-EINVAL);
	assert_int_equal(tc_recur_new(&recur, "FREQ=DAILY", "2026-01-05T09:00", "Mars/Olympus",
				      fault, sizeof(fault)),
			 -EINVAL);
	assert_null(recur);
}

static void periods_are_known(void **state)
{
	static const struct {
		const char *rrule;
		int64_t period_s;
		int most;
	} all[] = {
		{"FREQ=DAILY", 86400, 1},
		{"FREQ=DAILY;INTERVAL=3", 3 * 86400, 1},
		{"FREQ=WEEKLY;INTERVAL=2;WKST=SU", 14 * 86400, 1},
		{"FREQ=HOURLY;INTERVAL=12", 12 * 3600, 2},
		{"FREQ=MINUTELY", 60, 1440},
		{"FREQ=WEEKLY;BYDAY=MO", 7 * 86400, 1},
		{"FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,SU", 21 * 86400, 1},
		{"FREQ=DAILY;INTERVAL=2;BYDAY=MO", 14 * 86400, 1},
		{"FREQ=DAILY;COUNT=3", 0, 1},
		{"FREQ=DAILY;UNTIL=20270101", 0, 1},
		{"FREQ=MONTHLY", 0, 1},
		{"FREQ=WEEKLY;BYMONTH=2", 0, 1},
		{"FREQ=HOURLY;BYDAY=MO", 7 * 86400, 24},
		{"FREQ=DAILY;BYHOUR=8,16,0;BYMINUTE=0,30", 86400, 6},
	};
	struct tc_recur *recur;
	char fault[100];

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		assert_int_equal(tc_recur_new(&recur, all[i].rrule, "2026-01-05T09:00", "UTC",
					      fault, sizeof(fault)),
				 0);
		assert_int_equal(recur_period_s(recur), all[i].period_s);
		assert_int_equal(recur_most_a_day(recur), all[i].most);
		tc_recur_free(recur);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_times_become_instants),
		cmocka_unit_test(instants_become_local_times),
		cmocka_unit_test(bad_local_times_are_refused),
		cmocka_unit_test(zones_are_known_by_the_names_of_the_iana),
		cmocka_unit_test(threads_may_ask_at_the_same_time),
		cmocka_unit_test(damaged_zone_files_are_refused),
		cmocka_unit_test(recurrences_in_local_time),
		cmocka_unit_test(recurrences_begin_and_end),
		cmocka_unit_test(earlier_instants_may_be_asked_later),
		cmocka_unit_test(days_that_never_come_are_known),
		cmocka_unit_test(bad_rules_are_refused),
		cmocka_unit_test(periods_are_known),
	};

	return cmocka_run_group_tests_name("calendar", tests, NULL, NULL);
}
