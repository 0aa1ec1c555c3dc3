/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin explain: the sentences that it makes of a timeline, and their order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/cli_rig.h"

#define ID "01890000-1234-7000-8000-000000000001"

/* An entry without a call, and one of call a or b. */
#define AT(s, what, text, reason)                                                                  \
	"{\"at\":\"2026-01-31T18:00:" s "Z\",\"what\":\"" what "\",\"text\":\"" text               \
	"\",\"call_id\":null,\"reason\":" reason "}"
#define IN(call, s, what, text, reason)                                                            \
	"{\"at\":\"2026-01-31T18:00:" s "Z\",\"what\":\"" what "\",\"text\":\"" text               \
	"\",\"call_id\":\"" call "\",\"reason\":" reason "}"

#define HEAD(state, by, at)                                                                        \
	"{\"id\":\"" ID "\",\"state\":\"" state "\",\"message\":\"Fire\",\"severity\":"            \
	"\"critical\",\"target\":\"policy:ops\",\"created_at\":\"2026-01-31T18:00:00Z\","          \
	"\"acknowledged_by\":" by ",\"acknowledged_at\":" at

static void explain(struct cli_run *run, const char *answer)
{
	*run = (struct cli_run){.args = {"explain", ID}, .answers = {answer}};
	cli_run(run);
	cli_status(run, 0);
}

static void steps_and_calls_are_told_in_order(void **state)
{
	struct cli_run run;

	(void)state;
	explain(&run,
		OK(HEAD("acknowledged", "\"Bob\"", "\"2026-01-31T18:00:40Z\"") ",\"timeline\":["
		   AT("00.1", "alert.raised", "raised by uid:0", "null") ","
		   AT("00.2", "escalation.step", "step 1 of 2 of policy ops: calls Alice, Bob",
		      "null") ","
		   IN("a", "00.3", "call.placing", "calling Alice by trunk office", "null") ","
		   IN("b", "00.4", "call.placing", "calling Bob by trunk office", "null") ","
		   IN("b", "01", "pbx.events", "2 further events of the PBX", "null") ","
		   IN("a", "02", "call.ended", "called Alice: busy (486)",
		      "\"calling again in 10 s\"") ","
		   AT("30", "escalation.step", "step 2 of 2 of policy ops: calls Carol",
		      "\"nobody has acknowledged within 30s\"") ","
		   IN("b", "35", "call.answered", "Bob answered", "null") ","
		   IN("b", "40", "call.key", "Bob pressed 4: acknowledge", "null") "]}"));
	cli_contains(&run.asked, "GET /v1/alerts/" ID " HTTP");
	cli_contains(&run.out,
		     "\n2026-01-31 18:00:00  Step 1 of 2 of policy ops: calls Alice, Bob.\n"
		     "    call 1: Alice\n"
		     "      18:00:00.300  Calling Alice by trunk office.\n"
		     "      18:00:02.000  Called Alice: busy (486). Then: calling again in 10 s.\n"
		     "    call 2: Bob\n"
		     "      18:00:00.400  Calling Bob by trunk office.\n"
		     "\n2026-01-31 18:00:30  Step 2 of 2 of policy ops: calls Carol. "
		     "The reason: nobody has acknowledged within 30s.\n"
		     "    an earlier call goes on: Bob\n"
		     "      18:00:35.000  Bob answered.\n"
		     "      18:00:40.000  Bob pressed 4: acknowledge.\n");
	cli_contains(&run.out, "now: acknowledged. Somebody has taken it. "
			       "Acknowledged by Bob, 40 s after it was raised.\n");
	cli_lacks(&run.out, "further events");
	cli_run_fini(&run);
}

static void what_is_held_is_said_to_be(void **state)
{
	struct cli_run run;

	(void)state;
	explain(&run, OK(HEAD("open", "null", "null") ",\"held\":{\"by\":\"snooze by Eve\"},"
			 "\"timeline\":[" AT("00.1", "alert.raised", "raised by uid:0", "null") ","
			 AT("01", "alert.snoozed", "nobody is called until 19:00", "null") "]}"));
	cli_contains(&run.out, "  18:00:01.000  Nobody is called until 19:00.\n");
	cli_contains(&run.out, "now: open. It is held back");
	cli_run_fini(&run);
}

static void a_timeline_harms_no_terminal(void **state)
{
	struct cli_run run;

	(void)state;
	explain(&run, OK(HEAD("open", "null", "null") ",\"timeline\":["
			 AT("00", "alert.raised", "\\u001b[2Jraised", "\"x\\ny\"") ","
			 IN("a", "01", "call.ended", "", "null") ",{},7]}"));
	cli_lacks(&run.out, "\033[2J");
	cli_contains(&run.out, "call 1\n");
	cli_contains(&run.out, "Call.ended.");
	cli_run_fini(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_and_calls_are_told_in_order),
		cmocka_unit_test(what_is_held_is_said_to_be),
		cmocka_unit_test(a_timeline_harms_no_terminal),
	};

	return cmocka_run_group_tests(tests, cli_rig_setup, cli_rig_teardown);
}
