/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The escalation of one alert: how far it has come, and what comes next. Pure: nothing is stored
 * and nobody is called here; course.c does that with what comes out.
 *
 * escalation.c       steps, rounds, the final step, the fallback, the end; holds
 * chain.c            whom a step asks, one person after the other; acknowledgements
 * escalation_text.c  the state as JSON, for the store
 *
 * Every function that changes the state adds what is to be told to a log of notes.
 */
#ifndef CORE_ALERT_ESCALATION_H
#define CORE_ALERT_ESCALATION_H

#include <sys/queue.h>

#include <jansson.h>

#include <tocsin/alloc.h>

#include "oncall/people.h"
#include "oncall/policy.h"

/* ---- what is looked at ---- */

/* A policy as it is just now; borrowed. */
struct escalation_policy {
	const char *id, *name;
	const struct policy_fields *fields;
};

/* How the machine sees the world; in tests somebody else's eyes. */
struct escalation_eyes {
	int64_t now_us;           /* wall time */
	const char *fallback;     /* target, NULL = none */
	int64_t ack_timeout_ms;   /* unless the policy says otherwise */
	/* As people_find(), people_free(). */
	void (*find)(void *arg, const struct target *target, int64_t at_us, struct people *people);
	void (*release)(void *arg, struct people *people);
	/* False: there is none of this id or name, or it is broken. */
	bool (*policy)(void *arg, const char *id_or_name, struct escalation_policy *policy);
	/* A target for people: "schedule ops". */
	void (*label)(void *arg, const struct target *target, char *text, size_t size_bytes);
	void *arg;
};

/* ---- what is told ---- */

struct escalation_note {
	STAILQ_ENTRY(escalation_note) link;
	const char *what;   /* constant: "escalation.step" */
	char *text;         /* owned */
	char *reason;       /* owned, or NULL */
	int serial;         /* of the page whose calls are the reason, 0 = none: how they went is
			       put in front of reason */
	char *who;          /* owned; whose page that is */
	char call_id[TC_ID_SIZE]; /* the call in which it was decided, "" = none */
};
STAILQ_HEAD(escalation_notes, escalation_note);

/* text and reason are taken over; the note may be completed. */
struct escalation_note *escalation_note(struct escalation_notes *notes, const char *what,
					char *text, char *reason);
void escalation_notes_free(struct escalation_notes *notes);

/* ---- the state ---- */

enum escalation_stage {
	ESCALATION_NEW,    /* nothing was begun */
	ESCALATION_STEP,   /* a step of the policy, or the target itself */
	ESCALATION_FINAL,  /* the policy's final step */
	ESCALATION_ENDING, /* nobody is left to be called; calls that are up go on */
	ESCALATION_STAGE_COUNT
};

enum asked_state { ASKED_CALLED, ASKED_TRIED, ASKED_ACKNOWLEDGED, ASKED_STATE_COUNT };

/* One who was asked in a chain. All strings owned. */
struct asked {
	char *contact_id;   /* NULL: a bare number */
	char *name, *number; /* for people; the first of his numbers */
	char *why;          /* "on call in layer primary ...", or NULL */
	int serial;         /* of the page that tries to reach him */
	enum asked_state state;
};

/* One target of a step: those whom it leads to, one after the other. */
struct chain {
	char *target, *label; /* owned; "schedule:ID", "schedule ops" */
	struct asked *asked;  /* owned; the last one is the one it is at */
	size_t n;
	bool over;            /* nobody is left in it */
};

/* One who has acknowledged where all must. */
struct acked {
	char *contact_id, *name; /* owned; contact_id NULL: a bare number, which is the name */
	int64_t at_us;
};

struct escalation {
	char *target;             /* owned; of the alert */
	char *fallback;           /* owned; the target tried after all of it; NULL = not yet */
	char *policy_id, *policy; /* owned; id and name; NULL: the target is no policy */
	enum escalation_stage stage;
	int round, rounds;        /* 0-based; how many there are, at least 1 */
	int step, steps;          /* the same */
	bool all;                 /* all of its chains must acknowledge */
	bool waits;               /* it has sent what is read later: it is not over when all were
				     called, but when its time is */
	bool reached;             /* somebody was called in this round */
	int64_t began_us;         /* the step; 0 = none has */
	int64_t wait_ms;          /* how long it has; 0 = until all were tried */
	int64_t due_us;           /* the same as an instant, 0 = none */
	struct chain *chains;     /* owned */
	size_t n;
	struct acked *acked;      /* owned */
	size_t acked_n;
	int serial;               /* the last one that was given to a page */
	int64_t ack_timeout_ms;   /* 0 = never */
	/* what holds it back */
	char *held_by;            /* owned; "maintenance NAME", "snooze by X"; NULL = nothing */
	int64_t held_until_us;
	int64_t left_ms;          /* of the step's time, when it goes on; -1 = it has no end */
	char *snoozed_by;         /* owned; NULL = not */
	int64_t snoozed_until_us;
};

