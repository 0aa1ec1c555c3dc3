/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trunks: choice, limits, operations, and what they report. What a trunk's calls do is monitor.c's
 * affair; whether it works, trunk_health.c's.
 */
#include "call/trunk.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "host/host.h"
#include "host/id.h"
#include "host/text.h"

#define DEFAULT_MAX_CALLS 50
#define DEFAULT_RATE 20.0

struct trunks *trunks_new(struct loop *loop, struct store *store, struct journal *journal)
{
	struct trunks *trunks = tc_alloc(sizeof(*trunks));

	trunks->loop = loop;
	trunks->store = store;
	trunks->journal = journal;
	TAILQ_INIT(&trunks->list);
	return trunks;
}

void trunks_free(struct trunks *trunks)
{
	struct trunk *t;

	if (!trunks)
		return;
	while ((t = TAILQ_FIRST(&trunks->list))) {
		TAILQ_REMOVE(&trunks->list, t, link);
		t->instance->owner = NULL;
		free(t->text);
		free(t->said);
		free(t->held_why);
		free(t);
	}
	free(trunks);
}

void trunks_listen(struct trunks *trunks, trunk_event_fn on_event, void (*on_room)(void *arg),
		   void *arg)
{
	trunks->on_event = on_event;
	trunks->on_room = on_room;
	trunks->arg = arg;
}

/*
 * Every pbx plugin has these two settings in its table; the core enforces them alike for all. A
 * trunk that may place no call at all would be none: what is not above 0 counts as not given.
 */
static double setting(const struct tc_instance *instance, const char *name, double otherwise)
{
	const struct tc_option *o = instance->plugin->options;
	int64_t whole = 0;
	double value = 0;
	const char *at;

	while (o->name && strcmp(o->name, name) != 0)
		o++;
	at = (const char *)instance->cfg + o->offset;
	if (o->name && o->type == TC_DOUBLE)
		memcpy(&value, at, sizeof(value));
	else if (o->name && o->type == TC_INT)
		memcpy(&whole, at, sizeof(whole));
	value += (double)whole;
	return value > 0 ? value : otherwise;
}

void trunks_set_round_robin(struct trunks *trunks, bool round_robin)
{
	trunks->round_robin = round_robin;
}

/* One second's calls; a rate below one a second still allows one at once. */
static double burst(const struct trunk *t)
{
	return t->rate < 1 ? 1 : t->rate;
}

struct trunk *trunks_add(struct trunks *trunks, struct tc_instance *instance)
{
	struct trunk *t = tc_alloc(sizeof(*t));

	t->trunks = trunks;
	t->instance = instance;
	t->ops = instance->plugin->ops;
	t->healthy = t->up = true;
	t->text = tc_strdup("not yet known");
	t->said = tc_strdup(t->text);
	t->max_calls = (unsigned)fmin(setting(instance, "max_calls", DEFAULT_MAX_CALLS), INT_MAX);
	t->rate = setting(instance, "calls_per_second", DEFAULT_RATE);
	t->tokens = burst(t);
	t->filled_us = loop_now_us(trunks->loop);
	instance->owner = t;
	TAILQ_INSERT_TAIL(&trunks->list, t, link);
	trunks->n++;
	return t;
}

struct trunk *trunks_find(struct trunks *trunks, const char *name)
{
	struct trunk *t;

	TAILQ_FOREACH(t, &trunks->list, link)
		if (!strcmp(t->instance->name, name))
			return t;
	return NULL;
}

bool trunks_healthy(const struct trunks *trunks)
{
	struct trunk *t;

	TAILQ_FOREACH(t, &trunks->list, link)
		if (t->healthy && t->instance->open)
			return true;
	return false;
}

uint64_t trunks_bit(const struct trunks *trunks, const struct trunk *trunk)
{
	uint64_t bit = 1;
	struct trunk *t;

	TAILQ_FOREACH(t, &trunks->list, link) {
		if (t == trunk)
			return bit;
		bit <<= 1;
	}
	return 0;
}

static bool usable(const struct trunks *trunks, const struct trunk *t, uint64_t skip)
{
	return t->instance->open && !(skip & trunks_bit(trunks, t));
}

bool trunks_left(const struct trunks *trunks, uint64_t skip)
{
	struct trunk *t;

	TAILQ_FOREACH(t, &trunks->list, link)
		if (usable(trunks, t, skip))
			return true;
	return false;
}

bool trunks_at_rate(const struct trunks *trunks, uint64_t skip)
{
	struct trunk *t;

	TAILQ_FOREACH(t, &trunks->list, link)
		if (usable(trunks, t, skip) && t->healthy && !t->held && t->live < t->max_calls &&
		    t->tokens < 1)
			return true;
	return false;
}

int64_t trunks_each_us(const struct trunks *trunks, uint64_t skip)
{
	double rate = 0;
	struct trunk *t;

	TAILQ_FOREACH(t, &trunks->list, link)
		if (usable(trunks, t, skip))
			rate += t->rate;
	return rate > 0 ? (int64_t)(1e6 / rate) : 0;
}

