/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin trunk list, trunk check: the ways to place calls, how they are and what is wrong with
 * them.
 */
#include <stdlib.h>

#include "args.h"
#include "client.h"
#include "list.h"
#include "table.h"

/* ---- list ---- */

static void add_how(struct table *t, const json_t *trunk)
{
	char *why = format_member(trunk, "held_why");

	if (json_is_true(json_object_get(trunk, "held")))
		table_add(t, TONE_BUSY, format_text("held back: %s", why));
	else
		table_add_member(t, TONE_PLAIN, trunk, "text");
	free(why);
}

static void print_list(const struct cli *cli, const json_t *items)
{
	static const char *const titles[] = {"TRUNK",      "PLUGIN", "HEALTHY", "CALLS",     "MAX",
					     "PER SECOND", "PLACED", "FAILED",  "HOW IT IS", NULL};
	struct table t;

	table_init(&t, titles);
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *trunk = json_array_get(items, i);

		table_add_member(&t, TONE_PLAIN, trunk, "name");
		table_add_member(&t, TONE_PLAIN, trunk, "plugin");
		table_add_state(&t, trunk, "healthy");
		table_add_member(&t, TONE_PLAIN, trunk, "live");
		table_add_member(&t, TONE_PLAIN, trunk, "max_calls");
		table_add_member(&t, TONE_PLAIN, trunk, "calls_per_second");
		table_add_member(&t, TONE_PLAIN, trunk, "placed");
		table_add_member(&t, TONE_PLAIN, trunk, "failed");
		add_how(&t, trunk);
	}
	table_print(&t, cli, "no trunks: nobody can be called");
}

static int list(struct cli *cli, const struct args *args)
{
	const struct client_param none[] = {{NULL, NULL}};

	(void)args;
	return list_page(cli, client_path(cli->client, "/v1/trunks", none), print_list, "more");
}

#define LIST "List the ways to place calls, and how they are"

const struct cli_command cli_trunk_list = {
	.name = "trunk list",
	.summary = LIST,
	.run = list,
};

const struct cli_command cli_trunks = {
	.name = "trunks",
	.summary = LIST,
	.run = list,
};

/* ---- check ---- */

/* What a step says is not cut: it is what one has come for. */
static void print_steps(const struct cli *cli, const json_t *steps)
{
	static const char *const titles[] = {"STEP", "RESULT", "WHAT WAS FOUND", NULL};
	struct cli uncut = *cli;
	struct table t;

	uncut.width = 0;
	table_init(&t, titles);
	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i), *ok = json_object_get(step, "ok");

		table_add_member(&t, TONE_PLAIN, step, "step");
		if (json_is_boolean(ok))
			table_add(&t, json_is_true(ok) ? TONE_GOOD : TONE_BAD,
				  format_text("%s", json_is_true(ok) ? "ok" : "FAILED"));
		else
			table_add(&t, TONE_FAINT, format_text("-"));
		table_add_member(&t, TONE_PLAIN, step, "text");
	}
	table_print(&t, &uncut, "nothing was checked");
}

static int check(struct cli *cli, const struct args *args)
{
	char *path = client_path_of(cli->client, "/v1/trunks/", args->words[0], "/check");
	json_t *body = json_pack("{s:s*}", "number", args_get(args, "number")), *report = NULL;
	bool ok;
	int code;

	if (!body) {
		free(path);
		return args_wrong(args, "the number is not UTF-8");
	}
	code = client_ask(cli->client, "POST", path, body, &report);
	free(path);
	if (code)
		return code;
	ok = json_is_true(json_object_get(report, "ok"));
	if (cli->json)
		format_json(cli, report);
	else
		print_steps(cli, json_object_get(report, "steps"));
	json_decref(report);
	fflush(stdout);
	if (!ok)
		fprintf(stderr, "tocsin: trunk %s does not work as it should\n", args->words[0]);
	return ok ? EXIT_OK : EXIT_REFUSED;
}

static const struct cli_option check_options[] = {
	{"number", .value = "NUMBER", .help = "look at the way to it as well; it is not called"},
	CLI_OPTION_END,
};

const struct cli_command cli_trunk_check = {
	.name = "trunk check",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "Find out what is wrong with a trunk, step by step",
	.more = "Nobody's telephone rings. A step that could not be tried is marked with a dash.\n"
		"Ends with 0 when no step failed.\n",
	.options = check_options,
	.run = check,
};
