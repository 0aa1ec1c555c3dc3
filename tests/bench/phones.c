/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many telephones in one process: a SIP UAS over UDP that answers every call at once, counts what
 * it hears, and can press a key and hang up. Written independently of the daemon's SIP library; for
 * measurement, not a full SIP stack.
 *
 * At the end (SIGTERM, or -s seconds) it prints one line of JSON, and per call a line to the file
 * of -o:
 *   number  invite_ns  ack_ns  first_speech_ns  packets  (CLOCK_MONOTONIC)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/alloc.h>

#define TABLE 65536
#define BINS 10000 /* of 10 us */

struct call {
	struct call *next, *next_number; /* in by_id, by_number */
	LIST_ENTRY(call) live;
	char id[96];
	char number[40];
	int rtp_fd, rtp_port;
	int64_t invite_ns, ack_ns, speech_ns, last_ns, press_ns, hang_up_ns;
	struct sockaddr_in media; /* the caller's */
	long packets;
	bool over, doubled;
	int pressed; /* RTP packets of the key sent */
	uint32_t ssrc_ts;
	char headers[2048]; /* Via, From, To, CSeq of the INVITE, for repeated answers */
	char from[256], to[256], contact[256]; /* of the INVITE, for our BYE */
};

static struct {
	int sip_fd, epoll, timer;
	struct sockaddr_in self, peer; /* peer: from where calls come */
	struct call *by_id[TABLE], *by_number[TABLE];
	LIST_HEAD(, call) live_calls;
	struct call **all;
	long n, cap;
	char key;
	double press_s, hang_up_s; /* after the ACK; hang_up_s 0 = the other side does */
	long live, live_max, doubled, acked, byes;
	uint32_t bins[BINS];
	bool measuring;
	double measure_from_s, start_s;
	const char *file;
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

static unsigned hash(const char *s)
{
	unsigned h = 5381;

	while (*s)
		h = h * 33 + (unsigned char)*s++;
	return h % TABLE;
}

/* The value of a header, to the end of its line. */
static bool header(const char *msg, const char *name, char *out, size_t size)
{
	size_t len = strlen(name), n;
	const char *p = msg;

	while ((p = strstr(p, "\r\n"))) {
		p += 2;
		if (!strncasecmp(p, name, len) && p[len] == ':') {
			p += len + 1 + strspn(p + len + 1, " ");
			n = strcspn(p, "\r");
			snprintf(out, size, "%.*s", (int)(n < size ? n : size - 1), p);
			return true;
		}
	}
	return false;
}

static struct call *find(const char *id)
{
	struct call *c = g.by_id[hash(id)];

	while (c && strcmp(c->id, id) != 0)
		c = c->next;
	return c;
}

static void open_rtp(struct call *c)
{
	struct sockaddr_in a = g.self;
	socklen_t len = sizeof(a);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	int size = 262144, one = 1;

	c->rtp_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	a.sin_port = 0;
	if (c->rtp_fd < 0 || bind(c->rtp_fd, (struct sockaddr *)&a, sizeof(a)))
		die("rtp socket");
	setsockopt(c->rtp_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(c->rtp_fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one));
	getsockname(c->rtp_fd, (struct sockaddr *)&a, &len);
	c->rtp_port = ntohs(a.sin_port);
	epoll_ctl(g.epoll, EPOLL_CTL_ADD, c->rtp_fd, &ev);
}

/* What is in <> of a Contact, or all of it. */
static void take_uri(char *contact)
{
	char *open = strchr(contact, '<'), *end = open ? strchr(open, '>') : NULL;

	if (!end)
		return;
	*end = '\0';
	memmove(contact, open + 1, (size_t)(end - open));
}

static struct call *call_new(const char *id, const char *msg)
{
	struct call *c = tc_alloc(sizeof(*c));
	const char *at = strchr(msg, ':');
	const char *m = strstr(msg, "\r\nm=audio "), *ip = strstr(msg, "\r\nc=IN IP4 ");
	unsigned h = hash(id), by_number;

