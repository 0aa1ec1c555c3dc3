/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rescues. A CANCEL must carry the branch of the INVITE it is for (RFC 3261 9.1): it is derived
 * from the call's id, so the CANCEL can be made by a process that never saw the INVITE. libre
 * makes no such request; it is written here, and sent again as UDP wants it.
 */
#include "rescue.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "stray.h"

#define DEADLINE_MS  4000
#define RESEND_MS    500
#define WATCH_MS     32000 /* for an answer still: 64 * T1, RFC 3261 13.3.1.4 */
#define CANCELLED_MS 700   /* within this the 487 follows the 200 to the CANCEL */
#define QUIET_MS     600   /* after all CANCELs were refused, if nothing says that an INVITE left */
#define BRANCHES_MAX 4     /* INVITEs of a call: the first, and after challenges */
#define CSEQ_BEYOND  1000  /* above all that the dead process has used */

struct rescue {
	TAILQ_ENTRY(rescue) link;
	struct agent *agent;
	struct dialog dialog;
	enum dialog_state state;
	struct sa via;     /* the address in the INVITE's Via */
	unsigned branches; /* CANCELs to be sent */
	bool cancelled[BRANCHES_MAX], refused[BRANCHES_MAX];
	struct sip_request *bye;
	struct tmr tmr_deadline, tmr_resend, tmr_done;
	char *first_routes; /* owned; of the INVITE, and so of the CANCEL; NULL = none */
	bool placed;        /* the INVITE has left: there was a ref */
	bool started;
	bool told; /* GONE was reported; only late answers are looked out for */
};

static void rescue_free(struct rescue *r)
{
	tmr_cancel(&r->tmr_deadline);
	tmr_cancel(&r->tmr_resend);
	tmr_cancel(&r->tmr_done);
	r->bye = mem_deref(r->bye);
	TAILQ_REMOVE(&r->agent->rescues, r, link);
	dialog_fini(&r->dialog);
	free(r->first_routes);
	free(r);
}

static void forget(void *arg)
{
	rescue_free(arg);
}

static void tell_gone(struct rescue *r)
{
	struct tc_pbx_event event = {.type = TC_PBX_ENDED,
				     .end = TC_PBX_END_GONE,
				     .at_us = tc_now_us(),
				     .text = "ended after a crash"};

	tc_strcopy(event.call_id, sizeof(event.call_id), r->dialog.call_id);
	tc_pbx_event(r->agent->self, &event);
}

/*
 * The far end cannot ring any more. It may have picked up in the very moment of the crash, and its
 * answer may be on its way for some time yet.
 */
static void gone(void *arg)
{
	struct rescue *r = arg;

	tmr_cancel(&r->tmr_deadline);
	tmr_cancel(&r->tmr_resend);
	if (r->told)
		return;
	r->told = true;
	tell_gone(r);
	tmr_start(&r->tmr_done, WATCH_MS, forget, r);
	agent_count(r->agent);
}

static void on_deadline(void *arg)
{
	struct rescue *r = arg;

	tc_log(r->agent->self, TC_LOG_DEBUG,
	       "call %s: the far end did not confirm its end in %d ms", r->dialog.call_id,
	       DEADLINE_MS);
	gone(r);
}

/* Later, since the caller may be one of its own callbacks. */
static void done_in(struct rescue *r, uint64_t ms)
{
	tmr_cancel(&r->tmr_resend);
	if (!r->told)
		tmr_start(&r->tmr_done, ms, gone, r);
}

/* ---- BYE ---- */

static void send_bye(struct rescue *r);

static void on_bye_response(int err, const struct sip_msg *msg, void *arg)
{
	struct rescue *r = arg;

	if (!err && msg->scode < 200)
		return;
	if (!err && (msg->scode == 401 || msg->scode == 407) &&
	    !dialog_challenge(&r->dialog, msg)) {
		send_bye(r);
		return;
	}
	done_in(r, 0);
}

