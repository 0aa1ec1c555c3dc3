/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binder's values without parts: text, truth values, numbers, durations, sizes, choices; and
 * their ranges.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/binder.h"
#include "host/quantity.h"

/* How a wrong value is quoted: no more than this. */
#define QUOTED 40

#define FAULT(...) binder_fault(b, path, ERRORS_AT_VALUE, __VA_ARGS__)

/* ---- text ---- */

/* Whether this is UTF-8: RFC 3629, without surrogates and overlong forms. */
static bool utf8_valid(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text, *end = s + len;

	while (s < end) {
		unsigned c = *s++, more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		static const unsigned least[] = {0, 0x80, 0x800, 0x10000};

		if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || (size_t)(end - s) < more)
			return false;
		if (more)
			c &= 0x3fu >> more;
		for (unsigned i = 0; i < more; i++, s++) {
			if ((*s & 0xc0) != 0x80)
				return false;
			c = c << 6 | (*s & 0x3f);
		}
		if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
	}
	return true;
}

const char *binder_bytes(struct binder *b, const struct binder_path *path, const char *text,
			 size_t len)
{
	if (memchr(text, 0, len)) {
		FAULT("must not contain a NUL character");
		return NULL;
	}
	if (!utf8_valid(text, len)) {
		FAULT("must be valid UTF-8");
		return NULL;
	}
	return arena_strndup(b->arena, text, len);
}

const char *binder_text(struct binder *b, const struct binder_path *path, const json_t *value)
{
	if (json_is_string(value))
		return binder_bytes(b, path, json_string_value(value), json_string_length(value));
	FAULT("must be text");
	return NULL;
}

/* ---- ranges ---- */

bool binder_range(struct binder *b, const struct tc_option *o, const struct binder_path *path,
		  int64_t n)
{
	char range[OPTION_RANGE_SIZE], buf[QUANTITY_SIZE];
	bool limited = o->min != 0 || o->max != 0;
	bool no_max = o->max == 0 && o->min > 0;

	if (!limited || (n >= o->min && (no_max || n <= o->max)))
		return true;
	option_range_text(range, o);
	if (o->type == TC_DURATION)
		FAULT("must be %s, not %s", range, quantity_format_duration(buf, n));
	else if (o->type == TC_SIZE)
		FAULT("must be %s, not %s", range, quantity_format_size(buf, n));
	else if (o->type == TC_INT)
		FAULT("must be %s, not %" PRId64, range, n);
	else
		FAULT("must have %s, not %" PRId64, range, n);
	return false;
}

/* ---- the types ---- */

/* The text behind a value that may be written as text; NULL if it is none, or may not. */
static const char *text_of(const struct binder *b, const json_t *value)
{
	const char *text = b->source == BINDER_JSON ? NULL : json_string_value(value);

	return text && strlen(text) == json_string_length(value) ? text : NULL;
}

static bool scalar_string(struct binder *b, const struct tc_option *o,
			  const struct binder_path *path, const json_t *value, void *field)
{
	const char *text = binder_text(b, path, value);

	if (!text || !binder_range(b, o, path, (int64_t)strlen(text)))
		return false;
	memcpy(field, &text, sizeof(text));
	return true;
}

static bool scalar_bool(struct binder *b, const struct tc_option *o,
			const struct binder_path *path, const json_t *value, void *field)
{
	static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"off", "on"}};
	const char *text = text_of(b, value);
	bool *out = field;

	(void)o;
	if (json_is_boolean(value)) {
		*out = json_is_true(value);
		return true;
	}
	for (size_t i = 0; text && i < sizeof(words) / sizeof(words[0]) * 2; i++) {
		if (!strcmp(text, words[i / 2][i % 2])) {
			*out = i % 2;
			return true;
		}
	}
	if (text)
		FAULT("must be true or false, not '%.*s'", QUOTED, text);
	else
		FAULT("must be true or false");
	return false;
}

