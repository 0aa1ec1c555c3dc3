/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instances: their settings, opening and closing, what they post and time, and their status.
 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "host/config.h"
#include "host/logging.h"
#include "unit/host_rig.h"

/* ---- a plugin that does what its settings say ---- */

struct probe_cfg {
	int64_t number;
	int64_t open_err, check_err;
	bool complain;
};

static const struct tc_option probe_options[] = {
	{"number", TC_INT, offsetof(struct probe_cfg, number), .def = "5", .help = "a number"},
	{"open_err", TC_INT, offsetof(struct probe_cfg, open_err), .help = "what open() says"},
	{"check_err", TC_INT, offsetof(struct probe_cfg, check_err), .help = "what check() says"},
	{"complain", TC_BOOL, offsetof(struct probe_cfg, complain), .help = "and why"},
	TC_OPTION_END,
};

struct probe {
	struct tc_instance *self;
	const struct probe_cfg *cfg;
};

static unsigned ran, dropped, closed;
static void *last_dropped;
static bool blocked;

static void run(void *arg)
{
	(void)arg;
	ran++;
}

static void drop(void *arg)
{
	dropped++;
	last_dropped = arg;
}

static int probe_check(const void *cfg, struct tc_errors *errs)
{
	const struct probe_cfg *c = cfg;

	if (c->complain)
		tc_errors_add(errs, "complain", "must not be true");
	return (int)c->check_err;
}

static bool blocks_signals(void)
{
	sigset_t set;

	pthread_sigmask(SIG_BLOCK, NULL, &set);
	return sigismember(&set, SIGTERM) && sigismember(&set, SIGHUP);
}

static int probe_open(struct tc_instance *self, const void *cfg, void **state)
{
	const struct probe_cfg *c = cfg;
	struct probe *p = tc_alloc(sizeof(*p));

	p->self = self;
	p->cfg = cfg;
	blocked = blocks_signals();
	tc_post(self, run, drop, p);
	tc_timer_start(tc_timer_new(self, run, p), 10);
	tc_lane_open(self, "probe", 1, 1);
	if (c->open_err) {
		free(p); /* its own; what the host gave is the host's */
		return (int)c->open_err;
	}
	*state = p;
	return 0;
}

static void probe_close(void *state)
{
	struct probe *p = state;

	assert_int_equal(p->cfg->number, 5); /* cfg still lives */
	closed++;
	tc_post(p->self, run, drop, NULL);
	free(p);
}

static void probe_status(void *state, struct tc_status *out)
{
	const struct probe *p = state;

	tc_status_health(out, false, "number %d", (int)p->cfg->number);
	tc_status_number(out, "calls", 3);
	tc_status_number(out, "share", 0.5);
	tc_status_number(out, "nonsense", NAN);
	tc_status_text(out, "mode", "slow");
	tc_status_text(out, "rubbish", "\xff");
}

static const struct tc_plugin probe_plugin = {
	TC_PLUGIN_GUARD(TC_KIND_TRIGGER),
	.name = "probe",
	.version = "1",
	.summary = "Does what it is told",
	.options = probe_options,
	.config_size = sizeof(struct probe_cfg),
	.check = probe_check,
	.open = probe_open,
	.close = probe_close,
	.status = probe_status,
};

/* ---- rig ---- */

static int setup(void **state)
{
	struct host_rig *rig = tc_alloc(sizeof(*rig));

	ran = dropped = closed = 0;
	last_dropped = NULL;
	logging_setup(TC_LOG_ERROR, LOGGING_TEXT);
	host_rig_init(rig, LOOP_VIRTUAL);
	host_plugin_add(rig->host, &probe_plugin);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	host_rig_fini(*state);
	free(*state);
	return 0;
}

static struct tc_instance *probe(struct host_rig *rig)
{
	struct tc_instance *self = host_rig_instance(rig, &probe_plugin, "p", NULL);

	assert_int_equal(instance_open(self), 0);
	return self;
}

