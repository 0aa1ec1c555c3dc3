/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line's own parts: text made harmless, times, columns, the parsing of events. The
 * program as a whole is tried in test_cli_run.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* not linked with tests: the command line is a program of its own */
#include "../../cli/format.c"
#include "../../cli/sse.c"

/* ---- text ---- */

static void expect_clean(const char *text, const char *want)
{
	char *got = format_clean(text);

	assert_string_equal(got, want);
	free(got);
}

static void control_characters_are_harmless(void **state)
{
	(void)state;
	expect_clean(NULL, "");
	expect_clean("plain", "plain");
	expect_clean("a\nb\tc\rd", "a b c d");
	expect_clean("\033[2J\a\b\177", "?[2J???");
	expect_clean("\xc2\x9b"
		     "31m \xc2\x85",
		     "?31m ?"); /* C1: CSI, NEL */
	expect_clean("\xe2\x80\xae"
		     "evil",
		     "?evil"); /* right-to-left override */
	expect_clean("\xe2\x81\xa6"
		     "x\xef\xbb\xbf",
		     "?x?");                   /* isolate, byte order mark */
	expect_clean("\xf3\xa0\x81\x81", "?"); /* a tag character, seen by nobody */
	expect_clean("\xc3\xbc \xe2\x82\xac \xf0\x9f\x94\x94",
		     "\xc3\xbc \xe2\x82\xac \xf0\x9f\x94\x94");
}

static void what_is_not_utf8_is_marked(void **state)
{
	(void)state;
	expect_clean("a\xff"
		     "b",
		     "a?b");
	expect_clean("\xc3", "?");
	expect_clean("\xc0\xaf", "??");           /* longer than needed */
	expect_clean("\xed\xa0\x80", "???");      /* a surrogate */
	expect_clean("\xf4\x90\x80\x80", "????"); /* above U+10FFFF */
	expect_clean("\xe2\x82", "??");           /* cut short */
	expect_clean("\xe2\x82x", "??x");
}

static void expect_cut(const char *text, size_t width, const char *want)
{
	char *got = format_cut(text, width);

	assert_string_equal(got, want);
	free(got);
}

