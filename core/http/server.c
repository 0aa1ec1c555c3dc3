/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP server as a whole: its beginning, its end, its figures. Listeners, connections,
 * requests and answers are in files of their own.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "host/metrics.h"
#include "http/private.h"

/*
 * libevent writes to sockets without MSG_NOSIGNAL: a client that has gone must not end the
 * daemon.
 */
static void ignore_sigpipe(void)
{
	struct sigaction now;

	if (!sigaction(SIGPIPE, NULL, &now) && now.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

struct http_server *http_server_new(struct loop *loop, int64_t max_body)
{
	struct http_server *server = tc_alloc(sizeof(*server));

	ignore_sigpipe();
	server->loop = loop;
	server->max_body = max_body;
	TAILQ_INIT(&server->routes);
	LIST_INIT(&server->listeners);
	LIST_INIT(&server->requests);
	server->http = evhttp_new(loop_base(loop));
	if (!server->http)
		abort();
	evhttp_set_max_body_size(server->http, (ev_ssize_t)max_body);
	evhttp_set_max_headers_size(server->http, HTTP_HEADER_BYTES);
	/*
	 * A body that is too long is read to its end and thrown away: else the client would never
	 * see the answer.
	 */
	evhttp_set_flags(server->http, EVHTTP_SERVER_LINGERING_CLOSE);
	/* All methods come to us: evhttp would answer in HTML. */
	evhttp_set_allowed_methods(server->http, UINT16_MAX);
	evhttp_set_default_content_type(server->http, NULL);
	evhttp_set_gencb(server->http, request_arrived, server);
	conns_init(server);
	return server;
}

void http_server_set_auth(struct http_server *server, http_auth_fn auth, void *arg)
{
	server->auth = auth;
	server->auth_arg = arg;
}

void http_server_close(struct http_server *server)
{
	server->closing = true;
	listeners_close(server);
}

void http_server_free(struct http_server *server)
{
	struct tc_http_req *req;
	struct http_route *route;

	if (!server)
		return;
	http_server_close(server);
	evhttp_free(
		server->http); /* through the connections' ends, requests and streams learn of it */
	conns_fini(server);
	while ((req = LIST_FIRST(&server->requests)))
		request_free(req);
	while ((route = TAILQ_FIRST(&server->routes))) {
		TAILQ_REMOVE(&server->routes, route, link);
		free(route);
	}
	free(server);
}

unsigned http_server_port(const struct http_server *server)
{
	return server->port;
}

size_t http_server_in_flight(const struct http_server *server)
{
	return server->in_flight;
}

size_t http_server_connections(const struct http_server *server)
{
	return server->n_conns;
}

static void route_metrics(struct http_route *route)
{
	for (int class = 1; class < 6; class ++) {
		uint64_t more = route->answers[class] - route->counted[class];
		char labels[256] = "", code[8] = "";

		if (!more)
			continue;
		code[0] = (char)('0' + class);
		code[1] = code[2] = 'x';
		metrics_label(labels, sizeof(labels), "method",
			      http_method_name(route->def->method));
		metrics_label(labels, sizeof(labels), "route", route->def->path);
		metrics_label(labels, sizeof(labels), "code", code);
		metrics_count("tocsin_http_requests_total", "Requests answered.", labels,
			      (double)more);
		route->counted[class] = route->answers[class];
	}
}

void http_server_metrics(struct http_server *server)
{
	struct http_route *route;

	TAILQ_FOREACH (route, &server->routes, link)
		route_metrics(route);
	metrics_gauge("tocsin_http_connections", "Connections that are up.", NULL,
		      (double)server->n_conns);
	metrics_gauge("tocsin_http_streams", "Streams of events that are open.", NULL,
		      (double)server->streams);
	metrics_gauge("tocsin_http_requests_in_flight", "Requests taken and not yet answered.",
		      NULL, (double)server->in_flight);
	metrics_count("tocsin_http_refused_total", "Connections and requests refused as too many.",
		      NULL, (double)(server->refused - server->refused_counted));
	server->refused_counted = server->refused;
}
