/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * WebSocket clients: messages of all forms, and all the ways to fail and to end. The peer is a
 * server of this test.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "socket.h"
#include "unit/host_rig.h"
#include "unit/tcp_peer.h"
#include "unit/ws_peer.h"

#define TIMEOUT_MS 20000
#define BIG        (3u << 20)
#define TOO_BIG    ((4u << 20) + 1)

struct fixture {
	struct host_rig host;
	struct tc_instance *self;
	struct tcp_peer *peer;
	struct sockets *sockets;
	pthread_mutex_t lock; /* guards what follows */
	char head[2000];      /* of the last request */
	unsigned pongs, closes, received;
	int close_code;
	size_t received_bytes;
};

/* ---- the server: what it does depends on the path ---- */

static char *filled(size_t len)
{
	char *s = tc_alloc(len + 1);

	for (size_t i = 0; i < len; i++)
		s[i] = (char)('a' + i % 23);
	return s;
}

static void send_filled(int fd, enum ws_op op, size_t len)
{
	char *s = filled(len);

	ws_peer_send(fd, op, true, s, len);
	free(s);
}

static void send_fragments(int fd)
{
	ws_peer_send(fd, WS_TEXT, false, "one ", 4);
	ws_peer_send(fd, WS_PING, true, "p", 1); /* control frames may come in between */
	ws_peer_send(fd, WS_MORE, false, "", 0);
	ws_peer_send(fd, WS_MORE, false, "two ", 4);
	ws_peer_send(fd, WS_MORE, true, "three", 5);
	ws_peer_send(fd, WS_BINARY, true, "\0\1\2", 3);
	ws_peer_send(fd, WS_TEXT, true, "", 0);
}

static void count(struct fixture *f, const struct ws_frame *frame)
{
	pthread_mutex_lock(&f->lock);
	f->pongs += frame->op == WS_PONG;
	if (frame->op == WS_CLOSE) {
		f->closes++;
		f->close_code = frame->len < 2 ? 0
					       : (unsigned char)frame->data[0] << 8 |
							 (unsigned char)frame->data[1];
	} else if (frame->op < WS_CLOSE) {
		f->received++;
		f->received_bytes += frame->len;
	}
	pthread_mutex_unlock(&f->lock);
}

/* Answer pings and closes, send messages back. */
static void echo(struct fixture *f, int fd)
{
	struct ws_frame frame;
	bool on = true;

	while (on && ws_peer_receive(fd, &frame)) {
		on = frame.masked && frame.op != WS_CLOSE; /* a client must mask: RFC 6455 5.1 */
		count(f, &frame);
		if (frame.op == WS_PING)
			ws_peer_send(fd, WS_PONG, true, frame.data, frame.len);
		else if (frame.op != WS_PONG)
			ws_peer_send(fd, frame.op, frame.final, frame.data, frame.len);
		free(frame.data);
	}
}

/* Read and say nothing until the connection ends. */
static void be_silent(struct fixture *f, int fd)
{
	struct ws_frame frame;

	while (ws_peer_receive(fd, &frame)) {
		count(f, &frame);
		free(frame.data);
	}
}

static void refuse(int fd, const char *status)
{
	char *text = tc_asprintf("HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\nno", status);

	tcp_peer_write(fd, text, strlen(text));
	free(text);
}

/* The answer to the request and a first message in one piece. */
static void answer_and_speak(int fd, const char *head)
{
	char *answer = ws_peer_answer(head, "ari");
	char *both = tc_asprintf("%s\x81\x05hello\x81\x05world", answer);

	tcp_peer_write(fd, both, strlen(both));
	free(answer);
	free(both);
}

