/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After a start: what an earlier process has left open is taken up again. First its calls are
 * looked after, so that nobody's telephone rings twice: one that is up goes on, the others are
 * ended.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "alert/book.h"
#include "store/call_repo.h"
#include "store/store.h"

/* A call that had not ended. */
struct left_call {
	TAILQ_ENTRY(left_call) link; /* of resume->live, then of left->calls */
	struct left_alert *left;     /* NULL: its alert is closed */
	struct call_row row;         /* owned */
	struct call_told saved;      /* owned */
	bool told;                   /* something was heard of it: */
	enum caller_found found;
};

TAILQ_HEAD(left_calls, left_call);

struct left_alert {
	char id[TC_ID_SIZE];      /* first: the key of the tree */
	TAILQ_ENTRY(left_alert) link;
	struct resume *resume;
	struct alert_row row;     /* owned */
	struct page_past *past;   /* owned, with its strings; its calls that are over */
	size_t n;
	struct left_calls calls;  /* whose end is not known */
	bool over;                /* decided meanwhile: no work is left */
};

/* Decided while the reading was still under way. */
struct early {
	STAILQ_ENTRY(early) link;
	char id[TC_ID_SIZE];
};

struct resume {
	struct alerts *alerts;
	void (*done)(void *arg, int err);
	void *arg;
	TAILQ_HEAD(, left_alert) open;
	void *tree;               /* tsearch of open, by id */
	struct left_calls live;
	STAILQ_HEAD(, early) early;
	bool read;                /* the lists belong to the loop now */
	/* in the store's thread */
	struct left_alert *reading;
	struct left_call *deciding;
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
	TAILQ_INIT(&left->calls);
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
	TAILQ_INSERT_TAIL(&r->live, left, link);
	return 0;
}

static void add_past(struct left_alert *left, const struct page_past *past)
{
	struct page_past *p;

	left->past = tc_realloc(left->past, (left->n + 1) * sizeof(*left->past));
	p = &left->past[left->n++];
	*p = *past;
	p->number = tc_strdup(past->number);
	p->result = tc_strdup(past->result);
}

/* The calls made before tell how far the attempts have come. */
static int add_progress(const struct call_past *row, void *arg)
{
	struct page_past past = {.number = row->number,
				 .result = row->result,
				 .use = (enum page_use)row->use,
				 .attempt = row->attempt,
				 .placed_us = row->placed_us,
				 .ended_us = row->ended_us};

	if (row->over)
		add_past(((struct resume *)arg)->reading, &past);
	return 0;
}

static int add_told(const struct call_told *told, void *arg)
{
	call_told_copy(&((struct resume *)arg)->deciding->saved, told);
	return 1;
}

/* Was it in this call that its alert was decided? Then that is how the call went. */
static int add_decided(const struct event_row *row, void *arg)
{
	static const char *const by[][2] = {{"alert.acknowledged", "acknowledged"},
					    {"alert.resolved", "acknowledged"},
					    {"alert.escalated", "escalated"}};
	struct left_call *c = ((struct resume *)arg)->deciding;

	for (size_t i = 0; i < sizeof(by) / sizeof(*by); i++) {
		if (c->row.result || !row->call_id || strcmp(row->call_id, c->row.id) != 0 ||
		    strcmp(row->what, by[i][0]) != 0)
			continue;
		c->row.result = tc_strdup(by[i][1]);
	}
	return 0;
}

static struct left_alert *left_find(struct resume *r, const char *id)
{
	void *found = tfind(id, &r->tree, by_id);

	return found ? *(struct left_alert **)found : NULL;
}

static int read_all(struct db *db, void *arg)
{
	struct resume *r = arg;
	struct left_alert *left;
	struct left_call *c;
	int err = alert_list_open(db, add_open, r);

	if (!err)
		err = call_list_live(db, add_live, r);
	TAILQ_FOREACH(left, &r->open, link) {
		r->reading = left;
		if (!err)
			err = call_list_past(db, left->row.id, add_progress, r);
	}
	TAILQ_FOREACH(c, &r->live, link) {
		r->deciding = c;
		if (!err)
			err = call_told_list(db, c->row.id, add_told, r);
		if (!err && !left_find(r, c->row.alert_id))
			err = event_list_alert(db, c->row.alert_id, add_decided, r);
	}
	return err;
}

/* ---- on the loop ---- */

static void call_free(struct left_call *c)
{
	call_row_fini(&c->row);
	call_told_fini(&c->saved);
	free(c);
}

