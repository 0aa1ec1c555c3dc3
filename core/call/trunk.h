/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trunks: the configured ways to place calls, their health and their limits.
 */
#ifndef CORE_CALL_TRUNK_H
#define CORE_CALL_TRUNK_H

#include <sys/queue.h>

#include <tocsin/pbx.h>

#include "host/loop.h"

struct journal;
struct store;

struct trunk {
	TAILQ_ENTRY(trunk) link;
	struct tc_instance *instance;
	const struct tc_pbx_ops *ops;
	bool healthy;
	char *text;         /* owned; why (not) */
	unsigned live;      /* calls up or being set up */
	unsigned max_calls; /* its limit */
	double rate;        /* new calls per second */
	double tokens;      /* of the bucket that enforces rate */
	int64_t filled_us;
	uint64_t placed, failed;
};

TAILQ_HEAD(trunk_list, trunk);

typedef void (*trunk_event_fn)(void *arg, struct trunk *trunk, const struct tc_pbx_event *event);

struct trunks {
	struct loop *loop;
	struct store *store;
	struct journal *journal;
	struct trunk_list list; /* in order of preference */
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
/* Any trunk usable now? For /readyz. */
bool trunks_healthy(const struct trunks *trunks);

/*
 * The trunk for the next call: the first healthy one (after those whose bit is set in skip) with
 * room.
 *
 * skip     bit i = the i-th trunk was tried and failed
 * wait_us  receives when to ask again if all are full: microseconds from now, INT64_MAX = when
 *          on_room is called
 * result   NULL: none now; *wait_us says more
 */
struct trunk *trunks_pick(struct trunks *trunks, uint64_t skip, int64_t *wait_us);
uint64_t trunks_bit(const struct trunks *trunks, const struct trunk *trunk);
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
int trunk_answer(struct trunk *trunk, const char *call_id);
int trunk_recover(struct trunk *trunk, const char *call_id, const char *number, const char *ref);

/*
 * [{"name","plugin","healthy","text","live","max_calls","calls_per_second","placed","failed"}]; new
 * reference.
 */
json_t *trunks_status(const struct trunks *trunks);

#endif
