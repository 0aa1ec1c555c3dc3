/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test bench of trunks. The tests themselves are in conform_pbx.c.
 */
#include "rig.h"

#include <arpa/inet.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "asterisk.h"
#include "call/trunk.h"
#include "host/host.h"
#include "host/id.h"
#include "host/loop.h"

#define WAIT_MS 10000
#define TURN_MS 5

struct rig rig;

static char state_dir[32];

/* ---- beginning and end ---- */

static void on_event(void *arg, struct trunk *trunk, const struct tc_pbx_event *event)
{
	(void)arg;
	(void)trunk;
	rig.seen = tc_realloc(rig.seen, (rig.n_seen + 1) * sizeof(*rig.seen));
	rig.seen[rig.n_seen++] = *event;
}

static void host_begin(const char *plugin)
{
	tc_strcopy(state_dir, sizeof(state_dir), "/tmp/conform-pbx-XXXXXX");
	if (!mkdtemp(state_dir))
		abort();
	rig.plugin = plugin;
	rig.loop = loop_new(LOOP_REAL);
	rig.host = host_new(rig.loop, getenv("TOCSIN_PLUGIN_PATH"), state_dir);
	rig.trunks = trunks_new(rig.loop, NULL, NULL);
	trunks_listen(rig.trunks, on_event, NULL, NULL);
	host_services(rig.host)->trunks = rig.trunks;
}

static void host_end(void)
{
	trunks_free(rig.trunks);
	host_free(rig.host);
	loop_free(rig.loop);
	free(rig.seen);
	rmdir(state_dir);
}

/* By the environment, as the processes that are to crash need it too. */
static void go_through_asterisk(void)
{
	char *settings = asterisk_settings(rig.asterisk, phone_port(rig.phone));
	char *dial = asterisk_dial(rig.asterisk);

	setenv("TOCSIN_CONFORM_SETTINGS", settings, 1);
	setenv("TOCSIN_CONFORM_DIAL", dial, 1);
	free(settings);
	free(dial);
	rig.has_sip = asterisk_major(rig.asterisk) >= 22;
}

void rig_begin(const char *plugin)
{
	bool ari = !strcmp(plugin, "ari");

	host_begin(plugin);
	rig.direct = !ari;
	rig.adopts = ari;
	rig.has_sip = true;
	if (ari)
		rig.asterisk = asterisk_new(state_dir);
	rig.phone = phone_new();
	rig.sip_port = rig_free_port();
	if (ari)
		go_through_asterisk();
}

void rig_end(void)
{
	asterisk_free(rig.asterisk);
	phone_free(rig.phone);
	host_end();
}

unsigned rig_free_port(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, len) ||
	    getsockname(fd, (struct sockaddr *)&in, &len))
		abort();
	close(fd);
	return ntohs(in.sin_port);
}

/* What a plugin needs to reach the telephones; others say it by TOCSIN_CONFORM_SETTINGS. */
static json_t *settings_for(unsigned port, unsigned phone_port)
{
	const char *text = getenv("TOCSIN_CONFORM_SETTINGS");
	char *uri, *listen;
	json_t *settings;

	if (text && *text)
		return json_loads(text, 0, NULL);
	if (strcmp(rig.plugin, "sip") != 0)
		return NULL;
	uri = tc_asprintf("sip:{number}@127.0.0.1:%u", phone_port);
	listen = tc_asprintf("127.0.0.1:%u", port);
	settings = json_pack("{s:s, s:s, s:s, s:s, s:i}", "uri", uri, "listen", listen, "keepalive",
			     "0s", "answer_timeout", "800ms", "max_calls", 100);
	free(uri);
	free(listen);
	return settings;
}

static bool is_healthy(void *arg)
{
	json_t *status = instance_status(arg);
	bool healthy = json_is_true(json_object_get(status, "healthy"));

	json_decref(status);
	return healthy;
}

static struct tc_instance *open_at(const char *name, unsigned port, unsigned phone_port)
{
	json_t *settings = settings_for(port, phone_port);
	struct tc_errors *errs = tc_errors_new();
	struct tc_instance *self;

