/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests: what comes of them, which ones may have happened, and who goes first. The peer is an
 * HTTP server of this test.
 */
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

#include "rest/rest.h"
#include "unit/host_rig.h"
#include "unit/tcp_peer.h"

#define TIMEOUT_MS 20000
#define LOG_MAX    256
#define BIG        (5u << 20)

struct fixture {
	struct host_rig host;
	struct tc_instance *self;
	struct tcp_peer *peer;
	struct rest *rest;
	pthread_mutex_t lock;  /* guards what follows */
	char log[LOG_MAX][80]; /* "METHOD PATH", in the order in which they came */
	unsigned n_log;
	char head[2000], body[2000]; /* of the last request */
};

/* ---- the server ---- */

static void answer(int fd, const char *status, const char *body)
{
	char *text = tc_asprintf("HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status,
				 strlen(body), body);

	tcp_peer_write(fd, text, strlen(text));
	free(text);
}

static void answer_big(int fd)
{
	char *body = tc_alloc(BIG + 1);

	memset(body, ' ', BIG);
	answer(fd, "200 OK", body);
	free(body);
}

static bool note(struct fixture *f, int fd, char path[80])
{
	char head[2000], method[16], body[2000] = "";
	const char *length;
	size_t len;

	if (!tcp_peer_head(fd, head, sizeof(head)) ||
	    sscanf(head, "%15s /ari%79s", method, path) != 2)
		return false;
	length = strstr(head, "Content-Length: ");
	len = length ? strtoul(length + 16, NULL, 10) : 0;
	if (len >= sizeof(body) || !tcp_peer_read(fd, body, len))
		return false;
	pthread_mutex_lock(&f->lock);
	snprintf(f->log[f->n_log++ % LOG_MAX], sizeof(f->log[0]), "%s %.60s", method, path);
	tc_strcopy(f->head, sizeof(f->head), head);
	tc_strcopy(f->body, sizeof(f->body), body);
	pthread_mutex_unlock(&f->lock);
	return true;
}

/* What is answered at each path; others: 200 and {"path": PATH}. */
static const struct {
	const char *path, *status, *body;
} pages[] = {
	{"/created", "201 Created", "{\"id\":\"c1\"}"},
	{"/none", "204 No Content", ""},
	{"/denied", "401 Unauthorized", ""},
	{"/broken", "500 Internal Server Error", "{\"error\":\"Allocation failed\"}"},
	{"/gone", "404 Not Found", "{\"message\":\"Channel not found\"}"},
	{"/plain", "200 OK", "not JSON"},
	{"/short", "200", "{}"},
	{"/moved", "302 Found", ""},
};

/* result: the connection goes on */
static bool reply_to(struct fixture *f, int fd, const char *path)
{
	char *body;

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (!strcmp(path, pages[i].path)) {
			answer(fd, pages[i].status, pages[i].body);
			return true;
		}
	if (!strcmp(path, "/cut"))
		return false;
	if (!strcmp(path, "/half")) {
		tcp_peer_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a", 41);
		return false;
	}
	if (!strncmp(path, "/hold", 5))
		tcp_peer_hold(f->peer);
	if (!strcmp(path, "/big")) {
		answer_big(fd);
		return false;
	}
	body = tc_asprintf("{\"path\":\"%s\"}", path);
	answer(fd, "200 OK", body);
	free(body);
	return strcmp(path, "/last") != 0;
}

static void serve(struct tcp_peer *peer, int fd, unsigned n, void *arg)
{
	struct fixture *f = arg;
	char path[80];

	(void)peer;
	(void)n;
	while (note(f, fd, path) && reply_to(f, fd, path))
		;
}

static unsigned logged(struct fixture *f)
{
	unsigned n;

	pthread_mutex_lock(&f->lock);
	n = f->n_log;
	pthread_mutex_unlock(&f->lock);
	return n;
}

/* ---- the client ---- */

static struct rest *client(struct fixture *f, const char *scheme, unsigned port, unsigned n)
{
	char *url = tc_asprintf("%s://127.0.0.1:%u/ari", scheme, port);
	struct rest_settings s = {
		.url = url, .user = "rig", .password = "Sekret", .connections = n};
	struct rest *rest = rest_new(f->self, &s);

