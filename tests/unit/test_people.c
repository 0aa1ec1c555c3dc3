/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets, and the people whom they mean; gaps.
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

#include "host/config.h"
#include "oncall/people.h"
#include "unit/oncall_rig.h"

#define ALICE "01890000-0000-7000-8000-00000000000a"
#define BOB   "01890000-0000-7000-8000-00000000000b"
#define CAROL "01890000-0000-7000-8000-00000000000c"
#define DAVE  "01890000-0000-7000-8000-00000000000d"
#define OPS   "01890000-0000-7000-8000-000000000001"

/* Two layers, the second by name; Dave is disabled, Carol has no telephone. */
#define LAYERS                                                                                     \
	"'layers':[{'name':'primary','members':['contact:" ALICE "','contact:" BOB "'],"           \
	"'rotation':'weekly','handover':'09:00','start':'2026-01-05'},"                            \
	"{'name':'second','members':['contact:Bob','contact:Dave','contact:Carol'],"               \
	"'rotation':'daily','handover':'00:00','start':'2026-01-05'}]"

static struct oncall_rig *world_of(void **state)
{
	struct oncall_rig *rig = *state;

	if (!rig->oncall)
		skip();
	oncall_rig_contact(rig, ALICE, "Alice", "+4911,+4912,+4913s", true);
	oncall_rig_contact(rig, BOB, "Bob", "+4921", true);
	oncall_rig_contact(rig, CAROL, "Carol", "+4931s", true);
	oncall_rig_contact(rig, DAVE, "Dave", "+4941", false);
	oncall_rig_schedule(rig, OPS, "ops",
			    "{'name':'ops','timezone':'Europe/Berlin'," LAYERS "}");
	return rig;
}

/* "Alice Bob", and the fault. */
static void assert_people(struct oncall_rig *rig, const char *text, const char *at,
			  const char *names, const char *wanted_fault)
{
	struct people people;
	struct target target;
	char fault[200], all[200] = "";

	assert_int_equal(target_parse(text, &target, fault, sizeof(fault)), 0);
	people_find(rig->oncall, &target, oncall_rig_at(at), &people);
	for (size_t i = 0; i < people.n; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? " " : "",
			 people.v[i].name);
	assert_string_equal(all, names);
	assert_string_equal(people.fault ? people.fault : "", wanted_fault);
	people_free(&people);
}

/* ---- targets ---- */

static void targets_are_taken_apart(void **state)
{
	static const struct {
		const char *text;
		enum target_kind kind;
		const char *name;
	} good[] = {
		{"+4930123", TARGET_NUMBER, "+4930123"},
		{"112", TARGET_NUMBER, "112"},
		{"contact:Alice", TARGET_CONTACT, "Alice"},
		{"schedule:a b", TARGET_SCHEDULE, "a b"},
		{"policy:x:y", TARGET_POLICY, "x:y"},
		{"oncall", TARGET_SCHEDULE, ""},
	};
	static const char *const bad[] = {
		"",
		"+",
		"alice",
		"contact:",
		"schedule:",
		"policy:",
		"Contact:alice",
		"oncall ",
		" +4930123",
		"+49 30",
		"contact",
		"user:alice",
		"+49301234567890123456789012345678901",
	};
	struct target target;
	char fault[200];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(target_parse(good[i].text, &target, fault, sizeof(fault)), 0);
		assert_int_equal(target.kind, good[i].kind);
		assert_string_equal(target.name, good[i].name);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		fault[0] = '\0';
		if (target_parse(bad[i], &target, fault, sizeof(fault)) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_non_null(strstr(fault, "contact:NAME"));
	}
}

static void targets_are_looked_up(void **state)
{
	struct oncall_rig *rig = world_of(state);
	struct config_escalation config = {.default_schedule = "nights"};
	char fault[200] = "";

	assert_int_equal(target_check(rig->oncall, "+4930123", fault, sizeof(fault)), 0);
	assert_int_equal(target_check(rig->oncall, "contact:Alice", fault, sizeof(fault)), 0);
	assert_int_equal(target_check(rig->oncall, "contact:" ALICE, fault, sizeof(fault)), 0);
	assert_int_equal(target_check(rig->oncall, "contact:Dave", fault, sizeof(fault)), 0);
	assert_int_equal(target_check(rig->oncall, "schedule:ops", fault, sizeof(fault)), 0);
	assert_int_equal(target_check(rig->oncall, "schedule:" OPS, fault, sizeof(fault)), 0);
	assert_string_equal(fault, "");
	assert_int_equal(target_check(rig->oncall, "alice", fault, sizeof(fault)), -EINVAL);
	assert_int_equal(target_check(rig->oncall, "contact:Eve", fault, sizeof(fault)), -ENOENT);
	assert_string_equal(fault, "there is no contact 'Eve'");
	assert_int_equal(target_check(rig->oncall, "schedule:Ops", fault, sizeof(fault)), -ENOENT);
	assert_string_equal(fault, "there is no schedule 'Ops'");
	assert_int_equal(target_check(rig->oncall, "policy:p", fault, sizeof(fault)), -ENOENT);
	assert_string_equal(fault, "there is no policy 'p'");
	oncall_configure(rig->oncall, &config);
	assert_int_equal(target_check(rig->oncall, "oncall", fault, sizeof(fault)), -ENOENT);
	assert_string_equal(fault, "there is no schedule 'nights' (escalation.default_schedule)");
	config.default_schedule = "ops";
	assert_int_equal(target_check(rig->oncall, "oncall", fault, sizeof(fault)), 0);
	assert_people(rig, "oncall", "2026-01-05T12:00:00Z", "Alice Bob", "");
}

