/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call that has come in, as an object: its birth, its events and its end. Whether there is one at
 * all is decided in inbound.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call/menu.h"
#include "host/metrics.h"
#include "store/journal.h"
#include "store/store.h"

#define END_MS 10000 /* for the trunk to report the end that was asked for */

const struct config_inbound *incoming_config(const struct incoming *call)
{
	return &call->inbound->caller->deps.config->inbound;
}

/* ---- events ---- */

struct note {
	struct journal *journal;
	struct event_row row;
	char alert_id[TC_ID_SIZE], call_id[TC_ID_SIZE];
	char *text; /* owned */
};

static void note_free(struct note *note)
{
	free(note->text);
	free(note);
}

static int note_run(struct db *db, void *arg)
{
	return event_insert(db, &((struct note *)arg)->row);
}

static void note_done(void *arg, int err)
{
	struct note *note = arg;

	if (!err)
		journal_publish(note->journal, &note->row);
	note_free(note);
}

/* text: taken */
void inbound_note(const struct inbound *in, const char *call_id, const char *what,
		 const char *alert_id, const char *reason, char *text)
{
	const struct caller_deps *deps = &in->caller->deps;
	struct note *n = tc_alloc(sizeof(*n));

	n->journal = deps->journal;
	n->text = text;
	tc_strcopy(n->call_id, sizeof(n->call_id), call_id);
	tc_strcopy(n->alert_id, sizeof(n->alert_id), alert_id ? alert_id : "");
	n->row = (struct event_row){.at_us = loop_wall_us(deps->loop),
				    .alert_id = alert_id ? n->alert_id : NULL,
				    .call_id = n->call_id,
				    .what = what,
				    .text = n->text,
				    .reason = reason};
	if (store_write(deps->store, note_run, note_done, n))
		note_free(n);
}

void incoming_note(struct incoming *call, const char *what, const char *alert_id,
		   const char *reason, const char *fmt, ...)
{
	struct tc_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	tc_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	inbound_note(call->inbound, call->id, what, alert_id, reason, tc_buf_take(&text));
}

void inbound_count(const char *result)
{
	char labels[64] = "";

	metrics_label(labels, sizeof(labels), "result", result);
	metrics_count("tocsin_inbound_calls_total",
		      "Calls that came in: refused, known, unknown or failed.", labels, 1);
}

const char *incoming_who(const struct incoming *call, char buf[200])
{
	const char *number = call->number[0] ? call->number : "a withheld number";

	if (call->contact)
		snprintf(buf, 200, "%.120s (%s)", call->name, number);
	else
		snprintf(buf, 200, "%s", number);
	return buf;
}

/* ---- birth and end ---- */

static void limit_reached(void *arg);

struct incoming *incoming_new(struct inbound *in, struct trunk *trunk,
			      const struct tc_pbx_event *event, const char *plain)
{
	struct incoming *call = tc_alloc(sizeof(*call));

	call->inbound = in;
	call->trunk = trunk;
	tc_strcopy(call->id, sizeof(call->id), event->call_id);
	tc_strcopy(call->number, sizeof(call->number), event->number);
	tc_strcopy(call->plain, sizeof(call->plain), plain);
	call->values = json_pack("{s:s, s:s}", "name", "", "number", call->number);
	say_init(call);
	loop_timer_init(&call->limit, in->caller->deps.loop, limit_reached, call);
	TAILQ_INSERT_TAIL(&in->list, call, link);
	in->n++;
	return call;
}

void incoming_free(struct incoming *call)
{
	TAILQ_REMOVE(&call->inbound->list, call, link);
	call->inbound->n--;
	say_fini(call);
	menu_fini(call);
	loop_timer_stop(&call->limit);
	loop_timer_stop(&call->pin);
	keying_forget(&call->keying);
	json_decref(call->values);
	free(call->name);
	free(call->language);
	free(call->voice);
	free(call);
}

void incoming_over(struct incoming *call)
{
	struct inbound *in = call->inbound;
	int64_t now_us = loop_now_us(in->caller->deps.loop);
	char who[200];

	if (call->answered) {
		incoming_note(call, "inbound.ended", NULL, NULL,
			      "the call from %s is over: %zu alerts, %u decided",
			      incoming_who(call, who), call->n, call->decided);
		inbound_count(call->known ? "known" : call->excused ? "failed" : "unknown");
	} else {
		inbound_count("failed");
	}
	if (call->known)
		gate_passed(in->gate, call->plain);
	else if (call->answered && !call->excused)
		gate_failed(in->gate, call->plain, now_us,
			    incoming_config(call)->flood_window * 1000);
	incoming_free(call);
}

static void limit_reached(void *arg)
{
	struct incoming *call = arg;

	if (call->hung_up)
		incoming_over(call);
	else
		incoming_hang_up(call);
}

void incoming_limit(struct incoming *call, int64_t limit_ms)
{
	loop_timer_start_us(&call->limit, limit_ms * 1000);
}

void incoming_hang_up(struct incoming *call)
{
	if (call->hung_up)
		return;
	call->hung_up = true;
	call->state = IN_LEAVING;
	loop_timer_stop(&call->pin);
	trunk_hangup(call->trunk, call->id);
	incoming_limit(call, END_MS);
}
