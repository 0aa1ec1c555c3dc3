/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling triggers what became of their alerts. What is to be told, to whom and when stands in the
 * store; here are only those notices that a trigger has just now, a few for each.
 */
#include "alert/notice.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "host/host.h"
#include "host/loop.h"
#include "store/alert_repo.h"
#include "store/event_repo.h"
#include "store/journal.h"
#include "store/notice_repo.h"
#include "store/store.h"

#define AT_ONCE        16 /* notices that one trigger has at a time */
#define DEADLINE_MS    (30 * 1000)
#define RETRY_FIRST_US (1000 * 1000) /* doubled each time */
#define RETRY_MAX_US   (60 * 1000 * 1000)
#define STORE_RETRY_US (1000 * 1000)

static const char *const names[] = {
#define X(sym, name) [sym] = name,
	TC_DECIDED(X)
#undef X
};

enum outcome {
	OUTCOME_OVER,  /* told, or refused for good: it is done with */
	OUTCOME_LATER, /* to be told again */
};

/* One that is being told, and what came of it on its way to the store. */
struct notice {
	TAILQ_ENTRY(notice) link;
	struct listener *listener;
	struct notice_row row;  /* owned */
	struct alert_row alert; /* owned; without an id: there is no such alert */
	json_t *labels;         /* one reference */
	struct tc_decision decision;
	struct tc_op *op; /* while the trigger has it */
	enum outcome outcome;
	int err;                /* of the trigger */
	int64_t due_us;         /* OUTCOME_LATER */
	char *text, *reason;    /* owned; of the event */
	struct event_row event; /* without a text: there is none */
};

TAILQ_HEAD(notice_list, notice);

/* An instance that wants to hear. */
struct listener {
	SLIST_ENTRY(listener) link;
	struct notices *notices;
	struct tc_instance *instance;
	struct notice_list telling;
	unsigned n;              /* of them */
	bool reading, again;     /* what is due is being read; and is to be read once more */
	uint64_t told;           /* how many were done with */
	struct loop_timer timer; /* the next one is due */
};

struct notices {
	struct loop *loop;
	struct store *store;
	struct journal *journal;
	SLIST_HEAD(, listener) listeners;
	unsigned pending; /* jobs of ours that the store has */
	bool freed;       /* the last of them frees */
};

/* ---- what the others call in the store's thread ---- */

int notice_decided(struct db *db, const char *alert_id, const char *state, const char *by,
		   bool silence, int64_t at_us)
{
	struct notice_row row = {.by = by, .silence = silence, .at_us = at_us};

	row.what = strcmp(state, "open") ? state : names[TC_DECIDED_REOPENED];
	tc_strcopy(row.alert_id, sizeof(row.alert_id), alert_id);
	return notice_insert(db, &row, !strcmp(state, "resolved") || !strcmp(state, "cancelled"));
}

static enum tc_decided decided_find(const char *name)
{
	unsigned i = 0;

	while (i < TC_DECIDED_COUNT - 1 && strcmp(names[i], name) != 0)
		i++;
	return (enum tc_decided)i;
}

/* ---- one notice ---- */

static void notice_free(struct notice *n)
{
	notice_row_fini(&n->row);
	alert_row_fini(&n->alert);
	json_decref(n->labels);
	free(n->text);
	free(n->reason);
	free(n);
}

static void listener_read(struct listener *l);

static void forget(struct notice *n)
{
	struct listener *l = n->listener;

	TAILQ_REMOVE(&l->telling, n, link);
	l->n--;
	l->told++;
	notice_free(n);
}

static void notices_release(struct notices *all)
{
	struct listener *l;

	if (!all->freed || all->pending)
		return;
	while ((l = SLIST_FIRST(&all->listeners))) {
		SLIST_REMOVE_HEAD(&all->listeners, link);
		while (!TAILQ_EMPTY(&l->telling))
			forget(TAILQ_FIRST(&l->telling));
		free(l);
	}
	free(all);
}

