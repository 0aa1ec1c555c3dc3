/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binder: walks a JSON object by an option table and fills a typed struct, with all faults.
 * Values without parts are read in option_scalar.c, secrets found in option_secret.c.
 */
#include <assert.h>
#include <string.h>

#include "host/binder.h"
#include "host/config.h"

static void fill_object(struct binder *b, const struct tc_option *table, const char *const *skip,
			const struct binder_path *path, const json_t *object, void *out);

/* ---- faults ---- */

static void add_path(struct tc_buf *buf, const struct binder_path *path)
{
	if (!path)
		return;
	add_path(buf, path->up);
	if (path->key)
		errors_path_key(buf, path->key);
	else
		errors_path_index(buf, path->index);
}

void binder_fault(struct binder *b, const struct binder_path *path, enum errors_at at,
		  const char *fmt, ...)
{
	struct tc_buf text = {0};
	va_list ap;

	b->faults++;
	if (tc_errors_count(b->errs) >= ERRORS_MAX)
		return;
	tc_buf_puts(&text, b->base);
	add_path(&text, path);
	va_start(ap, fmt);
	errors_vadd_path(b->errs, at, text.data, fmt, ap);
	va_end(ap);
	tc_buf_fini(&text);
}

static void fault_unknown(struct binder *b, const struct tc_option *table, const char *const *skip,
			  const struct binder_path *path)
{
	static const char *const words[] = {
		[BINDER_JSON] = "field",
		[BINDER_QUERY] = "parameter",
		[BINDER_YAML] = "option",
	};
	char key[ERRORS_KEY_SIZE], buf[OPTION_NAME_SIZE];
	const char *near = option_suggest(buf, table, skip, b->source == BINDER_YAML, path->key);
	const char *word = words[b->source];

	errors_key_text(key, path->key);
	if (*near)
		binder_fault(b, path, ERRORS_AT_KEY, "unknown %s '%s', did you mean '%s'?", word,
			     key, near);
	else if (b->source == BINDER_YAML && strchr(path->key, ':'))
		binder_fault(b, path, ERRORS_AT_KEY,
			     "unknown %s '%s', a space is missing after the colon", word, key);
	else
		binder_fault(b, path, ERRORS_AT_KEY, "unknown %s '%s'", word, key);
}

static const char *object_word(const struct binder *b)
{
	return b->source == BINDER_YAML ? "a mapping (name: value)" : "an object";
}

/* ---- values with parts ---- */

static bool fill_strings(struct binder *b, const struct tc_option *o,
			 const struct binder_path *path, const json_t *value,
			 struct tc_strings *out)
{
	bool single = json_is_string(value) && b->source != BINDER_JSON;
	size_t n = single ? 1 : json_array_size(value), before = b->faults;

	if (!single && !json_is_array(value)) {
		binder_fault(b, path, ERRORS_AT_VALUE, "must be a list of texts");
		return false;
	}
	if (!binder_range(b, o, path, (int64_t)n))
		return false;
	out->v = arena_try_calloc(b->arena, n + 1, sizeof(*out->v));
	if (!out->v) {
		binder_fault(b, path, ERRORS_AT_VALUE, "is too long for this machine");
		return false;
	}
	out->n = n;
	for (size_t i = 0; i < n; i++) {
		struct binder_path item = {.up = path, .index = i};

		out->v[i] = single ? binder_text(b, path, value)
				   : binder_text(b, &item, json_array_get(value, i));
	}
	return b->faults == before;
}

static bool fill_map(struct binder *b, const struct tc_option *o, const struct binder_path *path,
		     const json_t *value, struct tc_map *out)
{
	size_t n = json_object_size(value), before = b->faults;
	const char *key;
	json_t *text;

	if (!json_is_object(value)) {
		binder_fault(b, path, ERRORS_AT_VALUE, "must be %s", object_word(b));
		return false;
	}
	if (!binder_range(b, o, path, (int64_t)n))
		return false;
	out->v = arena_try_calloc(b->arena, n, sizeof(*out->v));
	if (!out->v) {
		binder_fault(b, path, ERRORS_AT_VALUE, "is too long for this machine");
		return false;
	}
	json_object_foreach((json_t *)value, key, text) {
		struct binder_path item = {.up = path, .key = key};
		const char *copy = binder_bytes(b, &item, key, strlen(key));

		out->v[out->n++] = (struct tc_pair){copy, binder_text(b, &item, text)};
	}
	return b->faults == before;
}

static bool fill_list(struct binder *b, const struct tc_option *o, const struct binder_path *path,
		      const json_t *value, struct tc_list *out)
{
	size_t n = json_array_size(value), before = b->faults;
	size_t size = o->sub ? o->sub_size : sizeof(const json_t *);
	char *items;

	if (!json_is_array(value)) {
		binder_fault(b, path, ERRORS_AT_VALUE, "must be a list");
		return false;
	}
	if (!binder_range(b, o, path, (int64_t)n))
		return false;
	items = arena_try_calloc(b->arena, n, size);
	if (!items) {
		binder_fault(b, path, ERRORS_AT_VALUE, "is too long for this machine");
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(value, i);
		struct binder_path at = {.up = path, .index = i};

		if (!json_is_object(item))
			binder_fault(b, &at, ERRORS_AT_VALUE, "must be %s", object_word(b));
		else if (o->sub)
			fill_object(b, o->sub, NULL, &at, item, items + i * size);
		else
			memcpy(items + i * size, &item, sizeof(item));
	}
	*out = (struct tc_list){items, n};
	return b->faults == before;
}

