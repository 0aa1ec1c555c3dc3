/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP server's connections: late answers, clients that go away, streams, limits, the end.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <tocsin/alloc.h>

#include "unit/http_rig.h"

/* ---- late answers ---- */

static void answers_later(void **state)
{
	struct http_rig *f = *state;
	int fd = client_connect(f->port, NULL);
	struct tc_http_req *req = http_rig_hold(f, fd);
	struct http_answer a;
	size_t len;

	/* What the client sends meanwhile waits. */
	client_send(fd, "GET /things/next HTTP/1.1\r\n\r\n");
	for (int i = 0; i < 10; i++)
		client_turn(f->loop);
	assert_int_equal(http_server_in_flight(f->server), 1);
	assert_string_equal(tc_http_body(req, &len), "body");
	tc_http_reply(req, 200, "text/plain", "late", 4);
	client_answer(f->loop, fd, &a);
	assert_string_equal(a.body, "late");
	answer_free(&a);
	client_answer(f->loop, fd, &a);
	assert_string_equal(a.body, "{\"id\":\"next\"}");
	answer_free(&a);
	assert_int_equal(http_server_in_flight(f->server), 0);
	close(fd);
}

/* how: 0 close, 1 reset, 2 half-closed and more data */
static void lose_client(struct http_rig *f, int how, bool problem_answer)
{
	static const struct linger reset = {.l_onoff = 1};
	int fd = client_connect(f->port, NULL);
	struct tc_http_req *req = http_rig_hold(f, fd);

	if (how == 1)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	if (how == 2)
		client_send(fd, "GET /thi");
	close(fd);
	for (int i = 0; i < 20; i++)
		client_turn(f->loop);
	tc_http_reply_header(req, "X-Late", "yes");
	if (problem_answer)
		tc_http_problem(req, 503, "x", "too late");
	else
		tc_http_reply(req, 200, "text/plain", "late", 4);
	client_wait(f->loop, http_rig_idle, f);
	assert_int_equal(http_server_in_flight(f->server), 0);
}

static void swallows_answers_nobody_waits_for(void **state)
{
	for (int how = 0; how < 3; how++) {
		lose_client(*state, how, false);
		lose_client(*state, how, true);
	}
}

static void loses_clients_while_they_send(void **state)
{
	static const char *const parts[] = {
		"",
		"G",
		"GET /things HT",
		"GET / HTTP/1.1\r\nHo",
		"POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nxx",
		"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9"};
	struct http_rig *f = *state;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int fd = client_connect(f->port, NULL);

		client_send(fd, parts[i]);
		for (int k = 0; k < 5; k++)
			client_turn(f->loop);
		close(fd);
		client_wait(f->loop, http_rig_idle, f);
	}
}

static void ends_with_requests_under_way(void **state)
{
	struct http_rig *f = *state;
	int fd = client_connect(f->port, NULL);
	struct http_server *other = http_server_new(f->loop, HTTP_RIG_MAX_BODY);
	struct tc_http_req *req;
	char fault[128];

	http_rig_routes(f, other);
	assert_int_equal(http_server_listen(other, "127.0.0.1:0", fault, sizeof(fault)), 0);
	close(fd);
	fd = client_connect(http_server_port(other), NULL);
	req = http_rig_hold(f, fd);
	assert_non_null(req);
	http_server_close(other);
	http_server_free(other); /* the request goes with it */
	assert_int_equal(recv(fd, fault, 1, 0), 0);
	close(fd);
}

static void closes_after_the_answer_when_it_ends(void **state)
{
	struct http_rig *f = *state;
	int fd = client_connect(f->port, NULL);
	struct tc_http_req *req = http_rig_hold(f, fd);
	struct http_answer a;

	http_server_close(f->server);
	tc_http_reply(req, 200, "text/plain", "last", 4);
	client_answer(f->loop, fd, &a);
	assert_string_equal(a.body, "last");
	assert_true(answer_has(&a, "Connection: close"));
	answer_free(&a);
	client_wait(f->loop, http_rig_idle, f);
	close(fd);
}

/*
 * Whatever the path: the triggers' routes are gone by then, and who gets a 404 for an alert does
 * not send it again.
 */
static void asks_to_come_again_while_it_ends(void **state)
{
	static const char *const heads[] = {"GET /things/1", "POST /no/such/path", "DELETE /echo",
					    "GET /%zz"};
	struct http_rig *f = *state;
	struct http_answer a;
	int fd[4];

	for (int i = 0; i < 4; i++) {
		fd[i] = client_connect(f->port, NULL);
		client_send(fd[i], "GET /things/1 HTTP/1.1\r\n\r\n");
		client_answer(f->loop, fd[i], &a);
		assert_int_equal(a.status, 200);
		answer_free(&a);
	}
	http_server_close(f->server);
	for (int i = 0; i < 4; i++) {
		client_send(fd[i], heads[i]);
		client_send(fd[i], " HTTP/1.1\r\n\r\n");
		client_answer(f->loop, fd[i], &a);
		assert_int_equal(a.status, 503);
		assert_true(answer_has(&a, "Retry-After: 1"));
		answer_free(&a);
		close(fd[i]);
	}
}

/* ---- streams ---- */

static bool is_open(void *arg)
{
	return ((struct http_rig *)arg)->stream != NULL;
}

static bool is_closed(void *arg)
{
	return ((struct http_rig *)arg)->closed > 0;
}

static int open_stream(struct http_rig *f)
{
	int fd = client_connect(f->port, NULL);

	f->closed = 0;
	client_send(fd, "GET /stream HTTP/1.1\r\n\r\n");
	client_wait(f->loop, is_open, f);
	return fd;
}

