/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Days against the filters of a rule. A filter of which one may think otherwise lets a day pass:
 * what passes here is still iterated.
 */
#include "oncall/rrule_days.h"

#include <stdlib.h>

#include "oncall/local.h"

struct day {
	struct local_fields f;
	int month_days, year_day;
	int since_month, since_year; /* months and years since the start */
	int64_t since;               /* days since the start */
};

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* No filter, or value is among them; from_end: the same counted from the end, negative; 0 = not. */
static bool among(const short *values, size_t size, int value, int from_end)
{
	size_t n = 0;

	for (; n < size && values[n] != ICAL_RECURRENCE_ARRAY_MAX; n++)
		if (values[n] == value || (from_end && values[n] == from_end))
			return true;
	return !n;
}

static bool has(const short *values)
{
	return values[0] != ICAL_RECURRENCE_ARRAY_MAX;
}

/* "2MO" is counted in the month; in a rule by the year that names no months in the year. */
static bool number_fits(const struct icalrecurrencetype *rule, const struct day *day, int number)
{
	int last = is_leap(day->f.year) ? 366 : 365;

	if (rule->freq == ICAL_MONTHLY_RECURRENCE || has(rule->by_month))
		return number == (day->f.day - 1) / 7 + 1 ||
		       number == -((day->month_days - day->f.day) / 7 + 1);
	return number == (day->year_day - 1) / 7 + 1 ||
	       number == -((last - day->year_day) / 7 + 1);
}

static bool weekday_fits(const struct icalrecurrencetype *rule, const struct day *day)
{
	size_t n = 0;

	for (; n < ICAL_BY_DAY_SIZE && rule->by_day[n] != ICAL_RECURRENCE_ARRAY_MAX; n++) {
		int number = icalrecurrencetype_day_position(rule->by_day[n]);
		int weekday = (int)icalrecurrencetype_day_day_of_week(rule->by_day[n]) - 1;

		if (weekday == day->f.weekday && (!number || number_fits(rule, day, number)))
			return true;
	}
	return !n;
}

/* What is not said is as on the first day. */
static bool start_fits(const struct icalrecurrencetype *rule, const struct day *day,
		       const struct day *start)
{
	bool year = rule->freq == ICAL_YEARLY_RECURRENCE;

	if ((!year && rule->freq != ICAL_MONTHLY_RECURRENCE) || has(rule->by_day) ||
	    has(rule->by_month_day) || (year && has(rule->by_year_day)))
		return true;
	return day->f.day == start->f.day &&
	       (!year || has(rule->by_month) || day->f.month == start->f.month);
}

static bool interval_fits(const struct icalrecurrencetype *rule, const struct day *day)
{
	switch (rule->freq) {
	case ICAL_DAILY_RECURRENCE:
		return day->since % rule->interval == 0;
	case ICAL_MONTHLY_RECURRENCE:
		return day->since_month % rule->interval == 0;
	case ICAL_YEARLY_RECURRENCE:
		return day->since_year % rule->interval == 0;
	default:
		return true;
	}
}

static bool fits(const struct icalrecurrencetype *rule, const struct day *day)
{
	bool year = rule->freq == ICAL_YEARLY_RECURRENCE;
	bool week = rule->freq == ICAL_WEEKLY_RECURRENCE;

	return interval_fits(rule, day) &&
	       among(rule->by_month, ICAL_BY_MONTH_SIZE, day->f.month, 0) &&
	       (week || among(rule->by_month_day, ICAL_BY_MONTHDAY_SIZE, day->f.day,
			      day->f.day - day->month_days - 1)) &&
	       (!year || among(rule->by_year_day, ICAL_BY_YEARDAY_SIZE, day->year_day,
			       day->year_day - (is_leap(day->f.year) ? 367 : 366))) &&
	       weekday_fits(rule, day);
}

static void next_day(struct day *day)
{
	day->since++;
	day->f.weekday = (day->f.weekday + 1) % 7;
	day->year_day++;
	if (++day->f.day <= day->month_days)
		return;
	day->f.day = 1;
	day->since_month++;
	if (++day->f.month > 12) {
		day->f.month = 1;
		day->f.year++;
		day->since_year++;
		day->year_day = 1;
	}
	day->month_days = days_of(day->f.year, day->f.month);
}

/* Whether one of the positions is among so many days of a month or year. */
static bool position_fits(const struct icalrecurrencetype *rule, int n)
{
	size_t i = 0;

	for (; i < ICAL_BY_SETPOS_SIZE && rule->by_set_pos[i] != ICAL_RECURRENCE_ARRAY_MAX; i++)
		if (abs(rule->by_set_pos[i]) <= n)
			return true;
	return !i;
}

/* The first day of the month or year: positions are counted from there. */
static void begin(struct day *day, const struct local_fields *start, bool year)
{
	day->f = *start;
	day->year_day = 1;
	for (int month = 1; month < start->month; month++)
		day->year_day += days_of(start->year, month);
	day->since = 1 - start->day - (year ? day->year_day - 1 : 0);
	if (year)
		day->f.month = day->year_day = 1;
	day->f.day = 1;
	day->f.weekday = ((start->weekday + (int)day->since) % 7 + 7) % 7;
	day->month_days = days_of(day->f.year, day->f.month);
}

bool rrule_has_day(const struct icalrecurrencetype *rule, int64_t start_s)
{
	bool year = rule->freq == ICAL_YEARLY_RECURRENCE;
	struct day day = {0}, start = {0};
	int period = 0, n = 0; /* a month or year, and how many of its days fit */

	local_fields(start_s, &start.f);
	begin(&day, &start.f, year);
	for (; day.since <= RRULE_YEARS * 366; next_day(&day)) {
		int now = year ? day.since_year : day.since_month;

		if (now != period)
			n = 0;
		period = now;
		if (fits(rule, &day) && start_fits(rule, &day, &start) &&
		    position_fits(rule, ++n) && day.since >= 0)
			return true;
	}
	return false;
}