/* result: false: it is refused, or more */
static bool shake_hands(struct fixture *f, int fd, char path[80])
{
	char head[2000], *answer;

	if (!tcp_peer_head(fd, head, sizeof(head)) || sscanf(head, "GET %79s", path) != 1)
		return false;
	pthread_mutex_lock(&f->lock);
	tc_strcopy(f->head, sizeof(f->head), head);
	pthread_mutex_unlock(&f->lock);
	if (!strcmp(path, "/denied"))
		refuse(fd, "401 Unauthorized");
	else if (!strcmp(path, "/gone"))
		refuse(fd, "404 Not Found");
	else if (!strcmp(path, "/moved"))
		refuse(fd, "302 Found\r\nLocation: ws://127.0.0.1:1/");
	else if (!strcmp(path, "/plain"))
		refuse(fd, "200 OK");
	else if (!strcmp(path, "/hang"))
		tcp_peer_hold(f->peer);
	else if (!strcmp(path, "/garbage"))
		tcp_peer_write(fd, "220 mail.example ESMTP\r\n\r\n", 26);
	else if (!strcmp(path, "/together"))
		answer_and_speak(fd, head);
	else if (strcmp(path, "/cut") != 0) {
		answer = ws_peer_answer(head, strcmp(path, "/none") ? "ari" : NULL);
		tcp_peer_write(fd, answer, strlen(answer));
		free(answer);
		return true;
	}
	if (!strcmp(path, "/together"))
		echo(f, fd);
	return false;
}

static void ask_now_and_then(struct fixture *f, int fd)
{
	struct ws_frame frame;

	for (int i = 0; i < 5; i++) {
		tcp_peer_hold(f->peer);
		ws_peer_send(fd, WS_PING, true, "are you there", 13);
		if (!ws_peer_receive(fd, &frame))
			return;
		if (frame.len == 13)
			count(f, &frame);
		free(frame.data);
	}
}

/* Speak and do not read. */
static void tell_to_stop(struct tcp_peer *peer, int fd)
{
	tcp_peer_hold(peer);
	for (int i = 0; i < 100; i++)
		send_filled(fd, WS_TEXT, 1200);
	tcp_peer_hold(peer);
}

static void serve(struct tcp_peer *peer, int fd, unsigned n, void *arg)
{
	struct fixture *f = arg;
	char path[80];

	(void)n;
	if (!shake_hands(f, fd, path))
		return;
	if (!strcmp(path, "/fragments"))
		send_fragments(fd);
	else if (!strcmp(path, "/big"))
		send_filled(fd, WS_TEXT, BIG);
	else if (!strcmp(path, "/toobig"))
		send_filled(fd, WS_TEXT, TOO_BIG);
	else if (!strcmp(path, "/many"))
		for (int i = 0; i < 20000; i++)
			send_filled(fd, WS_TEXT, 1200);
	else if (!strcmp(path, "/ping"))
		ask_now_and_then(f, fd);
	else if (!strcmp(path, "/bye"))
		ws_peer_send(fd, WS_CLOSE, true, "\x03\xe9going home", 12);
	else if (!strcmp(path, "/lost"))
		return;
	else if (!strcmp(path, "/slow"))
		tcp_peer_hold(peer);
	else if (!strcmp(path, "/stop"))
		tell_to_stop(peer, fd);
	if (!strcmp(path, "/silent"))
		be_silent(f, fd);
	else
		echo(f, fd);
}

/* ---- the client ---- */

static int setup(void **state)
{
	struct fixture *f = tc_alloc(sizeof(*f));

	pthread_mutex_init(&f->lock, NULL);
	host_rig_init(&f->host, LOOP_REAL);
	f->self = host_rig_instance(&f->host, &host_rig_plugin, "pbx", NULL);
	assert_int_equal(instance_open(f->self), 0);
	f->peer = tcp_peer_new(serve, f);
	f->sockets = sockets_new(f->self, NULL);
	assert_non_null(f->sockets);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sockets_free(f->sockets);
	tcp_peer_free(f->peer);
	host_rig_fini(&f->host);
	pthread_mutex_destroy(&f->lock);
	free(f);
	return 0;
}

enum on_event { KEEP, CLOSE_IT, FREE_ALL };

