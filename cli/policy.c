/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin policy list, show, put, delete: who is reached after whom.
 */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "client.h"
#include "format.h"
#include "list.h"
#include "named.h"
#include "table.h"

#define BASE "/v1/policies"

/* "schedule ops, Alice" */
static char *targets_of(const json_t *names, const json_t *step)
{
	const json_t *targets = json_object_get(step, "targets");
	char *all = format_text("%s", ""), *one, *more;

	for (size_t i = 0; i < json_array_size(targets); i++) {
		one = named_shown(names, json_string_value(json_array_get(targets, i)));
		more = format_text("%s%s%s", all, i ? ", " : "", one);
		free(one);
		free(all);
		all = more;
	}
	return all;
}

static void print_step(const json_t *names, const json_t *step, const char *title)
{
	char *targets = targets_of(names, step), *wait = format_member(step, "wait");
	char *strategy = format_member(step, "strategy");

	printf("  %-8s %s", title, targets);
	if (strcmp(strategy, "call") != 0)
		printf(" (%s)", strategy);
	if (strspn(wait, "0") < strspn(wait, "0123456789")) /* not "0s" */
		printf(", for %s", wait);
	if (json_is_true(json_object_get(step, "all_must_acknowledge")))
		printf(", all must acknowledge");
	putchar('\n');
	free(targets);
	free(wait);
	free(strategy);
}

static void print_policy(const json_t *names, const json_t *policy)
{
	const json_t *steps = json_object_get(policy, "steps");
	const json_t *final = json_object_get(policy, "final");
	long long repeat = json_integer_value(json_object_get(policy, "repeat"));
	char *name = format_member(policy, "name"), *id = format_member(policy, "id");
	char *timeout = format_member(policy, "ack_timeout");

	printf("policy %s, id %s\n", name, id);
	for (size_t i = 0; i < json_array_size(steps); i++) {
		char *title = format_text("step %zu", i + 1);

		print_step(names, json_array_get(steps, i), title);
		free(title);
	}
	if (repeat)
		printf("  %-8s %lld time%s more\n", "repeat", repeat, repeat == 1 ? "" : "s");
	if (json_array_size(final))
		print_step(names, json_array_get(final, 0), "final");
	if (*timeout)
		printf("  open again %s after it was acknowledged, if it is not resolved\n",
		       timeout);
	free(name);
	free(id);
	free(timeout);
}

static int read_names(struct cli *cli, json_t *names)
{
	int code = named_all(cli, "/v1/contacts", "contact", names);

	return code ? code : named_all(cli, "/v1/schedules", "schedule", names);
}

static int show(struct cli *cli, const struct args *args)
{
	json_t *policy = NULL, *names = json_object();
	int code = named_get(cli, BASE, args->words[0], &policy);

	if (!code && !cli->json)
		code = read_names(cli, names);
	if (!code && cli->json)
		format_json(cli, policy);
	else if (!code)
		print_policy(names, policy);
	json_decref(policy);
	json_decref(names);
	return code;
}

const struct cli_command cli_policy_show = {
	.name = "policy show",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "Show an escalation policy, by name or id",
	.run = show,
};

static void print_list(const struct cli *cli, const json_t *names, const json_t *items)
{
	static const char *const titles[] = {"NAME", "STEPS", "REPEAT", "FIRST", NULL};
	struct table t;
	json_t *policy;
	size_t i;

	table_init(&t, titles);
	json_array_foreach (items, i, policy) {
		const json_t *steps = json_object_get(policy, "steps");

		table_add_member(&t, TONE_PLAIN, policy, "name");
		table_add(&t, TONE_PLAIN, format_text("%zu", json_array_size(steps)));
		table_add_member(&t, TONE_PLAIN, policy, "repeat");
		table_add(&t, TONE_PLAIN, targets_of(names, json_array_get(steps, 0)));
	}
	table_print(&t, cli, "no policies");
}

static int list(struct cli *cli, const struct args *args)
{
	json_t *page, *names = json_object();
	int code = list_whole(cli, BASE, &page);

	(void)args;
	if (!code && !cli->json)
		code = read_names(cli, names);
	if (!code && cli->json)
		format_json(cli, page);
	else if (!code)
		print_list(cli, names, json_object_get(page, "items"));
	json_decref(page);
	json_decref(names);
	return code;
}

const struct cli_command cli_policy_list = {
	.name = "policy list",
	.summary = "List the escalation policies, by name",
	.run = list,
};

static int put(struct cli *cli, const struct args *args)
{
	return named_put(cli, BASE, "policy", args->words[0]);
}

const struct cli_command cli_policy_put = {
	.name = "policy put",
	.words = "FILE.json",
	.min = 1,
	.max = 1,
	.summary = "Add the policy in a JSON file, or change the one of its name to it",
	.more = "{\"name\": \"default\", \"repeat\": 1, \"steps\": [\n"
		"  {\"targets\": [\"schedule:ops\"], \"wait\": \"5m\"},\n"
		"  {\"targets\": [\"contact:Alice\", \"+4930123\"]}]}\n"
		"\"-\" is the standard input.\n",
	.run = put,
};

static int delete (struct cli *cli, const struct args *args)
{
	return named_delete(cli, BASE, args->words[0]);
}

const struct cli_command cli_policy_delete = {
	.name = "policy delete",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "Take an escalation policy away, by name or id",
	.run = delete,
};
