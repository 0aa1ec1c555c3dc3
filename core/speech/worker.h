/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread for what the loop must not do: work goes there, is run in order, and comes back.
 */
#ifndef CORE_SPEECH_WORKER_H
#define CORE_SPEECH_WORKER_H

#include <sys/queue.h>

#include <tocsin/defs.h>

struct loop;
struct outbox;
struct worker;

/* One piece of work; embed it. Exactly one of done and drop is called, and frees it. */
struct work {
	STAILQ_ENTRY(work) link;
	struct outbox *box;              /* set by worker_submit() */
	void (*run)(struct work *work);  /* on the worker's thread */
	void (*done)(struct work *work); /* on the loop thread, after it was run */
	void (*drop)(struct work *work); /* instead of done, when the worker has been freed */
	bool skip; /* need not be run any more when the worker is being freed */
};

/* depth: how many pieces may wait. Thread: loop. */
struct worker *worker_new(struct loop *loop, const char *name, unsigned depth);

/* Runs what waits and cannot be skipped, then drops all. Blocks. NULL is fine. Thread: loop. */
void worker_free(struct worker *worker);

/* result: 0, or -EBUSY: too much waits, neither done nor drop is called. Thread: loop. */
int worker_submit(struct worker *worker, struct work *work);

#endif