struct heard {
	struct fixture *f;
	struct socket *socket;
	int opened, texts, binaries, closed, status;
	size_t bytes;
	char first[200], text[200], binary[200], why[200];
	size_t binary_len;
	bool open, there, gone; /* there: wanted messages came */
	int wanted;             /* messages */
	enum on_event on_open, on_text;
	const char *say; /* when it is open */
};

static void react(struct heard *h, enum on_event what)
{
	if (what == CLOSE_IT) {
		socket_close(h->socket);
		h->socket = NULL;
	} else if (what == FREE_ALL) {
		sockets_free(h->f->sockets);
		h->f->sockets = NULL;
	}
}

static void opened(void *arg)
{
	struct heard *h = arg;

	h->opened++;
	h->open = true;
	if (h->say)
		socket_text(h->socket, h->say);
	react(h, h->on_open);
}

static void text(void *arg, const char *data, size_t len)
{
	struct heard *h = arg;

	assert_int_equal(data[len], '\0');
	assert_int_equal(strlen(data), len);
	h->texts++;
	h->bytes += len;
	tc_strcopy(h->text, sizeof(h->text), data);
	if (h->texts == 1)
		tc_strcopy(h->first, sizeof(h->first), data);
	h->there = h->texts + h->binaries >= h->wanted;
	react(h, h->on_text);
}

static void binary(void *arg, const void *data, size_t len)
{
	struct heard *h = arg;

	h->binaries++;
	h->bytes += len;
	h->binary_len = len;
	memcpy(h->binary, data, len < sizeof(h->binary) ? len : sizeof(h->binary));
	h->there = h->texts + h->binaries >= h->wanted;
}

static void closed(void *arg, int status, const char *why)
{
	struct heard *h = arg;

	h->closed++;
	h->gone = true;
	h->status = status;
	h->socket = NULL;
	tc_strcopy(h->why, sizeof(h->why), why);
	assert_null(strstr(why, "Sekret"));
}

static const struct socket_events events = {opened, text, binary, closed};

static void start_url(struct fixture *f, struct heard *h, const char *url, int64_t ping_ms,
		      int64_t timeout_ms)
{
	const struct socket_target target = {
		.url = url,
		.protocol = "ari",
		.user = "rig",
		.password = "Sekret",
		.ping_ms = ping_ms,
		.timeout_ms = timeout_ms,
	};

	h->f = f;
	h->socket = socket_open(f->sockets, &target, &events, h);
	assert_non_null(h->socket);
	assert_int_equal(h->opened + h->closed, 0);
}

static void start(struct fixture *f, struct heard *h, const char *path)
{
	char *url = tc_asprintf("ws://127.0.0.1:%u%s", tcp_peer_port(f->peer), path);

	start_url(f, h, url, 0, TIMEOUT_MS);
	free(url);
}

struct until {
	struct fixture *f;
	const unsigned *counter; /* of the fixture; NULL = connections that are held */
	unsigned value;
	bool reached;
	struct loop_timer timer;
};

static void look(void *arg)
{
	struct until *u = arg;

	pthread_mutex_lock(&u->f->lock);
	u->reached = (u->counter ? *u->counter : tcp_peer_held(u->f->peer)) >= u->value;
	pthread_mutex_unlock(&u->f->lock);
	if (!u->reached)
		loop_timer_start_us(&u->timer, 500);
}

static void until(struct fixture *f, const unsigned *counter, unsigned value)
{
	struct until u = {.f = f, .counter = counter, .value = value};

	loop_timer_init(&u.timer, f->host.loop, look, &u);
	loop_timer_start_us(&u.timer, 0);
	host_rig_wait(&f->host, &u.reached);
}

static void until_held(struct fixture *f, unsigned n)
{
	until(f, NULL, n);
}

static void close_it(struct fixture *f, struct heard *h)
{
	unsigned closes;

	pthread_mutex_lock(&f->lock);
	closes = f->closes;
	pthread_mutex_unlock(&f->lock);
	socket_close(h->socket);
	until(f, &f->closes, closes + 1);
	assert_int_equal(f->close_code, 1000);
	assert_int_equal(h->closed, 0);
}

