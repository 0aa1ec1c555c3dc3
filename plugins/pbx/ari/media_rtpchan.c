/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTP channels: a local port, and POST /channels/externalMedia. Which of our addresses leads to
 * Asterisk is found out once, when the first is made; IPv4 only.
 */
#include "media_rtpchan.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media_bridge.h"
#include "resolve.h"

#define EXPEDITED 0xb8 /* DSCP EF, RFC 3246 */
#define RECEIVE   32768 /* bytes: what comes while the loop is busy */

struct rtpchan {
	TAILQ_ENTRY(rtpchan) link; /* while it waits for the address */
	struct rtpnet *net;
	char *channel; /* owned */
	const struct rtpchan_events *events;
	void *arg;
	struct rest_want *want;
	struct tc_timer *fail; /* tells failed() */
	char why[256];
	bool waiting;
	int fd;
	uint16_t port;
};

struct rtpnet {
	struct ari *ari;
	struct resolver *resolver; /* NULL until it is needed */
	struct resolving *resolving;
	struct in_addr theirs, ours; /* ours: the one that leads to theirs; 0 = not yet known */
	uint16_t min, max, next;
	TAILQ_HEAD(, rtpchan) waiting;
};

static void on_fail(void *arg)
{
	struct rtpchan *chan = arg;

	chan->events->failed(chan->arg, chan->why);
}

/* Never inside a call. */
static void fail(struct rtpchan *chan, const char *what, const char *why)
{
	snprintf(chan->why, sizeof(chan->why), "%s: %s", what, why);
	tc_timer_start(chan->fail, 0);
}

/* ---- a channel ---- */

static int bind_port(struct rtpchan *chan)
{
	struct rtpnet *net = chan->net;
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = net->ours};
	int tos = EXPEDITED, receive = RECEIVE;

	chan->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (chan->fd < 0)
		return -errno;
	/* Wishes only. */
	setsockopt(chan->fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	setsockopt(chan->fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive));
	for (unsigned i = (unsigned)(net->max - net->min) / 2 + 1; i > 0; i--) {
		chan->port = net->next;
		net->next = chan->port + 2 > net->max ? net->min : (uint16_t)(chan->port + 2);
		in.sin_port = htons(chan->port);
		if (!bind(chan->fd, (struct sockaddr *)&in, sizeof(in)))
			return 0;
	}
	return -EADDRINUSE;
}

static const char *variable(const struct rest_reply *reply, const char *name)
{
	const char *value = json_string_value(
		json_object_get(json_object_get(reply->json, "channelvars"), name));

	return value ? value : "";
}

static void on_made(void *arg, const struct rest_reply *reply)
{
	struct rtpchan *chan = arg;
	struct sockaddr_in to = {.sin_family = AF_INET};
	unsigned long port;

	chan->want = NULL;
	if (reply->status != 200) {
		fail(chan, "no channel for speech", reply->text);
		return;
	}
	port = strtoul(variable(reply, "UNICASTRTP_LOCAL_PORT"), NULL, 10);
	if (inet_pton(AF_INET, variable(reply, "UNICASTRTP_LOCAL_ADDRESS"), &to.sin_addr) != 1 ||
	    !to.sin_addr.s_addr)
		to.sin_addr = chan->net->theirs; /* it listens at all of its addresses */
	if (!port || port > 65535) {
		fail(chan, "no channel for speech", "Asterisk does not say where it takes RTP");
		return;
	}
	to.sin_port = htons((uint16_t)port);
	chan->events->open(chan->arg, &to);
}

static void make(struct rtpchan *chan)
{
	struct ari *ari = chan->net->ari;
	const struct ari_config *cfg = ari->cfg;
	char address[INET_ADDRSTRLEN], host[96];
	int err = bind_port(chan);

	if (err) {
		fail(chan, cfg->rtp_ports, tc_strerror(err));
		return;
	}
	inet_ntop(AF_INET, &chan->net->ours, address, sizeof(address));
	snprintf(host, sizeof(host), "%s:%u", cfg->rtp_address ? cfg->rtp_address : address,
		 chan->port);
	chan->want = rest_send(ari->rest, REST_NORMAL, "POST", "/channels/externalMedia",
			       json_pack("{s:s, s:s, s:s, s:s}", "channelId", chan->channel, "app",
					 cfg->app, "external_host", host, "format", "ulaw"),
			       cfg->timeout_ms, on_made, chan);
}

