/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a call: what we send, what comes back, what the core is told. Requests of the far
 * end are in leg_in.c.
 */
#include "leg.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "cause/cause.h"
#include "stray.h"

#define CLOSE_WAIT_MS 4000 /* how long ENDED waits for the far end to confirm */

static const char *const state_names[] = {
#define X(sym, name) name,
	LEG_STATES(X)
#undef X
};

static void set_state(struct leg *leg, enum leg_state state)
{
	if (leg->state == state)
		return;
	tc_log(leg->agent->self, TC_LOG_DEBUG, "call %s: %s -> %s", leg->id,
	       state_names[leg->state], state_names[state]);
	leg->state = state;
}

/* ---- birth and death ---- */

static void leave_queue(struct leg *leg)
{
	TAILQ_REMOVE(&leg->agent->queue, leg, queue_link);
	leg->agent->n_queued--;
}

static void free_leg(void *arg)
{
	struct leg *leg = arg;
	struct agent *agent = leg->agent;

	tmr_cancel(&leg->tmr_first);
	tmr_cancel(&leg->tmr_ring);
	tmr_cancel(&leg->tmr_guard);
	tmr_cancel(&leg->tmr_free);
	tmr_cancel(&leg->reply.tmr);
	mem_deref(leg->reply.mb);
	mem_deref(leg->reply.sock);
	media_close(leg->media);
	playlist_free(leg->waiting);
	mem_deref(leg->invite);
	mem_deref(leg->bye);
	if (leg->state == LEG_QUEUED)
		leave_queue(leg);
	hash_unlink(&leg->he);
	TAILQ_REMOVE(&agent->legs, leg, link);
	agent->n_legs--;
	agent->n_live -= !leg->ended;
	dialog_fini(&leg->dialog);
	free(leg);
	agent_count(agent);
}

void leg_free_all(struct agent *agent)
{
	while (!TAILQ_EMPTY(&agent->legs))
		free_leg(TAILQ_FIRST(&agent->legs));
}

/*
 * Once nothing waits for the far end any more. Later, since the caller may be one of the leg's
 * own callbacks.
 */
static void settle(struct leg *leg)
{
	if (leg->ended && !leg->invite && !leg->bye)
		tmr_start(&leg->tmr_free, 0, free_leg, leg);
	agent_count(leg->agent);
}

static void tell(struct leg *leg, enum tc_pbx_event_type type, enum dialog_state how)
{
	struct tc_pbx_event event = {.type = type, .at_us = tc_now_us()};

	tc_strcopy(event.call_id, sizeof(event.call_id), leg->id);
	dialog_ref(&leg->dialog, how, event.ref, sizeof(event.ref));
	tc_pbx_event(leg->agent->self, &event);
}

/* Tell the core, once, how it ended. */
static void report_end(struct leg *leg)
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
	tc_pbx_event(leg->agent->self, &leg->end);
	agent_release(leg->agent);
}

/* Sound ends, timers end; how the call ended is settled by whoever comes first. */
static void set_end(struct leg *leg, enum tc_pbx_end end, int sip, int q850, const char *text)
{
	tmr_cancel(&leg->tmr_first);
	tmr_cancel(&leg->tmr_ring);
	if (leg->media) {
		leg->total_ms = media_total_ms(leg->media);
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
	report_end(leg);
	settle(leg);
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
	report_end(leg);
	settle(leg);
}

static int send_bye(struct leg *leg)
{
	return dialog_request(&leg->dialog, "BYE", "", NULL, &leg->bye, on_bye_response, leg);
}

/* End it on the wire, by what its state needs, with the end set before. */
static void close_leg(struct leg *leg)
{
	enum leg_state was = leg->state;

	if (was == LEG_QUEUED)
		leave_queue(leg);
	set_state(leg, LEG_CLOSING);
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
	case LEG_ANSWERED:
		dialog_begin(&leg->dialog);
		if (send_bye(leg) == 0) {
			tmr_start(&leg->tmr_guard, CLOSE_WAIT_MS, on_guard, leg);
			break;
		}
		report_end(leg);
		break;
	case LEG_QUEUED:
		report_end(leg);
		break;
	case LEG_CLOSING:
		break;
	}
	settle(leg);
}

void leg_hangup(struct leg *leg)
{
	if (leg->state == LEG_CLOSING)
		return;
	set_end(leg, TC_PBX_END_LOCAL, 0, 0, leg->state == LEG_ANSWERED ? "hung up" : "cancelled");
	close_leg(leg);
}

/* ---- placing ---- */

static void on_ring_timeout(void *arg)
{
	struct leg *leg = arg;

	set_end(leg, TC_PBX_END_TIMEOUT, 0, 0, "rang without an answer");
	close_leg(leg);
}

