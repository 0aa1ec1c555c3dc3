/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a WebSocket: from its URL over its addresses to its end, with its time-outs and who
 * is told. Bytes and libwebsockets are wire.c's.
 */
#include "socket.h"

#include <assert.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "wire.h"

#define CLOSE_MS     2000 /* for what is queued and the closing handshake */
#define CLOSE_NORMAL 1000
#define KEEP_MAX     (64u << 10) /* of memory for messages, between two */

static void mark(struct socket *s)
{
	if (s->to_do)
		return;
	s->to_do = true;
	TAILQ_INSERT_TAIL(&s->all->todo, s, todo);
	wire_wake(s->all);
}

void socket_why(struct socket *s, const char *fmt, ...)
{
	va_list ap;

	if (s->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
}

/* No connection will be made any more: tell it from the loop. */
static void end(struct socket *s)
{
	s->state = SOCKET_ENDED;
	tc_timer_stop(s->timer);
	mark(s);
}

/* ---- from the URL to the connection ---- */

/* result: false: it is none */
static bool parse_host(struct socket *s, const char *host, size_t len)
{
	const char *colon;
	char *rest = NULL;
	unsigned long port;

	s->host_header = tc_strndup(host, len);
	colon = strrchr(s->host_header, ':');
	if (colon && strchr(colon, ']'))
		colon = NULL; /* inside of [::1] */
	s->port = s->tls ? 443 : 80;
	if (colon) {
		port = strtoul(colon + 1, &rest, 10);
		if (rest == colon + 1 || *rest || port < 1 || port > 65535)
			return false;
		s->port = (unsigned)port;
		len = (size_t)(colon - s->host_header);
	}
	if (len > 2 && host[0] == '[' && host[len - 1] == ']')
		s->host = tc_strndup(host + 1, len - 2);
	else
		s->host = tc_strndup(host, len);
	return s->host[0] && !strchr(s->host, '@');
}

static bool parse_url(struct socket *s, const char *url)
{
	size_t len;

	s->tls = !strncmp(url, "wss://", 6);
	if (!s->tls && strncmp(url, "ws://", 5) != 0)
		return false;
	url += s->tls ? 6 : 5;
	len = strcspn(url, "/?");
	s->path = tc_asprintf("%s%s", url[len] == '/' ? "" : "/", url + len);
	return parse_host(s, url, len);
}

static void on_found(void *arg, const struct resolve_result *found)
{
	struct socket *s = arg;

	s->resolving = NULL;
	s->found = *found;
	if (!found->n) {
		socket_why(s, "%s", found->fault);
		end(s);
		return;
	}
	s->state = SOCKET_CONNECTING;
	mark(s);
}

/* ---- time ---- */

static void watch_silence(struct socket *s)
{
	int64_t silence_us = tc_now_us() - s->heard_us, ping_us = s->ping_ms * 1000;

	if (silence_us >= 2 * ping_us) {
		socket_why(s, "silent for %lld ms, a ping had no answer",
			   (long long)(silence_us / 1000));
		wire_kill(s);
		return;
	}
	if (silence_us >= ping_us) {
		s->ping_due = true;
		wire_write(s);
		ping_us *= 2;
	}
	tc_timer_start(s->timer, (ping_us - silence_us) / 1000 + 1);
}

static void on_timer(void *arg)
{
	struct socket *s = arg;

	switch (s->state) {
	case SOCKET_OPEN:
		watch_silence(s);
		break;
	case SOCKET_CLOSING:
		socket_why(s, "closed");
		wire_kill(s);
		break;
	default:
		socket_why(s, "not open in %lld ms", (long long)s->timeout_ms);
		resolve_cancel(s->resolving);
		s->resolving = NULL;
		s->next = s->found.n;
		if (s->wsi)
			wire_kill(s);
		else
			end(s);
	}
}

/* ---- what the wire reports ---- */

void socket_on_open(struct socket *s)
{
	s->state = SOCKET_OPEN;
	s->why[0] = '\0';
	if (s->ping_ms)
		tc_timer_start(s->timer, s->ping_ms);
	else
		tc_timer_stop(s->timer);
	if (!STAILQ_EMPTY(&s->queue))
		wire_write(s);
	if (s->events.opened)
		s->events.opened(s->arg);
}

void socket_on_message(struct socket *s, bool binary)
{
	const char *data = s->in.data ? s->in.data : "";
	size_t len = s->in.len;

	if (s->state == SOCKET_OPEN && binary && s->events.binary)
		s->events.binary(s->arg, data, len);
	else if (s->state == SOCKET_OPEN && !binary && s->events.text)
		s->events.text(s->arg, data, len);
	s->in.len = 0;
	if (s->in.cap > KEEP_MAX)
		tc_buf_fini(&s->in);
}

void socket_shut(struct socket *s, int code)
{
	s->state = SOCKET_CLOSING;
	s->all->unsettled++;
	s->close_code = code;
	tc_timer_start(s->timer, CLOSE_MS);
}

void socket_on_end(struct socket *s, const char *why, size_t len)
{
	if (s->state == SOCKET_CONNECTING) {
		if (s->next < s->found.n && !s->status) {
			s->why[0] = '\0';
			mark(s); /* the next address */
			return;
		}
		if (s->status)
			socket_why(s, "the server answered %d", s->status);
		socket_why(s, "%.*s", (int)len, why ? why : "");
		socket_why(s, "no connection");
	}
	socket_why(s, "the connection was lost");
	end(s);
}

static void tell_end(struct socket *s)
{
	void (*closed)(void *arg, int status, const char *text) = s->events.closed;
	void *arg = s->arg;
	int status = s->status;
	char why[sizeof(s->why)];

	tc_strcopy(why, sizeof(why), s->why);
	socket_free(s);
	if (closed)
		closed(arg, status, why);
}

void socket_do(struct socket *s)
{
	if (s->state == SOCKET_ENDED)
		tell_end(s);
	else if (s->state == SOCKET_CONNECTING && !s->wsi)
		wire_connect(s);
}

/* ---- what is asked for ---- */

static void free_secret(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void socket_free(struct socket *s)
{
	TAILQ_REMOVE(&s->all->all, s, link);
	if (s->to_do)
		TAILQ_REMOVE(&s->all->todo, s, todo);
	resolve_cancel(s->resolving);
	wire_queue_free(s);
	tc_timer_free(s->timer);
	tc_buf_fini(&s->in);
	SSL_CTX_free(s->found.tls);
	free(s->host);
	free(s->host_header);
	free(s->path);
	free(s->protocol);
	free(s->user);
	free_secret(s->password);
	free(s);
}

struct socket *socket_open(struct sockets *sockets, const struct socket_target *target,
			   const struct socket_events *events, void *arg)
{
	struct socket *s = tc_alloc(sizeof(*s));

	assert(target->timeout_ms > 0);
	s->all = sockets;
	s->protocol = tc_strdup(target->protocol);
	s->user = tc_strdup(target->user);
	s->password = tc_strdup(target->password);
	s->ping_ms = target->ping_ms;
	s->timeout_ms = target->timeout_ms;
	s->events = *events;
	s->arg = arg;
	s->timer = tc_timer_new(sockets->self, on_timer, s);
	STAILQ_INIT(&s->queue);
	TAILQ_INSERT_TAIL(&sockets->all, s, link);
	if (!parse_url(s, target->url)) {
		socket_why(s, "the URL is none: ws://HOST:PORT/PATH");
		end(s);
	} else if (s->tls && strchr(s->host, ':')) {
		/* libwebsockets 4.1 cuts the host it compares with at the first colon */
		socket_why(s, "wss needs a host name: the certificate of an IPv6 address cannot "
			      "be checked");
		end(s);
	} else {
		tc_timer_start(s->timer, s->timeout_ms);
		s->resolving =
			resolve(sockets->resolver, s->host, s->tls && !sockets->tls, on_found, s);
	}
	return s;
}

static void queue(struct socket *s, bool binary, const void *data, size_t len)
{
	if (s->state == SOCKET_CLOSING || s->state == SOCKET_ENDED)
		return;
	wire_queue(s, binary, data, len);
	if (s->state == SOCKET_OPEN)
		wire_write(s);
}

void socket_text(struct socket *socket, const char *text)
{
	queue(socket, false, text, strlen(text));
}

void socket_binary(struct socket *socket, const void *data, size_t len)
{
	queue(socket, true, data, len);
}

size_t socket_queued(const struct socket *socket)
{
	return socket->queued_bytes;
}

void socket_close(struct socket *s)
{
	if (!s)
		return;
	s->events = (struct socket_events){0};
	switch (s->state) {
	case SOCKET_OPEN:
		socket_shut(s, CLOSE_NORMAL);
		wire_write(s);
		break;
	case SOCKET_CONNECTING:
		s->next = s->found.n;
		tc_timer_start(s->timer, 0); /* ends what there is of a connection */
		break;
	case SOCKET_RESOLVING:
		resolve_cancel(s->resolving);
		s->resolving = NULL;
		end(s);
		break;
	default:
		break;
	}
}

/* ---- all ---- */

struct sockets *sockets_new(struct tc_instance *self, const char *tls_ca)
{
	struct sockets *sockets = tc_alloc(sizeof(*sockets));

	sockets->self = self;
	TAILQ_INIT(&sockets->all);
	TAILQ_INIT(&sockets->todo);
	sockets->resolver = resolver_new(self, tls_ca);
	if (wire_init(sockets))
		return sockets;
	tc_log(self, TC_LOG_ERROR, "libwebsockets cannot be used");
	sockets_destroy(sockets);
	return NULL;
}

void sockets_destroy(struct sockets *sockets)
{
	struct socket *s;

	wire_fini(sockets);
	while ((s = TAILQ_FIRST(&sockets->all)))
		socket_free(s);
	resolver_free(sockets->resolver);
	free(sockets);
}

void sockets_free(struct sockets *sockets)
{
	struct socket *s;

	if (!sockets)
		return;
	TAILQ_FOREACH (s, &sockets->all, link)
		s->events = (struct socket_events){0};
	sockets->freed = true;
	if (!sockets->inside)
		sockets_destroy(sockets);
}
