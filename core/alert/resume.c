/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After a start: what an earlier process has left open is taken up again, where it was. Its calls
 * are looked after first, so that nobody's telephone rings twice: a page is begun when nothing of
 * its own is unknown any more, and goes on with the call that is up.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "alert/book.h"
#include "store/call_repo.h"
#include "store/escalation_repo.h"
#include "store/store.h"

/* A call that is over, of one of the alert's pages. */
struct left_past {
	int serial;
	struct page_past past; /* its strings are owned */
};

/* A call that is over, in which something was decided that is not known to be stored. */
struct left_key {
	STAILQ_ENTRY(left_key) link;
	char call_id[TC_ID_SIZE];
	int serial;
	char *number, *pressed, *result; /* owned */
	int64_t placed_us;
	bool known;
};

/* A call that had not ended, as one of the alerts that it tells sees it. */
struct left_call {
	TAILQ_ENTRY(left_call) link; /* of left->calls */
	char id[TC_ID_SIZE];
	char *contact_id, *number; /* owned; contact_id may be NULL */
	int serial;
	bool told;                 /* something was heard of it: */
	enum caller_found found;
};

/* What is left of an alert's work. */
struct left {
	struct left_past *past; /* owned */
	size_t n;
	TAILQ_HEAD(, left_call) calls; /* whose end is not known */
	STAILQ_HEAD(, left_key) keys;
};

/* What is read of an open alert. */
struct left_alert {
	STAILQ_ENTRY(left_alert) link;
	struct alert_row row;             /* owned */
	struct escalation_row escalation; /* owned */
	struct left *left;                /* owned */
};

/* A call that had not ended. */
struct live_call {
	STAILQ_ENTRY(live_call) link;
	struct call_row row;    /* owned */
	struct call_told *told; /* owned, with their strings; the alerts that it tells */
	bool *decided;          /* owned; of each: a key in it has had its consequence */
	size_t n;
	struct alerts *alerts;
};

/* Said or decided while the reading was still under way. */
struct early {
	STAILQ_ENTRY(early) link;
	char id[TC_ID_SIZE];
	struct word *word; /* owned; NULL: it was decided */
};

struct resume {
	struct alerts *alerts;
	void (*done)(void *arg, int err);
	void *arg;
	STAILQ_HEAD(, left_alert) open;
	STAILQ_HEAD(live_calls, live_call) live;
	struct live_calls asked; /* of which words may still come */
	STAILQ_HEAD(, early) early;
	bool read; /* the lists belong to the loop now */
	/* in the store's thread */
	struct left_alert *reading;
	struct live_call *deciding;
};

/* ---- in the store's thread ---- */

static int add_open(const struct alert_row *row, const struct escalation_row *escalation, void *arg)
{
	struct resume *r = arg;
	struct left_alert *l = tc_alloc(sizeof(*l));

	alert_row_copy(&l->row, row);
	escalation_row_copy(&l->escalation, escalation);
	l->left = tc_alloc(sizeof(*l->left));
	TAILQ_INIT(&l->left->calls);
	STAILQ_INIT(&l->left->keys);
	STAILQ_INSERT_TAIL(&r->open, l, link);
	return 0;
}

static int add_live(const struct call_row *row, void *arg)
{
	struct resume *r = arg;
	struct live_call *c = tc_alloc(sizeof(*c));

	call_row_copy(&c->row, row);
	c->alerts = r->alerts;
	STAILQ_INSERT_TAIL(&r->live, c, link);
	return 0;
}

static void add_past(struct left *left, int serial, const struct page_past *past)
{
	struct page_past *p;

	left->past = tc_realloc(left->past, (left->n + 1) * sizeof(*left->past));
	left->past[left->n].serial = serial;
	p = &left->past[left->n++].past;
	*p = *past;
	p->number = tc_strdup(past->number);
	p->result = tc_strdup(past->result);
}

static void add_key(struct left *left, const struct call_past *row)
{
	struct left_key *k = tc_alloc(sizeof(*k));

	tc_strcopy(k->call_id, sizeof(k->call_id), row->call_id);
	k->serial = row->serial;
	k->number = tc_strdup(row->number);
	k->pressed = tc_strdup(row->pressed);
	k->result = tc_strdup(row->result);
	k->placed_us = row->placed_us;
	STAILQ_INSERT_TAIL(&left->keys, k, link);
}

