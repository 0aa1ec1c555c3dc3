/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Asterisk trunk as a plugin: settings, checks, and the operations of a trunk.
 */
#include "ari.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "amd/options.h"
#include "endpoint.h"
#include "media.h"

#define FIELD(f) .offset = offsetof(struct ari_config, f)

/* Order of enum ari_media. */
static const char *const media_names[] = {"auto",      "file",          "http",
					  "websocket", "externalmedia", NULL};

static const struct tc_option options[] = {
	{.name = "url",
	 .type = TC_STRING,
	 FIELD(url),
	 .flags = TC_REQUIRED,
	 .min = 10,
	 .max = 400,
	 .help = "Asterisk's REST interface: http://HOST:8088/ari, or https://"},
	{.name = "user",
	 .type = TC_STRING,
	 FIELD(user),
	 .flags = TC_REQUIRED,
	 .max = 128,
	 .help = "user of ari.conf"},
	{.name = "password",
	 .type = TC_SECRET,
	 FIELD(password),
	 .flags = TC_REQUIRED,
	 .help = "and its password"},
	{.name = "tls_ca",
	 .type = TC_STRING,
	 FIELD(tls_ca),
	 .help = "file with the certificates that sign Asterisk's; default: the system's"},
	{.name = "app",
	 .type = TC_STRING,
	 FIELD(app),
	 .def = "tocsin",
	 .min = 1,
	 .max = 64,
	 .help = "name of our Stasis application; one of its own for each daemon"},
	{.name = "endpoint",
	 .type = TC_STRING,
	 FIELD(endpoint),
	 .flags = TC_REQUIRED,
	 .max = 300,
	 .help = "whom Asterisk calls: PJSIP/{number}@PROVIDER, Local/{number}@CONTEXT; without "
		 "{number}: PJSIP/PROVIDER, SIP/PROVIDER"},
	{.name = "plus",
	 .type = TC_STRING,
	 FIELD(plus),
	 .def = "00",
	 .max = 8,
	 .help = "what a number's leading + becomes: 00, +, or nothing"},
	{.name = "caller_id",
	 .type = TC_STRING,
	 FIELD(caller_id),
	 .def = "Tocsin",
	 .max = 128,
	 .help = "shown to the person called: a name, a number, or Name <number>"},
	{.name = "variables",
	 .type = TC_MAP,
	 FIELD(variables),
	 .max = 32,
	 .help = "channel variables of each call"},
	{.name = "context",
	 .type = TC_STRING,
	 FIELD(context),
	 .max = 80,
	 .help = "dialplan mode: an answered call goes to extension in this context, which says "
		 "Stasis(APP) where the message is to be spoken"},
	{.name = "extension",
	 .type = TC_STRING,
	 FIELD(extension),
	 .max = 80,
	 .help = "dialplan mode: the extension"},
	{.name = "priority",
	 .type = TC_INT,
	 FIELD(priority),
	 .def = "1",
	 .min = 1,
	 .max = 10000,
	 .help = "dialplan mode: where to begin in the extension"},
	{.name = "media",
	 .type = TC_ENUM,
	 FIELD(media),
	 .def = "auto",
	 .choices = media_names,
	 .help = "how speech gets to Asterisk; auto: the best that works"},
	{.name = "media_dir",
	 .type = TC_STRING,
	 FIELD(media_dir),
	 .max = 500,
	 .help = "media file: a folder that Asterisk can read; prompts are written into it"},
	{.name = "media_path",
	 .type = TC_STRING,
	 FIELD(media_path),
	 .max = 500,
	 .help = "media file: the same folder as Asterisk names it; default: media_dir"},
	{.name = "rtp_address",
	 .type = TC_STRING,
	 FIELD(rtp_address),
	 .max = 64,
	 .help = "media externalmedia: our address as Asterisk reaches it; default: the one that "
		 "leads to it"},
	{.name = "rtp_ports",
	 .type = TC_STRING,
	 FIELD(rtp_ports),
	 .def = "30000-31999",
	 .help = "media externalmedia: local UDP ports, MIN-MAX"},
	{.name = "keepalive",
	 .type = TC_DURATION,
	 FIELD(keepalive_ms),
	 .def = "5s",
	 .min = 200,
	 .max = 3600000,
	 .help = "how often Asterisk is asked whether it is there"},
	{.name = "timeout",
	 .type = TC_DURATION,
	 FIELD(timeout_ms),
	 .def = "3s",
	 .min = 200,
	 .max = 60000,
	 .help = "how long to wait for an answer of Asterisk"},
	{.name = "lost_after",
	 .type = TC_DURATION,
	 FIELD(lost_after_ms),
	 .def = "30s",
	 .min = 1000,
	 .max = 3600000,
	 .help = "so long without a connection, calls that are up count as lost: the people are "
		 "called again, by another trunk if there is one"},
	{.name = "connections",
	 .type = TC_INT,
	 FIELD(connections),
	 .def = "8",
	 .min = 1,
	 .max = 64,
	 .help = "HTTP connections to Asterisk at most"},
	{.name = "max_calls",
	 .type = TC_INT,
	 FIELD(max_calls),
	 .def = "50",
	 .min = 1,
	 .max = 3000,
	 .help = "calls at once"},
	{.name = "calls_per_second",
	 .type = TC_DOUBLE,
	 FIELD(calls_per_second),
	 .def = "20",
	 .min = 0,
	 .max = 1000,
	 .help = "new calls a second"},
	{.name = "max_setups",
	 .type = TC_INT,
	 FIELD(max_setups),
	 .def = "16",
	 .min = 1,
	 .max = 1000,
	 .help = "calls that Asterisk was asked for and has not confirmed yet, at one time; beyond "
		 "that the trunk holds back"},
	{.name = "inbound",
	 .type = TC_BOOL,
	 FIELD(inbound),
	 .def = "true",
	 .help = "answer calls that the dialplan sends to our application"},
	AMD_OPTIONS(struct ari_config, detect, talk),
	TC_OPTION_END,
};

