/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store thread. Whatever has queued up while the last commit was under way is the next
 * transaction (group commit): nobody waits for company, and the slower the disk, the larger the
 * groups.
 *
 * When something goes wrong in a group:
 *
 *   a job fails: the group is rolled back and run again with a savepoint around each job. The one
 *     that failed is undone alone, the others are committed.
 *   the transaction fails (deadlock, certification, disk): the group is rolled back and each job
 *     is run in a transaction of its own, after a deadlock a few times.
 *   the connection is lost before COMMIT was sent: nothing has happened. Connect, and run the group
 *     again, once.
 *   the connection is lost after COMMIT was sent: nobody knows. All jobs of the group complete with
 *     -EHOSTDOWN and are not repeated: who submitted them looks (ids are chosen by us, a repetition
 *     that meets itself gets -EEXIST).
 *
 * While there is no connection, jobs wait for at most one back-off period; then they complete with
 * -EHOSTDOWN.
 */
#include "store/store_worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "store/db.h"
#include "store/migrate.h"

#define RETRIES          6    /* of a transaction that met a deadlock */
#define RETRY_FIRST_US   2000 /* wait before the first of them; doubled each time */
#define BACKOFF_FIRST_US 100000
#define BACKOFF_MAX_US   2000000
#define PROBE_US         2000000  /* while something is wrong and nobody has work */
#define COMPLAIN_US      60000000 /* first repetition of a complaint; doubled each time */
#define COMPLAIN_MAX_US  INT64_C(3600000000)

struct store_worker {
	struct worker_config config;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows, up to ready */
	pthread_cond_t wake;
	struct job_list queue;
	size_t waiting;
	bool idle, stop, ready;
	/* of the thread alone */
	struct db *db; /* NULL = not connected */
	int64_t next_try_us, backoff_us;
	bool begun, unsure; /* the last attempt: it began; COMMIT was sent, no answer came */
	struct worker_report report;
	char text[512];                                           /* why it does not work */
	int64_t sick_since_us, complain_at_us, complain_after_us; /* 0 = well */
	int start_err;
};

static void pause_us(int64_t us)
{
	struct timespec t = {us / 1000000, us % 1000000 * 1000};

	nanosleep(&t, NULL);
}

/* ---- how it is ---- */

static void well(struct store_worker *w)
{
	w->report.err = 0;
	w->text[0] = '\0';
	w->backoff_us = BACKOFF_FIRST_US;
	if (!w->sick_since_us)
		return;
	tc_log(NULL, TC_LOG_INFO, "%s: the database works again after=%.1fs", w->config.name,
	       (double)(tc_now_us() - w->sick_since_us) / 1e6);
	w->sick_since_us = 0;
}

/* Complain once, then ever more rarely. */
static void sick(struct store_worker *w, int err, const char *text)
{
	int64_t now_us = tc_now_us();

	w->report.err = err;
	tc_strcopy(w->text, sizeof(w->text), text && *text ? text : tc_strerror(err));
	if (!w->sick_since_us) {
		w->sick_since_us = now_us;
		w->complain_after_us = COMPLAIN_US;
		w->complain_at_us = now_us;
	}
	if (now_us < w->complain_at_us)
		return;
	tc_log(NULL, TC_LOG_ERROR, "%s: the database does not work: %s", w->config.name, w->text);
	w->complain_at_us = now_us + w->complain_after_us;
	w->complain_after_us *= 2;
	if (w->complain_after_us > COMPLAIN_MAX_US)
		w->complain_after_us = COMPLAIN_MAX_US;
}

/* ---- the connection ---- */

/*
 * A connection that can be made and then does not serve is no better than none: only a commit
 * resets this.
 */
static void back_off(struct store_worker *w)
{
	w->next_try_us = tc_now_us() + w->backoff_us;
	w->backoff_us *= 2;
	if (w->backoff_us > BACKOFF_MAX_US)
		w->backoff_us = BACKOFF_MAX_US;
}

static int connect_now(struct store_worker *w)
{
	char fault[sizeof(w->text)] = "";
	int err;

	err = db_open(w->config.ops, w->config.state, &w->db, fault, sizeof(fault));
	if (!err)
		return 0;
	back_off(w);
	sick(w, err, fault);
	return err;
}

static void disconnect(struct store_worker *w)
{
	db_close(w->db);
	w->db = NULL;
	back_off(w);
}

/* ---- transactions ---- */

enum guard { PLAIN, SAVEPOINTS };
#define JOB_FAILED 1 /* besides 0 and negative results of the database */

/* What the job says, or why its transaction cannot go on, whatever the job made of it. */
static int run_job(struct store_worker *w, struct job *job)
{
	int err = job->run(w->db, job->arg);
	int failed = db_failed(w->db);

	job->err = failed ? failed : err;
	return failed;
}

static int run_guarded(struct store_worker *w, struct job *job)
{
	int err = db_run(w->db, "SAVEPOINT job", NULL, 0);

	if (!err)
		err = run_job(w, job);
	if (!err && job->err)
		err = db_run(w->db, "ROLLBACK TO SAVEPOINT job", NULL, 0);
	if (!err)
		err = db_run(w->db, "RELEASE SAVEPOINT job", NULL, 0);
	return err;
}