/* A fraction of a call takes its time. */
static void fill_bucket(struct trunk *t, int64_t now_us)
{
	t->tokens += t->rate * (double)(now_us - t->filled_us) / 1e6;
	if (t->tokens > burst(t))
		t->tokens = burst(t);
	t->filled_us = now_us;
}

/* Microseconds until it takes a call: 0 = now, INT64_MAX = when on_room is called. */
static int64_t room_us(struct trunk *t, int64_t now_us)
{
	if (!t->instance->open || t->held || t->live >= t->max_calls)
		return INT64_MAX;
	fill_bucket(t, now_us);
	return t->tokens >= 1 ? 0 : (int64_t)((1 - t->tokens) / t->rate * 1e6) + 1;
}

/* The next one in the circle; NULL: the first one to be looked at. */
static struct trunk *turn(const struct trunks *trunks, const struct trunk *after)
{
	struct trunk *t = after ? TAILQ_NEXT(after, link) : NULL;

	if (!after && trunks->round_robin && trunks->last)
		t = TAILQ_NEXT(trunks->last, link);
	return t ? t : TAILQ_FIRST(&trunks->list);
}

/* Until it is among the first to be asked: a failing one is now and then, the others are or not. */
static int64_t first_us(const struct trunk *t, int64_t room, int64_t now_us)
{
	int64_t retry = t->retry_us - now_us;

	if (t->healthy)
		return room;
	if (!t->up || !t->failing)
		return INT64_MAX;
	return room < retry ? retry : room;
}

/*
 * Healthy trunks first. An unhealthy one is tried when there is no other: an alarm that waits for a
 * check to succeed may wait for ever, and the trunk itself will say soon enough that it cannot.
 */
struct trunk *trunks_pick(struct trunks *trunks, uint64_t skip, int64_t *wait_us)
{
	int64_t now_us = loop_now_us(trunks->loop), any_us = INT64_MAX, healthy_us = INT64_MAX;
	struct trunk *t = NULL, *broken = NULL;
	bool any_healthy = false;

	*wait_us = INT64_MAX;
	for (unsigned i = 0; i < trunks->n; i++) {
		int64_t room, first;

		t = turn(trunks, t);
		if (skip & trunks_bit(trunks, t))
			continue;
		room = room_us(t, now_us);
		first = first_us(t, room, now_us);
		if (!first)
			return t;
		if (t->healthy && t->instance->open)
			any_healthy = true;
		if (!room && (!broken || (t->up && !broken->up)))
			broken = t;
		any_us = room < any_us ? room : any_us;
		healthy_us = first < healthy_us ? first : healthy_us;
	}
	*wait_us = any_healthy ? healthy_us : any_us;
	return any_healthy ? NULL : broken; /* full for the moment is better than broken */
}

char *trunks_why_not(const struct trunks *trunks, uint64_t skip)
{
	struct tc_buf why = {0};
	bool busy = false, any_healthy = false;
	struct trunk *t;

	if (TAILQ_EMPTY(&trunks->list))
		return tc_strdup("no trunk is configured");
	TAILQ_FOREACH(t, &trunks->list, link)
		any_healthy = any_healthy || (t->healthy && usable(trunks, t, skip));
	TAILQ_FOREACH(t, &trunks->list, link) {
		if (t->healthy != any_healthy || !usable(trunks, t, skip))
			continue;
		if (t->held)
			tc_buf_printf(&why, "%strunk %s is held back: %s", why.len ? "; " : "",
				      t->instance->name, t->held_why);
		else
			busy = true;
	}
	if (!why.len)
		tc_buf_puts(&why, "all trunks are busy, or at their rate");
	else if (busy)
		tc_buf_puts(&why, "; the others are busy, or at their rate");
	return tc_buf_take(&why);
}

void trunk_enter(struct trunk *trunk)
{
	trunk->live++;
	trunk->tokens -= 1;
	trunk->placed++;
	trunk->trunks->last = trunk;
	trunk_tried(trunk, loop_now_us(trunk->trunks->loop));
}

void trunk_leave(struct trunks *trunks, struct trunk *trunk)
{
	trunk->live--;
	if (trunks->on_room)
		trunks->on_room(trunks->arg);
}

int trunk_originate(struct trunk *trunk, const struct tc_pbx_originate *call)
{
	return trunk->instance->open ? trunk->ops->originate(trunk->instance->state, call)
				     : -EHOSTDOWN;
}

int trunk_play(struct trunk *trunk, const char *call_id, uint32_t play_id,
	       const struct tc_pbx_item *items, size_t n)
{
	return trunk->instance->open
		       ? trunk->ops->play(trunk->instance->state, call_id, play_id, items, n)
		       : -EHOSTDOWN;
}

int trunk_hangup(struct trunk *trunk, const char *call_id)
{
	return trunk->instance->open ? trunk->ops->hangup(trunk->instance->state, call_id)
				     : -EHOSTDOWN;
}

