/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two channels and a bridge, some packets into the one, and what comes from the other.
 */
#include "media_rtp_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "media.h"
#include "media_bridge.h"
#include "rtp/g711.h"

#define FRAME    160
#define HEADER   12 /* RFC 3550 5.1 */
#define TICK_MS  20
#define TICKS    150 /* for so long packets are sent */
#define WAIT_MS  10000
#define AGAIN_MS 20

enum { IN, OUT };

struct rtp_probe {
	struct ari *ari;
	char *bridge;      /* owned; its id */
	char *channels[2]; /* owned */
	struct end {
		struct rtp_probe *probe;
		struct rtpchan *chan;
		bool open;
	} ends[2];
	struct sockaddr_in to;
	struct rest_want *want;
	struct tc_timer *tick, *again, *late;
	bool made;
	unsigned sent;
};

static void fail(struct rtp_probe *probe, const char *why)
{
	media_probed(probe->ari, &media_rtp, false, why);
}

/* ---- packets ---- */

static void send_frame(struct rtp_probe *probe)
{
	uint8_t packet[HEADER + FRAME] = {0x80, G711_ULAW};
	uint32_t stamp = probe->sent * FRAME;

	packet[3] = (uint8_t)probe->sent;
	packet[6] = (uint8_t)(stamp >> 8);
	packet[7] = (uint8_t)stamp;
	packet[11] = 1;
	memset(packet + HEADER, G711_ULAW_SILENCE, FRAME);
	(void)!sendto(rtpchan_fd(probe->ends[IN].chan), packet, sizeof(packet), MSG_DONTWAIT,
		      (struct sockaddr *)&probe->to, sizeof(probe->to));
	probe->sent++;
}

static void on_tick(void *arg)
{
	struct rtp_probe *probe = arg;
	uint8_t packet[HEADER + FRAME];

	if (recv(rtpchan_fd(probe->ends[OUT].chan), packet, sizeof(packet), MSG_DONTWAIT) >=
	    HEADER) {
		media_probed(probe->ari, &media_rtp, true, "RTP has gone there and back on trial");
		return;
	}
	if (probe->sent == TICKS) {
		fail(probe, "RTP sent to Asterisk does not come through");
		return;
	}
	send_frame(probe);
	tc_timer_start(probe->tick, TICK_MS);
}

static void on_late(void *arg)
{
	fail(arg, "Asterisk does not answer a trial");
}

/* ---- what is asked ---- */

static void on_joined(void *arg, const struct rest_reply *reply)
{
	struct rtp_probe *probe = arg;

	probe->want = NULL;
	if (reply->status >= 200 && reply->status < 300)
		tc_timer_start(probe->tick, 0);
	else if (reply->status == 409 || reply->status == 422)
		tc_timer_start(probe->again, AGAIN_MS); /* a channel is not yet in our app */
	else
		fail(probe, reply->text);
}

static void on_bridge(void *arg, const struct rest_reply *reply);

static void go_on(void *arg)
{
	struct rtp_probe *probe = arg;
	struct ari *ari = probe->ari;
	char *path;

	if (probe->want || !probe->ends[IN].open || !probe->ends[OUT].open)
		return;
	if (probe->made)
		path = tc_asprintf("/bridges/%s/addChannel?channel=%s,%s", probe->bridge,
				   probe->channels[IN], probe->channels[OUT]);
	else
		path = tc_asprintf("/bridges/%s", probe->bridge);
	probe->want = rest_send(
		ari->rest, REST_NORMAL, "POST", path,
		probe->made ? NULL
			    : json_pack("{s:s, s:s}", "type", "mixing", "name", ari->cfg->app),
		ari->cfg->timeout_ms, probe->made ? on_joined : on_bridge, probe);
	free(path);
}

static void on_bridge(void *arg, const struct rest_reply *reply)
{
	struct rtp_probe *probe = arg;

	probe->want = NULL;
	if (reply->status < 200 || reply->status >= 300) {
		fail(probe, reply->text);
		return;
	}
	probe->made = true;
	go_on(probe);
}

static void on_open(void *arg, const struct sockaddr_in *to)
{
	struct end *end = arg;
	struct rtp_probe *probe = end->probe;

	end->open = true;
	if (end == &probe->ends[IN])
		probe->to = *to;
	go_on(probe);
}

static void on_failed(void *arg, const char *why)
{
	struct end *end = arg;

	fail(end->probe, why);
}

struct rtp_probe *rtp_probe_new(struct ari *ari, struct rtpnet *net)
{
	static const struct rtpchan_events events = {.open = on_open, .failed = on_failed};
	struct rtp_probe *probe = tc_alloc(sizeof(*probe));

	probe->ari = ari;
	probe->bridge = media_probe_name(ari, &media_rtp);
	probe->tick = tc_timer_new(ari->self, on_tick, probe);
	probe->again = tc_timer_new(ari->self, go_on, probe);
	probe->late = tc_timer_new(ari->self, on_late, probe);
	tc_timer_start(probe->late, WAIT_MS);
	for (int i = IN; i <= OUT; i++) {
		probe->channels[i] = media_probe_name(ari, &media_rtp);
		probe->ends[i].probe = probe;
		probe->ends[i].chan =
			rtpchan_new(net, probe->channels[i], &events, &probe->ends[i]);
	}
	return probe;
}

void rtp_probe_free(struct rtp_probe *probe)
{
	if (!probe)
		return;
	if (probe->want)
		rest_cancel(probe->want);
	for (int i = IN; i <= OUT; i++) {
		rtpchan_free(probe->ends[i].chan);
		free(probe->channels[i]);
	}
	bridge_delete(probe->ari, "bridges", probe->bridge);
	tc_timer_free(probe->tick);
	tc_timer_free(probe->again);
	tc_timer_free(probe->late);
	free(probe->bridge);
	free(probe);
}
