/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After the connection for events was lost, or a process died: what is up in Asterisk, compared
 * with what we know. What is ours goes on, what is gone is told, what nobody knows is shown to the
 * core.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "ari.h"
#include "hear.h"
#include "media.h"

#define AGAIN_MIN_MS 500
#define AGAIN_MAX_MS 8000

/*
 * The connection for events stands, so a new one would not help: ask again, later and later. But
 * when our application is unknown it is of no use.
 */
static void failed(struct ari *ari, const struct rest_reply *reply)
{
	if (reply->status == 404) {
		link_broken(ari->link, reply->text);
		return;
	}
	link_unsynced(ari->link, reply->text);
	tc_timer_start(ari->relist, ari->relist_ms);
	if (ari->relist_ms < AGAIN_MAX_MS)
		ari->relist_ms *= 2;
}

static void listed(struct ari *ari, const char *method, const char *path, rest_done_fn done)
{
	ari->listing = rest_send(ari->rest, REST_URGENT, method, path, NULL, ari->cfg->timeout_ms,
				 done, ari);
}

/* ---- what none of our legs knows ---- */

void resync_sweep(struct ari *ari, const char *kind, const char *id)
{
	struct tc_buf path = {0};

	tc_buf_puts(&path, kind);
	rest_escape(&path, id);
	rest_send(ari->rest, REST_URGENT, "DELETE", path.data, NULL, ari->cfg->timeout_ms, NULL,
		  NULL);
	tc_buf_fini(&path);
}

/* Bridges of calls and trials that are over. */
static void sweep_bridges(struct ari *ari, const json_t *bridges)
{
	size_t i;
	json_t *bridge;

	json_array_foreach(bridges, i, bridge) {
		const char *id = json_string_value(json_object_get(bridge, "id"));
		const char *name = json_string_value(json_object_get(bridge, "name"));

		/* other daemons have theirs: the name is the application's */
		if (id && media_is_ours(id) && name && !strcmp(name, ari->cfg->app) &&
		    !leg_of_part(ari, id))
			resync_sweep(ari, "/bridges/", id);
	}
}

static bool in_list(const json_t *ids, const char *id)
{
	size_t i;
	json_t *v;

	json_array_foreach(ids, i, v)
		if (json_string_value(v) && !strcmp(json_string_value(v), id))
			return true;
	return false;
}

/* Those of our app that an earlier process has placed, or that have called meanwhile. */
static void show_strangers(struct ari *ari, const json_t *channels, const json_t *ids)
{
	size_t i;
	json_t *channel;

	json_array_foreach(channels, i, channel) {
		const char *id = json_string_value(json_object_get(channel, "id"));
		json_t *as_event;
		struct message m;

		if (!id || leg_of_channel(ari, id) || leg_of_part(ari, id) || !in_list(ids, id))
			continue;
		/* as if it had just come in: what there is to do is the same */
		as_event = json_pack("{s:s, s:O}", "type", "StasisStart", "channel", channel);
		if (as_event && !message_parse(as_event, &m))
			link_stranger(ari, &m);
		json_decref(as_event);
	}
}

/* ---- our legs ---- */

static const json_t *find(const json_t *channels, const char *id)
{
	size_t i;
	json_t *channel;

	json_array_foreach(channels, i, channel) {
		const char *other = json_string_value(json_object_get(channel, "id"));

		if (other && !strcmp(other, id))
			return channel;
	}
	return NULL;
}

/* The leg may be gone afterwards. */
static void compare(struct leg *leg, const json_t *channel)
{
	bool was_up = leg->state == LEG_UP;

	hear_missed(leg);
	if (!channel) {
		if (leg->asking)
			return; /* it may come yet: the answer will tell */
		if (leg->placed_us > leg->ari->listed_us)
			leg_look_up(leg); /* after the list was made */
		else
			leg_gone(leg);
		return;
	}
	if (leg->dialplan && leg->moved_us > leg->ari->listed_us)
		return; /* the list says where it was before */
	/* also of one that rings: what was made ready for the answer may be broken */
	if (was_up ? leg->in_app : leg->media && !leg->recovering)
		media_resume(leg);
	leg_sync(leg, channel);
	if (was_up && leg->in_app && !leg->hung_up)
		leg_report(leg, TC_PBX_RESUMED);
}

