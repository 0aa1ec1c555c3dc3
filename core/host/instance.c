/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instances of plugins: made from their settings, opened, asked how they are, closed; and what they
 * post and time. Their lanes and operations are in files of their own.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "host/config.h"
#include "host/loop.h"
#include "host/runtime.h"

/* ---- making and ending ---- */

static bool fill(struct tc_instance *self, struct tc_errors *errs)
{
	static const char *const not_the_plugins[] = {"name", "plugin", NULL};
	void *cfg = tc_alloc(self->plugin->config_size);
	size_t before;
	int err;

	self->cfg = cfg;
	if (options_fill(self->plugin->options, self->settings, not_the_plugins, cfg, &self->memory,
			 errs))
		return false;
	before = tc_errors_count(errs);
	err = self->plugin->check ? self->plugin->check(cfg, errs) : 0;
	if (err && tc_errors_count(errs) == before)
		tc_errors_add(errs, NULL, "the plugin does not take these settings: %s",
			      tc_strerror(err));
	return !err && tc_errors_count(errs) == before;
}

struct tc_instance *instance_new(struct host *host, enum tc_kind kind, const json_t *settings,
				 struct tc_errors *errs)
{
	const char *plugin = json_string_value(json_object_get(settings, "plugin"));
	const char *name = json_string_value(json_object_get(settings, "name"));
	struct tc_instance *self;
	char fault[512] = "";
	const struct tc_plugin *p;

	errors_set_object(errs, settings);
	if (!plugin || !*plugin) {
		tc_errors_add(errs, "plugin", "is missing: which plugin (%s) is this?",
			      kind_name(kind));
		return NULL;
	}
	p = host_plugin(host, kind, plugin, fault, sizeof(fault));
	if (!p) {
		tc_errors_add(errs, "plugin", "%s", fault);
		return NULL;
	}
	self = tc_alloc(sizeof(*self));
	self->host = host;
	self->plugin = p;
	self->name = tc_strdup(name && *name ? name : plugin);
	self->settings = json_incref((json_t *)settings);
	TAILQ_INIT(&self->posts);
	TAILQ_INIT(&self->timers);
	TAILQ_INIT(&self->lanes);
	TAILQ_INSERT_TAIL(&host->instances, self, link);
	if (fill(self, errs))
		return self;
	instance_free(self);
	return NULL;
}

static void drop_posts(struct tc_instance *self);

/* What it still has of the host's, whether it was closed or could not be opened. */
static void let_go(struct tc_instance *self)
{
	lanes_close(self);
	self->state = NULL;
	drop_posts(self);
	while (!TAILQ_EMPTY(&self->timers))
		tc_timer_free(TAILQ_FIRST(&self->timers));
}

int instance_open(struct tc_instance *self)
{
	sigset_t old;
	int err;

	self->open = true; /* open() may post and start timers */
	signals_block(&old);
	err = self->plugin->open(self, self->cfg, &self->state);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		tc_log(self, TC_LOG_ERROR, "cannot be opened: %s", tc_strerror(err));
		let_go(self);
	}
	return err;
}

void instance_close(struct tc_instance *self)
{
	if (!self->open)
		return;
	self->plugin->close(self->state);
	let_go(self);
}

void instance_free(struct tc_instance *self)
{
	if (!self)
		return;
	instance_close(self);
	TAILQ_REMOVE(&self->host->instances, self, link);
	tc_options_release(self->memory);
	free((void *)self->cfg);
	json_decref(self->settings);
	free(self->name);
	free(self);
}

struct tc_instance *instance_next(struct host *host, struct tc_instance *after)
{
	return after ? TAILQ_NEXT(after, link) : TAILQ_FIRST(&host->instances);
}

const char *tc_instance_name(const struct tc_instance *self)
{
	return self->name;
}

const char *tc_instance_state_dir(const struct tc_instance *self)
{
	return self->host->state_dir;
}

struct event_base *tc_instance_loop(const struct tc_instance *self)
{
	return loop_base(self->host->loop);
}

