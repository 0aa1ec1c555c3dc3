/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trunks: which one is next, their limits, and what they report.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "call/trunk.h"
#include "host/logging.h"
#include "store/event_repo.h"
#include "store/journal.h"
#include "unit/host_rig.h"
#include "unit/store_rig.h"

/* ---- a trunk that does nothing, and says what it was asked ---- */

struct pbx_cfg {
	int64_t max_calls;
	double rate;
};

static const struct tc_option pbx_options[] = {
	{"max_calls", TC_INT, offsetof(struct pbx_cfg, max_calls), .def = "2", .help = "calls"},
	{"calls_per_second", TC_DOUBLE, offsetof(struct pbx_cfg, rate), .def = "1000",
	 .help = "new calls"},
	TC_OPTION_END,
};

static int pbx_open(struct tc_instance *self, const void *cfg, void **state)
{
	(void)cfg;
	*state = self;
	return 0;
}

static void pbx_close(void *state)
{
	(void)state;
}

static int originate(void *state, const struct tc_pbx_originate *call)
{
	(void)state;
	(void)call;
	return 11;
}

static int play(void *state, const char *call_id, uint32_t play_id, const struct tc_pbx_item *items,
		size_t n)
{
	(void)state;
	(void)call_id;
	(void)play_id;
	(void)items;
	(void)n;
	return 12;
}

static int hangup(void *state, const char *call_id)
{
	(void)state;
	(void)call_id;
	return 13;
}

static int recover(void *state, const char *call_id, const char *number, const char *ref)
{
	(void)state;
	(void)call_id;
	(void)number;
	(void)ref;
	return 14;
}

static const struct tc_pbx_ops pbx_ops = {
	.originate = originate, .play = play, .hangup = hangup, .recover = recover};

static const struct tc_plugin pbx_plugin = {
	TC_PLUGIN_GUARD(TC_KIND_PBX),
	.name = "nowhere",
	.version = "1",
	.summary = "Calls nobody",
	.options = pbx_options,
	.config_size = sizeof(struct pbx_cfg),
	.open = pbx_open,
	.close = pbx_close,
	.ops = &pbx_ops,
};

/* A trunk without the two settings. */
static const struct tc_option bare_options[] = {TC_OPTION_END};

static const struct tc_plugin bare_plugin = {
	TC_PLUGIN_GUARD(TC_KIND_PBX),
	.name = "bare",
	.version = "1",
	.summary = "Calls nobody",
	.options = bare_options,
	.config_size = 1,
	.open = pbx_open,
	.close = pbx_close,
	.ops = &pbx_ops,
};

/* ---- rig ---- */

struct rig {
	struct host_rig base;
	struct trunks *trunks;
	unsigned rooms;
};

static void on_room(void *arg)
{
	struct rig *rig = arg;

	rig->rooms++;
}

static int setup(void **state)
{
	struct rig *rig = tc_alloc(sizeof(*rig));

	logging_setup(TC_LOG_ERROR, LOGGING_TEXT);
	host_rig_init(&rig->base, LOOP_VIRTUAL);
	host_plugin_add(rig->base.host, &pbx_plugin);
	host_plugin_add(rig->base.host, &bare_plugin);
	rig->trunks = trunks_new(rig->base.loop, NULL, NULL);
	trunks_listen(rig->trunks, NULL, on_room, rig);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	trunks_free(rig->trunks);
	host_rig_fini(&rig->base);
	free(rig);
	return 0;
}

static struct trunk *add_plugin(struct rig *rig, const struct tc_plugin *plugin, const char *name,
				const char *settings)
{
	struct tc_instance *self = host_rig_instance(&rig->base, plugin, name, settings);
	struct trunk *t = trunks_add(rig->trunks, self);

	assert_int_equal(instance_open(self), 0);
	return t;
}

static struct trunk *add(struct rig *rig, const char *name, const char *settings)
{
	return add_plugin(rig, &pbx_plugin, name, settings);
}

