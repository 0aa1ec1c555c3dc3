/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 3339 date-times. Calendar arithmetic on UTC only; zones with rules are not known here.
 */
#include "host/rfc3339.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <tocsin/alloc.h>

#define DAY_S 86400
/* What four digits of a year can say: 0000-01-01T00:00:00 up to the second before year 10000. */
#define FIRST_S INT64_C(-62167219200)
#define LAST_S	INT64_C(253402300799)

const char *rfc3339_format(char buf[RFC3339_SIZE], int64_t wall_us)
{
	int64_t s = wall_us / 1000000, us = wall_us % 1000000;
	char text[96]; /* as long as any number could make it */
	time_t t;
	struct tm tm;

	if (us < 0) {
		us += 1000000;
		s--;
	}
	if (s < FIRST_S || s > LAST_S) {
		us = s < FIRST_S ? 0 : 999999;
		s = s < FIRST_S ? FIRST_S : LAST_S;
	}
	t = (time_t)s;
	gmtime_r(&t, &tm);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)us);
	tc_strcopy(buf, RFC3339_SIZE, text);
	return buf;
}

const char *rfc3339_format_seconds(char buf[RFC3339_SIZE], int64_t wall_us)
{
	char *fraction;

	rfc3339_format(buf, wall_us);
	fraction = strchr(buf, '.');
	tc_strcopy(fraction, RFC3339_SIZE - (size_t)(fraction - buf), "Z");
	return buf;
}

/* A number of exactly n digits; -1 if there are others. */
static int digits(const char **s, int n)
{
	int v = 0;

	while (n--) {
		if (!isdigit((unsigned char)**s))
			return -1;
		v = v * 10 + (*(*s)++ - '0');
	}
	return v;
}

static bool skip(const char **s, const char *any)
{
	for (; *any; any++) {
		if (**s == *any) {
			(*s)++;
			return true;
		}
	}
	return false;
}

/* Fraction of a second in microseconds; digits beyond the sixth are cut off. */
static int fraction(const char **s)
{
	int us = 0, scale = 100000;

	if (!isdigit((unsigned char)**s))
		return -1;
	for (; isdigit((unsigned char)**s); (*s)++) {
		us += (**s - '0') * scale;
		scale /= 10;
	}
	return us;
}

/* Offset from UTC in seconds: "Z" or "+hh:mm". */
static bool zone(const char **s, int *offset_s)
{
	int sign, h, m;

	*offset_s = 0;
	if (skip(s, "Zz"))
		return true;
	sign = **s == '-' ? -1 : 1;
	if (!skip(s, "+-"))
		return false;
	h = digits(s, 2);
	if (h < 0 || h > 23 || !skip(s, ":"))
		return false;
	m = digits(s, 2);
	if (m < 0 || m > 59)
		return false;
	*offset_s = sign * (h * 3600 + m * 60);
	return true;
}

int rfc3339_parse(const char *s, int64_t *wall_us)
{
	struct tm tm = {0}, check;
	int us = 0, offset_s;
	bool leap;
	time_t t;

	tm.tm_year = digits(&s, 4) - 1900;
	if (tm.tm_year < -1900 || !skip(&s, "-"))
		return -EINVAL;
	tm.tm_mon = digits(&s, 2) - 1;
	if (!skip(&s, "-"))
		return -EINVAL;
	tm.tm_mday = digits(&s, 2);
	if (!skip(&s, "Tt "))
		return -EINVAL;
	tm.tm_hour = digits(&s, 2);
	if (!skip(&s, ":"))
		return -EINVAL;
	tm.tm_min = digits(&s, 2);
	if (!skip(&s, ":"))
		return -EINVAL;
	tm.tm_sec = digits(&s, 2);
	if (skip(&s, ".") && (us = fraction(&s)) < 0)
		return -EINVAL;
	if (!zone(&s, &offset_s) || *s)
		return -EINVAL;
	leap = tm.tm_sec == 60;
	if (leap) /* counts as the one before */
		tm.tm_sec = 59;
	check = tm;
	t = timegm(&check);
	/* timegm() turns the 31st of June into the 1st of July: whoever wrote that meant neither */
	if (check.tm_mon != tm.tm_mon || check.tm_mday != tm.tm_mday ||
	    check.tm_hour != tm.tm_hour || check.tm_min != tm.tm_min || check.tm_sec != tm.tm_sec)
		return -EINVAL;
	t -= offset_s;
	if (t < FIRST_S || t > LAST_S)
		return -EINVAL;
	/* leap seconds end a day of UTC */
	if (leap && ((t % DAY_S) + DAY_S) % DAY_S != DAY_S - 1)
		return -EINVAL;
	*wall_us = (int64_t)t * 1000000 + us;
	return 0;
}
