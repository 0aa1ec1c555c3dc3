/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trunks that are judged by how their calls go: when one is failing, when it is tried again, and
 * when it is well. That each change is stored and told once is test_trunk.c's.
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
#include "unit/host_rig.h"

#define SECOND INT64_C(1000000)

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

static const struct tc_option no_options[] = {TC_OPTION_END};
static const struct tc_pbx_ops pbx_ops = {.originate = NULL};
static const struct tc_plugin pbx_plugin = {
	TC_PLUGIN_GUARD(TC_KIND_PBX),
	.name = "nowhere",
	.version = "1",
	.summary = "Calls nobody",
	.options = no_options,
	.config_size = 1,
	.open = pbx_open,
	.close = pbx_close,
	.ops = &pbx_ops,
};

struct rig {
	struct host_rig base;
	struct trunks *trunks;
	struct trunk *a, *b;
	unsigned rooms, calls;
};

static void on_room(void *arg)
{
	((struct rig *)arg)->rooms++;
}

static struct trunk *add(struct rig *rig, const char *name)
{
	struct tc_instance *self = host_rig_instance(&rig->base, &pbx_plugin, name, NULL);
	struct trunk *t = trunks_add(rig->trunks, self);

	assert_int_equal(instance_open(self), 0);
	return t;
}