/* ---- messages ---- */

static void messages_go_both_ways(void **state)
{
	struct fixture *f = *state;
	struct heard h = {.wanted = 2};

	start(f, &h, "/events?app=x");
	socket_text(h.socket, "before it is open");
	assert_int_equal(socket_queued(h.socket), 17);
	host_rig_wait(&f->host, &h.open);
	socket_binary(h.socket, "\0\1\2", 3);
	host_rig_wait(&f->host, &h.there);
	assert_string_equal(h.text, "before it is open");
	assert_int_equal(h.binary_len, 3);
	assert_memory_equal(h.binary, "\0\1\2", 3);
	assert_int_equal(socket_queued(h.socket), 0);
	assert_ptr_equal(strstr(f->head, "GET /events?app=x HTTP/1.1\r\n"), f->head);
	/* "rig:Sekret" */
	assert_non_null(strcasestr(f->head, "\r\nAuthorization: Basic cmlnOlNla3JldA==\r\n"));
	assert_non_null(strcasestr(f->head, "\r\nSec-WebSocket-Protocol: ari\r\n"));
	assert_null(strcasestr(f->head, "Sec-WebSocket-Extensions"));
	assert_non_null(strcasestr(f->head, "\r\nHost: 127.0.0.1:"));
	close_it(f, &h);
	assert_int_equal(h.opened, 1);
}

static void fragments_are_put_together(void **state)
{
	struct fixture *f = *state;
	struct heard h = {.wanted = 3};

	start(f, &h, "/fragments");
	host_rig_wait(&f->host, &h.there);
	assert_string_equal(h.first, "one two three");
	assert_int_equal(h.binary_len, 3);
	assert_memory_equal(h.binary, "\0\1\2", 3);
	assert_string_equal(h.text, "");
	until(f, &f->pongs, 1);
}

static void big_and_many_messages_come(void **state)
{
	struct fixture *f = *state;
	struct heard h = {.wanted = 1}, many = {.wanted = 20000};
	char *want = filled(BIG);

	start(f, &h, "/big");
	host_rig_wait(&f->host, &h.there);
	assert_int_equal(h.bytes, BIG);
	assert_memory_equal(h.text, want, sizeof(h.text) - 1);
	free(want);
	start(f, &many, "/many");
	host_rig_wait(&f->host, &many.there);
	assert_int_equal(many.bytes, 20000 * 1200);
	assert_int_equal(many.texts, 20000);
}

static void a_message_with_the_answer_is_heard(void **state)
{
	struct fixture *f = *state;
	struct heard h = {.wanted = 2};

	start(f, &h, "/together");
	host_rig_wait(&f->host, &h.there);
	assert_int_equal(h.opened, 1);
	assert_string_equal(h.text, "world");
}

static void a_protocol_need_not_be_granted(void **state)
{
	struct fixture *f = *state;
	struct heard h = {.wanted = 1, .say = "hello"};

	start(f, &h, "/none");
	host_rig_wait(&f->host, &h.there);
	assert_string_equal(h.text, "hello");
}

/* More than the network takes at once: it goes when the peer reads. */
static void a_slow_peer_gets_all(void **state)
{
	struct fixture *f = *state;
	struct heard h = {0};
	char *data = filled(100000);

	start(f, &h, "/slow");
	host_rig_wait(&f->host, &h.open);
	for (int i = 0; i < 100; i++)
		socket_binary(h.socket, data, 100000);
	until_held(f, 1);
	assert_true(socket_queued(h.socket) > 1000000);
	socket_close(h.socket); /* what is queued is still sent */
	tcp_peer_release(f->peer);
	until(f, &f->closes, 1);
	assert_int_equal(f->received, 100);
	assert_int_equal(f->received_bytes, 100 * 100000);
	assert_int_equal(h.closed, 0);
	free(data);
}

