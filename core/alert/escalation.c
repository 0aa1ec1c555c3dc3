/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The escalation of one alert: which step comes after which, when, and what holds it back. Whom a
 * step asks is chain.c's.
 */
#include "alert/escalation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "host/quantity.h"
#include "host/rfc3339.h"

/* ---- notes ---- */

struct escalation_note *escalation_note(struct escalation_notes *notes, const char *what,
					char *text, char *reason)
{
	struct escalation_note *note = tc_alloc(sizeof(*note));

	note->what = what;
	note->text = text;
	note->reason = reason;
	STAILQ_INSERT_TAIL(notes, note, link);
	return note;
}

void escalation_notes_free(struct escalation_notes *notes)
{
	struct escalation_note *note;

	while ((note = STAILQ_FIRST(notes))) {
		STAILQ_REMOVE_HEAD(notes, link);
		free(note->text);
		free(note->reason);
		free(note->who);
		free(note);
	}
}

/* Why something is done: words, and the calls to somebody that have led to it. */
struct cause {
	const char *words; /* NULL = none */
	int serial;        /* 0 = no calls */
	const char *who;
};

static void caused(struct escalation_note *note, const struct cause *cause)
{
	note->serial = cause->serial;
	note->who = tc_strdup(cause->who);
}

/* Two reasons as one; owned by the caller, NULL: there is none. */
static char *both(const char *a, const char *b)
{
	bool has_a = a && *a, has_b = b && *b;

	if (has_a && has_b)
		return tc_asprintf("%s; %s", a, b);
	return has_a ? tc_strdup(a) : has_b ? tc_strdup(b) : NULL;
}

/* ---- beginning and end of the object ---- */

void escalation_init(struct escalation *e, const char *target)
{
	*e = (struct escalation){.target = tc_strdup(target), .rounds = 1, .steps = 1,
				 .left_ms = -1};
}

static void acked_clear(struct escalation *e)
{
	for (size_t i = 0; i < e->acked_n; i++) {
		free(e->acked[i].contact_id);
		free(e->acked[i].name);
	}
	free(e->acked);
	e->acked = NULL;
	e->acked_n = 0;
}

void escalation_fini(struct escalation *e)
{
	chains_fini(e);
	acked_clear(e);
	free(e->target);
	free(e->fallback);
	free(e->policy_id);
	free(e->policy);
	free(e->held_by);
	free(e->snoozed_by);
	*e = (struct escalation){.target = NULL};
}

static void put(char **field, const char *text)
{
	char *copy = tc_strdup(text);

	free(*field);
	*field = copy;
}

/* ---- where it stands ---- */

/* What is gone through, as it is just now: a policy, or a target as a policy of one step. */
struct ladder {
	const struct policy_step *steps, *final; /* final NULL = none */
	int n, rounds;
	int64_t ack_timeout_ms;
	struct policy_step alone; /* of a target that is no policy */
	const char *target;
};

/* False: there is nothing to go through; fault receives why. */
static bool ladder_look(struct escalation *e, const struct escalation_eyes *eyes, struct ladder *l,
			char *fault, size_t size_bytes)
{
	struct target target;
	struct escalation_policy p;

	*l = (struct ladder){.n = 1, .rounds = 1, .ack_timeout_ms = eyes->ack_timeout_ms,
			     .target = e->fallback ? e->fallback : e->target};
	if (target_parse(l->target, &target, fault, size_bytes))
		return false;
	if (target.kind != TARGET_POLICY) {
		l->alone = (struct policy_step){.targets = {&l->target, 1}, .strategy = "call"};
		l->steps = &l->alone;
		return true;
	}
	if (!(e->policy_id && eyes->policy(eyes->arg, e->policy_id, &p)) &&
	    !eyes->policy(eyes->arg, target.name, &p)) {
		snprintf(fault, size_bytes, "there is no policy '%.100s'", target.name);
		return false;
	}
	put(&e->policy_id, p.id);
	put(&e->policy, p.name);
	l->steps = p.fields->steps.v;
	l->n = (int)p.fields->steps.n;
	l->rounds = 1 + (int)p.fields->repeat;
	l->final = p.fields->final.n ? p.fields->final.v : NULL;
	if (p.fields->ack_timeout_ms >= 0)
		l->ack_timeout_ms = p.fields->ack_timeout_ms;
	return true;
}

