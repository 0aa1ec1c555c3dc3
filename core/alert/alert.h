/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The alerts that somebody must acknowledge: taking them in, working on them, and what became of
 * them.
 */
#ifndef CORE_ALERT_ALERT_H
#define CORE_ALERT_ALERT_H

#include <tocsin/trigger.h>

struct alerts;
struct caller;
struct config_escalation;
struct host;
struct journal;
struct loop;
struct oncall;
struct store;

struct alerts_deps {
	struct loop *loop;
	struct store *store;
	struct journal *journal;
	struct caller *caller;
	struct oncall *oncall;
	const struct config_escalation *config;
};

struct alerts *alerts_new(const struct alerts_deps *deps);
void alerts_free(struct alerts *alerts);
/* After a reload of the configuration. */
void alerts_configure(struct alerts *alerts, const struct config_escalation *config);

/*
 * The host's instances are open: the triggers among them that want it are told what becomes of
 * their alerts, from now on and since they last were.
 */
void alerts_tell(struct alerts *alerts, struct host *host);

/*
 * As tc_intake_submit(), for alerts of our own.
 *
 * raiser  the instance that wants to hear what becomes of them; NULL = nobody
 */
int alerts_submit(struct alerts *alerts, const struct tc_instance *raiser,
		  const struct tc_intake *items, size_t n, struct tc_errors *errs,
		  tc_intake_done_fn done, void *arg);

/*
 * After a start: read what is open and go on with it. done is called on the loop when all of it is
 * under way.
 */
int alerts_resume(struct alerts *alerts, void (*done)(void *arg, int err), void *arg);

#define ALERT_VERBS(X) \
	X(ALERT_ACKNOWLEDGE, "acknowledge", "acknowledged", "open") \
	X(ALERT_RESOLVE, "resolve", "resolved", "open,acknowledged,exhausted") \
	X(ALERT_CANCEL, "cancel", "cancelled", "open,acknowledged,exhausted") \
	X(ALERT_ESCALATE, "escalate", "open", "open,acknowledged") \
	X(ALERT_SNOOZE, "snooze", "open", "open") \
	X(ALERT_UNSNOOZE, "unsnooze", "open", "open")

enum alert_verb {
#define X(sym, name, to, from) sym,
	ALERT_VERBS(X)
#undef X
	ALERT_VERB_COUNT
};

/* What a human decides. All borrowed. */
struct alert_act {
	enum alert_verb verb;
	const char *by;   /* who */
	const char *note; /* what they said, or NULL */
	bool silence;     /* ALERT_ACKNOWLEDGE: its source is to silence it */
	int64_t until_us; /* ALERT_SNOOZE: wall time */
};

/*
 * A human decided (API, CLI, key). Committed before done is called; ringing phones stop.
 *
 * done      err: 0 | -ENOENT no such alert | -EPERM not in a state for it | -EAGAIN the store is
 *           away; now: its state
 * result    0 taken | -EAGAIN
 */
typedef void (*alert_done_fn)(void *arg, int err, const char *now);
int alerts_act(struct alerts *alerts, const char *id, const struct alert_act *act,
	       alert_done_fn done, void *arg);

/* How many are open and being worked on now. */
size_t alerts_open(const struct alerts *alerts);

#endif
