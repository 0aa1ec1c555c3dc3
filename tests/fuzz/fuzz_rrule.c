/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the first line is a start, the second a zone, the rest a recurrence rule; it is
 * asked for its occurrences, and is that of a rotation's hand-overs.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/calendar.h>

#include "oncall/rotation.h"

#define FROM_US INT64_C(1774735200000000) /* 2026-03-28T22:00:00Z */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask_rule(const char *rrule, const char *start, const char *zone)
{
	struct tc_recur *recur;
	char fault[200] = "";
	int64_t at = FROM_US, next;

	if (tc_recur_new(&recur, rrule, start, zone, fault, sizeof(fault))) {
		assert(*fault);
		return;
	}
	for (int i = 0; i < 20 && at != INT64_MAX; i++) {
		next = tc_recur_next(recur, at);
		assert(next > at);
		assert(next == INT64_MAX || tc_recur_next(recur, next - 1) == next);
		at = next;
	}
	tc_recur_free(recur);
}

static void ask_rotation(const char *rrule, const char *start, const char *zone)
{
	static const char *const members[] = {"a", "b", "b", "c"};
	char date[11] = "", handover[6] = "", fault[200] = "";
	struct rotation_config config = {.zone = zone,
					 .start = date,
					 .handover = handover,
					 .rrule = rrule,
					 .every_days = 1,
					 .members = members,
					 .n = 4};
	struct rotation_turn turn = {.until_us = FROM_US};
	struct rotation *rotation;
	const char *field;

	tc_strcopy(date, sizeof(date), start);
	tc_strcopy(handover, sizeof(handover), strlen(start) > 11 ? start + 11 : "");
	if (rotation_new(&rotation, &config, &field, fault, sizeof(fault))) {
		assert(*fault && *field);
		return;
	}
	for (int i = 0; i < 20 && turn.until_us != INT64_MAX; i++) {
		int64_t at = turn.until_us;

		rotation_at(rotation, at, &turn);
		assert(turn.until_us > at && (!turn.member || turn.from_us <= at));
	}
	rotation_free(rotation);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = tc_strndup((const char *)data, size), *rest = text, *start, *zone;

	start = strsep(&rest, "\n");
	zone = strsep(&rest, "\n");
	if (rest && !strchr(rest, '\n')) {
		ask_rule(rest, start, zone);
		ask_rotation(rest, start, zone);
	}
	free(text);
	return 0;
}
