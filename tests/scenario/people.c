/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The people of the world: contacts, schedules, policies and maintenance windows, put into the
 * store as the API does it, and into the memory of the process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "host/id.h"
#include "host/quantity.h"
#include "host/rfc3339.h"
#include "oncall/directory.h"
#include "oncall/maintenance.h"
#include "oncall/oncall.h"
#include "oncall/pin.h"
#include "oncall/policy.h"
#include "oncall/reference.h"
#include "oncall/schedule.h"
#include "scenario/private.h"
#include "store/contact_repo.h"
#include "store/document_repo.h"
#include "store/store.h"

/* ---- contacts ---- */

struct writing {
	struct contact_row contact;
	struct document_row document;
	bool there; /* it is changed */
	bool done;
	int err;
};

static void on_done(void *arg, int err)
{
	struct writing *x = arg;

	x->done = true;
	x->err = err;
}

static bool store_it(struct world *w, int (*run)(struct db *db, void *arg), struct writing *x)
{
	store_write(w->store, run, on_done, x);
	world_settle(w);
	return x->done && !x->err;
}

static int put_contact(struct db *db, void *arg)
{
	struct writing *x = arg;

	return x->there ? contact_update(db, &x->contact, 0) : contact_insert(db, &x->contact);
}

/* "+491,+492": in order of preference. Owned by the caller. */
static char *numbers_json(const char *list)
{
	json_t *numbers = json_array();
	char *copy = tc_strdup(list), *rest = copy, *one, *text;

	while (strcmp(list, "-") != 0 && (one = strsep(&rest, ",")))
		json_array_append_new(numbers,
				      json_pack("{s:s, s:[s]}", "number", one, "use", "call"));
	text = json_dumps(numbers, 0);
	json_decref(numbers);
	free(copy);
	return text;
}

void world_contact(struct world *w, const char *name, const char *numbers, const char *pin,
		   bool enabled)
{
	struct directory *dir = oncall_directory(w->oncall);
	const struct contact *known = directory_find_name(dir, name);
	struct writing x = {.contact = {.name = name, .enabled = enabled, .version = 1},
			    .there = known != NULL};
	char kept[PIN_KEPT_SIZE], *text = numbers_json(numbers);

	x.contact.numbers = text;
	if (strcmp(pin, "-") != 0 && !pin_keep(pin, kept))
		x.contact.pin = kept;
	if (known)
		tc_strcopy(x.contact.id, TC_ID_SIZE, known->id);
	else
		id_new(x.contact.id, loop_wall_us(w->loop));
	if (store_it(w, put_contact, &x))
		directory_put(dir, &x.contact);
	free(text);
}

/* ---- documents ---- */

static struct documents *documents_of(const struct world *w, const char *kind)
{
	if (!strcmp(kind, "schedule"))
		return oncall_schedules(w->oncall);
	if (!strcmp(kind, "policy"))
		return oncall_policies(w->oncall);
	return oncall_maintenance(w->oncall);
}

static int put_document(struct db *db, void *arg)
{
	struct writing *x = arg;

	return x->there ? document_update(db, &x->document, 0)
			: document_insert(db, &x->document);
}

static int drop_document(struct db *db, void *arg)
{
	struct writing *x = arg;

	return document_delete(db, x->document.kind, x->document.id, 0);
}

static int drop_contact(struct db *db, void *arg)
{
	return contact_delete(db, ((struct writing *)arg)->contact.id, 0);
}

/* Is it what the API would take? */
static bool is_good(const struct world *w, const struct document_kind *kind, const json_t *body)
{
	void *fields = tc_alloc(kind->fields_size), *memory = NULL;
	struct tc_errors *errs = tc_errors_new();
	bool good = !tc_options_fill(kind->table, body, fields, &memory, errs);

	if (good && kind->check)
		kind->check(w->oncall, fields, errs);
	good = good && !tc_errors_count(errs);
	if (!good)
		fprintf(stderr, "scenario: %s: %s\n", tc_errors_field(errs, 0),
			tc_errors_text(errs, 0));
	tc_errors_free(errs);
	tc_options_release(memory);
	free(fields);
	return good;
}

/* Takes body. */
static bool put(struct world *w, const char *kind, json_t *body)
{
	struct documents *docs = documents_of(w, kind);
	const char *name = json_string_value(json_object_get(body, "name"));
	const struct document *known = documents_named(docs, name);
	struct writing x = {.document = {.kind = kind, .name = name, .version = 1},
			    .there = known != NULL};
	bool good = is_good(w, documents_kind(docs), body);
	char *text;

	reference_keep(w->oncall, body);
	x.document.body = text = json_dumps(body, JSON_COMPACT);
	if (known)
		tc_strcopy(x.document.id, TC_ID_SIZE, known->id);
	else
		id_new(x.document.id, loop_wall_us(w->loop));
	good = good && store_it(w, put_document, &x);
	if (good)
		documents_put(docs, &x.document);
	world_settle(w);
	free(text);
	json_decref(body);
	return good;
}

