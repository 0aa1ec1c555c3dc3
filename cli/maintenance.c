/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin maintenance list, add, end: times in which alerts are stored, and nobody is called.
 */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "client.h"
#include "format.h"
#include "list.h"
#include "named.h"
#include "table.h"

#define BASE "/v1/maintenance"

/* "host=~db.*, severity!=critical" */
static char *matchers_of(const json_t *window)
{
	const json_t *matchers = json_object_get(window, "matchers");
	char *all = format_text("%s", ""), *more;

	for (size_t i = 0; i < json_array_size(matchers); i++) {
		const json_t *m = json_array_get(matchers, i);
		char *label = format_member(m, "label"), *op = format_member(m, "op");
		char *value = format_member(m, "value");

		more = format_text("%s%s%s%s%s", all, i ? ", " : "", label, op, value);
		free(label);
		free(op);
		free(value);
		free(all);
		all = more;
	}
	return all;
}

static int64_t time_of(const json_t *window, const char *name)
{
	return format_parse_time(json_string_value(json_object_get(window, name)));
}

static const char *state_of(const json_t *window, int64_t now_us)
{
	if (now_us < time_of(window, "start"))
		return "planned";
	return now_us < time_of(window, "end") ? "active" : "over";
}

/* ---- list ---- */

static void print_list(const struct cli *cli, const json_t *items, bool all)
{
	static const char *const titles[] = {"NAME",    "STATE", "START", "END",
					     "MATCHES", "NOTE",  NULL};
	int64_t now_us = format_now();
	char date[FORMAT_TIME_SIZE];
	struct table t;
	json_t *window;
	size_t i;

	table_init(&t, titles);
	json_array_foreach (items, i, window) {
		const char *state = state_of(window, now_us);

		if (!all && !strcmp(state, "over"))
			continue;
		table_add_member(&t, TONE_PLAIN, window, "name");
		table_add(&t, strcmp(state, "active") ? TONE_FAINT : TONE_BUSY,
			  format_text("%s", state));
		table_add(&t, TONE_PLAIN,
			  format_text("%s", format_date(date, time_of(window, "start"))));
		table_add(&t, TONE_PLAIN,
			  format_text("%s", format_date(date, time_of(window, "end"))));
		table_add(&t, TONE_PLAIN, matchers_of(window));
		table_add_member(&t, TONE_PLAIN, window, "note");
	}
	table_print(&t, cli, "no maintenance windows");
}

static int list(struct cli *cli, const struct args *args)
{
	json_t *page;
	int code = list_whole(cli, BASE, &page);

	if (!code && cli->json)
		format_json(cli, page);
	else if (!code)
		print_list(cli, json_object_get(page, "items"), args_get(args, "all"));
	json_decref(page);
	return code;
}

static const struct cli_option list_options[] = {
	{"all", .help = "also those that are over"},
	CLI_OPTION_END,
};

const struct cli_command cli_maintenance_list = {
	.name = "maintenance list",
	.summary = "List the maintenance windows that are active or planned",
	.options = list_options,
	.run = list,
};

/* ---- add ---- */

/* "host=~db.*": NULL, or a new reference. */
static json_t *read_matcher(const char *text)
{
	size_t label = strcspn(text, "=!"), op = 0;
	static const char *const ops[] = {"=~", "!~", "!=", "="};

	for (size_t i = 0; label && i < 4 && !op; i++)
		if (!strncmp(text + label, ops[i], strlen(ops[i])))
			op = strlen(ops[i]);
	if (!op)
		return NULL;
	return json_pack("{s:s%, s:s%, s:s}", "label", text, (int)label, "op", text + label,
			 (int)op, "value", text + label + op);
}

static json_t *read_matchers(const struct args *args, int *code)
{
	json_t *all = json_array(), *matcher;
	const char *text;

	for (int at = 0; (text = args_next(args, "match", &at));) {
		matcher = read_matcher(text);
		if (!matcher) {
			*code = args_wrong(args,
					   "--match %s: LABEL=VALUE, LABEL!=VALUE, LABEL=~REGEX "
					   "or LABEL!~REGEX is wanted",
					   text);
			json_decref(all);
			return NULL;
		}
		json_array_append_new(all, matcher);
	}
	return all;
}

