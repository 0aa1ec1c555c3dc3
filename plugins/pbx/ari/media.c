/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The play list of each leg: what plays, what of it was heard, and what happens when its way does
 * not work. How it is played is the ways' affair, which one is used media_choose.c's.
 */
#include "media.h"
#include "media_bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

void media_list_free(struct speech *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->n; i++)
		tc_clip_unref(list->items[i].clip);
	free(list);
}

static struct media_leg *media_of(struct leg *leg)
{
	if (!leg->media)
		leg->media = tc_alloc(sizeof(*leg->media));
	return leg->media;
}

/* ---- what was heard ---- */

/* So much of the item that plays has been heard. */
static uint32_t heard_ms(const struct media_leg *media)
{
	int64_t ms = media->since_us ? (tc_now_us() - media->since_us) / 1000 : 0;
	uint32_t all_ms = media->list->items[media->at].ms;

	return ms < (int64_t)all_ms ? (uint32_t)ms : all_ms;
}

/* A list that is stopped is not reported any more; what was spoken of it counts. */
static void count_part(struct leg *leg)
{
	const struct media_leg *media = leg->media;

	if (media->playing && media->list->items[media->at].clip)
		leg->spoken_ms += heard_ms(media);
}

static void report(struct leg *leg, uint32_t ms, bool whole)
{
	struct media_leg *media = leg->media;
	const struct speech_item *item = &media->list->items[media->at];

	leg_played(leg, media->list->play_id, (uint32_t)media->at, ms, whole, item->clip != NULL);
	media->at++;
}

static void drop_list(struct media_leg *media)
{
	media_list_free(media->list);
	media->list = NULL;
	media->at = 0;
	media->since_us = 0;
	media->playing = false;
}

void media_item_started(struct leg *leg, size_t item)
{
	struct media_leg *media = leg->media;

	if (!media->playing || item >= media->list->n || item < media->at)
		return;
	while (media->at < item)
		report(leg, media->list->items[media->at].ms, true);
	media->since_us = tc_now_us();
}

void media_list_ended(struct leg *leg, bool cut)
{
	struct media_leg *media = leg->media;

	if (!media->playing)
		return;
	if (cut) {
		report(leg, heard_ms(media), false);
		while (media->at < media->list->n)
			report(leg, 0, false);
	}
	while (media->at < media->list->n)
		report(leg, media->list->items[media->at].ms, true);
	drop_list(media);
}

/* ---- playing ---- */

static void hang_up(struct leg *leg)
{
	tc_log(leg->ari->self, TC_LOG_ERROR,
	       "call %s: there is no way left to speak to it: hanging up", leg->id);
	leg->mute = true; /* the trunk's fault: another one may be able to */
	leg_hangup(leg->ari, leg->id);
}

/* The leg's way, from now on; false: there is none. */
static bool choose(struct leg *leg)
{
	struct media_leg *media = leg->media;

	if (!media->way)
		media->way = medias_pick(leg->ari->medias, media->broken);
	if (media->prepared || !media->way || !media->way->prepare || media->cleaning)
		return media->way != NULL;
	/* not before: Asterisk takes an id for used when it is the beginning of another one */
	if (leg->state != LEG_ASKED) {
		media->prepared = true;
		media->way->prepare(leg);
	}
	return true;
}

static void start(struct leg *leg)
{
	struct media_leg *media = leg->media;

	if (!media->ready || !leg->in_app || media->cleaning || !media->list || media->playing)
		return;
	while (media->at < media->list->n && !media->list->items[media->at].ms)
		report(leg, 0, true);
	if (media->at == media->list->n) {
		drop_list(media);
	} else if (choose(leg)) {
		media->playing = true;
		media->way->play(leg, media->list, media->at);
	} else {
		hang_up(leg);
	}
}

void media_prepare(struct leg *leg)
{
	media_of(leg);
	choose(leg);
}

void media_ready(struct leg *leg)
{
	media_of(leg)->ready = true;
	start(leg);
}

