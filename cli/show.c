/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin show: one alert with all that happened to it.
 */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "client.h"
#include "find.h"
#include "format.h"
#include "list.h"
#include "story.h"

static void line(const char *name, char *text)
{
	if (*text)
		printf("  %-12s %s\n", name, text);
	free(text);
}

/* "alertname=DiskFull, instance=db1" */
static char *labels_of(const json_t *alert)
{
	char *all = format_text("%s", "");
	const char *key;
	json_t *value;

	json_object_foreach (json_object_get(alert, "labels"), key, value) {
		char *name = format_clean(key), *text = format_clean(json_string_value(value));
		char *more = format_text("%s%s%s=%s", all, *all ? ", " : "", name, text);

		free(name);
		free(text);
		free(all);
		all = more;
	}
	return all;
}

static int64_t time_of(const json_t *alert, const char *name)
{
	return format_parse_time(json_string_value(json_object_get(alert, name)));
}

static void print_times(const json_t *alert)
{
	int64_t created_us = time_of(alert, "created_at");
	int64_t acknowledged_us = time_of(alert, "acknowledged_at");
	char date[FORMAT_TIME_SIZE], span[FORMAT_TIME_SIZE], *by;

	line("raised", format_text("%s (%s)", format_date(date, created_us),
				   format_ago(span, created_us, format_now())));
	if (!acknowledged_us)
		return;
	by = format_member(alert, "acknowledged_by");
	line("acknowledged",
	     format_text("%s by %s, after %s", format_date(date, acknowledged_us), *by ? by : "?",
			 format_span(span, acknowledged_us - created_us)));
	free(by);
}

/* "step 2 of 3 of policy default, round 1: Alice (tried), Bob (calling)" */
static void print_escalation(const json_t *alert)
{
	const json_t *e = json_object_get(alert, "escalation"), *person;
	char *policy = format_member(e, "policy"), *all;
	size_t i;

	all = *policy ? format_text("step %lld of %lld of policy %s, round %lld: ",
				    (long long)json_integer_value(json_object_get(e, "step")),
				    (long long)json_integer_value(json_object_get(e, "steps")),
				    policy,
				    (long long)json_integer_value(json_object_get(e, "round")))
		      : format_text("%s", "");
	json_array_foreach (json_object_get(e, "people"), i, person) {
		char *name = format_member(person, "name"), *state = format_member(person, "state");
		char *more = format_text("%s%s%s (%s)", all, i ? ", " : "", name, state);

		free(name);
		free(state);
		free(all);
		all = more;
	}
	line("escalation", i ? all : format_text("%s", ""));
	if (!i)
		free(all);
	free(policy);
}

static void print_hold(const json_t *alert)
{
	const json_t *held = json_object_get(alert, "held");
	char *by = format_member(held, "by"), date[FORMAT_TIME_SIZE];

	if (*by)
		line("held back", format_text("by %s, until %s: nobody is called", by,
					      format_date(date, time_of(held, "until"))));
	free(by);
}

static void print_head(const struct cli *cli, const json_t *alert)
{
	char *id = format_member(alert, "id"), *state = format_member(alert, "state");
	char *target = format_member(alert, "target"), *strategy = format_member(alert, "strategy");

	printf("alert %s  ", id);
	format_put(cli, format_tone_of(state), state);
	putchar('\n');
	line("message", format_member(alert, "message"));
	line("severity", format_member(alert, "severity"));
	line("target", format_text("%s (%s)", target, strategy));
	line("source", format_member(alert, "source"));
	line("dedup key", format_member(alert, "dedup_key"));
	line("labels", labels_of(alert));
	print_times(alert);
	if (!strcmp(state, "open")) /* what was is in the timeline */
		print_escalation(alert);
	print_hold(alert);
	free(id);
	free(state);
	free(target);
	free(strategy);
}

/* In the order of the timeline: oldest first. */
static int print_calls(struct cli *cli, const char *id)
{
	const struct client_param params[] = {{"alert_id", id}, {"limit", "500"}, {NULL, NULL}};
	char *path = client_path(cli->client, "/v1/calls", params);
	json_t *page = NULL, *items, *calls = json_array();
	int code = client_ask(cli->client, "GET", path, NULL, &page);

	free(path);
	items = json_object_get(page, "items");
	for (size_t i = 0; i < json_array_size(items); i++)
		json_array_insert(calls, 0, json_array_get(items, i));
	if (json_array_size(calls)) {
		putchar('\n');
		list_calls(cli, calls);
	}
	json_decref(calls);
	json_decref(page);
	return code;
}

static int run(struct cli *cli, const struct args *args)
{
	char id[FIND_ID_SIZE], *path;
	json_t *alert = NULL;
	int code = find_alert(cli, args->words[0], id);

	if (code)
		return code;
	path = client_path_of(cli->client, "/v1/alerts/", id, "");
	code = client_ask(cli->client, "GET", path, NULL, &alert);
	free(path);
	if (code)
		return code;
	if (cli->json) {
		format_json(cli, alert);
	} else {
		print_head(cli, alert);
		putchar('\n');
		story_print(cli, json_object_get(alert, "timeline"), 0,
			    time_of(alert, "created_at"));
		code = print_calls(cli, id);
	}
	json_decref(alert);
	return code;
}

const struct cli_command cli_show = {
	.name = "show",
	.words = "ID",
	.min = 1,
	.max = 1,
	.summary = "Show an alert and all that happened to it",
	.more = "ID is an alert's id, an unambiguous beginning of it, or \"last\": the newest "
		"alert.\n",
	.run = run,
};