static void send_bye(struct rescue *r)
{
	if (dialog_request(&r->dialog, "BYE", "", NULL, &r->bye, on_bye_response, r))
		done_in(r, 0);
}

/* Its INVITE was answered: hang up. */
static void hang_up(struct rescue *r)
{
	if (r->bye)
		return;
	tmr_cancel(&r->tmr_resend);
	if (!r->told)
		tmr_cancel(&r->tmr_done);
	r->dialog.cseq = r->dialog.invites + CSEQ_BEYOND;
	dialog_begin(&r->dialog);
	send_bye(r);
}

/* ---- CANCEL, and the ACK of what it brings about ---- */

static void send_raw(struct rescue *r, const char *method, unsigned n, const char *tag)
{
	struct dialog *d = &r->dialog;
	char branch[IDS_BRANCH_SIZE];
	struct mbuf *mb = mbuf_alloc(1024);
	int err;

	if (!mb)
		return;
	ids_branch(branch, d->call_id, "invite", n);
	err = mbuf_printf(mb,
			  "%s %s SIP/2.0\r\n"
			  "Via: SIP/2.0/%s %J;branch=%s;rport\r\n"
			  "Max-Forwards: 70\r\n",
			  method, d->ruri, sip_transp_name(r->agent->tp), &r->via, branch);
	if (r->first_routes)
		err |= mbuf_printf(mb, "Route: %s\r\n", r->first_routes);
	err |= mbuf_printf(mb,
			   "From: %s;tag=%s\r\n"
			   "To: %s%s%s\r\n"
			   "Call-ID: %s\r\n"
			   "CSeq: %u %s\r\n"
			   "Content-Length: 0\r\n\r\n",
			   d->from, d->ltag, d->to, tag[0] ? ";tag=" : "", tag, d->call_id, n,
			   method);
	mb->pos = 0;
	if (!err)
		sip_send(r->agent->sip, NULL, r->agent->tp, &r->agent->next, mb);
	mem_deref(mb);
}

static void send_cancels(void *arg)
{
	struct rescue *r = arg;

	for (unsigned n = 1; n <= r->branches; n++)
		if (!r->cancelled[n - 1] && !r->refused[n - 1])
			send_raw(r, "CANCEL", n, "");
	tmr_start(&r->tmr_resend, RESEND_MS, send_cancels, r);
}

/*
 * No INVITE of ours waits at the far end: it has ended, or it was answered. If it was answered the
 * answer is repeated, at most 4 s apart: it is waited for where an INVITE is known to have left.
 */
static void all_refused(struct rescue *r)
{
	for (unsigned n = 0; n < r->branches; n++)
		if (!r->refused[n])
			return;
	tmr_cancel(&r->tmr_resend);
	if (r->dialog.rtag[0])
		hang_up(r);
	else if (!r->placed)
		done_in(r, QUIET_MS);
}

/* It was cancelled too late: some say 200 to a CANCEL after they have answered the INVITE. */
static void on_no_end(void *arg)
{
	struct rescue *r = arg;

	if (r->dialog.rtag[0])
		hang_up(r);
}

static void on_cancel_answer(struct rescue *r, const struct sip_msg *msg, unsigned n)
{
	if (msg->scode < 200 || n < 1 || n > r->branches || r->told)
		return;
	if (msg->scode >= 300) {
		r->refused[n - 1] = true;
		all_refused(r);
	} else if (!r->cancelled[n - 1]) {
		r->cancelled[n - 1] = true; /* 487 to the INVITE follows */
		tmr_start(&r->tmr_done, CANCELLED_MS, on_no_end, r);
	}
}

/* Picked up just then. */
static void on_picked_up(struct rescue *r, const struct sip_msg *msg)
{
	bool known = r->dialog.rtag[0] && !pl_strcmp(&msg->to.tag, r->dialog.rtag);

	if (r->bye && !known) {
		stray_end(r->agent, &r->dialog, msg);
		return;
	}
	dialog_learn(&r->dialog, msg);
	dialog_ack(&r->dialog, msg->cseq.num);
	hang_up(r);
}

