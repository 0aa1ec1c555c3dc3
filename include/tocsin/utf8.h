/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading UTF-8 strictly, character by character.
 */
#ifndef TOCSIN_UTF8_H
#define TOCSIN_UTF8_H

#include <tocsin/defs.h>

/*
 * One character.
 *
 * s       NUL-terminated; not read beyond the NUL
 * code    receives it; written only when the result is not 0
 * result  its length in bytes, 1..4 (1 for the NUL); 0 when it is not UTF-8: stray or missing
 *         bytes, a longer form than needed, a surrogate, above U+10FFFF
 * thread  any
 * source  RFC 3629
 */
TC_API size_t tc_utf8_decode(const char *s, uint32_t *code);

#endif
