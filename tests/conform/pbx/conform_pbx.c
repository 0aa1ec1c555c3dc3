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

#include "dial.h"
#include "host/host.h"
#include "host/id.h"
#include "host/loop.h"
#include "rig.h"

#define LIVE 20

/* What a telephone must have seen. */
struct sight {
	const char *number;
	bool (*ok)(const struct phone_view *v);
};

static bool sees(void *arg)
{
	struct sight *s = arg;
	struct phone_view v = phone_view(rig.phone, s->number);

	return s->ok(&v);
}

static void await_phone(const char *number, bool (*ok)(const struct phone_view *v),
			const char *what)
{
	struct sight s = {number, ok};

	rig_wait(sees, &s, what);
}

static bool is_quiet(const struct phone_view *v)
{
	return v->calls > 0 && !v->ringing && !v->up;
}

static bool is_up(const struct phone_view *v)
{
	return v->up == 1;
}

static bool rings(const struct phone_view *v)
{
	return v->ringing == 1;
}

static int hang_up(const char *call_id)
{
	return rig_ops(rig.self)->hangup(rig.self->state, call_id);
}

static int play(const char *call_id, uint32_t play_id, const struct tc_pbx_item *items, size_t n)
{
	return rig_ops(rig.self)->play(rig.self->state, call_id, play_id, items, n);
}

static void recover(const char *call_id, const char *number, const char *ref)
{
	assert_int_equal(rig_ops(rig.self)->recover(rig.self->state, call_id, number, ref), 0);
}

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
		if (order[i] != TC_PBX_ENDED)
			assert_in_range(strlen(rig.seen[i].ref), 1, 511);
	}
	assert_true(last <= loop_now_us(rig.loop));
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
	assert_int_equal(e->end, TC_PBX_END_FAILED);
	assert_int_equal(e->sip, 302);
	rig_idle(700);
	assert_int_equal(phone_decoys(rig.phone), 0);
	assert_int_equal(phone_view(rig.phone, "7001").invites, 1);
}

static void gives_up_on_silence(void **state)
{
	char id[TC_ID_SIZE];

	(void)state;
	rig_call(id, "8001");
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_TRUNK);
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
	assert_int_equal(phone_view(rig.phone, "2003").ringing, 0);
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
	assert_true(v.first_marked);
	assert_int_equal(v.markers, 1);
	/* 25 frames and 16 with a part that is silent */
	assert_in_range(v.speech, 40, 42);
	assert_true(v.first_packet_us >= v.acked_us - 5000);
	print_message("# answer to first packet %lld ms\n",
		      (long long)(v.first_packet_us - v.acked_us) / 1000);
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
	rig_idle(200);
	play(id, 2, &second, 1);
	e = rig_await(id, TC_PBX_PLAYED, 0);
	assert_int_equal(e->play_id, 2);
	total = e->total_ms;
	assert_in_range(total, 220, 1500); /* of the first one, too */
	play(id, 3, &first, 1);
	rig_idle(100);
	play(id, 4, NULL, 0);
	rig_idle(100);
	assert_int_equal(rig_count(id, TC_PBX_PLAYED), 1);
	/* silence is sent until the end: networks end calls that send nothing */
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
	rig_call(id, "5001");
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
	assert_true(rig_await(id, TC_PBX_PLAYED, 0)->at_us - answered_us > 700000);
	assert_in_range(phone_view(rig.phone, "9001").speech, 19, 21);
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

/* ---- calls that come in ---- */

/*
 * Call the trunk. For one that stands behind something else TOCSIN_CONFORM_DIAL says what to call,
 * "PORT NUMBER".
 */
static struct dial *dial_in(const char *from)
{
	const char *text = getenv("TOCSIN_CONFORM_DIAL");
	unsigned port = rig.sip_port;
	char called[40] = "4711";

	if (!rig_ops(rig.self)->answer)
		skip();
	if (text && sscanf(text, "%u %39s", &port, called) != 2)
		fail_msg("TOCSIN_CONFORM_DIAL is not PORT NUMBER");
	return dial_new(port, called, from);
}

static const struct tc_pbx_event *came_in(void)
{
	for (size_t i = 0; i < rig.n_seen; i++)
		if (rig.seen[i].type == TC_PBX_INCOMING)
			return &rig.seen[i];
	return NULL;
}

