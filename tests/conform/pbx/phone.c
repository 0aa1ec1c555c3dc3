/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The telephones. SIP is read as far as one's own trunk needs it; it is no stack.
 */
#include "phone.h"
#include "tape.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/alloc.h>

#define CALLS_MAX 256
#define RESEND_US 500000
#define EVENT_PT  101

/* X(symbol): where a call is. */
enum call_state { RINGS, REFUSED, UP, OVER };

struct call {
	TAILQ_ENTRY(call) link;
	char number[40], id[64];
	enum call_state state;
	enum phone_habit habit;
	struct sockaddr_in peer, media; /* of the far end */
	char *invite;                   /* owned; its text */
	char contact[200];              /* URI of the far end */
	unsigned cseq;                  /* of the INVITE that is worked on */
	int rtp;                        /* socket */
	bool acked, held;
	int64_t begun_us, resend_us, up_us;
	unsigned step; /* of what the habit does once it is up */
	uint16_t seq;
	struct phone_view view; /* of this call only */
};

struct phone {
	pthread_t thread;
	pthread_mutex_t lock; /* guards all that follows */
	TAILQ_HEAD(, call) calls;
	unsigned n;
	int sip, decoy;
	unsigned port, decoy_port, decoys;
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

/* The value of the n-th header of this name; length in *len, NULL = none. */
static const char *header(const char *msg, const char *name, int n, size_t *len)
{
	size_t name_len = strlen(name);

	for (const char *p = strchr(msg, '\n'); p && p[1] != '\r'; p = strchr(p + 1, '\n')) {
		if (strncasecmp(p + 1, name, name_len) != 0 || p[1 + name_len] != ':' || n-- > 0)
			continue;
		const char *value = p + 2 + name_len;
		value += strspn(value, " ");
		*len = strcspn(value, "\r\n");
		return value;
	}
	return NULL;
}

static void copy_header(char *buf, size_t size_bytes, const char *msg, const char *name)
{
	size_t len = 0;
	const char *value = header(msg, name, 0, &len);

	snprintf(buf, size_bytes, "%.*s", (int)len, value ? value : "");
}

static unsigned cseq_of(const char *msg)
{
	char text[40];

	copy_header(text, sizeof(text), msg, "CSeq");
	return (unsigned)strtoul(text, NULL, 10);
}

static void send_text(const struct phone *phone, const struct sockaddr_in *to, struct tc_buf *b)
{
	ssize_t n =
		sendto(phone->sip, b->data, b->len, 0, (const struct sockaddr *)to, sizeof(*to));

	(void)n; /* a lost datagram is sent again */
	tc_buf_fini(b);
}

/* Answer a request: more = further headers and the body, or NULL. */
static void answer(const struct phone *phone, const struct sockaddr_in *to, const char *request,
		   const char *status, const char *more)
{
	char to_value[300];
	struct tc_buf b = {0};
	const char *value;
	size_t len = 0;

	tc_buf_printf(&b, "SIP/2.0 %s\r\n", status);
	for (int i = 0; (value = header(request, "Via", i, &len)); i++)
		tc_buf_printf(&b, "Via: %.*s\r\n", (int)len, value);
	value = header(request, "From", 0, &len);
	tc_buf_printf(&b, "From: %.*s\r\n", (int)len, value ? value : "");
	copy_header(to_value, sizeof(to_value), request, "To");
	tc_buf_printf(&b, "To: %s%s\r\n", to_value, strstr(to_value, ";tag=") ? "" : ";tag=phone");
	value = header(request, "Call-ID", 0, &len);
	tc_buf_printf(&b, "Call-ID: %.*s\r\n", (int)len, value ? value : "");
	value = header(request, "CSeq", 0, &len);
	tc_buf_printf(&b, "CSeq: %.*s\r\n", (int)len, value ? value : "");
	tc_buf_puts(&b, more ? more : "Content-Length: 0\r\n\r\n");
	send_text(phone, to, &b);
}

/* Contact, and a body that says where sound is wanted. */
static char *sdp(const struct phone *phone, const struct call *c, const char *direction)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	char body[400];

	getsockname(c->rtp, (struct sockaddr *)&in, &len);
	int n = snprintf(body, sizeof(body),
			 "v=0\r\no=phone 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
			 "t=0 0\r\nm=audio %u RTP/AVP 0 %d\r\na=rtpmap:%d telephone-event/8000\r\n"
			 "a=%s\r\n",
			 ntohs(in.sin_port), EVENT_PT, EVENT_PT, direction);
	return tc_asprintf("Contact: <sip:phone@127.0.0.1:%u>\r\nContent-Type: application/sdp\r\n"
			   "Content-Length: %d\r\n\r\n%s",
			   phone->port, n, body);
}