	free(url);
	return rest;
}

static int setup(void **state)
{
	struct fixture *f = tc_alloc(sizeof(*f));

	pthread_mutex_init(&f->lock, NULL);
	host_rig_init(&f->host, LOOP_REAL);
	f->self = host_rig_instance(&f->host, &host_rig_plugin, "pbx", NULL);
	assert_int_equal(instance_open(f->self), 0);
	f->peer = tcp_peer_new(serve, f);
	f->rest = client(f, "http", tcp_peer_port(f->peer), 4);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rest_free(f->rest);
	tcp_peer_free(f->peer);
	host_rig_fini(&f->host);
	pthread_mutex_destroy(&f->lock);
	free(f);
	return 0;
}

struct outcome {
	int status, err, calls;
	bool there, has_json;
	char text[300], path[80];
	int64_t took_us;
	unsigned order;
	unsigned *counter; /* gives order */
};

static void done(void *arg, const struct rest_reply *reply)
{
	struct outcome *o = arg;

	o->calls++;
	o->there = true;
	o->status = reply->status;
	o->err = reply->err;
	o->has_json = reply->json != NULL;
	o->took_us = reply->took_us;
	tc_strcopy(o->text, sizeof(o->text), reply->text);
	if (json_is_object(reply->json))
		tc_strcopy(o->path, sizeof(o->path),
			   json_string_length(json_object_get(reply->json, "path"))
				   ? json_string_value(json_object_get(reply->json, "path"))
				   : "");
	if (o->counter)
		o->order = ++*o->counter;
	assert_null(strstr(reply->text, "Sekret"));
}

static struct outcome ask(struct fixture *f, struct rest *rest, const char *method,
			  const char *path, json_t *body, int64_t timeout_ms)
{
	struct outcome o = {0};

	rest_send(rest, REST_NORMAL, method, path, body, timeout_ms, done, &o);
	assert_int_equal(o.calls, 0);
	host_rig_wait(&f->host, &o.there);
	assert_int_equal(o.calls, 1);
	assert_int_equal(rest_figures(rest).busy + rest_figures(rest).queued, 0);
	return o;
}

static void get(struct fixture *f, const char *path, int status, const char *text)
{
	struct outcome o = ask(f, f->rest, "GET", path, NULL, TIMEOUT_MS);

	assert_int_equal(o.err, 0);
	assert_int_equal(o.status, status);
	assert_string_equal(o.text, text);
}

struct until {
	struct fixture *f;
	unsigned logged, held;
	bool reached;
	struct loop_timer timer;
};

static void look(void *arg)
{
	struct until *u = arg;

	if (logged(u->f) >= u->logged && tcp_peer_held(u->f->peer) >= u->held)
		u->reached = true;
	else
		loop_timer_start_us(&u->timer, 500);
}

/* Wait until the server has seen so many requests, and holds so many. */
static void until(struct fixture *f, unsigned n_logged, unsigned n_held)
{
	struct until u = {.f = f, .logged = n_logged, .held = n_held};

	loop_timer_init(&u.timer, f->host.loop, look, &u);
	loop_timer_start_us(&u.timer, 0);
	host_rig_wait(&f->host, &u.reached);
}

/* ---- answers ---- */

static void answers_are_told(void **state)
{
	struct fixture *f = *state;
	struct outcome o;

	get(f, "/ping", 200, "200 OK");
	get(f, "/created", 201, "201 Created");
	get(f, "/none", 204, "204 No Content");
	get(f, "/denied", 401, "401 Unauthorized");
	get(f, "/broken", 500, "500 Allocation failed");
	get(f, "/gone", 404, "404 Channel not found");
	get(f, "/plain", 200, "200 OK");
	get(f, "/short", 200, "200");
	get(f, "/moved", 302, "302 Found");
	o = ask(f, f->rest, "GET", "/channels?a=b", NULL, TIMEOUT_MS);
	assert_string_equal(o.path, "/channels?a=b");
	assert_true(o.took_us > 0);
	assert_int_equal(o.took_us, rest_figures(f->rest).last_us);
	assert_false(ask(f, f->rest, "GET", "/plain", NULL, TIMEOUT_MS).has_json);
	assert_false(ask(f, f->rest, "GET", "/none", NULL, TIMEOUT_MS).has_json);
	assert_int_equal(rest_figures(f->rest).sent, 12);
	assert_int_equal(rest_figures(f->rest).failed, 0);
}

