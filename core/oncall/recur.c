/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recurrences. libical iterates them in floating time: with zones it goes wrong behind a gap. It is
 * given rules by the day and above only, as it does not find its place again in finer ones; plain
 * intervals are computed. COUNT and UNTIL are looked at here. Rules that might be searched for ever
 * are refused.
 */
#include "oncall/recur.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libical/ical.h>

#include <tocsin/alloc.h>

#include "oncall/local.h"
#include "oncall/zone.h"

#define TEXT_MAX 1000
#define WEEK_S	 (7 * LOCAL_DAY_S)

struct tc_recur {
	const struct zone *zone;
	struct icalrecurrencetype rule; /* without UNTIL and COUNT */
	int64_t start_s;
	int64_t step_s;  /* of a plain interval; 0 = it is none */
	int64_t at_s;    /* where it has come to */
	int64_t from_s;  /* what is earlier is left out */
	int64_t first_s; /* where the iterator begins: not behind start_s */
	icalrecur_iterator *iterator; /* owned; NULL when step_s is there */
	int count, left; /* 0 = no COUNT; how many are to come */
	int64_t until_s;    /* local; INT64_MAX = none */
	int64_t until_at_s; /* the same as an instant, where it was given as one */
	/* the last answer: it stands for all instants from asked_us up to just before it */
	int64_t asked_us, answer_us;
	/* rules with COUNT: all instants, ascending */
	int64_t *all; /* owned */
	size_t n;
};

/* ---- the text ---- */

enum part {
	PART_FREQ, PART_INTERVAL, PART_COUNT, PART_UNTIL, PART_WKST, PART_BYDAY, PART_BYHOUR,
	PART_BYMINUTE, PART_BYSECOND, PART_BYMONTH, PART_BYMONTHDAY, PART_BYYEARDAY, PART_BYWEEKNO,
	PART_BYSETPOS, PARTS
};