/* As Asterisk does when its buffers are full. */
static void a_peer_that_does_not_read_is_heard(void **state)
{
	struct fixture *f = *state;
	struct heard h = {.wanted = 100};
	char *data = filled(100000);

	start(f, &h, "/stop");
	host_rig_wait(&f->host, &h.open);
	for (int i = 0; i < 100; i++)
		socket_binary(h.socket, data, 100000);
	until_held(f, 1);
	tcp_peer_release(f->peer);
	host_rig_wait(&f->host, &h.there);
	assert_true(socket_queued(h.socket) > 1000000);
	assert_int_equal(h.bytes, 100 * 1200);
	tcp_peer_release(f->peer);
	until(f, &f->received, 100);
	free(data);
}

static void pings_are_answered(void **state)
{
	struct fixture *f = *state;
	struct heard h = {0};

	start(f, &h, "/ping");
	for (unsigned i = 1; i <= 5; i++) {
		until_held(f, 1);
		tcp_peer_release(f->peer);
		until(f, &f->pongs, i);
	}
	assert_int_equal(h.opened, 1);
	assert_int_equal(h.closed, 0);
}

/* ---- failures ---- */

static void fails(struct fixture *f, const char *url, int status, const char *why)
{
	struct heard h = {0};

	start_url(f, &h, url, 0, TIMEOUT_MS);
	host_rig_wait(&f->host, &h.gone);
	assert_int_equal(h.opened, 0);
	assert_int_equal(h.closed, 1);
	assert_int_equal(h.status, status);
	if (!strstr(h.why, why))
		fail_msg("%s: '%s', not '%s'", url, h.why, why);
}

static void fails_at(struct fixture *f, const char *path, int status, const char *why)
{
	char *url = tc_asprintf("ws://127.0.0.1:%u%s", tcp_peer_port(f->peer), path);

	fails(f, url, status, why);
	free(url);
}

static void refusals_are_told(void **state)
{
	struct fixture *f = *state;

	fails_at(f, "/denied", 401, "401");
	fails_at(f, "/gone", 404, "404");
	fails_at(f, "/moved", 302, "302");
	fails_at(f, "/plain", 200, "200");
	fails_at(f, "/garbage", 0, "");
	fails_at(f, "/cut", 0, "");
	assert_int_equal(tcp_peer_count(f->peer), 6);
}

static void what_cannot_be_reached_is_told(void **state)
{
	struct fixture *f = *state;
	char url[100];
	int fd;

	snprintf(url, sizeof(url), "ws://127.0.0.1:%u/x", tcp_peer_refuse(&fd));
	fails(f, url, 0, "Connection refused");
	snprintf(url, sizeof(url), "ws://localhost:%u/x", tcp_peer_refuse(&fd));
	fails(f, url, 0, "Connection refused");
	close(fd);
	fails(f, "ws://nowhere.invalid:80/x", 0, "nowhere.invalid: ");
	fails(f, "http://127.0.0.1/x", 0, "ws://HOST:PORT/PATH");
	fails(f, "ws://127.0.0.1:99999/x", 0, "ws://HOST:PORT/PATH");
	fails(f, "ws://127.0.0.1:/x", 0, "ws://HOST:PORT/PATH");
	fails(f, "ws:///x", 0, "ws://HOST:PORT/PATH");
	fails(f, "wss://[::1]/x", 0, "IPv6");
	assert_int_equal(tcp_peer_count(f->peer), 0);
}

static void names_and_no_proxy(void **state)
{
	struct fixture *f = *state;
	struct heard h = {.wanted = 1, .say = "hello"};
	char url[100];

	setenv("http_proxy", "127.0.0.1:1", 1);
	sockets_free(f->sockets);
	f->sockets = sockets_new(f->self, NULL);
	unsetenv("http_proxy");
	/* it may stand for ::1 first, where nobody listens */
	snprintf(url, sizeof(url), "ws://localhost:%u", tcp_peer_port(f->peer));
	start_url(f, &h, url, 0, TIMEOUT_MS);
	host_rig_wait(&f->host, &h.there);
	assert_non_null(strcasestr(f->head, "\r\nHost: localhost:"));
	assert_ptr_equal(strstr(f->head, "GET / HTTP/1.1\r\n"), f->head);
}

