/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A drill that comes back to us: our end presses keys, the far end hears them and then speaks, and
 * our end measures how loud that arrives.
 */
#include <string.h>

#include <tocsin/log.h>

#include "call/drill_talk.h"
#include "host/host.h"
#include "oncall/number.h"

#define KEYS "159#0" /* of each row and column of a telephone one */
#define BACK_MS 20000 /* from the answer of our end to the call that comes in */
#define KEYS_MS 10000 /* for all keys to be heard */
#define SPEAK_MS 30000
#define SILENT_DBOV -60

static struct drill *of_far_end(struct caller *caller, const struct trunk *trunk, const char *id)
{
	struct drill *drill;

	LIST_FOREACH (drill, &caller->drills, link)
		if (drill->far_trunk == trunk && !strcmp(drill->far_id, id))
			return drill;
	return NULL;
}

/* The number that was dialled, however it is written; a provider may cut it. */
static bool is_called(const struct drill *drill, const char *called)
{
	const char *country = drill->caller->deps.config->inbound.country_code;
	char wanted[NUMBER_PLAIN_SIZE], came[NUMBER_PLAIN_SIZE];

	if (!strcmp(drill->called, called))
		return true;
	return number_plain(wanted, drill->called, country) &&
	       number_plain(came, called, country) && !strcmp(wanted, came);
}

static struct drill *expected(struct caller *caller, const struct tc_pbx_event *event)
{
	struct drill *drill;

	LIST_FOREACH (drill, &caller->drills, link)
		if (drill->row.name && drill->originated && !drill->hung_up && !drill->far_id[0] &&
		    is_called(drill, event->called))
			return drill;
	return NULL;
}

/* ---- both ends are up ---- */

static void press_keys(struct drill *drill)
{
	int err;

	if (!drill->far_up || !drill->row.answered_us || drill->row.keys_sent)
		return;
	err = trunk_dtmf(drill->trunk, drill->row.id, KEYS);
	if (err == -ENOTSUP) { /* then only the sound can be tried */
		drill->keys_out = true;
		drill_speak(drill);
		drill_limit(drill, SPEAK_MS);
		return;
	}
	if (err) {
		drill_hang_up(drill, "the trunk presses no keys");
		return;
	}
	drill->row.keys_sent = tc_strdup(KEYS);
	drill_limit(drill, KEYS_MS);
}

void drill_loop_answered(struct drill *drill)
{
	drill_limit(drill, BACK_MS);
	press_keys(drill);
}

static void on_far_key(struct drill *drill, char key)
{
	if (!drill->row.keys_sent || drill->keys_out || drill->hung_up)
		return;
	tc_buf_add(&drill->heard, &key, 1);
	if (strcmp(drill->heard.data, KEYS) != 0)
		return;
	drill->row.key_us = loop_wall_us(drill->caller->deps.loop);
	drill->keys_out = true;
	drill_limit(drill, SPEAK_MS);
	drill_speak(drill);
}

void drill_loop_spoken(struct drill *drill)
{
	drill_hang_up(drill, NULL);
}

const char *drill_loop_fault(const struct drill *drill)
{
	const struct drill_row *row = &drill->row;

	if (!row->answered_us)
		return "it was not answered";
	if (!drill->far_id[0])
		return "the call did not come back to us";
	if (!drill->far_up)
		return "the call came back, and could not be answered";
	if (row->keys_sent && !row->key_us)
		return "the keys did not arrive";
	if (!drill->keys_out || !drill->items || drill->failed)
		return drill->failed ? drill->failed : "nothing was said";
	if (row->has_level && row->level_dbov < SILENT_DBOV)
		return "nothing was heard of what was said";
	return NULL;
}

/* ---- the far end ---- */

static void come_back(struct drill *drill, struct trunk *trunk, const char *id)
{
	tc_strcopy(drill->far_id, sizeof(drill->far_id), id);
	drill->far_trunk = trunk;
	if (!drill->row.ringing_us) /* some say "ringing" only to those who wait */
		drill->row.ringing_us = loop_wall_us(drill->caller->deps.loop);
	if (trunk_answer(trunk, id))
		drill_hang_up(drill, "the call came back, and could not be answered");
}

bool drill_loop_event(struct caller *caller, struct trunk *trunk, const struct tc_pbx_event *event)
{
	struct drill *drill;

	if (event->type == TC_PBX_INCOMING) {
		drill = expected(caller, event);
		if (drill)
			come_back(drill, trunk, event->call_id);
		return drill != NULL;
	}
	drill = of_far_end(caller, trunk, event->call_id);
	if (!drill)
		return false;
	if (event->type == TC_PBX_ANSWERED) {
		drill->far_up = true;
		press_keys(drill);
	} else if (event->type == TC_PBX_DTMF) {
		on_far_key(drill, event->key);
	} else if (event->type == TC_PBX_PLAYED) {
		drill_played(drill, event);
	} else if (event->type == TC_PBX_ENDED) {
		drill->far_trunk = NULL; /* it is gone: nothing to hang up */
		drill_hang_up(drill, drill->items ? NULL : "the far end hung up");
	}
	return true;
}
