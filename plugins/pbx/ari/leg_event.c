/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls: what Asterisk reports of them, by events or in a list, and how they ended.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "ari.h"
#include "cause/cause.h"
#include "hear.h"
#include "media.h"
#include "media_play.h"

#define UNWANTED_MS (10 * 60 * 1000) /* how long a call that may yet appear is looked out for */
#define NOTES_MAX 64
#define NOTES_BYTES 12000

static struct tc_pbx_event event_of(const struct leg *leg, enum tc_pbx_event_type type)
{
	struct tc_pbx_event e = {.type = type, .total_ms = leg->spoken_ms};

	tc_strcopy(e.call_id, sizeof(e.call_id), leg->id);
	return e;
}

void leg_report(struct leg *leg, enum tc_pbx_event_type type)
{
	struct tc_pbx_event e = event_of(leg, type);

	if (type == TC_PBX_INCOMING) {
		tc_strcopy(e.number, sizeof(e.number), leg->caller);
		tc_strcopy(e.called, sizeof(e.called), leg->called);
	}
	if (type == TC_PBX_RELEASED)
		tc_strcopy(e.ref, sizeof(e.ref), LEG_RELEASED);
	e.dialplan = leg->dialplan;
	tc_pbx_event(leg->ari->self, &e);
}

void leg_guess(struct leg *leg, enum tc_pbx_event_type type, const char *why)
{
	struct tc_pbx_event e = event_of(leg, type);

	tc_strcopy(e.text, sizeof(e.text), why);
	tc_pbx_event(leg->ari->self, &e);
}

void leg_played(struct leg *leg, uint32_t play_id, uint32_t item, uint32_t item_ms, bool whole,
		bool sound)
{
	struct tc_pbx_event e;

	if (sound)
		leg->spoken_ms += item_ms;
	e = event_of(leg, TC_PBX_PLAYED);
	e.play_id = play_id;
	e.item = item;
	e.item_ms = item_ms;
	e.whole = whole;
	tc_pbx_event(leg->ari->self, &e);
}

/* ---- the end ---- */

static void forget_it(struct leg *leg)
{
	leg_free(leg);
}

void leg_linger(struct leg *leg)
{
	leg_timer(leg, UNWANTED_MS, forget_it);
}

void leg_give_up(struct leg *leg, const char *text)
{
	if (leg->state == LEG_ENDED)
		return;
	leg->doubtful = true;
	leg_end(leg, TC_PBX_END_GONE, text);
	leg_delete(leg);
}

void leg_end(struct leg *leg, enum tc_pbx_end end, const char *text)
{
	struct tc_pbx_event e;

	if (leg->state == LEG_ENDED)
		return;
	leg->state = LEG_ENDED;
	hear_missed(leg);
	media_end(leg); /* first: what was spoken of its list counts */
	e = event_of(leg, TC_PBX_ENDED);
	e.end = end;
	e.sip = leg->tech_cause;
	e.q850 = leg->cause;
	e.level_dbov = hear_level_dbov(leg);
	tc_strcopy(e.text, sizeof(e.text), text);
	if (leg->notes)
		tc_pbx_note(leg->ari->self, leg->id, leg->notes);
	leg->notes = NULL;
	tc_pbx_event(leg->ari->self, &e);
	if (leg->doubtful)
		leg_linger(leg);
	else
		leg_free(leg);
}

/* Why its channel is gone. */
static enum tc_pbx_end why(const struct leg *leg)
{
	if (leg->mute)
		return TC_PBX_END_TRUNK;
	if (leg->hung_up)
		return TC_PBX_END_LOCAL;
	if (leg->timed_out) /* Asterisk tells one that is not there and one that rings alike */
		return leg->rang ? TC_PBX_END_TIMEOUT : TC_PBX_END_UNREACHABLE;
	if (leg->state == LEG_UP || leg->incoming)
		return TC_PBX_END_REMOTE;
	if (!leg->rang && (leg->tech_cause == 408 || (!leg->tech_cause && leg->cause == 18)))
		return TC_PBX_END_UNREACHABLE; /* nothing has answered the INVITE */
	if (leg->tech_cause || leg->cause)
		/* the cause is Asterisk's translation of the SIP status, when there is one */
		return cause_end(leg->tech_cause, leg->tech_cause ? 0 : leg->cause);
	if (!strcmp(leg->dialstatus, "BUSY"))
		return TC_PBX_END_BUSY;
	if (!strcmp(leg->dialstatus, "CONGESTION"))
		return TC_PBX_END_CONGESTION;
	if (!strcmp(leg->dialstatus, "CHANUNAVAIL"))
		return TC_PBX_END_UNREACHABLE;
	return TC_PBX_END_TIMEOUT; /* NOANSWER; 16 gives its own ring time-out no cause */
}

