/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bridge of two: asked for while it rings, so that after the answer there is one request.
 */
#include "media_bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 250
#define RETRIES  8

struct bridge {
	struct leg *leg;
	char id[TC_ID_SIZE + 4];
	struct rest_want *want;
	struct tc_timer *again;
	void (*next)(struct bridge *bridge);
	unsigned tries;
	bool made, wanted;
	bridge_done_fn done;
	void *arg;
};

static void on_again(void *arg)
{
	struct bridge *bridge = arg;

	bridge->next(bridge);
}

/* result: true: it will be tried again */
static bool again(struct bridge *bridge, const struct rest_reply *reply,
		  void (*next)(struct bridge *bridge))
{
	bool passing = !reply->status || reply->status == 409 || reply->status == 422;

	if (!passing || ++bridge->tries >= RETRIES)
		return false;
	bridge->next = next;
	tc_timer_start(bridge->again, RETRY_MS);
	return true;
}

/* ---- both channels ---- */

static void join(struct bridge *bridge);

static void on_joined(void *arg, const struct rest_reply *reply)
{
	struct bridge *bridge = arg;
	char why[200];

	bridge->want = NULL;
	if (reply->status >= 200 && reply->status < 300) {
		bridge->done(bridge->arg, NULL);
	} else if (reply->status == 404 || !again(bridge, reply, join)) {
		snprintf(why, sizeof(why), "no bridge with the call: %s", reply->text);
		bridge->done(bridge->arg, why);
	}
}

static void join(struct bridge *bridge)
{
	struct ari *ari = bridge->leg->ari;
	struct tc_buf path = {0};

	tc_buf_printf(&path, "/bridges/%s/addChannel?channel=%s-m,", bridge->id, bridge->leg->id);
	rest_escape(&path, bridge->leg->channel);
	bridge->want = rest_send(ari->rest, REST_URGENT, "POST", path.data, NULL,
				 ari->cfg->timeout_ms, on_joined, bridge);
	tc_buf_fini(&path);
}

void bridge_join(struct bridge *bridge)
{
	if (bridge->wanted)
		return;
	bridge->wanted = true;
	if (bridge->made)
		join(bridge);
}

/* ---- the bridge ---- */

static void make(struct bridge *bridge);

static void on_made(void *arg, const struct rest_reply *reply)
{
	struct bridge *bridge = arg;
	char why[200];

	bridge->want = NULL;
	if (reply->status >= 200 && reply->status < 300) {
		bridge->made = true;
		bridge->tries = 0;
		if (bridge->wanted)
			join(bridge);
	} else if (!again(bridge, reply, make)) {
		snprintf(why, sizeof(why), "no bridge for the call: %s", reply->text);
		bridge->done(bridge->arg, why);
	}
}

/* With the id in the path it is no fault if there is one of an earlier process. */
static void make(struct bridge *bridge)
{
	struct ari *ari = bridge->leg->ari;
	char path[64];

	snprintf(path, sizeof(path), "/bridges/%s", bridge->id);
	bridge->want = rest_send(ari->rest, REST_NORMAL, "POST", path,
				 json_pack("{s:s, s:s}", "type", "mixing", "name", bridge->id),
				 ari->cfg->timeout_ms, on_made, bridge);
}

struct bridge *bridge_new(struct leg *leg, bridge_done_fn done, void *arg)
{
	struct bridge *bridge = tc_alloc(sizeof(*bridge));

	bridge->leg = leg;
	snprintf(bridge->id, sizeof(bridge->id), "%s-b", leg->id);
	bridge->again = tc_timer_new(leg->ari->self, on_again, bridge);
	bridge->done = done;
	bridge->arg = arg;
	make(bridge);
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
