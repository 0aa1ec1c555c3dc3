/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recurrence rules as text. Those that might be searched for ever, or that libical gets wrong, are
 * refused or put otherwise; iterating them is recur.c's.
 */
#include "oncall/rrule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "oncall/local.h"
#include "oncall/rrule_days.h"

#define TEXT_MAX 1000
#define WEEK_S   (7 * LOCAL_DAY_S)

/* ---- the text ---- */

enum part {
	PART_FREQ,
	PART_INTERVAL,
	PART_COUNT,
	PART_UNTIL,
	PART_WKST,
	PART_BYDAY,
	PART_BYHOUR,
	PART_BYMINUTE,
	PART_BYSECOND,
	PART_BYMONTH,
	PART_BYMONTHDAY,
	PART_BYYEARDAY,
	PART_BYWEEKNO,
	PART_BYSETPOS,
	PARTS
};

static const char *const part_names[PARTS] = {
	"FREQ",     "INTERVAL", "COUNT",   "UNTIL",      "WKST",      "BYDAY",    "BYHOUR",
	"BYMINUTE", "BYSECOND", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS",
};

/* The parts of a rule, apart. */
struct parts {
	char text[TEXT_MAX + 1];
	char *value[PARTS]; /* into text; NULL = is not there */
};

static enum part part_find(const char *name)
{
	int i = 0;

	while (i < PARTS && strcasecmp(part_names[i], name) != 0)
		i++;
	return (enum part)i;
}

/* A value twice in "1,2,2": libical goes through it twice, and counts it so. */
static bool has_twice(const char *list)
{
	for (const char *one = list; one; one = strchr(one, ',')) {
		one += *one == ',';
		for (const char *other = strchr(one, ','); other; other = strchr(other, ',')) {
			size_t len = strcspn(one, ",");

			if (strcspn(++other, ",") == len && !strncasecmp(one, other, len))
				return true;
		}
	}
	return false;
}

static const char *take_apart(struct parts *parts, const char *text)
{
	char *at = parts->text, *part;

	if (!tc_strcopy(parts->text, sizeof(parts->text), text))
		return "is longer than 1000 characters";
	while ((part = strsep(&at, ";"))) {
		char *value = strchr(part, '=');
		enum part i;

		if (!value || !value[1])
			return "must be parts of the form NAME=VALUE, with ';' between them";
		*value++ = '\0';
		i = part_find(part);
		if (i == PARTS)
			return "has a part that there is not (RFC 5545, 3.3.10)";
		if (parts->value[i])
			return "has a part twice";
		if (has_twice(value))
			return "has a value twice in a part";
		parts->value[i] = value;
	}
	if (!parts->value[PART_FREQ])
		return "has no FREQ";
	if (parts->value[PART_COUNT] && parts->value[PART_UNTIL])
		return "has both COUNT and UNTIL";
	return NULL;
}

/* "0,1,2 ..." */
static void add_numbers(struct tc_buf *out, int n)
{
	for (int i = 0; i < n; i++)
		tc_buf_printf(out, "%s%d", i ? "," : "", i);
}

/*
 * The same without UNTIL and COUNT, and in capitals.
 *
 * by_day  a rule by the hour or minute that has filters: the same by the day, at all hours
 */
static void put_together(const struct parts *parts, bool by_day, struct tc_buf *out)
{
	bool minutes = by_day && !strcasecmp(parts->value[PART_FREQ], "MINUTELY");

	tc_buf_printf(out, "FREQ=%s", by_day ? "DAILY" : parts->value[PART_FREQ]);
	for (int i = PART_INTERVAL; i < PARTS; i++)
		if (parts->value[i] && i != PART_UNTIL && i != PART_COUNT)
			tc_buf_printf(out, ";%s=%s", part_names[i], parts->value[i]);
	if (by_day && !parts->value[PART_BYHOUR]) {
		tc_buf_puts(out, ";BYHOUR=");
		add_numbers(out, 24);
	}
	if (minutes && !parts->value[PART_BYMINUTE]) {
		tc_buf_puts(out, ";BYMINUTE=");
		add_numbers(out, 60);
	}
	for (size_t i = 0; i < out->len; i++)
		if (out->data[i] >= 'a' && out->data[i] <= 'z')
			out->data[i] = (char)(out->data[i] - 'a' + 'A');
}

