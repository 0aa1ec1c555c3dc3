/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin oncall, and tocsin schedule oncall, gaps, ics: what schedules mean for a time.
 */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "client.h"
#include "format.h"
#include "named.h"
#include "table.h"

#define BASE "/v1/schedules"

static char *date_of(const json_t *object, const char *name)
{
	int64_t at_us = format_parse_time(json_string_value(json_object_get(object, name)));
	char date[FORMAT_TIME_SIZE];

	return format_text("%s", format_date(date, at_us));
}

static void print_oncall(const struct cli *cli, const json_t *answer)
{
	static const char *const titles[] = {"NAME", "NUMBER", "UNTIL", "WHY", NULL};
	char *schedule = format_member(answer, "schedule"), *fault = format_member(answer, "fault");
	char *at = date_of(answer, "at"), *until = date_of(answer, "until");
	const json_t *people = json_object_get(answer, "people");
	struct table t;
	json_t *person;
	size_t i;

	printf("schedule %s at %s\n", schedule, at);
	table_init(&t, titles);
	json_array_foreach (people, i, person) {
		table_add_member(&t, TONE_PLAIN, person, "name");
		table_add_member(&t, TONE_PLAIN, person, "number");
		table_add(&t, TONE_PLAIN, date_of(person, "until"));
		table_add_member(&t, TONE_FAINT, person, "why");
	}
	table_print(&t, cli, "nobody is on call");
	if (*fault) {
		format_put(cli, TONE_BAD, fault);
		putchar('\n');
	}
	if (*until)
		printf("this changes at %s\n", until);
	free(schedule);
	free(fault);
	free(at);
	free(until);
}

static int oncall(struct cli *cli, const struct args *args)
{
	const char *at = args_get(args, "at");
	int64_t span_us = at ? format_parse_span(at) : -1;
	char later[FORMAT_TIME_SIZE];
	const struct client_param params[] = {
		{"schedule", args->n_words ? args->words[0] : NULL},
		{"at", span_us < 0 ? at : format_rfc3339(later, format_now() + span_us)},
		{NULL, NULL},
	};
	char *path = client_path(cli->client, "/v1/oncall", params);
	json_t *answer = NULL;
	int code = client_ask(cli->client, "GET", path, NULL, &answer);

	free(path);
	if (code)
		return code;
	if (cli->json)
		format_json(cli, answer);
	else
		print_oncall(cli, answer);
	if (!json_array_size(json_object_get(answer, "people")))
		code = EXIT_REFUSED;
	json_decref(answer);
	return code;
}

static const struct cli_option oncall_options[] = {
	{"at", .value = "TIME",
	 .help = "RFC 3339, local time of the schedule (2026-01-31T18:00), or 8h: in eight hours"},
	CLI_OPTION_END,
};

const struct cli_command cli_oncall = {
	.name = "oncall",
	.words = "[SCHEDULE]",
	.max = 1,
	.summary = "Show who is on call, in order, and why",
	.more = "Without a name it is the schedule that the target oncall means. Ends with 1 when\n"
		"it is nobody.\n",
	.options = oncall_options,
	.run = oncall,
};

const struct cli_command cli_schedule_oncall = {
	.name = "schedule oncall",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "Show who is on call in a schedule, by name or id",
	.more = "Ends with 1 when it is nobody.\n",
	.options = oncall_options,
	.run = oncall,
};

/* ---- gaps ---- */

/* A path below that of a schedule, with a query. Owned; NULL: *code says why. */
static char *below(struct cli *cli, const char *given, const char *what,
		   const struct client_param *params, int *code)
{
	char *path = named_path(cli, BASE, given, code), *whole, *result;

	if (!path)
		return NULL;
	whole = format_text("%s/%s", path, what);
	result = client_path(cli->client, whole, params);
	free(path);
	free(whole);
	return result;
}

static void print_gaps(const struct cli *cli, const json_t *answer)
{
	static const char *const titles[] = {"FROM", "UNTIL", "LENGTH", NULL};
	const json_t *gaps = json_object_get(answer, "gaps");
	char span[FORMAT_TIME_SIZE];
	struct table t;
	json_t *gap;
	size_t i;

	table_init(&t, titles);
	json_array_foreach (gaps, i, gap) {
		int64_t from_us =
			format_parse_time(json_string_value(json_object_get(gap, "from")));
		int64_t until_us =
			format_parse_time(json_string_value(json_object_get(gap, "until")));

		table_add(&t, TONE_PLAIN, date_of(gap, "from"));
		table_add(&t, TONE_PLAIN, date_of(gap, "until"));
		table_add(&t, TONE_BAD, format_text("%s", format_span(span, until_us - from_us)));
	}
	table_print(&t, cli, "no gaps: somebody is always on call");
}

static int gaps(struct cli *cli, const struct args *args)
{
	const struct client_param params[] = {{"days", args_get(args, "days")}, {NULL, NULL}};
	json_t *answer = NULL;
	int code;
	char *path = below(cli, args->words[0], "gaps", params, &code);

	if (!path)
		return code;
	code = client_ask(cli->client, "GET", path, NULL, &answer);
	free(path);
	if (code)
		return code;
	if (cli->json)
		format_json(cli, answer);
	else
		print_gaps(cli, answer);
	if (json_array_size(json_object_get(answer, "gaps")))
		code = EXIT_REFUSED;
	json_decref(answer);
	return code;
}

static const struct cli_option gaps_options[] = {
	{"days", .value = "N", .help = "how far to look, default 14"},
	CLI_OPTION_END,
};

const struct cli_command cli_schedule_gaps = {
	.name = "schedule gaps",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "Show when nobody who can be called is on call in a schedule",
	.more = "Ends with 1 when there is such a time.\n",
	.options = gaps_options,
	.run = gaps,
};

/* ---- calendars ---- */

static int import(struct cli *cli, const char *path, const char *file)
{
	json_t *answer = NULL;
	size_t len;
	char *text = named_read_file(file, &len);
	int code;

	if (!text)
		return EXIT_USAGE;
	code = client_send(cli->client, path, "text/calendar", text, len, &answer);
	free(text);
	if (!code && cli->json)
		format_json(cli, answer);
	else if (!code)
		printf("%lld windows were added\n",
		       (long long)json_integer_value(json_object_get(answer, "added")));
	json_decref(answer);
	return code;
}

static int export(struct cli *cli, const char *path)
{
	char *data = NULL;
	size_t len = 0;
	int code = client_fetch(cli->client, "GET", path, NULL, &data, &len);

	if (!code)
		fwrite(data, 1, len, stdout);
	free(data);
	return code;
}

static int ics(struct cli *cli, const struct args *args)
{
	const char *file = args_get(args, "import");
	const struct client_param params[] = {
		{"days", args_get(args, "days")},
		{"priority", args_get(args, "priority")},
		{NULL, NULL},
	};
	int code;
	char *path = below(cli, args->words[0], "calendar.ics", params, &code);

	if (!path)
		return code;
	code = file ? import(cli, path, file) : export(cli, path);
	free(path);
	return code;
}

static const struct cli_option ics_options[] = {
	{"import", .value = "FILE.ics", .help = "add its events as windows; -: standard input"},
	{"days", .value = "N", .help = "how far, from now; default 90, of an import 366"},
	{"priority", .value = "N", .help = "of imported windows: the lowest number comes first"},
	CLI_OPTION_END,
};

const struct cli_command cli_schedule_ics = {
	.name = "schedule ics",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "Print a schedule as a calendar (iCalendar), or take one in",
	.options = ics_options,
	.run = ics,
};
