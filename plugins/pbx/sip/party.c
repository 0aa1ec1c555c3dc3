/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading of callers out of headers. Which header is believed is decided elsewhere. */
#include "party.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A piece of the text: from p to end. */
struct span {
	const char *p, *end;
};

/* The URI of a header's value: what is between angle brackets, or all up to the parameters. */
static struct span uri_of(const char *value, size_t len)
{
	struct span s = {value, value + len};
	bool quoted = false;

	for (const char *p = s.p; p < s.end; p++) {
		if (*p == '\\' && quoted)
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (*p == '<' && !quoted) {
			const char *close = memchr(p, '>', (size_t)(s.end - p));
			s.p = p + 1;
			s.end = close ? close : s.p;
			return s;
		}
	}
	while (s.p < s.end && isspace((unsigned char)*s.p))
		s.p++;
	return s;
}

static bool take_scheme(struct span *s, const char *scheme)
{
	size_t n = strlen(scheme);

	if ((size_t)(s->end - s->p) < n || strncasecmp(s->p, scheme, n) != 0)
		return false;
	s->p += n;
	return true;
}

/* Cut at the first of these characters. */
static void cut(struct span *s, const char *at)
{
	for (const char *p = s->p; p < s->end; p++) {
		if (strchr(at, *p)) {
			s->end = p;
			return;
		}
	}
}

static int hex(int c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

/* The next character, unescaped. result: -1 = no escape that can be read */
static int next(struct span *s)
{
	int c = (unsigned char)*s->p++;

	if (c != '%')
		return c;
	if (s->end - s->p < 2)
		return -1;
	int high = hex((unsigned char)s->p[0]), low = hex((unsigned char)s->p[1]);
	s->p += 2;
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool party_user(const char *value, size_t len, char *buf, size_t size_bytes)
{
	struct span s = uri_of(value, len);
	size_t n = 0;

	buf[0] = '\0';
	if (take_scheme(&s, "tel:")) {
		cut(&s, ";?");
	} else if (take_scheme(&s, "sip:") || take_scheme(&s, "sips:")) {
		const char *at = memchr(s.p, '@', (size_t)(s.end - s.p));
		s.end = at ? at : s.p;
		cut(&s, ";:");
	} else {
		return false;
	}
	while (s.p < s.end) {
		int c = next(&s);
		if (c <= 0 || c > 126 || (!isalnum(c) && !strchr("+*#-_.~!()&=$,/", c)) ||
		    n + 1 >= size_bytes) {
			buf[0] = '\0';
			return false;
		}
		buf[n++] = (char)c;
	}
	buf[n] = '\0';
	return n > 0;
}

bool party_number(const char *value, size_t len, char *buf, size_t size_bytes)
{
	size_t n = 0;

	if (!party_user(value, len, buf, size_bytes))
		return false;
	for (const char *p = buf; *p; p++) {
		if (strchr("-.()", *p))
			continue;
		if (!isdigit((unsigned char)*p) && *p != '*' && *p != '#' && (*p != '+' || n)) {
			buf[0] = '\0';
			return false;
		}
		buf[n++] = *p;
	}
	if (n == 1 && buf[0] == '+')
		n = 0;
	buf[n] = '\0';
	return n > 0;
}

bool party_withheld(const char *value, size_t len)
{
	static const char *const words[] = {"id", "user", "header"};
	const char *end = value + len;

	for (const char *p = value; p < end;) {
		const char *word = p;
		while (p < end && *p != ';' && *p != ',' && !isspace((unsigned char)*p))
			p++;
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if ((size_t)(p - word) == strlen(words[i]) &&
			    strncasecmp(word, words[i], strlen(words[i])) == 0)
				return true;
		p++;
	}
	return false;
}
