/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams of server-sent events (WHATWG HTML, 9.2): an answer that goes on. What is sent is the
 * API's affair.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "http/private.h"

enum { WRITE_TIMEOUT_S = 60, READ_BYTES = 4096 };

struct http_stream {
	struct http_server *server;
	struct http_conn *conn;
	struct evhttp_request *ev;
	void (*closed)(void *arg);
	void *arg;
};

struct http_stream *http_stream_open(struct tc_http_req *req, void (*closed)(void *arg), void *arg)
{
	static const struct timeval write_timeout = {.tv_sec = WRITE_TIMEOUT_S};
	struct http_server *server = req->server;
	struct http_stream *stream;

	if (req->head || !req->conn) {
		tc_http_reply(req, 200, NULL, NULL, 0);
		return NULL;
	}
	if (server->streams >= HTTP_STREAMS_MAX || server->closing) {
		reply_busy(req, "too many streams are open");
		return NULL;
	}
	stream = tc_alloc(sizeof(*stream));
	stream->server = server;
	stream->conn = req->conn;
	stream->ev = req->ev;
	stream->closed = closed;
	stream->arg = arg;
	tc_http_reply_header(req, "Content-Type", "text/event-stream");
	tc_http_reply_header(req, "Cache-Control", "no-store");
	tc_http_reply_header(req, "X-Accel-Buffering", "no");
	reply_begin(req, 200);
	req->conn->stream = stream;
	server->streams++;
	req->ev = NULL;
	request_free(req);
	/* What the client still sends is thrown away; evhttp reads only to see the end. */
	bufferevent_setwatermark(stream->conn->bev, EV_READ, 0, READ_BYTES);
	bufferevent_set_timeouts(stream->conn->bev, NULL, &write_timeout);
	evhttp_send_reply_start(stream->ev, 200, "OK");
	return stream;
}

static void stream_free(struct http_stream *stream)
{
	stream->conn->stream = NULL;
	stream->server->streams--;
	free(stream);
}

/* As in conn_closed(): what evhttp has let go is ours to free. */
void stream_gone(struct http_stream *stream)
{
	void (*closed)(void *arg) = stream->closed;
	void *arg = stream->arg;

	if (!evhttp_request_get_connection(stream->ev))
		evhttp_send_reply_end(stream->ev);
	stream_free(stream);
	closed(arg);
}

size_t http_stream_pending(const struct http_stream *stream)
{
	return evbuffer_get_length(bufferevent_get_output(stream->conn->bev));
}

/* Takes what is in text. */
static bool push(struct http_stream *stream, struct evbuffer *text)
{
	bool keeps_up =
		http_stream_pending(stream) + evbuffer_get_length(text) <= HTTP_STREAM_BYTES;

	if (keeps_up)
		evhttp_send_reply_chunk(stream->ev, text);
	evbuffer_free(text);
	if (!keeps_up)
		evhttp_connection_free(stream->conn->ev); /* its end calls stream_gone() */
	return keeps_up;
}

bool http_stream_send(struct http_stream *stream, int64_t id, const char *event, const char *data)
{
	struct evbuffer *text = evbuffer_new();

	if (!text)
		abort();
	if (id)
		evbuffer_add_printf(text, "id: %lld\n", (long long)id);
	evbuffer_add_printf(text, "event: %s\ndata: ", event);
	evbuffer_add(text, data, strlen(data));
	evbuffer_add(text, "\n\n", 2);
	return push(stream, text);
}

bool http_stream_ping(struct http_stream *stream)
{
	struct evbuffer *text = evbuffer_new();

	if (!text)
		abort();
	evbuffer_add(text, ":\n\n", 3);
	return push(stream, text);
}

void http_stream_close(struct http_stream *stream)
{
	struct http_conn *conn = stream->conn;
	struct evhttp_request *ev = stream->ev;

	stream_free(stream);
	conn->since_us = loop_now_us(conn->server->loop);
	bufferevent_set_timeouts(conn->bev, NULL, NULL);
	evhttp_add_header(evhttp_request_get_output_headers(ev), "Connection", "close");
	evhttp_send_reply_end(ev);
}
