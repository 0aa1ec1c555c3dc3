/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text that came from outside, made fit to be logged, stored and shown.
 */
#ifndef CORE_HOST_TEXT_H
#define CORE_HOST_TEXT_H

#include <tocsin/defs.h>

/*
 * In place: control characters become spaces, bytes that are no UTF-8 become "?". The length stays.
 *
 * source  Unicode, category Cc: U+0000 to U+001F, U+007F to U+009F
 */
void text_clean(char *s);

/* As tc_strcopy(), but never cuts within a UTF-8 sequence. */
void text_copy(char *dst, size_t size_bytes, const char *src);

/* One line of UTF-8 without control characters, and without blanks at its ends. */
bool text_is_line(const char *s);

#endif
