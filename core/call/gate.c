/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts of failed calls by number, each forgotten after a while. The memory for them is bounded:
 * when there are too many numbers, all of them together are at their limit long since.
 */
#include "call/gate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <tocsin/alloc.h>

#include "oncall/number.h"

#define ENTRIES_MAX 1000
#define ALL_TIMES   10 /* unknown numbers together may fail so many times more often than one */

struct entry {
	TAILQ_ENTRY(entry) link; /* the newest failure last */
	char number[NUMBER_PLAIN_SIZE];
	unsigned failed;
	int64_t until_us;
	bool told; /* that it is refused */
};

struct gate {
	TAILQ_HEAD(, entry) list;
	size_t n;
	struct entry all; /* of the numbers that are not known; not in the list */
};

struct gate *gate_new(void)
{
	struct gate *gate = tc_alloc(sizeof(*gate));

	TAILQ_INIT(&gate->list);
	return gate;
}

static void drop(struct gate *gate, struct entry *e)
{
	TAILQ_REMOVE(&gate->list, e, link);
	gate->n--;
	free(e);
}

void gate_free(struct gate *gate)
{
	while (!TAILQ_EMPTY(&gate->list))
		drop(gate, TAILQ_FIRST(&gate->list));
	free(gate);
}

static struct entry *find(const struct gate *gate, const char *number)
{
	struct entry *e;

	TAILQ_FOREACH (e, &gate->list, link)
		if (!strcmp(e->number, number))
			return e;
	return NULL;
}

static void expire(struct gate *gate, int64_t now_us)
{
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&gate->list); e; e = next) {
		next = TAILQ_NEXT(e, link);
		if (e->until_us <= now_us)
			drop(gate, e);
	}
	if (gate->all.until_us <= now_us)
		gate->all = (struct entry){.failed = 0};
}

static void count(struct entry *e, int64_t until_us)
{
	e->failed++;
	e->until_us = until_us;
}

void gate_failed(struct gate *gate, const char *number, int64_t now_us, int64_t window_us)
{
	struct entry *e;

	expire(gate, now_us);
	e = find(gate, number);
	if (e) {
		TAILQ_REMOVE(&gate->list, e, link);
	} else {
		if (gate->n == ENTRIES_MAX)
			drop(gate, TAILQ_FIRST(&gate->list));
		e = tc_alloc(sizeof(*e));
		tc_strcopy(e->number, sizeof(e->number), number);
		gate->n++;
	}
	TAILQ_INSERT_TAIL(&gate->list, e, link);
	count(e, now_us + window_us);
	count(&gate->all, now_us + window_us);
}

void gate_passed(struct gate *gate, const char *number)
{
	struct entry *e = find(gate, number);

	if (e)
		drop(gate, e);
}

static bool refuses(struct entry *e, unsigned limit, bool *first)
{
	bool full = e && e->failed >= limit;

	if (full && !e->told)
		*first = true;
	if (full)
		e->told = true;
	return full;
}

bool gate_refuses(struct gate *gate, const char *number, bool known, unsigned limit, int64_t now_us,
		  bool *first)
{
	bool full;

	*first = false;
	expire(gate, now_us);
	full = refuses(find(gate, number), limit, first);
	return full || (!known && refuses(&gate->all, ALL_TIMES * limit, first));
}