/* Roll back after a failure. A connection on which that does not work is as good as lost. */
static int undo(struct store_worker *w, int err)
{
	if (err < 0 && err != -EAGAIN)
		sick(w, err, db_error(w->db));
	return db_rollback(w->db) ? -EHOSTDOWN : err;
}

static int commit(struct store_worker *w, struct job_list *jobs)
{
	int64_t begin_us = tc_now_us();
	struct job *job;
	int err = db_commit(w->db);

	if (err) {
		if (err != -EAGAIN)
			sick(w, err, db_error(w->db));
		w->unsure = err == -EHOSTDOWN;
		return err;
	}
	w->report.commits++;
	w->report.commit_us += (uint64_t)(tc_now_us() - begin_us);
	STAILQ_FOREACH(job, jobs, link)
		w->report.jobs += !job->err;
	well(w);
	return 0;
}

/*
 * All jobs in one transaction.
 *
 * result  0 committed, each job has its result |
 *         JOB_FAILED one failed, all is rolled back (PLAIN only) |
 *         negative: the transaction failed. Nothing was done, unless w->unsure; no job was run,
 *         unless w->begun
 */
static int attempt(struct store_worker *w, struct job_list *jobs, enum guard guard)
{
	struct job *job;
	int err;

	w->unsure = false;
	err = db_begin(w->db, w->config.write);
	w->begun = !err;
	if (err) {
		sick(w, err, db_error(w->db));
		return err;
	}
	STAILQ_FOREACH(job, jobs, link) {
		err = guard == SAVEPOINTS ? run_guarded(w, job) : run_job(w, job);
		if (!err && job->err && guard == PLAIN)
			err = JOB_FAILED;
		if (err)
			return undo(w, err);
	}
	return commit(w, jobs);
}

static void set_all(struct job_list *jobs, int err)
{
	struct job *job;

	STAILQ_FOREACH(job, jobs, link)
		job->err = err;
}

/*
 * One job in a transaction of its own. result: 0 the job has its result, or why the database did
 * not take it.
 */
static int alone(struct store_worker *w, struct job *job)
{
	struct job_list one = STAILQ_HEAD_INITIALIZER(one);
	int64_t wait_us = RETRY_FIRST_US;
	int err;

	STAILQ_INSERT_TAIL(&one, job, link);
	for (unsigned tries = 0;; tries++) {
		err = attempt(w, &one, PLAIN);
		if (err != -EAGAIN || !w->begun || tries == RETRIES)
			break;
		pause_us(wait_us);
		wait_us *= 2;
	}
	if (err == JOB_FAILED)
		return 0;
	if (err == -EAGAIN)
		sick(w, err, db_error(w->db));
	if (err)
		job->err = err;
	return err;
}

/* What stops a transaction from beginning stops them all. */
static void each_alone(struct store_worker *w, struct job_list *jobs)
{
	struct job_list todo = STAILQ_HEAD_INITIALIZER(todo);
	bool go_on = true;
	struct job *job;
	int err = 0;

	STAILQ_CONCAT(&todo, jobs);
	while ((job = STAILQ_FIRST(&todo))) {
		STAILQ_REMOVE_HEAD(&todo, link);
		if (go_on)
			err = alone(w, job);
		else
			job->err = err;
		if (err == -EHOSTDOWN || (err && !w->begun))
			go_on = false;
		STAILQ_INSERT_TAIL(jobs, job, link);
	}
	if (err == -EHOSTDOWN)
		disconnect(w);
}

static bool several(const struct job_list *jobs)
{
	return STAILQ_NEXT(STAILQ_FIRST(jobs), link) != NULL;
}

static void run_batch(struct store_worker *w, struct job_list *jobs)
{
	int err = 0;

	for (unsigned tries = 0; tries < 2; tries++) {
		err = attempt(w, jobs, PLAIN);
		if (err == JOB_FAILED && several(jobs))
			err = attempt(w, jobs, SAVEPOINTS);
		if (err != -EHOSTDOWN)
			break;
		disconnect(w);
		if (w->unsure || connect_now(w))
			break;
	}
	if (err == -EHOSTDOWN || (err < 0 && !w->begun)) {
		set_all(jobs, err);
		/* Not merely locked by somebody: it may help to open it anew. */
		if (err != -EAGAIN && err != -EHOSTDOWN)
			disconnect(w);
	} else if (err < 0) {
		each_alone(w, jobs);
	}
}

/* ---- the thread ---- */

/* While something is wrong: does it work again? Writes the same values once more. */
static int probe_run(struct db *db, void *arg)
{
	const struct store_worker *w = arg;

	return db_run(db,
		      w->config.write ? "UPDATE schema_version SET applied_us = applied_us"
				      : "SELECT MAX(version) FROM schema_version",
		      NULL, 0);
}

