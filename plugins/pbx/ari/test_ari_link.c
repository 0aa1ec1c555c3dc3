/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call of an earlier process that rings, asked for at every moment of the connection's life; and
 * what becomes of the trunk when Asterisk does not list its calls, or takes no speech. The peer is
 * a server of this test: the few answers and the one event that a connection needs.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "ari.h"
#include "call/trunk.h"
#include "unit/host_rig.h"
#include "unit/tcp_peer.h"
#include "unit/ws_peer.h"

#define ID "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
#define CHANNEL "{\"id\": \"" ID "\", \"name\": \"PJSIP/p-1\", \"state\": \"Ringing\"}"
#define SOON_US 5000000 /* the core waits for 10 s */
#define LOG_MAX 64
#define LOG_SIZE 80

extern const struct tc_plugin tc_plugin;

struct fixture {
	struct host_rig host;
	struct tc_instance *self;
	struct trunks *trunks;
	struct tcp_peer *peer;
	struct ari *ari;
	pthread_mutex_t lock;        /* guards what follows */
	char log[LOG_MAX][LOG_SIZE]; /* "METHOD PATH", without the query */
	unsigned n_log;
	int events_fd;               /* -1 = none */
	bool mute;                   /* the answer to a ping is an answer, without its event */
	unsigned connections;        /* for events, so far */
	bool refuses;                /* to list channels */
	unsigned refused;            /* so often */
	unsigned rings;              /* on the loop only, as the next */
	int64_t rang_us;
};

/* ---- the server ---- */

static void send_echo(struct fixture *f)
{
	static const char text[] = "{\"type\": \"ChannelUserevent\", \"eventname\": "
				   "\"tocsin-ping\", \"userevent\": {}}";

	if (f->events_fd >= 0)
		ws_peer_send(f->events_fd, WS_TEXT, true, text, sizeof(text) - 1);
}

static void note(struct fixture *f, const char *method, char *path)
{
	path[strcspn(path, "?")] = '\0';
	pthread_mutex_lock(&f->lock);
	snprintf(f->log[f->n_log++ % LOG_MAX], LOG_SIZE, "%s %.60s", method, path);
	if (!strcmp(path, "/events/user/tocsin-ping") && !f->mute)
		send_echo(f);
	pthread_mutex_unlock(&f->lock);
}

/* NULL: 404 */
static const char *answer_to(const char *method, const char *path)
{
	if (strcmp(method, "GET") != 0)
		return strcmp(path, "/events/user/tocsin-ping") ? NULL : "";
	if (!strcmp(path, "/asterisk/info"))
		return "{\"system\": {\"version\": \"16.28.0\"}}";
	if (!strcmp(path, "/asterisk/ping"))
		return "{}";
	if (!strcmp(path, "/applications/tocsin"))
		return "{\"name\": \"tocsin\", \"channel_ids\": [\"" ID "\"]}";
	if (!strcmp(path, "/channels"))
		return "[" CHANNEL "]";
	if (!strcmp(path, "/bridges"))
		return "[]";
	return strcmp(path, "/channels/" ID) ? NULL : CHANNEL;
}

static void give_events(struct fixture *f, int fd, const char *head)
{
	char *answer = ws_peer_answer(head, "ari");
	struct ws_frame frame;

	tcp_peer_write(fd, answer, strlen(answer));
	free(answer);
	pthread_mutex_lock(&f->lock);
	f->events_fd = fd;
	f->connections++;
	pthread_mutex_unlock(&f->lock);
	while (ws_peer_receive(fd, &frame))
		free(frame.data);
	pthread_mutex_lock(&f->lock);
	if (f->events_fd == fd)
		f->events_fd = -1;
	pthread_mutex_unlock(&f->lock);
}

static bool refuse(struct fixture *f, const char *path)
{
	pthread_mutex_lock(&f->lock);
	bool yes = f->refuses && !strcmp(path, "/channels");
	f->refused += yes;
	pthread_mutex_unlock(&f->lock);
	return yes;
}

