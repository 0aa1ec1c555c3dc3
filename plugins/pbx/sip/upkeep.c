/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registration and keep-alive: what the trunk does while nobody is called, and the health that
 * follows from it.
 */
#include "upkeep.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "dialog.h"

#define RETRY_MIN_MS 2000
#define RETRY_MAX_MS 60000
#define SILENCE_MS   5000 /* an OPTIONS without an answer for this long has failed */

/* A request that is sent again and again. */
struct chore {
	struct upkeep *upkeep;
	struct dialog dialog;
	struct sip_request *request;
	struct tmr tmr, tmr_silence;
	uint64_t retry_ms;
	bool ok, known;
};

struct upkeep {
	struct agent *agent;
	struct chore registration, options;
	int64_t expires_ms; /* what is asked for; a registrar may want more */
	bool started, closing;
};

/* ---- health ---- */

static void tell_health(struct upkeep *u, const char *why)
{
	const struct sip_config *cfg = u->agent->cfg;
	bool healthy = (!cfg->registers || u->registration.ok) &&
		       (!cfg->keepalive_ms || u->options.ok || !u->options.known);

	agent_set_health(u->agent, healthy, why);
}

static void outcome(struct chore *c, bool ok, const char *why)
{
	bool changed = c->ok != ok || !c->known;

	c->ok = ok;
	c->known = true;
	if (changed)
		tell_health(c->upkeep, why);
}

static uint64_t next_retry(struct chore *c)
{
	uint64_t ms = c->retry_ms ? c->retry_ms : RETRY_MIN_MS;

	c->retry_ms = ms * 2 < RETRY_MAX_MS ? ms * 2 : RETRY_MAX_MS;
	return ms;
}

static void chore_init(struct chore *c, struct upkeep *u, const char *ruri)
{
	char id[64];

	re_snprintf(id, sizeof(id), "%016llx-%016llx", rand_u64(), rand_u64());
	c->upkeep = u;
	dialog_init(&c->dialog, u->agent, id, "", ruri);
}

/* ---- REGISTER ---- */

static void do_register(void *arg);

struct granted {
	struct upkeep *u;
	uint32_t seconds;
};

static bool is_ours(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct granted *g = arg;
	struct sip_addr addr;
	struct pl value;

	(void)msg;
	if (sip_addr_decode(&addr, &hdr->val) || addr.uri.port != sa_port(&g->u->agent->local) ||
	    msg_param_decode(&addr.params, "expires", &value))
		return false;
	g->seconds = pl_u32(&value);
	return true;
}

/* For how long the registrar keeps it: it may be less than was asked for (RFC 3261 10.2.4). */
static uint64_t granted_ms(struct upkeep *u, const struct sip_msg *msg)
{
	struct granted g = {.u = u};

	if (!sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, is_ours, &g) && pl_isset(&msg->expires))
		g.seconds = pl_u32(&msg->expires);
	uint64_t ms = g.seconds ? (uint64_t)g.seconds * 1000 : (uint64_t)u->expires_ms;
	return ms < RETRY_MIN_MS ? RETRY_MIN_MS : ms;
}

/* 423 Interval Too Brief (RFC 3261 10.2.8). */
static bool wants_longer(struct upkeep *u, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_MIN_EXPIRES);
	int64_t ms = hdr ? (int64_t)pl_u32(&hdr->val) * 1000 : 0;

	if (ms <= u->expires_ms || ms > INT64_C(7) * 86400 * 1000)
		return false;
	u->expires_ms = ms;
	return true;
}

static void on_register(int err, const struct sip_msg *msg, void *arg)
{
	struct upkeep *u = arg;
	struct chore *c = &u->registration;
	char why[128];

	if (!err && msg->scode < 200)
		return;
	if (!err && (msg->scode == 401 || msg->scode == 407) &&
	    !dialog_challenge(&c->dialog, msg)) {
		do_register(u);
		return;
	}
	if (u->closing) {
		agent_count(u->agent);
		return;
	}
	dialog_begin(&c->dialog);
	if (!err && msg->scode < 300) {
		c->retry_ms = 0;
		agent_set_registered(u->agent, true);
		outcome(c, true, "registered");
		tmr_start(&c->tmr, granted_ms(u, msg) * 4 / 5, do_register, u);
		return;
	}
	if (!err && msg->scode == 423 && wants_longer(u, msg)) {
		do_register(u);
		return;
	}
	if (err)
		re_snprintf(why, sizeof(why), "cannot register: %m", err);
	else
		re_snprintf(why, sizeof(why), "cannot register: %u %r", msg->scode, &msg->reason);
	agent_set_registered(u->agent, false);
	outcome(c, false, why);
	tmr_start(&c->tmr, next_retry(c), do_register, u);
}