static void nothing_is_known_before_it_is_read(void **state)
{
	struct oncall_rig *rig = *state;
	struct oncall *unread;
	struct target target = {TARGET_CONTACT, "Alice"};
	struct people people;
	char fault[200];

	if (!rig->oncall)
		skip();
	unread = oncall_new(rig->store_rig->loop, rig->store);
	assert_int_equal(target_check(unread, "+4930123", fault, sizeof(fault)), 0);
	assert_int_equal(target_check(unread, "contact:Alice", fault, sizeof(fault)), -EAGAIN);
	assert_int_equal(target_check(unread, "oncall", fault, sizeof(fault)), -EAGAIN);
	assert_int_equal(target_check(unread, "policy:p", fault, sizeof(fault)), -EAGAIN);
	people_find(unread, &target, 0, &people);
	assert_int_equal(people.n, 0);
	assert_non_null(people.fault);
	people_free(&people);
	while (store_pending(rig->store))
		loop_turn(rig->store_rig->loop);
	oncall_free(unread);
}

/* ---- people ---- */

static void numbers_and_contacts_are_one_person(void **state)
{
	struct oncall_rig *rig = world_of(state);
	struct target target = {TARGET_CONTACT, "Alice"};
	struct people people;

	assert_people(rig, "+4930123", "2026-01-05T12:00:00Z", "+4930123", "");
	assert_people(rig, "contact:" BOB, "2026-01-05T12:00:00Z", "Bob", "");
	assert_people(rig, "contact:Dave", "2026-01-05T12:00:00Z", "", "Dave is disabled");
	assert_people(rig, "contact:Carol", "2026-01-05T12:00:00Z", "",
		      "Carol has no number to call");
	assert_people(rig, "contact:Eve", "2026-01-05T12:00:00Z", "", "there is no contact 'Eve'");
	people_find(rig->oncall, &target, 0, &people);
	assert_int_equal(people.n, 1);
	assert_string_equal(people.v[0].contact_id, ALICE);
	assert_int_equal(people.v[0].n_numbers, 2);
	assert_string_equal(people.v[0].numbers[0], "+4911");
	assert_string_equal(people.v[0].numbers[1], "+4912");
	assert_int_equal(people.v[0].n_sms, 3);
	assert_string_equal(people.v[0].sms[2], "+4913");
	assert_null(people.v[0].pin);
	/* what was answered stays when the contact goes */
	oncall_rig_contact(rig, ALICE, "Alicia", NULL, true);
	assert_string_equal(people.v[0].name, "Alice");
	assert_string_equal(people.v[0].numbers[0], "+4911");
	people_free(&people);
	assert_null(people.v);
}

static void schedules_are_those_on_call(void **state)
{
	struct oncall_rig *rig = world_of(state);

	assert_people(rig, "schedule:ops", "2026-01-05T07:59:59Z", "Bob", "");
	assert_people(rig, "schedule:ops", "2026-01-05T08:00:00Z", "Alice Bob", "");
	assert_people(rig, "schedule:ops", "2026-01-06T12:00:00Z", "Alice", "Dave is disabled");
	assert_people(rig, "schedule:ops", "2026-01-07T12:00:00Z", "Alice",
		      "Carol has no number to call");
	/* Bob by id and by name: once */
	assert_people(rig, "schedule:ops", "2026-01-14T12:00:00Z", "Bob", "");
	assert_people(rig, "schedule:ops", "2026-01-04T12:00:00Z", "",
		      "nobody is on call in schedule ops");
	assert_people(rig, "schedule:none", "2026-01-04T12:00:00Z", "",
		      "there is no schedule 'none'");
	oncall_rig_schedule(rig, OPS, "ops", "{'name':'ops'}");
	assert_people(rig, "schedule:ops", "2026-01-05T12:00:00Z", "",
		      "the schedule ops is broken in the store");
}

