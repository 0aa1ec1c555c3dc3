/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin trunk list and trunk check, as test_cli_run.c does it for the other commands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/cli_rig.h"

#define FIGURES                                                                                    \
	"\"plugin\":\"ari\",\"live\":3,\"max_calls\":50,\"calls_per_second\":2.5,"                 \
	"\"placed\":70,\"failed\":7"
#define HELD                                                                                       \
	"{\"name\":\"office\",\"healthy\":true,\"text\":\"connected\",\"held\":true,"              \
	"\"held_why\":\"Asterisk is behind\"," FIGURES "}"
#define FAILING                                                                                    \
	"{\"name\":\"b\",\"healthy\":false,\"text\":\"7 of 8 calls failed\",\"held\":false,"       \
	"\"held_why\":null," FIGURES "}"

static void trunks_are_listed_with_what_holds_them(void **state)
{
	static const char *const commands[][2] = {{"trunk", "list"}, {"trunks"}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct cli_run run = {
			.args = {commands[i][0], commands[i][1]},
			.answers = {OK("{\"items\":[" HELD "," FAILING "],\"next\":null}")},
		};

		cli_run(&run);
		cli_status(&run, 0);
		cli_contains(&run.asked, "GET /v1/trunks HTTP");
		assert_string_equal(
			run.out.data,
			"TRUNK   PLUGIN  HEALTHY  CALLS  MAX  PER SECOND  PLACED  FAILED  "
			"HOW IT IS\n"
			"office  ari     yes      3      50   2.5         70      7       "
			"held back: Asterisk is behind\n"
			"b       ari     no       3      50   2.5         70      7       "
			"7 of 8 calls failed\n");
		cli_run_fini(&run);
	}
}

static void a_trunk_is_checked(void **state)
{
	static const char good[] = OK("{\"ok\":true,\"steps\":[{\"step\":\"connect\",\"ok\":true,"
				      "\"text\":\"it answers\"},{\"step\":\"endpoint\",\"ok\":null,"
				      "\"text\":\"\\u001bwas not tried\"}]}");
	struct cli_run run = {.args = {"trunk", "check", "of fice", "--number", "+4930"},
			      .answers = {good}};
	struct cli_run json = {.args = {"--json", "trunk", "check", "x"}, .answers = {good}};

	(void)state;
	cli_run(&run);
	cli_status(&run, 0);
	cli_contains(&run.asked, "POST /v1/trunks/of%20fice/check HTTP");
	cli_contains(&run.asked, "{\"number\":\"+4930\"}");
	assert_string_equal(run.out.data, "STEP      RESULT  WHAT WAS FOUND\n"
					  "connect   ok      it answers\n"
					  "endpoint  -       ?was not tried\n");
	assert_string_equal(run.err.data, "");
	cli_run(&json);
	cli_status(&json, 0);
	cli_contains(&json.asked, "\r\n\r\n{}");
	cli_contains(&json.out, "{\"ok\":true,\"steps\":[{");
	cli_run_fini(&run);
	cli_run_fini(&json);
}

static void a_trunk_that_is_not_well_is_1(void **state)
{
	struct cli_run run = {
		.args = {"trunk", "check", "office"},
		.answers = {OK("{\"ok\":false,\"steps\":[{\"step\":\"login\",\"ok\":false,"
			       "\"text\":\"user 'x' is refused\"}]}")},
	};
	struct cli_run unknown = {
		.args = {"trunk", "check", "x"},
		.answers = {PROBLEM("404 Not Found", "{\"detail\":\"there is no such trunk\"}")},
	};

	(void)state;
	cli_run(&run);
	cli_status(&run, 1);
	cli_contains(&run.out, "login  FAILED  user 'x' is refused\n");
	cli_contains(&run.err, "trunk office does not work");
	cli_run(&unknown);
	cli_status(&unknown, 1);
	assert_string_equal(unknown.out.data, "");
	cli_contains(&unknown.err, "there is no such trunk");
	cli_run_fini(&run);
	cli_run_fini(&unknown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trunks_are_listed_with_what_holds_them),
		cmocka_unit_test(a_trunk_is_checked),
		cmocka_unit_test(a_trunk_that_is_not_well_is_1),
	};

	return cmocka_run_group_tests(tests, cli_rig_setup, cli_rig_teardown);
}
