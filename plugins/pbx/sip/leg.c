/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a call: its birth, its commands, its end, and what the core is told. How one is
 * placed is in leg_place.c, how one comes in in leg_take.c, what the far end asks for within one
 * in leg_in.c.
 */
#include "leg.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "cause/cause.h"

#define CLOSE_WAIT_MS 4000 /* how long ENDED waits for the far end to confirm */

static const char *const state_names[] = {
#define X(sym, name) name,
	LEG_STATES(X)
#undef X
};

void leg_set_state(struct leg *leg, enum leg_state state)
{
	if (leg->state == state)
		return;
	tc_log(leg->agent->self, TC_LOG_DEBUG, "call %s: %s -> %s", leg->id,
	       state_names[leg->state], state_names[state]);
	leg->state = state;
}

/* ---- birth and death ---- */

struct leg *leg_create(struct agent *agent, const char *id)
{
	struct leg *leg = tc_alloc(sizeof(*leg));

	leg->agent = agent;
	tc_strcopy(leg->id, sizeof(leg->id), id);
	hash_append(agent->legs_by_id, hash_joaat_str(leg->id), &leg->he, leg);
	TAILQ_INSERT_TAIL(&agent->legs, leg, link);
	agent->n_legs++;
	agent->n_live++;
	return leg;
}

void leg_leave_queue(struct leg *leg)
{
	TAILQ_REMOVE(&leg->agent->queue, leg, queue_link);
	leg->agent->n_queued--;
}

void leg_free(struct leg *leg)
{
	struct agent *agent = leg->agent;

	tmr_cancel(&leg->tmr_first);
	tmr_cancel(&leg->tmr_ring);
	tmr_cancel(&leg->tmr_guard);
	tmr_cancel(&leg->tmr_free);
	tmr_cancel(&leg->reply.tmr);
	mem_deref(leg->reply.mb);
	mem_deref(leg->reply.sock);
	mem_deref(leg->invited);
	mem_deref(leg->request);
	mem_deref(leg->sdp);
	media_close(leg->media);
	playlist_free(leg->waiting);
	mem_deref(leg->invite);
	mem_deref(leg->bye);
	if (leg->state == LEG_QUEUED)
		leg_leave_queue(leg);
	hash_unlink(&leg->he);
	hash_unlink(&leg->he_theirs);
	TAILQ_REMOVE(&agent->legs, leg, link);
	agent->n_legs--;
	agent->n_live -= !leg->ended;
	agent->n_incoming -= leg->incoming && !leg->ended;
	dialog_fini(&leg->dialog);
	free(leg);
	agent_count(agent);
}

void leg_free_all(struct agent *agent)
{
	while (!TAILQ_EMPTY(&agent->legs))
		leg_free(TAILQ_FIRST(&agent->legs));
}

static void free_later(void *arg)
{
	leg_free(arg);
}

/* Later, since the caller may be one of the leg's own callbacks. */
void leg_settle(struct leg *leg)
{
	if (leg->ended && !leg->invite && !leg->bye && !leg->bye_due)
		tmr_start(&leg->tmr_free, 0, free_later, leg);
	agent_count(leg->agent);
}

void leg_tell(struct leg *leg, enum tc_pbx_event_type type, enum dialog_state how)
{
	struct tc_pbx_event event = {.type = type, .at_us = tc_now_us()};

	tc_strcopy(event.call_id, sizeof(event.call_id), leg->id);
	if (!leg->incoming) /* nothing can be derived of a dialog that is theirs */
		dialog_ref(&leg->dialog, how, event.ref, sizeof(event.ref));
	tc_pbx_event(leg->agent->self, &event);
}

void leg_report_end(struct leg *leg)
{
	if (leg->ended)
		return;
	leg->ended = true;
	leg->agent->n_live--;
	tmr_cancel(&leg->tmr_guard);
	leg->end.type = TC_PBX_ENDED;
	tc_strcopy(leg->end.call_id, sizeof(leg->end.call_id), leg->id);
	leg->end.at_us = tc_now_us();
	leg->end.total_ms = leg->total_ms;
	leg->end.level_dbov = leg->level_dbov;
	tc_pbx_event(leg->agent->self, &leg->end);
	if (leg->incoming)
		leg->agent->n_incoming--;
	else
		agent_release(leg->agent);
}

void leg_over(struct leg *leg)
{
	leg_set_state(leg, LEG_CLOSING);
	leg_report_end(leg);
	leg_settle(leg);
}

void leg_set_end(struct leg *leg, enum tc_pbx_end end, int sip, int q850, const char *text)
{
	tmr_cancel(&leg->tmr_first);
	tmr_cancel(&leg->tmr_ring);
	if (leg->media) {
		leg->total_ms = media_total_ms(leg->media);
		leg->level_dbov = media_level_dbov(leg->media);
		media_close(leg->media);
		leg->media = NULL;
	}
	if (leg->end.text[0] || leg->ended)
		return;
	leg->end.end = end;
	leg->end.sip = sip;
	leg->end.q850 = q850;
	tc_strcopy(leg->end.text, sizeof(leg->end.text), text);
}

