/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop: order and moving of timers, posted work of several threads, both clocks, the watchdog.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <tocsin/alloc.h>
#include <tocsin/plugin.h>

#include "host/logging.h"
#include "host/loop.h"

#define MANY 10000
#define TURNS_MAX 1000000

static int setup(void **state)
{
	*state = loop_new(LOOP_VIRTUAL);
	return 0;
}

static int setup_real(void **state)
{
	*state = loop_new(LOOP_REAL);
	return 0;
}

static int teardown(void **state)
{
	loop_free(*state);
	return 0;
}

/* ---- a timer that notes when it ran ---- */

struct note {
	struct loop_timer timer;
	struct tc_buf *out;
	char name;
	struct note *stops;     /* another one that it stops, or NULL */
	struct note *moves;     /* another one that it starts again, delay_us from then */
	int64_t delay_us;
};

static void write_down(void *arg)
{
	struct note *n = arg;

	tc_buf_add(n->out, &n->name, 1);
	if (n->stops)
		loop_timer_stop(&n->stops->timer);
	if (n->moves)
		loop_timer_start_us(&n->moves->timer, n->delay_us);
}

static void make_notes(struct note *notes, size_t n, struct loop *loop, struct tc_buf *out)
{
	for (size_t i = 0; i < n; i++) {
		notes[i] = (struct note){.out = out, .name = (char)('a' + i)};
		loop_timer_init(&notes[i].timer, loop, write_down, &notes[i]);
	}
}

static void turn_out(struct loop *loop)
{
	for (int i = 0; loop_turn(loop); i++)
		assert_in_range(i, 0, TURNS_MAX);
}

static void expect(struct tc_buf *out, const char *wanted)
{
	char *found = tc_buf_take(out);

	assert_string_equal(found, wanted);
	free(found);
}

static void test_timers_run_by_time_then_by_start(void **state)
{
	static const int delay_ms[] = {3, 1, 2, 1, 3, 0};
	struct loop *loop = *state;
	struct tc_buf out = {0};
	struct note n[6];

	make_notes(n, 6, loop, &out);
	for (int i = 0; i < 6; i++)
		loop_timer_start_us(&n[i].timer, delay_ms[i] * 1000);
	assert_true(loop_turn(loop));
	expect(&out, "f");
	assert_false(loop_turn(loop));
	assert_int_equal(loop_next_us(loop), 1000);
	loop_advance_us(loop, 999);
	assert_false(loop_turn(loop));
	loop_advance_us(loop, 1);
	assert_true(loop_turn(loop));
	expect(&out, "bd");
	loop_advance_us(loop, 5000);
	assert_true(loop_turn(loop));
	expect(&out, "cae");
	assert_int_equal(loop_next_us(loop), INT64_MAX);
}

static void test_an_armed_timer_is_moved(void **state)
{
	struct loop *loop = *state;
	struct tc_buf out = {0};
	struct note n[2];

	make_notes(n, 2, loop, &out);
	loop_timer_start_us(&n[0].timer, 1000);
	loop_timer_start_us(&n[1].timer, 2000);
	loop_timer_start_us(&n[0].timer, 3000);
	assert_int_equal(loop_next_us(loop), 2000);
	loop_timer_start_us(&n[1].timer, -5); /* the past is now */
	assert_int_equal(loop_next_us(loop), 0);
	turn_out(loop);
	expect(&out, "b");
	assert_false(loop_timer_armed(&n[1].timer));
	assert_true(loop_timer_armed(&n[0].timer));
	loop_timer_stop(&n[0].timer);
	loop_timer_stop(&n[0].timer);
	assert_false(loop_timer_armed(&n[0].timer));
	loop_advance_us(loop, 10000);
	assert_false(loop_turn(loop));
}

/* What is armed while the due ones run has its own turn, even without a delay. */
static void test_rearmed_in_its_callback(void **state)
{
	struct loop *loop = *state;
	struct tc_buf out = {0};
	struct note n[2];

	make_notes(n, 2, loop, &out);
	n[0].moves = &n[0];
	loop_timer_start_us(&n[0].timer, 0);
	loop_timer_start_us(&n[1].timer, 0);
	assert_true(loop_turn(loop));
	expect(&out, "ab");
	assert_true(loop_turn(loop));
	expect(&out, "a");
	n[0].delay_us = 500;
	assert_true(loop_turn(loop));
	expect(&out, "a");
	assert_false(loop_turn(loop));
	assert_int_equal(loop_next_us(loop), 500);
	loop_timer_stop(&n[0].timer);
}

static void test_stopped_in_a_callback(void **state)
{
	struct loop *loop = *state;
	struct tc_buf out = {0};
	struct note n[4];

	make_notes(n, 4, loop, &out);
	n[0].stops = &n[1]; /* due in the same turn */
	n[2].stops = &n[2]; /* itself: it is not armed any more */
	n[2].moves = &n[3]; /* one due in the same turn: put off */
	n[2].delay_us = 100;
	for (int i = 0; i < 4; i++)
		loop_timer_start_us(&n[i].timer, 0);
	turn_out(loop);
	expect(&out, "ac");
	loop_advance_us(loop, 100);
	turn_out(loop);
	expect(&out, "d");
}

