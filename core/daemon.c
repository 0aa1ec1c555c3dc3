/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start, reload and stop of the daemon. What the rooms do is theirs.
 */
#include "daemon.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <tocsin/alloc.h>

#include "alert/alert.h"
#include "api/api.h"
#include "call/page.h"
#include "call/trunk.h"
#include "host/config.h"
#include "host/host.h"
#include "host/logging.h"
#include "host/loop.h"
#include "host/metrics.h"
#include "http/server.h"
#include "speech/speech.h"
#include "store/journal.h"
#include "store/store.h"

#define DRAIN_US (5 * 1000000)

struct daemon {
	const struct daemon_options *options;
	struct config *config;   /* owned; the one in force */
	struct config *retired;  /* owned; of before a reload: its strings may still be in use */
	struct loop *loop;
	struct host *host;
	struct tc_instance *store_instance;
	struct store *store;
	struct journal *journal;
	struct http_server *http;
	struct trunks *trunks;
	struct speech *speech;
	struct caller *caller;
	struct alerts *alerts;
	struct api *api;
	struct event *signals[3];
	bool failed;
};

/* The store's section, or what stands for it when there is none. */
static json_t *store_settings(const struct config *config)
{
	return config->store ? json_incref((json_t *)config->store)
			     : json_pack("{s:s, s:s}", "name", "store", "plugin", "sqlite");
}

/* ---- instances ---- */

static const struct {
	size_t offset;
	enum tc_kind kind;
} sections[] = {
	{offsetof(struct config, trunks), TC_KIND_PBX},
	{offsetof(struct config, voices), TC_KIND_TTS},
	{offsetof(struct config, carriers), TC_KIND_SMS},
	{offsetof(struct config, triggers), TC_KIND_TRIGGER},
};

static const struct tc_list *section(const struct config *config, size_t i)
{
	return (const struct tc_list *)((const char *)config + sections[i].offset);
}

/* Make all instances; faults are collected. */
static void make_instances(struct host *host, const struct config *config, struct tc_errors *errs)
{
	json_t *store = store_settings(config);

	instance_new(host, TC_KIND_STORE, store, errs);
	json_decref(store);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		const struct tc_list *list = section(config, i);
		const struct config_instance *c = list->v;

		for (size_t k = 0; k < list->n; k++)
			instance_new(host, sections[i].kind, c[k].settings, errs);
	}
}

static void free_instances(struct host *host)
{
	struct tc_instance *self;

	while ((self = instance_next(host, NULL)))
		instance_free(self);
}

int daemon_check(const struct daemon_options *options, struct tc_errors *errs)
{
	struct config *config = config_read(options->config_path, errs);
	struct loop *loop;
	struct host *host;

	if (!config)
		return -EINVAL;
	loop = loop_new(LOOP_VIRTUAL);
	host = host_new(loop, options->plugin_path, config->state_dir ? config->state_dir : "/");
	make_instances(host, config, errs);
	errors_set_doc(errs, NULL);
	free_instances(host);
	host_free(host);
	loop_free(loop);
	config_free(config);
	return tc_errors_count(errs) ? -EINVAL : 0;
}

/* ---- start ---- */

static int make_state_dir(const char *path)
{
	struct stat st;

	if (!mkdir(path, 0750) || (!stat(path, &st) && S_ISDIR(st.st_mode)))
		return 0;
	tc_log(NULL, TC_LOG_ERROR, "the state directory %s cannot be made: %s", path,
	       tc_strerror(errno));
	return -errno;
}

static int open_store(struct daemon *d)
{
	char fault[512] = "";
	struct tc_instance *self = instance_next(d->host, NULL);

	while (self && self->plugin->kind != TC_KIND_STORE)
		self = instance_next(d->host, self);
	if (!self || instance_open(self))
		return -EIO;
	d->store_instance = self;
	d->store = store_open(d->loop, self, fault, sizeof(fault));
	if (!d->store)
		tc_log(self, TC_LOG_ERROR, "%s", fault);
	return d->store ? 0 : -EIO;
}

