/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this folder share: the book of the alerts that are being worked on. Others see
 * alert.h and tocsin/trigger.h.
 *
 * book.c     the alerts in memory
 * course.c   what happens to an alert: looked at, decided, committed, then acted upon
 * change.c   the way of that to the store
 * load.c     alerts that are read because somebody wants something of them
 * reach.c    the people who are being reached for it: their pages
 * hold.c     maintenance and snooze
 * intake.c   alerts that come in, and those that are over
 * outcome.c  what a human decides
 * resume.c   after a start
 * plan.c     alerts that are to be raised later
 * notice.c   telling triggers what became of their alerts (notice.h)
 * self_alarm.c, outage.c  alerts about ourselves (self_alarm.h)
 * concern.c  for those who call: which alerts concern them, and their keys
 * escalation.h, tally.h  who is asked when, and how calls went: without the store and the calls
 */
#ifndef CORE_ALERT_BOOK_H
#define CORE_ALERT_BOOK_H

#include <sys/queue.h>

#include <tocsin/alloc.h>

#include "alert/alert.h"
#include "alert/escalation.h"
#include "call/inbound.h"
#include "host/loop.h"
#include "store/alert_repo.h"
#include "store/event_repo.h"

struct change;
struct left;

/* A person who is being reached for an alert. */
struct reach {
	TAILQ_ENTRY(reach) link;
	struct alert *alert;
	int serial;
	char *contact_id, *name; /* owned; contact_id may be NULL */
	struct page *page;       /* NULL: there is none, or none any more */
	bool all;                /* its step asks all to acknowledge */
	bool retired;            /* no call is begun for it any more */
	char *done;              /* owned; why the page is over; NULL = it is not */
};

/* What somebody wants of an alert, in the order in which it came. */
struct word {
	STAILQ_ENTRY(word) link;
	enum alert_verb verb;
	char *by, *note;          /* owned; note may be NULL */
	bool silence;
	int64_t until_us;
	/* a key */
	char call_id[TC_ID_SIZE]; /* "" = none */
	int serial;               /* of the page; 0 = none of this alert's */
	bool all;
	char *contact_id;         /* owned; may be NULL */
	/* who waits for an answer; NULL = nobody */
	alert_done_fn done;
	void *arg;
};
STAILQ_HEAD(words, word);

/* One that is open, or acknowledged for a while only. */
struct alert {
	char id[TC_ID_SIZE];   /* first: the key of the tree */
	struct alerts *alerts;
	TAILQ_ENTRY(alert) link;
	struct alert_row row;  /* owned; as it was taken in */
	json_t *values;        /* one reference; message, severity, labels */
	bool acknowledged;
	int64_t expires_us;    /* then it is open again; 0 = never */
	struct escalation e;   /* as it is being committed, or was */
	int64_t version;       /* of what is committed; 0 = nothing */
	TAILQ_HEAD(, reach) reaches;
	struct words words;
	struct change *change; /* being committed; NULL = none */
	unsigned deciding;     /* decisions on their way: nobody is called until then */
	struct loop_timer wake;
	struct left *left;     /* what an earlier process has left; NULL = nothing */
};

struct alerts {
	struct loop *loop;
	struct store *store;
	struct journal *journal;
	struct caller *caller;
	struct oncall *oncall;
	const struct config_escalation *config;
	void *tree; /* tsearch, by id */
	TAILQ_HEAD(, alert) list;
	size_t open;
	TAILQ_HEAD(, change) changes;     /* on their way to the store */
	TAILQ_HEAD(, decision) undecided; /* that wait for the store */
	TAILQ_HEAD(, batch) unsure;       /* taken in, and perhaps stored */
	TAILQ_HEAD(, load) loads;         /* being read */
	struct loop_timer windows;        /* when a maintenance window begins or ends */
	struct loop_timer clock;          /* whether the wall clock was set */
	int64_t ahead_us;                 /* by how much it is ahead of the loop's */
	struct notices *notices;          /* NULL: nobody is told what becomes of them */
	struct resume *resume; /* while what was left open is taken up again */
};

/* ---- book.c ---- */

struct alert *book_find(struct alerts *alerts, const char *id);
/*
 * Begin to work on an alert that is committed; NULL: that is done already.
 *
 * row      borrowed; state "open" or "acknowledged"
 * e        taken over
 * version  of it, that is committed; 0 = none
 */
struct alert *book_open(struct alerts *alerts, const struct alert_row *row, struct escalation *e,
			int64_t version);
/*
 * It needs no more work: stop the calls and forget it.
 *
 * state  its new state; somebody who listens right now is told
 */
void book_close(struct alert *alert, const char *state);
/* The same for one that stays: an acknowledgement that expires. */
void book_acknowledged(struct alert *alert, const char *state, int64_t expires_us);

/* ---- course.c ---- */