static void what_does_not_open_is_given_up(void **state)
{
	struct fixture *f = *state;
	struct heard h = {0};
	char url[100];

	snprintf(url, sizeof(url), "ws://127.0.0.1:%u/hang", tcp_peer_port(f->peer));
	start_url(f, &h, url, 0, 150);
	host_rig_wait(&f->host, &h.gone);
	assert_string_equal(h.why, "not open in 150 ms");
	assert_int_equal(h.opened, 0);
}

/* ---- ends ---- */

static void a_silent_peer_is_given_up(void **state)
{
	struct fixture *f = *state;
	struct heard h = {0}, lively = {0};
	char url[100];
	int64_t since_us;

	snprintf(url, sizeof(url), "ws://127.0.0.1:%u/lively", tcp_peer_port(f->peer));
	start_url(f, &lively, url, 100, TIMEOUT_MS);
	snprintf(url, sizeof(url), "ws://127.0.0.1:%u/silent", tcp_peer_port(f->peer));
	start_url(f, &h, url, 100, TIMEOUT_MS);
	host_rig_wait(&f->host, &h.open);
	since_us = tc_now_us();
	host_rig_wait(&f->host, &h.gone);
	assert_in_range(tc_now_us() - since_us, 195000, 5000000);
	assert_non_null(strstr(h.why, "a ping had no answer"));
	assert_int_equal(lively.opened, 1);
	assert_int_equal(lively.closed, 0);
	close_it(f, &lively);
}

static void the_peer_may_close(void **state)
{
	struct fixture *f = *state;
	struct heard h = {0}, lost = {0};

	start(f, &h, "/bye");
	host_rig_wait(&f->host, &h.gone);
	assert_int_equal(h.opened, 1);
	assert_string_equal(h.why, "closed by the peer (1001 going home)");
	until(f, &f->closes, 1); /* and is answered */
	assert_int_equal(f->close_code, 1001);
	start(f, &lost, "/lost");
	host_rig_wait(&f->host, &lost.gone);
	assert_int_equal(lost.status, 0);
	assert_string_equal(lost.why, "the connection was lost");
}

static void too_big_a_message_ends_it(void **state)
{
	struct fixture *f = *state;
	struct heard h = {0};

	start(f, &h, "/toobig");
	host_rig_wait(&f->host, &h.gone);
	assert_int_equal(h.texts, 0);
	assert_string_equal(h.why, "a message of more than 4194304 bytes came");
	until(f, &f->closes, 1);
	assert_int_equal(f->close_code, 1009);
}

static void it_may_be_closed_at_any_time(void **state)
{
	struct fixture *f = *state;
	struct heard h[8] = {{0}};
	struct heard last = {.wanted = 1, .say = "end"};

	start_url(f, &h[0], "ws://nowhere.invalid/x", 0, TIMEOUT_MS);
	socket_close(h[0].socket); /* while the name is looked up */
	start(f, &h[1], "/hang");
	until_held(f, 1);
	socket_close(h[1].socket); /* while it is being opened */
	start(f, &h[2], "/x");
	socket_close(h[2].socket); /* before it began */
	h[3].on_open = CLOSE_IT;
	start(f, &h[3], "/x");
	h[4].on_text = CLOSE_IT;
	h[4].say = "hello";
	start(f, &h[4], "/many");
	start_url(f, &h[5], "nonsense", 0, TIMEOUT_MS);
	socket_close(h[5].socket);  /* when it has failed, before it was told */
	start(f, &h[6], "/silent"); /* a peer that does not answer a close */
	host_rig_wait(&f->host, &h[6].open);
	socket_close(h[6].socket);
	start(f, &last, "/x");
	host_rig_wait(&f->host, &last.there);
	until(f, &f->closes, 3);
	for (int i = 0; i < 8; i++)
		assert_int_equal(h[i].closed, 0);
	assert_int_equal(h[3].opened, 1);
	assert_int_equal(h[4].texts, 1);
}