static void on_guard(void *arg)
{
	struct leg *leg = arg;

	tc_log(leg->agent->self, TC_LOG_DEBUG,
	       "call %s: the far end did not confirm its end in %d ms", leg->id, CLOSE_WAIT_MS);
	leg_report_end(leg);
	leg_settle(leg);
}

/* ---- BYE and CANCEL ---- */

static int send_bye(struct leg *leg);

static void on_bye_response(int err, const struct sip_msg *msg, void *arg)
{
	struct leg *leg = arg;

	if (!err && msg->scode < 200)
		return;
	if (!err && (msg->scode == 401 || msg->scode == 407) &&
	    dialog_challenge(&leg->dialog, msg) == 0 && send_bye(leg) == 0)
		return;
	leg_report_end(leg);
	leg_settle(leg);
}

static int send_bye(struct leg *leg)
{
	return dialog_request(&leg->dialog, "BYE", "", NULL, &leg->bye, on_bye_response, leg);
}

void leg_bye(struct leg *leg)
{
	leg->bye_due = false;
	dialog_begin(&leg->dialog);
	if (send_bye(leg))
		leg_report_end(leg);
	else if (!leg->ended)
		tmr_start(&leg->tmr_guard, CLOSE_WAIT_MS, on_guard, leg);
	leg_settle(leg);
}

void leg_close(struct leg *leg)
{
	enum leg_state was = leg->state;

	if (was == LEG_QUEUED)
		leg_leave_queue(leg);
	leg_set_state(leg, LEG_CLOSING);
	switch (was) {
	case LEG_CALLING:
	case LEG_RINGING:
		/*
		 * Goes out as soon as there is a provisional answer; RFC 3261 9.1 allows none
		 * before.
		 */
		sip_request_cancel(leg->invite);
		tmr_start(&leg->tmr_guard, CLOSE_WAIT_MS, on_guard, leg);
		break;
	case LEG_OFFERED:
		leg_refuse(leg);
		leg_report_end(leg);
		break;
	case LEG_ACCEPTED:
		/* RFC 3261 15: not before the ACK. A process that ends will not see it. */
		if (!leg->agent->closing) {
			leg->bye_due = true;
			tmr_start(&leg->tmr_guard, CLOSE_WAIT_MS, on_guard, leg);
			break;
		}
		leg_bye(leg);
		break;
	case LEG_ANSWERED:
		leg_bye(leg);
		break;
	case LEG_QUEUED:
		leg_report_end(leg);
		break;
	case LEG_CLOSING:
		break;
	}
	leg_settle(leg);
}

void leg_hangup(struct leg *leg)
{
	if (leg->state == LEG_CLOSING) {
		if (leg->bye_due && leg->agent->closing)
			leg_bye(leg);
		return;
	}
	leg_set_end(leg, TC_PBX_END_LOCAL, 0, 0,
		    leg->state >= LEG_ACCEPTED  ? "hung up"
		    : leg->state == LEG_OFFERED ? "declined"
						: "cancelled");
	leg_close(leg);
}

static void on_key(void *arg, char key)
{
	struct leg *leg = arg;
	struct tc_pbx_event event = {.type = TC_PBX_DTMF, .key = key, .at_us = tc_now_us()};

	tc_strcopy(event.call_id, sizeof(event.call_id), leg->id);
	tc_pbx_event(leg->agent->self, &event);
}

static void on_guess(void *arg, enum amd_event guess, const char *why)
{
	static const enum tc_pbx_event_type types[] = {[AMD_HUMAN] = TC_PBX_HUMAN,
						       [AMD_MACHINE] = TC_PBX_MACHINE,
						       [AMD_BEEP] = TC_PBX_BEEP};
	struct leg *leg = arg;
	struct tc_pbx_event event = {.type = types[guess], .at_us = tc_now_us()};

	tc_strcopy(event.call_id, sizeof(event.call_id), leg->id);
	tc_strcopy(event.text, sizeof(event.text), why);
	tc_pbx_event(leg->agent->self, &event);
}

const struct media_events leg_sound = {.key = on_key, .guess = on_guess};
const struct media_events leg_sound_in = {.key = on_key};

/* ---- commands to a call that is there ---- */

/*
 * A call that comes in stands in the table twice, by our id and by their Call-ID; one that we place
 * once, since both are the same.
 */
static bool has_id(struct le *le, void *arg)
{
	const struct leg *leg = le->data;

	return !strcmp(arg, leg->id);
}

static bool has_call_id(const struct leg *leg, const struct sip_msg *msg)
{
	return !pl_strcmp(&msg->callid, leg->dialog.call_id);
}

static bool is_asked(struct le *le, void *arg)
{
	return has_call_id(le->data, arg) && leg_matches(le->data, arg);
}

static bool has_asked(struct le *le, void *arg)
{
	const struct leg *leg = le->data;

	return !leg->incoming && has_call_id(leg, arg);
}

