/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After a start: what an earlier process has left open is taken up again. Its calls that may still
 * be up are ended first, so that nobody's telephone rings twice.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "alert/book.h"
#include "store/call_repo.h"
#include "store/store.h"

struct left_alert {
	char id[TC_ID_SIZE];      /* first: the key of the tree */
	TAILQ_ENTRY(left_alert) link;
	struct resume *resume;
	struct alert_row row;     /* owned */
	struct progress progress; /* due_us is known on the loop only: the configuration lives
				     there */
	char result[16];          /* of the last call that has ended, "" = none; and when it did */
	int64_t ended_us;
	unsigned recovering;      /* its calls that are being ended */
	bool over;                /* decided meanwhile: no work is left */
};

/* Decided while the reading was still under way. */
struct early {
	STAILQ_ENTRY(early) link;
	char id[TC_ID_SIZE];
};

struct left_call {
	STAILQ_ENTRY(left_call) link;
	struct call_row row;      /* owned */
};

struct resume {
	struct alerts *alerts;
	void (*done)(void *arg, int err);
	void *arg;
	TAILQ_HEAD(, left_alert) open;
	void *tree;               /* tsearch of open, by id */
	STAILQ_HEAD(, left_call) live;
	STAILQ_HEAD(, early) early;
	bool read;                /* the lists belong to the loop now */
	struct left_alert *reading; /* in the store's thread */
};

/* ---- in the store's thread ---- */

static int by_id(const void *a, const void *b)
{
	return strcmp(a, b); /* the id is the first member */
}

static int add_open(const struct alert_row *row, void *arg)
{
	struct resume *r = arg;
	struct left_alert *left = tc_alloc(sizeof(*left));

	left->resume = r;
	tc_strcopy(left->id, sizeof(left->id), row->id);
	alert_row_copy(&left->row, row);
	TAILQ_INSERT_TAIL(&r->open, left, link);
	tsearch(left, &r->tree, by_id);
	return 0;
}

static int add_live(const struct call_row *row, void *arg)
{
	struct resume *r = arg;
	struct left_call *left = tc_alloc(sizeof(*left));

	call_row_copy(&left->row, row);
	STAILQ_INSERT_TAIL(&r->live, left, link);
	return 0;
}

/* The calls made before tell how far the attempts have come. */
static int add_progress(const struct call_row *row, void *arg)
{
	struct resume *r = arg;
	struct left_alert *left = r->reading;
	struct progress *p = &left->progress;
	int used;

	if (!row->result)
		return 0;
	if (!p->first_us && row->placed_us)
		p->first_us = row->placed_us;
	/* one attempt may be several calls, by one trunk after another */
	used = caller_used(row->result, row->attempt);
	if (used > p->attempts)
		p->attempts = used;
	tc_strcopy(left->result, sizeof(left->result), row->result);
	left->ended_us = row->ended_us;
	return 0;
}

static int read_all(struct db *db, void *arg)
{
	struct resume *r = arg;
	struct left_alert *left;
	int err = alert_list_open(db, add_open, r);

	if (!err)
		err = call_list_live(db, add_live, r);
	TAILQ_FOREACH(left, &r->open, link) {
		r->reading = left;
		if (!err)
			err = call_list_alert(db, left->row.id, add_progress, r);
	}
	return err;
}

/* ---- on the loop ---- */

static void left_free(struct left_alert *left)
{
	struct resume *r = left->resume;

	tdelete(left, &r->tree, by_id);
	TAILQ_REMOVE(&r->open, left, link);
	alert_row_fini(&left->row);
	free(left);
}

static void work_on(struct left_alert *left)
{
	struct alerts *alerts = left->resume->alerts;

	if (left->result[0])
		left->progress.due_us =
			left->ended_us + caller_redial_ms(alerts->caller, left->result) * 1000;
	if (!left->over)
		book_open(alerts, &left->row, &left->progress);
	left_free(left);
}

static void mark_over(struct resume *r, const char *id)
{
	void *found = tfind(id, &r->tree, by_id);

	if (found)
		(*(struct left_alert **)found)->over = true;
}

void resume_forget(struct alerts *alerts, const char *id)
{
	struct resume *r = alerts->resume;
	struct early *e;

	if (!r)
		return;
	if (r->read) {
		mark_over(r, id);
		return;
	}
	e = tc_alloc(sizeof(*e));
	tc_strcopy(e->id, sizeof(e->id), id);
	STAILQ_INSERT_TAIL(&r->early, e, link);
}

static void apply_early(struct resume *r)
{
	struct early *e;

	r->read = true;
	while ((e = STAILQ_FIRST(&r->early))) {
		STAILQ_REMOVE_HEAD(&r->early, link);
		mark_over(r, e->id);
		free(e);
	}
}

void resume_drop(struct alerts *alerts)
{
	struct resume *r = alerts->resume;
	struct left_call *c;

	alerts->resume = NULL;
	if (!r)
		return;
	apply_early(r);
	while ((c = STAILQ_FIRST(&r->live))) {
		STAILQ_REMOVE_HEAD(&r->live, link);
		call_row_fini(&c->row);
		free(c);
	}
	while (!TAILQ_EMPTY(&r->open))
		left_free(TAILQ_FIRST(&r->open));
	free(r);
}

static void finish_when_empty(struct resume *r)
{
	struct alerts *alerts = r->alerts;
	void (*done)(void *arg, int err) = r->done;
	void *arg = r->arg;

	if (!TAILQ_EMPTY(&r->open))
		return;
	resume_drop(alerts);
	done(arg, 0);
}

static void call_over(void *arg)
{
	struct left_alert *left = arg;
	struct resume *r = left->resume;

	if (--left->recovering)
		return;
	work_on(left);
	finish_when_empty(r);
}

static void call_of_closed_over(void *arg)
{
	(void)arg; /* its alert is closed: nobody waits */
}

static void recover_calls(struct resume *r)
{
	struct left_call *c;

	while ((c = STAILQ_FIRST(&r->live))) {
		void *found = tfind(c->row.alert_id, &r->tree, by_id);
		struct left_alert *left = found ? *(struct left_alert **)found : NULL;

		STAILQ_REMOVE_HEAD(&r->live, link);
		tc_log(NULL, TC_LOG_INFO,
		       "call %s: was %s when the daemon ended, taking care of it", c->row.id,
		       c->row.state);
		if (left)
			left->recovering++;
		caller_recover(r->alerts->caller, &c->row, left ? call_over : call_of_closed_over,
			       left);
		call_row_fini(&c->row);
		free(c);
	}
}

static void read_done(void *arg, int err)
{
	struct resume *r = arg;
	struct left_alert *left, *next;
	size_t n = 0;

	if (err) {
		r->done(r->arg, err);
		return; /* the process ends: nothing was touched */
	}
	apply_early(r);
	recover_calls(r);
	for (left = TAILQ_FIRST(&r->open); left; left = next, n++) {
		next = TAILQ_NEXT(left, link);
		if (!left->recovering)
			work_on(left);
	}
	if (n)
		tc_log(NULL, TC_LOG_INFO, "%zu open alerts are taken up again", n);
	finish_when_empty(r);
}

int alerts_resume(struct alerts *alerts, void (*done)(void *arg, int err), void *arg)
{
	struct resume *r = tc_alloc(sizeof(*r));

	r->alerts = alerts;
	r->done = done;
	r->arg = arg;
	alerts->resume = r;
	TAILQ_INIT(&r->open);
	STAILQ_INIT(&r->live);
	STAILQ_INIT(&r->early);
	return store_read(alerts->store, read_all, read_done, r);
}