/* After the last of the target's own steps: the fallback, once; then nothing. */
static void go_beyond(struct escalation *e, const struct escalation_eyes *eyes,
		      struct escalation_notes *notes)
{
	e->due_us = e->wait_ms = 0;
	e->left_ms = -1;
	e->all = e->waits = false;
	if (e->fallback || !eyes->fallback || !strcmp(eyes->fallback, e->target)) {
		e->stage = ESCALATION_ENDING;
		return;
	}
	put(&e->fallback, eyes->fallback);
	put(&e->policy_id, NULL);
	put(&e->policy, NULL);
	e->stage = ESCALATION_STEP;
	e->round = e->step = 0;
	escalation_note(notes, "escalation.fallback",
			tc_asprintf("now the fallback: %s", e->fallback),
			tc_strdup("the alert's own target has led to nobody who acknowledged"));
}

/* From one place to the next; a round in which nobody could be called is not gone through again. */
static void go_on(struct escalation *e, const struct escalation_eyes *eyes,
		  struct escalation_notes *notes)
{
	struct ladder l;
	char fault[200];
	bool there = ladder_look(e, eyes, &l, fault, sizeof(fault));

	if (!there || e->stage == ESCALATION_FINAL) {
		go_beyond(e, eyes, notes);
	} else if (e->step + 1 < l.n) {
		e->step++;
	} else if (e->round + 1 < l.rounds && e->reached) {
		e->round++;
		e->step = 0;
		e->reached = false;
	} else if (l.final) {
		e->stage = ESCALATION_FINAL;
		e->step = l.n;
	} else {
		go_beyond(e, eyes, notes);
	}
}

/* "step 2 of 3 of policy default, round 1: ", or nothing for what is no policy. */
static char *place_text(const struct escalation *e)
{
	if (!e->policy)
		return tc_strdup("");
	if (e->stage == ESCALATION_FINAL)
		return tc_asprintf("final step of policy %s: ", e->policy);
	return tc_asprintf("step %d of %d of policy %s, round %d: ", e->step + 1, e->steps,
			   e->policy, e->round + 1);
}

/* False: it leads to nobody. */
static bool step_begin(struct escalation *e, const struct escalation_eyes *eyes,
		       const struct policy_step *step, const struct cause *cause,
		       struct escalation_notes *notes)
{
	struct tc_buf calls = {0}, whys = {0};
	struct escalation_notes nobody = STAILQ_HEAD_INITIALIZER(nobody);
	char *place = place_text(e), *calling, *why;
	size_t asking;

	e->all = step->all_must_acknowledge;
	e->waits = step->wait_ms > 0 && strcmp(step->strategy, "call") != 0;
	e->began_us = eyes->now_us;
	e->wait_ms = step->wait_ms;
	e->due_us = step->wait_ms ? eyes->now_us + step->wait_ms * 1000 : 0;
	if (e->held_by) { /* somebody wanted it all the same: its time runs from the release on */
		e->left_ms = step->wait_ms ? step->wait_ms : -1;
		e->due_us = 0;
	}
	asking = chains_begin(e, eyes, &step->targets, &calls, &whys, &nobody);
	calling = tc_buf_take(&calls);
	why = tc_buf_take(&whys);
	e->reached = e->reached || asking;
	caused(escalation_note(notes, "escalation.step",
			       tc_asprintf("%scalls %s", place, *calling ? calling : "nobody"),
			       both(cause->words, why)),
	       cause);
	STAILQ_CONCAT(notes, &nobody);
	free(place);
	free(calling);
	free(why);
	return asking > 0;
}

/*
 * Begin the step at which it stands; when that leads to nobody the next one, and so on. That ends:
 * a round in which nobody was called is the last one.
 */
