/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory: small allocations that cannot fail, outside sizes that can, and one growing buffer.
 */
#ifndef TOCSIN_ALLOC_H
#define TOCSIN_ALLOC_H

#include <tocsin/defs.h>

/*
 * Zeroed memory for an object of the program's own size. Aborts when there is none: use it for
 * sizes known at compile time or bounded by the configuration.
 *
 * result  owned by the caller; free() releases it
 * thread  any
 */
TC_API void *tc_alloc(size_t size_bytes);

/* As tc_alloc, for n objects; aborts when n * size overflows. */
TC_API void *tc_calloc(size_t n, size_t size_bytes);

/* Change the size of a block (NULL = new); new bytes are not zeroed. Aborts when there is none. */
TC_API void *tc_realloc(void *p, size_t size_bytes);

/*
 * Zeroed memory for a size that came from outside.
 *
 * result  NULL when there is none: answer -ENOMEM
 */
TC_API void *tc_try_alloc(size_t size_bytes);

/* Copy of a string; NULL gives NULL. Owned by the caller. */
TC_API char *tc_strdup(const char *s);

/* Copy of the first n bytes (or less, at a NUL), with a final NUL. Owned by the caller. */
TC_API char *tc_strndup(const char *s, size_t n);

/* Formatted string, owned by the caller. */
TC_API char *tc_asprintf(const char *fmt, ...) TC_PRINTF(1, 2);

/*
 * Copy src into dst, always NUL-terminated, cut to fit.
 *
 * size_bytes  of dst, > 0
 * result      false when it was cut
 */
TC_API bool tc_strcopy(char *dst, size_t size_bytes, const char *src);

/*
 * A growing buffer. Zero-initialised is empty and valid. data is always NUL-terminated if not NULL.
 */
struct tc_buf {
	char *data; /* owned */
	size_t len; /* bytes, without the NUL */
	size_t cap;
};

TC_API void tc_buf_add(struct tc_buf *b, const void *data, size_t len);
TC_API void tc_buf_puts(struct tc_buf *b, const char *s);
TC_API void tc_buf_printf(struct tc_buf *b, const char *fmt, ...) TC_PRINTF(2, 3);
TC_API void tc_buf_vprintf(struct tc_buf *b, const char *fmt, va_list ap) TC_PRINTF(2, 0);

/* Take the text out (never NULL); the buffer is empty afterwards. The caller frees it. */
TC_API char *tc_buf_take(struct tc_buf *b);

TC_API void tc_buf_fini(struct tc_buf *b);

#endif
