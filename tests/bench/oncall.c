/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long it takes to say who is on call in a schedule of 5 layers and 50 members, which began ten
 * years ago and has windows and overrides: one line of JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tocsin/alloc.h>

#include "oncall/schedule.h"

#define QUESTIONS 20000
#define FROM_US   INT64_C(1767225600000000) /* 2026 */
#define YEAR_US   (365 * INT64_C(86400000000))

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void add_layer(json_t *layers, int n, const char *rotation, const char *rrule)
{
	json_t *members = json_array(), *layer;

	for (int i = 0; i < 10; i++)
		json_array_append_new(members, json_sprintf("contact:member-%d-%d", n, i));
	layer = json_pack("{s:o, s:o, s:s, s:s, s:s}", "name", json_sprintf("layer-%d", n),
			  "members", members, "rotation", rotation, "handover", "09:00", "start",
			  "2016-01-04");
	if (rrule)
		json_object_set_new(layer, "rrule", json_string(rrule));
	json_array_append_new(layers, layer);
}

static void add_spans(json_t *body, const char *list, int n)
{
	json_t *spans = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(
			spans,
			json_pack("{s:o, s:o, s:o}", "contact",
				  json_sprintf("member-%d-%d", i % 5, i % 10), "start",
				  json_sprintf("2026-%02d-%02dT18:00", i % 12 + 1, i % 28 + 1),
				  "end",
				  json_sprintf("2026-%02d-%02dT23:00", i % 12 + 1, i % 28 + 1)));
	json_object_set_new(body, list, spans);
}

static int by_size(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return one < other ? -1 : one > other;
}

int main(void)
{
	json_t *body = json_pack("{s:s, s:s}", "name", "bench", "timezone", "Europe/Rome");
	json_t *layers = json_array();
	double *times = tc_calloc(QUESTIONS, sizeof(*times)), begun, made, first;
	struct schedule_turn turns[SCHEDULE_TURNS];
	struct schedule *s;
	size_t people = 0;
	int64_t until_us;

	add_layer(layers, 0, "daily", NULL);
	add_layer(layers, 1, "weekly", NULL);
	add_layer(layers, 2, "rrule", "FREQ=WEEKLY;BYDAY=MO,FR");
	add_layer(layers, 3, "rrule", "FREQ=DAILY;BYHOUR=1,9,17");
	add_layer(layers, 4, "rrule", "FREQ=HOURLY;INTERVAL=12");
	json_object_set_new(body, "layers", layers);
	add_spans(body, "windows", 200);
	add_spans(body, "overrides", 100);
	begun = now_us();
	s = schedule_kind.compile(body);
	made = now_us() - begun;
	if (!s) {
		fputs("the schedule is not good\n", stderr);
		return 1;
	}
	begun = now_us();
	schedule_at(s, FROM_US + YEAR_US, turns, &until_us);
	first = now_us() - begun;
	for (int64_t i = 0; i < QUESTIONS; i++) { /* all over the year, to and fro */
		int64_t at_us = FROM_US + i * 7919 % QUESTIONS * (YEAR_US / QUESTIONS);

		begun = now_us();
		people += schedule_at(s, at_us, turns, &until_us);
		times[i] = now_us() - begun;
	}
	qsort(times, QUESTIONS, sizeof(*times), by_size);
	printf("{\"made_us\": %.1f, \"first_us\": %.1f, \"p50_us\": %.2f, \"p99_us\": %.2f, "
	       "\"max_us\": %.2f, \"people\": %.2f}\n",
	       made, first, times[QUESTIONS / 2], times[QUESTIONS * 99 / 100], times[QUESTIONS - 1],
	       (double)people / QUESTIONS);
	schedule_kind.free(s);
	json_decref(body);
	free(times);
	return 0;
}