	assert_non_null(settings);
	json_object_set_new(settings, "name", json_string(name));
	json_object_set_new(settings, "plugin", json_string(rig.plugin));
	if (rig.extra) {
		json_t *extra = json_loads(rig.extra, 0, NULL);
		json_object_update(settings, extra);
		json_decref(extra);
	}
	if (rig.self && json_object_get(settings, "app")) /* each instance has its own */
		json_object_set_new(settings, "app", json_string(name));
	self = instance_new(rig.host, TC_KIND_PBX, settings, errs);
	for (size_t i = 0; i < tc_errors_count(errs); i++)
		print_error("%s: %s\n", tc_errors_field(errs, i), tc_errors_text(errs, i));
	assert_non_null(self);
	tc_errors_free(errs);
	trunks_add(rig.trunks, self);
	assert_int_equal(instance_open(self), 0);
	json_decref(settings);
	rig_wait(is_healthy, self, "the trunk to be healthy");
	return self;
}

struct tc_instance *rig_open(const char *name, unsigned port)
{
	return open_at(name, port, phone_port(rig.phone));
}

void rig_close(struct tc_instance *self)
{
	struct trunk *t = self->owner;

	instance_close(self);
	TAILQ_REMOVE(&rig.trunks->list, t, link);
	free(t->text);
	free(t->said);
	free(t->held_why);
	free(t);
	instance_free(self);
}

int rig_setup(void **state)
{
	(void)state;
	rig.n_seen = 0;
	rig.self = rig_open("conform", rig.sip_port);
	return 0;
}

int rig_teardown(void **state)
{
	(void)state;
	if (rig.self)
		rig_close(rig.self);
	rig.self = NULL;
	return 0;
}

const struct tc_pbx_ops *rig_ops(const struct tc_instance *self)
{
	return self->plugin->ops;
}

/* ---- calls ---- */

int rig_try(struct tc_instance *self, char call_id[TC_ID_SIZE], const char *number,
	    int64_t ring_timeout_ms)
{
	id_new(call_id, loop_wall_us(rig.loop));
	return rig_ops(self)->originate(
		self->state, &(struct tc_pbx_originate){.call_id = call_id,
							.number = number,
							.caller_name = "Conform",
							.ring_timeout_ms = ring_timeout_ms});
}

void rig_call(char call_id[TC_ID_SIZE], const char *number)
{
	assert_int_equal(rig_try(rig.self, call_id, number, 20000), 0);
}

/* ---- waiting ---- */

struct wait {
	bool (*ready)(void *arg);
	void *arg;
	struct loop_timer timer;
	int64_t until_us;
	bool done;
};

static void on_turn(void *arg)
{
	struct wait *w = arg;

	w->done = w->ready && w->ready(w->arg);
	if (w->done || loop_now_us(rig.loop) > w->until_us)
		loop_stop(rig.loop);
	else
		loop_timer_start_us(&w->timer, TURN_MS * 1000);
}

static bool wait_for(bool (*ready)(void *arg), void *arg, int64_t ms)
{
	struct wait w = {.ready = ready, .arg = arg, .until_us = loop_now_us(rig.loop) + ms * 1000};

	loop_timer_init(&w.timer, rig.loop, on_turn, &w);
	loop_timer_start_us(&w.timer, 0);
	loop_run(rig.loop);
	loop_timer_stop(&w.timer);
	return w.done;
}

void rig_wait(bool (*ready)(void *arg), void *arg, const char *what)
{
	if (!wait_for(ready, arg, WAIT_MS)) {
		for (size_t i = 0; i < rig.n_seen; i++)
			print_error("seen: type %d call %s %s\n", rig.seen[i].type,
				    rig.seen[i].call_id, rig.seen[i].text);
		fail_msg("waited in vain for %s", what);
	}
}

bool rig_has(bool trait, const char *what)
{
	if (!trait)
		print_message("# %s: not looked at: %s\n", rig.plugin, what);
	return trait;
}

void rig_idle(int64_t ms)
{
	wait_for(NULL, NULL, ms);
}

const struct tc_pbx_event *rig_event(const char *call_id, enum tc_pbx_event_type type, size_t i)
{
	for (size_t k = 0; k < rig.n_seen; k++)
		if (rig.seen[k].type == type && !strcmp(rig.seen[k].call_id, call_id) && !i--)
			return &rig.seen[k];
	return NULL;
}

