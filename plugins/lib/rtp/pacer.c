/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pacing thread. Per frame it copies, perhaps encrypts, and sends; all else is done by
 * others before.
 */
#include "pacer.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#define SLOTS   20
#define TICK_NS 1000000
#define LATE_NS 5000000
#define STALL_NS                                                                                   \
	200000000 /* after a longer stall the schedule starts anew instead of sending a burst */
#define PRIORITY 10
#define HEADER   12
#define ROOM     32 /* behind the payload, for what encryption adds */

TAILQ_HEAD(stream_list, stream);

struct slot {
	pthread_mutex_t lock;
	struct stream_list streams;
	unsigned n; /* written by the owner's thread only */
};

struct stream {
	TAILQ_ENTRY(stream) link;
	struct pacer *pacer;
	struct slot *slot; /* NULL until started; its lock guards all below */
	char call_id[TC_ID_SIZE];
	int fd;
	struct sockaddr_in to;
	enum g711_law law;
	uint16_t seq;
	uint32_t stamp, ssrc, total_ms;
	bool first, hold;
	struct playlist *list; /* owned */
	struct keys keys;
	int event_type; /* payload type of keys, or KEYS_INBAND */
	stream_seal_fn seal;
	void *seal_arg;
};

struct pacer {
	struct tc_instance *self;
	pthread_t thread;
	int notify_fd;
	struct slot slots[SLOTS];
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	STAILQ_HEAD(, pacer_end) ends;
	unsigned streams;
	bool stop;
	atomic_uint tick; /* the slot that is next, modulo SLOTS */
	atomic_bool realtime;
	atomic_uint_least64_t packets, late, failed;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* ---- the thread ---- */

static void tell_end(struct stream *s, const struct playlist_end *end)
{
	struct pacer *pacer = s->pacer;
	struct pacer_end *note = tc_alloc(sizeof(*note));
	uint64_t one = 1;

	memcpy(note->call_id, s->call_id, sizeof(note->call_id));
	note->end = *end;
	note->total_ms = s->total_ms;
	note->at_us = now_ns() / 1000;
	pthread_mutex_lock(&pacer->lock);
	STAILQ_INSERT_TAIL(&pacer->ends, note, link);
	pthread_mutex_unlock(&pacer->lock);
	/* Only a counter that is full could refuse, and then the reader is awake. */
	ssize_t n = write(pacer->notify_fd, &one, sizeof(one));
	(void)n;
}

/* The next payload, and the ends that it brings. */
static void fill(struct stream *s, uint8_t *payload)
{
	struct playlist_end end = {0};
	const uint8_t *frame = NULL;
	bool sound = false, ended = false;

	if (s->list) {
		while (playlist_skip(s->list, &end))
			tell_end(s, &end);
		frame = playlist_next(s->list, s->law == G711_ALAW, &sound, &ended, &end);
	}
	if (frame)
		memcpy(payload, frame, FRAME);
	else
		memset(payload, s->law == G711_ALAW ? G711_ALAW_SILENCE : G711_ULAW_SILENCE, FRAME);
	if (sound)
		s->total_ms += ended && end.item_ms % 20 ? end.item_ms % 20 : 20;
	if (ended)
		tell_end(s, &end);
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* A key takes the place of what plays. */
static size_t fill_key(struct stream *s, uint8_t *packet)
{
	struct keys_frame key = keys_next(&s->keys, s->event_type != KEYS_INBAND, s->law,
					  packet + HEADER);

	if (!key.event)
		return HEADER + FRAME;
	packet[1] = (uint8_t)((key.begins ? 0x80 : 0) | s->event_type);
	put32(packet + 4, s->stamp - key.samples);
	return HEADER + KEYS_EVENT_SIZE;
}

/* One RTP packet; source: RFC 3550 5.1. The marker begins a talkspurt (RFC 3551 4.1). */
static bool send_frame(struct stream *s)
{
	uint8_t packet[HEADER + FRAME + ROOM];
	size_t len;

	packet[0] = 0x80;
	packet[1] = (uint8_t)((s->first ? 0x80 : 0) | s->law);
	packet[2] = (uint8_t)(s->seq >> 8);
	packet[3] = (uint8_t)s->seq;
	put32(packet + 4, s->stamp);
	put32(packet + 8, s->ssrc);
	fill(s, packet + HEADER);
	len = fill_key(s, packet);
	s->seq++;
	s->stamp += FRAME;
	s->first = false;
	if (s->seal && s->seal(s->seal_arg, packet, &len, sizeof(packet)))
		return false;
	return sendto(s->fd, packet, len, MSG_DONTWAIT, (const struct sockaddr *)&s->to,
		      sizeof(s->to)) >= 0;
}

static void run_slot(struct pacer *pacer, struct slot *slot, int64_t due_ns)
{
	struct stream *s;
	unsigned sent = 0, failed = 0;

	pthread_mutex_lock(&slot->lock);
	TAILQ_FOREACH (s, &slot->streams, link) {
		if (s->hold || s->to.sin_port == 0)
			continue;
		if (send_frame(s))
			sent++;
		else
			failed++;
	}
	pthread_mutex_unlock(&slot->lock);
	if (sent)
		atomic_fetch_add_explicit(&pacer->packets, sent, memory_order_relaxed);
	if (failed)
		atomic_fetch_add_explicit(&pacer->failed, failed, memory_order_relaxed);
	if (sent && now_ns() - due_ns > LATE_NS)
		atomic_fetch_add_explicit(&pacer->late, sent, memory_order_relaxed);
}

/* Wait while there is nothing to send. result: false = the end */
static bool wait_for_streams(struct pacer *pacer, bool *waited)
{
	*waited = false;
	pthread_mutex_lock(&pacer->lock);
	while (pacer->streams == 0 && !pacer->stop) {
		*waited = true;
		pthread_cond_wait(&pacer->wake, &pacer->lock);
	}
	bool go_on = !pacer->stop;
	pthread_mutex_unlock(&pacer->lock);
	return go_on;
}

static void ask_for_priority(struct pacer *pacer)
{
	struct sched_param param = {.sched_priority = PRIORITY};
	int err = pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);

	atomic_store(&pacer->realtime, err == 0);
	if (err)
		tc_log(pacer->self, TC_LOG_INFO,
		       "sound is sent without real-time priority: %s (LimitRTPRIO=%d would allow "
		       "it)",
		       strerror(err), PRIORITY);
	prctl(PR_SET_TIMERSLACK, 1);
}

static void *run(void *arg)
{
	struct pacer *pacer = arg;
	int64_t due = now_ns();
	bool waited;

	ask_for_priority(pacer);
	while (wait_for_streams(pacer, &waited)) {
		if (waited || now_ns() - due > STALL_NS)
			due = now_ns();
		due += TICK_NS;
		sleep_until(due);
		unsigned tick = atomic_load_explicit(&pacer->tick, memory_order_relaxed);
		run_slot(pacer, &pacer->slots[tick], due);
		atomic_store_explicit(&pacer->tick, (tick + 1) % SLOTS, memory_order_relaxed);
	}
	return NULL;
}

/* ---- the pacer ---- */

/* A thread of high priority that waits for a lock lends its priority to the holder. */
static void lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

struct pacer *pacer_new(struct tc_instance *self, int notify_fd)
{
	struct pacer *pacer = tc_alloc(sizeof(*pacer));
	sigset_t all, old;

