/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metrics in the Prometheus text format 0.0.4. Knows no metric by name: they come into being when
 * first used.
 */
#include "host/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define SLOTS 1024 /* of the hash table: chains stay short up to some thousand series */
#define BUCKETS (sizeof(bounds) / sizeof(bounds[0]))

enum metric { COUNTER, GAUGE, HISTOGRAM };

static const char *const types[] = {"counter", "gauge", "histogram"};

/* Upper bounds of the buckets of a histogram, and how they are written. */
static const struct {
	double seconds;
	const char *text;
} bounds[] = {
	{0.001, "0.001"}, {0.0025, "0.0025"}, {0.005, "0.005"}, {0.01, "0.01"}, {0.025, "0.025"},
	{0.05, "0.05"},	  {0.1, "0.1"},	      {0.25, "0.25"},	{0.5, "0.5"},	{1, "1"},
	{2.5, "2.5"},	  {5, "5"},	      {10, "10"},	{30, "30"},	{60, "60"},
};

struct series {
	SLIST_ENTRY(series) chain;
	STAILQ_ENTRY(series) link;
	const struct family *family;
	char *labels; /* owned; "" = none */
	double value; /* of a histogram: the sum */
	uint64_t counts[BUCKETS + 1]; /* each bucket for itself; last: beyond all bounds */
};

struct family {
	STAILQ_ENTRY(family) link;
	const char *name, *help;
	enum metric type;
	STAILQ_HEAD(, series) series;
};

/* Of the loop thread. The core has one set of metrics, as it has one process. */
static STAILQ_HEAD(, family) families = STAILQ_HEAD_INITIALIZER(families);
static SLIST_HEAD(, series) table[SLOTS];

/* ---- finding ---- */

/* source: FNV-1a, 32 bit, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint32_t hash(uint32_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static struct family *family_get(const char *name, const char *help, enum metric type)
{
	struct family *f;

	STAILQ_FOREACH(f, &families, link) {
		if (!strcmp(f->name, name)) {
			assert(f->type == type);
			return f;
		}
	}
	f = tc_alloc(sizeof(*f));
	f->name = name;
	f->help = help;
	f->type = type;
	STAILQ_INIT(&f->series);
	STAILQ_INSERT_TAIL(&families, f, link);
	return f;
}

static struct series *series_get(const char *name, const char *help, const char *labels,
				 enum metric type)
{
	const char *set = labels ? labels : "";
	uint32_t slot = hash(hash(2166136261u, name), set) % SLOTS;
	struct family *family;
	struct series *s;

	SLIST_FOREACH(s, &table[slot], chain) {
		if (!strcmp(s->family->name, name) && !strcmp(s->labels, set)) {
			assert(s->family->type == type);
			return s;
		}
	}
	family = family_get(name, help, type);
	s = tc_alloc(sizeof(*s));
	s->family = family;
	s->labels = tc_strdup(set);
	STAILQ_INSERT_TAIL(&family->series, s, link);
	SLIST_INSERT_HEAD(&table[slot], s, chain);
	return s;
}

/* ---- telling ---- */

void metrics_count(const char *name, const char *help, const char *labels, double add)
{
	assert(add >= 0);
	series_get(name, help, labels, COUNTER)->value += add;
}

void metrics_gauge(const char *name, const char *help, const char *labels, double value)
{
	series_get(name, help, labels, GAUGE)->value = value;
}

void metrics_observe(const char *name, const char *help, const char *labels, double seconds)
{
	struct series *s = series_get(name, help, labels, HISTOGRAM);
	size_t i = 0;

	while (i < BUCKETS && seconds > bounds[i].seconds)
		i++;
	s->counts[i]++;
	s->value += seconds;
}

void metrics_forget(const char *name, const char *labels)
{
	uint32_t slot = hash(hash(2166136261u, name), labels) % SLOTS;
	struct family *f;
	struct series *s;

	SLIST_FOREACH(s, &table[slot], chain)
		if (!strcmp(s->family->name, name) && !strcmp(s->labels, labels))
			break;
	if (!s)
		return;
	SLIST_REMOVE(&table[slot], s, series, chain);
	STAILQ_FOREACH(f, &families, link)
		if (f == s->family)
			STAILQ_REMOVE(&f->series, s, series, link);
	free(s->labels);
	free(s);
}

