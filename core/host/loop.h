/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop thread: timers, and work posted to it from other threads. In tests its clock is virtual.
 */
#ifndef CORE_HOST_LOOP_H
#define CORE_HOST_LOOP_H

#include <tocsin/defs.h>

struct event_base;
struct loop;

/* Which clock a loop goes by. */
enum loop_clock { LOOP_REAL, LOOP_VIRTUAL };

struct loop *loop_new(enum loop_clock clock);
void loop_free(struct loop *loop);

struct event_base *loop_base(const struct loop *loop);

/* Microseconds on the loop's clock: monotonic, and since 1970 UTC. Thread: any. */
int64_t loop_now_us(const struct loop *loop);
int64_t loop_wall_us(const struct loop *loop);

/*
 * Run fn(arg) on the loop thread, in order, never inside the caller's frame.
 *
 * thread  any
 */
void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);

/* Run until loop_stop(). Thread: the one that is to be the loop thread from now on. */
void loop_run(struct loop *loop);
/* Thread: loop. */
void loop_stop(struct loop *loop);

/* One-shot timers. A zeroed struct is not armed; embed it. */
struct loop_timer {
	struct loop *loop;
	void (*fn)(void *arg);
	void *arg;
	int64_t due_us;
	uint64_t seq; /* order among equals */
	size_t slot; /* in the heap, 1-based; 0 = not armed */
};

void loop_timer_init(struct loop_timer *t, struct loop *loop, void (*fn)(void *arg), void *arg);
/* Arm, or move. */
void loop_timer_start_us(struct loop_timer *t, int64_t delay_us);
void loop_timer_stop(struct loop_timer *t);
static inline bool loop_timer_armed(const struct loop_timer *t)
{
	return t->slot != 0;
}

/*
 * For tests on LOOP_VIRTUAL: run what is posted and due now without letting time pass; true if
 * anything ran. And: when the next timer is due (INT64_MAX = none), and let time pass.
 */
bool loop_turn(struct loop *loop);
int64_t loop_next_us(const struct loop *loop);
void loop_advance_us(struct loop *loop, int64_t us);
/* The same: the wall clock is set, forward or back. */
void loop_set_wall_us(struct loop *loop, int64_t by_us);
/*
 * The watchdog's figures: milliseconds the loop was late at its last tick, and the worst of the
 * last minute.
 */
double loop_lag_ms(const struct loop *loop, double *worst_ms);
/* Begin to measure the lag, and log when it exceeds 50 ms (at most once a minute). */
void loop_watchdog_start(struct loop *loop);
/* No more: what ends the process may block. */
void loop_watchdog_stop(struct loop *loop);

#endif
