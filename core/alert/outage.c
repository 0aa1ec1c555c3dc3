/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An outage of the store; see outage.h. People are called one after the other, and what happens is
 * noted here; it is lost only if the process ends before the store is back.
 */
#include "alert/outage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "alert/alert.h"
#include "call/page.h"
#include "host/config.h"
#include "host/host.h"
#include "host/id.h"
#include "host/loop.h"
#include "oncall/oncall.h"
#include "oncall/people.h"
#include "oncall/policy.h"
#include "store/alert_repo.h"
#include "store/event_repo.h"
#include "store/journal.h"
#include "store/store.h"

#define KEY        "self/store"
#define SOURCE     "tocsin"
#define NOTES_MAX  500
#define CHAINS_MAX 100 /* targets of a policy */

/* What will be an event of the alert. */
struct note {
	STAILQ_ENTRY(note) link;
	char *text, *reason; /* owned; reason may be NULL */
	struct event_row row;
};

STAILQ_HEAD(notes, note);

/* What is written down at the end. */
struct record {
	struct outage *outage; /* NULL: nobody waits for it */
	struct journal *journal;
	struct alert_row row; /* its texts are owned */
	struct notes notes;
	bool writing; /* the store has it */
};

struct outage {
	const struct self_deps *deps;
	bool on;
	char id[TC_ID_SIZE];
	char *message; /* owned */
	int64_t since_us;
	struct people chains[CHAINS_MAX];
	size_t n_chains, chain, person; /* who is being called: a person of a chain */
	struct page *page;              /* NULL: nobody */
	int serial;
	/* what a page has told, until it is acted upon */
	struct loop_timer act;
	bool pressed, done;
	enum page_key key;
	char call_id[TC_ID_SIZE];
	char *why; /* owned; the page is done */
	char *by;  /* owned; who has acknowledged, NULL = nobody */
	int64_t by_us;
	struct notes notes;
	unsigned n_notes;
	struct record *record; /* on its way to the store */
};

/* ---- notes ---- */

static void notes_free(struct notes *notes)
{
	struct note *n;

	while ((n = STAILQ_FIRST(notes))) {
		STAILQ_REMOVE_HEAD(notes, link);
		free(n->text);
		free(n->reason);
		free(n);
	}
}

static void note_at(struct outage *o, int64_t at_us, const char *what, const char *reason,
		    const char *fmt, ...) TC_PRINTF(5, 6);
static void note_at(struct outage *o, int64_t at_us, const char *what, const char *reason,
		    const char *fmt, ...)
{
	struct tc_buf text = {0};
	struct note *n;
	va_list ap;

	va_start(ap, fmt);
	tc_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	tc_log(NULL, TC_LOG_WARN, "the store is away: alert %s: %s: %s", o->id, what, text.data);
	if (o->n_notes++ >= NOTES_MAX) {
		tc_buf_fini(&text);
		return;
	}
	n = tc_alloc(sizeof(*n));
	n->text = tc_buf_take(&text);
	n->reason = tc_strdup(reason);
	n->row = (struct event_row){
		.at_us = at_us, .what = what, .text = n->text, .reason = n->reason};
	STAILQ_INSERT_TAIL(&o->notes, n, link);
}

#define note(o, what, reason, ...)                                                                 \
	note_at(o, loop_wall_us((o)->deps->loop), what, reason, __VA_ARGS__)

/* ---- whom to call ---- */

static void find(struct outage *o, const char *text)
{
	struct target target;
	char fault[160];

	if (o->n_chains == CHAINS_MAX)
		return;
	if (target_parse(text, &target, fault, sizeof(fault))) {
		note(o, "escalation.nobody", NULL, "%s", fault);
		return;
	}
	people_find(o->deps->oncall, &target, loop_wall_us(o->deps->loop), &o->chains[o->n_chains]);
	if (o->chains[o->n_chains].fault)
		note(o, "escalation.nobody", NULL, "%s", o->chains[o->n_chains].fault);
	o->n_chains++;
}

