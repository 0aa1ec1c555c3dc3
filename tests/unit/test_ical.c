/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schedules as calendars, and calendars as windows.
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

#include "oncall/directory.h"
#include "oncall/ical.h"
#include "unit/oncall_rig.h"

#define ALICE "01890000-0000-7000-8000-00000000000a"
#define BOB   "01890000-0000-7000-8000-00000000000b"
#define OPS   "01890000-0000-7000-8000-000000000001"

static struct oncall_rig *world_of(void **state)
{
	struct oncall_rig *rig = *state;

	if (!rig->oncall)
		skip();
	oncall_rig_contact(rig, ALICE, "Alice", "+4911", true);
	oncall_rig_contact(rig, BOB, "Bob; the builder", "+4921", true);
	return rig;
}

/* ---- reading ---- */

/* The windows as "Alice 2026-01-05T08:00/2026-01-05T09:00 ...", the faults as "! line 3 ...". */
static char *read_text(struct oncall_rig *rig, const char *text, size_t size, const char *zone)
{
	struct ical_source source = {.text = text,
				     .size_bytes = size,
				     .zone = zone,
				     .from_us = oncall_rig_at("2026-01-01T00:00:00Z"),
				     .until_us = oncall_rig_at("2027-01-01T00:00:00Z"),
				     .priority = 3};
	struct tc_errors *errs = tc_errors_new();
	struct tc_buf out = {0};
	json_t *windows, *w;
	size_t i;
	int err = ical_windows(rig->oncall, &source, &windows, errs);

	assert_int_equal(err, tc_errors_count(errs) ? -EINVAL : 0);
	json_array_foreach (windows, i, w) {
		const char *id = json_string_value(json_object_get(w, "contact"));

		assert_int_equal(json_integer_value(json_object_get(w, "priority")), 3);
		tc_buf_printf(&out, "%s%s %.16s/%.16s", out.len ? " " : "",
			      directory_find(oncall_directory(rig->oncall), id)->name,
			      json_string_value(json_object_get(w, "start")),
			      json_string_value(json_object_get(w, "end")));
	}
	for (i = 0; i < tc_errors_count(errs); i++)
		tc_buf_printf(&out, "%s! %s: %s", out.len ? " " : "",
			      tc_errors_field(errs, i) ? tc_errors_field(errs, i) : "",
			      tc_errors_text(errs, i));
	json_decref(windows);
	tc_errors_free(errs);
	return tc_buf_take(&out);
}

#define CALENDAR(events) "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" events "END:VCALENDAR\r\n"
#define EVENT(lines)                                                          \
	"BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n" lines "END:VEVENT\r\n"

static void assert_read(struct oncall_rig *rig, const char *text, const char *wanted)
{
	char *got = read_text(rig, text, strlen(text), "Europe/Rome");

	assert_string_equal(got, wanted);
	free(got);
}

static void events_become_windows(void **state)
{
	struct oncall_rig *rig = world_of(state);

	assert_read(rig, CALENDAR(""), "");
	assert_read(rig,
		    CALENDAR(EVENT("SUMMARY:Alice\r\nDTSTART:20260105T080000Z\r\n"
				   "DTEND:20260105T160000Z\r\n")),
		    "Alice 2026-01-05T08:00/2026-01-05T16:00");
	/* without a zone: the schedule's; with lines folded, and only LF */
	assert_read(rig,
		    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Al\n ice\nDTSTART:20260105T080000\n"
		    "DURATION:PT30M\nEND:VEVENT\nEND:VCALENDAR\n",
		    "Alice 2026-01-05T07:00/2026-01-05T07:30");
	assert_read(
		rig,
		CALENDAR(EVENT("SUMMARY:alice\r\nDTSTART;TZID=America/New_York:20260105T080000\r\n"
			       "DTEND;TZID=America/Chicago:20260105T080000\r\n")),
		"Alice 2026-01-05T13:00/2026-01-05T14:00");
	/* whole days; the end is the day after */
	assert_read(rig,
		    CALENDAR(EVENT("SUMMARY:Bob\\; the builder\r\nDTSTART;VALUE=DATE:20260328\r\n"
				   "DTEND;VALUE=DATE:20260330\r\n")),
		    "Bob; the builder 2026-03-27T23:00/2026-03-29T22:00");
	assert_read(rig, CALENDAR(EVENT("SUMMARY:Alice\r\nDTSTART;VALUE=DATE:20260329\r\n")),
		    "Alice 2026-03-28T23:00/2026-03-29T22:00");
	/* over, cancelled, another year */
	assert_read(rig,
		    CALENDAR(EVENT("SUMMARY:Zoe\r\nDTSTART:20251231T080000Z\r\n"
				   "DTEND:20260101T000000Z\r\n")
				     EVENT("SUMMARY:Alice\r\nSTATUS:CANCELLED\r\nDTSTART:"
					   "20260105T080000Z\r\n"
					   "DTEND:20260105T160000Z\r\n")
					     EVENT("SUMMARY:Alice\r\nDTSTART:20270101T000000Z\r\n"
						   "DTEND:20270101T160000Z\r\n")),
		    "");
}

