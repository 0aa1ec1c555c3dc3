/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text for people; see format.h. Columns are table.c's.
 */
#include "format.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <wchar.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

char *format_text(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	return text;
}

/* ---- characters ---- */

/* The next character and its length in bytes; code 0xfffd and length 1 for what is not UTF-8. */
static size_t decode(const unsigned char *s, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = *s < 0x80   ? 1
		   : *s < 0xc2 ? 0
		   : *s < 0xe0 ? 2
		   : *s < 0xf0 ? 3
		   : *s < 0xf5 ? 4
			       : 0;
	uint32_t c = n == 1 ? *s : n ? *s & (0x7fu >> n) : 0;

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			n = 0;
			break;
		}
		c = c << 6 | (s[i] & 0x3f);
	}
	if (!n || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
		*code = 0xfffd;
		return 1;
	}
	*code = c;
	return n;
}

/* Moves the cursor, rings the bell, or changes how what follows is shown. */
static bool harms(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xfffd) || c >= 0xe0000;
}

char *format_clean(const char *text)
{
	const unsigned char *s = (const unsigned char *)(text ? text : "");
	char *clean = malloc(strlen((const char *)s) + 1), *to = clean;
	uint32_t c;
	size_t n;

	if (!clean)
		abort();
	for (; *s; s += n) {
		n = decode(s, &c);
		if (c == '\n' || c == '\t' || c == '\r') {
			*to++ = ' ';
		} else if (harms(c)) {
			*to++ = '?';
		} else {
			memcpy(to, s, n);
			to += n;
		}
	}
	*to = '\0';
	return clean;
}

static size_t columns(uint32_t c)
{
	int n = wcwidth((wchar_t)c);

	return n < 0 ? 1 : (size_t)n; /* the locale does not know it */
}

size_t format_width(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t width = 0;
	uint32_t c;

	while (*s) {
		s += decode(s, &c);
		width += columns(c);
	}
	return width;
}

char *format_cut(const char *text, size_t width)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t at = 0, used = 0, n;
	uint32_t c;

	if (width < 4 || format_width(text) <= width)
		return format_text("%s", text);
	while (s[at]) {
		n = decode(s + at, &c);
		if (used + columns(c) > width - 3)
			break;
		used += columns(c);
		at += n;
	}
	return format_text("%.*s...", (int)at, text);
}

char *format_member(const json_t *object, const char *name)
{
	return format_clean(json_string_value(json_object_get(object, name)));
}

/* ---- colours ---- */

enum format_tone format_tone_of(const char *state)
{
	static const struct {
		const char *state;
		enum format_tone tone;
	} tones[] = {
		{"open", TONE_BAD},        {"exhausted", TONE_BAD},   {"acknowledged", TONE_GOOD},
		{"resolved", TONE_GOOD},   {"cancelled", TONE_FAINT}, {"queued", TONE_BUSY},
		{"placing", TONE_BUSY},    {"ringing", TONE_BUSY},    {"answered", TONE_BUSY},
		{"escalated", TONE_BUSY},  {"heard", TONE_BUSY},      {"failed", TONE_BAD},
		{"unreachable", TONE_BAD}, {"congestion", TONE_BAD},  {"lost", TONE_BAD},
		{"up", TONE_GOOD},         {"down", TONE_BAD},        {"yes", TONE_GOOD},
		{"no", TONE_BAD},          {"planned", TONE_BUSY},    {"raised", TONE_GOOD},
		{"missed", TONE_BAD},      {"finished", TONE_FAINT},
	};

	for (size_t i = 0; i < sizeof(tones) / sizeof(tones[0]); i++)
		if (!strcmp(tones[i].state, state))
			return tones[i].tone;
	return TONE_PLAIN;
}

void format_put(const struct cli *cli, enum format_tone tone, const char *text)
{
	static const char *const codes[] = {
		[TONE_GOOD] = "32", [TONE_BAD] = "1;31", [TONE_BUSY] = "33",
		[TONE_FAINT] = "2", [TONE_TITLE] = "1",
	};

	if (cli->colour && tone != TONE_PLAIN)
		printf("\033[%sm%s\033[0m", codes[tone], text);
	else
		fputs(text, stdout);
}

void format_json(const struct cli *cli, const json_t *json)
{
	json_dumpf(json, stdout,
		   cli->terminal ? JSON_INDENT(2) | JSON_PRESERVE_ORDER
				 : JSON_COMPACT | JSON_PRESERVE_ORDER);
	fputc('\n', stdout);
}

