/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alarms about ourselves; see self_alarm.h. Each is an alert like others, under a key of its own.
 * Only that the store is away cannot be one: outage.c has that.
 */
#include "alert/self_alarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "alert/alert.h"
#include "alert/outage.h"
#include "call/trunk.h"
#include "host/config.h"
#include "host/host.h"
#include "host/loop.h"
#include "store/store.h"

#define LOOK_MIN_US (250 * 1000)
#define LOOK_MAX_US (5 * 1000 * 1000)
#define SOURCE      "tocsin"

/* What the store knows of it, or is to know. */
enum said { SAID_NOTHING, SAID_DOWN, SAID_UP };

/* One instance that is watched. */
struct watched {
	SLIST_ENTRY(watched) link;
	struct self_alarms *all;
	struct tc_instance *instance;
	char *key;                    /* owned */
	int64_t down_us;              /* since when, wall time; 0 = it works */
	char *why;                    /* owned */
	enum said want, said, saying; /* saying: SAID_NOTHING when nothing is under way */
	bool complained;
};

struct self_alarms {
	struct self_deps deps;
	SLIST_HEAD(, watched) list;
	struct outage *outage;
	struct loop_timer look;
	bool probing;      /* the store has a question of ours */
	int64_t probed_us; /* when it was asked, wall time */
	bool store_works;  /* the last answer said so */
	int64_t away_us;   /* the store does not work: since when, wall time; 0 = it does */
	bool mute;         /* no trunk works, and that was logged */
	unsigned waiting;  /* answers that are to come */
	bool closing;      /* nothing is begun any more */
	bool freed;        /* the last of them frees */
};

static void release(struct self_alarms *all)
{
	struct watched *w;

	if (!all->freed || all->waiting)
		return;
	while ((w = SLIST_FIRST(&all->list))) {
		SLIST_REMOVE_HEAD(&all->list, link);
		free(w->key);
		free(w->why);
		free(w);
	}
	free(all);
}

static const char *kind_word(const struct tc_instance *self)
{
	static const char *const words[] = {[TC_KIND_PBX] = "trunk",
					    [TC_KIND_TTS] = "voice",
					    [TC_KIND_SMS] = "carrier",
					    [TC_KIND_TRIGGER] = "trigger",
					    [TC_KIND_STORE] = "store"};

	return words[self->plugin->kind];
}

/* ---- telling ---- */

static void on_said(void *arg, int err, const struct tc_intake_result *results, size_t n)
{
	struct watched *w = arg;
	struct self_alarms *all = w->all;

	(void)results;
	(void)n;
	if (!err)
		w->said = w->saying;
	w->saying = SAID_NOTHING; /* what is left to say is said at the next look */
	all->waiting--;
	release(all);
}

static void complain(struct watched *w, const struct tc_errors *errs)
{
	if (!w->complained && tc_errors_count(errs))
		tc_log(w->instance, TC_LOG_ERROR,
		       "nobody can be called about it: self_alarms.%s %s", tc_errors_field(errs, 0),
		       tc_errors_text(errs, 0));
	w->complained = true;
}

static int submit(struct watched *w, const struct tc_intake *in)
{
	struct tc_errors *errs = tc_errors_new();
	int err = alerts_submit(w->all->deps.alerts, NULL, in, 1, errs, on_said, w);

	if (err == -EINVAL)
		complain(w, errs);
	tc_errors_free(errs);
	return err;
}

static char *message_of(const struct watched *w)
{
	time_t since = (time_t)(w->down_us / 1000000);
	char at[40];
	struct tm tm;

	gmtime_r(&since, &tm);
	strftime(at, sizeof(at), "%H:%M UTC", &tm);
	return tc_asprintf("Tocsin: the %s %s has not been working since %s: %.200s",
			   kind_word(w->instance), w->instance->name, at, w->why);
}

static int submit_down(struct watched *w)
{
	char *message = message_of(w);
	json_t *labels = json_pack("{s:s, s:s, s:s}", "alertname", "TocsinDown", "kind",
				   kind_word(w->instance), "instance", w->instance->name);
	int err = submit(w, &(struct tc_intake){.action = TC_INTAKE_RAISE,
						.message = message,
						.target = w->all->deps.config->target,
						.source = SOURCE,
						.dedup_key = w->key,
						.labels = labels});

	json_decref(labels);
	free(message);
	return err;
}

static void say(struct watched *w)
{
	int err;

	if (w->saying || w->want == w->said || !w->all->store_works)
		return; /* at a later look */
	if (w->want == SAID_DOWN)
		err = submit_down(w);
	else
		err = submit(w, &(struct tc_intake){.action = TC_INTAKE_RESOLVE,
						    .source = SOURCE,
						    .dedup_key = w->key});
	if (err)
		return; /* at the next look */
	w->saying = w->want;
	w->all->waiting++;
}

/* ---- looking: instances ---- */

