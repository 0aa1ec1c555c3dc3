/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader of compiled time zone files. Where they lie and what is asked of them stands in zone.c.
 */
#include "oncall/tzfile.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#define HEADER       44
#define DAY_S        86400
#define TIMES_MAX    10000 /* there are files with some hundred */
#define RULE_YEARS   2200
#define OFFSET_MAX_S (26 * 3600)

/* ---- the list ---- */

static void add(struct tzfile *file, int64_t at, int32_t offset_s)
{
	if (file->n && at <= file->at[file->n - 1]) {
		if (at == file->at[file->n - 1])
			file->offset_s[file->n] = offset_s;
		return;
	}
	if (offset_s == file->offset_s[file->n])
		return; /* only its name is another */
	if (file->n == file->room) {
		file->room = 2 * file->room + 64;
		file->at = tc_realloc(file->at, file->room * sizeof(*file->at));
		file->offset_s =
			tc_realloc(file->offset_s, (file->room + 1) * sizeof(*file->offset_s));
	}
	file->at[file->n++] = at;
	file->offset_s[file->n] = offset_s;
}

static void begin(struct tzfile *file, int32_t offset_s)
{
	*file = (struct tzfile){.offset_s = tc_alloc(sizeof(*file->offset_s))};
	file->offset_s[0] = offset_s;
}