static void serve(struct tcp_peer *peer, int fd, unsigned n, void *arg)
{
	struct fixture *f = arg;
	char head[2000], method[16], path[160], body[1000];

	(void)peer;
	(void)n;
	while (tcp_peer_head(fd, head, sizeof(head)) &&
	       sscanf(head, "%15s /ari%159s", method, path) == 2) {
		const char *length = strstr(head, "Content-Length: ");
		size_t len = length ? strtoul(length + 16, NULL, 10) : 0;
		const char *text;
		char *reply;

		if (!strncmp(path, "/events?", 8)) {
			give_events(f, fd, head);
			return;
		}
		if (len >= sizeof(body) || !tcp_peer_read(fd, body, len))
			return;
		note(f, method, path);
		bool refused = refuse(f, path);
		text = refused ? NULL : answer_to(method, path);
		reply = tc_asprintf("HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
				    "Content-Length: %zu\r\n\r\n%s",
				    text      ? "200 OK"
				    : refused ? "503 Service Unavailable"
					      : "404 Not Found",
				    text ? strlen(text) : 0, text ? text : "");
		tcp_peer_write(fd, reply, strlen(reply));
		free(reply);
	}
}

static bool was_asked(struct fixture *f, const char *what)
{
	bool found = false;

	pthread_mutex_lock(&f->lock);
	for (unsigned i = 0; i < f->n_log && i < LOG_MAX; i++)
		found = found || !strcmp(f->log[i], what);
	pthread_mutex_unlock(&f->lock);
	return found;
}

/* ---- the trunk ---- */

static void on_event(void *arg, struct trunk *trunk, const struct tc_pbx_event *event)
{
	struct fixture *f = arg;

	(void)trunk;
	if (event->type != TC_PBX_RINGING)
		return;
	assert_string_equal(event->call_id, ID);
	f->rings++;
	f->rang_us = tc_now_us();
}

static int setup(void **state)
{
	struct fixture *f = tc_alloc(sizeof(*f));
	char *settings;

	f->events_fd = -1;
	f->mute = true;
	pthread_mutex_init(&f->lock, NULL);
	host_rig_init(&f->host, LOOP_REAL);
	host_plugin_add(f->host.host, &tc_plugin);
	f->trunks = trunks_new(f->host.loop, NULL, NULL);
	trunks_listen(f->trunks, on_event, NULL, f);
	host_services(f->host.host)->trunks = f->trunks;
	f->peer = tcp_peer_new(serve, f);
	settings = tc_asprintf("{\"url\": \"http://127.0.0.1:%u/ari\", \"user\": \"u\","
			       " \"password\": \"p\", \"endpoint\": \"PJSIP/{number}@p\","
			       " \"media\": \"file\", \"media_dir\": \"/nonexistent\"}",
			       tcp_peer_port(f->peer));
	f->self = host_rig_instance(&f->host, &tc_plugin, "pbx", settings);
	free(settings);
	trunks_add(f->trunks, f->self);
	assert_int_equal(instance_open(f->self), 0);
	f->ari = f->self->state;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	instance_close(f->self);
	tcp_peer_free(f->peer);
	trunks_free(f->trunks);
	host_rig_fini(&f->host);
	pthread_mutex_destroy(&f->lock);
	free(f);
	return 0;
}

/* ---- waiting ---- */

struct until {
	struct fixture *f;
	bool (*is_so)(struct fixture *f);
	bool reached;
	struct loop_timer timer;
};

static void look(void *arg)
{
	struct until *u = arg;

	u->reached = u->is_so(u->f);
	if (!u->reached)
		loop_timer_start_us(&u->timer, 200);
}

static void until(struct fixture *f, bool (*is_so)(struct fixture *f))
{
	struct until u = {.f = f, .is_so = is_so};

	loop_timer_init(&u.timer, f->host.loop, look, &u);
	loop_timer_start_us(&u.timer, 0);
	host_rig_wait(&f->host, &u.reached);
}

