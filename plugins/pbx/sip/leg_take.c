/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that come in: from the INVITE until the far end has acknowledged our answer. Who may call
 * is inbound.c's affair, whether the call is wanted the core's.
 */
#include "leg.h"

#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "party.h"

#define DECIDE_MS 10000 /* how long the core may think it over */

static void refuse(struct agent *agent, const struct sip_msg *msg, uint16_t scode,
		   const char *reason)
{
	sip_treplyf(NULL, NULL, agent->sip, msg, false, scode, reason,
		    DIALOG_ALLOW "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n");
}

/* Why it cannot even be looked at. result: the status, 0 = it can */
static uint16_t unwelcome(struct agent *agent, const struct sip_msg *msg, const char **reason)
{
	if (agent->cfg->max_incoming == 0) {
		*reason = "Decline";
		return 603;
	}
	if (agent->closing) {
		*reason = "Service Unavailable";
		return 503;
	}
	if (leg_is_known(agent, msg)) {
		*reason = "Loop Detected";
		return 482;
	}
	if (agent->n_incoming >= (unsigned)agent->cfg->max_incoming) {
		*reason = "Busy Here";
		return 486;
	}
	if (mbuf_get_left(msg->mb) && !msg_ctype_cmp(&msg->ctyp, "application", "sdp")) {
		*reason = "Unsupported Media Type";
		return 415;
	}
	return 0;
}

/* Its dialog and its sound. result: the status of a refusal, 0 = none */
static uint16_t prepare(struct leg *leg, const struct sip_msg *msg, const char **reason)
{
	struct agent *agent = leg->agent;

	if (dialog_accept(&leg->dialog, agent, leg->id, msg)) {
		*reason = "Bad Request";
		return 400;
	}
	hash_append(agent->legs_by_id, hash_joaat_pl(&msg->callid), &leg->he_theirs, leg);
	leg->signal = msg->src;
	leg->first_cseq = leg->remote_cseq = msg->cseq.num;
	leg->reply.offered = !mbuf_get_left(msg->mb);
	if (media_open(&leg->media, agent, leg->id, &leg_sound_in, leg)) {
		*reason = "Service Unavailable";
		return 503;
	}
	if (media_offered(leg->media, msg->mb, &msg->src, &leg->sdp)) {
		*reason = "Not Acceptable Here";
		return 488;
	}
	return 0;
}

static void on_cancel(void *arg)
{
	struct leg *leg = arg;

	leg_set_end(leg, TC_PBX_END_REMOTE, 0, 0, "given up by the caller");
	leg_close(leg);
}

static void on_undecided(void *arg)
{
	struct leg *leg = arg;

	leg_set_end(leg, TC_PBX_END_TIMEOUT, 0, 0, "nobody decided to answer it");
	leg_close(leg);
}

/* 100 and 180. result: 0 or a positive errno */
static int ring(struct leg *leg, const struct sip_msg *msg)
{
	struct sip *sip = leg->agent->sip;
	char contact[256];

	/* what libre puts behind To in all its answers */
	((struct sip_msg *)msg)->tag = ids_derive(leg->id, "tag", 1);
	leg->request = mem_ref((struct sip_msg *)msg);
	int err = sip_strans_alloc(&leg->invited, sip, msg, on_cancel, leg);
	if (!err)
		err = sip_treply(&leg->invited, sip, msg, 100, "Trying");
	dialog_contact(leg->agent, contact, sizeof(contact));
	if (!err)
		err = sip_treplyf(&leg->invited, NULL, sip, msg, true, 180, "Ringing",
				  "%s" DIALOG_ALLOW "Content-Length: 0\r\n\r\n", contact);
	return err;
}

/* ---- who calls ---- */

static bool take_identity(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct tc_pbx_event *event = arg;

	(void)msg;
	return party_number(hdr->val.p, hdr->val.l, event->number, sizeof(event->number));
}

/*
 * The peers are trusted, and with them what they assert (RFC 3325 9.1). What the From says is the
 * caller's own word: it counts only when nothing is asserted.
 */
static void name_caller(const struct sip_msg *msg, struct tc_pbx_event *event)
{
	const struct sip_hdr *privacy = sip_msg_hdr(msg, SIP_HDR_PRIVACY);

	if (privacy && party_withheld(privacy->val.p, privacy->val.l))
		return;
	if (sip_msg_hdr(msg, SIP_HDR_P_ASSERTED_IDENTITY))
		sip_msg_hdr_apply(msg, true, SIP_HDR_P_ASSERTED_IDENTITY, take_identity, event);
	else
		party_number(msg->from.val.p, msg->from.val.l, event->number,
			     sizeof(event->number));
}