int trunk_release(struct trunk *trunk, const char *call_id)
{
	if (!trunk->instance->open)
		return -EHOSTDOWN;
	return trunk->ops->release ? trunk->ops->release(trunk->instance->state, call_id)
				   : -EOPNOTSUPP;
}

int trunk_answer(struct trunk *trunk, const char *call_id)
{
	if (!trunk->ops->answer)
		return -ENOTSUP;
	return trunk->instance->open ? trunk->ops->answer(trunk->instance->state, call_id)
				     : -EHOSTDOWN;
}

int trunk_dtmf(struct trunk *trunk, const char *call_id, const char *keys)
{
	if (!trunk->ops->dtmf)
		return -ENOTSUP;
	return trunk->instance->open ? trunk->ops->dtmf(trunk->instance->state, call_id, keys)
				     : -EHOSTDOWN;
}

int trunk_recover(struct trunk *trunk, const char *call_id, const char *number, const char *ref)
{
	return trunk->instance->open
		       ? trunk->ops->recover(trunk->instance->state, call_id, number, ref)
		       : -EHOSTDOWN;
}

static json_t *status_of(const struct trunk *t)
{
	bool open = t->instance->open;
	unsigned failed, recent = trunk_recent(t, loop_now_us(t->trunks->loop), &failed);
	json_t *j = json_pack(
		"{s:s, s:s, s:b, s:b, s:s, s:b, s:s?, s:i, s:i, s:f, s:I, s:I, s:i, s:f}", "name",
		t->instance->name, "plugin", t->instance->plugin->name, "healthy",
		t->healthy && open, "up", t->up && open, "text", t->text, "held", t->held,
		"held_why", t->held_why, "live", (int)t->live, "max_calls", (int)t->max_calls,
		"calls_per_second", t->rate, "placed", (json_int_t)t->placed, "failed",
		(json_int_t)t->failed, "recent_calls", (int)recent, "failed_share",
		recent ? (double)failed / recent : 0.0);

	json_object_set_new(j, "status", instance_status(t->instance));
	return j;
}

json_t *trunks_status(const struct trunks *trunks)
{
	json_t *list = json_array();
	struct trunk *t;

	TAILQ_FOREACH(t, &trunks->list, link)
		json_array_append_new(list, status_of(t));
	return list;
}

/* ---- what trunks report ---- */

struct report {
	struct tc_instance *self;
	struct trunks *trunks;
	struct tc_pbx_event event;
};

static void deliver(void *arg)
{
	struct report *r = arg;
	struct trunk *t = r->self->owner;

	if (t && r->trunks->on_event)
		r->trunks->on_event(r->trunks->arg, t, &r->event);
	free(r);
}

void tc_pbx_event(struct tc_instance *self, const struct tc_pbx_event *event)
{
	struct report *r = tc_alloc(sizeof(*r));

	r->self = self;
	r->trunks = host_services(self->host)->trunks;
	r->event = *event;
	r->event.call_id[sizeof(r->event.call_id) - 1] = '\0';
	r->event.ref[sizeof(r->event.ref) - 1] = '\0';
	r->event.text[sizeof(r->event.text) - 1] = '\0';
	text_clean(r->event.text); /* the far end's words */
	r->event.number[sizeof(r->event.number) - 1] = '\0';
	text_clean(r->event.number);
	r->event.called[sizeof(r->event.called) - 1] = '\0';
	text_clean(r->event.called);
	if (!r->event.at_us)
		r->event.at_us = loop_now_us(host_loop(self->host));
	tc_post(self, deliver, free, r);
}

/* What a plugin says of its trunk as a whole. */
struct word {
	struct tc_instance *self;
	bool yes;
	char *text; /* owned */
};

static void word_free(void *arg)
{
	struct word *w = arg;

	free(w->text);
	free(w);
}

static void word_post(struct tc_instance *self, bool yes, const char *text, void (*fn)(void *arg))
{
	struct word *w = tc_alloc(sizeof(*w));

	w->self = self;
	w->yes = yes;
	w->text = tc_strdup(text ? text : "");
	text_clean(w->text);
	tc_post(self, fn, word_free, w);
}

static void change_health(void *arg)
{
	struct word *w = arg;

	if (w->self->owner)
		trunk_said(w->self->owner, w->yes, w->text);
	word_free(w);
}

void tc_pbx_health(struct tc_instance *self, bool healthy, const char *text)
{
	word_post(self, healthy, text, change_health);
}

static void change_hold(void *arg)
{
	struct word *w = arg;

	if (w->self->owner)
		trunk_hold(w->self->owner, w->yes, w->text);
	word_free(w);
}

void tc_pbx_hold(struct tc_instance *self, bool hold, const char *text)
{
	word_post(self, hold, text, change_hold);
}

void tc_pbx_call_id(char id[TC_ID_SIZE])
{
	id_new(id, tc_wall_us());
}
