/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media "externalmedia": we send RTP, at its pace, to a channel that is in a bridge with the call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include <tocsin/alloc.h>

#include "hear.h"
#include "media.h"
#include "media_bridge.h"
#include "media_rtp_probe.h"
#include "media_rtpchan.h"
#include "rtp/pacer.h"

#define CLIPS_BYTES ((size_t)8 * 1024 * 1024)

struct rtp {
	struct ari *ari;
	struct rtpnet *net;
	struct clips *clips;
	struct pacer *pacer; /* NULL until it is needed */
	int notify_fd;
	struct event *notify;
	uint32_t lists; /* numbers that they were given */
	struct rtp_probe *probe;
};

struct rtp_leg {
	struct leg *leg;
	struct rtpchan *chan;
	struct bridge *bridge;
	struct stream *stream; /* NULL until the channel is open */
	struct event *sound;   /* what comes back; the same */
	struct in_addr peer;   /* Asterisk */
	bool entered;          /* the channel is in our application */
	bool joined;
	const struct speech *list; /* borrowed, while it plays */
	size_t from;
	bool began;
	uint32_t number; /* of the list: ends of older ones may still come */
};

/* ---- playing ---- */

static size_t next_item(const struct speech *list, size_t i)
{
	while (i < list->n && !list->items[i].ms)
		i++;
	return i;
}

/* As it goes on the wire; NULL: no memory. */
static struct playlist *coded(struct rtp *rtp, const struct speech *list, size_t from,
			      uint32_t number)
{
	struct playlist *out = playlist_new(number, list->n - from);

	for (size_t i = from; i < list->n; i++) {
		struct playlist_item *item = &out->items[i - from];

		item->ms = list->items[i].ms;
		item->frames = (item->ms + 19) / 20;
		if (!list->items[i].clip || !item->ms)
			continue;
		item->coded = clips_get(rtp->clips, list->items[i].clip);
		if (!item->coded) {
			playlist_free(out);
			return NULL;
		}
		item->frames = item->coded->frames;
	}
	return out;
}

static void begin(struct rtp_leg *r)
{
	struct rtp *rtp = media_own(r->leg->ari, &media_rtp);
	struct playlist *list;

	if (!r->list || r->began || !r->joined || !r->stream)
		return;
	list = coded(rtp, r->list, r->from, r->number);
	if (!list) {
		media_broken(r->leg, tc_strerror(-ENOMEM));
		return;
	}
	r->began = true;
	stream_play(r->stream, list);
	media_item_started(r->leg, r->from);
}

static void item_ended(struct rtp_leg *r, const struct playlist_end *end)
{
	size_t item = r->from + end->item, next;

	if (!r->list || end->play_id != r->number || !r->list->items[item].ms)
		return;
	/* What a PBX does that is not heard of is not known: media_resume() follows. */
	if (!link_up(r->leg->ari->link))
		return;
	next = next_item(r->list, item + 1);
	if (next < r->list->n) {
		media_item_started(r->leg, next);
	} else {
		r->list = NULL;
		media_list_ended(r->leg, false);
	}
}

static void on_notify(evutil_socket_t fd, short what, void *arg)
{
	struct rtp *rtp = arg;
	struct pacer_end *note;
	uint64_t count;

	(void)what;
	(void)!read(fd, &count, sizeof(count));
	while ((note = pacer_take(rtp->pacer))) {
		struct leg *leg = leg_find(rtp->ari, note->call_id);

		if (leg && leg->media && leg->media->way == &media_rtp && leg->media->state)
			item_ended(leg->media->state, &note->end);
		free(note);
	}
}

/* ---- a leg ---- */

#define PACKETS 16 /* that are read in one turn of the loop */
#define HEADER  12

/* The far end's sound, as the bridge gives it to our channel. */
static void on_sound(evutil_socket_t fd, short what, void *arg)
{
	struct rtp_leg *r = arg;
	struct sockaddr_in from = {0};
	uint8_t packet[HEADER + 480];
	int16_t pcm[480];

	(void)what;
	for (int i = 0; i < PACKETS; i++) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, packet, sizeof(packet), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &len);

		if (n < 0)
			return;
		/* nothing but 20 ms or so of u-law is asked for */
		if (n <= HEADER || packet[0] != 0x80 || (packet[1] & 0x7f) != G711_ULAW ||
		    from.sin_addr.s_addr != r->peer.s_addr || r->leg->state != LEG_UP)
			continue;
		g711_decode(G711_ULAW, packet + HEADER, pcm, (size_t)n - HEADER);
		hear_sound(r->leg, pcm, (size_t)n - HEADER);
	}
}

/* result: false: there can be no thread */
static bool have_pacer(struct rtp *rtp)
{
	if (!rtp->pacer)
		rtp->pacer = pacer_new(rtp->ari->self, rtp->notify_fd);
	return rtp->pacer != NULL;
}

static void on_open(void *arg, const struct sockaddr_in *to)
{
	struct rtp_leg *r = arg;
	struct rtp *rtp = media_own(r->leg->ari, &media_rtp);

	if (!have_pacer(rtp)) {
		media_broken(r->leg, "there can be no thread that sends");
		return;
	}
	r->stream = stream_new(rtp->pacer, r->leg->id, rtpchan_fd(r->chan));
	stream_aim(r->stream, to, G711_ULAW);
	/* Silence: Asterisk 16 heeds a channel's commands every 200 ms, or when a frame comes. */
	stream_start(r->stream);
	r->peer = to->sin_addr;
	r->sound = event_new(tc_instance_loop(rtp->ari->self), rtpchan_fd(r->chan),
			     EV_READ | EV_PERSIST, on_sound, r);
	event_add(r->sound, NULL);
	begin(r);
}

