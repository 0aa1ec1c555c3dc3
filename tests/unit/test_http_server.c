/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the HTTP server makes of requests: routes, tokens, queries, bodies, problems.
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

static void on_literal(struct tc_http_req *req, void *arg)
{
	tc_http_reply(req, 200, "text/plain", arg, strlen(arg));
}

static void on_any(struct tc_http_req *req, void *arg)
{
	(void)arg;
	tc_http_reply(req, 204, NULL, NULL, 0);
}

static const struct tc_http_route literal_route = {
	TC_GET, "/things/best", TC_SCOPE_PUBLIC, on_literal, "literal", NULL, NULL, 200,
	NULL,   false};
static const struct tc_http_route doubled_route = {
	TC_GET, "/things/{name}", TC_SCOPE_PUBLIC, on_any, "twice", NULL, NULL, 200, NULL, false};

/* ---- routes ---- */

static void finds_routes(void **state)
{
	static char best[] = "best";
	struct http_rig *f = *state;
	struct http_answer a;

	assert_int_equal(http_server_route(f->server, &literal_route, best), 0);
	assert_int_equal(http_server_route(f->server, &doubled_route, f), -EEXIST);
	http_rig_ask(f, "GET", "/things/a%2Fb%20%C3%BC+", "", NULL, &a);
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "Content-Type: application/json"));
	assert_string_equal(a.body, "{\"id\":\"a/b ü+\"}");
	answer_free(&a);
	http_rig_ask(f, "GET", "/things/best", "", NULL, &a);
	assert_string_equal(a.body, "best");
	answer_free(&a);
}

static void refuses_paths_and_methods(void **state)
{
	struct http_rig *f = *state;
	struct http_answer a;

	http_rig_problem(f, "GET / HTTP/1.1\r\n\r\n", NULL, 404, NULL);
	http_rig_problem(f, "GET /things/ HTTP/1.1\r\n\r\n", NULL, 404, NULL);
	http_rig_problem(f, "GET /a/b/c/d/e/f/g/h/i/j HTTP/1.1\r\n\r\n", NULL, 404, NULL);
	http_rig_problem(f, "GET /things/%00 HTTP/1.1\r\n\r\n", NULL, 400, NULL);
	http_rig_problem(f, "GET /things/%4 HTTP/1.1\r\n\r\n", NULL, 400, NULL);
	http_rig_problem(f, "GET /things/%ff HTTP/1.1\r\n\r\n", NULL, 400, NULL);
	http_rig_problem(f, "PATCH /things HTTP/1.1\r\n\r\n", NULL, 405, NULL);
	http_rig_problem(f, "BREW /things HTTP/1.1\r\n\r\n", NULL, 405, NULL);
	http_rig_problem(f, "OPTIONS /nothing HTTP/1.1\r\n\r\n", NULL, 404, NULL);
	http_rig_ask(f, "PUT", "/things", "", "{}", &a);
	assert_int_equal(a.status, 405);
	assert_true(answer_has(&a, "Allow: GET, HEAD, POST"));
	answer_free(&a);
}

static void answers_head_like_get(void **state)
{
	struct http_rig *f = *state;
	int fd = client_connect(f->port, NULL);
	struct http_answer a;

	/* Were there a body, the second answer would not begin where it must. */
	client_send(fd, "HEAD /things/x HTTP/1.1\r\n\r\n");
	client_answer_head(f->loop, fd, &a);
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "Content-Length: 10"));
	answer_free(&a);
	client_send(fd, "GET /things/x HTTP/1.1\r\n\r\n");
	client_answer(f->loop, fd, &a);
	assert_string_equal(a.body, "{\"id\":\"x\"}");
	answer_free(&a);
	close(fd);
}

