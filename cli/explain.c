/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin explain: the story of an alert as sentences, by steps and by calls. It knows what the
 * timeline says, and nothing else.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "client.h"
#include "find.h"
#include "format.h"

/* An event that begins a section: what follows belongs to it. */
static bool begins_section(const char *what)
{
	static const char *const begin[] = {"escalation.step", "escalation.final",
					    "escalation.fallback", "alert.reopened"};

	for (size_t i = 0; i < sizeof(begin) / sizeof(*begin); i++)
		if (!strcmp(begin[i], what))
			return true;
	return false;
}

static const char *what_of(const json_t *entry)
{
	const char *what = json_string_value(json_object_get(entry, "what"));

	return what ? what : "";
}

static const char *call_of(const json_t *entry)
{
	return json_string_value(json_object_get(entry, "call_id"));
}

static int64_t time_of(const json_t *object, const char *name)
{
	return format_parse_time(json_string_value(json_object_get(object, name)));
}

/* Events for machines' eyes: they explain nothing. */
static bool is_noise(const char *what)
{
	return !strcmp(what, "pbx.events");
}

/* ---- a sentence ---- */

/* Of an end the reason is what follows from it, of all others why it was so. */
static const char *joint(const char *what)
{
	if (!strcmp(what, "call.ended"))
		return " Then: ";
	if (!strcmp(what, "alert.raised"))
		return " ";
	return " The reason: ";
}

static enum format_tone tone_of(const char *what)
{
	const char *point = strchr(what, '.');

	if (begins_section(what) || !strcmp(what, "call.key"))
		return TONE_TITLE;
	return point && !strncmp(what, "alert.", 6) ? format_tone_of(point + 1) : TONE_PLAIN;
}

/* "Called Alice: busy (486). Then: calling again in 10 s." */
static char *sentence(const json_t *entry)
{
	char *text = format_member(entry, "text"), *reason = format_member(entry, "reason"), *all;
	size_t len;

	if (!*text) {
		free(text);
		text = format_member(entry, "what");
	}
	len = strlen(text);
	*text = (char)toupper((unsigned char)*text);
	all = format_text("%s%s%s%s%s", text, len && strchr(".!?", text[len - 1]) ? "" : ".",
			  *reason ? joint(what_of(entry)) : "", reason, *reason ? "." : "");
	free(text);
	free(reason);
	return all;
}

/* date: the day stands before the time. */
static void print_entry(const struct cli *cli, const json_t *entry, const char *indent, bool date)
{
	char clock[FORMAT_TIME_SIZE], *text = sentence(entry);
	int64_t at_us = time_of(entry, "at");

	printf("%s%s  ", indent, date ? format_date(clock, at_us) : format_clock(clock, at_us));
	format_put(cli, tone_of(what_of(entry)), text);
	putchar('\n');
	free(text);
}

/* ---- calls ---- */

/*
 * Whom "calling Alice by trunk office" and "told together with 2 other alerts in a call to Alice"
 * name; NULL: it does not say so. Owned by the caller.
 */
static char *callee(const json_t *entry)
{
	static const char among[] = " in a call to ";
	char *text = format_member(entry, "text"), *from, *to, *whom = NULL;

	if (!strncmp(text, "told together with ", 19) && (from = strstr(text, among)))
		whom = format_text("%s", from + strlen(among));
	from = strncmp(text, "calling ", 8) ? NULL : text + 8;
	to = from ? strstr(from, " by trunk ") : NULL;
	if (to && !whom)
		whom = format_text("%.*s", (int)(to - from), from);
	free(text);
	return whom;
}

struct telling {
	const struct cli *cli;
	const json_t *timeline;
	size_t end;     /* of the section, one behind its last entry */
	unsigned calls; /* so far, over all sections */
};

static char *whom(const struct telling *t, const char *call)
{
	char *found = NULL;

	for (size_t i = 0; i < json_array_size(t->timeline) && !found; i++) {
		const json_t *entry = json_array_get(t->timeline, i);
		const char *other = call_of(entry);

		if (other && !strcmp(other, call))
			found = callee(entry);
	}
	return found;
}