void tzfile_fini(struct tzfile *file)
{
	free(file->at);
	free(file->offset_s);
	*file = (struct tzfile){0};
}

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days_from_civil. */
int64_t tzfile_days(int64_t year, int month, int64_t day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* ---- the rule ---- */

struct rule_date {
	char form; /* 'M' month.week.day, 'J' day without the 29th of February, '0' day from 0 */
	int month, week, day;
	int64_t time_s; /* behind midnight */
};

struct rule {
	int32_t standard_s, summer_s;
	bool has_summer;
	struct rule_date from, until;
};

static bool number(const char **s, int max, int *value)
{
	int v = 0;

	if (!isdigit((unsigned char)**s))
		return false;
	for (; isdigit((unsigned char)**s); (*s)++) {
		v = v * 10 + (**s - '0');
		if (v > max)
			return false;
	}
	*value = v;
	return true;
}

static bool name(const char **s)
{
	const char *first = *s;

	if (*first == '<') {
		*s = strchr(first, '>');
		if (!*s)
			return false;
		(*s)++;
		return true;
	}
	while (isalpha((unsigned char)**s))
		(*s)++;
	return *s - first >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool hours(const char **s, int64_t *seconds)
{
	int sign = **s == '-' ? -1 : 1, h, m = 0, sec = 0;

	if (**s == '-' || **s == '+')
		(*s)++;
	if (!number(s, 167, &h))
		return false;
	if (**s == ':' && ((*s)++, !number(s, 59, &m)))
		return false;
	if (**s == ':' && ((*s)++, !number(s, 59, &sec)))
		return false;
	*seconds = sign * (h * 3600 + m * 60 + sec);
	return true;
}

static bool offset(const char **s, int32_t *offset_s)
{
	int64_t west;

	if (!hours(s, &west) || west > OFFSET_MAX_S || west < -OFFSET_MAX_S)
		return false;
	*offset_s = (int32_t)-west;
	return true;
}

static bool rule_date(const char **s, struct rule_date *date)
{
	if (*(*s)++ != ',')
		return false;
	date->time_s = 2 * 3600;
	date->form = '0';
	if (**s == 'M' || **s == 'J')
		date->form = *(*s)++;
	if (date->form == 'M') {
		if (!number(s, 12, &date->month) || !date->month || *(*s)++ != '.' ||
		    !number(s, 5, &date->week) || !date->week || *(*s)++ != '.' ||
		    !number(s, 6, &date->day))
			return false;
	} else if (!number(s, 365, &date->day) || (date->form == 'J' && !date->day)) {
		return false;
	}
	return **s != '/' || ((*s)++, hours(s, &date->time_s));
}

static bool rule_parse(const char *s, struct rule *rule)
{
	*rule = (struct rule){0};
	if (!name(&s) || !offset(&s, &rule->standard_s))
		return false;
	if (!*s)
		return true;
	rule->has_summer = true;
	rule->summer_s = rule->standard_s + 3600;
	if (!name(&s) || (*s != ',' && !offset(&s, &rule->summer_s)))
		return false;
	return rule_date(&s, &rule->from) && rule_date(&s, &rule->until) && !*s;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The local time of a date of the rule in a year, in seconds as if it were UTC. */
static int64_t rule_time(const struct rule_date *date, int64_t year)
{
	int64_t day;
	int weekday;

	if (date->form == 'M') {
		day = tzfile_days(year, date->month, 1);
		weekday = (int)(((day + 4) % 7 + 7) % 7); /* the 1st of January 1970: a Thursday */
		day += (date->day - weekday + 7) % 7 + 7 * (date->week - 1);
		if (day >= tzfile_days(year + date->month / 12, date->month % 12 + 1, 1))
			day -= 7;
	} else {
		day = tzfile_days(year, 1, 1) + date->day;
		if (date->form == 'J' && (date->day < 60 || !is_leap(year)))
			day--;
	}
	return day * DAY_S + date->time_s;
}

static void rule_write_out(struct tzfile *file, const struct rule *rule)
{
	int64_t year = 1970, from, until;

	if (!rule->has_summer) {
		if (file->n == 0)
			file->offset_s[0] = rule->standard_s;
		return;
	}
	if (file->n)
		year = 1970 + file->at[file->n - 1] / (366 * DAY_S) - 1;
	for (; year <= RULE_YEARS; year++) {
		from = rule_time(&rule->from, year) - rule->standard_s;
		until = rule_time(&rule->until, year) - rule->summer_s;
		if (from <= until)
			add(file, from, rule->summer_s);
		add(file, until, rule->standard_s);
		if (from > until)
			add(file, from, rule->summer_s);
	}
}

/* ---- the file ---- */

struct part { /* a header, and where what follows it ends */
	size_t isut, isstd, leap, times, types, chars;
	size_t size_bytes;
};

static uint32_t u32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t s64(const unsigned char *p)
{
	return (int64_t)((uint64_t)u32(p) << 32 | u32(p + 4));
}

static bool part_read(struct part *part, const unsigned char *p, size_t size, size_t time_size)
{
	if (size < HEADER || memcmp(p, "TZif", 4) != 0)
		return false;
	*part = (struct part){
		u32(p + 20), u32(p + 24), u32(p + 28), u32(p + 32), u32(p + 36), u32(p + 40), 0};
	if (part->isut > 256 || part->isstd > 256 || part->leap > TIMES_MAX ||
	    part->times > TIMES_MAX || !part->types || part->types > 256 || part->chars > 4096)
		return false;
	part->size_bytes = HEADER + part->times * (time_size + 1) + part->types * 6 + part->chars +
			   part->leap * (time_size + 4) + part->isstd + part->isut;
	return part->size_bytes <= size;
}

static bool types_good(const struct part *part, const unsigned char *indices,
		       const unsigned char *types)
{
	for (size_t i = 0; i < part->times; i++)
		if (indices[i] >= part->types)
			return false;
	for (size_t i = 0; i < part->types; i++) {
		int64_t offset_s = (int32_t)u32(types + i * 6);

		if (offset_s > OFFSET_MAX_S || offset_s < -OFFSET_MAX_S)
			return false;
	}
	return true;
}

int tzfile_read(struct tzfile *file, const unsigned char *data, size_t size_bytes)
{
	const unsigned char *times, *indices, *types;
	struct part part;
	struct rule rule;
	char *footer, *end;
	bool good;

	/* the first part has 32 bits only, and is there for old readers */
	if (!part_read(&part, data, size_bytes, 4) || data[4] < '2')
		return -EINVAL;
	data += part.size_bytes;
	size_bytes -= part.size_bytes;
	if (!part_read(&part, data, size_bytes, 8))
		return -EINVAL;
	times = data + HEADER;
	indices = times + part.times * 8;
	types = indices + part.times;
	if (!types_good(&part, indices, types))
		return -EINVAL;
	footer = tc_strndup((const char *)data + part.size_bytes, size_bytes - part.size_bytes);
	end = *footer == '\n' ? strchr(footer + 1, '\n') : NULL;
	if (end)
		*end = '\0';
	good = end && (!footer[1] || rule_parse(footer + 1, &rule));
	if (good) {
		begin(file, (int32_t)u32(types));
		for (size_t i = 0; i < part.times; i++)
			add(file, s64(times + i * 8), (int32_t)u32(types + indices[i] * 6));
		if (footer[1])
			rule_write_out(file, &rule);
	}
	free(footer);
	return good ? 0 : -EINVAL;
}
