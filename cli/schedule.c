/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin schedule list, show, put, delete, override: who is on call when. What they mean for a time
 * is oncall.c's.
 */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "client.h"
#include "format.h"
#include "list.h"
#include "named.h"
#include "table.h"

#define BASE "/v1/schedules"

/* ---- show ---- */

/* "Alice, Bob" */
static char *members_of(const json_t *names, const json_t *layer)
{
	const json_t *members = json_object_get(layer, "members");
	char *all = format_text("%s", ""), *one, *more;

	for (size_t i = 0; i < json_array_size(members); i++) {
		one = named_shown(names, json_string_value(json_array_get(members, i)));
		more = format_text("%s%s%s", all, i ? ", " : "", one);
		free(one);
		free(all);
		all = more;
	}
	return all;
}

static void print_layer(const json_t *names, const json_t *layer)
{
	char *name = format_member(layer, "name"), *rotation = format_member(layer, "rotation");
	char *rrule = format_member(layer, "rrule"), *handover = format_member(layer, "handover");
	char *start = format_member(layer, "start"), *members = members_of(names, layer);

	printf("  layer %s: %s%s%s at %s from %s\n    %s\n", name, rotation, *rrule ? " " : "",
	       rrule, handover, start, members);
	free(name);
	free(rotation);
	free(rrule);
	free(handover);
	free(start);
	free(members);
}

static void print_spans(const json_t *names, const json_t *spans, const char *title)
{
	for (size_t i = 0; i < json_array_size(spans); i++) {
		const json_t *span = json_array_get(spans, i);
		long long priority = json_integer_value(json_object_get(span, "priority"));
		char *contact = format_member(span, "contact");
		char *reference = format_text("contact:%s", contact);
		char *who = named_shown(names, reference);
		char *start = format_member(span, "start"), *end = format_member(span, "end");

		printf("  %s: %s from %s until %s", title, who, start, end);
		if (priority)
			printf(", priority %lld", priority);
		putchar('\n');
		free(contact);
		free(reference);
		free(who);
		free(start);
		free(end);
	}
}

static void print_schedule(const json_t *names, const json_t *schedule)
{
	const json_t *layers = json_object_get(schedule, "layers");
	char *name = format_member(schedule, "name"), *id = format_member(schedule, "id");
	char *zone = format_member(schedule, "timezone");

	printf("schedule %s in %s, id %s\n", name, zone, id);
	for (size_t i = 0; i < json_array_size(layers); i++)
		print_layer(names, json_array_get(layers, i));
	print_spans(names, json_object_get(schedule, "windows"), "window");
	print_spans(names, json_object_get(schedule, "overrides"), "override");
	free(name);
	free(id);
	free(zone);
}

static int show(struct cli *cli, const struct args *args)
{
	json_t *schedule = NULL, *names = json_object();
	int code = named_get(cli, BASE, args->words[0], &schedule);

	if (!code && !cli->json)
		code = named_all(cli, "/v1/contacts", "contact", names);
	if (!code && cli->json)
		format_json(cli, schedule);
	else if (!code)
		print_schedule(names, schedule);
	json_decref(schedule);
	json_decref(names);
	return code;
}

const struct cli_command cli_schedule_show = {
	.name = "schedule show",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "Show a schedule, by name or id",
	.run = show,
};

/* ---- list ---- */

static void add_count(struct table *t, const json_t *schedule, const char *name)
{
	table_add(t, TONE_PLAIN,
		  format_text("%zu", json_array_size(json_object_get(schedule, name))));
}

static void print_list(const struct cli *cli, const json_t *items)
{
	static const char *const titles[] = {"NAME",    "TIMEZONE",  "LAYERS",
					     "WINDOWS", "OVERRIDES", NULL};
	const json_t *schedule;
	struct table t;
	size_t i;

	table_init(&t, titles);
	json_array_foreach (items, i, schedule) {
		table_add_member(&t, TONE_PLAIN, schedule, "name");
		table_add_member(&t, TONE_PLAIN, schedule, "timezone");
		add_count(&t, schedule, "layers");
		add_count(&t, schedule, "windows");
		add_count(&t, schedule, "overrides");
	}
	table_print(&t, cli, "no schedules");
}

static int list(struct cli *cli, const struct args *args)
{
	json_t *page;
	int code = list_whole(cli, BASE, &page);

	(void)args;
	if (!code && cli->json)
		format_json(cli, page);
	else if (!code)
		print_list(cli, json_object_get(page, "items"));
	json_decref(page);
	return code;
}

const struct cli_command cli_schedule_list = {
	.name = "schedule list",
	.summary = "List the schedules, by name",
	.run = list,
};

/* ---- put, delete ---- */

static int put(struct cli *cli, const struct args *args)
{
	return named_put(cli, BASE, "schedule", args->words[0]);
}

const struct cli_command cli_schedule_put = {
	.name = "schedule put",
	.words = "FILE.json",
	.min = 1,
	.max = 1,
	.summary = "Add the schedule in a JSON file, or change the one of its name to it",
	.more = "{\"name\": \"ops\", \"timezone\": \"Europe/Berlin\", \"layers\": [\n"
		"  {\"name\": \"primary\", \"members\": [\"contact:Alice\", \"contact:Bob\"],\n"
		"   \"rotation\": \"weekly\", \"handover\": \"09:00\", \"start\": "
		"\"2026-01-05\"}]}\n"
		"\"-\" is the standard input.\n",
	.run = put,
};

static int delete (struct cli *cli, const struct args *args)
{
	return named_delete(cli, BASE, args->words[0]);
}

const struct cli_command cli_schedule_delete = {
	.name = "schedule delete",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "Take a schedule away, by name or id",
	.run = delete,
};

/* ---- override ---- */

static int override(struct cli *cli, const struct args *args)
{
	json_t *schedule = NULL, *changed = NULL, *one, *overrides;
	char *path, *etag;
	int code;

	path = named_path(cli, BASE, args->words[0], &code);
	if (!path)
		return code;
	code = client_ask(cli->client, "GET", path, NULL, &schedule);
	if (code) {
		free(path);
		return code;
	}
	etag = format_text("%s", client_etag(cli->client));
	one = json_pack("{s:s, s:s, s:s}", "contact", args->words[1], "start",
			args_get(args, "start"), "end", args_get(args, "end"));
	overrides = json_object_get(schedule, "overrides");
	if (!one || json_array_append_new(overrides, one)) {
		code = args_wrong(args, "the arguments are not UTF-8");
		json_decref(schedule);
	} else {
		client_set_match(cli->client, etag);
		code = client_ask(cli->client, "PUT", path, schedule, &changed);
		client_set_match(cli->client, NULL);
	}
	if (!code && cli->json)
		format_json(cli, changed);
	else if (!code)
		printf("schedule %s: %s stands in from %s until %s\n", args->words[0],
		       args->words[1], args_get(args, "start"), args_get(args, "end"));
	json_decref(changed);
	free(etag);
	free(path);
	return code;
}

static const struct cli_option override_options[] = {
	{"start", .value = "TIME", .required = true,
	 .help = "RFC 3339, or local time of the schedule: 2026-01-31T09:00"},
	{"end", .value = "TIME", .required = true, .help = "in the same forms"},
	CLI_OPTION_END,
};

const struct cli_command cli_schedule_override = {
	.name = "schedule override",
	.words = "SCHEDULE CONTACT",
	.min = 2,
	.max = 2,
	.summary = "Let somebody stand in for the one who would be called first",
	.options = override_options,
	.run = override,
};