int media_play(struct leg *leg, struct speech *list)
{
	struct media_leg *media = media_of(leg);

	if (media->playing) {
		count_part(leg);
		media->way->stop(leg);
	}
	drop_list(media);
	media->list = list;
	if (list && !media->ready && choose(leg) && media->way->load)
		media->way->load(leg, list);
	start(leg);
	return 0;
}

void media_broken(struct leg *leg, const char *why)
{
	struct media_leg *media = leg->media;
	const struct media_way *way = media->way;

	tc_log(leg->ari->self, TC_LOG_WARN, "call %s: media %s does not work: %s", leg->id,
	       way->name, why);
	media->broken |= 1u << way->id;
	way->end(leg);
	media->way = NULL;
	media->prepared = media->playing = false;
	media->since_us = 0;
	medias_doubt(leg->ari->medias, way);
	choose(leg);
	start(leg);
}

bool media_message(struct leg *leg, const struct message *m)
{
	struct media_leg *media = leg->media;

	if (!media || !media->way || media->cleaning)
		return false;
	media->way->message(leg, m);
	return true;
}

/* ---- what an earlier process left behind ---- */

#define PLAYBACKS 8 /* as many names as media_play.c has for a leg's */

#define PARTS (PLAYBACKS + 4)

struct cleaning {
	struct leg *leg;
	unsigned n; /* under way */
	struct part {
		struct cleaning *cleaning;
		struct rest_want *want;
	} parts[PARTS];
};

static void on_cleaned(void *arg, const struct rest_reply *reply)
{
	struct part *part = arg;
	struct cleaning *cleaning = part->cleaning;
	struct leg *leg = cleaning->leg;

	(void)reply; /* mostly a 404 */
	part->want = NULL;
	if (--cleaning->n)
		return;
	leg->media->cleaning = NULL;
	free(cleaning);
	choose(leg);
	start(leg);
}

static void clean_part(struct cleaning *cleaning, const char *kind, char suffix)
{
	struct ari *ari = cleaning->leg->ari;
	struct part *part = &cleaning->parts[cleaning->n++];
	char path[TC_ID_SIZE + 32];

	snprintf(path, sizeof(path), "/%s/%s-%c", kind, cleaning->leg->id, suffix);
	part->cleaning = cleaning;
	part->want = rest_send(ari->rest, REST_URGENT, "DELETE", path, NULL, ari->cfg->timeout_ms,
			       on_cleaned, part);
}

/* It may have spoken in any way. Until all that has ended nothing is played. */
static void clean(struct leg *leg)
{
	struct cleaning *cleaning = tc_alloc(sizeof(*cleaning));

	cleaning->leg = leg;
	leg->media->cleaning = cleaning;
	for (int i = 0; i < PLAYBACKS; i++)
		clean_part(cleaning, "playbacks", (char)('0' + i));
	clean_part(cleaning, "channels", WEBSOCKET_CHANNEL);
	clean_part(cleaning, "bridges", WEBSOCKET_BRIDGE);
	clean_part(cleaning, "channels", RTP_CHANNEL);
	clean_part(cleaning, "bridges", RTP_BRIDGE);
}

void media_resume(struct leg *leg)
{
	bool known = leg->media && !leg->recovering;
	struct media_leg *media = media_of(leg);

	if (media->playing) {
		media->way->stop(leg);
		drop_list(media);
	}
	if (known && (!media->way || !media->way->resume || media->way->resume(leg)))
		return;
	if (media->way)
		media->way->end(leg);
	media->way = NULL;
	media->prepared = false;
	if (!media->cleaning)
		clean(leg);
}

/* ---- the end ---- */

void media_end(struct leg *leg)
{
	struct media_leg *media = leg->media;

	if (!media)
		return;
	count_part(leg);
	if (media->way)
		media->way->end(leg);
	for (size_t i = 0; media->cleaning && i < PARTS; i++)
		if (media->cleaning->parts[i].want)
			rest_cancel(media->cleaning->parts[i].want);
	free(media->cleaning);
	media_list_free(media->list);
	free(media);
	leg->media = NULL;
}