/*
 * Nothing came back. The core need not wait; the transaction goes on until it ends by itself,
 * so that a phone which rings though its answers were lost is still cancelled.
 */
static void on_first_timeout(void *arg)
{
	struct leg *leg = arg;

	set_end(leg, TC_PBX_END_TRUNK, 0, 0, "no answer to the request");
	close_leg(leg);
	report_end(leg);
	settle(leg);
}

static void on_key(void *arg, char key)
{
	struct leg *leg = arg;
	struct tc_pbx_event event = {.type = TC_PBX_DTMF, .key = key, .at_us = tc_now_us()};

	tc_strcopy(event.call_id, sizeof(event.call_id), leg->id);
	tc_pbx_event(leg->agent->self, &event);
}

static int send_invite(struct leg *leg);

static void on_rejected(struct leg *leg, const struct sip_msg *msg)
{
	const struct sip_hdr *reason = sip_msg_hdr(msg, SIP_HDR_REASON);
	int q850 = reason ? cause_reason(reason->val.p, reason->val.l) : 0;
	char text[96];

	re_snprintf(text, sizeof(text), "%r", &msg->reason);
	if (leg->state == LEG_CLOSING)
		;
	else if (msg->scode < 400)
		/* Whoever may send a call elsewhere may send it to where it costs. */
		set_end(leg, TC_PBX_END_FAILED, msg->scode, q850, "redirected: not followed");
	else
		set_end(leg, cause_end(msg->scode, q850), msg->scode, q850,
			text[0] ? text : "refused");
	set_state(leg, LEG_CLOSING);
	report_end(leg);
	settle(leg);
}

static void on_challenged(struct leg *leg, const struct sip_msg *msg)
{
	int err = dialog_challenge(&leg->dialog, msg);

	if (leg->state == LEG_CLOSING) {
		on_rejected(leg, msg);
		return;
	}
	dialog_forget(&leg->dialog);
	if (!err && send_invite(leg) == 0)
		return;
	set_end(leg, TC_PBX_END_TRUNK, msg->scode, 0,
		err == -ENOTSUP              ? "asks for a kind of login that is not known"
		: !leg->agent->cfg->password ? "asks for a login, and none is configured"
					     : "login refused");
	set_state(leg, LEG_CLOSING);
	report_end(leg);
	settle(leg);
}

static void on_progress(struct leg *leg, const struct sip_msg *msg)
{
	tmr_cancel(&leg->tmr_first);
	if (msg->scode > 100 && pl_isset(&msg->to.tag))
		dialog_learn(&leg->dialog, msg);
	if (leg->state != LEG_CALLING || (msg->scode != 180 && msg->scode != 183))
		return;
	set_state(leg, LEG_RINGING);
	tell(leg, TC_PBX_RINGING, DIALOG_RINGING);
}

static const char *answer_fault(int err)
{
	switch (err) {
	case -ENOMSG:
		return "answered without SDP";
	case -ENOTSUP:
		return "no codec in common";
	case -EPROTO:
		return "answered without encryption";
	default:
		return "answered with a bad SDP";
	}
}

static void on_answer(struct leg *leg, const struct sip_msg *msg)
{
	dialog_learn(&leg->dialog, msg);
	leg->answer_cseq = msg->cseq.num;
	leg->signal = msg->src;
	dialog_ack(&leg->dialog, leg->answer_cseq);
	tmr_cancel(&leg->tmr_first);
	tmr_cancel(&leg->tmr_ring);
	if (leg->state == LEG_CLOSING) {
		/* It was picked up while we cancelled. */
		leg->state = LEG_ANSWERED;
		close_leg(leg);
		return;
	}
	set_state(leg, LEG_ANSWERED);
	int err = media_answer(leg->media, msg->mb, &msg->src);
	if (err) {
		set_end(leg, TC_PBX_END_FAILED, msg->scode, 0, answer_fault(err));
		close_leg(leg);
		return;
	}
	media_start(leg->media);
	tell(leg, TC_PBX_ANSWERED, DIALOG_ANSWERED);
}

static void on_invite_response(int err, const struct sip_msg *msg, void *arg)
{
	struct leg *leg = arg;

	if (err) {
		char text[64];
		str_error(err, text, sizeof(text));
		set_end(leg, TC_PBX_END_TRUNK, 0, 0, text);
		set_state(leg, LEG_CLOSING);
		report_end(leg);
		settle(leg);
	} else if (msg->scode < 200) {
		on_progress(leg, msg);
	} else if (msg->scode < 300) {
		on_answer(leg, msg);
	} else if (msg->scode == 401 || msg->scode == 407) {
		on_challenged(leg, msg);
	} else {
		on_rejected(leg, msg);
	}
}

