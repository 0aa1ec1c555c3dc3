/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ids as people give them; see find.h.
 */
#include "find.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "format.h"

enum { ID_LENGTH = 36, TIME_DIGITS = 12, SHOWN_LENGTH = 18 };

/*
 * The first digits of an id are the milliseconds since 1970 when its alert was raised (RFC 9562,
 * UUIDv7): the range of times that an id beginning like this may have. False: no id begins so.
 */
static bool times_of(const char *beginning, int64_t *since_us, int64_t *until_us)
{
	uint64_t low = 0, high = 0;
	int digits = 0;

	for (const char *s = beginning; *s; s++) {
		unsigned digit = isdigit((unsigned char)*s) ? (unsigned)(*s - '0')
							    : (unsigned)(*s - 'a' + 10);

		if (*s == '-')
			continue;
		if (digit > 15)
			return false;
		if (digits++ < TIME_DIGITS) {
			low = low << 4 | digit;
			high = high << 4 | digit;
		}
	}
	for (; digits < TIME_DIGITS; digits++) {
		low <<= 4;
		high = high << 4 | 15;
	}
	*since_us = (int64_t)low * 1000;
	*until_us = (int64_t)(high + 1) * 1000;
	return true;
}

/* What has been found so far: the one, and whether there is another. */
struct found {
	const char *beginning;
	char *id; /* receives it; FIND_ID_SIZE */
	bool another;
};

static void look_through(struct found *found, const json_t *items)
{
	for (size_t i = 0; i < json_array_size(items); i++) {
		const char *id = json_string_value(json_object_get(json_array_get(items, i), "id"));

		if (!id || strncmp(id, found->beginning, strlen(found->beginning)) != 0)
			continue;
		if (*found->id)
			found->another = true;
		snprintf(found->id, FIND_ID_SIZE, "%s", id);
	}
}

/* All pages between two times, until it is known whether there is one, and only one. */
static int search(struct cli *cli, struct found *found, int64_t since_us, int64_t until_us)
{
	char since[FORMAT_TIME_SIZE], until[FORMAT_TIME_SIZE], *cursor = NULL, *path;
	json_t *page = NULL;
	int code = EXIT_OK;

	format_rfc3339(since, since_us);
	format_rfc3339(until, until_us);
	do {
		const struct client_param params[] = {{"since", since_us ? since : NULL},
						      {"until", until},
						      {"limit", "500"},
						      {"cursor", cursor},
						      {NULL, NULL}};

		path = client_path(cli->client, "/v1/alerts", params);
		free(cursor);
		cursor = NULL;
		code = client_ask(cli->client, "GET", path, NULL, &page);
		free(path);
		if (code)
			break;
		look_through(found, json_object_get(page, "items"));
		if (json_is_string(json_object_get(page, "next")))
			cursor =
				format_text("%s", json_string_value(json_object_get(page, "next")));
		json_decref(page);
	} while (cursor && !found->another);
	free(cursor);
	return code;
}

static int find_last(struct cli *cli, char id[FIND_ID_SIZE])
{
	json_t *page = NULL, *first;
	const char *text;
	int code = client_ask(cli->client, "GET", "/v1/alerts?limit=1", NULL, &page);

	if (code)
		return code;
	first = json_array_get(json_object_get(page, "items"), 0);
	text = json_string_value(json_object_get(first, "id"));
	if (text)
		snprintf(id, FIND_ID_SIZE, "%s", text);
	else
		fputs("tocsin: there is no alert yet\n", stderr);
	json_decref(page);
	return text ? EXIT_OK : EXIT_REFUSED;
}

int find_alert(struct cli *cli, const char *given, char id[FIND_ID_SIZE])
{
	struct found found = {.id = id};
	char beginning[FIND_ID_SIZE];
	int64_t since_us, until_us;
	size_t len = strlen(given);
	int code;

	if (!strcmp(given, "last"))
		return find_last(cli, id);
	snprintf(beginning, sizeof(beginning), "%s", given);
	for (char *s = beginning; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	if (len >= ID_LENGTH || !len || !times_of(beginning, &since_us, &until_us)) {
		snprintf(id, FIND_ID_SIZE, "%s", beginning);
		return EXIT_OK;
	}
	found.beginning = beginning;
	id[0] = '\0';
	code = search(cli, &found, since_us, until_us);
	if (code)
		return code;
	if (*id && !found.another)
		return EXIT_OK;
	fprintf(stderr,
		*id ? "tocsin: more than one alert begins with %s\n"
		    : "tocsin: there is no alert that begins with %s\n",
		beginning);
	return EXIT_REFUSED;
}

char *find_shown(const struct cli *cli, const char *id)
{
	return format_text("%.*s", cli->terminal ? SHOWN_LENGTH : ID_LENGTH, id ? id : "");
}