	pacer->self = self;
	pacer->notify_fd = notify_fd;
	STAILQ_INIT(&pacer->ends);
	lock_init(&pacer->lock);
	pthread_cond_init(&pacer->wake, NULL);
	for (int i = 0; i < SLOTS; i++) {
		lock_init(&pacer->slots[i].lock);
		TAILQ_INIT(&pacer->slots[i].streams);
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int err = pthread_create(&pacer->thread, NULL, run, pacer);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		tc_log(self, TC_LOG_ERROR, "cannot start the pacing thread: %s", strerror(err));
		free(pacer);
		return NULL;
	}
	pthread_setname_np(pacer->thread, "rtp-pacer");
	return pacer;
}

void pacer_free(struct pacer *pacer)
{
	struct pacer_end *note;

	pthread_mutex_lock(&pacer->lock);
	pacer->stop = true;
	pthread_cond_signal(&pacer->wake);
	pthread_mutex_unlock(&pacer->lock);
	pthread_join(pacer->thread, NULL);
	while ((note = pacer_take(pacer)))
		free(note);
	for (int i = 0; i < SLOTS; i++)
		pthread_mutex_destroy(&pacer->slots[i].lock);
	pthread_cond_destroy(&pacer->wake);
	pthread_mutex_destroy(&pacer->lock);
	free(pacer);
}

struct pacer_end *pacer_take(struct pacer *pacer)
{
	pthread_mutex_lock(&pacer->lock);
	struct pacer_end *note = STAILQ_FIRST(&pacer->ends);
	if (note)
		STAILQ_REMOVE_HEAD(&pacer->ends, link);
	pthread_mutex_unlock(&pacer->lock);
	return note;
}

struct pacer_figures pacer_figures(struct pacer *pacer)
{
	struct pacer_figures f = {
		.packets = atomic_load(&pacer->packets),
		.late = atomic_load(&pacer->late),
		.failed = atomic_load(&pacer->failed),
		.realtime = atomic_load(&pacer->realtime),
	};

