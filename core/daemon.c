/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start, reload and stop of the daemon. What the rooms do is theirs.
 */
#include "daemon.h"

#include <assert.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tocsin/alloc.h>

#include "alert/alert.h"
#include "alert/loop_test.h"
#include "alert/self_alarm.h"
#include "api/api.h"
#include "call/page.h"
#include "call/trunk.h"
#include "host/config.h"
#include "host/host.h"
#include "host/logging.h"
#include "host/loop.h"
#include "host/metrics.h"
#include "http/server.h"
#include "oncall/coverage.h"
#include "oncall/oncall.h"
#include "setup.h"
#include "speech/prompts.h"
#include "speech/speech.h"
#include "store/journal.h"
#include "store/store.h"

#define DRAIN_US (5 * 1000000)
#define SETTLE_US (1 * 1000000)

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
#define SIGNALS (sizeof(signals) / sizeof(*signals))

struct daemon {
	const struct daemon_options *options;
	struct config *first;  /* owned; what the instances and the rooms were made from */
	struct config *config; /* owned; the one in force: first, or what was read since */
	struct loop *loop;
	struct host *host;
	struct tc_instance *store_instance;
	struct store *store;
	struct journal *journal;
	struct http_server *http;
	struct trunks *trunks;
	struct oncall *oncall;
	struct coverage *coverage;
	struct speech *speech;
	struct prompts *prompts;
	struct caller *caller;
	struct alerts *alerts;
	struct self_alarms *self_alarms;
	struct loop_tests *loop_tests;
	struct api *api;
	struct event *signals[SIGNALS];
	int lock_fd; /* of the state directory, -1 = none */
	bool failed, stopping;
};

int daemon_check(const struct daemon_options *options, struct tc_errors *errs)
{
	struct config *config = setup_read(options->config_path, options->plugin_path, errs);

	if (!config)
		return -EINVAL;
	config_free(config);
	return 0;
}

/* ---- start ---- */

static int make_state_dir(const char *path)
{
	struct stat st;
	int err;

	if (!mkdir(path, 0750))
		return 0;
	err = -errno;
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return 0;
	tc_log(NULL, TC_LOG_ERROR, "the state directory %s cannot be made: %s", path,
	       tc_strerror(err));
	return err;
}

/* Two daemons over one folder would both call people for the same alerts. */
static int lock_state_dir(struct daemon *d)
{
	const char *dir = d->config->state_dir;
	char *path = tc_asprintf("%s/lock", dir);
	int err = 0;

	d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (d->lock_fd < 0 || flock(d->lock_fd, LOCK_EX | LOCK_NB))
		err = -errno;
	if (err == -EWOULDBLOCK)
		tc_log(NULL, TC_LOG_ERROR, "the state directory %s is another tocsind's", dir);
	else if (err)
		tc_log(NULL, TC_LOG_ERROR, "%s cannot be locked: %s", path, tc_strerror(err));
	free(path);
	return err;
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

static int make_rooms(struct daemon *d)
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
	d->oncall = oncall_new(d->loop, d->store);
	oncall_configure(d->oncall, &d->config->escalation);
	d->coverage = coverage_new(d->loop, d->oncall);
	deps.directory = oncall_directory(d->oncall);
	d->caller = caller_new(&deps);
	d->alerts = alerts_new(&(struct alerts_deps){.loop = d->loop,
						     .store = d->store,
						     .journal = d->journal,
						     .caller = d->caller,
						     .oncall = d->oncall,
						     .config = &d->config->escalation});
	free(prompts);
	d->prompts = prompts_new(d->loop, d->speech, d->config->state_dir,
				 d->config->http.public_url);
	if (!d->prompts)
		return -EIO;
	*host_services(d->host) = (struct host_services){.store = d->store,
							 .journal = d->journal,
							 .http = d->http,
							 .alerts = d->alerts,
							 .trunks = d->trunks,
							 .prompts = d->prompts};
	d->api = api_new(&(struct api_deps){.loop = d->loop,
					    .host = d->host,
					    .store = d->store,
					    .journal = d->journal,
					    .http = d->http,
					    .alerts = d->alerts,
					    .caller = d->caller,
					    .trunks = d->trunks,
					    .oncall = d->oncall,
					    .speech = d->speech,
					    .prompts = d->prompts,
					    .config = d->config});
	return 0;
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
		tc_log(NULL, TC_LOG_ERROR, "what was left open cannot be read: %s",
		       tc_strerror(err));
		d->failed = !d->stopping;
		loop_stop(d->loop);
		return;
	}
	api_set_ready(d->api, 1);
	d->self_alarms = self_alarms_new(&(struct self_deps){.loop = d->loop,
							     .host = d->host,
							     .store = d->store,
							     .journal = d->journal,
							     .trunks = d->trunks,
							     .oncall = d->oncall,
							     .caller = d->caller,
							     .alerts = d->alerts,
							     .config = &d->config->self_alarms});
	d->loop_tests = loop_tests_new(&(struct loop_test_deps){.loop = d->loop,
								.store = d->store,
								.trunks = d->trunks,
								.caller = d->caller,
								.alerts = d->alerts,
								.tests = &d->first->test_calls,
								.alarms = &d->config->self_alarms});
	tc_log(NULL, TC_LOG_INFO, "tocsind %s is ready node=%s", TC_VERSION, d->config->node);
	caller_warm(d->caller);
}

