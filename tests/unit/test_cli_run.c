/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program tocsin against a daemon that says what it was told to: what is asked, what is
 * printed, and the exit codes. Against the real daemon it runs in tests/e2e/test_cli.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tocsin/alloc.h>

#include "unit/cli_rig.h"

#define ID "01890000-1234-7000-8000-00000000000"
#define ALERT(id, state)                                                                           \
	"{\"id\":\"" id "\",\"state\":\"" state                                                    \
	"\",\"message\":\"Fire\",\"severity\":\"critical\","                                       \
	"\"labels\":{\"host\":\"db1\"},\"target\":\"+4930111\",\"strategy\":\"call\",\"source\":"  \
	"\"x\","                                                                                   \
	"\"dedup_key\":null,\"created_at\":\"2026-01-31T18:00:00Z\","                              \
	"\"updated_at\":\"2026-01-31T18:00:00Z\",\"acknowledged_by\":null,"                        \
	"\"acknowledged_at\":null,\"step\":0,\"timeline\":[{\"at\":\"2026-01-31T18:00:02.5Z\","    \
	"\"what\":\"call.ended\",\"text\":\"called Alice: busy (486)\",\"call_id\":null,"          \
	"\"reason\":\"calling again in 20 s\"}]}"

/* ---- asking ---- */

