/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections: how many there may be, how long they may take, and what evhttp says on them by
 * itself.
 *
 * evhttp tells nobody of a new connection, has no limit for them, and answers what it cannot read
 * with a page of HTML. So each connection is known here from its beginning (the callback that
 * makes its bufferevent) to its end (its close callback), and a page that evhttp wrote is
 * replaced before it leaves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "http/private.h"

enum { SWEEP_US = 5000000 };

#define REFUSAL_BODY                                                                               \
	"{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"              \
	"\"detail\":\"too many connections\"}"

/* ---- beginning and end ---- */

static void conn_end(struct http_conn *conn)
{
	struct http_server *server = conn->server;

	TAILQ_REMOVE(&server->conns, conn, link);
	if (conn->mending)
		TAILQ_REMOVE(&server->mends, conn, mend);
	server->by_fd[conn->fd] = NULL;
	server->n_conns--;
	free(conn);
}

/*
 * evhttp is about to free the connection. A request that is still to be answered is ours from now
 * on if evhttp has let it go (it knows of no connection any more); else evhttp frees it.
 */
static void conn_closed(struct evhttp_connection *ev, void *arg)
{
	struct http_conn *conn = arg;

	(void)ev;
	if (conn->req) {
		conn->req->conn = NULL;
		if (evhttp_request_get_connection(conn->req->ev))
			conn->req->ev = NULL;
	}
	if (conn->stream)
		stream_gone(conn->stream);
	conn_end(conn);
}

/* Nothing was sent before: it fits into the socket's buffer. If it does not, the close must do. */
static void refuse(struct http_conn *conn)
{
	char text[320];
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 503 Service Unavailable\r\n"
			 "Content-Type: application/problem+json\r\nRetry-After: 5\r\n"
			 "Connection: close\r\nContent-Length: %zu\r\n\r\n" REFUSAL_BODY,
			 sizeof(REFUSAL_BODY) - 1);

	conn->server->refused++;
	(void)!send(conn->fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	evhttp_connection_free(conn->ev);
}

static void output_changed(struct evbuffer *buf, const struct evbuffer_cb_info *info, void *arg)
{
	struct http_conn *conn = arg;

	(void)buf;
	if (!info->n_added || conn->answering || conn->mending)
		return;
	conn->mending = true;
	TAILQ_INSERT_TAIL(&conn->server->mends, conn, mend);
	event_active(conn->server->mend, EV_TIMEOUT, 0);
}

static void remember(struct http_server *server, struct http_conn *conn)
{
	size_t fd = (size_t)conn->fd;

	if (fd >= server->n_by_fd) {
		size_t n = fd + 64;

		server->by_fd = tc_realloc(server->by_fd, n * sizeof(*server->by_fd));
		memset(server->by_fd + server->n_by_fd, 0,
		       (n - server->n_by_fd) * sizeof(*server->by_fd));
		server->n_by_fd = n;
	}
	server->by_fd[fd] = conn;
	server->n_conns++;
	TAILQ_INSERT_TAIL(&server->conns, conn, link);
}

/* evhttp has given the bufferevent to a connection of its own, or has failed and freed it. */
static void attach(struct http_conn *conn)
{
	struct http_server *server = conn->server;
	struct bufferevent *bev = conn->bev;
	void *owner;

	bufferevent_getcb(bev, NULL, NULL, NULL, &owner);
	conn->fd = bufferevent_getfd(bev);
	bufferevent_decref(bev);
	if (!owner || conn->fd < 0) {
		free(conn);
		return;
	}
	conn->ev = owner;
	conn->since_us = loop_now_us(server->loop);
	remember(server, conn);
	evhttp_connection_set_closecb(conn->ev, conn_closed, conn);
	if (server->n_conns > server->max_conns) {
		refuse(conn);
		return;
	}
	conn_identify(conn);
	evbuffer_add_cb(bufferevent_get_output(bev), output_changed, conn);
}

static void attach_fresh(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *server = arg;
	struct http_conn *conn;

	(void)fd;
	(void)what;
	while ((conn = TAILQ_FIRST(&server->fresh))) {
		TAILQ_REMOVE(&server->fresh, conn, link);
		attach(conn);
	}
}

/*
 * evhttp has accepted a connection and asks for its bufferevent. What it makes of that is seen in
 * attach().
 */
static struct bufferevent *make_bufferevent(struct event_base *base, void *arg)
{
	struct http_server *server = arg;
	struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);
	struct http_conn *conn;

	if (!bev)
		return NULL;
	/*
	 * Room for a whole body; without a limit a chunk header that never ends would fill the
	 * memory.
	 */
	bufferevent_setwatermark(bev, EV_READ, 0, (size_t)server->max_body + 2 * HTTP_HEADER_BYTES);
	conn = tc_alloc(sizeof(*conn));
	conn->server = server;
	conn->bev = bev;
	bufferevent_incref(bev);
	TAILQ_INSERT_TAIL(&server->fresh, conn, link);
	event_active(server->attach, EV_TIMEOUT, 0);
	return bev;
}

