/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server-sent events; see sse.h.
 */
#include "sse.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024 * 1024 };

static bool add(struct sse_text *t, const char *bytes, size_t len)
{
	if (t->len + len > TEXT_MAX)
		return false;
	if (t->len + len + 1 > t->room) {
		t->room = 2 * (t->len + len + 1);
		t->data = realloc(t->data, t->room);
		if (!t->data)
			abort();
	}
	if (len)
		memcpy(t->data + t->len, bytes, len);
	t->len += len;
	t->data[t->len] = '\0';
	return true;
}

static void clear(struct sse_text *t)
{
	t->len = 0;
	add(t, "", 0);
}

void sse_init(struct sse *s, sse_fn fn, void *arg)
{
	*s = (struct sse){.fn = fn, .arg = arg};
	clear(&s->last_id);
	sse_cut(s);
}

void sse_cut(struct sse *s)
{
	clear(&s->line);
	clear(&s->name);
	clear(&s->data);
	clear(&s->id);
	add(&s->id, s->last_id.data, s->last_id.len);
	s->has_data = s->after_cr = false;
}

void sse_fini(struct sse *s)
{
	free(s->line.data);
	free(s->name.data);
	free(s->data.data);
	free(s->id.data);
	free(s->last_id.data);
}

static void dispatch(struct sse *s)
{
	struct sse_event event = {.id = s->id.data, .name = s->name.data, .data = s->data.data};

	clear(&s->last_id);
	add(&s->last_id, s->id.data, s->id.len);
	if (s->has_data)
		s->fn(s->arg, &event);
	clear(&s->name);
	clear(&s->data);
	s->has_data = false;
}

static bool is(const char *line, size_t len, const char *field)
{
	return len == strlen(field) && !memcmp(line, field, len);
}

static bool take_line(struct sse *s)
{
	const char *line = s->line.data, *colon = memchr(line, ':', s->line.len), *value;
	size_t len = colon ? (size_t)(colon - line) : s->line.len, rest;
	bool fits = true;

	if (!s->line.len) {
		dispatch(s);
		return true;
	}
	value = colon ? colon + 1 + (colon[1] == ' ') : line + len;
	rest = (size_t)(line + s->line.len - value);
	if (is(line, len, "event")) {
		clear(&s->name);
		fits = add(&s->name, value, rest);
	} else if (is(line, len, "data")) {
		fits = (!s->has_data || add(&s->data, "\n", 1)) && add(&s->data, value, rest);
		s->has_data = true;
	} else if (is(line, len, "id") && !memchr(value, '\0', rest)) {
		clear(&s->id);
		fits = add(&s->id, value, rest);
	}
	clear(&s->line);
	return fits;
}

bool sse_feed(struct sse *s, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = bytes[i];
		bool joined = c == '\n' && s->after_cr;

		s->after_cr = c == '\r';
		if (joined)
			continue;
		if (c == '\n' || c == '\r' ? !take_line(s) : !add(&s->line, &c, 1))
			return false;
	}
	return true;
}
