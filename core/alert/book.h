/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this folder share: the book of open alerts. Others see alert.h and
 * tocsin/trigger.h.
 *
 * book.c     the open alerts in memory, and the work on each
 * intake.c   alerts that come in, and those that are over
 * outcome.c  what a human decides, and the end when nobody does
 * resume.c   after a start
 * plan.c     alerts that are to be raised later
 * notice.c   telling triggers what became of their alerts (notice.h)
 * concern.c  for those who call: which alerts concern them, and their keys
 */
#ifndef CORE_ALERT_BOOK_H
#define CORE_ALERT_BOOK_H

#include <sys/queue.h>

#include <tocsin/alloc.h>

#include "alert/alert.h"
#include "call/inbound.h"
#include "host/loop.h"
#include "store/alert_repo.h"
#include "store/event_repo.h"

/* One that is open: somebody is being reached for it. */
struct alert {
	char id[TC_ID_SIZE]; /* first: the key of the tree */
	struct alerts *alerts;
	TAILQ_ENTRY(alert) link;
	struct page *page;   /* NULL while it is being closed */
};

struct alerts {
	struct loop *loop;
	struct store *store;
	struct journal *journal;
	struct caller *caller;
	void *tree; /* tsearch, by id */
	TAILQ_HEAD(, alert) list;
	size_t open;
	TAILQ_HEAD(, decision) undecided; /* that wait for the store */
	TAILQ_HEAD(, batch) unsure;       /* taken in, and perhaps stored */
	struct notices *notices;          /* NULL: nobody is told what becomes of them */
	struct resume *resume; /* while what was left open is taken up again */
};

/* ---- book.c ---- */

struct alert *book_find(struct alerts *alerts, const char *id);

/* How far the work on an alert has come: for one that is taken up again after a start. */
struct progress {
	const struct page_past *past; /* its calls that are over, n of them */
	size_t n;
	const char *call_id; /* of a call that is up and goes on; NULL = none */
};

/* Begin to work on an alert whose row is committed. progress: NULL = new; borrowed. */
void book_open(struct alerts *alerts, const struct alert_row *row, const struct progress *progress);
/*
 * It needs no more work: stop the calls and forget it.
 *
 * state  its new state; somebody who listens right now is told
 */
void book_close(struct alert *alert, const char *state);

/* ---- concern.c ---- */

extern const struct inbound_ops concern_inbound_ops;

/* ---- resume.c ---- */

/* An alert was decided before it was taken up again. */
void resume_forget(struct alerts *alerts, const char *id);
/* At the end of the process: what was not taken up again yet is the next one's. */
void resume_drop(struct alerts *alerts);

/* ---- intake.c ---- */

/* At the end of the process: forget what is unsure; the next one reads what is there. */
void intake_drop(struct alerts *alerts);

/* ---- outcome.c ---- */

extern const struct page_events outcome_page_events;
/*
 * A key was pressed: committed, however long that takes, then the call is told by call_confirm().
 *
 * who  by whom, copied
 */
void outcome_by_key(struct alerts *alerts, const char *id, const struct caller_word *word,
		    const char *who);
/* A key was pressed in a call that is over, and its consequence was not committed: it is now. */
void outcome_pressed(struct alerts *alerts, const struct alert_row *row,
		     const struct caller_word *word);
/* At the end of the process: forget what could not be stored. */
void outcome_drop(struct alerts *alerts);

#endif