static void attendees_come_before_the_summary(void **state)
{
	struct oncall_rig *rig = world_of(state);

	assert_read(rig,
		    CALENDAR(EVENT("SUMMARY:On call\r\nATTENDEE;CN=Alice:mailto:a@example.org\r\n"
				   "ATTENDEE;CN=\"Bob; the builder\":mailto:b@example.org\r\n"
				   "ATTENDEE;CN=Boss:mailto:c@example.org\r\n"
				   "DTSTART:20260105T080000Z\r\nDURATION:P1D\r\n")),
		    "Alice 2026-01-05T08:00/2026-01-06T08:00 "
		    "Bob; the builder 2026-01-05T08:00/2026-01-06T08:00");
	assert_read(rig,
		    CALENDAR(EVENT("SUMMARY:Alice\r\nATTENDEE;PARTSTAT=DECLINED;CN=\"Bob; the "
				   "builder\":mailto:b@example.org\r\n"
				   "DTSTART:20260105T080000Z\r\nDURATION:P1D\r\n")),
		    "Alice 2026-01-05T08:00/2026-01-06T08:00");
}

static void recurrences_are_written_out(void **state)
{
	struct oncall_rig *rig = world_of(state);

	/* a night over the change of clocks ends by the clock */
	assert_read(
		rig,
		CALENDAR(EVENT("SUMMARY:Alice\r\nDTSTART;TZID=Europe/Rome:20260327T200000\r\n"
			       "DTEND;TZID=Europe/Rome:20260328T080000\r\n"
			       "RRULE:FREQ=DAILY;COUNT=3\r\n")),
		"Alice 2026-03-27T19:00/2026-03-28T07:00 Alice 2026-03-28T19:00/2026-03-29T06:00 "
		"Alice 2026-03-29T18:00/2026-03-30T06:00");
	/* began years ago, one left out, one moved, one cancelled, one more */
	assert_read(
		rig,
		CALENDAR(EVENT(
			"SUMMARY:Alice\r\nDTSTART;TZID=Europe/Rome:20200106T090000\r\n"
			"DURATION:PT1H\r\nRRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260209T080000Z\r\n"
			"EXDATE;TZID=Europe/Rome:20260112T090000,20260126T090000\r\n"
			"RDATE:20260301T100000Z\r\n")
				 EVENT("SUMMARY:Bob\\; the builder\r\n"
				       "RECURRENCE-ID;TZID=Europe/Rome:20260119T090000\r\n"
				       "DTSTART:20260120T080000Z\r\nDURATION:PT2H\r\n")
					 EVENT("SUMMARY:Alice\r\nSTATUS:CANCELLED\r\n"
					       "RECURRENCE-ID:20260202T080000Z\r\n"
					       "DTSTART:20260202T080000Z\r\nDURATION:PT2H\r\n")),
		"Alice 2026-01-05T08:00/2026-01-05T09:00 "
		"Bob; the builder 2026-01-20T08:00/2026-01-20T10:00 "
		"Alice 2026-02-09T08:00/2026-02-09T09:00 "
		"Alice 2026-03-01T10:00/2026-03-01T11:00");
	assert_read(rig,
		    CALENDAR(EVENT("SUMMARY:Alice\r\nDTSTART;VALUE=DATE:20260101\r\n"
				   "RRULE:FREQ=MONTHLY;COUNT=3\r\nEXDATE;VALUE=DATE:20260201\r\n")),
		    "Alice 2025-12-31T23:00/2026-01-01T23:00 "
		    "Alice 2026-02-28T23:00/2026-03-01T23:00");
}

