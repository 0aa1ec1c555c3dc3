/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin voices, plugins: what is configured, and how it is.
 */
#include <stdlib.h>

#include "args.h"
#include "client.h"
#include "table.h"

struct column {
	const char *title, *member;
	bool state; /* coloured by what it says */
};

/* columns: ended by one without a title. */
static int show(struct cli *cli, const char *path, const struct column *columns,
		const char *nothing)
{
	const char *titles[TABLE_COLUMNS_MAX + 1] = {NULL};
	json_t *page = NULL, *item;
	struct table t;
	size_t i;
	int code = client_ask(cli->client, "GET", path, NULL, &page);

	if (code)
		return code;
	if (cli->json) {
		format_json(cli, page);
		json_decref(page);
		return EXIT_OK;
	}
	for (i = 0; columns[i].title; i++)
		titles[i] = columns[i].title;
	table_init(&t, titles);
	json_array_foreach (json_object_get(page, "items"), i, item) {
		for (const struct column *c = columns; c->title; c++) {
			if (c->state)
				table_add_state(&t, item, c->member);
			else
				table_add_member(&t, TONE_PLAIN, item, c->member);
		}
	}
	table_print(&t, cli, nothing);
	json_decref(page);
	return EXIT_OK;
}

static int voices(struct cli *cli, const struct args *args)
{
	static const struct column columns[] = {
		{"VOICE", "name", false},
		{"PLUGIN", "plugin", false},
		{"HEALTHY", "healthy", true},
		{"HOW IT IS", "text", false},
		{.title = NULL},
	};

	(void)args;
	return show(cli, "/v1/voices", columns, "no voices: tones are played in place of speech");
}

static int plugins(struct cli *cli, const struct args *args)
{
	static const struct column columns[] = {
		{"NAME", "name", false},
		{"KIND", "kind", false},
		{"PLUGIN", "plugin", false},
		{"VERSION", "version", false},
		{"HEALTHY", "healthy", true},
		{"HOW IT IS", "text", false},
		{.title = NULL},
	};

	(void)args;
	return show(cli, "/v1/plugins", columns, "no plugins");
}

const struct cli_command cli_voices = {
	.name = "voices",
	.summary = "List the speech engines, and how they are",
	.run = voices,
};

const struct cli_command cli_plugins = {
	.name = "plugins",
	.summary = "List all plugin instances, and how they are",
	.run = plugins,
};
