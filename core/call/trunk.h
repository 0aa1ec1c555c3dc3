/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trunks: the configured ways to place calls, their health and their limits.
 *
 * trunk.c         which one is next, its limits, its operations, what it reports
 * trunk_health.c  whether it works: what its plugin says, and how its newest calls went
 * trunk_check.c   what is wrong with it, step by step
 */
#ifndef CORE_CALL_TRUNK_H
#define CORE_CALL_TRUNK_H

#include <sys/queue.h>

#include <tocsin/pbx.h>

#include "host/loop.h"

struct journal;
struct store;
struct trunks;

#define TRUNK_OUTCOMES 20 /* the newest calls of a trunk that are looked at */

/* How a call went, as far as its trunk is concerned. */
struct trunk_outcome {
	char call_id[TC_ID_SIZE]; /* "" = none */
	int64_t at_us; /* monotonic */
	bool good;
};

struct trunk {
	TAILQ_ENTRY(trunk) link;
	struct trunks *trunks;
	struct tc_instance *instance;
	const struct tc_pbx_ops *ops;
	bool healthy;       /* up and not failing */
	char *text;         /* owned; why (not) */
	bool up;            /* its plugin says that it works */
	char *said;         /* owned; what the plugin says of that */
	bool failing;       /* too many of its newest calls have failed */
	int64_t retry_us;   /* failing: when one more call tries it, monotonic */
	int64_t fresh_us;   /* calls placed before count for nothing, wall time */
	struct trunk_outcome outcomes[TRUNK_OUTCOMES];
	unsigned next_outcome; /* where the next one is put */
	bool held;          /* it takes no new calls: its plugin holds back */
	char *held_why;     /* owned; NULL = not held */
	bool held_logged;   /* and the log says so */
	int64_t held_logged_us; /* since when, monotonic; 0 = never */
	unsigned live;      /* calls up or being set up */
	unsigned max_calls; /* its limit */
	double rate;        /* new calls per second */
	double tokens;      /* of the bucket that enforces rate */
	int64_t filled_us;
	uint64_t placed, failed, holds;
	struct {
		uint64_t placed, failed, holds;
	} told; /* of these to the metrics */
};

TAILQ_HEAD(trunk_list, trunk);

typedef void (*trunk_event_fn)(void *arg, struct trunk *trunk, const struct tc_pbx_event *event);

struct trunks {
	struct loop *loop;
	struct store *store;
	struct journal *journal;
	struct trunk_list list; /* in order of preference */
	unsigned n;             /* of the list */
	uint64_t ups;           /* times that one of them became healthy */
	bool round_robin;       /* the usable ones take turns */
	struct trunk *last;     /* had the last turn; NULL = none yet */
	trunk_event_fn on_event;
	void (*on_room)(void *arg); /* a trunk became healthy or has room again */
	void *arg;
};

struct trunks *trunks_new(struct loop *loop, struct store *store, struct journal *journal);
void trunks_free(struct trunks *trunks);
/* Who is told; set once, before the first instance is opened. */
void trunks_listen(struct trunks *trunks, trunk_event_fn on_event, void (*on_room)(void *arg),
		   void *arg);
/* Add one, in order. max_calls and calls_per_second come from the instance's own settings. */
struct trunk *trunks_add(struct trunks *trunks, struct tc_instance *instance);
struct trunk *trunks_find(struct trunks *trunks, const char *name);
/* Whether the usable ones take turns, in place of the first one that has room. */
void trunks_set_round_robin(struct trunks *trunks, bool round_robin);
/* Any trunk usable now? For /readyz. */
bool trunks_healthy(const struct trunks *trunks);

/*
 * The trunk for the next call: the first healthy one with room, or the one whose turn it is; one
 * that is not healthy when there is no other. A trunk that is held has no room.
 *
 * skip     bit i = the i-th trunk was tried and failed
 * wait_us  receives when to ask again if all are full: microseconds from now, INT64_MAX = when
 *          on_room is called
 * result   NULL: none now; *wait_us says more
 */
