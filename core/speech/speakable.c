/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text made fit for a voice. No language is known here, and no markup is made.
 */
#include "speech/speakable.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/utf8.h>

#define MORE       "... and more"
#define LINK       "a link"
#define SCHEME_MAX 16 /* longer ones are not found */

static bool is_gap(uint32_t code)
{
	return code <= ' ' || code == '_' || (code >= 0x7f && code <= 0xa0) || code == 0x2028 ||
	       code == 0x2029 || code == 0x202f || code == 0x3000 || code == 0xfeff;
}

static bool ends_address(char c)
{
	return !c || (unsigned char)c <= ' ' || c == '<' || c == '>' || c == '"' || c == '|';
}

static bool is_word(unsigned char c)
{
	return isascii(c) && isalnum(c);
}

/* The length of an address (RFC 3986: SCHEME://...) that begins here; 0 = none does. */
static size_t address(const char *s)
{
	size_t n = 0;

	if (!is_word((unsigned char)s[0]))
		return 0;
	while (n < SCHEME_MAX && (is_word((unsigned char)s[n]) || memchr("+-.", s[n], 3)))
		n++;
	if (strncmp(s + n, "://", 3) || ends_address(s[n + 3]))
		return 0;
	while (!ends_address(s[n]))
		n++;
	while (strchr(".,;:!?)]}'", s[n - 1]) && !(s[n - 1] == ')' && memchr(s, '(', n)))
		n--;
	return n;
}

/* The text without gaps at its ends, with one space for each inside. */
static char *tidied(const char *text)
{
	struct tc_buf out = {0};
	bool gap = false, word = false; /* before this character: a gap; within a word of ASCII */

	while (*text) {
		uint32_t code = 0;
		size_t skip = word ? 0 : address(text);
		size_t len = skip ? skip : tc_utf8_decode(text, &code);

		if (!len || (!skip && is_gap(code))) {
			gap = true;
			word = false;
			text += len ? len : 1;
			continue;
		}
		if (gap && out.len)
			tc_buf_puts(&out, " ");
		gap = false;
		word = !skip && is_word((unsigned char)*text);
		if (skip)
			tc_buf_puts(&out, LINK);
		else
			tc_buf_add(&out, text, len);
		text += len;
	}
	return tc_buf_take(&out);
}

/* Where the text must end so that MORE fits behind it; NULL when it is short enough as it is. */
static char *cut_at(char *text)
{
	const size_t room = SPEAKABLE_MAX - (sizeof(MORE) - 1);
	char *hard = NULL, *space = NULL;
	size_t chars = 0;

	for (char *s = text; *s; s++) {
		if (((unsigned char)*s & 0xc0) == 0x80)
			continue;
		if (chars <= room && *s == ' ')
			space = s;
		if (chars == room)
			hard = s;
		chars++;
	}
	if (chars <= SPEAKABLE_MAX)
		return NULL;
	return space ? space : hard; /* a single word of this length is cut anywhere */
}

char *speakable_text(const char *text)
{
	char *out = tidied(text);
	char *cut = cut_at(out), *whole;

	if (!cut)
		return out;
	*cut = '\0';
	whole = tc_asprintf("%s%s", out, MORE);
	free(out);
	return whole;
}