struct expected {
	const char *call_id;
	enum tc_pbx_event_type type;
	size_t i;
};

static bool is_there(void *arg)
{
	struct expected *e = arg;

	return rig_event(e->call_id, e->type, e->i) != NULL;
}

const struct tc_pbx_event *rig_await(const char *call_id, enum tc_pbx_event_type type, size_t i)
{
	static const char *const names[] = {
#define X(sym, name) [sym] = name,
		TC_PBX_EVENTS(X)
#undef X
	};
	struct expected e = {call_id, type, i};

	rig_wait(is_there, &e, names[type]);
	return rig_event(call_id, type, i);
}

size_t rig_count(const char *call_id, enum tc_pbx_event_type type)
{
	size_t n = 0;

	while (rig_event(call_id, type, n))
		n++;
	return n;
}

const struct tc_pbx_event *rig_await_end(const char *call_id)
{
	const struct tc_pbx_event *last = NULL;

	rig_await(call_id, TC_PBX_ENDED, 0);
	rig_idle(50);
	assert_int_equal(rig_count(call_id, TC_PBX_ENDED), 1);
	for (size_t k = 0; k < rig.n_seen; k++)
		if (!strcmp(rig.seen[k].call_id, call_id))
			last = &rig.seen[k];
	if (!last || last->type != TC_PBX_ENDED)
		fail_msg("something followed the end of call %s", call_id);
	return last;
}

/* ---- sound ---- */

struct tc_clip *rig_tone(uint32_t rate_hz, unsigned ms, const char *key)
{
	size_t n = (size_t)rate_hz * ms / 1000;
	struct tc_clip *clip = tc_clip_new(rate_hz, n);

	for (size_t i = 0; i < n; i++)
		clip->pcm[i] = (int16_t)(8000 * sin(2 * M_PI * 1000 * (double)i / rate_hz + 0.5));
	tc_strcopy(clip->key, sizeof(clip->key), key);
	return clip;
}

/* ---- crashes ---- */

/* Reports go to the parent: type and ref, a line each. */
static void on_child_event(void *arg, struct trunk *trunk, const struct tc_pbx_event *event)
{
	(void)arg;
	(void)trunk;
	printf("%d %s\n", event->type, event->ref);
	fflush(stdout);
}

int rig_child(char **argv)
{
	unsigned port = (unsigned)strtoul(argv[3], NULL, 10);
	unsigned to = (unsigned)strtoul(argv[4], NULL, 10);

	alarm(30); /* should nobody kill it */
	host_begin(argv[1]);
	rmdir(state_dir); /* while there is somebody to do it; nothing is written there */
	trunks_listen(rig.trunks, on_child_event, NULL, NULL);
	rig.self = open_at("crashing", port, to);
	if (rig_ops(rig.self)->originate(rig.self->state,
					 &(struct tc_pbx_originate){.call_id = argv[5],
								    .number = argv[6],
								    .ring_timeout_ms = 60000}))
		return 1;
	loop_run(rig.loop);
	return 1;
}

static pid_t child_start(unsigned port, const char *call_id, const char *number, int *out)
{
	char port_text[8], to[8];
	int fds[2];
	pid_t pid;

	snprintf(port_text, sizeof(port_text), "%u", port);
	snprintf(to, sizeof(to), "%u", phone_port(rig.phone));
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execl("/proc/self/exe", "conform-pbx", rig.plugin, "--child", port_text, to,
		      call_id, number, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	*out = fds[0];
	return pid;
}

void rig_crash(unsigned port, const char *call_id, const char *number, enum tc_pbx_event_type until,
	       char ref[static 512])
{
	char line[600];
	bool reached = false;
	int out;
	pid_t pid = child_start(port, call_id, number, &out);
	FILE *f = fdopen(out, "r");

	ref[0] = '\0';
	while (!reached && fgets(line, sizeof(line), f)) {
		char *rest;
		reached = strtol(line, &rest, 10) == (long)until;
		rest[strcspn(rest, "\n")] = '\0';
		if (rest[0] && rest[1])
			tc_strcopy(ref, 512, rest + 1);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fclose(f);
	assert_true(reached);
}