static void climb(struct escalation *e, const struct escalation_eyes *eyes, struct cause cause,
		  struct escalation_notes *notes)
{
	while (e->stage != ESCALATION_ENDING) {
		struct ladder l;
		const struct policy_step *step;
		char fault[200];

		if (!ladder_look(e, eyes, &l, fault, sizeof(fault))) {
			caused(escalation_note(notes, "escalation.nobody",
					       tc_asprintf("nobody to call for %s", l.target),
					       both(cause.words, fault)),
			       &cause);
			go_beyond(e, eyes, notes);
		} else {
			e->ack_timeout_ms = l.ack_timeout_ms;
			e->rounds = l.rounds;
			e->steps = l.n;
			step = e->stage == ESCALATION_FINAL ? l.final
			       : e->step < l.n              ? &l.steps[e->step]
							    : NULL;
			if (step && step_begin(e, eyes, step, &cause, notes))
				return;
			go_on(e, eyes, notes);
		}
		cause = (struct cause){.words = "nobody could be called in the step before"};
	}
	chains_fini(e);
}

/* ---- what happens ---- */

void escalation_reset(struct escalation *e)
{
	acked_clear(e);
	chains_fini(e);
	put(&e->fallback, NULL);
	put(&e->policy_id, NULL);
	put(&e->policy, NULL);
	e->stage = ESCALATION_NEW;
	e->round = e->step = 0;
	e->reached = e->all = e->waits = false;
	e->began_us = e->due_us = e->wait_ms = 0;
}

void escalation_begin(struct escalation *e, const struct escalation_eyes *eyes, const char *reason,
		      struct escalation_notes *notes)
{
	escalation_reset(e);
	e->stage = ESCALATION_STEP;
	climb(e, eyes, (struct cause){.words = reason}, notes);
}

/* "Alice, Bob": whose acknowledgement is missing; owned by the caller. */
static char *missing(const struct escalation *e)
{
	struct tc_buf list = {0};

	for (size_t i = 0; i < e->n; i++) {
		const struct chain *chain = &e->chains[i];
		const struct asked *asked = chain->n ? &chain->asked[chain->n - 1] : NULL;

		if (chain_acknowledged(chain))
			continue;
		if (list.len)
			tc_buf_puts(&list, ", ");
		tc_buf_puts(&list, asked ? asked->name : chain->label);
	}
	return tc_buf_take(&list);
}

static void next_step(struct escalation *e, const struct escalation_eyes *eyes, struct cause cause,
		      struct escalation_notes *notes)
{
	go_on(e, eyes, notes);
	climb(e, eyes, cause, notes);
}

void escalation_due(struct escalation *e, const struct escalation_eyes *eyes,
		    struct escalation_notes *notes)
{
	char length[QUANTITY_SIZE], *words, *who = NULL;

	if (!e->due_us || e->due_us > eyes->now_us || e->held_by)
		return;
	quantity_format_duration(length, e->wait_ms);
	if (e->all && e->acked_n)
		who = missing(e);
	words = who ? tc_asprintf("not all have acknowledged within %s: missing: %s", length, who)
		    : tc_asprintf("nobody has acknowledged within %s", length);
	next_step(e, eyes, (struct cause){.words = words}, notes);
	free(words);
	free(who);
}

static void all_tried(struct escalation *e, const struct escalation_eyes *eyes, int serial,
		      const char *who, struct escalation_notes *notes)
{
	char *left = e->all ? missing(e) : NULL;
	char *words = left ? tc_asprintf("all were tried; missing: %s", left)
			   : tc_strdup("all were tried");

	next_step(e, eyes, (struct cause){words, serial, who}, notes);
	free(words);
	free(left);
}

/* Its person is used up, or passed over: ask the next one. */
static bool chain_go_on(struct escalation *e, const struct escalation_eyes *eyes,
			struct chain *chain, const struct cause *cause,
			struct escalation_notes *notes)
{
	struct escalation_note *note;
	const struct asked *asked;

