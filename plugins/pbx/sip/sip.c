/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SIP trunk as a plugin: settings, checks, the operations of a trunk, and the looking up of
 * names.
 */
#include "sip.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>
#include <tocsin/op.h>

#include "agent.h"
#include "amd/options.h"
#include "rtp/keys.h"

#define OPEN_WAIT_MS     2000
#define RESOLVE_AGAIN_MS (5 * 60 * 1000)
#define RESOLVE_RETRY_MS 5000

static const char *const transports[] = {"udp", "tcp", "tls", NULL};
static const char *const srtp_modes[] = {"off", "mandatory", NULL};

#define FIELD(f) .offset = offsetof(struct sip_config, f)

static const struct tc_option options[] = {
	{.name = "uri",
	 .type = TC_STRING,
	 FIELD(uri),
	 .flags = TC_REQUIRED,
	 .min = 1,
	 .max = 400,
	 .help = "where calls go: sip:{number}@HOST[:PORT]; {number} is replaced"},
	{.name = "listen",
	 .type = TC_STRING,
	 FIELD(listen),
	 .def = "0.0.0.0:5060",
	 .help = "our address, IP[:PORT]; 0.0.0.0 = the one that leads to the far end; port 0 = "
		 "any"},
	{.name = "transport",
	 .type = TC_ENUM,
	 FIELD(transport),
	 .def = "udp",
	 .choices = transports,
	 .help = "how SIP is carried"},
	{.name = "proxy",
	 .type = TC_STRING,
	 FIELD(proxy),
	 .help = "outbound proxy that all requests go through: sip:HOST[:PORT]"},
	{.name = "domain",
	 .type = TC_STRING,
	 FIELD(domain),
	 .help = "domain of our address in From, and of the registrar; default: host of uri"},
	{.name = "from_user",
	 .type = TC_STRING,
	 FIELD(from_user),
	 .help = "user of our address in From (the number shown); default: user"},
	{.name = "user", .type = TC_STRING, FIELD(user), .help = "login for digest authentication"},
	{.name = "password", .type = TC_SECRET, FIELD(password), .help = "and its password"},
	{.name = "caller_id",
	 .type = TC_STRING,
	 FIELD(caller_id),
	 .def = "Tocsin",
	 .help = "name shown to the person called"},
	{.name = "register",
	 .type = TC_BOOL,
	 FIELD(registers),
	 .def = "false",
	 .help = "register with the provider before calling"},
	{.name = "expires",
	 .type = TC_DURATION,
	 FIELD(expires_ms),
	 .def = "5m",
	 .min = 30000,
	 .max = 86400000,
	 .help = "how long a registration holds; renewed after four fifths of it"},
	{.name = "tls_ca",
	 .type = TC_STRING,
	 FIELD(tls_ca),
	 .help = "file with the certificates that sign the server's; default: the system's"},
	{.name = "tls_verify_name",
	 .type = TC_STRING,
	 FIELD(tls_verify_name),
	 .help = "name or address the server's certificate must be for; default: the host"},
	{.name = "tls_cert",
	 .type = TC_STRING,
	 FIELD(tls_cert),
	 .help = "our certificate (PEM), if asked for"},
	{.name = "tls_key",
	 .type = TC_STRING,
	 FIELD(tls_key),
	 .help = "its key (PEM); default: in tls_cert"},
	{.name = "srtp",
	 .type = TC_ENUM,
	 FIELD(srtp),
	 .def = "off",
	 .choices = srtp_modes,
	 .help = "encrypt the sound (SDES, AES_CM_128_HMAC_SHA1_80)"},
	{.name = "codecs",
	 .type = TC_STRINGS,
	 FIELD(codecs),
	 .def = "[PCMU, PCMA]",
	 .min = 1,
	 .max = 2,
	 .help = "what is offered, the preferred one first: PCMU, PCMA"},
	{.name = "rtp_ports",
	 .type = TC_STRING,
	 FIELD(rtp_ports),
	 .def = "20000-29999",
	 .help = "local UDP ports for sound, MIN-MAX"},
	{.name = "rtp_address",
	 .type = TC_STRING,
	 FIELD(rtp_address),
	 .help = "our address as the SDP tells it, behind NAT"},
	{.name = "answer_timeout",
	 .type = TC_DURATION,
	 FIELD(answer_timeout_ms),
	 .def = "5s",
	 .min = 500,
	 .max = 60000,
	 .help = "how long to wait for the first answer to an INVITE"},
	{.name = "keepalive",
	 .type = TC_DURATION,
	 FIELD(keepalive_ms),
	 .def = "30s",
	 .max = 3600000,
	 .help = "interval of OPTIONS that ask whether the far end is there; 0s = never"},
	{.name = "max_calls",
	 .type = TC_INT,
	 FIELD(max_calls),
	 .def = "50",
	 .min = 1,
	 .max = 3000,
	 .help = "calls at once"},
	{.name = "max_incoming",
	 .type = TC_INT,
	 FIELD(max_incoming),
	 .def = "5",
	 .max = 1000,
	 .help = "calls that come in, at once; further ones hear that it is busy; 0 = all are "
		 "declined"},
	{.name = "calls_per_second",
	 .type = TC_DOUBLE,
	 FIELD(calls_per_second),
	 .def = "20",
	 .min = 0,
	 .max = 1000,
	 .help = "new calls a second"},
	{.name = "peers",
	 .type = TC_STRINGS,
	 FIELD(peers),
	 .max = 64,
	 .help = "further addresses (IP or IP/BITS) from which requests are accepted"},
	AMD_OPTIONS(struct sip_config, detect, talk),
	TC_OPTION_END,
};

