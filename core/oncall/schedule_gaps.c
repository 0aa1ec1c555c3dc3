/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times in which a schedule has nobody who could be called.
 */
#include "oncall/schedule.h"

#include "oncall/directory.h"
#include "oncall/oncall.h"
#include "oncall/people.h"

static bool somebody(const struct oncall *oncall, const struct schedule_turn *turns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct contact *c = people_contact(oncall, turns[i].contact);

		if (c && people_callable(c))
			return true;
	}
	return false;
}

static void add_gap(struct schedule_sweep *sweep, int64_t from_us, int64_t until_us)
{
	sweep->gap_us += until_us - from_us;
	if (sweep->n && sweep->last_us == from_us) {
		if (sweep->n <= sweep->room)
			sweep->gaps[sweep->n - 1].until_us = until_us;
	} else {
		if (sweep->n < sweep->room)
			sweep->gaps[sweep->n] = (struct schedule_gap){from_us, until_us};
		sweep->n++;
	}
	sweep->last_us = until_us;
}

bool schedule_sweep(const struct oncall *oncall, const struct schedule *schedule,
		    struct schedule_sweep *sweep, int64_t until_us, size_t steps)
{
	struct schedule_turn turns[SCHEDULE_TURNS];
	int64_t next_us;
	size_t n;

	for (; sweep->from_us < until_us && steps; steps--) {
		n = schedule_at(schedule, sweep->from_us, turns, &next_us);
		if (next_us > until_us)
			next_us = until_us;
		if (!somebody(oncall, turns, n))
			add_gap(sweep, sweep->from_us, next_us);
		sweep->from_us = next_us;
	}
	return sweep->from_us >= until_us;
}

size_t schedule_gaps(const struct oncall *oncall, const struct schedule *schedule, int64_t from_us,
		     int64_t until_us, struct schedule_gap *gaps, size_t room)
{
	struct schedule_sweep sweep = {.from_us = from_us, .gaps = gaps, .room = room};

	schedule_sweep(oncall, schedule, &sweep, until_us, SIZE_MAX);
	return sweep.n;
}
