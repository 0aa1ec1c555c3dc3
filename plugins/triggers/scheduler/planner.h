/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the trigger scheduler: all that is planned, in memory and in the store, and the
 * one clock over it.
 *
 * scheduler.c  the plugin: its options, its instance
 * planner.c    the entries: read after a start, written, one change at a time
 * due.c        what is due: raised, or missed; what is over: removed
 * body.c       what somebody wants planned, checked
 * routes.c     /v1/planned
 * plan.c       a plan as a value; when.c: times
 */
#ifndef SCHEDULER_PLANNER_H
#define SCHEDULER_PLANNER_H

#include <sys/queue.h>

#include <tocsin/calendar.h>
#include <tocsin/http.h>
#include <tocsin/keep.h>

#include "plan.h"

#define SECOND_US INT64_C(1000000)

struct scheduler_config {
	const char *path;
	int64_t max_lateness_ms, keep_ms, min_interval_ms, max_planned;
};

struct planner;
struct entry;

/* What a change of an entry is for: what becomes of it when the store does not take it. */
enum change {
	CHANGE_ADVANCE, /* it was raised or missed, which cannot be undone: written until it is */
	CHANGE_EDIT,    /* somebody waits, and is told; what stood there is written again */
	CHANGE_ADD,     /* somebody waits, and is told; it is taken away again */
	CHANGE_REPAIR,  /* that: written until it is */
	CHANGE_REMOVE,  /* it is long over */
};

/* Told once of an EDIT or an ADD, after the commit: entry has its new plan. err: 0 | -EAGAIN */
typedef void (*changed_fn)(void *arg, int err, const struct entry *entry);

struct entry {
	TAILQ_ENTRY(entry) link;
	struct planner *planner;
	struct plan plan;       /* as it is in the store */
	bool there;             /* false: it is being added, and nobody sees it yet */
	bool busy;              /* something of it is on its way: nothing else may begin */
	bool tried;             /* its alert was handed in, and nobody knows what became of that */
	int64_t retry_us;       /* monotonic: not before then; 0 = at any time */
	char *trouble;          /* owned; why it cannot be raised; NULL = nothing is wrong */
	struct tc_recur *recur; /* owned; made when it is first needed */
	struct tc_timer *again; /* writes it again */
	/* a change on its way */
	enum change change;
	struct plan next;
	const char *what;       /* of its event; NULL = none */
	char *text, *reason;    /* owned */
	changed_fn changed;
	void *arg;
};

/* A request that comes while something else is on its way. */
struct waiting {
	STAILQ_ENTRY(waiting) link;
	char id[TC_ID_SIZE]; /* of the entry that is busy; "" = nothing is read yet */
	struct tc_http_req *req;
	tc_http_fn fn;
};
STAILQ_HEAD(waiting_list, waiting);

struct planner {
	struct tc_instance *self;            /* NULL once it is closed */
	const struct scheduler_config *cfg;
	struct tc_http_route *routes;        /* owned */
	char *one_path;                      /* owned */
	unsigned refs;                       /* the instance, and what is under way */
	bool loaded, unread;                 /* unread: the store was away when it was asked */
	TAILQ_HEAD(, entry) entries;
	size_t planned;                      /* entries in state planned, also those being added */
	struct waiting_list waiting;
	struct tc_timer *timer;
	int64_t (*wall_us)(void);            /* tests have one of their own */
	uint64_t raised, missed, unreadable; /* since the start */
};

/* ---- planner.c ---- */

struct planner *planner_new(struct tc_instance *self, const struct scheduler_config *cfg);
/* The instance is closed: what is under way is still told, nothing else begins. */
void planner_close(struct planner *planner);
void planner_hold(struct planner *planner);
void planner_release(struct planner *planner);

/*
 * Keep a request until an entry is not busy any more, or what is kept has been read.
 *
 * id  of the entry, or ""
 * fn  is called again
 */
void planner_wait(struct planner *planner, const char *id, struct tc_http_req *req, tc_http_fn fn);

/* NULL: there is none. */
struct entry *planner_find(struct planner *planner, const char *id);

/*
 * Begin a change of an entry that is not busy.
 *
 * next    taken; version and updated_us are set here
 * what    of the event, constant; NULL = none
 * text    taken; reason: taken, may be NULL
 * changed of EDIT and ADD; else NULL
 */
void entry_change(struct entry *entry, enum change change, struct plan *next, const char *what,
		  char *text, char *reason, changed_fn changed, void *arg);
/* The end of whatever made it busy: who waits for it has his turn. */
void entry_idle(struct entry *entry);

/* A new entry, being added. plan: taken. result: 0 | -ENOSPC plan was released */
int planner_add(struct planner *planner, struct plan *plan, char *text, changed_fn changed,
		void *arg);

/* The occurrence of a recurring plan after an instant; 0 = none. fault: receives why it cannot be
 * told, and stays NULL otherwise; owned by the caller */
int64_t entry_next(struct entry *entry, int64_t after_us, char **fault);
/* As far as a plan may be late. */
int64_t plan_lateness_us(const struct planner *planner, const struct plan *plan);

/* ---- due.c ---- */

/* Act upon what is due, and wake when the next one is. */
void planner_pass(struct planner *planner);
/* The same soon, outside of the caller's frame. */
void planner_wake(struct planner *planner);

/* ---- body.c ---- */

/*
 * What is to be planned, checked: the alert and its times. plan: receives what the caller
 * releases, also after an error; id and what became of it so far are the caller's.
 *
 * result  0 | -EINVAL after faults | -EAGAIN
 */
int plan_make(struct planner *planner, const struct tc_intake *alert, const char *at,
	      const char *timezone, struct plan *plan, struct tc_errors *errs);
struct recurrence {
	const char *rrule, *start, *timezone;
};
int plan_make_recurring(struct planner *planner, const struct tc_intake *alert,
			const struct recurrence *recurrence, struct plan *plan,
			struct tc_errors *errs);

/* ---- routes.c ---- */

int routes_add(struct planner *planner);

#endif