static int store_outcome(struct db *db, void *arg)
{
	struct notice *n = arg;
	int err;

	if (n->outcome == OUTCOME_LATER)
		err = notice_postpone(db, n->row.id, n->row.tries + 1, n->due_us);
	else
		err = notice_delete(db, n->row.id);
	return err || !n->event.text ? err : event_insert(db, &n->event);
}

static void outcome_stored(void *arg, int err)
{
	struct notice *n = arg;
	struct listener *l = n->listener;
	struct notices *all = l->notices;

	all->pending--;
	if (!err && n->event.text && !all->freed)
		journal_publish(all->journal, &n->event);
	/* when it could not be stored it is told once more: a repetition does no harm */
	forget(n);
	if (all->freed)
		notices_release(all);
	else if (err)
		loop_timer_start_us(&l->timer, STORE_RETRY_US);
	else
		listener_read(l);
}

/* The first failure is told to people, not each one. */
static void say(struct notice *n, const char *text)
{
	const char *instance = n->listener->instance->name, *what = n->row.what;
	bool later = n->outcome == OUTCOME_LATER;

	if (text && (!later || !n->row.tries)) {
		n->text = tc_strdup(text);
		n->reason = later ? tc_asprintf("trigger %s could not yet act upon '%s'; it is "
						"told again",
						instance, what)
				  : tc_asprintf("trigger %s was told of '%s'", instance, what);
	}
	if (later && !n->row.tries)
		tc_log(n->listener->instance, TC_LOG_WARN, "alert %s: '%s' is told again later: %s",
		       n->row.alert_id, what, text ? text : tc_strerror(n->err));
	else if (!later && n->err)
		tc_log(n->listener->instance, TC_LOG_ERROR, "alert %s: '%s' was refused: %s",
		       n->row.alert_id, what, text ? text : tc_strerror(n->err));
	else if (!later && n->row.tries)
		tc_log(n->listener->instance, TC_LOG_INFO, "alert %s: '%s' was told tries=%d",
		       n->row.alert_id, what, n->row.tries + 1);
}

static int64_t retry_us(int tries)
{
	int64_t us = RETRY_FIRST_US;

	while (tries-- > 0 && us < RETRY_MAX_US)
		us *= 2;
	return us < RETRY_MAX_US ? us : RETRY_MAX_US;
}

static void told(void *arg, int err, void *result, const char *text)
{
	struct notice *n = arg;
	struct notices *all = n->listener->notices;

	(void)result;
	n->op = NULL;
	if (err == -ECANCELED) { /* the process ends: the next one tells it */
		forget(n);
		return;
	}
	n->err = err;
	n->outcome = err == -EAGAIN || err == -ETIMEDOUT || err == TC_EUNSURE ? OUTCOME_LATER
									      : OUTCOME_OVER;
	n->due_us = loop_wall_us(all->loop) + retry_us(n->row.tries);
	say(n, text);
	n->event = (struct event_row){.at_us = loop_wall_us(all->loop),
				      .alert_id = n->row.alert_id,
				      .what = n->outcome == OUTCOME_LATER ? "alert.untold"
									  : "alert.told",
				      .text = n->text,
				      .reason = n->reason};
	all->pending++;
	if (!store_write(all->store, store_outcome, outcome_stored, n))
		return;
	all->pending--;
	loop_timer_start_us(&n->listener->timer, STORE_RETRY_US);
	forget(n);
}

static void tell(struct notice *n)
{
	const struct tc_instance *instance = n->listener->instance;
	const struct tc_trigger_ops *ops = instance->plugin->ops;
	int err;

	n->labels = json_loads(n->alert.labels ? n->alert.labels : "{}", 0, NULL);
	if (!n->labels)
		n->labels = json_object();
	n->decision = (struct tc_decision){.what = decided_find(n->row.what),
					   .alert_id = n->row.alert_id,
					   .dedup_key = n->alert.dedup_key,
					   .source = n->alert.source,
					   .labels = n->labels,
					   .message = n->alert.message ? n->alert.message : "",
					   .by = n->row.by,
					   .silence = n->row.silence,
					   .at_us = n->row.at_us};
	n->op = op_new(n->listener->instance, "decided", DEADLINE_MS, told, NULL, n);
	err = ops->decided(instance->state, n->op, &n->decision);
	if (err) {
		op_refused(n->op);
		told(n, err, NULL, NULL);
	}
}

