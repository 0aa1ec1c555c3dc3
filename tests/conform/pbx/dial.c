/* SPDX-License-Identifier: BSD-2-Clause */
/* The telephone that calls. SIP is read as far as one call needs it; it is no stack. */
#include "dial.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/alloc.h>

#define RESEND_US 500000
#define EVENT_PT  97 /* not the number that everybody takes */

struct dial {
	pthread_t thread;
	pthread_mutex_t lock; /* guards all that follows */
	int sip, rtp;
	unsigned sip_port, rtp_port;
	struct sockaddr_in peer, media;
	char id[40], called[40], number[40];
	char to[300], contact[200]; /* of the far end: the value of To, the URI in Contact */
	int64_t resend_us;
	unsigned presses;
	uint16_t seq;
	struct dial_view view;
	bool stop;
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int open_socket(unsigned *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, len) ||
	    getsockname(fd, (struct sockaddr *)&in, &len))
		abort();
	*port = ntohs(in.sin_port);
	return fd;
}

/* ---- messages ---- */

/* The value of the first header of this name; "" = none. */
static void header(char *buf, size_t size_bytes, const char *msg, const char *name)
{
	size_t n = strlen(name);

	buf[0] = '\0';
	for (const char *p = strchr(msg, '\n'); p && p[1] != '\r'; p = strchr(p + 1, '\n')) {
		if (strncasecmp(p + 1, name, n) != 0 || p[1 + n] != ':')
			continue;
		p += 2 + n;
		p += strspn(p, " ");
		snprintf(buf, size_bytes, "%.*s", (int)strcspn(p, "\r\n"), p);
		return;
	}
}

static void send_text(const struct dial *d, struct tc_buf *b)
{
	ssize_t n = sendto(d->sip, b->data, b->len, 0, (const struct sockaddr *)&d->peer,
			   sizeof(d->peer));

	(void)n; /* a lost datagram is sent again */
	tc_buf_fini(b);
}

/* A request; the branch is the INVITE's for what belongs to it (RFC 3261 9.1, 17.1.1.3). */
static void request(const struct dial *d, const char *method, const char *uri, const char *to,
		    unsigned cseq, bool of_invite, const char *more)
{
	struct tc_buf b = {0};

	tc_buf_printf(&b, "%s %s SIP/2.0\r\n", method, uri);
	tc_buf_printf(&b, "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s%s;rport\r\n", d->sip_port,
		      d->id, of_invite ? "invite" : method);
	tc_buf_printf(&b, "Max-Forwards: 70\r\nFrom: \"Conform\" <sip:%s@127.0.0.1>;tag=dial\r\n",
		      d->number);
	tc_buf_printf(&b, "To: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n", to, d->id, cseq, method);
	tc_buf_printf(&b, "Contact: <sip:dial@127.0.0.1:%u>\r\n", d->sip_port);
	tc_buf_puts(&b, more ? more : "Content-Length: 0\r\n\r\n");
	send_text(d, &b);
}

/* Where to, before the far end has said anything. */
static void first_target(const struct dial *d, char *uri, char *to, size_t size_bytes)
{
	snprintf(uri, size_bytes, "sip:%s@127.0.0.1:%u", d->called, ntohs(d->peer.sin_port));
	snprintf(to, size_bytes, "<sip:%s@127.0.0.1>", d->called);
}

static void send_invite(struct dial *d)
{
	char uri[100], to[100], body[300];
	int n = snprintf(body, sizeof(body),
			 "v=0\r\no=dial 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
			 "t=0 0\r\nm=audio %u RTP/AVP 0 %d\r\na=rtpmap:%d telephone-event/8000\r\n",
			 d->rtp_port, EVENT_PT, EVENT_PT);
	char *more = tc_asprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", n,
				 body);

	first_target(d, uri, to, sizeof(uri));
	request(d, "INVITE", uri, to, 1, true, more);
	free(more);
	d->resend_us = now_us() + RESEND_US;
}

static void answer(const struct dial *d, const char *msg, const char *status)
{
	static const char *const names[] = {"Via", "From", "To", "Call-ID", "CSeq"};
	struct tc_buf b = {0};
	char value[300];

	tc_buf_printf(&b, "SIP/2.0 %s\r\n", status);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		header(value, sizeof(value), msg, names[i]);
		tc_buf_printf(&b, "%s: %s\r\n", names[i], value);
	}
	tc_buf_puts(&b, "Content-Length: 0\r\n\r\n");
	send_text(d, &b);
}

/* ---- what comes in ---- */

/* The answer: what it says of the far end. */
static void picked_up(struct dial *d, const char *msg)
{
	const char *m = strstr(msg, "\nm=audio "), *ip = strstr(msg, "\nc=IN IP4 ");
	char contact[240], text[20];

	header(d->to, sizeof(d->to), msg, "To");
	header(contact, sizeof(contact), msg, "Contact");
	snprintf(d->contact, sizeof(d->contact), "%.*s", (int)strcspn(contact + 1, ">"),
		 contact + 1);
	if (m && ip) {
		snprintf(text, sizeof(text), "%.*s", (int)strspn(ip + 10, "0123456789."), ip + 10);
		d->media.sin_family = AF_INET;
		d->media.sin_port = htons((uint16_t)strtoul(m + 9, NULL, 10));
		inet_pton(AF_INET, text, &d->media.sin_addr);
	}
	d->view.up = true;
}

