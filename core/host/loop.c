/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop: libevent underneath, a heap of timers on a clock that tests can drive, and a queue of
 * posted work. Whose timers and posts they are is not known here.
 */
#include "host/loop.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>
#include <tocsin/plugin.h>

#define WATCH_MS 200          /* how often the lag is measured */
#define WATCH_COMPLAIN_MS 50.0
#define WATCH_WORST_TICKS 300 /* the worst of a minute */

struct posted {
	STAILQ_ENTRY(posted) link;
	void (*fn)(void *arg);
	void *arg;
};
STAILQ_HEAD(posted_list, posted);

struct loop {
	struct event_base *base;
	enum loop_clock clock;
	int64_t virtual_us; /* LOOP_VIRTUAL: time passed; atomic */
	int64_t set_us;     /* the same: by how much the wall clock was set; atomic */
	/* timers: a binary heap, slot 1 is the next one due */
	struct loop_timer **heap;
	size_t heap_n, heap_cap;
	uint64_t seq;
	uint64_t ran; /* pieces of work done so far */
	struct event *wake_timer;
	/* posted work */
	pthread_mutex_t lock;
	struct posted_list posted;
	int wake_fd;
	struct event *wake;
	/* watchdog */
	struct loop_timer watch;
	int64_t watch_due_us, complained_us;
	double lag_ms, worst_ms, worst_last_ms;
	unsigned watch_ticks;
};

static int64_t clock_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t tc_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

int64_t tc_wall_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

/* Virtual time begins on 2030-01-01T00:00:00Z: times in tests are the same each time. */
#define VIRTUAL_EPOCH_US (INT64_C(1893456000) * 1000000)

static int64_t virtual_us(const struct loop *loop)
{
	return __atomic_load_n(&loop->virtual_us, __ATOMIC_RELAXED);
}

int64_t loop_now_us(const struct loop *loop)
{
	return loop->clock == LOOP_REAL ? tc_now_us() : virtual_us(loop);
}

int64_t loop_wall_us(const struct loop *loop)
{
	int64_t set_us = __atomic_load_n(&loop->set_us, __ATOMIC_RELAXED);

	return loop->clock == LOOP_REAL ? tc_wall_us()
					: VIRTUAL_EPOCH_US + virtual_us(loop) + set_us;
}

/* ---- timers ---- */

static bool before(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->seq < b->seq;
}

static void heap_put(struct loop *loop, size_t slot, struct loop_timer *t)
{
	loop->heap[slot] = t;
	t->slot = slot;
}

static void heap_up(struct loop *loop, size_t slot)
{
	struct loop_timer *t = loop->heap[slot];

	for (; slot > 1 && before(t, loop->heap[slot / 2]); slot /= 2)
		heap_put(loop, slot, loop->heap[slot / 2]);
	heap_put(loop, slot, t);
}

static void heap_down(struct loop *loop, size_t slot)
{
	struct loop_timer *t = loop->heap[slot];

	for (;;) {
		size_t child = slot * 2;

		if (child > loop->heap_n)
			break;
		if (child < loop->heap_n && before(loop->heap[child + 1], loop->heap[child]))
			child++;
		if (!before(loop->heap[child], t))
			break;
		heap_put(loop, slot, loop->heap[child]);
		slot = child;
	}
	heap_put(loop, slot, t);
}

static void heap_del(struct loop *loop, size_t slot)
{
	struct loop_timer *last = loop->heap[loop->heap_n--];

	loop->heap[slot]->slot = 0;
	if (slot > loop->heap_n)
		return;
	heap_put(loop, slot, last);
	heap_up(loop, slot);
	heap_down(loop, last->slot);
}

int64_t loop_next_us(const struct loop *loop)
{
	return loop->heap_n ? loop->heap[1]->due_us : INT64_MAX;
}

/* Have libevent wake us for the first timer. */
static void arm(struct loop *loop)
{
	struct timeval tv;
	int64_t wait_us;

	if (loop->clock == LOOP_VIRTUAL)
		return;
	if (!loop->heap_n) {
		event_del(loop->wake_timer);
		return;
	}
	wait_us = loop->heap[1]->due_us - loop_now_us(loop);
	if (wait_us < 0)
		wait_us = 0;
	tv.tv_sec = wait_us / 1000000;
	tv.tv_usec = wait_us % 1000000;
	event_add(loop->wake_timer, &tv);
}

void loop_timer_init(struct loop_timer *t, struct loop *loop, void (*fn)(void *arg), void *arg)
{
	*t = (struct loop_timer){.loop = loop, .fn = fn, .arg = arg};
}

void loop_timer_start_us(struct loop_timer *t, int64_t delay_us)
{
	struct loop *loop = t->loop;

	if (t->slot)
		heap_del(loop, t->slot);
	if (delay_us < 0)
		delay_us = 0;
	if (__builtin_add_overflow(loop_now_us(loop), delay_us, &t->due_us))
		t->due_us = INT64_MAX;
	t->seq = loop->seq++;
	if (loop->heap_n + 2 > loop->heap_cap) {
		loop->heap_cap = loop->heap_cap ? loop->heap_cap * 2 : 64;
		loop->heap = tc_realloc(loop->heap, loop->heap_cap * sizeof(*loop->heap));
	}
	heap_put(loop, ++loop->heap_n, t);
	heap_up(loop, loop->heap_n);
	if (t->slot == 1)
		arm(loop);
}