/* ---- what is due ---- */

/* A question on its way through the store's reader. */
struct look {
	struct listener *listener;
	int64_t now_us, next_us; /* next_us: 0 = none */
	int limit;
	uint64_t told;
	struct notice_list found;
};

static void look_clear(struct look *look)
{
	struct notice *n;

	while ((n = TAILQ_FIRST(&look->found))) {
		TAILQ_REMOVE(&look->found, n, link);
		notice_free(n);
	}
}

static int add(const struct notice_row *row, void *arg)
{
	struct look *look = arg;
	struct notice *n = tc_alloc(sizeof(*n));

	n->listener = look->listener;
	n->row = *row;
	n->row.instance = tc_strdup(row->instance);
	n->row.what = tc_strdup(row->what);
	n->row.by = tc_strdup(row->by);
	TAILQ_INSERT_TAIL(&look->found, n, link);
	return 0;
}

static int look_run(struct db *db, void *arg)
{
	struct look *look = arg;
	const char *instance = look->listener->instance->name;
	struct notice *n;
	int err;

	look_clear(look);
	look->next_us = 0;
	err = notice_list_due(db, instance, look->now_us, look->limit, add, look);
	TAILQ_FOREACH (n, &look->found, link)
		if (err >= 0)
			err = alert_get(db, n->row.alert_id, &n->alert);
	if (err >= 0)
		err = notice_next_due(db, instance, look->now_us, &look->next_us);
	return err < 0 ? err : 0;
}

static bool is_told(const struct listener *l, int64_t id)
{
	struct notice *n;

	TAILQ_FOREACH (n, &l->telling, link)
		if (n->row.id == id)
			return true;
	return false;
}

/* The wall clock may be set: never wait longer than the longest back-off. */
static void sleep_until(struct listener *l, int64_t due_us)
{
	int64_t wait_us = due_us - loop_wall_us(l->notices->loop);

	if (wait_us > RETRY_MAX_US)
		wait_us = RETRY_MAX_US;
	loop_timer_start_us(&l->timer, wait_us > 0 ? wait_us : 0);
}

static void tell_all(struct listener *l, struct look *look)
{
	struct notice *n, *next;

	for (n = TAILQ_FIRST(&look->found); n; n = next) {
		next = TAILQ_NEXT(n, link);
		if (l->n == AT_ONCE || is_told(l, n->row.id))
			continue;
		assert(l->instance->open);
		TAILQ_REMOVE(&look->found, n, link);
		TAILQ_INSERT_TAIL(&l->telling, n, link);
		l->n++;
		tell(n);
	}
	if (look->next_us)
		sleep_until(l, look->next_us);
}

static void look_done(void *arg, int err)
{
	struct look *look = arg;
	struct listener *l = look->listener;
	struct notices *all = l->notices;

	all->pending--;
	l->reading = false;
	if (all->freed || !l->instance->open) {
		/* nothing is told any more: the process ends */
	} else if (err) {
		loop_timer_start_us(&l->timer, STORE_RETRY_US);
	} else if (l->told != look->told) {
		l->again = true; /* among these are some that are done with */
	} else {
		tell_all(l, look);
	}
	look_clear(look);
	free(look);
	if (all->freed)
		notices_release(all);
	else if (l->again)
		listener_read(l);
}

static void listener_read(struct listener *l)
{
	struct notices *all = l->notices;
	struct look *look;

	l->again = l->reading;
	if (l->reading || l->n == AT_ONCE || !l->instance->open)
		return; /* the end of one reads again */
	look = tc_alloc(sizeof(*look));
	look->listener = l;
	look->now_us = loop_wall_us(all->loop);
	look->limit = AT_ONCE + (int)l->n;
	look->told = l->told;
	TAILQ_INIT(&look->found);
	l->reading = true;
	all->pending++;
	if (!store_read(all->store, look_run, look_done, look))
		return;
	all->pending--;
	l->reading = false;
	loop_timer_start_us(&l->timer, STORE_RETRY_US);
	free(look);
}

