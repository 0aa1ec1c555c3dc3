/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libwebsockets on the loop. What a socket is for, its time-outs and its names are not known here.
 *
 * Debian builds libwebsockets without the callbacks for foreign loops (LWS_WITH_EXTERNAL_POLL), so
 * it cannot say what it waits for. It waits by itself: lws_service_tsi() with a negative time-out
 * looks at its sockets and returns at once. The loop watches the same sockets only to know when
 * that is worth while: for reading always; for writing while a connection is being made, and when a
 * socket did not take all there was. A socket that is open and has something to read is served
 * alone, so that its cost does not grow with the number of others. Whatever libwebsockets wants to
 * write of its own accord (an answer to a ping or to a close) goes in the next turn, which follows
 * soon.
 */
#include "wire.h"

#include <event2/event.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tocsin/log.h>

#define TURNS_MAX  16
#define SETTLE_MS  20    /* between turns while a connection is made or closed */
#define ANSWER_MS  10    /* until a turn after something was read */
#define NEVER_S    36000 /* libwebsockets' own time-outs: ours are shorter */
#define FDS_MAX    4096
#define READ_SIZE  16384
#define WRITE_SIZE 262144 /* what is longer is cut, and copied */
#define PROTOCOL   "tocsin"

struct wire_message {
	STAILQ_ENTRY(wire_message) link;
	bool binary;
	size_t len;
	unsigned char data[]; /* LWS_PRE bytes, then the message */
};

/* ---- turns ---- */

void wire_wake(struct sockets *sockets)
{
	event_active(sockets->turn, EV_TIMEOUT, 0);
}

static void wake_in(struct sockets *sockets, int64_t delay_ms)
{
	int64_t due_us = tc_now_us() + delay_ms * 1000;

	if (sockets->tick_due_us && sockets->tick_due_us <= due_us)
		return;
	sockets->tick_due_us = due_us;
	tc_timer_start(sockets->tick, delay_ms);
}

static void on_tick(void *arg)
{
	struct sockets *sockets = arg;

	sockets->tick_due_us = 0;
	wire_wake(sockets);
}

static void enter(struct sockets *sockets)
{
	sockets->inside++;
}

/* result: false: all is gone */
static bool leave(struct sockets *sockets)
{
	if (--sockets->inside || !sockets->freed)
		return true;
	sockets_destroy(sockets);
	return false;
}

static void do_marked(struct sockets *sockets)
{
	struct socket *s;

	while (!sockets->freed && (s = TAILQ_FIRST(&sockets->todo))) {
		TAILQ_REMOVE(&sockets->todo, s, todo);
		s->to_do = false;
		socket_do(s);
	}
}

/* Before libwebsockets sees it: it does not tell the reason. */
static void find_refused(struct sockets *sockets)
{
	struct socket *s;

	TAILQ_FOREACH (s, &sockets->all, link) {
		socklen_t len = sizeof(int);
		int err = 0;

		if (s->state != SOCKET_CONNECTING || !s->readable ||
		    getsockopt(s->watched_fd, SOL_SOCKET, SO_ERROR, &err, &len) || !err)
			continue;
		socket_why(s, "%s", strerror(err));
		wire_kill(s);
	}
}

static bool has_more(struct sockets *sockets)
{
	return !lws_service_adjust_timeout(sockets->context, 1, 0);
}

static bool has_to_write(const struct socket *s)
{
	if (s->state == SOCKET_OPEN)
		return s->ping_due || !STAILQ_EMPTY(&s->queue);
	return s->state == SOCKET_CLOSING && !s->left;
}

