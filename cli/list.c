/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin alerts, tocsin calls: lists, newest first.
 */
#include "list.h"

#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "client.h"
#include "find.h"
#include "table.h"

#define PAGE "20"

/* "2h" is two hours ago; anything else is for the daemon to judge. NULL stays NULL. */
static const char *moment(char buf[FORMAT_TIME_SIZE], const char *given)
{
	int64_t span_us = given ? format_parse_span(given) : -1;

	return span_us < 0 ? given : format_rfc3339(buf, format_now() - span_us);
}

int list_page(struct cli *cli, char *path,
	      void (*print)(const struct cli *cli, const json_t *items), const char *further)
{
	json_t *page = NULL;
	int code = client_ask(cli->client, "GET", path, NULL, &page);
	char *next;

	free(path);
	if (code)
		return code;
	if (cli->json) {
		format_json(cli, page);
	} else {
		print(cli, json_object_get(page, "items"));
		next = format_member(page, "next");
		if (*next && cli->terminal)
			printf("... and %s: --cursor %s\n", further, next);
		free(next);
	}
	json_decref(page);
	return EXIT_OK;
}

int list_each(struct cli *cli, const char *base, const char *q,
	      bool (*fn)(void *arg, const json_t *page), void *arg)
{
	struct client_param params[] = {{"q", q}, {"limit", "500"}, {"cursor", NULL}, {NULL, NULL}};
	char *path, *next = NULL;
	bool more = true;
	int code;

	do {
		json_t *page = NULL;

		path = client_path(cli->client, base, params);
		code = client_ask(cli->client, "GET", path, NULL, &page);
		free(path);
		free(next);
		next = format_member(page, "next");
		params[2].value = next;
		more = !code && fn(arg, page) && *next;
		json_decref(page);
	} while (more);
	free(next);
	return code;
}

static bool add_items(void *arg, const json_t *page)
{
	return !json_array_extend(json_object_get(arg, "items"), json_object_get(page, "items"));
}

int list_whole(struct cli *cli, const char *base, json_t **page)
{
	*page = json_pack("{s:[], s:n}", "items", "next");
	return list_each(cli, base, NULL, add_items, *page);
}

static void add_ago(struct table *t, const json_t *object, const char *name)
{
	char ago[FORMAT_TIME_SIZE];
	int64_t at_us = format_parse_time(json_string_value(json_object_get(object, name)));

	table_add(t, TONE_PLAIN, format_text("%s", format_ago(ago, at_us, format_now())));
}

static void add_id(struct table *t, const struct cli *cli, const json_t *object, const char *name)
{
	table_add(t, TONE_FAINT, find_shown(cli, json_string_value(json_object_get(object, name))));
}

/* ---- alerts ---- */

static void print_alerts(const struct cli *cli, const json_t *items)
{
	static const char *const titles[] = {"ALERT",  "STATE",   "SEVERITY", "RAISED",
					     "TARGET", "MESSAGE", NULL};
	struct table t;

	table_init(&t, titles);
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *alert = json_array_get(items, i);

		add_id(&t, cli, alert, "id");
		if (json_is_object(json_object_get(alert, "held")))
			table_add(&t, TONE_FAINT, format_text("open, held"));
		else
			table_add_state(&t, alert, "state");
		table_add_member(&t, TONE_PLAIN, alert, "severity");
		add_ago(&t, alert, "created_at");
		table_add_member(&t, TONE_PLAIN, alert, "target");
		table_add_member(&t, TONE_PLAIN, alert, "message");
	}
	table_print(&t, cli, "no alerts");
}

static int alerts(struct cli *cli, const struct args *args)
{
	char since[FORMAT_TIME_SIZE], until[FORMAT_TIME_SIZE];
	const char *limit = args_get(args, "limit");
	const struct client_param params[] = {
		{"state", args_get(args, "state")},
		{"severity", args_get(args, "severity")},
		{"target", args_get(args, "target")},
		{"source", args_get(args, "source")},
		{"q", args_get(args, "search")},
		{"since", moment(since, args_get(args, "since"))},
		{"until", moment(until, args_get(args, "until"))},
		{"limit", limit ? limit : PAGE},
		{"cursor", args_get(args, "cursor")},
		{NULL, NULL},
	};

	return list_page(cli, client_path(cli->client, "/v1/alerts", params), print_alerts,
			 "older ones");
}