bool world_drop(struct world *w, const char *kind, const char *name)
{
	const struct contact *contact = directory_find_name(oncall_directory(w->oncall), name);
	struct documents *docs = documents_of(w, kind);
	const struct document *doc = documents_named(docs, name);
	struct writing x = {.document = {.kind = kind}};

	if (!strcmp(kind, "contact") && contact) {
		tc_strcopy(x.contact.id, TC_ID_SIZE, contact->id);
		if (store_it(w, drop_contact, &x))
			directory_drop(oncall_directory(w->oncall), x.contact.id);
	} else if (doc) {
		tc_strcopy(x.document.id, TC_ID_SIZE, doc->id);
		if (store_it(w, drop_document, &x))
			documents_drop(docs, x.document.id);
	}
	world_settle(w);
	return x.done && !x.err;
}

/* ---- how they are written in a script ---- */

/* "KEY=REST": the rest, or NULL. */
static char *after(char *word, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(word, key, len) && word[len] == '=' ? word + len + 1 : NULL;
}

/* "+1h", from now on; anything else as it stands. */
static json_t *time_json(const struct world *w, const char *text)
{
	char buf[RFC3339_SIZE];
	int64_t ms;

	if (*text == '+' && !quantity_parse_duration(text + 1, &ms))
		return json_string(rfc3339_format(buf, loop_wall_us(w->loop) + ms * 1000));
	return json_string(text);
}

static void add(json_t *object, const char *list, json_t *one)
{
	if (!json_object_get(object, list))
		json_object_set_new(object, list, json_array());
	json_array_append_new(json_object_get(object, list), one);
}

/* layer=NAME,daily|weekly|RRULE,09:00,2030-01-01,Alice,Bob */
static json_t *layer_json(char *text)
{
	char *name = strsep(&text, ","), *rotation = strsep(&text, ",");
	char *handover = strsep(&text, ","), *start = strsep(&text, ","), *member;
	bool plain = rotation && (!strcmp(rotation, "daily") || !strcmp(rotation, "weekly"));
	json_t *members = json_array(), *layer;

	while ((member = strsep(&text, ",")))
		json_array_append_new(members, json_sprintf("contact:%s", member));
	layer = json_pack("{s:s, s:s, s:s?, s:s?, s:o}", "name", name, "rotation",
			  plain ? rotation : "rrule", "handover", handover, "start", start,
			  "members", members);
	if (!plain)
		json_object_set_new(layer, "rrule", json_string(rotation ? rotation : ""));
	return layer;
}

/* window=Alice,START,END[,PRIORITY]; override=Alice,START,END */
static json_t *span_json(const struct world *w, char *text)
{
	char *contact = strsep(&text, ","), *start = strsep(&text, ","), *end = strsep(&text, ",");
	json_t *span = json_pack("{s:s, s:o, s:o}", "contact", contact, "start",
				 time_json(w, start ? start : ""), "end",
				 time_json(w, end ? end : ""));

	if (text)
		json_object_set_new(span, "priority", json_integer(strtol(text, NULL, 10)));
	return span;
}

bool world_schedule(struct world *w, const char *name, char **words, int n)
{
	json_t *body = json_pack("{s:s, s:s}", "name", name, "timezone", "Etc/UTC");
	char *rest;

	for (int i = 0; i < n; i++) {
		if ((rest = after(words[i], "timezone")))
			json_object_set_new(body, "timezone", json_string(rest));
		else if ((rest = after(words[i], "layer")))
			add(body, "layers", layer_json(rest));
		else if ((rest = after(words[i], "window")))
			add(body, "windows", span_json(w, rest));
		else if ((rest = after(words[i], "override")))
			add(body, "overrides", span_json(w, rest));
	}
	return put(w, "schedule", body);
}

/* step=TARGET[&TARGET...][,WAIT][,all] */
static json_t *step_json(char *text)
{
	char *targets = strsep(&text, ","), *target, *word;
	json_t *list = json_array();
	json_t *step = json_pack("{s:o}", "targets", list);

	while ((target = strsep(&targets, "&")))
		json_array_append_new(list, json_string(target));
	while ((word = strsep(&text, ","))) {
		if (!strcmp(word, "all"))
			json_object_set_new(step, "all_must_acknowledge", json_true());
		else
			json_object_set_new(step, "wait", json_string(word));
	}
	return step;
}

bool world_policy(struct world *w, const char *name, char **words, int n)
{
	json_t *body = json_pack("{s:s}", "name", name);
	char *rest;

	for (int i = 0; i < n; i++) {
		if ((rest = after(words[i], "step")))
			add(body, "steps", step_json(rest));
		else if ((rest = after(words[i], "final")))
			add(body, "final", step_json(rest));
		else if ((rest = after(words[i], "repeat")))
			json_object_set_new(body, "repeat", json_integer(strtol(rest, NULL, 10)));
		else if ((rest = after(words[i], "ack_timeout")))
			json_object_set_new(body, "ack_timeout", json_string(rest));
	}
	return put(w, "policy", body);
}

/* NAME LABEL=VALUE START END */
bool world_maintenance(struct world *w, const char *name, char **words, int n)
{
	char *label = n ? strsep(&words[0], "=") : NULL;

	if (n != 3 || !words[0])
		return false;
	return put(w, "maintenance",
		   json_pack("{s:s, s:[{s:s, s:s, s:s}], s:o, s:o}", "name", name, "matchers",
			     "label", label, "op", "=", "value", words[0], "start",
			     time_json(w, words[1]), "end", time_json(w, words[2])));
}