static void requests_are_as_asked_for(void **state)
{
	struct fixture *f = *state;

	ask(f, f->rest, "POST", "/channels", json_pack("{s:s}", "app", "x"), TIMEOUT_MS);
	assert_string_equal(f->log[0], "POST /channels");
	assert_string_equal(f->body, "{\"app\":\"x\"}");
	assert_non_null(strstr(f->head, "Content-Type: application/json\r\n"));
	/* "rig:Sekret", and nothing of it in the URL */
	assert_non_null(strstr(f->head, "Authorization: Basic cmlnOlNla3JldA==\r\n"));
	assert_null(strstr(f->head, "Expect"));
	ask(f, f->rest, "POST", "/channels/1/play", NULL, TIMEOUT_MS);
	assert_string_equal(f->log[1], "POST /channels/1/play");
	assert_string_equal(f->body, "");
	assert_null(strstr(f->head, "Content-Type"));
	assert_non_null(strstr(f->head, "Content-Length: 0\r\n"));
	ask(f, f->rest, "DELETE", "/channels/1", NULL, TIMEOUT_MS);
	assert_string_equal(f->log[2], "DELETE /channels/1");
	assert_null(strstr(f->head, "Content-"));
	ask(f, f->rest, "PUT", "/x", json_pack("{s:i}", "n", 1), TIMEOUT_MS);
	assert_string_equal(f->log[3], "PUT /x");
	assert_string_equal(f->body, "{\"n\":1}");
	ask(f, f->rest, "GET", "/y", NULL, TIMEOUT_MS);
	assert_string_equal(f->log[4], "GET /y");
	assert_string_equal(f->body, "");
	assert_null(strstr(f->head, "Content-"));
}

static void connections_are_kept(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 50; i++)
		get(f, "/ping", 200, "200 OK");
	assert_int_equal(tcp_peer_count(f->peer), 1);
	get(f, "/last", 200, "200 OK"); /* the server closes it behind the answer */
	get(f, "/ping", 200, "200 OK");
	assert_int_equal(tcp_peer_count(f->peer), 2);
	assert_int_equal(logged(f), 52);
}

static void no_proxy_is_taken_from_the_environment(void **state)
{
	struct fixture *f = *state;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	get(f, "/ping", 200, "200 OK");
	unsetenv("http_proxy");
	unsetenv("all_proxy");
}

static void escapes(void **state)
{
	struct tc_buf b = {0};

	(void)state;
	tc_buf_puts(&b, "/channels/");
	rest_escape(&b, "PJSIP/+49 30@a?b&c=d%~._-\xc3\xa4");
	assert_string_equal(b.data, "/channels/PJSIP%2F%2B49%2030%40a%3Fb%26c%3Dd%25~._-%C3%A4");
	tc_buf_fini(&b);
}

/* ---- failures ---- */

static void speak_first(struct tcp_peer *peer, int fd, unsigned n, void *arg)
{
	char byte;

	(void)peer;
	(void)n;
	(void)arg;
	answer(fd, "400 Bad Request", "");
	while (tcp_peer_read(fd, &byte, 1))
		;
}

