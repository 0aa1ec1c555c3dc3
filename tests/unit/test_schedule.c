/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schedules: who is on call when. Rotations are compared with an independent implementation in
 * tests/oracle; here are the days on which clocks are changed, the order of people, and faults.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>
#include <tocsin/calendar.h>

#include "unit/oncall_rig.h"

#define ALICE "01890000-0000-7000-8000-00000000000a"

/* ---- the answer ---- */

/* "A B until 2026-01-06T09:00:00+01:00" */
static void assert_at(const char *body, const char *at, const char *wanted)
{
	struct schedule *s = oncall_rig_compile(body);
	struct schedule_turn turns[SCHEDULE_TURNS];
	char all[400] = "", text[40] = "ever";
	int64_t until_us, at_us = oncall_rig_at(at);
	size_t n;

	if (!s)
		fail_msg("not good: %s", body);
	n = schedule_at(s, at_us, turns, &until_us);
	for (size_t i = 0; i < n; i++) {
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s ", turns[i].contact);
		assert_true(turns[i].from_us <= at_us && turns[i].until_us > at_us);
		assert_true(turns[i].until_us >= until_us || turns[i].by == TURN_LAYER);
	}
	assert_true(until_us > at_us);
	if (until_us != INT64_MAX)
		tc_local_format(until_us, schedule_timezone(s), text);
	snprintf(all + strlen(all), sizeof(all) - strlen(all), "until %s", text);
	schedule_kind.free(s);
	assert_string_equal(all, wanted);
}

#define ROTATE(zone, rotation, handover, start, members)                                           \
	"{'name':'n','timezone':'" zone "','layers':[{'name':'l'," rotation                        \
	",'handover':'" handover "','start':'" start "','members':[" members "]}]}"
#define DAILY  "'rotation':'daily'"
#define WEEKLY "'rotation':'weekly'"
#define AB     "'contact:A','contact:B'"
#define ABC    "'contact:A','contact:B','contact:C'"

static void turns_follow_one_another(void **state)
{
	const char *daily = ROTATE("Europe/Rome", DAILY, "09:00", "2026-01-05", ABC);
	const char *weekly = ROTATE("Europe/Rome", WEEKLY, "18:30", "2026-01-07", AB);

	(void)state;
	assert_at(daily, "2025-12-31T00:00:00Z", "until 2026-01-05T09:00:00+01:00");
	assert_at(daily, "2026-01-05T07:59:59.999999Z", "until 2026-01-05T09:00:00+01:00");
	assert_at(daily, "2026-01-05T08:00:00Z", "A until 2026-01-06T09:00:00+01:00");
	assert_at(daily, "2026-01-06T07:59:59.999999Z", "A until 2026-01-06T09:00:00+01:00");
	assert_at(daily, "2026-01-06T08:00:00Z", "B until 2026-01-07T09:00:00+01:00");
	assert_at(daily, "2026-01-08T08:00:00Z", "A until 2026-01-09T09:00:00+01:00");
	/* 20,000 days later, in no more time */
	assert_at(daily, "2080-10-08T12:00:00Z", "C until 2080-10-09T09:00:00+02:00");
	assert_at(weekly, "2026-01-07T17:30:00Z", "A until 2026-01-14T18:30:00+01:00");
	assert_at(weekly, "2026-01-14T17:29:00Z", "A until 2026-01-14T18:30:00+01:00");
	assert_at(weekly, "2026-07-01T16:30:00Z", "B until 2026-07-08T18:30:00+02:00");
}

