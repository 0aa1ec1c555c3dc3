/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this folder share among themselves: the inside of the server. Nobody else
 * includes this.
 */
#ifndef CORE_HTTP_PRIVATE_H
#define CORE_HTTP_PRIVATE_H

#include <sys/queue.h>
#include <sys/types.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "host/loop.h"
#include "http/server.h"

enum {
	HTTP_CONNECTIONS_MAX = 1024, /* or half the file descriptors, if those are fewer */
	HTTP_IN_FLIGHT_MAX = 512,    /* requests taken and not yet answered, streams not counted */
	HTTP_STREAMS_MAX = 128,
	HTTP_STREAM_BYTES = 1 << 20, /* a client that is further behind is cut off */
	HTTP_HEADER_BYTES = 16 << 10,
	HTTP_IDLE_S = 60,  /* from one answer to the end of the next request */
	HTTP_SEGMENTS = 8, /* of a path */
};

/* ---- route.c ---- */

struct http_segment {
	const char *text; /* of a literal, or the name of a parameter; not terminated */
	size_t len;
	bool param;
};

struct http_route {
	TAILQ_ENTRY(http_route) link;
	const struct tc_http_route *def;
	void *arg;
	const struct tc_instance *owner; /* NULL: the core's */
	struct http_segment segments[HTTP_SEGMENTS];
	size_t n_segments, n_params;
	uint64_t answers[6],
		counted[6]; /* by the status' first digit; counted: what the metrics know */
};

TAILQ_HEAD(http_routes, http_route);

/* A decoded path, cut at its slashes. */
struct http_path {
	char *text; /* owned */
	const char *segment[HTTP_SEGMENTS];
	size_t n;
};

/* result: 0 | -EINVAL bad escape, NUL, not UTF-8 | -ENOENT too many segments to be one of ours */
int http_path_parse(struct http_path *path, const char *raw);
/* methods: receives a bit (1 << method) for each method the path has. */
struct http_route *http_route_find(struct http_server *server, const struct http_path *path,
				   enum tc_http_method method, unsigned *methods);
const char *http_method_name(enum tc_http_method method);
/* Decode %XX (and "+" with plus) in place; false when malformed, with a NUL or not UTF-8. */
bool http_decode(char *s, bool plus);

/* ---- conn.c ---- */

struct http_conn {
	TAILQ_ENTRY(http_conn) link; /* of server->conns, or of server->fresh */
	TAILQ_ENTRY(http_conn) mend; /* of server->mends, while mending */
	struct http_server *server;
	struct bufferevent *bev;
	struct evhttp_connection *ev; /* NULL while fresh */
	int fd;
	int64_t since_us; /* accepted, or last answered */
	bool answering;   /* what is written is ours */
	bool mending;
	enum tc_scope scope; /* by the socket's peer, without a token */
	char who[24];
	struct tc_http_req *req;    /* being handled, or NULL */
	struct http_stream *stream; /* or NULL */
};

TAILQ_HEAD(http_conns, http_conn);

void conns_init(struct http_server *server);
void conns_fini(struct http_server *server);
struct http_conn *conn_find(struct http_server *server, struct evhttp_request *ev);

/* ---- listen.c ---- */

struct http_listener;
void listeners_close(struct http_server *server);

/* ---- request.c ---- */

struct http_query {
	const char *name, *value;
};

struct tc_http_req {
	LIST_ENTRY(tc_http_req) link;
	struct http_server *server;
	struct http_conn *conn;          /* NULL once it is gone */
	struct evhttp_request *ev;       /* NULL once it is gone */
	const struct tc_http_route *def; /* NULL until one was found */
	struct http_route *route;        /* the same in the table, NULL once taken away */
	bool head;
	struct http_path path;
	char *query_text;         /* owned; what query points into */
	struct http_query *query; /* owned */
	size_t n_query;
	enum tc_scope scope;
	char who[80];
	char *body; /* owned; see tc_http_body() */
	size_t body_len;
	json_t *json, *query_json;   /* owned */
	void *fields, *query_fields; /* owned; of tc_options_fill() */
};

/* evhttp's callback for each request. */
void request_arrived(struct evhttp_request *ev, void *arg);
/* The end of req, answered or not. */
void request_free(struct tc_http_req *req);

/* ---- auth.c ---- */

/* Find out who calls; false after the 4xx or 503 has been answered. */
bool request_authorize(struct tc_http_req *req, enum tc_scope wanted);
/* Who is at the other end of the socket, if the kernel says it. */
void conn_identify(struct http_conn *conn);

/* ---- reply.c ---- */

const char *http_status_title(int status);
/* The text of a problem; malloc'ed. field may be NULL. */
char *problem_text(int status, const char *field, const char *detail, const json_t *errors);
void reply_method_not_allowed(struct tc_http_req *req, unsigned methods);
void reply_busy(struct tc_http_req *req, const char *detail);
/* Headers that each answer has; counts it. */
void reply_begin(struct tc_http_req *req, int status);

/* ---- stream.c ---- */

/* The connection has gone. */
void stream_gone(struct http_stream *stream);

/* ---- the server ---- */

struct http_server {
	struct loop *loop;
	struct evhttp *http;
	int64_t max_body; /* bytes */
	http_auth_fn auth;
	void *auth_arg;
	bool closing;
	struct http_routes routes;
	LIST_HEAD(, http_listener) listeners;
	unsigned port;
	/* conn.c */
	struct http_conns conns, fresh, mends;
	struct http_conn **by_fd; /* owned */
	size_t n_by_fd, n_conns, max_conns;
	struct event *attach, *mend;
	struct loop_timer sweep;
	uint64_t refused, refused_counted;
	/* requests */
	LIST_HEAD(, tc_http_req) requests;
	size_t in_flight, streams;
};

#endif