static const char *const part_names[PARTS] = {
	"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND",
	"BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS",
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

static const char *take_apart(struct parts *parts, const char *rrule)
{
	char *at = parts->text, *part;

	if (!tc_strcopy(parts->text, sizeof(parts->text), rrule))
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
static bool read_until(struct tc_recur *recur, const char *text)
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
		recur->until_at_s = s;
	else
		recur->until_s = s;
	return true;
}

/* ---- what is refused ---- */

static struct icaltimetype to_ical(int64_t local_s)
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

static const char *check(const struct icalrecurrencetype *rule, const struct parts *parts)
{
	if (rule->freq == ICAL_NO_RECURRENCE)
		return "is not understood (RFC 5545, 3.3.10)";
	if (rule->freq == ICAL_SECONDLY_RECURRENCE)
		return "by the second is not taken";
	if (!some_day_exists(rule))
		return "has no day that there is";
	if (parts->value[PART_BYWEEKNO]) /* libical leaves out days of a week 52 in January */
		return "must not have BYWEEKNO; every other week is FREQ=WEEKLY;INTERVAL=2";
	if (times_a_day(rule) > 1440)
		return "must not have more than 1440 times a day";
	if (parts->value[PART_BYSETPOS] &&
	    (rule->freq < ICAL_MONTHLY_RECURRENCE || times_a_day(rule) > 1))
		return "may have BYSETPOS with FREQ=MONTHLY or YEARLY only, and not with several "
		       "times a day";
	if (rule->freq < ICAL_DAILY_RECURRENCE)
		return check_fine(parts);
	return NULL;
}

static bool read_count(struct tc_recur *recur, const char *text)
{
	size_t len = strlen(text);

	if (!len || len > 4 || strspn(text, "0123456789") != len)
		return false;
	recur->count = (int)strtol(text, NULL, 10);
	return recur->count >= 1 && recur->count <= RECUR_COUNT_MAX;
}

/* ---- iteration ---- */

/* Occurrences are given from from_s on; the iterator may begin earlier. */
static void iterate(struct tc_recur *recur, int64_t iterator_s, int64_t from_s)
{
	recur->at_s = recur->from_s = from_s;
	recur->left = recur->count;
	if (recur->step_s)
		return;
	icalrecur_iterator_free(recur->iterator);
	recur->iterator = icalrecur_iterator_new(recur->rule, to_ical(iterator_s));
}

void recur_rewind(struct tc_recur *recur)
{
	iterate(recur, recur->first_s, recur->start_s);
}

/*
 * A new iterator each time: one that has been used does not find back into the middle of a day. By
 * the day and the week it begins whole periods after the first one: put at a place in between,
 * libical loses count of the weeks.
 */
void recur_seek(struct tc_recur *recur, int64_t local_s)
{
	int64_t period_s = recur->step_s, first_s = recur->first_s;

	if (recur->count || local_s <= recur->start_s) {
		recur_rewind(recur);
		return;
	}
	if (!period_s && recur->rule.freq <= ICAL_WEEKLY_RECURRENCE)
		period_s = (recur->rule.freq == ICAL_WEEKLY_RECURRENCE ? WEEK_S : LOCAL_DAY_S) *
			   (int64_t)recur->rule.interval;
	if (recur->step_s) {
		local_s = first_s + (local_s - first_s + period_s - 1) / period_s * period_s;
		iterate(recur, local_s, local_s);
	} else if (period_s) {
		iterate(recur, first_s + (local_s - first_s) / period_s * period_s, local_s);
	} else {
		iterate(recur, first_s, local_s);
		if (recur->iterator &&
		    !icalrecur_iterator_set_start(recur->iterator, to_ical(local_s)))
			iterate(recur, first_s, local_s);
	}
}

/* The next one, wherever the rule begins and ends. */
static bool next_of_all(struct tc_recur *recur, int64_t *local_s)
{
	struct icaltimetype t;
	struct local_fields f;

	if (recur->step_s) {
		*local_s = recur->at_s;
		recur->at_s += recur->step_s;
		return true;
	}
	if (!recur->iterator)
		return false;
	t = icalrecur_iterator_next(recur->iterator);
	if (icaltime_is_null_time(t))
		return false;
	f = (struct local_fields){t.year, t.month, t.day, t.hour, t.minute, t.second, 0};
	*local_s = local_seconds(&f);
	return true;
}

bool recur_next_local(struct tc_recur *recur, int64_t *local_s)
{
	do {
		if (!next_of_all(recur, local_s))
			return false;
	} while (*local_s < recur->from_s);
	if (recur->count && recur->left-- <= 0)
		return false;
	return *local_s <= recur->until_s &&
	       (recur->until_at_s == INT64_MAX ||
		zone_instant(recur->zone, *local_s, NULL) <= recur->until_at_s);
}

static int64_t next_us(struct tc_recur *recur, int64_t after_us)
{
	int64_t from_s = local_floor_s(after_us), local_s, best_us = INT64_MAX, limit_s = INT64_MAX;

	recur_seek(recur, zone_local_least(recur->zone, from_s));
	/* one that falls into a gap may lie behind others that come later by the clock */
	while (recur_next_local(recur, &local_s) && local_s <= limit_s) {
		int64_t at_s = zone_instant(recur->zone, local_s, NULL);

		if (local_us(at_s) <= after_us || local_us(at_s) >= best_us)
			continue;
		best_us = local_us(at_s);
		limit_s = zone_local(recur->zone, at_s);
	}
	return best_us;
}

static int64_t next_counted(const struct tc_recur *recur, int64_t after_us)
{
	size_t low = 0, high = recur->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (recur->all[middle] <= after_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low < recur->n ? recur->all[low] : INT64_MAX;
}

int64_t tc_recur_next(struct tc_recur *recur, int64_t after_us)
{
	if (recur->count)
		return next_counted(recur, after_us);
	if (after_us < recur->asked_us || after_us >= recur->answer_us) {
		recur->answer_us = next_us(recur, after_us);
		recur->asked_us = after_us;
	}
	return recur->answer_us;
}

/* ---- about it ---- */

const struct zone *recur_zone(const struct tc_recur *recur)
{
	return recur->zone;
}

int64_t recur_period_s(const struct tc_recur *recur)
{
	const struct icalrecurrencetype *r = &recur->rule;
	size_t days = count(r->by_day, ICAL_BY_DAY_SIZE);

	if (recur->count || recur->until_s != INT64_MAX || recur->until_at_s != INT64_MAX)
		return 0;
	if (recur->step_s)
		return recur->step_s;
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

int recur_most_a_day(const struct tc_recur *recur)
{
	if (recur->step_s && recur->step_s < LOCAL_DAY_S)
		return (int)((LOCAL_DAY_S + recur->step_s - 1) / recur->step_s);
	return (int)times_a_day(&recur->rule);
}

/* ---- beginning and end ---- */

static void errors_are_told(void)
{
	icalerror_set_errors_are_fatal(0);
}

static int by_time(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return one < other ? -1 : one > other;
}

static void count_all(struct tc_recur *recur)
{
	int64_t local_s;

	recur->all = tc_calloc((size_t)recur->count, sizeof(*recur->all));
	while (recur_next_local(recur, &local_s))
		recur->all[recur->n++] = local_us(zone_instant(recur->zone, local_s, NULL));
	qsort(recur->all, recur->n, sizeof(*recur->all), by_time);
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
static int64_t first_of(const struct tc_recur *recur)
{
	const struct icalrecurrencetype *r = &recur->rule;
	size_t n = count(r->by_day, ICAL_BY_DAY_SIZE);
	int best = 7, today, week_start = r->week_start ? r->week_start - 1 : 1;
	struct local_fields f;

	if (r->freq != ICAL_WEEKLY_RECURRENCE || !n)
		return recur->start_s;
	local_fields(recur->start_s, &f);
	today = (f.weekday - week_start + 7) % 7; /* days behind the beginning of the week */
	for (size_t i = 0; i < n; i++) {
		int day = (int)icalrecurrencetype_day_day_of_week(r->by_day[i]) - 1;

		day = (day - week_start + 7) % 7;
		best = day < best ? day : best;
	}
	return recur->start_s + (best - today) * (int64_t)LOCAL_DAY_S;
}

static const char *make_rule(struct tc_recur *recur, const struct parts *parts)
{
	struct tc_buf text = {0};
	const char *fault;

	put_together(parts, false, &text);
	recur->rule = icalrecurrencetype_from_string(text.data);
	tc_buf_fini(&text);
	fault = check(&recur->rule, parts);
	if (fault)
		return fault;
	recur->step_s = step_of(&recur->rule, parts);
	if (!recur->step_s && recur->rule.freq < ICAL_DAILY_RECURRENCE) {
		put_together(parts, true, &text);
		recur->rule = icalrecurrencetype_from_string(text.data);
		tc_buf_fini(&text);
	}
	recur->first_s = first_of(recur);
	if (!recur->step_s && !some_day_fits(&recur->rule, to_ical(recur->first_s)))
		return "never comes";
	return NULL;
}

/* NULL = it is good, else why not. */
static const char *begin(struct tc_recur *recur, const char *rrule)
{
	struct parts parts = {0};
	const char *fault = take_apart(&parts, rrule);
	int64_t local_s;

	if (fault)
		return fault;
	if (parts.value[PART_UNTIL] && !read_until(recur, parts.value[PART_UNTIL]))
		return "has an UNTIL that is not of the form 20261231 or 20261231T235959 or "
		       "20261231T235959Z";
	if (parts.value[PART_COUNT] && !read_count(recur, parts.value[PART_COUNT]))
		return "must have a COUNT of 1 to 5000";
	fault = make_rule(recur, &parts);
	if (fault)
		return fault;
	recur_rewind(recur);
	if (!recur_next_local(recur, &local_s))
		return "never comes";
	recur_rewind(recur);
	if (recur->count)
		count_all(recur);
	return NULL;
}

int tc_recur_new(struct tc_recur **recur, const char *rrule, const char *start, const char *zone,
		 char *fault, size_t size_bytes)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct tc_recur made = {.until_s = INT64_MAX, .until_at_s = INT64_MAX,
				.asked_us = INT64_MAX};
	const char *why;

	pthread_once(&once, errors_are_told);
	made.zone = zone_find(zone);
	if (!made.zone) {
		snprintf(fault, size_bytes, "there is no time zone of that name");
		return -EINVAL;
	}
	if (local_parse(start, &made.start_s)) {
		snprintf(fault, size_bytes, "the start must be local time, as 2026-01-05T09:00");
		return -EINVAL;
	}
	why = begin(&made, rrule);
	if (why) {
		snprintf(fault, size_bytes, "the rule %s", why);
		icalrecur_iterator_free(made.iterator);
		free(made.all);
		return -EINVAL;
	}
	*recur = tc_alloc(sizeof(**recur));
	**recur = made;
	return 0;
}

void tc_recur_free(struct tc_recur *recur)
{
	if (!recur)
		return;
	icalrecur_iterator_free(recur->iterator);
	free(recur->all);
	free(recur);
}