static void expect_pick(struct rig *rig, uint64_t skip, const struct trunk *wanted)
{
	int64_t wait_us;
	struct trunk *found = trunks_pick(rig->trunks, skip, &wait_us);

	assert_string_equal(found ? found->instance->name : "none",
			    wanted ? wanted->instance->name : "none");
}

static void expect_wait(struct rig *rig, uint64_t skip, int64_t least_us, int64_t most_us)
{
	int64_t wait_us = -1;

	assert_null(trunks_pick(rig->trunks, skip, &wait_us));
	assert_true(wait_us >= least_us && wait_us <= most_us);
}

/* ---- choice ---- */

static void test_in_order(void **state)
{
	struct rig *rig = *state;
	struct trunk *a = add(rig, "a", NULL), *b = add(rig, "b", NULL);

	expect_pick(rig, 0, a);
	assert_ptr_equal(trunks_find(rig->trunks, "a"), a);
	assert_ptr_equal(trunks_find(rig->trunks, "b"), b);
	assert_null(trunks_find(rig->trunks, "c"));
}

static void test_skip(void **state)
{
	struct rig *rig = *state;
	struct trunk *a = add(rig, "a", NULL), *b = add(rig, "b", NULL), *c = add(rig, "c", NULL);

	assert_int_equal(trunks_bit(rig->trunks, a), 1);
	assert_int_equal(trunks_bit(rig->trunks, b), 2);
	assert_int_equal(trunks_bit(rig->trunks, c), 4);
	assert_int_equal(trunks_bit(rig->trunks, NULL), 0);
	expect_pick(rig, 1, b);
	expect_pick(rig, 2, a);
	expect_pick(rig, 3, c);
	assert_true(trunks_left(rig->trunks, 3));
	assert_false(trunks_left(rig->trunks, 7));
	expect_wait(rig, 7, INT64_MAX, INT64_MAX);
	instance_close(c->instance);
	assert_false(trunks_left(rig->trunks, 3));
	expect_wait(rig, 3, INT64_MAX, INT64_MAX);
}

static void test_none_at_all(void **state)
{
	struct rig *rig = *state;

	expect_wait(rig, 0, INT64_MAX, INT64_MAX);
	assert_false(trunks_left(rig->trunks, 0));
	assert_false(trunks_healthy(rig->trunks));
}

static void test_healthy_ones_first(void **state)
{
	struct rig *rig = *state;
	struct trunk *a = add(rig, "a", NULL), *b = add(rig, "b", NULL);

	assert_true(trunks_healthy(rig->trunks));
	a->healthy = false;
	expect_pick(rig, 0, b);
	/* full for the moment is better than broken */
	trunk_enter(b);
	trunk_enter(b);
	expect_wait(rig, 0, INT64_MAX, INT64_MAX);
	/* the healthy one was tried, or there is none: better a broken one than nobody */
	expect_pick(rig, 2, a);
	b->healthy = false;
	expect_pick(rig, 0, a);
	assert_false(trunks_healthy(rig->trunks));
	trunk_enter(a);
	trunk_enter(a);
	trunk_leave(rig->trunks, b);
	expect_pick(rig, 0, b);
	/* one that is not open is not healthy, whatever it said */
	b->healthy = true;
	instance_close(b->instance);
	assert_false(trunks_healthy(rig->trunks));
}

/* As the next call does. */
static void take(struct rig *rig, uint64_t skip, struct trunk *wanted)
{
	expect_pick(rig, skip, wanted);
	trunk_enter(wanted);
}

static void test_in_turn(void **state)
{
	struct rig *rig = *state;
	struct trunk *a = add(rig, "a", NULL), *b = add(rig, "b", NULL), *c = add(rig, "c", NULL);

	trunks_set_round_robin(rig->trunks, true);
	take(rig, 0, a);
	expect_pick(rig, 0, b); /* to look is not to take */
	take(rig, 0, b);
	take(rig, 0, c);
	take(rig, 2, a); /* the first of those that were not tried */
	take(rig, 0, b);
	/* who is full is passed over */
	take(rig, 0, c);
	trunk_leave(rig->trunks, b);
	take(rig, 0, b);
	expect_wait(rig, 0, INT64_MAX, INT64_MAX);
	trunk_leave(rig->trunks, a);
	trunk_leave(rig->trunks, b);
	/* and who is not healthy, as long as there is another */
	b->healthy = false;
	expect_pick(rig, 0, a);
	a->healthy = false;
	expect_wait(rig, 0, INT64_MAX, INT64_MAX); /* c is healthy, and full */
	c->healthy = false;
	expect_pick(rig, 0, a); /* b was the last one */
	trunks_set_round_robin(rig->trunks, false);
	b->healthy = true;
	expect_pick(rig, 0, b);
}

