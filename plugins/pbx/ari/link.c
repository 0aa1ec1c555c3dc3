/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection for events: kept open, watched, and made again. The trunk is healthy while events
 * arrive and requests are answered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "ari.h"
#include "media.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 1000 /* a PBX that is back is used again within 2 s */
/*
 * Another connection for our app may be a late one of our own, after Asterisk had been frozen. But
 * two programs that take the same app from each other reach nobody.
 */
#define REPLACED_QUICK 3    /* times within REPLACED_WINDOW_US that it is taken back at once */
#define REPLACED_WINDOW_US (60 * INT64_C(1000000))
#define REPLACED_MS 5000
#define REPLACED_MAX_MS 60000
#define PROBE_MS 500        /* between pings while there is no answer */
#define ECHO "tocsin-ping"  /* the event that a ping makes */
/*
 * For the first of them in a connection. After it was frozen Asterisk takes older attempts to
 * connect after newer ones: the application is then inactive although its connection is open.
 */
#define HEARD_MS 1000

struct link {
	struct ari *ari;
	struct socket *socket;   /* NULL while it waits to connect again */
	struct tc_timer *again;  /* connect */
	struct tc_timer *ping;
	struct tc_timer *first;  /* until the first echo must have come */
	struct rest_want *pinging;
	int64_t echo_us;         /* when the event of a ping was asked for, 0 = it has come */
	int64_t backoff_ms;
	int64_t replaced_ms;     /* as backoff_ms, among rivals */
	int64_t replaced_us;     /* when the window of replacements began */
	unsigned replacements;   /* in it */
	bool open, synced, answered; /* answered: the last ping was */
	bool heard;              /* an echo has come in this connection */
	bool told;               /* whether the trunk is healthy; up is what was told */
	bool up;
	bool replaced;           /* by another program, in this connection */
	unsigned failures;       /* since it was up */
	char text[160];
	char mute[160];          /* why no way of speech works; "" = one does */
	uint64_t events, reconnects;
};

bool link_up(const struct link *link)
{
	return link->open && link->synced && link->heard && link->answered;
}

bool link_listed(const struct link *link)
{
	return link->open && link->synced;
}

bool link_healthy(const struct link *link)
{
	return link_up(link) && !link->mute[0];
}

const char *link_text(const struct link *link)
{
	return link->text;
}

/* Tell the core when it has changed. */
static void judge(struct link *link, const char *why)
{
	bool up = link_healthy(link);

	if (link_up(link) && !up)
		why = link->mute;
	if (up)
		snprintf(link->text, sizeof(link->text), "Asterisk %s", link->ari->version);
	else
		tc_strcopy(link->text, sizeof(link->text), why);
	if (link->told && link->up == up)
		return;
	link->told = true;
	link->up = up;
	if (up) {
		link->failures = 0;
		link->backoff_ms = BACKOFF_MIN_MS;
	}
	tc_pbx_health(link->ari->self, up, link->text);
}

/* ---- requests are answered ---- */

static void on_ping(void *arg, const struct rest_reply *reply)
{
	struct link *link = arg;
	char why[160];

	link->pinging = NULL;
	link->answered = reply->status == 200 || reply->status == 204;
	if (reply->status == 404 && link->echo_us) { /* it was taken away from us */
		link->answered = true;
		link_broken(link, "Asterisk has forgotten our application");
	}
	if (!link->answered)
		link->echo_us = 0; /* nothing can be expected of it */
	snprintf(why, sizeof(why), "Asterisk does not answer requests: %s", reply->text);
	judge(link, link->open && !link->answered ? why : link->text);
	tc_timer_start(link->ping, link->answered ? link->ari->cfg->keepalive_ms : PROBE_MS);
}

static void send_ping(void *arg)
{
	struct link *link = arg;
	struct ari *ari = link->ari;
	bool echo = link->open && link->synced;
	char path[128];

	if (link->pinging)
		return;
	if (link->echo_us && tc_now_us() - link->echo_us > ari->cfg->timeout_ms * 1000) {
		tc_log(ari->self, TC_LOG_WARN, "Asterisk's events do not arrive: connecting again");
		link_broken(link, "they do not arrive");
		echo = false;
	}
	if (echo && !link->echo_us)
		link->echo_us = tc_now_us();
	snprintf(path, sizeof(path), "/events/user/" ECHO "?application=%s", ari->cfg->app);
	link->pinging = rest_send(ari->rest, REST_URGENT, echo ? "POST" : "GET",
				  echo ? path : "/asterisk/ping", NULL, ari->cfg->timeout_ms,
				  on_ping, link);
}