static bool fill_value(struct binder *b, const struct tc_option *o, const struct binder_path *path,
		       const json_t *value, void *field)
{
	switch (o->type) {
	case TC_STRINGS:
		return fill_strings(b, o, path, value, field);
	case TC_MAP:
		return fill_map(b, o, path, value, field);
	case TC_LIST:
		return fill_list(b, o, path, value, field);
	case TC_JSON:
		memcpy(field, &value, sizeof(value));
		return true;
	case TC_OBJECT:
		if (json_is_object(value))
			fill_object(b, o->sub, NULL, path, value, field);
		else
			binder_fault(b, path, ERRORS_AT_VALUE, "must be %s", object_word(b));
		return true;
	default:
		return binder_scalar(b, o, path, value, field);
	}
}

/* ---- defaults ---- */

static void drop_json(void *json)
{
	json_decref(json);
}

/* The default of an option as a document. It stands in a table of ours: a wrong one is a bug. */
static json_t *default_value(struct binder *b, const struct tc_option *o)
{
	bool parts = o->type == TC_STRINGS || o->type == TC_MAP || o->type == TC_LIST ||
		     o->type == TC_JSON;
	json_t *value;

	if (parts) {
		struct tc_errors *errs = tc_errors_new();
		struct yaml_doc *doc = yaml_parse("default", o->def, strlen(o->def), errs);

		assert(doc && tc_errors_count(errs) == 0);
		value = json_incref(yaml_root(doc));
		yaml_close(doc);
		tc_errors_free(errs);
	} else {
		value = json_string(o->def);
	}
	assert(value);
	arena_keep(b->arena, drop_json, value);
	return value;
}

static void fill_default(struct binder *b, const struct tc_option *o, void *field)
{
	struct tc_errors *errs = tc_errors_new();
	struct binder own = {.arena = b->arena, .errs = errs, .base = "", .source = BINDER_YAML};
	struct binder_path path = {.key = o->name};
	bool good = fill_value(&own, o, &path, default_value(b, o), field);

	assert(good);
	(void)good;
	tc_errors_free(errs);
}

/* What holds when nothing is given: defaults, also within objects. Nothing is required here. */
static void fill_absent(struct binder *b, const struct tc_option *o, void *field)
{
	if (o->type == TC_OBJECT) {
		for (const struct tc_option *sub = o->sub; sub->name; sub++)
			fill_absent(b, sub, (char *)field + sub->offset);
	} else if (o->def) {
		fill_default(b, o, field);
	}
}

/* ---- objects ---- */

/* Given, but without content. Numbers and truth values always have some. */
static bool is_empty(const struct tc_option *o, const void *field)
{
	switch (o->type) {
	case TC_STRING:
	case TC_SECRET:
		return **(const char *const *)field == '\0';
	case TC_STRINGS:
		return ((const struct tc_strings *)field)->n == 0;
	case TC_MAP:
		return ((const struct tc_map *)field)->n == 0;
	case TC_LIST:
		return ((const struct tc_list *)field)->n == 0;
	default:
		return false;
	}
}

static void fill_option(struct binder *b, const struct tc_option *o, const struct binder_path *up,
			const json_t *object, void *field)
{
	struct binder_path path = {.up = up, .key = o->name};
	const json_t *value = json_object_get(object, o->name);
	bool given = value && !json_is_null(value), good;

	if (o->type == TC_SECRET) {
		const char *secret = binder_secret(b, o, &path, object, &given);

		good = secret;
		memcpy(field, &secret, sizeof(secret));
	} else {
		good = given && fill_value(b, o, &path, value, field);
	}
	if (!given && (o->flags & TC_REQUIRED))
		binder_fault(b, &path, ERRORS_AT_VALUE, "is required%s",
			     o->type == TC_SECRET && b->source == BINDER_YAML
				     ? " (here, or with _file or _env behind its name)"
				     : "");
	else if (!given)
		fill_absent(b, o, field);
	else if (good && (o->flags & TC_REQUIRED) && is_empty(o, field))
		binder_fault(b, &path, ERRORS_AT_VALUE, "must not be empty");
}

static bool listed(const char *const *names, const char *name)
{
	for (; names && *names; names++) {
		if (!strcmp(*names, name))
			return true;
	}
	return false;
}

static void fill_object(struct binder *b, const struct tc_option *table, const char *const *skip,
			const struct binder_path *path, const json_t *object, void *out)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		struct binder_path at = {.up = path, .key = key};

		if (option_find(table, key) || listed(skip, key))
			continue;
		if (b->source != BINDER_YAML || !option_secret_form(table, key))
			fault_unknown(b, table, skip, &at);
	}
	for (const struct tc_option *o = table; o->name; o++)
		fill_option(b, o, path, object, (char *)out + o->offset);
}

/* ---- entry ---- */

int options_fill(const struct tc_option *table, const json_t *object, const char *const *skip,
		 void *out, void **memory, struct tc_errors *errs)
{
	const struct yaml_doc *doc = errors_doc(errs);
	const char *base = doc && object ? yaml_path(doc, object) : NULL;
	struct binder b = {
		.arena = arena_new(),
		.errs = errs,
		.base = base ? base : errors_base(errs),
		.source = doc ? BINDER_YAML : errors_lenient(errs) ? BINDER_QUERY : BINDER_JSON,
	};

	*memory = b.arena;
	if (object && !json_is_object(object) && !json_is_null(object))
		binder_fault(&b, NULL, ERRORS_AT_VALUE, "must be %s", object_word(&b));
	else
		fill_object(&b, table, skip, NULL, object, out);
	return b.faults ? -EINVAL : 0;
}

int tc_options_fill(const struct tc_option *table, const json_t *object, void *out, void **memory,
		    struct tc_errors *errs)
{
	return options_fill(table, object, NULL, out, memory, errs);
}

void tc_options_release(void *memory)
{
	arena_free(memory);
}