static void on_timer(void *arg)
{
	listener_read(arg);
}

/* ---- at the start ---- */

/* A trigger that was taken out of the configuration will never hear of them. */
struct orphans {
	struct notices *notices;
	char *names[64]; /* owned */
	unsigned n;
	int64_t deleted;
};

static const struct listener *listener_find(const struct notices *all, const char *name)
{
	const struct listener *l;

	SLIST_FOREACH (l, &all->listeners, link)
		if (!strcmp(l->instance->name, name))
			return l;
	return NULL;
}

static int add_orphan(const char *instance, void *arg)
{
	struct orphans *o = arg;

	if (!listener_find(o->notices, instance) && o->n < sizeof(o->names) / sizeof(*o->names))
		o->names[o->n++] = tc_strdup(instance);
	return 0;
}

static void orphans_clear(struct orphans *o)
{
	while (o->n)
		free(o->names[--o->n]);
	o->deleted = 0;
}

/* The listeners do not change once they are made: the store's thread may look at them. */
static int run_start(struct db *db, void *arg)
{
	struct orphans *o = arg;
	int err;

	orphans_clear(o);
	err = notice_reset(db);
	if (!err)
		err = notice_instances(db, add_orphan, o);
	for (unsigned i = 0; i < o->n && !err; i++) {
		int64_t n = 0;

		err = notice_delete_all(db, o->names[i], &n);
		o->deleted += n;
	}
	return err;
}

static void started(void *arg, int err)
{
	struct orphans *o = arg;
	struct notices *all = o->notices;

	if (!err && o->deleted)
		tc_log(NULL, TC_LOG_WARN,
		       "what triggers were to be told that are no longer configured is dropped "
		       "trigger=%s notices=%lld",
		       o->names[0], (long long)o->deleted);
	orphans_clear(o);
	free(o);
	all->pending--;
	if (all->freed)
		notices_release(all);
	else
		notices_wake(all);
}

bool notice_wanted(const struct tc_instance *self)
{
	const struct tc_trigger_ops *ops = self->plugin->ops;

	return self->plugin->kind == TC_KIND_TRIGGER && ops && ops->decided;
}

struct notices *notices_new(struct loop *loop, struct store *store, struct journal *journal,
			    struct host *host)
{
	struct notices *all = tc_alloc(sizeof(*all));
	struct tc_instance *self;
	struct orphans *o;

	all->loop = loop;
	all->store = store;
	all->journal = journal;
	for (self = instance_next(host, NULL); self; self = instance_next(host, self)) {
		struct listener *l;

		if (!notice_wanted(self))
			continue;
		l = tc_alloc(sizeof(*l));
		l->notices = all;
		l->instance = self;
		TAILQ_INIT(&l->telling);
		loop_timer_init(&l->timer, loop, on_timer, l);
		SLIST_INSERT_HEAD(&all->listeners, l, link);
	}
	o = tc_alloc(sizeof(*o));
	o->notices = all;
	all->pending++;
	if (store_write(store, run_start, started, o)) {
		all->pending--;
		free(o);
		notices_wake(all);
	}
	return all;
}

void notices_free(struct notices *all)
{
	struct listener *l;
	struct notice *n, *next;

	if (!all)
		return;
	SLIST_FOREACH (l, &all->listeners, link) {
		loop_timer_stop(&l->timer);
		for (n = TAILQ_FIRST(&l->telling); n; n = next) {
			next = TAILQ_NEXT(n, link);
			if (n->op)
				op_cancel(n->op);
		}
	}
	all->freed = true;
	notices_release(all);
}

void notices_wake(struct notices *all)
{
	struct listener *l;

	if (!all)
		return;
	SLIST_FOREACH (l, &all->listeners, link)
		listener_read(l);
}