static bool has_come_in(void *arg)
{
	(void)arg;
	return came_in() != NULL;
}

/* Wait for the report of a call, and for the telephone to hear that it rings. */
static void await_incoming(struct dial *dial, const char *from, char call_id[TC_ID_SIZE])
{
	const struct tc_pbx_event *e;

	rig_wait(has_come_in, NULL, "a call to come in");
	e = came_in();
	assert_string_equal(e->number, from);
	assert_true(e->called[0]);
	tc_strcopy(call_id, TC_ID_SIZE, e->call_id);
	assert_int_equal(strlen(call_id), TC_ID_SIZE - 1);
	assert_false(dial_view(dial).up);
}

static int answer_call(const char *call_id)
{
	return rig_ops(rig.self)->answer(rig.self->state, call_id);
}

struct dial_sight {
	struct dial *dial;
	bool (*ok)(const struct dial_view *v);
};

static bool dial_sees(void *arg)
{
	struct dial_sight *s = arg;
	struct dial_view v = dial_view(s->dial);

	return s->ok(&v);
}

static void await_dial(struct dial *dial, bool (*ok)(const struct dial_view *v), const char *what)
{
	struct dial_sight s = {dial, ok};

	rig_wait(dial_sees, &s, what);
}

static bool heard_it(const struct dial_view *v)
{
	return v->speech >= 25;
}

static bool was_hung_up(const struct dial_view *v)
{
	return v->byes > 0;
}

static bool was_refused(const struct dial_view *v)
{
	return v->status >= 300;
}

static void takes_a_call(void **state)
{
	struct dial *dial = dial_in("0301234");
	struct tc_clip *clip = rig_tone(8000, 500, "greeting");
	struct tc_pbx_item item = {.clip = clip};
	const struct tc_pbx_event *e;
	char id[TC_ID_SIZE];

	(void)state;
	await_incoming(dial, "0301234", id);
	assert_int_equal(play(id, 3, &item, 1), 0);
	tc_clip_unref(clip);
	rig_idle(100);
	assert_null(rig_event(id, TC_PBX_ANSWERED, 0)); /* the core has not said so */
	assert_int_equal(dial_view(dial).packets, 0);
	assert_int_equal(answer_call(id), 0);
	rig_await(id, TC_PBX_ANSWERED, 0);
	e = rig_await(id, TC_PBX_PLAYED, 0);
	assert_int_equal(e->play_id, 3);
	assert_int_equal(e->total_ms, 500);
	await_dial(dial, heard_it, "the sound");
	dial_press(dial, '7');
	dial_press(dial, '7');
	assert_int_equal(rig_await(id, TC_PBX_DTMF, 1)->key, '7');
	assert_int_equal(rig_count(id, TC_PBX_DTMF), 2);
	hang_up(id);
	e = rig_await_end(id);
	assert_int_equal(e->end, TC_PBX_END_LOCAL);
	assert_int_equal(e->total_ms, 500);
	assert_int_equal(rig_count(id, TC_PBX_INCOMING), 1);
	assert_int_equal(rig_count(id, TC_PBX_ANSWERED), 1);
	await_dial(dial, was_hung_up, "the end at the telephone");
	dial_free(dial);
}

static void declines_a_call(void **state)
{
	struct dial *dial = dial_in("0301235");
	char id[TC_ID_SIZE];

	(void)state;
	await_incoming(dial, "0301235", id);
	assert_int_equal(hang_up(id), 0);
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_LOCAL);
	await_dial(dial, was_refused, "a refusal");
	assert_true(answer_call(id) <= 0); /* too late */
	rig_idle(100);
	assert_false(dial_view(dial).up);
	assert_int_equal(rig_count(id, TC_PBX_ANSWERED), 0);
	dial_free(dial);
}

static void notices_a_caller_giving_up(void **state)
{
	struct dial *dial = dial_in("0301236");
	char id[TC_ID_SIZE];

	(void)state;
	await_incoming(dial, "0301236", id);
	dial_cancel(dial);
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_REMOTE);
	await_dial(dial, was_refused, "the end of the request");
	assert_int_equal(dial_view(dial).status, 487);
	dial_free(dial);
}