/* ---- checks ---- */

static void check_uri(struct tc_errors *errs, const char *field, const char *uri, struct target *t)
{
	const char *fault = "is no SIP URI";

	if (target_read(uri, t, &fault))
		tc_errors_add(errs, field, "%s", fault);
}

/* What stands in a header between punctuation must not hold any of its own. */
static void check_word(struct tc_errors *errs, const char *field, const char *word,
		       const char *also)
{
	for (const char *p = word; p && *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr(also, *p)) {
			tc_errors_add(errs, field, "must not have '%c' in it", *p);
			return;
		}
	}
}

static int check(const void *config, struct tc_errors *errs)
{
	const struct sip_config *cfg = config;
	size_t before = tc_errors_count(errs);
	struct target t;
	uint32_t ip, mask;
	uint16_t port = 0, max;

	check_uri(errs, "uri", cfg->uri, &t);
	if (cfg->proxy)
		check_uri(errs, "proxy", cfg->proxy, &t);
	if (target_address(cfg->listen, &ip, &port))
		tc_errors_add(errs, "listen", "must be IP or IP:PORT (IPv4)");
	if (target_ports(cfg->rtp_ports, &port, &max))
		tc_errors_add(errs, "rtp_ports", "must be MIN-MAX within 1024-65535");
	if (cfg->rtp_address && target_address(cfg->rtp_address, &ip, &port))
		tc_errors_add(errs, "rtp_address", "must be an IPv4 address");
	for (size_t i = 0; i < cfg->codecs.n; i++)
		if (strcasecmp(cfg->codecs.v[i], "PCMU") != 0 &&
		    strcasecmp(cfg->codecs.v[i], "PCMA") != 0)
			tc_errors_add(errs, "codecs", "knows PCMU and PCMA, not '%s'",
				      cfg->codecs.v[i]);
	for (size_t i = 0; i < cfg->peers.n; i++)
		if (target_network(cfg->peers.v[i], &ip, &mask))
			tc_errors_add(errs, "peers", "'%s' is not IP or IP/BITS", cfg->peers.v[i]);
	check_word(errs, "from_user", cfg->from_user, "-_.!~*'()&=+$,;?/%");
	check_word(errs, "user", cfg->from_user ? NULL : cfg->user, "-_.!~*'()&=+$,;?/%");
	check_word(errs, "domain", cfg->domain, "-.:");
	if (cfg->registers && (!cfg->user || !cfg->password))
		tc_errors_add(errs, "register", "needs user and password");
	if (cfg->password && !cfg->user)
		tc_errors_add(errs, "password", "needs user");
	if (cfg->calls_per_second <= 0)
		tc_errors_add(errs, "calls_per_second", "must be more than 0");
	return tc_errors_count(errs) == before ? 0 : -EINVAL;
}

/* ---- names to addresses ---- */

struct sip {
	struct tc_instance *self;
	const struct sip_config *cfg;
	struct target uri, proxy;
	struct agent *agent;
	struct tc_lane *lane;
	struct tc_timer *again;
};