static void handovers_in_a_gap_and_twice(void **state)
{
	const char *rome = ROTATE("Europe/Rome", DAILY, "02:30", "2026-01-01", AB);
	const char *york = ROTATE("America/New_York", DAILY, "02:30", "2026-03-01", AB);
	const char *howe = ROTATE("Australia/Lord_Howe", DAILY, "02:15", "2026-10-01", ABC);
	const char *apia = ROTATE("Pacific/Apia", DAILY, "09:00", "2011-12-28", ABC);
	const char *rabat = ROTATE("Africa/Casablanca", WEEKLY, "02:30", "2026-03-15", AB);

	(void)state;
	/* half past two is at half past three */
	assert_at(rome, "2026-03-29T01:29:59Z", "A until 2026-03-29T03:30:00+02:00");
	assert_at(rome, "2026-03-29T01:30:00Z", "B until 2026-03-30T02:30:00+02:00");
	assert_at(york, "2026-03-08T07:29:59Z", "A until 2026-03-08T03:30:00-04:00");
	assert_at(york, "2026-03-08T07:30:00Z", "B until 2026-03-09T02:30:00-04:00");
	assert_at(howe, "2026-10-03T15:44:59Z", "C until 2026-10-04T02:45:00+11:00");
	assert_at(howe, "2026-10-03T15:45:00Z", "A until 2026-10-05T02:15:00+11:00");
	assert_at(rabat, "2026-03-22T02:29:59Z", "A until 2026-03-22T03:30:00+01:00");
	/* the first of two */
	assert_at(rome, "2026-10-25T00:29:59Z", "A until 2026-10-25T02:30:00+02:00");
	assert_at(rome, "2026-10-25T00:30:00Z", "B until 2026-10-26T02:30:00+01:00");
	assert_at(rome, "2026-10-25T01:30:00Z", "B until 2026-10-26T02:30:00+01:00");
	/* the 30th, C's, is not there: A follows B */
	assert_at(apia, "2011-12-29T18:59:59Z", "A until 2011-12-29T09:00:00-10:00");
	assert_at(apia, "2011-12-29T19:00:00Z", "B until 2011-12-31T09:00:00+14:00");
	assert_at(apia, "2011-12-30T19:00:00Z", "A until 2012-01-01T09:00:00+14:00");
}

static void rotations_by_rule(void **state)
{
	const char *days =
		ROTATE("Europe/Rome", "'rotation':'rrule','rrule':'FREQ=WEEKLY;BYDAY=MO,FR'",
		       "17:00", "2026-01-05", ABC);
	const char *shifts = ROTATE("UTC", "'rotation':'rrule','rrule':'FREQ=DAILY;BYHOUR=6,14,22'",
				    "06:00", "2010-01-01", ABC);
	const char *hours =
		ROTATE("Europe/Rome", "'rotation':'rrule','rrule':'FREQ=HOURLY;INTERVAL=12'",
		       "08:00", "2010-01-01", AB);
	const char *gap = ROTATE(
		"Europe/Rome", "'rotation':'rrule','rrule':'FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30'",
		"02:00", "2026-03-29", "'contact:A','contact:B','contact:C','contact:D'");
	const char *ends = ROTATE("UTC", "'rotation':'rrule','rrule':'FREQ=DAILY;COUNT=3'", "09:00",
				  "2026-01-05", ABC);
	const char *late = ROTATE("UTC", "'rotation':'rrule','rrule':'FREQ=MONTHLY;BYMONTHDAY=1'",
				  "09:00", "2026-01-05", AB);

	(void)state;
	assert_at(days, "2026-01-05T16:00:00Z", "A until 2026-01-09T17:00:00+01:00");
	assert_at(days, "2026-01-09T16:00:00Z", "B until 2026-01-12T17:00:00+01:00");
	assert_at(days, "2026-01-12T15:59:59Z", "B until 2026-01-12T17:00:00+01:00");
	assert_at(shifts, "2026-01-01T23:00:00Z", "C until 2026-01-02T06:00:00+00:00");
	assert_at(shifts, "2010-01-01T06:00:00Z", "A until 2010-01-01T14:00:00+00:00");
	assert_at(shifts, "2026-01-01T07:00:00Z", "A until 2026-01-01T14:00:00+00:00");
	assert_at(hours, "2026-03-28T20:00:00Z", "B until 2026-03-29T08:00:00+02:00");
	assert_at(hours, "2026-03-29T06:00:00Z", "A until 2026-03-29T20:00:00+02:00");
	/* 02:00 and 03:00 are one instant, and 02:30 and 03:30 another one */
	assert_at(gap, "2026-03-29T00:59:59Z", "until 2026-03-29T03:00:00+02:00");
	assert_at(gap, "2026-03-29T01:00:00Z", "C until 2026-03-29T03:30:00+02:00");
	assert_at(gap, "2026-03-29T01:30:00Z", "D until 2026-03-30T02:00:00+02:00");
	/* the last one stays */
	assert_at(ends, "2026-01-07T09:00:00Z", "C until ever");
	assert_at(ends, "2036-01-07T09:00:00Z", "C until ever");
	/* the start begins the first turn whether the rule has it or not */
	assert_at(late, "2026-01-05T09:00:00Z", "A until 2026-02-01T09:00:00+00:00");
	assert_at(late, "2026-02-01T09:00:00Z", "B until 2026-03-01T09:00:00+00:00");
}