/* A request of ours in the dialog. */
static void request(const struct phone *phone, struct call *c, const char *method, unsigned cseq,
		    const char *more)
{
	char from[300], to[300];
	struct tc_buf b = {0};

	copy_header(from, sizeof(from), c->invite, "From");
	copy_header(to, sizeof(to), c->invite, "To");
	tc_buf_printf(&b, "%s %s SIP/2.0\r\n", method, c->contact);
	tc_buf_printf(&b, "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKphone%s%u;rport\r\n",
		      phone->port, c->id, cseq);
	tc_buf_printf(&b, "Max-Forwards: 70\r\nFrom: %s;tag=phone\r\nTo: %s\r\n", to, from);
	tc_buf_printf(&b, "Call-ID: %s\r\nCSeq: %u %s\r\n", c->id, cseq, method);
	tc_buf_puts(&b, more ? more : "Content-Length: 0\r\n\r\n");
	send_text(phone, &c->peer, &b);
}

/* ---- calls ---- */

static struct call *find(struct phone *phone, const char *msg)
{
	char id[64];
	struct call *c;

	copy_header(id, sizeof(id), msg, "Call-ID");
	TAILQ_FOREACH (c, &phone->calls, link)
		if (!strcmp(c->id, id))
			return c;
	return NULL;
}

static void enter(struct phone *phone, struct call *c, enum call_state state)
{
	struct call *other;
	unsigned live = 0;

	c->state = state;
	c->view.ringing = state == RINGS;
	c->view.up = state == UP;
	if (state == OVER)
		c->view.ended_us = now_us();
	TAILQ_FOREACH (other, &phone->calls, link)
		live += !strcmp(other->number, c->number) &&
			(other->state == RINGS || other->state == UP);
	if (live > c->view.most)
		c->view.most = live;
}

static void pick_up(struct phone *phone, struct call *c)
{
	char *more = sdp(phone, c, "sendrecv");

	answer(phone, &c->peer, c->invite, "200 OK", more);
	free(more);
	if (c->state != UP) {
		enter(phone, c, UP);
		c->up_us = now_us();
	}
	c->resend_us = now_us() + RESEND_US;
}

static void refuse(struct phone *phone, struct call *c, const char *status)
{
	char *more = NULL;

	if (c->habit == PHONE_REDIRECTS)
		more = tc_asprintf("Contact: <sip:gold@127.0.0.1:%u>\r\nContent-Length: 0\r\n\r\n",
				   phone->decoy_port);
	answer(phone, &c->peer, c->invite, status, more);
	free(more);
	enter(phone, c, REFUSED);
	c->resend_us = now_us() + RESEND_US;
}

/* Where the far end wants sound, from its SDP. */
static void read_sdp(struct call *c, const char *msg)
{
	const char *m = strstr(msg, "\nm=audio ");
	const char *ip = strstr(msg, "\nc=IN IP4 ");
	char text[20];

	if (!m || !ip)
		return;
	snprintf(text, sizeof(text), "%.*s", (int)strspn(ip + 10, "0123456789."), ip + 10);
	c->media.sin_family = AF_INET;
	c->media.sin_port = htons((uint16_t)strtoul(m + 9, NULL, 10));
	inet_pton(AF_INET, text, &c->media.sin_addr);
}

static void first_invite(struct phone *phone, const char *msg, const struct sockaddr_in *src)
{
	struct call *c = tc_alloc(sizeof(*c));
	unsigned port;
	char contact[240];

	if (phone->n++ == CALLS_MAX)
		abort();
	snprintf(c->number, sizeof(c->number), "%.*s", (int)strcspn(msg + 11, "@"), msg + 11);
	copy_header(c->id, sizeof(c->id), msg, "Call-ID");
	copy_header(contact, sizeof(contact), msg, "Contact");
	snprintf(c->contact, sizeof(c->contact), "%.*s", (int)strcspn(contact + 1, ">"),
		 contact + 1);
	c->habit = (enum phone_habit)c->number[0];
	c->peer = *src;
	c->invite = tc_strdup(msg);
	c->cseq = cseq_of(msg);
	c->rtp = open_socket(&port);
	c->begun_us = now_us();
	c->view.calls = c->view.invites = 1;
	read_sdp(c, msg);
	TAILQ_INSERT_TAIL(&phone->calls, c, link);
	enter(phone, c, RINGS);
	if (c->habit == PHONE_DEAF)
		return;
	answer(phone, src, msg, "100 Trying", NULL);
	if (c->habit == PHONE_REFUSES) {
		char status[20];
		snprintf(status, sizeof(status), "%.3s Refused", c->number + 1);
		refuse(phone, c, status);
	} else if (c->habit == PHONE_REDIRECTS) {
		refuse(phone, c, "302 Moved Temporarily");
	} else if (c->habit != PHONE_ANSWERS_BLIND) {
		answer(phone, src, msg, "180 Ringing", NULL);
	}
}

