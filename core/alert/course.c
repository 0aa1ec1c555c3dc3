/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The course of an alert. Whatever happens (a person is used up, a key, time runs out, a window
 * begins) only wakes it; then all of it is looked at together, what follows is worked out by
 * escalation.c, committed, and only then acted upon by reach.c. While that is on its way to the
 * store nothing else is decided: it waits for its turn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/change.h"
#include "host/config.h"
#include "host/metrics.h"
#include "host/quantity.h"
#include "host/rfc3339.h"
#include "oncall/directory.h"
#include "oncall/oncall.h"

#define NOT_READY_US (100 * 1000) /* the contacts cannot be read yet */

/* ---- the world as it is ---- */

static void eyes_find(void *arg, const struct target *target, int64_t at_us, struct people *people)
{
	people_find(arg, target, at_us, people);
}

static void eyes_release(void *arg, struct people *people)
{
	(void)arg;
	people_free(people);
}

static bool eyes_policy(void *arg, const char *id_or_name, struct escalation_policy *policy)
{
	const struct document *doc = documents_named(oncall_policies(arg), id_or_name);
	const struct policy *compiled = doc ? doc->compiled : NULL;

	if (compiled)
		*policy = (struct escalation_policy){doc->id, doc->name, &compiled->fields};
	return compiled != NULL;
}

static void eyes_label(void *arg, const struct target *target, char *text, size_t size_bytes)
{
	const struct directory *dir = oncall_directory(arg);
	const char *name = target->name;
	const struct document *doc;
	const struct contact *contact;

	if (target->kind == TARGET_SCHEDULE) {
		if (!*name)
			name = oncall_default_schedule(arg);
		doc = documents_named(oncall_schedules(arg), name);
		snprintf(text, size_bytes, "schedule %s", doc ? doc->name : name);
	} else if (target->kind == TARGET_CONTACT) {
		contact = directory_find(dir, name);
		snprintf(text, size_bytes, "%s", contact ? contact->name : name);
	} else {
		snprintf(text, size_bytes, "%s", name);
	}
}

struct escalation_eyes course_eyes(const struct alerts *alerts)
{
	return (struct escalation_eyes){
		.now_us = loop_wall_us(alerts->loop),
		.fallback = alerts->config->fallback,
		.ack_timeout_ms = alerts->config->ack_timeout,
		.find = eyes_find,
		.release = eyes_release,
		.policy = eyes_policy,
		.label = eyes_label,
		.arg = alerts->oncall,
	};
}

void course_begin(struct alerts *alerts, const struct alert_row *row, const json_t *labels,
		  struct escalation *e, struct escalation_notes *notes)
{
	struct escalation_eyes eyes = course_eyes(alerts);

	escalation_init(e, row->target);
	hold_begin(alerts, row, labels, e, &eyes, notes);
	if (!e->held_by)
		escalation_begin(e, &eyes, NULL, notes);
}

/* ---- waking ---- */

static void on_wake(void *arg);

void course_wake_in(struct alert *alert, int64_t us)
{
	loop_timer_stop(&alert->wake);
	loop_timer_init(&alert->wake, alert->alerts->loop, on_wake, alert);
	loop_timer_start_us(&alert->wake, us > 0 ? us : 0);
}

void course_wake(struct alert *alert)
{
	course_wake_in(alert, 0);
}

static void sooner(int64_t *due_us, int64_t at_us)
{
	if (at_us && (!*due_us || at_us < *due_us))
		*due_us = at_us;
}

static void sleep_until_due(struct alert *alert)
{
	const struct escalation *e = &alert->e;
	int64_t due_us = 0;

	if (alert->acknowledged) {
		due_us = alert->expires_us;
	} else {
		if (!e->held_by)
			sooner(&due_us, e->due_us);
		if (e->held_by)
			sooner(&due_us, e->held_until_us);
		if (e->snoozed_by)
			sooner(&due_us, e->snoozed_until_us);
	}
	if (due_us)
		course_wake_in(alert, due_us - loop_wall_us(alert->alerts->loop));
}

/* ---- what people say ---- */

void word_free(struct word *word)
{
	free(word->by);
	free(word->note);
	free(word->contact_id);
	free(word);
}

static const char *prompt_of(const struct word *word)
{
	return word->verb == ALERT_ESCALATE ? "escalated" : "acknowledged";
}

