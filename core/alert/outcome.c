/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of an alert: a human decides (key, API), or everybody was tried in vain. Committed
 * first, then acted upon.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "alert/book.h"
#include "alert/notice.h"
#include "host/metrics.h"
#include "store/journal.h"
#include "store/store.h"

static const struct {
	const char *verb, *to, *from;
} verbs[] = {
#define X(sym, verb, to, from) [sym] = {verb, to, from},
	ALERT_VERBS(X)
#undef X
};

#define RETRY_US (1000 * 1000)

/* One decision on its way to the store and back. */
struct decision {
	TAILQ_ENTRY(decision) link; /* while it waits to be tried again */
	struct loop_timer retry;
	unsigned tries;
	struct alerts *alerts;
	char id[TC_ID_SIZE];
	const char *from, *to;  /* constant */
	const char *what;       /* event, constant */
	char *by, *text, *reason; /* owned; by may be NULL */
	char call_id[TC_ID_SIZE]; /* the call in which the key was pressed, or "" */
	const char *prompt;     /* what is said in it */
	char now[16];           /* the state it was in, if it could not be done */
	struct event_row event;
	bool silence;           /* they asked for it */
	alert_done_fn done;     /* may be NULL */
	void *arg;
	bool stays;             /* by a page: nobody else would try again, so it is tried until it
				   is stored */
};

static void decision_free(struct decision *d)
{
	free(d->by);
	free(d->text);
	free(d->reason);
	free(d);
}

static int run(struct db *db, void *arg)
{
	struct decision *d = arg;
	int err = alert_set_state(db, d->id, d->from, d->to,
				  strcmp(d->to, "acknowledged") ? NULL : d->by, d->event.at_us,
				  d->now);

	if (!err)
		err = event_insert(db, &d->event);
	return err ? err
		   : notice_decided(db, d->id, d->to, d->by, d->silence, d->event.at_us);
}

static void decided(struct decision *d)
{
	struct alert *alert = book_find(d->alerts, d->id);
	char labels[64] = "";

	metrics_label(labels, sizeof(labels), "what", d->what);
	metrics_count("tocsin_alert_outcomes_total", "Decisions on alerts, by what was decided.",
		      labels, 1);
	journal_publish(d->alerts->journal, &d->event);
	if (d->call_id[0])
		call_confirm(d->alerts->caller, d->call_id, d->id, d->prompt);
	if (alert)
		book_close(alert, d->prompt);
	else
		resume_forget(d->alerts, d->id);
}

/*
 * Decided otherwise meanwhile; or by this very decision, in a commit that was done and reported as
 * lost.
 */
static void too_late(struct decision *d)
{
	struct alert *alert = book_find(d->alerts, d->id);

	if (d->call_id[0]) /* what the person wants to know */
		call_confirm(d->alerts->caller, d->call_id, d->id,
			     strcmp(d->now, d->to) ? d->now : d->prompt);
	if (alert)
		book_close(alert, d->now);
}

static void try_again(struct decision *d, int err);

static void done(void *arg, int err)
{
	struct decision *d = arg;

	notices_wake(d->alerts->notices); /* also after an unsure commit */
	if (!err) {
		decided(d);
	} else if (err == -EPERM || err == -ENOENT) {
		too_late(d);
	} else if (d->stays) {
		try_again(d, err);
		return;
	} else {
		tc_log(NULL, TC_LOG_ERROR, "alert %s: '%s' cannot be recorded: %s", d->id, d->what,
		       tc_strerror(err));
	}
	if (d->done)
		d->done(d->arg, err, err ? d->now : d->to);
	decision_free(d);
}

static void on_retry(void *arg)
{
	struct decision *d = arg;
	int err;

	TAILQ_REMOVE(&d->alerts->undecided, d, link);
	err = store_write(d->alerts->store, run, done, d);
	if (err)
		try_again(d, err);
}

static void try_again(struct decision *d, int err)
{
	if (!d->tries++)
		tc_log(NULL, TC_LOG_ERROR, "alert %s: '%s' cannot be recorded, trying again: %s",
		       d->id, d->what, tc_strerror(err));
	TAILQ_INSERT_TAIL(&d->alerts->undecided, d, link);
	loop_timer_init(&d->retry, d->alerts->loop, on_retry, d);
	loop_timer_start_us(&d->retry, RETRY_US);
}

