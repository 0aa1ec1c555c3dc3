/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store's threads: one writer that commits whatever has queued up as one transaction (group
 * commit), one reader.
 */
#ifndef CORE_STORE_STORE_H
#define CORE_STORE_STORE_H

#include <tocsin/store.h>

struct loop;
struct store;
struct db; /* a connection with its prepared statements; see db.h */

/*
 * Open: connect, migrate, start the threads. Blocks.
 *
 * self    an open instance of kind store; must outlive the store
 * fault   receives why not
 */
struct store *store_open(struct loop *loop, struct tc_instance *self, char *fault,
			 size_t size_bytes);
/*
 * Finish what is queued, stop the threads. Blocks. Completions that are left are told before it
 * returns, on the caller's thread; what is submitted from now on is refused, and the figures stay.
 * Not to be called from a completion.
 */
void store_stop(struct store *store);
/* store_stop(), if that was not yet done, and free it. NULL is fine. */
void store_close(struct store *store);

/*
 * Queue work for the writer. run() and what it calls do SQL and nothing else; it may be run again
 * when the transaction has to be repeated, so it sets all of its outputs each time. When run()
 * returns an error, what it did is rolled back.
 *
 * run     writer thread; 0 or a negative errno
 * done    loop thread, after the commit: err is what run() returned, or why the database did not
 *         take it. NULL = nobody waits. In the order of the submissions
 * errors  -EHOSTDOWN the database is away, nothing was written; or it went away during the commit,
 *         and nobody knows: a repetition under the same ids gets -EEXIST when it was written |
 *         -EAGAIN deadlocks without end, or another process holds the database |
 *         -EIO, -ENOSPC nothing was written
 * result  0 taken | -EAGAIN the queue is full: nothing was taken, done is not called
 * thread  loop
 */
int store_write(struct store *store, int (*run)(struct db *db, void *arg),
		void (*done)(void *arg, int err), void *arg);

/* The same for reading, on the reader thread: sees what was committed before. */
int store_read(struct store *store, int (*run)(struct db *db, void *arg),
	       void (*done)(void *arg, int err), void *arg);

/* Jobs submitted and not yet done (both threads). Thread: loop. */
size_t store_pending(const struct store *store);

/* Whether the last commit or read worked, and why not (text may be NULL). Thread: loop. */
bool store_healthy(const struct store *store, const char **text);

/* Figures: commits, jobs committed, time spent in commit() (microseconds). Thread: loop. */
void store_figures(const struct store *store, uint64_t *commits, uint64_t *jobs,
		   uint64_t *commit_us);

#endif