static void on_bridges(void *arg, const struct rest_reply *reply)
{
	struct ari *ari = arg;

	ari->listing = NULL;
	if (reply->status == 200)
		sweep_bridges(ari, reply->json);
	medias_choose(ari->medias);
}

static void on_channels(void *arg, const struct rest_reply *reply)
{
	struct ari *ari = arg;
	json_t *ids = ari->app_ids;
	struct leg *leg, *next;

	ari->listing = NULL;
	ari->app_ids = NULL;
	if (reply->status != 200 || !json_is_array(reply->json)) {
		json_decref(ids);
		failed(ari, reply);
		return;
	}
	for (leg = TAILQ_FIRST(&ari->legs); leg; leg = next) {
		next = TAILQ_NEXT(leg, link);
		compare(leg, find(reply->json, leg->channel));
	}
	show_strangers(ari, reply->json, ids);
	json_decref(ids);
	ari->is_deaf = false;
	tc_timer_stop(ari->deaf);
	link_synced(ari->link);
	listed(ari, "GET", "/bridges", on_bridges);
}

/* ---- what is asked, one after the other ---- */

static void on_app(void *arg, const struct rest_reply *reply)
{
	struct ari *ari = arg;

	ari->listing = NULL;
	if (reply->status != 200) {
		failed(ari, reply);
		return;
	}
	json_decref(ari->app_ids);
	ari->app_ids = json_incref(json_object_get(reply->json, "channel_ids"));
	ari->listed_us = tc_now_us();
	listed(ari, "GET", "/channels", on_channels);
}

static void on_info(void *arg, const struct rest_reply *reply)
{
	struct ari *ari = arg;
	const json_t *system = json_object_get(reply->json, "system");
	const char *version = json_string_value(json_object_get(system, "version"));
	struct tc_buf path = {0};

	ari->listing = NULL;
	if (reply->status != 200 || !version) {
		failed(ari, reply);
		return;
	}
	if (strcmp(ari->version, version) != 0)
		tc_log(ari->self, TC_LOG_INFO, "connected to Asterisk %s", version);
	tc_strcopy(ari->version, sizeof(ari->version), version);
	ari->major = (int)strtol(version, NULL, 10);
	tc_buf_puts(&path, "/applications/");
	rest_escape(&path, ari->cfg->app);
	listed(ari, "GET", path.data, on_app);
	tc_buf_fini(&path);
}

void resync_again(void *arg)
{
	struct ari *ari = arg;

	listed(ari, "GET", "/asterisk/info?only=system", on_info);
}

void resync(struct ari *ari)
{
	resync_stop(ari);
	ari->relist_ms = AGAIN_MIN_MS;
	resync_again(ari);
}

void resync_deaf(void *arg)
{
	struct ari *ari = arg;
	struct leg *leg, *next;

	for (leg = TAILQ_FIRST(&ari->legs); leg; leg = next) {
		next = TAILQ_NEXT(leg, link);
		if (leg->state != LEG_ASKED || !leg->asking) /* else its answer will tell */
			leg_give_up(leg, "nothing was heard of Asterisk for too long");
	}
}

void resync_stop(struct ari *ari)
{
	if (!ari->is_deaf) {
		ari->is_deaf = true;
		tc_timer_start(ari->deaf, ari->cfg->lost_after_ms);
	}
	tc_timer_stop(ari->relist);
	if (ari->listing)
		rest_cancel(ari->listing);
	ari->listing = NULL;
	json_decref(ari->app_ids);
	ari->app_ids = NULL;
}