	chain->asked[chain->n - 1].state = ASKED_TRIED;
	asked = chain_next(e, eyes, chain);
	if (asked)
		note = escalation_note(notes, "escalation.next",
				       tc_asprintf("calls %s, next in %s", asked->name,
						   chain->label),
				       both(cause->words, asked->why));
	else if (chain_is_schedule(chain))
		note = escalation_note(notes, "escalation.nobody",
				       tc_asprintf("nobody is left in %s", chain->label),
				       tc_strdup(cause->words));
	else
		return false;
	caused(note, cause);
	return asked != NULL;
}

void escalation_used_up(struct escalation *e, const struct escalation_eyes *eyes, int serial,
			const char *why, struct escalation_notes *notes)
{
	const struct asked *used = escalation_asks(e, serial);
	char *who;
	size_t n = e->n;

	if (!used || e->held_by)
		return;
	who = tc_strdup(used->name);
	/* first all of them: nobody is to find him still being called */
	for (size_t i = 0; i < n; i++) {
		struct asked *asked = chain_asks(&e->chains[i]);

		if (asked && asked->serial == serial)
			asked->state = ASKED_TRIED;
	}
	for (size_t i = 0; i < n; i++) {
		struct chain *chain = &e->chains[i];

		if (!chain->over && chain->n && chain->asked[chain->n - 1].serial == serial)
			chain_go_on(e, eyes, chain, &(struct cause){why, serial, who}, notes);
	}
	if (chains_over(e) && !(e->waits && e->due_us))
		all_tried(e, eyes, serial, who, notes);
	free(who);
}

/* The people that are left in the step's chains; false: there are none. */
static bool force_chains(struct escalation *e, const struct escalation_eyes *eyes,
			 const char *reason, struct escalation_notes *notes)
{
	bool any = false;

	for (size_t i = 0; i < e->n; i++) {
		struct chain *chain = &e->chains[i];

		if (!chain_asks(chain))
			continue;
		if (chain_go_on(e, eyes, chain, &(struct cause){.words = reason}, notes))
			any = true;
	}
	return any;
}

bool escalation_force(struct escalation *e, const struct escalation_eyes *eyes, const char *by,
		      struct escalation_notes *notes)
{
	struct ladder l;
	char fault[200], *reason = tc_asprintf("escalated by %s", by);
	bool there = ladder_look(e, eyes, &l, fault, sizeof(fault));
	bool last = !there || e->stage == ESCALATION_FINAL ||
		    (e->step + 1 >= l.n && (e->round + 1 >= l.rounds || !e->reached));

	if (e->stage == ESCALATION_NEW)
		escalation_begin(e, eyes, reason, notes);
	else if (e->stage != ESCALATION_ENDING && !(last && force_chains(e, eyes, reason, notes)))
		next_step(e, eyes, (struct cause){.words = reason}, notes);
	free(reason);
	return e->stage != ESCALATION_ENDING;
}

/* ---- acknowledgements ---- */

static void acked_add(struct escalation *e, const char *contact_id, const char *name, int64_t at_us)
{
	if (escalation_has_acked(e, contact_id, name))
		return;
	e->acked = tc_realloc(e->acked, (e->acked_n + 1) * sizeof(*e->acked));
	e->acked[e->acked_n++] = (struct acked){tc_strdup(contact_id), tc_strdup(name), at_us};
}

/* In every chain in which he was asked; false: in none. */
static bool acknowledge_chains(struct escalation *e, const struct escalation_voice *voice)
{
	bool found = false;

	for (size_t i = 0; i < e->n; i++) {
		struct chain *chain = &e->chains[i];

		for (size_t k = 0; k < chain->n; k++) {
			struct asked *asked = &chain->asked[k];

			if (!(voice->serial > 0 && asked->serial == voice->serial) &&
			    !chain_same_person(asked->contact_id, asked->name, voice->contact_id,
					       voice->name) &&
			    strcmp(asked->number, voice->name) != 0)
				continue;
			asked->state = ASKED_ACKNOWLEDGED;
			chain->over = found = true;
		}
	}
	return found;
}