static void turns_of_one_member_are_one(void **state)
{
	(void)state;
	assert_at(ROTATE("UTC", DAILY, "09:00", "2026-01-05", "'contact:A'"),
		  "2026-02-05T09:00:00Z", "A until ever");
	assert_at(
		ROTATE("UTC", DAILY, "09:00", "2026-01-05", "'contact:A','contact:A','contact:B'"),
		"2026-01-05T09:00:00Z", "A until 2026-01-07T09:00:00+00:00");
	assert_at(
		ROTATE("UTC", DAILY, "09:00", "2026-01-05", "'contact:A','contact:B','contact:A'"),
		"2026-01-08T12:00:00Z", "A until 2026-01-09T09:00:00+00:00");
}

/* Whatever is asked is answered, and soon. */
static void the_ends_of_time(void **state)
{
	static const char *const all[] = {
		ROTATE("Europe/Rome", DAILY, "09:00", "2026-01-05", ABC),
		ROTATE("Europe/Rome", "'rotation':'rrule','rrule':'FREQ=DAILY;BYHOUR=1,2,3'",
		       "09:00", "1970-01-01", ABC),
		ROTATE("Europe/Rome", "'rotation':'rrule','rrule':'FREQ=MONTHLY;BYDAY=1MO'",
		       "09:00", "2026-01-05", ABC),
		ROTATE("Europe/Rome", "'rotation':'rrule','rrule':'FREQ=HOURLY'", "09:00",
		       "9999-12-31", ABC),
	};
	static const int64_t ats[] = {INT64_MIN, INT64_MIN / 2, 0, INT64_MAX / 2, INT64_MAX - 1};
	struct schedule_turn turns[SCHEDULE_TURNS];
	int64_t until_us;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct schedule *s = oncall_rig_compile(all[i]);

		assert_non_null(s);
		for (size_t k = 0; k < sizeof(ats) / sizeof(*ats); k++) {
			assert_true(schedule_at(s, ats[k], turns, &until_us) <= 1);
			assert_true(until_us > ats[k]);
		}
		schedule_kind.free(s);
	}
}

/* ---- layers, windows, overrides ---- */

#define TWO_LAYERS                                                                                 \
	"'layers':[{'name':'first','rotation':'daily','handover':'00:00','start':'2026-01-01',"    \
	"'members':[" AB "]},{'name':'second','rotation':'daily','handover':'12:00',"              \
	"'start':'2026-01-01','members':['contact:C','contact:A']}]"

