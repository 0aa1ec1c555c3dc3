/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP server over real sockets: routes, tokens, problems, limits, clients that go away,
 * streams.
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

#include "host/loop.h"
#include "http/private.h"
#include "unit/http_client.h"

enum { MAX_BODY = 100000 };

struct thing {
	const char *name;
	int64_t size;
	bool hot;
	int colour;
	struct tc_map labels;
};

static const char *const colours[] = {"red", "green", NULL};

static const struct tc_option thing_table[] = {
	{.name = "name",
	 .type = TC_STRING,
	 .offset = offsetof(struct thing, name),
	 .flags = TC_REQUIRED,
	 .max = 10},
	{.name = "size",
	 .type = TC_INT,
	 .offset = offsetof(struct thing, size),
	 .min = 1,
	 .max = 9},
	{.name = "hot", .type = TC_BOOL, .offset = offsetof(struct thing, hot)},
	{.name = "colour",
	 .type = TC_ENUM,
	 .offset = offsetof(struct thing, colour),
	 .choices = colours,
	 .def = "red"},
	{.name = "labels", .type = TC_MAP, .offset = offsetof(struct thing, labels)},
	TC_OPTION_END,
};

struct page {
	int64_t limit;
	const char *q;
};

static const struct tc_option page_table[] = {
	{.name = "limit",
	 .type = TC_INT,
	 .offset = offsetof(struct page, limit),
	 .def = "100",
	 .min = 1,
	 .max = 500},
	{.name = "q", .type = TC_STRING, .offset = offsetof(struct page, q)},
	TC_OPTION_END,
};

struct fixture {
	struct loop *loop;
	struct http_server *server;
	unsigned port;
	struct tc_http_req *held; /* of the route that answers later */
	struct http_stream *stream;
	int closed; /* how often the stream's end was told */
	bool tokens_later;
	char dir[64], path[96];
};

/* ---- handlers ---- */

static void on_echo(struct tc_http_req *req, void *arg)
{
	size_t len;
	const char *body = tc_http_body(req, &len);

	(void)arg;
	assert_int_equal(body[len], '\0');
	tc_http_reply(req, 200, "text/plain", body, len);
}

static void on_list(struct tc_http_req *req, void *arg)
{
	struct page page = {0};

	(void)arg;
	if (tc_http_query_fields(req, &page))
		return;
	tc_http_reply_json(req, 200,
			   json_pack("{s:I, s:s?, s:s}", "limit", page.limit, "q", page.q, "who",
				     tc_http_who(req)));
}

static void on_item(struct tc_http_req *req, void *arg)
{
	(void)arg;
	assert_null(tc_http_param(req, "other"));
	tc_http_reply_json(req, 200, json_pack("{s:s}", "id", tc_http_param(req, "id")));
}

static void on_literal(struct tc_http_req *req, void *arg)
{
	tc_http_reply(req, 200, "text/plain", arg, strlen(arg));
}

static void on_make(struct tc_http_req *req, void *arg)
{
	struct thing thing = {0};

	(void)arg;
	if (tc_http_fields(req, &thing))
		return;
	tc_http_reply_json(req, 201,
			   json_pack("{s:s, s:I, s:b, s:s}", "name", thing.name, "size", thing.size,
				     "hot", thing.hot, "colour", colours[thing.colour]));
}

static void on_json(struct tc_http_req *req, void *arg)
{
	json_t *json = tc_http_json(req);

	(void)arg;
	if (json)
		tc_http_reply_json(req, 200, json_incref(json));
}

static void on_hold(struct tc_http_req *req, void *arg)
{
	struct fixture *f = arg;

	f->held = req;
}

static void on_delete(struct tc_http_req *req, void *arg)
{
	(void)arg;
	tc_http_reply(req, 204, NULL, NULL, 0);
}

static void on_stream_end(void *arg)
{
	struct fixture *f = arg;

	f->closed++;
	f->stream = NULL;
}

static void on_stream(struct tc_http_req *req, void *arg)
{
	struct fixture *f = arg;

	f->stream = http_stream_open(req, on_stream_end, f);
}

