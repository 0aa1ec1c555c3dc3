/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin test-call, test-calls: call somebody to try whether he can be reached, and what came of
 * such calls.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "client.h"
#include "list.h"
#include "table.h"

#define LOOK_NS 300000000L
#define LOOKS 600 /* a call takes some minutes at most */

static bool is_over(const json_t *call)
{
	return json_is_string(json_object_get(call, "result"));
}

/* Look until it is over. */
static int follow(struct cli *cli, const char *id, json_t **call)
{
	const struct timespec nap = {.tv_nsec = LOOK_NS};
	char *path = client_path_of(cli->client, "/v1/test-calls/", id, "");
	int code = EXIT_OK;

	for (int i = 0; i < LOOKS && !code && !is_over(*call); i++) {
		json_decref(*call);
		*call = NULL;
		nanosleep(&nap, NULL);
		code = client_ask(cli->client, "GET", path, NULL, call);
	}
	free(path);
	return code;
}

static char *span_of(const json_t *call, const char *name)
{
	const json_t *ms = json_object_get(call, name);
	char span[FORMAT_TIME_SIZE];

	if (!json_is_integer(ms))
		return format_text("%s", "");
	return format_text("%s", format_span(span, json_integer_value(ms) * 1000));
}

static char *level_of(const json_t *call)
{
	const json_t *level = json_object_get(call, "level_dbov");

	return json_is_integer(level) ? format_text("%lld dBov",
						    (long long)json_integer_value(level))
				      : format_text("%s", "");
}

static void line(const char *name, char *text)
{
	if (*text)
		printf("  %-10s %s\n", name, text);
	free(text);
}

static void print_call(const struct cli *cli, const json_t *call)
{
	char *result = format_member(call, "result"), *number = format_member(call, "number");

	printf("test call to %s: ", number);
	format_put(cli, strcmp(result, "passed") ? TONE_BAD : TONE_GOOD, result);
	putchar('\n');
	line("why", format_member(call, "reason"));
	line("trunk", format_member(call, "trunk"));
	line("rang", span_of(call, "ring_ms"));
	line("answered", span_of(call, "answer_ms"));
	line("key", span_of(call, "key_ms"));
	line("level", level_of(call));
	free(result);
	free(number);
}

static int run(struct cli *cli, const struct args *args)
{
	json_t *body = json_pack("{s:s, s:s*}", "target", args->words[0], "trunk",
				 args_get(args, "trunk"));
	json_t *call = NULL;
	const char *result;
	char *id;
	int code;

	if (!body)
		return args_wrong(args, "the target is not UTF-8");
	code = client_ask(cli->client, "POST", "/v1/test-calls", body, &call);
	id = format_member(call, "id");
	if (!code && !args_get(args, "no-wait"))
		code = follow(cli, id, &call);
	result = json_string_value(json_object_get(call, "result"));
	if (!code && cli->json)
		format_json(cli, call);
	else if (!code && !result)
		printf("test call %s\n", id);
	else if (!code)
		print_call(cli, call);
	if (!code && result && strcmp(result, "passed") != 0) {
		fflush(stdout);
		fprintf(stderr, "tocsin: the test call was not passed\n");
		code = EXIT_REFUSED;
	}
	free(id);
	json_decref(call);
	return code;
}

static const struct cli_option options[] = {
	{"trunk", .value = "NAME", .help = "by this trunk"},
	{"no-wait", .help = "do not wait for the end of the call"},
	CLI_OPTION_END,
};

const struct cli_command cli_test_call = {
	.name = "test-call",
	.words = "TARGET",
	.min = 1,
	.max = 1,
	.summary = "Call somebody to try whether he can be reached",
	.more = "TARGET is contact:NAME or a number. The call says that it is a test and asks for "
		"the\nacknowledging key. Ends with 0 when it was pressed.\n",
	.options = options,
	.run = run,
};

/* ---- the history ---- */

static void print_list(const struct cli *cli, const json_t *items)
{
	static const char *const titles[] = {"WHEN",     "TARGET", "TRUNK", "RESULT", "RANG",
					     "ANSWERED", "KEY",    "LEVEL", NULL};
	const json_t *call;
	struct table t;
	size_t i;

	table_init(&t, titles);
	json_array_foreach (items, i, call) {
		char date[FORMAT_TIME_SIZE];
		const char *at = json_string_value(json_object_get(call, "created_at"));

		table_add(&t, TONE_PLAIN,
			  format_text("%s", format_date(date, format_parse_time(at))));
		table_add_member(&t, TONE_PLAIN, call, "target");
		table_add_member(&t, TONE_PLAIN, call, "trunk");
		table_add_member(&t, TONE_PLAIN, call, "result");
		table_add(&t, TONE_PLAIN, span_of(call, "ring_ms"));
		table_add(&t, TONE_PLAIN, span_of(call, "answer_ms"));
		table_add(&t, TONE_PLAIN, span_of(call, "key_ms"));
		table_add(&t, TONE_PLAIN, level_of(call));
	}
	table_print(&t, cli, "no test calls");
}

static int list(struct cli *cli, const struct args *args)
{
	const struct client_param params[] = {{"name", args_get(args, "name")},
					      {"limit", args_get(args, "limit")},
					      {"cursor", args_get(args, "cursor")},
					      {NULL, NULL}};

	return list_page(cli, client_path(cli->client, "/v1/test-calls", params), print_list,
			 "older ones");
}

static const struct cli_option list_options[] = {
	{"name", .value = "NAME", .help = "those of one loop-back test"},
	{"limit", .value = "N", .help = "1 to 500, default 100"},
	{"cursor", .value = "NEXT", .help = "the \"next\" of the list before"},
	CLI_OPTION_END,
};

const struct cli_command cli_test_calls = {
	.name = "test-calls",
	.summary = "List test calls, newest first",
	.options = list_options,
	.run = list,
};