static int send_invite(struct leg *leg)
{
	char contact[256], headers[512];
	struct mbuf *sdp = NULL;

	dialog_contact(leg->agent, contact, sizeof(contact));
	re_snprintf(headers, sizeof(headers), "%s" DIALOG_ALLOW, contact);
	int err = media_offer(leg->media, &sdp);
	if (!err)
		err = dialog_request(&leg->dialog, "INVITE", headers, sdp, &leg->invite,
				     on_invite_response, leg);
	mem_deref(sdp);
	return err;
}

void leg_invite(struct leg *leg)
{
	struct agent *agent = leg->agent;
	char text[64] = "";

	leave_queue(leg);
	set_state(leg, LEG_CALLING);
	/* The address may have come, or changed, since it was queued. */
	leg->dialog.hop = agent->next;
	int err = agent->sip ? -media_open(&leg->media, agent, leg->id, on_key, leg) : EHOSTDOWN;
	if (err == EADDRINUSE)
		tc_strcopy(text, sizeof(text), "no free port in rtp_ports");
	if (!err && leg->waiting) {
		media_play(leg->media, leg->waiting);
		leg->waiting = NULL;
	}
	if (!err)
		err = send_invite(leg);
	if (err) {
		if (!text[0])
			str_error(err, text, sizeof(text));
		set_end(leg, TC_PBX_END_TRUNK, 0, 0, text);
		set_state(leg, LEG_CLOSING);
		report_end(leg);
		settle(leg);
		return;
	}
	tmr_start(&leg->tmr_first, (uint64_t)agent->cfg->answer_timeout_ms, on_first_timeout, leg);
	tmr_start(&leg->tmr_ring, (uint64_t)leg->ring_timeout_ms, on_ring_timeout, leg);
	tell(leg, TC_PBX_PLACED, DIALOG_PLACED);
}

void leg_new(struct agent *agent, const struct command *command)
{
	struct leg *leg = tc_alloc(sizeof(*leg));

	leg->agent = agent;
	tc_strcopy(leg->id, sizeof(leg->id), command->call_id);
	leg->ring_timeout_ms = command->ring_timeout_ms;
	dialog_init(&leg->dialog, agent, leg->id, command->name, command->uri);
	hash_append(agent->legs_by_id, hash_joaat_str(leg->id), &leg->he, leg);
	TAILQ_INSERT_TAIL(&agent->legs, leg, link);
	TAILQ_INSERT_TAIL(&agent->queue, leg, queue_link);
	agent->n_legs++;
	agent->n_live++;
	agent->n_queued++;
}

/* ---- commands to a call that is there ---- */

static bool has_id(struct le *le, void *arg)
{
	const struct leg *leg = le->data;

	return !pl_strcmp(arg, leg->id);
}

struct leg *leg_find(struct agent *agent, const struct pl *call_id)
{
	return list_ledata(
		hash_lookup(agent->legs_by_id, hash_joaat_pl(call_id), has_id, (void *)call_id));
}

struct leg *leg_find_str(struct agent *agent, const char *call_id)
{
	struct pl pl;

	pl_set_str(&pl, call_id);
	return leg_find(agent, &pl);
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
		tell(leg, TC_PBX_PLACED, DIALOG_PLACED);
	else if (leg->state == LEG_RINGING)
		tell(leg, TC_PBX_RINGING, DIALOG_RINGING);
	else if (leg->state == LEG_ANSWERED)
		tell(leg, TC_PBX_ANSWERED, DIALOG_ANSWERED);
}

bool leg_is_from(const struct leg *leg, const struct sa *src)
{
	return sa_cmp(&leg->dialog.hop, src, SA_ADDR) ||
	       (leg->answer_cseq && sa_cmp(&leg->signal, src, SA_ADDR));
}

bool leg_matches(const struct leg *leg, const struct sip_msg *msg)
{
	return !pl_strcmp(&msg->to.tag, leg->dialog.ltag) && leg->dialog.rtag[0] &&
	       !pl_strcmp(&msg->from.tag, leg->dialog.rtag);
}

void leg_on_answer_again(struct leg *leg, const struct sip_msg *msg)
{
	if (leg->dialog.rtag[0] && !pl_strcmp(&msg->to.tag, leg->dialog.rtag) && leg->answer_cseq)
		dialog_ack(&leg->dialog, leg->answer_cseq);
	else
		stray_end(leg->agent, &leg->dialog, msg);
}

/* ---- the far end hangs up ---- */

void leg_on_bye(struct leg *leg, const struct sip_msg *msg)
{
	const struct sip_hdr *reason = sip_msg_hdr(msg, SIP_HDR_REASON);
	int q850 = reason ? cause_reason(reason->val.p, reason->val.l) : 0;

	sip_treply(NULL, leg->agent->sip, msg, 200, "OK");
	set_end(leg, TC_PBX_END_REMOTE, 0, q850, "hung up by the far end");
	set_state(leg, LEG_CLOSING);
	report_end(leg);
	settle(leg);
}
