/* SPDX-License-Identifier: BSD-2-Clause */
/* The requests of a dialog, and its identity in text. No state machine. */
#include "dialog.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "wrap.h"

#define REF_VERSION    "1"
#define CHALLENGES_MAX 4

char *dialog_strdup(const struct pl *pl)
{
	return tc_strndup(pl->p ? pl->p : "", pl->l);
}

static bool copy_pl(char *dst, size_t size_bytes, const struct pl *pl)
{
	if (!pl_isset(pl) || pl->l >= size_bytes)
		return false;
	memcpy(dst, pl->p, pl->l);
	dst[pl->l] = '\0';
	return true;
}

/* '"Name" <sip:user@domain>', with what a quoted string may not hold made harmless. */
static char *from_header(const struct agent *agent, const char *name)
{
	struct tc_buf b = {0};

	if (name[0]) {
		tc_buf_puts(&b, "\"");
		for (const char *p = name; *p; p++) {
			if (*p == '"' || *p == '\\')
				tc_buf_puts(&b, "\\");
			if ((unsigned char)*p >= ' ' && *p != 0x7f)
				tc_buf_add(&b, p, 1);
		}
		tc_buf_puts(&b, "\" ");
	}
	tc_buf_printf(&b, "<sip:%s@%s>", agent->from_user, agent->domain);
	return tc_buf_take(&b);
}

/* The way through the outbound proxy (RFC 3261 8.1.2: a pre-loaded route). */
static char *first_route(const struct agent *agent)
{
	const struct target *proxy = &agent->proxy;
	struct tc_buf b = {0};

	if (!proxy->host[0])
		return NULL;
	tc_buf_printf(&b, "<sip:%s%s%s", proxy->user, proxy->user[0] ? "@" : "", proxy->host);
	if (proxy->port)
		tc_buf_printf(&b, ":%u", proxy->port);
	tc_buf_puts(&b, proxy->params);
	if (!strstr(proxy->params, ";transport="))
		tc_buf_puts(&b, sip_transp_param(agent->tp));
	tc_buf_puts(&b, strstr(proxy->params, ";lr") ? ">" : ";lr>");
	return tc_buf_take(&b);
}

void dialog_init(struct dialog *d, struct agent *agent, const char *call_id, const char *name,
		 const char *ruri)
{
	memset(d, 0, sizeof(*d));
	d->agent = agent;
	d->call_id = tc_strdup(call_id);
	ids_tag(d->ltag, call_id);
	d->from = from_header(agent, name && name[0] ? name : agent->cfg->caller_id);
	d->to = tc_asprintf("<%s>", ruri);
	d->ruri = tc_strdup(ruri);
	d->routes = first_route(agent);
	d->hop = agent->next;
}

void dialog_fini(struct dialog *d)
{
	free(d->call_id);
	free(d->from);
	free(d->to);
	free(d->ruri);
	free(d->target);
	free(d->routes);
	d->call_id = d->from = d->to = d->ruri = d->target = d->routes = NULL;
}

void dialog_contact(const struct agent *agent, char *buf, size_t size_bytes)
{
	re_snprintf(buf, size_bytes, "Contact: <sip:%s@%J%s>\r\n", agent->contact_user,
		    &agent->local, sip_transp_param(agent->tp));
}

/* The answers to challenges. */
static int write_auth(struct dialog *d, struct mbuf *mb, const char *method, const char *uri)
{
	const struct sip_config *cfg = d->agent->cfg;
	char line[2048];

	for (int i = 0; i < 2; i++) {
		if (d->auth[i].algorithm == DIGEST_NONE)
			continue;
		if (digest_answer(&d->auth[i], cfg->user, cfg->password, method, uri, rand_u64(),
				  line, sizeof(line)) < 0)
			return ENOSPC;
		int err = mbuf_write_str(mb, line);
		if (err)
			return err;
	}
	return 0;
}

static int write_headers(struct dialog *d, struct mbuf *mb, const char *method, uint32_t cseq)
{
	int err = mbuf_write_str(mb, "Max-Forwards: 70\r\n");

	if (d->routes)
		err |= mbuf_printf(mb, "Route: %s\r\n", d->routes);
	err |= mbuf_printf(mb, "From: %s;tag=%s\r\n", d->from, d->ltag);
	err |= mbuf_printf(mb, "To: %s%s%s\r\n", d->to, d->rtag[0] ? ";tag=" : "", d->rtag);
	err |= mbuf_printf(mb, "Call-ID: %s\r\nCSeq: %u %s\r\n", d->call_id, cseq, method);
	err |= mbuf_write_str(mb, "User-Agent: Tocsin/" TC_VERSION "\r\n");
	return err;
}

static int write_body(struct mbuf *mb, const char *headers, struct mbuf *body)
{
	int err = mbuf_write_str(mb, headers);

	if (body && mbuf_get_left(body)) {
		err |= mbuf_printf(mb,
				   "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n",
				   mbuf_get_left(body));
		err |= mbuf_write_mem(mb, mbuf_buf(body), mbuf_get_left(body));
	} else {
		err |= mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	}
	mb->pos = 0;
	return err;
}