#define OUTLOOK                                                                                    \
	"BEGIN:VTIMEZONE\r\nTZID:Customized Time Zone\r\nBEGIN:STANDARD\r\n"                       \
	"DTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n"                    \
	"RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\n"            \
	"DTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n"                    \
	"RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"

static void zones_of_programs_are_understood(void **state)
{
	struct oncall_rig *rig = world_of(state);

	assert_read(
		rig,
		CALENDAR(EVENT("SUMMARY:Alice\r\nDTSTART;TZID=/citadel.org/20190914_1/Asia/Tokyo:"
			       "20260105T080000\r\nDURATION:PT1H\r\n")),
		"Alice 2026-01-04T23:00/2026-01-05T00:00");
	assert_read(rig,
		    CALENDAR(OUTLOOK EVENT("SUMMARY:Alice\r\nDTSTART;TZID=Customized Time Zone:"
					   "20260328T080000\r\nDURATION:PT1H\r\n"
					   "RRULE:FREQ=DAILY;UNTIL=20260329T060000Z\r\n")),
		    "Alice 2026-03-28T07:00/2026-03-28T08:00 "
		    "Alice 2026-03-29T06:00/2026-03-29T07:00");
	assert_read(rig,
		    CALENDAR("BEGIN:VTIMEZONE\r\nTZID:Mine\r\nX-LIC-LOCATION:Asia/Tokyo\r\n"
			     "END:VTIMEZONE\r\n" EVENT(
				     "SUMMARY:Alice\r\nDTSTART;TZID=Mine:20260105T080000\r\n"
				     "DURATION:PT1H\r\n")),
		    "Alice 2026-01-04T23:00/2026-01-05T00:00");
}

static void faults_name_the_line(void **state)
{
	struct oncall_rig *rig = world_of(state);
	static const struct {
		const char *lines, *fault;
	} bad[] = {
		{"SUMMARY:Eve\r\nDTSTART:20260105T080000Z\r\nDURATION:PT1H\r\n",
		 "there is no contact 'Eve'"},
		{"DTSTART:20260105T080000Z\r\nDURATION:PT1H\r\n", "there is no contact ''"},
		{"SUMMARY:Alice\r\nDURATION:PT1H\r\n", "has no DTSTART"},
		{"SUMMARY:Alice\r\nDTSTART:20260105T080000Z\r\n",
		 "has no end, or one that is not behind its start"},
		{"SUMMARY:Alice\r\nDTSTART:20260105T080000Z\r\nDTEND:20260105T070000Z\r\n",
		 "has no end, or one that is not behind its start"},
		{"SUMMARY:Alice\r\nDTSTART:20260231T080000Z\r\nDURATION:PT1H\r\n",
		 "DTSTART is not understood"},
		{"SUMMARY:Alice\r\nDTSTART:tomorrow\r\nDURATION:PT1H\r\n",
		 "DTSTART is not understood"},
		{"SUMMARY:Alice\r\nDTSTART;TZID=Mars/Olympus:20260105T080000\r\nDURATION:PT1H\r\n",
		 "DTSTART has a TZID that is not known"},
		{"SUMMARY:Alice\r\nDTSTART:20260105T080000Z\r\nDURATION:PT1H\r\nRRULE:FREQ="
		 "NEVER\r\n",
		 "RRULE is not understood"},
		{"SUMMARY:Alice\r\nDTSTART:20260105T080000Z\r\nDURATION:PT1H\r\n"
		 "RRULE:FREQ=SECONDLY\r\n",
		 "RRULE: the rule by the second is not taken"},
		{"SUMMARY:Alice\r\nDTSTART:20260105T080000Z\r\nDURATION:PT1H\r\n"
		 "RRULE:FREQ=HOURLY\r\n",
		 "there are more than 1000 windows with this event"},
	};
	char wanted[1000], *got;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *text = tc_asprintf(
			CALENDAR(EVENT("SUMMARY:Alice\r\nDTSTART:20260105T080000Z\r\n"
				       "DURATION:PT1H\r\n") "BEGIN:VEVENT\r\n%sEND:VEVENT\r\n"),
			bad[i].lines);

		snprintf(wanted, sizeof(wanted), "! line 11: %s", bad[i].fault);
		got = read_text(rig, text, strlen(text), "UTC");
		if (strncmp(got, "Alice 2026-01-05T08:00", 22) != 0 || !strstr(got, wanted))
			fail_msg("%s -> %s", bad[i].lines, got);
		free(got);
		free(text);
	}
	assert_read(rig, "", "! : the file is no calendar: there is no BEGIN:VCALENDAR");
	assert_read(rig, "{\"windows\":[]}",
		    "! : the file is no calendar: there is no BEGIN:VCALENDAR");
	assert_read(rig, "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
		    "! : the file ends before its components do");
	assert_read(rig, "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nEND:VEVENT\r\n",
		    "! : the file ends a component that has not begun");
	got = read_text(rig, "BEGIN:VCALENDAR\0END:VCALENDAR", 30, "UTC");
	assert_string_equal(got, "! : the file is no text");
	free(got);
}