static void notices_a_caller_hanging_up(void **state)
{
	struct dial *dial = dial_in("0301237");
	char id[TC_ID_SIZE];

	(void)state;
	await_incoming(dial, "0301237", id);
	assert_int_equal(answer_call(id), 0);
	rig_await(id, TC_PBX_ANSWERED, 0);
	dial_hang_up(dial);
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_REMOTE);
	assert_int_equal(dial_view(dial).byes, 0);
	dial_free(dial);
}

/* ---- the end of an instance ---- */

static void leaves_no_call_behind(void **state)
{
	unsigned port = rig_free_port();
	struct tc_instance *other = rig_open("closing", port);
	char up[TC_ID_SIZE], ringing[TC_ID_SIZE];

	(void)state;
	assert_int_equal(rig_try(other, up, "1030", 20000), 0);
	assert_int_equal(rig_try(other, ringing, "2030", 20000), 0);
	rig_await(up, TC_PBX_ANSWERED, 0);
	rig_await(ringing, TC_PBX_RINGING, 0);
	await_phone("1030", is_up, "the telephone to be up");
	rig_close(other);
	await_phone("1030", is_quiet, "the telephone to be hung up");
	await_phone("2030", is_quiet, "silence");
}

/* ---- after a crash ---- */

/* The trunk of another process must not hold the port. */
static void without_trunk(void)
{
	rig_close(rig.self);
	rig.self = NULL;
}

static void with_trunk(void)
{
	rig.n_seen = 0;
	rig.self = rig_open("again", rig.sip_port);
}

static void ends_a_call_that_rings(void **state)
{
	char id[TC_ID_SIZE], ref[512];

	(void)state;
	id_new(id, loop_wall_us(rig.loop));
	without_trunk();
	rig_crash(rig.sip_port, id, "2040", TC_PBX_RINGING, ref);
	await_phone("2040", rings, "the telephone to ring on");
	with_trunk();
	recover(id, "2040", ref);
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_GONE);
	assert_int_equal(phone_view(rig.phone, "2040").ringing, 0);
	assert_int_equal(phone_view(rig.phone, "2040").cancels, 1);
}

/* The crash came before anything could be stored. */
static void ends_a_call_of_which_nothing_is_known(void **state)
{
	char id[TC_ID_SIZE], ref[512];

	(void)state;
	id_new(id, loop_wall_us(rig.loop));
	without_trunk();
	rig_crash(rig.sip_port, id, "2041", TC_PBX_RINGING, ref);
	with_trunk();
	recover(id, "2041", "");
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_GONE);
	assert_int_equal(phone_view(rig.phone, "2041").ringing, 0);
}

static void ends_a_call_that_talks(void **state)
{
	char id[TC_ID_SIZE], ref[512];

	(void)state;
	id_new(id, loop_wall_us(rig.loop));
	without_trunk();
	rig_crash(rig.sip_port, id, "1042", TC_PBX_ANSWERED, ref);
	await_phone("1042", is_up, "the telephone to be up");
	with_trunk();
	recover(id, "1042", ref);
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_GONE);
	assert_int_equal(phone_view(rig.phone, "1042").byes, 1);
	assert_int_equal(phone_view(rig.phone, "1042").up, 0);
}

/* Picked up after the crash, by a telephone that never said that it rings. */
static void ends_a_call_that_is_answered_meanwhile(void **state)
{
	char id[TC_ID_SIZE], ref[512];

	(void)state;
	id_new(id, loop_wall_us(rig.loop));
	without_trunk();
	rig_crash(rig.sip_port, id, "6043", TC_PBX_PLACED, ref);
	await_phone("6043", is_up, "the telephone to be up");
	with_trunk();
	recover(id, "6043", ref);
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_GONE);
	assert_int_equal(phone_view(rig.phone, "6043").up, 0);
	assert_int_equal(phone_view(rig.phone, "6043").acks, 1);
}

static void knows_when_nothing_is_left(void **state)
{
	char id[TC_ID_SIZE];

	(void)state;
	id_new(id, loop_wall_us(rig.loop));
	recover(id, "1044", "");
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_GONE);
	assert_int_equal(phone_view(rig.phone, "1044").calls, 0);
	id_new(id, loop_wall_us(rig.loop));
	recover(id, "1044", "what no plugin has ever written");
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_GONE);
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
		TEST(leaves_no_call_behind),
		TEST(ends_a_call_that_rings),
		TEST(ends_a_call_of_which_nothing_is_known),
		TEST(ends_a_call_that_talks),
		TEST(ends_a_call_that_is_answered_meanwhile),
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
