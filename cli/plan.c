/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin plan list, show, add, edit, cancel: alerts that are raised later.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "body.h"
#include "client.h"
#include "find.h"
#include "format.h"
#include "list.h"
#include "table.h"

enum { ID_LENGTH = 36 };

/* ---- showing ---- */

static void line(const char *name, char *text)
{
	if (*text)
		printf("  %-12s %s\n", name, text);
	free(text);
}

/* A time as it was given, and how far away it is. */
static void line_at(const char *name, const json_t *plan, const char *member)
{
	char *text = format_member(plan, member), ago[FORMAT_TIME_SIZE];
	int64_t at_us = format_parse_time(text);

	if (at_us)
		line(name, format_text("%s (%s)", text, format_ago(ago, at_us, format_now())));
	free(text);
}

static void line_count(const char *name, const json_t *plan, const char *member)
{
	long long n = json_integer_value(json_object_get(plan, member));

	if (n)
		line(name, format_text("%lld", n));
}

static void print_plan(const struct cli *cli, const json_t *plan)
{
	static const char *const texts[][2] = {
		{"message", "message"},   {"target", "target"},   {"strategy", "strategy"},
		{"severity", "severity"}, {"source", "source"},   {"dedup key", "dedup_key"},
		{"language", "language"}, {"voice", "voice"},     {"at", "at"},
		{"rule", "rrule"},        {"start", "start"},     {"timezone", "timezone"},
		{"max lateness", "max_lateness"},
	};
	const json_t *labels = json_object_get(plan, "labels");
	char *id = format_member(plan, "id"), *state = format_member(plan, "state");
	const char *key;
	json_t *value;

	printf("plan %s ", id);
	format_put(cli, format_tone_of(state), state);
	putchar('\n');
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		line(texts[i][0], format_member(plan, texts[i][1]));
	json_object_foreach ((json_t *)labels, key, value) {
		char *name = format_clean(key), *text = format_clean(json_string_value(value));

		line("label", format_text("%s=%s", name, text));
		free(name);
		free(text);
	}
	line_at("next", plan, "next_at");
	line_at("last raised", plan, "last_at");
	line("last alert", format_member(plan, "last_alert_id"));
	line_count("times raised", plan, "raised");
	line_at("last missed", plan, "missed_at");
	line_count("times missed", plan, "missed");
	line("because", format_member(plan, "reason"));
	free(id);
	free(state);
}

static int answer(struct cli *cli, json_t *plan)
{
	if (cli->json)
		format_json(cli, plan);
	else
		print_plan(cli, plan);
	json_decref(plan);
	return EXIT_OK;
}

/* ---- list ---- */

/* When it is to be, or was to be. */
static char *when(const json_t *plan)
{
	static const char *const members[] = {"next_at", "at", "last_at", "missed_at"};
	char date[FORMAT_TIME_SIZE];
	int64_t at_us = 0;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && !at_us; i++)
		at_us = format_parse_time(json_string_value(json_object_get(plan, members[i])));
	return format_text("%s", format_date(date, at_us));
}

static void print_list(const struct cli *cli, const json_t *items)
{
	static const char *const titles[] = {"PLAN",   "STATE",  "WHEN",   "RULE",
					     "MISSED", "TARGET", "MESSAGE", NULL};
	struct table t;
	json_t *plan;
	size_t i;

	table_init(&t, titles);
	json_array_foreach (items, i, plan) {
		long long missed = json_integer_value(json_object_get(plan, "missed"));
		const char *id = json_string_value(json_object_get(plan, "id"));

		table_add(&t, TONE_FAINT, find_shown(cli, id));
		table_add_state(&t, plan, "state");
		table_add(&t, TONE_PLAIN, when(plan));
		table_add_member(&t, TONE_PLAIN, plan, "rrule");
		table_add(&t, TONE_BAD, missed ? format_text("%lld", missed) : NULL);
		table_add_member(&t, TONE_PLAIN, plan, "target");
		table_add_member(&t, TONE_PLAIN, plan, "message");
	}
	table_print(&t, cli, "nothing is planned");
}