	pthread_mutex_lock(&pacer->lock);
	f.streams = pacer->streams;
	pthread_mutex_unlock(&pacer->lock);
	return f;
}

/* ---- streams ---- */

static void stream_lock(struct stream *s)
{
	if (s->slot)
		pthread_mutex_lock(&s->slot->lock);
}

static void stream_unlock(struct stream *s)
{
	if (s->slot)
		pthread_mutex_unlock(&s->slot->lock);
}

struct stream *stream_new(struct pacer *pacer, const char *call_id, int fd)
{
	struct stream *s = tc_alloc(sizeof(*s));
	uint32_t random[3] = {0};

	if (getrandom(random, sizeof(random), GRND_NONBLOCK) < 0)
		random[0] = random[1] = random[2] = (uint32_t)now_ns();
	s->pacer = pacer;
	tc_strcopy(s->call_id, sizeof(s->call_id), call_id);
	s->fd = fd;
	s->first = true;
	/*
	 * The upper half of the range is left free: a receiver may only guess the roll-over
	 * (RFC 3711 3.3.1).
	 */
	s->seq = random[0] & 0x7fff;
	s->stamp = random[1];
	s->ssrc = random[2];
	return s;
}

void stream_seal(struct stream *s, stream_seal_fn seal, void *arg)
{
	stream_lock(s);
	s->seal = seal;
	s->seal_arg = arg;
	stream_unlock(s);
}

void stream_aim(struct stream *s, const struct sockaddr_in *to, enum g711_law law)
{
	stream_lock(s);
	s->to = *to;
	s->law = law;
	stream_unlock(s);
}

void stream_hold(struct stream *s, bool hold)
{
	stream_lock(s);
	s->hold = hold;
	stream_unlock(s);
}

void stream_start(struct stream *s)
{
	struct pacer *pacer = s->pacer;
	unsigned next = atomic_load_explicit(&pacer->tick, memory_order_relaxed);
	struct slot *best = NULL;

	if (s->slot)
		return;
	/* The emptiest slot; of these the next one. */
	for (unsigned i = 1; i <= SLOTS; i++) {
		struct slot *slot = &pacer->slots[(next + i) % SLOTS];
		if (!best || slot->n < best->n)
			best = slot;
	}
	s->slot = best;
	best->n++;
	pthread_mutex_lock(&best->lock);
	TAILQ_INSERT_TAIL(&best->streams, s, link);
	pthread_mutex_unlock(&best->lock);
	pthread_mutex_lock(&pacer->lock);
	pacer->streams++;
	pthread_cond_signal(&pacer->wake);
	pthread_mutex_unlock(&pacer->lock);
}

void stream_free(struct stream *s)
{
	struct pacer *pacer = s->pacer;

	if (s->slot) {
		pthread_mutex_lock(&s->slot->lock);
		TAILQ_REMOVE(&s->slot->streams, s, link);
		pthread_mutex_unlock(&s->slot->lock);
		s->slot->n--;
		pthread_mutex_lock(&pacer->lock);
		pacer->streams--;
		pthread_mutex_unlock(&pacer->lock);
	}
	playlist_free(s->list);
	free(s);
}

void stream_play(struct stream *s, struct playlist *list)
{
	stream_lock(s);
	struct playlist *old = s->list;
	s->list = list;
	stream_unlock(s);
	playlist_free(old);
}

int stream_press(struct stream *s, const char *keys, int event_type)
{
	stream_lock(s);
	s->event_type = event_type;
	int err = keys_press(&s->keys, keys);
	stream_unlock(s);
	return err;
}

uint32_t stream_total_ms(struct stream *s)
{
	stream_lock(s);
	uint32_t total = s->total_ms;
	stream_unlock(s);
	return total;
}