void leg_gone(struct leg *leg)
{
	if (leg->state == LEG_ENDED)
		return;
	if (leg->state == LEG_ASKED && !leg->recovering)
		leg_end(leg, TC_PBX_END_TRUNK, "Asterisk did not take the call");
	else if (leg->hung_up || leg->timed_out)
		leg_end(leg, why(leg), "");
	else
		leg_end(leg, TC_PBX_END_GONE, "nobody saw how it ended");
}

/* ---- its states ---- */

void leg_placed(struct leg *leg)
{
	if (leg->state != LEG_ASKED)
		return;
	leg->state = LEG_PLACED;
	leg->placed_us = tc_now_us();
	leg->again_ms = 250;
	leg_report(leg, TC_PBX_PLACED);
	if (leg->hung_up || leg->timed_out)
		leg_delete(leg);
}

static void ringing(struct leg *leg)
{
	leg->rang = true;
	if (leg->state != LEG_PLACED || leg->incoming)
		return;
	leg->state = LEG_RINGING;
	leg_report(leg, TC_PBX_RINGING);
	media_prepare(leg);
}

static void up(struct leg *leg, enum tc_pbx_event_type type)
{
	leg->rang = true;
	if (leg->state != LEG_PLACED && leg->state != LEG_RINGING)
		return;
	leg->state = LEG_UP;
	if (!leg->hung_up && !leg->ending) {
		leg->timed_out = false;
		tc_timer_stop(leg->timer);
	}
	leg_report(leg, type);
	media_prepare(leg);
}

/*
 * It is in our app: to be spoken to, once more perhaps; or in dialplan mode to be sent there.
 *
 * args  of Stasis()
 */
static void enter_app(struct leg *leg, const char *args)
{
	bool again = leg->released && leg->state == LEG_UP;

	if (leg->dialplan && !strcmp(args, LEG_BEGIN)) {
		up(leg, TC_PBX_ANSWERED);
		leg_continue(leg, true);
		return;
	}
	leg->in_app = true;
	leg->released = false;
	up(leg, TC_PBX_ANSWERED);
	if (again) {
		media_resume(leg); /* it has left its bridge */
		leg_report(leg, TC_PBX_ANSWERED);
	}
	media_ready(leg);
}

/* It is known how far an earlier process's call is. */
static void recovered(struct leg *leg)
{
	if (leg->recovering)
		media_resume(leg); /* what that one was saying */
	leg->recovering = false;
}

/* ---- events ---- */

static void on_dial(struct leg *leg, const struct message *m)
{
	if (!strcmp(m->dialstatus, "RINGING") || !strcmp(m->dialstatus, "PROGRESS"))
		ringing(leg);
	else if (m->dialstatus[0])
		tc_strcopy(leg->dialstatus, sizeof(leg->dialstatus), m->dialstatus);
}

static void on_state(struct leg *leg, const struct message *m)
{
	if (!strcmp(m->state, "Ringing"))
		ringing(leg);
	else if (!strcmp(m->state, "Up") && leg->incoming)
		enter_app(leg, "");
	/* of one that we placed StasisStart tells: only then can it be played to */
}

static void on_stasis_start(struct leg *leg, const struct message *m)
{
	int64_t at_ms = player_event_ms(m->json);
	const char *args = json_string_value(json_array_get(json_object_get(m->json, "args"), 0));

	if (leg->incoming || (at_ms && at_ms <= leg->stay_ms))
		return; /* told twice, or late */
	leg->stay_ms = at_ms;
	leg->moved_us = tc_now_us();
	enter_app(leg, args ? args : "");
	if (leg->in_app)
		hear_answered(leg);
}

static void on_stasis_end(struct leg *leg, const struct message *m)
{
	int64_t at_ms = player_event_ms(m->json);

	if (at_ms && at_ms < leg->stay_ms)
		return; /* an earlier stay's */
	leg->in_app = false;
	leg->moved_us = tc_now_us();
	if (leg->incoming) /* the last that is told of a channel we have not made */
		leg_end(leg, why(leg), "");
}

/* Outside of our app the keys are the dialplan's. */
static void on_dtmf(struct leg *leg, const struct message *m)
{
	struct tc_pbx_event e = event_of(leg, TC_PBX_DTMF);
	int64_t at_ms = player_event_ms(m->json);

	e.key = m->digit[0];
	if (at_ms && at_ms == leg->key_ms && e.key == leg->key)
		return; /* told twice: nobody presses so fast */
	leg->key_ms = at_ms;
	leg->key = e.key;
	if (leg->recovering && !leg->dialplan) { /* who presses has answered */
		recovered(leg);
		enter_app(leg, "");
	}
	if (leg->in_app && e.key)
		tc_pbx_event(leg->ari->self, &e);
}

