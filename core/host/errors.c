/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of faults found in a configuration or a request, with paths and places. Finds none
 * itself.
 */
#include "host/errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/config.h"

#define KEY_SHOWN 64

struct fault {
	char *path; /* owned; never NULL */
	char *text; /* owned */
	char *file; /* owned; NULL = no file */
	unsigned line, column; /* 1-based; 0 = not known */
	size_t seq;
};

struct tc_errors {
	struct fault *v; /* owned */
	size_t n, cap;
	const struct yaml_doc *doc;
	const char *base; /* path of the object that was set; lives in doc */
	bool lenient;
};

struct tc_errors *tc_errors_new(void)
{
	struct tc_errors *errs = tc_alloc(sizeof(*errs));

	errs->base = "";
	return errs;
}

void tc_errors_free(struct tc_errors *errs)
{
	if (!errs)
		return;
	for (size_t i = 0; i < errs->n; i++) {
		free(errs->v[i].path);
		free(errs->v[i].text);
		free(errs->v[i].file);
	}
	free(errs->v);
	free(errs);
}

void errors_set_doc(struct tc_errors *errs, const struct yaml_doc *doc)
{
	errs->doc = doc;
	errs->base = "";
}

void errors_set_lenient(struct tc_errors *errs, bool lenient)
{
	errs->lenient = lenient;
}

void errors_set_object(struct tc_errors *errs, const json_t *object)
{
	const char *path = errs->doc && object ? yaml_path(errs->doc, object) : NULL;

	errs->base = path ? path : "";
}

const struct yaml_doc *errors_doc(const struct tc_errors *errs)
{
	return errs->doc;
}

const char *errors_base(const struct tc_errors *errs)
{
	return errs->base;
}

bool errors_lenient(const struct tc_errors *errs)
{
	return errs->lenient;
}

size_t tc_errors_count(const struct tc_errors *errs)
{
	return errs->n;
}

const char *tc_errors_field(const struct tc_errors *errs, size_t i)
{
	return i < errs->n && errs->v[i].path[0] ? errs->v[i].path : NULL;
}

const char *tc_errors_text(const struct tc_errors *errs, size_t i)
{
	return i < errs->n ? errs->v[i].text : NULL;
}

/* ---- adding ---- */

/* What comes from outside must not move a terminal's cursor or begin a new line. */
static char *printable(char *s)
{
	for (char *p = s; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	return s;
}

static struct fault *fault_add(struct tc_errors *errs, const char *path)
{
	struct fault *f;

	if (errs->n >= ERRORS_MAX)
		return NULL;
	if (errs->n == errs->cap) {
		errs->cap = errs->cap ? errs->cap * 2 : 8;
		errs->v = tc_realloc(errs->v, errs->cap * sizeof(*errs->v));
	}
	f = &errs->v[errs->n];
	*f = (struct fault){.path = printable(tc_strdup(path ? path : "")), .seq = errs->n++};
	return f;
}

static void TC_PRINTF(2, 0) fault_text(struct fault *f, const char *fmt, va_list ap)
{
	struct tc_buf text = {0};

	if (f->seq == ERRORS_MAX - 1)
		tc_buf_puts(&text, "more faults follow that are not shown");
	else
		tc_buf_vprintf(&text, fmt, ap);
	f->text = printable(tc_buf_take(&text));
}

/* Cut the last part off a path; false when nothing is left to cut. */
static bool path_up(char *path)
{
	char *dot = strrchr(path, '.'), *bracket = strrchr(path, '[');
	char *cut = dot > bracket ? dot : bracket;

	if (!*path)
		return false;
	*(cut ? cut : path) = '\0';
	return true;
}

static void fault_place(const struct tc_errors *errs, struct fault *f, enum errors_at at)
{
	bool key = at == ERRORS_AT_KEY;
	char *path;

	if (!errs->doc)
		return;
	f->file = tc_strdup(yaml_file(errs->doc));
	path = tc_strdup(f->path);
	while (!yaml_place(errs->doc, path, key, &f->line, &f->column) && path_up(path))
		key = false;
	free(path);
}

void errors_vadd_path(struct tc_errors *errs, enum errors_at at, const char *path, const char *fmt,
		      va_list ap)
{
	struct fault *f = fault_add(errs, path);

	if (!f)
		return;
	fault_text(f, fmt, ap);
	fault_place(errs, f, at);
}

void errors_add_path(struct tc_errors *errs, enum errors_at at, const char *path, const char *fmt,
		     ...)
{
	va_list ap;

	va_start(ap, fmt);
	errors_vadd_path(errs, at, path, fmt, ap);
	va_end(ap);
}

void errors_add_place(struct tc_errors *errs, const char *file, unsigned line, unsigned column,
		      const char *path, const char *fmt, ...)
{
	struct fault *f = fault_add(errs, path);
	va_list ap;

	if (!f)
		return;
	va_start(ap, fmt);
	fault_text(f, fmt, ap);
	va_end(ap);
	f->file = tc_strdup(file);
	f->line = line;
	f->column = column;
}

void tc_errors_add(struct tc_errors *errs, const char *field, const char *fmt, ...)
{
	struct tc_buf path = {0};
	char *full;
	va_list ap;

	tc_buf_puts(&path, errs->base);
	if (field && *field && path.len && *field != '[')
		tc_buf_puts(&path, ".");
	tc_buf_puts(&path, field ? field : "");
	full = tc_buf_take(&path);
	va_start(ap, fmt);
	errors_vadd_path(errs, ERRORS_AT_VALUE, full, fmt, ap);
	va_end(ap);
	free(full);
}

/* ---- paths ---- */

const char *errors_key_text(char buf[ERRORS_KEY_SIZE], const char *key)
{
	size_t n = strcspn(key, ":");
	size_t shown = n < KEY_SHOWN ? n : KEY_SHOWN;

	/* Not in the middle of a UTF-8 sequence. */
	while (shown < n && shown > 0 && ((unsigned char)key[shown] & 0xc0) == 0x80)
		shown--;
	snprintf(buf, ERRORS_KEY_SIZE, "%.*s%s", (int)shown, key,
		 key[n] == ':' && shown == n ? ":..." : shown < n ? "..." : "");
	return buf;
}

void errors_path_key(struct tc_buf *path, const char *key)
{
	char text[ERRORS_KEY_SIZE];

	if (path->len)
		tc_buf_puts(path, ".");
	tc_buf_puts(path, errors_key_text(text, key));
}

void errors_path_index(struct tc_buf *path, size_t index)
{
	tc_buf_printf(path, "[%zu]", index);
}

/* ---- printing ---- */

static int by_place(const void *a, const void *b)
{
	const struct fault *x = *(const struct fault *const *)a;
	const struct fault *y = *(const struct fault *const *)b;
	int files = x->file && y->file ? strcmp(x->file, y->file) : !!x->file - !!y->file;

	if (files != 0)
		return files;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

void errors_print(const struct tc_errors *errs, void *file)
{
	const struct fault **sorted = tc_calloc(errs->n + 1, sizeof(const struct fault *));

	for (size_t i = 0; i < errs->n; i++)
		sorted[i] = &errs->v[i];
	qsort(sorted, errs->n, sizeof(*sorted), by_place);
	for (size_t i = 0; i < errs->n; i++) {
		const struct fault *f = sorted[i];

		if (f->file && f->line)
			fprintf(file, "%s:%u:%u: ", f->file, f->line, f->column);
		else if (f->file)
			fprintf(file, "%s: ", f->file);
		fprintf(file, "%s%s%s\n", f->path, *f->path ? ": " : "", f->text);
	}
	free(sorted);
}