/* "20260329", "20260329T023000", with or without "Z". */
static bool read_until(struct rrule *rrule, const char *text)
{
	size_t len = strlen(text);
	bool utc = len == 16 && (text[15] == 'Z' || text[15] == 'z');
	char local[20];
	int64_t s;

	if ((len != 8 && len != 15 && !utc) || (len != 8 && text[8] != 'T'))
		return false;
	snprintf(local, sizeof(local), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s", text, text + 4, text + 6,
		 len == 8 ? "23" : text + 9, len == 8 ? "59" : text + 11,
		 len == 8 ? "59" : text + 13);
	if (local_parse(local, &s))
		return false;
	if (utc)
		rrule->until_at_s = s;
	else
		rrule->until_s = s;
	return true;
}

static bool read_count(struct rrule *rrule, const char *text)
{
	size_t len = strlen(text);

	if (!len || len > 4 || strspn(text, "0123456789") != len)
		return false;
	rrule->count = (int)strtol(text, NULL, 10);
	return rrule->count >= 1 && rrule->count <= RRULE_COUNT_MAX;
}

/* ---- what is refused ---- */

static size_t count(const short *values, size_t size)
{
	size_t n = 0;

	while (n < size && values[n] != ICAL_RECURRENCE_ARRAY_MAX)
		n++;
	return n;
}

/*
 * A rule that filters hours or minutes by what may never come, or comes once in years, is searched
 * through step by step.
 */
static const char *check_fine(const struct parts *parts)
{
	bool filtered = parts->value[PART_BYDAY] || parts->value[PART_BYHOUR] ||
			parts->value[PART_BYMINUTE];

	for (int i = PART_BYSECOND; i < PARTS; i++)
		if (parts->value[i])
			return "by the hour or the minute may have no other filter than BYDAY, "
			       "BYHOUR and BYMINUTE; FREQ=DAILY may have them all";
	if (filtered && parts->value[PART_INTERVAL] && strcmp(parts->value[PART_INTERVAL], "1"))
		return "by the hour or the minute may have INTERVAL or a filter, not both; "
		       "FREQ=DAILY with BYHOUR and BYMINUTE may";
	if (parts->value[PART_BYDAY] && strpbrk(parts->value[PART_BYDAY], "0123456789"))
		return "by the hour or the minute must have days without numbers in BYDAY";
	return NULL;
}

