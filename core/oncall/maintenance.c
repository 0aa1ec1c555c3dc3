/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maintenance windows: the table of their fields, what is wrong with them, and which one holds an
 * alert back. What becomes of that alert is the alert layer's.
 */
#include "oncall/maintenance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "host/rfc3339.h"
#include "oncall/matcher.h"
#include "oncall/oncall.h"

struct matcher_fields {
	const char *label, *value;
	int op; /* enum matcher_op */
};

struct maintenance_fields {
	const char *name, *start, *end, *note;
	struct tc_list matchers; /* of struct matcher_fields */
};

/* What is looked at for each alert. */
struct maintenance {
	struct matcher **matchers; /* owned */
	size_t n;
	int64_t start_us, end_us;
};

#define AT(field) .offset = offsetof(struct matcher_fields, field)
static const struct tc_option matcher_table[] = {
	{"label", TC_STRING, AT(label), .flags = TC_REQUIRED, .max = 200,
	 .help = "Name of a label; also severity, source and target"},
	{"op", TC_ENUM, AT(op), .def = "=", .choices = matcher_ops,
	 .help = "= or !=; =~ or !~ with a regular expression (POSIX extended) of the whole value"},
	{"value", TC_STRING, AT(value), .def = "", .max = MATCHER_VALUE_MAX,
	 .help = "A label that an alert does not have is empty"},
	TC_OPTION_END,
};
#undef AT

#define AT(field) .offset = offsetof(struct maintenance_fields, field)
static const struct tc_option table[] = {
	{"name", TC_STRING, AT(name), .flags = TC_REQUIRED, .max = DOCUMENT_NAME_MAX,
	 .help = "For people, and in timelines; no other window has it"},
	{"matchers", TC_LIST, AT(matchers), .flags = TC_REQUIRED, .min = 1, .max = 50,
	 .sub = matcher_table, .sub_size = sizeof(struct matcher_fields),
	 .help = "An alert is held back when all of them match"},
	{"start", TC_STRING, AT(start), .flags = TC_REQUIRED, .max = 40,
	 .help = "RFC 3339, as 2026-01-31T18:00:00Z"},
	{"end", TC_STRING, AT(end), .flags = TC_REQUIRED, .max = 40, .help = "RFC 3339"},
	{"note", TC_STRING, AT(note), .def = "", .max = 2000, .help = "For people"},
	TC_OPTION_END,
};
#undef AT

/* ---- checks ---- */

static void check_matchers(const struct tc_list *matchers, struct tc_errors *errs)
{
	const struct matcher_fields *v = matchers->v;
	char field[48], fault[200];

	for (size_t i = 0; i < matchers->n; i++) {
		struct matcher *m = matcher_new(v[i].label, (enum matcher_op)v[i].op, v[i].value,
						fault, sizeof(fault));

		snprintf(field, sizeof(field), "matchers[%zu].value", i);
		if (!m)
			tc_errors_add(errs, field, "%s", fault);
		matcher_free(m);
	}
}

static bool check_time(const char *field, const char *text, int64_t *at_us, struct tc_errors *errs)
{
	if (!rfc3339_parse(text, at_us))
		return true;
	tc_errors_add(errs, field,
		      "is not a date and time with a zone, as 2026-01-31T18:00:00Z "
		      "(RFC 3339)");
	return false;
}

static void check(const struct oncall *oncall, const void *fields, struct tc_errors *errs)
{
	const struct maintenance_fields *f = fields;
	int64_t start_us = 0, end_us = 0;
	bool good;

	(void)oncall;
	check_matchers(&f->matchers, errs);
	good = check_time("start", f->start, &start_us, errs);
	if (check_time("end", f->end, &end_us, errs) && good && end_us <= start_us)
		tc_errors_add(errs, "end", "must be later than start");
}

/* ---- what is kept ---- */

static void maintenance_free(void *compiled)
{
	struct maintenance *m = compiled;

	for (size_t i = 0; i < m->n; i++)
		matcher_free(m->matchers[i]);
	free(m->matchers);
	free(m);
}

static bool fill(struct maintenance *m, const struct maintenance_fields *f)
{
	const struct matcher_fields *v = f->matchers.v;
	char fault[200];

	m->matchers = tc_calloc(f->matchers.n, sizeof(*m->matchers));
	for (size_t i = 0; i < f->matchers.n; i++) {
		struct matcher *one = matcher_new(v[i].label, (enum matcher_op)v[i].op, v[i].value,
						  fault, sizeof(fault));

		if (!one)
			return false;
		m->matchers[m->n++] = one;
	}
	return !rfc3339_parse(f->start, &m->start_us) && !rfc3339_parse(f->end, &m->end_us);
}

static void *compile(const json_t *body)
{
	struct maintenance *m = tc_alloc(sizeof(*m));
	struct tc_errors *errs = tc_errors_new();
	struct maintenance_fields fields = {0};
	void *memory = NULL;
	bool good = !tc_options_fill(table, body, &fields, &memory, errs) && fill(m, &fields);

	tc_options_release(memory);
	tc_errors_free(errs);
	if (good)
		return m;
	maintenance_free(m);
	return NULL;
}

const struct document_kind maintenance_kind = {
	.name = "maintenance",
	.plural = "maintenance",
	.table = table,
	.fields_size = sizeof(struct maintenance_fields),
	.check = check,
	.compile = compile,
	.free = maintenance_free,
};

/* ---- alerts ---- */

static const char *value_of(const struct maintenance_alert *alert, const char *label)
{
	const char *value = json_string_value(json_object_get(alert->labels, label));

	if (!value && !strcmp(label, "severity"))
		value = alert->severity;
	else if (!value && !strcmp(label, "source"))
		value = alert->source;
	else if (!value && !strcmp(label, "target"))
		value = alert->target;
	return value ? value : "";
}

static bool holds(const struct maintenance *m, const struct maintenance_alert *alert, int64_t at_us)
{
	if (at_us < m->start_us || at_us >= m->end_us)
		return false;
	for (size_t i = 0; i < m->n; i++)
		if (!matcher_matches(m->matchers[i],
				     value_of(alert, matcher_label(m->matchers[i]))))
			return false;
	return true;
}

const struct document *maintenance_holds(const struct oncall *oncall,
					 const struct maintenance_alert *alert, int64_t at_us,
					 int64_t *until_us)
{
	const struct documents *docs = oncall_maintenance(oncall);
	const struct document *doc = NULL, *last = NULL;

	while ((doc = documents_next(docs, doc))) {
		const struct maintenance *m = doc->compiled;

		if (!m || !holds(m, alert, at_us) || (last && m->end_us <= *until_us))
			continue;
		last = doc;
		*until_us = m->end_us;
	}
	return last;
}

int64_t maintenance_next(const struct oncall *oncall, int64_t after_us)
{
	const struct documents *docs = oncall_maintenance(oncall);
	const struct document *doc = NULL;
	int64_t next_us = INT64_MAX;

	while ((doc = documents_next(docs, doc))) {
		const struct maintenance *m = doc->compiled;

		if (m && m->start_us > after_us && m->start_us < next_us)
			next_us = m->start_us;
		if (m && m->end_us > after_us && m->end_us < next_us)
			next_us = m->end_us;
	}
	return next_us;
}
