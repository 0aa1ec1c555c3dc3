/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that we place: the INVITE, what comes back to it, and the times that are waited. What is
 * common to all calls is in leg.c.
 */
#include "leg.h"

#include <string.h>

#include <tocsin/alloc.h>

#include "cause/cause.h"
#include "stray.h"

/*
 * Nothing came back. The core need not wait; the transaction goes on until it ends by itself,
 * so that a phone which rings though its answers were lost is still cancelled.
 */
static void on_first_timeout(void *arg)
{
	struct leg *leg = arg;

	leg_set_end(leg, TC_PBX_END_TRUNK, 0, 0, "no answer to the request");
	leg_close(leg);
	leg_report_end(leg);
	leg_settle(leg);
}

static void on_ring_timeout(void *arg)
{
	struct leg *leg = arg;

	if (tmr_isrunning(&leg->tmr_first)) { /* nobody's phone has rung */
		tmr_cancel(&leg->tmr_first);
		on_first_timeout(leg);
		return;
	}
	leg_set_end(leg, TC_PBX_END_TIMEOUT, 0, 0, "rang without an answer");
	leg_close(leg);
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
		leg_set_end(leg, TC_PBX_END_FAILED, msg->scode, q850, "redirected: not followed");
	else
		leg_set_end(leg, cause_end(msg->scode, q850), msg->scode, q850,
			    text[0] ? text : "refused");
	leg_over(leg);
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
	leg_set_end(leg, TC_PBX_END_TRUNK, msg->scode, 0,
		    err == -ENOTSUP              ? "asks for a kind of login that is not known"
		    : !leg->agent->cfg->password ? "asks for a login, and none is configured"
						 : "login refused");
	leg_over(leg);
}

static void on_progress(struct leg *leg, const struct sip_msg *msg)
{
	tmr_cancel(&leg->tmr_first);
	if (msg->scode > 100 && pl_isset(&msg->to.tag))
		dialog_learn(&leg->dialog, msg);
	if (leg->state != LEG_CALLING || (msg->scode != 180 && msg->scode != 183))
		return;
	leg_set_state(leg, LEG_RINGING);
	leg_tell(leg, TC_PBX_RINGING, DIALOG_RINGING);
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
		leg_close(leg);
		return;
	}
	leg_set_state(leg, LEG_ANSWERED);
	int err = media_answer(leg->media, msg->mb, &msg->src);
	if (err) {
		leg_set_end(leg, TC_PBX_END_FAILED, msg->scode, 0, media_fault(err));
		leg_close(leg);
		return;
	}
	media_start(leg->media);
	leg_tell(leg, TC_PBX_ANSWERED, DIALOG_ANSWERED);
}

static void on_invite_response(int err, const struct sip_msg *msg, void *arg)
{
	struct leg *leg = arg;

	if (err) {
		char text[64];
		str_error(err, text, sizeof(text));
		leg_set_end(leg, TC_PBX_END_TRUNK, 0, 0, text);
		leg_over(leg);
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

	leg_leave_queue(leg);
	leg_set_state(leg, LEG_CALLING);
	/* The address may have come, or changed, since it was queued. */
	leg->dialog.hop = agent->next;
	int err =
		agent->sip ? -media_open(&leg->media, agent, leg->id, &leg_sound, leg) : EHOSTDOWN;
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
		leg_set_end(leg, TC_PBX_END_TRUNK, 0, 0, text);
		leg_over(leg);
		return;
	}
	tmr_start(&leg->tmr_first, (uint64_t)agent->cfg->answer_timeout_ms, on_first_timeout, leg);
	tmr_start(&leg->tmr_ring, (uint64_t)leg->ring_timeout_ms, on_ring_timeout, leg);
	leg_tell(leg, TC_PBX_PLACED, DIALOG_PLACED);
}

void leg_new(struct agent *agent, const struct command *command)
{
	struct leg *leg = leg_create(agent, command->call_id);

	leg->ring_timeout_ms = command->ring_timeout_ms;
	dialog_init(&leg->dialog, agent, leg->id, command->name, command->uri);
	TAILQ_INSERT_TAIL(&agent->queue, leg, queue_link);
	agent->n_queued++;
}

void leg_on_answer_again(struct leg *leg, const struct sip_msg *msg)
{
	if (leg->dialog.rtag[0] && !pl_strcmp(&msg->to.tag, leg->dialog.rtag) && leg->answer_cseq)
		dialog_ack(&leg->dialog, leg->answer_cseq);
	else
		stray_end(leg->agent, &leg->dialog, msg);
}
