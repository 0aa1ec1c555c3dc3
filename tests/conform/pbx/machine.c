/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cases of who has answered, how loud it was, and keys that we press.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "asterisk.h"
#include "cases.h"
#include "host/host.h"
#include "tape.h"

/* ---- the trunk, with what the case needs ---- */

static void reopen(const char *extra)
{
	rig_close(rig.self);
	rig.self = NULL;
	rig.n_seen = 0;
	rig.extra = extra;
	rig.self = rig_open("conform", rig.sip_port);
	rig.extra = NULL;
}

/* A way of speech, for a trunk that has several; it brings the sound of the far end or not. */
struct way {
	const char *extra;
	bool hears;
	int major; /* of Asterisk, at least */
};

static const struct way direct[] = {{"{\"detect_machine\": true}", true, 0}};
static const struct way through_asterisk[] = {
	{"{\"detect_machine\": true, \"media\": \"file\"}", false, 0},
	{"{\"detect_machine\": true, \"media\": \"externalmedia\"}", true, 0},
	{"{\"detect_machine\": true, \"media\": \"websocket\"}", true, 22},
};

/* Try it in all ways of the trunk. */
static void in_each_way(void (*try)(const struct way *way))
{
	size_t n = rig.asterisk ? sizeof(through_asterisk) / sizeof(*through_asterisk) : 1;
	const struct way *ways = rig.asterisk ? through_asterisk : direct;

	for (size_t i = 0; i < n; i++) {
		if (rig.asterisk && asterisk_major(rig.asterisk) < ways[i].major)
			continue;
		reopen(ways[i].extra);
		try(&ways[i]);
	}
}

/* Answered, and spoken to: some ways have the far end's sound only then. */
static int64_t begin(char id[TC_ID_SIZE], const char *number)
{
	struct tc_clip *clip = rig_tone(8000, 300, "");
	int64_t at_us;

	rig_call(id, number);
	at_us = rig_await(id, TC_PBX_ANSWERED, 0)->at_us;
	assert_int_equal(play(id, 1, &(struct tc_pbx_item){.clip = clip}, 1), 0);
	tc_clip_unref(clip);
	return at_us;
}

static void end(const char *id)
{
	assert_int_equal(hang_up(id), 0);
	rig_await_end(id);
}

/* ---- who has answered ---- */

static void try_machine(const struct way *way)
{
	const struct tc_pbx_event *e;
	char id[TC_ID_SIZE];
	int64_t from_us = begin(id, "*1001");

	e = rig_await(id, TC_PBX_MACHINE, 0);
	assert_true(e->text[0]);
	assert_in_range((e->at_us - from_us) / 1000, 1500, 3500);
	e = rig_await(id, TC_PBX_BEEP, 0);
	assert_non_null(strstr(e->text, way->hears ? "1000 Hz" : "silence"));
	assert_true((e->at_us - from_us) / 1000 >= TAPE_BEEP_END_MS - 200);
	/* the beep itself may be taken for a word where it cannot be heard */
	assert_true((e->at_us - from_us) / 1000 < TAPE_BEEP_END_MS + (way->hears ? 600 : 3500));
	end(id);
	assert_int_equal(rig_count(id, TC_PBX_MACHINE), 1);
	assert_int_equal(rig_count(id, TC_PBX_BEEP), 1);
	assert_int_equal(rig_count(id, TC_PBX_HUMAN), 0);
}

void tells_a_machine_and_its_beep(void **state)
{
	(void)state;
	in_each_way(try_machine);
}

static void try_no_beep(const struct way *way)
{
	const struct tc_pbx_event *e;
	char id[TC_ID_SIZE];
	int64_t from_us = begin(id, "*3001");

	(void)way;
	rig_await(id, TC_PBX_MACHINE, 0);
	e = rig_await(id, TC_PBX_BEEP, 0);
	assert_non_null(strstr(e->text, "silence"));
	assert_in_range((e->at_us - from_us) / 1000, 5000, 7500); /* the greeting, and 2 s */
	end(id);
}