static const struct tc_http_route routes[] = {
	{TC_POST, "/echo", TC_SCOPE_PUBLIC, on_echo, "echo", NULL, NULL, 200, NULL, true},
	{TC_GET, "/things/{id}", TC_SCOPE_PUBLIC, on_item, "one", NULL, NULL, 200, NULL, false},
	{TC_GET, "/things", TC_SCOPE_READ, on_list, "list", page_table, NULL, 200, NULL, false},
	{TC_POST, "/things", TC_SCOPE_ALERT, on_make, "make", NULL, thing_table, 201, NULL, false},
	{TC_DELETE, "/things/{id}", TC_SCOPE_ADMIN, on_delete, "go", NULL, NULL, 204, NULL, false},
	{TC_POST, "/json", TC_SCOPE_PUBLIC, on_json, "json", NULL, NULL, 200, NULL, true},
	{TC_POST, "/hold", TC_SCOPE_PUBLIC, on_hold, "hold", NULL, NULL, 200, NULL, true},
	{TC_GET, "/stream", TC_SCOPE_PUBLIC, on_stream, "stream", NULL, NULL, 200, NULL, false},
};

static const struct tc_http_route literal_route = {
	TC_GET, "/things/best", TC_SCOPE_PUBLIC, on_literal, "literal", NULL, NULL, 200,
	NULL,   false};
static const struct tc_http_route doubled_route = {
	TC_GET, "/things/{name}", TC_SCOPE_PUBLIC, on_item, "twice", NULL, NULL, 200, NULL, false};

static enum tc_scope lookup(void *arg, const char *token, const char **name)
{
	const struct fixture *f = arg;

	*name = token;
	if (f->tokens_later)
		return HTTP_AUTH_LATER;
	if (!strcmp(token, "reader"))
		return TC_SCOPE_READ;
	if (!strcmp(token, "raiser"))
		return TC_SCOPE_ALERT;
	return TC_SCOPE_PUBLIC;
}

static int setup(void **state)
{
	struct fixture *f = tc_alloc(sizeof(*f));
	char where[128], fault[256];

	f->loop = loop_new(LOOP_REAL);
	f->server = http_server_new(f->loop, MAX_BODY);
	http_server_set_auth(f->server, lookup, f);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		assert_int_equal(http_server_route(f->server, &routes[i], f), 0);
	assert_int_equal(http_server_listen(f->server, "127.0.0.1:0", fault, sizeof(fault)), 0);
	f->port = http_server_port(f->server);
	tc_strcopy(f->dir, sizeof(f->dir), "/tmp/tocsin-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/api.sock", f->dir);
	snprintf(where, sizeof(where), "unix:%s", f->path);
	assert_int_equal(http_server_listen(f->server, where, fault, sizeof(fault)), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	http_server_free(f->server);
	loop_free(f->loop);
	assert_int_not_equal(stat(f->path, &st), 0);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

#define READER "Authorization: Bearer reader\r\n"
#define RAISER "Authorization: bearer raiser\r\n"

static void ask(struct fixture *f, const char *method, const char *path, const char *head,
		const char *body, struct http_answer *a)
{
	client_ask(f->loop, f->port, method, path, head, body, a);
}

static void problem(struct fixture *f, const char *head, const char *body, int status,
		    const char *field)
{
	client_problem(f->loop, f->port, head, body, status, field);
}

/* ---- routes ---- */

static void finds_routes(void **state)
{
	static char best[] = "best";
	struct fixture *f = *state;
	struct http_answer a;

	assert_int_equal(http_server_route(f->server, &literal_route, best), 0);
	assert_int_equal(http_server_route(f->server, &doubled_route, f), -EEXIST);
	ask(f, "GET", "/things/a%2Fb%20%C3%BC+", "", NULL, &a);
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "Content-Type: application/json"));
	assert_string_equal(a.body, "{\"id\":\"a/b ü+\"}");
	answer_free(&a);
	ask(f, "GET", "/things/best", "", NULL, &a);
	assert_string_equal(a.body, "best");
	answer_free(&a);
}

