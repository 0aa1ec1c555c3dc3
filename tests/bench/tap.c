/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands between the daemon and Asterisk: passes on what both say, and stamps when it passes by.
 *
 * For each channel: from the StasisStart event to the request that plays something in it. At the
 * end it prints one line of JSON. Only what goes over this connection is seen: speech that is
 * streamed needs no such request.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/alloc.h>

#define CHUNK 65536
#define KEPT 4096 /* of what has passed: what is looked for may come in parts */
#define TABLE 4096

struct side {
	struct pair *pair;
	struct side *other;
	int fd;
	bool server; /* Asterisk's */
	char text[KEPT + CHUNK + 1];
	size_t len;
};

struct pair {
	struct side a, b;
	bool over;
	LIST_ENTRY(pair) link; /* of those that are over */
};

struct channel {
	struct channel *next;
	int64_t start_ns, play_ns;
	char id[40];
};

static struct {
	int epoll, listener, target;
	LIST_HEAD(, pair) over;
	struct channel *channels[TABLE];
} g;

static volatile sig_atomic_t stopping;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct channel *channel(const char *id, size_t len)
{
	struct channel *c;
	unsigned h = 5381;

	for (size_t i = 0; i < len; i++)
		h = h * 33 + (unsigned char)id[i];
	for (c = g.channels[h % TABLE]; c; c = c->next)
		if (strlen(c->id) == len && !memcmp(c->id, id, len))
			return c;
	c = tc_alloc(sizeof(*c));
	snprintf(c->id, sizeof(c->id), "%.*s", (int)len, id);
	c->next = g.channels[h % TABLE];
	g.channels[h % TABLE] = c;
	return c;
}

/* ---- what passes by ---- */

/* An event's head is in one frame: so much of it, behind its type, has the channel's id. */
#define EVENT_HEAD 300

static const char *find(const char *from, const char *end, const char *word)
{
	return from < end ? memmem(from, (size_t)(end - from), word, strlen(word)) : NULL;
}

/* result: where to go on; NULL = not all of it is there yet */
static const char *on_event(const char *mark, const char *end, int64_t t)
{
	static const char before[] = "\"channel\":{\"id\":\"";
	const char *id = find(mark, end, before), *stop;

	if (end - mark < EVENT_HEAD)
		return NULL;
	id = id ? id + strlen(before) : end;
	stop = find(id, end, "\"");
	if (stop && stop - id < 40) {
		struct channel *c = channel(id, (size_t)(stop - id));

		if (!c->start_ns)
			c->start_ns = t;
	}
	return mark + 1;
}

static const char *on_request(const char *mark, const char *end, int64_t t)
{
	const char *id = mark + strlen("/ari/channels/"), *line = find(mark, end, "\r\n");
	const char *stop = find(id, line ? line : end, "/play");

	if (!line)
		return NULL;
	if (stop && stop - id < 40) {
		struct channel *c = channel(id, (size_t)(stop - id));

		if (c->start_ns && !c->play_ns)
			c->play_ns = t;
	}
	return line;
}

/* Look through what is there; keep what may go on in the next part. */
static void look(struct side *s, int64_t t)
{
	const char *word = s->server ? "\"type\":\"StasisStart\"" : "/ari/channels/";
	const char *from = s->text, *end = s->text + s->len, *mark;
	size_t keep = strlen(word) - 1;

	while ((mark = find(from, end, word))) {
		from = s->server ? on_event(mark, end, t) : on_request(mark, end, t);
		if (!from) {
			from = mark;
			keep = KEPT;
			break;
		}
	}
	if (keep > (size_t)(end - from))
		keep = (size_t)(end - from);
	memmove(s->text, end - keep, keep);
	s->len = keep;
}

/* ---- connections ---- */

static void set_up(struct side *s, struct pair *p, struct side *other, int fd, bool server)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};
	int one = 1;

	s->pair = p;
	s->other = other;
	s->fd = fd;
	s->server = server;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	epoll_ctl(g.epoll, EPOLL_CTL_ADD, fd, &ev);
}

static void on_connect(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)g.target),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = accept(g.listener, NULL, NULL), to = socket(AF_INET, SOCK_STREAM, 0);
	struct pair *p;

	if (fd < 0 || to < 0 || connect(to, (struct sockaddr *)&a, sizeof(a))) {
		if (fd >= 0)
			close(fd);
		if (to >= 0)
			close(to);
		return;
	}
	p = tc_alloc(sizeof(*p));
	set_up(&p->a, p, &p->b, fd, false);
	set_up(&p->b, p, &p->a, to, true);
}

/* Freed after the round: its other side may have an event in it as well. */
static void end_pair(struct pair *p)
{
	if (p->over)
		return;
	p->over = true;
	close(p->a.fd);
	close(p->b.fd);
	LIST_INSERT_HEAD(&g.over, p, link);
}

static void on_data(struct side *s)
{
	char *in = s->text + s->len;
	ssize_t n = s->pair->over ? -1 : recv(s->fd, in, CHUNK, 0);
	int64_t t = now_ns();

	if (n <= 0 || send(s->other->fd, in, (size_t)n, MSG_NOSIGNAL) != n) {
		end_pair(s->pair);
		return;
	}
	s->len += (size_t)n;
	look(s, t);
}

static void listen_at(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &g};
	int one = 1;

	g.epoll = epoll_create1(0);
	g.listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(g.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(g.listener, (struct sockaddr *)&a, sizeof(a)) || listen(g.listener, 64))
		die("listen");
	epoll_ctl(g.epoll, EPOLL_CTL_ADD, g.listener, &ev);
}

/* ---- the report ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void report(void)
{
	double *ms = NULL;
	size_t n = 0;
	long started = 0;

	for (size_t i = 0; i < TABLE; i++) {
		for (struct channel *c = g.channels[i]; c; c = c->next) {
			started++;
			if (!c->play_ns)
				continue;
			ms = tc_realloc(ms, (n + 1) * sizeof(*ms));
			ms[n++] = (double)(c->play_ns - c->start_ns) / 1e6;
		}
	}
	if (n)
		qsort(ms, n, sizeof(*ms), compare);
	printf("{\"started\":%ld,\"played\":%zu,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f}\n",
	       started, n, n ? ms[n / 2] : 0, n ? ms[n * 99 / 100] : 0, n ? ms[n - 1] : 0);
	free(ms);
}

static void on_signal(int sig)
{
	(void)sig;
	stopping = 1;
}

int main(int argc, char **argv)
{
	struct epoll_event ev[64];
	struct pair *p;
	int c, port = 0;

	while ((c = getopt(argc, argv, "p:t:")) != -1) {
		switch (c) {
		case 'p': port = (int)strtol(optarg, NULL, 10); break;
		case 't': g.target = (int)strtol(optarg, NULL, 10); break;
		default: fputs("usage: tap -p PORT -t PORT-OF-ASTERISK\n", stderr); return 2;
		}
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	listen_at(port);
	puts("ready");
	fflush(stdout);
	while (!stopping) {
		int n = epoll_wait(g.epoll, ev, 64, 100);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.ptr == &g)
				on_connect();
			else
				on_data(ev[i].data.ptr);
		}
		while ((p = LIST_FIRST(&g.over))) {
			LIST_REMOVE(p, link);
			free(p);
		}
	}
	report();
	return 0;
}
