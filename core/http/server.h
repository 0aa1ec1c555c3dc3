/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP server: listeners (TCP and Unix sockets), routes, authentication, limits.
 */
#ifndef CORE_HTTP_SERVER_H
#define CORE_HTTP_SERVER_H

#include <tocsin/http.h>

struct host;
struct loop;
struct http_server;

/* The tokens are not read yet: the request is answered 503, so that it comes again. */
#define HTTP_AUTH_LATER ((enum tc_scope)-1)

/*
 * Looks a bearer token up: its scope and name, TC_SCOPE_PUBLIC when it is not known, or
 * HTTP_AUTH_LATER. In memory, at once.
 */
typedef enum tc_scope (*http_auth_fn)(void *arg, const char *token, const char **name);

/* max_body: bytes. Plugins reach it through host_services()->http. */
struct http_server *http_server_new(struct loop *loop, int64_t max_body);
void http_server_set_auth(struct http_server *server, http_auth_fn auth, void *arg);
/* "127.0.0.1:8086", "[::1]:8086" or "unix:/path"; fault receives why not. */
int http_server_listen(struct http_server *server, const char *where, char *fault,
		       size_t size_bytes);
/*
 * Stop listening. Requests under way may still be answered; new ones on old connections get a
 * 503.
 */
void http_server_close(struct http_server *server);
/* Requests that are not answered go with it: nobody may answer them any more. */
void http_server_free(struct http_server *server);

/* The port of the last TCP listener (for ":0" in tests), 0 = none. */
unsigned http_server_port(const struct http_server *server);
/* Requests taken and not yet answered, and connections that are up. */
size_t http_server_in_flight(const struct http_server *server);
size_t http_server_connections(const struct http_server *server);
/* Write counters and gauges of the server to the metrics: for /metrics. */
void http_server_metrics(struct http_server *server);
/*
 * The instance goes: its routes are taken away. Requests of theirs that are under way are still
 * answered.
 */
void http_server_forget(struct http_server *server, const struct tc_instance *instance);

/* Add a route of the core (as tc_http_route_add, which is for plugins). */
int http_server_route(struct http_server *server, const struct tc_http_route *route, void *arg);

/* Walk the routes, for the API's description. */
void http_server_routes(const struct http_server *server,
			void (*fn)(void *arg, const struct tc_http_route *route), void *arg);

struct http_stream;

/*
 * Answer req with a stream of server-sent events.
 *
 * closed  told once when the client has gone, was cut off, or the server ends: the stream is then
 *         no more. Not told after http_stream_close(). Never inside http_stream_open()
 * result  NULL when req was answered in another way: too many streams (503), HEAD, the client has
 *         gone
 * source  WHATWG HTML, 9.2 server-sent events
 */
struct http_stream *http_stream_open(struct tc_http_req *req, void (*closed)(void *arg), void *arg);
/*
 * One event. id: 0 = none. data: one line of text. False when the client reads too slowly and was
 * cut off (closed was called).
 */
bool http_stream_send(struct http_stream *stream, int64_t id, const char *event, const char *data);
/* A comment line, so that proxies keep the connection. As http_stream_send(). */
bool http_stream_ping(struct http_stream *stream);
/* Bytes that the client has not yet taken. */
size_t http_stream_pending(const struct http_stream *stream);
void http_stream_close(struct http_stream *stream);

#endif
