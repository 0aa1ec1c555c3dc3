/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store as the loop sees it: jobs go to the writer or the reader, completions come back in one
 * post a batch. The threads and their transactions are in store_worker.c.
 */
#include "store/store.h"

#include <pthread.h>
#include <stdlib.h>

#include <tocsin/alloc.h>

#include "host/host.h"
#include "host/loop.h"
#include "store/store_worker.h"

#define WRITE_BATCH 256
#define QUEUE_MAX   20000

/* What the threads tell, for the loop to see. */
struct news {
	int err;
	char text[512];
};

/* Stands in the loop's queue; outlives the store that is closed meanwhile. */
struct notice {
	struct store *store; /* NULL: closed */
};

/* One worker and what is known of it on the loop. */
struct side {
	struct store *store;
	struct store_worker *worker;
	struct news news; /* under the lock */
	struct news seen;
};

struct store {
	struct loop *loop;
	struct side writer, reader;
	struct notice *notice;
	size_t pending;
	bool closing;
	uint64_t commits, jobs, commit_us;
	/* shared with the threads */
	pthread_mutex_t lock;
	struct job_list finished;
	bool posted; /* the notice is in the loop's queue */
	uint64_t new_commits, new_jobs, new_commit_us;
};

/* ---- completions ---- */

static void look(struct store *store, struct job_list *finished)
{
	pthread_mutex_lock(&store->lock);
	STAILQ_CONCAT(finished, &store->finished);
	store->posted = false;
	store->writer.seen = store->writer.news;
	store->reader.seen = store->reader.news;
	store->commits += store->new_commits;
	store->jobs += store->new_jobs;
	store->commit_us += store->new_commit_us;
	store->new_commits = store->new_jobs = store->new_commit_us = 0;
	pthread_mutex_unlock(&store->lock);
}

static void complete(struct store *store)
{
	struct job_list finished = STAILQ_HEAD_INITIALIZER(finished);
	struct job *job;

	look(store, &finished);
	while ((job = STAILQ_FIRST(&finished))) {
		STAILQ_REMOVE_HEAD(&finished, link);
		store->pending--;
		if (job->done)
			job->done(job->arg, job->err);
		free(job);
	}
}

static void on_notice(void *arg)
{
	struct notice *notice = arg;

	if (notice->store)
		complete(notice->store);
	else
		free(notice);
}

/* Thread: a worker's. */
static void deliver(void *arg, struct job_list *jobs, const struct worker_report *report)
{
	struct side *side = arg;
	struct store *store = side->store;
	bool post;

	pthread_mutex_lock(&store->lock);
	STAILQ_CONCAT(&store->finished, jobs);
	side->news.err = report->err;
	tc_strcopy(side->news.text, sizeof(side->news.text), report->text);
	if (side == &store->writer) {
		store->new_commits += report->commits;
		store->new_jobs += report->jobs;
		store->new_commit_us += report->commit_us;
	}
	post = !store->posted;
	store->posted = true;
	pthread_mutex_unlock(&store->lock);
	if (post)
		loop_post(store->loop, on_notice, store->notice);
}

/* ---- opening and closing ---- */

static bool side_open(struct store *store, struct side *side, struct tc_instance *self, char *fault,
		      size_t size_bytes)
{
	bool write = side == &store->writer;
	const struct worker_config config = {
		.name = write ? "store-writer" : "store-reader",
		.ops = self->plugin->ops,
		.state = self->state,
		.write = write,
		.batch_max = write ? WRITE_BATCH : 1,
		.queue_max = QUEUE_MAX,
		.deliver = deliver,
		.arg = side,
	};

	side->store = store;
	side->worker = store_worker_open(&config, fault, size_bytes);
	return side->worker != NULL;
}

struct store *store_open(struct loop *loop, struct tc_instance *self, char *fault,
			 size_t size_bytes)
{
	struct store *store = tc_alloc(sizeof(*store));

	store->loop = loop;
	store->notice = tc_alloc(sizeof(*store->notice));
	store->notice->store = store;
	STAILQ_INIT(&store->finished);
	pthread_mutex_init(&store->lock, NULL);
	if (side_open(store, &store->writer, self, fault, size_bytes) &&
	    side_open(store, &store->reader, self, fault, size_bytes))
		return store;
	store_close(store);
	return NULL;
}

void store_stop(struct store *store)
{
	bool posted;

	if (store->closing)
		return;
	store->closing = true;
	store_worker_close(store->writer.worker);
	store_worker_close(store->reader.worker);
	/*
	 * The loop may not turn again: the completions are told here, and a notice under way finds
	 * nobody.
	 */
	posted = store->posted;
	complete(store);
	store->notice->store = NULL;
	if (!posted)
		free(store->notice);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_stop(store);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

/* ---- jobs ---- */

static int submit(struct store *store, struct side *side, int (*run)(struct db *db, void *arg),
		  void (*done)(void *arg, int err), void *arg)
{
	struct job *job;

	if (store->closing)
		return -EAGAIN;
	job = tc_alloc(sizeof(*job));
	job->run = run;
	job->done = done;
	job->arg = arg;
	if (store_worker_submit(side->worker, job)) {
		free(job);
		return -EAGAIN;
	}
	store->pending++;
	return 0;
}

int store_write(struct store *store, int (*run)(struct db *db, void *arg),
		void (*done)(void *arg, int err), void *arg)
{
	return submit(store, &store->writer, run, done, arg);
}

int store_read(struct store *store, int (*run)(struct db *db, void *arg),
	       void (*done)(void *arg, int err), void *arg)
{
	return submit(store, &store->reader, run, done, arg);
}

/* ---- how it is ---- */

size_t store_pending(const struct store *store)
{
	return store->pending;
}

bool store_healthy(const struct store *store, const char **text)
{
	const struct news *news =
		store->writer.seen.err ? &store->writer.seen : &store->reader.seen;

	if (text)
		*text = news->err ? news->text : "the database works";
	return !news->err;
}

void store_figures(const struct store *store, uint64_t *commits, uint64_t *jobs,
		   uint64_t *commit_us)
{
	*commits = store->commits;
	*jobs = store->jobs;
	*commit_us = store->commit_us;
}
