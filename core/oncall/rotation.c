/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rotations. Turns are counted from 0; turn k begins at a local time that is computed out of those
 * of one period, or, for an RRULE that has none, stands in a list that grows when it is asked
 * further.
 */
#include "oncall/rotation.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "oncall/local.h"
#include "oncall/recur.h"
#include "oncall/zone.h"

#define NEAR_S (26 * 3600) /* local time and UTC are never so far apart */

struct rotation {
	const struct zone *zone;
	int64_t start_s;        /* local */
	struct tc_recur *recur; /* owned; NULL: no RRULE */
	int64_t *list; /* owned; local times: the start, the hand-overs after it, ascending */
	size_t n_list, room;
	bool all;         /* the list has them all, or those of one period */
	int64_t period_s; /* hand-overs come again after it; 0: they are in the list only */
	const char *const *members;
	size_t n;
	bool alone; /* all members are one */
};

/* ---- turns by number ---- */

static void list_add(struct rotation *r, int64_t local_s)
{
	if (r->n_list == r->room) {
		r->room = 2 * r->room + 4;
		r->list = tc_realloc(r->list, r->room * sizeof(*r->list));
	}
	r->list[r->n_list++] = local_s;
}

static void list_grow(struct rotation *r)
{
	int64_t local_s;

	do {
		if (r->n_list >= ROTATION_MAX || !recur_next_local(r->recur, &local_s)) {
			r->all = true;
			return;
		}
	} while (local_s <= r->list[r->n_list - 1]); /* the start itself */
	if (r->period_s && local_s > r->start_s + r->period_s)
		r->all = true;
	else
		list_add(r, local_s);
}

/* When turn k begins, by the clock; false: there is no such turn. */
static bool turn_local(struct rotation *r, int64_t k, int64_t *local_s)
{
	int64_t n = (int64_t)r->n_list - 1;

	if (r->period_s && k > 0) {
		*local_s = r->list[1 + (k - 1) % n] + (k - 1) / n * r->period_s;
		return true;
	}
	while (k >= (int64_t)r->n_list && !r->all)
		list_grow(r);
	if (k >= (int64_t)r->n_list)
		return false;
	*local_s = r->list[k];
	return true;
}

/* The last turn that begins, by the clock, not after a local time; -1: none. */
static int64_t last_turn(struct rotation *r, int64_t local_s)
{
	int64_t periods = 0;
	size_t low = 0, high;

	if (local_s < r->start_s)
		return -1;
	if (r->period_s) {
		periods = (local_s - r->start_s) / r->period_s;
		local_s -= periods * r->period_s;
	}
	while (!r->all && r->list[r->n_list - 1] <= local_s)
		list_grow(r);
	for (high = r->n_list; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (r->list[middle] <= local_s)
			low = middle + 1;
		else
			high = middle;
	}
	return (int64_t)low - 1 + periods * ((int64_t)r->n_list - 1);
}

/* ---- at an instant ---- */

/* The number of the turn at an instant, -1 before the first one: the last one that has begun. */
static int64_t turn_at(struct rotation *r, int64_t at_s)
{
	int64_t k = last_turn(r, at_s + NEAR_S), local_s;

	for (; k >= 0; k--) {
		turn_local(r, k, &local_s);
		if (zone_instant(r->zone, local_s, NULL) <= at_s)
			break;
	}
	return k;
}

/* When one of the turns behind turn k begins; INT64_MAX: never. */
static int64_t next_begin(struct rotation *r, int64_t k)
{
	int64_t best = INT64_MAX, limit = INT64_MAX, local_s, at_s;

	while (turn_local(r, ++k, &local_s) && local_s <= limit) {
		at_s = zone_instant(r->zone, local_s, NULL);
		if (at_s >= best)
			continue;
		best = at_s;
		limit = zone_local(r->zone, at_s);
	}
	return best;
}

static int64_t begin_of(struct rotation *r, int64_t k)
{
	int64_t local_s = 0;

	turn_local(r, k, &local_s);
	return zone_instant(r->zone, local_s, NULL);
}

