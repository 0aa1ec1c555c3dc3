/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every transition of a call is a record: a copy of the row and an event, committed in one
 * transaction, in order. A record that could not be committed is tried again until it is; what
 * hangs on it waits.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "call/call.h"
#include "host/host.h"
#include "store/journal.h"
#include "store/store.h"

#define RETRY_US (500 * 1000)

struct record {
	STAILQ_ENTRY(record) link;
	struct call *call;
	struct call_row row;     /* its strings: owned below, or constant */
	struct call_told saved;
	char *number, *contact_id, *trunk, *cause, *ref, *keys, *pressed; /* owned */
	bool insert;
	bool told;               /* that it cannot be committed */
	bool has_event;
	struct event_row event;
	char *text, *reason;     /* owned */
	void (*then)(struct call *call);
};

static void fill_row(struct record *r, const struct call *call)
{
	struct call_row *row = &r->row;

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
	row->attempt = call->attempt;
	row->created_us = call->created_us;
	row->placed_us = call->placed_us;
	row->ringing_us = call->ringing_us;
	row->answered_us = call->answered_us;
	row->ended_us = call->ended_us;
	row->spoken_ms = call->spoken_ms;
	row->keys = r->keys = tc_strdup(call->keys.data);
	tc_strcopy(r->saved.call_id, sizeof(r->saved.call_id), call->id);
	tc_strcopy(r->saved.alert_id, sizeof(r->saved.alert_id), call->alert_id);
	r->saved.serial = call->serial;
	r->saved.attempt = call->attempt;
	r->saved.joined_us = call->created_us;
	r->saved.result = row->result;
	r->saved.use = (int)call->use;
	r->saved.pressed = r->pressed = tc_strdup(call->pressed.data);
}

static void record_free(struct record *r)
{
	free(r->number);
	free(r->contact_id);
	free(r->trunk);
	free(r->cause);
	free(r->ref);
	free(r->keys);
	free(r->pressed);
	free(r->text);
	free(r->reason);
	free(r);
}

static int run(struct db *db, void *arg)
{
	struct record *r = arg;
	int err = r->insert ? call_insert(db, &r->row) : call_update(db, &r->row);

	if (!err)
		err = r->insert ? call_told_insert(db, &r->saved) : call_told_update(db, &r->saved);
	if (!err && r->has_event)
		err = event_insert(db, &r->event);
	return err;
}

static void submit(void *arg);

static void done(void *arg, int err)
{
	struct record *r = arg;
	struct call *call = r->call;

	/*
	 * the commit may have happened although the answer was lost: then the row is there already
	 */
	if (err == -EEXIST && r->insert) {
		tc_log(NULL, TC_LOG_WARN, "call %s: its row was there already", call->id);
		err = 0;
	}
	if (err && err != -EPERM) {
		if (!r->told)
			tc_log(NULL, TC_LOG_ERROR, "call %s: cannot be recorded, trying again: %s",
			       call->id, tc_strerror(err));
		r->told = true;
		loop_timer_start_us(&call->retry, RETRY_US);
		return;
	}
	if (r->has_event && !err)
		journal_publish(call->caller->deps.journal, &r->event);
	if (r->then)
		r->then(call); /* it is still at the head: what is recorded now waits, and the call
				  stays */
	STAILQ_REMOVE_HEAD(&call->records, link);
	record_free(r);
	if (!STAILQ_EMPTY(&call->records))
		submit(call);
	else if (call->done)
		call_free(call);
}

/* One at a time: a record never overtakes another one of its call. */
static void submit(void *arg)
{
	struct call *call = arg;
	struct record *r = STAILQ_FIRST(&call->records);

	if (store_write(call->caller->deps.store, run, done, r))
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
	va_start(ap, fmt);
	tc_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	r->text = tc_buf_take(&text);
	r->reason = tc_strdup(reason);
	r->has_event = what != NULL;
	r->event = (struct event_row){.at_us = loop_wall_us(call->caller->deps.loop),
				      .alert_id = r->row.alert_id,
				      .call_id = r->row.id,
				      .what = what,
				      .text = r->text,
				      .reason = r->reason};
	if (!call->retry.fn)
		loop_timer_init(&call->retry, call->caller->deps.loop, submit, call);
	STAILQ_INSERT_TAIL(&call->records, r, link);
	if (STAILQ_FIRST(&call->records) == r)
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
	struct record *r;

	while ((r = STAILQ_FIRST(&call->records))) {
		STAILQ_REMOVE_HEAD(&call->records, link);
		record_free(r);
	}
}
