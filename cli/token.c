/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin token add, list, delete: who may use the API over TCP.
 */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "client.h"
#include "format.h"
#include "list.h"
#include "table.h"

/* ---- add ---- */

static void print_fresh(const json_t *token)
{
	int64_t expires_us =
		format_parse_time(json_string_value(json_object_get(token, "expires_at")));
	char *id = format_member(token, "id"), *name = format_member(token, "name");
	char *scope = format_member(token, "scope"), *text = format_member(token, "token");
	char date[FORMAT_TIME_SIZE];

	printf("token %s, scope %s, expires %s, id %s\n", name, scope,
	       expires_us ? format_date(date, expires_us) : "never", id);
	printf("This is the only time that it is shown:\n%s\n", text);
	free(id);
	free(name);
	free(scope);
	free(text);
}

static int add(struct cli *cli, const struct args *args)
{
	const char *expires = args_get(args, "expires");
	int64_t span_us = expires ? format_parse_span(expires) : -1;
	char at[FORMAT_TIME_SIZE];
	json_t *body, *token = NULL;
	int code;

	if (span_us >= 0)
		expires = format_rfc3339(at, format_now() + span_us);
	body = json_pack("{s:s, s:s, s:s*}", "name", args->words[0], "scope",
			 args_get(args, "scope"), "expires_at", expires);
	if (!body)
		return args_wrong(args, "the name is not UTF-8");
	code = client_ask(cli->client, "POST", "/v1/tokens", body, &token);
	if (code)
		return code;
	if (cli->json)
		format_json(cli, token);
	else
		print_fresh(token);
	json_decref(token);
	return EXIT_OK;
}

static const struct cli_option add_options[] = {
	{"scope", .value = "SCOPE", .required = true, .help = "read, alert or admin"},
	{"expires", .value = "TIME", .help = "90d: in ninety days; or RFC 3339; default: never"},
	CLI_OPTION_END,
};

const struct cli_command cli_token_add = {
	.name = "token add",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "Make an API token and show it, once",
	.more = "read sees everything, alert also raises alerts and acts on them, admin also "
		"makes\n"
		"tokens. The token is the last line of the output. NAME is seen in timelines.\n",
	.options = add_options,
	.run = add,
};

/* ---- list ---- */

static void add_date(struct table *t, const json_t *token, const char *name, const char *none)
{
	int64_t at_us = format_parse_time(json_string_value(json_object_get(token, name)));
	char date[FORMAT_TIME_SIZE];

	table_add(t, TONE_PLAIN, format_text("%s", at_us ? format_date(date, at_us) : none));
}

static void print_list(const struct cli *cli, const json_t *items)
{
	static const char *const titles[] = {"TOKEN", "NAME", "SCOPE", "MADE", "EXPIRES", NULL};
	const json_t *token;
	struct table t;
	size_t i;

	table_init(&t, titles);
	json_array_foreach (items, i, token) {
		table_add_member(&t, TONE_FAINT, token, "id");
		table_add_member(&t, TONE_PLAIN, token, "name");
		table_add_member(&t, TONE_PLAIN, token, "scope");
		add_date(&t, token, "created_at", "");
		add_date(&t, token, "expires_at", "never");
	}
	table_print(&t, cli, "no tokens");
}

static int list(struct cli *cli, const struct args *args)
{
	const struct client_param none[] = {{NULL, NULL}};

	(void)args;
	return list_page(cli, client_path(cli->client, "/v1/tokens", none), print_list, "more");
}

const struct cli_command cli_token_list = {
	.name = "token list",
	.summary = "List the API tokens (not the secrets)",
	.run = list,
};

/* ---- delete ---- */

/* The id of the token of this name; NULL if there is none. Borrowed from the page. */
static const char *id_of(const json_t *page, const char *name)
{
	json_t *token;
	size_t i;

	json_array_foreach (json_object_get(page, "items"), i, token) {
		const char *have = json_string_value(json_object_get(token, "name"));

		if (have && !strcmp(have, name))
			return json_string_value(json_object_get(token, "id"));
	}
	return NULL;
}

static int delete (struct cli *cli, const struct args *args)
{
	const char *given = args->words[0], *id;
	json_t *page = NULL;
	char *path;
	int code = client_ask(cli->client, "GET", "/v1/tokens", NULL, &page);

	if (code)
		return code;
	id = id_of(page, given);
	path = client_path_of(cli->client, "/v1/tokens/", id ? id : given, "");
	json_decref(page);
	code = client_ask(cli->client, "DELETE", path, NULL, NULL);
	free(path);
	if (!code && cli->json)
		puts("{}");
	return code;
}

const struct cli_command cli_token_delete = {
	.name = "token delete",
	.words = "ID",
	.min = 1,
	.max = 1,
	.summary = "Take an API token away, by its id or name",
	.run = delete,
};
