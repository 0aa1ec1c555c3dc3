/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bare client of Asterisk's REST interface that offers calls at a rate and measures what becomes
 * of them: the reference for the daemon. It knows no alert and keeps no state on disk.
 *
 * A call: POST /channels into Stasis; at StasisStart it holds (or, with -m, plays and waits for the
 * end); DELETE; ChannelDestroyed. At the end it prints one line of JSON, and per call a line to the
 * file of -o:
 *   number  post_ns  up_ns  (CLOCK_MONOTONIC; up_ns 0 = it was not answered)
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/alloc.h>

#define REPLY_SIZE 65536
#define EVENTS_SIZE (8 << 20)
#define DRAIN_S 40 /* after the last call was offered */
#define CLEAR_S 30 /* to hang up what is left then */
#define DEFAULT_ENDPOINT "PJSIP/any/sip:{number}@127.0.0.1:25060"

enum state { NEW, POSTED, UP, BUSY, GONE }; /* BUSY: something was asked for that ends it */
enum job { ORIGINATE, PLAY, HANG_UP };

struct call {
	TAILQ_ENTRY(call) link; /* of g.holding */
	int64_t due_ns, post_ns, reply_ns, up_ns, delete_ns, gone_ns;
	enum state state;
	int status; /* of HTTP */
};

struct request {
	STAILQ_ENTRY(request) link;
	int call;
	enum job job;
};

struct conn {
	int fd;
	struct request *request; /* owned; NULL = idle */
	size_t len;
	char buf[REPLY_SIZE];
};

static struct {
	int port, connections, hold_ms;
	double rate, seconds;
	const char *app, *endpoint, *media, *stamps;
	long first;
} o = {.port = 8088,
       .connections = 8,
       .hold_ms = 1000,
       .rate = 10,
       .seconds = 10,
       .app = "bench",
       .endpoint = DEFAULT_ENDPOINT,
       .first = 3000000};

static struct {
	int epoll, socket;
	char login[400]; /* base64 */
	struct call *calls;
	struct conn *conns;
	int n, max, live, live_max;
	long events, played, play_failed, http_errors, queued, queued_max;
	char *in;
	size_t in_len;
	TAILQ_HEAD(, call) holding;
	STAILQ_HEAD(, request) queue;
} g;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "ari-load: %s: %s\n", what, errno ? strerror(errno) : "unexpected");
	exit(1);
}