static void left_free(struct left_alert *left)
{
	struct resume *r = left->resume;
	struct left_call *c;

	while ((c = TAILQ_FIRST(&left->calls))) {
		TAILQ_REMOVE(&left->calls, c, link);
		call_free(c);
	}
	tdelete(left, &r->tree, by_id);
	TAILQ_REMOVE(&r->open, left, link);
	alert_row_fini(&left->row);
	while (left->n--) {
		free((char *)left->past[left->n].number);
		free((char *)left->past[left->n].result);
	}
	free(left->past);
	free(left);
}

static void let_go(struct left_alert *left, const char *why)
{
	struct left_call *c;

	TAILQ_FOREACH(c, &left->calls, link)
		caller_let_go(left->resume->alerts->caller, c->row.id, left->id, why);
}

/* call_id: of its call that goes on, or NULL */
static void work_on(struct left_alert *left, const char *call_id)
{
	struct alerts *alerts = left->resume->alerts;
	struct progress progress = {.past = left->past, .n = left->n, .call_id = call_id};

	book_open(alerts, &left->row, &progress);
	let_go(left, "the daemon was restarted, and another call goes on for this alert");
	left_free(left);
}

/* The one that is to go on: where somebody listens; NULL = none, or it is not yet known. */
static struct left_call *best(const struct left_alert *left, bool *wait)
{
	struct left_call *c, *found = NULL;

	*wait = false;
	TAILQ_FOREACH(c, &left->calls, link) {
		if (c->told && (!found || c->found > found->found))
			found = c;
		if (!c->told)
			*wait = true;
	}
	if (found && found->found == CALLER_TALKS)
		*wait = false;
	return *wait ? NULL : found;
}

/* Go on with an alert as soon as its calls allow. */
static void settle(struct left_alert *left)
{
	bool wait;
	struct left_call *c = best(left, &wait);

	if (left->over) {
		let_go(left, "the daemon was restarted during this call, and its alert is decided");
		left_free(left);
	} else if (!wait) {
		work_on(left, c ? c->row.id : NULL);
	}
}

static void finish_when_empty(struct resume *r);

static void mark_over(struct resume *r, const char *id)
{
	struct left_alert *left = left_find(r, id);

	if (left)
		left->over = true;
}

void resume_forget(struct alerts *alerts, const char *id)
{
	struct resume *r = alerts->resume;
	struct left_alert *left;
	struct early *e;

	if (!r)
		return;
	if (!r->read) {
		e = tc_alloc(sizeof(*e));
		tc_strcopy(e->id, sizeof(e->id), id);
		STAILQ_INSERT_TAIL(&r->early, e, link);
		return;
	}
	left = left_find(r, id);
	if (!left)
		return;
	left->over = true;
	settle(left);
	finish_when_empty(r);
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
	while ((c = TAILQ_FIRST(&r->live))) {
		TAILQ_REMOVE(&r->live, c, link);
		call_free(c);
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

/* Its call is over. A key in it that had no consequence has one now. */
static void call_over(struct left_call *c, const struct caller_word *word)
{
	struct left_alert *left = c->left;

	add_past(left, &word->past);
	if (word->pressed && !left->over) {
		outcome_pressed(left->resume->alerts, &left->row, word);
		left->over = true;
	}
	TAILQ_REMOVE(&left->calls, c, link);
	call_free(c);
}

static void on_word(void *arg, const struct caller_word *word)
{
	struct left_call *c = arg;
	struct left_alert *left = c->left;
	struct resume *r = left->resume;

	c->told = true;
	c->found = word->found;
	if (word->found == CALLER_OVER)
		call_over(c, word);
	settle(left);
	finish_when_empty(r);
}

static void recover_calls(struct resume *r)
{
	struct caller *caller = r->alerts->caller;
	struct left_call *c;

	while ((c = TAILQ_FIRST(&r->live))) {
		struct left_alert *left = left_find(r, c->row.alert_id);

		TAILQ_REMOVE(&r->live, c, link);
		tc_log(NULL, TC_LOG_INFO,
		       "call %s: was %s when the daemon ended, taking care of it", c->row.id,
		       c->row.state);
		c->left = left;
		if (!caller_recover(caller, &c->row, &c->saved, 1, left ? on_word : NULL, c) &&
		    left)
			TAILQ_INSERT_TAIL(&left->calls, c, link);
		else
			call_free(c);
	}
	caller_all_known(caller);
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
		settle(left);
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
	TAILQ_INIT(&r->live);
	STAILQ_INIT(&r->early);
	return store_read(alerts->store, read_all, read_done, r);
}
