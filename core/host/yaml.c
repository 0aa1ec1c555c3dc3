/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * YAML (libyaml's events) to a JSON document that remembers the place of each key and value. Gives
 * nothing a type: scalars stay text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "host/config.h"
#include "host/errors.h"

#define FILE_MAX_BYTES (16 << 20)
#define DEPTH_MAX 40

struct place {
	char *path; /* owned */
	const json_t *node; /* NULL for null, which has no address of its own */
	unsigned line, column; /* 1-based */
	unsigned key_line, key_column; /* 0 = not in a mapping */
};

struct yaml_doc {
	char *file; /* owned */
	json_t *root; /* owned */
	struct place *places; /* owned; sorted by path */
	size_t n, cap;
};

struct reader {
	yaml_parser_t parser;
	struct yaml_doc *doc;
	struct tc_errors *errs;
	const char *text;
	struct tc_buf path;
	yaml_mark_t key; /* of the value that comes next */
	bool has_key;
	bool muted;  /* within the value of a doubled key: no places */
	bool broken; /* no sense in going on */
	unsigned depth;
};

/* ---- faults and places ---- */

static void fault(struct reader *r, const yaml_mark_t *mark, const char *sentence)
{
	errors_add_place(r->errs, r->doc->file, (unsigned)mark->line + 1,
			 (unsigned)mark->column + 1, r->path.data, "%s", sentence);
}

/* What the parser itself says. It never quotes the text, which may be a secret. */
static void fault_syntax(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem ? p->problem : "it is not YAML";
	yaml_mark_t mark = p->problem_mark;

	if (p->error == YAML_READER_ERROR) {
		mark = (yaml_mark_t){0};
		for (size_t i = 0; i < p->problem_offset && r->text[i]; i++) {
			mark.column += (r->text[i] & 0xc0) != 0x80;
			mark.column = r->text[i] == '\n' ? 0 : mark.column;
			mark.line += r->text[i] == '\n';
		}
	}
	r->broken = true;
	errors_add_place(r->errs, r->doc->file, (unsigned)mark.line + 1, (unsigned)mark.column + 1,
			 NULL, "%s%s%s", problem, p->context ? " " : "",
			 p->context ? p->context : "");
}

static void note_place(struct reader *r, const json_t *node, const yaml_mark_t *mark)
{
	struct yaml_doc *doc = r->doc;

	if (r->muted)
		return;
	if (doc->n == doc->cap) {
		doc->cap = doc->cap ? doc->cap * 2 : 64;
		doc->places = tc_realloc(doc->places, doc->cap * sizeof(*doc->places));
	}
	doc->places[doc->n++] = (struct place){
		.path = tc_strdup(r->path.data ? r->path.data : ""),
		.node = json_is_null(node) ? NULL : node,
		.line = (unsigned)mark->line + 1,
		.column = (unsigned)mark->column + 1,
		.key_line = r->has_key ? (unsigned)r->key.line + 1 : 0,
		.key_column = r->has_key ? (unsigned)r->key.column + 1 : 0,
	};
}

/* ---- reading ---- */

static json_t *read_node(struct reader *r, const yaml_event_t *ev);

static bool next_event(struct reader *r, yaml_event_t *ev)
{
	if (r->broken)
		return false;
	if (!yaml_parser_parse(&r->parser, ev)) {
		fault_syntax(r);
		return false;
	}
	return true;
}

static void path_cut(struct reader *r, size_t len)
{
	r->path.len = len;
	if (r->path.data)
		r->path.data[len] = '\0';
}

/*
 * Tags and anchors: a fault that does not quote them, as a password may begin with such a
 * character.
 */
static void check_plain(struct reader *r, const yaml_event_t *ev, const yaml_char_t *anchor,
			const yaml_char_t *tag)
{
	if (anchor)
		fault(r, &ev->start_mark,
		      "anchors are not supported; text that begins with & needs quotes");
	if (tag)
		fault(r, &ev->start_mark,
		      "tags are not supported; text that begins with ! needs quotes");
}

static bool is_null(const yaml_event_t *ev)
{
	static const char *const names[] = {"", "~", "null", "Null", "NULL"};

	if (ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp((const char *)ev->data.scalar.value, names[i]))
			return true;
	}
	return false;
}