/* What follows the comparison with the list of channels. */
static bool has_compared(struct fixture *f)
{
	return was_asked(f, "GET /bridges");
}

static bool is_up(struct fixture *f)
{
	return link_up(f->ari->link);
}

static bool rings(struct fixture *f)
{
	return f->rings > 0;
}

static void let_events_come(struct fixture *f)
{
	pthread_mutex_lock(&f->lock);
	f->mute = false;
	send_echo(f);
	pthread_mutex_unlock(&f->lock);
}

static void recover(struct fixture *f)
{
	const struct tc_pbx_ops *ops = tc_plugin.ops;

	assert_int_equal(ops->recover(f->ari, ID, "+4930123", ""), 0);
}

/* It is told, once, and while the core still waits. */
static void rings_soon(struct fixture *f, int64_t since_us)
{
	until(f, rings);
	assert_true(f->rang_us - since_us < SOON_US);
	until(f, is_up);
	assert_int_equal(f->rings, 1);
}

/* ---- the moments ---- */

static void before_there_is_a_connection(void **state)
{
	struct fixture *f = *state;
	int64_t since_us = tc_now_us();

	recover(f);
	let_events_come(f);
	rings_soon(f, since_us);
}

/* Its channel was in the list when nobody had asked for it yet, and the trunk is not up. */
static void between_the_list_and_the_first_event(void **state)
{
	struct fixture *f = *state;
	int64_t since_us;

	until(f, has_compared);
	since_us = tc_now_us();
	recover(f);
	let_events_come(f);
	rings_soon(f, since_us);
}

static void in_a_connection_whose_first_event_does_not_come(void **state)
{
	struct fixture *f = *state;
	int64_t since_us;

	until(f, has_compared);
	since_us = tc_now_us();
	recover(f);
	until(f, rings);
	let_events_come(f);
	rings_soon(f, since_us);
}

static void when_it_is_up(void **state)
{
	struct fixture *f = *state;
	int64_t since_us;

	let_events_come(f);
	until(f, is_up);
	since_us = tc_now_us();
	recover(f);
	rings_soon(f, since_us);
}

/* ---- a trunk that cannot be used ---- */

static bool is_refused_often(struct fixture *f)
{
	pthread_mutex_lock(&f->lock);
	bool often = f->refused >= 3;
	pthread_mutex_unlock(&f->lock);
	return often;
}

/* Requests fail, events could come: another connection would not help. */
static void lists_are_asked_for_again_in_the_same_connection(void **state)
{
	struct fixture *f = *state;

	f->refuses = true;
	let_events_come(f);
	until(f, is_refused_often);
	assert_false(is_up(f));
	assert_non_null(strstr(link_text(f->ari->link), "does not list its calls: 503"));
	pthread_mutex_lock(&f->lock);
	assert_int_equal(f->connections, 1);
	f->refuses = false;
	pthread_mutex_unlock(&f->lock);
	until(f, is_up);
	assert_int_equal(f->connections, 1);
}

static bool has_judged_speech(struct fixture *f)
{
	const struct trunk *trunk = trunks_find(f->trunks, tc_instance_name(f->self));

	return is_up(f) && !link_healthy(f->ari->link) && strstr(trunk->text, "speech: file:");
}

static void a_trunk_that_cannot_speak_is_unhealthy(void **state)
{
	struct fixture *f = *state;
	const struct trunk *trunk;

	let_events_come(f);
	until(f, has_judged_speech);
	assert_non_null(strstr(link_text(f->ari->link), "speech: file:"));
	trunk = trunks_find(f->trunks, tc_instance_name(f->self));
	assert_false(trunk->healthy);
	link_speech(f->ari->link, NULL);
	assert_true(link_healthy(f->ari->link));
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(before_there_is_a_connection),
		WITH(between_the_list_and_the_first_event),
		WITH(in_a_connection_whose_first_event_does_not_come),
		WITH(when_it_is_up),
		WITH(lists_are_asked_for_again_in_the_same_connection),
		WITH(a_trunk_that_cannot_speak_is_unhealthy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