bool escalation_acknowledge(struct escalation *e, const struct escalation_eyes *eyes,
			    const struct escalation_voice *voice, struct escalation_notes *notes)
{
	bool stepping = e->stage == ESCALATION_STEP || e->stage == ESCALATION_FINAL;
	char *left;

	if (!e->all || !stepping || (!acknowledge_chains(e, voice) && !voice->all)) {
		if (e->acked_n)
			acked_add(e, voice->contact_id, voice->name, eyes->now_us);
		return true;
	}
	acked_add(e, voice->contact_id, voice->name, eyes->now_us);
	left = missing(e);
	if (!*left) {
		free(left);
		return true;
	}
	escalation_note(notes, "alert.partly_acknowledged",
			tc_asprintf("acknowledged by %s; missing: %s", voice->name, left),
			tc_strdup("all of this step must acknowledge"));
	free(left);
	if (chains_over(e) && !(e->waits && e->due_us))
		all_tried(e, eyes, 0, NULL, notes);
	return false;
}

char *escalation_acknowledged_by(const struct escalation *e)
{
	struct tc_buf list = {0};

	for (size_t i = 0; i < e->acked_n; i++) {
		if (list.len)
			tc_buf_puts(&list, ", ");
		tc_buf_puts(&list, e->acked[i].name);
	}
	return list.len ? tc_buf_take(&list) : NULL;
}

/* ---- holds ---- */

static void look_at_ack_timeout(struct escalation *e, const struct escalation_eyes *eyes)
{
	struct ladder l;
	char fault[200];

	e->ack_timeout_ms = eyes->ack_timeout_ms;
	if (ladder_look(e, eyes, &l, fault, sizeof(fault)))
		e->ack_timeout_ms = l.ack_timeout_ms;
}

static void go_on_after_hold(struct escalation *e, const struct escalation_eyes *eyes,
			     const char *reason, struct escalation_notes *notes)
{
	escalation_note(notes, "alert.released",
			tc_asprintf("no longer held back by %s", e->held_by), tc_strdup(reason));
	put(&e->held_by, NULL);
	e->held_until_us = 0;
	if (e->stage == ESCALATION_NEW) {
		escalation_begin(e, eyes, reason, notes);
		return;
	}
	e->due_us = e->left_ms >= 0 ? eyes->now_us + e->left_ms * 1000 : 0;
	/* what was stopped is begun anew: a page that was told to retire cannot be woken */
	for (size_t i = 0, first = (size_t)e->serial; i < e->n; i++) {
		struct asked *asked = chain_asks(&e->chains[i]);
		int old = asked ? asked->serial : 0;

		if (!asked || old > (int)first)
			continue;
		e->serial++;
		for (size_t k = i; k < e->n; k++) {
			struct asked *shared = chain_asks(&e->chains[k]);

			if (shared && shared->serial == old)
				shared->serial = e->serial;
		}
	}
}

bool escalation_hold(struct escalation *e, const struct escalation_eyes *eyes, const char *by,
		     int64_t until_us, const char *reason, struct escalation_notes *notes)
{
	char until[RFC3339_SIZE];

	if (!by && !e->held_by)
		return false;
	if (!by) {
		go_on_after_hold(e, eyes, reason, notes);
		return true;
	}
	if (e->held_by && !strcmp(e->held_by, by) && e->held_until_us == until_us)
		return false;
	if (e->stage == ESCALATION_NEW) /* it may be acknowledged before it begins */
		look_at_ack_timeout(e, eyes);
	if (!e->held_by) {
		e->left_ms = !e->due_us                ? -1
			     : e->due_us > eyes->now_us ? (e->due_us - eyes->now_us) / 1000
							: 0;
		e->due_us = 0;
	}
	put(&e->held_by, by);
	e->held_until_us = until_us;
	escalation_note(notes, "alert.held",
			tc_asprintf("held back by %s until %s: nobody is called", by,
				    rfc3339_format_seconds(until, until_us)),
			tc_strdup(reason));
	return true;
}