/* The calls made before tell how far the attempts have come. */
static int add_progress(const struct call_past *row, void *arg)
{
	struct left *left = ((struct resume *)arg)->reading->left;
	struct page_past past = {.number = row->number,
				 .result = row->result,
				 .use = (enum page_use)row->use,
				 .attempt = row->attempt,
				 .placed_us = row->placed_us,
				 .ended_us = row->ended_us};

	if (row->over)
		add_past(left, row->serial, &past);
	if (row->over && row->result &&
	    (!strcmp(row->result, "acknowledged") || !strcmp(row->result, "escalated")))
		add_key(left, row);
	return 0;
}

/*
 * What followed from a key is an event of its call. One that came too late has none: it is over
 * with the acknowledgement that was there already.
 */
static int know_key(const struct event_row *row, void *arg)
{
	bool over = !strcmp(row->what, "alert.acknowledged") ||
		    !strcmp(row->what, "alert.reopened");
	bool follows = over || !strcmp(row->what, "alert.partly_acknowledged") ||
		       !strcmp(row->what, "alert.escalated");
	struct left_key *k;

	STAILQ_FOREACH(k, &((struct resume *)arg)->reading->left->keys, link) {
		bool his = row->call_id && !strcmp(row->call_id, k->call_id);

		if ((his && follows) || (over && row->at_us >= k->placed_us))
			k->known = true;
	}
	return 0;
}

static int add_told(const struct call_told *told, void *arg)
{
	struct live_call *c = ((struct resume *)arg)->deciding;

	c->told = tc_realloc(c->told, (c->n + 1) * sizeof(*c->told));
	c->decided = tc_realloc(c->decided, (c->n + 1) * sizeof(*c->decided));
	c->decided[c->n] = false;
	call_told_copy(&c->told[c->n++], told);
	return 0;
}

/* Was something decided in this call? Then that is how it went, and the key is not heard again. */
static int add_decided(const struct event_row *row, void *arg)
{
	static const char *const by[][2] = {{"alert.acknowledged", "acknowledged"},
					    {"alert.partly_acknowledged", "acknowledged"},
					    {"alert.resolved", "acknowledged"},
					    {"alert.escalated", "escalated"}};
	struct live_call *c = ((struct resume *)arg)->deciding;

	if (!row->call_id || !row->alert_id || strcmp(row->call_id, c->row.id) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(by) / sizeof(*by); i++) {
		if (strcmp(row->what, by[i][0]) != 0)
			continue;
		for (size_t k = 0; k < c->n; k++) {
			if (strcmp(c->told[k].alert_id, row->alert_id) != 0)
				continue;
			c->decided[k] = true;
			if (!c->told[k].result)
				c->told[k].result = tc_strdup(by[i][1]);
		}
		if (!c->row.result && !strcmp(c->row.alert_id, row->alert_id))
			c->row.result = tc_strdup(by[i][1]);
	}
	return 0;
}

static int read_live(struct db *db, struct resume *r)
{
	struct live_call *c;
	int err = call_list_live(db, add_live, r);

	STAILQ_FOREACH(c, &r->live, link) {
		r->deciding = c;
		if (!err)
			err = call_told_list(db, c->row.id, add_told, r);
		for (size_t i = 0; i < c->n && !err; i++)
			err = event_list_alert(db, c->told[i].alert_id, add_decided, r);
	}
	return err;
}

static int read_all(struct db *db, void *arg)
{
	struct resume *r = arg;
	struct left_alert *l;
	int err = escalation_list_open(db, add_open, r);

	if (!err)
		err = escalation_list_expiring(db, add_open, r);
	STAILQ_FOREACH(l, &r->open, link) {
		r->reading = l;
		if (!err)
			err = call_list_past(db, l->row.id, add_progress, r);
		if (!err && !STAILQ_EMPTY(&l->left->keys))
			err = event_list_alert(db, l->row.id, know_key, r);
	}
	return err ? err : read_live(db, r);
}

/* ---- what is left of one alert ---- */

static void left_call_free(struct left *left, struct left_call *c)
{
	TAILQ_REMOVE(&left->calls, c, link);
	free(c->contact_id);
	free(c->number);
	free(c);
}

