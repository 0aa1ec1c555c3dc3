/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local times as text, and the functions for plugins that need nothing but a zone.
 */
#include "oncall/local.h"

#include <ctype.h>
#include <stdio.h>

#include <tocsin/calendar.h>

#include "oncall/tzfile.h"
#include "oncall/zone.h"

#define US_PER_S 1000000

/* ---- numbers ---- */

int64_t local_floor_s(int64_t at_us)
{
	return at_us / US_PER_S - (at_us % US_PER_S < 0);
}

int64_t local_us(int64_t at_s)
{
	return at_s > INT64_MAX / US_PER_S ? INT64_MAX : at_s * US_PER_S;
}

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": civil_from_days. */
void local_fields(int64_t local_s, struct local_fields *fields)
{
	int64_t days = local_s / LOCAL_DAY_S - (local_s % LOCAL_DAY_S < 0);
	int64_t seconds = local_s - days * LOCAL_DAY_S;
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	fields->day = (int)(of_year - (153 * month + 2) / 5 + 1);
	fields->month = (int)(month < 10 ? month + 3 : month - 9);
	fields->year = (int)(year + era * 400 + (fields->month <= 2));
	fields->hour = (int)(seconds / 3600);
	fields->minute = (int)(seconds / 60 % 60);
	fields->second = (int)(seconds % 60);
	fields->weekday = (int)(((days + 4) % 7 + 7) % 7);
}

int64_t local_seconds(const struct local_fields *fields)
{
	return tzfile_days(fields->year, fields->month, fields->day) * LOCAL_DAY_S +
	       fields->hour * 3600 + fields->minute * 60 + fields->second;
}

/* ---- text ---- */

/* Exactly n digits, up to max; and the sign that ends them. */
static bool digits(const char **s, int n, int max, char sign, int *value)
{
	int v = 0;

	for (; n; n--, (*s)++) {
		if (!isdigit((unsigned char)**s))
			return false;
		v = v * 10 + (**s - '0');
	}
	*value = v;
	if (sign && *(*s)++ != sign)
		return false;
	return v <= max;
}

static bool date(const char **s, char sign, struct local_fields *f)
{
	struct local_fields same;

	if (!digits(s, 4, 9999, '-', &f->year) || !digits(s, 2, 12, '-', &f->month) || !f->month ||
	    !digits(s, 2, 31, sign, &f->day))
		return false;
	local_fields(local_seconds(f), &same); /* the 31st of June is none */
	return same.day == f->day && same.month == f->month;
}

int local_parse(const char *text, int64_t *local_s)
{
	struct local_fields f = {0};

	if (!date(&text, 'T', &f) || !digits(&text, 2, 23, ':', &f.hour) ||
	    !digits(&text, 2, 59, '\0', &f.minute))
		return -EINVAL;
	if (*text && (*text++ != ':' || !digits(&text, 2, 59, '\0', &f.second) || *text))
		return -EINVAL;
	*local_s = local_seconds(&f);
	return 0;
}

int local_parse_date(const char *text, int64_t *local_s)
{
	struct local_fields f = {0};

	if (!date(&text, '\0', &f) || *text)
		return -EINVAL;
	*local_s = local_seconds(&f);
	return 0;
}

int local_parse_time(const char *text, int64_t *seconds)
{
	int hour, minute;

	if (!digits(&text, 2, 23, ':', &hour) || !digits(&text, 2, 59, '\0', &minute) || *text)
		return -EINVAL;
	*seconds = hour * 3600 + minute * 60;
	return 0;
}

/* ---- for plugins ---- */

int tc_local_parse(const char *text, const char *zone, int64_t *at_us, enum tc_local *kind)
{
	const struct zone *rules = zone_find(zone);
	int64_t local_s;

	if (!rules)
		return -ENOENT;
	if (local_parse(text, &local_s))
		return -EINVAL;
	*at_us = local_us(zone_instant(rules, local_s, kind));
	return 0;
}

int tc_local_format(int64_t at_us, const char *zone, char out[40])
{
	const struct zone *rules = zone_find(zone);
	int64_t at_s = local_floor_s(at_us), local_s, offset_s;
	struct local_fields f;
	char sign;

	if (!rules)
		return -ENOENT;
	local_s = zone_local(rules, at_s);
	offset_s = local_s - at_s;
	sign = offset_s < 0 ? '-' : '+';
	offset_s = offset_s < 0 ? -offset_s : offset_s;
	local_fields(local_s, &f);
	/* RFC 3339 has offsets in minutes only: those with seconds are older than it */
	snprintf(out, 40, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", f.year % 10000, f.month,
		 f.day, f.hour, f.minute, f.second, sign, (int)(offset_s / 3600 % 100),
		 (int)(offset_s / 60 % 60));
	return 0;
}