static void deep_and_large_files_are_refused(void **state)
{
	struct oncall_rig *rig = world_of(state);
	struct tc_buf text = {0};
	char *got;

	tc_buf_puts(&text, "BEGIN:VCALENDAR\n");
	for (int i = 0; i < 30000; i++)
		tc_buf_puts(&text, "BEGIN:VEVENT\n");
	got = read_text(rig, text.data, text.len, "UTC");
	assert_string_equal(got, "! : the file has components too deep in each other");
	free(got);
	while (text.len <= ICAL_BYTES_MAX)
		tc_buf_puts(&text, "BEGIN:VEVENT\nEND:VEVENT\n");
	got = read_text(rig, text.data, text.len, "UTC");
	assert_string_equal(got, "! : the file is larger than 512 kB");
	free(got);
	tc_buf_fini(&text);
}

static void windows_are_added_once(void **state)
{
	json_t *body = json_pack("{s:s, s:[{s:s, s:s, s:s}]}", "name", "ops", "windows", "contact",
				 "A", "start", "1", "end", "2");
	json_t *windows = json_pack("[{s:s,s:s,s:s,s:i},{s:s,s:s,s:s,s:i}]", "contact", "A",
				    "start", "1", "end", "2", "priority", 1, "contact", "B",
				    "start", "1", "end", "2", "priority", 1);

	(void)state;
	assert_int_equal(ical_merge(body, windows), 1);
	assert_int_equal(ical_merge(body, windows), 0);
	assert_int_equal(json_array_size(json_object_get(body, "windows")), 2);
	json_decref(body);
	body = json_object();
	assert_int_equal(ical_merge(body, windows), 2);
	json_decref(body);
	json_decref(windows);
}

/* ---- writing ---- */

static const struct document *ops(struct oncall_rig *rig)
{
	oncall_rig_schedule(
		rig, OPS, "ops",
		"{'name':'ops','timezone':'Europe/Rome','layers':[{'name':'primary',"
		"'members':['contact:" ALICE "','contact:" BOB "'],'rotation':'weekly',"
		"'handover':'09:00','start':'2026-01-05'}],'overrides':[{'contact':'" ALICE
		"','start':'2026-03-28T00:00','end':'2026-03-29T12:00'}]}");
	return documents_named(oncall_schedules(rig->oncall), "ops");
}