/* It is the event of a ping: the whole way is open. */
static bool is_echo(const struct message *m)
{
	const char *name = json_string_value(json_object_get(m->json, "eventname"));

	return name && !strcmp(m->name, "ChannelUserevent") && !strcmp(name, ECHO);
}

/* ---- events ---- */

/* It is not for us: the dialplan that has sent it goes on. */
static void give_back(struct ari *ari, const char *channel)
{
	struct tc_buf path = {0};

	tc_buf_puts(&path, "/channels/");
	rest_escape(&path, channel);
	tc_buf_puts(&path, "/continue");
	rest_send(ari->rest, REST_NORMAL, "POST", path.data, NULL, ari->cfg->timeout_ms, NULL,
		  NULL);
	tc_buf_fini(&path);
}

void link_stranger(struct ari *ari, const struct message *m)
{
	struct tc_pbx_event found = {.type = TC_PBX_FOUND};
	struct leg *leg;

	if (m->type != MESSAGE_STASIS_START && m->type != MESSAGE_STATE &&
	    m->type != MESSAGE_DIAL) {
		ari->unknown++;
	} else if (media_is_ours(m->channel)) {
		resync_sweep(ari, "/channels/", m->channel);
	} else if (ari_is_call_id(m->channel)) {
		tc_strcopy(found.call_id, sizeof(found.call_id), m->channel);
		tc_pbx_event(ari->self, &found);
	} else if (m->type == MESSAGE_STASIS_START && ari->cfg->inbound) {
		leg = leg_incoming(ari, m);
		leg_report(leg, TC_PBX_INCOMING);
	} else if (m->type == MESSAGE_STASIS_START) {
		give_back(ari, m->channel);
	}
}

static void dispatch(struct ari *ari, const struct message *m)
{
	struct leg *leg;

	if (m->playback[0]) {
		leg = leg_of_part(ari, m->playback);
		if (!leg)
			medias_message(ari->medias, m);
		else
			media_message(leg, m);
		return;
	}
	leg = leg_of_channel(ari, m->channel);
	if (leg) {
		leg_message(leg, m);
		return;
	}
	leg = leg_of_part(ari, m->channel);
	if (leg)
		media_message(leg, m);
	else if (m->channel[0] && !medias_message(ari->medias, m))
		link_stranger(ari, m);
}

static void count_replaced(struct link *link)
{
	int64_t now_us = tc_now_us();

	if (now_us - link->replaced_us > REPLACED_WINDOW_US) {
		link->replaced_us = now_us;
		link->replacements = 0;
		link->replaced_ms = REPLACED_MS;
	}
	link->replacements++;
	link->replaced = true;
}

static void heard(struct link *link)
{
	link->echo_us = 0;
	if (link->heard || !link->synced)
		return;
	link->heard = true;
	tc_timer_stop(link->first);
	judge(link, "Asterisk does not answer requests");
	ari_hold(link->ari, NULL);
}

static void on_text(void *arg, const char *data, size_t len)
{
	struct link *link = arg;
	json_t *json = json_loadb(data, len, 0, NULL);
	struct message m;

	link->events++;
	if (!json || message_parse(json, &m)) {
		tc_log(link->ari->self, TC_LOG_WARN, "Asterisk sent what is no event");
	} else if (is_echo(&m)) {
		heard(link);
	} else if (m.type == MESSAGE_REPLACED) {
		count_replaced(link);
		tc_log(link->ari->self, TC_LOG_ERROR,
		       "another program has taken the application '%s': each daemon needs its own",
		       link->ari->cfg->app);
		/* Asterisk leaves the connection open, and sends nothing on it any more */
		link_broken(link, "replaced");
	} else {
		dispatch(link->ari, &m);
	}
	json_decref(json);
}

/* ---- its life ---- */

static void on_opened(void *arg)
{
	struct link *link = arg;

	link->open = true;
	link->reconnects++;
	ari_hold(link->ari, "connecting to Asterisk");
	send_ping(link);
	resync(link->ari);
}

/* Between half and the whole of it: many daemons do not come all at once. */
static int64_t with_jitter(int64_t delay_ms)
{
	return delay_ms / 2 + tc_now_us() % (delay_ms / 2 + 1);
}

