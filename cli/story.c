/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happened to an alert; see story.h.
 */
#include "story.h"

#include <stdlib.h>
#include <string.h>

#include "format.h"

enum { WHAT_WIDTH = 18 };

/* "alert.acknowledged" by what stands behind its point. */
static enum format_tone tone_of(const char *what)
{
	const char *point = strchr(what, '.');

	if (!strncmp(what, "call.", 5))
		return strcmp(what, "call.key") ? TONE_PLAIN : TONE_TITLE;
	if (!strcmp(what, "speech.failed"))
		return TONE_BAD;
	return point ? format_tone_of(point + 1) : TONE_PLAIN;
}

void story_print_sentence(const struct cli *cli, const char *what, const json_t *entry)
{
	char *text = format_member(entry, "text"), *reason = format_member(entry, "reason");
	char *name = format_clean(what), *shown = format_text("%-*s", WHAT_WIDTH, name);

	format_put(cli, TONE_FAINT, shown);
	putchar(' ');
	format_put(cli, tone_of(name), text);
	if (*reason) {
		char *why = format_text(" (%s)", reason);

		format_put(cli, TONE_FAINT, why);
		free(why);
	}
	putchar('\n');
	free(text);
	free(reason);
	free(name);
	free(shown);
}

void story_print(const struct cli *cli, const json_t *timeline, size_t from, int64_t begin_us)
{
	char clock[FORMAT_TIME_SIZE], span[FORMAT_TIME_SIZE];

	for (size_t i = from; i < json_array_size(timeline); i++) {
		const json_t *entry = json_array_get(timeline, i);
		const char *what = json_string_value(json_object_get(entry, "what"));
		int64_t at_us = format_parse_time(json_string_value(json_object_get(entry, "at")));
		int64_t after_us = at_us > begin_us ? at_us - begin_us : 0;

		printf("%-12s  +%-10s  ", format_clock(clock, at_us), format_span(span, after_us));
		story_print_sentence(cli, what ? what : "", entry);
	}
}