static void what_cannot_have_happened(void **state)
{
	struct fixture *f = *state;
	struct tcp_peer *peer;
	struct rest_settings s = {.url = "http://nowhere.invalid/ari",
				  .user = "u",
				  .password = "Sekret",
				  .connections = 1};
	struct outcome o;
	struct rest *rest;
	int fd;

	rest = client(f, "http", tcp_peer_refuse(&fd), 2);
	o = ask(f, rest, "POST", "/channels", NULL, TIMEOUT_MS);
	assert_int_equal(o.err, -ECONNREFUSED);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.text, "connection refused");
	assert_int_equal(rest_figures(rest).failed, 1);
	rest_free(rest);
	close(fd);

	peer = tcp_peer_new(speak_first, NULL);
	rest = client(f, "https", tcp_peer_port(peer), 2); /* it does not speak TLS */
	o = ask(f, rest, "POST", "/channels", NULL, TIMEOUT_MS);
	assert_int_equal(o.err, -EPROTO);
	rest_free(rest);
	tcp_peer_free(peer);

	rest = rest_new(f->self, &s);
	o = ask(f, rest, "POST", "/channels", NULL, TIMEOUT_MS);
	assert_int_equal(o.err, -EHOSTUNREACH);
	assert_non_null(strstr(o.text, "nowhere.invalid"));
	rest_free(rest);
}

static void what_may_have_happened(void **state)
{
	struct fixture *f = *state;
	struct outcome o;

	o = ask(f, f->rest, "POST", "/cut", NULL, TIMEOUT_MS);
	assert_int_equal(o.err, TC_EUNSURE);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.text, "the connection was lost before the answer was there");
	o = ask(f, f->rest, "POST", "/half", NULL, TIMEOUT_MS);
	assert_int_equal(o.err, TC_EUNSURE);
	assert_int_equal(o.status, 0);
	o = ask(f, f->rest, "GET", "/big", NULL, TIMEOUT_MS);
	assert_int_equal(o.err, TC_EUNSURE);
	assert_string_equal(o.text, "the answer is longer than 4194304 bytes");
	o = ask(f, f->rest, "POST", "/hold", NULL, 100);
	assert_int_equal(o.err, TC_EUNSURE);
	assert_in_range(o.took_us, 100000, 20000000);
	assert_ptr_equal(strstr(o.text, "no answer in 1"), o.text);
	assert_int_equal(rest_figures(f->rest).failed, 4);
	tcp_peer_release(f->peer);
	get(f, "/ping", 200, "200 OK");
}

/* libcurl on its own would send it again. */
static void nothing_is_sent_twice(void **state)
{
	struct fixture *f = *state;
	struct outcome o;

	get(f, "/ping", 200, "200 OK");
	o = ask(f, f->rest, "POST", "/cut", NULL, TIMEOUT_MS); /* over the kept connection */
	assert_int_equal(o.err, TC_EUNSURE);
	assert_int_equal(logged(f), 2);
}

/* The server ends while a request over a kept connection waits: the second try is refused. */
static void a_dead_server_leaves_it_unsure(void **state)
{
	struct fixture *f = *state;
	struct outcome o = {0};

	get(f, "/ping", 200, "200 OK");
	rest_send(f->rest, REST_NORMAL, "POST", "/hold", NULL, TIMEOUT_MS, done, &o);
	until(f, 2, 1);
	tcp_peer_free(f->peer);
	host_rig_wait(&f->host, &o.there);
	assert_int_equal(o.err, TC_EUNSURE);
	assert_int_equal(logged(f), 2);
	o = ask(f, f->rest, "POST", "/hold", NULL, TIMEOUT_MS);
	assert_int_equal(o.err, -ECONNREFUSED);
	f->peer = tcp_peer_new(serve, f);
}

static void a_silent_server_is_given_up(void **state)
{
	struct fixture *f = *state;
	struct outcome o;
	struct rest *rest;
	unsigned port;
	int fd;

	/* the kernel takes the connection, nobody answers */
	port = tcp_peer_refuse(&fd);
	assert_int_equal(listen(fd, 0), 0);
	rest = client(f, "https", port, 1);
	o = ask(f, rest, "POST", "/x", NULL, 100);
	assert_int_equal(o.err, -EHOSTUNREACH); /* the TLS handshake never ended */
	assert_string_equal(o.text, "no connection in time");
	rest_free(rest);
	close(fd);
}

/* ---- order ---- */

