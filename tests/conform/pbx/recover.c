/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cases of calls that outlive their trunk: at its end in order, and after a crash.
 */
#include "cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "host/host.h"
#include "host/id.h"
#include "host/loop.h"

static void recover_at(struct tc_instance *trunk, const char *call_id, const char *number,
		       const char *ref)
{
	assert_int_equal(rig_ops(trunk)->recover(trunk->state, call_id, number, ref), 0);
}

static void recover(const char *call_id, const char *number, const char *ref)
{
	recover_at(rig.self, call_id, number, ref);
}

/* An adopted call: it is in this state, can be spoken in if it is answered, and can be ended. */
static void goes_on_until_hung_up(struct tc_instance *trunk, const char *call_id,
				  enum tc_pbx_event_type state)
{
	struct tc_clip *clip = rig_tone(8000, 200, "adopted");
	struct tc_pbx_item item = {.clip = clip};

	rig_await(call_id, state, 0);
	if (state == TC_PBX_ANSWERED) {
		rig_ops(trunk)->play(trunk->state, call_id, 1, &item, 1);
		assert_true(rig_await(call_id, TC_PBX_PLAYED, 0)->whole);
	}
	tc_clip_unref(clip);
	rig_ops(trunk)->hangup(trunk->state, call_id);
	assert_int_equal(rig_await_end(call_id)->end, TC_PBX_END_LOCAL);
}

/* After recover(): the call is ended, or it goes on. */
static void is_over_or_adopted(const char *call_id, enum tc_pbx_event_type state,
			       const char *number)
{
	if (!rig.adopts) {
		assert_int_equal(rig_await_end(call_id)->end, TC_PBX_END_GONE);
		return;
	}
	goes_on_until_hung_up(rig.self, call_id, state);
	await_phone(number, does_not_ring, "silence");
}

/* ---- the end of an instance ---- */

void leaves_no_call_behind(void **state)
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
	if (rig.adopts) {
		rig_idle(300);
		assert_int_equal(phone_view(rig.phone, "1030").up, 1);
		assert_int_equal(phone_view(rig.phone, "2030").ringing, 1);
		rig.n_seen = 0;
		other = rig_open("closing", port);
		recover_at(other, up, "1030", "");
		recover_at(other, ringing, "2030", "");
		goes_on_until_hung_up(other, up, TC_PBX_ANSWERED);
		goes_on_until_hung_up(other, ringing, TC_PBX_RINGING);
		rig_close(other);
	}
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

void recovers_a_call_that_rings(void **state)
{
	char id[TC_ID_SIZE], ref[512];

	(void)state;
	id_new(id, loop_wall_us(rig.loop));
	without_trunk();
	rig_crash(rig.sip_port, id, "2040", TC_PBX_RINGING, ref);
	await_phone("2040", rings, "the telephone to ring on");
	with_trunk();
	recover(id, "2040", ref);
	is_over_or_adopted(id, TC_PBX_RINGING, "2040");
	assert_int_equal(phone_view(rig.phone, "2040").ringing, 0);
	assert_int_equal(phone_view(rig.phone, "2040").cancels, 1);
}

/* The crash came before anything could be stored. */
void recovers_a_call_of_which_nothing_is_known(void **state)
{
	char id[TC_ID_SIZE], ref[512];

	(void)state;
	id_new(id, loop_wall_us(rig.loop));
	without_trunk();
	rig_crash(rig.sip_port, id, "2041", TC_PBX_RINGING, ref);
	with_trunk();
	recover(id, "2041", "");
	is_over_or_adopted(id, TC_PBX_RINGING, "2041");
	assert_int_equal(phone_view(rig.phone, "2041").ringing, 0);
}

void recovers_a_call_that_talks(void **state)
{
	char id[TC_ID_SIZE], ref[512];

	(void)state;
	id_new(id, loop_wall_us(rig.loop));
	without_trunk();
	rig_crash(rig.sip_port, id, "1042", TC_PBX_ANSWERED, ref);
	await_phone("1042", is_up, "the telephone to be up");
	with_trunk();
	recover(id, "1042", ref);
	is_over_or_adopted(id, TC_PBX_ANSWERED, "1042");
	assert_int_equal(phone_view(rig.phone, "1042").byes, 1);
	assert_int_equal(phone_view(rig.phone, "1042").up, 0);
}

/* Picked up after the crash, by a telephone that never said that it rings. */
void recovers_a_call_that_is_answered_meanwhile(void **state)
{
	char id[TC_ID_SIZE], ref[512];

	(void)state;
	id_new(id, loop_wall_us(rig.loop));
	without_trunk();
	rig_crash(rig.sip_port, id, "6043", TC_PBX_PLACED, ref);
	/* a PBX ends it as soon as it is answered and nobody is there to take it */
	if (rig_has(rig.direct, "being answered while nobody is there"))
		await_phone("6043", is_up, "the telephone to be up");
	else
		await_phone("6043", is_quiet, "the telephone to be hung up");
	with_trunk();
	recover(id, "6043", ref);
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_GONE);
	assert_int_equal(phone_view(rig.phone, "6043").up, 0);
	assert_int_equal(phone_view(rig.phone, "6043").acks, 1);
}

void knows_when_nothing_is_left(void **state)
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
