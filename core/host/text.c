/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cleaning and cutting of text that came from outside. What is UTF-8 is decided in utf8.c.
 */
#include "host/text.h"

#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/utf8.h>

static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

void text_clean(char *s)
{
	uint32_t code;
	size_t n;

	for (; *s; s += n) {
		n = tc_utf8_decode(s, &code);
		if (!n) {
			*s = '?';
			n = 1;
		} else if (is_control(code)) {
			memset(s, ' ', n);
		}
	}
}

void text_copy(char *dst, size_t size_bytes, const char *src)
{
	size_t len = size_bytes - 1;

	if (tc_strcopy(dst, size_bytes, src))
		return;
	/* src[len] is the first byte left out: if it goes on with a character, that one goes too */
	while (len && ((unsigned char)src[len] & 0xc0) == 0x80)
		len--;
	dst[len] = '\0';
}

bool text_is_line(const char *s)
{
	bool blank = *s == ' ';
	uint32_t code;
	size_t n;

	for (; *s; s += n) {
		n = tc_utf8_decode(s, &code);
		if (!n || is_control(code))
			return false;
		if (!s[n] && *s == ' ')
			return false;
	}
	return !blank;
}
