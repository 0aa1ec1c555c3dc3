/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory, the growing buffer and the text of result codes. Nothing that knows what it is for.
 */
#include <tocsin/alloc.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p)
{
	if (!p) {
		fputs("tocsin: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *tc_alloc(size_t size_bytes)
{
	return checked(calloc(1, size_bytes ? size_bytes : 1));
}

void *tc_calloc(size_t n, size_t size_bytes)
{
	return checked(calloc(n ? n : 1, size_bytes ? size_bytes : 1));
}

void *tc_realloc(void *p, size_t size_bytes)
{
	return checked(realloc(p, size_bytes ? size_bytes : 1));
}

void *tc_try_alloc(size_t size_bytes)
{
	return calloc(1, size_bytes ? size_bytes : 1);
}

char *tc_strdup(const char *s)
{
	return s ? checked(strdup(s)) : NULL;
}

char *tc_strndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

char *tc_asprintf(const char *fmt, ...)
{
	struct tc_buf b = {0};
	va_list ap;

	va_start(ap, fmt);
	tc_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	return tc_buf_take(&b);
}

bool tc_strcopy(char *dst, size_t size_bytes, const char *src)
{
	size_t len = strlen(src);
	bool fits = len < size_bytes;

	if (!fits)
		len = size_bytes - 1;
	memcpy(dst, src, len);
	dst[len] = '\0';
	return fits;
}

static void reserve(struct tc_buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 64;

	if (more >= SIZE_MAX / 2 - b->len)
		checked(NULL); /* else the doubling would not end */
	if (b->len + more + 1 <= b->cap)
		return;
	while (cap < b->len + more + 1)
		cap *= 2;
	b->data = tc_realloc(b->data, cap);
	b->cap = cap;
}

void tc_buf_add(struct tc_buf *b, const void *data, size_t len)
{
	reserve(b, len);
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void tc_buf_puts(struct tc_buf *b, const char *s)
{
	tc_buf_add(b, s, strlen(s));
}

void tc_buf_vprintf(struct tc_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0) {
		reserve(b, (size_t)n);
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void tc_buf_printf(struct tc_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tc_buf_vprintf(b, fmt, ap);
	va_end(ap);
}

char *tc_buf_take(struct tc_buf *b)
{
	char *s = b->data ? b->data : tc_strdup("");

	*b = (struct tc_buf){0};
	return s;
}

void tc_buf_fini(struct tc_buf *b)
{
	free(b->data);
	*b = (struct tc_buf){0};
}

const char *tc_strerror(int err)
{
	switch (err) {
	case 0:
		return "no error";
	case TC_EUNSURE:
		return "it may have happened: the request left, no answer came";
	default:
		return strerrordesc_np(err < 0 && err != INT_MIN ? -err : err) ?: "unknown error";
	}
}