static void reads_the_query(void **state)
{
	struct http_rig *f = *state;
	struct http_answer a;

	http_rig_ask(f, "GET", "/things?limit=7&q=%C3%BCber+all%2B", READER, NULL, &a);
	assert_string_equal(a.body, "{\"limit\":7,\"q\":\"über all+\",\"who\":\"reader\"}");
	answer_free(&a);
	http_rig_ask(f, "GET", "/things?", READER, NULL, &a);
	assert_string_equal(a.body, "{\"limit\":100,\"q\":null,\"who\":\"reader\"}");
	answer_free(&a);
	http_rig_problem(f, "GET /things?limt=7 HTTP/1.1\r\n" READER "\r\n", NULL, 400, "limt");
	http_rig_problem(f, "GET /things/x?limit=7 HTTP/1.1\r\n" READER "\r\n", NULL, 400, "limit");
	http_rig_problem(f, "GET /things?limit=x HTTP/1.1\r\n" READER "\r\n", NULL, 400, "limit");
	http_rig_problem(f, "GET /things?limit=501 HTTP/1.1\r\n" READER "\r\n", NULL, 400, "limit");
	http_rig_problem(f, "GET /things?q=1&q=2 HTTP/1.1\r\n" READER "\r\n", NULL, 400, "q");
	http_rig_problem(f, "GET /things?q=%FF HTTP/1.1\r\n" READER "\r\n", NULL, 400, "q");
}

/* ---- who calls ---- */

static void wants_tokens(void **state)
{
	struct http_rig *f = *state;
	struct http_answer a;

	http_rig_ask(f, "GET", "/things", "", NULL, &a);
	assert_int_equal(a.status, 401);
	assert_true(answer_has(&a, "WWW-Authenticate: Bearer realm=\"tocsin\""));
	answer_free(&a);
	http_rig_problem(f, "GET /things HTTP/1.1\r\nAuthorization: Bearer wrong\r\n\r\n", NULL,
			 401, NULL);
	http_rig_problem(f, "GET /things HTTP/1.1\r\nAuthorization: Basic eDp5\r\n\r\n", NULL, 401,
			 NULL);
	http_rig_ask(f, "POST", "/things", READER, "{\"name\":\"x\"}", &a);
	assert_int_equal(a.status, 403);
	assert_non_null(strstr(a.body, "alert is wanted"));
	answer_free(&a);
	http_rig_ask(f, "GET", "/things", RAISER, NULL, &a); /* alert contains read */
	assert_int_equal(a.status, 200);
	answer_free(&a);
	f->tokens_later = true;
	http_rig_ask(f, "GET", "/things", READER, NULL, &a);
	assert_int_equal(a.status, 503);
	assert_true(answer_has(&a, "Retry-After: 1"));
	answer_free(&a);
}

static void knows_the_peer_of_a_unix_socket(void **state)
{
	struct http_rig *f = *state;
	int fd = client_connect(0, f->path);
	char want[64];
	struct http_answer a;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	client_send(fd, "DELETE /things/x HTTP/1.1\r\n\r\n");
	client_answer(f->loop, fd, &a);
	assert_int_equal(a.status, 204);
	answer_free(&a);
	client_send(fd, "GET /things HTTP/1.1\r\n\r\n");
	client_answer(f->loop, fd, &a);
	snprintf(want, sizeof(want), "\"who\":\"uid:%u\"", (unsigned)getuid());
	assert_non_null(strstr(a.body, want));
	answer_free(&a);
	/* A token that is given decides: this one may not delete. */
	client_send(fd, "DELETE /things/x HTTP/1.1\r\n" READER "\r\n");
	client_answer(f->loop, fd, &a);
	assert_int_equal(a.status, 403);
	answer_free(&a);
	close(fd);
}