struct http_conn *conn_find(struct http_server *server, struct evhttp_request *ev)
{
	struct evhttp_connection *ev_conn = evhttp_request_get_connection(ev);
	int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(ev_conn));

	if (!TAILQ_EMPTY(&server->fresh))
		attach_fresh(-1, 0, server);
	return fd >= 0 && (size_t)fd < server->n_by_fd ? server->by_fd[fd] : NULL;
}

/* ---- pages of evhttp ---- */

static char *replacement(const struct http_server *server, int status)
{
	char detail[160];
	char *text, *all;

	switch (status) {
	case 413:
		snprintf(detail, sizeof(detail),
			 "the body is longer than %lld bytes, or its chunks are malformed",
			 (long long)server->max_body);
		break;
	case 417:
		snprintf(detail, sizeof(detail), "the only Expect header known is 100-continue");
		break;
	default:
		snprintf(detail, sizeof(detail),
			 "this is not a valid HTTP request, or its header is longer than %d bytes",
			 HTTP_HEADER_BYTES);
	}
	text = problem_text(status, NULL, detail, NULL);
	all = tc_asprintf("HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\n"
			  "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
			  status, http_status_title(status), strlen(text), text);
	free(text);
	return all;
}

/* A whole answer of evhttp's waits in the output: put ours in its place. */
static void mend_page(struct http_conn *conn)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct evbuffer *out = bufferevent_get_output(conn->bev);
	char head[sizeof(go_on) + 12] = "";
	ev_ssize_t n = evbuffer_copyout(out, head, sizeof(head) - 1);
	const char *page = head;
	bool first = n >= (ev_ssize_t)sizeof(go_on) - 1 && !memcmp(head, go_on, sizeof(go_on) - 1);
	int status;
	char *text;

	if (first)
		page += sizeof(go_on) - 1;
	if (sscanf(page, "HTTP/1.%*d %d", &status) != 1)
		return;
	conn->answering = true; /* evhttp closes the connection behind its pages */
	text = replacement(conn->server, status);
	evbuffer_unfreeze(out, 1); /* a bufferevent keeps the front of its output to itself */
	evbuffer_drain(out, evbuffer_get_length(out));
	evbuffer_freeze(out, 1);
	if (first)
		evbuffer_add(out, go_on, sizeof(go_on) - 1);
	evbuffer_add(out, text, strlen(text));
	free(text);
}

static void mend_pages(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *server = arg;
	struct http_conn *conn;

	(void)fd;
	(void)what;
	while ((conn = TAILQ_FIRST(&server->mends))) {
		TAILQ_REMOVE(&server->mends, conn, mend);
		conn->mending = false;
		/* Else it was a "100 Continue", and our answer has followed it. */
		if (!conn->answering)
			mend_page(conn);
	}
}

/* ---- time ---- */

/* Idle ones, slow senders and slow readers: between two answers there is only so much time. */
static void sweep(void *arg)
{
	struct http_server *server = arg;
	int64_t limit = loop_now_us(server->loop) - (int64_t)HTTP_IDLE_S * 1000000;
	struct http_conn *conn, *next;

	for (conn = TAILQ_FIRST(&server->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, link);
		if (!conn->req && !conn->stream && conn->since_us < limit)
			evhttp_connection_free(conn->ev);
	}
	loop_timer_start_us(&server->sweep, SWEEP_US);
}

void conns_init(struct http_server *server)
{
	struct event_base *base = loop_base(server->loop);
	struct rlimit files;

	TAILQ_INIT(&server->conns);
	TAILQ_INIT(&server->fresh);
	TAILQ_INIT(&server->mends);
	server->max_conns = HTTP_CONNECTIONS_MAX;
	if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur / 2 < server->max_conns)
		server->max_conns = (size_t)files.rlim_cur / 2;
	server->attach = event_new(base, -1, 0, attach_fresh, server);
	server->mend = event_new(base, -1, 0, mend_pages, server);
	if (!server->attach || !server->mend)
		abort();
	evhttp_set_bevcb(server->http, make_bufferevent, server);
	loop_timer_init(&server->sweep, server->loop, sweep, server);
	loop_timer_start_us(&server->sweep, SWEEP_US);
}

void conns_fini(struct http_server *server)
{
	attach_fresh(-1, 0, server); /* their connections are gone: only our part is left */
	loop_timer_stop(&server->sweep);
	event_free(server->attach);
	event_free(server->mend);
	free(server->by_fd);
}