static void make_rooms(struct daemon *d)
{
	char *prompts = tc_asprintf("%s/prompts", d->config->state_dir);
	struct caller_deps deps = {.loop = d->loop, .config = &d->config->call,
				   .prompts = &d->config->prompts};

	d->journal = journal_new();
	d->http = http_server_new(d->loop, d->config->http.max_body);
	d->trunks = deps.trunks = trunks_new(d->loop, d->store, d->journal);
	d->speech = deps.speech = speech_new(d->loop, prompts, d->config->prompt_cache_size);
	deps.store = d->store;
	deps.journal = d->journal;
	d->caller = caller_new(&deps);
	d->alerts = alerts_new(d->loop, d->store, d->journal, d->caller);
	*host_services(d->host) = (struct host_services){
		.http = d->http, .alerts = d->alerts, .trunks = d->trunks};
	d->api = api_new(&(struct api_deps){.loop = d->loop,
					    .host = d->host,
					    .store = d->store,
					    .journal = d->journal,
					    .http = d->http,
					    .alerts = d->alerts,
					    .caller = d->caller,
					    .trunks = d->trunks,
					    .speech = d->speech,
					    .config = d->config});
	free(prompts);
}

static int open_instances(struct daemon *d)
{
	struct tc_instance *self;

	for (self = instance_next(d->host, NULL); self; self = instance_next(d->host, self)) {
		if (self->plugin->kind == TC_KIND_STORE)
			continue;
		if (self->plugin->kind == TC_KIND_PBX)
			trunks_add(d->trunks, self);
		if (instance_open(self))
			return -EIO;
		if (self->plugin->kind == TC_KIND_TTS)
			speech_voice_add(d->speech, self);
	}
	return 0;
}

static int listen_all(struct daemon *d)
{
	const struct tc_strings *listen = &d->config->http.listen;
	char fault[256];

	for (size_t i = 0; i < listen->n; i++) {
		if (http_server_listen(d->http, listen->v[i], fault, sizeof(fault))) {
			tc_log(NULL, TC_LOG_ERROR, "http: %s", fault);
			return -EIO;
		}
	}
	return 0;
}

static void on_resumed(void *arg, int err)
{
	struct daemon *d = arg;

	if (err) {
		tc_log(NULL, TC_LOG_ERROR, "what was left open cannot be read: %s", tc_strerror(err));
		d->failed = true;
		loop_stop(d->loop);
		return;
	}
	api_set_ready(d->api, 1);
	tc_log(NULL, TC_LOG_INFO, "tocsind %s is ready node=%s", TC_VERSION, d->config->node);
	caller_warm(d->caller);
}

/* ---- reload ---- */

static bool same_instances(const struct config *a, const struct config *b)
{
	json_t *sa = store_settings(a), *sb = store_settings(b);
	bool same = json_equal(sa, sb);

	json_decref(sa);
	json_decref(sb);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections) && same; i++) {
		const struct tc_list *la = section(a, i), *lb = section(b, i);
		const struct config_instance *ca = la->v, *cb = lb->v;

		same = la->n == lb->n;
		for (size_t k = 0; k < la->n && same; k++)
			same = json_equal(ca[k].settings, cb[k].settings);
	}
	return same;
}

static bool same_listen(const struct config *a, const struct config *b)
{
	bool same = a->http.listen.n == b->http.listen.n && !strcmp(a->state_dir, b->state_dir);

	for (size_t i = 0; i < a->http.listen.n && same; i++)
		same = !strcmp(a->http.listen.v[i], b->http.listen.v[i]);
	return same;
}