static void on_response(struct dial *d, const char *msg)
{
	char cseq[40], uri[100], to[100], value[300];
	unsigned status = (unsigned)strtoul(msg + 8, NULL, 10);

	header(cseq, sizeof(cseq), msg, "CSeq");
	if (strcmp(cseq, "1 INVITE") != 0)
		return;
	d->resend_us = 0;
	d->view.status = status;
	d->view.ringing += status == 180;
	if (status >= 200 && status < 300) {
		if (!d->contact[0])
			picked_up(d, msg);
		request(d, "ACK", d->contact, d->to, 1, false, NULL);
	} else if (status >= 300) {
		first_target(d, uri, to, sizeof(uri));
		header(value, sizeof(value), msg, "To");
		request(d, "ACK", uri, value, 1, true, NULL);
	}
}

static void on_sip(struct dial *d)
{
	char msg[4096];
	ssize_t n = recv(d->sip, msg, sizeof(msg) - 1, 0);

	if (n <= 0)
		return;
	msg[n] = '\0';
	if (!strncmp(msg, "SIP/2.0 ", 8)) {
		on_response(d, msg);
	} else if (!strncmp(msg, "BYE ", 4)) {
		d->view.byes++;
		d->view.up = false;
		answer(d, msg, "200 OK");
	} else if (strncmp(msg, "ACK ", 4) != 0) {
		answer(d, msg, "200 OK");
	}
}

static void on_rtp(struct dial *d)
{
	uint8_t packet[512];
	ssize_t n = recv(d->rtp, packet, sizeof(packet), 0);
	bool silent = true;

	if (n < 12)
		return;
	d->view.packets++;
	for (ssize_t i = 12; i < n; i++)
		silent = silent && (packet[i] == 0xff || packet[i] == 0x7f);
	d->view.speech += !silent;
}

/* ---- what the person does ---- */

void dial_cancel(struct dial *d)
{
	char uri[100], to[100];

	pthread_mutex_lock(&d->lock);
	first_target(d, uri, to, sizeof(uri));
	request(d, "CANCEL", uri, to, 1, true, NULL);
	pthread_mutex_unlock(&d->lock);
}

void dial_hang_up(struct dial *d)
{
	pthread_mutex_lock(&d->lock);
	request(d, "BYE", d->contact, d->to, 2, false, NULL);
	d->view.up = false;
	pthread_mutex_unlock(&d->lock);
}

void dial_press(struct dial *d, char key)
{
	pthread_mutex_lock(&d->lock);
	uint32_t stamp = 4000 * ++d->presses;
	for (int i = 0; i < 3; i++) {
		uint8_t p[16] = {0x80, (uint8_t)(EVENT_PT | (i ? 0 : 0x80))};
		p[2] = (uint8_t)(++d->seq >> 8);
		p[3] = (uint8_t)d->seq;
		p[4] = (uint8_t)(stamp >> 24);
		p[5] = (uint8_t)(stamp >> 16);
		p[6] = (uint8_t)(stamp >> 8);
		p[7] = (uint8_t)stamp;
		p[11] = 9; /* SSRC */
		p[12] = (uint8_t)(key - '0');
		p[13] = i ? 0x8a : 0x0a;
		p[15] = (uint8_t)(160 + 160 * i);
		ssize_t n = sendto(d->rtp, p, sizeof(p), 0, (struct sockaddr *)&d->media,
				   sizeof(d->media));
		(void)n;
	}
	pthread_mutex_unlock(&d->lock);
}

/* ---- the thread ---- */

static void *run(void *arg)
{
	struct dial *d = arg;

	pthread_mutex_lock(&d->lock);
	while (!d->stop) {
		struct pollfd fds[] = {{.fd = d->sip, .events = POLLIN},
				       {.fd = d->rtp, .events = POLLIN}};

		pthread_mutex_unlock(&d->lock);
		poll(fds, 2, 5);
		pthread_mutex_lock(&d->lock);
		if (fds[0].revents)
			on_sip(d);
		if (fds[1].revents)
			on_rtp(d);
		if (d->resend_us && now_us() > d->resend_us)
			send_invite(d);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

struct dial *dial_new(unsigned port, const char *called, const char *number)
{
	struct dial *d = tc_alloc(sizeof(*d));

	pthread_mutex_init(&d->lock, NULL);
	d->sip = open_socket(&d->sip_port);
	d->rtp = open_socket(&d->rtp_port);
	d->peer.sin_family = AF_INET;
	d->peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	d->peer.sin_port = htons((uint16_t)port);
	snprintf(d->id, sizeof(d->id), "dial-%u-%lld", d->sip_port, (long long)now_us());
	tc_strcopy(d->called, sizeof(d->called), called);
	tc_strcopy(d->number, sizeof(d->number), number);
	send_invite(d);
	if (pthread_create(&d->thread, NULL, run, d))
		abort();
	return d;
}

void dial_free(struct dial *d)
{
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	close(d->sip);
	close(d->rtp);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

struct dial_view dial_view(struct dial *d)
{
	pthread_mutex_lock(&d->lock);
	struct dial_view v = d->view;
	pthread_mutex_unlock(&d->lock);
	return v;
}