/* Whether the text of a scalar can be taken; a fault if not. */
static bool text_good(struct reader *r, const yaml_event_t *ev)
{
	if (!memchr(ev->data.scalar.value, 0, ev->data.scalar.length))
		return true;
	fault(r, &ev->start_mark, "a NUL character is not allowed");
	return false;
}

static json_t *read_scalar(struct reader *r, const yaml_event_t *ev)
{
	const char *text = (const char *)ev->data.scalar.value;
	json_t *node;

	check_plain(r, ev, ev->data.scalar.anchor, ev->data.scalar.tag);
	if (is_null(ev) || !text_good(r, ev))
		return json_null();
	node = json_stringn(text, ev->data.scalar.length);
	if (node)
		return node;
	fault(r, &ev->start_mark, "the text is not valid UTF-8");
	return json_null();
}

static json_t *read_sequence(struct reader *r)
{
	json_t *array = json_array();
	size_t len = r->path.len;
	yaml_event_t ev;

	while (next_event(r, &ev)) {
		if (ev.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&ev);
			break;
		}
		r->has_key = false;
		errors_path_index(&r->path, json_array_size(array));
		json_array_append_new(array, read_node(r, &ev));
		path_cut(r, len);
		yaml_event_delete(&ev);
	}
	return array;
}

/* Skip over a value whose key was no good, but find the faults in it. */
static void read_unwanted(struct reader *r, const yaml_event_t *ev)
{
	bool muted = r->muted;

	r->muted = true;
	json_decref(read_node(r, ev));
	r->muted = muted;
}

/* A key and its value; ev is the event of the key. */
static void read_pair(struct reader *r, json_t *object, const yaml_event_t *key)
{
	const char *name = (const char *)key->data.scalar.value;
	yaml_mark_t mark = key->start_mark;
	bool good = key->type == YAML_SCALAR_EVENT;
	char shown[ERRORS_KEY_SIZE];
	size_t len = r->path.len;
	yaml_event_t ev;

	if (!good) {
		fault(r, &mark, "a key must be text");
		read_unwanted(r, key);
	} else {
		check_plain(r, key, key->data.scalar.anchor, key->data.scalar.tag);
		good = text_good(r, key);
	}
	if (!next_event(r, &ev))
		return;
	if (good)
		errors_path_key(&r->path, name);
	if (good && json_object_get(object, name)) {
		errors_add_place(r->errs, r->doc->file, (unsigned)mark.line + 1,
				 (unsigned)mark.column + 1, r->path.data,
				 "'%s' is given twice", errors_key_text(shown, name));
		good = false;
	}
	r->key = mark;
	r->has_key = true;
	if (!good)
		read_unwanted(r, &ev);
	else if (json_object_set_new(object, name, read_node(r, &ev)))
		fault(r, &mark, "the key is not valid UTF-8");
	path_cut(r, len);
	yaml_event_delete(&ev);
}

static json_t *read_mapping(struct reader *r)
{
	json_t *object = json_object();
	yaml_event_t ev;

	while (next_event(r, &ev)) {
		bool end = ev.type == YAML_MAPPING_END_EVENT;

		if (!end)
			read_pair(r, object, &ev);
		yaml_event_delete(&ev);
		if (end)
			break;
	}
	return object;
}

/* The value that begins with ev. Never NULL; null when something was wrong. */
static json_t *read_node(struct reader *r, const yaml_event_t *ev)
{
	yaml_mark_t key = r->key;
	bool has_key = r->has_key;
	json_t *node = NULL;

	if (++r->depth > DEPTH_MAX) {
		fault(r, &ev->start_mark, "this is nested too deeply");
		r->broken = true;
	} else if (ev->type == YAML_SCALAR_EVENT) {
		node = read_scalar(r, ev);
	} else if (ev->type == YAML_SEQUENCE_START_EVENT) {
		check_plain(r, ev, ev->data.sequence_start.anchor, ev->data.sequence_start.tag);
		node = read_sequence(r);
	} else if (ev->type == YAML_MAPPING_START_EVENT) {
		check_plain(r, ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
		node = read_mapping(r);
	} else {
		fault(r, &ev->start_mark,
		      "aliases are not supported; text that begins with * needs quotes");
	}
	r->depth--;
	if (!node)
		node = json_null();
	r->key = key;
	r->has_key = has_key;
	note_place(r, node, &ev->start_mark);
	return node;
}

static void read_stream(struct reader *r)
{
	yaml_event_t ev;
	bool end = false;

	while (!end && next_event(r, &ev)) {
		switch (ev.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_STREAM_END_EVENT:
			end = true;
			break;
		default:
			if (r->doc->root) {
				fault(r, &ev.start_mark, "a second document is not allowed");
				end = true;
			} else {
				r->doc->root = read_node(r, &ev);
			}
		}
		yaml_event_delete(&ev);
	}
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->path, ((const struct place *)b)->path);
}

