/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offers alerts by HTTP: N connections kept alive, as fast as they are answered or at a rate; each
 * alert is different. Prints one line of JSON: how many, how fast, how late.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/alloc.h>

#define BUFFER 8192

struct options {
	int port, connections, count;
	double rate; /* per second; 0 = as fast as answered */
	double seconds;
	const char *path, *token, *stamps;
	const char *message; /* the same for all; NULL = one of its own for each */
	bool alertmanager;
	long first; /* number of the first alert: "+49<first + i>" */
};

struct conn {
	int fd;
	int index; /* of the alert under way, -1 = idle */
	int64_t sent_ns;
	char out[BUFFER];
	size_t out_len, out_at;
	char in[BUFFER];
	size_t in_len;
};

struct run {
	struct options o;
	int epoll;
	struct conn *conns;
	int next, done, failed;
	int64_t start_ns;
	int64_t *latency_ns, *sent_ns; /* by index */
};

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

static int body(const struct options *o, int i, char *buf, size_t size)
{
	if (o->message)
		return snprintf(buf, size,
				"{\"message\":\"%s\",\"target\":\"+49%ld\","
				"\"dedup_key\":\"bench-%ld\"}",
				o->message, o->first + i, o->first + i);
	if (!o->alertmanager)
		return snprintf(buf, size,
				"{\"message\":\"Disk full on web%d\",\"target\":\"+49%ld\","
				"\"dedup_key\":\"bench-%ld\"}",
				i, o->first + i, o->first + i);
	return snprintf(
		buf, size,
		"{\"version\":\"4\",\"groupKey\":\"{}\",\"status\":\"firing\",\"receiver\":\"r\","
		"\"groupLabels\":{},\"commonLabels\":{},\"commonAnnotations\":{},"
		"\"externalURL\":\"\",\"truncatedAlerts\":0,\"alerts\":[{\"status\":\"firing\","
		"\"labels\":{\"alertname\":\"DiskFull\",\"host\":\"web01\",\"severity\":"
		"\"critical\"},\"annotations\":{\"summary\":\"Disk full on web01\"},"
		"\"startsAt\":\"2026-11-22T14:02:54.632Z\",\"endsAt\":\"0001-01-01T00:00:00Z\","
		"\"generatorURL\":\"\",\"fingerprint\":\"%016lx\"}]}",
		o->first + i);
}

static void flush_out(struct run *r, struct conn *c)
{
	struct epoll_event ev = {.data.ptr = c, .events = EPOLLIN};
	ssize_t n;

	while (c->out_at < c->out_len) {
		n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			die("send");
		if (n < 0)
			break;
		c->out_at += (size_t)n;
	}
	if (c->out_at < c->out_len)
		ev.events |= EPOLLOUT;
	epoll_ctl(r->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

static void send_next(struct run *r, struct conn *c)
{
	char text[4096];
	int n;

	c->index = r->next++;
	n = body(&r->o, c->index, text, sizeof(text));
	c->out_len =
		(size_t)snprintf(c->out, sizeof(c->out),
				 "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
				 "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
				 r->o.path, r->o.token, n, text);
	c->out_at = 0;
	c->in_len = 0;
	c->sent_ns = now_ns();
	r->sent_ns[c->index] = c->sent_ns;
	flush_out(r, c);
}

/* True when the whole answer is there. */
static bool complete(struct conn *c, int *status)
{
	char *end, *length;

	c->in[c->in_len] = '\0';
	end = strstr(c->in, "\r\n\r\n");
	length = strcasestr(c->in, "content-length:");
	if (!end || !length)
		return false;
	*status = (int)strtol(c->in + 9, NULL, 10);
	return c->in_len >= (size_t)(end + 4 - c->in) + strtoul(length + 15, NULL, 10);
}

static void read_answer(struct run *r, struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - 1 - c->in_len, 0);
	int status = 0;

	if (n <= 0)
		die("the server closed the connection");
	c->in_len += (size_t)n;
	if (!complete(c, &status))
		return;
	r->latency_ns[c->index] = now_ns() - c->sent_ns;
	r->done++;
	if (status / 100 != 2) {
		r->latency_ns[c->index] = -status;
		r->failed++;
	}
	c->index = -1;
}

static void connect_all(struct run *r)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)r->o.port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;

	r->conns = tc_calloc((size_t)r->o.connections, sizeof(*r->conns));
	for (int i = 0; i < r->o.connections; i++) {
		struct conn *c = &r->conns[i];
		struct epoll_event ev = {.data.ptr = c, .events = EPOLLIN};

		c->fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(c->fd, (struct sockaddr *)&a, sizeof(a)))
			die("connect");
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		fcntl(c->fd, F_SETFL, O_NONBLOCK);
		c->index = -1;
		epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->fd, &ev);
	}
}

