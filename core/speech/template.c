/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Templates: {{path.to.value}} and {{first|else.this}} in a text, filled in from a JSON object.
 * No conditions, no loops, no escaping: the result is plain text.
 *
 * A path is made of keys joined by dots; letters, digits and "_:.-/" may stand in it. A key of
 * the object may itself contain dots: what remains of a path is first looked up as one key.
 * Between "|" stand alternatives; the first that is not empty is taken. Objects, arrays and null
 * count as empty: nobody wants to hear them.
 */
#include <tocsin/trigger.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#define OUTPUT_MAX 65536 /* bytes: values come from outside */

/* A piece of the template: not NUL-terminated. */
struct piece {
	const char *s;
	size_t len;
};

static struct piece trimmed(const char *begin, const char *end)
{
	while (begin < end && isspace((unsigned char)*begin))
		begin++;
	while (end > begin && isspace((unsigned char)end[-1]))
		end--;
	return (struct piece){begin, (size_t)(end - begin)};
}

static json_t *member(const json_t *object, struct piece key)
{
	char *name = tc_strndup(key.s, key.len);
	json_t *value = json_object_get(object, name);

	free(name);
	return value;
}

static bool is_speakable(const json_t *value)
{
	return json_is_string(value) || json_is_number(value) || json_is_boolean(value);
}

/*
 * Each object of the document is visited at most once, for the keys on the way to it spell the
 * path.
 */
static const json_t *find(const json_t *object, struct piece path)
{
	const json_t *value = member(object, path);
	const char *end = path.s + path.len;

	if (is_speakable(value))
		return value;
	for (const char *dot = path.s; dot < end; dot++) {
		if (*dot != '.')
			continue;
		value = member(object, (struct piece){path.s, (size_t)(dot - path.s)});
		if (!json_is_object(value))
			continue;
		value = find(value, (struct piece){dot + 1, (size_t)(end - dot - 1)});
		if (value)
			return value;
	}
	return NULL;
}

/* Add what stands at the path; false if that is nothing. */
static bool add_value(struct tc_buf *out, const json_t *values, struct piece path)
{
	const json_t *value = values ? find(values, path) : NULL;
	size_t before = out->len;
	char *text;

	if (json_is_string(value)) {
		tc_buf_puts(out, json_string_value(value));
	} else if (value) {
		/* printf() would write the decimal point of some locale */
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
		tc_buf_puts(out, text ? text : "");
		free(text);
	}
	return out->len > before;
}

static const char *path_fault(struct piece path)
{
	bool begin = true; /* of a key */

	if (!path.len)
		return "there is nothing between {{, | and }}";
	for (size_t i = 0; i < path.len; i++) {
		unsigned char c = (unsigned char)path.s[i];

		if (!isascii(c) || (!isalnum(c) && !strchr("_:.-/", c)))
			return "between {{ and }} only letters, digits and _:.-/ may stand";
		if (c == '.' && begin)
			return "a name between {{ and }} begins with a dot or has two in a row";
		begin = c == '.';
	}
	return begin ? "a name between {{ and }} ends with a dot" : NULL;
}

/* What stands between {{ and }}: checked to its end also when an alternative was found. */
static const char *add_alternatives(struct tc_buf *out, const json_t *values, const char *s,
				    const char *end)
{
	bool found = false;

	for (;;) {
		const char *bar = memchr(s, '|', (size_t)(end - s));
		struct piece path = trimmed(s, bar ? bar : end);
		const char *fault = path_fault(path);

		if (fault)
			return fault;
		if (!found)
			found = add_value(out, values, path);
		if (!bar)
			return NULL;
		s = bar + 1;
	}
}

/* Cut to size, never within a UTF-8 sequence; true if that was needed. */
static bool cut(struct tc_buf *out)
{
	if (out->len <= OUTPUT_MAX)
		return false;
	out->len = OUTPUT_MAX;
	while (out->len && ((unsigned char)out->data[out->len] & 0xc0) == 0x80)
		out->len--;
	out->data[out->len] = '\0';
	return true;
}

static const char *render(struct tc_buf *out, const char *s, const json_t *values)
{
	bool full = false; /* then only faults are looked for */

	for (;;) {
		const char *open = strstr(s, "{{");
		const char *close = strstr(s, "}}");
		const char *fault;

		if (close && (!open || close < open))
			return "there is a }} without a {{ before it";
		if (!open)
			break;
		if (!close)
			return "there is a {{ without a }} behind it";
		if (!full)
			tc_buf_add(out, s, (size_t)(open - s));
		fault = add_alternatives(out, full ? NULL : values, open + 2, close);
		if (fault)
			return fault;
		full = full || cut(out);
		s = close + 2;
	}
	if (!full)
		tc_buf_puts(out, s);
	cut(out);
	return NULL;
}

char *tc_template_render(const char *template, const json_t *values, const char **fault)
{
	struct tc_buf out = {0};
	const char *why = render(&out, template, values);

	if (!why)
		return tc_buf_take(&out);
	if (fault)
		*fault = why;
	tc_buf_fini(&out);
	return NULL;
}