static int list(struct cli *cli, const struct args *args)
{
	const char *state = args_get(args, "state");
	const struct client_param params[] = {
		{"state", state ? state : args_get(args, "all") ? NULL : "planned"},
		{"limit", args_get(args, "limit")},
		{"cursor", args_get(args, "cursor")},
		{NULL, NULL},
	};

	return list_page(cli, client_path(cli->client, "/v1/planned", params), print_list,
			 "later ones");
}

static const struct cli_option list_options[] = {
	{"all", .help = "also what was raised, missed, cancelled or is finished"},
	{"state", .value = "STATE", .help = "planned, raised, missed, cancelled or finished"},
	{"limit", .value = "N", .help = "1 to 500, default 100"},
	{"cursor", .value = "NEXT", .help = "the \"next\" of the list before"},
	CLI_OPTION_END,
};

const struct cli_command cli_plan_list = {
	.name = "plan list",
	.summary = "List what is planned, by time",
	.options = list_options,
	.run = list,
};

/* ---- which one ---- */

struct search {
	const char *beginning;
	char id[ID_LENGTH + 1];
	size_t n;
};

static bool look_through(void *arg, const json_t *page)
{
	struct search *search = arg;
	json_t *plan;
	size_t i;

	json_array_foreach (json_object_get(page, "items"), i, plan) {
		const char *id = json_string_value(json_object_get(plan, "id"));

		if (!id || strncmp(id, search->beginning, strlen(search->beginning)) != 0)
			continue;
		search->n++;
		snprintf(search->id, sizeof(search->id), "%s", id);
	}
	return search->n < 2;
}