static int setup(void **state)
{
	struct rig *rig = tc_alloc(sizeof(*rig));

	logging_setup(TC_LOG_ERROR, LOGGING_TEXT);
	host_rig_init(&rig->base, LOOP_VIRTUAL);
	host_plugin_add(rig->base.host, &pbx_plugin);
	rig->trunks = trunks_new(rig->base.loop, NULL, NULL);
	trunks_listen(rig->trunks, NULL, on_room, rig);
	rig->a = add(rig, "a");
	rig->b = add(rig, "b");
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

/* ---- hands and eyes ---- */

/* A call that is placed now goes so: "g" good, "f" failed; several, one each. */
static void go(struct rig *rig, struct trunk *t, const char *how)
{
	char id[16];

	for (; *how; how++) {
		snprintf(id, sizeof(id), "%u", rig->calls++);
		trunk_outcome(t, id, loop_wall_us(rig->base.loop), *how == 'g');
	}
}

static void pass(struct rig *rig, int64_t us)
{
	loop_advance_us(rig->base.loop, us);
}

static void expect_pick(struct rig *rig, uint64_t skip, const struct trunk *wanted)
{
	int64_t wait_us;
	struct trunk *found = trunks_pick(rig->trunks, skip, &wait_us);

	assert_string_equal(found ? found->instance->name : "none",
			    wanted ? wanted->instance->name : "none");
}

/* ---- when it is failing ---- */

static void half_of_five_are_needed(void **state)
{
	static const struct {
		const char *calls;
		bool healthy;
	} all[] = {
		{"ffff", true},    {"fffff", false},      {"ffffg", true}, /* judged at a failure */
		{"ggfff", false},  {"gggff", true},       {"gggfff", false},
		{"ggggfff", true}, {"ggggffff", false},   {"fgfgfg", true},
		{"fgfgf", false},  {"gggggggggg", true},
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		trunk_said(rig->a, false, "away");
		pass(rig, SECOND);
		trunk_said(rig->a, true, "there");
		go(rig, rig->a, all[i].calls);
		if (rig->a->healthy != all[i].healthy)
			fail_msg("%s: healthy is %d", all[i].calls, rig->a->healthy);
	}
	assert_true(rig->b->healthy);
}

static void only_the_last_twenty_count(void **state)
{
	struct rig *rig = *state;
	unsigned failed;

	go(rig, rig->a, "gggggggggggggggggggggggggggggg");
	assert_int_equal(trunk_recent(rig->a, loop_now_us(rig->base.loop), &failed), 20);
	go(rig, rig->a, "fffffffff");
	assert_true(rig->a->healthy);
	go(rig, rig->a, "f");
	assert_false(rig->a->healthy);
	assert_int_equal(trunk_recent(rig->a, loop_now_us(rig->base.loop), &failed), 20);
	assert_int_equal(failed, 10);
	assert_int_equal(rig->a->failed, 10);
}

static void only_the_last_minute_counts(void **state)
{
	struct rig *rig = *state;
	unsigned failed;

	go(rig, rig->a, "ffff");
	pass(rig, 60 * SECOND - 1);
	assert_int_equal(trunk_recent(rig->a, loop_now_us(rig->base.loop), &failed), 4);
	pass(rig, 1);
	assert_int_equal(trunk_recent(rig->a, loop_now_us(rig->base.loop), &failed), 0);
	assert_int_equal(failed, 0);
	go(rig, rig->a, "ffff");
	assert_true(rig->a->healthy);
	go(rig, rig->a, "f");
	assert_false(rig->a->healthy);
	assert_string_equal(rig->a->text, "5 of 5 calls failed at the trunk within a minute; one "
					  "call tries it again every 30 s");
}

/* One call has one outcome, and the newest word on it counts. */
static void a_call_counts_once(void **state)
{
	struct rig *rig = *state;
	unsigned failed;

	for (int i = 0; i < 10; i++)
		trunk_outcome(rig->a, "x", 0, false);
	assert_true(rig->a->healthy);
	assert_int_equal(rig->a->failed, 1);
	trunk_outcome(rig->a, "y", 0, true); /* it rings, */
	trunk_outcome(rig->a, "y", 0, true); /* is answered */
	assert_int_equal(trunk_recent(rig->a, 0, &failed), 2);
	assert_int_equal(failed, 1);
	trunk_outcome(rig->a, "y", 0, false); /* and the line breaks */
	assert_int_equal(trunk_recent(rig->a, 0, &failed), 2);
	assert_int_equal(failed, 2);
	assert_int_equal(rig->a->failed, 2);
}

static void ends_are_judged(void **state)
{
	static const struct {
		enum tc_pbx_end end;
		unsigned n, failed;
	} all[] = {
		{TC_PBX_END_TRUNK, 1, 1},       {TC_PBX_END_CONGESTION, 1, 1},
		{TC_PBX_END_REMOTE, 1, 0},      {TC_PBX_END_TIMEOUT, 1, 0},
		{TC_PBX_END_BUSY, 1, 0},        {TC_PBX_END_REJECTED, 1, 0},
		{TC_PBX_END_UNREACHABLE, 1, 0}, {TC_PBX_END_LOCAL, 0, 0},
		{TC_PBX_END_FAILED, 0, 0},      {TC_PBX_END_GONE, 0, 0},
	};
	struct rig *rig = *state;

	assert_int_equal(sizeof(all) / sizeof(all[0]), TC_PBX_END_COUNT);
	for (size_t i = 0; i < TC_PBX_END_COUNT; i++) {
		unsigned failed, n;

		pass(rig, 60 * SECOND);
		trunk_ended(rig->a, "x", 0, all[i].end);
		n = trunk_recent(rig->a, loop_now_us(rig->base.loop), &failed);
		if (n != all[i].n || failed != all[i].failed)
			fail_msg("end %d: %u, %u failed", (int)all[i].end, n, failed);
	}
}

/* ---- when it is tried again ---- */

static void one_call_tries_it_now_and_then(void **state)
{
	struct rig *rig = *state;
	int64_t wait_us;

	go(rig, rig->a, "fffff");
	expect_pick(rig, 0, rig->b);
	pass(rig, 30 * SECOND - 1);
	expect_pick(rig, 0, rig->b);
	pass(rig, 1);
	expect_pick(rig, 0, rig->a); /* its place in the order is still its own */
	assert_false(rig->a->healthy);
	trunk_enter(rig->a);
	expect_pick(rig, 0, rig->b); /* this one only */
	go(rig, rig->a, "f");
	trunk_leave(rig->trunks, rig->a);
	/* who waits for another trunk is told when this one is tried */
	trunk_hold(rig->b, true, "");
	assert_null(trunks_pick(rig->trunks, 0, &wait_us));
	assert_int_equal(wait_us, 30 * SECOND);
	pass(rig, wait_us);
	expect_pick(rig, 0, rig->a);
	trunk_hold(rig->a, true, "");
	assert_null(trunks_pick(rig->trunks, 0, &wait_us));
	assert_int_equal(wait_us, INT64_MAX);
}

static void with_no_other_it_is_tried_at_once(void **state)
{
	struct rig *rig = *state;

	go(rig, rig->a, "fffff");
	expect_pick(rig, 2, rig->a); /* the other one was tried */
	trunk_said(rig->b, false, "away");
	expect_pick(rig, 0, rig->a);
	trunk_enter(rig->a);
	expect_pick(rig, 0, rig->a);
	assert_false(trunks_healthy(rig->trunks));
	/* that may work, and one that says itself that it is down will not */
	trunk_said(rig->a, false, "away too");
	trunk_said(rig->b, true, "back");
	go(rig, rig->b, "fffff");
	expect_pick(rig, 0, rig->b);
}

/* ---- when it is well ---- */

static void one_good_call_is_enough(void **state)
{
	struct rig *rig = *state;
	unsigned failed;

	trunk_said(rig->a, true, "registered");
	go(rig, rig->a, "ffffffffff");
	assert_int_equal(rig->rooms, 0);
	go(rig, rig->a, "g");
	assert_true(rig->a->healthy);
	assert_string_equal(rig->a->text, "registered");
	assert_int_equal(rig->rooms, 1); /* calls may wait for it */
	assert_int_equal(trunk_recent(rig->a, 0, &failed), 1); /* what was before is forgotten */
	assert_int_equal(failed, 0);
	go(rig, rig->a, "fff");
	assert_true(rig->a->healthy);
	go(rig, rig->a, "f");
	assert_false(rig->a->healthy);
}

static void both_must_be_good(void **state)
{
	struct rig *rig = *state;

	go(rig, rig->a, "fffff");
	trunk_said(rig->a, true, "registered"); /* it said so all the time: no news */
	assert_false(rig->a->healthy);
	assert_non_null(strstr(rig->a->text, "5 of 5 calls"));
	trunk_said(rig->a, false, "no answer");
	assert_false(rig->a->healthy);
	assert_string_equal(rig->a->text, "no answer");
	go(rig, rig->a, "g"); /* one that it still had */
	assert_false(rig->a->healthy);
	assert_string_equal(rig->a->text, "no answer");
	assert_int_equal(rig->rooms, 0);
	trunk_said(rig->a, true, "registered");
	assert_true(rig->a->healthy);
	assert_int_equal(rig->rooms, 1);
}

/* Calls failed because the PBX was away: they count for nothing when it is back, nor stragglers. */
static void coming_back_clears_the_past(void **state)
{
	struct rig *rig = *state;
	unsigned failed;
	int64_t before_us = loop_wall_us(rig->base.loop);

	go(rig, rig->a, "fffff");
	trunk_said(rig->a, false, "no answer");
	go(rig, rig->a, "fffff");
	pass(rig, SECOND);
	trunk_said(rig->a, true, "there again");
	assert_true(rig->a->healthy);
	assert_string_equal(rig->a->text, "there again");
	expect_pick(rig, 0, rig->a);
	for (int i = 0; i < 6; i++) {
		char id[2] = {(char)('a' + i), '\0'};

		trunk_outcome(rig->a, id, before_us, false);
	}
	assert_true(rig->a->healthy);
	assert_int_equal(trunk_recent(rig->a, loop_now_us(rig->base.loop), &failed), 0);
	assert_int_equal(rig->a->failed, 16); /* but they did fail */
}

int main(void)
{
#define RIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		RIG(half_of_five_are_needed),
		RIG(only_the_last_twenty_count),
		RIG(only_the_last_minute_counts),
		RIG(a_call_counts_once),
		RIG(ends_are_judged),
		RIG(one_call_tries_it_now_and_then),
		RIG(with_no_other_it_is_tried_at_once),
		RIG(one_good_call_is_enough),
		RIG(both_must_be_good),
		RIG(coming_back_clears_the_past),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