static void expect_why(struct rig *rig, uint64_t skip, const char *wanted)
{
	char *why = trunks_why_not(rig->trunks, skip);

	assert_string_equal(why, wanted);
	free(why);
}

static void test_held(void **state)
{
	struct rig *rig = *state;
	struct trunk *a, *b, *c;

	expect_why(rig, 0, "no trunk is configured");
	a = add(rig, "a", NULL);
	b = add(rig, "b", NULL);
	c = add(rig, "c", NULL);
	c->healthy = false;
	trunk_hold(a, true, "it is behind");
	assert_true(a->healthy);
	expect_pick(rig, 0, b); /* as if it were full */
	expect_wait(rig, 2, INT64_MAX, INT64_MAX); /* and not as if it were broken */
	expect_why(rig, 2, "trunk a is held back: it is behind");
	trunk_hold(b, true, "so is this");
	expect_why(rig, 0, "trunk a is held back: it is behind; trunk b is held back: so is this");
	trunk_hold(b, true, "more so"); /* the newest word counts */
	expect_why(rig, 1, "trunk b is held back: more so");
	assert_int_equal(b->holds, 1);
	assert_int_equal(rig->rooms, 0);
	trunk_hold(b, false, "");
	assert_int_equal(rig->rooms, 1);
	trunk_hold(b, false, "");
	assert_int_equal(rig->rooms, 1);
	take(rig, 0, b);
	take(rig, 0, b);
	expect_wait(rig, 0, INT64_MAX, INT64_MAX);
	expect_why(rig, 0, "trunk a is held back: it is behind; the others are busy, or at their "
			   "rate");
	expect_why(rig, 1, "all trunks are busy, or at their rate");
	trunk_hold(c, true, "broken, and behind");
	expect_wait(rig, 3, INT64_MAX, INT64_MAX);
	expect_why(rig, 3, "trunk c is held back: broken, and behind");
	trunk_hold(c, false, "");
	expect_pick(rig, 3, c);
	trunk_hold(a, false, "");
	expect_pick(rig, 0, a);
}

/* ---- limits ---- */

static void test_max_calls(void **state)
{
	struct rig *rig = *state;
	struct trunk *a = add(rig, "a", NULL), *b = add(rig, "b", NULL);

	assert_int_equal(a->max_calls, 2);
	trunk_enter(a);
	expect_pick(rig, 0, a);
	trunk_enter(a);
	expect_pick(rig, 0, b);
	trunk_enter(b);
	trunk_enter(b);
	expect_wait(rig, 0, INT64_MAX, INT64_MAX);
	assert_int_equal(rig->rooms, 0);
	trunk_leave(rig->trunks, a);
	assert_int_equal(rig->rooms, 1);
	expect_pick(rig, 0, a);
	assert_int_equal(a->placed, 2);
}

static void test_rate(void **state)
{
	struct rig *rig = *state;
	struct trunk *a = add(rig, "a", "{\"max_calls\": 100, \"calls_per_second\": 5}");
	struct loop *loop = rig->base.loop;

	for (int i = 0; i < 5; i++) {
		expect_pick(rig, 0, a);
		trunk_enter(a);
	}
	expect_wait(rig, 0, 200000, 200002);
	loop_advance_us(loop, 100000);
	expect_wait(rig, 0, 100000, 100002);
	loop_advance_us(loop, 100002);
	expect_pick(rig, 0, a);
	trunk_enter(a);
	expect_wait(rig, 0, 199990, 200002);
	loop_advance_us(loop, 3600 * INT64_C(1000000)); /* an hour saves up one second only */
	for (int i = 0; i < 5; i++) {
		expect_pick(rig, 0, a);
		trunk_enter(a);
	}
	expect_wait(rig, 0, 200000, 200002);
}