/* Days that there are in none of the months are sought through centuries. */
static bool some_day_exists(const struct icalrecurrencetype *rule)
{
	static const int longest[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	size_t n_days = count(rule->by_month_day, ICAL_BY_MONTHDAY_SIZE);
	size_t n_months = count(rule->by_month, ICAL_BY_MONTH_SIZE);

	for (size_t i = 0; i < n_months; i++)
		for (size_t k = 0; k < n_days; k++)
			if (rule->by_month[i] >= 1 && rule->by_month[i] <= 12 &&
			    abs(rule->by_month_day[k]) <= longest[rule->by_month[i] - 1])
				return true;
	return !n_days || !n_months;
}

/* Whether there can be so many of a weekday: "5MO". */
static bool weekdays_exist(const struct icalrecurrencetype *rule)
{
	bool year = rule->freq == ICAL_YEARLY_RECURRENCE &&
		    rule->by_month[0] == ICAL_RECURRENCE_ARRAY_MAX;
	int most = rule->freq < ICAL_MONTHLY_RECURRENCE ? 0 : year ? 53 : 5;

	for (size_t i = 0; i < count(rule->by_day, ICAL_BY_DAY_SIZE); i++)
		if (abs(icalrecurrencetype_day_position(rule->by_day[i])) > most)
			return false;
	return true;
}

/* Whether there can be so many days in a month as BYSETPOS counts. */
static bool positions_exist(const struct icalrecurrencetype *rule)
{
	size_t days = count(rule->by_day, ICAL_BY_DAY_SIZE);
	size_t month_days = count(rule->by_month_day, ICAL_BY_MONTHDAY_SIZE);
	size_t most = month_days ? month_days : days ? 5 * days : 1;

	for (size_t i = 0; i < count(rule->by_set_pos, ICAL_BY_SETPOS_SIZE); i++)
		if (rule->freq == ICAL_MONTHLY_RECURRENCE &&
		    (size_t)abs(rule->by_set_pos[i]) > most)
			return false;
	return true;
}

/* How many times of one day the filters give. */
static size_t times_a_day(const struct icalrecurrencetype *rule)
{
	size_t hours = count(rule->by_hour, ICAL_BY_HOUR_SIZE);
	size_t minutes = count(rule->by_minute, ICAL_BY_MINUTE_SIZE);
	size_t seconds = count(rule->by_second, ICAL_BY_SECOND_SIZE);

	return (hours ? hours : 1) * (minutes ? minutes : 1) * (seconds ? seconds : 1);
}

/* Whether any day fits, whatever its times are: those are not gone through where none does. */
static bool some_day_fits(const struct icalrecurrencetype *rule, struct icaltimetype start)
{
	struct icalrecurrencetype days = *rule;
	icalrecur_iterator *iterator;
	bool fits;

	days.by_hour[0] = days.by_minute[0] = days.by_second[0] = ICAL_RECURRENCE_ARRAY_MAX;
	iterator = icalrecur_iterator_new(days, start);
	fits = iterator && !icaltime_is_null_time(icalrecur_iterator_next(iterator));
	icalrecur_iterator_free(iterator);
	return fits;
}

/* Days of months and years that libical leaves out or does not find. */
static const char *check_days(const struct icalrecurrencetype *rule, const struct parts *parts)
{
	bool year = rule->freq == ICAL_YEARLY_RECURRENCE;
	bool months = parts->value[PART_BYMONTH], days = parts->value[PART_BYMONTHDAY];

	if (parts->value[PART_BYYEARDAY] && (!year || months || days))
		return "may have BYYEARDAY with FREQ=YEARLY only, and not together with BYMONTH or "
		       "BYMONTHDAY";
	if (days && year && !months)
		return "by the year must say in BYMONTH of which months BYMONTHDAY is; of all of "
		       "them is FREQ=MONTHLY";
	if (days && rule->freq == ICAL_WEEKLY_RECURRENCE)
		return "by the week must not have BYMONTHDAY; FREQ=MONTHLY with BYDAY may";
	if (days && rule->freq < ICAL_MONTHLY_RECURRENCE &&
	    strchr(parts->value[PART_BYMONTHDAY], '-'))
		return "by the day must not count BYMONTHDAY from the end; FREQ=MONTHLY may";
	return NULL;
}

static const char *check(const struct icalrecurrencetype *rule, const struct parts *parts)
{
	if (rule->freq == ICAL_NO_RECURRENCE)
		return "is not understood (RFC 5545, 3.3.10)";
	if (rule->freq == ICAL_SECONDLY_RECURRENCE)
		return "by the second is not taken";
	if (!some_day_exists(rule))
		return "has no day that there is";
	if (!weekdays_exist(rule))
		return "counts weekdays in BYDAY beyond those that there are";
	if (parts->value[PART_BYWEEKNO]) /* libical leaves out days of a week 52 in January */
		return "must not have BYWEEKNO; every other week is FREQ=WEEKLY;INTERVAL=2";
	if (times_a_day(rule) > 1440)
		return "must not have more than 1440 times a day";
	if (parts->value[PART_BYSETPOS] &&
	    (rule->freq < ICAL_MONTHLY_RECURRENCE || times_a_day(rule) > 1))
		return "may have BYSETPOS with FREQ=MONTHLY or YEARLY only, and not with several "
		       "times a day";
	if (!positions_exist(rule))
		return "counts days in BYSETPOS beyond those that there are";
	return rule->freq < ICAL_DAILY_RECURRENCE ? check_fine(parts) : check_days(rule, parts);
}

/* ---- what is made of it ---- */

struct icaltimetype rrule_time(int64_t local_s)
{
	struct icaltimetype t = icaltime_null_time();
	struct local_fields f;

	local_fields(local_s, &f);
	t.year = f.year;
	t.month = f.month;
	t.day = f.day;
	t.hour = f.hour;
	t.minute = f.minute;
	t.second = f.second;
	return t;
}

/* Seconds between the occurrences of a plain interval; 0 = it is none. */
static int64_t step_of(const struct icalrecurrencetype *r, const struct parts *parts)
{
	static const int64_t steps[] = {[ICAL_MINUTELY_RECURRENCE] = 60,
					[ICAL_HOURLY_RECURRENCE] = 3600,
					[ICAL_DAILY_RECURRENCE] = LOCAL_DAY_S,
					[ICAL_WEEKLY_RECURRENCE] = WEEK_S};

	for (int i = PART_BYDAY; i < PARTS; i++)
		if (parts->value[i])
			return 0;
	return r->freq >= ICAL_MINUTELY_RECURRENCE && r->freq <= ICAL_WEEKLY_RECURRENCE
		       ? steps[r->freq] * r->interval
		       : 0;
}

/*
 * In rules by the week libical takes a day that stands before the first day of the week for that of
 * the week before, as a Sunday alone, unless it begins on such a day.
 */
static int64_t first_of(const struct icalrecurrencetype *r, int64_t start_s)
{
	size_t n = count(r->by_day, ICAL_BY_DAY_SIZE);
	int best = 7, today, week_start = r->week_start ? r->week_start - 1 : 1;
	struct local_fields f;

	if (r->freq != ICAL_WEEKLY_RECURRENCE || !n)
		return start_s;
	local_fields(start_s, &f);
	today = (f.weekday - week_start + 7) % 7; /* days behind the beginning of the week */
	for (size_t i = 0; i < n; i++) {
		int day = (int)icalrecurrencetype_day_day_of_week(r->by_day[i]) - 1;

		day = (day - week_start + 7) % 7;
		best = day < best ? day : best;
	}
	return start_s + (best - today) * (int64_t)LOCAL_DAY_S;
}

static const char *make_rule(struct rrule *rrule, const struct parts *parts, int64_t start_s)
{
	struct tc_buf text = {0};
	const char *fault;

	put_together(parts, false, &text);
	rrule->ical = icalrecurrencetype_from_string(text.data);
	tc_buf_fini(&text);
	fault = check(&rrule->ical, parts);
	if (fault)
		return fault;
	rrule->step_s = step_of(&rrule->ical, parts);
	/* libical does not find its place again in rules by the hour */
	if (!rrule->step_s && rrule->ical.freq < ICAL_DAILY_RECURRENCE) {
		put_together(parts, true, &text);
		rrule->ical = icalrecurrencetype_from_string(text.data);
		tc_buf_fini(&text);
	}
	rrule->first_s = first_of(&rrule->ical, start_s);
	if (!rrule->step_s && (!rrule_has_day(&rrule->ical, rrule->first_s) ||
			       !some_day_fits(&rrule->ical, rrule_time(rrule->first_s))))
		return "never comes";
	return NULL;
}

const char *rrule_read(struct rrule *rrule, const char *text, int64_t start_s)
{
	struct parts parts = {0};
	const char *fault = take_apart(&parts, text);

	*rrule = (struct rrule){.until_s = INT64_MAX, .until_at_s = INT64_MAX};
	if (fault)
		return fault;
	if (parts.value[PART_UNTIL] && !read_until(rrule, parts.value[PART_UNTIL]))
		return "has an UNTIL that is not of the form 20261231 or 20261231T235959 or "
		       "20261231T235959Z";
	if (parts.value[PART_COUNT] && !read_count(rrule, parts.value[PART_COUNT]))
		return "must have a COUNT of 1 to 5000";
	return make_rule(rrule, &parts, start_s);
}

/* ---- about it ---- */

int64_t rrule_period_s(const struct rrule *rrule)
{
	const struct icalrecurrencetype *r = &rrule->ical;
	size_t days = count(r->by_day, ICAL_BY_DAY_SIZE);

	if (rrule->count || rrule->until_s != INT64_MAX || rrule->until_at_s != INT64_MAX)
		return 0;
	if (rrule->step_s)
		return rrule->step_s;
	if (r->freq > ICAL_WEEKLY_RECURRENCE || count(r->by_month, ICAL_BY_MONTH_SIZE) ||
	    count(r->by_month_day, ICAL_BY_MONTHDAY_SIZE) ||
	    count(r->by_year_day, ICAL_BY_YEARDAY_SIZE))
		return 0;
	for (size_t i = 0; i < days; i++)
		if (icalrecurrencetype_day_position(r->by_day[i]))
			return 0;
	return (days || r->freq == ICAL_WEEKLY_RECURRENCE ? WEEK_S : LOCAL_DAY_S) *
	       (int64_t)r->interval;
}

int rrule_most_a_day(const struct rrule *rrule)
{
	if (rrule->step_s && rrule->step_s < LOCAL_DAY_S)
		return (int)((LOCAL_DAY_S + rrule->step_s - 1) / rrule->step_s);
	return (int)times_a_day(&rrule->ical);
}