/* ---- status ---- */

struct tc_status {
	json_t *json;
};

void tc_status_health(struct tc_status *s, bool healthy, const char *fmt, ...)
{
	struct tc_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	tc_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	json_object_set_new(s->json, "healthy", json_boolean(healthy));
	json_object_set_new(s->json, "text", json_string(text.data ? text.data : ""));
	tc_buf_fini(&text);
}

void tc_status_number(struct tc_status *s, const char *name, double value)
{
	json_object_set_new(json_object_get(s->json, "numbers"), name, json_real(value));
}

void tc_status_text(struct tc_status *s, const char *name, const char *value)
{
	json_object_set_new(s->json, name, json_string(value));
}

json_t *instance_status(struct tc_instance *self)
{
	struct tc_status s = {json_pack("{s:b, s:s, s:{}}", "healthy", self->open, "text",
					self->open ? "" : "not open", "numbers")};

	if (self->open && self->plugin->status)
		self->plugin->status(self->state, &s);
	return s.json;
}

/* ---- posted work ---- */

struct instance_post {
	TAILQ_ENTRY(instance_post) link;
	struct tc_instance *self; /* NULL once the instance was closed */
	void (*fn)(void *arg);
	void (*drop)(void *arg);
	void *arg;
};

/* Guards every instance's list of posts, and the end of being open; held for moments only. */
static pthread_mutex_t posts_lock = PTHREAD_MUTEX_INITIALIZER;

static void run_post(void *arg)
{
	struct instance_post *p = arg;
	bool run;

	pthread_mutex_lock(&posts_lock);
	run = p->self != NULL;
	if (run)
		TAILQ_REMOVE(&p->self->posts, p, link);
	pthread_mutex_unlock(&posts_lock);
	if (run)
		p->fn(p->arg);
	else if (p->drop)
		p->drop(p->arg);
	free(p);
}

int tc_post(struct tc_instance *self, void (*fn)(void *arg), void (*drop)(void *arg), void *arg)
{
	struct instance_post *p = tc_alloc(sizeof(*p));

	p->self = self;
	p->fn = fn;
	p->drop = drop;
	p->arg = arg;
	pthread_mutex_lock(&posts_lock);
	if (self->open)
		TAILQ_INSERT_TAIL(&self->posts, p, link);
	else
		p->self = NULL;
	pthread_mutex_unlock(&posts_lock);
	loop_post(self->host->loop, run_post, p);
	return 0;
}

/*
 * Not open from here on. What is still queued finds out, when its turn comes, that its instance is
 * gone.
 */
static void drop_posts(struct tc_instance *self)
{
	struct instance_post *p;

	pthread_mutex_lock(&posts_lock);
	self->open = false;
	while ((p = TAILQ_FIRST(&self->posts))) {
		TAILQ_REMOVE(&self->posts, p, link);
		p->self = NULL;
	}
	pthread_mutex_unlock(&posts_lock);
}

/* ---- timers ---- */

struct tc_timer {
	TAILQ_ENTRY(tc_timer) link;
	struct tc_instance *self;
	struct loop_timer timer;
};

struct tc_timer *tc_timer_new(struct tc_instance *self, void (*fn)(void *arg), void *arg)
{
	struct tc_timer *t = tc_alloc(sizeof(*t));

	t->self = self;
	loop_timer_init(&t->timer, self->host->loop, fn, arg);
	TAILQ_INSERT_TAIL(&self->timers, t, link);
	return t;
}

void tc_timer_start(struct tc_timer *t, int64_t delay_ms)
{
	loop_timer_start_us(&t->timer, delay_ms < INT64_MAX / 1000 ? delay_ms * 1000 : INT64_MAX);
}

void tc_timer_stop(struct tc_timer *t)
{
	loop_timer_stop(&t->timer);
}

void tc_timer_free(struct tc_timer *t)
{
	if (!t)
		return;
	loop_timer_stop(&t->timer);
	TAILQ_REMOVE(&t->self->timers, t, link);
	free(t);
}