void tells_a_machine_without_a_beep(void **state)
{
	(void)state;
	in_each_way(try_no_beep);
}

static void try_human(const struct way *way)
{
	const struct tc_pbx_event *e;
	char id[TC_ID_SIZE];
	int64_t from_us = begin(id, "*2001");

	(void)way;
	e = rig_await(id, TC_PBX_HUMAN, 0);
	assert_true(e->text[0]);
	assert_in_range((e->at_us - from_us) / 1000, 1400, 3500);
	rig_idle(3500); /* nothing else is told, however long it lasts */
	assert_int_equal(rig_count(id, TC_PBX_HUMAN), 1);
	assert_int_equal(rig_count(id, TC_PBX_MACHINE), 0);
	assert_int_equal(rig_count(id, TC_PBX_BEEP), 0);
	end(id);
}

void tells_a_human(void **state)
{
	(void)state;
	in_each_way(try_human);
}

static void try_silence(const struct way *way)
{
	char id[TC_ID_SIZE];

	(void)way;
	begin(id, "*4001");
	rig_idle(5500);
	end(id);
	assert_int_equal(rig_count(id, TC_PBX_HUMAN), 0);
	assert_int_equal(rig_count(id, TC_PBX_MACHINE), 0);
}

void tells_nothing_of_who_is_silent(void **state)
{
	(void)state;
	in_each_way(try_silence);
}

void guesses_only_where_it_is_asked(void **state)
{
	char id[TC_ID_SIZE];

	(void)state;
	begin(id, "*1002");
	rig_idle(4000);
	end(id);
	assert_int_equal(rig_count(id, TC_PBX_MACHINE), 0);
}

/* ---- how loud it was ---- */

static void try_level(const struct way *way)
{
	char id[TC_ID_SIZE];
	int level;

	begin(id, "*1003");
	rig_idle(2000);
	assert_int_equal(hang_up(id), 0);
	level = rig_await_end(id)->level_dbov;
	if (!way->hears)
		assert_int_equal(level, 0);
	else
		assert_in_range(level + 127, TAPE_DBOV + 127 - 4, TAPE_DBOV + 127 + 4);
}

void measures_the_level(void **state)
{
	(void)state;
	in_each_way(try_level);
}

/* ---- keys ---- */

static bool has_keys(const struct phone_view *v)
{
	return strlen(v->keys) == 5;
}

void presses_keys(void **state)
{
	const struct tc_pbx_ops *ops = rig_ops(rig.self);
	struct phone_view v;
	char id[TC_ID_SIZE];

	(void)state;
	assert_non_null(ops->dtmf);
	rig_call(id, "1055");
	assert_int_not_equal(ops->dtmf(rig.self->state, id, ""), 0);
	assert_int_equal(ops->dtmf(rig.self->state, id, "4x"), -EINVAL);
	assert_int_equal(ops->dtmf(rig.self->state, id, "444444444444444444444444444444444"),
			 -EINVAL); /* 33 of them */
	rig_await(id, TC_PBX_ANSWERED, 0);
	await_phone("1055", is_up, "the telephone to be up");
	assert_int_equal(ops->dtmf(rig.self->state, id, "44*"), 0);
	assert_int_equal(ops->dtmf(rig.self->state, id, "#0"), 0);
	await_phone("1055", has_keys, "five keys to be heard");
	rig_idle(400); /* the last one must come to its end */
	v = phone_view(rig.phone, "1055");
	assert_string_equal(v.keys, "44*#0");
	assert_int_equal(v.ends, 15); /* three for each */
	assert_in_range(v.event_ms, 80, 300);
	assert_int_equal(rig_count(id, TC_PBX_DTMF), 0);
	end(id);
	ops->dtmf(rig.self->state, id, "1"); /* to nobody: it does no harm */
}