static void all_may_be_freed_at_any_time(void **state)
{
	struct fixture *f = *state;
	struct heard h[4] = {{0}};

	start(f, &h[0], "/x");
	sockets_free(f->sockets); /* before it began */
	f->sockets = sockets_new(f->self, NULL);
	start(f, &h[1], "/hang");
	until_held(f, 1);
	start(f, &h[2], "/x");
	host_rig_wait(&f->host, &h[2].open);
	socket_text(h[2].socket, "never sent");
	start_url(f, &h[0], "ws://nowhere.invalid/x", 0, TIMEOUT_MS);
	sockets_free(f->sockets);
	f->sockets = sockets_new(f->self, NULL);
	h[3].on_text = FREE_ALL; /* from inside an event */
	h[3].wanted = 1;
	start(f, &h[3], "/many");
	host_rig_wait(&f->host, &h[3].there);
	assert_null(f->sockets);
	for (int i = 0; i < 4; i++)
		assert_int_equal(h[i].closed, 0);
	assert_int_equal(h[3].texts, 1);
}

static unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void nothing_is_left_behind(void **state)
{
	struct fixture *f = *state;
	unsigned files = 0;

	for (int i = 0; i < 300; i++) {
		struct heard h = {.wanted = 1, .say = "hello"};

		if (i == 10)
			files = open_files();
		start(f, &h, i % 3 ? "/echo" : "/bye");
		host_rig_wait(&f->host, i % 3 ? &h.there : &h.gone);
		if (i % 3)
			close_it(f, &h);
		else /* our answer to it may still be on its way to the server's thread */
			until(f, &f->closes, (unsigned)i + 1);
	}
	/* those of the server's threads may be on their way */
	assert_true(open_files() <= files + 6);
	assert_int_equal(tcp_peer_count(f->peer), 300);
}

/* Several instances have their own, side by side; many sockets in one. */
static void many_live_side_by_side(void **state)
{
	struct fixture *f = *state;
	struct sockets *first = f->sockets, *second = sockets_new(f->self, NULL);
	static struct heard h[200];

	memset(h, 0, sizeof(h));
	for (int i = 0; i < 200; i++) {
		h[i].wanted = 1;
		h[i].say = "hello";
		f->sockets = i % 2 ? first : second;
		start(f, &h[i], "/x");
	}
	for (int i = 0; i < 200; i++)
		host_rig_wait(&f->host, &h[i].there);
	f->sockets = first;
	for (int i = 1; i < 200; i += 2) {
		h[i].there = false;
		socket_text(h[i].socket, "again");
	}
	sockets_free(second);
	for (int i = 1; i < 200; i += 2)
		host_rig_wait(&f->host, &h[i].there);
	for (int i = 0; i < 200; i++)
		assert_int_equal(h[i].closed, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(messages_go_both_ways),
		TEST(fragments_are_put_together),
		TEST(big_and_many_messages_come),
		TEST(a_message_with_the_answer_is_heard),
		TEST(a_protocol_need_not_be_granted),
		TEST(a_slow_peer_gets_all),
		TEST(a_peer_that_does_not_read_is_heard),
		TEST(pings_are_answered),
		TEST(refusals_are_told),
		TEST(what_cannot_be_reached_is_told),
		TEST(names_and_no_proxy),
		TEST(what_does_not_open_is_given_up),
		TEST(a_silent_peer_is_given_up),
		TEST(the_peer_may_close),
		TEST(too_big_a_message_ends_it),
		TEST(it_may_be_closed_at_any_time),
		TEST(all_may_be_freed_at_any_time),
		TEST(nothing_is_left_behind),
		TEST(many_live_side_by_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