static void left_key_free(struct left *left)
{
	struct left_key *k = STAILQ_FIRST(&left->keys);

	STAILQ_REMOVE_HEAD(&left->keys, link);
	free(k->number);
	free(k->pressed);
	free(k->result);
	free(k);
}

static void left_delete(struct left *left)
{
	while (!STAILQ_EMPTY(&left->keys))
		left_key_free(left);
	while (!TAILQ_EMPTY(&left->calls))
		left_call_free(left, TAILQ_FIRST(&left->calls));
	while (left->n--) {
		free((char *)left->past[left->n].past.number);
		free((char *)left->past[left->n].past.result);
	}
	free(left->past);
	free(left);
}

static void let_go(struct alert *alert, const struct left_call *c, const char *why)
{
	caller_let_go(alert->alerts->caller, c->id, alert->id, why);
}

void left_free(struct alert *alert, bool forgotten)
{
	struct left_call *c;

	if (!alert->left)
		return;
	for (c = forgotten ? NULL : TAILQ_FIRST(&alert->left->calls); c; c = TAILQ_NEXT(c, link))
		let_go(alert, c, "the daemon was restarted during this call, and its alert is "
				 "decided");
	left_delete(alert->left);
	alert->left = NULL;
}

bool left_waits(const struct alert *alert)
{
	return alert->left && !TAILQ_EMPTY(&alert->left->calls);
}

static bool is_his(const struct left_call *c, const char *contact_id, const char *number)
{
	if (c->contact_id && contact_id)
		return !strcmp(c->contact_id, contact_id);
	return !strcmp(c->number, number);
}

/* The one that is to go on: where somebody listens; NULL = none, or it is not yet known. */
static struct left_call *best(const struct left *left, int serial, bool *wait)
{
	struct left_call *c, *found = NULL;

	*wait = false;
	TAILQ_FOREACH(c, &left->calls, link) {
		if (c->serial != serial)
			continue;
		if (c->told && (!found || c->found > found->found))
			found = c;
		if (!c->told)
			*wait = true;
	}
	if (found && found->found == CALLER_TALKS)
		*wait = false;
	return *wait ? NULL : found;
}

bool left_ready(const struct alert *alert, int serial, const char *contact_id, const char *number,
		const char **call_id, struct page_past **past, size_t *n)
{
	const struct left *left = alert->left;
	const struct left_call *c;
	bool wait;

	*call_id = NULL;
	*past = NULL;
	*n = 0;
	if (!left)
		return true;
	c = best(left, serial, &wait);
	if (wait)
		return false;
	*call_id = c ? c->id : NULL;
	TAILQ_FOREACH(c, &left->calls, link) /* by an earlier page of his */
		if (c->serial != serial && is_his(c, contact_id, number))
			return false;
	*past = tc_calloc(left->n + 1, sizeof(**past));
	for (size_t i = 0; i < left->n; i++)
		if (left->past[i].serial == serial)
			(*past)[(*n)++] = left->past[i].past;
	return true;
}

void left_taken(struct alert *alert, int serial, const char *call_id)
{
	struct left_call *c, *next;

	if (!alert->left)
		return;
	for (c = TAILQ_FIRST(&alert->left->calls); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->serial != serial)
			continue;
		if (!call_id || c->id != call_id)
			let_go(alert, c, "the daemon was restarted, and another call goes on for "
					 "this alert");
		left_call_free(alert->left, c);
	}
}

/* Calls that are up, of people who are not asked any more: they go on. */
static void adopt_others(struct alert *alert)
{
	struct left_call *c, *next;

	for (c = TAILQ_FIRST(&alert->left->calls); c; c = next) {
		bool asked = escalation_asks(&alert->e, c->serial) && !alert->e.held_by;
		bool wait;

		next = TAILQ_NEXT(c, link);
		if (asked || best(alert->left, c->serial, &wait) != c)
			continue;
		reach_adopt(alert, c->serial, c->contact_id, c->number, c->id);
		next = TAILQ_FIRST(&alert->left->calls); /* others may have gone with it */
	}
}

/* ---- on the loop ---- */

static void live_free(struct live_call *c)
{
	call_row_fini(&c->row);
	for (size_t i = 0; i < c->n; i++)
		call_told_fini(&c->told[i]);
	free(c->told);
	free(c->decided);
	free(c);
}