/* ---- reload ---- */

static void reload(struct daemon *d)
{
	struct tc_errors *errs = tc_errors_new();
	struct config *fresh =
		setup_read(d->options->config_path, d->options->plugin_path, errs);

	errors_print(errs, stderr);
	tc_errors_free(errs);
	if (!fresh) {
		tc_log(NULL, TC_LOG_ERROR, "the configuration has faults: the one in force stays");
		return;
	}
	if (!setup_same(d->first, fresh))
		tc_log(NULL, TC_LOG_WARN,
		       "node, state_dir, http.listen, http.max_body, store, trunks, voices, "
		       "carriers, triggers, test_calls and prompt_cache_size change with a restart "
		       "only");
	logging_setup((enum tc_log_level)fresh->log.level, (enum logging_format)fresh->log.format);
	oncall_configure(d->oncall, &fresh->escalation);
	alerts_configure(d->alerts, &fresh->escalation);
	self_alarms_configure(d->self_alarms, &fresh->self_alarms);
	loop_tests_configure(d->loop_tests, &fresh->self_alarms);
	caller_reconfigure(d->caller, &fresh->call, &fresh->prompts);
	api_reconfigure(d->api, fresh);
	prompts_reconfigure(d->prompts, fresh->http.public_url);
	if (d->config != d->first)
		config_free(d->config);
	d->config = fresh;
	tc_log(NULL, TC_LOG_INFO, "the configuration was reloaded");
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	if (d->stopping)
		return;
	if (sig == SIGHUP) {
		reload(d);
		return;
	}
	d->stopping = true;
	tc_log(NULL, TC_LOG_INFO, "stopping");
	loop_stop(d->loop);
}

static void listen_signals(struct daemon *d)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < SIGNALS; i++) {
		d->signals[i] = evsignal_new(loop_base(d->loop), signals[i], on_signal, d);
		event_add(d->signals[i], NULL);
	}
}

/* ---- stop ---- */

/* What is posted and due now, and what of it reaches the sockets; not for ever. */
static void settle(struct daemon *d)
{
	int64_t until_us = loop_now_us(d->loop) + SETTLE_US;

	while (loop_turn(d->loop) && loop_now_us(d->loop) < until_us)
		;
}

/*
 * What was accepted is committed and answered before the rooms go. When the store cannot do that in
 * time, who waits is told so: all is answered once the store has stopped.
 */