static bool scalar_int(struct binder *b, const struct tc_option *o, const struct binder_path *path,
		       const json_t *value, void *field)
{
	const char *text = text_of(b, value);
	int64_t n = json_integer_value(value), *out = field;
	char *end = NULL;

	if (text) {
		errno = 0;
		n = strtoll(text, &end, 10);
		if (!*text || *end || strspn(text, "+-0123456789") != strlen(text)) {
			FAULT("must be a whole number, not '%.*s'", QUOTED, text);
			return false;
		}
		if (errno == ERANGE) {
			FAULT("must be a number of at most 64 bits");
			return false;
		}
	} else if (!json_is_integer(value)) {
		FAULT(json_is_real(value) ? "must be a whole number" : "must be a number");
		return false;
	}
	if (!binder_range(b, o, path, n))
		return false;
	*out = n;
	return true;
}

static bool scalar_double(struct binder *b, const struct tc_option *o,
			  const struct binder_path *path, const json_t *value, void *field)
{
	const char *text = text_of(b, value);
	double n = json_number_value(value), *out = field;
	bool no_max = o->max == 0 && o->min > 0;
	char range[OPTION_RANGE_SIZE], *end = NULL;

	if (text) {
		n = strtod(text, &end);
		if (!*text || *end || strspn(text, "+-.0123456789eE") != strlen(text)) {
			FAULT("must be a number, not '%.*s'", QUOTED, text);
			return false;
		}
	} else if (!json_is_number(value)) {
		FAULT("must be a number");
		return false;
	}
	if (!isfinite(n)) {
		FAULT("must be a finite number");
		return false;
	}
	if ((o->min != 0 || o->max != 0) &&
	    (n < (double)o->min || (!no_max && n > (double)o->max))) {
		FAULT("must be %s, not %g", option_range_text(range, o), n);
		return false;
	}
	*out = n;
	return true;
}

/* Durations and sizes are text in JSON too. */
static bool scalar_quantity(struct binder *b, const struct tc_option *o,
			    const struct binder_path *path, const json_t *value, void *field)
{
	bool duration = o->type == TC_DURATION;
	const char *wanted = duration ? "must be a duration, such as 500ms, 30s, 5m, 2h or 7d"
				      : "must be a size, such as 512, 64k, 100M or 2G";
	const char *text = json_string_value(value);
	int64_t n, *out = field;
	int err;

	if (!text || strlen(text) != json_string_length(value)) {
		FAULT("%s, as text", wanted);
		return false;
	}
	err = duration ? quantity_parse_duration(text, &n) : quantity_parse_size(text, &n);
	if (err == -ERANGE) {
		FAULT("is out of all bounds");
		return false;
	}
	if (err) {
		FAULT("%s, not '%.*s'", wanted, QUOTED, text);
		return false;
	}
	if (!binder_range(b, o, path, n))
		return false;
	*out = n;
	return true;
}

static bool scalar_enum(struct binder *b, const struct tc_option *o,
			const struct binder_path *path, const json_t *value, void *field)
{
	const char *text = json_string_value(value);
	struct tc_buf names = {0};
	int *out = field;

	for (int i = 0; text && o->choices[i]; i++) {
		if (!strcmp(text, o->choices[i])) {
			*out = i;
			return true;
		}
	}
	for (size_t i = 0; o->choices[i]; i++)
		tc_buf_printf(&names, "%s%s", i ? ", " : "", o->choices[i]);
	if (text)
		FAULT("must be one of %s, not '%.*s'", names.data, QUOTED, text);
	else
		FAULT("must be one of %s", names.data);
	tc_buf_fini(&names);
	return false;
}

bool binder_scalar(struct binder *b, const struct tc_option *o, const struct binder_path *path,
		   const json_t *value, void *field)
{
	static bool (*const readers[])(struct binder *, const struct tc_option *,
				       const struct binder_path *, const json_t *, void *) = {
		[TC_STRING] = scalar_string,
		[TC_SECRET] = scalar_string,
		[TC_BOOL] = scalar_bool,
		[TC_INT] = scalar_int,
		[TC_DOUBLE] = scalar_double,
		[TC_DURATION] = scalar_quantity,
		[TC_SIZE] = scalar_quantity,
		[TC_ENUM] = scalar_enum,
	};

	return readers[o->type](b, o, path, value, field);
}