int rtpchan_fd(const struct rtpchan *chan)
{
	return chan->fd;
}

/* ---- addresses ---- */

/* Our end of the way to theirs. No packet is sent by this. */
static int find_ours(struct rtpnet *net)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = net->theirs, .sin_port = 9};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) ||
	    getsockname(fd, (struct sockaddr *)&in, &len))
		err = -errno;
	else
		net->ours = in.sin_addr;
	close(fd);
	return err;
}

static void on_resolved(void *arg, const struct resolve_result *result)
{
	struct rtpnet *net = arg;
	const char *why = result->fault;
	struct rtpchan *chan;
	unsigned i = 0;

	net->resolving = NULL;
	while (i < result->n && inet_pton(AF_INET, result->address[i], &net->theirs) != 1)
		i++;
	if (i < result->n) {
		int err = find_ours(net);
		why = err ? tc_strerror(err) : NULL;
	} else if (result->n) {
		why = "it has no IPv4 address";
	}
	while ((chan = TAILQ_FIRST(&net->waiting))) {
		TAILQ_REMOVE(&net->waiting, chan, link);
		chan->waiting = false;
		if (why)
			fail(chan, "the way to Asterisk", why);
		else
			make(chan);
	}
}

char *rtpnet_host(const char *url)
{
	const char *host = strstr(url, "://");
	const char *at;

	host = host ? host + 3 : url;
	if (*host == '[')
		return tc_strndup(host + 1, strcspn(host + 1, "]"));
	at = host + strcspn(host, ":/");
	return tc_strndup(host, (size_t)(at - host));
}

struct rtpchan *rtpchan_new(struct rtpnet *net, const char *channel,
			    const struct rtpchan_events *events, void *arg)
{
	struct rtpchan *chan = tc_alloc(sizeof(*chan));

	chan->net = net;
	chan->channel = tc_strdup(channel);
	chan->events = events;
	chan->arg = arg;
	chan->fd = -1;
	chan->fail = tc_timer_new(net->ari->self, on_fail, chan);
	if (net->ours.s_addr) {
		make(chan);
		return chan;
	}
	chan->waiting = true;
	TAILQ_INSERT_TAIL(&net->waiting, chan, link);
	if (!net->resolving) {
		char *host = rtpnet_host(net->ari->cfg->url);

		if (!net->resolver)
			net->resolver = resolver_new(net->ari->self, NULL);
		net->resolving = resolve(net->resolver, host, false, on_resolved, net);
		free(host);
	}
	return chan;
}

void rtpchan_free(struct rtpchan *chan)
{
	if (!chan)
		return;
	if (chan->waiting)
		TAILQ_REMOVE(&chan->net->waiting, chan, link);
	if (chan->want)
		rest_cancel(chan->want);
	if (chan->fd >= 0)
		close(chan->fd);
	bridge_delete(chan->net->ari, "channels", chan->channel);
	tc_timer_free(chan->fail);
	free(chan->channel);
	free(chan);
}

/* ---- all ---- */

struct rtpnet *rtpnet_new(struct ari *ari)
{
	struct rtpnet *net = tc_alloc(sizeof(*net));

	net->ari = ari;
	TAILQ_INIT(&net->waiting);
	if (ari_ports(ari->cfg->rtp_ports, &net->min, &net->max))
		net->min = net->max = 30000; /* was checked */
	net->next = net->min;
	return net;
}

void rtpnet_free(struct rtpnet *net)
{
	if (net->resolving)
		resolve_cancel(net->resolving);
	if (net->resolver)
		resolver_free(net->resolver);
	free(net);
}