/* ---- times ---- */

int64_t format_now(void)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	return now.tv_sec * SECOND + now.tv_usec;
}

/* Digits behind the point of seconds; *s moves behind them. */
static int64_t fraction_us(const char **s)
{
	int64_t us = 0, unit = SECOND;

	if (**s != '.')
		return 0;
	while (*++*s >= '0' && **s <= '9') {
		unit /= 10;
		us += (**s - '0') * unit;
	}
	return us;
}

int64_t format_parse_time(const char *text)
{
	struct tm tm = {0};
	int hours = 0, minutes = 0;
	const char *s = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	int64_t us;

	if (!s)
		return 0;
	us = fraction_us(&s);
	if (*s != 'Z' && sscanf(s + (*s != '\0'), "%2d:%2d", &hours, &minutes) != 2)
		return 0;
	us += timegm(&tm) * SECOND;
	return us - (*s == '-' ? -1 : 1) * (hours * HOUR + minutes * MINUTE);
}

static char *local(char buf[FORMAT_TIME_SIZE], int64_t at_us, bool date)
{
	time_t at = (time_t)(at_us / SECOND);
	struct tm tm;

	*buf = '\0';
	if (at_us && localtime_r(&at, &tm))
		strftime(buf, FORMAT_TIME_SIZE, date ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm);
	return buf;
}

char *format_date(char buf[FORMAT_TIME_SIZE], int64_t at_us)
{
	return local(buf, at_us, true);
}

char *format_clock(char buf[FORMAT_TIME_SIZE], int64_t at_us)
{
	size_t len = strlen(local(buf, at_us, false));

	if (len)
		snprintf(buf + len, FORMAT_TIME_SIZE - len, ".%03d", (int)(at_us % SECOND / 1000));
	return buf;
}

char *format_rfc3339(char buf[FORMAT_TIME_SIZE], int64_t at_us)
{
	time_t at = (time_t)(at_us / SECOND);
	struct tm tm;
	size_t len;

	gmtime_r(&at, &tm);
	len = strftime(buf, FORMAT_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + len, FORMAT_TIME_SIZE - len, ".%06dZ", (int)(at_us % SECOND));
	return buf;
}

char *format_span(char buf[FORMAT_TIME_SIZE], int64_t us)
{
	long long s = us / SECOND;

	if (us < 10 * SECOND)
		snprintf(buf, FORMAT_TIME_SIZE, "%.1f s", (double)us / (double)SECOND);
	else if (us < 2 * MINUTE)
		snprintf(buf, FORMAT_TIME_SIZE, "%lld s", s);
	else if (us < HOUR)
		snprintf(buf, FORMAT_TIME_SIZE, "%lld min %lld s", s / 60, s % 60);
	else if (us < 2 * DAY)
		snprintf(buf, FORMAT_TIME_SIZE, "%lld h %lld min", s / 3600, s / 60 % 60);
	else
		snprintf(buf, FORMAT_TIME_SIZE, "%lld d %lld h", s / 86400, s / 3600 % 24);
	return buf;
}

/* The largest unit is enough. */
char *format_ago(char buf[FORMAT_TIME_SIZE], int64_t at_us, int64_t now_us)
{
	static const struct {
		int64_t us;
		const char *name;
	} units[] = {{DAY, "d"}, {HOUR, "h"}, {MINUTE, "min"}, {SECOND, "s"}};
	int64_t us = now_us > at_us ? now_us - at_us : at_us - now_us;

	if (!at_us) {
		*buf = '\0';
		return buf;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (us < (units[i].us == SECOND ? SECOND : 2 * units[i].us))
			continue;
		snprintf(buf, FORMAT_TIME_SIZE, now_us > at_us ? "%lld %s ago" : "in %lld %s",
			 (long long)(us / units[i].us), units[i].name);
		return buf;
	}
	snprintf(buf, FORMAT_TIME_SIZE, "now");
	return buf;
}

int64_t format_parse_span(const char *text)
{
	static const struct {
		char letter;
		int64_t us;
	} units[] = {{'s', SECOND}, {'m', MINUTE}, {'h', HOUR}, {'d', DAY}, {'w', 7 * DAY}};
	char *end;
	long long n;

	if (*text < '0' || *text > '9')
		return -1;
	n = strtoll(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (*end == units[i].letter && !end[1] && n <= INT64_MAX / 4 / units[i].us)
			return n * units[i].us;
	return -1;
}