	snprintf(c->id, sizeof(c->id), "%s", id);
	snprintf(c->number, sizeof(c->number), "%.*s", at ? (int)strcspn(at + 1, "@ ;") : 0,
		 at ? at + 1 : "");
	header(msg, "From", c->from, sizeof(c->from));
	header(msg, "To", c->to, sizeof(c->to));
	header(msg, "Contact", c->contact, sizeof(c->contact));
	take_uri(c->contact);
	c->invite_ns = now_ns();
	c->media.sin_family = AF_INET;
	c->media.sin_port = m ? htons((uint16_t)strtol(m + 10, NULL, 10)) : 0;
	c->media.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)ip;
	c->next = g.by_id[h];
	g.by_id[h] = c;
	if (g.n == g.cap) {
		g.cap = g.cap ? g.cap * 2 : 1024;
		g.all = tc_realloc(g.all, (size_t)g.cap * sizeof(*g.all));
	}
	by_number = hash(c->number);
	for (struct call *other = g.by_number[by_number]; other; other = other->next_number) {
		if (!other->over && !strcmp(other->number, c->number)) {
			c->doubled = true;
			g.doubled++;
		}
	}
	c->next_number = g.by_number[by_number];
	g.by_number[by_number] = c;
	LIST_INSERT_HEAD(&g.live_calls, c, live);
	g.all[g.n++] = c;
	if (++g.live > g.live_max)
		g.live_max = g.live;
	open_rtp(c);
	return c;
}

/* All Via lines, From, Call-ID, CSeq as they came; To with our tag. */
static void copy_headers(const char *msg, char *out, size_t size)
{
	const char *p = strstr(msg, "\r\n"), *end = strstr(msg, "\r\n\r\n");
	size_t n = 0;

	out[0] = '\0';
	while (p && p < end) {
		int len;

		p += 2;
		len = (int)strcspn(p, "\r");
		if (!strncasecmp(p, "Via:", 4) || !strncasecmp(p, "From:", 5) ||
		    !strncasecmp(p, "Call-ID:", 8) || !strncasecmp(p, "CSeq:", 5) ||
		    !strncasecmp(p, "Record-Route:", 13))
			n += (size_t)snprintf(out + n, size - n, "%.*s\r\n", len, p);
		else if (!strncasecmp(p, "To:", 3))
			n += (size_t)snprintf(out + n, size - n, "%.*s%s\r\n", len, p,
					      strstr(p, ";tag=") && strstr(p, ";tag=") < p + len
						      ? ""
						      : ";tag=phone");
		p += len;
	}
}

static void reply(const char *headers, const char *status, const char *more, const char *sdp,
		  const struct sockaddr_in *to)
{
	char out[4096];
	int n = snprintf(out, sizeof(out), "SIP/2.0 %s\r\n%s%sContent-Length: %zu\r\n\r\n%s",
			 status, headers, more, strlen(sdp), sdp);

	sendto(g.sip_fd, out, (size_t)n, 0, (const struct sockaddr *)to, sizeof(*to));
}

static void answer(struct call *c, const struct sockaddr_in *to)
{
	char more[200], sdp[400];

	snprintf(more, sizeof(more),
		 "Contact: <sip:phone@127.0.0.1:%d>\r\nContent-Type: application/sdp\r\n",
		 ntohs(g.self.sin_port));
	snprintf(sdp, sizeof(sdp),
		 "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=audio %d RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
		 "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n",
		 c->rtp_port);
	reply(c->headers, "180 Ringing", "", "", to);
	reply(c->headers, "200 OK", more, sdp, to);
}

/* To where the last message came from: on loopback that is where their Contact leads. */
static void hang_up(struct call *c, const struct sockaddr_in *to)
{
	char out[2048];
	int n = snprintf(out, sizeof(out),
			 "BYE %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%lx\r\n"
			 "Max-Forwards: 70\r\nFrom: %s;tag=phone\r\nTo: %s\r\nCall-ID: %s\r\n"
			 "CSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
			 c->contact, ntohs(g.self.sin_port), (unsigned long)c->ack_ns, c->to,
			 c->from, c->id);

	sendto(g.sip_fd, out, (size_t)n, 0, (const struct sockaddr *)to, sizeof(*to));
}

static void end_call(struct call *c)
{
	if (c->over)
		return;
	c->over = true;
	LIST_REMOVE(c, live);
	g.live--;
	close(c->rtp_fd);
}