static void probe(struct store_worker *w)
{
	struct job_list one = STAILQ_HEAD_INITIALIZER(one);
	struct job job = {.run = probe_run, .arg = w};

	STAILQ_INSERT_TAIL(&one, &job, link);
	if (attempt(w, &one, PLAIN) == -EHOSTDOWN)
		disconnect(w);
}

static void wait_until(struct store_worker *w, int64_t until_us)
{
	struct timespec t = {until_us / 1000000, until_us % 1000000 * 1000};

	w->idle = true;
	if (until_us == INT64_MAX)
		pthread_cond_wait(&w->wake, &w->lock);
	else
		pthread_cond_timedwait(&w->wake, &w->lock, &t);
	w->idle = false;
}

/*
 * The next batch; empty when it is only time to connect or to probe. false: stopped, and nothing is
 * left.
 */
static bool take(struct store_worker *w, struct job_list *jobs)
{
	int64_t probe_us = tc_now_us() + PROBE_US;
	bool more;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		int64_t until_us = INT64_MAX;

		if (!w->db)
			until_us = w->next_try_us;
		else if (!STAILQ_EMPTY(&w->queue))
			break;
		else if (w->sick_since_us)
			until_us = probe_us;
		if (until_us <= tc_now_us())
			break;
		wait_until(w, until_us);
	}
	more = !w->stop || !STAILQ_EMPTY(&w->queue);
	if (w->waiting <= w->config.batch_max) {
		STAILQ_CONCAT(jobs, &w->queue);
		w->waiting = 0;
	}
	for (unsigned n = 0; w->waiting && n < w->config.batch_max; n++, w->waiting--) {
		struct job *job = STAILQ_FIRST(&w->queue);

		STAILQ_REMOVE_HEAD(&w->queue, link);
		STAILQ_INSERT_TAIL(jobs, job, link);
	}
	pthread_mutex_unlock(&w->lock);
	return more;
}

static void serve(struct store_worker *w, struct job_list *jobs)
{
	if (!w->db && connect_now(w)) {
		/* Nobody waits for longer than this. */
		pthread_mutex_lock(&w->lock);
		STAILQ_CONCAT(jobs, &w->queue);
		w->waiting = 0;
		pthread_mutex_unlock(&w->lock);
		set_all(jobs, -EHOSTDOWN);
	} else if (!STAILQ_EMPTY(jobs)) {
		run_batch(w, jobs);
	} else if (w->sick_since_us) {
		probe(w);
	}
	w->report.text = w->text;
	w->config.deliver(w->config.arg, jobs, &w->report);
	w->report.commits = w->report.jobs = w->report.commit_us = 0;
}

static void start(struct store_worker *w)
{
	int err;

	err = db_open(w->config.ops, w->config.state, &w->db, w->text, sizeof(w->text));
	if (!err && w->config.write)
		err = migrate_run(w->db, w->text, sizeof(w->text));
	pthread_mutex_lock(&w->lock);
	w->start_err = err;
	w->ready = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

static void *worker_main(void *arg)
{
	struct job_list jobs = STAILQ_HEAD_INITIALIZER(jobs);
	struct store_worker *w = arg;

	pthread_setname_np(pthread_self(), w->config.name);
	start(w);
	if (!w->start_err)
		while (take(w, &jobs))
			serve(w, &jobs);
	db_close(w->db);
	return NULL;
}

/* ---- from outside ---- */

static void store_worker_free(struct store_worker *w)
{
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* Signals are the main thread's. */
static int spawn(struct store_worker *w)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&w->thread, NULL, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

struct store_worker *store_worker_open(const struct worker_config *config, char *fault,
				       size_t size_bytes)
{
	struct store_worker *w = tc_alloc(sizeof(*w));
	pthread_condattr_t attr;
	int err;

	w->config = *config;
	w->backoff_us = BACKOFF_FIRST_US;
	STAILQ_INIT(&w->queue);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	err = spawn(w);
	if (err) {
		snprintf(fault, size_bytes, "cannot start the thread %s: %s", config->name,
			 strerror(err));
		store_worker_free(w);
		return NULL;
	}
	pthread_mutex_lock(&w->lock);
	while (!w->ready)
		pthread_cond_wait(&w->wake, &w->lock);
	pthread_mutex_unlock(&w->lock);
	if (!w->start_err)
		return w;
	pthread_join(w->thread, NULL);
	tc_strcopy(fault, size_bytes, w->text);
	store_worker_free(w);
	return NULL;
}

void store_worker_close(struct store_worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	store_worker_free(w);
}

int store_worker_submit(struct store_worker *w, struct job *job)
{
	bool wake;

	pthread_mutex_lock(&w->lock);
	if (w->waiting >= w->config.queue_max) {
		pthread_mutex_unlock(&w->lock);
		return -EAGAIN;
	}
	STAILQ_INSERT_TAIL(&w->queue, job, link);
	w->waiting++;
	wake = w->idle;
	pthread_mutex_unlock(&w->lock);
	if (wake)
		pthread_cond_signal(&w->wake);
	return 0;
}
