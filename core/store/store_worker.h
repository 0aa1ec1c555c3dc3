/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One of the store's threads: a queue of jobs, a connection, and the transactions in which the
 * jobs run. What becomes of the completions on the loop is store.c's.
 */
#ifndef CORE_STORE_STORE_WORKER_H
#define CORE_STORE_STORE_WORKER_H

#include <sys/queue.h>

#include <tocsin/store.h>

struct db;
struct store_worker;

struct job {
	STAILQ_ENTRY(job) link;
	int (*run)(struct db *db, void *arg);
	void (*done)(void *arg, int err);
	void *arg;
	int err;
};
STAILQ_HEAD(job_list, job);

/* How a worker is after a batch. */
struct worker_report {
	int err; /* of the database, 0 = it works; what single jobs returned does not count */
	const char *text;   /* why not; borrowed */
	uint64_t commits;   /* since the last report */
	uint64_t jobs;      /* in these */
	uint64_t commit_us; /* and the time they took */
};

struct worker_config {
	const char *name; /* of the thread, at most 15 bytes */
	const struct tc_store_ops *ops;
	void *state;
	bool write;         /* transactions take the write lock; the schema is brought up to date */
	unsigned batch_max; /* jobs in one transaction */
	size_t queue_max;   /* jobs that may wait */
	/*
	 * Jobs are finished, in the order of their submission, err set; the list is taken over. It
	 * may be empty. Thread: the worker's.
	 */
	void (*deliver)(void *arg, struct job_list *jobs, const struct worker_report *report);
	void *arg;
};

/*
 * Connect, bring the schema up to date if it is the writer, start the thread. Blocks.
 *
 * fault   receives why not
 * result  NULL on failure
 */
struct store_worker *store_worker_open(const struct worker_config *config, char *fault,
				       size_t size_bytes);
/* Finish what is queued, end the thread. Blocks. */
void store_worker_close(struct store_worker *worker);
/*
 * Queue a job.
 *
 * job     from malloc(), taken over until deliver()
 * result  0, or -EAGAIN when the queue is full
 * thread  any
 */
int store_worker_submit(struct store_worker *worker, struct job *job);

#endif