static void on_invite(struct phone *phone, const char *msg, const struct sockaddr_in *src)
{
	struct call *c = find(phone, msg);

	if (!c)
		first_invite(phone, msg, src);
	else if (cseq_of(msg) > c->cseq) /* nothing here asks for it */
		c->view.invites++;
}

static void on_cancel(struct phone *phone, const char *msg, const struct sockaddr_in *src)
{
	struct call *c = find(phone, msg);
	size_t len = 0, ours_len = 0;
	const char *via = header(msg, "Via", 0, &len);
	const char *ours = c ? header(c->invite, "Via", 0, &ours_len) : NULL;

	/* RFC 3261 9.2: by the transaction, that is by branch and sent-by */
	if (!ours || len != ours_len || memcmp(via, ours, len) != 0 || c->state != RINGS ||
	    c->habit == PHONE_DEAF) {
		if (!c || c->habit != PHONE_DEAF)
			answer(phone, src, msg, "481 Transaction Does Not Exist", NULL);
		return;
	}
	c->view.cancels++;
	answer(phone, src, msg, "200 OK", NULL);
	c->peer = *src;
	refuse(phone, c, "487 Request Terminated");
}

static void on_ack(struct phone *phone, const char *msg)
{
	struct call *c = find(phone, msg);

	if (!c || c->acked)
		return;
	c->acked = true;
	c->view.acks++;
	c->view.acked_us = now_us();
	if (c->state == REFUSED)
		enter(phone, c, OVER);
}

static void on_bye(struct phone *phone, const char *msg, const struct sockaddr_in *src)
{
	struct call *c = find(phone, msg);

	if (!c || c->state != UP || !strstr(msg, ";tag=phone")) {
		answer(phone, src, msg, "481 Call Does Not Exist", NULL);
		return;
	}
	c->view.byes++;
	answer(phone, src, msg, "200 OK", NULL);
	enter(phone, c, OVER);
}

static void on_sip(struct phone *phone)
{
	char msg[4096];
	struct sockaddr_in src;
	socklen_t src_len = sizeof(src);
	ssize_t n =
		recvfrom(phone->sip, msg, sizeof(msg) - 1, 0, (struct sockaddr *)&src, &src_len);

	if (n <= 0)
		return;
	msg[n] = '\0';
	if (!strncmp(msg, "INVITE ", 7))
		on_invite(phone, msg, &src);
	else if (!strncmp(msg, "CANCEL ", 7))
		on_cancel(phone, msg, &src);
	else if (!strncmp(msg, "ACK ", 4))
		on_ack(phone, msg);
	else if (!strncmp(msg, "BYE ", 4))
		on_bye(phone, msg, &src);
	else if (!strncmp(msg, "OPTIONS ", 8))
		answer(phone, &src, msg, "200 OK", NULL);
	else if (!strncmp(msg, "SIP/2.0 2", 9) && strstr(msg, " INVITE\r\n")) {
		struct call *c = find(phone, msg);
		if (c)
			request(phone, c, "ACK", cseq_of(msg), NULL);
	}
}

/* A key of ours; source: RFC 4733 2.3. */
static void on_event(struct call *c, const uint8_t *packet)
{
	struct phone_view *v = &c->view;
	size_t n = strlen(v->keys);

	if (packet[1] & 0x80 && n + 1 < sizeof(v->keys) && packet[12] < 16) {
		v->keys[n] = "0123456789*#ABCD"[packet[12]];
		v->key_us = now_us();
	}
	v->events++;
	v->ends += packet[13] >> 7;
	v->event_ms = (unsigned)(packet[14] << 8 | packet[15]) / 8;
}

