/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lanes: bounded FIFOs with threads of their own, where libraries may block.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "host/runtime.h"

struct job {
	STAILQ_ENTRY(job) link;
	void (*run)(struct tc_op *op, void *arg);
	struct tc_op *op;
	void *arg;
};

struct tc_lane {
	TAILQ_ENTRY(tc_lane) link;
	struct tc_instance *self; /* NULL: the core's own */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	STAILQ_HEAD(, job) jobs;
	unsigned waiting, depth;
	bool closing;
	unsigned threads;
	pthread_t thread[];
};

static struct job *next_job(struct tc_lane *lane)
{
	struct job *job;

	pthread_mutex_lock(&lane->lock);
	while (STAILQ_EMPTY(&lane->jobs) && !lane->closing)
		pthread_cond_wait(&lane->wake, &lane->lock);
	job = STAILQ_FIRST(&lane->jobs);
	if (job) {
		STAILQ_REMOVE_HEAD(&lane->jobs, link);
		lane->waiting--;
	}
	pthread_mutex_unlock(&lane->lock);
	return job;
}

static void *work(void *arg)
{
	struct tc_lane *lane = arg;
	struct job *job;

	while ((job = next_job(lane))) {
		job->run(job->op, job->arg);
		free(job);
	}
	return NULL;
}

static void start_threads(struct tc_lane *lane, const char *name, unsigned threads)
{
	char thread_name[16];
	sigset_t old;

	tc_strcopy(thread_name, sizeof(thread_name), name);
	signals_block(&old);
	for (; lane->threads < threads; lane->threads++) {
		if (pthread_create(&lane->thread[lane->threads], NULL, work, lane))
			abort(); /* a daemon without its threads would not do what it promises */
		pthread_setname_np(lane->thread[lane->threads], thread_name);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

struct tc_lane *lane_open(const char *name, unsigned threads, unsigned depth)
{
	struct tc_lane *lane;

	assert(threads >= 1 && threads <= 64 && depth >= 1 && depth <= 100000);
	lane = tc_alloc(sizeof(*lane) + threads * sizeof(pthread_t));
	pthread_mutex_init(&lane->lock, NULL);
	pthread_cond_init(&lane->wake, NULL);
	STAILQ_INIT(&lane->jobs);
	lane->depth = depth;
	start_threads(lane, name, threads);
	return lane;
}

struct tc_lane *tc_lane_open(struct tc_instance *self, const char *name, unsigned threads,
			     unsigned depth)
{
	struct tc_lane *lane = lane_open(name, threads, depth);

	lane->self = self;
	TAILQ_INSERT_TAIL(&self->lanes, lane, link);
	return lane;
}

int tc_lane_submit(struct tc_lane *lane, void (*run)(struct tc_op *op, void *arg), struct tc_op *op,
		   void *arg)
{
	struct job *job = NULL;

	pthread_mutex_lock(&lane->lock);
	if (lane->waiting < lane->depth && !lane->closing) {
		job = tc_alloc(sizeof(*job));
		*job = (struct job){.run = run, .op = op, .arg = arg};
		STAILQ_INSERT_TAIL(&lane->jobs, job, link);
		lane->waiting++;
		pthread_cond_signal(&lane->wake);
	}
	pthread_mutex_unlock(&lane->lock);
	return job ? 0 : -EBUSY;
}

void tc_lane_close(struct tc_lane *lane)
{
	if (!lane)
		return;
	pthread_mutex_lock(&lane->lock);
	lane->closing = true;
	pthread_cond_broadcast(&lane->wake);
	pthread_mutex_unlock(&lane->lock);
	for (unsigned i = 0; i < lane->threads; i++)
		pthread_join(lane->thread[i], NULL);
	if (lane->self)
		TAILQ_REMOVE(&lane->self->lanes, lane, link);
	pthread_cond_destroy(&lane->wake);
	pthread_mutex_destroy(&lane->lock);
	free(lane);
}

void lanes_close(struct tc_instance *self)
{
	while (!TAILQ_EMPTY(&self->lanes))
		tc_lane_close(TAILQ_FIRST(&self->lanes));
}