static void on_invite_answer(struct rescue *r, const struct sip_msg *msg, unsigned n)
{
	char tag[160];

	if (msg->scode < 200)
		return;
	if (msg->scode < 300) {
		on_picked_up(r, msg);
		return;
	}
	re_snprintf(tag, sizeof(tag), "%r", &msg->to.tag);
	send_raw(r, "ACK", n, tag);
	if (n < 1 || n > r->branches || r->told)
		return;
	if (msg->scode != 401 && msg->scode != 407) {
		done_in(r, 0);
		return;
	}
	r->refused[n - 1] = true;
	all_refused(r);
}

static struct rescue *find(struct agent *agent, const struct pl *call_id)
{
	struct rescue *r;

	TAILQ_FOREACH (r, &agent->rescues, link)
		if (!pl_strcmp(call_id, r->dialog.call_id))
			return r;
	return NULL;
}

void rescue_on_response(struct agent *agent, const struct sip_msg *msg)
{
	struct rescue *r = find(agent, &msg->callid);

	if (!r || !r->started || pl_strcmp(&msg->from.tag, r->dialog.ltag))
		return;
	if (!pl_strcmp(&msg->cseq.met, "CANCEL"))
		on_cancel_answer(r, msg, msg->cseq.num);
	else if (!pl_strcmp(&msg->cseq.met, "INVITE"))
		on_invite_answer(r, msg, msg->cseq.num);
}

/* ---- beginning ---- */

static void start(struct rescue *r)
{
	if (r->started)
		return;
	r->started = true;
	if (!r->via.len)
		r->via = r->agent->local;
	if (!sa_isset(&r->dialog.hop, SA_ALL))
		r->dialog.hop = r->agent->next;
	tmr_start(&r->tmr_deadline, DEADLINE_MS, on_deadline, r);
	if (r->state == DIALOG_ANSWERED && r->dialog.rtag[0])
		hang_up(r);
	else
		send_cancels(r);
}

void rescue_new(struct agent *agent, const struct command *command)
{
	struct pl id;

	pl_set_str(&id, command->call_id);
	struct rescue *r = find(agent, &id);
	if (r) {
		if (r->told)
			tell_gone(r);
		return;
	}
	r = tc_alloc(sizeof(*r));
	r->agent = agent;
	r->state = DIALOG_PLACED;
	dialog_init(&r->dialog, agent, command->call_id, command->name, command->uri);
	r->first_routes = tc_strdup(r->dialog.routes);
	/* an unreadable ref costs nothing: what can be derived is derived */
	if (!dialog_ref_parse(&r->dialog, command->ref, &r->state, &r->via))
		r->placed = true;
	else
		tc_log(agent->self, TC_LOG_DEBUG, "call %s: nothing was stored of its dialog",
		       command->call_id);
	/* one more than is known: the answer to a challenge may have left after the last record */
	r->branches = r->dialog.invites + 1;
	if (r->branches < 2)
		r->branches = 2;
	if (r->branches > BRANCHES_MAX)
		r->branches = BRANCHES_MAX;
	TAILQ_INSERT_TAIL(&agent->rescues, r, link);
	if (agent->sip)
		start(r);
}

void rescue_run_all(struct agent *agent)
{
	struct rescue *r, *next;

	for (r = TAILQ_FIRST(&agent->rescues); r; r = next) {
		next = TAILQ_NEXT(r, link);
		start(r);
	}
}

bool rescue_idle(const struct agent *agent)
{
	const struct rescue *r;

	TAILQ_FOREACH (r, &agent->rescues, link)
		if (!r->told)
			return false;
	return true;
}

void rescue_free_all(struct agent *agent)
{
	while (!TAILQ_EMPTY(&agent->rescues))
		rescue_free(TAILQ_FIRST(&agent->rescues));
}
