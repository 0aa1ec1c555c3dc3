/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a human decides about an alert (key, API): committed first, then acted upon. What needs a
 * look at the escalation is handed on to course.c as a word.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "alert/book.h"
#include "alert/notice.h"
#include "host/metrics.h"
#include "store/escalation_repo.h"
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
	char *body;             /* owned; the escalation as it is then; NULL = as it was */
	int64_t expires_us;     /* of an acknowledgement; 0 = never */
	bool counted;           /* the alert waits for it */
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
	free(d->body);
	free(d);
}

static int run(struct db *db, void *arg)
{
	struct decision *d = arg;
	int err = alert_set_state(db, d->id, d->from, d->to,
				  strcmp(d->to, "acknowledged") ? NULL : d->by, d->event.at_us,
				  d->now);

	d->expires_us = 0;
	if (!err)
		err = strcmp(d->to, "acknowledged")
			      ? escalation_over(db, d->id)
			      : escalation_acknowledged(db, d->id, d->body, d->event.at_us,
							&d->expires_us);
	if (!err)
		err = event_insert(db, &d->event);
	return err ? err
		   : notice_decided(db, d->id, d->to, d->by, d->silence, d->event.at_us);
}

/* The alert goes on, or is closed. */
static struct alert *let_go_on(struct decision *d)
{
	struct alert *alert = book_find(d->alerts, d->id);

	if (alert && d->counted && alert->deciding)
		alert->deciding--;
	return alert;
}

static void decided(struct decision *d)
{
	struct alert *alert = let_go_on(d);
	/* of a change that it has overtaken nobody knows whether it is stored: it is read again */
	bool stays = alert && d->expires_us && !alert->change;
	char labels[64] = "";

	metrics_label(labels, sizeof(labels), "what", d->what);
	metrics_count("tocsin_alert_outcomes_total", "Decisions on alerts, by what was decided.",
		      labels, 1);
	journal_publish(d->alerts->journal, &d->event);
	if (d->call_id[0])
		call_confirm(d->alerts->caller, d->call_id, d->id, d->prompt);
	if (stays)
		book_acknowledged(alert, d->prompt, d->expires_us);
	else if (alert)
		book_close(alert, d->prompt);
	else
		resume_forget(d->alerts, d->id);
	if (!stays && d->expires_us)
		load_say(d->alerts, d->id, NULL);
}

/*
 * Decided otherwise meanwhile; or by this very decision, in a commit that was done and reported as
 * lost.
 */
static void too_late(struct decision *d)
{
	struct alert *alert = let_go_on(d);
	bool acknowledged = !strcmp(d->now, "acknowledged");

	if (d->call_id[0]) /* what the person wants to know */
		call_confirm(d->alerts->caller, d->call_id, d->id,
			     strcmp(d->now, d->to) ? d->now : d->prompt);
	if (!alert)
		return;
	if (!strcmp(d->now, "open") || (alert->acknowledged && acknowledged)) {
		course_wake(alert);
		return;
	}
	book_close(alert, d->now);
	if (acknowledged) /* for how long stands in the store */
		load_say(d->alerts, d->id, NULL);
}

/* It could not be recorded, and is not tried again. */
static void given_up(struct decision *d, int err)
{
	struct alert *alert = let_go_on(d);

	tc_log(NULL, TC_LOG_ERROR, "alert %s: '%s' cannot be recorded: %s", d->id, d->what,
	       tc_strerror(err));
	if (alert)
		course_wake(alert);
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
		given_up(d, err);
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
	struct alert *alert = book_find(d->alerts, d->id);
	int err;

	d->event = (struct event_row){.at_us = loop_wall_us(d->alerts->loop),
				      .alert_id = d->id,
				      .call_id = d->call_id[0] ? d->call_id : NULL,
				      .what = d->what,
				      .text = d->text,
				      .reason = d->reason};
	err = store_write(d->alerts->store, run, done, d);
	if (err && !d->stays) {
		decision_free(d);
		return err;
	}
	d->counted = alert != NULL;
	if (alert)
		alert->deciding++;
	if (err)
		try_again(d, err);
	return 0;
}