struct freed {
	struct loop_timer timer;
	unsigned *count;
};

static void free_itself(void *arg)
{
	struct freed *f = arg;

	++*f->count;
	free(f);
}

static void test_freed_in_its_callback(void **state)
{
	struct loop *loop = *state;
	unsigned count = 0;

	for (int i = 0; i < 100; i++) {
		struct freed *f = tc_alloc(sizeof(*f));

		f->count = &count;
		loop_timer_init(&f->timer, loop, free_itself, f);
		loop_timer_start_us(&f->timer, i % 7);
	}
	loop_advance_us(loop, 10);
	turn_out(loop);
	assert_int_equal(count, 100);
}

static void test_a_delay_without_end(void **state)
{
	struct loop *loop = *state;
	struct tc_buf out = {0};
	struct note n;

	make_notes(&n, 1, loop, &out);
	loop_advance_us(loop, 1000);
	loop_timer_start_us(&n.timer, INT64_MAX);
	assert_true(loop_timer_armed(&n.timer));
	loop_advance_us(loop, INT64_C(1) << 50);
	assert_false(loop_turn(loop));
	loop_timer_stop(&n.timer);
}

/* ---- the heap against a plain list ---- */

struct reference {
	struct loop_timer timer;
	int64_t due_us;
	uint64_t seq;
	bool armed;
};

static struct reference reference[MANY];
static size_t ran[MANY], n_ran;

static void note_ran(void *arg)
{
	const struct reference *r = arg;

	assert_in_range(n_ran, 0, MANY - 1);
	ran[n_ran++] = (size_t)(r - reference);
}

static int by_due(const void *a, const void *b)
{
	const struct reference *x = &reference[*(const size_t *)a];
	const struct reference *y = &reference[*(const size_t *)b];

	if (x->due_us != y->due_us)
		return x->due_us < y->due_us ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

/* A generator of its own, so that each run is the same. */
static uint32_t random_number(void)
{
	static uint32_t x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

static void do_random(struct loop *loop, uint64_t *seq)
{
	struct reference *r = &reference[random_number() % MANY];

	if (random_number() % 4) {
		int64_t delay_us = random_number() % 5000; /* many are equal */

		r->due_us = loop_now_us(loop) + delay_us;
		r->seq = ++*seq;
		r->armed = true;
		loop_timer_start_us(&r->timer, delay_us);
	} else {
		r->armed = false;
		loop_timer_stop(&r->timer);
	}
	assert_int_equal(loop_timer_armed(&r->timer), r->armed);
}

/* Let time pass; what ran must be what the list says, in its order. */
static void check_until(struct loop *loop, int64_t us)
{
	static size_t wanted[MANY];
	size_t n = 0;

	loop_advance_us(loop, us);
	for (size_t i = 0; i < MANY; i++)
		if (reference[i].armed && reference[i].due_us <= loop_now_us(loop)) {
			reference[i].armed = false;
			wanted[n++] = i;
		}
	qsort(wanted, n, sizeof(*wanted), by_due);
	n_ran = 0;
	turn_out(loop);
	assert_int_equal(n_ran, n);
	assert_memory_equal(ran, wanted, n * sizeof(*wanted));
}

static void test_ten_thousand_timers(void **state)
{
	struct loop *loop = *state;
	size_t all = 0;
	uint64_t seq = 0;

	for (size_t i = 0; i < MANY; i++)
		loop_timer_init(&reference[i].timer, loop, note_ran, &reference[i]);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < MANY; i++)
			do_random(loop, &seq);
		check_until(loop, random_number() % 3000);
		all += n_ran;
	}
	check_until(loop, 5000);
	assert_int_equal(loop_next_us(loop), INT64_MAX);
	assert_true(all > MANY); /* else nothing was tried */
}

/* ---- posted work ---- */

#define THREADS 4
#define POSTS 5000

struct post {
	struct crowd *crowd;
	unsigned thread, number;
};

struct crowd {
	struct loop *loop;
	pthread_t main;
	unsigned next[THREADS];
	unsigned done;
	struct post posts[THREADS][POSTS];
	unsigned started; /* atomic: gives each thread its number */
};

static void on_post(void *arg)
{
	struct post *p = arg;
	struct crowd *c = p->crowd;

	assert_true(pthread_equal(pthread_self(), c->main));
	assert_int_equal(p->number, c->next[p->thread]);
	c->next[p->thread]++;
	if (++c->done == THREADS * POSTS)
		loop_stop(c->loop);
}

static void *poster(void *arg)
{
	struct crowd *c = arg;
	unsigned thread = __atomic_fetch_add(&c->started, 1, __ATOMIC_RELAXED);

	for (unsigned i = 0; i < POSTS; i++) {
		c->posts[thread][i] = (struct post){c, thread, i};
		loop_post(c->loop, on_post, &c->posts[thread][i]);
	}
	return NULL;
}