static void refuses_paths_and_methods(void **state)
{
	struct fixture *f = *state;
	struct http_answer a;

	problem(f, "GET / HTTP/1.1\r\n\r\n", NULL, 404, NULL);
	problem(f, "GET /things/ HTTP/1.1\r\n\r\n", NULL, 404, NULL);
	problem(f, "GET /a/b/c/d/e/f/g/h/i/j HTTP/1.1\r\n\r\n", NULL, 404, NULL);
	problem(f, "GET /things/%00 HTTP/1.1\r\n\r\n", NULL, 400, NULL);
	problem(f, "GET /things/%4 HTTP/1.1\r\n\r\n", NULL, 400, NULL);
	problem(f, "GET /things/%ff HTTP/1.1\r\n\r\n", NULL, 400, NULL);
	problem(f, "PATCH /things HTTP/1.1\r\n\r\n", NULL, 405, NULL);
	problem(f, "BREW /things HTTP/1.1\r\n\r\n", NULL, 405, NULL);
	problem(f, "OPTIONS /nothing HTTP/1.1\r\n\r\n", NULL, 404, NULL);
	ask(f, "PUT", "/things", "", "{}", &a);
	assert_int_equal(a.status, 405);
	assert_true(answer_has(&a, "Allow: GET, HEAD, POST"));
	answer_free(&a);
}

static void answers_head_like_get(void **state)
{
	struct fixture *f = *state;
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
	struct fixture *f = *state;
	struct http_answer a;

	ask(f, "GET", "/things?limit=7&q=%C3%BCber+all%2B", READER, NULL, &a);
	assert_string_equal(a.body, "{\"limit\":7,\"q\":\"über all+\",\"who\":\"reader\"}");
	answer_free(&a);
	ask(f, "GET", "/things?", READER, NULL, &a);
	assert_string_equal(a.body, "{\"limit\":100,\"q\":null,\"who\":\"reader\"}");
	answer_free(&a);
	problem(f, "GET /things?limt=7 HTTP/1.1\r\n" READER "\r\n", NULL, 400, "limt");
	problem(f, "GET /things/x?limit=7 HTTP/1.1\r\n" READER "\r\n", NULL, 400, "limit");
	problem(f, "GET /things?limit=x HTTP/1.1\r\n" READER "\r\n", NULL, 400, "limit");
	problem(f, "GET /things?limit=501 HTTP/1.1\r\n" READER "\r\n", NULL, 400, "limit");
	problem(f, "GET /things?q=1&q=2 HTTP/1.1\r\n" READER "\r\n", NULL, 400, "q");
	problem(f, "GET /things?q=%FF HTTP/1.1\r\n" READER "\r\n", NULL, 400, "q");
}

/* ---- who calls ---- */

static void wants_tokens(void **state)
{
	struct fixture *f = *state;
	struct http_answer a;

	ask(f, "GET", "/things", "", NULL, &a);
	assert_int_equal(a.status, 401);
	assert_true(answer_has(&a, "WWW-Authenticate: Bearer realm=\"tocsin\""));
	answer_free(&a);
	problem(f, "GET /things HTTP/1.1\r\nAuthorization: Bearer wrong\r\n\r\n", NULL, 401, NULL);
	problem(f, "GET /things HTTP/1.1\r\nAuthorization: Basic eDp5\r\n\r\n", NULL, 401, NULL);
	ask(f, "POST", "/things", READER, "{\"name\":\"x\"}", &a);
	assert_int_equal(a.status, 403);
	assert_non_null(strstr(a.body, "alert is wanted"));
	answer_free(&a);
	ask(f, "GET", "/things", RAISER, NULL, &a); /* alert contains read */
	assert_int_equal(a.status, 200);
	answer_free(&a);
	f->tokens_later = true;
	ask(f, "GET", "/things", READER, NULL, &a);
	assert_int_equal(a.status, 503);
	assert_true(answer_has(&a, "Retry-After: 1"));
	answer_free(&a);
}

static void knows_the_peer_of_a_unix_socket(void **state)
{
	struct fixture *f = *state;
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
	struct fixture *f = *state;
	struct http_server *other = http_server_new(f->loop, MAX_BODY);
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
	other = http_server_new(f->loop, MAX_BODY);
	assert_int_equal(http_server_listen(other, where, fault, sizeof(fault)), -EEXIST);
	assert_int_equal(http_server_listen(other, "localhost:1", fault, sizeof(fault)), -EINVAL);
	assert_int_equal(http_server_listen(other, "127.0.0.1", fault, sizeof(fault)), -EINVAL);
	http_server_free(other);
	assert_int_equal(rmdir(stale), 0);
}