/* May the next alert be sent now? Else how long to wait, in ms. */
static bool due(const struct run *r, int *wait_ms)
{
	int64_t at_ns;

	*wait_ms = 100;
	if (r->next >= r->o.count || now_ns() - r->start_ns > (int64_t)(r->o.seconds * 1e9))
		return false;
	if (r->o.rate <= 0)
		return true;
	at_ns = r->start_ns + (int64_t)(r->next / r->o.rate * 1e9);
	*wait_ms = (int)((at_ns - now_ns()) / 1000000);
	if (*wait_ms < 0)
		*wait_ms = 0;
	return now_ns() >= at_ns;
}

static void loop(struct run *r)
{
	struct epoll_event ev[256];
	int wait_ms = 0;

	r->start_ns = now_ns();
	for (;;) {
		bool more = true;
		int n;

		for (int i = 0; i < r->o.connections && more; i++)
			if (r->conns[i].index < 0 && (more = due(r, &wait_ms)))
				send_next(r, &r->conns[i]);
		if (r->done == r->next && !due(r, &wait_ms) &&
		    (r->next >= r->o.count ||
		     now_ns() - r->start_ns > (int64_t)(r->o.seconds * 1e9)))
			return;
		n = epoll_wait(r->epoll, ev, 256, wait_ms);
		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;

			if (ev[i].events & EPOLLOUT)
				flush_out(r, c);
			if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				read_answer(r, c);
		}
	}
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(struct run *r)
{
	double seconds = (double)(now_ns() - r->start_ns) / 1e9;
	int64_t *sorted = tc_calloc((size_t)r->next, sizeof(*sorted));
	int n = 0;

	if (r->o.stamps) {
		FILE *f = fopen(r->o.stamps, "w");

		for (int i = 0; f && i < r->next; i++)
			fprintf(f, "+49%ld %lld %lld\n", r->o.first + i, (long long)r->sent_ns[i],
				(long long)r->latency_ns[i]);
		if (f)
			fclose(f);
	}
	for (int i = 0; i < r->next; i++)
		if (r->latency_ns[i] > 0)
			sorted[n++] = r->latency_ns[i];
	qsort(sorted, (size_t)n, sizeof(*sorted), compare);
	printf("{\"sent\":%d,\"ok\":%d,\"failed\":%d,\"seconds\":%.3f,\"per_second\":%.1f,"
	       "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
	       r->next, n, r->failed, seconds, n / seconds, n ? (double)sorted[n / 2] / 1e6 : 0,
	       n ? (double)sorted[n * 99 / 100] / 1e6 : 0, n ? (double)sorted[n - 1] / 1e6 : 0);
	free(sorted);
}

int main(int argc, char **argv)
{
	struct run r = {.o = {.connections = 1, .count = 1000000, .seconds = 10, .path = "/",
			      .token = "-", .first = 3000000}};
	int c;

	while ((c = getopt(argc, argv, "p:c:n:r:s:u:t:o:f:m:a")) != -1) {
		switch (c) {
		case 'p': r.o.port = (int)strtol(optarg, NULL, 10); break;
		case 'c': r.o.connections = (int)strtol(optarg, NULL, 10); break;
		case 'n': r.o.count = (int)strtol(optarg, NULL, 10); break;
		case 'r': r.o.rate = strtod(optarg, NULL); break;
		case 's': r.o.seconds = strtod(optarg, NULL); break;
		case 'u': r.o.path = optarg; break;
		case 't': r.o.token = optarg; break;
		case 'o': r.o.stamps = optarg; break;
		case 'f': r.o.first = strtol(optarg, NULL, 10); break;
		case 'm': r.o.message = optarg; break;
		case 'a': r.o.alertmanager = true; break;
		default:
			fputs("usage: post -p PORT -u PATH -t TOKEN [-c CONNECTIONS] [-n COUNT] "
			      "[-r RATE] "
			      "[-s SECONDS] [-f FIRST] [-o STAMPS] [-m MESSAGE | -a]\n",
			      stderr);
			return 2;
		}
	}
	r.epoll = epoll_create1(0);
	r.latency_ns = tc_calloc((size_t)r.o.count, sizeof(int64_t));
	r.sent_ns = tc_calloc((size_t)r.o.count, sizeof(int64_t));
	connect_all(&r);
	loop(&r);
	report(&r);
	return r.failed != 0;
}