/* All IPv4 addresses of a host. result: how many */
static unsigned look_up(const char *host, uint32_t *ips, unsigned max)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *list, *a;
	unsigned n = 0;

	if (getaddrinfo(host, NULL, &hints, &list))
		return 0;
	for (a = list; a && n < max; a = a->ai_next)
		ips[n++] = ntohl(((struct sockaddr_in *)a->ai_addr)->sin_addr.s_addr);
	freeaddrinfo(list);
	return n;
}

/* Our address on the way to another: what the kernel would choose. */
static uint32_t address_towards(uint32_t ip)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(5060), .sin_addr.s_addr = htonl(ip)};
	socklen_t len = sizeof(to);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)) &&
		  !getsockname(fd, (struct sockaddr *)&to, &len);

	if (fd >= 0)
		close(fd);
	return ok ? ntohl(to.sin_addr.s_addr) : 0;
}

/* Blocks while names are looked up. */
static bool resolve(const struct sip *sip, struct resolved *r)
{
	const char *next = sip->proxy.host[0] ? sip->proxy.host : sip->uri.host;
	uint16_t port = 0;
	uint32_t listen = 0;

	*r = (struct resolved){0};
	r->n = look_up(next, r->peers, RESOLVED_MAX / 2);
	if (!r->n)
		return false;
	r->next_ip = r->peers[0];
	if (sip->proxy.host[0])
		r->n += look_up(sip->uri.host, r->peers + r->n, RESOLVED_MAX - r->n);
	target_address(sip->cfg->listen, &listen, &port);
	r->local_ip = listen ? listen : address_towards(r->next_ip);
	return r->local_ip != 0;
}

static void hand_over(struct sip *sip, const struct resolved *r)
{
	struct command *c = tc_alloc(sizeof(*c));

	c->type = COMMAND_RESOLVED;
	c->resolved = *r;
	agent_command(sip->agent, c);
}

static void resolve_in_lane(struct tc_op *op, void *arg)
{
	struct sip *sip = arg;
	struct resolved r;

	(void)op;
	if (resolve(sip, &r))
		hand_over(sip, &r);
	/* Once known an address stays in use: a name server that is away ends no trunk. */
	else if (!agent_figures(sip->agent).up)
		tc_pbx_health(sip->self, false, "the name of the far end cannot be looked up");
}

static void resolve_again(void *arg)
{
	struct sip *sip = arg;
	struct agent_figures f = agent_figures(sip->agent);

	tc_lane_submit(sip->lane, resolve_in_lane, NULL, sip);
	tc_timer_start(sip->again, f.up ? RESOLVE_AGAIN_MS : RESOLVE_RETRY_MS);
}

static bool is_address(const char *host)
{
	struct in_addr in;

	return inet_pton(AF_INET, host, &in) == 1;
}

/* ---- life ---- */

static void close_trunk(void *state)
{
	struct sip *sip = state;

	tc_timer_stop(sip->again);
	tc_lane_close(sip->lane);
	agent_free(sip->agent);
	free(sip);
}

static int open_trunk(struct tc_instance *self, const void *cfg, void **state)
{
	struct sip *sip = tc_alloc(sizeof(*sip));
	const char *fault;
	struct resolved r;
	int err = 0;

	sip->self = self;
	sip->cfg = cfg;
	target_read(sip->cfg->uri, &sip->uri, &fault);
	if (sip->cfg->proxy)
		target_read(sip->cfg->proxy, &sip->proxy, &fault);
	sip->agent = agent_new(self, cfg);
	if (!sip->agent) {
		free(sip);
		return -EAGAIN;
	}
	sip->lane = tc_lane_open(self, "sip-names", 1, 4);
	sip->again = tc_timer_new(self, resolve_again, sip);
	if (is_address(sip->proxy.host[0] ? sip->proxy.host : sip->uri.host) &&
	    (!sip->proxy.host[0] || is_address(sip->uri.host))) {
		/* nothing to look up: a port that is taken is a fault at start */
		if (resolve(sip, &r))
			hand_over(sip, &r);
		err = agent_wait(sip->agent, OPEN_WAIT_MS);
	} else {
		tc_pbx_health(self, false, "looking up the name of the far end");
		resolve_again(sip);
	}
	if (err && err != -ETIMEDOUT) {
		close_trunk(sip);
		return err;
	}
	*state = sip;
	return 0;
}