static void on_failed(void *arg, const char *why)
{
	struct rtp_leg *r = arg;

	media_broken(r->leg, why);
}

static void on_bridge(void *arg, const char *why)
{
	struct rtp_leg *r = arg;

	if (why) {
		media_broken(r->leg, why);
		return;
	}
	r->joined = true;
	begin(r);
}

static struct rtp_leg *leg_of(struct leg *leg)
{
	static const struct rtpchan_events events = {.open = on_open, .failed = on_failed};
	struct rtp *rtp = media_own(leg->ari, &media_rtp);
	struct rtp_leg *r = leg->media->state;
	char channel[PART_SIZE];

	if (r)
		return r;
	r = leg->media->state = tc_alloc(sizeof(*r));
	r->leg = leg;
	r->chan = rtpchan_new(rtp->net, bridge_part(leg, RTP_CHANNEL, channel), &events, r);
	r->bridge = bridge_new(leg, RTP_BRIDGE, RTP_CHANNEL, on_bridge, r);
	return r;
}

static void rtp_prepare(struct leg *leg)
{
	leg_of(leg);
}

/* So that the sound is coded when it is answered. */
static void rtp_load(struct leg *leg, const struct speech *list)
{
	struct rtp *rtp = media_own(leg->ari, &media_rtp);
	struct playlist *made = coded(rtp, list, 0, 0);

	playlist_free(made);
}

static void rtp_play(struct leg *leg, const struct speech *list, size_t from)
{
	struct rtp *rtp = media_own(leg->ari, &media_rtp);
	struct rtp_leg *r = leg_of(leg);

	r->list = list;
	r->from = from;
	r->began = false;
	r->number = ++rtp->lists;
	bridge_join(r->bridge);
	begin(r);
}

static void rtp_stop(struct leg *leg)
{
	struct rtp_leg *r = leg_of(leg);

	r->list = NULL;
	if (r->stream)
		stream_play(r->stream, NULL);
}

/* Whether its channel and its bridge are still there is not known. */
static bool rtp_resume(struct leg *leg)
{
	(void)leg;
	return false;
}

static void rtp_end(struct leg *leg)
{
	struct rtp_leg *r = leg->media->state;

	if (!r)
		return;
	if (r->sound)
		event_free(r->sound);
	if (r->stream)
		stream_free(r->stream);
	rtpchan_free(r->chan);
	bridge_free(r->bridge);
	free(r);
	leg->media->state = NULL;
}

static void rtp_message(struct leg *leg, const struct message *m)
{
	struct rtp_leg *r = leg_of(leg);

	/* Before that it is of one that an earlier process had. */
	if (m->type == MESSAGE_STASIS_START) {
		r->entered = true;
		bridge_entered(r->bridge);
	}
	if (m->type == MESSAGE_DESTROYED && r->entered && link_up(leg->ari->link))
		media_broken(leg, "the channel for speech was hung up");
}

/* ---- the whole ---- */

static bool rtp_usable(struct ari *ari, char *why, size_t size_bytes)
{
	/* POST /channels/externalMedia came with 16.6 */
	if (ari->major >= 16)
		return true;
	snprintf(why, size_bytes, "%s",
		 ari->major ? "this Asterisk has no externalMedia" : "not yet connected");
	return false;
}

static void rtp_try(struct ari *ari)
{
	struct rtp *rtp = media_own(ari, &media_rtp);

	rtp->probe = rtp_probe_new(ari, rtp->net);
}

static void rtp_try_message(struct ari *ari, const struct message *m)
{
	(void)ari;
	(void)m;
}

static void rtp_try_end(struct ari *ari)
{
	struct rtp *rtp = media_own(ari, &media_rtp);

	rtp_probe_free(rtp->probe);
	rtp->probe = NULL;
}

static void *rtp_open(struct ari *ari)
{
	struct rtp *rtp = tc_alloc(sizeof(*rtp));

	rtp->ari = ari;
	rtp->net = rtpnet_new(ari);
	rtp->clips = clips_new(CLIPS_BYTES);
	rtp->notify_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rtp->notify = event_new(tc_instance_loop(ari->self), rtp->notify_fd, EV_READ | EV_PERSIST,
				on_notify, rtp);
	event_add(rtp->notify, NULL);
	return rtp;
}

static void rtp_close(void *own)
{
	struct rtp *rtp = own;

	if (rtp->pacer)
		pacer_free(rtp->pacer);
	event_free(rtp->notify);
	close(rtp->notify_fd);
	clips_free(rtp->clips);
	rtpnet_free(rtp->net);
	free(rtp);
}

const struct media_way media_rtp = {
	.id = ARI_MEDIA_RTP,
	.name = "externalmedia",
	.hears = true,
	.open = rtp_open,
	.close = rtp_close,
	.usable = rtp_usable,
	.probe = rtp_try,
	.probe_message = rtp_try_message,
	.probe_end = rtp_try_end,
	.prepare = rtp_prepare,
	.load = rtp_load,
	.play = rtp_play,
	.stop = rtp_stop,
	.message = rtp_message,
	.resume = rtp_resume,
	.end = rtp_end,
};