struct yaml_doc *yaml_parse(const char *name, const char *text, size_t len, struct tc_errors *errs)
{
	struct yaml_doc *doc = tc_alloc(sizeof(*doc));
	struct reader r = {.doc = doc, .errs = errs, .text = text};

	doc->file = tc_strdup(name);
	if (!yaml_parser_initialize(&r.parser))
		abort();
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	read_stream(&r);
	yaml_parser_delete(&r.parser);
	tc_buf_fini(&r.path);
	if (r.broken) {
		yaml_close(doc);
		return NULL;
	}
	if (!doc->root)
		doc->root = json_null();
	if (doc->n > 1)
		qsort(doc->places, doc->n, sizeof(*doc->places), by_path);
	return doc;
}

/* The whole of a file; 0 or a negative errno. -EFBIG: more than can be a configuration. */
static int file_read(const char *path, struct tc_buf *out)
{
	FILE *f = fopen(path, "re");
	char block[16384];
	int err = 0;
	size_t n;

	if (!f)
		return -errno;
	while (err == 0 && (n = fread(block, 1, sizeof(block), f)) > 0) {
		tc_buf_add(out, block, n);
		if (out->len > FILE_MAX_BYTES)
			err = -EFBIG;
	}
	if (err == 0 && ferror(f))
		err = errno ? -errno : -EIO;
	fclose(f);
	return err;
}

struct yaml_doc *yaml_load(const char *path, struct tc_errors *errs)
{
	struct tc_buf text = {0};
	struct yaml_doc *doc = NULL;
	int err = file_read(path, &text);

	if (err == 0)
		doc = yaml_parse(path, text.data ? text.data : "", text.len, errs);
	else
		errors_add_place(errs, path, 0, 0, NULL, "cannot be read: %s", tc_strerror(err));
	tc_buf_fini(&text);
	return doc;
}

void yaml_close(struct yaml_doc *doc)
{
	if (!doc)
		return;
	for (size_t i = 0; i < doc->n; i++)
		free(doc->places[i].path);
	free(doc->places);
	json_decref(doc->root);
	free(doc->file);
	free(doc);
}

/* ---- asking ---- */

json_t *yaml_root(const struct yaml_doc *doc)
{
	return doc->root;
}

const char *yaml_file(const struct yaml_doc *doc)
{
	return doc->file;
}

static const struct place *find_node(const struct yaml_doc *doc, const json_t *node)
{
	for (size_t i = 0; node && i < doc->n; i++) {
		if (doc->places[i].node == node)
			return &doc->places[i];
	}
	return NULL;
}

static const struct place *find_path(const struct yaml_doc *doc, const char *path, size_t len)
{
	size_t low = 0, high = doc->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct place *p = &doc->places[mid];
		int order = strncmp(p->path, path, len);

		if (order == 0 && p->path[len] == '\0')
			return p;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const char *yaml_path(const struct yaml_doc *doc, const json_t *node)
{
	const struct place *p = find_node(doc, node);
	const char *key;
	json_t *value;

	if (p)
		return p->path;
	json_object_foreach((json_t *)node, key, value) {
		const char *dot;

		p = find_node(doc, value);
		dot = p ? strrchr(p->path, '.') : NULL;
		p = p ? find_path(doc, p->path, dot ? (size_t)(dot - p->path) : 0) : NULL;
		if (p)
			return p->path;
	}
	return NULL;
}

bool yaml_place(const struct yaml_doc *doc, const char *path, bool key, unsigned *line,
		unsigned *column)
{
	const struct place *p = find_path(doc, path, strlen(path));

	if (!p)
		return false;
	*line = key && p->key_line ? p->key_line : p->line;
	*column = key && p->key_line ? p->key_column : p->column;
	return true;
}
