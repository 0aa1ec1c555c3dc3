/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media "websocket": we speak into a chan_websocket channel that is in a bridge with the call.
 * Sound is sent some seconds ahead, with marks at each second and at the end of each item, so that
 * Asterisk tells how far it is; what has not been played can be taken back at any time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "hear.h"
#include "media.h"
#include "media_bridge.h"
#include "media_wschan.h"
#include "rtp/resample.h"

#define AHEAD_MS    5000 /* Asterisk's queue holds 20 s */
#define CHUNK       ((size_t)WSCHAN_HZ)
#define CLOSED_MS   300   /* a PBX that goes down takes its connections first */
#define STUCK_MS    20000 /* so late no mark is, and a PBX that is down is known to be */
#define UNMARKED_MS 1500  /* so late no mark is: this version has none */

struct mark {
	STAILQ_ENTRY(mark) link;
	uint32_t number;
	uint32_t ms; /* of the list, up to here */
	bool end;    /* of an item */
};

struct ws_leg {
	struct leg *leg;
	struct wschan *chan;
	struct bridge *bridge;
	struct tc_timer *closed, *unmarked;
	bool entered; /* the channel is in our application */
	bool open, joined, blocked, broken, by_clock;
	const struct speech *list; /* borrowed, while it plays */
	size_t item, offset;       /* what is sent next: item, sample */
	struct tc_clip *clip;      /* its sound at the right rate; one reference, or NULL */
	uint32_t sent_ms, played_ms;
	int64_t began_us;          /* 0: not yet */
	uint32_t numbers;          /* of marks, given so far */
	STAILQ_HEAD(, mark) marks; /* sent, and not yet played */
};

/* ---- what is sent ---- */

static size_t next_item(const struct speech *list, size_t i)
{
	while (i < list->n && !list->items[i].ms)
		i++;
	return i;
}

/* The sound at 8 kHz; one reference, or NULL: no memory. Clips of the core are so already. */
static struct tc_clip *at_rate(struct tc_clip *clip)
{
	struct tc_clip *made;

	if (clip->rate_hz == WSCHAN_HZ)
		return tc_clip_ref(clip);
	made = tc_clip_new(WSCHAN_HZ, resample_length(clip->samples, clip->rate_hz));
	if (made && resample(clip->pcm, clip->samples, clip->rate_hz, made->pcm)) {
		tc_clip_unref(made);
		made = NULL;
	}
	return made;
}

static void add_mark(struct ws_leg *w, bool end)
{
	struct mark *mark = tc_alloc(sizeof(*mark));

	mark->number = ++w->numbers;
	mark->ms = w->sent_ms;
	mark->end = end;
	STAILQ_INSERT_TAIL(&w->marks, mark, link);
	wschan_mark(w->chan, mark->number);
}

/* Up to a second of the item; whole frames, filled up with silence. */
static void send_chunk(struct ws_leg *w)
{
	const struct speech_item *item = &w->list->items[w->item];
	size_t all = w->clip ? w->clip->samples : (size_t)item->ms * (WSCHAN_HZ / 1000);
	size_t n = all - w->offset < CHUNK ? all - w->offset : CHUNK;
	size_t frames = (n + WSCHAN_FRAME - 1) / WSCHAN_FRAME;
	int16_t pcm[CHUNK];

	if (w->clip) {
		memcpy(pcm, w->clip->pcm + w->offset, n * sizeof(*pcm));
		memset(pcm + n, 0, (frames * WSCHAN_FRAME - n) * sizeof(*pcm));
	}
	wschan_send(w->chan, w->clip ? pcm : NULL, frames * WSCHAN_FRAME);
	w->offset += n;
	w->sent_ms += (uint32_t)frames * 20;
	add_mark(w, w->offset == all);
	if (w->offset < all)
		return;
	tc_clip_unref(w->clip);
	w->clip = NULL;
	w->offset = 0;
	w->item = next_item(w->list, w->item + 1);
}

static void expect_mark(struct ws_leg *w)
{
	const struct mark *mark = STAILQ_FIRST(&w->marks);
	int64_t ms;

	tc_timer_stop(w->unmarked);
	if (!mark)
		return;
	ms = mark->ms - (tc_now_us() - w->began_us) / 1000;
	if (!wschan_plain(w->chan))
		ms += STUCK_MS;
	else if (!w->by_clock)
		ms += UNMARKED_MS;
	tc_timer_start(w->unmarked, ms > 0 ? ms : 0);
}