static void alert_sends_what_it_was_told(void **state)
{
	struct cli_run run = {
		.args = {"alert", "--to=+4930111", "--label", "host=db1", "--label", "a=b=c",
			 "--severity", "warning", "--dedup-key", "k", "--", "-Fire-"},
		.answers = {OK("{\"id\":\"" ID "1\",\"state\":\"open\",\"deduplicated\":true}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "POST /v1/alerts HTTP/1.1\r\n");
	cli_contains(&run.asked, "Content-Type: application/json\r\n");
	cli_lacks(&run.asked, "Authorization");
	cli_contains(&run.asked, "{\"message\":\"-Fire-\",\"target\":\"+4930111\","
				 "\"severity\":\"warning\",\"dedup_key\":\"k\","
				 "\"labels\":{\"host\":\"db1\",\"a\":\"b=c\"}}");
	assert_string_equal(run.out.data, "alert " ID "1 open (was there already)\n");
	assert_string_equal(run.err.data, "");
	cli_run_fini(&run);
}

static void text_comes_from_the_standard_input(void **state)
{
	struct cli_run run = {
		.args = {"alert", "--to", "1", "-"},
		.input = "two\nlines\n\n",
		.answers = {OK("{\"id\":\"" ID "1\",\"state\":\"open\",\"deduplicated\":false}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "\"message\":\"two\\nlines\"");
	cli_run_fini(&run);
}

static void the_token_goes_into_the_header_only(void **state)
{
	struct cli_run run = {
		.args = {"alerts", "--state", "open", "--search", "a&b=c d", "--limit", "7"},
		.env = {"TOCSIN_TOKEN=tc_secret-1"},
		.answers = {OK("{\"items\":[],\"next\":null}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "GET /v1/alerts?state=open&q=a%26b%3Dc%20d&limit=7 HTTP/1.1\r\n");
	cli_contains(&run.asked, "Authorization: Bearer tc_secret-1\r\n");
	assert_string_equal(run.out.data, "no alerts\n");
	cli_run_fini(&run);
}

static void a_token_file_comes_first(void **state)
{
	char *path = tc_asprintf("%s/token", cli_folder),
	     *option = tc_asprintf("--token-file=%s", path);
	struct cli_run run = {
		.args = {option, "token", "list"},
		.env = {"TOCSIN_TOKEN=other"},
		.answers = {OK("{\"items\":[],\"next\":null}")},
	};
	int fd = cli_file("token", O_WRONLY | O_CREAT | O_TRUNC);

	(void)state;
	assert_int_equal(write(fd, "tc_filed\n", 9), 9);
	close(fd);
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "Authorization: Bearer tc_filed\r\n");
	cli_run_fini(&run);
	free(path);
	free(option);
}

/* ---- printing ---- */

static void lists_are_aligned_and_harmless(void **state)
{
	struct cli_run run = {
		.args = {"token", "list"},
		.answers = {OK("{\"items\":["
			       "{\"id\":\"" ID "1\",\"name\":\"\\u001b[31mx\",\"scope\":\"read\","
			       "\"created_at\":\"2026-01-31T18:00:00Z\",\"expires_at\":null},"
			       "{\"id\":\"" ID "2\",\"name\":\"longer name\",\"scope\":\"admin\","
			       "\"created_at\":\"2026-01-31T18:00:00Z\","
			       "\"expires_at\":\"2026-02-28T18:00:00Z\"}],\"next\":null}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	assert_string_equal(
		run.out.data,
		"TOKEN                                 NAME         SCOPE  MADE                 "
		"EXPIRES\n" ID "1  ?[31mx       read   2026-01-31 18:00:00  never\n" ID
		"2  longer name  admin  2026-01-31 18:00:00  2026-02-28 18:00:00\n");
	cli_run_fini(&run);
}

static void show_tells_the_story(void **state)
{
	struct cli_run run = {
		.args = {"show", ID "1"},
		.answers = {OK(ALERT(ID "1", "open")),
			    OK("{\"items\":[{\"id\":\"" ID "2\",\"alert_id\":\"" ID "1\","
			       "\"contact_id\":null,\"number\":\"+4930111\",\"trunk\":\"direct\","
			       "\"state\":\"ended\",\"result\":\"busy\",\"cause\":{\"sip\":486,"
			       "\"q850\":17,\"text\":\"Busy Here\"},\"placed_at\":null,"
			       "\"ringing_at\":null,\"answered_at\":null,\"ended_at\":null,"
			       "\"spoken_ms\":0,\"keys\":\"\"}],\"next\":null}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "GET /v1/alerts/" ID "1 HTTP");
	cli_contains(&run.asked, "GET /v1/calls?alert_id=" ID "1&limit=500 HTTP");
	cli_contains(&run.out, "alert " ID "1  open\n");
	cli_contains(&run.out, "  labels       host=db1\n");
	cli_contains(&run.out,
		     "18:00:02.500  +2.5 s       call.ended         called Alice: busy (486) "
		     "(calling again in 20 s)\n");
	cli_contains(&run.out, "direct  ended  busy                  486 Busy Here, Q.850 17\n");
	cli_run_fini(&run);
}

static void json_is_the_daemons(void **state)
{
	struct cli_run run = {.args = {"--json", "show", ID "1"},
			      .answers = {OK(ALERT(ID "1", "open"))}};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	assert_string_equal(run.out.data, ALERT(ID "1", "open") "\n");
	assert_int_equal(run.connections, 1);
	cli_run_fini(&run);
}

/* ---- ids ---- */

static void a_beginning_is_enough_if_there_is_one(void **state)
{
	struct cli_run run = {
		.args = {"ack", "01890000-12", "--by", "Eve"},
		.answers = {OK("{\"items\":[" ALERT("01890000-1134-7000-8000-000000000009",
						    "open") "," ALERT(ID "1",
								      "open") "],\"next\":null}"),
			    OK(ALERT(ID "1", "acknowledged"))},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	/* 0x018900001200 ms to 0x0189000012ff ms after 1970 */
	cli_contains(&run.asked, "GET /v1/alerts?since=2023-06-28T03%3A15%3A51.936000Z&"
				 "until=2023-06-28T03%3A15%3A52.192000Z&limit=500 HTTP");
	cli_contains(&run.asked, "POST /v1/alerts/" ID "1/acknowledge HTTP");
	cli_contains(&run.asked, "{\"by\":\"Eve\"}");
	assert_string_equal(run.out.data, "alert " ID "1 acknowledged\n");
	cli_run_fini(&run);
}

static void two_that_begin_alike_are_refused(void **state)
{
	struct cli_run run = {
		.args = {"ack", "0189"},
		.answers = {OK("{\"items\":[" ALERT(ID "2", "open") "],\"next\":\"c\"}"),
			    OK("{\"items\":[" ALERT(ID "1", "open") "],\"next\":null}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 1);
	cli_contains(&run.asked, "&cursor=c HTTP");
	cli_contains(&run.err, "more than one alert begins with 0189");
	assert_int_equal(run.connections, 2);
	cli_run_fini(&run);
}

static void last_is_the_newest(void **state)
{
	struct cli_run run = {
		.args = {"cancel", "last"},
		.answers = {OK("{\"items\":[" ALERT(ID "2", "open") "],\"next\":null}"),
			    OK(ALERT(ID "2", "cancelled"))},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "GET /v1/alerts?limit=1 HTTP");
	cli_contains(&run.asked, "POST /v1/alerts/" ID "2/cancel HTTP");
	cli_run_fini(&run);
}

/* ---- what goes wrong ---- */

static void a_problem_is_told_with_its_field(void **state)
{
	struct cli_run run = {
		.args = {"alert", "--to", "x", "Fire"},
		.answers = {PROBLEM(
			"422 Unprocessable Content",
			"{\"type\":\"about:blank\",\"title\":\"Unprocessable Content\","
			"\"status\":422,\"detail\":\"one\",\"field\":\"target\","
			"\"errors\":[{\"field\":\"target\",\"detail\":\"is \\u0007bad\"},"
			"{\"field\":\"voice\",\"detail\":\"voice is worse\"}]}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 1);
	assert_string_equal(run.out.data, "");
	assert_string_equal(run.err.data, "tocsin: target: is ?bad\ntocsin: voice is worse\n");
	cli_run_fini(&run);
}

static void what_is_no_tocsind_is_told(void **state)
{
	struct cli_run html = {.args = {"alerts"}, .answers = {OK("<html>")}};
	struct cli_run moved = {.args = {"alerts"},
				.answers = {"302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"}};
	struct cli_run cut = {.args = {"alerts"},
			      .answers = {"200 OK\r\nContent-Length: 50\r\n\r\n{\"items\":["}};

	(void)state;
	cli_run(&html);
	cli_status(&html, 1);
	cli_contains(&html.err, "not JSON");
	cli_run(&moved);
	cli_status(&moved, 1); /* a token is not carried elsewhere */
	cli_contains(&moved.err, "302");
	cli_run(&cut);
	cli_status(&cut, 3);
	cli_run_fini(&html);
	cli_run_fini(&moved);
	cli_run_fini(&cut);
}

static void a_daemon_that_is_away_is_3(void **state)
{
	static const char *const commands[][4] = {
		{"alerts"}, {"watch"}, {"show", "x"}, {"ack", "last"}, {"alert", "--to", "1", "x"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct cli_run run = {.env = {"TOCSIN_URL=unix:/nonexistent/socket"}};

		memcpy(run.args, commands[i], sizeof(commands[i]));
		cli_run(&run);
		cli_status(&run, 3);
		cli_contains(&run.err, "No such file or directory");
		cli_run_fini(&run);
	}
}

static void wrong_usage_is_2_and_asks_nobody(void **state)
{
	static const char *const commands[][6] = {
		{NULL},
		{"wibble"},
		{"alert"},
		{"alert", "text"},
		{"alert", "--to"},
		{"alert", "--to", "1"},
		{"alert", "--to", "1", "two", "words"},
		{"alert", "--to", "1", "x", "--label", "novalue"},
		{"alert", "--to", "\xff", "x"},
		{"show"},
		{"alerts", "--wibble"},
		{"alerts", "--json=yes"},
		{"alerts", "extra"},
		{"token"},
		{"token", "wibble"},
		{"token", "add", "x"},
		{"--token", "secret", "alerts"},
		{"--url", "ftp://x", "alerts"},
		{"--url", "unix:relative", "alerts"},
		{"--token-file", "/nonexistent", "alerts"},
		{"--token-file", "/dev/null", "alerts"},
		{"say", "x"},
		{"trunk"},
		{"trunk", "wibble"},
		{"trunk", "list", "x"},
		{"trunk", "check"},
		{"trunk", "check", "a", "b"},
		{"trunk", "check", "a", "--number"},
		{"trunk", "check", "a", "--number", "\xff"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct cli_run run = {.args = {NULL}};

		memcpy(run.args, commands[i], sizeof(commands[i]));
		cli_run(&run);
		cli_status(&run, 2);
		assert_string_equal(run.out.data, "");
		cli_contains(&run.err, "tocsin: ");
		cli_lacks(&run.err, "secret");
		assert_int_equal(run.connections, 0);
		cli_run_fini(&run);
	}
}

static void every_command_has_help(void **state)
{
	static const char *const commands[][2] = {
		{NULL},           {"alert"},         {"alerts"},
		{"show"},         {"ack"},           {"resolve"},
		{"cancel"},       {"escalate"},      {"calls"},
		{"watch"},        {"trunks"},        {"voices"},
		{"plugins"},      {"say"},           {"token"},
		{"token", "add"}, {"token", "list"}, {"token", "delete"},
		{"trunk"},        {"trunk", "list"}, {"trunk", "check"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct cli_run run = {.args = {"--help", commands[i][0], commands[i][1]}};

		cli_run(&run);
		cli_status(&run, 0);
		cli_contains(&run.out, "usage: tocsin ");
		if (commands[i][0])
			cli_contains(&run.out, commands[i][0]);
		assert_string_equal(run.err.data, "");
		cli_run_fini(&run);
	}
}

/* ---- waiting, watching, hearing ---- */

static void wait_ends_as_the_alert_does(void **state)
{
	static const struct {
		const char *answer;
		int status;
	} ends[] = {
		{OK(ALERT(ID "1", "acknowledged")), 0},
		{OK(ALERT(ID "1", "resolved")), 0},
		{OK(ALERT(ID "1", "exhausted")), 4},
		{OK(ALERT(ID "1", "cancelled")), 4},
		{PROBLEM("404 Not Found", "{\"detail\":\"there is no such alert\"}"), 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct cli_run run = {
			.args = {"alert", "--wait", "--to", "1", "Fire"},
			.answers = {OK("{\"id\":\"" ID "1\",\"state\":\"open\"}"),
				    OK(ALERT(ID "1", "open")), ends[i].answer},
		};

		cli_run(&run);
		cli_status(&run, ends[i].status);
		assert_int_equal(run.connections, 3);
		/* each line of the timeline is told once */
		assert_non_null(strstr(run.out.data, "called Alice"));
		assert_null(strstr(strstr(run.out.data, "called Alice") + 1, "called Alice"));
		cli_run_fini(&run);
	}
}

#define STREAM(events) "200 OK\r\nContent-Type: text/event-stream\r\n\r\n" events

static void watch_goes_on_where_it_was(void **state)
{
	struct cli_run run = {
		.args = {"watch", "--after", "4"},
		.answers = {STREAM(":\n\nid: 5\nevent: call.ended\ndata: "
				   "{\"at\":\"2026-01-31T18:00:00Z\","
				   "\"alert_id\":\"" ID
				   "1\",\"text\":\"called\",\"reason\":\"why\"}\n\n"
				   "id: 6\ndata: half"),
			    STREAM("id: 6\nevent: x\ndata: {\"at\":\"2026-01-31T18:00:01Z\","
				   "\"text\":\"six\"}\n\n"),
			    STREAM("")},
		.stop_after = 3,
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 1000 + SIGTERM);
	cli_contains(&run.asked, "GET /v1/events?after=4 HTTP");
	cli_contains(&run.asked, "Last-Event-ID: 5\r\n");
	cli_contains(&run.asked, "Last-Event-ID: 6\r\n");
	assert_string_equal(run.out.data,
			    "18:00:00.000  01890000-1234-7000  call.ended         "
			    "called (why)\n"
			    "18:00:01.000                      x                  six\n");
	cli_contains(&run.err, "the connection is lost, trying again");
	cli_contains(&run.err, "connected again");
	cli_run_fini(&run);
}

static void watch_that_is_refused_ends(void **state)
{
	struct cli_run run = {
		.args = {"watch"},
		.answers = {PROBLEM("401 Unauthorized", "{\"detail\":\"a token is needed\"}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 1);
	cli_contains(&run.err, "a token is needed");
	cli_run_fini(&run);
}

static void say_writes_what_comes(void **state)
{
	char *path = tc_asprintf("%s/x.wav", cli_folder);
	struct cli_run run = {.args = {"say", "Hello", "-o", path, "--language", "en"},
			      .answers = {"200 OK\r\nContent-Type: audio/wav\r\n\r\nRIFFsound"}};
	struct tc_buf wav = {0};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "POST /v1/speech HTTP");
	cli_contains(&run.asked, "{\"text\":\"Hello\",\"language\":\"en\"}");
	cli_slurp("x.wav", &wav);
	assert_string_equal(wav.data, "RIFFsound");
	tc_buf_fini(&wav);
	cli_run_fini(&run);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alert_sends_what_it_was_told),
		cmocka_unit_test(text_comes_from_the_standard_input),
		cmocka_unit_test(the_token_goes_into_the_header_only),
		cmocka_unit_test(a_token_file_comes_first),
		cmocka_unit_test(lists_are_aligned_and_harmless),
		cmocka_unit_test(show_tells_the_story),
		cmocka_unit_test(json_is_the_daemons),
		cmocka_unit_test(a_beginning_is_enough_if_there_is_one),
		cmocka_unit_test(two_that_begin_alike_are_refused),
		cmocka_unit_test(last_is_the_newest),
		cmocka_unit_test(a_problem_is_told_with_its_field),
		cmocka_unit_test(what_is_no_tocsind_is_told),
		cmocka_unit_test(a_daemon_that_is_away_is_3),
		cmocka_unit_test(wrong_usage_is_2_and_asks_nobody),
		cmocka_unit_test(every_command_has_help),
		cmocka_unit_test(wait_ends_as_the_alert_does),
		cmocka_unit_test(watch_goes_on_where_it_was),
		cmocka_unit_test(watch_that_is_refused_ends),
		cmocka_unit_test(say_writes_what_comes),
	};

	return cmocka_run_group_tests(tests, cli_rig_setup, cli_rig_teardown);
}