/* What is waited for is enough: nobody has to ask a third time. */
static void test_waiting_is_enough(void **state)
{
	struct rig *rig = *state;
	struct trunk *a = add(rig, "a", "{\"max_calls\": 1000, \"calls_per_second\": 7.3}");
	int64_t begin_us;
	int n = 0;

	for (; n < 7; n++)
		trunk_enter(a);
	begin_us = loop_now_us(rig->base.loop);
	for (; n < 700; n++) {
		int64_t wait_us = 0;

		if (!trunks_pick(rig->trunks, 0, &wait_us)) {
			loop_advance_us(rig->base.loop, wait_us);
			expect_pick(rig, 0, a);
		}
		trunk_enter(a);
	}
	/* 693 calls, of which 0.3 were saved up */
	assert_in_range(loop_now_us(rig->base.loop) - begin_us, 94800000, 94950000);
}

static void test_slow_rate(void **state)
{
	struct rig *rig = *state;
	struct trunk *a = add(rig, "a", "{\"calls_per_second\": 0.1}");

	expect_pick(rig, 0, a); /* the first one goes at once */
	trunk_enter(a);
	expect_wait(rig, 0, 10000000, 10000002);
	loop_advance_us(rig->base.loop, 3600 * INT64_C(1000000));
	expect_pick(rig, 0, a);
	trunk_enter(a);
	trunk_leave(rig->trunks, a);
	expect_wait(rig, 0, 10000000, 10000002);
}

/* The nearest of those that have to wait. */
static void test_the_nearest_wait(void **state)
{
	struct rig *rig = *state;
	struct trunk *a = add(rig, "a", "{\"calls_per_second\": 0.5}");
	struct trunk *b = add(rig, "b", "{\"calls_per_second\": 1}");
	struct trunk *c = add(rig, "c", "{\"max_calls\": 1}");

	trunk_enter(a);
	trunk_enter(b);
	trunk_enter(c);
	expect_wait(rig, 0, 1000000, 1000002);
	expect_wait(rig, 2, 2000000, 2000002);
}

static void test_settings(void **state)
{
	struct rig *rig = *state;
	struct trunk *bare = add_plugin(rig, &bare_plugin, "bare", NULL);
	struct trunk *zero = add(rig, "zero", "{\"max_calls\": 0, \"calls_per_second\": 0}");
	struct trunk *less = add(rig, "less", "{\"max_calls\": -3, \"calls_per_second\": -1}");
	struct trunk *more = add(rig, "more", "{\"max_calls\": 9000000000000}");
	struct trunk *const defaults[] = {bare, zero, less};

	for (int i = 0; i < 3; i++) {
		assert_int_equal(defaults[i]->max_calls, 50);
		assert_true(defaults[i]->rate == 20.0);
	}
	assert_int_equal(more->max_calls, INT32_MAX);
}

static void test_operations(void **state)
{
	struct rig *rig = *state;
	struct trunk *a = add(rig, "a", NULL);

	assert_int_equal(trunk_originate(a, NULL), 11);
	assert_int_equal(trunk_play(a, "", 0, NULL, 0), 12);
	assert_int_equal(trunk_hangup(a, ""), 13);
	assert_int_equal(trunk_recover(a, "", "", ""), 14);
	instance_close(a->instance);
	assert_int_equal(trunk_originate(a, NULL), -EHOSTDOWN);
	assert_int_equal(trunk_play(a, "", 0, NULL, 0), -EHOSTDOWN);
	assert_int_equal(trunk_hangup(a, ""), -EHOSTDOWN);
	assert_int_equal(trunk_recover(a, "", "", ""), -EHOSTDOWN);
}