static void at_most_so_many_are_under_way(void **state)
{
	struct fixture *f = *state;
	struct outcome o[12] = {{0}};

	for (int i = 0; i < 12; i++)
		rest_send(f->rest, REST_NORMAL, "GET", "/hold", NULL, TIMEOUT_MS, done, &o[i]);
	assert_int_equal(rest_figures(f->rest).busy, 3); /* one is kept for urgent ones */
	assert_int_equal(rest_figures(f->rest).queued, 9);
	until(f, 3, 3);
	for (unsigned n = 3; n < 12; n += 3) {
		tcp_peer_release(f->peer);
		until(f, n + 3, 3);
		assert_int_equal(logged(f), n + 3);
	}
	tcp_peer_release(f->peer);
	for (int i = 0; i < 12; i++) {
		host_rig_wait(&f->host, &o[i].there);
		assert_int_equal(o[i].status, 200);
	}
	assert_int_equal(tcp_peer_count(f->peer), 3);
}

static void the_urgent_does_not_wait(void **state)
{
	struct fixture *f = *state;
	struct outcome o[8] = {{0}}, urgent[6] = {{0}};

	for (int i = 0; i < 8; i++)
		rest_send(f->rest, REST_NORMAL, "POST", "/hold", NULL, TIMEOUT_MS, done, &o[i]);
	until(f, 3, 3);
	rest_send(f->rest, REST_URGENT, "DELETE", "/now", NULL, TIMEOUT_MS, done, &urgent[0]);
	host_rig_wait(&f->host, &urgent[0].there);
	assert_int_equal(logged(f), 4);
	/* and before all others when even its own connection is busy */
	for (int i = 1; i < 6; i++)
		rest_send(f->rest, REST_URGENT, "DELETE", "/hold/now", NULL, TIMEOUT_MS, done,
			  &urgent[i]);
	until(f, 5, 4);
	assert_int_equal(rest_figures(f->rest).busy, 4);
	tcp_peer_release(f->peer);
	until(f, 9, 4);
	for (int i = 5; i < 9; i++)
		assert_string_equal(f->log[i], "DELETE /hold/now");
	tcp_peer_release(f->peer);
	until(f, 12, 3);
	tcp_peer_release(f->peer);
	until(f, 14, 2);
	tcp_peer_release(f->peer);
	for (int i = 0; i < 8; i++)
		host_rig_wait(&f->host, &o[i].there);
	assert_int_equal(logged(f), 14);
}

static void one_connection_serves_all(void **state)
{
	struct fixture *f = *state;
	struct rest *rest = client(f, "http", tcp_peer_port(f->peer), 1);
	struct outcome normal[3] = {{0}}, urgent = {0};
	unsigned order = 0;

	urgent.counter = &order;
	for (int i = 0; i < 3; i++) {
		normal[i].counter = &order;
		rest_send(rest, REST_NORMAL, "GET", "/a", NULL, TIMEOUT_MS, done, &normal[i]);
	}
	rest_send(rest, REST_URGENT, "GET", "/b", NULL, TIMEOUT_MS, done, &urgent);
	host_rig_wait(&f->host, &normal[2].there);
	assert_int_equal(normal[0].order, 1);
	assert_int_equal(urgent.order, 2);
	assert_int_equal(normal[1].order, 3);
	assert_int_equal(normal[2].order, 4);
	assert_int_equal(tcp_peer_count(f->peer), 1);
	rest_free(rest);
}

/* ---- giving up ---- */