/* A registrar calls our Contact; which of our numbers was dialled is then in To. */
static void name_called(const struct agent *agent, const struct sip_msg *msg,
			struct tc_pbx_event *event)
{
	char dialled[sizeof(event->called)];

	party_user(msg->ruri.p, msg->ruri.l, event->called, sizeof(event->called));
	if (agent->cfg->registers && !strcmp(event->called, agent->contact_user) &&
	    party_user(msg->to.val.p, msg->to.val.l, dialled, sizeof(dialled)))
		tc_strcopy(event->called, sizeof(event->called), dialled);
}

void leg_take(struct agent *agent, const struct sip_msg *msg)
{
	struct tc_pbx_event event = {.type = TC_PBX_INCOMING, .at_us = tc_now_us()};
	const char *reason = "";
	uint16_t scode = unwelcome(agent, msg, &reason);
	struct leg *leg;

	if (scode) {
		refuse(agent, msg, scode, reason);
		return;
	}
	tc_pbx_call_id(event.call_id);
	leg = leg_create(agent, event.call_id);
	leg->state = LEG_OFFERED;
	leg->incoming = true;
	agent->n_incoming++;
	scode = prepare(leg, msg, &reason);
	if (scode || ring(leg, msg)) {
		leg_free(leg);
		if (scode)
			refuse(agent, msg, scode, reason);
		return;
	}
	tmr_start(&leg->tmr_ring, DECIDE_MS, on_undecided, leg);
	name_caller(msg, &event);
	name_called(agent, msg, &event);
	tc_log(agent->self, TC_LOG_DEBUG, "call %s: comes in from '%s' for '%s'", leg->id,
	       event.number, event.called);
	tc_pbx_event(agent->self, &event);
	agent_count(agent);
}

/* ---- the core has decided ---- */

void leg_answer(struct leg *leg)
{
	if (leg->state != LEG_OFFERED)
		return;
	tmr_cancel(&leg->tmr_ring);
	int err = leg_reply(leg, &leg->invited, leg->request, leg->sdp);
	leg->request = mem_deref(leg->request);
	leg->sdp = mem_deref(leg->sdp);
	if (err) {
		leg_set_end(leg, TC_PBX_END_TRUNK, 0, 0, "the answer could not be sent");
		leg_over(leg);
		return;
	}
	leg_set_state(leg, LEG_ACCEPTED);
}

void leg_refuse(struct leg *leg)
{
	bool stays = !leg->agent->closing;
	struct sip *sip = leg->agent->sip;

	if (leg->end.end == TC_PBX_END_REMOTE)
		sip_treply(&leg->invited, sip, leg->request, 487, "Request Terminated");
	else if (leg->end.end == TC_PBX_END_LOCAL && stays)
		sip_treply(&leg->invited, sip, leg->request, 603, "Decline");
	else
		sip_treply(&leg->invited, sip, leg->request, 480, "Temporarily Unavailable");
	leg->request = mem_deref(leg->request);
}

/* ---- the far end has heard of it ---- */

static void fail(struct leg *leg, const char *why)
{
	leg_set_end(leg, TC_PBX_END_FAILED, 0, 0, why);
	leg->state = LEG_ANSWERED; /* so that it is hung up by BYE */
	leg_close(leg);
}

void leg_on_first_ack(struct leg *leg, const struct sip_msg *msg)
{
	int err = 0;

	if (leg->bye_due) {
		leg_bye(leg);
		return;
	}
	if (leg->reply.offered)
		err = media_answer(leg->media, msg->mb, &msg->src);
	if (err) {
		fail(leg, media_fault(err));
		return;
	}
	leg_set_state(leg, LEG_ANSWERED);
	media_start(leg->media);
	leg_tell(leg, TC_PBX_ANSWERED, DIALOG_ANSWERED);
}

/* RFC 3261 13.3.1.4: the dialog is there all the same, and is to be ended. */
void leg_on_no_ack(struct leg *leg)
{
	if (leg->bye_due)
		leg_bye(leg);
	else if (leg->state == LEG_ACCEPTED)
		fail(leg, "our answer was never acknowledged");
	else
		leg_hangup(leg);
}
