/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin ack, resolve, cancel, escalate, alert snooze: what a person decides about an alert.
 */
#include <stdlib.h>

#include "args.h"
#include "client.h"
#include "find.h"
#include "format.h"

/* A request on the alert that is meant. body: taken, or NULL */
static int ask(struct cli *cli, const struct args *args, const char *method, const char *verb,
	       json_t *body)
{
	char id[FIND_ID_SIZE], date[FORMAT_TIME_SIZE], *path, *state, *by;
	json_t *alert = NULL, *held;
	int code = find_alert(cli, args->words[0], id);

	if (code) {
		json_decref(body);
		return code;
	}
	path = client_path_of(cli->client, "/v1/alerts/", id, verb);
	code = client_ask(cli->client, method, path, body, &alert);
	free(path);
	if (code)
		return code;
	if (cli->json) {
		format_json(cli, alert);
	} else {
		held = json_object_get(alert, "held");
		state = format_member(alert, "state");
		printf("alert %s ", id);
		by = format_member(held, "by");
		format_put(cli, format_tone_of(state), state);
		if (*by)
			printf(", held back by %s until %s", by,
			       format_date(date, format_parse_time(json_string_value(
							 json_object_get(held, "until")))));
		putchar('\n');
		free(by);
		free(state);
	}
	json_decref(alert);
	return EXIT_OK;
}

static json_t *body_of(const struct args *args)
{
	return json_pack("{s:s*, s:s*}", "by", args_get(args, "by"), "note",
			 args_get(args, "note"));
}

/* verb: the end of the path. */
static int act(struct cli *cli, const struct args *args, const char *verb)
{
	json_t *body = body_of(args);

	if (!body)
		return args_wrong(args, "--by or --note is not UTF-8");
	if (args_get(args, "silence"))
		json_object_set_new(body, "silence", json_true());
	return ask(cli, args, "POST", verb, body);
}

static int snooze(struct cli *cli, const struct args *args)
{
	const char *length = args_get(args, "for"), *until = args_get(args, "until");
	json_t *body = body_of(args);

	if (!body)
		return args_wrong(args, "--by or --note is not UTF-8");
	if (!length == !until) {
		json_decref(body);
		return args_wrong(args, "one of --for and --until is needed");
	}
	if (length)
		json_object_set_new(body, "for", json_string(length));
	else
		json_object_set_new(body, "until", json_string(until));
	return ask(cli, args, "POST", "/snooze", body);
}

static int unsnooze(struct cli *cli, const struct args *args)
{
	return ask(cli, args, "DELETE", "/snooze", NULL);
}

static int acknowledge(struct cli *cli, const struct args *args)
{
	return act(cli, args, "/acknowledge");
}

static int resolve(struct cli *cli, const struct args *args)
{
	return act(cli, args, "/resolve");
}

static int cancel(struct cli *cli, const struct args *args)
{
	return act(cli, args, "/cancel");
}

static int escalate(struct cli *cli, const struct args *args)
{
	return act(cli, args, "/escalate");
}

#define WHO                                                                                        \
	{"by", .value = "NAME", .help = "who decides; default: who asks the daemon"},              \
	{"note", .value = "TEXT", .help = "for the timeline"}

static const struct cli_option options[] = {WHO, CLI_OPTION_END};

static const struct cli_option ack_options[] = {
	WHO,
	{"silence", .help = "have the alert's source silence it, too"},
	CLI_OPTION_END,
};

static const struct cli_option snooze_options[] = {
	WHO,
	{"for", .value = "DURATION", .help = "how long, as 1h"},
	{"until", .value = "TIME", .help = "until when (RFC 3339)"},
	CLI_OPTION_END,
};

#define ID_HELP                                                                                    \
	"ID is an alert's id, an unambiguous beginning of it, or \"last\": the newest alert.\n"

#define ACT(verb, fn, table, text)                                                                 \
	const struct cli_command cli_##verb = {.name = #verb,                                      \
					       .words = "ID",                                      \
					       .min = 1,                                           \
					       .max = 1,                                           \
					       .summary = text,                                    \
					       .more = ID_HELP,                                    \
					       .options = table,                                   \
					       .run = fn}

ACT(ack, acknowledge, ack_options,
    "Acknowledge an alert: somebody takes care of it, the calls stop");
ACT(resolve, resolve, options, "Resolve an alert: it is over, the calls stop");
ACT(cancel, cancel, options, "Cancel an alert: it was a mistake, the calls stop");
ACT(escalate, escalate, options, "Give an alert to the next person at once");

const struct cli_command cli_alert_snooze = {
	.name = "alert snooze",
	.words = "ID",
	.min = 1,
	.max = 1,
	.summary = "Call nobody for an alert for a while",
	.more = ID_HELP
		"Calls that are up go on. When the time is over, the alert goes on where it was.\n",
	.options = snooze_options,
	.run = snooze,
};

const struct cli_command cli_alert_unsnooze = {
	.name = "alert unsnooze",
	.words = "ID",
	.min = 1,
	.max = 1,
	.summary = "End the snooze of an alert: it goes on at once",
	.more = ID_HELP,
	.options = NULL,
	.run = unsnooze,
};