static void cancelled_requests_tell_nobody(void **state)
{
	struct fixture *f = *state;
	struct outcome none = {0}, first[3] = {{0}}, last = {0};
	struct rest_want *left, *waits[4];

	for (int i = 0; i < 3; i++)
		rest_send(f->rest, REST_NORMAL, "GET", "/a", NULL, TIMEOUT_MS, done, &first[i]);
	for (int i = 0; i < 3; i++)
		host_rig_wait(&f->host, &first[i].there);
	left = rest_send(f->rest, REST_NORMAL, "POST", "/hold", NULL, TIMEOUT_MS, done, &none);
	until(f, 4, 1);
	for (int i = 0; i < 4; i++) /* two have a connection by now, none has left */
		waits[i] = rest_send(f->rest, REST_NORMAL, "POST", "/never", NULL, TIMEOUT_MS, done,
				     &none);
	rest_cancel(left);
	for (int i = 0; i < 4; i++)
		rest_cancel(waits[i]);
	assert_int_equal(rest_figures(f->rest).queued, 0);
	assert_int_equal(rest_figures(f->rest).busy, 1); /* it has left: it goes on */
	tcp_peer_release(f->peer);
	rest_send(f->rest, REST_NORMAL, "GET", "/end", NULL, TIMEOUT_MS, done, &last);
	host_rig_wait(&f->host, &last.there);
	assert_int_equal(none.calls, 0);
	assert_int_equal(logged(f), 5);
	assert_string_equal(f->log[4], "GET /end");
}

struct chain {
	struct fixture *f;
	struct rest_want *want, *other;
	bool there;
};

static void cancel_and_send(void *arg, const struct rest_reply *reply)
{
	struct chain *c = arg;

	(void)reply;
	rest_cancel(c->want); /* harmless: it is over */
	rest_cancel(c->other);
	rest_send(c->f->rest, REST_URGENT, "GET", "/more", NULL, TIMEOUT_MS, NULL, NULL);
	c->there = true;
}

static void done_may_cancel_and_send(void **state)
{
	struct fixture *f = *state;
	struct outcome none = {0};
	struct chain c = {.f = f};

	c.other = rest_send(f->rest, REST_NORMAL, "GET", "/hold", NULL, TIMEOUT_MS, done, &none);
	until(f, 1, 1);
	c.want =
		rest_send(f->rest, REST_NORMAL, "GET", "/a", NULL, TIMEOUT_MS, cancel_and_send, &c);
	host_rig_wait(&f->host, &c.there);
	until(f, 3, 1);
	assert_string_equal(f->log[2], "GET /more");
	assert_int_equal(none.calls, 0);
}

static void free_inside(void *arg, const struct rest_reply *reply)
{
	struct chain *c = arg;

	(void)reply;
	rest_free(c->f->rest);
	c->f->rest = NULL;
	c->there = true;
}

static void it_may_be_freed_at_any_time(void **state)
{
	struct fixture *f = *state;
	struct outcome none = {0};
	struct chain c = {.f = f};

	for (int i = 0; i < 6; i++)
		rest_send(f->rest, REST_NORMAL, "POST", "/hold", json_object(), TIMEOUT_MS, done,
			  &none);
	rest_free(f->rest); /* nothing was sent yet */
	f->rest = client(f, "http", tcp_peer_port(f->peer), 4);
	for (int i = 0; i < 6; i++)
		rest_send(f->rest, REST_NORMAL, "POST", "/hold", json_object(), TIMEOUT_MS, done,
			  &none);
	until(f, 3, 3);
	rest_free(f->rest);
	tcp_peer_release(f->peer);
	f->rest = client(f, "http", tcp_peer_port(f->peer), 4);
	for (int i = 0; i < 6; i++)
		rest_send(f->rest, REST_NORMAL, "POST", "/hold", NULL, TIMEOUT_MS, done, &none);
	rest_send(f->rest, REST_URGENT, "GET", "/a", NULL, TIMEOUT_MS, free_inside, &c);
	host_rig_wait(&f->host, &c.there);
	assert_null(f->rest);
	assert_int_equal(none.calls, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(answers_are_told),
		TEST(requests_are_as_asked_for),
		TEST(connections_are_kept),
		TEST(no_proxy_is_taken_from_the_environment),
		TEST(escapes),
		TEST(what_cannot_have_happened),
		TEST(what_may_have_happened),
		TEST(nothing_is_sent_twice),
		TEST(a_dead_server_leaves_it_unsure),
		TEST(a_silent_server_is_given_up),
		TEST(at_most_so_many_are_under_way),
		TEST(the_urgent_does_not_wait),
		TEST(one_connection_serves_all),
		TEST(cancelled_requests_tell_nobody),
		TEST(done_may_cancel_and_send),
		TEST(it_may_be_freed_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