static void replaces_only_stale_sockets(void **state)
{
	struct http_rig *f = *state;
	struct http_server *other = http_server_new(f->loop, HTTP_RIG_MAX_BODY);
	char where[160], fault[256], stale[128];
	struct http_answer a;
	int fd;

	snprintf(where, sizeof(where), "unix:%s", f->path);
	assert_int_equal(http_server_listen(other, where, fault, sizeof(fault)), -EADDRINUSE);
	/* The first one has not noticed. */
	fd = client_connect(0, f->path);
	client_send(fd, "GET /things/x HTTP/1.1\r\n\r\n");
	client_answer(f->loop, fd, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
	close(fd);
	/* A file that nobody answers at, as after a crash. */
	snprintf(stale, sizeof(stale), "%s.stale", f->path);
	assert_int_equal(rename(f->path, stale), 0);
	http_server_close(f->server);
	snprintf(where, sizeof(where), "unix:%s", stale);
	assert_int_equal(http_server_listen(other, where, fault, sizeof(fault)), 0);
	http_server_free(other);
	/* Something else that stands there stays. */
	fd = mkdir(stale, 0700);
	assert_int_equal(fd, 0);
	other = http_server_new(f->loop, HTTP_RIG_MAX_BODY);
	assert_int_equal(http_server_listen(other, where, fault, sizeof(fault)), -EEXIST);
	assert_int_equal(http_server_listen(other, "localhost:1", fault, sizeof(fault)), -EINVAL);
	assert_int_equal(http_server_listen(other, "127.0.0.1", fault, sizeof(fault)), -EINVAL);
	http_server_free(other);
	assert_int_equal(rmdir(stale), 0);
}

/* ---- bodies ---- */

static void post(struct http_rig *f, const char *path, const char *body, size_t len, int status,
		 const char *field)
{
	int fd = client_connect(f->port, NULL);
	struct tc_buf head = {0};
	struct http_answer a;

	tc_buf_printf(&head, "POST %s HTTP/1.1\r\n" RAISER "Content-Length: %zu\r\n\r\n", path,
		      len);
	client_send_bytes(fd, head.data, head.len);
	client_send_bytes(fd, body, len);
	client_answer(f->loop, fd, &a);
	if (a.status != status)
		fail_msg("%.*s: %d, not %d: %s", (int)len, body, a.status, status, a.body);
	if (field) {
		json_t *problem_json = answer_json(&a);
		const char *got = json_string_value(json_object_get(problem_json, "field"));

		if (!got || strcmp(got, field))
			fail_msg("%.*s: field %s, not %s", (int)len, body, got, field);
		assert_true(json_array_size(json_object_get(problem_json, "errors")) > 0);
		json_decref(problem_json);
	}
	answer_free(&a);
	tc_buf_fini(&head);
	close(fd);
}

static void checks_json(void **state)
{
	static const struct {
		const char *body;
		size_t len;
	} bad[] = {
#define BAD(s) {s, sizeof(s) - 1}
		BAD(""),
		BAD("{"),
		BAD("[]"),
		BAD("\"x\""),
		BAD("{\"a\":1,\"a\":2}"),
		BAD("{\"a\":\"\xff\"}"),
		BAD("{\"a\":\"\xed\xa0\x80\"}"),
		BAD("{\"a\":\"\\u0000\"}"),
		BAD("{\"a\":\"x\0y\"}"),
		BAD("{} {}"),
		BAD("{'a':1}"),
#undef BAD
	};
	struct http_rig *f = *state;
	struct http_answer a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		post(f, "/json", bad[i].body, bad[i].len, 400, NULL);
	http_rig_ask(f, "POST", "/json", "", "{\n  \"a\": nope\n}", &a);
	assert_non_null(strstr(a.body, "line 2"));
	answer_free(&a);
	http_rig_ask(f, "POST", "/json", "Content-Type: text/plain\r\n", "{\"a\":\"ü\"}", &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "{\"a\":\"ü\"}");
	answer_free(&a);
}

static void checks_fields(void **state)
{
	struct http_rig *f = *state;
	struct http_answer a;
	json_t *json;

	http_rig_ask(f, "POST", "/things", RAISER,
		     "{\"name\":\"x\",\"size\":3,\"hot\":true,\"colour\":\"green\",\"labels\":{"
		     "\"a\":\"b\"}"
		     "}",
		     &a);
	assert_int_equal(a.status, 201);
	assert_string_equal(a.body,
			    "{\"name\":\"x\",\"size\":3,\"hot\":true,\"colour\":\"green\"}");
	answer_free(&a);
#define POST(body, status, field) post(f, "/things", body, strlen(body), status, field)
	/* not the shape: 400 */
	POST("{\"name\":\"x\",\"sise\":3}", 400, "sise");
	POST("{\"name\":\"x\",\"size\":\"3\"}", 400, "size");
	POST("{\"name\":\"x\",\"size\":1.5}", 400, "size");
	POST("{\"name\":7}", 400, "name");
	POST("{\"name\":\"x\",\"hot\":\"true\"}", 400, "hot");
	POST("{\"name\":\"x\",\"labels\":[]}", 400, "labels");
	/* the shape, but not the values: 422 */
	POST("{}", 422, "name");
	POST("", 422, "name");
	POST("{\"name\":\"\"}", 422, "name");
	POST("{\"name\":null}", 422, "name");
	POST("{\"name\":\"12345678901\"}", 422, "name");
	POST("{\"name\":\"x\",\"size\":10}", 422, "size");
	POST("{\"name\":\"x\",\"colour\":\"blue\"}", 422, "colour");
#undef POST
	http_rig_ask(f, "POST", "/things", RAISER, "{\"size\":0,\"colour\":\"blue\"}", &a);
	json = answer_json(&a);
	assert_int_equal(json_array_size(json_object_get(json, "errors")), 3);
	json_decref(json);
	answer_free(&a);
}

static void limits_bodies(void **state)
{
	struct http_rig *f = *state;
	char *body = tc_alloc(3 * HTTP_RIG_MAX_BODY + 1);
	int fd = client_connect(f->port, NULL);
	struct http_answer a;

	memset(body, 'x', HTTP_RIG_MAX_BODY);
	http_rig_ask(f, "POST", "/echo", "", body, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(a.len, HTTP_RIG_MAX_BODY);
	answer_free(&a);
	memset(body, 'x', 3 * HTTP_RIG_MAX_BODY);
	http_rig_ask(f, "POST", "/echo", "", body, &a);
	assert_int_equal(a.status, 413);
	assert_true(answer_has(&a, "Content-Type: application/problem+json"));
	assert_true(a.closed || answer_has(&a, "Connection: close"));
	answer_free(&a);
	/* Asked before it is sent: no "100 Continue". */
	http_rig_problem(f, "POST /echo HTTP/1.1\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\n",
			 NULL, 417, NULL);
	/* In chunks: 0x30000 bytes are announced. */
	http_rig_problem(f, "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n30000\r\n",
			 "x", 413, NULL);
	client_send(fd, "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
			"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	client_answer(f->loop, fd, &a);
	assert_string_equal(a.body, "abcde");
	answer_free(&a);
	close(fd);
	free(body);
}

static void says_go_on(void **state)
{
	struct http_rig *f = *state;
	int fd = client_connect(f->port, NULL);
	struct http_answer a;

	client_send(fd, "POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	client_answer_head(f->loop, fd, &a);
	assert_int_equal(a.status, 100);
	answer_free(&a);
	client_send(fd, "ok");
	client_answer(f->loop, fd, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "ok");
	answer_free(&a);
	close(fd);
}

static void answers_nonsense_with_problems(void **state)
{
	struct http_rig *f = *state;
	char *big = tc_alloc(20000);

	http_rig_problem(f, "hello, is this HTTP?\r\n\r\n", NULL, 400, NULL);
	http_rig_problem(f, "GET /things HTTP/9.9\r\n\r\n", NULL, 400, NULL);
	http_rig_problem(f, "GET /things HTTP/1.1\r\nno colon\r\n\r\n", NULL, 400, NULL);
	http_rig_problem(f, "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", NULL, 400, NULL);
	memset(big, 'x', 19000);
	http_rig_problem(f, "GET /things HTTP/1.1\r\nX: ", big, 400, NULL);
	free(big);
}

static void keeps_connections(void **state)
{
	struct http_rig *f = *state;
	int fd = client_connect(f->port, NULL);
	struct http_answer a;

	/* Three at once, the second one bad: each is answered, in order. */
	client_send(fd, "GET /things/1 HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\n\r\n"
			"POST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\nend");
	client_answer(f->loop, fd, &a);
	assert_string_equal(a.body, "{\"id\":\"1\"}");
	answer_free(&a);
	client_answer(f->loop, fd, &a);
	assert_int_equal(a.status, 404);
	answer_free(&a);
	client_answer(f->loop, fd, &a);
	assert_string_equal(a.body, "end");
	answer_free(&a);
	assert_int_equal(http_server_connections(f->server), 1);
	/* HTTP/1.0 closes. */
	client_send(fd, "GET /things/1 HTTP/1.0\r\n\r\n");
	client_answer(f->loop, fd, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
	close(fd);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, http_rig_setup, http_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(finds_routes),
		TEST(refuses_paths_and_methods),
		TEST(answers_head_like_get),
		TEST(reads_the_query),
		TEST(wants_tokens),
		TEST(knows_the_peer_of_a_unix_socket),
		TEST(replaces_only_stale_sockets),
		TEST(checks_json),
		TEST(checks_fields),
		TEST(limits_bodies),
		TEST(says_go_on),
		TEST(answers_nonsense_with_problems),
		TEST(keeps_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