static void pass_ms(struct host_rig *rig, int64_t ms)
{
	loop_advance_us(rig->loop, ms * 1000);
	host_rig_turn(rig);
}

/* ---- settings ---- */

static void expect_fault(struct host_rig *rig, const char *settings, const char *field,
			 const char *text)
{
	json_t *json = json_loads(settings, 0, NULL);
	struct tc_errors *errs = tc_errors_new();

	assert_null(instance_new(rig->host, TC_KIND_TRIGGER, json, errs));
	assert_int_equal(tc_errors_count(errs), 1);
	if (field)
		assert_string_equal(tc_errors_field(errs, 0), field);
	else
		assert_null(tc_errors_field(errs, 0));
	assert_string_equal(tc_errors_text(errs, 0), text);
	assert_null(instance_next(rig->host, NULL)); /* nothing is left of it */
	tc_errors_free(errs);
	json_decref(json);
}

static void test_faults(void **state)
{
	struct host_rig *rig = *state;

	expect_fault(rig, "{}", "plugin", "is missing: which plugin (triggers) is this?");
	expect_fault(rig, "{\"plugin\": \"\"}", "plugin",
		     "is missing: which plugin (triggers) is this?");
	expect_fault(rig, "{\"plugin\": 7}", "plugin",
		     "is missing: which plugin (triggers) is this?");
	expect_fault(rig, "{\"plugin\": \"none\"}", "plugin",
		     "there is no plugin triggers/none in /nonexistent");
	expect_fault(rig, "{\"plugin\": \"probe\", \"numbr\": 3}", "numbr",
		     "unknown field 'numbr', did you mean 'number'?");
	expect_fault(rig, "{\"plugin\": \"probe\", \"complain\": true}", "complain",
		     "must not be true");
	expect_fault(rig, "{\"plugin\": \"probe\", \"complain\": true, \"check_err\": -22}",
		     "complain", "must not be true");
	/* a check that fails and does not say why */
	expect_fault(rig, "{\"plugin\": \"probe\", \"check_err\": -22}", NULL,
		     "the plugin does not take these settings: Invalid argument");
}

static void test_names(void **state)
{
	struct host_rig *rig = *state;
	struct tc_instance *a = host_rig_instance(rig, &probe_plugin, "", NULL);
	struct tc_instance *b = host_rig_instance(rig, &probe_plugin, "direct", NULL);

	assert_string_equal(tc_instance_name(a), "probe");
	assert_string_equal(tc_instance_name(b), "direct");
	assert_string_equal(tc_instance_state_dir(b), "/nonexistent");
	assert_ptr_equal(tc_instance_loop(b), loop_base(rig->loop));
	assert_ptr_equal(instance_next(rig->host, NULL), a);
	assert_ptr_equal(instance_next(rig->host, a), b);
	assert_null(instance_next(rig->host, b));
	instance_free(a);
	assert_ptr_equal(instance_next(rig->host, NULL), b);
	assert_int_equal(closed, 0); /* it was never open */
	instance_free(NULL);
}

/* ---- opening and closing ---- */

static void test_life(void **state)
{
	struct host_rig *rig = *state;
	struct tc_instance *self = probe(rig);

	assert_true(self->open);
	pass_ms(rig, 0);
	assert_int_equal(ran, 1); /* the post of open() */
	pass_ms(rig, 10);
	assert_int_equal(ran, 2); /* its timer */
	instance_close(self);
	assert_false(self->open);
	assert_int_equal(closed, 1);
	instance_close(self);
	assert_int_equal(closed, 1);
	pass_ms(rig, 100);
	assert_int_equal(ran, 2);
	assert_int_equal(dropped, 1); /* what close() posted */
	assert_int_equal(instance_open(self), 0); /* it may be opened again */
	pass_ms(rig, 10);
	assert_int_equal(ran, 4);
}

/* What threads a plugin begins takes no signals. */
static void test_signals_while_opening(void **state)
{
	blocked = false;
	probe(*state);
	assert_true(blocked);
	assert_false(blocks_signals());
}