/* Those that the network does not take from fast enough. */
static void watch_writers(struct sockets *sockets)
{
	struct socket *s;

	TAILQ_FOREACH (s, &sockets->all, link)
		if (s->writable && (has_to_write(s) || lws_partial_buffered(s->wsi)))
			event_add(s->writable, NULL);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct sockets *sockets = arg;
	unsigned before, turns = 0;

	(void)fd;
	(void)what;
	enter(sockets);
	do {
		before = sockets->activity;
		do_marked(sockets);
		if (sockets->freed)
			break;
		if (sockets->unsettled)
			find_refused(sockets);
		lws_service_tsi(sockets->context, -1, 0);
	} while (
		!sockets->freed && ++turns < TURNS_MAX &&
		(sockets->activity != before || !TAILQ_EMPTY(&sockets->todo) || has_more(sockets)));
	if (!sockets->freed) {
		watch_writers(sockets);
		if (turns == TURNS_MAX)
			wire_wake(sockets);
		else if (sockets->unsettled)
			wake_in(sockets, SETTLE_MS);
	}
	leave(sockets);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct socket *s = arg;
	struct sockets *sockets = s->all;
	struct lws_pollfd p = {.fd = s->fd, .events = POLLIN, .revents = POLLIN};

	if (s->state != SOCKET_OPEN) {
		on_turn(fd, what, sockets);
		return;
	}
	enter(sockets);
	lws_service_fd(sockets->context, &p);
	if (!leave(sockets))
		return;
	if (!TAILQ_EMPTY(&sockets->todo) || has_more(sockets))
		wire_wake(sockets);
	else
		wake_in(sockets, ANSWER_MS);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct socket *s = arg;

	on_turn(fd, what, s->all);
}

/* By a number of our own: libwebsockets closes its before it says so. */
static bool watch(struct socket *s)
{
	struct event_base *base = tc_instance_loop(s->all->self);
	int one = 1;

	s->fd = lws_get_socket_fd(s->wsi);
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	s->watched_fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	if (s->watched_fd < 0) {
		socket_why(s, "%s", strerror(errno));
		wire_kill(s);
		return false;
	}
	s->readable = event_new(base, s->watched_fd, EV_READ | EV_PERSIST, on_readable, s);
	s->writable = event_new(base, s->watched_fd, EV_WRITE, on_writable, s);
	if (!s->readable || !s->writable)
		abort(); /* no memory */
	event_add(s->readable, NULL);
	event_add(s->writable, NULL);
	return true;
}

static void unwatch(struct socket *s)
{
	if (!s->readable)
		return;
	event_free(s->readable);
	event_free(s->writable);
	s->readable = s->writable = NULL;
	close(s->watched_fd);
}

/* ---- writing ---- */

void wire_queue(struct socket *s, bool binary, const void *data, size_t len)
{
	struct wire_message *m = tc_try_alloc(sizeof(*m) + LWS_PRE + len + 1);

	if (!m)
		abort(); /* a speech, at most */
	m->binary = binary;
	m->len = len;
	memcpy(m->data + LWS_PRE, data, len);
	STAILQ_INSERT_TAIL(&s->queue, m, link);
	s->queued_bytes += len;
}

static void unqueue(struct socket *s)
{
	struct wire_message *m = STAILQ_FIRST(&s->queue);

	STAILQ_REMOVE_HEAD(&s->queue, link);
	s->queued_bytes -= m->len;
	free(m);
}

void wire_queue_free(struct socket *s)
{
	while (!STAILQ_EMPTY(&s->queue))
		unqueue(s);
}

void wire_write(struct socket *s)
{
	lws_callback_on_writable(s->wsi);
	wire_wake(s->all);
}

static bool write_ping(struct socket *s)
{
	unsigned char data[LWS_PRE + 1] = {0};

	s->ping_due = false;
	return lws_write(s->wsi, data + LWS_PRE, 0, LWS_WRITE_PING) >= 0;
}