/* ---- bodies ---- */

static void post(struct fixture *f, const char *path, const char *body, size_t len, int status,
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
	struct fixture *f = *state;
	struct http_answer a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		post(f, "/json", bad[i].body, bad[i].len, 400, NULL);
	ask(f, "POST", "/json", "", "{\n  \"a\": nope\n}", &a);
	assert_non_null(strstr(a.body, "line 2"));
	answer_free(&a);
	ask(f, "POST", "/json", "Content-Type: text/plain\r\n", "{\"a\":\"ü\"}", &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "{\"a\":\"ü\"}");
	answer_free(&a);
}

static void checks_fields(void **state)
{
	struct fixture *f = *state;
	struct http_answer a;
	json_t *json;

	ask(f, "POST", "/things", RAISER,
	    "{\"name\":\"x\",\"size\":3,\"hot\":true,\"colour\":\"green\",\"labels\":{\"a\":\"b\"}"
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
	ask(f, "POST", "/things", RAISER, "{\"size\":0,\"colour\":\"blue\"}", &a);
	json = answer_json(&a);
	assert_int_equal(json_array_size(json_object_get(json, "errors")), 3);
	json_decref(json);
	answer_free(&a);
}

static void limits_bodies(void **state)
{
	struct fixture *f = *state;
	char *body = tc_alloc(3 * MAX_BODY + 1);
	int fd = client_connect(f->port, NULL);
	struct http_answer a;

	memset(body, 'x', MAX_BODY);
	ask(f, "POST", "/echo", "", body, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(a.len, MAX_BODY);
	answer_free(&a);
	memset(body, 'x', 3 * MAX_BODY);
	ask(f, "POST", "/echo", "", body, &a);
	assert_int_equal(a.status, 413);
	assert_true(answer_has(&a, "Content-Type: application/problem+json"));
	assert_true(a.closed || answer_has(&a, "Connection: close"));
	answer_free(&a);
	/* Asked before it is sent: no "100 Continue". */
	problem(f, "POST /echo HTTP/1.1\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\n", NULL, 417,
		NULL);
	/* In chunks: 0x30000 bytes are announced. */
	problem(f, "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n30000\r\n", "x", 413,
		NULL);
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
	struct fixture *f = *state;
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
	struct fixture *f = *state;
	char *big = tc_alloc(20000);

	problem(f, "hello, is this HTTP?\r\n\r\n", NULL, 400, NULL);
	problem(f, "GET /things HTTP/9.9\r\n\r\n", NULL, 400, NULL);
	problem(f, "GET /things HTTP/1.1\r\nno colon\r\n\r\n", NULL, 400, NULL);
	problem(f, "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", NULL, 400, NULL);
	memset(big, 'x', 19000);
	problem(f, "GET /things HTTP/1.1\r\nX: ", big, 400, NULL);
	free(big);
}

static void keeps_connections(void **state)
{
	struct fixture *f = *state;
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

/* ---- late answers ---- */

static bool is_held(void *arg)
{
	return ((struct fixture *)arg)->held != NULL;
}

static bool no_connections(void *arg)
{
	return http_server_connections(((struct fixture *)arg)->server) == 0;
}

static struct tc_http_req *hold(struct fixture *f, int fd)
{
	f->held = NULL;
	client_send(fd, "POST /hold HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody");
	client_wait(f->loop, is_held, f);
	return f->held;
}

static void answers_later(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->port, NULL);
	struct tc_http_req *req = hold(f, fd);
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
static void lose_client(struct fixture *f, int how, bool problem_answer)
{
	static const struct linger reset = {.l_onoff = 1};
	int fd = client_connect(f->port, NULL);
	struct tc_http_req *req = hold(f, fd);

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
	client_wait(f->loop, no_connections, f);
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
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int fd = client_connect(f->port, NULL);

		client_send(fd, parts[i]);
		for (int k = 0; k < 5; k++)
			client_turn(f->loop);
		close(fd);
		client_wait(f->loop, no_connections, f);
	}
}

static void ends_with_requests_under_way(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->port, NULL);
	struct http_server *other = http_server_new(f->loop, MAX_BODY);
	struct tc_http_req *req;
	char fault[128];

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		http_server_route(other, &routes[i], f);
	assert_int_equal(http_server_listen(other, "127.0.0.1:0", fault, sizeof(fault)), 0);
	close(fd);
	fd = client_connect(http_server_port(other), NULL);
	req = hold(f, fd);
	assert_non_null(req);
	http_server_close(other);
	http_server_free(other); /* the request goes with it */
	assert_int_equal(recv(fd, fault, 1, 0), 0);
	close(fd);
}

static void closes_after_the_answer_when_it_ends(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->port, NULL);
	struct tc_http_req *req = hold(f, fd);
	struct http_answer a;

	http_server_close(f->server);
	tc_http_reply(req, 200, "text/plain", "last", 4);
	client_answer(f->loop, fd, &a);
	assert_string_equal(a.body, "last");
	assert_true(answer_has(&a, "Connection: close"));
	answer_free(&a);
	client_wait(f->loop, no_connections, f);
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
	struct fixture *f = *state;
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
	return ((struct fixture *)arg)->stream != NULL;
}

