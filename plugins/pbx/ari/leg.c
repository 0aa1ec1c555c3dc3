/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls: what Asterisk is asked for, and what follows when it does not answer. What it reports by
 * itself is in leg_event.c.
 */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "ari.h"
#include "endpoint.h"
#include "hear.h"
#include "media.h"
#include "rtp/keys.h"

#define BACKSTOP_S 3     /* Asterisk's own ring time-out, after ours: should we be dead by then */
#define AGAIN_MIN_MS 250 /* until a request without an answer is repeated */
#define AGAIN_MAX_MS 4000
#define LOOK_UP_MS 1000  /* for a call that was asked for without an answer: the next trunk waits */
#define DESTROYED_MS 2000 /* from a DELETE that succeeded to the event that says so */
#define KEY_MS 160       /* as the sip trunk does */
#define BETWEEN_MS 140
#define RECOVER_MS 12000  /* then the core has given up what could not be looked up */

/* ---- registry ---- */

static int by_id(const void *a, const void *b)
{
	return strcmp(a, b); /* the id is the first member */
}

static int by_channel(const void *a, const void *b)
{
	return strcmp(((const struct leg *)a)->channel, ((const struct leg *)b)->channel);
}

struct leg *leg_find(struct ari *ari, const char *id)
{
	void *found = tfind(id, &ari->by_id, by_id);

	return found ? *(struct leg **)found : NULL;
}

struct leg *leg_of_channel(struct ari *ari, const char *channel)
{
	struct leg key;
	void *found;

	if (!tc_strcopy(key.channel, sizeof(key.channel), channel))
		return NULL;
	found = tfind(&key, &ari->by_channel, by_channel);
	return found ? *(struct leg **)found : NULL;
}

struct leg *leg_of_part(struct ari *ari, const char *name)
{
	char id[TC_ID_SIZE];

	if (strlen(name) <= TC_ID_SIZE || name[TC_ID_SIZE - 1] != '-')
		return NULL;
	tc_strcopy(id, sizeof(id), name);
	return leg_find(ari, id);
}

static void on_timer(void *arg)
{
	struct leg *leg = arg;

	leg->on_timer(leg);
}

void leg_timer(struct leg *leg, int64_t delay_ms, void (*fn)(struct leg *leg))
{
	leg->on_timer = fn;
	tc_timer_start(leg->timer, delay_ms);
}

static struct leg *leg_new(struct ari *ari, const char *id, const char *channel)
{
	struct leg *leg = tc_alloc(sizeof(*leg));

	tc_strcopy(leg->id, sizeof(leg->id), id);
	tc_strcopy(leg->channel, sizeof(leg->channel), channel);
	leg->ari = ari;
	leg->timer = tc_timer_new(ari->self, on_timer, leg);
	leg->again_ms = AGAIN_MIN_MS;
	leg->dialplan = ari->cfg->context != NULL;
	TAILQ_INSERT_TAIL(&ari->legs, leg, link);
	tsearch(leg, &ari->by_id, by_id);
	tsearch(leg, &ari->by_channel, by_channel);
	ari->n_legs++;
	return leg;
}

/* ---- how many set-ups Asterisk is given at one time ---- */

static void count_setup(struct leg *leg, int change)
{
	struct ari *ari = leg->ari;
	unsigned limit = (unsigned)ari->cfg->max_setups;
	char text[96];

	leg->counted = change > 0;
	ari->setups += (unsigned)change;
	if (!ari->held && ari->setups >= limit) {
		snprintf(text, sizeof(text), "Asterisk has not yet confirmed %u calls",
			 ari->setups);
		ari_hold(ari, text);
	} else if (ari->held && ari->setups <= limit / 2) {
		ari_hold(ari, NULL);
	}
}

static void forget(struct rest_want **want)
{
	if (*want)
		rest_cancel(*want);
	*want = NULL;
}

void leg_free(struct leg *leg)
{
	struct ari *ari = leg->ari;

	media_end(leg);
	hear_free(leg);
	if (leg->counted)
		count_setup(leg, -1);
	forget(&leg->asking);
	forget(&leg->ending);
	forget(&leg->moving);
	forget(&leg->pressing);
	tdelete(leg, &ari->by_id, by_id);
	tdelete(leg, &ari->by_channel, by_channel);
	TAILQ_REMOVE(&ari->legs, leg, link);
	ari->n_legs--;
	tc_timer_free(leg->timer);
	json_decref(leg->notes);
	free(leg);
}

