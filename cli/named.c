/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What has a name beside its id; see named.h.
 */
#include "named.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "format.h"
#include "list.h"

enum { FILE_MAX = 64 * 1024 * 1024 };

/* ---- finding ---- */

/* The id of who has this name on the page; NULL: nobody. Owned by the caller. */
static char *id_on(const json_t *page, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(page, "items"), i, item) {
		const char *have = json_string_value(json_object_get(item, "name"));

		if (have && !strcmp(have, name))
			return format_text("%s", json_string_value(json_object_get(item, "id")));
	}
	return NULL;
}

struct wanted {
	const char *name;
	char *id; /* owned */
};

static bool look(void *arg, const json_t *page)
{
	struct wanted *wanted = arg;

	wanted->id = id_on(page, wanted->name);
	return !wanted->id;
}

char *named_find(struct cli *cli, const char *base, const char *name, int *code)
{
	struct wanted wanted = {.name = name};
	char *before, *path = NULL;

	*code = list_each(cli, base, name, look, &wanted);
	if (!wanted.id)
		return NULL;
	before = format_text("%s/", base);
	path = client_path_of(cli->client, before, wanted.id, "");
	free(before);
	free(wanted.id);
	return path;
}

char *named_path(struct cli *cli, const char *base, const char *given, int *code)
{
	char *path = named_find(cli, base, given, code), *before;

	if (path || *code)
		return path;
	before = format_text("%s/", base);
	path = client_path_of(cli->client, before, given, "");
	free(before);
	return path;
}

/* ---- names ---- */

struct naming {
	const char *kind;
	json_t *names;
};

static bool add_names(void *arg, const json_t *page)
{
	const struct naming *naming = arg;
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(page, "items"), i, item) {
		char *id = format_member(item, "id");
		char *key = format_text("%s:%s", naming->kind, id);

		json_object_set(naming->names, key, json_object_get(item, "name"));
		free(id);
		free(key);
	}
	return true;
}

int named_all(struct cli *cli, const char *base, const char *kind, json_t *names)
{
	struct naming naming = {kind, names};

	return list_each(cli, base, NULL, add_names, &naming);
}

char *named_shown(const json_t *names, const char *reference)
{
	const char *name;

	if (!reference)
		return format_text("%s", "");
	name = json_string_value(json_object_get(names, reference));
	if (!name)
		return format_clean(reference);
	if (!strncmp(reference, "contact:", strlen("contact:")))
		return format_clean(name);
	return format_text("%.*s %s", (int)strcspn(reference, ":"), reference, name);
}

/* ---- files ---- */

char *named_read_file(const char *path, size_t *len)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	size_t room = 64 * 1024, n = 0, more;
	char *text = file ? malloc(room) : NULL;
	bool good = file != NULL;

	while (good && (more = fread(text + n, 1, room - n - 1, file))) {
		n += more;
		if (n + 1 < room)
			continue;
		room *= 2;
		good = room <= FILE_MAX;
		errno = EFBIG;
		text = realloc(text, room);
		if (!text)
			abort();
	}
	good = good && !ferror(file);
	if (!good)
		fprintf(stderr, "tocsin: %s cannot be read: %s\n", path, strerror(errno));
	else
		text[n] = '\0';
	if (file && file != stdin)
		fclose(file);
	if (!good) {
		free(text);
		return NULL;
	}
	*len = n;
	return text;
}

/* ---- whole commands ---- */

int named_delete(struct cli *cli, const char *base, const char *given)
{
	int code;
	char *path = named_path(cli, base, given, &code);

	if (!path)
		return code;
	client_set_match(cli->client, "*"); /* whatever it is by now, it is to go */
	code = client_ask(cli->client, "DELETE", path, NULL, NULL);
	client_set_match(cli->client, NULL);
	free(path);
	if (!code && cli->json)
		puts("{}");
	return code;
}

/* NULL after stderr was told why. */
static json_t *read_json(const char *file)
{
	json_error_t error;
	json_t *json = NULL;
	size_t len;
	char *text = named_read_file(file, &len);
	const char *shown = strcmp(file, "-") ? file : "standard input";

	if (!text)
		return NULL;
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	free(text);
	if (!json)
		fprintf(stderr, "tocsin: %s: line %d: %s\n", shown, error.line, error.text);
	else if (!json_is_string(json_object_get(json, "name")))
		fprintf(stderr, "tocsin: %s: a JSON object with a name is wanted\n", shown);
	if (json && json_is_string(json_object_get(json, "name")))
		return json;
	json_decref(json);
	return NULL;
}

int named_put(struct cli *cli, const char *base, const char *noun, const char *file)
{
	json_t *body = read_json(file), *reply = NULL;
	char *path, *name, *id;
	int code;

	if (!body)
		return EXIT_USAGE;
	name = format_member(body, "name");
	path = named_find(cli, base, json_string_value(json_object_get(body, "name")), &code);
	if (code) {
		json_decref(body);
		free(name);
		return code;
	}
	if (path)
		json_object_del(body, "id"); /* of a file that was written elsewhere */
	client_set_match(cli->client, path ? "*" : NULL);
	code = client_ask(cli->client, path ? "PUT" : "POST", path ? path : base, body, &reply);
	client_set_match(cli->client, NULL);
	if (!code && cli->json) {
		format_json(cli, reply);
	} else if (!code) {
		id = format_member(reply, "id");
		printf("%s %s was %s, id %s\n", noun, name, path ? "changed" : "added", id);
		free(id);
	}
	json_decref(reply);
	free(path);
	free(name);
	return code;
}

int named_get(struct cli *cli, const char *base, const char *given, json_t **reply)
{
	int code;
	char *path = named_path(cli, base, given, &code);

	if (!path)
		return code;
	code = client_ask(cli->client, "GET", path, NULL, reply);
	free(path);
	return code;
}