static bool is_closed(void *arg)
{
	return ((struct fixture *)arg)->closed > 0;
}

static int open_stream(struct fixture *f)
{
	int fd = client_connect(f->port, NULL);

	f->closed = 0;
	client_send(fd, "GET /stream HTTP/1.1\r\n\r\n");
	client_wait(f->loop, is_open, f);
	return fd;
}

/* Read from fd until want stands in what came. */
static void expect_text(struct fixture *f, int fd, const char *want)
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
	struct fixture *f = *state;
	int fd = open_stream(f);

	assert_true(http_stream_send(f->stream, 7, "call.ended", "{\"a\":1}"));
	assert_true(http_stream_ping(f->stream));
	expect_text(f, fd, "id: 7\nevent: call.ended\ndata: {\"a\":1}\n\n\r\n3\r\n:\n\n\r\n");
	http_stream_close(f->stream);
	expect_text(f, fd, "0\r\n\r\n");
	assert_int_equal(f->closed, 0);
	client_wait(f->loop, no_connections, f);
	close(fd);
}

static void notices_that_a_listener_has_gone(void **state)
{
	struct fixture *f = *state;
	int fd = open_stream(f);

	/* Data that comes in on the stream's connection is not a request. */
	client_send(fd, "GET /things HTTP/1.1\r\n\r\n");
	for (int i = 0; i < 5; i++)
		client_turn(f->loop);
	assert_int_equal(f->closed, 0);
	close(fd);
	client_wait(f->loop, is_closed, f);
	assert_int_equal(f->closed, 1);
	client_wait(f->loop, no_connections, f);
}

static void cuts_off_slow_listeners(void **state)
{
	struct fixture *f = *state;
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
	struct fixture *f = *state;
	int fd = open_stream(f);
	char buf[16];

	/* teardown would do the same; here its traces can be seen */
	http_server_free(f->server);
	assert_int_equal(f->closed, 1);
	f->server = http_server_new(f->loop, MAX_BODY);
	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	close(fd);
}

/* ---- limits ---- */

static void refuses_too_many_connections(void **state)
{
	struct fixture *f = *state;
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
	client_wait(f->loop, no_connections, f);
	ask(f, "GET", "/things/x", "", NULL, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
}

static bool has_three(void *arg)
{
	return http_server_connections(((struct fixture *)arg)->server) == 3;
}

static bool has_one(void *arg)
{
	return http_server_connections(((struct fixture *)arg)->server) == 1;
}

/* An idle connection and one that sends too slowly are closed, one whose answer is still to come is not. */
static void closes_what_takes_too_long(void **state)
{
	struct fixture *f = *state;
	int idle = client_connect(f->port, NULL), slow = client_connect(f->port, NULL);
	int waiting = client_connect(f->port, NULL);
	struct tc_http_req *req = hold(f, waiting);
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
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
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