static bool told_before(const struct telling *t, size_t from, size_t at, const char *call)
{
	for (size_t i = from; i < at; i++) {
		const char *other = call_of(json_array_get(t->timeline, i));

		if (other && !strcmp(other, call))
			return true;
	}
	return false;
}

/* All of a call that this section has, where it is first heard of. */
static void print_call(struct telling *t, size_t first, const char *call)
{
	char *name = whom(t, call);
	bool begun = !told_before(t, 0, first, call);

	printf("    ");
	if (begun)
		printf("call %u", ++t->calls);
	else
		printf("an earlier call goes on");
	printf("%s%s\n", name ? ": " : "", name ? name : "");
	for (size_t i = first; i < t->end; i++) {
		const json_t *entry = json_array_get(t->timeline, i);
		const char *other = call_of(entry);

		if (other && !strcmp(other, call) && !is_noise(what_of(entry)))
			print_entry(t->cli, entry, "      ", false);
	}
	free(name);
}

/* ---- all of it ---- */

static void print_section(struct telling *t, size_t from)
{
	for (size_t i = from; i < t->end; i++) {
		const json_t *entry = json_array_get(t->timeline, i);
		const char *call = call_of(entry);

		if (i == from)
			putchar('\n');
		if (is_noise(what_of(entry)))
			continue;
		if (!call)
			print_entry(t->cli, entry, i == from ? "" : "  ", i == from);
		else if (!told_before(t, from, i, call))
			print_call(t, i, call);
	}
}

static void print_story(const struct cli *cli, const json_t *timeline)
{
	struct telling t = {.cli = cli, .timeline = timeline};
	size_t n = json_array_size(timeline);

	for (size_t from = 0; from < n; from = t.end) {
		for (t.end = from + 1; t.end < n; t.end++)
			if (begins_section(what_of(json_array_get(timeline, t.end))))
				break;
		print_section(&t, from);
	}
}

static void print_head(const struct cli *cli, const json_t *alert)
{
	char *id = format_member(alert, "id"), *message = format_member(alert, "message");
	char *severity = format_member(alert, "severity"), *target = format_member(alert, "target");

	printf("alert %s\n", id);
	format_put(cli, TONE_TITLE, message);
	printf("\nseverity %s, for %s\n", severity, target);
	free(id);
	free(message);
	free(severity);
	free(target);
}

static const char *state_means(const char *state)
{
	static const char *const means[][2] = {
		{"open", "People are being called, or are about to be."},
		{"acknowledged", "Somebody has taken it."},
		{"resolved", "It is over."},
		{"cancelled", "It was cancelled."},
		{"exhausted", "Nobody has taken it, and nobody is left to be called."},
	};

	for (size_t i = 0; i < sizeof(means) / sizeof(*means); i++)
		if (!strcmp(means[i][0], state))
			return means[i][1];
	return "";
}

static void print_end(const struct cli *cli, const json_t *alert, bool held)
{
	char *state = format_member(alert, "state"), *by = format_member(alert, "acknowledged_by");
	int64_t at_us = time_of(alert, "acknowledged_at");
	char span[FORMAT_TIME_SIZE];

	printf("\nnow: ");
	format_put(cli, format_tone_of(state), state);
	printf(". %s", held ? "It is held back: nobody is called for now." : state_means(state));
	if (at_us)
		printf(" Acknowledged by %s, %s after it was raised.", *by ? by : "somebody",
		       format_span(span, at_us - time_of(alert, "created_at")));
	putchar('\n');
	free(state);
	free(by);
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
		format_json(cli, json_object_get(alert, "timeline"));
	} else {
		print_head(cli, alert);
		print_story(cli, json_object_get(alert, "timeline"));
		print_end(cli, alert, json_is_object(json_object_get(alert, "held")));
	}
	json_decref(alert);
	return EXIT_OK;
}

const struct cli_command cli_explain = {
	.name = "explain",
	.words = "ID",
	.min = 1,
	.max = 1,
	.summary = "Tell why an alert went as it did",
	.more = "Every decision with its reason, by steps of the escalation and by calls, in local "
		"time.\n"
		"ID is an alert's id, an unambiguous beginning of it, or \"last\": the newest "
		"alert.\n",
	.run = run,
};