static void status(void *state, struct tc_status *out)
{
	struct sip *sip = state;
	struct agent_figures f = agent_figures(sip->agent);

	tc_status_health(out, f.up && f.healthy, "%s", f.why);
	tc_status_text(out, "local", f.local);
	tc_status_number(out, "registered", f.registered);
	tc_status_number(out, "calls", f.calls);
	tc_status_number(out, "incoming", f.incoming);
	tc_status_number(out, "invites_waiting", f.queued);
	tc_status_number(out, "closing", f.closing);
	tc_status_number(out, "requests_dropped", (double)f.dropped);
	tc_status_number(out, "rtp_packets", (double)f.pacer.packets);
	tc_status_number(out, "rtp_late", (double)f.pacer.late);
	tc_status_number(out, "rtp_failed", (double)f.pacer.failed);
	tc_status_number(out, "clips_bytes", (double)f.clips_bytes);
}

/* ---- operations ---- */

static struct command *command_new(enum command_type type, const char *call_id)
{
	struct command *c = tc_alloc(sizeof(*c));

	c->type = type;
	tc_strcopy(c->call_id, sizeof(c->call_id), call_id);
	return c;
}

static int originate(void *state, const struct tc_pbx_originate *call)
{
	struct sip *sip = state;
	struct command *c = command_new(COMMAND_CALL, call->call_id);
	int err = target_expand(&sip->uri, call->number, c->uri, sizeof(c->uri));

	if (!err)
		err = agent_admit(sip->agent);
	if (err) {
		free(c);
		return err;
	}
	tc_strcopy(c->name, sizeof(c->name), call->caller_name ? call->caller_name : "");
	c->ring_timeout_ms = call->ring_timeout_ms;
	agent_command(sip->agent, c);
	return 0;
}

static int play(void *state, const char *call_id, uint32_t play_id, const struct tc_pbx_item *items,
		size_t n)
{
	struct sip *sip = state;
	struct command *c = command_new(COMMAND_PLAY, call_id);

	c->play_id = play_id;
	c->n = n;
	c->items = tc_calloc(n, sizeof(*items));
	for (size_t i = 0; i < n; i++) {
		c->items[i] = items[i];
		if (items[i].clip)
			tc_clip_ref(items[i].clip);
	}
	agent_command(sip->agent, c);
	return 0;
}

static int hangup(void *state, const char *call_id)
{
	struct sip *sip = state;

	agent_command(sip->agent, command_new(COMMAND_HANGUP, call_id));
	return 0;
}

static int answer(void *state, const char *call_id)
{
	struct sip *sip = state;

	agent_command(sip->agent, command_new(COMMAND_ANSWER, call_id));
	return 0;
}

static int press(void *state, const char *call_id, const char *keys)
{
	struct sip *sip = state;
	struct command *c;

	if (!keys_valid(keys))
		return -EINVAL;
	c = command_new(COMMAND_PRESS, call_id);
	tc_strcopy(c->keys, sizeof(c->keys), keys);
	agent_command(sip->agent, c);
	return 0;
}

static int recover(void *state, const char *call_id, const char *number, const char *ref)
{
	struct sip *sip = state;
	struct command *c = command_new(COMMAND_RECOVER, call_id);
	int err = target_expand(&sip->uri, number, c->uri, sizeof(c->uri));

	if (err) {
		free(c);
		return err;
	}
	tc_strcopy(c->ref, sizeof(c->ref), ref);
	agent_command(sip->agent, c);
	return 0;
}

static const struct tc_pbx_ops ops = {
	.originate = originate,
	.play = play,
	.hangup = hangup,
	.recover = recover,
	.answer = answer,
	.dtmf = press,
};

TC_API extern const struct tc_plugin tc_plugin;
const struct tc_plugin tc_plugin = {
	TC_PLUGIN_GUARD(TC_KIND_PBX),
	.name = "sip",
	.version = TC_VERSION,
	.summary = "places and takes calls itself: SIP over UDP, TCP or TLS, with or without a "
		   "provider",
	.options = options,
	.config_size = sizeof(struct sip_config),
	.check = check,
	.open = open_trunk,
	.close = close_trunk,
	.status = status,
	.ops = &ops,
};
