/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every transition of a call is a record: a copy of the row, the alerts in it that have changed,
 * and events; committed in order. All records that wait go into one transaction. What could not be
 * committed is tried again until it is; what hangs on it waits.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "call/call.h"
#include "host/host.h"
#include "store/journal.h"
#include "store/store.h"

#define RETRY_US (500 * 1000)

struct record_event {
	STAILQ_ENTRY(record_event) link;
	struct event_row row;
	char alert_id[TC_ID_SIZE];
	char *text, *reason;     /* owned */
};

/* An alert as it is in the call. */
struct record_told {
	struct call_told row;
	char pressed[16];
	bool insert;
};

struct record {
	STAILQ_ENTRY(record) link;
	struct call *call;
	struct call_row row;     /* its strings: owned below, or constant */
	char *number, *contact_id, *trunk, *cause, *ref, *keys; /* owned */
	bool insert;
	enum { DEFER_SAME, DEFER_ON, DEFER_OFF } defer;
	int64_t deferred_us;
	char *deferred_why; /* owned */
	struct record_told *told; /* owned; n of them */
	size_t n;
	STAILQ_HEAD(, record_event) events;
	void (*then)(struct call *call);
};

/* ---- what is recorded ---- */

static void fill_row(struct record *r, const struct call *call)
{
	struct call_row *row = &r->row;
	const struct ride *first = TAILQ_FIRST(&call->rides);

	tc_strcopy(row->id, sizeof(row->id), call->id);
	tc_strcopy(row->alert_id, sizeof(row->alert_id), call->alert_id);
	row->contact_id = r->contact_id = tc_strdup(call->contact_id);
	row->number = r->number = tc_strdup(call->number);
	row->trunk = r->trunk = tc_strdup(call->trunk ? call->trunk->instance->name : NULL);
	row->state = call_state_name(call->state);
	row->result = call->state == CALL_ENDED ? call_result_name(call->result) : NULL;
	row->sip = call->sip;
	row->q850 = call->q850;
	row->cause = r->cause = call->cause[0] ? tc_strdup(call->cause) : NULL;
	row->ref = r->ref = tc_strdup(call->ref);
	row->attempt = first ? first->attempt : 1;
	row->created_us = call->created_us;
	row->placed_us = call->placed_us;
	row->ringing_us = call->ringing_us;
	row->answered_us = call->answered_us;
	row->ended_us = call->ended_us;
	row->spoken_ms = call->spoken_ms;
	row->keys = r->keys = tc_strdup(call->keys.data);
}

static void fill_told(struct record_told *t, struct ride *ride)
{
	tc_strcopy(t->row.call_id, sizeof(t->row.call_id), ride->call->id);
	tc_strcopy(t->row.alert_id, sizeof(t->row.alert_id), ride->alert_id);
	tc_strcopy(t->pressed, sizeof(t->pressed), ride->pressed);
	t->row.serial = ride->serial;
	t->row.attempt = ride->attempt;
	t->row.joined_us = ride->joined_us;
	if (ride->call->state == CALL_ENDED) { /* before, a key's consequence is yet to come */
		t->row.result = call_result_name(ride->result);
		t->row.use = (int)ride->use;
	}
	t->row.pressed = t->pressed;
	t->insert = !ride->stored;
	ride->stored = true;
}

static void take_changes(struct record *r, struct call *call)
{
	struct ride *ride;
	size_t n = 0;

	STAILQ_FOREACH(ride, &call->changed, change)
		n++;
	r->told = tc_calloc(n + 1, sizeof(*r->told));
	while ((ride = STAILQ_FIRST(&call->changed))) {
		STAILQ_REMOVE_HEAD(&call->changed, change);
		ride->changed = false;
		fill_told(&r->told[r->n++], ride);
	}
}

static void take_deferral(struct record *r, struct call *call)
{
	bool deferred = call->state == CALL_DEFERRED;

	if (deferred) {
		r->defer = DEFER_ON;
		r->deferred_us = call->deferred_us;
		r->deferred_why = tc_strdup(call->deferred_why);
	} else if (call->defer_stored) {
		r->defer = DEFER_OFF;
	}
	call->defer_stored = deferred;
}

static void event_free(struct record_event *e)
{
	free(e->text);
	free(e->reason);
	free(e);
}

static void record_free(struct record *r)
{
	struct record_event *e;

	while ((e = STAILQ_FIRST(&r->events))) {
		STAILQ_REMOVE_HEAD(&r->events, link);
		event_free(e);
	}
	free(r->told);
	free(r->deferred_why);
	free(r->number);
	free(r->contact_id);
	free(r->trunk);
	free(r->cause);
	free(r->ref);
	free(r->keys);
	free(r);
}

static void add_event(struct call *call, const char *alert_id, const char *what,
		      const char *reason, char *text)
{
	struct record_event *e = tc_alloc(sizeof(*e));

	tc_strcopy(e->alert_id, sizeof(e->alert_id), alert_id);
	e->text = text;
	e->reason = tc_strdup(reason);
	e->row = (struct event_row){.at_us = loop_wall_us(call->caller->deps.loop),
				    .alert_id = e->alert_id,
				    .call_id = call->id,
				    .what = what,
				    .text = e->text,
				    .reason = e->reason};
	STAILQ_INSERT_TAIL(&call->events, e, link);
}

void call_event(struct call *call, const char *alert_id, const char *what, const char *reason,
		const char *fmt, ...)
{
	struct tc_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	tc_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	add_event(call, alert_id, what, reason, tc_buf_take(&text));
}