static void find_policy(struct outage *o, const char *name)
{
	const struct document *doc = documents_named(oncall_policies(o->deps->oncall), name);
	const struct policy *policy = doc ? doc->compiled : NULL;
	const struct policy_step *steps = policy ? policy->fields.steps.v : NULL;

	if (!policy)
		note(o, "escalation.nobody", NULL, "there is no policy '%.100s'", name);
	for (size_t i = 0; policy && i < policy->fields.steps.n; i++)
		for (size_t k = 0; k < steps[i].targets.n; k++)
			find(o, steps[i].targets.v[k]);
}

static void find_all(struct outage *o)
{
	const char *text = o->deps->config->target;
	struct target target;
	char fault[160];

	if (!target_parse(text, &target, fault, sizeof(fault)) && target.kind == TARGET_POLICY)
		find_policy(o, target.name);
	else
		find(o, text);
}

/* ---- calling ---- */

static void on_key(void *arg, struct page *page, const char *call_id, enum page_key key,
		   const char *how)
{
	struct outage *o = arg;

	(void)page;
	(void)how;
	o->pressed = true;
	o->key = key;
	tc_strcopy(o->call_id, sizeof(o->call_id), call_id);
	loop_timer_start_us(&o->act, 0);
}

static void on_done(void *arg, const char *reason)
{
	struct outage *o = arg;

	o->done = true;
	free(o->why);
	o->why = tc_strdup(reason);
	loop_timer_start_us(&o->act, 0);
}

static const struct page_events events = {.key = on_key, .done = on_done};

static void call(struct outage *o, const struct person *p)
{
	json_t *values = json_pack("{s:s, s:s, s:{}}", "message", o->message, "severity",
				   "critical", "labels");
	const struct page_request request = {
		.alert_id = o->id,
		.serial = ++o->serial,
		.person = {.contact_id = p->contact_id,
			   .name = p->name,
			   .numbers = p->numbers,
			   .n = p->n_numbers,
			   .language = p->language,
			   .voice = p->voice,
			   .pin = p->pin},
		.message = o->message,
		.severity = "critical",
		.values = values,
		.unrecorded = true,
	};

	note(o, "escalation.next", "nothing can be recorded just now", "calls %s", p->name);
	o->page = page_start(o->deps->caller, &request, &events, o);
	json_decref(values);
}

static void call_next(struct outage *o)
{
	for (; o->chain < o->n_chains; o->chain++, o->person = 0) {
		const struct people *people = &o->chains[o->chain];

		if (o->person < people->n) {
			call(o, &people->v[o->person++]);
			return;
		}
	}
	note(o, "alert.exhausted", NULL, "everybody was tried, nobody pressed a key");
}

static void end_page(struct outage *o, const char *state)
{
	if (o->page)
		page_stop(o->page, state);
	o->page = NULL;
	o->pressed = o->done = false;
}

static void act_on_key(struct outage *o)
{
	bool on = o->key == PAGE_KEY_ESCALATE;
	const char *state = on ? "escalated" : "acknowledged";

	note(o, on ? "alert.escalated" : "alert.acknowledged",
	     "key pressed in the call, while the store was away", "%s by %s", state,
	     page_who(o->page));
	if (!on) {
		o->by = tc_strdup(page_who(o->page));
		o->by_us = loop_wall_us(o->deps->loop);
	}
	call_confirm(o->deps->caller, o->call_id, o->id, state);
	end_page(o, state);
	if (on)
		call_next(o);
}

/* What a page tells is acted upon outside of its call. */
static void on_act(void *arg)
{
	struct outage *o = arg;

	if (!o->page)
		return;
	if (o->pressed) {
		act_on_key(o);
		return;
	}
	note(o, "escalation.next", NULL, "%s was not reached: %s", page_who(o->page),
	     o->why ? o->why : "");
	end_page(o, "goodbye");
	call_next(o);
}