void escalation_init(struct escalation *e, const char *target);
void escalation_fini(struct escalation *e);

/*
 * As text for the store, and back.
 *
 * result  owned by the caller | -EINVAL it is none: the escalation is as new
 */
char *escalation_format(const struct escalation *e);
int escalation_parse(struct escalation *e, const char *target, const char *text);

/* ---- what happens ---- */

/*
 * Begin at the first step of the first round: at the start, or again.
 *
 * reason  for the timeline, or NULL
 */
void escalation_begin(struct escalation *e, const struct escalation_eyes *eyes, const char *reason,
		      struct escalation_notes *notes);
/* As it was before the beginning; holds stay. */
void escalation_reset(struct escalation *e);
/* The step's time has come to its end. */
void escalation_due(struct escalation *e, const struct escalation_eyes *eyes,
		    struct escalation_notes *notes);
/* The person of this page is used up: the next ones are asked. why: the page's own words. */
void escalation_used_up(struct escalation *e, const struct escalation_eyes *eyes, int serial,
			const char *why, struct escalation_notes *notes);
/* Somebody wants the next step at once. False: there is nobody further to call. */
bool escalation_force(struct escalation *e, const struct escalation_eyes *eyes, const char *by,
		      struct escalation_notes *notes);

/* Who gives a word: a page of the alert's, or somebody else. Borrowed. */
struct escalation_voice {
	int serial;                   /* 0 = none of our pages */
	bool all;                     /* the page's step asked all to acknowledge */
	const char *contact_id, *name; /* contact_id may be NULL */
};

/*
 * Somebody acknowledges.
 *
 * result  true: that is enough for the alert; false: others are missing, and that is noted
 */
bool escalation_acknowledge(struct escalation *e, const struct escalation_eyes *eyes,
			    const struct escalation_voice *voice, struct escalation_notes *notes);
/* Those who have acknowledged, as a list for people; owned by the caller, NULL: nobody. */
char *escalation_acknowledged_by(const struct escalation *e);

/*
 * Hold it back, or let it go on (by NULL); again for another reason or end. False: nothing has
 * changed.
 *
 * reason  for the timeline when it goes on
 */
bool escalation_hold(struct escalation *e, const struct escalation_eyes *eyes, const char *by,
		     int64_t until_us, const char *reason, struct escalation_notes *notes);

/* The page is one of those by which the step asks somebody now. */
const struct asked *escalation_asks(const struct escalation *e, int serial);

/* ---- chain.c: for escalation.c ---- */

/*
 * Make the chains of a step, in place of those there are: whoever is being called goes on being
 * called.
 *
 * calls    receives "Alice, Bob": whom it asks first; untouched: nobody
 * whys     receives why these
 * result   how many chains ask somebody
 */
size_t chains_begin(struct escalation *e, const struct escalation_eyes *eyes,
		    const struct tc_strings *targets, struct tc_buf *calls, struct tc_buf *whys,
		    struct escalation_notes *notes);
void chains_fini(struct escalation *e);
/* The next person of a chain; NULL: nobody is left. */
const struct asked *chain_next(struct escalation *e, const struct escalation_eyes *eyes,
			       struct chain *chain);
/* All chains are over, or satisfied. */
bool chains_over(const struct escalation *e);
/* Whether it leads to several, one after the other. */
bool chain_is_schedule(const struct chain *chain);
/* The one whom it asks now; NULL = nobody. */
struct asked *chain_asks(const struct chain *chain);
/* Its person, or one of those before, has acknowledged. */
bool chain_acknowledged(const struct chain *chain);
bool chain_same_person(const char *id_a, const char *name_a, const char *id_b, const char *name_b);
/* Whether this person has acknowledged. */
bool escalation_has_acked(const struct escalation *e, const char *contact_id, const char *name);

#endif
