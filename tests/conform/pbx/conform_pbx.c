/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of telephony plugins (tocsin/pbx.h), tried on any of them: conform-pbx NAME. The
 * plugin is found below TOCSIN_PLUGIN_PATH.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cases.h"
#include "host/host.h"
#include "host/id.h"
#include "host/loop.h"

#define LIVE 20

/* ---- the plugin ---- */

static void describes_itself(void **state)
{
	static const char *const wanted[] = {"max_calls", "calls_per_second"};
	const struct tc_plugin *p = rig.self->plugin;
	json_t *status = instance_status(rig.self);

	(void)state;
	assert_string_equal(p->name, rig.plugin);
	assert_true(p->version && *p->version && p->summary && *p->summary);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const struct tc_option *o = p->options;
		while (o->name && strcmp(o->name, wanted[i]) != 0)
			o++;
		assert_non_null(o->name); /* the core reads it */
	}
	assert_true(json_is_true(json_object_get(status, "healthy")));
	json_decref(status);
}

/* ---- placing ---- */

static void refuses_what_is_no_number(void **state)
{
	static const char *const bad[] = {"",      "alice", "12 34", "12@evil.example",
					  "1;x=y", "4\r\n4"};
	char id[TC_ID_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rig_try(rig.self, id, bad[i], 5000), -EINVAL);
	rig_idle(100);
	assert_int_equal(rig.n_seen, 0);
}

static void reports_a_call_in_order(void **state)
{
	char id[TC_ID_SIZE];
	const struct tc_pbx_event *e;
	int64_t before = loop_now_us(rig.loop), last = before;

	(void)state;
	rig_call(id, "1001");
	rig_await(id, TC_PBX_ANSWERED, 0);
	await_phone("1001", is_up, "the telephone to be up");
	assert_int_equal(hang_up(id), 0);
	e = rig_await_end(id);
	assert_int_equal(e->end, TC_PBX_END_LOCAL);
	assert_int_equal(rig.n_seen, 4);
	for (size_t i = 0; i < 4; i++) {
		static const enum tc_pbx_event_type order[] = {TC_PBX_PLACED, TC_PBX_RINGING,
							       TC_PBX_ANSWERED, TC_PBX_ENDED};
		assert_int_equal(rig.seen[i].type, order[i]);
		assert_string_equal(rig.seen[i].call_id, id);
		assert_true(rig.seen[i].at_us >= last);
		last = rig.seen[i].at_us;
		if (order[i] != TC_PBX_ENDED && !rig.adopts) /* else the id alone finds it again */
			assert_in_range(strlen(rig.seen[i].ref), 1, 511);
	}
	assert_true(last <= loop_now_us(rig.loop));
	await_phone("1001", is_quiet, "the telephone to be hung up");
	assert_int_equal(phone_view(rig.phone, "1001").byes, 1);
	assert_int_equal(phone_view(rig.phone, "1001").invites, 1);
}

struct refusal {
	const char *number;
	enum tc_pbx_end end;
	int sip;
};

static void names_the_cause(void **state)
{
	static const struct refusal refusals[] = {
		{"348601", TC_PBX_END_BUSY, 486},        {"360002", TC_PBX_END_BUSY, 600},
		{"360303", TC_PBX_END_REJECTED, 603},    {"340404", TC_PBX_END_UNREACHABLE, 404},
		{"348405", TC_PBX_END_UNREACHABLE, 484}, {"348006", TC_PBX_END_TIMEOUT, 480},
		{"350307", TC_PBX_END_CONGESTION, 503},  {"348808", TC_PBX_END_FAILED, 488},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		char id[TC_ID_SIZE];
		const struct tc_pbx_event *e;

		rig_call(id, refusals[i].number);
		e = rig_await_end(id);
		assert_int_equal(e->end, refusals[i].end);
		if (rig_has(rig.has_sip, "the status of SIP"))
			assert_int_equal(e->sip, refusals[i].sip);
		assert_true(e->text[0]);
		assert_int_equal(phone_view(rig.phone, refusals[i].number).invites, 1);
		await_phone(refusals[i].number, is_quiet, "the refusal to be acknowledged");
	}
}