/* result: why it does not work, owned by the caller; NULL: it does */
static char *fault_of(struct tc_instance *self)
{
	const struct trunk *trunk = self->plugin->kind == TC_KIND_PBX ? self->owner : NULL;
	const char *text;
	json_t *status;
	char *why = NULL;

	if (trunk)
		return trunk->healthy ? NULL : tc_strdup(trunk->text ? trunk->text : "");
	status = instance_status(self);
	text = json_string_value(json_object_get(status, "text"));
	if (json_is_false(json_object_get(status, "healthy")))
		why = tc_strdup(text ? text : "");
	json_decref(status);
	return why;
}

static void look_at(struct watched *w, int64_t now_us)
{
	char *why = fault_of(w->instance);

	if (!why) {
		w->down_us = 0;
		w->complained = false;
		w->want = SAID_UP; /* the first time this ends what an earlier process has raised */
	} else {
		if (!w->down_us || w->down_us > now_us)
			w->down_us = now_us;
		if (now_us - w->down_us >= w->all->deps.config->after * 1000)
			w->want = SAID_DOWN;
		free(w->why);
		w->why = tc_strdup(why);
	}
	free(why);
	say(w);
}

/* Then there is nobody who could be called about it: at least it is said. */
static void look_at_all_trunks(struct self_alarms *all)
{
	bool mute = !TAILQ_EMPTY(&all->deps.trunks->list) && !trunks_healthy(all->deps.trunks);

	if (mute && !all->mute)
		tc_log(NULL, TC_LOG_ERROR, "no trunk works: nobody can be called");
	else if (!mute && all->mute)
		tc_log(NULL, TC_LOG_INFO, "a trunk works again: people can be called");
	all->mute = mute;
}

/* ---- looking: the store ---- */

/* An empty transaction: it begins and commits only where the database can be written to. */
static int run_probe(struct db *db, void *arg)
{
	(void)db;
	(void)arg;
	return 0;
}

static void probed(void *arg, int err)
{
	struct self_alarms *all = arg;

	all->probing = false;
	all->store_works = !err;
	all->waiting--;
	if (all->freed) {
		release(all);
		return;
	}
	if (all->closing) {
		/* what the next process finds is its own */
	} else if (!err) {
		all->away_us = 0;
		outage_end(all->outage);
	} else if (!all->away_us) {
		all->away_us = all->probed_us;
	}
}

static void look_at_store(struct self_alarms *all, int64_t now_us)
{
	int64_t after_us = all->deps.config->after * 1000;
	const char *why = "it does not answer";
	int64_t since_us = all->away_us;

	if (!since_us && all->probing && now_us - all->probed_us >= after_us)
		since_us = all->probed_us;
	if (all->away_us)
		store_healthy(all->deps.store, &why);
	if (since_us && now_us - since_us >= after_us)
		outage_begin(all->outage, since_us, why);
	if (all->probing)
		return;
	all->probing = true;
	all->probed_us = now_us;
	all->waiting++;
	if (store_write(all->deps.store, run_probe, probed, all))
		probed(all, -EAGAIN); /* too much waits for it */
}

/* ---- the whole ---- */

static void start_timer(struct self_alarms *all)
{
	int64_t us = all->deps.config->after * 1000 / 4;

	us = us < LOOK_MIN_US ? LOOK_MIN_US : us > LOOK_MAX_US ? LOOK_MAX_US : us;
	loop_timer_start_us(&all->look, us);
}

static void on_look(void *arg)
{
	struct self_alarms *all = arg;
	int64_t now_us = loop_wall_us(all->deps.loop);
	struct watched *w;

	start_timer(all);
	SLIST_FOREACH (w, &all->list, link)
		look_at(w, now_us);
	look_at_all_trunks(all);
	look_at_store(all, now_us);
}

static void watch_all(struct self_alarms *all)
{
	struct tc_instance *self;

	for (self = instance_next(all->deps.host, NULL); self;
	     self = instance_next(all->deps.host, self)) {
		struct watched *w;

		if (self->plugin->kind == TC_KIND_STORE)
			continue;
		w = tc_alloc(sizeof(*w));
		w->all = all;
		w->instance = self;
		w->key = tc_asprintf("self/%s/%s", kind_word(self), self->name);
		SLIST_INSERT_HEAD(&all->list, w, link);
	}
}

struct self_alarms *self_alarms_new(const struct self_deps *deps)
{
	struct self_alarms *all = tc_alloc(sizeof(*all));

	all->deps = *deps;
	all->outage = outage_new(&all->deps);
	loop_timer_init(&all->look, deps->loop, on_look, all);
	watch_all(all);
	if (deps->config->target)
		start_timer(all);
	return all;
}

void self_alarms_close(struct self_alarms *all)
{
	if (!all)
		return;
	loop_timer_stop(&all->look);
	all->closing = true;
}

void self_alarms_free(struct self_alarms *all)
{
	if (!all)
		return;
	loop_timer_stop(&all->look);
	outage_free(all->outage);
	all->freed = true;
	release(all);
}

void self_alarms_configure(struct self_alarms *all, const struct config_self_alarms *config)
{
	if (!all || all->closing)
		return;
	all->deps.config = config;
	if (config->target)
		start_timer(all);
	else
		loop_timer_stop(&all->look);
}