/* By the plugin's word, which comes on any thread: when the loop turns. */
static void test_holding(void **state)
{
	struct rig *rig = *state;
	struct trunk *a = add(rig, "a", NULL);

	host_services(rig->base.host)->trunks = rig->trunks;
	tc_pbx_hold(a->instance, true, "too\nmuch");
	assert_false(a->held);
	host_rig_turn(&rig->base);
	assert_true(a->held);
	assert_string_equal(a->held_why, "too much");
	tc_pbx_hold(a->instance, false, NULL);
	host_rig_turn(&rig->base);
	assert_false(a->held);
	assert_null(a->held_why);
	tc_pbx_hold(a->instance, true, NULL);
	instance_close(a->instance);
	host_rig_turn(&rig->base);
	assert_false(a->held);
}

/* ---- what they report ---- */

struct seen {
	const struct trunk *trunk;
	struct tc_pbx_event event;
	unsigned n;
};

static void on_event(void *arg, struct trunk *trunk, const struct tc_pbx_event *event)
{
	struct seen *seen = arg;

	seen->trunk = trunk;
	seen->event = *event;
	seen->n++;
}

static void test_events(void **state)
{
	struct rig *rig = *state;
	struct trunk *a = add(rig, "a", NULL), *b = add(rig, "b", NULL);
	struct tc_pbx_event event = {.type = TC_PBX_ENDED, .call_id = "x", .sip = 486};
	struct seen seen = {0};

	host_services(rig->base.host)->trunks = rig->trunks;
	trunks_listen(rig->trunks, on_event, NULL, &seen);
	loop_advance_us(rig->base.loop, 5000);
	memset(event.text, 'x', sizeof(event.text)); /* without an end, and not UTF-8 */
	memcpy(event.text, "Busy\r\n\xff", 7);
	tc_pbx_event(b->instance, &event);
	event.sip = 0; /* it was copied */
	assert_int_equal(seen.n, 0); /* never inside the plugin's frame */
	host_rig_turn(&rig->base);
	assert_int_equal(seen.n, 1);
	assert_ptr_equal(seen.trunk, b);
	assert_int_equal(seen.event.sip, 486);
	assert_int_equal(seen.event.at_us, 5000); /* now */
	assert_memory_equal(seen.event.text, "Busy  ?x", 8);
	assert_int_equal(strlen(seen.event.text), sizeof(event.text) - 1);
	event.at_us = 77;
	tc_pbx_event(a->instance, &event);
	host_rig_turn(&rig->base);
	assert_ptr_equal(seen.trunk, a);
	assert_int_equal(seen.event.at_us, 77);
	/* nothing of one that is closed */
	tc_pbx_event(a->instance, &event);
	instance_close(a->instance);
	tc_pbx_event(a->instance, &event);
	host_rig_turn(&rig->base);
	assert_int_equal(seen.n, 2);
}

static void test_status(void **state)
{
	struct rig *rig = *state;
	struct trunk *a = add(rig, "a", NULL);
	json_t *list, *json;

	trunk_enter(a);
	trunk_outcome(a, "1", 0, true);
	trunk_outcome(a, "2", 0, true);
	trunk_outcome(a, "3", 0, true);
	trunk_outcome(a, "4", 0, false);
	trunk_hold(a, true, "it is behind");
	list = trunks_status(rig->trunks);
	assert_int_equal(json_array_size(list), 1);
	json = json_pack("{s:s, s:s, s:b, s:b, s:s, s:b, s:s, s:i, s:i, s:f, s:i, s:i, s:i, s:f, "
			 "s:{s:b, s:s, s:{}}}",
			 "name", "a", "plugin", "nowhere", "healthy", 1, "up", 1, "text",
			 "not yet known", "held", 1, "held_why", "it is behind", "live", 1,
			 "max_calls", 2, "calls_per_second", 1000.0, "placed", 1, "failed", 1,
			 "recent_calls", 4, "failed_share", 0.25, "status", "healthy", 1, "text",
			 "", "numbers");
	assert_true(json_equal(json_array_get(list, 0), json));
	json_decref(json);
	json_decref(list);
	instance_close(a->instance);
	list = trunks_status(rig->trunks);
	assert_true(json_is_false(json_object_get(json_array_get(list, 0), "healthy")));
	assert_true(json_is_false(json_object_get(json_array_get(list, 0), "up")));
	json_decref(list);
}