static void on_rtp(struct call *c)
{
	uint8_t packet[512];
	ssize_t n = recv(c->rtp, packet, sizeof(packet), 0);
	bool silent = true;

	if (n < 12 || c->state != UP)
		return;
	if (n >= 16 && (packet[1] & 0x7f) == EVENT_PT) {
		on_event(c, packet);
		return;
	}
	c->view.last_packet_us = now_us();
	if (!c->view.packets++) {
		c->view.first_packet_us = c->view.last_packet_us;
		c->view.first_marked = packet[1] & 0x80;
	}
	c->view.markers += packet[1] >> 7;
	for (ssize_t i = 12; i < n; i++)
		silent = silent && (packet[i] == 0xff || packet[i] == 0x7f);
	if (!silent && !c->view.speech++)
		c->view.first_speech_us = c->view.last_packet_us;
}

/* ---- habits ---- */

struct event {
	uint8_t key;
	uint32_t stamp;
	bool end;
};

static void send_event(struct call *c, const struct event *e)
{
	uint16_t duration = e->end ? 800 : 160;
	uint8_t p[16] = {0x80, EVENT_PT};

	p[2] = (uint8_t)(++c->seq >> 8);
	p[3] = (uint8_t)c->seq;
	p[6] = (uint8_t)(e->stamp >> 8);
	p[7] = (uint8_t)e->stamp;
	p[11] = 7; /* SSRC */
	p[12] = e->key;
	p[13] = (uint8_t)(e->end ? 0x8a : 0x0a);
	p[14] = (uint8_t)(duration >> 8);
	p[15] = (uint8_t)duration;
	ssize_t n = sendto(c->rtp, p, sizeof(p), 0, (struct sockaddr *)&c->media, sizeof(c->media));
	(void)n;
}

/* "1": sent often, one packet late. "1" again: only its ends arrive. "#": only its beginning. */
static const struct event presses[] = {
	{1, 1000, false}, {1, 1000, false}, {1, 1000, true}, {1, 1000, true}, {1, 1000, false},
	{1, 1000, true},  {1, 5000, true},  {1, 5000, true}, {1, 1000, true}, {11, 9000, false},
};

/* As a person does: "1", "1", "#", each 100 ms long, 400 ms apart. */
static void press_well(struct call *c, int64_t up_us)
{
	static const uint8_t keys[] = {1, 1, 11};
	unsigned key = c->step / 8, part = c->step % 8;

	if (key < sizeof(keys) && up_us > 400000 * key + 20000 * part + 20000) {
		send_event(c, &(struct event){keys[key], 1000 + 4000 * key, part > 4});
		c->step++;
	}
}

static void press(struct call *c, int64_t up_us)
{
	if (c->step < sizeof(presses) / sizeof(presses[0]) && up_us > 20000 * (c->step + 1))
		send_event(c, &presses[c->step++]);
}

static void hold(struct phone *phone, struct call *c, int64_t up_us)
{
	if ((c->step == 0 && up_us > 200000) || (c->step == 1 && up_us > 800000)) {
		char *more = sdp(phone, c, c->step ? "sendrecv" : "sendonly");
		request(phone, c, "INVITE", 10 + c->step++, more);
		free(more);
	}
}

/* As much of the tape as is due. */
static void speak(struct call *c, int64_t up_us)
{
	for (; c->step < up_us / 20000; c->step++) {
		uint8_t p[12 + TAPE_FRAME] = {0x80};
		uint32_t stamp = c->step * TAPE_FRAME;

		p[2] = (uint8_t)(++c->seq >> 8);
		p[3] = (uint8_t)c->seq;
		for (int i = 0; i < 4; i++)
			p[4 + i] = (uint8_t)(stamp >> (24 - 8 * i));
		p[11] = 7; /* SSRC */
		tape_play((enum tape)c->number[1], c->step, p + 12);
		ssize_t n = sendto(c->rtp, p, sizeof(p), 0, (struct sockaddr *)&c->media,
				   sizeof(c->media));
		(void)n;
	}
}

/* What a call does by itself. */
static void act(struct phone *phone, struct call *c, int64_t now)
{
	int64_t age_us = now - c->begun_us;
	bool late = age_us > (c->habit == PHONE_ANSWERS_BLIND ? 300000 : 100000);

	if (c->state == RINGS && late && !strchr("28", (char)c->habit))
		pick_up(phone, c);
	if ((c->state == UP || c->state == REFUSED) && !c->acked && now > c->resend_us) {
		if (c->state == UP)
			pick_up(phone, c);
		c->resend_us = now + RESEND_US;
	}
	if (c->state != UP || !c->acked)
		return;
	int64_t up_us = now - c->up_us;
	if (c->habit == PHONE_PRESSES)
		press(c, up_us);
	if (c->habit == PHONE_PRESSES_WELL)
		press_well(c, up_us);
	if (c->habit == PHONE_SPEAKS)
		speak(c, up_us);
	if (c->habit == PHONE_HOLDS)
		hold(phone, c, up_us);
	if (c->habit == PHONE_HANGS_UP && up_us > 300000) {
		request(phone, c, "BYE", 20, "Reason: Q.850;cause=16\r\nContent-Length: 0\r\n\r\n");
		enter(phone, c, OVER);
	}
}