static void calendars_have_real_turns(void **state)
{
	struct oncall_rig *rig = world_of(state);
	const struct document *doc = ops(rig);
	struct tc_buf out = {0};

	ical_schedule(rig->oncall, doc, oncall_rig_at("2026-03-20T00:00:00Z"),
		      oncall_rig_at("2026-03-26T00:00:00Z"), oncall_rig_at("2026-04-01T00:00:00Z"),
		      &out);
	assert_non_null(strstr(out.data, "BEGIN:VCALENDAR\r\n"));
	assert_non_null(strstr(out.data, "X-WR-CALNAME:Tocsin: ops\r\n"));
	assert_non_null(strstr(out.data, "SUMMARY:Bob\\; the builder\r\n"));
	assert_non_null(strstr(out.data, "DTSTAMP:20260320T000000Z\r\n"));
	/* what was written is understood again, and is what it was */
	assert_read(rig, out.data,
		    "Bob; the builder 2026-03-23T08:00/2026-03-27T23:00 "
		    "Alice 2026-03-27T23:00/2026-03-29T10:00 "
		    "Bob; the builder 2026-03-29T10:00/2026-03-30T07:00 "
		    "Alice 2026-03-30T07:00/2026-04-06T07:00");
	tc_buf_fini(&out);
}

/* The text of one event's property, by its start. */
static void uid_at(const char *text, const char *start, char uid[100])
{
	char *line = tc_asprintf("DTSTART:%s\r\n", start);
	const char *at = strstr(text, line), *found = NULL;

	assert_non_null(at);
	for (const char *p = text; (p = strstr(p, "UID:")) && p < at; p++)
		found = p;
	assert_non_null(found);
	snprintf(uid, 100, "%.*s", (int)strcspn(found, "\r"), found);
	free(line);
}

static void uids_stay(void **state)
{
	struct oncall_rig *rig = world_of(state);
	const struct document *doc = ops(rig);
	static const char *const froms[] = {"2026-03-25T00:00:00Z", "2026-03-29T11:00:00Z",
					    "2026-03-30T06:59:59Z"};
	char first[100] = "", uid[100], other[100];
	struct tc_buf out = {0};

	for (size_t i = 0; i < 3; i++) {
		tc_buf_fini(&out);
		ical_schedule(rig->oncall, doc, oncall_rig_at(froms[i]), oncall_rig_at(froms[i]),
			      oncall_rig_at("2026-06-01T00:00:00Z"), &out);
		uid_at(out.data, "20260329T100000Z", uid);
		if (i)
			assert_string_equal(uid, first);
		tc_strcopy(first, sizeof(first), uid);
		uid_at(out.data, "20260330T070000Z", other);
		assert_string_not_equal(uid, other);
	}
	tc_buf_fini(&out);
}

static void a_persons_calendar_has_his_turns_only(void **state)
{
	struct oncall_rig *rig = world_of(state);
	const struct document *doc = ops(rig);
	struct tc_buf out = {0};
	size_t n = 0;

	(void)doc;
	oncall_rig_schedule(rig, ALICE, "nights",
			    "{'name':'nights','timezone':'UTC','windows':[{'contact':'Alice',"
			    "'start':'2026-04-10T00:00','end':'2026-04-11T00:00'}]}");
	ical_contact(rig->oncall, directory_find(oncall_directory(rig->oncall), ALICE), 0,
		     oncall_rig_at("2026-03-30T08:00:00Z"), oncall_rig_at("2026-04-28T00:00:00Z"),
		     &out);
	for (const char *p = out.data; (p = strstr(p, "BEGIN:VEVENT")); p++)
		n++;
	assert_int_equal(n, 4);
	assert_non_null(strstr(out.data, "DTSTART:20260330T070000Z\r\nDTEND:20260406T070000Z"));
	assert_non_null(strstr(out.data, "DTSTART:20260410T000000Z\r\nDTEND:20260411T000000Z"));
	assert_non_null(strstr(out.data, "DTSTART:20260427T070000Z\r\nDTEND:20260504T070000Z"));
	assert_non_null(strstr(out.data, "SUMMARY:On call: nights\r\n"));
	assert_null(strstr(out.data, "Bob"));
	tc_buf_fini(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, oncall_rig_setup, oncall_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(events_become_windows),
		TEST(attendees_come_before_the_summary),
		TEST(recurrences_are_written_out),
		TEST(zones_of_programs_are_understood),
		TEST(faults_name_the_line),
		TEST(deep_and_large_files_are_refused),
		cmocka_unit_test(windows_are_added_once),
		TEST(calendars_have_real_turns),
		TEST(uids_stay),
		TEST(a_persons_calendar_has_his_turns_only),
	};
#undef TEST

	return cmocka_run_group_tests_name("ical", tests, NULL, NULL);
}