void legs_free(struct ari *ari)
{
	while (!TAILQ_EMPTY(&ari->legs))
		leg_free(TAILQ_FIRST(&ari->legs));
}

/* "/channels/ID" + rest; to be freed */
static char *channel_path(const struct leg *leg, const char *rest)
{
	struct tc_buf path = {0};

	tc_buf_puts(&path, "/channels/");
	rest_escape(&path, leg->channel);
	tc_buf_puts(&path, rest);
	return tc_buf_take(&path);
}

static struct rest_want *send_within(struct leg *leg, int64_t timeout_ms, const char *method,
				     const char *rest, rest_done_fn done)
{
	char *path = channel_path(leg, rest);
	struct rest_want *want = rest_send(leg->ari->rest, REST_URGENT, method, path, NULL,
					   timeout_ms, done, leg);

	free(path);
	return want;
}

static struct rest_want *send(struct leg *leg, const char *method, const char *rest,
			      rest_done_fn done)
{
	return send_within(leg, leg->ari->cfg->timeout_ms, method, rest, done);
}

/* ---- looking up ---- */

static void look_up_again(struct leg *leg)
{
	leg_look_up(leg);
}

static void on_looked_up(void *arg, const struct rest_reply *reply)
{
	struct leg *leg = arg;

	leg->asking = NULL;
	if (leg->state == LEG_ENDED && reply->status != 200)
		return; /* it is looked out for, or being deleted, already */
	if (reply->status == 200) {
		leg_sync(leg, reply->json);
	} else if (reply->status == 404) {
		leg_gone(leg);
	} else if (leg->state == LEG_ASKED && !leg->recovering) {
		leg->doubtful = true;
		leg_end(leg, TC_PBX_END_TRUNK, "no answer from Asterisk");
	} else {
		leg_timer(leg, leg->again_ms, look_up_again);
		if (leg->again_ms < AGAIN_MAX_MS)
			leg->again_ms *= 2;
	}
}

void leg_look_up(struct leg *leg)
{
	int64_t timeout_ms = leg->ari->cfg->timeout_ms;

	if (leg->state == LEG_ASKED && !leg->recovering && timeout_ms > LOOK_UP_MS)
		timeout_ms = LOOK_UP_MS;
	if (!leg->asking)
		leg->asking = send_within(leg, timeout_ms, "GET", "", on_looked_up);
}

/* ---- originate ---- */

static void ring_time_is_over(struct leg *leg)
{
	leg->timed_out = true;
	if (leg->state != LEG_ASKED)
		leg_delete(leg);
	/* else when Asterisk has answered */
}

/* What Asterisk's refusal means. */
static void refused(struct leg *leg, const struct rest_reply *reply)
{
	char text[96];

	snprintf(text, sizeof(text), "Asterisk: %s", reply->text);
	if (reply->status == 503)
		leg_end(leg, TC_PBX_END_CONGESTION, text);
	else if (reply->status == 400)
		leg_end(leg, TC_PBX_END_FAILED, text);
	else
		leg_end(leg, TC_PBX_END_TRUNK, text);
}

static void on_originated(void *arg, const struct rest_reply *reply)
{
	struct leg *leg = arg;

	leg->asking = NULL;
	count_setup(leg, -1);
	if (leg->state == LEG_ENDED)
		leg->doubtful = false; /* no more than the others: it is gone, or will be deleted */
	else if (reply->status >= 200 && reply->status < 300)
		leg_placed(leg);
	else if (leg->state != LEG_ASKED)
		return; /* its events were faster, and they know better */
	else if (reply->err == TC_EUNSURE || reply->status == 409)
		leg_look_up(leg);
	else
		refused(leg, reply);
}

static json_t *variables(const struct ari_config *cfg)
{
	json_t *all = json_object();
	char talk[32];

	if (cfg->detect && !cfg->context) {
		hear_variable(cfg, talk, sizeof(talk));
		json_object_set_new(all, HEAR_VARIABLE, json_string(talk));
	}
	for (size_t i = 0; i < cfg->variables.n; i++)
		json_object_set_new(all, cfg->variables.v[i].key,
				    json_string(cfg->variables.v[i].value));
	return all;
}

static char *caller_id(const struct ari_config *cfg, const char *name)
{
	const char *number = strchr(cfg->caller_id, '<');

	if (name && number)
		return tc_asprintf("\"%s\" %s", name, number);
	return tc_strdup(name ? name : cfg->caller_id);
}