static void do_register(void *arg)
{
	struct upkeep *u = arg;
	struct chore *c = &u->registration;
	char contact[256], headers[400];

	c->dialog.hop = u->agent->next;
	dialog_contact(u->agent, contact, sizeof(contact));
	re_snprintf(headers, sizeof(headers), "%sExpires: %lld\r\n", contact,
		    u->closing ? 0LL : (long long)(u->expires_ms / 1000));
	if (dialog_request(&c->dialog, "REGISTER", headers, NULL, &c->request, on_register, u))
		tmr_start(&c->tmr, next_retry(c), do_register, u);
}

static void start_register(struct upkeep *u)
{
	struct agent *agent = u->agent;
	struct dialog *d = &u->registration.dialog;
	char text[512];

	re_snprintf(text, sizeof(text), "sip:%s", agent->domain);
	chore_init(&u->registration, u, text);
	free(d->to);
	d->to = tc_asprintf("<sip:%s@%s>", agent->from_user, agent->domain);
	agent_set_health(agent, false, "not yet registered");
	do_register(u);
}

/* ---- OPTIONS ---- */

static void do_options(void *arg);

/* A trunk that is down is asked more often. */
static void options_again(struct upkeep *u)
{
	struct chore *c = &u->options;
	uint64_t ms = (uint64_t)u->agent->cfg->keepalive_ms;

	if (!c->ok && ms > SILENCE_MS)
		ms = SILENCE_MS;
	tmr_start(&c->tmr, ms, do_options, u);
}

/* Any answer shows that somebody is there, also one that refuses. */
static void on_options(int err, const struct sip_msg *msg, void *arg)
{
	struct upkeep *u = arg;
	struct chore *c = &u->options;
	char why[128];

	if (!err && msg->scode < 200)
		return;
	if (u->closing)
		return;
	tmr_cancel(&c->tmr_silence);
	if (err) {
		re_snprintf(why, sizeof(why), "no answer to OPTIONS: %m", err);
		outcome(c, false, why);
	} else if (msg->scode == 503) {
		outcome(c, false, "answers 503 to OPTIONS");
	} else {
		outcome(c, true, u->registration.ok ? "registered, answers" : "answers");
	}
	options_again(u);
}

static void on_silence(void *arg)
{
	struct upkeep *u = arg;
	struct chore *c = &u->options;

	c->request = mem_deref(c->request);
	outcome(c, false, "no answer to OPTIONS");
	options_again(u);
}

static void do_options(void *arg)
{
	struct upkeep *u = arg;
	struct chore *c = &u->options;

	c->dialog.hop = u->agent->next;
	if (dialog_request(&c->dialog, "OPTIONS", "Accept: application/sdp\r\n", NULL, &c->request,
			   on_options, u))
		options_again(u);
	else
		tmr_start(&c->tmr_silence, SILENCE_MS, on_silence, u);
}

static void start_options(struct upkeep *u)
{
	char text[320];

	const struct target *t = &u->agent->uri;
	if (t->port)
		re_snprintf(text, sizeof(text), "sip:%s:%u", t->host, t->port);
	else
		re_snprintf(text, sizeof(text), "sip:%s", t->host);
	chore_init(&u->options, u, text);
	do_options(u);
}

/* ---- life ---- */

struct upkeep *upkeep_new(struct agent *agent)
{
	struct upkeep *u = tc_alloc(sizeof(*u));

	u->agent = agent;
	return u;
}

void upkeep_start(struct upkeep *u)
{
	const struct sip_config *cfg = u->agent->cfg;

	u->started = true;
	u->expires_ms = cfg->expires_ms;
	if (cfg->registers)
		start_register(u);
	if (cfg->keepalive_ms)
		start_options(u);
	if (!cfg->registers)
		agent_set_health(u->agent, true, cfg->keepalive_ms ? "up, being asked" : "up");
}

void upkeep_close(struct upkeep *u)
{
	u->closing = true;
	tmr_cancel(&u->registration.tmr);
	tmr_cancel(&u->options.tmr);
	tmr_cancel(&u->options.tmr_silence);
	u->options.request = mem_deref(u->options.request);
	if (u->started && u->agent->cfg->registers && u->registration.ok) {
		dialog_begin(&u->registration.dialog);
		u->registration.request = mem_deref(u->registration.request);
		do_register(u);
	}
}

bool upkeep_idle(const struct upkeep *u)
{
	return !u->registration.request;
}

void upkeep_free(struct upkeep *u)
{
	if (!u)
		return;
	if (u->started) {
		tmr_cancel(&u->registration.tmr);
		tmr_cancel(&u->options.tmr);
		tmr_cancel(&u->options.tmr_silence);
		mem_deref(u->registration.request);
		mem_deref(u->options.request);
	}
	dialog_fini(&u->registration.dialog);
	dialog_fini(&u->options.dialog);
	free(u);
}