/* A call goes where the configuration says, or nowhere: anything else may cost. */
static void follows_no_redirection(void **state)
{
	char id[TC_ID_SIZE];
	const struct tc_pbx_event *e;

	(void)state;
	rig_call(id, "7001");
	e = rig_await_end(id);
	if (rig_has(rig.direct, "what a PBX makes of a redirection")) {
		assert_int_equal(e->end, TC_PBX_END_FAILED);
		assert_int_equal(e->sip, 302);
	}
	rig_idle(700);
	assert_int_equal(phone_decoys(rig.phone), 0);
	assert_int_equal(phone_view(rig.phone, "7001").invites, 1);
}

static void gives_up_on_silence(void **state)
{
	char id[TC_ID_SIZE];

	(void)state;
	rig_call(id, "8001");
	if (rig.direct)
		assert_int_equal(rig_await_end(id)->end, TC_PBX_END_TRUNK);
	else /* a PBX has tried it: all that is known is that nobody was reached */
		assert_int_equal(rig_await_end(id)->end, TC_PBX_END_UNREACHABLE);
	assert_null(rig_event(id, TC_PBX_RINGING, 0));
}

static void stops_ringing_in_time(void **state)
{
	char id[TC_ID_SIZE];
	const struct tc_pbx_event *e;
	int64_t ringing_us;

	(void)state;
	assert_int_equal(rig_try(rig.self, id, "2001", 400), 0);
	ringing_us = rig_await(id, TC_PBX_RINGING, 0)->at_us;
	e = rig_await_end(id);
	assert_int_equal(e->end, TC_PBX_END_TIMEOUT);
	assert_true(e->at_us - ringing_us > 300000);
	assert_int_equal(phone_view(rig.phone, "2001").cancels, 1);
	await_phone("2001", is_quiet, "silence");
}

static void cancels(void **state)
{
	char id[TC_ID_SIZE];

	(void)state;
	rig_call(id, "2002");
	rig_await(id, TC_PBX_RINGING, 0);
	assert_int_equal(hang_up(id), 0);
	assert_int_equal(hang_up(id), 0);
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_LOCAL);
	await_phone("2002", is_quiet, "silence");
}

static void cancels_at_once(void **state)
{
	char id[TC_ID_SIZE];

	(void)state;
	rig_call(id, "2003");
	hang_up(id);
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_LOCAL);
	if (rig.direct)
		assert_int_equal(phone_view(rig.phone, "2003").ringing, 0);
	else
		await_phone("2003", does_not_ring, "silence");
}

static void notices_the_far_end_hanging_up(void **state)
{
	char id[TC_ID_SIZE];
	const struct tc_pbx_event *e;

	(void)state;
	rig_call(id, "4001");
	e = rig_await_end(id);
	assert_int_equal(e->end, TC_PBX_END_REMOTE);
	assert_int_equal(e->q850, 16);
	assert_int_equal(hang_up(id) <= 0, 1);
	rig_idle(100);
	assert_int_equal(rig_count(id, TC_PBX_ENDED), 1);
}

static void takes_no_harm_from_unknown_calls(void **state)
{
	const char *id = "00000000-0000-7000-8000-000000000000";
	struct tc_pbx_item item = {.silence_ms = 100};

	(void)state;
	assert_true(hang_up(id) <= 0);
	assert_true(play(id, 1, &item, 1) <= 0);
	rig_idle(100);
	assert_int_equal(rig.n_seen, 0);
}

/* ---- sound and keys ---- */

static bool spoke_enough(const struct phone_view *v)
{
	return v->speech >= 40;
}

#define CATCH_UP_US 240000 /* what a trunk may make good after it was held up */