void outage_begin(struct outage *o, int64_t since_us, const char *why)
{
	char at[16];

	if (o->on || o->record) /* also while the last one is being written down */
		return;
	o->on = true;
	o->since_us = since_us;
	id_new(o->id, since_us);
	snprintf(at, sizeof(at), "%02d:%02d UTC", (int)(since_us / 1000000 / 3600 % 24),
		 (int)(since_us / 1000000 / 60 % 60));
	o->message = tc_asprintf("Tocsin: the store has not been working since %s: %.200s. No "
				 "alert can be taken in.",
				 at, why);
	note_at(o, since_us, "alert.raised", NULL, "raised by " SOURCE);
	find_all(o);
	call_next(o);
}

/* ---- writing it down ---- */

static void record_free(struct record *r)
{
	notes_free(&r->notes);
	alert_row_fini(&r->row);
	free(r);
}

static int run_record(struct db *db, void *arg)
{
	struct record *r = arg;
	struct note *n;
	int err = alert_insert(db, &r->row);

	if (err == -EEXIST)
		return 0; /* a commit was done and reported as lost */
	STAILQ_FOREACH (n, &r->notes, link) {
		n->row.alert_id = r->row.id;
		if (!err)
			err = event_insert(db, &n->row);
	}
	return err;
}

static void recorded(void *arg, int err)
{
	struct record *r = arg;
	struct note *n;

	r->writing = false;
	if (err && r->outage)
		return; /* outage_end() comes again */
	STAILQ_FOREACH (n, &r->notes, link)
		if (!err && n->row.id)
			journal_publish(r->journal, &n->row);
	if (r->outage)
		r->outage->record = NULL;
	record_free(r);
}

static struct record *record_new(struct outage *o)
{
	struct record *r = tc_alloc(sizeof(*r));

	r->outage = o;
	r->journal = o->deps->journal;
	STAILQ_INIT(&r->notes);
	STAILQ_CONCAT(&r->notes, &o->notes);
	r->row = (struct alert_row){
		.state = tc_strdup("resolved"),
		.message = tc_strdup(o->message),
		.target = tc_strdup(o->deps->config->target ? o->deps->config->target : "-"),
		.strategy = tc_strdup("call"),
		.severity = tc_strdup("critical"),
		.source = tc_strdup(SOURCE),
		.dedup_key = tc_strdup(KEY),
		.labels = tc_strdup("{\"alertname\":\"TocsinDown\",\"kind\":\"store\"}"),
		.created_us = o->since_us,
		.updated_us = loop_wall_us(o->deps->loop),
		.acknowledged_by = tc_strdup(o->by),
		.acknowledged_us = o->by_us,
	};
	tc_strcopy(r->row.id, sizeof(r->row.id), o->id);
	return r;
}

static void forget(struct outage *o)
{
	loop_timer_stop(&o->act);
	notes_free(&o->notes);
	while (o->n_chains)
		people_free(&o->chains[--o->n_chains]);
	free(o->message);
	free(o->why);
	free(o->by);
	o->message = o->why = o->by = NULL;
	o->by_us = 0;
	o->chain = o->person = 0;
	o->serial = 0;
	o->n_notes = 0;
	o->on = false;
}

void outage_end(struct outage *o)
{
	struct record *r;

	if (o->on) {
		end_page(o, "resolved");
		note(o, "alert.resolved", NULL, "the store works again");
		o->record = record_new(o);
		forget(o);
	}
	r = o->record;
	if (!r || r->writing)
		return;
	r->writing = !store_write(o->deps->store, run_record, recorded, r);
}

/* ---- the whole ---- */

struct outage *outage_new(const struct self_deps *deps)
{
	struct outage *o = tc_alloc(sizeof(*o));

	o->deps = deps;
	STAILQ_INIT(&o->notes);
	loop_timer_init(&o->act, deps->loop, on_act, o);
	return o;
}

void outage_free(struct outage *o)
{
	struct record *r = o->record;

	forget(o); /* a page goes with the caller */
	if (r) {
		r->outage = NULL;
		if (!r->writing)
			record_free(r);
	}
	free(o);
}
