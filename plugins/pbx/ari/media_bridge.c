/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bridge of two: made while it rings, our channel in it, so that after the answer there is one
 * request left.
 */
#include "media_bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media.h"

#define LOST_MS  1000 /* after this the news that a channel has come may have been missed */
#define RETRY_MS 10   /* then twice that, and so on */
#define RETRIES  9    /* 5 s */

/* What comes next. */
enum step { MAKE, ADD_OURS, ADD_CALL, TOGETHER };

struct bridge {
	struct leg *leg;
	char id[PART_SIZE], channel[PART_SIZE]; /* channel: ours */
	enum step step;
	struct rest_want *want;
	struct tc_timer *again;
	unsigned tries;
	bool entered, wanted;
	bridge_done_fn done;
	void *arg;
};

static void on_reply(void *arg, const struct rest_reply *reply);

static struct rest_want *ask(struct bridge *bridge, enum rest_class class, const char *path,
			     json_t *body)
{
	struct ari *ari = bridge->leg->ari;

	return rest_send(ari->rest, class, "POST", path, body, ari->cfg->timeout_ms, on_reply,
			 bridge);
}

/* With the id in the path it is no fault if there is one of an earlier process. */
static void make(struct bridge *bridge)
{
	char path[64];

	snprintf(path, sizeof(path), "/bridges/%s", bridge->id);
	bridge->want =
		ask(bridge, REST_NORMAL, path,
		    json_pack("{s:s, s:s}", "type", "mixing", "name", bridge->leg->ari->cfg->app));
}

static void add(struct bridge *bridge, const char *channel)
{
	struct tc_buf path = {0};

	tc_buf_printf(&path, "/bridges/%s/addChannel?channel=", bridge->id);
	rest_escape(&path, channel);
	bridge->want = ask(bridge, REST_URGENT, path.data, NULL);
	tc_buf_fini(&path);
}

/* Do the next step if its time has come. */
static void go_on(struct bridge *bridge)
{
	if (bridge->want)
		return;
	tc_timer_stop(bridge->again);
	if (bridge->step == MAKE)
		make(bridge);
	else if (bridge->step == ADD_OURS && bridge->entered)
		add(bridge, bridge->channel);
	else if (bridge->step == ADD_OURS && bridge->wanted)
		tc_timer_start(bridge->again, LOST_MS);
	else if (bridge->step == ADD_CALL && bridge->wanted)
		add(bridge, bridge->leg->channel);
}

static void on_again(void *arg)
{
	struct bridge *bridge = arg;

	bridge->entered = true;
	go_on(bridge);
}

static void refused(struct bridge *bridge, const struct rest_reply *reply)
{
	/* 409, 422: the channel is not (yet) in our application */
	bool passing = !reply->status || reply->status == 409 || reply->status == 422;
	char why[200];

	if (passing && bridge->tries < RETRIES) {
		tc_timer_start(bridge->again, RETRY_MS << bridge->tries++);
		return;
	}
	snprintf(why, sizeof(why), "no bridge with the call: %s", reply->text);
	bridge->done(bridge->arg, why);
}

static void on_reply(void *arg, const struct rest_reply *reply)
{
	struct bridge *bridge = arg;

	bridge->want = NULL;
	if (reply->status < 200 || reply->status >= 300) {
		refused(bridge, reply);
		return;
	}
	bridge->tries = 0;
	if (++bridge->step == TOGETHER)
		bridge->done(bridge->arg, NULL);
	else
		go_on(bridge);
}

void bridge_entered(struct bridge *bridge)
{
	bridge->entered = true;
	go_on(bridge);
}

void bridge_join(struct bridge *bridge)
{
	bridge->wanted = true;
	go_on(bridge);
}

const char *bridge_part(const struct leg *leg, char letter, char part[PART_SIZE])
{
	snprintf(part, PART_SIZE, "%s-%c", leg->id, letter);
	return part;
}

struct bridge *bridge_new(struct leg *leg, char letter, char channel, bridge_done_fn done,
			  void *arg)
{
	struct bridge *bridge = tc_alloc(sizeof(*bridge));

	bridge->leg = leg;
	bridge_part(leg, letter, bridge->id);
	bridge_part(leg, channel, bridge->channel);
	bridge->again = tc_timer_new(leg->ari->self, on_again, bridge);
	bridge->done = done;
	bridge->arg = arg;
	go_on(bridge);
	return bridge;
}

void bridge_delete(struct ari *ari, const char *kind, const char *id)
{
	struct tc_buf path = {0};

	tc_buf_printf(&path, "/%s/", kind);
	rest_escape(&path, id);
	rest_send(ari->rest, REST_NORMAL, "DELETE", path.data, NULL, ari->cfg->timeout_ms, NULL,
		  NULL);
	tc_buf_fini(&path);
}

void bridge_free(struct bridge *bridge)
{
	if (!bridge)
		return;
	if (bridge->want)
		rest_cancel(bridge->want);
	bridge_delete(bridge->leg->ari, "bridges", bridge->id);
	tc_timer_free(bridge->again);
	free(bridge);
}
