/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of those who want to hear of committed events. The events themselves are event_repo's.
 */
#include "store/journal.h"

#include <stdlib.h>
#include <sys/queue.h>

#include <tocsin/alloc.h>

struct listener {
	TAILQ_ENTRY(listener) link;
	journal_fn fn; /* NULL: gone, swept when nobody walks the list */
	void *arg;
	uint64_t since; /* events published before it came */
};
TAILQ_HEAD(listener_list, listener);

struct journal {
	struct listener_list listeners;
	unsigned walking; /* publishing, nested */
	bool sweep;
	uint64_t published;
};

struct journal *journal_new(void)
{
	struct journal *journal = tc_alloc(sizeof(*journal));

	TAILQ_INIT(&journal->listeners);
	return journal;
}

static void drop(struct journal *journal, struct listener *listener)
{
	TAILQ_REMOVE(&journal->listeners, listener, link);
	free(listener);
}

void journal_free(struct journal *journal)
{
	struct listener *listener;

	if (!journal)
		return;
	while ((listener = TAILQ_FIRST(&journal->listeners)))
		drop(journal, listener);
	free(journal);
}

void *journal_listen(struct journal *journal, journal_fn fn, void *arg)
{
	struct listener *listener = tc_alloc(sizeof(*listener));

	listener->fn = fn;
	listener->arg = arg;
	listener->since = journal->published;
	TAILQ_INSERT_TAIL(&journal->listeners, listener, link);
	return listener;
}

void journal_unlisten(struct journal *journal, void *arg)
{
	struct listener *listener = arg;

	if (!listener)
		return;
	if (!journal->walking) {
		drop(journal, listener);
		return;
	}
	/* Somebody stands on it, or will: it is only marked. */
	listener->fn = NULL;
	journal->sweep = true;
}

void journal_publish(struct journal *journal, const struct event_row *row)
{
	uint64_t number = ++journal->published;
	struct listener *listener, *next;

	journal->walking++;
	TAILQ_FOREACH(listener, &journal->listeners, link) {
		/* Who came in while this event is being told hears the next one. */
		if (listener->fn && listener->since < number)
			listener->fn(listener->arg, row);
	}
	if (--journal->walking || !journal->sweep)
		return;
	journal->sweep = false;
	for (listener = TAILQ_FIRST(&journal->listeners); listener; listener = next) {
		next = TAILQ_NEXT(listener, link);
		if (!listener->fn)
			drop(journal, listener);
	}
}