void loop_timer_stop(struct loop_timer *t)
{
	if (t->slot)
		heap_del(t->loop, t->slot);
}

/* Those due at the time of the call; one that is armed again meanwhile waits for the next turn. */
static void run_timers(struct loop *loop)
{
	int64_t now_us = loop_now_us(loop);
	uint64_t first_new = loop->seq;

	while (loop->heap_n && loop->heap[1]->due_us <= now_us && loop->heap[1]->seq < first_new) {
		struct loop_timer *t = loop->heap[1];

		heap_del(loop, 1);
		t->fn(t->arg);
		loop->ran++;
	}
	arm(loop);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	run_timers(arg);
}

/* ---- posted work ---- */

void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct posted *p = tc_alloc(sizeof(*p));
	uint64_t one = 1;
	bool wake;

	p->fn = fn;
	p->arg = arg;
	pthread_mutex_lock(&loop->lock);
	wake = STAILQ_EMPTY(&loop->posted);
	STAILQ_INSERT_TAIL(&loop->posted, p, link);
	pthread_mutex_unlock(&loop->lock);
	if (wake && write(loop->wake_fd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: it is awake already */
}

static void run_posted(struct loop *loop)
{
	struct posted_list take = STAILQ_HEAD_INITIALIZER(take);
	struct posted *p;

	pthread_mutex_lock(&loop->lock);
	STAILQ_CONCAT(&take, &loop->posted);
	pthread_mutex_unlock(&loop->lock);
	while ((p = STAILQ_FIRST(&take))) {
		STAILQ_REMOVE_HEAD(&take, link);
		p->fn(p->arg);
		free(p);
		loop->ran++;
	}
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) < 0)
		return;
	run_posted(arg);
}

/* ---- the loop ---- */

struct loop *loop_new(enum loop_clock clock)
{
	struct loop *loop = tc_alloc(sizeof(*loop));

	evthread_use_pthreads();
	loop->clock = clock;
	loop->base = event_base_new();
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!loop->base || loop->wake_fd < 0)
		abort();
	pthread_mutex_init(&loop->lock, NULL);
	STAILQ_INIT(&loop->posted);
	loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
	loop->wake_timer = event_new(loop->base, -1, 0, on_timer, loop);
	event_add(loop->wake, NULL);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	for (uint64_t ran = UINT64_MAX; ran != loop->ran;) { /* what is posted may post */
		ran = loop->ran;
		run_posted(loop);
	}
	event_free(loop->wake);
	event_free(loop->wake_timer);
	event_base_free(loop->base);
	close(loop->wake_fd);
	pthread_mutex_destroy(&loop->lock);
	free(loop->heap);
	free(loop);
}

struct event_base *loop_base(const struct loop *loop)
{
	return loop->base;
}

void loop_run(struct loop *loop)
{
	arm(loop);
	event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void loop_stop(struct loop *loop)
{
	event_base_loopbreak(loop->base);
}

bool loop_turn(struct loop *loop)
{
	uint64_t ran = loop->ran;

	run_posted(loop);
	event_base_loop(loop->base, EVLOOP_NONBLOCK);
	run_timers(loop);
	return loop->ran != ran;
}

void loop_advance_us(struct loop *loop, int64_t us)
{
	__atomic_store_n(&loop->virtual_us, loop->virtual_us + us, __ATOMIC_RELAXED);
}

void loop_set_wall_us(struct loop *loop, int64_t by_us)
{
	__atomic_store_n(&loop->set_us, loop->set_us + by_us, __ATOMIC_RELAXED);
}

/* ---- watchdog ---- */

static void watch(void *arg)
{
	struct loop *loop = arg;
	int64_t now_us = loop_now_us(loop);

	loop->lag_ms = (double)(now_us - loop->watch_due_us) / 1000.0;
	if (loop->lag_ms > loop->worst_ms)
		loop->worst_ms = loop->lag_ms;
	if (++loop->watch_ticks >= WATCH_WORST_TICKS) {
		loop->watch_ticks = 0;
		loop->worst_last_ms = loop->worst_ms;
		loop->worst_ms = 0;
	}
	if (loop->lag_ms > WATCH_COMPLAIN_MS &&
	    (!loop->complained_us || now_us - loop->complained_us > 60 * 1000000)) {
		loop->complained_us = now_us;
		tc_log(NULL, TC_LOG_WARN, "the loop was held up lag_ms=%.1f", loop->lag_ms);
	}
	loop->watch_due_us = now_us + WATCH_MS * 1000;
	loop_timer_start_us(&loop->watch, WATCH_MS * 1000);
}

void loop_watchdog_start(struct loop *loop)
{
	loop_timer_init(&loop->watch, loop, watch, loop);
	loop->watch_due_us = loop_now_us(loop) + WATCH_MS * 1000;
	loop_timer_start_us(&loop->watch, WATCH_MS * 1000);
}

void loop_watchdog_stop(struct loop *loop)
{
	if (loop->watch.loop)
		loop_timer_stop(&loop->watch);
}

double loop_lag_ms(const struct loop *loop, double *worst_ms)
{
	*worst_ms = loop->worst_ms > loop->worst_last_ms ? loop->worst_ms : loop->worst_last_ms;
	return loop->lag_ms;
}