/* Read from fd until want stands in what came. */
static void expect_text(struct http_rig *f, int fd, const char *want)
{
	struct tc_buf in = {0};

	for (int i = 0; !in.data || !strstr(in.data, want); i++) {
		char buf[4096];
		ssize_t n;

		if (i == 100000)
			fail_msg("no \"%s\" in: %s", want, in.data ? in.data : "");
		client_turn(f->loop);
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		assert_int_not_equal(n, 0);
		if (n > 0)
			tc_buf_add(&in, buf, (size_t)n);
	}
	tc_buf_fini(&in);
}

static void streams_events(void **state)
{
	struct http_rig *f = *state;
	int fd = open_stream(f);

	assert_true(http_stream_send(f->stream, 7, "call.ended", "{\"a\":1}"));
	assert_true(http_stream_ping(f->stream));
	expect_text(f, fd, "id: 7\nevent: call.ended\ndata: {\"a\":1}\n\n\r\n3\r\n:\n\n\r\n");
	http_stream_close(f->stream);
	expect_text(f, fd, "0\r\n\r\n");
	assert_int_equal(f->closed, 0);
	client_wait(f->loop, http_rig_idle, f);
	close(fd);
}

static void notices_that_a_listener_has_gone(void **state)
{
	struct http_rig *f = *state;
	int fd = open_stream(f);

	/* Data that comes in on the stream's connection is not a request. */
	client_send(fd, "GET /things HTTP/1.1\r\n\r\n");
	for (int i = 0; i < 5; i++)
		client_turn(f->loop);
	assert_int_equal(f->closed, 0);
	close(fd);
	client_wait(f->loop, is_closed, f);
	assert_int_equal(f->closed, 1);
	client_wait(f->loop, http_rig_idle, f);
}

static void cuts_off_slow_listeners(void **state)
{
	struct http_rig *f = *state;
	int fd = open_stream(f);
	char data[1001];
	int sent = 0;

	memset(data, 'x', 1000);
	data[1000] = '\0';
	while (http_stream_send(f->stream, sent, "e", data)) {
		client_turn(f->loop);
		assert_in_range(++sent, 0, 100000);
	}
	assert_int_equal(f->closed, 1);
	assert_in_range(sent, 1000, 100000);
	assert_int_equal(http_server_connections(f->server), 0);
	close(fd);
}

static void ends_with_streams_open(void **state)
{
	struct http_rig *f = *state;
	int fd = open_stream(f);
	char buf[16];

	/* http_rig_teardown would do the same; here its traces can be seen */
	http_server_free(f->server);
	assert_int_equal(f->closed, 1);
	f->server = http_server_new(f->loop, HTTP_RIG_MAX_BODY);
	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	close(fd);
}

/* ---- limits ---- */

static void refuses_too_many_connections(void **state)
{
	struct http_rig *f = *state;
	int first, second, third;
	struct http_answer a;

	f->server->max_conns = 2;
	first = client_connect(f->port, NULL);
	second = client_connect(f->port, NULL);
	third = client_connect(f->port, NULL);
	client_answer(f->loop, third, &a);
	assert_int_equal(a.status, 503);
	assert_true(answer_has(&a, "Retry-After: 5"));
	json_decref(answer_json(&a));
	answer_free(&a);
	close(third);
	/* Those that were there are served; when one goes there is room again. */
	client_send(first, "GET /things/x HTTP/1.1\r\n\r\n");
	client_answer(f->loop, first, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
	close(first);
	close(second);
	client_wait(f->loop, http_rig_idle, f);
	http_rig_ask(f, "GET", "/things/x", "", NULL, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
}

static bool has_three(void *arg)
{
	return http_server_connections(((struct http_rig *)arg)->server) == 3;
}

static bool has_one(void *arg)
{
	return http_server_connections(((struct http_rig *)arg)->server) == 1;
}

/*
 * An idle connection and one that sends too slowly are closed, one whose answer is still to come
 * is not.
 */
static void closes_what_takes_too_long(void **state)
{
	struct http_rig *f = *state;
	int idle = client_connect(f->port, NULL), slow = client_connect(f->port, NULL);
	int waiting = client_connect(f->port, NULL);
	struct tc_http_req *req = http_rig_hold(f, waiting);
	struct http_conn *conn;
	struct http_answer a;
	char byte;

	client_send(slow, "POST /echo HTTP/1.1\r\nContent-Le");
	client_wait(f->loop, has_three, f);
	TAILQ_FOREACH (conn, &f->server->conns, link)
		conn->since_us -= (HTTP_IDLE_S + 1) * INT64_C(1000000);
	loop_timer_start_us(&f->server->sweep, 0);
	client_wait(f->loop, has_one, f);
	assert_int_equal(recv(idle, &byte, 1, 0), 0);
	assert_int_equal(recv(slow, &byte, 1, 0), 0);
	tc_http_reply(req, 200, "text/plain", "late", 4);
	client_answer(f->loop, waiting, &a);
	assert_string_equal(a.body, "late");
	answer_free(&a);
	close(idle);
	close(slow);
	close(waiting);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, http_rig_setup, http_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(answers_later),
		TEST(swallows_answers_nobody_waits_for),
		TEST(loses_clients_while_they_send),
		TEST(ends_with_requests_under_way),
		TEST(closes_after_the_answer_when_it_ends),
		TEST(asks_to_come_again_while_it_ends),
		TEST(streams_events),
		TEST(notices_that_a_listener_has_gone),
		TEST(cuts_off_slow_listeners),
		TEST(ends_with_streams_open),
		TEST(refuses_too_many_connections),
		TEST(closes_what_takes_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
