/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The times of the newest calls to each person.
 */
#include "call/limit.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#define TIMES_MAX 10000 /* that are kept of one person: the most that can be allowed */

struct limit {
	char *key; /* owned; first: the key of the tree */
	int64_t *at_us; /* owned; in order */
	size_t n, room;
};

struct limits {
	void *tree; /* tsearch, by key */
};

static int by_key(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct limits *limits_new(void)
{
	return tc_alloc(sizeof(struct limits));
}

static void limit_free(struct limits *limits, struct limit *l)
{
	tdelete(l, &limits->tree, by_key);
	free(l->key);
	free(l->at_us);
	free(l);
}

void limits_free(struct limits *limits)
{
	while (limits->tree)
		limit_free(limits, *(struct limit **)limits->tree);
	free(limits);
}

static struct limit *find(const struct limits *limits, const char *key)
{
	void *found = tfind(&key, &limits->tree, by_key);

	return found ? *(struct limit **)found : NULL;
}

static void forget(struct limit *l, int64_t before_us)
{
	size_t old = 0;

	while (old < l->n && l->at_us[old] <= before_us)
		old++;
	if (l->n - old >= TIMES_MAX)
		old = l->n - TIMES_MAX + 1;
	if (!old)
		return; /* nor is there memory in a new one */
	l->n -= old;
	memmove(l->at_us, l->at_us + old, l->n * sizeof(*l->at_us));
}

void limit_note(struct limits *limits, const char *key, int64_t at_us, int64_t within_us)
{
	struct limit *l = find(limits, key);
	size_t i;

	if (!l) {
		l = tc_alloc(sizeof(*l));
		l->key = tc_strdup(key);
		tsearch(l, &limits->tree, by_key);
	}
	forget(l, at_us - within_us);
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 8;
		l->at_us = tc_realloc(l->at_us, l->room * sizeof(*l->at_us));
	}
	/* those of earlier processes may be read after the first ones of this */
	for (i = l->n++; i && l->at_us[i - 1] > at_us; i--)
		l->at_us[i] = l->at_us[i - 1];
	l->at_us[i] = at_us;
}

int64_t limit_until(const struct limits *limits, const char *key, int64_t calls, int64_t within_us,
		    int64_t now_us)
{
	const struct limit *l = find(limits, key);
	int64_t until_us;

	if (!l || calls <= 0 || (int64_t)l->n < calls)
		return 0;
	until_us = l->at_us[l->n - (size_t)calls] + within_us;
	if (until_us > now_us + within_us) /* the clock was set back */
		until_us = now_us + within_us;
	return until_us > now_us ? until_us : 0;
}