static void word_answer(struct alerts *alerts, const char *alert_id, struct word *word,
			const char *now)
{
	if (word->call_id[0])
		call_confirm(alerts->caller, word->call_id, alert_id, prompt_of(word));
	if (word->done)
		word->done(word->arg, 0, now);
	word_free(word);
}

void word_refuse(struct alerts *alerts, const char *alert_id, struct word *word, int err,
		 const char *now)
{
	if (word->call_id[0]) /* what the person wants to know */
		call_confirm(alerts->caller, word->call_id, alert_id,
			     *now && strcmp(now, "open") != 0 ? now : prompt_of(word));
	if (word->done)
		word->done(word->arg, err, now);
	word_free(word);
}

void course_say(struct alert *alert, struct word *word)
{
	STAILQ_INSERT_TAIL(&alert->words, word, link);
	course_wake(alert);
}

/* Whose page the key came from has had his say. */
static void let_speaker_go(struct alert *alert, const struct word *word)
{
	struct reach *reach, *next;

	for (reach = TAILQ_FIRST(&alert->reaches); reach; reach = next) {
		next = TAILQ_NEXT(reach, link);
		if (word->serial && reach->serial == word->serial)
			reach_drop(reach, prompt_of(word));
	}
}

/* ---- what follows ---- */

struct course {
	struct alert *alert;
	struct escalation_eyes eyes;
	struct change *change;
	bool changed;
	char *used_up; /* owned; why somebody is, and who, by which page */
	char *who;     /* owned */
	int serial;
};

static void note_call(struct course *x, const char *what, char *text, const struct word *word)
{
	struct escalation_note *note =
		escalation_note(&x->change->notes, what, text, tc_strdup(word->note));

	tc_strcopy(note->call_id, sizeof(note->call_id), word->call_id);
}

static void take_word(struct course *x, struct word *word)
{
	STAILQ_REMOVE_HEAD(&x->alert->words, link);
	STAILQ_INSERT_TAIL(&x->change->words, word, link);
	x->changed = true;
}

static void exhaust(struct course *x)
{
	struct escalation_note *note;

	x->change->to = "exhausted";
	x->changed = true;
	note = escalation_note(&x->change->notes, "alert.exhausted",
			       tc_strdup(x->alert->e.serial
						 ? "everybody was tried, nobody pressed a key"
						 : "there was nobody who could be called"),
			       tc_strdup(x->used_up ? x->used_up : "nobody further to call"));
	note->serial = x->serial;
	note->who = tc_strdup(x->who);
}

static void say_escalate(struct course *x, struct word *word)
{
	struct escalation *e = &x->alert->e;
	struct escalation_notes after = STAILQ_HEAD_INITIALIZER(after);
	bool more;

	free(e->snoozed_by); /* who wants the next one now wants no silence */
	e->snoozed_by = NULL;
	more = escalation_force(e, &x->eyes, word->by, &after);
	note_call(x, "alert.escalated",
		  more ? tc_asprintf("escalated by %s", word->by)
		       : tc_asprintf("escalated by %s: there is nobody further to call", word->by),
		  word);
	STAILQ_CONCAT(&x->change->notes, &after);
	hold_look(x->alert, &x->eyes, &x->change->notes);
	take_word(x, word);
	if (!more && !reach_live(x->alert, word->serial))
		exhaust(x);
}

static void say_snooze(struct course *x, struct word *word)
{
	struct escalation *e = &x->alert->e;
	bool on = word->verb == ALERT_SNOOZE;
	char until[RFC3339_SIZE];

	free(e->snoozed_by);
	e->snoozed_by = on ? tc_strdup(word->by) : NULL;
	e->snoozed_until_us = on ? word->until_us : 0;
	note_call(x, "alert.snoozed",
		  on ? tc_asprintf("snoozed by %s until %s", word->by,
				   rfc3339_format_seconds(until, word->until_us))
		     : tc_asprintf("snooze ended by %s", word->by),
		  word);
	hold_look(x->alert, &x->eyes, &x->change->notes);
	take_word(x, word);
}

