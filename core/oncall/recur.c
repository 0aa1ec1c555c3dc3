/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recurrences. libical iterates them in floating time: with zones it goes wrong behind a gap. Plain
 * intervals are computed; COUNT and UNTIL are looked at here. Rules as text: rrule.c.
 */
#include "oncall/recur.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "oncall/local.h"
#include "oncall/rrule.h"
#include "oncall/zone.h"

#define LAST_S INT64_C(253402300799) /* the end of the year 9999 */

struct tc_recur {
	const struct zone *zone;
	struct rrule rule;
	int64_t start_s;
	int64_t at_s;                 /* where a plain interval has come to */
	int64_t from_s;               /* what is earlier is left out */
	icalrecur_iterator *iterator; /* owned; NULL for plain intervals */
	int left;                     /* of COUNT */
	/* the last answer: it stands for all instants from asked_us up to just before it */
	int64_t asked_us, answer_us;
	/* rules with COUNT: all instants, ascending */
	int64_t *all; /* owned */
	size_t n;
};

/* ---- iteration ---- */

/* Occurrences are given from from_s on; the iterator may begin earlier. */
static void iterate(struct tc_recur *recur, int64_t iterator_s, int64_t from_s)
{
	recur->at_s = recur->from_s = from_s;
	recur->left = recur->rule.count;
	if (recur->rule.step_s)
		return;
	icalrecur_iterator_free(recur->iterator);
	recur->iterator = icalrecur_iterator_new(recur->rule.ical, rrule_time(iterator_s));
}

void recur_rewind(struct tc_recur *recur)
{
	iterate(recur, recur->rule.first_s, recur->start_s);
}

/*
 * A new iterator each time: one that has been used does not find back into the middle of a day. By
 * the day and the week it begins whole periods after the first one: put at a place in between,
 * libical loses count of the weeks.
 */
void recur_seek(struct tc_recur *recur, int64_t local_s)
{
	int64_t period_s = recur->rule.step_s, first_s = recur->rule.first_s;

	if (recur->rule.count || local_s <= recur->start_s) {
		recur_rewind(recur);
		return;
	}
	if (!period_s && recur->rule.ical.freq <= ICAL_WEEKLY_RECURRENCE)
		period_s = (recur->rule.ical.freq == ICAL_WEEKLY_RECURRENCE ? 7 : 1) *
			   (int64_t)LOCAL_DAY_S * recur->rule.ical.interval;
	if (recur->rule.step_s) {
		local_s = first_s + (local_s - first_s + period_s - 1) / period_s * period_s;
		iterate(recur, local_s, local_s);
	} else if (period_s) {
		iterate(recur, first_s + (local_s - first_s) / period_s * period_s, local_s);
	} else {
		iterate(recur, first_s, local_s);
		if (recur->iterator &&
		    !icalrecur_iterator_set_start(recur->iterator, rrule_time(local_s)))
			iterate(recur, first_s, local_s);
	}
}

/* The next one, wherever the rule begins and ends. */
static bool next_of_all(struct tc_recur *recur, int64_t *local_s)
{
	struct icaltimetype t;
	struct local_fields f;

	if (recur->rule.step_s) {
		*local_s = recur->at_s;
		recur->at_s += recur->rule.step_s;
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
	if (recur->rule.count && recur->left-- <= 0)
		return false;
	return *local_s <= LAST_S && *local_s <= recur->rule.until_s &&
	       (recur->rule.until_at_s == INT64_MAX ||
		zone_instant(recur->zone, *local_s, NULL) <= recur->rule.until_at_s);
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
	if (recur->rule.count)
		return next_counted(recur, after_us);
	if (after_us < recur->asked_us || after_us >= recur->answer_us) {
		recur->answer_us = next_us(recur, after_us);
		recur->asked_us = after_us;
	}
	return recur->answer_us;
}

/* ---- about it ---- */

int64_t recur_period_s(const struct tc_recur *recur)
{
	return rrule_period_s(&recur->rule);
}

int recur_most_a_day(const struct tc_recur *recur)
{
	return rrule_most_a_day(&recur->rule);
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

	recur->all = tc_calloc((size_t)recur->rule.count, sizeof(*recur->all));
	while (recur_next_local(recur, &local_s))
		recur->all[recur->n++] = local_us(zone_instant(recur->zone, local_s, NULL));
	qsort(recur->all, recur->n, sizeof(*recur->all), by_time);
}

/* NULL = it is good, else why not. */
static const char *begin(struct tc_recur *recur, const char *rrule)
{
	const char *fault = rrule_read(&recur->rule, rrule, recur->start_s);
	int64_t local_s;

	if (fault)
		return fault;
	recur_rewind(recur);
	if (!recur_next_local(recur, &local_s))
		return "never comes";
	recur_rewind(recur);
	if (recur->rule.count)
		count_all(recur);
	return NULL;
}

int tc_recur_new(struct tc_recur **recur, const char *rrule, const char *start, const char *zone,
		 char *fault, size_t size_bytes)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct tc_recur made = {.asked_us = INT64_MAX};
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
