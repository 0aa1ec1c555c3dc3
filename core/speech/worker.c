/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lane whose jobs come back to the loop, and are dropped when nobody waits there any more.
 */
#include "speech/worker.h"

#include <pthread.h>
#include <stdlib.h>

#include <tocsin/alloc.h>
#include <tocsin/op.h>

#include "host/host.h"
#include "host/loop.h"

STAILQ_HEAD(work_list, work);

/*
 * Where finished work lies until the loop fetches it. What is posted to the loop cannot be taken
 * back, so the box outlives the worker until the last post has run.
 */
struct outbox {
	struct loop *loop;
	pthread_mutex_t lock; /* guards what follows */
	struct work_list finished;
	unsigned refs;
	bool posted, closing;
};

struct worker {
	struct tc_lane *lane;
	struct outbox *box;
};

static void box_unref(struct outbox *box)
{
	bool last;

	pthread_mutex_lock(&box->lock);
	last = --box->refs == 0;
	pthread_mutex_unlock(&box->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&box->lock);
	free(box);
}

/* Take all that is finished. */
static void box_empty(struct outbox *box, struct work_list *into)
{
	STAILQ_INIT(into);
	pthread_mutex_lock(&box->lock);
	STAILQ_CONCAT(into, &box->finished);
	box->posted = false;
	pthread_mutex_unlock(&box->lock);
}

static void deliver(void *arg)
{
	struct outbox *box = arg;
	struct work_list list;
	struct work *work;

	box_empty(box, &list);
	while ((work = STAILQ_FIRST(&list))) {
		STAILQ_REMOVE_HEAD(&list, link);
		work->done(work);
	}
	box_unref(box);
}

static void run(struct tc_op *op, void *arg)
{
	struct work *work = arg;
	struct outbox *box = work->box;
	bool post, skip;

	(void)op;
	pthread_mutex_lock(&box->lock);
	skip = box->closing && work->skip;
	pthread_mutex_unlock(&box->lock);
	if (!skip)
		work->run(work);
	pthread_mutex_lock(&box->lock);
	STAILQ_INSERT_TAIL(&box->finished, work, link);
	post = !box->posted && !box->closing;
	if (post) {
		box->posted = true;
		box->refs++;
	}
	pthread_mutex_unlock(&box->lock);
	if (post)
		loop_post(box->loop, deliver, box);
}

struct worker *worker_new(struct loop *loop, const char *name, unsigned depth)
{
	struct worker *worker = tc_alloc(sizeof(*worker));

	worker->box = tc_alloc(sizeof(*worker->box));
	worker->box->loop = loop;
	worker->box->refs = 1;
	pthread_mutex_init(&worker->box->lock, NULL);
	STAILQ_INIT(&worker->box->finished);
	worker->lane = lane_open(name, 1, depth);
	return worker;
}

void worker_free(struct worker *worker)
{
	struct work_list list;
	struct work *work;

	if (!worker)
		return;
	pthread_mutex_lock(&worker->box->lock);
	worker->box->closing = true;
	pthread_mutex_unlock(&worker->box->lock);
	tc_lane_close(worker->lane);
	box_empty(worker->box, &list);
	while ((work = STAILQ_FIRST(&list))) {
		STAILQ_REMOVE_HEAD(&list, link);
		work->drop(work);
	}
	box_unref(worker->box);
	free(worker);
}

int worker_submit(struct worker *worker, struct work *work)
{
	work->box = worker->box;
	return tc_lane_submit(worker->lane, run, NULL, work);
}