/* Something has changed for the alert: look at it, soon; or in a while. */
void course_wake(struct alert *alert);
void course_wake_in(struct alert *alert, int64_t us);
/*
 * A call of an earlier process is up: whoever is asked goes on in it, now, if nothing is on its
 * way that may change who that is.
 */
void course_take_up(struct alert *alert);
/*
 * Its escalation as it begins now, together with the alert; notes receives what is to be told.
 * Nobody is called before that is committed and book_open() was called.
 */
void course_begin(struct alerts *alerts, const struct alert_row *row, const json_t *labels,
		  struct escalation *e, struct escalation_notes *notes);
/* How the world looks from here; valid until the loop is returned to. */
struct escalation_eyes course_eyes(const struct alerts *alerts);
/* Somebody wants something of this alert; word is taken over. */
void course_say(struct alert *alert, struct word *word);
void word_free(struct word *word);
/* What is waited for is refused. now: the alert's state, "" = there is none */
void word_refuse(struct alerts *alerts, const char *alert_id, struct word *word, int err,
		 const char *now);
/* The alert is closed: what is under way for it is forgotten. state: its new one */
void course_drop(struct alert *alert, const char *state);

/* ---- load.c ---- */

/*
 * Somebody wants something of an alert that is perhaps not being worked on: then it is read first.
 * word is taken over; NULL: it is only to be worked on, if that is needed.
 */
void load_say(struct alerts *alerts, const char *id, struct word *word);
void load_drop_all(struct alerts *alerts);

/* ---- reach.c ---- */

/* Have those called who are asked by what is committed, and nobody else. */
void reach_settle(struct alert *alert);
/* A call of an earlier process goes on, of somebody who is not asked any more. */
void reach_adopt(struct alert *alert, int serial, const char *contact_id, const char *number,
		 const char *call_id);
void reach_drop(struct reach *reach, const char *state);
void reach_drop_all(struct alert *alert, const char *state);
/* At the end of the process: the pages are the caller's, and go with it. */
void reach_forget_all(struct alert *alert);
/* Whether a call is up by which somebody may still decide; but: not counting this page. */
bool reach_live(const struct alert *alert, int but);

/* ---- hold.c ---- */

/* Bring the alert's hold up to date. True: something has changed. */
bool hold_look(struct alert *alert, const struct escalation_eyes *eyes,
	       struct escalation_notes *notes);
/* For one that is not in the book yet. */
void hold_begin(struct alerts *alerts, const struct alert_row *row, const json_t *labels,
		struct escalation *e, const struct escalation_eyes *eyes,
		struct escalation_notes *notes);
void hold_start(struct alerts *alerts);
void hold_stop(struct alerts *alerts);

/* ---- concern.c ---- */

extern const struct inbound_ops concern_inbound_ops;

/* ---- resume.c ---- */

/* An alert was decided before it was taken up again. */
void resume_forget(struct alerts *alerts, const char *id);
/* Perhaps all of it is under way now. */
void resume_settled(struct alerts *alerts);
/* The alerts that were left open are still being read. */
bool resume_reading(const struct alerts *alerts);
/* To be said once they are; taken over. */
void resume_say(struct alerts *alerts, const char *id, struct word *word);
/* At the end of the process: what was not taken up again yet is the next one's. */
void resume_drop(struct alerts *alerts);
/*
 * Whether a page may be started for this person now.
 *
 * call_id  receives its call that goes on, NULL = none
 * past     receives its calls that are over, *n of them; owned by the caller, the strings not
 */
bool left_ready(const struct alert *alert, int serial, const char *contact_id, const char *number,
		const char **call_id, struct page_past **past, size_t *n);
/* The page was started with this call, or without one: the others are let go. */
void left_taken(struct alert *alert, int serial, const char *call_id);
/* forgotten: at the end of the process, where its calls are the next one's. */
void left_free(struct alert *alert, bool forgotten);
/* Some of its calls are not known to be up or over. */
bool left_waits(const struct alert *alert);

/* ---- intake.c ---- */

/* At the end of the process: forget what is unsure; the next one reads what is there. */
void intake_drop(struct alerts *alerts);

/* ---- outcome.c ---- */

/*
 * A key was pressed: committed, however long that takes, then the call is told by call_confirm().
 *
 * reach    whose page it counts for, or NULL: somebody else's
 * by_whom  for people; NULL: as the page has it
 */
void outcome_by_key(struct alerts *alerts, const char *id, const struct caller_word *word,
		    const struct reach *reach, const char *by_whom);
/*
 * An acknowledgement that is enough for the alert; word is taken over.
 *
 * by  all who have acknowledged; NULL: he who gave the word
 */
void outcome_acknowledge(struct alert *alert, struct word *word, const char *by);
/* At the end of the process: forget what could not be stored. */
void outcome_drop(struct alerts *alerts);

#endif