static void left_alert_free(struct left_alert *l)
{
	alert_row_fini(&l->row);
	escalation_row_fini(&l->escalation);
	if (l->left)
		left_delete(l->left);
	free(l);
}

bool resume_reading(const struct alerts *alerts)
{
	return alerts->resume && !alerts->resume->read;
}

void resume_say(struct alerts *alerts, const char *id, struct word *word)
{
	struct early *e = tc_alloc(sizeof(*e));

	tc_strcopy(e->id, sizeof(e->id), id);
	e->word = word;
	STAILQ_INSERT_TAIL(&alerts->resume->early, e, link);
}

void resume_forget(struct alerts *alerts, const char *id)
{
	if (resume_reading(alerts))
		resume_say(alerts, id, NULL);
}

static void early_free(struct resume *r, struct early *e)
{
	STAILQ_REMOVE(&r->early, e, early, link);
	if (e->word)
		word_free(e->word);
	free(e);
}

void resume_drop(struct alerts *alerts)
{
	struct resume *r = alerts->resume;
	struct left_alert *l;
	struct live_call *c;

	alerts->resume = NULL;
	if (!r)
		return;
	while (!STAILQ_EMPTY(&r->early))
		early_free(r, STAILQ_FIRST(&r->early));
	while ((l = STAILQ_FIRST(&r->open))) {
		STAILQ_REMOVE_HEAD(&r->open, link);
		left_alert_free(l);
	}
	STAILQ_CONCAT(&r->live, &r->asked);
	while ((c = STAILQ_FIRST(&r->live))) {
		STAILQ_REMOVE_HEAD(&r->live, link);
		live_free(c);
	}
	free(r);
}

/* All is under way when nothing is unknown any more. */
void resume_settled(struct alerts *alerts)
{
	struct resume *r = alerts->resume;
	void (*done)(void *arg, int err) = r ? r->done : NULL;
	struct alert *alert;

	if (!done || !r->read)
		return;
	TAILQ_FOREACH(alert, &alerts->list, link)
		if (left_waits(alert))
			return;
	r->done = NULL;
	done(r->arg, 0);
}

static void speak_for(struct alert *alert, const struct caller_word *word, char *contact_id,
		      char *number)
{
	const struct asked *asked = escalation_asks(&alert->e, word->serial);
	struct reach speaker = {.serial = word->serial,
				.contact_id = asked ? asked->contact_id : contact_id,
				.name = asked ? asked->name : number,
				.all = alert->e.all}; /* of a step before: nobody knows any more */

	outcome_by_key(alert->alerts, alert->id, word, &speaker, NULL);
}

/* Its call is over. A key in it that had no consequence has one now. */
static void call_over(struct alert *alert, struct left_call *c, const struct caller_word *word)
{
	add_past(alert->left, word->serial, &word->past);
	if (word->pressed)
		speak_for(alert, word, c->contact_id, c->number);
	left_call_free(alert->left, c);
}

/* The same for those whose end is in the store as well. */
static void keys_over(struct alert *alert)
{
	struct left *left = alert->left;
	struct left_key *k;

	for (; (k = STAILQ_FIRST(&left->keys)); left_key_free(left)) {
		struct caller_word word = {.call_id = k->call_id, .serial = k->serial};

		if (!k->known && !alert->acknowledged &&
		    caller_decided(alert->alerts->caller, k->pressed, k->result, &word.key,
				   &word.how))
			speak_for(alert, &word, NULL, k->number);
	}
}

static struct left_call *left_find(const struct left *left, const char *call_id)
{
	struct left_call *c;

	TAILQ_FOREACH(c, &left->calls, link)
		if (!strcmp(c->id, call_id))
			return c;
	return NULL;
}

static void on_word(void *arg, const struct caller_word *word)
{
	struct live_call *live = arg;
	struct alerts *alerts = live->alerts;
	struct alert *alert = book_find(alerts, word->alert_id);
	struct left_call *c = alert && alert->left ? left_find(alert->left, word->call_id) : NULL;

	if (!c)
		return; /* decided meanwhile */
	c->told = true;
	c->found = word->found;
	if (word->found == CALLER_OVER)
		call_over(alert, c, word);
	else
		course_take_up(alert);
	adopt_others(alert);
	course_wake(alert);
	resume_settled(alerts);
}

