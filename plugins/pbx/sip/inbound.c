/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes in by itself: requests of the far end, and responses that no transaction waits
 * for. Strangers are not answered.
 */
#include "leg.h"
#include "rescue.h"

#include <tocsin/log.h>

static void on_options(struct agent *agent, const struct leg *leg, const struct sip_msg *msg)
{
	if (!leg && pl_isset(&msg->to.tag)) {
		sip_treply(NULL, agent->sip, msg, 481, "Call Does Not Exist");
		return;
	}
	sip_treplyf(NULL, NULL, agent->sip, msg, false, 200, "OK",
		    DIALOG_ALLOW "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n");
}

static void on_invite(struct agent *agent, struct leg *leg, const struct sip_msg *msg)
{
	if (leg)
		leg_on_reinvite(leg, msg);
	else if (pl_isset(&msg->to.tag))
		sip_treply(NULL, agent->sip, msg, 481, "Call Does Not Exist");
	else
		leg_take(agent, msg);
}

static bool add_word(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct mbuf *mb = arg;

	(void)msg;
	mbuf_printf(mb, "%s%r", mb->end ? ", " : "", &hdr->val);
	return false;
}

/*
 * No extension is known here: 100rel, timer, replaces ... (RFC 3261 8.2.2.3). A BYE is never
 * refused. result: whether it was
 */
static bool refuse_extensions(struct agent *agent, const struct sip_msg *msg)
{
	struct mbuf *mb;

	if (!sip_msg_hdr(msg, SIP_HDR_REQUIRE) || !pl_strcmp(&msg->met, "ACK") ||
	    !pl_strcmp(&msg->met, "CANCEL") || !pl_strcmp(&msg->met, "BYE"))
		return false;
	mb = mbuf_alloc(64);
	if (!mb)
		return true;
	sip_msg_hdr_apply(msg, true, SIP_HDR_REQUIRE, add_word, mb);
	sip_treplyf(NULL, NULL, agent->sip, msg, false, 420, "Bad Extension",
		    "Unsupported: %b\r\nContent-Length: 0\r\n\r\n", mb->buf, mb->end);
	mem_deref(mb);
	return true;
}

static void in_dialog(struct agent *agent, struct leg *leg, const struct sip_msg *msg,
		      void (*fn)(struct leg *leg, const struct sip_msg *msg))
{
	if (leg)
		fn(leg, msg);
	else
		sip_treply(NULL, agent->sip, msg, 481, "Call Does Not Exist");
}

static bool on_request(const struct sip_msg *msg, void *arg)
{
	struct agent *agent = arg;
	struct leg *leg = leg_of_request(agent, msg);

	/* Behind a proxy that does not stay in the way, a phone hangs up by itself. */
	if (!agent_is_peer(agent, &msg->src) && !(leg && leg_is_from(leg, &msg->src))) {
		agent_dropped(agent);
		return true; /* taken, and not answered */
	}
	if (refuse_extensions(agent, msg))
		return true;
	if (!pl_strcmp(&msg->met, "INVITE")) {
		on_invite(agent, leg, msg);
	} else if (!pl_strcmp(&msg->met, "ACK")) {
		if (leg)
			leg_on_ack(leg, msg);
	} else if (!pl_strcmp(&msg->met, "BYE")) {
		in_dialog(agent, leg, msg, leg_on_bye);
	} else if (!pl_strcmp(&msg->met, "INFO")) {
		in_dialog(agent, leg, msg, leg_on_info);
	} else if (!pl_strcmp(&msg->met, "UPDATE")) {
		in_dialog(agent, leg, msg, leg_on_update);
	} else if (!pl_strcmp(&msg->met, "OPTIONS")) {
		on_options(agent, leg, msg);
	} else if (!pl_strcmp(&msg->met, "CANCEL")) {
		sip_treply(NULL, agent->sip, msg, 481, "Transaction Does Not Exist");
	} else {
		sip_treplyf(NULL, NULL, agent->sip, msg, false, 405, "Method Not Allowed",
			    DIALOG_ALLOW "Content-Length: 0\r\n\r\n");
	}
	return true;
}

static bool on_response(const struct sip_msg *msg, void *arg)
{
	struct agent *agent = arg;
	struct leg *leg = leg_of_response(agent, msg);
	bool answer = !pl_strcmp(&msg->cseq.met, "INVITE") && msg->scode >= 200 && msg->scode < 300;

	if (leg && answer)
		leg_on_answer_again(leg, msg);
	else if (!leg)
		rescue_on_response(agent, msg);
	return true;
}

int inbound_listen(struct agent *agent)
{
	int err = sip_listen(&agent->requests, agent->sip, true, on_request, agent);

	return err ? err : sip_listen(&agent->responses, agent->sip, false, on_response, agent);
}