/* ---- in the store's thread ---- */

static int run_told(struct db *db, const struct record *r)
{
	int err = 0;

	for (size_t i = 0; i < r->n && !err; i++)
		err = r->told[i].insert ? call_told_insert(db, &r->told[i].row)
					: call_told_update(db, &r->told[i].row);
	return err;
}

static int run_deferral(struct db *db, const struct record *r)
{
	int err = call_deferral_drop(db, r->row.id);

	if (!err && r->defer == DEFER_ON)
		err = call_deferral_put(db, r->row.id, r->deferred_us, r->deferred_why);
	return err;
}

/*
 * The row as it is after the last of them; what came in between is in the events. The loop adds to
 * the list of records meanwhile: these here are the thread's.
 */
static int run(struct db *db, void *arg)
{
	struct record *const *all = ((struct call *)arg)->batch;
	const struct call_row *row;
	struct record_event *e;
	size_t n = 0;
	int err;

	do
		n++; /* there is one at least */
	while (all[n]);
	row = &all[n - 1]->row;
	err = all[0]->insert ? call_insert(db, row) : call_update(db, row);
	for (size_t i = 0; i < n && !err; i++) {
		err = run_told(db, all[i]);
		if (!err && all[i]->defer)
			err = run_deferral(db, all[i]);
		STAILQ_FOREACH(e, &all[i]->events, link)
			if (!err)
				err = event_insert(db, &e->row);
	}
	return err;
}

/* ---- on the loop ---- */

static void submit(void *arg);

/* It is at the head still: what is recorded in then waits, and the call stays. */
static void finish(struct record *r, bool publish)
{
	struct call *call = r->call;
	struct record_event *e;

	STAILQ_FOREACH(e, &r->events, link)
		if (publish)
			journal_publish(call->caller->deps.journal, &e->row);
	if (r->then)
		r->then(call);
	STAILQ_REMOVE_HEAD(&call->records, link);
	record_free(r);
}

static void done(void *arg, int err)
{
	struct call *call = arg;

	/*
	 * the commit may have happened although the answer was lost: then the rows are there
	 * already. It is the same records that are tried again
	 */
	if (err == -EEXIST) {
		tc_log(NULL, TC_LOG_WARN, "call %s: its row was there already", call->id);
		err = 0;
	}
	if (err && err != -EPERM) {
		if (!call->told)
			tc_log(NULL, TC_LOG_ERROR, "call %s: cannot be recorded, trying again: %s",
			       call->id, tc_strerror(err));
		call->told = true;
		loop_timer_start_us(&call->retry, RETRY_US);
		return;
	}
	call->told = false;
	for (size_t i = 0; call->batch[i]; i++)
		finish(call->batch[i], !err);
	free(call->batch);
	call->batch = NULL;
	if (!STAILQ_EMPTY(&call->records))
		submit(call);
	else if (call->done)
		call_free(call);
}

static struct record **batch_of(const struct call *call)
{
	struct record **all, *r;
	size_t n = 0;

	STAILQ_FOREACH(r, &call->records, link)
		n++;
	all = tc_calloc(n + 1, sizeof(*all));
	n = 0;
	STAILQ_FOREACH(r, &call->records, link)
		all[n++] = r;
	return all;
}

/*
 * One transaction at a time: a record never overtakes another one of its call. What was submitted
 * once stays together.
 */
static void submit(void *arg)
{
	struct call *call = arg;

	if (!call->batch)
		call->batch = batch_of(call);
	if (call->unrecorded)
		done(call, -EPERM);
	else if (store_write(call->caller->deps.store, run, done, call))
		loop_timer_start_us(&call->retry, RETRY_US);
}

void call_record(struct call *call, const char *what, const char *reason,
		 void (*then)(struct call *call), const char *fmt, ...)
{
	struct record *r = tc_alloc(sizeof(*r));
	struct tc_buf text = {0};
	va_list ap;

	r->call = call;
	r->then = then;
	r->insert = !call->created_us;
	if (r->insert)
		call->created_us = loop_wall_us(call->caller->deps.loop);
	fill_row(r, call);
	take_changes(r, call);
	take_deferral(r, call);
	va_start(ap, fmt);
	tc_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (what)
		add_event(call, call->alert_id, what, reason, tc_buf_take(&text));
	tc_buf_fini(&text);
	STAILQ_INIT(&r->events);
	STAILQ_CONCAT(&r->events, &call->events);
	if (!call->retry.fn)
		loop_timer_init(&call->retry, call->caller->deps.loop, submit, call);
	STAILQ_INSERT_TAIL(&call->records, r, link);
	if (STAILQ_FIRST(&call->records) != r)
		return;
	if (call->unrecorded) /* never in the caller's own frame */
		loop_timer_start_us(&call->retry, 0);
	else
		submit(call);
}

void call_release(struct call *call)
{
	call->done = true;
	if (STAILQ_EMPTY(&call->records))
		call_free(call);
}

void record_drop(struct call *call)
{
	struct record_event *e;
	struct record *r;

	free(call->batch);
	call->batch = NULL;
	while ((r = STAILQ_FIRST(&call->records))) {
		STAILQ_REMOVE_HEAD(&call->records, link);
		record_free(r);
	}
	while ((e = STAILQ_FIRST(&call->events))) {
		STAILQ_REMOVE_HEAD(&call->events, link);
		event_free(e);
	}
}