static void test_freed_while_open(void **state)
{
	struct host_rig *rig = *state;

	instance_free(probe(rig));
	assert_int_equal(closed, 1);
	assert_int_equal(loop_next_us(rig->loop), INT64_MAX); /* its timer is gone */
	pass_ms(rig, 100);
	assert_int_equal(ran, 0);
	assert_int_equal(dropped, 2);
}

/* What it had begun in open() goes, as if it had never been. */
static void test_cannot_be_opened(void **state)
{
	struct host_rig *rig = *state;
	struct tc_instance *self =
		host_rig_instance(rig, &probe_plugin, "p", "{\"open_err\": -111}");

	logging_setup((enum tc_log_level)-1, LOGGING_TEXT);
	assert_int_equal(instance_open(self), -111);
	logging_setup(TC_LOG_ERROR, LOGGING_TEXT);
	assert_false(self->open);
	assert_true(TAILQ_EMPTY(&self->lanes));
	assert_int_equal(loop_next_us(rig->loop), INT64_MAX);
	instance_free(self); /* before its post has its turn */
	pass_ms(rig, 100);
	assert_int_equal(ran, 0);
	assert_int_equal(dropped, 1);
	assert_int_equal(closed, 0);
}

/* ---- posts ---- */

struct order {
	struct tc_buf out;
	bool inside;
};

static struct order order;

static void note(void *arg)
{
	assert_false(order.inside);
	tc_buf_add(&order.out, arg, 1);
}

static void test_posts_in_order(void **state)
{
	struct host_rig *rig = *state;
	struct tc_instance *a = host_rig_instance(rig, &host_rig_plugin, "a", NULL);
	struct tc_instance *b = host_rig_instance(rig, &host_rig_plugin, "b", NULL);

	assert_int_equal(instance_open(a), 0);
	assert_int_equal(instance_open(b), 0);
	order.inside = true;
	for (const char *s = "1234"; *s; s++)
		assert_int_equal(tc_post(*s % 2 ? a : b, note, NULL, (void *)s), 0);
	order.inside = false;
	host_rig_turn(rig);
	assert_string_equal(order.out.data, "1234");
	tc_buf_fini(&order.out);
}

static void test_posts_are_dropped_after_close(void **state)
{
	struct host_rig *rig = *state;
	struct tc_instance *a = host_rig_instance(rig, &host_rig_plugin, "a", NULL);
	struct tc_instance *b = host_rig_instance(rig, &host_rig_plugin, "b", NULL);

	assert_int_equal(instance_open(a), 0);
	assert_int_equal(instance_open(b), 0);
	tc_post(a, run, drop, &ran);
	tc_post(b, run, drop, NULL);
	tc_post(a, run, NULL, NULL); /* nothing to free */
	instance_close(a);
	assert_int_equal(dropped, 0); /* also this has its turn on the loop only */
	tc_post(a, run, drop, &closed); /* a straggler */
	host_rig_turn(rig);
	assert_int_equal(ran, 1); /* b's */
	assert_int_equal(dropped, 2);
	assert_ptr_equal(last_dropped, &closed);
}

static void close_other(void *arg)
{
	instance_close(arg);
}

/* Closed by something that runs in the same turn as its posts. */
static void test_closed_from_the_queue(void **state)
{
	struct host_rig *rig = *state;
	struct tc_instance *a = host_rig_instance(rig, &host_rig_plugin, "a", NULL);
	struct tc_instance *b = host_rig_instance(rig, &host_rig_plugin, "b", NULL);

	assert_int_equal(instance_open(a), 0);
	assert_int_equal(instance_open(b), 0);
	tc_post(b, run, drop, NULL);
	tc_post(a, close_other, NULL, b);
	tc_post(b, run, drop, NULL);
	host_rig_turn(rig);
	assert_int_equal(ran, 1);
	assert_int_equal(dropped, 1);
}