static void drain(struct daemon *d)
{
	int64_t until_us = loop_now_us(d->loop) + DRAIN_US;
	const struct timeval tick = {.tv_usec = 1000};

	while ((store_pending(d->store) || http_server_in_flight(d->http)) &&
	       loop_now_us(d->loop) < until_us) {
		event_base_loopexit(loop_base(d->loop), &tick);
		event_base_loop(loop_base(d->loop), EVLOOP_ONCE);
	}
	settle(d);
	store_stop(d->store);
	settle(d);
}

static void close_kind(struct daemon *d, enum tc_kind kind)
{
	struct tc_instance *self;

	for (self = instance_next(d->host, NULL); self; self = instance_next(d->host, self)) {
		if (self->plugin->kind != kind)
			continue;
		instance_close(self);
		if (d->http)
			http_server_forget(d->http, self); /* its routes were in its state */
	}
}

static void free_rooms(struct daemon *d)
{
	api_free(d->api);
	http_server_free(d->http);
	loop_tests_free(d->loop_tests);
	self_alarms_free(d->self_alarms);
	alerts_free(d->alerts);
	caller_free(d->caller);
	coverage_free(d->coverage);
	oncall_free(d->oncall);
	trunks_free(d->trunks);
	prompts_free(d->prompts);
	speech_free(d->speech); /* before its voices are closed */
	store_close(d->store);
	journal_free(d->journal);
}

/* Another SIGTERM from here on must not make the end an unclean one. */
static void free_signals(struct daemon *d)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaddset(&set, signals[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < SIGNALS; i++)
		if (d->signals[i])
			event_free(d->signals[i]);
}

/* Also the end of a start that failed: whatever is there goes. */
static void stop(struct daemon *d)
{
	d->stopping = true;
	if (d->loop)
		loop_watchdog_stop(d->loop);
	if (d->http)
		http_server_close(d->http);
	self_alarms_close(d->self_alarms);
	/* before the trunks: without them each call would be one in vain */
	caller_close(d->caller);
	if (d->host) {
		close_kind(d, TC_KIND_TRIGGER);
		close_kind(d, TC_KIND_PBX);
	}
	if (d->store)
		drain(d);
	free_rooms(d);
	if (d->host)
		setup_free_instances(d->host);
	free_signals(d);
	loop_free(d->loop);
	host_free(d->host);
	if (d->config != d->first)
		config_free(d->config);
	config_free(d->first);
	if (d->lock_fd >= 0)
		close(d->lock_fd); /* the file stays: who waits for its lock may have it open */
	metrics_reset();
	libevent_global_shutdown();
}

static int start(struct daemon *d)
{
	struct tc_errors *errs = tc_errors_new();
	int err;

	d->config = d->first = config_read(d->options->config_path, errs);
	if (d->config) {
		const char *dir = d->config->state_dir;

		d->loop = loop_new(LOOP_REAL);
		d->host = host_new(d->loop, d->options->plugin_path, dir ? dir : "/");
		setup_instances(d->host, d->config, errs);
	}
	err = tc_errors_count(errs) ? -EINVAL : 0;
	errors_print(errs, stderr);
	tc_errors_free(errs);
	if (err)
		return err;
	assert(d->config && d->config->state_dir); /* without them there were faults */
	logging_setup((enum tc_log_level)d->config->log.level,
		      (enum logging_format)d->config->log.format);
	err = make_state_dir(d->config->state_dir);
	if (!err)
		err = lock_state_dir(d);
	if (!err)
		err = open_store(d);
	if (err)
		return err;
	err = make_rooms(d);
	listen_signals(d);
	if (!err)
		err = open_instances(d);
	if (!err)
		err = listen_all(d);
	if (err)
		return err;
	alerts_tell(d->alerts, d->host);
	return alerts_resume(d->alerts, on_resumed, d);
}

int daemon_run(const struct daemon_options *options)
{
	struct daemon d = {.options = options, .lock_fd = -1};
	int err = start(&d);

	if (!err) {
		loop_watchdog_start(d.loop);
		loop_run(d.loop);
	}
	stop(&d);
	return err || d.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
