/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that come in: whether they are answered, what the trunk reports about them, and their end.
 * What is talked about is in identify.c and menu.c.
 */
#include "call/inbound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include <tocsin/log.h>

#include "call/menu.h"
#include "host/metrics.h"
#include "store/journal.h"
#include "store/store.h"

#define ANSWER_MS 20000          /* for the trunk to report that it has answered */
#define TALK_MS (20 * 60 * 1000) /* nobody listens to alerts for longer */
#define END_MS 10000             /* for the trunk to report the end that was asked for */

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
static void note(const struct inbound *in, const char *call_id, const char *what,
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
	note(call->inbound, call->id, what, alert_id, reason, tc_buf_take(&text));
}

static void count(const char *result)
{
	char labels[64] = "";

	metrics_label(labels, sizeof(labels), "result", result);
	metrics_count("tocsin_inbound_calls_total",
		      "Calls that came in, by what became of them: refused, known, unknown, failed.",
		      labels, 1);
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

/* ---- the calls ---- */

static struct incoming *find(const struct inbound *in, const char *id)
{
	struct incoming *call;

	TAILQ_FOREACH (call, &in->list, link)
		if (!strcmp(call->id, id))
			return call;
	return NULL;
}

static void incoming_free(struct incoming *call)
{
	TAILQ_REMOVE(&call->inbound->list, call, link);
	call->inbound->n--;
	say_fini(call);
	menu_fini(call);
	loop_timer_stop(&call->limit);
	loop_timer_stop(&call->pin);
	OPENSSL_cleanse(call->digits, sizeof(call->digits));
	json_decref(call->values);
	free(call->name);
	free(call->language);
	free(call->voice);
	free(call);
}

/* It is over: by the trunk's word, or because the trunk says nothing any more. */
static void over(struct incoming *call)
{
	struct inbound *in = call->inbound;
	int64_t now_us = loop_now_us(in->caller->deps.loop);
	char who[200];

	if (call->answered) {
		incoming_note(call, "inbound.ended", NULL, NULL,
			      "the call from %s is over: %zu alerts, %u decided",
			      incoming_who(call, who), call->n, call->decided);
		count(call->known ? "known" : call->excused ? "failed" : "unknown");
	} else {
		count("failed");
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
		over(call);
	else
		incoming_hang_up(call);
}

static void set_limit(struct incoming *call, int64_t limit_ms)
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
	set_limit(call, END_MS);
}

/* ---- arriving ---- */

static bool allowed(const struct config_inbound *config, const char *plain)
{
	char begin[NUMBER_PLAIN_SIZE];

	for (size_t i = 0; i < config->allow.n; i++)
		if (number_plain(begin, config->allow.v[i], config->country_code) &&
		    !strncmp(plain, begin, strlen(begin)))
			return true;
	return !config->allow.n;
}

/* Why it is not answered; NULL: it is. *told: the event was already written for one like it. */
static const char *why_not(struct inbound *in, const char *number, const char *plain, bool *told)
{
	const struct caller_deps *deps = &in->caller->deps;
	const struct config_inbound *config = &deps->config->inbound;
	bool known, first = true;

	*told = false;
	if (!config->enabled)
		return "calls are not answered: call.inbound.enabled";
	if (!allowed(config, plain))
		return "the number is not in call.inbound.allow";
	if (in->n >= (unsigned)config->max_calls)
		return "too many callers at one time: call.inbound.max_calls";
	known = directory_find_number(deps->directory, number, NULL) != NULL;
	if (!gate_refuses(in->gate, plain, known, (unsigned)config->flood_calls,
			  loop_now_us(deps->loop), &first))
		return NULL;
	*told = !first;
	return "too many calls of unknown callers: call.inbound.flood_calls";
}

static void refuse(struct inbound *in, struct trunk *trunk, const struct tc_pbx_event *event,
		   const char *why, bool told)
{
	char masked[40];

	trunk_hangup(trunk, event->call_id);
	count("refused");
	tc_log(trunk->instance, TC_LOG_INFO, "call %s from %s is refused: %s", event->call_id,
	       tc_log_number(masked, sizeof(masked), event->number), why);
	if (!told)
		note(in, event->call_id, "inbound.refused", NULL, why,
		     tc_asprintf("a call from %s was refused",
				 event->number[0] ? event->number : "a withheld number"));
}

static void arrive(struct inbound *in, struct trunk *trunk, const struct tc_pbx_event *event,
		   const char *plain)
{
	struct incoming *call = tc_alloc(sizeof(*call));
	char masked[40];
	int err;

	call->inbound = in;
	call->trunk = trunk;
	tc_strcopy(call->id, sizeof(call->id), event->call_id);
	tc_strcopy(call->number, sizeof(call->number), event->number);
	tc_strcopy(call->plain, sizeof(call->plain), plain);
	call->values = json_pack("{s:s, s:s}", "name", "", "number", call->number);
	loop_timer_init(&call->limit, in->caller->deps.loop, limit_reached, call);
	TAILQ_INSERT_TAIL(&in->list, call, link);
	in->n++;
	err = trunk_answer(trunk, call->id);
	tc_log(trunk->instance, err ? TC_LOG_ERROR : TC_LOG_INFO, "call %s from %s%s%s", call->id,
	       tc_log_number(masked, sizeof(masked), call->number),
	       err ? " cannot be answered: " : "", err ? tc_strerror(err) : "");
	if (err)
		incoming_hang_up(call);
	else
		set_limit(call, ANSWER_MS);
}

static void on_incoming(struct inbound *in, struct trunk *trunk, const struct tc_pbx_event *event)
{
	const struct caller *caller = in->caller;
	struct incoming *before = find(in, event->call_id);
	char plain[NUMBER_PLAIN_SIZE];
	const char *why;
	bool told;

	if (before) /* the trunk begins anew with it */
		incoming_free(before);
	if (!in->ops || caller->closing || !caller->deps.directory ||
	    !directory_ready(caller->deps.directory)) {
		trunk_hangup(trunk, event->call_id);
		return;
	}
	number_plain(plain, event->number, caller->deps.config->inbound.country_code);
	why = why_not(in, event->number, plain, &told);
	if (why)
		refuse(in, trunk, event, why, told);
	else
		arrive(in, trunk, event, plain);
}

/* ---- what is reported then ---- */

static void on_answered(struct incoming *call)
{
	const char *number = call->number[0] ? call->number : "a withheld number";

	if (call->answered || call->hung_up)
		return;
	call->answered = true;
	set_limit(call, TALK_MS);
	incoming_note(call, "inbound.answered", NULL, NULL, "a call from %s was answered", number);
	identify(call);
}

static void on_key(struct incoming *call, char key)
{
	if (!call->answered || call->hung_up)
		return;
	if (call->state == IN_PIN)
		identify_key(call, key);
	else
		menu_key(call, key);
}

bool inbound_event(struct inbound *in, struct trunk *trunk, const struct tc_pbx_event *event)
{
	struct incoming *call = find(in, event->call_id);

	if (event->type == TC_PBX_INCOMING) {
		on_incoming(in, trunk, event);
		return true;
	}
	if (!call || call->trunk != trunk)
		return false;
	if (event->type == TC_PBX_ANSWERED)
		on_answered(call);
	else if (event->type == TC_PBX_DTMF)
		on_key(call, event->key);
	else if (event->type == TC_PBX_PLAYED)
		say_played(call, event);
	else if (event->type == TC_PBX_RESUMED)
		say_again(call);
	else if (event->type == TC_PBX_ENDED)
		over(call);
	return true;
}

/* ---- for the others ---- */

bool inbound_confirm(struct inbound *in, const char *call_id, const char *prompt)
{
	struct incoming *call = find(in, call_id);

	if (call && !call->hung_up)
		menu_confirm(call, prompt);
	return call != NULL;
}

void inbound_listed(struct caller *caller, const char *call_id, int err,
		    const struct inbound_alert *alerts, size_t n)
{
	struct incoming *call = find(caller->inbound, call_id);

	if (call && !call->hung_up)
		menu_listed(call, err, alerts, n);
}

void caller_serve(struct caller *caller, const struct inbound_ops *ops, void *arg)
{
	caller->inbound->ops = ops;
	caller->inbound->arg = arg;
}

static void warm_done(void *arg, int err, struct tc_clip *clip, const char *text)
{
	(void)arg;
	(void)err; /* told when it is to be said */
	(void)text;
	tc_clip_unref(clip);
}

/* What is said in so many words to everybody. */
void inbound_warm(struct inbound *in)
{
	const struct config_inbound_prompts *p = &in->caller->deps.prompts->inbound;
	const char *const prompts[] = {p->welcome, p->pin,  p->wrong_pin,      p->unknown,
				       p->one,     p->none, p->menu,           p->exhausted_menu,
				       p->over,    p->end,  p->acknowledged_menu, p->failed};

	if (!in->caller->deps.config->inbound.enabled)
		return;
	for (size_t i = 0; i < sizeof(prompts) / sizeof(*prompts); i++) {
		char *said = page_prompt(NULL, prompts[i]);
		struct speech_text text = {.text = said, .any_voice = true};

		if (*said)
			speech_render(in->caller->deps.speech, &text, warm_done, NULL);
		free(said);
	}
}

void inbound_configure(struct inbound *in)
{
	if (in->caller->deps.directory)
		directory_set_country(in->caller->deps.directory,
				      in->caller->deps.config->inbound.country_code);
}

struct inbound *inbound_new(struct caller *caller)
{
	struct inbound *in = tc_alloc(sizeof(*in));

	in->caller = caller;
	in->gate = gate_new();
	TAILQ_INIT(&in->list);
	inbound_configure(in);
	return in;
}

/* The calls that are up are the trunks' to end. */
void inbound_free(struct inbound *in)
{
	while (!TAILQ_EMPTY(&in->list))
		incoming_free(TAILQ_FIRST(&in->list));
	gate_free(in->gate);
	free(in);
}