static void base64(const char *in, char *out)
{
	static const char set[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(in);

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (i + k < n ? (unsigned char)in[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			*out++ = i + k <= n ? set[v >> (18 - 6 * k) & 63] : '=';
	}
	*out = '\0';
}

static int dial(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o.port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void watch(int fd, void *ptr)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = ptr};

	epoll_ctl(g.epoll, EPOLL_CTL_ADD, fd, &ev);
}

static void put(int fd, const void *data, size_t len)
{
	if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		die("send");
}

/* ---- requests ---- */

static void push(int call, enum job job)
{
	struct request *r = tc_alloc(sizeof(*r));

	r->call = call;
	r->job = job;
	STAILQ_INSERT_TAIL(&g.queue, r, link);
	if (++g.queued > g.queued_max)
		g.queued_max = g.queued;
}

static void escaped(struct tc_buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (isalnum((unsigned char)s[i]) || strchr("-._~", s[i]))
			tc_buf_add(out, s + i, 1);
		else
			tc_buf_printf(out, "%%%02X", (unsigned char)s[i]);
}

static void endpoint(struct tc_buf *out, int call)
{
	const char *at = strstr(o.endpoint, "{number}");
	size_t before = at ? (size_t)(at - o.endpoint) : strlen(o.endpoint);

	escaped(out, o.endpoint, before);
	if (at) {
		tc_buf_printf(out, "%%2B49%ld", o.first + call);
		escaped(out, at + 8, strlen(at + 8));
	}
}

static void originate(struct tc_buf *out, int i)
{
	struct call *c = &g.calls[i];

	tc_buf_puts(out, "POST /ari/channels?endpoint=");
	endpoint(out, i);
	tc_buf_printf(out, "&app=%s&channelId=L%d.&timeout=30&callerId=%%2B15550100", o.app, i);
	c->state = POSTED;
	c->post_ns = now_ns();
	if (++g.live > g.live_max)
		g.live_max = g.live;
}

static void start(struct conn *conn, struct request *r)
{
	struct tc_buf out = {0};
	int i = r->call;

	if (r->job == ORIGINATE) {
		originate(&out, i);
	} else if (r->job == PLAY) {
		tc_buf_printf(&out, "POST /ari/channels/L%d./play?playbackId=L%d.&media=", i, i);
		escaped(&out, o.media, strlen(o.media));
	} else {
		tc_buf_printf(&out, "DELETE /ari/channels/L%d.", i);
		g.calls[i].delete_ns = now_ns();
	}
	tc_buf_printf(&out,
		      " HTTP/1.1\r\nHost: a\r\nAuthorization: Basic %s\r\n"
		      "Content-Length: 0\r\n\r\n",
		      g.login);
	put(conn->fd, out.data, out.len);
	tc_buf_fini(&out);
	conn->request = r;
	conn->len = 0;
}

static void pump(void)
{
	for (int i = 0; i < o.connections && !STAILQ_EMPTY(&g.queue); i++) {
		struct request *r = STAILQ_FIRST(&g.queue);

		if (g.conns[i].request)
			continue;
		STAILQ_REMOVE_HEAD(&g.queue, link);
		g.queued--;
		start(&g.conns[i], r);
	}
}

static void gone(struct call *c)
{
	if (c->state == UP)
		TAILQ_REMOVE(&g.holding, c, link);
	if (c->state != GONE)
		g.live--;
	c->state = GONE;
}

static void on_reply(struct conn *conn, int status)
{
	struct call *c = &g.calls[conn->request->call];

	if (conn->request->job == ORIGINATE) {
		c->reply_ns = now_ns();
		c->status = status;
		if (status != 200)
			gone(c);
	} else if (status >= 300 && status != 404) {
		g.http_errors++;
	}
	free(conn->request);
	conn->request = NULL;
}

/* Asterisk closes a connection that was idle for long. */
static void reconnect(struct conn *conn)
{
	epoll_ctl(g.epoll, EPOLL_CTL_DEL, conn->fd, NULL);
	close(conn->fd);
	conn->fd = dial();
	watch(conn->fd, conn);
	if (conn->request)
		g.http_errors++;
	free(conn->request);
	conn->request = NULL;
}

static void read_reply(struct conn *conn)
{
	ssize_t n = recv(conn->fd, conn->buf + conn->len, REPLY_SIZE - 1 - conn->len, 0);
	char *end, *length;
	size_t body = 0;

	if (n <= 0 || !conn->request) {
		reconnect(conn);
		return;
	}
	conn->len += (size_t)n;
	conn->buf[conn->len] = '\0';
	end = strstr(conn->buf, "\r\n\r\n");
	if (!end)
		return;
	length = strcasestr(conn->buf, "content-length:");
	if (length && length < end)
		body = strtoul(length + 15, NULL, 10);
	if (conn->len >= (size_t)(end + 4 - conn->buf) + body)
		on_reply(conn, (int)strtol(conn->buf + 9, NULL, 10));
}

/* ---- events ---- */

static void on_up(struct call *c, int i)
{
	c->up_ns = now_ns();
	if (o.media) {
		c->state = BUSY;
		push(i, PLAY);
		return;
	}
	c->state = UP;
	c->due_ns = c->up_ns + (int64_t)o.hold_ms * 1000000;
	TAILQ_INSERT_TAIL(&g.holding, c, link);
}

/* All that is looked at: the type, and the id, which is the call's in every event. */
static void on_event(const char *json)
{
	const char *type = strstr(json, "\"type\":\""), *id = strstr(json, "\"id\":\"L");
	int i = id ? (int)strtol(id + 7, NULL, 10) : -1;
	struct call *c;

	g.events++;
	if (!type || i < 0 || i >= g.n)
		return;
	c = &g.calls[i];
	type += 8;
	if (!strncmp(type, "StasisStart\"", 12) && c->state == POSTED) {
		on_up(c, i);
	} else if (!strncmp(type, "PlaybackFinished\"", 17)) {
		if (strstr(json, "\"state\":\"done\""))
			g.played++;
		else
			g.play_failed++;
		if (c->state == BUSY)
			push(i, HANG_UP);
	} else if (!strncmp(type, "ChannelDestroyed\"", 17)) {
		c->gone_ns = now_ns();
		gone(c);
	}
}

/* One frame at p of len bytes; 0 = it is not there as a whole. RFC 6455 5.2 */
static size_t frame(char *p, size_t len)
{
	const unsigned char *u = (unsigned char *)p;
	unsigned char pong[6] = {0x8a, 0x80};
	size_t head = 2, size, i;
	char after;

	if (len < 2)
		return 0;
	size = u[1] & 127;
	if (size >= 126) {
		head = size == 126 ? 4 : 10;
		if (len < head)
			return 0;
		for (size = 0, i = 2; i < head; i++)
			size = size << 8 | u[i];
	}
	if (len < head + size)
		return 0;
	after = p[head + size];
	p[head + size] = '\0';
	if ((u[0] & 15) == 1)
		on_event(p + head);
	else if ((u[0] & 15) == 8)
		die("Asterisk closes the connection for events");
	else if ((u[0] & 15) == 9)
		put(g.socket, pong, sizeof(pong));
	p[head + size] = after;
	return head + size;
}

static void read_events(void)
{
	ssize_t n = recv(g.socket, g.in + g.in_len, EVENTS_SIZE - 1 - g.in_len, 0);
	size_t at = 0, size;

	if (n <= 0)
		die("the connection for events was lost");
	g.in_len += (size_t)n;
	while ((size = frame(g.in + at, g.in_len - at)))
		at += size;
	memmove(g.in, g.in + at, g.in_len - at);
	g.in_len -= at;
}

static void open_events(void)
{
	struct tc_buf out = {0};
	char *end = NULL;

	g.socket = dial();
	tc_buf_printf(&out,
		      "GET /ari/events?app=%s HTTP/1.1\r\nHost: a\r\nAuthorization: Basic %s\r\n"
		      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		      o.app, g.login);
	put(g.socket, out.data, out.len);
	tc_buf_fini(&out);
	while (!end) {
		ssize_t n = recv(g.socket, g.in + g.in_len, EVENTS_SIZE - 1 - g.in_len, 0);

		if (n <= 0)
			die("connect for events");
		g.in_len += (size_t)n;
		g.in[g.in_len] = '\0';
		end = strstr(g.in, "\r\n\r\n");
	}
	if (strncmp(g.in, "HTTP/1.1 101", 12) != 0) {
		fprintf(stderr, "ari-load: Asterisk says: %.*s\n", (int)strcspn(g.in, "\r"), g.in);
		exit(1);
	}
	end += 4;
	g.in_len -= (size_t)(end - g.in);
	memmove(g.in, end, g.in_len);
	watch(g.socket, &g);
}

/* ---- the run ---- */

static void turn(void)
{
	struct epoll_event ev[64];
	int n;

	pump();
	n = epoll_wait(g.epoll, ev, 64, 1);
	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == &g)
			read_events();
		else
			read_reply(ev[i].data.ptr);
	}
	pump();
}

