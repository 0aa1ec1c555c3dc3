/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trunks: choice, limits, health. What a trunk's calls do is monitor.c's affair.
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
#include "store/event_repo.h"
#include "store/journal.h"
#include "store/store.h"

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

/* One second's calls; a rate below one a second still allows one at once. */
static double burst(const struct trunk *t)
{
	return t->rate < 1 ? 1 : t->rate;
}

struct trunk *trunks_add(struct trunks *trunks, struct tc_instance *instance)
{
	struct trunk *t = tc_alloc(sizeof(*t));

	t->instance = instance;
	t->ops = instance->plugin->ops;
	t->healthy = true;
	t->text = tc_strdup("not yet known");
	t->max_calls = (unsigned)fmin(setting(instance, "max_calls", DEFAULT_MAX_CALLS), INT_MAX);
	t->rate = setting(instance, "calls_per_second", DEFAULT_RATE);
	t->tokens = burst(t);
	t->filled_us = loop_now_us(trunks->loop);
	instance->owner = t;
	TAILQ_INSERT_TAIL(&trunks->list, t, link);
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

bool trunks_left(const struct trunks *trunks, uint64_t skip)
{
	struct trunk *t;

	TAILQ_FOREACH(t, &trunks->list, link)
		if (t->instance->open && !(skip & trunks_bit(trunks, t)))
			return true;
	return false;
}

/* A fraction of a call takes its time. */
static void fill_bucket(struct trunk *t, int64_t now_us)
{
	t->tokens += t->rate * (double)(now_us - t->filled_us) / 1e6;
	if (t->tokens > burst(t))
		t->tokens = burst(t);
	t->filled_us = now_us;
}

/* Microseconds until it takes a call: 0 = now, INT64_MAX = when one of its calls ends. */
static int64_t room_us(struct trunk *t, int64_t now_us)
{
	if (!t->instance->open || t->live >= t->max_calls)
		return INT64_MAX;
	fill_bucket(t, now_us);
	return t->tokens >= 1 ? 0 : (int64_t)((1 - t->tokens) / t->rate * 1e6) + 1;
}

/*
 * Healthy trunks first. An unhealthy one is tried when there is no other: an alarm that waits for a
 * check to succeed may wait for ever, and the trunk itself will say soon enough that it cannot.
 */
struct trunk *trunks_pick(struct trunks *trunks, uint64_t skip, int64_t *wait_us)
{
	int64_t now_us = loop_now_us(trunks->loop);
	bool any_healthy = false;
	struct trunk *t;

	*wait_us = INT64_MAX;
	for (int pass = 0; pass < 2; pass++) {
		TAILQ_FOREACH(t, &trunks->list, link) {
			int64_t room;

			if (skip & trunks_bit(trunks, t) || t->healthy != (pass == 0))
				continue;
			if (t->healthy && t->instance->open)
				any_healthy = true;
			room = room_us(t, now_us);
			if (!room)
				return t;
			if (room < *wait_us)
				*wait_us = room;
		}
		if (any_healthy)
			break; /* full for the moment is better than broken */
	}
	return NULL;
}

void trunk_enter(struct trunk *trunk)
{
	trunk->live++;
	trunk->tokens -= 1;
	trunk->placed++;
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

int trunk_answer(struct trunk *trunk, const char *call_id)
{
	if (!trunk->ops->answer)
		return -ENOTSUP;
	return trunk->instance->open ? trunk->ops->answer(trunk->instance->state, call_id)
				     : -EHOSTDOWN;
}

int trunk_recover(struct trunk *trunk, const char *call_id, const char *number, const char *ref)
{
	return trunk->instance->open
		       ? trunk->ops->recover(trunk->instance->state, call_id, number, ref)
		       : -EHOSTDOWN;
}

json_t *trunks_status(const struct trunks *trunks)
{
	json_t *list = json_array();
	struct trunk *t;

	TAILQ_FOREACH(t, &trunks->list, link) {
		json_t *status = instance_status(t->instance);
		json_t *j = json_pack("{s:s, s:s, s:b, s:s, s:i, s:i, s:f, s:I, s:I}", "name",
				      t->instance->name, "plugin", t->instance->plugin->name,
				      "healthy", t->healthy && t->instance->open, "text", t->text,
				      "live", (int)t->live, "max_calls", (int)t->max_calls,
				      "calls_per_second", t->rate, "placed", (json_int_t)t->placed,
				      "failed", (json_int_t)t->failed);

		json_object_set_new(j, "status", status);
		json_array_append_new(list, j);
	}
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
	if (!r->event.at_us)
		r->event.at_us = loop_now_us(host_loop(self->host));
	tc_post(self, deliver, free, r);
}

struct health {
	struct tc_instance *self;
	bool healthy;
	char *text; /* owned */
	/* its event, once it is being stored */
	struct trunks *trunks;
	struct event_row row;
	char *sentence; /* owned */
};

static void health_free(void *arg)
{
	struct health *h = arg;

	free(h->text);
	free(h->sentence);
	free(h);
}

static int store_health(struct db *db, void *arg)
{
	struct health *h = arg;

	return event_insert(db, &h->row);
}

static void health_stored(void *arg, int err)
{
	struct health *h = arg;

	if (!err)
		journal_publish(h->trunks->journal, &h->row);
	health_free(h);
}

static void change_health(void *arg)
{
	struct health *h = arg;
	struct trunk *t = h->self->owner;
	bool changed;

	if (!t) {
		health_free(h);
		return;
	}
	changed = t->healthy != h->healthy;
	t->healthy = h->healthy;
	free(t->text);
	t->text = tc_strdup(h->text);
	h->trunks = host_services(h->self->host)->trunks;
	if (!changed) {
		health_free(h);
		return;
	}
	tc_log(h->self, h->healthy ? TC_LOG_INFO : TC_LOG_WARN, "trunk is %s: %s",
	       h->healthy ? "up" : "down", h->text);
	h->sentence = tc_asprintf("trunk %s is %s: %s", h->self->name, h->healthy ? "up" : "down",
				  h->text);
	h->row = (struct event_row){.at_us = loop_wall_us(h->trunks->loop),
				    .what = h->healthy ? "trunk.up" : "trunk.down",
				    .text = h->sentence};
	if (h->healthy && h->trunks->on_room)
		h->trunks->on_room(h->trunks->arg);
	if (store_write(h->trunks->store, store_health, health_stored, h))
		health_free(h);
}

void tc_pbx_health(struct tc_instance *self, bool healthy, const char *text)
{
	struct health *h = tc_alloc(sizeof(*h));

	h->self = self;
	h->healthy = healthy;
	h->text = tc_strdup(text ? text : "");
	text_clean(h->text);
	tc_post(self, change_health, health_free, h);
}

void tc_pbx_call_id(char id[TC_ID_SIZE])
{
	id_new(id, tc_wall_us());
}
