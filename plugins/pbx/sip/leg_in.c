/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of the far end within a call: re-INVITE and UPDATE (hold, a new address), the ACK, and
 * keys by INFO. BYE is in leg.c.
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

static void send_again(void *arg);

static void wait_for_ack(struct leg *leg)
{
	struct leg_reply *r = &leg->reply;
	uint64_t now = tmr_jiffies(), left = r->until_ms > now ? r->until_ms - now : 0;

	tmr_start(&r->tmr, left < r->wait_ms ? left : r->wait_ms, send_again, leg);
	r->wait_ms = 2 * r->wait_ms < SIP_T2 ? 2 * r->wait_ms : SIP_T2;
}

/* A 2xx is sent again by us, not by a transaction, until the ACK is there (RFC 3261 13.3.1.4). */
static void send_again(void *arg)
{
	struct leg *leg = arg;
	struct leg_reply *r = &leg->reply;

	if (tmr_jiffies() >= r->until_ms) {
		stop_reply(leg);
		leg_on_no_ack(leg);
		return;
	}
	r->mb->pos = 0;
	sip_send(leg->agent->sip, r->sock, leg->agent->tp, &r->dst, r->mb);
	wait_for_ack(leg);
}

int leg_reply(struct leg *leg, struct sip_strans **transaction, const struct sip_msg *msg,
	      struct mbuf *sdp)
{
	struct leg_reply *r = &leg->reply;
	struct pl rport;
	char contact[256];
	int err;

	dialog_contact(leg->agent, contact, sizeof(contact));
	stop_reply(leg);
	err = sip_treplyf(transaction, &r->mb, leg->agent->sip, msg, true, 200, "OK",
			  "%s" DIALOG_ALLOW
			  "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%b",
			  contact, mbuf_get_left(sdp), mbuf_buf(sdp), mbuf_get_left(sdp));
	if (err)
		return err;
	sip_reply_addr(&r->dst, msg, !msg_param_exists(&msg->via.params, "rport", &rport));
	r->sock = mem_ref(msg->sock);
	r->cseq = msg->cseq.num;
	r->wait_ms = SIP_T1;
	r->until_ms = tmr_jiffies() + REPLY_MAX_MS;
	wait_for_ack(leg);
	return 0;
}

/*
 * Whether a new offer can be taken in now (RFC 3261 14.2, RFC 3311 5.2); if not, it has its answer
 * already.
 */
static bool may_reoffer(struct leg *leg, const struct sip_msg *msg)
{
	if (leg->state == LEG_CLOSING) {
		sip_treply(NULL, leg->agent->sip, msg, 481, "Call Does Not Exist");
		return false;
	}
	if (leg->state != LEG_ANSWERED || msg->cseq.num <= leg->remote_cseq) {
		sip_treplyf(NULL, NULL, leg->agent->sip, msg, false, 500, "Not Now",
			    "Retry-After: 1\r\nContent-Length: 0\r\n\r\n");
		return false;
	}
	if (leg->reply.mb && leg->reply.offered) {
		sip_treply(NULL, leg->agent->sip, msg, 491, "Request Pending");
		return false;
	}
	leg->remote_cseq = msg->cseq.num;
	return true;
}

void leg_on_reinvite(struct leg *leg, const struct sip_msg *msg)
{
	struct agent *agent = leg->agent;
	struct mbuf *sdp = NULL;

	if (!may_reoffer(leg, msg))
		return;
	leg->reply.offered = !mbuf_get_left(msg->mb);
	if (media_reoffer(leg->media, msg->mb, &sdp)) {
		sip_treply(NULL, agent->sip, msg, 488, "Not Acceptable Here");
		return;
	}
	dialog_retarget(&leg->dialog, msg);
	if (leg_reply(leg, NULL, msg, sdp))
		sip_treply(NULL, agent->sip, msg, 500, "Server Internal Error");
	mem_deref(sdp);
}

/*
 * Without an offer it only moves the far end, or keeps up a session timer that we know nothing of.
 */
void leg_on_update(struct leg *leg, const struct sip_msg *msg)
{
	struct agent *agent = leg->agent;
	struct mbuf *sdp = NULL;
	char contact[256];

	if (mbuf_get_left(msg->mb)) {
		if (!may_reoffer(leg, msg))
			return;
		if (media_reoffer(leg->media, msg->mb, &sdp)) {
			sip_treply(NULL, agent->sip, msg, 488, "Not Acceptable Here");
			return;
		}
	}
	dialog_retarget(&leg->dialog, msg);
	dialog_contact(agent, contact, sizeof(contact));
	if (sdp)
		sip_treplyf(NULL, NULL, agent->sip, msg, false, 200, "OK",
			    "%s" DIALOG_ALLOW
			    "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%b",
			    contact, mbuf_get_left(sdp), mbuf_buf(sdp), mbuf_get_left(sdp));
	else
		sip_treplyf(NULL, NULL, agent->sip, msg, false, 200, "OK",
			    "%s" DIALOG_ALLOW "Content-Length: 0\r\n\r\n", contact);
	mem_deref(sdp);
}

void leg_on_ack(struct leg *leg, const struct sip_msg *msg)
{
	if (!leg->reply.mb || msg->cseq.num != leg->reply.cseq)
		return;
	stop_reply(leg);
	if (leg->state == LEG_ACCEPTED || leg->bye_due)
		leg_on_first_ack(leg, msg);
	else if (leg->reply.offered && leg->media && media_answer(leg->media, msg->mb, &msg->src))
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