static void plays_a_list(void **state)
{
	struct tc_clip *a = rig_tone(8000, 500, "tone-a"), *b = rig_tone(16000, 310, "");
	struct tc_pbx_item items[] = {
		{.silence_ms = 100}, {.clip = a}, {.clip = b}, {.silence_ms = 0}};
	static const uint32_t ms[] = {100, 500, 310, 0}, total[] = {0, 500, 810, 810};
	int64_t due_us;
	struct phone_view v;
	char id[TC_ID_SIZE];

	(void)state;
	rig_call(id, "1010");
	assert_int_equal(play(id, 7, items, 4), 0);
	tc_clip_unref(a);
	tc_clip_unref(b);
	due_us = rig_await(id, TC_PBX_ANSWERED, 0)->at_us;
	for (uint32_t i = 0; i < 4; i++) {
		const struct tc_pbx_event *e = rig_await(id, TC_PBX_PLAYED, i);
		assert_int_equal(e->play_id, 7);
		assert_int_equal(e->item, i);
		assert_int_equal(e->item_ms, ms[i]);
		assert_int_equal(e->total_ms, total[i]);
		assert_true(e->whole);
		/*
		 * Never long before it was due: a trunk that was held up may catch up, but it does
		 * not rush through.
		 */
		due_us += (int64_t)ms[i] * 1000;
		assert_true(e->at_us >= due_us - CATCH_UP_US);
	}
	await_phone("1010", spoke_enough, "the sound");
	hang_up(id);
	assert_int_equal(rig_await_end(id)->total_ms, 810);
	v = phone_view(rig.phone, "1010");
	if (rig_has(rig.direct, "markers of RTP")) {
		assert_true(v.first_marked);
		assert_int_equal(v.markers, 1);
	}
	/* 25 frames and 16 with a part that is silent; a PBX may cut them anew */
	assert_in_range(v.speech, 40, rig.direct ? 42 : 46);
	assert_true(v.first_packet_us >= v.acked_us - 5000);
	print_message("# answer to first packet %lld ms\n",
		      (long long)(v.first_packet_us - v.acked_us) / 1000);
}

static bool is_spoken_to(const struct phone_view *v)
{
	return v->speech > 0;
}

static bool goes_on(const struct phone_view *v)
{
	return v->packets > 40;
}

static void replaces_what_plays(void **state)
{
	struct tc_clip *a = rig_tone(8000, 5000, "long"), *b = rig_tone(8000, 200, "short");
	struct tc_pbx_item first = {.clip = a}, second = {.clip = b};
	const struct tc_pbx_event *e;
	char id[TC_ID_SIZE];
	uint32_t total;

	(void)state;
	rig_call(id, "1011");
	rig_await(id, TC_PBX_ANSWERED, 0);
	play(id, 1, &first, 1);
	await_phone("1011", is_spoken_to, "the sound");
	rig_idle(100);
	play(id, 2, &second, 1);
	e = rig_await(id, TC_PBX_PLAYED, 0);
	assert_int_equal(e->play_id, 2);
	total = e->total_ms;
	assert_in_range(total, 220, 1500); /* of the first one, too */
	play(id, 3, &first, 1);
	/* Asterisk 16 looks at a silent channel 5 times a second */
	rig_idle(rig.direct ? 100 : 400);
	play(id, 4, NULL, 0);
	rig_idle(100);
	assert_int_equal(rig_count(id, TC_PBX_PLAYED), 1);
	/* silence is sent until the end: networks end calls that send nothing */
	if (rig_has(rig.direct, "packets of silence"))
		await_phone("1011", goes_on, "silence to be sent");
	hang_up(id);
	assert_in_range(rig_await_end(id)->total_ms, total + 20, total + 1000);
	tc_clip_unref(a);
	tc_clip_unref(b);
}

static void reports_each_key_once(void **state)
{
	static const char keys[] = "11#";
	char id[TC_ID_SIZE];

	(void)state;
	/* what a PBX makes of packets that are late or missing is not the trunk's */
	rig_call(id, rig_has(rig.direct, "lost packets of RFC 4733") ? "5001" : "0001");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(rig_await(id, TC_PBX_DTMF, i)->key, keys[i]);
	rig_idle(100);
	assert_int_equal(rig_count(id, TC_PBX_DTMF), 3);
	hang_up(id);
	rig_await_end(id);
}

