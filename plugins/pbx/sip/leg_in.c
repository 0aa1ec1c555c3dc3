/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of the far end within a call: re-INVITE (hold, a new address), its ACK, and keys by
 * INFO.
 */
#include "leg.h"

#include <string.h>

#include <tocsin/log.h>

#include "dtmf.h"

#define REPLY_MAX_MS (64 * SIP_T1)

static void stop_reply(struct leg *leg)
{
	tmr_cancel(&leg->reply.tmr);
	leg->reply.mb = mem_deref(leg->reply.mb);
	leg->reply.sock = mem_deref(leg->reply.sock);
}

/* A 2xx is sent again by us, not by a transaction, until the ACK is there (RFC 3261 13.3.1.4). */
static void send_reply(void *arg)
{
	struct leg *leg = arg;
	struct leg_reply *r = &leg->reply;
	uint64_t wait = (uint64_t)SIP_T1 << (r->sent < 3 ? r->sent : 3);

	if (r->sent * SIP_T2 > REPLY_MAX_MS) {
		stop_reply(leg);
		leg_hangup(leg);
		return;
	}
	if (r->sent) {
		r->mb->pos = 0;
		sip_send(leg->agent->sip, r->sock, leg->agent->tp, &r->dst, r->mb);
	}
	r->sent++;
	tmr_start(&r->tmr, wait, send_reply, leg);
}

static int answer_offer(struct leg *leg, const struct sip_msg *msg, struct mbuf *sdp)
{
	char contact[256];
	int err;

	dialog_contact(leg->agent, contact, sizeof(contact));
	stop_reply(leg);
	err = sip_treplyf(NULL, &leg->reply.mb, leg->agent->sip, msg, true, 200, "OK",
			  "%s" DIALOG_ALLOW
			  "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%b",
			  contact, mbuf_get_left(sdp), mbuf_buf(sdp), mbuf_get_left(sdp));
	if (err)
		return err;
	sip_reply_addr(&leg->reply.dst, msg, true);
	leg->reply.sock = mem_ref(msg->sock);
	leg->reply.cseq = msg->cseq.num;
	leg->reply.sent = 0;
	send_reply(leg);
	return 0;
}

void leg_on_reinvite(struct leg *leg, const struct sip_msg *msg)
{
	struct agent *agent = leg->agent;
	struct mbuf *sdp = NULL;

	if (leg->state != LEG_ANSWERED || msg->cseq.num <= leg->remote_cseq) {
		sip_treply(NULL, agent->sip, msg, leg->state == LEG_ANSWERED ? 500 : 481,
			   "Not Now");
		return;
	}
	leg->remote_cseq = msg->cseq.num;
	leg->reply.offered = !mbuf_get_left(msg->mb);
	if (media_reoffer(leg->media, msg->mb, &sdp)) {
		sip_treply(NULL, agent->sip, msg, 488, "Not Acceptable Here");
		return;
	}
	dialog_retarget(&leg->dialog, msg);
	if (answer_offer(leg, msg, sdp))
		sip_treply(NULL, agent->sip, msg, 500, "Server Internal Error");
	mem_deref(sdp);
}

void leg_on_ack(struct leg *leg, const struct sip_msg *msg)
{
	if (!leg->reply.mb || msg->cseq.num != leg->reply.cseq)
		return;
	stop_reply(leg);
	if (leg->reply.offered && leg->media && media_answer(leg->media, msg->mb, &msg->src))
		leg_hangup(leg);
}

void leg_on_info(struct leg *leg, const struct sip_msg *msg)
{
	bool relay = msg_ctype_cmp(&msg->ctyp, "application", "dtmf-relay");
	char key = 0;

	if (!relay && !msg_ctype_cmp(&msg->ctyp, "application", "dtmf")) {
		sip_treply(NULL, leg->agent->sip, msg, 415, "Unsupported Media Type");
		return;
	}
	key = dtmf_info(relay, (const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb));
	sip_treply(NULL, leg->agent->sip, msg, key ? 200 : 400, key ? "OK" : "Bad Request");
	if (key && leg->media)
		media_info_key(leg->media, key);
}