static void on_sip(void)
{
	char msg[8192], id[96], headers[2048];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(g.sip_fd, msg, sizeof(msg) - 1, MSG_DONTWAIT, (struct sockaddr *)&from,
			     &len)) > 0) {
		struct call *c;

		msg[n] = '\0';
		if (!header(msg, "Call-ID", id, sizeof(id)))
			continue;
		c = find(id);
		if (!strncmp(msg, "INVITE ", 7)) {
			if (!c) {
				c = call_new(id, msg);
				copy_headers(msg, c->headers, sizeof(c->headers));
			}
			if (!c->over)
				answer(c, &from);
		} else if (!strncmp(msg, "ACK ", 4)) {
			if (c && !c->ack_ns) {
				c->ack_ns = now_ns();
				c->press_ns = g.key ? c->ack_ns + (int64_t)(g.press_s * 1e9) : 0;
				if (g.hang_up_s > 0)
					c->hang_up_ns = c->ack_ns + (int64_t)(g.hang_up_s * 1e9);
				g.peer = from;
				g.acked++;
			}
		} else if (!strncmp(msg, "SIP/2.0", 7)) {
			continue;
		} else { /* BYE, CANCEL, OPTIONS */
			copy_headers(msg, headers, sizeof(headers));
			reply(headers, c || !strncmp(msg, "OPTIONS", 7) ? "200 OK" : "481 Gone", "",
			      "", &from);
			if (c && strncmp(msg, "OPTIONS", 7) != 0) {
				end_call(c);
				g.byes++;
			}
		}
	}
}

/* Speech, not silence: more than a few samples away from u-law zero. */
static bool is_speech(const unsigned char *pkt, ssize_t n)
{
	int loud = 0;

	for (ssize_t i = 12; i < n; i++)
		loud += (pkt[i] & 0x7f) < 0x60;
	return loud > 10;
}

/* A packet and when the kernel had it: this program's own delays are not the daemon's. */
static ssize_t receive(int fd, unsigned char *pkt, size_t size, int64_t *at_ns)
{
	char control[128];
	struct iovec iov = {.iov_base = pkt, .iov_len = size};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
	struct cmsghdr *c;

	*at_ns = 0;
	for (c = CMSG_FIRSTHDR(&m); n > 0 && c; c = CMSG_NXTHDR(&m, c)) {
		struct timespec t;

		if (c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&t, CMSG_DATA(c), sizeof(t));
		*at_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	}
	return n;
}

static void on_rtp(struct call *c)
{
	unsigned char pkt[2048];
	int64_t t;
	ssize_t n;

	while (!c->over && (n = receive(c->rtp_fd, pkt, sizeof(pkt), &t)) > 12) {
		c->packets++;
		if (!c->speech_ns && is_speech(pkt, n))
			c->speech_ns = now_ns();
		if (c->last_ns && g.measuring) {
			int64_t off_us = (t - c->last_ns) / 1000 - 20000;
			int64_t bin = (off_us < 0 ? -off_us : off_us) / 10;

			g.bins[bin < BINS ? bin : BINS - 1]++;
		}
		c->last_ns = t;
	}
}

/* One RFC 4733 packet of the key; five of them make it, the last three with the end bit. */
static void press(struct call *c)
{
	static const char keys[] = "0123456789*#";
	unsigned char p[16] = {0x80, 101};
	uint32_t ts = 160;

	if (c->pressed == 0)
		p[1] |= 0x80;
	p[3] = (unsigned char)c->pressed;
	p[4] = (unsigned char)(ts >> 24);
	p[7] = (unsigned char)ts;
	p[11] = 7;
	p[12] = (unsigned char)(strchr(keys, g.key) - keys);
	p[13] = (unsigned char)(10 | (c->pressed >= 2 ? 0x80 : 0));
	p[15] = (unsigned char)(160 * (c->pressed < 2 ? c->pressed + 1 : 3));
	sendto(c->rtp_fd, p, sizeof(p), 0, (struct sockaddr *)&c->media, sizeof(c->media));
	c->pressed++;
}

