/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A change of an alert's escalation on its way to the store and back. It is tried until it is
 * written: nobody else would.
 */
#include "alert/change.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "alert/notice.h"
#include "alert/tally.h"
#include "store/journal.h"
#include "store/store.h"

#define RETRY_US (1000 * 1000)
#define EARLY_US (10 * 1000) /* until the calls that are the reason are recorded, too; this often */
#define EARLY_MAX 100

struct change *change_new(struct alert *alert)
{
	struct change *c = tc_alloc(sizeof(*c));

	c->alerts = alert->alerts;
	c->alert = alert;
	c->from = "open";
	c->step = -1;
	STAILQ_INIT(&c->notes);
	STAILQ_INIT(&c->words);
	TAILQ_INSERT_TAIL(&alert->alerts->changes, c, link);
	return c;
}

void change_free(struct change *c)
{
	struct word *word;

	TAILQ_REMOVE(&c->alerts->changes, c, link);
	loop_timer_stop(&c->retry);
	while ((word = STAILQ_FIRST(&c->words))) {
		STAILQ_REMOVE_HEAD(&c->words, link);
		word_free(word);
	}
	escalation_notes_free(&c->notes);
	for (size_t i = 0; i < c->n; i++)
		free(c->reasons[i]);
	free(c->reasons);
	free(c->events);
	free((char *)c->row.body);
	free(c);
}

/* ---- in the store's thread ---- */

static int state_is_open(struct db *db, struct change *c)
{
	struct alert_row row;
	int found = alert_get(db, c->row.alert_id, &row);

	if (found <= 0)
		return found ? found : -ENOENT;
	tc_strcopy(c->now, sizeof(c->now), row.state);
	alert_row_fini(&row);
	return strcmp(c->now, "open") ? -EPERM : 0;
}

/* How the calls went stands in front of the words that are there. */
static int tell_reason(struct db *db, struct change *c, const struct escalation_note *note,
		       size_t i)
{
	char *calls = NULL;
	int err = note->serial > 0
			  ? tally_read(db, c->row.alert_id, note->serial, note->who, &calls)
			  : 0;

	if (err == -EINPROGRESS)
		err = 0; /* it was waited for long enough */
	free(c->reasons[i]);
	c->reasons[i] = calls && note->reason ? tc_asprintf("%s; %s", calls, note->reason)
			: calls               ? tc_strdup(calls)
					      : tc_strdup(note->reason);
	c->events[i].reason = c->reasons[i];
	free(calls);
	return err;
}

static int insert_events(struct db *db, struct change *c)
{
	const struct escalation_note *note;
	size_t i = 0;
	int err = 0;

	STAILQ_FOREACH(note, &c->notes, link) {
		if (!err)
			err = tell_reason(db, c, note, i);
		if (!err)
			err = event_insert(db, &c->events[i]);
		i++;
	}
	return err;
}

static int change_state(struct db *db, struct change *c)
{
	int err = alert_set_state(db, c->row.alert_id, c->from, c->to, NULL, c->at_us, c->now);

	return err ? err
		   : notice_decided(db, c->row.alert_id, c->to, NULL, false, c->at_us);
}

/* A call has ended, and that is still on its way to the store. */
static int look_at_calls(struct db *db, struct change *c)
{
	const struct escalation_note *note;
	int err = 0;

	c->wait = false;
	STAILQ_FOREACH(note, &c->notes, link) {
		char *calls = NULL;

		if (note->serial <= 0 || err)
			continue;
		err = tally_read(db, c->row.alert_id, note->serial, note->who, &calls);
		free(calls);
	}
	c->wait = err == -EINPROGRESS && c->early < EARLY_MAX;
	return err == -EINPROGRESS ? 0 : err;
}

static int run(struct db *db, void *arg)
{
	struct change *c = arg;
	int err = look_at_calls(db, c);

	if (err || c->wait)
		return err;
	err = escalation_put(db, &c->row);
	c->known = err == -EALREADY;
	if (err)
		return c->known ? 0 : err;
	err = c->to ? change_state(db, c) : state_is_open(db, c);
	if (!err && c->step >= 0)
		err = alert_set_step(db, c->row.alert_id, c->step, c->at_us);
	return err ? err : insert_events(db, c);
}

/* ---- on the loop ---- */

static void send(struct change *c);

static void on_retry(void *arg)
{
	send(arg);
}

static void try_again(struct change *c, int err)
{
	if (!c->tries++)
		tc_log(NULL, TC_LOG_ERROR,
		       "alert %s: what comes next cannot be recorded, trying again: %s",
		       c->row.alert_id, tc_strerror(err));
	loop_timer_init(&c->retry, c->alerts->loop, on_retry, c);
	loop_timer_start_us(&c->retry, RETRY_US);
}

static bool is_final(int err)
{
	return !err || err == -EPERM || err == -ENOENT || err == -ESTALE;
}

static void done(void *arg, int err)
{
	struct change *c = arg;

	c->sent = false;
	if (!err && c->wait && c->alert) {
		c->early++;
		loop_timer_init(&c->retry, c->alerts->loop, on_retry, c);
		loop_timer_start_us(&c->retry, EARLY_US);
		return;
	}
	if (!err && c->wait)
		err = -EPERM; /* decided otherwise meanwhile, and nothing was written */
	if (c->to)
		notices_wake(c->alerts->notices); /* also after an unsure commit */
	if (!err && !c->known)
		for (size_t i = 0; i < c->n; i++)
			journal_publish(c->alerts->journal, &c->events[i]);
	if (!err && c->to && !strcmp(c->to, "exhausted"))
		tc_log(NULL, TC_LOG_WARN, "alert %s is exhausted: nobody has acknowledged it",
		       c->row.alert_id);
	if (err == -ESTALE)
		tc_log(NULL, TC_LOG_ERROR, "alert %s: somebody else works on it",
		       c->row.alert_id);
	if (!is_final(err)) {
		c->told(c, err);
		if (c->alert) {
			try_again(c, err);
			return;
		}
	} else {
		c->told(c, err);
	}
	change_free(c);
}

static void send(struct change *c)
{
	int err = store_write(c->alerts->store, run, done, c);

	c->sent = !err;
	if (err)
		try_again(c, err);
}

static void make_events(struct change *c)
{
	const struct escalation_note *note;
	size_t n = 0;

	STAILQ_FOREACH(note, &c->notes, link)
		n++;
	c->events = tc_calloc(n + 1, sizeof(*c->events));
	c->reasons = tc_calloc(n + 1, sizeof(*c->reasons));
	STAILQ_FOREACH(note, &c->notes, link)
		c->events[c->n++] = (struct event_row){
			.at_us = c->at_us,
			.alert_id = c->row.alert_id,
			.call_id = note->call_id[0] ? note->call_id : NULL,
			.what = note->what,
			.text = note->text};
}

void change_commit(struct change *c, void (*told)(struct change *c, int err))
{
	c->told = told;
	make_events(c);
	send(c);
}

void change_leave(struct change *c)
{
	c->alert = NULL;
	if (!c->sent)
		change_free(c);
}

/* At the end of the process. The store must have been drained. */
void change_drop_all(struct alerts *alerts)
{
	while (!TAILQ_EMPTY(&alerts->changes))
		change_free(TAILQ_FIRST(&alerts->changes));
}