/*
 * Hand a message without its first two lines to libre; the next hop is given as an address, so
 * that it looks up nothing.
 */
static int send_to_hop(struct dialog *d, const char *method, const char *uri, struct mbuf *mb,
		       struct sip_request **reqp, sip_resp_h *resp, void *arg)
{
	char text[80];
	struct pl pl;
	struct uri hop;

	re_snprintf(text, sizeof(text), "sip:%J;transport=%s", &d->hop, transport_name(d->agent));
	pl_set_str(&pl, text);
	int err = uri_decode(&hop, &pl);
	if (err)
		return err;
	return sip_request(reqp, d->agent->sip, reqp != NULL, method, -1, uri, -1, &hop, mb, 0,
			   NULL, resp, arg);
}

int dialog_request(struct dialog *d, const char *method, const char *headers, struct mbuf *body,
		   struct sip_request **reqp, sip_resp_h *resp, void *arg)
{
	bool invite = strcmp(method, "INVITE") == 0;
	const char *uri = d->target ? d->target : d->ruri;
	struct mbuf *mb = mbuf_alloc(2048);

	if (!mb)
		return ENOMEM;
	d->cseq++;
	int err = write_headers(d, mb, method, d->cseq);
	err |= write_auth(d, mb, method, uri);
	err |= write_body(mb, headers, body);
	if (!err) {
		if (invite)
			wrap_branch_force(ids_derive(d->call_id, "invite", ++d->invites));
		err = send_to_hop(d, method, uri, mb, reqp, resp, arg);
		wrap_branch_free();
	}
	mem_deref(mb);
	return err;
}

int dialog_ack(struct dialog *d, uint32_t cseq)
{
	const char *uri = d->target ? d->target : d->ruri;
	struct mbuf *mb = mbuf_alloc(1024);

	if (!mb)
		return ENOMEM;
	int err = write_headers(d, mb, "ACK", cseq);
	err |= write_auth(d, mb, "ACK", uri);
	err |= write_body(mb, "", NULL);
	if (!err) {
		wrap_branch_force(ids_derive(d->call_id, "ack", cseq));
		err = send_to_hop(d, "ACK", uri, mb, NULL, NULL, NULL);
		wrap_branch_free();
	}
	mem_deref(mb);
	return err;
}

/*
 * The address that a URI names, if it names one. Names are not looked up here: then the hop
 * stays what it is.
 */
static void set_hop(struct dialog *d, const struct uri *uri)
{
	struct sa sa;

	if (sa_set(&sa, &uri->host, sip_transp_port(d->agent->tp, uri->port)) == 0 &&
	    sa_af(&sa) == AF_INET && sa_in(&sa) != 0)
		d->hop = sa;
}

static bool add_route(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct tc_buf *b = arg;

	(void)msg;
	if (b->len)
		tc_buf_puts(b, ", ");
	tc_buf_add(b, hdr->val.p, hdr->val.l);
	return false;
}

/*
 * What an INVITE or its answer tells of the far end.
 *
 * tag     the far end's
 * answer  it is one: the routes stand in the reverse order (RFC 3261 12.1.1, 12.1.2)
 * hop     where requests go if the first route is a name
 */
static void learn(struct dialog *d, const struct sip_msg *msg, const struct pl *tag, bool answer,
		  const struct sa *hop)
{
	const struct sip_hdr *contact = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct tc_buf routes = {0};
	struct sip_addr addr;
	struct pl pl;

	if (!copy_pl(d->rtag, sizeof(d->rtag), tag))
		d->rtag[0] = '\0';
	if (contact && !sip_addr_decode(&addr, &contact->val)) {
		free(d->target);
		d->target = dialog_strdup(&addr.auri);
		set_hop(d, &addr.uri);
	}
	sip_msg_hdr_apply(msg, !answer, SIP_HDR_RECORD_ROUTE, add_route, &routes);
	free(d->routes);
	d->routes = routes.len ? tc_buf_take(&routes) : NULL;
	tc_buf_fini(&routes);
	if (!d->routes)
		return;
	pl_set_str(&pl, d->routes);
	const char *comma = strchr(d->routes, ',');
	if (comma)
		pl.l = (size_t)(comma - d->routes);
	d->hop = *hop;
	if (!sip_addr_decode(&addr, &pl))
		set_hop(d, &addr.uri);
}

void dialog_learn(struct dialog *d, const struct sip_msg *msg)
{
	learn(d, msg, &msg->to.tag, true, &d->agent->next);
}

int dialog_accept(struct dialog *d, struct agent *agent, const char *id, const struct sip_msg *msg)
{
	memset(d, 0, sizeof(*d));
	d->agent = agent;
	d->call_id = dialog_strdup(&msg->callid);
	ids_tag(d->ltag, id);
	d->from = tc_asprintf("<%.*s>", (int)msg->to.auri.l, msg->to.auri.p);
	d->to = tc_asprintf("<%.*s>", (int)msg->from.auri.l, msg->from.auri.p);
	d->ruri = dialog_strdup(&msg->from.auri);
	d->hop = msg->src;
	learn(d, msg, &msg->from.tag, false, &msg->src);
	return d->rtag[0] && d->target ? 0 : -EINVAL;
}