static void give_up(void *arg)
{
	loop_stop(arg);
}

static void test_posted_by_several_threads(void **state)
{
	struct crowd *c = tc_alloc(sizeof(*c));
	struct loop_timer limit;
	pthread_t threads[THREADS];

	c->loop = *state;
	c->main = pthread_self();
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, poster, c), 0);
	loop_timer_init(&limit, c->loop, give_up, c->loop);
	loop_timer_start_us(&limit, 30 * 1000000);
	loop_run(c->loop);
	loop_timer_stop(&limit);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(c->done, THREADS * POSTS);
	free(c);
}

struct again {
	struct loop *loop;
	unsigned left, depth, ran;
};

static void post_again(void *arg)
{
	struct again *a = arg;

	assert_int_equal(a->depth, 0); /* never inside the caller's frame */
	a->depth++;
	a->ran++;
	if (a->left && a->left--)
		loop_post(a->loop, post_again, a);
	a->depth--;
}

static void test_posted_by_what_was_posted(void **state)
{
	struct again a = {.loop = *state, .left = 3};

	loop_post(a.loop, post_again, &a);
	assert_int_equal(a.ran, 0);
	turn_out(a.loop);
	assert_int_equal(a.ran, 4);
	assert_false(loop_turn(a.loop));
}

/* What is left runs at the end of the loop: it may own memory. */
static void test_left_over_at_the_end(void **state)
{
	struct loop *loop = loop_new(LOOP_REAL);
	struct again a = {.loop = loop, .left = 3};

	(void)state;
	loop_post(loop, post_again, &a);
	loop_free(loop);
	assert_int_equal(a.ran, 4);
	loop_free(NULL);
}

/* ---- clocks ---- */

static void test_virtual_clock(void **state)
{
	struct loop *loop = *state;

	assert_int_equal(loop_now_us(loop), 0);
	assert_int_equal(loop_wall_us(loop), INT64_C(1893456000000000)); /* 2030-01-01 */
	loop_advance_us(loop, 1500);
	assert_false(loop_turn(loop));
	assert_int_equal(loop_now_us(loop), 1500);
	assert_int_equal(loop_wall_us(loop), INT64_C(1893456000001500));
}

struct once {
	struct loop *loop;
	int64_t at_us;
};

static void stop_and_look(void *arg)
{
	struct once *o = arg;

	o->at_us = tc_now_us();
	loop_stop(o->loop);
}

static void test_real_clock(void **state)
{
	struct once o = {.loop = *state};
	struct loop_timer soon, late;
	int64_t begin_us = tc_now_us(), wall_us = tc_wall_us();

	assert_true(loop_now_us(o.loop) >= begin_us);
	assert_true(loop_wall_us(o.loop) >= wall_us);
	loop_timer_init(&late, o.loop, give_up, o.loop);
	loop_timer_init(&soon, o.loop, stop_and_look, &o);
	loop_timer_start_us(&late, 30 * 1000000);
	loop_timer_start_us(&soon, 20000);
	loop_run(o.loop);
	loop_timer_stop(&late);
	assert_true(o.at_us >= begin_us + 20000);
	assert_true(o.at_us < begin_us + 30 * 1000000);
}

/* ---- the watchdog ---- */

static void tick(struct loop *loop, int64_t us)
{
	loop_advance_us(loop, us);
	turn_out(loop);
}

static void test_watchdog(void **state)
{
	struct loop *loop = *state;
	double worst;

	logging_setup(TC_LOG_ERROR, LOGGING_TEXT);
	loop_watchdog_start(loop);
	tick(loop, 200000);
	assert_true(loop_lag_ms(loop, &worst) == 0.0 && worst == 0.0);
	tick(loop, 270000);
	assert_true(loop_lag_ms(loop, &worst) == 70.0 && worst == 70.0);
	tick(loop, 203000);
	assert_true(loop_lag_ms(loop, &worst) == 3.0 && worst == 70.0);
	for (int i = 0; i < 600; i++) /* after two minutes it is forgotten */
		tick(loop, 201000);
	assert_true(loop_lag_ms(loop, &worst) == 1.0 && worst == 1.0);
	logging_setup(TC_LOG_INFO, LOGGING_TEXT);
}

int main(void)
{
#define VIRTUAL(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define REAL(f) cmocka_unit_test_setup_teardown(f, setup_real, teardown)
	const struct CMUnitTest tests[] = {
		VIRTUAL(test_timers_run_by_time_then_by_start),
		VIRTUAL(test_an_armed_timer_is_moved),
		VIRTUAL(test_rearmed_in_its_callback),
		VIRTUAL(test_stopped_in_a_callback),
		VIRTUAL(test_freed_in_its_callback),
		VIRTUAL(test_a_delay_without_end),
		VIRTUAL(test_ten_thousand_timers),
		REAL(test_posted_by_several_threads),
		VIRTUAL(test_posted_by_what_was_posted),
		cmocka_unit_test(test_left_over_at_the_end),
		VIRTUAL(test_virtual_clock),
		REAL(test_real_clock),
		VIRTUAL(test_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