static void layers_are_in_order(void **state)
{
	const char *two = "{'name':'n','timezone':'UTC'," TWO_LAYERS "}";

	(void)state;
	assert_at(two, "2026-01-01T06:00:00Z", "A until 2026-01-01T12:00:00+00:00");
	assert_at(two, "2026-01-01T12:00:00Z", "A C until 2026-01-02T00:00:00+00:00");
	assert_at(two, "2026-01-02T06:00:00Z", "B C until 2026-01-02T12:00:00+00:00");
	assert_at(two, "2026-01-02T12:00:00Z", "B A until 2026-01-03T00:00:00+00:00");
	/* A in both: once */
	assert_at(two, "2026-01-03T06:00:00Z", "A until 2026-01-03T12:00:00+00:00");
	assert_at("{'name':'n','timezone':'UTC'}", "2026-01-03T06:00:00Z", "until ever");
}

static void windows_come_first(void **state)
{
	const char *s =
		"{'name':'n','timezone':'Europe/Rome','windows':["
		"{'contact':'contact:D','start':'2026-01-02T00:00','end':'2026-01-02T10:00'},"
		"{'contact':'E','start':'2026-01-02T08:00:00+01:00',"
		"'end':'2026-01-02T09:00','priority':-1},"
		"{'contact':'F','start':'2026-01-01T23:00','end':'2026-01-02T08:30'},"
		"{'contact':'A','start':'2026-01-02T09:30','end':'2026-01-02T09:45'}],"
		"'layers':[{'name':'l','members':['contact:A'],'start':'2026-01-01'}]}";

	(void)state;
	assert_at(s, "2026-01-01T20:00:00Z", "A until 2026-01-01T23:00:00+01:00");
	assert_at(s, "2026-01-01T22:00:00Z", "F A until 2026-01-02T00:00:00+01:00");
	assert_at(s, "2026-01-01T23:00:00Z", "F D A until 2026-01-02T08:00:00+01:00");
	assert_at(s, "2026-01-02T07:00:00Z", "E F D A until 2026-01-02T08:30:00+01:00");
	assert_at(s, "2026-01-02T07:30:00Z", "E D A until 2026-01-02T09:00:00+01:00");
	assert_at(s, "2026-01-02T08:00:00Z", "D A until 2026-01-02T09:30:00+01:00");
	assert_at(s, "2026-01-02T08:30:00Z", "D A until 2026-01-02T09:45:00+01:00");
	assert_at(s, "2026-01-02T09:00:00Z", "A until ever");
}

static void overrides_stand_in_for_the_first(void **state)
{
	const char *s =
		"{'name':'n','timezone':'UTC','overrides':["
		"{'contact':'D','start':'2026-01-02T06:00','end':'2026-01-02T18:00'},"
		"{'contact':'E','start':'2026-01-02T08:00','end':'2026-01-02T09:00'},"
		"{'contact':'A','start':'2026-01-04T06:00','end':'2026-01-04T18:00'}]," TWO_LAYERS
		"}";

	(void)state;
	assert_at(s, "2026-01-02T05:00:00Z", "B C until 2026-01-02T06:00:00+00:00");
	assert_at(s, "2026-01-02T06:00:00Z", "D C until 2026-01-02T08:00:00+00:00");
	assert_at(s, "2026-01-02T08:00:00Z", "E D C until 2026-01-02T09:00:00+00:00");
	assert_at(s, "2026-01-02T09:00:00Z", "D C until 2026-01-02T12:00:00+00:00");
	assert_at(s, "2026-01-02T12:00:00Z", "D A until 2026-01-02T18:00:00+00:00");
	assert_at(s, "2026-01-02T18:00:00Z", "B A until 2026-01-03T00:00:00+00:00");
	/* A stands in for B, and is the second already */
	assert_at(s, "2026-01-04T12:00:00Z", "A until 2026-01-04T18:00:00+00:00");
	/* nobody else is there */
	assert_at("{'name':'n','timezone':'UTC','overrides':[{'contact':'D',"
		  "'start':'2026-01-02T06:00','end':'2026-01-02T18:00'}]}",
		  "2026-01-02T12:00:00Z", "D until 2026-01-02T18:00:00+00:00");
	/* who is stood in for is off, in other layers too */
	assert_at("{'name':'n','timezone':'UTC','overrides':[{'contact':'D',"
		  "'start':'2026-01-03T06:00','end':'2026-01-03T12:00'}]," TWO_LAYERS "}",
		  "2026-01-03T06:00:00Z", "D until 2026-01-03T12:00:00+00:00");
}

