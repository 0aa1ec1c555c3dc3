/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the HTTP server, over a Unix socket. An input that begins with "!" is sent as it
 * stands behind that, bytes of HTTP; any other one is the JSON body of a good request, read by a
 * table that has all types.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include <tocsin/alloc.h>

#include "host/loop.h"
#include "http/server.h"

enum { TURNS_MAX = 1000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct inner {
	const char *name;
};

struct fields {
	const char *text;
	bool yes;
	int64_t number, time, bytes;
	double real;
	int choice;
	struct tc_strings strings;
	struct tc_map map;
	struct inner inner;
	struct tc_list list;
	json_t *any;
};

#define AT(field) .name = #field, .offset = offsetof(struct fields, field)

static const char *const choices[] = {"one", "two", NULL};

static const struct tc_option inner_table[] = {
	{"name", TC_STRING, offsetof(struct inner, name), TC_REQUIRED, .max = 10},
	TC_OPTION_END,
};

static const struct tc_option table[] = {
	{AT(text), .type = TC_STRING, .min = 1, .max = 100},
	{AT(yes), .type = TC_BOOL},
	{AT(number), .type = TC_INT, .min = -5, .max = 500},
	{AT(time), .type = TC_DURATION, .def = "5s"},
	{AT(bytes), .type = TC_SIZE, .max = 1 << 20},
	{AT(real), .type = TC_DOUBLE},
	{AT(choice), .type = TC_ENUM, .choices = choices, .def = "one"},
	{AT(strings), .type = TC_STRINGS},
	{AT(map), .type = TC_MAP},
	{AT(inner), .type = TC_OBJECT, .sub = inner_table, .sub_size = sizeof(struct inner)},
	{AT(list), .type = TC_LIST, .sub = inner_table, .sub_size = sizeof(struct inner)},
	{AT(any), .type = TC_JSON},
	TC_OPTION_END,
};

static struct loop *loop;
static struct http_server *server;
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void on_fields(struct tc_http_req *req, void *arg)
{
	struct fields fields = {0};

	(void)arg;
	if (!tc_http_fields(req, &fields))
		tc_http_reply_json(req, 200, json_pack("{s:s?}", "text", fields.text));
}

static void on_query(struct tc_http_req *req, void *arg)
{
	struct fields fields = {0};

	(void)arg;
	if (!tc_http_query_fields(req, &fields))
		tc_http_reply_json(req, 200,
				   json_pack("{s:s?, s:s}", "text", fields.text, "id",
					     tc_http_param(req, "id")));
}

static void on_json(struct tc_http_req *req, void *arg)
{
	size_t len;
	const char *body = tc_http_body(req, &len);
	json_t *json;

	(void)arg;
	assert(body[len] == '\0');
	json = tc_http_json(req);
	if (json)
		tc_http_reply_json(req, 200, json_incref(json));
}

static const struct tc_http_route routes[] = {
	{.method = TC_POST, .path = "/f", .fn = on_fields, .body = table, .success = 200},
	{.method = TC_POST, .path = "/j", .fn = on_json, .body_any = true, .success = 200},
	{.method = TC_GET, .path = "/q/{id}", .fn = on_query, .query = table, .success = 200},
};

static void begin(void)
{
	char dir[] = "/tmp/tocsin-fuzz-XXXXXX", where[64], fault[256];

	loop = loop_new(LOOP_REAL);
	server = http_server_new(loop, 65536);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		http_server_route(server, &routes[i], NULL);
	if (!mkdtemp(dir))
		abort();
	snprintf(where, sizeof(where), "unix:%s/s", dir);
	tc_strcopy(address.sun_path, sizeof(address.sun_path), where + 5);
	if (http_server_listen(server, where, fault, sizeof(fault)))
		abort();
}

static void end(void)
{
	http_server_free(server);
	*strrchr(address.sun_path, '/') = '\0';
	rmdir(address.sun_path);
	loop_free(loop);
}

/*
 * Send all and read all, turning the loop, until the server closes. The answers begin as HTTP
 * does.
 */
static void talk(int fd, const char *text, size_t len)
{
	char buf[65536], head[9] = "";
	size_t sent = 0, got = 0;

	for (int turns = 0; turns < TURNS_MAX; turns++) {
		ssize_t n = sent < len
				    ? send(fd, text + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT)
				    : 0;

		if (n > 0)
			sent += (size_t)n;
		if (sent == len || (n < 0 && errno != EAGAIN)) {
			shutdown(fd, SHUT_WR);
			len = sent;
		}
		event_base_loop(loop_base(loop), EVLOOP_NONBLOCK);
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		if (n > 0 && got < 8)
			memcpy(head + got, buf, (size_t)n < 8 - got ? (size_t)n : 8 - got);
		got += n > 0 ? (size_t)n : 0;
		assert(turns < TURNS_MAX - 1);
	}
	assert(!got || !memcmp(head, "HTTP/", 5));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tc_buf text = {0};
	int fd;

	if (!loop) {
		begin();
		atexit(end);
	}
	if (size && data[0] == '!') {
		tc_buf_add(&text, data + 1, size - 1);
	} else {
		for (int i = 0; i < 2; i++) {
			tc_buf_printf(&text, "POST /%s HTTP/1.1\r\nContent-Length: %zu\r\n%s\r\n",
				      i ? "j" : "f", size, i ? "Connection: close\r\n" : "");
			tc_buf_add(&text, data, size);
		}
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		abort();
	talk(fd, text.data ? text.data : "", text.len);
	close(fd);
	while (http_server_connections(server))
		event_base_loop(loop_base(loop), EVLOOP_ONCE);
	assert(http_server_in_flight(server) == 0);
	tc_buf_fini(&text);
	return 0;
}