static json_t *originate_body(struct leg *leg, const char *endpoint, const char *name,
			      int64_t ring_timeout_ms)
{
	const struct ari_config *cfg = leg->ari->cfg;
	char *id = caller_id(cfg, name);
	json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:i, s:o}", "endpoint", endpoint, "app",
				 cfg->app, "channelId", leg->channel, "callerId", id, "timeout",
				 (int)((ring_timeout_ms + 999) / 1000) + BACKSTOP_S, "variables",
				 variables(cfg));

	if (leg->dialplan && body)
		json_object_set_new(body, "appArgs", json_string(LEG_BEGIN));
	free(id);
	return body;
}

int leg_originate(struct ari *ari, const struct tc_pbx_originate *call)
{
	char endpoint[ENDPOINT_SIZE];
	struct leg *leg;
	json_t *body;

	if (endpoint_format(ari->cfg->endpoint, ari->cfg->plus, call->number, endpoint))
		return -EINVAL;
	if (!link_up(ari->link))
		return -EHOSTDOWN;
	if (ari->setups >= ari->cfg->max_calls + ari->cfg->max_setups)
		return -EBUSY; /* the core was told to hold back */
	if (leg_find(ari, call->call_id))
		return -EEXIST;
	leg = leg_new(ari, call->call_id, call->call_id);
	body = originate_body(leg, endpoint, call->caller_name, call->ring_timeout_ms);
	if (!body) {
		leg_free(leg);
		return -EINVAL;
	}
	leg_timer(leg, call->ring_timeout_ms, ring_time_is_over);
	count_setup(leg, 1);
	leg->asking = rest_send(ari->rest, REST_NORMAL, "POST", "/channels", body,
				ari->cfg->timeout_ms, on_originated, leg);
	return 0;
}

/* ---- the end ---- */

static void delete_again(struct leg *leg)
{
	leg_delete(leg);
}

static void is_it_gone(struct leg *leg)
{
	leg_look_up(leg);
}

static void on_deleted(void *arg, const struct rest_reply *reply)
{
	struct leg *leg = arg;

	leg->ending = NULL;
	if (reply->status == 404 || (reply->status >= 200 && reply->status < 300)) {
		if (leg->state == LEG_ENDED)
			leg_linger(leg);
		else /* its event says why; should that be lost: */
			leg_timer(leg, DESTROYED_MS, is_it_gone);
		return;
	}
	if (leg->state != LEG_ENDED &&
	    tc_now_us() - leg->ending_us > leg->ari->cfg->lost_after_ms * 1000) {
		leg_give_up(leg, "Asterisk does not hang it up");
		return;
	}
	leg_timer(leg, leg->again_ms, delete_again);
	if (leg->again_ms < AGAIN_MAX_MS)
		leg->again_ms *= 2;
}

void leg_delete(struct leg *leg)
{
	bool unanswered = leg->incoming && leg->state != LEG_UP;

	if (!leg->ending_us)
		leg->ending_us = tc_now_us();
	if (!leg->ending)
		leg->ending = send(leg, "DELETE", unanswered ? "?reason=busy" : "", on_deleted);
}

int leg_hangup(struct ari *ari, const char *id)
{
	struct leg *leg = leg_find(ari, id);

	if (!leg) { /* one that was found, of an earlier process */
		leg = leg_new(ari, id, id);
		leg->state = LEG_PLACED;
	}
	leg->hung_up = true;
	if (leg->state != LEG_ASKED)
		leg_delete(leg);
	/* else when Asterisk has answered: a DELETE might overtake the POST */
	return 0;
}

int leg_recover(struct ari *ari, const char *id, const char *ref)
{
	struct leg *leg = leg_find(ari, id);

	if (!leg)
		leg = leg_new(ari, id, id);
	leg->recovering = true;
	leg->released = leg->dialplan && !strcmp(ref, LEG_RELEASED);
	if (link_listed(ari->link)) /* perhaps not up yet, but it is not compared once more */
		leg_look_up(leg);
	else /* resync() does; else for the sake of its end */
		leg_timer(leg, RECOVER_MS, look_up_again);
	return 0;
}

/* ---- the dialplan ---- */

static void continue_again(struct leg *leg)
{
	leg_continue(leg, !leg->released);
}