void dialog_forget(struct dialog *d)
{
	d->rtag[0] = '\0';
	free(d->target);
	d->target = NULL;
	free(d->routes);
	d->routes = first_route(d->agent);
	d->hop = d->agent->next;
}

void dialog_retarget(struct dialog *d, const struct sip_msg *msg)
{
	const struct sip_hdr *contact = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;

	if (!contact || sip_addr_decode(&addr, &contact->val))
		return;
	free(d->target);
	d->target = dialog_strdup(&addr.auri);
	if (!d->routes)
		set_hop(d, &addr.uri);
}

/* ---- challenges ---- */

struct challenges {
	struct digest auth;
	bool proxy;
	int err;
};

static bool take_challenge(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct challenges *c = arg;

	(void)msg;
	int err = digest_challenge(&c->auth, hdr->val.p, hdr->val.l, c->proxy);
	if (err)
		c->err = err;
	return false;
}

void dialog_begin(struct dialog *d)
{
	d->tried[0] = d->tried[1] = false;
	d->challenges = 0;
}

int dialog_challenge(struct dialog *d, const struct sip_msg *msg)
{
	struct challenges c = {.proxy = msg->scode == 407};
	struct digest *auth = &d->auth[c.proxy];

	if (!d->agent->cfg->user || !d->agent->cfg->password)
		return -EACCES;
	sip_msg_hdr_apply(msg, true,
			  c.proxy ? SIP_HDR_PROXY_AUTHENTICATE : SIP_HDR_WWW_AUTHENTICATE,
			  take_challenge, &c);
	if (c.auth.algorithm == DIGEST_NONE)
		return c.err ? c.err : -EBADMSG;
	if ((d->tried[c.proxy] && !c.auth.stale) || ++d->challenges > CHALLENGES_MAX)
		return -EACCES;
	d->tried[c.proxy] = true;
	*auth = c.auth;
	return 0;
}

/* ---- refs ---- */

void dialog_ref(const struct dialog *d, enum dialog_state state, char *ref, size_t size_bytes)
{
	int n = re_snprintf(ref, size_bytes, REF_VERSION " %c %u %J %J %s %s %s", state, d->invites,
			    &d->hop, &d->agent->local, d->rtag[0] ? d->rtag : "-",
			    d->target ? d->target : "-", d->routes ? d->routes : "-");

	/* Too long: without the routes the far end may still be reached directly. */
	if (n < 0)
		n = re_snprintf(ref, size_bytes, REF_VERSION " %c %u %J %J %s %s -", state,
				d->invites, &d->hop, &d->agent->local, d->rtag[0] ? d->rtag : "-",
				d->target ? d->target : "-");
	if (n < 0)
		ref[0] = '\0';
}

/* The next word of at most size_bytes - 1 bytes; the last one goes to the end. */
static bool next_word(const char **p, char *word, size_t size_bytes, bool last)
{
	size_t n = last ? strlen(*p) : strcspn(*p, " ");

	if (n == 0 || n >= size_bytes)
		return false;
	memcpy(word, *p, n);
	word[n] = '\0';
	*p += n + ((*p)[n] == ' ');
	return true;
}

int dialog_ref_parse(struct dialog *d, const char *ref, enum dialog_state *state, struct sa *local)
{
	char version[4], how[4], invites[12], hop[32], ours[32], tag[sizeof(d->rtag)], target[512],
		routes[512];
	struct sa hop_sa, local_sa;

	if (!next_word(&ref, version, sizeof(version), false) ||
	    strcmp(version, REF_VERSION) != 0 || !next_word(&ref, how, sizeof(how), false) ||
	    !next_word(&ref, invites, sizeof(invites), false) ||
	    !next_word(&ref, hop, sizeof(hop), false) ||
	    !next_word(&ref, ours, sizeof(ours), false) ||
	    !next_word(&ref, tag, sizeof(tag), false) ||
	    !next_word(&ref, target, sizeof(target), false) ||
	    !next_word(&ref, routes, sizeof(routes), true))
		return -EINVAL;
	if (!strchr("PRA", how[0]) || sa_decode(&hop_sa, hop, strlen(hop)) ||
	    sa_decode(&local_sa, ours, strlen(ours)))
		return -EINVAL;
	*state = (enum dialog_state)how[0];
	*local = local_sa;
	d->hop = hop_sa;
	d->invites = (uint32_t)strtoul(invites, NULL, 10);
	if (strcmp(tag, "-") != 0)
		tc_strcopy(d->rtag, sizeof(d->rtag), tag);
	if (strcmp(target, "-") != 0) {
		free(d->target);
		d->target = tc_strdup(target);
	}
	free(d->routes);
	d->routes = strcmp(routes, "-") != 0 ? tc_strdup(routes) : NULL;
	return 0;
}
