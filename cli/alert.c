/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin alert: raise one, and wait for what becomes of it.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "client.h"
#include "format.h"
#include "story.h"

enum { POLL_NS = 300000000, MESSAGE_MAX = 64 * 1024 };

/* ---- raising ---- */

/* The options that are fields as they stand. */
static int add_fields(const struct args *args, json_t *body)
{
	static const char *const fields[][2] = {
		{"to", "target"},         {"severity", "severity"}, {"dedup-key", "dedup_key"},
		{"language", "language"}, {"voice", "voice"},       {"strategy", "strategy"},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *value = args_get(args, fields[i][0]);

		if (value && json_object_set_new(body, fields[i][1], json_string(value)))
			return args_wrong(args, "--%s is not UTF-8", fields[i][0]);
	}
	return EXIT_OK;
}

/* "k=v" of each --label. */
static int add_labels(const struct args *args, json_t *body)
{
	json_t *labels = json_object();
	const char *label, *equals;
	char *key;
	int at = 0;

	json_object_set_new(body, "labels", labels);
	while ((label = args_next(args, "label", &at))) {
		equals = strchr(label, '=');
		if (!equals || equals == label)
			return args_wrong(args, "--label %s: NAME=VALUE is wanted", label);
		key = format_text("%.*s", (int)(equals - label), label);
		if (json_object_set_new(labels, key, json_string(equals + 1))) {
			free(key);
			return args_wrong(args, "--label: not UTF-8");
		}
		free(key);
	}
	return EXIT_OK;
}

/* The text, or all of the standard input for "-". */
static int add_message(const struct args *args, json_t *body)
{
	char buf[MESSAGE_MAX + 1];
	const char *text = args->words[0];
	size_t n;

	if (!strcmp(text, "-")) {
		n = fread(buf, 1, MESSAGE_MAX, stdin);
		while (n && strchr(" \t\r\n", buf[n - 1]))
			n--;
		buf[n] = '\0';
		text = buf;
	}
	if (json_object_set_new(body, "message", json_string(text)))
		return args_wrong(args, "the text is not UTF-8");
	return EXIT_OK;
}

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

	printf("alert %s ", id);
	format_put(cli, format_tone_of(state), state);
	puts(json_is_true(json_object_get(reply, "deduplicated")) ? " (was there already)" : "");
	fflush(stdout);
	free(id);
	free(state);
}

static int run(struct cli *cli, const struct args *args)
{
	bool wait = args_get(args, "wait") != NULL;
	json_t *body = json_object(), *reply = NULL;
	int code = add_message(args, body);

	if (!code)
		code = add_fields(args, body);
	if (!code && args_get(args, "label"))
		code = add_labels(args, body);
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
	{"to", .value = "TARGET", .required = true, .help = "who must be reached: +4930123456"},
	{"severity", .value = "WORD", .help = "default: critical"},
	{"label", .value = "NAME=VALUE", .help = "to find it by, and for the prompts; repeatable"},
	{"dedup-key", .value = "KEY", .help = "an open alert with this key takes this one in"},
	{"language", .value = "LANG", .help = "of the text, as en or de-AT"},
	{"voice", .value = "NAME", .help = "of a configured voice"},
	{"strategy", .value = "HOW", .help = "default: call"},
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
		"be repeated without harm.\n",
	.options = options,
	.run = run,
};