static void cuts_between_characters(void **state)
{
	(void)state;
	assert_int_equal(format_width(""), 0);
	assert_int_equal(format_width("\xc3\xbc"
				      "ber"),
			 4);
	expect_cut("12345678", 8, "12345678");
	expect_cut("123456789", 8, "12345...");
	expect_cut("\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 5, "\xc3\xbc\xc3\xbc...");
	expect_cut("123456789", 3, "123456789"); /* too narrow to cut */
}

/* ---- times ---- */

static void reads_times(void **state)
{
	(void)state;
	assert_int_equal(format_parse_time(NULL), 0);
	assert_int_equal(format_parse_time(""), 0);
	assert_int_equal(format_parse_time("yesterday"), 0);
	assert_int_equal(format_parse_time("2026-01-31T18:00:00"), 0);
	assert_int_equal(format_parse_time("1970-01-01T00:00:01Z"), 1000000);
	assert_int_equal(format_parse_time("2026-01-31T18:00:00Z"), INT64_C(1769882400000000));
	assert_int_equal(format_parse_time("2026-01-31T18:00:00.5Z"), INT64_C(1769882400500000));
	assert_int_equal(format_parse_time("2026-01-31T18:00:00.123456789Z"),
			 INT64_C(1769882400123456));
	assert_int_equal(format_parse_time("2026-01-31T19:30:00+01:30"), INT64_C(1769882400000000));
	assert_int_equal(format_parse_time("2026-01-31T13:00:00-05:00"), INT64_C(1769882400000000));
}

static void times_come_back(void **state)
{
	char buf[FORMAT_TIME_SIZE];

	(void)state;
	assert_string_equal(format_rfc3339(buf, INT64_C(1769882400123456)),
			    "2026-01-31T18:00:00.123456Z");
	assert_int_equal(format_parse_time(buf), INT64_C(1769882400123456));
}

static void spans_and_ages(void **state)
{
	const int64_t now_us = INT64_C(1769882400000000);
	static const struct {
		int64_t us;
		const char *span, *ago;
	} all[] = {
		{400000, "0.4 s", "now"},
		{SECOND, "1.0 s", "1 s ago"},
		{59 * SECOND, "59 s", "59 s ago"},
		{119 * SECOND, "119 s", "119 s ago"},
		{200 * SECOND, "3 min 20 s", "3 min ago"},
		{HOUR + MINUTE, "1 h 1 min", "61 min ago"},
		{5 * HOUR, "5 h 0 min", "5 h ago"},
		{3 * DAY + 4 * HOUR, "3 d 4 h", "3 d ago"},
	};
	char buf[FORMAT_TIME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_string_equal(format_span(buf, all[i].us), all[i].span);
		assert_string_equal(format_ago(buf, now_us - all[i].us, now_us), all[i].ago);
	}
	assert_string_equal(format_ago(buf, now_us + 5 * HOUR, now_us), "in 5 h");
	assert_string_equal(format_ago(buf, 0, now_us), "");
	assert_string_equal(format_date(buf, 0), "");
}

static void reads_spans(void **state)
{
	(void)state;
	assert_int_equal(format_parse_span("90s"), 90 * SECOND);
	assert_int_equal(format_parse_span("15m"), 15 * MINUTE);
	assert_int_equal(format_parse_span("2h"), 2 * HOUR);
	assert_int_equal(format_parse_span("30d"), 30 * DAY);
	assert_int_equal(format_parse_span("1w"), 7 * DAY);
	assert_int_equal(format_parse_span(""), -1);
	assert_int_equal(format_parse_span("2"), -1);
	assert_int_equal(format_parse_span("2hours"), -1);
	assert_int_equal(format_parse_span("-2h"), -1);
	assert_int_equal(format_parse_span("2026-01-31T18:00:00Z"), -1);
	assert_int_equal(format_parse_span("99999999999999999999w"), -1);
}

/* ---- events ---- */

struct heard {
	char text[512];
};

static void hear(void *arg, const struct sse_event *e)
{
	struct heard *h = arg;
	size_t len = strlen(h->text);

	snprintf(h->text + len, sizeof(h->text) - len, "[%s|%s|%s]", e->id, e->name, e->data);
}

/* The same, whole and byte by byte. */
static void expect_events(const char *stream, const char *want)
{
	size_t len = strlen(stream);

	for (size_t piece = 1; piece <= len; piece += len > 1 ? len - 1 : 1) {
		struct heard h = {""};
		struct sse s;

		sse_init(&s, hear, &h);
		for (size_t at = 0; at < len; at += piece)
			assert_true(sse_feed(&s, stream + at, piece < len - at ? piece : len - at));
		assert_string_equal(h.text, want);
		sse_fini(&s);
	}
}

static void takes_events_apart(void **state)
{
	(void)state;
	expect_events(":\n\n", "");
	expect_events("id: 7\nevent: call.ended\ndata: {}\n\n", "[7|call.ended|{}]");
	expect_events("data:x\n\ndata: y\n\n", "[||x][||y]");
	expect_events("id: 1\r\ndata: a\r\ndata: b\r\n\r\n", "[1||a\nb]");
	expect_events("id: 1\rdata: a\r\rdata: b\r\r", "[1||a][1||b]");
	expect_events("id: 3\n\ndata\n\n", "[3||]");       /* the id stays, data may be empty */
	expect_events("event: x\n\ndata: y\n\n", "[||y]"); /* without data it is no event */
	expect_events("retry: 5\nwhat: ever\ndata: y\n\n", "[||y]");
	expect_events("data: y\n", ""); /* not yet complete */
}

static void a_cut_stream_keeps_its_place(void **state)
{
	struct heard h = {""};
	struct sse s;

	(void)state;
	sse_init(&s, hear, &h);
	assert_true(sse_feed(&s, "id: 5\ndata: a\n\nid: 6\ndata: half\n", 31));
	sse_cut(&s);
	assert_string_equal(s.last_id.data, "5"); /* or 6 would be missed */
	assert_true(sse_feed(&s, "data: b\n\nid: 7\ndata: c\n\n", 24));
	assert_string_equal(h.text, "[5||a][5||b][7||c]");
	sse_fini(&s);
}

static void a_line_without_end_is_refused(void **state)
{
	static char piece[4096];
	struct heard h = {""};
	struct sse s;
	size_t fed = 0;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	sse_init(&s, hear, &h);
	while (fed < 4 * TEXT_MAX && sse_feed(&s, piece, sizeof(piece)))
		fed += sizeof(piece);
	assert_true(fed <= TEXT_MAX);
	sse_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_are_harmless),
		cmocka_unit_test(what_is_not_utf8_is_marked),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(reads_times),
		cmocka_unit_test(times_come_back),
		cmocka_unit_test(spans_and_ages),
		cmocka_unit_test(reads_spans),
		cmocka_unit_test(takes_events_apart),
		cmocka_unit_test(a_cut_stream_keeps_its_place),
		cmocka_unit_test(a_line_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
