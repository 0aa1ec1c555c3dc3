/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin plan, and tocsin alert --at, against a daemon that says what it was told to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "unit/cli_rig.h"

#define ID "01890000-1234-7000-8000-00000000000"
#define PLAN(id, state)                                                                            \
	"{\"id\":\"" id "\",\"state\":\"" state "\",\"message\":\"Fire\\u0007\","                  \
	"\"target\":\"+4930111\",\"labels\":{\"host\":\"db1\"},\"strategy\":null,"                 \
	"\"severity\":\"low\",\"at\":\"2026-01-31T19:00:00+01:00\",\"rrule\":null,\"start\":null," \
	"\"timezone\":\"Europe/Rome\",\"next_at\":\"2026-01-31T18:00:00Z\",\"missed\":2,"          \
	"\"raised\":0,\"reason\":\"too late\"}"
#define PAGE(items)    OK("{\"items\":[" items "],\"next\":null}")
#define TAGGED(body)   "200 OK\r\nContent-Type: application/json\r\nETag: \"7\"\r\n\r\n" body

static void alert_with_a_time_is_planned(void **state)
{
	struct cli_run run = {
		.args = {"alert", "--to", "+4930111", "--at", "2026-01-31T19:00", "--timezone",
			 "Europe/Rome", "Fire"},
		.answers = {OK("{\"id\":\"" ID "1\",\"state\":\"planned\",\"deduplicated\":false,"
			       "\"at\":\"2026-01-31T18:00:00Z\"}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "POST /v1/alerts HTTP/1.1\r\n");
	cli_contains(&run.asked, "\"at\":\"2026-01-31T19:00\",\"timezone\":\"Europe/Rome\"");
	assert_string_equal(run.out.data, "alert " ID "1 planned for 2026-01-31T18:00:00Z\n");
	cli_run_fini(&run);
}

static void add_sends_what_it_was_told(void **state)
{
	struct cli_run run = {
		.args = {"plan", "add", "--to=+4930111", "--rrule", "FREQ=DAILY", "--start",
			 "2026-01-31T19:00", "--timezone=Europe/Rome", "--max-lateness=5m",
			 "--label", "host=db1", "Fire"},
		.answers = {OK(PLAN(ID "1", "planned"))},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "POST /v1/planned HTTP/1.1\r\n");
	cli_contains(&run.asked,
		     "{\"message\":\"Fire\",\"target\":\"+4930111\",\"timezone\":\"Europe/Rome\","
		     "\"rrule\":\"FREQ=DAILY\",\"start\":\"2026-01-31T19:00\","
		     "\"max_lateness\":\"5m\",\"labels\":{\"host\":\"db1\"}}");
	cli_contains(&run.out, "plan " ID "1 planned\n");
	cli_contains(&run.out, "message      Fire?\n");
	cli_contains(&run.out, "label        host=db1\n");
	cli_contains(&run.out, "next         2026-01-31T18:00:00Z (");
	cli_contains(&run.out, "times missed 2\n");
	cli_contains(&run.out, "because      too late\n");
	cli_run_fini(&run);
}

static void list_asks_for_what_is_to_come(void **state)
{
	struct cli_run run = {.args = {"plan", "list"},
			      .answers = {PAGE(PLAN(ID "1", "planned"))}};
	struct cli_run all = {.args = {"plan", "list", "--all"}, .answers = {PAGE("")}};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "GET /v1/planned?state=planned HTTP/1.1\r\n");
	cli_contains(&run.out, "PLAN");
	cli_contains(&run.out, ID "1");
	cli_contains(&run.out, "+4930111  Fire?\n");
	cli_run_fini(&run);
	cli_run(&all);
	cli_contains(&all.asked, "GET /v1/planned HTTP/1.1\r\n");
	assert_string_equal(all.out.data, "nothing is planned\n");
	cli_run_fini(&all);
}

static void edit_writes_back_what_it_read(void **state)
{
	struct cli_run run = {
		.args = {"plan", "edit", ID "1", "--message", "Water", "--rrule", "FREQ=DAILY",
			 "--start", "2026-01-31T19:00"},
		.answers = {TAGGED(PLAN(ID "1", "planned")), OK(PLAN(ID "1", "planned"))},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "GET /v1/planned/" ID "1 HTTP/1.1\r\n");
	cli_contains(&run.asked, "PUT /v1/planned/" ID "1 HTTP/1.1\r\n");
	cli_contains(&run.asked, "If-Match: \"7\"\r\n");
	cli_contains(&run.asked, "\"message\":\"Water\"");
	cli_contains(&run.asked, "\"rrule\":\"FREQ=DAILY\"");
	cli_contains(&run.asked, "\"labels\":{\"host\":\"db1\"}");
	cli_lacks(&run.asked, "\"at\":");
	cli_run_fini(&run);
}

static void cancel_finds_by_a_beginning(void **state)
{
	struct cli_run run = {
		.args = {"plan", "cancel", "01890000-1234-7000-8"},
		.answers = {PAGE(PLAN(ID "1", "planned") "," PLAN("01890000-2", "planned")),
			    "204 No Content\r\n\r\n"},
	};
	struct cli_run two = {
		.args = {"plan", "cancel", "01890000"},
		.answers = {PAGE(PLAN(ID "1", "planned") "," PLAN("01890000-2", "planned"))},
	};
	struct cli_run late = {
		.args = {"plan", "cancel", ID "1"},
		.answers = {PROBLEM("409 Conflict", "{\"detail\":\"it is raised\"}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "DELETE /v1/planned/" ID "1 HTTP/1.1\r\n");
	cli_contains(&run.asked, "If-Match: *\r\n");
	cli_run_fini(&run);
	cli_run(&two);
	cli_status(&two, 1);
	cli_contains(&two.err, "more than one");
	cli_lacks(&two.asked, "DELETE");
	cli_run_fini(&two);
	cli_run(&late);
	cli_status(&late, 1);
	cli_contains(&late.err, "it is raised");
	cli_run_fini(&late);
}

static void wrong_usage_is_2_and_asks_nobody(void **state)
{
	static const char *const commands[][8] = {
		{"plan"},
		{"plan", "add", "--to", "1", "x"},
		{"plan", "add", "--to", "1", "--at", "a", "--rrule", "r"},
		{"plan", "add", "--at", "a", "x"},
		{"plan", "add", "--to", "1", "--at", "a"},
		{"plan", "edit", "x"},
		{"plan", "edit", "--json", "x"},
		{"plan", "cancel"},
		{"plan", "show"},
		{"alert", "--to", "1", "--at", "a", "--wait", "x"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct cli_run run = {.args = {NULL}};

		memcpy(run.args, commands[i], sizeof(commands[i]));
		cli_run(&run);
		cli_status(&run, 2);
		cli_contains(&run.err, "tocsin: ");
		assert_int_equal(run.connections, 0);
		cli_run_fini(&run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alert_with_a_time_is_planned),
		cmocka_unit_test(add_sends_what_it_was_told),
		cmocka_unit_test(list_asks_for_what_is_to_come),
		cmocka_unit_test(edit_writes_back_what_it_read),
		cmocka_unit_test(cancel_finds_by_a_beginning),
		cmocka_unit_test(wrong_usage_is_2_and_asks_nobody),
	};

	return cmocka_run_group_tests(tests, cli_rig_setup, cli_rig_teardown);
}
