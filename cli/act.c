/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin ack, resolve, cancel, escalate: what a person decides about an alert.
 */
#include <stdlib.h>

#include "args.h"
#include "client.h"
#include "find.h"
#include "format.h"

/* verb: the end of the path. */
static int act(struct cli *cli, const struct args *args, const char *verb)
{
	char id[FIND_ID_SIZE], *path, *state;
	json_t *body, *alert = NULL;
	int code = find_alert(cli, args->words[0], id);

	if (code)
		return code;
	body = json_pack("{s:s*, s:s*}", "by", args_get(args, "by"), "note",
			 args_get(args, "note"));
	if (!body)
		return args_wrong(args, "--by or --note is not UTF-8");
	path = client_path_of(cli->client, "/v1/alerts/", id, verb);
	code = client_ask(cli->client, "POST", path, body, &alert);
	free(path);
	if (code)
		return code;
	if (cli->json) {
		format_json(cli, alert);
	} else {
		state = format_member(alert, "state");
		printf("alert %s ", id);
		format_put(cli, format_tone_of(state), state);
		putchar('\n');
		free(state);
	}
	json_decref(alert);
	return EXIT_OK;
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

static const struct cli_option options[] = {
	{"by", .value = "NAME", .help = "who decides; default: who asks the daemon"},
	{"note", .value = "TEXT", .help = "for the timeline"},
	CLI_OPTION_END,
};

#define ID_HELP                                                                                    \
	"ID is an alert's id, an unambiguous beginning of it, or \"last\": the newest alert.\n"

#define ACT(verb, fn, text)                                                                        \
	const struct cli_command cli_##verb = {.name = #verb,                                      \
					       .words = "ID",                                      \
					       .min = 1,                                           \
					       .max = 1,                                           \
					       .summary = text,                                    \
					       .more = ID_HELP,                                    \
					       .options = options,                                 \
					       .run = fn}

ACT(ack, acknowledge, "Acknowledge an alert: somebody takes care of it, the calls stop");
ACT(resolve, resolve, "Resolve an alert: it is over, the calls stop");
ACT(cancel, cancel, "Cancel an alert: it was a mistake, the calls stop");
ACT(escalate, escalate, "Give an alert to the next person at once");