/* The path of one that is given by its id or its beginning. Owned; NULL: *code says why. */
static char *path_of(struct cli *cli, const char *given, int *code)
{
	char lower[ID_LENGTH + 1];
	struct search search = {.beginning = lower};

	snprintf(lower, sizeof(lower), "%s", given);
	for (char *s = lower; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	*code = EXIT_OK;
	if (strlen(given) >= ID_LENGTH)
		return client_path_of(cli->client, "/v1/planned/", given, "");
	*code = list_each(cli, "/v1/planned", NULL, look_through, &search);
	if (!*code && search.n == 1)
		return client_path_of(cli->client, "/v1/planned/", search.id, "");
	if (!*code) {
		fprintf(stderr,
			search.n ? "tocsin: more than one plan begins with %s\n"
				 : "tocsin: there is no plan that begins with %s\n",
			lower);
		*code = EXIT_REFUSED;
	}
	return NULL;
}

static int show(struct cli *cli, const struct args *args)
{
	json_t *plan = NULL;
	int code;
	char *path = path_of(cli, args->words[0], &code);

	if (!path)
		return code;
	code = client_ask(cli->client, "GET", path, NULL, &plan);
	free(path);
	return code ? code : answer(cli, plan);
}

const struct cli_command cli_plan_show = {
	.name = "plan show",
	.words = "ID",
	.min = 1,
	.max = 1,
	.summary = "Show what is planned, or what became of it",
	.run = show,
};

/* ---- add ---- */

static int add(struct cli *cli, const struct args *args)
{
	json_t *body = json_object(), *plan = NULL;
	int code = body_message(args, args->words[0], body);

	if (!code)
		code = body_fields(args, body);
	if (!code && !args_get(args, "at") == !args_get(args, "rrule"))
		code = args_wrong(args, "one of --at and --rrule is needed");
	if (code) {
		json_decref(body);
		return code;
	}
	code = client_ask(cli->client, "POST", "/v1/planned", body, &plan);
	return code ? code : answer(cli, plan);
}

#define TO   "+4930123456, contact:NAME, schedule:NAME, policy:NAME or oncall"
#define WHAT                                                                                       \
	{"at", .value = "TIME", .help = "once: RFC 3339, or YYYY-MM-DDTHH:MM with --timezone"},    \
		{"rrule", .value = "RULE", .help = "again and again: FREQ=WEEKLY;BYDAY=MO"},       \
		{"start", .value = "TIME", .help = "of --rrule: YYYY-MM-DDTHH:MM"},                \
		{"timezone", .value = "NAME", .help = "of --at and --start, as Europe/Rome"},      \
		{"max-lateness", .value = "TIME",                                                  \
		 .help = "what is later than this is missed: 30m; default: the daemon's"},         \
		{"severity", .value = "WORD", .help = "default: critical"},                        \
		{"label", .value = "NAME=VALUE",                                                   \
		 .help = "to find it by, and for the prompts; repeatable"},                        \
		{"dedup-key", .value = "KEY",                                                      \
		 .help = "an open alert with this key takes it in"},                               \
		{"language", .value = "LANG", .help = "of the text, as en or de-AT"},              \
		{"voice", .value = "NAME", .help = "of a configured voice"},                       \
	{                                                                                          \
		"strategy", .value = "HOW", .help = "default: call"                                \
	}

static const struct cli_option add_options[] = {
	{"to", .value = "TARGET", .required = true, .help = TO},
	WHAT,
	CLI_OPTION_END,
};

const struct cli_command cli_plan_add = {
	.name = "plan add",
	.words = "TEXT",
	.min = 1,
	.max = 1,
	.summary = "Plan an alert: once, or again and again",
	.more = "TEXT is said when the time has come; \"-\" is read from the standard input. A\n"
		"local time that does not exist or exists twice, as clocks are changed, is\n"
		"refused, and the times that can be meant are named. What could not be raised\n"
		"in time is raised up to --max-lateness later, else it is missed.\n",
	.options = add_options,
	.run = add,
};

/* ---- edit ---- */

/* Once in place of a rule, or a rule in place of once: what belonged to the other goes. */
static void change_kind(const struct args *args, json_t *plan)
{
	if (args_get(args, "at")) {
		json_object_del(plan, "rrule");
		json_object_del(plan, "start");
	}
	if (args_get(args, "rrule"))
		json_object_del(plan, "at");
}

static int edit_one(struct cli *cli, const struct args *args, const char *path)
{
	const char *message = args_get(args, "message");
	json_t *plan = NULL, *changed = NULL;
	char *etag;
	int code = client_ask(cli->client, "GET", path, NULL, &plan);

	if (code)
		return code;
	etag = format_text("%s", client_etag(cli->client));
	change_kind(args, plan);
	if (message)
		code = body_message(args, message, plan);
	if (!code)
		code = body_fields(args, plan);
	if (!code) {
		client_set_match(cli->client, etag);
		code = client_ask(cli->client, "PUT", path, plan, &changed);
		client_set_match(cli->client, NULL);
	} else {
		json_decref(plan);
	}
	free(etag);
	return code ? code : answer(cli, changed);
}

/* Was any option of this command given? Others, as --json, change nothing. */
static bool is_anything(const struct args *args)
{
	for (const struct cli_option *o = args->command->options; o->name; o++)
		if (args_get(args, o->name))
			return true;
	return false;
}

static int edit(struct cli *cli, const struct args *args)
{
	int code;
	char *path;

	if (!is_anything(args))
		return args_wrong(args, "what is to be changed?");
	path = path_of(cli, args->words[0], &code);
	if (path)
		code = edit_one(cli, args, path);
	free(path);
	return code;
}

static const struct cli_option edit_options[] = {
	{"message", .value = "TEXT", .help = "what is said; -: standard input"},
	{"to", .value = "TARGET", .help = TO},
	WHAT,
	CLI_OPTION_END,
};

const struct cli_command cli_plan_edit = {
	.name = "plan edit",
	.words = "ID",
	.min = 1,
	.max = 1,
	.summary = "Change what is planned",
	.more = "What is not given stays; --label replaces all labels. Refused when it was\n"
		"raised, missed or cancelled, or changed by somebody else meanwhile.\n",
	.options = edit_options,
	.run = edit,
};

/* ---- cancel ---- */

static int cancel(struct cli *cli, const struct args *args)
{
	int code;
	char *path = path_of(cli, args->words[0], &code);

	if (!path)
		return code;
	client_set_match(cli->client, "*"); /* whatever it is by now, it is not to be raised */
	code = client_ask(cli->client, "DELETE", path, NULL, NULL);
	client_set_match(cli->client, NULL);
	free(path);
	if (!code && cli->json)
		puts("{}");
	return code;
}

const struct cli_command cli_plan_cancel = {
	.name = "plan cancel",
	.words = "ID",
	.min = 1,
	.max = 1,
	.summary = "Cancel what is planned",
	.more = "Ends with 1 when it was raised already; then cancel the alert, which has the\n"
		"same id when it was planned for one time.\n",
	.run = cancel,
};