static void on_tick(void)
{
	uint64_t ticks;
	int64_t t = now_ns();
	struct call *c, *next;

	if (read(g.timer, &ticks, sizeof(ticks)) < 0)
		return;
	g.measuring = (double)t / 1e9 - g.start_s > g.measure_from_s;
	for (c = LIST_FIRST(&g.live_calls); c; c = next) {
		next = LIST_NEXT(c, live);
		if (c->press_ns && t >= c->press_ns && c->pressed < 5)
			press(c);
		if (c->hang_up_ns && t >= c->hang_up_ns) {
			hang_up(c, &g.peer);
			end_call(c);
		}
	}
}

static void listen_sip(int port)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &g.sip_fd};
	struct epoll_event tick = {.events = EPOLLIN, .data.ptr = &g.timer};
	struct itimerspec every = {{0, 20000000}, {0, 20000000}};
	int size = 8 << 20;

	g.self.sin_family = AF_INET;
	g.self.sin_port = htons((uint16_t)port);
	g.self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	g.epoll = epoll_create1(0);
	g.sip_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	setsockopt(g.sip_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(g.sip_fd, (struct sockaddr *)&g.self, sizeof(g.self)))
		die("bind");
	g.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	timerfd_settime(g.timer, 0, &every, NULL);
	epoll_ctl(g.epoll, EPOLL_CTL_ADD, g.sip_fd, &ev);
	epoll_ctl(g.epoll, EPOLL_CTL_ADD, g.timer, &tick);
}

static double percentile(double p)
{
	uint64_t total = 0, sum = 0;

	for (int i = 0; i < BINS; i++)
		total += g.bins[i];
	for (int i = 0; i < BINS; i++) {
		sum += g.bins[i];
		if (total && (double)sum >= (double)total * p)
			return i / 100.0;
	}
	return 0;
}

static void report(void)
{
	FILE *f = g.file ? fopen(g.file, "w") : NULL;
	long speech = 0, packets = 0;

	for (long i = 0; i < g.n; i++) {
		struct call *c = g.all[i];

		speech += c->speech_ns != 0;
		packets += c->packets;
		if (f)
			fprintf(f, "%s %lld %lld %lld %ld\n", c->number, (long long)c->invite_ns,
				(long long)c->ack_ns, (long long)c->speech_ns, c->packets);
	}
	if (f)
		fclose(f);
	printf("{\"calls\":%ld,\"acked\":%ld,\"speech\":%ld,\"ended\":%ld,\"live_max\":%ld,"
	       "\"doubled\":%ld,"
	       "\"packets\":%ld,\"interval_p50_ms\":%.2f,\"interval_p99_ms\":%.2f,"
	       "\"interval_p999_ms\":%.2f}\n",
	       g.n, g.acked, speech, g.byes, g.live_max, g.doubled, packets, percentile(0.5),
	       percentile(0.99), percentile(0.999));
}

static void on_signal(int sig)
{
	(void)sig;
	stopping = 1;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	struct epoll_event ev[512];
	double seconds = 3600;
	int c, port = 0;

	while ((c = getopt(argc, argv, "p:s:o:k:d:b:m:")) != -1) {
		switch (c) {
		case 'p': port = (int)strtol(optarg, NULL, 10); break;
		case 's': seconds = strtod(optarg, NULL); break;
		case 'o': g.file = optarg; break;
		case 'k': g.key = optarg[0]; break;
		case 'd': g.press_s = strtod(optarg, NULL); break;
		case 'b': g.hang_up_s = strtod(optarg, NULL); break;
		case 'm': g.measure_from_s = strtod(optarg, NULL); break;
		default:
			fputs("usage: phones -p PORT [-s SECONDS] [-k KEY -d DELAY] [-b HANG_UP] "
			      "[-m MEASURE_FROM] [-o FILE]\n",
			      stderr);
			return 2;
		}
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	listen_sip(port);
	g.start_s = (double)now_ns() / 1e9;
	puts("ready");
	fflush(stdout);
	while (!stopping && (double)now_ns() / 1e9 - g.start_s < seconds) {
		int n = epoll_wait(g.epoll, ev, 512, 100);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.ptr == &g.sip_fd)
				on_sip();
			else if (ev[i].data.ptr == &g.timer)
				on_tick();
			else
				on_rtp(ev[i].data.ptr);
		}
	}
	report();
	return 0;
}