/* result: as the callback's, not 0 = close */
static int write_some(struct socket *s)
{
	struct wire_message *m;

	if (s->ping_due && !write_ping(s))
		return -1;
	while (has_to_write(s) && !lws_send_pipe_choked(s->wsi)) {
		m = STAILQ_FIRST(&s->queue);
		if (!m) {
			s->left = true; /* a second time would end it without the peer's answer */
			lws_close_reason(s->wsi, (enum lws_close_status)s->close_code, NULL, 0);
			return -1;
		}
		if (lws_write(s->wsi, m->data + LWS_PRE, m->len,
			      m->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT) < 0)
			return -1;
		unqueue(s);
	}
	if (has_to_write(s))
		lws_callback_on_writable(s->wsi);
	return 0;
}

/* ---- what libwebsockets reports ---- */

static int append_headers(struct socket *s, unsigned char **at, size_t len)
{
	char token[512];
	int err = 0;

	if (s->user && (lws_http_basic_auth_gen(s->user, s->password ? s->password : "", token,
						sizeof(token)) ||
			lws_add_http_header_by_token(s->wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
						     (unsigned char *)token, (int)strlen(token), at,
						     *at + len))) {
		socket_why(s, "the user's name or password is too long");
		err = -1;
	}
	explicit_bzero(token, sizeof(token));
	return err;
}