struct trunk *trunks_pick(struct trunks *trunks, uint64_t skip, int64_t *wait_us);
/*
 * Why trunks_pick() found none, for people: "trunk office is held back: ...". Owned by the caller.
 */
char *trunks_why_not(const struct trunks *trunks, uint64_t skip);
uint64_t trunks_bit(const struct trunks *trunks, const struct trunk *trunk);
/* Is it the rate of a healthy one that calls wait for? */
bool trunks_at_rate(const struct trunks *trunks, uint64_t skip);
/* How long one call takes at the rates of those that are not in skip, together. */
int64_t trunks_each_us(const struct trunks *trunks, uint64_t skip);
/* Are there trunks that are not in skip? */
bool trunks_left(const struct trunks *trunks, uint64_t skip);
/* A call takes and gives back its place. */
void trunk_enter(struct trunk *trunk);
void trunk_leave(struct trunks *trunks, struct trunk *trunk);

/* The trunk's operations (tocsin/pbx.h); -EHOSTDOWN when its instance is closed. */
int trunk_originate(struct trunk *trunk, const struct tc_pbx_originate *call);
int trunk_play(struct trunk *trunk, const char *call_id, uint32_t play_id,
	       const struct tc_pbx_item *items, size_t n);
int trunk_hangup(struct trunk *trunk, const char *call_id);
/* -ENOTSUP: its plugin answers no calls. */
int trunk_release(struct trunk *trunk, const char *call_id);
int trunk_answer(struct trunk *trunk, const char *call_id);
/* -ENOTSUP: its plugin can press no keys. */
int trunk_dtmf(struct trunk *trunk, const char *call_id, const char *keys);
int trunk_recover(struct trunk *trunk, const char *call_id, const char *number, const char *ref);

/*
 * [{"name","plugin","healthy","up","text","held","held_why","live","max_calls","calls_per_second",
 * "placed","failed","recent_calls","failed_share","status"}]; new reference.
 */
json_t *trunks_status(const struct trunks *trunks);

/* ---- trunk_check.c ---- */

/*
 * report: {"ok", "steps": [{"step", "ok": true|false|null, "text"}]}; the reference is the callee's
 */
typedef void (*trunk_checked_fn)(void *arg, json_t *report);

/*
 * Find out what is wrong with the trunk, without ringing anybody; within 30 s. A plugin that cannot
 * look gives its health for an answer.
 *
 * number  to check the way to it as well, or NULL; as in tc_pbx_originate
 * done    told once
 * result  for op_cancel(); NULL: done has been told already
 */
struct tc_op *trunk_check(struct trunk *trunk, const char *number, trunk_checked_fn done,
			  void *arg);

/* ---- trunk_health.c ---- */

/*
 * What its plugin says of it. From down to up all that failed before is forgotten.
 *
 * text  why, for people
 */
void trunk_said(struct trunk *trunk, bool up, const char *text);

/* Its plugin holds back, or does no longer. */
void trunk_hold(struct trunk *trunk, bool hold, const char *text);

/*
 * How a call went: good when the far end was heard of, not when it failed at the trunk. The newest
 * word on a call counts. With too many failed ones the trunk is no longer healthy, until one call
 * goes well.
 *
 * placed_us  when the call was placed, wall time
 */
void trunk_outcome(struct trunk *trunk, const char *call_id, int64_t placed_us, bool good);
/* The same by how a call ended; most ends that say nothing of the trunk change nothing. */
void trunk_ended(struct trunk *trunk, const char *call_id, int64_t placed_us, enum tc_pbx_end end);

/* It has been given a call; when it is failing, the next one after a while. */
void trunk_tried(struct trunk *trunk, int64_t now_us);

/* The newest calls that count: how many, and how many of them failed. */
unsigned trunk_recent(const struct trunk *trunk, int64_t now_us, unsigned *failed);

#endif