static void feed(struct ws_leg *w)
{
	if (!w->list || !w->joined || !w->open || w->broken)
		return;
	if (!w->began_us) {
		w->began_us = tc_now_us();
		media_item_started(w->leg, w->item);
	}
	while (!w->blocked && w->item < w->list->n && w->sent_ms - w->played_ms < AHEAD_MS) {
		struct tc_clip *clip = w->list->items[w->item].clip;

		if (clip && !w->clip)
			w->clip = at_rate(clip);
		if (clip && !w->clip) {
			media_broken(w->leg, tc_strerror(-ENOMEM));
			return;
		}
		send_chunk(w);
	}
	expect_mark(w);
}

static void forget_list(struct ws_leg *w)
{
	struct mark *mark;

	while ((mark = STAILQ_FIRST(&w->marks))) {
		STAILQ_REMOVE_HEAD(&w->marks, link);
		free(mark);
	}
	tc_clip_unref(w->clip);
	w->clip = NULL;
	w->list = NULL;
	w->began_us = 0;
	tc_timer_stop(w->unmarked);
}

/* ---- what Asterisk tells ---- */

/* All up to the first mark has been played. */
static void pass_mark(struct ws_leg *w)
{
	struct mark *mark = STAILQ_FIRST(&w->marks);
	size_t next;
	bool end = mark->end;

	w->played_ms = mark->ms;
	STAILQ_REMOVE_HEAD(&w->marks, link);
	free(mark);
	if (!end)
		return;
	next = next_item(w->list, w->leg->media->at + 1);
	if (next < w->list->n) {
		media_item_started(w->leg, next);
	} else {
		forget_list(w);
		media_list_ended(w->leg, false);
	}
}

static void on_mark(void *arg, uint32_t number)
{
	struct ws_leg *w = arg;
	const struct mark *mark;

	/* Of one that was taken back the number is less than that of the first. */
	while ((mark = STAILQ_FIRST(&w->marks)) && mark->number <= number)
		pass_mark(w);
	feed(w);
}

/* A mark is overdue: by the clock what it marks has been played, if this version has no marks. */
static void on_unmarked(void *arg)
{
	struct ws_leg *w = arg;

	if (wschan_plain(w->chan)) {
		w->by_clock = true;
		pass_mark(w);
		feed(w);
	} else if (link_up(w->leg->ari->link)) {
		media_broken(w->leg, "Asterisk does not play what it was sent");
	} else { /* a PBX that stands still plays on later */
		tc_timer_start(w->unmarked, STUCK_MS);
	}
}

static void on_flow(void *arg, bool go)
{
	struct ws_leg *w = arg;

	w->blocked = !go;
	feed(w);
}

static void on_open(void *arg)
{
	struct ws_leg *w = arg;

	w->open = true;
	feed(w);
}

static void on_sound(void *arg, const int16_t *pcm, size_t n)
{
	struct ws_leg *w = arg;

	if (w->leg->state == LEG_UP)
		hear_sound(w->leg, pcm, n);
}

static void on_bridge(void *arg, const char *why)
{
	struct ws_leg *w = arg;

	if (why) {
		media_broken(w->leg, why);
		return;
	}
	w->joined = true;
	feed(w);
}

static void on_closed_long(void *arg)
{
	struct ws_leg *w = arg;

	if (link_up(w->leg->ari->link))
		media_broken(w->leg, "the connection for speech was lost");
	/* else when Asterisk is there again, by media_resume() */
}

static void on_failed(void *arg, const char *why)
{
	struct ws_leg *w = arg;

	w->broken = true;
	if (w->open)
		tc_timer_start(w->closed, CLOSED_MS);
	else
		media_broken(w->leg, why);
}

/* ---- a leg ---- */

static void begin(struct ws_leg *w)
{
	static const struct wschan_events events = {
		.open = on_open, .mark = on_mark, .flow = on_flow, .failed = on_failed};
	static const struct wschan_events hearing = {.open = on_open,
						     .mark = on_mark,
						     .flow = on_flow,
						     .sound = on_sound,
						     .failed = on_failed};
	bool hears = w->leg->ari->cfg->detect;
	char channel[PART_SIZE];

	bridge_part(w->leg, WEBSOCKET_CHANNEL, channel);
	w->chan = wschan_new(w->leg->ari, channel, hears ? &hearing : &events, w);
	w->bridge = bridge_new(w->leg, WEBSOCKET_BRIDGE, WEBSOCKET_CHANNEL, on_bridge, w);
}

static struct ws_leg *leg_of(struct leg *leg)
{
	struct ws_leg *w = leg->media->state;

	if (!w) {
		w = leg->media->state = tc_alloc(sizeof(*w));
		w->leg = leg;
		w->closed = tc_timer_new(leg->ari->self, on_closed_long, w);
		w->unmarked = tc_timer_new(leg->ari->self, on_unmarked, w);
		STAILQ_INIT(&w->marks);
		begin(w);
	}
	return w;
}