static void hang_up_due(int64_t t)
{
	struct call *c;

	while ((c = TAILQ_FIRST(&g.holding)) && c->due_ns <= t) {
		TAILQ_REMOVE(&g.holding, c, link);
		c->state = BUSY;
		push((int)(c - g.calls), HANG_UP);
	}
}

static bool idle(void)
{
	for (int i = 0; i < o.connections; i++)
		if (g.conns[i].request)
			return false;
	return !g.live && STAILQ_EMPTY(&g.queue);
}

/* result: when all was over, 0 = it was not in time */
static int64_t offer(int64_t start_ns)
{
	int64_t end_ns = start_ns + (int64_t)(o.seconds * 1e9);
	int64_t t;

	for (t = now_ns(); t < end_ns + DRAIN_S * INT64_C(1000000000); t = now_ns()) {
		while (t < end_ns && g.n < g.max && t >= start_ns + (int64_t)(g.n / o.rate * 1e9))
			push(g.n++, ORIGINATE);
		hang_up_due(t);
		if (t >= end_ns && idle())
			return t;
		turn();
	}
	return 0;
}

/* Calls stay up when their program goes: leave none. */
static void clear(void)
{
	int64_t until = now_ns() + CLEAR_S * INT64_C(1000000000);

	for (int i = 0; i < g.n; i++)
		if (g.calls[i].state != NEW && g.calls[i].state != GONE)
			push(i, HANG_UP);
	while (now_ns() < until && !idle())
		turn();
}