static bool is_known(struct le *le, void *arg)
{
	const struct sip_msg *msg = arg;
	const struct leg *leg = le->data;

	return has_call_id(leg, msg) &&
	       (!leg->incoming ||
		(!pl_strcmp(&msg->from.tag, leg->dialog.rtag) && msg->cseq.num == leg->first_cseq));
}

static struct leg *look_up(struct agent *agent, const struct sip_msg *msg, list_apply_h *fits)
{
	return list_ledata(
		hash_lookup(agent->legs_by_id, hash_joaat_pl(&msg->callid), fits, (void *)msg));
}

struct leg *leg_find(struct agent *agent, const char *id)
{
	return list_ledata(hash_lookup(agent->legs_by_id, hash_joaat_str(id), has_id, (void *)id));
}

struct leg *leg_of_request(struct agent *agent, const struct sip_msg *msg)
{
	return look_up(agent, msg, is_asked);
}

struct leg *leg_of_response(struct agent *agent, const struct sip_msg *msg)
{
	return look_up(agent, msg, has_asked);
}

bool leg_is_known(struct agent *agent, const struct sip_msg *msg)
{
	return look_up(agent, msg, is_known) != NULL;
}

void leg_play(struct leg *leg, const struct command *command)
{
	struct playlist *list = NULL;

	leg->play_id = command->play_id;
	if (command->n > 0)
		list = playlist_new(command->play_id, command->n);
	for (size_t i = 0; i < command->n; i++) {
		const struct tc_pbx_item *from = &command->items[i];
		struct playlist_item *item = &list->items[i];
		item->ms = from->silence_ms;
		if (from->clip) {
			item->coded = clips_get(leg->agent->clips, from->clip);
			item->ms = item->coded ? item->coded->ms : 0;
		}
		item->frames = item->coded ? item->coded->frames : (item->ms + 19) / 20;
	}
	if (leg->media) {
		media_play(leg->media, list);
	} else {
		playlist_free(leg->waiting);
		leg->waiting = list;
	}
}

void leg_press(struct leg *leg, const struct command *command)
{
	if (leg->state == LEG_ANSWERED && leg->media && media_press(leg->media, command->keys))
		tc_log(leg->agent->self, TC_LOG_WARN,
		       "call %s: keys were dropped: too many wait to be sent", leg->id);
}

void leg_played(struct leg *leg, const struct pacer_end *note)
{
	struct tc_pbx_event event = {
		.type = TC_PBX_PLAYED,
		.at_us = note->at_us,
		.play_id = note->end.play_id,
		.item = note->end.item,
		.item_ms = note->end.item_ms,
		.total_ms = note->total_ms,
		.whole = true,
	};

	/* The list was replaced while this was on its way: nobody waits for it. */
	if (leg->ended || leg->state != LEG_ANSWERED || note->end.play_id != leg->play_id)
		return;
	tc_strcopy(event.call_id, sizeof(event.call_id), leg->id);
	tc_pbx_event(leg->agent->self, &event);
}

void leg_adopt(struct leg *leg)
{
	struct tc_pbx_event gone = {
		.type = TC_PBX_ENDED, .end = TC_PBX_END_GONE, .text = "has ended already"};

	if (leg->ended) {
		tc_strcopy(gone.call_id, sizeof(gone.call_id), leg->id);
		tc_pbx_event(leg->agent->self, &gone);
	} else if (leg->state == LEG_CALLING)
		leg_tell(leg, TC_PBX_PLACED, DIALOG_PLACED);
	else if (leg->state == LEG_RINGING)
		leg_tell(leg, TC_PBX_RINGING, DIALOG_RINGING);
	else if (leg->state == LEG_ANSWERED)
		leg_tell(leg, TC_PBX_ANSWERED, DIALOG_ANSWERED);
}

bool leg_is_from(const struct leg *leg, const struct sa *src)
{
	return sa_cmp(&leg->dialog.hop, src, SA_ADDR) || sa_cmp(&leg->signal, src, SA_ADDR);
}

bool leg_matches(const struct leg *leg, const struct sip_msg *msg)
{
	return !pl_strcmp(&msg->to.tag, leg->dialog.ltag) && leg->dialog.rtag[0] &&
	       !pl_strcmp(&msg->from.tag, leg->dialog.rtag);
}

/* ---- the far end hangs up ---- */

void leg_on_bye(struct leg *leg, const struct sip_msg *msg)
{
	const struct sip_hdr *reason = sip_msg_hdr(msg, SIP_HDR_REASON);
	int q850 = reason ? cause_reason(reason->val.p, reason->val.l) : 0;

	sip_treply(NULL, leg->agent->sip, msg, 200, "OK");
	leg->bye_due = false;
	leg_set_end(leg, TC_PBX_END_REMOTE, 0, q850, "hung up by the far end");
	if (leg->state == LEG_OFFERED)
		leg_refuse(leg); /* RFC 3261 15.1.2: the INVITE wants its answer all the same */
	leg_over(leg);
}
