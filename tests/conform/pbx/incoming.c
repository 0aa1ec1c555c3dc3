/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cases of calls that come in.
 */
#include "cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dial.h"
#include "host/host.h"

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

/* Refused, or answered and hung up. */
static bool is_through(const struct dial_view *v)
{
	return v->status >= 300 || v->byes > 0;
}

void takes_a_call(void **state)
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

void declines_a_call(void **state)
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

void notices_a_caller_giving_up(void **state)
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

void notices_a_caller_hanging_up(void **state)
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

/* The far end has not yet acknowledged that it was answered. */
void hangs_up_in_the_moment_of_the_answer(void **state)
{
	struct dial *dial = dial_in("0301238");
	char id[TC_ID_SIZE];

	(void)state;
	await_incoming(dial, "0301238", id);
	assert_int_equal(answer_call(id), 0);
	assert_int_equal(hang_up(id), 0);
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_LOCAL);
	await_dial(dial, is_through, "the end at the telephone");
	dial_free(dial);
}

/* What our own core will not do: say nothing at all. A PBX has times of its own. */
void ends_a_call_that_nobody_takes(void **state)
{
	struct dial *dial;
	char id[TC_ID_SIZE];

	(void)state;
	if (!rig_has(rig.direct, "a call that nobody takes"))
		return;
	dial = dial_in("0301239");
	await_incoming(dial, "0301239", id);
	rig_idle(8000);
	assert_null(rig_event(id, TC_PBX_ENDED, 0));
	assert_int_equal(dial_view(dial).status, 180);
	assert_int_equal(rig_await_end(id)->end, TC_PBX_END_TIMEOUT);
	await_dial(dial, was_refused, "a refusal");
	assert_int_equal(dial_view(dial).status, 480);
	dial_free(dial);
}