/* ---- the report ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print_times(const char *name, double *ms, int n)
{
	qsort(ms, (size_t)n, sizeof(*ms), compare);
	if (n)
		printf(",\"%s_ms\":{\"n\":%d,\"p50\":%.2f,\"p95\":%.2f,\"p99\":%.2f,\"max\":%.2f}",
		       name, n, ms[n / 2], ms[n * 95 / 100], ms[n * 99 / 100], ms[n - 1]);
}

static void write_stamps(void)
{
	FILE *f = o.stamps ? fopen(o.stamps, "w") : NULL;

	for (int i = 0; f && i < g.n; i++)
		fprintf(f, "+49%ld %lld %lld\n", o.first + i, (long long)g.calls[i].post_ns,
			(long long)g.calls[i].up_ns);
	if (f)
		fclose(f);
}

static double ms_between(int64_t from_ns, int64_t to_ns)
{
	return (double)(to_ns - from_ns) / 1e6;
}

/* Set-up is counted from the moment at which the call was due, however late it was asked for. */
static void report(int64_t start_ns, int64_t over_ns)
{
	double *post = tc_calloc((size_t)g.n + 1, sizeof(*post));
	double *setup = tc_calloc((size_t)g.n + 1, sizeof(*setup));
	double *hang_up = tc_calloc((size_t)g.n + 1, sizeof(*hang_up));
	int posts = 0, ups = 0, ends = 0, rejected = 0;
	int64_t last_ns = start_ns;
	struct rusage use;

	for (int i = 0; i < g.n; i++) {
		const struct call *c = &g.calls[i];

		rejected += c->status && c->status != 200;
		if (c->reply_ns)
			post[posts++] = ms_between(c->post_ns, c->reply_ns);
		if (c->up_ns)
			setup[ups++] = ms_between(start_ns + (int64_t)(i / o.rate * 1e9), c->up_ns);
		if (c->up_ns > last_ns)
			last_ns = c->up_ns;
		if (c->gone_ns && c->delete_ns)
			hang_up[ends++] = ms_between(c->delete_ns, c->gone_ns);
	}
	getrusage(RUSAGE_SELF, &use);
	printf("{\"rate\":%.0f,\"offered\":%d,\"up\":%d,\"rejected\":%d,\"not_up\":%d,"
	       "\"up_per_second\":%.1f,\"live_max\":%d,\"queued_max\":%ld,\"http_errors\":%ld,"
	       "\"played\":%ld,\"play_failed\":%ld,\"events\":%ld,\"drained_s\":%.1f,\"left\":%d",
	       o.rate, g.n, ups, rejected, g.n - ups,
	       ups ? ups / (ms_between(start_ns, last_ns) / 1e3) : 0, g.live_max, g.queued_max,
	       g.http_errors, g.played, g.play_failed, g.events,
	       over_ns ? ms_between(start_ns, over_ns) / 1e3 - o.seconds : -1, g.live);
	print_times("post", post, posts);
	print_times("setup", setup, ups);
	print_times("hangup", hang_up, ends);
	printf(",\"cpu_s\":%.2f}\n", (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
	free(post);
	free(setup);
	free(hang_up);
}

static void usage(void)
{
	fputs("usage: ari-load -p PORT -u USER:PASSWORD [-a APP] [-e ENDPOINT] [-r RATE] "
	      "[-s SECONDS] [-n MAX] [-t HOLD_MS | -m MEDIA] [-c CONNECTIONS] [-f FIRST] "
	      "[-o STAMPS]\n",
	      stderr);
	exit(2);
}

static void options(int argc, char **argv)
{
	const char *login = "";
	int c;

	g.max = 1000000;
	while ((c = getopt(argc, argv, "p:u:a:e:r:s:n:t:m:c:f:o:")) != -1) {
		switch (c) {
		case 'p': o.port = (int)strtol(optarg, NULL, 10); break;
		case 'u': login = optarg; break;
		case 'a': o.app = optarg; break;
		case 'e': o.endpoint = optarg; break;
		case 'r': o.rate = strtod(optarg, NULL); break;
		case 's': o.seconds = strtod(optarg, NULL); break;
		case 'n': g.max = (int)strtol(optarg, NULL, 10); break;
		case 't': o.hold_ms = (int)strtol(optarg, NULL, 10); break;
		case 'm': o.media = optarg; break;
		case 'c': o.connections = (int)strtol(optarg, NULL, 10); break;
		case 'f': o.first = strtol(optarg, NULL, 10); break;
		case 'o': o.stamps = optarg; break;
		default: usage();
		}
	}
	if (o.rate <= 0 || o.seconds <= 0 || o.connections < 1 || strlen(login) > 256)
		usage();
	if (g.max > o.rate * o.seconds)
		g.max = (int)(o.rate * o.seconds);
	base64(login, g.login);
}

int main(int argc, char **argv)
{
	int64_t start_ns, over_ns;

	options(argc, argv);
	TAILQ_INIT(&g.holding);
	STAILQ_INIT(&g.queue);
	g.calls = tc_calloc((size_t)g.max + 1, sizeof(*g.calls));
	g.conns = tc_calloc((size_t)o.connections, sizeof(*g.conns));
	g.in = tc_alloc(EVENTS_SIZE);
	g.epoll = epoll_create1(0);
	open_events();
	for (int i = 0; i < o.connections; i++) {
		g.conns[i].fd = dial();
		watch(g.conns[i].fd, &g.conns[i]);
	}
	start_ns = now_ns();
	over_ns = offer(start_ns);
	if (!over_ns)
		clear();
	write_stamps();
	report(start_ns, over_ns);
	return 0;
}