/* A time: RFC 3339, or "2h" from a base. */
static const char *moment(char buf[FORMAT_TIME_SIZE], const char *given, int64_t base_us)
{
	int64_t span_us = given ? format_parse_span(given) : -1;

	return span_us < 0 ? given : format_rfc3339(buf, base_us + span_us);
}

static int add(struct cli *cli, const struct args *args)
{
	char from[FORMAT_TIME_SIZE], to[FORMAT_TIME_SIZE], date[FORMAT_TIME_SIZE];
	const char *start = args_get(args, "start"), *end = args_get(args, "end");
	const char *length = args_get(args, "for");
	json_t *matchers, *body, *window = NULL;
	int code = EXIT_OK;
	char *name;

	if (!end == !length)
		return args_wrong(args, "one of --for and --end is needed");
	if (length && format_parse_span(length) < 0)
		return args_wrong(args, "--for %s: a length of time is wanted, as 30m, 2h or 7d",
				  length);
	start = start ? moment(from, start, format_now()) : format_rfc3339(from, format_now());
	end = end ? moment(to, end, format_now()) : moment(to, length, format_parse_time(start));
	matchers = read_matchers(args, &code);
	if (!matchers)
		return code;
	body = json_pack("{s:s, s:o, s:s, s:s, s:s*}", "name", args->words[0], "matchers", matchers,
			 "start", start, "end", end, "note", args_get(args, "note"));
	if (!body)
		return args_wrong(args, "the arguments are not UTF-8");
	code = client_ask(cli->client, "POST", BASE, body, &window);
	if (code)
		return code;
	name = format_member(window, "name");
	if (cli->json)
		format_json(cli, window);
	else
		printf("maintenance %s until %s\n", name,
		       format_date(date, time_of(window, "end")));
	free(name);
	json_decref(window);
	return EXIT_OK;
}

static const struct cli_option add_options[] = {
	{"match", .value = "MATCHER", .required = true,
	 .help = "host=db1, host!=db1, host=~db.*, host!~db.*; repeatable: all must match"},
	{"for", .value = "TIME", .help = "how long: 2h"},
	{"start", .value = "TIME", .help = "RFC 3339, or 1h: in an hour; default: now"},
	{"end", .value = "TIME", .help = "in the same forms, in place of --for"},
	{"note", .value = "TEXT", .help = "for people"},
	CLI_OPTION_END,
};

const struct cli_command cli_maintenance_add = {
	.name = "maintenance add",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "Hold back alerts for a while: they are stored, and nobody is called",
	.more = "Labels of an alert are matched, and its severity, source and target. What is\n"
		"still open at the end is called for then.\n",
	.options = add_options,
	.run = add,
};

/* ---- end ---- */

static int end_one(struct cli *cli, const char *path, json_t *window)
{
	char now[FORMAT_TIME_SIZE], *etag = format_text("%s", client_etag(cli->client));
	json_t *changed = NULL;
	int code;

	json_object_set_new(window, "end", json_string(format_rfc3339(now, format_now())));
	client_set_match(cli->client, etag);
	code = client_ask(cli->client, "PUT", path, json_incref(window), &changed);
	client_set_match(cli->client, NULL);
	if (!code && cli->json)
		format_json(cli, changed);
	json_decref(changed);
	free(etag);
	return code;
}

static int end(struct cli *cli, const struct args *args)
{
	json_t *window = NULL;
	int code;
	char *path = named_path(cli, BASE, args->words[0], &code);

	if (!path)
		return code;
	code = client_ask(cli->client, "GET", path, NULL, &window);
	if (!code && !strcmp(state_of(window, format_now()), "planned"))
		code = named_delete(cli, BASE, args->words[0]);
	else if (!code && !strcmp(state_of(window, format_now()), "active"))
		code = end_one(cli, path, window);
	else if (!code && cli->json)
		format_json(cli, window);
	json_decref(window);
	free(path);
	return code;
}

const struct cli_command cli_maintenance_end = {
	.name = "maintenance end",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "End a maintenance window now, by name or id",
	.more = "One that has not begun is taken away; one that is over stays as it is.\n",
	.run = end,
};