static void reload(struct daemon *d)
{
	struct tc_errors *errs = tc_errors_new();
	struct config *fresh;

	if (daemon_check(d->options, errs)) {
		errors_print(errs, stderr);
		tc_log(NULL, TC_LOG_ERROR, "the configuration has faults: the one in force stays");
		tc_errors_free(errs);
		return;
	}
	fresh = config_load(d->options->config_path, errs);
	errors_set_doc(errs, NULL);
	tc_errors_free(errs);
	if (!fresh)
		return;
	if (!same_instances(d->config, fresh) || !same_listen(d->config, fresh))
		tc_log(NULL, TC_LOG_WARN, "store, trunks, voices, carriers, triggers, http.listen and "
		       "state_dir change with a restart only");
	logging_setup((enum tc_log_level)fresh->log.level, (enum logging_format)fresh->log.format);
	caller_reconfigure(d->caller, &fresh->call, &fresh->prompts);
	api_reconfigure(d->api, fresh);
	config_free(d->retired);
	d->retired = d->config;
	d->config = fresh;
	tc_log(NULL, TC_LOG_INFO, "the configuration was read again");
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	if (sig == SIGHUP) {
		reload(d);
		return;
	}
	tc_log(NULL, TC_LOG_INFO, "stopping");
	loop_stop(d->loop);
}

static void listen_signals(struct daemon *d)
{
	static const int which[] = {SIGTERM, SIGINT, SIGHUP};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(which) / sizeof(*which); i++) {
		d->signals[i] = evsignal_new(loop_base(d->loop), which[i], on_signal, d);
		event_add(d->signals[i], NULL);
	}
}

/* ---- stop ---- */

/* What was accepted is committed and answered before the rooms go. */
static void drain(struct daemon *d)
{
	int64_t until_us = loop_now_us(d->loop) + DRAIN_US;
	const struct timeval tick = {.tv_usec = 1000};

	while (store_pending(d->store) && loop_now_us(d->loop) < until_us) {
		event_base_loopexit(loop_base(d->loop), &tick);
		event_base_loop(loop_base(d->loop), EVLOOP_ONCE);
	}
	while (loop_turn(d->loop))
		;
}

static void close_kind(struct daemon *d, enum tc_kind kind)
{
	struct tc_instance *self;

	for (self = instance_next(d->host, NULL); self; self = instance_next(d->host, self))
		if (self->plugin->kind == kind)
			instance_close(self);
}

static void stop(struct daemon *d)
{
	if (d->http)
		http_server_close(d->http);
	if (d->host) {
		close_kind(d, TC_KIND_TRIGGER);
		close_kind(d, TC_KIND_PBX);
		close_kind(d, TC_KIND_TTS);
	}
	if (d->store)
		drain(d);
	api_free(d->api);
	http_server_free(d->http);
	alerts_free(d->alerts);
	caller_free(d->caller);
	trunks_free(d->trunks);
	speech_free(d->speech);
	if (d->store)
		store_close(d->store);
	journal_free(d->journal);
	if (d->host)
		free_instances(d->host);
	for (size_t i = 0; i < 3; i++)
		if (d->signals[i])
			event_free(d->signals[i]);
	loop_free(d->loop);
	host_free(d->host);
	config_free(d->config);
	config_free(d->retired);
	metrics_reset();
	libevent_global_shutdown();
}

static int start(struct daemon *d)
{
	struct tc_errors *errs = tc_errors_new();
	int err = -EINVAL;

	d->config = config_read(d->options->config_path, errs);
	if (d->config && d->config->state_dir) {
		d->loop = loop_new(LOOP_REAL);
		d->host = host_new(d->loop, d->options->plugin_path, d->config->state_dir);
		make_instances(d->host, d->config, errs);
	}
	errors_set_doc(errs, NULL);
	if (tc_errors_count(errs) || !d->host)
		errors_print(errs, stderr);
	else
		err = 0;
	tc_errors_free(errs);
	if (err)
		return err;
	logging_setup((enum tc_log_level)d->config->log.level,
		      (enum logging_format)d->config->log.format);
	err = make_state_dir(d->config->state_dir);
	if (!err)
		err = open_store(d);
	if (err)
		return err;
	make_rooms(d);
	listen_signals(d);
	err = open_instances(d);
	if (!err)
		err = listen_all(d);
	return err ? err : alerts_resume(d->alerts, on_resumed, d);
}

int daemon_run(const struct daemon_options *options)
{
	struct daemon d = {.options = options};
	int err = start(&d);

	if (!err) {
		loop_watchdog_start(d.loop);
		loop_run(d.loop);
	}
	stop(&d);
	return err || d.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
