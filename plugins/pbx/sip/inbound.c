/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes in by itself: requests of the far end, and responses that no transaction waits
 * for. Strangers are not answered.
 */
#include "leg.h"
#include "rescue.h"

#include <tocsin/log.h>

static void on_options(struct agent *agent, const struct sip_msg *msg)
{
	sip_treplyf(NULL, NULL, agent->sip, msg, false, 200, "OK",
		    DIALOG_ALLOW "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n");
}

/* Nobody calls an alarm. */
static void on_invite(struct agent *agent, struct leg *leg, const struct sip_msg *msg)
{
	if (leg)
		leg_on_reinvite(leg, msg);
	else if (pl_isset(&msg->to.tag))
		sip_treply(NULL, agent->sip, msg, 481, "Call Does Not Exist");
	else
		sip_treply(NULL, agent->sip, msg, 603, "Decline");
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
	struct leg *leg = leg_find(agent, &msg->callid);

	if (leg && !leg_matches(leg, msg))
		leg = NULL;
	/* Behind a proxy that does not stay in the way, a phone hangs up by itself. */
	if (!agent_is_peer(agent, &msg->src) && !(leg && leg_is_from(leg, &msg->src))) {
		agent_dropped(agent);
		return true; /* taken, and not answered */
	}
	if (!pl_strcmp(&msg->met, "INVITE")) {
		on_invite(agent, leg, msg);
	} else if (!pl_strcmp(&msg->met, "ACK")) {
		if (leg)
			leg_on_ack(leg, msg);
	} else if (!pl_strcmp(&msg->met, "BYE")) {
		in_dialog(agent, leg, msg, leg_on_bye);
	} else if (!pl_strcmp(&msg->met, "INFO")) {
		in_dialog(agent, leg, msg, leg_on_info);
	} else if (!pl_strcmp(&msg->met, "OPTIONS")) {
		on_options(agent, msg);
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
	struct leg *leg = leg_find(agent, &msg->callid);
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