/* ---- health, with a real store ---- */

struct health {
	size_t events;
	char last[256];
	size_t rooms;
};

static void on_row(void *arg, const struct event_row *row)
{
	struct health *h = arg;

	assert_true(row->id > 0); /* committed */
	assert_null(row->alert_id);
	snprintf(h->last, sizeof(h->last), "%s: %s", row->what, row->text);
	h->events++;
}

static void count_room(void *arg)
{
	((struct health *)arg)->rooms++;
}

static bool is_idle(void *arg)
{
	return store_pending(arg) == 0;
}

/* Report, and let it come to the store and back. */
static void report(struct store_rig *rig, struct store *store, struct trunk *t, bool healthy,
		   const char *text)
{
	tc_pbx_health(t->instance, healthy, text);
	while (loop_turn(rig->loop))
		;
	rig_wait(rig, is_idle, store);
}

static void test_health(void **state)
{
	struct store_rig *rig = *state;
	struct store *store = rig_store(rig);
	struct journal *journal = journal_new();
	struct trunks *trunks = trunks_new(rig->loop, store, journal);
	struct health h = {0};
	struct host_rig base = {rig->loop, rig->host};
	struct tc_instance *self;
	struct trunk *t;

	host_plugin_add(rig->host, &pbx_plugin);
	self = host_rig_instance(&base, &pbx_plugin, "direct", NULL);
	t = trunks_add(trunks, self);
	assert_int_equal(instance_open(self), 0);
	host_services(rig->host)->trunks = trunks;
	trunks_listen(trunks, NULL, count_room, &h);
	journal_listen(journal, on_row, &h);

	report(rig, store, t, true, "registered"); /* it counted as healthy before */
	assert_int_equal(h.events, 0);
	assert_string_equal(t->text, "registered");
	report(rig, store, t, false, "no answer\x01\xff");
	assert_int_equal(h.events, 1);
	assert_string_equal(h.last, "trunk.down: trunk direct is down: no answer ?");
	assert_false(t->healthy);
	report(rig, store, t, false, "still no answer"); /* told once */
	assert_int_equal(h.events, 1);
	assert_string_equal(t->text, "still no answer");
	assert_int_equal(h.rooms, 0);
	report(rig, store, t, true, NULL);
	assert_int_equal(h.events, 2);
	assert_string_equal(h.last, "trunk.up: trunk direct is up: ");
	assert_int_equal(h.rooms, 1); /* calls may wait for it */
	for (const char *id = "12345"; *id; id++)
		trunk_outcome(t, id, INT64_MAX, false);
	rig_wait(rig, is_idle, store);
	assert_memory_equal(h.last, "trunk.down: trunk direct is down: 5 of 5 calls failed", 53);
	trunk_outcome(t, "6", INT64_MAX, true);
	rig_wait(rig, is_idle, store);
	assert_string_equal(h.last, "trunk.up: trunk direct is up: a call went through");
	assert_int_equal(h.events, 4);
	assert_int_equal(rig_number(rig, "SELECT COUNT(*) FROM events"), 4);

	tc_pbx_health(self, false, "its end");
	instance_close(self);
	while (loop_turn(rig->loop))
		;
	rig_wait(rig, is_idle, store);
	assert_int_equal(h.events, 4);
	trunks_free(trunks);
	assert_null(self->owner);
	instance_free(self);
	journal_free(journal);
	store_close(store);
}

int main(void)
{
#define RIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		RIG(test_in_order),
		RIG(test_skip),
		RIG(test_none_at_all),
		RIG(test_healthy_ones_first),
		RIG(test_in_turn),
		RIG(test_held),
		RIG(test_max_calls),
		RIG(test_rate),
		RIG(test_waiting_is_enough),
		RIG(test_slow_rate),
		RIG(test_the_nearest_wait),
		RIG(test_settings),
		RIG(test_operations),
		RIG(test_holding),
		RIG(test_events),
		RIG(test_status),
		cmocka_unit_test_setup_teardown(test_health, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
