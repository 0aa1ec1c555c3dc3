/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Matchers of labels. Expressions come from outside: what would take the C library too long, or
 * means something else to it than to those who know RE2, is refused.
 */
#include "oncall/matcher.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#define DEPTH_MAX      20
#define SIZE_MAX_ATOMS 2000

const char *const matcher_ops[] = {"=", "!=", "=~", "!~", NULL};

struct matcher {
	char *label, *value; /* owned */
	enum matcher_op op;
	regex_t regex; /* of MATCHER_LIKE, MATCHER_UNLIKE */
};

/* ---- expressions ---- */

/* Characters counted as the C library will write them out: a{3} is three. */
struct size {
	const char *at;
	long open[DEPTH_MAX]; /* of each parenthesis that is open, and of the whole */
	int depth;
	long last; /* of what a repetition would repeat; 0: there was one just now */
};

/* {2}, {2,} or {2,5}: how many there will be; 0 = it is none of these */
static long repetition(const char **at)
{
	long low, high;
	char *end;

	low = strtol(*at + 1, &end, 10);
	if (low > SIZE_MAX_ATOMS)
		low = SIZE_MAX_ATOMS;
	high = low;
	if (end == *at + 1 || (*end != ',' && *end != '}'))
		return 0;
	if (*end == ',' && end[1] != '}') {
		high = strtol(end + 1, &end, 10);
	} else if (*end == ',') {
		end++;
		high = low + 1;
	}
	if (*end != '}')
		return 0;
	*at = end;
	if (high < low)
		high = low;
	return high > SIZE_MAX_ATOMS ? SIZE_MAX_ATOMS : high < 1 ? 1 : high;
}

/* Behind a "[": the "]" that ends it, or the last character. */
static const char *bracket_end(const char *at)
{
	at += at[1] == '^';
	if (at[1] == ']')
		at++;
	while (at[1] && at[1] != ']') {
		at++;
		if (*at == '[' && at[1] && strchr(":.=", at[1])) {
			const char class[] = {at[1], ']', '\0'};
			const char *end = strstr(at + 2, class);

			at = end ? end + 1 : at;
		}
	}
	return at[1] ? at + 1 : at;
}

static void grow(struct size *s, long by)
{
	s->open[s->depth] += by;
	s->last = by;
}

/* False: it is too large, or repeats a repetition, which doubles what it is written out to. */
static bool repeat(struct size *s, long times)
{
	if (!s->last)
		return false;
	s->open[s->depth] += s->last * (times - 1);
	s->last *= times;
	times = s->last;
	s->last = 0;
	return times <= SIZE_MAX_ATOMS;
}

/* One character or construct; false: too deep, too large, or nothing to be closed. */
static bool count_one(struct size *s)
{
	long times;

	switch (*s->at) {
	case '*':
	case '?':
		return repeat(s, 1);
	case '+': /* it is written out as one, and any number of them */
		return repeat(s, 2);
	case '(':
		if (s->depth + 1 == DEPTH_MAX)
			return false;
		s->open[++s->depth] = 1;
		s->last = 1; /* what stands at the beginning is a character, or a fault */
		return true;
	case ')':
		if (!s->depth) /* it would end the parenthesis around the whole */
			return false;
		s->depth--;
		grow(s, s->open[s->depth + 1]);
		return true;
	case '{':
		times = repetition(&s->at);
		if (times)
			return repeat(s, times);
		break;
	case '[':
		s->at = bracket_end(s->at);
		break;
	case '\\':
		s->at += s->at[1] != '\0';
		break;
	}
	grow(s, 1);
	return true;
}

static bool is_small(const char *text)
{
	struct size s = {.at = text, .last = 1};

	for (; *s.at; s.at++)
		if (!count_one(&s) || s.open[s.depth] > SIZE_MAX_ATOMS)
			return false;
	return true;
}

/* \d and \1: the first one would be a "d", the second takes exponential time. */
static bool has_strange_escape(const char *text)
{
	for (; *text; text++) {
		if (*text == '[') {
			text = bracket_end(text);
		} else if (*text == '\\' && *++text) {
			if (strchr("0123456789acdefghijklmnopqrtuvxyzACDEFGHIJKLMNOPQRTUVXYZ",
				   *text))
				return true;
		}
		if (!*text)
			break;
	}
	return false;
}

static bool compile(struct matcher *m, char *fault, size_t size_bytes)
{
	char *whole;
	int err;

	if (strlen(m->value) > MATCHER_VALUE_MAX || !is_small(m->value)) {
		snprintf(fault, size_bytes,
			 "is too large, repeats a repetition, or has a ) without its (");
		return false;
	}
	if (has_strange_escape(m->value) || strstr(m->value, "(?")) {
		snprintf(fault, size_bytes,
			 "must be a POSIX extended regular expression: [0-9] in place of \\d, no "
			 "(?...), no \\1");
		return false;
	}
	whole = tc_asprintf("^(%s)$", m->value);
	err = regcomp(&m->regex, whole, REG_EXTENDED | REG_NOSUB);
	if (err) {
		char text[120];

		regerror(err, &m->regex, text, sizeof(text));
		snprintf(fault, size_bytes, "is no regular expression: %s", text);
	}
	free(whole);
	return !err;
}

/* ---- matchers ---- */

static bool has_regex(const struct matcher *m)
{
	return m->op == MATCHER_LIKE || m->op == MATCHER_UNLIKE;
}

static void drop(struct matcher *m)
{
	free(m->label);
	free(m->value);
	free(m);
}

struct matcher *matcher_new(const char *label, enum matcher_op op, const char *value, char *fault,
			    size_t size_bytes)
{
	struct matcher *m = tc_alloc(sizeof(*m));

	m->label = tc_strdup(label);
	m->value = tc_strdup(value);
	m->op = op;
	if (!has_regex(m) || compile(m, fault, size_bytes))
		return m;
	drop(m);
	return NULL;
}

void matcher_free(struct matcher *m)
{
	if (!m)
		return;
	if (has_regex(m))
		regfree(&m->regex);
	drop(m);
}

const char *matcher_label(const struct matcher *m)
{
	return m->label;
}

bool matcher_matches(const struct matcher *m, const char *value)
{
	bool same;

	if (has_regex(m))
		same = !regexec(&m->regex, value, 0, NULL, 0);
	else
		same = !strcmp(m->value, value);
	return same == (m->op == MATCHER_EQUAL || m->op == MATCHER_LIKE);
}
