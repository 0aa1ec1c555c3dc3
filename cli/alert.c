/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin alert: raise one, and wait for what becomes of it.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "body.h"
#include "client.h"
#include "format.h"
#include "story.h"

enum { POLL_NS = 300000000 };

/* ---- waiting ---- */

static bool is_over(const char *state, int *code)
{
	static const struct {
		const char *state;
		int code;
	} ends[] = {
		{"acknowledged", EXIT_OK},
		{"resolved", EXIT_OK},
		{"exhausted", EXIT_NOT_ACKED},
		{"cancelled", EXIT_NOT_ACKED},
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (strcmp(ends[i].state, state) != 0)
			continue;
		*code = ends[i].code;
		return true;
	}
	return false;
}

/* A daemon that is being restarted will go on with the alert: wait for it as well. */
static int ask_patiently(struct cli *cli, const char *path, json_t **alert)
{
	bool told = false;
	int code;

	client_set_quiet(cli->client, true);
	while ((code = client_ask(cli->client, "GET", path, NULL, alert)) == EXIT_AWAY) {
		if (!told)
			fputs("tocsin: the daemon is away; waiting for it\n", stderr);
		told = true;
		sleep(1);
	}
	client_set_quiet(cli->client, false);
	return code;
}

static int wait_for_end(struct cli *cli, const char *id)
{
	static const struct timespec poll = {.tv_nsec = POLL_NS};
	char *path = client_path_of(cli->client, "/v1/alerts/", id, "");
	json_t *alert = NULL;
	size_t told = 0;
	bool over = false;
	int code = EXIT_OK;

	while (!over) {
		const json_t *timeline;
		char *state;

		code = ask_patiently(cli, path, &alert);
		if (code)
			break;
		state = format_member(alert, "state");
		timeline = json_object_get(alert, "timeline");
		if (!cli->json)
			story_print(cli, timeline, told,
				    format_parse_time(json_string_value(
					    json_object_get(alert, "created_at"))));
		told = json_array_size(timeline);
		over = is_over(state, &code);
		if (over && cli->json)
			format_json(cli, alert);
		free(state);
		json_decref(alert);
		fflush(stdout);
		if (!over)
			nanosleep(&poll, NULL);
	}
	free(path);
	return code;
}

static void print_raised(const struct cli *cli, const json_t *reply)
{
	char *id = format_member(reply, "id"), *state = format_member(reply, "state");
	char *at = format_member(reply, "at");

	printf("alert %s ", id);
	format_put(cli, format_tone_of(state), state);
	if (*at)
		printf(" for %s", at);
	puts(json_is_true(json_object_get(reply, "deduplicated")) ? " (was there already)" : "");
	fflush(stdout);
	free(id);
	free(state);
	free(at);
}

static int run(struct cli *cli, const struct args *args)
{
	bool wait = args_get(args, "wait") != NULL;
	json_t *body = json_object(), *reply = NULL;
	int code = body_message(args, args->words[0], body);

	if (!code)
		code = body_fields(args, body);
	if (!code && wait && args_get(args, "at"))
		code = args_wrong(args, "--wait cannot wait for what is planned (--at)");
	if (code) {
		json_decref(body);
		return code;
	}
	code = client_ask(cli->client, "POST", "/v1/alerts", body, &reply);
	if (code)
		return code;
	if (!cli->json)
		print_raised(cli, reply);
	else if (!wait)
		format_json(cli, reply);
	if (wait)
		code = wait_for_end(cli, json_string_value(json_object_get(reply, "id")));
	json_decref(reply);
	return code;
}

static const struct cli_option options[] = {
	{"to", .value = "TARGET", .required = true,
	 .help = "+4930123456, contact:NAME, schedule:NAME, policy:NAME or oncall"},
	{"severity", .value = "WORD", .help = "default: critical"},
	{"label", .value = "NAME=VALUE", .help = "to find it by, and for the prompts; repeatable"},
	{"dedup-key", .value = "KEY", .help = "an open alert with this key takes this one in"},
	{"language", .value = "LANG", .help = "of the text, as en or de-AT"},
	{"voice", .value = "NAME", .help = "of a configured voice"},
	{"strategy", .value = "HOW", .help = "default: call"},
	{"at", .value = "TIME", .help = "later: RFC 3339, or YYYY-MM-DDTHH:MM with --timezone"},
	{"timezone", .value = "NAME", .help = "of --at, as Europe/Rome"},
	{"wait", .help = "until somebody acknowledges, and show what happens"},
	CLI_OPTION_END,
};

const struct cli_command cli_alert = {
	.name = "alert",
	.words = "TEXT",
	.min = 1,
	.max = 1,
	.summary = "Raise an alert",
	.more = "The daemon calls, speaks TEXT and goes on until a key is pressed. When this\n"
		"command ends, the alert is on the daemon's disk. TEXT \"-\" is read from the\n"
		"standard input. With --wait it ends with 0 when the alert is acknowledged or\n"
		"resolved, with 4 when it is exhausted or cancelled. With a --dedup-key it can\n"
		"be repeated without harm. With --at it is planned, see 'tocsin plan'.\n",
	.options = options,
	.run = run,
};