static const char *member(const struct rotation *r, int64_t k)
{
	return r->members[(uint64_t)k % r->n];
}

void rotation_at(struct rotation *r, int64_t at_us, struct rotation_turn *turn)
{
	int64_t k = turn_at(r, local_floor_s(at_us)), from, until, before;

	if (k < 0) {
		*turn = (struct rotation_turn){NULL, INT64_MIN, local_us(next_begin(r, -1))};
		return;
	}
	turn->member = member(r, k);
	if (r->alone) {
		turn->from_us = local_us(next_begin(r, -1));
		turn->until_us = INT64_MAX;
		return;
	}
	from = begin_of(r, k);
	until = next_begin(r, k);
	for (before = turn_at(r, from - 1); before >= 0 && !strcmp(member(r, before), turn->member);
	     before = turn_at(r, from - 1))
		from = begin_of(r, before);
	while (until != INT64_MAX) {
		k = turn_at(r, until);
		if (strcmp(member(r, k), turn->member) != 0)
			break;
		until = next_begin(r, k);
	}
	turn->from_us = local_us(from);
	turn->until_us = local_us(until);
}

/* ---- beginning and end ---- */

static int begin_rrule(struct rotation *r, const struct rotation_config *config, char *fault,
		       size_t size_bytes)
{
	char start[40];

	snprintf(start, sizeof(start), "%sT%s", config->start, config->handover);
	if (tc_recur_new(&r->recur, config->rrule, start, config->zone, fault, size_bytes))
		return -EINVAL;
	if (recur_most_a_day(r->recur) > ROTATION_A_DAY) {
		snprintf(fault, size_bytes, "the rule must not have more than %d hand-overs a day",
			 ROTATION_A_DAY);
		return -EINVAL;
	}
	r->period_s = recur_period_s(r->recur);
	recur_rewind(r->recur);
	while (r->period_s && !r->all)
		list_grow(r);
	if (r->n_list == 1) /* there is none in a period: then there is none at all */
		r->period_s = 0;
	return 0;
}

static const char *begin(struct rotation *r, const struct rotation_config *config, char *fault,
			 size_t size_bytes)
{
	int64_t time_s;

	r->zone = zone_find(config->zone);
	if (!r->zone) {
		snprintf(fault, size_bytes,
			 "there is no such time zone; one of the IANA's names "
			 "is wanted, as Europe/Berlin");
		return "timezone";
	}
	/* some rules are counted from the start on: not through centuries */
	if (local_parse_date(config->start, &r->start_s) || r->start_s < 0) {
		snprintf(fault, size_bytes, "must be a date, as 2026-01-05, not before 1970");
		return "start";
	}
	if (local_parse_time(config->handover, &time_s)) {
		snprintf(fault, size_bytes, "must be a local time, as 09:00");
		return "handover";
	}
	r->start_s += time_s;
	list_add(r, r->start_s);
	if (config->rrule)
		return begin_rrule(r, config, fault, size_bytes) ? "rrule" : NULL;
	r->period_s = config->every_days * (int64_t)LOCAL_DAY_S;
	list_add(r, r->start_s + r->period_s);
	r->all = true;
	return NULL;
}

int rotation_new(struct rotation **rotation, const struct rotation_config *config,
		 const char **field, char *fault, size_t size_bytes)
{
	struct rotation *r = tc_alloc(sizeof(*r));
	const char *wrong = begin(r, config, fault, size_bytes);

	if (wrong) {
		*field = wrong;
		rotation_free(r);
		return -EINVAL;
	}
	r->members = config->members;
	r->n = config->n;
	r->alone = true;
	for (size_t i = 1; i < r->n; i++)
		r->alone = r->alone && !strcmp(r->members[i], r->members[0]);
	*rotation = r;
	return 0;
}

void rotation_free(struct rotation *rotation)
{
	if (!rotation)
		return;
	tc_recur_free(rotation->recur);
	free(rotation->list);
	free(rotation);
}