/* ---- checks ---- */

static void check_url(const struct ari_config *cfg, struct tc_errors *errs)
{
	bool tls = !strncmp(cfg->url, "https://", 8);
	const char *host = cfg->url + (tls ? 8 : 7);

	if (!tls && strncmp(cfg->url, "http://", 7) != 0)
		tc_errors_add(errs, "url", "must begin with http:// or https://");
	else if (strchr(host, '@'))
		tc_errors_add(errs, "url", "must not have a login in it: say user and password");
	else if (strpbrk(host, "?# "))
		tc_errors_add(errs, "url", "must not have a query or spaces in it");
	else if (!strchr(host, '/'))
		tc_errors_add(errs, "url",
			      "must end with the prefix of Asterisk's interface: /ari");
	else if (host[0] == '/' || host[0] == ':')
		tc_errors_add(errs, "url", "has no host");
	if (!tls && cfg->tls_ca)
		tc_errors_add(errs, "tls_ca", "is of use with https:// only");
}

static void check_folder(struct tc_errors *errs, const char *field, const char *folder)
{
	if (folder && folder[0] != '/')
		tc_errors_add(errs, field, "must be an absolute path");
}

static int check(const void *config, struct tc_errors *errs)
{
	const struct ari_config *cfg = config;
	size_t before = tc_errors_count(errs);
	const char *fault = endpoint_fault(cfg->endpoint);
	uint16_t min, max;

	check_url(cfg, errs);
	if (fault)
		tc_errors_add(errs, "endpoint", "%s", fault);
	if (cfg->plus && cfg->plus[strspn(cfg->plus, "+0123456789*#")])
		tc_errors_add(errs, "plus", "must be digits, + or nothing");
	if (cfg->app[strspn(cfg->app, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.")])
		tc_errors_add(errs, "app", "must be letters, digits, '-', '_' and '.'");
	if (!cfg->context != !cfg->extension)
		tc_errors_add(errs, cfg->context ? "extension" : "context",
			      "must be given as well: dialplan mode needs both");
	if (cfg->media == ARI_MEDIA_FILE && !cfg->media_dir)
		tc_errors_add(errs, "media_dir", "is needed for media: file");
	if (cfg->media_path && !cfg->media_dir)
		tc_errors_add(errs, "media_dir", "is needed with media_path");
	check_folder(errs, "media_dir", cfg->media_dir);
	check_folder(errs, "media_path", cfg->media_path);
	if (ari_ports(cfg->rtp_ports, &min, &max))
		tc_errors_add(errs, "rtp_ports", "must be MIN-MAX within 1024-65535");
	return tc_errors_count(errs) > before ? -EINVAL : 0;
}

/* ---- names ---- */

bool ari_is_call_id(const char *channel)
{
	size_t i;

	for (i = 0; channel[i]; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? channel[i] != '-' : !strchr("0123456789abcdef", channel[i]))
			return false;
	}
	return i == TC_ID_SIZE - 1;
}

bool ari_is_part(const char *channel)
{
	char id[TC_ID_SIZE];

	tc_strcopy(id, sizeof(id), channel);
	return strlen(channel) > TC_ID_SIZE && channel[TC_ID_SIZE - 1] == '-' &&
	       ari_is_call_id(id);
}

void ari_hold(struct ari *ari, const char *why)
{
	if (ari->held == (why != NULL))
		return;
	ari->held = why != NULL;
	tc_pbx_hold(ari->self, ari->held, why ? why : "");
}

char *ari_events_url(const struct ari_config *cfg)
{
	return tc_asprintf("ws%s/events?app=%s", cfg->url + 4, cfg->app); /* http -> ws */
}

int ari_ports(const char *range, uint16_t *min, uint16_t *max)
{
	char *end;
	long from = strtol(range, &end, 10), to;

	if (end == range || *end != '-')
		return -EINVAL;
	range = end + 1;
	to = strtol(range, &end, 10);
	if (end == range || *end || from < 1024 || to > 65535 || to <= from)
		return -EINVAL;
	*min = (uint16_t)((from + 1) & ~1L);
	*max = (uint16_t)to;
	return 0;
}

/* ---- life ---- */

static void close_trunk(void *state)
{
	struct ari *ari = state;

	checks_stop(ari);
	resync_stop(ari);
	link_free(ari->link);
	legs_free(ari);
	medias_free(ari->medias);
	sockets_free(ari->sockets);
	rest_free(ari->rest);
	tc_timer_free(ari->deaf);
	tc_timer_free(ari->relist);
	free(ari);
}

static int open_trunk(struct tc_instance *self, const void *cfg, void **state)
{
	struct ari *ari = tc_alloc(sizeof(*ari));
	struct rest_settings settings;

	ari->self = self;
	ari->cfg = cfg;
	TAILQ_INIT(&ari->legs);
	TAILQ_INIT(&ari->checks);
	settings = (struct rest_settings){.url = ari->cfg->url,
					  .user = ari->cfg->user,
					  .password = ari->cfg->password,
					  .tls_ca = ari->cfg->tls_ca,
					  .connections = (unsigned)ari->cfg->connections};
	ari->rest = rest_new(self, &settings);
	ari->sockets = sockets_new(self, ari->cfg->tls_ca);
	if (!ari->sockets) {
		rest_free(ari->rest);
		free(ari);
		return -EIO;
	}
	ari->deaf = tc_timer_new(self, resync_deaf, ari);
	ari->relist = tc_timer_new(self, resync_again, ari);
	ari->medias = medias_new(ari);
	ari->link = link_new(ari);
	*state = ari;
	return 0;
}

static void status(void *state, struct tc_status *out)
{
	struct ari *ari = state;
	struct rest_figures f = rest_figures(ari->rest);
	const char *why;
	const char *way = medias_way(ari->medias, &why);

	tc_status_health(out, link_healthy(ari->link), "%s", link_text(ari->link));
	tc_status_text(out, "version", ari->version);
	tc_status_text(out, "media", way ? way : "none");
	tc_status_text(out, "media_text", why);
	tc_status_number(out, "calls", ari->n_legs);
	tc_status_number(out, "setups", ari->setups);
	tc_status_number(out, "requests", (double)f.sent);
	tc_status_number(out, "requests_failed", (double)f.failed);
	tc_status_number(out, "requests_waiting", f.queued);
	tc_status_number(out, "answer_seconds", (double)f.last_us / 1e6);
	tc_status_number(out, "events_of_others", (double)ari->unknown);
}

/* ---- operations ---- */

static int originate(void *state, const struct tc_pbx_originate *call)
{
	return leg_originate(state, call);
}

static int play(void *state, const char *call_id, uint32_t play_id, const struct tc_pbx_item *items,
		size_t n)
{
	struct leg *leg = leg_find(state, call_id);
	struct speech *list = NULL;

	if (!leg || leg->state == LEG_ENDED)
		return -ENOENT;
	if (n) {
		list = tc_alloc(sizeof(*list) + n * sizeof(*list->items));
		list->play_id = play_id;
		list->n = n;
	}
	for (size_t i = 0; i < n; i++) {
		list->items[i].clip = items[i].clip ? tc_clip_ref(items[i].clip) : NULL;
		list->items[i].ms = items[i].clip ? (uint32_t)tc_clip_ms(items[i].clip)
						  : items[i].silence_ms;
	}
	return media_play(leg, list);
}

static int hangup(void *state, const char *call_id)
{
	return leg_hangup(state, call_id);
}

static int recover(void *state, const char *call_id, const char *number, const char *ref)
{
	(void)number; /* the channel has the call's id */
	return leg_recover(state, call_id, ref);
}

static int answer(void *state, const char *call_id)
{
	return leg_answer(state, call_id);
}

static int release(void *state, const char *call_id)
{
	return leg_release(state, call_id);
}

static int press(void *state, const char *call_id, const char *keys)
{
	return leg_press(state, call_id, keys);
}

static int check_now(void *state, struct tc_op *op, const char *number)
{
	return check_trunk(state, op, number);
}

static const struct tc_pbx_ops ops = {.originate = originate,
				      .play = play,
				      .hangup = hangup,
				      .recover = recover,
				      .answer = answer,
				      .release = release,
				      .check = check_now,
				      .dtmf = press};

TC_API extern const struct tc_plugin tc_plugin;
const struct tc_plugin tc_plugin = {
	TC_PLUGIN_GUARD(TC_KIND_PBX),
	.name = "ari",
	.version = TC_VERSION,
	.summary = "calls through an Asterisk, by its REST interface",
	.options = options,
	.config_size = sizeof(struct ari_config),
	.check = check,
	.open = open_trunk,
	.close = close_trunk,
	.status = status,
	.ops = &ops,
};
