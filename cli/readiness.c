/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin readiness: who would be reached in the coming days, and what is wrong with that.
 */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "client.h"
#include "format.h"

static int64_t time_of(const json_t *object, const char *name)
{
	return format_parse_time(json_string_value(json_object_get(object, name)));
}

/* "Alice (+4911, +4912)", "Alice, Bob" ... */
static char *people_of(const json_t *people)
{
	char *all = format_text("%s", "");
	const json_t *person, *number;
	size_t i, k;

	json_array_foreach (people, i, person) {
		char *name = format_member(person, "name");
		char *more = format_text("%s%s%s", all, i ? ", then " : "", name);

		free(all);
		all = more;
		json_array_foreach (json_object_get(person, "numbers"), k, number) {
			char *text = format_clean(json_string_value(number));

			if (strcmp(text, name) != 0) {
				more = format_text("%s%s%s", all, k ? ", " : " ", text);
				free(all);
				all = more;
			}
			free(text);
		}
		free(name);
	}
	return all;
}

static void print_target(const struct cli *cli, const json_t *target)
{
	char *text = format_member(target, "text");
	const json_t *period;
	size_t i;

	printf("    %s\n", text);
	json_array_foreach (json_object_get(target, "periods"), i, period) {
		char from[FORMAT_TIME_SIZE], until[FORMAT_TIME_SIZE];
		char *people = people_of(json_object_get(period, "people"));

		printf("      %.16s to %.16s  ", format_date(from, time_of(period, "from")),
		       format_date(until, time_of(period, "until")));
		if (*people)
			format_put(cli, TONE_PLAIN, people);
		else
			format_put(cli, TONE_BAD, "nobody");
		putchar('\n');
		free(people);
	}
	free(text);
}

static void print_policy(const struct cli *cli, const json_t *policy)
{
	char *name = format_member(policy, "name");
	const json_t *step, *target;
	size_t i, k;

	printf("\npolicy ");
	format_put(cli, TONE_TITLE, name);
	putchar('\n');
	json_array_foreach (json_object_get(policy, "steps"), i, step) {
		char *wait = format_member(step, "wait");

		if (json_is_true(json_object_get(step, "final")))
			printf("  final step\n");
		else
			printf("  step %lld%s%s\n",
			       (long long)json_integer_value(json_object_get(step, "step")),
			       *wait ? ", for " : "", wait);
		json_array_foreach (json_object_get(step, "targets"), k, target)
			print_target(cli, target);
		free(wait);
	}
	free(name);
}

static void print_problem(const struct cli *cli, const json_t *problem)
{
	char *severity = format_member(problem, "severity"), *text = format_member(problem, "text"),
	     *where = format_member(problem, "where");
	int64_t from_us = time_of(problem, "from"), until_us = time_of(problem, "until");
	char from[FORMAT_TIME_SIZE], until[FORMAT_TIME_SIZE];

	format_put(cli,
		   !strcmp(severity, "error")     ? TONE_BAD
		   : !strcmp(severity, "warning") ? TONE_BUSY
						  : TONE_FAINT,
		   severity);
	printf(": %s: %s", where, text);
	if (from_us)
		printf(" (%.16s to %.16s)", format_date(from, from_us),
		       format_date(until, until_us));
	putchar('\n');
	free(severity);
	free(where);
	free(text);
}

static void print_trunks(const struct cli *cli, const json_t *trunks)
{
	const json_t *trunk;
	size_t i;

	json_array_foreach (trunks, i, trunk) {
		char *name = format_member(trunk, "name"), *text = format_member(trunk, "text");
		bool healthy = json_is_true(json_object_get(trunk, "healthy"));

		printf("%s%s ", i ? ", then " : "calls go by trunk ", name);
		format_put(cli, healthy ? TONE_GOOD : TONE_BAD, healthy ? "(up)" : "(down)");
		free(name);
		free(text);
	}
	if (i)
		putchar('\n');
}

static void print_all(const struct cli *cli, const json_t *answer)
{
	const json_t *v, *targets = json_object_get(answer, "targets"),
			 *problems = json_object_get(answer, "problems");
	size_t i;

	print_trunks(cli, json_object_get(answer, "trunks"));
	json_array_foreach (json_object_get(answer, "policies"), i, v)
		print_policy(cli, v);
	if (!json_array_size(json_object_get(answer, "policies")) && !json_array_size(targets))
		printf("\nno policy and no schedule: only alerts for a number or a contact reach "
		       "anybody\n");
	if (json_array_size(targets))
		printf("\nof no policy\n");
	json_array_foreach (targets, i, v)
		print_target(cli, v);
	if (json_array_size(problems))
		putchar('\n');
	json_array_foreach (problems, i, v)
		print_problem(cli, v);
}

static int run(struct cli *cli, const struct args *args)
{
	const struct client_param params[] = {{"days", args_get(args, "days")},
					      {"unproven", args_get(args, "unproven")},
					      {NULL, NULL}};
	char *path = client_path(cli->client, "/v1/readiness", params);
	json_t *answer = NULL;
	int code = client_ask(cli->client, "GET", path, NULL, &answer);
	long long n;

	free(path);
	if (code)
		return code;
	n = json_integer_value(json_object_get(answer, "problem_count"));
	if (cli->json)
		format_json(cli, answer);
	else
		print_all(cli, answer);
	json_decref(answer);
	fflush(stdout);
	if (n)
		fprintf(stderr, "tocsin: %lld problem%s\n", n, n == 1 ? "" : "s");
	return n ? EXIT_REFUSED : EXIT_OK;
}

static const struct cli_option options[] = {
	{"days", .value = "N", .help = "how far to look ahead [7]"},
	{"unproven", .value = "DURATION",
	 .help = "whom no call has reached for so long is a problem [readiness.unproven]"},
	CLI_OPTION_END,
};

const struct cli_command cli_readiness = {
	.name = "readiness",
	.summary = "Show who would be reached in the coming days, and what is wrong with that",
	.more = "Ends with 0 when there is no problem; notes are none.\n",
	.options = options,
	.run = run,
};