/* False: it is enough, and is decided by itself; nothing else is looked at now. */
static bool say_acknowledge(struct course *x, struct word *word)
{
	struct alert *alert = x->alert;
	const struct escalation_voice voice = {.serial = word->serial,
					       .all = word->all,
					       .contact_id = word->contact_id,
					       .name = word->by};
	struct escalation_note *note;
	char *by;

	/* one who decides for all of them, or one of those who must */
	if (word->call_id[0] &&
	    !escalation_acknowledge(&alert->e, &x->eyes, &voice, &x->change->notes)) {
		STAILQ_FOREACH(note, &x->change->notes, link)
			if (!strcmp(note->what, "alert.partly_acknowledged"))
				tc_strcopy(note->call_id, sizeof(note->call_id), word->call_id);
		take_word(x, word);
		return true;
	}
	if (x->changed)
		return false; /* first that */
	STAILQ_REMOVE_HEAD(&alert->words, link);
	by = word->call_id[0] ? escalation_acknowledged_by(&alert->e) : NULL;
	outcome_acknowledge(alert, word, by);
	free(by);
	return false;
}

/* False: as above. */
static bool look_at_words(struct course *x)
{
	struct word *word;

	while ((word = STAILQ_FIRST(&x->alert->words)) && !x->change->to) {
		if (word->verb == ALERT_ACKNOWLEDGE) {
			if (!say_acknowledge(x, word))
				return false;
		} else if (word->verb == ALERT_ESCALATE) {
			say_escalate(x, word);
		} else {
			say_snooze(x, word);
		}
	}
	return true;
}

static void remember_used_up(struct course *x, const struct reach *reach)
{
	free(x->used_up);
	free(x->who);
	x->used_up = tc_strdup(reach->done);
	x->who = tc_strdup(reach->name);
	x->serial = reach->serial;
}

static void look_at_pages(struct course *x)
{
	struct alert *alert = x->alert;
	struct reach *reach, *next;

	for (reach = TAILQ_FIRST(&alert->reaches); reach; reach = next) {
		next = TAILQ_NEXT(reach, link);
		if (!reach->done)
			continue;
		if (!reach->retired && escalation_asks(&alert->e, reach->serial)) {
			remember_used_up(x, reach);
			escalation_used_up(&alert->e, &x->eyes, reach->serial, reach->done,
					   &x->change->notes);
			x->changed = true;
		}
		reach_drop(reach, "goodbye");
	}
}

static void look_at_open(struct course *x)
{
	struct alert *alert = x->alert;
	struct escalation *e = &alert->e;

	if (hold_look(alert, &x->eyes, &x->change->notes))
		x->changed = true;
	if (e->stage == ESCALATION_NEW && !e->held_by) {
		escalation_begin(e, &x->eyes, NULL, &x->change->notes);
		x->changed = true;
	}
	if (!look_at_words(x) || x->change->to)
		return;
	look_at_pages(x);
	if (e->due_us > x->eyes.now_us + e->wait_ms * 1000) /* the clock was set back */
		e->due_us = x->eyes.now_us + e->wait_ms * 1000;
	if (e->due_us && e->due_us <= x->eyes.now_us && !e->held_by) {
		escalation_due(e, &x->eyes, &x->change->notes);
		x->changed = true;
	}
	if (e->stage == ESCALATION_ENDING && !e->held_by && !reach_live(alert, 0))
		exhaust(x);
}

/* Open again: from the first step on. */
static void reopen(struct course *x)
{
	struct alert *alert = x->alert;
	int64_t after_ms = alert->e.ack_timeout_ms;
	char length[QUANTITY_SIZE];

	escalation_note(&x->change->notes, "alert.reopened",
			tc_strdup("open again: the acknowledgement has expired"),
			tc_asprintf("it was not resolved within %s",
				    quantity_format_duration(length, after_ms)));
	escalation_reset(&alert->e);
	free(alert->e.held_by); /* as it was when it was acknowledged: is it now? */
	alert->e.held_by = NULL;
	hold_look(alert, &x->eyes, &x->change->notes);
	if (!alert->e.held_by)
		escalation_begin(&alert->e, &x->eyes, "the acknowledgement has expired",
				 &x->change->notes);
	x->changed = true;
}

static void look_at_acknowledged(struct course *x)
{
	struct alert *alert = x->alert;
	struct word *word;

	x->change->from = "acknowledged";
	x->change->to = "open";
	while ((word = STAILQ_FIRST(&alert->words)) && !x->changed) {
		if (word->verb == ALERT_ESCALATE) {
			say_escalate(x, word);
		} else {
			STAILQ_REMOVE_HEAD(&alert->words, link);
			word_refuse(alert->alerts, alert->id, word, -EPERM, "acknowledged");
		}
	}
	if (!x->changed && alert->expires_us && alert->expires_us <= x->eyes.now_us)
		reopen(x);
}

/* ---- committing ---- */

static void look(struct alert *alert);