static struct decision *decision_new(struct alerts *alerts, const char *id, enum alert_verb verb,
				     const char *by)
{
	static const char *const what[] = {[ALERT_ACKNOWLEDGE] = "alert.acknowledged",
					   [ALERT_RESOLVE] = "alert.resolved",
					   [ALERT_CANCEL] = "alert.cancelled"};
	struct decision *d = tc_alloc(sizeof(*d));

	d->alerts = alerts;
	tc_strcopy(d->id, sizeof(d->id), id);
	d->from = verbs[verb].from;
	d->to = d->prompt = verbs[verb].to;
	d->what = what[verb];
	d->by = tc_strdup(by);
	d->text = tc_asprintf("%s by %s", verbs[verb].to, by);
	return d;
}

/* ---- words ---- */

static struct word *word_new(enum alert_verb verb, const char *by, const char *note)
{
	struct word *word = tc_alloc(sizeof(*word));

	word->verb = verb;
	word->by = tc_strdup(by);
	word->note = tc_strdup(note);
	return word;
}

int alerts_act(struct alerts *alerts, const char *id, const struct alert_act *act,
	       alert_done_fn fn, void *arg)
{
	struct decision *d;
	struct word *word;

	if (act->verb >= ALERT_ESCALATE) {
		word = word_new(act->verb, act->by, act->note);
		word->until_us = act->until_us;
		word->done = fn;
		word->arg = arg;
		load_say(alerts, id, word);
		return 0;
	}
	d = decision_new(alerts, id, act->verb, act->by);
	d->reason = tc_strdup(act->note);
	d->silence = act->silence;
	d->done = fn;
	d->arg = arg;
	return submit(d);
}

/* A key cannot be given up: who pressed it is told so. */
static void decide_by_key(struct alerts *alerts, const char *id, enum alert_verb verb,
			  const struct word *word)
{
	struct decision *d = decision_new(alerts, id, verb, word->by);

	tc_strcopy(d->call_id, sizeof(d->call_id), word->call_id);
	d->reason = tc_strdup(word->note);
	d->silence = word->silence;
	/* who calls back in vain calls of ours takes care of it all the same */
	if (verb == ALERT_ACKNOWLEDGE)
		d->from = "open,exhausted";
	d->stays = true;
	submit(d);
}

void outcome_acknowledge(struct alert *alert, struct word *word, const char *by)
{
	struct decision *d = decision_new(alert->alerts, alert->id, ALERT_ACKNOWLEDGE,
					  by ? by : word->by);

	tc_strcopy(d->call_id, sizeof(d->call_id), word->call_id);
	d->reason = tc_strdup(word->note);
	d->silence = word->silence;
	d->from = "open,exhausted";
	d->stays = true;
	d->body = escalation_format(&alert->e);
	word_free(word);
	submit(d);
}

void outcome_by_key(struct alerts *alerts, const char *id, const struct caller_word *pressed,
		    const struct reach *reach, const char *by_whom)
{
	static const enum alert_verb verbs_of[] = {[PAGE_KEY_ACKNOWLEDGE] = ALERT_ACKNOWLEDGE,
						   [PAGE_KEY_ESCALATE] = ALERT_ESCALATE,
						   [PAGE_KEY_RESOLVE] = ALERT_RESOLVE,
						   [PAGE_KEY_SILENCE] = ALERT_ACKNOWLEDGE};
	enum alert_verb verb = verbs_of[pressed->key];
	struct alert *alert = book_find(alerts, id);
	struct word *word = word_new(verb, by_whom ? by_whom : reach->name, pressed->how);

	tc_strcopy(word->call_id, sizeof(word->call_id), pressed->call_id);
	word->silence = pressed->key == PAGE_KEY_SILENCE;
	word->serial = reach ? reach->serial : pressed->serial;
	word->all = reach && reach->all;
	word->contact_id = reach ? tc_strdup(reach->contact_id) : NULL;
	if (verb == ALERT_ESCALATE) {
		load_say(alerts, id, word);
	} else if (verb == ALERT_ACKNOWLEDGE && alert && !alert->acknowledged) {
		course_say(alert, word);
	} else {
		decide_by_key(alerts, id, verb, word);
		word_free(word);
	}
}