static void left_add(struct alert *alert, const struct live_call *live,
		     const struct call_told *told)
{
	struct left_call *c = tc_alloc(sizeof(*c));

	tc_strcopy(c->id, sizeof(c->id), live->row.id);
	c->contact_id = tc_strdup(live->row.contact_id);
	c->number = tc_strdup(live->row.number);
	c->serial = told->serial;
	TAILQ_INSERT_TAIL(&alert->left->calls, c, link);
}

/* The alert for which a call is to go on: nobody has had his say in it yet. */
static struct alert *wants(struct resume *r, const struct live_call *c, size_t i)
{
	struct alert *alert = book_find(r->alerts, c->told[i].alert_id);

	return alert && alert->left && !alert->acknowledged && !c->decided[i] ? alert : NULL;
}

static void recover_calls(struct resume *r)
{
	struct live_call *c;

	while ((c = STAILQ_FIRST(&r->live))) {
		bool wanted = false;

		STAILQ_REMOVE_HEAD(&r->live, link);
		STAILQ_INSERT_TAIL(&r->asked, c, link);
		tc_log(NULL, TC_LOG_INFO,
		       "call %s: was %s when the daemon ended, taking care of it", c->row.id,
		       c->row.state);
		for (size_t i = 0; i < c->n; i++)
			wanted = wanted || wants(r, c, i);
		if (caller_recover(r->alerts->caller, &c->row, c->told, c->n,
				   wanted ? on_word : NULL, c))
			continue;
		for (size_t i = 0; i < c->n; i++) {
			if (wants(r, c, i))
				left_add(wants(r, c, i), c, &c->told[i]);
			else if (wanted) /* it must not keep the call up alone */
				caller_let_go(r->alerts->caller, c->row.id, c->told[i].alert_id,
					      "the daemon was restarted during this call, and its "
					      "alerts are decided");
		}
	}
	caller_all_known(r->alerts->caller);
}

static bool was_decided(const struct resume *r, const char *id)
{
	const struct early *e;

	STAILQ_FOREACH(e, &r->early, link)
		if (!e->word && !strcmp(e->id, id))
			return true;
	return false;
}

static void open_one(struct resume *r, struct left_alert *l)
{
	struct escalation e;
	struct alert *alert;

	if (was_decided(r, l->row.id))
		return;
	if (l->escalation.body)
		escalation_parse(&e, l->row.target, l->escalation.body);
	else
		escalation_init(&e, l->row.target); /* older than escalations */
	e.ack_timeout_ms = l->escalation.ack_timeout_ms;
	alert = book_open(r->alerts, &l->row, &e, l->escalation.version);
	if (!alert)
		return;
	alert->expires_us = l->escalation.expires_us;
	alert->left = l->left;
	l->left = NULL;
	keys_over(alert);
}

static void say_early(struct resume *r)
{
	struct early *e;

	while ((e = STAILQ_FIRST(&r->early))) {
		struct word *word = e->word;

		e->word = NULL;
		if (word)
			load_say(r->alerts, e->id, word);
		early_free(r, e);
	}
}

static void read_done(void *arg, int err)
{
	struct resume *r = arg;
	struct left_alert *l;
	struct alert *alert;
	size_t n = 0;

	if (err) {
		r->done(r->arg, err);
		return; /* the process ends: nothing was touched */
	}
	r->read = true;
	while ((l = STAILQ_FIRST(&r->open))) {
		STAILQ_REMOVE_HEAD(&r->open, link);
		open_one(r, l);
		left_alert_free(l);
		n++;
	}
	recover_calls(r);
	TAILQ_FOREACH(alert, &r->alerts->list, link)
		course_wake(alert);
	if (n)
		tc_log(NULL, TC_LOG_INFO, "%zu open alerts are taken up again", n);
	say_early(r);
	resume_settled(r->alerts);
}

int alerts_resume(struct alerts *alerts, void (*done)(void *arg, int err), void *arg)
{
	struct resume *r = tc_alloc(sizeof(*r));

	r->alerts = alerts;
	r->done = done;
	r->arg = arg;
	alerts->resume = r;
	STAILQ_INIT(&r->open);
	STAILQ_INIT(&r->live);
	STAILQ_INIT(&r->asked);
	STAILQ_INIT(&r->early);
	return store_read(alerts->store, read_all, read_done, r);
}