/* Append c as the format wants it; false when there is no room for it and a quote. */
static bool escape(char *buf, size_t size_bytes, size_t *len, char c)
{
	const char *text = c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == '\n' ? "\\n" : NULL;
	size_t n = text ? 2 : 1;

	if (*len + n + 2 > size_bytes)
		return false;
	memcpy(buf + *len, text ? text : &c, n);
	*len += n;
	return true;
}

void metrics_label(char *buf, size_t size_bytes, const char *key, const char *value)
{
	size_t len = strlen(buf), start;
	int n = snprintf(buf + len, size_bytes - len, "%s%s=\"", len ? "," : "", key);

	if (n < 0 || len + (size_t)n + 2 > size_bytes) {
		buf[len] = '\0'; /* not even an empty value fits */
		return;
	}
	start = len += (size_t)n;
	while (*value && escape(buf, size_bytes, &len, *value))
		value++;
	/* Cut off: not in the middle of a UTF-8 sequence. */
	if (((unsigned char)*value & 0xc0) == 0x80) {
		while (len > start && ((unsigned char)buf[len - 1] & 0xc0) == 0x80)
			len--;
		if (len > start)
			len--;
	}
	buf[len++] = '"';
	buf[len] = '\0';
}

/* ---- writing ---- */

/* The shortest form that reads back as the same number. */
static const char *number(char buf[32], double value)
{
	if (isnan(value))
		return "NaN";
	if (isinf(value))
		return value > 0 ? "+Inf" : "-Inf";
	snprintf(buf, 32, "%.15g", value);
	if (strtod(buf, NULL) != value)
		snprintf(buf, 32, "%.17g", value);
	return buf;
}

static void write_help(struct tc_buf *out, const char *help)
{
	for (; *help; help++) {
		if (*help == '\\')
			tc_buf_puts(out, "\\\\");
		else if (*help == '\n')
			tc_buf_puts(out, "\\n");
		else
			tc_buf_add(out, help, 1);
	}
}

static void write_histogram(struct tc_buf *out, const struct series *s)
{
	const char *name = s->family->name, *comma = *s->labels ? "," : "";
	const char *open = *s->labels ? "{" : "", *close = *s->labels ? "}" : "";
	unsigned long long count = 0;
	char sum[32];

	for (size_t i = 0; i <= BUCKETS; i++) {
		count += s->counts[i];
		tc_buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", name, s->labels, comma,
			      i < BUCKETS ? bounds[i].text : "+Inf", count);
	}
	tc_buf_printf(out, "%s_sum%s%s%s %s\n", name, open, s->labels, close,
		      number(sum, s->value));
	tc_buf_printf(out, "%s_count%s%s%s %llu\n", name, open, s->labels, close, count);
}

void metrics_write(struct tc_buf *out)
{
	const struct family *f;
	const struct series *s;
	char value[32];

	STAILQ_FOREACH(f, &families, link) {
		tc_buf_printf(out, "# HELP %s ", f->name);
		write_help(out, f->help);
		tc_buf_printf(out, "\n# TYPE %s %s\n", f->name, types[f->type]);
		STAILQ_FOREACH(s, &f->series, link) {
			if (f->type == HISTOGRAM)
				write_histogram(out, s);
			else
				tc_buf_printf(out, "%s%s%s%s %s\n", f->name, *s->labels ? "{" : "",
					      s->labels, *s->labels ? "}" : "",
					      number(value, s->value));
		}
	}
}

void metrics_reset(void)
{
	struct family *f;
	struct series *s;

	while ((f = STAILQ_FIRST(&families))) {
		STAILQ_REMOVE_HEAD(&families, link);
		while ((s = STAILQ_FIRST(&f->series))) {
			STAILQ_REMOVE_HEAD(&f->series, link);
			free(s->labels);
			free(s);
		}
		free(f);
	}
	for (size_t i = 0; i < SLOTS; i++)
		SLIST_INIT(&table[i]);
}