/* ---- the thread ---- */

static void turn(struct phone *phone)
{
	struct pollfd fds[CALLS_MAX + 2] = {{.fd = phone->sip, .events = POLLIN},
					    {.fd = phone->decoy, .events = POLLIN}};
	struct call *c;
	char byte;
	nfds_t n = 2;

	TAILQ_FOREACH (c, &phone->calls, link)
		fds[n++] = (struct pollfd){.fd = c->rtp, .events = POLLIN};
	pthread_mutex_unlock(&phone->lock);
	poll(fds, n, 5);
	pthread_mutex_lock(&phone->lock);
	if (fds[0].revents)
		on_sip(phone);
	if (fds[1].revents && recv(phone->decoy, &byte, 1, 0) >= 0)
		phone->decoys++;
	n = 2;
	TAILQ_FOREACH (c, &phone->calls, link) {
		if (fds[n].fd == c->rtp && fds[n].revents)
			on_rtp(c);
		n++;
		act(phone, c, now_us());
	}
}

static void *run(void *arg)
{
	struct phone *phone = arg;

	pthread_mutex_lock(&phone->lock);
	while (!phone->stop)
		turn(phone);
	pthread_mutex_unlock(&phone->lock);
	return NULL;
}

struct phone *phone_new(void)
{
	struct phone *phone = tc_alloc(sizeof(*phone));

	pthread_mutex_init(&phone->lock, NULL);
	TAILQ_INIT(&phone->calls);
	phone->sip = open_socket(&phone->port);
	phone->decoy = open_socket(&phone->decoy_port);
	if (pthread_create(&phone->thread, NULL, run, phone))
		abort();
	return phone;
}

void phone_free(struct phone *phone)
{
	struct call *c;

	pthread_mutex_lock(&phone->lock);
	phone->stop = true;
	pthread_mutex_unlock(&phone->lock);
	pthread_join(phone->thread, NULL);
	while ((c = TAILQ_FIRST(&phone->calls))) {
		TAILQ_REMOVE(&phone->calls, c, link);
		close(c->rtp);
		free(c->invite);
		free(c);
	}
	close(phone->sip);
	close(phone->decoy);
	pthread_mutex_destroy(&phone->lock);
	free(phone);
}

unsigned phone_port(const struct phone *phone)
{
	return phone->port;
}

unsigned phone_decoy_port(const struct phone *phone)
{
	return phone->decoy_port;
}

/* What the calls of one number have seen, in the order in which they came. */
static void add_view(struct phone_view *v, const struct phone_view *w)
{
	v->calls += w->calls;
	v->invites += w->invites;
	v->ringing += w->ringing;
	v->up += w->up;
	v->most = w->most > v->most ? w->most : v->most;
	v->cancels += w->cancels;
	v->byes += w->byes;
	v->acks += w->acks;
	v->packets += w->packets;
	v->speech += w->speech;
	v->markers += w->markers;
	v->first_marked = w->first_marked;
	v->acked_us = w->acked_us;
	v->first_packet_us = w->first_packet_us;
	v->first_speech_us = w->first_speech_us;
	v->last_packet_us = w->last_packet_us;
	v->ended_us = w->ended_us;
	memcpy(v->keys, w->keys, sizeof(v->keys));
	v->events += w->events;
	v->ends += w->ends;
	v->event_ms = w->event_ms;
	v->key_us = w->key_us;
}

struct phone_view phone_view(struct phone *phone, const char *number)
{
	struct phone_view v = {0};
	struct call *c;

	pthread_mutex_lock(&phone->lock);
	TAILQ_FOREACH (c, &phone->calls, link)
		if (!strcmp(c->number, number))
			add_view(&v, &c->view);
	pthread_mutex_unlock(&phone->lock);
	return v;
}

unsigned phone_decoys(struct phone *phone)
{
	pthread_mutex_lock(&phone->lock);
	unsigned n = phone->decoys;
	pthread_mutex_unlock(&phone->lock);
	return n;
}