static void connect_later(struct link *link)
{
	int64_t delay_ms;

	if (link->replaced && link->replacements > REPLACED_QUICK) {
		delay_ms = link->replaced_ms;
		if (link->replaced_ms < REPLACED_MAX_MS)
			link->replaced_ms *= 2;
	} else {
		delay_ms = with_jitter(link->backoff_ms);
		if (link->backoff_ms < BACKOFF_MAX_MS)
			link->backoff_ms *= 2;
	}
	if (link->backoff_ms > BACKOFF_MAX_MS)
		link->backoff_ms = BACKOFF_MAX_MS;
	link->open = link->synced = link->heard = false;
	link->echo_us = 0;
	tc_timer_stop(link->first);
	resync_stop(link->ari);
	tc_timer_start(link->again, delay_ms);
}

static void on_closed(void *arg, int status, const char *text)
{
	struct link *link = arg;
	char why[160];

	link->socket = NULL;
	connect_later(link);
	ari_hold(link->ari, NULL);
	if (link->replaced)
		snprintf(why, sizeof(why), "another program has taken the application '%s'",
			 link->ari->cfg->app);
	else if (status == 401 || status == 403)
		snprintf(why, sizeof(why), "Asterisk refuses the login of '%s' (%d)",
			 link->ari->cfg->user, status);
	else
		snprintf(why, sizeof(why), "no events from Asterisk: %s", text);
	if (!link->failures++ && !link->told)
		tc_log(link->ari->self, TC_LOG_WARN, "%s", why);
	judge(link, why);
}

static void connect_now(void *arg)
{
	static const struct socket_events events = {
		.opened = on_opened, .text = on_text, .closed = on_closed};
	struct link *link = arg;
	const struct ari_config *cfg = link->ari->cfg;
	char *url = ari_events_url(cfg);
	struct socket_target target = {.url = url,
				       .protocol = "ari",
				       .user = cfg->user,
				       .password = cfg->password,
				       .ping_ms = cfg->keepalive_ms,
				       .timeout_ms = cfg->timeout_ms};

	link->replaced = false;
	link->socket = socket_open(link->ari->sockets, &target, &events, link);
	free(url);
}

void link_broken(struct link *link, const char *why)
{
	if (!link->socket)
		return;
	socket_close(link->socket);
	on_closed(link, 0, why);
}

void link_unsynced(struct link *link, const char *why)
{
	char text[160];

	snprintf(text, sizeof(text), "Asterisk does not list its calls: %s", why);
	ari_hold(link->ari, NULL); /* that it is down says enough */
	judge(link, text);
}

void link_speech(struct link *link, const char *why)
{
	link->mute[0] = '\0';
	if (why)
		snprintf(link->mute, sizeof(link->mute), "Asterisk cannot be given any speech: %s",
			 why);
	judge(link, link->text);
}

static void not_heard(void *arg)
{
	link_broken(arg, "they do not arrive");
}

/* What was missed is known; now what comes must arrive. */
void link_synced(struct link *link)
{
	link->synced = link->answered = true;
	ari_hold(link->ari, "connecting to Asterisk"); /* until heard(), or it is closed */
	judge(link, "waiting for the first event");
	if (link->pinging)
		rest_cancel(link->pinging);
	link->pinging = NULL;
	tc_timer_start(link->first, HEARD_MS);
	send_ping(link);
}

struct link *link_new(struct ari *ari)
{
	struct link *link = tc_alloc(sizeof(*link));

	link->ari = ari;
	link->backoff_ms = BACKOFF_MIN_MS;
	link->replaced_ms = REPLACED_MS;
	link->again = tc_timer_new(ari->self, connect_now, link);
	link->ping = tc_timer_new(ari->self, send_ping, link);
	link->first = tc_timer_new(ari->self, not_heard, link);
	tc_strcopy(link->text, sizeof(link->text), "connecting");
	tc_pbx_health(ari->self, false, link->text);
	/* an alert that comes in the first moments waits for them to be over */
	ari_hold(ari, "connecting to Asterisk");
	tc_timer_start(link->again, 0);
	return link;
}

void link_free(struct link *link)
{
	if (!link)
		return;
	if (link->socket)
		socket_close(link->socket);
	if (link->pinging)
		rest_cancel(link->pinging);
	tc_timer_free(link->again);
	tc_timer_free(link->ping);
	tc_timer_free(link->first);
	free(link);
}