#define PAGE_OPTIONS                                                                               \
	{"since", .value = "TIME", .help = "2h: in the last two hours; or RFC 3339"},              \
		{"until", .value = "TIME", .help = "before then, in the same forms"},              \
		{"limit", .value = "N", .help = "1 to 500, default " PAGE},                        \
	{                                                                                          \
		"cursor", .value = "NEXT", .help = "the \"next\" of the list before"               \
	}

static const struct cli_option alerts_options[] = {
	{"state", .value = "STATE", .help = "open, acknowledged, resolved, cancelled or exhausted"},
	{"severity", .value = "WORD", .help = "exactly"},
	{"target", .value = "TARGET", .help = "exactly"},
	{"source", .value = "NAME", .help = "exactly"},
	{"search", .value = "TEXT", .help = "part of the message or of a label"},
	PAGE_OPTIONS,
	CLI_OPTION_END,
};

const struct cli_command cli_alerts = {
	.name = "alerts",
	.summary = "List alerts, newest first",
	.options = alerts_options,
	.run = alerts,
};

/* ---- calls ---- */

/* "486 Busy Here, Q.850 17" */
static char *cause_of(const json_t *call)
{
	const json_t *cause = json_object_get(call, "cause");
	long long sip = json_integer_value(json_object_get(cause, "sip"));
	long long q850 = json_integer_value(json_object_get(cause, "q850"));
	char *text = format_member(cause, "text"), code[24] = "", q[32] = "", *all;

	if (sip)
		snprintf(code, sizeof(code), "%lld%s", sip, *text ? " " : "");
	if (q850)
		snprintf(q, sizeof(q), "%sQ.850 %lld", sip || *text ? ", " : "", q850);
	all = format_text("%s%s%s", code, text, q);
	free(text);
	return all;
}

static void add_spoken(struct table *t, const json_t *call)
{
	long long ms = json_integer_value(json_object_get(call, "spoken_ms"));
	char span[FORMAT_TIME_SIZE];

	table_add(t, TONE_PLAIN, format_text("%s", ms ? format_span(span, ms * 1000) : ""));
}

void list_calls(const struct cli *cli, const json_t *items)
{
	static const char *const titles[] = {"CALL",   "MADE",   "NUMBER", "TRUNK", "STATE",
					     "RESULT", "SPOKEN", "KEYS",   "CAUSE", NULL};
	struct table t;

	table_init(&t, titles);
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *call = json_array_get(items, i);

		add_id(&t, cli, call, "id");
		add_ago(&t, call, "placed_at");
		table_add_member(&t, TONE_PLAIN, call, "number");
		table_add_member(&t, TONE_PLAIN, call, "trunk");
		table_add_state(&t, call, "state");
		table_add_state(&t, call, "result");
		add_spoken(&t, call);
		table_add_member(&t, TONE_PLAIN, call, "keys");
		table_add(&t, TONE_PLAIN, cause_of(call));
	}
	table_print(&t, cli, "no calls");
}

static int calls(struct cli *cli, const struct args *args)
{
	char since[FORMAT_TIME_SIZE], until[FORMAT_TIME_SIZE], id[FIND_ID_SIZE];
	const char *limit = args_get(args, "limit"), *alert = args_get(args, "alert");
	const struct client_param params[] = {
		{"alert_id", alert ? id : NULL},
		{"state", args_get(args, "state")},
		{"result", args_get(args, "result")},
		{"trunk", args_get(args, "trunk")},
		{"number", args_get(args, "number")},
		{"since", moment(since, args_get(args, "since"))},
		{"until", moment(until, args_get(args, "until"))},
		{"limit", limit ? limit : PAGE},
		{"cursor", args_get(args, "cursor")},
		{NULL, NULL},
	};
	int code = alert ? find_alert(cli, alert, id) : EXIT_OK;

	return code ? code
		    : list_page(cli, client_path(cli->client, "/v1/calls", params),
				list_calls, "older ones");
}

static const struct cli_option calls_options[] = {
	{"alert", .value = "ID", .help = "those of one alert"},
	{"state", .value = "STATE",
	 .help = "deferred, queued, placing, ringing, answered or ended"},
	{"result", .value = "RESULT", .help = "acknowledged, heard, busy, no_answer ..."},
	{"trunk", .value = "NAME", .help = "by which they were made"},
	{"number", .value = "NUMBER", .help = "exactly"},
	PAGE_OPTIONS,
	CLI_OPTION_END,
};

const struct cli_command cli_calls = {
	.name = "calls",
	.summary = "List calls, newest first",
	.options = calls_options,
	.run = calls,
};