static void on_continued(void *arg, const struct rest_reply *reply)
{
	struct leg *leg = arg;

	leg->moving = NULL;
	if ((reply->status >= 200 && reply->status < 300) || reply->status == 409)
		return; /* StasisEnd follows, or it is not in our app any more */
	if (!reply->status) {
		if (!leg->hung_up && leg->state != LEG_ENDED)
			leg_timer(leg, AGAIN_MIN_MS, continue_again);
		return;
	}
	tc_log(leg->ari->self, TC_LOG_WARN, "call %s: the dialplan does not take it: %s", leg->id,
	       reply->text);
	leg_delete(leg);
}

void leg_continue(struct leg *leg, bool begin)
{
	const struct ari_config *cfg = leg->ari->cfg;
	json_t *body = NULL;
	char *path;

	if (leg->moving)
		return;
	if (begin)
		body = json_pack("{s:s, s:s, s:I}", "context", cfg->context, "extension",
				 cfg->extension, "priority", (json_int_t)cfg->priority);
	leg->in_app = false;
	leg->moved_us = tc_now_us();
	path = channel_path(leg, "/continue");
	leg->moving = rest_send(leg->ari->rest, REST_URGENT, "POST", path, body, cfg->timeout_ms,
				on_continued, leg);
	free(path);
}

int leg_release(struct ari *ari, const char *id)
{
	struct leg *leg = leg_find(ari, id);

	if (!leg || leg->state != LEG_UP)
		return -ENOENT;
	leg->released = true;
	media_stop(leg);
	if (leg->in_app)
		leg_continue(leg, false);
	leg_report(leg, TC_PBX_RELEASED);
	return 0;
}

/* ---- keys ---- */

static void press(struct leg *leg);

static void on_pressed(void *arg, const struct rest_reply *reply)
{
	struct leg *leg = arg;

	leg->pressing = NULL;
	if (reply->status < 200 || reply->status >= 300)
		tc_log(leg->ari->self, TC_LOG_WARN, "call %s: keys may not have been sent: %s",
		       leg->id, reply->text);
	if (leg->keys[0])
		press(leg);
}

/* One request at a time: two of them might overtake each other. */
static void press(struct leg *leg)
{
	char *path = channel_path(leg, "/dtmf");
	json_t *body = json_pack("{s:s, s:i, s:i}", "dtmf", leg->keys, "duration", KEY_MS,
				 "between", BETWEEN_MS);

	leg->keys[0] = '\0';
	leg->pressing = rest_send(leg->ari->rest, REST_NORMAL, "POST", path, body,
				  leg->ari->cfg->timeout_ms, on_pressed, leg);
	free(path);
}

int leg_press(struct ari *ari, const char *id, const char *keys)
{
	struct leg *leg = leg_find(ari, id);
	size_t n;

	if (!keys_valid(keys))
		return -EINVAL;
	if (!leg || leg->state != LEG_UP || !leg->in_app)
		return -ENOTCONN;
	n = strlen(leg->keys);
	if (n + strlen(keys) >= sizeof(leg->keys))
		return -EBUSY;
	tc_strcopy(leg->keys + n, sizeof(leg->keys) - n, keys);
	if (!leg->pressing)
		press(leg);
	return 0;
}

/* ---- calls that come in ---- */

struct leg *leg_incoming(struct ari *ari, const struct message *m)
{
	char id[TC_ID_SIZE];
	struct leg *leg;

	tc_pbx_call_id(id);
	leg = leg_new(ari, id, m->channel);
	leg->incoming = true;
	leg->dialplan = false;
	leg->state = LEG_PLACED;
	leg->in_app = true;
	tc_strcopy(leg->caller, sizeof(leg->caller), m->caller);
	tc_strcopy(leg->called, sizeof(leg->called), m->called);
	return leg;
}

static void answer_again(struct leg *leg)
{
	leg_answer(leg->ari, leg->id);
}

static void on_answer(void *arg, const struct rest_reply *reply)
{
	struct leg *leg = arg;

	leg->moving = NULL;
	/* no event follows when it was answered before: by the dialplan, or an earlier process */
	if (leg->state == LEG_PLACED && reply->status)
		leg_look_up(leg);
	else if (leg->state == LEG_PLACED && !leg->hung_up)
		leg_timer(leg, AGAIN_MIN_MS, answer_again);
}

int leg_answer(struct ari *ari, const char *id)
{
	struct leg *leg = leg_find(ari, id);

	if (!leg || !leg->incoming)
		return -ENOENT;
	if (leg->state == LEG_PLACED && !leg->moving)
		leg->moving = send(leg, "POST", "/answer", on_answer);
	return 0;
}
