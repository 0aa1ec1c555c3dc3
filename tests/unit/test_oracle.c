/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rotations and recurrences against an independent implementation: 1,000 rotations and 500 rules
 * that fixtures/oracle.py makes up and works out (dateutil, zoneinfo). TOCSIN_ORACLE_SEED=N makes
 * up others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include <tocsin/alloc.h>
#include <tocsin/calendar.h>

#include "host/rfc3339.h"
#include "oncall/schedule.h"

#define SEED      "20260329"
#define ROTATIONS 1000
#define RULES     800
#define FAULTS    5 /* are shown */

struct counts {
	size_t rotations, rules, refused, asks, faults;
};

static int64_t time_of(const json_t *value)
{
	return json_is_null(value) ? INT64_MAX : json_integer_value(value);
}

static void show(struct counts *counts, const json_t *of, int64_t at, const char *member,
		 int64_t from, int64_t until, const json_t *ask)
{
	char *what = json_dumps(of, JSON_COMPACT), *wanted = json_dumps(ask, JSON_COMPACT);
	char text[3][RFC3339_SIZE];

	if (counts->faults++ < FAULTS)
		print_message("%s\n  at %s: %s from %s until %s; the oracle: %s\n", what,
			      rfc3339_format(text[0], at), member ? member : "nobody",
			      rfc3339_format(text[1], from), rfc3339_format(text[2], until),
			      wanted);
	free(what);
	free(wanted);
}

static void check_turn(struct counts *counts, const json_t *body, const struct schedule *s,
		       const json_t *ask)
{
	struct schedule_turn turns[SCHEDULE_TURNS];
	const char *wanted = json_string_value(json_array_get(ask, 1)), *member;
	int64_t at = json_integer_value(json_array_get(ask, 0)), from = INT64_MAX, until_us;
	size_t n = schedule_at(s, at, turns, &until_us);
	bool good;

	member = n ? turns[0].contact : NULL;
	if (n)
		from = turns[0].from_us;
	good = n == (wanted != NULL) && (!n || !strcmp(member, wanted)) &&
	       from == time_of(json_array_get(ask, 2));
	if (good && json_is_true(json_array_get(ask, 4)))
		good = until_us == time_of(json_array_get(ask, 3)) &&
		       (!n || turns[0].until_us == until_us);
	if (!good)
		show(counts, body, at, member, from, until_us, ask);
	counts->asks++;
}

static void check_rotation(struct counts *counts, const json_t *body, const json_t *asks)
{
	struct schedule *s = schedule_kind.compile(body);
	const json_t *ask;
	size_t i;

	if (!s) {
		show(counts, body, 0, "not good", 0, 0, NULL);
		return;
	}
	json_array_foreach (asks, i, ask)
		check_turn(counts, body, s, ask);
	schedule_kind.free(s);
	counts->rotations++;
}

/* free: it may be refused, but not as one that never comes */
static void check_rule(struct counts *counts, const json_t *rule, bool free, const json_t *asks)
{
	const char *text = json_string_value(json_array_get(rule, 0));
	const char *start = json_string_value(json_array_get(rule, 1));
	const char *zone = json_string_value(json_array_get(rule, 2));
	struct tc_recur *recur;
	const json_t *ask;
	char fault[200];
	size_t i;

	if (tc_recur_new(&recur, text, start, zone, fault, sizeof(fault))) {
		if (free && strcmp(fault, "the rule never comes") != 0)
			counts->refused++;
		else
			show(counts, rule, 0, fault, 0, 0, NULL);
		return;
	}
	json_array_foreach (asks, i, ask) {
		int64_t after = json_integer_value(json_array_get(ask, 0));
		int64_t next = tc_recur_next(recur, after);

		if (next != time_of(json_array_get(ask, 1)))
			show(counts, rule, after, "next", next, next, ask);
		counts->asks++;
	}
	tc_recur_free(recur);
	counts->rules++;
}

static void check_line(struct counts *counts, const char *line)
{
	json_t *json = json_loads(line, 0, NULL);
	const json_t *asks = json_object_get(json, "asks");

	assert_true(json_array_size(asks) > 0 || json_object_get(json, "rule"));
	if (json_object_get(json, "schedule"))
		check_rotation(counts, json_object_get(json, "schedule"), asks);
	else
		check_rule(counts, json_object_get(json, "rule"),
			   json_is_true(json_object_get(json, "free")), asks);
	json_decref(json);
}

static void agrees_with_the_oracle(void **state)
{
	const char *seed = getenv("TOCSIN_ORACLE_SEED"), *dir = getenv("TOCSIN_SRCDIR");
	char command[500], *line = NULL;
	struct counts counts = {0};
	size_t room = 0;
	int status;
	FILE *f;

	(void)state;
	snprintf(command, sizeof(command),
		 "exec /usr/bin/python3 %s/tests/unit/fixtures/oracle.py %d %d %d", dir ? dir : ".",
		 (int)strtol(seed ? seed : SEED, NULL, 10), ROTATIONS, RULES);
	f = popen(command, "re");
	assert_non_null(f);
	while (getline(&line, &room, f) > 0)
		check_line(&counts, line);
	free(line);
	status = pclose(f);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip(); /* Debian: python3-dateutil tzdata */
	assert_int_equal(status, 0);
	print_message("%zu rotations, %zu rules, %zu refused, %zu questions, %zu faults\n",
		      counts.rotations, counts.rules, counts.refused, counts.asks, counts.faults);
	assert_int_equal(counts.faults, 0);
	assert_int_equal(counts.rotations, ROTATIONS);
	assert_true(counts.rules + counts.refused > RULES * 9 / 10);
	assert_true(counts.refused < RULES / 5);
	assert_true(counts.asks > 10 * ROTATIONS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_the_oracle)};

	return cmocka_run_group_tests_name("oracle", tests, NULL, NULL);
}