static void take_cause(struct leg *leg, const struct message *m)
{
	if (m->cause)
		leg->cause = m->cause;
	if (m->tech_cause)
		leg->tech_cause = m->tech_cause;
	if (m->cause_text[0])
		tc_strcopy(leg->cause_text, sizeof(leg->cause_text), m->cause_text);
}

/*
 * What asks for the end: a cause, or Asterisk's own flags when it is a soft one. Source: channel.h,
 * AST_SOFTHANGUP_SHUTDOWN.
 */
#define SOFT_SHUTDOWN 4

static void on_hangup_request(struct leg *leg, const struct message *m)
{
	if (!json_is_true(json_object_get(m->json, "soft")))
		take_cause(leg, m);
	else if (m->cause & SOFT_SHUTDOWN)
		leg->shut_down = true;
}

static void on_destroyed(struct leg *leg, const struct message *m)
{
	take_cause(leg, m);
	leg->doubtful = false;
	if (leg->shut_down && !leg->hung_up)
		leg_end(leg, TC_PBX_END_GONE, "Asterisk was stopped");
	else
		leg_end(leg, why(leg), leg->cause_text);
}

static void on_other(struct leg *leg, const struct message *m)
{
	const char *variable = json_string_value(json_object_get(m->json, "variable"));
	const char *value = json_string_value(json_object_get(m->json, "value"));
	json_t *note;

	if (json_array_size(leg->notes) >= NOTES_MAX || leg->notes_bytes > NOTES_BYTES)
		return;
	note = json_pack("{s:s, s:s*, s:s*, s:s*}", "type", m->name, "at",
			 json_string_value(json_object_get(m->json, "timestamp")), "variable",
			 variable, "value", value);
	if (!note)
		return;
	if (!leg->notes)
		leg->notes = json_array();
	leg->notes_bytes += 80 + strlen(m->name) + (variable ? strlen(variable) : 0) +
			    (value ? strlen(value) : 0);
	json_array_append_new(leg->notes, note);
}

/* Nobody waits for this one any more, but it has appeared. */
static void unwanted(struct leg *leg, const struct message *m)
{
	if (m->type == MESSAGE_DESTROYED)
		leg_free(leg);
	else
		leg_delete(leg);
}

void leg_message(struct leg *leg, const struct message *m)
{
	static const struct {
		enum message_type type;
		void (*fn)(struct leg *leg, const struct message *m);
	} table[] = {
		{MESSAGE_DIAL, on_dial},
		{MESSAGE_STATE, on_state},
		{MESSAGE_STASIS_START, on_stasis_start},
		{MESSAGE_STASIS_END, on_stasis_end},
		{MESSAGE_DTMF, on_dtmf},
		{MESSAGE_TALK_STARTED, hear_talk},
		{MESSAGE_TALK_FINISHED, hear_talk},
		{MESSAGE_HANGUP_REQUEST, on_hangup_request},
		{MESSAGE_DESTROYED, on_destroyed},
	};

	if (leg->state == LEG_ENDED) {
		unwanted(leg, m);
		return;
	}
	if (m->type != MESSAGE_DESTROYED)
		leg_placed(leg);
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (table[i].type == m->type) {
			table[i].fn(leg, m);
			return;
		}
	}
	on_other(leg, m);
}

/* ---- lists ---- */

/* It talks: with us, or with the PBX's dialplan. */
static void sync_up(struct leg *leg, const json_t *dialplan)
{
	const char *app = json_string_value(json_object_get(dialplan, "app_name"));
	const char *data = json_string_value(json_object_get(dialplan, "app_data"));
	const char *args = data ? strchr(data, ',') : NULL;

	if (leg->moving)
		return; /* what follows from that is told */
	if (!leg->dialplan || !app || !app[0] || !strcmp(app, "Stasis")) {
		enter_app(leg, args ? args + 1 : "");
	} else if (leg->in_app && leg->state == LEG_UP) { /* somebody has sent it there */
		leg->in_app = false;
		leg->released = true;
		leg_report(leg, TC_PBX_RELEASED);
	} else {
		leg->in_app = false;
		up(leg, leg->released ? TC_PBX_RELEASED : TC_PBX_ANSWERED);
	}
}

void leg_sync(struct leg *leg, const json_t *channel)
{
	const char *state = json_string_value(json_object_get(channel, "state"));

	if (leg->state == LEG_ENDED) {
		leg_delete(leg);
		return;
	}
	recovered(leg);
	leg_placed(leg);
	if (state && !strcmp(state, "Ringing"))
		ringing(leg);
	else if (state && !strcmp(state, "Up"))
		sync_up(leg, json_object_get(channel, "dialplan"));
	if ((leg->hung_up || leg->timed_out) && !leg->ending)
		leg_delete(leg);
}