/* ---- what is refused ---- */

/* The faults as "field: text; ..." */
static char *faults_of(struct oncall_rig *rig, const char *body)
{
	struct tc_errors *errs = tc_errors_new();
	struct schedule_fields fields = {0};
	struct tc_buf out = {0};
	char *text = tc_strdup(body);
	void *memory = NULL;
	json_t *json;

	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	if (!tc_options_fill(schedule_kind.table, json, &fields, &memory, errs))
		schedule_kind.check(rig->oncall, &fields, errs);
	for (size_t i = 0; i < tc_errors_count(errs); i++)
		tc_buf_printf(&out, "%s%s: %s", i ? "; " : "", tc_errors_field(errs, i),
			      tc_errors_text(errs, i));
	tc_options_release(memory);
	tc_errors_free(errs);
	json_decref(json);
	free(text);
	return tc_buf_take(&out);
}

#define LAYER(more) "{'name':'n','timezone':'UTC','layers':[{'name':'l'," more "}]}"
#define SPAN(more)  "{'name':'n','timezone':'UTC','windows':[{" more "}]}"

static void bad_schedules_are_refused(void **state)
{
	struct oncall_rig *rig = *state;
	static const struct {
		const char *body, *fault; /* "" = it is good */
	} all[] = {
		{LAYER("'members':['contact:Alice','contact:" ALICE "'],'start':'2026-01-05'"), ""},
		{SPAN("'contact':'Alice','start':'2026-01-05T00:00','end':'2026-01-05T00:01'"), ""},
		{"{'name':'n'}", "timezone: "},
		{"{'name':'n','timezone':'Europe/Roma'}", "timezone: there is no such time zone"},
		{"{'name':'n','timezone':'UTC','more':1}", "more: "},
		{LAYER("'members':[],'start':'2026-01-05'"), "layers[0].members: "},
		{LAYER("'members':['Alice'],'start':'2026-01-05'"),
		 "layers[0].members[0]: must be contact:NAME"},
		{LAYER("'members':['contact:Alice','contact:Eve'],'start':'2026-01-05'"),
		 "layers[0].members[1]: there is no contact 'Eve'"},
		{LAYER("'members':['contact:Alice'],'start':'2026-02-30'"),
		 "layers[0].start: must be"},
		{LAYER("'members':['contact:Alice'],'start':'1969-12-31'"),
		 "layers[0].start: must be"},
		{LAYER("'members':['contact:Alice']"), "layers[0].start: "},
		{LAYER("'members':['contact:Alice'],'start':'2026-01-05','handover':'24:00'"),
		 "layers[0].handover: must be a local time"},
		{LAYER("'members':['contact:Alice'],'start':'2026-01-05','handover':'9:00'"),
		 "layers[0].handover: must be a local time"},
		{LAYER("'members':['contact:Alice'],'start':'2026-01-05','rotation':'yearly'"),
		 "layers[0].rotation: "},
		{LAYER("'members':['contact:Alice'],'start':'2026-01-05','rotation':'rrule'"),
		 "layers[0].rrule: must be there"},
		{LAYER("'members':['contact:Alice'],'start':'2026-01-05','rrule':'FREQ=DAILY'"),
		 "layers[0].rrule: counts only when"},
		{LAYER("'members':['contact:Alice'],'start':'2026-01-05','rotation':'rrule',"
		       "'rrule':'FREQ=DAILY;FOO=1'"),
		 "layers[0].rrule: the rule has a part that there is not"},
		{LAYER("'members':['contact:Alice'],'start':'2026-01-05','rotation':'rrule',"
		       "'rrule':'FREQ=MINUTELY'"),
		 "layers[0].rrule: the rule must not have more than 24 hand-overs a day"},
		{LAYER("'members':['contact:Alice'],'start':'2026-01-05'},{'name':'l',"
		       "'members':['contact:Alice'],'start':'2026-01-05'"),
		 "layers[1].name: is that of layers[0]"},
		{SPAN("'contact':'Eve','start':'2026-01-05T00:00','end':'2026-01-05T00:01'"),
		 "windows[0].contact: there is no contact 'Eve'"},
		{SPAN("'contact':'Alice','start':'2026-01-05','end':'2026-01-05T00:01'"),
		 "windows[0].start: must be RFC 3339, or local time"},
		{SPAN("'contact':'Alice','start':'2026-01-05T00:00','end':'2026-01-05T00:00'"),
		 "windows[0].end: must be later than start"},
		{SPAN("'contact':'Alice','start':'2026-01-05T00:00','end':'2026-01-04T23:00:00Z'"),
		 "windows[0].end: must be later than start"},
		{"{'name':'n','timezone':'UTC','overrides':[{'contact':'Alice','start':'x',"
		 "'end':'2026-01-05T00:01','priority':1}]}",
		 "overrides[0].priority: "},
	};

	if (!rig->oncall)
		skip();
	oncall_rig_contact(rig, ALICE, "Alice", "+4911", true);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char *got = faults_of(rig, all[i].body);

		if (strncmp(got, all[i].fault, strlen(all[i].fault)) != 0 ||
		    (!*all[i].fault && *got))
			fail_msg("%s -> %s", all[i].body, got);
		free(got);
	}
}

