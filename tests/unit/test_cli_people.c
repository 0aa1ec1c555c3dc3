/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of people, against a daemon that says what it was told to: what is asked, what is
 * printed, and the exit codes. Against the real daemon they run in tests/e2e/test_people.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/cli_rig.h"

#define ID   "01890000-1234-7000-8000-00000000000"
#define NONE OK("{\"items\":[],\"next\":null}")
#define REPORT                                                                                     \
	"\"added\":1,\"changed\":2,\"unchanged\":3,\"faults\":[{\"line\":4,\"field\":\"pin\","     \
	"\"text\":\"is wrong\"}],\"ignored\":[\"city\"]"

/* ---- contacts as CSV ---- */

static void import_sends_the_file_as_it_is(void **state)
{
	struct cli_run run = {
		.args = {"contact", "import", "-"},
		.input = "name\nAlice\n",
		.answers = {OK("{\"added\":1,\"changed\":0,\"unchanged\":0,\"faults\":[],"
			       "\"ignored\":[]}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "POST /v1/contacts.csv HTTP/1.1\r\n");
	cli_contains(&run.asked, "Content-Type: text/csv\r\n");
	cli_contains(&run.asked, "\r\n\r\nname\nAlice\n");
	assert_string_equal(run.out.data, "1 added, 0 changed, 0 unchanged\n");
	assert_string_equal(run.err.data, "");
	cli_run_fini(&run);
}

static void import_names_each_fault(void **state)
{
	struct cli_run part = {
		.args = {"contact", "import", "--partial", "-"},
		.input = "x",
		.answers = {OK("{" REPORT "}")},
	};
	struct cli_run whole = {
		.args = {"contact", "import", "-"},
		.input = "x",
		.answers = {PROBLEM("422 Unprocessable Content",
				    "{\"status\":422,\"detail\":\"line 4: pin\"," REPORT "}")},
	};

	(void)state;
	cli_run(&part);
	cli_status(&part, 1);
	cli_contains(&part.asked, "POST /v1/contacts.csv?partial=true HTTP/1.1\r\n");
	assert_string_equal(part.out.data, "1 added, 2 changed, 3 unchanged, 1 not taken\n"
					   "columns passed over: city\n");
	assert_string_equal(part.err.data, "tocsin: line 4: pin: is wrong\n");
	cli_run_fini(&part);
	cli_run(&whole);
	cli_status(&whole, 1);
	assert_string_equal(whole.out.data, "");
	assert_string_equal(whole.err.data,
			    "tocsin: line 4: pin: is wrong\ntocsin: nothing was imported\n");
	cli_run_fini(&whole);
}

static void import_needs_a_file(void **state)
{
	struct cli_run run = {.args = {"contact", "import", "/nonexistent/x.csv"}};

	(void)state;
	cli_run(&run);
	cli_status(&run, 2);
	cli_contains(&run.err, "/nonexistent/x.csv cannot be read: No such file");
	cli_run_fini(&run);
}

static void export_writes_what_came(void **state)
{
	struct cli_run run = {
		.args = {"contact", "export"},
		.answers = {"200 OK\r\nContent-Type: text/csv\r\n\r\nid,name\r\n"},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "GET /v1/contacts.csv HTTP/1.1\r\n");
	assert_string_equal(run.out.data, "id,name\r\n");
	cli_run_fini(&run);
}

/* ---- put ---- */

static void put_adds_or_changes(void **state)
{
	struct cli_run fresh = {
		.args = {"policy", "put", "-"},
		.input = "{\"name\":\"p\",\"steps\":[]}",
		.answers = {NONE, OK("{\"id\":\"" ID "1\",\"name\":\"p\"}")},
	};
	struct cli_run there = {
		.args = {"policy", "put", "-"},
		.input = "{\"id\":\"x\",\"name\":\"p\"}",
		.answers = {OK("{\"items\":[{\"id\":\"" ID "2\",\"name\":\"pp\"},{\"id\":\"" ID
			       "1\",\"name\":\"p\"}],\"next\":null}"),
			    OK("{\"id\":\"" ID "1\",\"name\":\"p\"}")},
	};

	(void)state;
	cli_run(&fresh);
	cli_status(&fresh, 0);
	cli_contains(&fresh.asked, "GET /v1/policies?q=p&limit=500 HTTP/1.1\r\n");
	cli_contains(&fresh.asked, "POST /v1/policies HTTP/1.1\r\n");
	cli_lacks(&fresh.asked, "If-Match");
	cli_contains(&fresh.asked, "{\"name\":\"p\",\"steps\":[]}");
	assert_string_equal(fresh.out.data, "policy p was added, id " ID "1\n");
	cli_run_fini(&fresh);
	cli_run(&there);
	cli_status(&there, 0);
	cli_contains(&there.asked, "PUT /v1/policies/" ID "1 HTTP/1.1\r\n");
	cli_contains(&there.asked, "If-Match: *\r\n");
	cli_contains(&there.asked, "\r\n\r\n{\"name\":\"p\"}");
	assert_string_equal(there.out.data, "policy p was changed, id " ID "1\n");
	cli_run_fini(&there);
}

static void put_wants_an_object_with_a_name(void **state)
{
	static const char *const inputs[] = {"{", "[]", "{\"steps\":[]}", "{\"name\":7}", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		struct cli_run run = {.args = {"schedule", "put", "-"}, .input = inputs[i]};

		cli_run(&run);
		cli_status(&run, 2);
		assert_int_equal(run.connections, 0);
		cli_contains(&run.err, "tocsin: standard input: ");
		cli_run_fini(&run);
	}
}

/* ---- showing ---- */

static void policy_shows_names(void **state)
{
	struct cli_run run = {
		.args = {"policy", "show", "p"},
		.answers = {OK("{\"items\":[{\"id\":\"" ID "1\",\"name\":\"p\"}],\"next\":null}"),
			    OK("{\"id\":\"" ID "1\",\"name\":\"p\",\"steps\":[{\"targets\":["
			       "\"contact:a\",\"schedule:b\",\"+49301\",\"contact:gone\"],"
			       "\"strategy\":\"call\",\"wait\":\"5m\",\"all_must_acknowledge\":true"
			       "}],\"repeat\":1,\"final\":[{\"targets\":[\"oncall\"],\"strategy\":"
			       "\"sms\",\"wait\":\"0s\"}],\"ack_timeout\":\"1h\"}"),
			    OK("{\"items\":[{\"id\":\"a\",\"name\":\"Alice\"}],\"next\":null}"),
			    OK("{\"items\":[{\"id\":\"b\",\"name\":\"ops\"}],\"next\":null}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	assert_string_equal(
		run.out.data,
		"policy p, id " ID "1\n"
		"  step 1   Alice, schedule ops, +49301, contact:gone, for 5m, all must "
		"acknowledge\n"
		"  repeat   1 time more\n"
		"  final    oncall (sms)\n"
		"  open again 1h after it was acknowledged, if it is not resolved\n");
	cli_run_fini(&run);
}

static void nobody_on_call_is_a_failure(void **state)
{
	struct cli_run nobody = {
		.args = {"oncall", "--at", "2026-01-31T18:00"},
		.answers = {OK("{\"schedule\":\"default\",\"at\":\"2026-01-31T17:00:00Z\","
			       "\"people\":[],\"until\":null,\"fault\":\"Alice is disabled\"}")},
	};
	struct cli_run alice = {
		.args = {"schedule", "oncall", "ops"},
		.answers = {OK("{\"schedule\":\"ops\",\"at\":\"2026-01-31T17:00:00Z\","
			       "\"people\":[{\"contact_id\":\"x\",\"name\":\"Alice\",\"number\":"
			       "\"+49301\",\"why\":\"on call in layer one\",\"from\":null,"
			       "\"until\":null}],\"until\":null,\"fault\":null}")},
	};

	(void)state;
	cli_run(&nobody);
	cli_status(&nobody, 1);
	cli_contains(&nobody.asked, "GET /v1/oncall?at=2026-01-31T18%3A00 HTTP/1.1\r\n");
	cli_contains(&nobody.out, "nobody is on call\nAlice is disabled\n");
	cli_run_fini(&nobody);
	cli_run(&alice);
	cli_status(&alice, 0);
	cli_contains(&alice.asked, "GET /v1/oncall?schedule=ops HTTP/1.1\r\n");
	cli_contains(&alice.out, "Alice  +49301         on call in layer one\n");
	cli_run_fini(&alice);
}

static void gaps_are_a_failure(void **state)
{
	struct cli_run run = {
		.args = {"schedule", "gaps", "ops", "--days", "3"},
		.answers = {OK("{\"items\":[{\"id\":\"" ID "1\",\"name\":\"ops\"}],\"next\":null}"),
			    OK("{\"schedule\":\"ops\",\"gaps\":[{\"from\":\"2026-01-31T17:00:00Z\","
			       "\"until\":\"2026-01-31T19:00:00Z\"}],\"seconds\":7200}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 1);
	cli_contains(&run.asked, "GET /v1/schedules/" ID "1/gaps?days=3 HTTP/1.1\r\n");
	cli_contains(&run.out, "2 h");
	cli_run_fini(&run);
}

/* ---- lists ---- */

/* One that is active must not be hidden by those that are over. */
static void lists_are_read_to_their_end(void **state)
{
	struct cli_run run = {
		.args = {"schedule", "list"},
		.answers = {OK("{\"items\":[{\"name\":\"first\",\"timezone\":\"UTC\"}],"
			       "\"next\":\"first\"}"),
			    OK("{\"items\":[{\"name\":\"second\",\"timezone\":\"UTC\"}],"
			       "\"next\":null}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "GET /v1/schedules?limit=500 HTTP/1.1\r\n");
	cli_contains(&run.asked, "GET /v1/schedules?limit=500&cursor=first HTTP/1.1\r\n");
	cli_contains(&run.out, "first");
	cli_contains(&run.out, "second");
	cli_run_fini(&run);
}

/* ---- maintenance ---- */

static void a_window_is_made_of_matchers(void **state)
{
	struct cli_run run = {
		.args = {"maintenance", "add", "db", "--match", "host=~db=.*", "--match", "a!=b",
			 "--match", "c=", "--match", "d!~e", "--start", "2026-01-31T18:00:00Z",
			 "--for=90m"},
		.answers = {OK("{\"id\":\"" ID "1\",\"name\":\"db\",\"end\":"
			       "\"2026-01-31T19:30:00Z\"}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "\"matchers\":[{\"label\":\"host\",\"op\":\"=~\",\"value\":"
				 "\"db=.*\"},{\"label\":\"a\",\"op\":\"!=\",\"value\":\"b\"},"
				 "{\"label\":\"c\",\"op\":\"=\",\"value\":\"\"},{\"label\":\"d\","
				 "\"op\":\"!~\",\"value\":\"e\"}]");
	cli_contains(&run.asked, "\"start\":\"2026-01-31T18:00:00Z\",\"end\":\"2026-01-31T19:30:00."
				 "000000Z\"");
	cli_contains(&run.out, "maintenance db until ");
	cli_run_fini(&run);
}

static void a_window_needs_an_end(void **state)
{
	static const char *const args[][8] = {
		{"maintenance", "add", "db", "--match", "a=b", NULL},
		{"maintenance", "add", "db", "--match", "a=b", "--for=1h", "--end=2h", NULL},
		{"maintenance", "add", "db", "--match", "ab", "--for=1h", NULL},
		{"maintenance", "add", "db", "--match", "=b", "--for=1h", NULL},
		{"maintenance", "add", "db", "--for=1h", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		struct cli_run run = {.args = {NULL}};

		memcpy(run.args, args[i], sizeof(args[i]));
		cli_run(&run);
		cli_status(&run, 2);
		assert_int_equal(run.connections, 0);
		cli_run_fini(&run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read_to_their_end),
		cmocka_unit_test(import_sends_the_file_as_it_is),
		cmocka_unit_test(import_names_each_fault),
		cmocka_unit_test(import_needs_a_file),
		cmocka_unit_test(export_writes_what_came),
		cmocka_unit_test(put_adds_or_changes),
		cmocka_unit_test(put_wants_an_object_with_a_name),
		cmocka_unit_test(policy_shows_names),
		cmocka_unit_test(nobody_on_call_is_a_failure),
		cmocka_unit_test(gaps_are_a_failure),
		cmocka_unit_test(a_window_is_made_of_matchers),
		cmocka_unit_test(a_window_needs_an_end),
	};

	return cmocka_run_group_tests(tests, cli_rig_setup, cli_rig_teardown);
}