static void ws_prepare(struct leg *leg)
{
	leg_of(leg);
}

static void ws_play(struct leg *leg, const struct speech *list, size_t from)
{
	struct ws_leg *w = leg_of(leg);

	w->list = list;
	w->item = from;
	w->offset = 0;
	w->sent_ms = w->played_ms = 0;
	bridge_join(w->bridge);
	feed(w);
}

static void ws_stop(struct leg *leg)
{
	struct ws_leg *w = leg_of(leg);

	if (w->began_us)
		wschan_flush(w->chan);
	forget_list(w);
}

static void ws_message(struct leg *leg, const struct message *m)
{
	struct ws_leg *w = leg_of(leg);

	/* Before that it is of one that an earlier process had. */
	if (m->type == MESSAGE_STASIS_START) {
		w->entered = true;
		bridge_entered(w->bridge);
	}
	if (m->type == MESSAGE_DESTROYED && w->entered)
		on_failed(w, "the channel for speech was hung up");
}

/* Nobody has looked after the connection for speech: it is made anew. */
static bool ws_resume(struct leg *leg)
{
	(void)leg;
	return false;
}

static void ws_end(struct leg *leg)
{
	struct ws_leg *w = leg->media->state;

	if (!w)
		return;
	forget_list(w);
	wschan_free(w->chan);
	bridge_free(w->bridge);
	tc_timer_free(w->closed);
	tc_timer_free(w->unmarked);
	free(w);
	leg->media->state = NULL;
}

/* ---- proving that it works ---- */

struct websocket {
	struct ari *ari;
	struct rest_want *want;
	struct wschan *chan;
};

static void *ws_open(struct ari *ari)
{
	struct websocket *own = tc_alloc(sizeof(*own));

	own->ari = ari;
	return own;
}

static void ws_close(void *own)
{
	free(own);
}

/* Since 20.16, 21.11 and 22.6; whether the module is there is seen by the probe. */
static bool ws_usable(struct ari *ari, char *why, size_t size_bytes)
{
	if (ari->major >= 20)
		return true;
	snprintf(why, size_bytes, "%s",
		 ari->major ? "this Asterisk has no chan_websocket" : "not yet connected");
	return false;
}

static void on_probe_open(void *arg)
{
	struct websocket *own = arg;

	media_probed(own->ari, &media_websocket, true, "connected on trial");
}

static void on_probe_failed(void *arg, const char *why)
{
	struct websocket *own = arg;

	media_probed(own->ari, &media_websocket, false, why);
}

static void on_probe_mark(void *arg, uint32_t number)
{
	(void)arg;
	(void)number;
}

static void on_probe_flow(void *arg, bool go)
{
	(void)arg;
	(void)go;
}

static void on_module(void *arg, const struct rest_reply *reply)
{
	static const struct wschan_events events = {.open = on_probe_open,
						    .mark = on_probe_mark,
						    .flow = on_probe_flow,
						    .failed = on_probe_failed};
	struct websocket *own = arg;
	const char *status = json_string_value(json_object_get(reply->json, "status"));
	char *name;

	own->want = NULL;
	if (reply->status == 404 || (status && strcmp(status, "Running") != 0)) {
		on_probe_failed(own, "chan_websocket is not loaded");
	} else if (reply->status != 200) {
		on_probe_failed(own, reply->text);
	} else {
		name = media_probe_name(own->ari, &media_websocket);
		own->chan = wschan_new(own->ari, name, &events, own);
		free(name);
	}
}

static void ws_probe(struct ari *ari)
{
	struct websocket *own = media_own(ari, &media_websocket);

	own->want = rest_send(ari->rest, REST_NORMAL, "GET", "/asterisk/modules/chan_websocket.so",
			      NULL, ari->cfg->timeout_ms, on_module, own);
}

static void ws_probe_message(struct ari *ari, const struct message *m)
{
	(void)ari;
	(void)m;
}

static void ws_probe_end(struct ari *ari)
{
	struct websocket *own = media_own(ari, &media_websocket);

	if (own->want)
		rest_cancel(own->want);
	own->want = NULL;
	wschan_free(own->chan);
	own->chan = NULL;
}

const struct media_way media_websocket = {
	.id = ARI_MEDIA_WEBSOCKET,
	.name = "websocket",
	.hears = true,
	.open = ws_open,
	.close = ws_close,
	.usable = ws_usable,
	.probe = ws_probe,
	.probe_message = ws_probe_message,
	.probe_end = ws_probe_end,
	.prepare = ws_prepare,
	.play = ws_play,
	.stop = ws_stop,
	.message = ws_message,
	.resume = ws_resume,
	.end = ws_end,
};