static void what_was_broken_by_hand_does_nothing(void **state)
{
	(void)state;
	assert_null(oncall_rig_compile("{'name':'n'}"));
	assert_null(oncall_rig_compile("{'name':'n','timezone':'Mars/Olympus'}"));
	assert_null(oncall_rig_compile(LAYER("'members':['contact:A'],'start':'never'")));
	assert_null(oncall_rig_compile(SPAN("'contact':'A','start':'2026-01-05T00:00','end':'x'")));
}

static void references_are_found(void **state)
{
	struct oncall_rig *rig = *state;
	struct schedule *s;

	if (!rig->oncall)
		skip();
	oncall_rig_contact(rig, ALICE, "Alice", "+4911", true);
	s = oncall_rig_compile(
		LAYER("'members':['contact:B','contact:Alice'],'start':'2026-01-05'"));
	assert_true(schedule_kind.refers(rig->oncall, s, "contact:" ALICE));
	assert_false(schedule_kind.refers(rig->oncall, s, "schedule:" ALICE));
	assert_false(schedule_kind.refers(rig->oncall, s, "contact:none"));
	schedule_kind.free(s);
	s = oncall_rig_compile(SPAN("'contact':'" ALICE "','start':'2026-01-05T00:00',"
				    "'end':'2026-01-05T00:01'"));
	assert_true(schedule_kind.refers(rig->oncall, s, "contact:" ALICE));
	schedule_kind.free(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, oncall_rig_setup, oncall_rig_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turns_follow_one_another),
		cmocka_unit_test(handovers_in_a_gap_and_twice),
		cmocka_unit_test(rotations_by_rule),
		cmocka_unit_test(turns_of_one_member_are_one),
		cmocka_unit_test(the_ends_of_time),
		cmocka_unit_test(layers_are_in_order),
		cmocka_unit_test(windows_come_first),
		cmocka_unit_test(overrides_stand_in_for_the_first),
		cmocka_unit_test(what_was_broken_by_hand_does_nothing),
		TEST(bad_schedules_are_refused),
		TEST(references_are_found),
	};
#undef TEST

	return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