void outcome_drop(struct alerts *alerts)
{
	struct decision *d;

	while ((d = TAILQ_FIRST(&alerts->undecided))) {
		TAILQ_REMOVE(&alerts->undecided, d, link);
		loop_timer_stop(&d->retry);
		decision_free(d);
	}
}

/* result: 0, or why it was not taken; 0 for one that stays */
static int submit(struct decision *d)
{
	int err;

	d->event = (struct event_row){.at_us = loop_wall_us(d->alerts->loop),
				      .alert_id = d->id,
				      .call_id = d->call_id[0] ? d->call_id : NULL,
				      .what = d->what,
				      .text = d->text,
				      .reason = d->reason};
	err = store_write(d->alerts->store, run, done, d);
	if (!err)
		return 0;
	if (d->stays) {
		try_again(d, err);
		return 0;
	}
	decision_free(d);
	return err;
}

static struct decision *decision_new(struct alerts *alerts, const char *id, enum alert_verb verb,
				     const char *by)
{
	static const char *const what[] = {[ALERT_ACKNOWLEDGE] = "alert.acknowledged",
					   [ALERT_RESOLVE] = "alert.resolved",
					   [ALERT_CANCEL] = "alert.cancelled",
					   [ALERT_ESCALATE] = "alert.escalated"};
	struct decision *d = tc_alloc(sizeof(*d));

	d->alerts = alerts;
	tc_strcopy(d->id, sizeof(d->id), id);
	d->from = verbs[verb].from;
	/* with one person as the target there is nobody further to escalate to */
	d->to = verb == ALERT_ESCALATE ? "exhausted" : verbs[verb].to;
	d->what = what[verb];
	d->prompt = verb == ALERT_ESCALATE ? "escalated" : verbs[verb].to;
	d->by = tc_strdup(by);
	d->text = verb == ALERT_ESCALATE
			  ? tc_asprintf("escalated by %s: there is nobody further to call", by)
			  : tc_asprintf("%s by %s", verbs[verb].to, by);
	return d;
}

int alerts_act(struct alerts *alerts, const char *id, enum alert_verb verb, const char *by,
	       const char *note, alert_done_fn fn, void *arg)
{
	struct decision *d = decision_new(alerts, id, verb, by);

	d->reason = tc_strdup(note);
	d->done = fn;
	d->arg = arg;
	return submit(d);
}

/* ---- what the pages tell ---- */

void outcome_by_key(struct alerts *alerts, const char *id, const struct caller_word *word,
		    const char *who)
{
	static const enum alert_verb verb[] = {[PAGE_KEY_ACKNOWLEDGE] = ALERT_ACKNOWLEDGE,
					       [PAGE_KEY_ESCALATE] = ALERT_ESCALATE,
					       [PAGE_KEY_RESOLVE] = ALERT_RESOLVE,
					       [PAGE_KEY_SILENCE] = ALERT_ACKNOWLEDGE};
	struct decision *d = decision_new(alerts, id, verb[word->key], who);

	tc_strcopy(d->call_id, sizeof(d->call_id), word->call_id);
	d->reason = tc_strdup(word->how);
	/* who calls back in vain calls of ours takes care of it all the same */
	if (verb[word->key] == ALERT_ACKNOWLEDGE)
		d->from = "open,exhausted";
	d->stays = true;
	submit(d);
}

static void on_key(void *arg, struct page *page, const char *call_id, enum page_key key,
		   const char *how)
{
	struct alert *alert = arg;

	outcome_by_key(alert->alerts, alert->id,
		      &(struct caller_word){.call_id = call_id, .key = key, .how = how},
		      page_who(page));
}

void outcome_pressed(struct alerts *alerts, const struct alert_row *row,
		     const struct caller_word *word)
{
	outcome_by_key(alerts, row->id, word, row->target);
}

static void on_page_done(void *arg, const char *reason)
{
	struct alert *alert = arg;
	struct decision *d = tc_alloc(sizeof(*d));

	d->alerts = alert->alerts;
	tc_strcopy(d->id, sizeof(d->id), alert->id);
	d->from = "open";
	d->to = "exhausted";
	d->what = "alert.exhausted";
	d->prompt = "goodbye";
	d->stays = true;
	d->text = tc_strdup("everybody was tried, nobody pressed a key");
	d->reason = tc_strdup(reason);
	submit(d);
}

const struct page_events outcome_page_events = {.key = on_key, .done = on_page_done};