static void came_true(struct alert *alert, struct change *c)
{
	struct alerts *alerts = alert->alerts;
	struct word *word;
	const char *now = c->to ? c->to : "open";

	alert->version = c->row.version;
	if (c->to && !strcmp(c->to, "open") && alert->acknowledged) {
		alert->acknowledged = false;
		alert->expires_us = 0;
		alerts->open++;
	}
	while ((word = STAILQ_FIRST(&c->words))) {
		STAILQ_REMOVE_HEAD(&c->words, link);
		let_speaker_go(alert, word);
		word_answer(alerts, alert->id, word, now);
	}
	if (c->to && !strcmp(c->to, "exhausted")) {
		metrics_count("tocsin_alert_outcomes_total",
			      "Decisions on alerts, by what was decided.",
			      "what=\"alert.exhausted\"", 1);
		book_close(alert, "goodbye");
	} else {
		look(alert);
	}
}

static void refuse_all(struct change *c, int err, const char *now)
{
	struct word *word;

	while ((word = STAILQ_FIRST(&c->words))) {
		STAILQ_REMOVE_HEAD(&c->words, link);
		word_refuse(c->alerts, c->row.alert_id, word, err, now);
	}
}

/* The store is away: who waits is told so; what he wants is done as soon as it can be. */
static void tell_those_who_wait(struct change *c, int err)
{
	struct word *word;

	STAILQ_FOREACH(word, &c->words, link) {
		if (word->done)
			word->done(word->arg, -EAGAIN, "");
		word->done = NULL;
	}
	(void)err;
}

static void told(struct change *c, int err)
{
	struct alert *alert = c->alert;

	if (err && err != -EPERM && err != -ENOENT && err != -ESTALE) {
		tell_those_who_wait(c, err);
		return;
	}
	if (alert)
		alert->change = NULL;
	if (err)
		refuse_all(c, -EPERM, c->now);
	else if (!alert)
		refuse_all(c, 0, "open");
	else
		came_true(alert, c);
	if (err && alert)
		book_close(alert, c->now);
}

static void commit(struct course *x)
{
	struct alert *alert = x->alert;
	struct change *c = x->change;

	tc_strcopy(c->row.alert_id, sizeof(c->row.alert_id), alert->id);
	c->at_us = x->eyes.now_us;
	c->row.version = alert->version + 1;
	c->row.ack_timeout_ms = alert->e.ack_timeout_ms;
	c->row.body = escalation_format(&alert->e);
	if (alert->row.step != alert->e.step)
		c->step = alert->row.step = alert->e.step;
	alert->change = c;
	change_commit(c, told);
}

static void look(struct alert *alert)
{
	struct course x = {.alert = alert};

	loop_timer_stop(&alert->wake);
	if (alert->change || alert->deciding)
		return; /* when that is done */
	if (!oncall_ready(alert->alerts->oncall)) {
		course_wake_in(alert, NOT_READY_US);
		return;
	}
	x.eyes = course_eyes(alert->alerts);
	x.change = change_new(alert);
	if (alert->acknowledged)
		look_at_acknowledged(&x);
	else
		look_at_open(&x);
	free(x.used_up);
	free(x.who);
	if (x.changed) {
		commit(&x);
		return;
	}
	change_free(x.change);
	if (alert->deciding)
		return;
	if (alert->acknowledged && !alert->expires_us) {
		book_close(alert, "acknowledged"); /* it is only in the store */
		return;
	}
	reach_settle(alert);
	resume_settled(alert->alerts);
	if (!loop_timer_armed(&alert->wake))
		sleep_until_due(alert);
}

void course_take_up(struct alert *alert)
{
	const struct escalation *e = &alert->e;
	bool due = e->due_us && e->due_us <= loop_wall_us(alert->alerts->loop);

	if (!alert->change && !alert->deciding && !due && e->stage != ESCALATION_NEW &&
	    STAILQ_EMPTY(&alert->words) && oncall_ready(alert->alerts->oncall))
		reach_settle(alert);
}

static void on_wake(void *arg)
{
	look(arg);
}

void course_drop(struct alert *alert, const char *state)
{
	struct word *word;

	if (alert->change && !alert->change->sent)
		refuse_all(alert->change, -EPERM, state);
	if (alert->change)
		change_leave(alert->change);
	alert->change = NULL;
	while ((word = STAILQ_FIRST(&alert->words))) {
		STAILQ_REMOVE_HEAD(&alert->words, link);
		word_refuse(alert->alerts, alert->id, word, -EPERM, state);
	}
}