static int received(struct socket *s, const void *data, size_t len)
{
	s->heard_us = tc_now_us();
	if (s->state != SOCKET_OPEN)
		return 0;
	if (lws_is_first_fragment(s->wsi))
		s->in.len = 0;
	if (s->in.len + len > SOCKET_MESSAGE_MAX) {
		socket_why(s, "a message of more than %u bytes came", SOCKET_MESSAGE_MAX);
		socket_shut(s, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
		s->left = true;
		lws_close_reason(s->wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
		return -1;
	}
	tc_buf_add(&s->in, data, len);
	if (lws_is_final_fragment(s->wsi) && !lws_remaining_packet_payload(s->wsi))
		socket_on_message(s, lws_frame_is_binary(s->wsi) != 0);
	return 0;
}

static int peer_closes(struct socket *s, const unsigned char *reason, size_t len)
{
	if (len < 2)
		socket_why(s, "closed by the peer");
	else
		socket_why(s, "closed by the peer (%d%s%.*s)", reason[0] << 8 | reason[1],
			   len > 2 ? " " : "", (int)(len - 2), (const char *)reason + 2);
	return 0;
}

/* Why it could not be opened, as far as libwebsockets leaves traces of it. */
static void find_reason(struct socket *s)
{
	SSL *ssl = lws_get_ssl(s->wsi);
	long verdict = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;

	s->status = (int)lws_http_client_http_response(s->wsi);
	if (verdict != X509_V_OK)
		socket_why(s, "the server's certificate: %s",
			   X509_verify_cert_error_string(verdict));
	else if (ssl && !SSL_is_init_finished(ssl))
		socket_why(s, "the TLS handshake failed");
}

static void ended(struct socket *s, const char *why, size_t len)
{
	unwatch(s);
	if (s->state == SOCKET_CONNECTING)
		find_reason(s);
	lws_set_opaque_user_data(s->wsi, NULL);
	s->wsi = NULL;
	s->all->unsettled -= s->state != SOCKET_OPEN;
	socket_on_end(s, why, len);
}

static int report(struct socket *s, enum lws_callback_reasons reason, void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return append_headers(s, in, len);
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		s->all->unsettled--;
		s->heard_us = tc_now_us();
		socket_on_open(s);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return received(s, in, len);
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		s->heard_us = tc_now_us();
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return write_some(s);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return peer_closes(s, in, len);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		ended(s, in, len);
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
	case LWS_CALLBACK_WSI_DESTROY:
		ended(s, NULL, 0);
		return 0;
	default:
		return 0;
	}
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		  size_t len)
{
	struct socket *s = wsi ? lws_get_opaque_user_data(wsi) : NULL;

	(void)user;
	if (!s)
		return 0;
	s->wsi = wsi;
	s->all->activity++;
	return report(s, reason, in, len);
}

/* ---- connecting ---- */

static const struct lws_protocols protocols[] = {
	{.name = PROTOCOL,
	 .callback = on_lws,
	 .rx_buffer_size = READ_SIZE,
	 .tx_packet_size = WRITE_SIZE},
	{0},
};

/* No pings of its own. */
static const lws_retry_bo_t no_policy;

static const struct lws_context_creation_info defaults = {
	.port = CONTEXT_PORT_NO_LISTEN,
	.protocols = protocols,
	.gid = (gid_t)-1,
	.uid = (uid_t)-1,
	.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
		   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
	.timeout_secs = NEVER_S,
	.connect_timeout_secs = NEVER_S,
	.fd_limit_per_thread = FDS_MAX,
	.pt_serv_buf_size = READ_SIZE,
	.retry_and_idle_policy = &no_policy,
	.http_proxy_address = "", /* none, whatever the environment says */
};

static struct lws_vhost *vhost_of(struct socket *s)
{
	struct sockets *sockets = s->all;
	struct lws_context_creation_info info = defaults;

	if (!s->tls)
		return sockets->plain;
	if (!sockets->tls)
		sockets->tls = s->found.tls;
	else
		SSL_CTX_free(s->found.tls);
	s->found.tls = NULL;
	info.vhost_name = "secure";
	info.provided_client_ssl_ctx = sockets->tls;
	if (!sockets->secure) {
		sockets->secure = lws_create_vhost(sockets->context, &info);
		if (sockets->secure && lws_init_vhost_client_ssl(&info, sockets->secure))
			sockets->secure = NULL;
	}
	return sockets->secure;
}

bool wire_connect(struct socket *s)
{
	struct lws_client_connect_info info = {
		.context = s->all->context,
		.vhost = vhost_of(s),
		.address = s->found.address[s->next++],
		.port = (int)s->port,
		.path = s->path,
		.host = s->host_header,
		.ssl_connection =
			LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (s->tls ? (int)LCCSCF_USE_SSL : 0),
		.protocol = s->protocol,
		.local_protocol_name = PROTOCOL,
		.alpn = "http/1.1",
		.opaque_user_data = s,
		.retry_and_idle_policy = &no_policy,
	};

	s->status = 0;
	s->all->unsettled++;
	if (info.vhost && lws_client_connect_via_info(&info) && s->wsi && watch(s))
		return true;
	if (s->state == SOCKET_CONNECTING && !s->to_do) { /* no callback has told it */
		s->all->unsettled--;
		socket_on_end(s, NULL, 0);
	}
	return false;
}

void wire_kill(struct socket *s)
{
	lws_set_timeout(s->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

/* ---- all ---- */

static void to_log(int level, const char *line)
{
	(void)level;
	tc_log(NULL, TC_LOG_DEBUG, "libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

bool wire_init(struct sockets *sockets)
{
	struct lws_context_creation_info info = defaults;

	lws_set_log_level(LLL_ERR | LLL_WARN, to_log); /* the process's: the same for all */
	sockets->turn = event_new(tc_instance_loop(sockets->self), -1, 0, on_turn, sockets);
	if (!sockets->turn)
		abort(); /* no memory */
	sockets->tick = tc_timer_new(sockets->self, on_tick, sockets);
	sockets->context = lws_create_context(&info);
	info.vhost_name = "plain";
	info.options &= ~(uint64_t)LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	if (sockets->context)
		sockets->plain = lws_create_vhost(sockets->context, &info);
	return sockets->plain != NULL;
}

void wire_fini(struct sockets *sockets)
{
	struct socket *s;

	TAILQ_FOREACH (s, &sockets->all, link) {
		unwatch(s);
		if (s->wsi)
			lws_set_opaque_user_data(s->wsi, NULL);
		s->wsi = NULL;
	}
	if (sockets->context)
		lws_context_destroy(sockets->context);
	SSL_CTX_free(sockets->tls);
	event_free(sockets->turn);
	tc_timer_free(sockets->tick);
}
