/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * References by name, and by id. What a target leads to at an instant is not found out here.
 */
#include "oncall/reference.h"

#include <stdio.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "oncall/directory.h"
#include "oncall/document.h"
#include "oncall/oncall.h"

#define CONTACT "contact:"

/* What stands behind "KIND:"; NULL: it is not of this kind. */
static const char *behind(const char *text, const char *kind)
{
	size_t len = strlen(kind);

	return !strncmp(text, kind, len) && text[len] == ':' && text[len + 1] ? text + len + 1
									      : NULL;
}

bool reference_valid(const char *text)
{
	return behind(text, "contact") || behind(text, "schedule") || behind(text, "policy");
}

static const struct contact *contact_named(const struct oncall *oncall, const char *name)
{
	const struct directory *dir = oncall_directory(oncall);
	const struct contact *c = directory_find(dir, name);

	return c ? c : directory_find_name(dir, name);
}

bool reference_find(const struct oncall *oncall, const char *text, char id[TC_ID_SIZE])
{
	const struct document *doc = NULL;
	const struct contact *c = NULL;
	const char *name;

	if ((name = behind(text, "contact")))
		c = contact_named(oncall, name);
	else if ((name = behind(text, "schedule")))
		doc = documents_named(oncall_schedules(oncall), name);
	else if ((name = behind(text, "policy")))
		doc = documents_named(oncall_policies(oncall), name);
	tc_strcopy(id, TC_ID_SIZE, c ? c->id : doc ? doc->id : "");
	return c || doc;
}

bool reference_same(const struct oncall *oncall, const char *text, const char *by_id)
{
	size_t kind = strcspn(by_id, ":");
	char id[TC_ID_SIZE];

	if (!strcmp(text, by_id))
		return true;
	return !strncmp(text, by_id, kind + 1) && reference_find(oncall, text, id) &&
	       !strcmp(id, by_id + kind + 1);
}

/* ---- ids in place of names ---- */

static json_t *by_id(const struct oncall *oncall, const char *text)
{
	char id[TC_ID_SIZE];

	if (!text || !reference_find(oncall, text, id))
		return NULL;
	return json_sprintf("%.*s:%s", (int)strcspn(text, ":"), text, id);
}

static void keep_list(const struct oncall *oncall, json_t *list)
{
	json_t *item, *kept;
	size_t i;

	json_array_foreach (list, i, item) {
		kept = by_id(oncall, json_string_value(item));
		if (kept)
			json_array_set_new(list, i, kept);
	}
}

static void keep_contact(const struct oncall *oncall, json_t *object, const char *name)
{
	const struct contact *c;

	if (!strncmp(name, CONTACT, strlen(CONTACT)))
		name += strlen(CONTACT);
	c = contact_named(oncall, name);
	if (c)
		json_object_set_new(object, "contact", json_string(c->id));
}

static void keep_object(const struct oncall *oncall, json_t *object, int depth);

/* What a list or an object contains. */
static void keep_inner(const struct oncall *oncall, json_t *value, int depth)
{
	json_t *item;
	size_t i;

	keep_object(oncall, value, depth);
	json_array_foreach (value, i, item)
		keep_object(oncall, item, depth);
}

/* No document has more than two lists one inside the other. */
static void keep_object(const struct oncall *oncall, json_t *object, int depth)
{
	const char *name, *text;
	json_t *value;
	void *next;

	json_object_foreach_safe(object, next, name, value)
	{
		text = json_string_value(value);
		if (!strcmp(name, "members") || !strcmp(name, "targets"))
			keep_list(oncall, value);
		else if (!strcmp(name, "contact") && text)
			keep_contact(oncall, object, text);
		else if (depth)
			keep_inner(oncall, value, depth - 1);
	}
}

void reference_keep(const struct oncall *oncall, json_t *body)
{
	keep_object(oncall, body, 3);
}