static void the_answer_says_why(void **state)
{
	struct oncall_rig *rig = world_of(state);
	struct target target = {TARGET_SCHEDULE, "ops"};
	struct people people;

	oncall_rig_schedule(
		rig, OPS, "ops",
		"{'name':'ops','timezone':'Europe/Berlin','overrides':[{'contact':'Bob',"
		"'start':'2026-03-29T00:00','end':'2026-03-29T03:00:30'}],'windows':["
		"{'contact':'contact:Bob','start':'2026-04-01T00:00Z',"
		"'end':'2026-04-01T12:00:00Z'}]," LAYERS "}");
	assert_people(rig, "schedule:ops", "2026-04-01T06:00:00Z", "",
		      "the schedule ops is broken in the store"); /* Z without seconds */
	oncall_rig_schedule(
		rig, OPS, "ops",
		"{'name':'ops','timezone':'Europe/Berlin','overrides':[{'contact':'Bob',"
		"'start':'2026-03-29T00:00','end':'2026-03-29T03:00:30'}],'windows':["
		"{'contact':'contact:Bob','start':'2026-04-01T00:00:00Z',"
		"'end':'2026-04-01T12:00:00Z'}]," LAYERS "}");
	people_find(rig->oncall, &target, oncall_rig_at("2026-03-25T12:00:00Z"), &people);
	assert_string_equal(people.v[0].why, "on call in layer primary of schedule ops until "
					     "2026-03-30T09:00+02:00");
	people_free(&people);
	people_find(rig->oncall, &target, oncall_rig_at("2026-03-28T23:00:00Z"), &people);
	assert_string_equal(people.v[0].why, "on call by an override of schedule ops until "
					     "2026-03-29T03:00:30+02:00");
	people_free(&people);
	people_find(rig->oncall, &target, oncall_rig_at("2026-04-01T06:00:00Z"), &people);
	assert_string_equal(people.v[0].why, "on call by a window of schedule ops until "
					     "2026-04-01T14:00+02:00");
	people_free(&people);
}

/* ---- gaps ---- */

static void assert_gaps(struct oncall_rig *rig, const char *body, const char *from,
			const char *until, const char *wanted)
{
	struct schedule *s = oncall_rig_compile(body);
	struct schedule_gap gaps[8];
	char all[400] = "", text[2][40];
	size_t n;

	assert_non_null(s);
	n = schedule_gaps(rig->oncall, s, oncall_rig_at(from), oncall_rig_at(until), gaps, 8);
	for (size_t i = 0; i < n && i < 8; i++) {
		tc_local_format(gaps[i].from_us, "UTC", text[0]);
		tc_local_format(gaps[i].until_us, "UTC", text[1]);
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%.16s/%.16s",
			 i ? " " : "", text[0], text[1]);
	}
	schedule_kind.free(s);
	assert_string_equal(all, wanted);
}

static void gaps_are_found(void **state)
{
	struct oncall_rig *rig = world_of(state);
	struct schedule_gap gap;
	struct schedule *s;

	/* Dave and Carol cannot be called: their days are one gap */
	assert_gaps(rig,
		    "{'name':'n','timezone':'UTC','layers':[{'name':'l','members':["
		    "'contact:Bob','contact:Dave','contact:Carol'],'rotation':'daily',"
		    "'handover':'06:00','start':'2026-01-05'}]}",
		    "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z",
		    "2026-01-05T00:00/2026-01-05T06:00 2026-01-06T06:00/2026-01-08T06:00 "
		    "2026-01-09T06:00/2026-01-11T06:00");
	assert_gaps(rig, "{'name':'n','timezone':'UTC'}", "2026-01-05T00:00:00Z",
		    "2026-01-06T00:00:00Z", "2026-01-05T00:00/2026-01-06T00:00");
	/* windows that meet leave no gap; somebody who is gone counts for nobody */
	assert_gaps(rig,
		    "{'name':'n','timezone':'UTC','windows':["
		    "{'contact':'Bob','start':'2026-01-05T00:00','end':'2026-01-05T08:00'},"
		    "{'contact':'Alice','start':'2026-01-05T08:00','end':'2026-01-05T12:00'},"
		    "{'contact':'Eve','start':'2026-01-05T12:00','end':'2026-01-05T14:00'},"
		    "{'contact':'Bob','start':'2026-01-05T15:00','end':'2026-01-07T00:00'}]}",
		    "2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z",
		    "2026-01-05T12:00/2026-01-05T15:00");
	/* more than there is room for */
	s = oncall_rig_compile("{'name':'n','timezone':'UTC','layers':[{'name':'l','members':["
			       "'contact:Bob','contact:Dave'],'rotation':'daily',"
			       "'handover':'06:00','start':'2026-01-05'}]}");
	assert_int_equal(schedule_gaps(rig->oncall, s, oncall_rig_at("2026-02-01T06:00:00Z"),
				       oncall_rig_at("2026-02-11T06:00:00Z"), &gap, 1),
			 5);
	schedule_kind.free(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, oncall_rig_setup, oncall_rig_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_are_taken_apart),
		TEST(targets_are_looked_up),
		TEST(nothing_is_known_before_it_is_read),
		TEST(numbers_and_contacts_are_one_person),
		TEST(schedules_are_those_on_call),
		TEST(the_answer_says_why),
		TEST(gaps_are_found),
	};
#undef TEST

	return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