static void *post_many(void *arg)
{
	for (int i = 0; i < 2000; i++)
		tc_post(arg, run, drop, NULL);
	return NULL;
}

/* Each is either run or dropped, whenever the end comes. */
static void test_closed_while_threads_post(void **state)
{
	struct host_rig *rig = *state;
	struct tc_instance *a = host_rig_instance(rig, &host_rig_plugin, "a", NULL);
	pthread_t threads[2];
	unsigned before;

	assert_int_equal(instance_open(a), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post_many, a), 0);
	for (int i = 0; !ran && i < 30000000; i++)
		loop_turn(rig->loop);
	instance_close(a);
	before = ran;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	host_rig_turn(rig);
	assert_int_equal(ran, before);
	assert_int_equal(ran + dropped, 2 * 2000);
}

/* ---- timers ---- */

static void free_timer(void *arg)
{
	struct tc_timer **t = arg;

	ran++;
	tc_timer_free(*t);
	*t = NULL;
}

static void test_timers(void **state)
{
	struct host_rig *rig = *state;
	struct tc_instance *a = host_rig_instance(rig, &host_rig_plugin, "a", NULL);
	struct tc_timer *one, *two, *endless;

	assert_int_equal(instance_open(a), 0);
	one = tc_timer_new(a, run, NULL);
	two = tc_timer_new(a, free_timer, &two); /* may free itself */
	endless = tc_timer_new(a, run, NULL);
	tc_timer_start(one, 20);
	tc_timer_start(two, 10);
	tc_timer_start(endless, INT64_MAX);
	pass_ms(rig, 10);
	assert_int_equal(ran, 1);
	assert_null(two);
	tc_timer_start(one, 20); /* moved */
	pass_ms(rig, 19);
	assert_int_equal(ran, 1);
	tc_timer_stop(one);
	pass_ms(rig, 100);
	assert_int_equal(ran, 1);
	tc_timer_start(one, 5);
	tc_timer_free(endless);
	tc_timer_free(NULL);
	instance_close(a);
	pass_ms(rig, 100);
	assert_int_equal(ran, 1);
	assert_int_equal(loop_next_us(rig->loop), INT64_MAX);
}

/* ---- status ---- */

static void expect_status(struct tc_instance *self, const char *wanted)
{
	json_t *found = instance_status(self), *json = json_loads(wanted, 0, NULL);

	assert_non_null(json);
	if (!json_equal(found, json)) {
		char *text = json_dumps(found, JSON_SORT_KEYS);

		fail_msg("%s, not %s", text, wanted);
	}
	json_decref(found);
	json_decref(json);
}

static void test_status(void **state)
{
	struct host_rig *rig = *state;
	struct tc_instance *self = host_rig_instance(rig, &probe_plugin, "p", NULL);
	struct tc_instance *silent = host_rig_instance(rig, &host_rig_plugin, "n", NULL);
	const char *not_open = "{\"healthy\": false, \"text\": \"not open\", \"numbers\": {}}";

	expect_status(self, not_open);
	assert_int_equal(instance_open(self), 0);
	expect_status(self, "{\"healthy\": false, \"text\": \"number 5\", \"mode\": \"slow\", "
			    "\"numbers\": {\"calls\": 3.0, \"share\": 0.5}}");
	instance_close(self);
	expect_status(self, not_open);
	assert_int_equal(instance_open(silent), 0);
	expect_status(silent, "{\"healthy\": true, \"text\": \"\", \"numbers\": {}}");
}

int main(void)
{
#define RIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		RIG(test_faults),
		RIG(test_names),
		RIG(test_life),
		RIG(test_signals_while_opening),
		RIG(test_freed_while_open),
		RIG(test_cannot_be_opened),
		RIG(test_posts_in_order),
		RIG(test_posts_are_dropped_after_close),
		RIG(test_closed_from_the_queue),
		RIG(test_closed_while_threads_post),
		RIG(test_timers),
		RIG(test_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
