/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rig of the HTTP server's tests; see http_rig.h. No test stands here.
 */
#include "unit/http_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <tocsin/alloc.h>

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
	struct http_rig *f = arg;

	f->held = req;
}

static void on_delete(struct tc_http_req *req, void *arg)
{
	(void)arg;
	tc_http_reply(req, 204, NULL, NULL, 0);
}

static void on_stream_end(void *arg)
{
	struct http_rig *f = arg;

	f->closed++;
	f->stream = NULL;
}

static void on_stream(struct tc_http_req *req, void *arg)
{
	struct http_rig *f = arg;

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

static enum tc_scope lookup(void *arg, const char *token, const char **name)
{
	const struct http_rig *f = arg;

	*name = token;
	if (f->tokens_later)
		return HTTP_AUTH_LATER;
	if (!strcmp(token, "reader"))
		return TC_SCOPE_READ;
	if (!strcmp(token, "raiser"))
		return TC_SCOPE_ALERT;
	return TC_SCOPE_PUBLIC;
}

void http_rig_routes(struct http_rig *f, struct http_server *server)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		assert_int_equal(http_server_route(server, &routes[i], f), 0);
}

int http_rig_setup(void **state)
{
	struct http_rig *f = tc_alloc(sizeof(*f));
	char where[128], fault[256];

	f->loop = loop_new(LOOP_REAL);
	f->server = http_server_new(f->loop, HTTP_RIG_MAX_BODY);
	http_server_set_auth(f->server, lookup, f);
	http_rig_routes(f, f->server);
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

int http_rig_teardown(void **state)
{
	struct http_rig *f = *state;
	struct stat st;

	http_server_free(f->server);
	loop_free(f->loop);
	assert_int_not_equal(stat(f->path, &st), 0);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

void http_rig_ask(struct http_rig *f, const char *method, const char *path, const char *head,
		  const char *body, struct http_answer *a)
{
	client_ask(f->loop, f->port, method, path, head, body, a);
}

void http_rig_problem(struct http_rig *f, const char *head, const char *body, int status,
		      const char *field)
{
	client_problem(f->loop, f->port, head, body, status, field);
}

static bool is_held(void *arg)
{
	return ((struct http_rig *)arg)->held != NULL;
}

bool http_rig_idle(void *arg)
{
	return http_server_connections(((struct http_rig *)arg)->server) == 0;
}

struct tc_http_req *http_rig_hold(struct http_rig *f, int fd)
{
	f->held = NULL;
	client_send(fd, "POST /hold HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody");
	client_wait(f->loop, is_held, f);
	return f->held;
}