/* What is on hold hears nothing, and misses nothing. */
static void waits_while_on_hold(void **state)
{
	struct tc_clip *a = rig_tone(8000, 400, "held");
	struct tc_pbx_item item = {.clip = a};
	int64_t answered_us;
	char id[TC_ID_SIZE];

	(void)state;
	rig_call(id, "9001");
	play(id, 1, &item, 1);
	tc_clip_unref(a);
	answered_us = rig_await(id, TC_PBX_ANSWERED, 0)->at_us;
	rig_await(id, TC_PBX_PLAYED, 0);
	if (rig_has(rig.direct, "waiting while on hold")) {
		assert_true(rig_event(id, TC_PBX_PLAYED, 0)->at_us - answered_us > 700000);
		assert_in_range(phone_view(rig.phone, "9001").speech, 19, 21);
	}
	hang_up(id);
	rig_await_end(id);
}

/* ---- many ---- */

static bool all_ended(void *arg)
{
	char(*ids)[TC_ID_SIZE] = arg;

	for (int i = 0; i < LIVE; i++)
		if (!rig_event(ids[i], TC_PBX_ENDED, 0))
			return false;
	return true;
}

static void instances_work_side_by_side(void **state)
{
	struct tc_instance *other = rig_open("other", rig_free_port());
	char ids[LIVE][TC_ID_SIZE], number[8];

	(void)state;
	for (int i = 0; i < LIVE; i++) {
		snprintf(number, sizeof(number), "45%02d", i);
		assert_int_equal(rig_try(i % 2 ? rig.self : other, ids[i], number, 20000), 0);
	}
	rig_wait(all_ended, ids, "all calls to end");
	for (int i = 0; i < LIVE; i++)
		assert_int_equal(rig_event(ids[i], TC_PBX_ENDED, 0)->end, TC_PBX_END_REMOTE);
	rig_close(other);
}

static void refuses_what_is_too_much(void **state)
{
	char id[TC_ID_SIZE];
	int err = 0, n = 0;

	(void)state;
	for (; n < 20000 && !err; n++)
		err = rig_try(rig.self, id, "348609", 20000);
	assert_int_equal(err, -EBUSY);
	assert_true(n > 50);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(describes_itself),
		TEST(refuses_what_is_no_number),
		TEST(reports_a_call_in_order),
		TEST(names_the_cause),
		TEST(follows_no_redirection),
		TEST(gives_up_on_silence),
		TEST(stops_ringing_in_time),
		TEST(cancels),
		TEST(cancels_at_once),
		TEST(notices_the_far_end_hanging_up),
		TEST(takes_no_harm_from_unknown_calls),
		TEST(plays_a_list),
		TEST(replaces_what_plays),
		TEST(reports_each_key_once),
		TEST(waits_while_on_hold),
		TEST(instances_work_side_by_side),
		TEST(refuses_what_is_too_much),
		TEST(takes_a_call),
		TEST(declines_a_call),
		TEST(notices_a_caller_giving_up),
		TEST(notices_a_caller_hanging_up),
		TEST(hangs_up_in_the_moment_of_the_answer),
		TEST(ends_a_call_that_nobody_takes),
		TEST(tells_a_machine_and_its_beep),
		TEST(tells_a_machine_without_a_beep),
		TEST(tells_a_human),
		TEST(tells_nothing_of_who_is_silent),
		TEST(guesses_only_where_it_is_asked),
		TEST(measures_the_level),
		TEST(presses_keys),
		TEST(leaves_no_call_behind),
		TEST(recovers_a_call_that_rings),
		TEST(recovers_a_call_of_which_nothing_is_known),
		TEST(recovers_a_call_that_talks),
		TEST(recovers_a_call_that_is_answered_meanwhile),
		TEST(knows_when_nothing_is_left),
	};
	int failed;

	if (argc == 7 && !strcmp(argv[2], "--child"))
		return rig_child(argv);
	if (argc != 2 || !getenv("TOCSIN_PLUGIN_PATH")) {
		fprintf(stderr, "usage: TOCSIN_PLUGIN_PATH=DIR %s NAME\n", argv[0]);
		return 2;
	}
	rig_begin(argv[1]);
	failed = cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
	rig_end();
	return failed;
}
