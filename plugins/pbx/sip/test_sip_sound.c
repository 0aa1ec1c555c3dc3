/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the sound of the SIP trunk: G.711, rates, tones, coded clips, play lists, pacing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include <tocsin/alloc.h>

#include "rtp/clips.h"
#include "rtp/g711.h"
#include "rtp/keys.h"
#include "goertzel.h"
#include "rtp/pacer.h"
#include "rtp/playlist.h"
#include "rtp/resample.h"

#define RATE 8000

/* ---- G.711 ---- */

struct code_row {
	int16_t pcm;
	uint8_t ulaw, alaw;
};

/* By CPython's audioop, which agrees with ours for all 65536 values. */
static void codes_are_those_of_the_tables(void **state)
{
	static const struct code_row rows[] = {
		{-32768, 0x00, 0x2a}, {-20000, 0x0c, 0x26}, {-1000, 0x4e, 0x7a}, {-8, 0x7e, 0x55},
		{-1, 0x7e, 0x55},     {0, 0xff, 0xd5},      {7, 0xfe, 0xd5},     {1000, 0xce, 0xfa},
		{20000, 0x8c, 0xa6},  {32767, 0x80, 0xaa},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(g711_ulaw_encode(rows[i].pcm), rows[i].ulaw);
		assert_int_equal(g711_alaw_encode(rows[i].pcm), rows[i].alaw);
	}
}

static void codes_come_back(void **state)
{
	(void)state;
	for (int code = 0; code < 256; code++) {
		if (code != 0x7f) /* the other zero of u-law */
			assert_int_equal(g711_ulaw_encode(g711_ulaw_decode((uint8_t)code)), code);
		assert_int_equal(g711_alaw_encode(g711_alaw_decode((uint8_t)code)), code);
	}
	for (int pcm = -32000; pcm < 32000; pcm++) {
		int bound = abs(pcm) / 16 + 16;
		assert_true(abs(g711_ulaw_decode(g711_ulaw_encode((int16_t)pcm)) - pcm) < bound);
		assert_true(abs(g711_alaw_decode(g711_alaw_encode((int16_t)pcm)) - pcm) < bound);
	}
}

/* ---- keys ---- */

static void keys_are_checked(void **state)
{
	struct keys k = {0};

	(void)state;
	assert_true(keys_valid("0123456789*#ABCD"));
	assert_false(keys_valid(""));
	assert_false(keys_valid("12a"));
	assert_false(keys_valid("1,2"));
	assert_true(keys_valid("00000000000000000000000000000000"));
	assert_false(keys_valid("000000000000000000000000000000000"));
	assert_int_equal(keys_press(&k, "00000000000000000000000000000"), 0);
	assert_int_equal(keys_press(&k, "1234"), -EBUSY);
	assert_int_equal(keys_press(&k, "123"), 0);
}

/* RFC 4733 2.5.1: a growing duration, the end thrice, one time for the whole event. */
static void keys_become_events(void **state)
{
	uint8_t payload[FRAME];
	struct keys k = {0};

	(void)state;
	assert_false(keys_next(&k, true, G711_ULAW, payload).event);
	assert_int_equal(keys_press(&k, "#"), 0);
	assert_int_equal(keys_press(&k, "4"), 0);
	for (unsigned key = 0; key < 2; key++)
		for (unsigned tick = 0; tick < 15; tick++) {
			struct keys_frame f = keys_next(&k, true, G711_ALAW, payload);
			unsigned duration = (unsigned)(payload[2] << 8 | payload[3]);

			assert_false(f.tones);
			assert_int_equal(f.event, tick < 10);
			if (!f.event)
				continue;
			assert_int_equal(f.begins, tick == 0);
			assert_int_equal(f.samples, tick * 160);
			assert_int_equal(payload[0], key ? 4 : 11);
			assert_int_equal(payload[1], tick < 7 ? 10 : 0x8a);
			assert_int_equal(duration, tick < 7 ? (tick + 1) * 160 : 1280);
		}
	assert_false(keys_next(&k, true, G711_ULAW, payload).event);
}

/* Our own ear hears each of them once, in both laws. */
static void keys_become_tones(void **state)
{
	static const enum g711_law laws[] = {G711_ULAW, G711_ALAW};
	static const char all[] = "0123456789*#ABCD";

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct goertzel ear = {0};
		struct keys k = {0};
		char heard[40] = "", now[8];
		size_t n = 0;

		assert_int_equal(keys_press(&k, all), 0);
		for (size_t frame = 0; frame < 16 * 15 + 5; frame++) {
			uint8_t code[FRAME];
			int16_t pcm[FRAME];

			memset(code, i ? G711_ALAW_SILENCE : G711_ULAW_SILENCE, sizeof(code));
			struct keys_frame f = keys_next(&k, false, laws[i], code);
			assert_false(f.event);
			g711_decode(laws[i], code, pcm, FRAME);
			size_t more = goertzel_feed(&ear, pcm, FRAME, now, sizeof(now));
			assert_true(n + more < sizeof(heard));
			memcpy(heard + n, now, more);
			n += more;
		}
		heard[n] = '\0';
		assert_string_equal(heard, all);
	}
}

/* ---- rates ---- */

static int16_t *tone(uint32_t rate, double hz, size_t n)
{
	int16_t *pcm = tc_calloc(n, sizeof(*pcm));

	for (size_t i = 0; i < n; i++)
		pcm[i] = (int16_t)lrint(10000 * sin(2 * M_PI * hz * (double)i / rate));
	return pcm;
}

/* The root mean square of the middle, where no edge is felt. */
static double rms(const int16_t *pcm, size_t n)
{
	double sum = 0;

	for (size_t i = n / 4; i < n * 3 / 4; i++)
		sum += (double)pcm[i] * pcm[i];
	return sqrt(2 * sum / (double)n);
}

static double level_after(uint32_t rate, double hz)
{
	size_t n = rate / 2, m = resample_length(n, rate);
	int16_t *in = tone(rate, hz, n), *out = tc_calloc(m, sizeof(*out));
	double level;

	assert_int_equal(resample(in, n, rate, out), 0);
	level = rms(out, m) / rms(in, n);
	free(in);
	free(out);
	return level;
}

static void rates_are_changed(void **state)
{
	static const uint32_t rates[] = {8000, 11025, 16000, 22050, 24000, 44100, 48000};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		assert_int_equal(resample_length(rates[i], rates[i]), RATE);
		assert_true(fabs(level_after(rates[i], 1000) - 1) < 0.02);
		assert_true(fabs(level_after(rates[i], 3000) - 1) < 0.05);
		if (rates[i] > 11025) /* what would fold down to 3 kHz is gone */
			assert_true(level_after(rates[i], 5000) < 0.01);
	}
}

/* A tone of the right length and pitch: it matches one that was made at 8 kHz. */
static void resampling_moves_nothing(void **state)
{
	size_t n = 22050, m = resample_length(n, 22050);
	int16_t *in = tone(22050, 700, n), *want = tone(RATE, 700, m);
	int16_t *out = tc_calloc(m, sizeof(*out));

	(void)state;
	assert_int_equal(resample(in, n, 22050, out), 0);
	for (size_t i = 100; i < m - 100; i++)
		assert_true(abs(out[i] - want[i]) < 150);
	free(in);
	free(want);
	free(out);
}

/* ---- tones ---- */

static const char pad[] = "123A456B789C*0#D";
static const double low_hz[] = {697, 770, 852, 941}, high_hz[] = {1209, 1336, 1477, 1633};

/* Samples of a line on which keys are pressed. */
struct line {
	int16_t *pcm; /* owned */
	size_t n;
	unsigned noise;
};

static void add_tones(struct line *l, double ms, double hz1, double amp1, double hz2, double amp2)
{
	size_t n = (size_t)(ms * RATE / 1000);

	l->pcm = tc_realloc(l->pcm, (l->n + n) * sizeof(*l->pcm));
	for (size_t i = 0; i < n; i++) {
		double t = (double)i / RATE;
		double noise = l->noise ? (double)(random() % (2 * l->noise)) - l->noise : 0;
		l->pcm[l->n++] = (int16_t)lrint(amp1 * sin(2 * M_PI * hz1 * t) +
						amp2 * sin(2 * M_PI * hz2 * t + 1) + noise);
	}
}

static void add_key(struct line *l, char key, double ms, double amp1, double amp2, double detune)
{
	size_t i = (size_t)(strchr(pad, key) - pad);

	add_tones(l, ms, low_hz[i / 4] * detune, amp1, high_hz[i % 4] * detune, amp2);
}

/* What is heard, in packets as they come, through u-law. */
static size_t hear(struct line *l, char *keys, size_t max)
{
	struct goertzel g = {0};
	size_t n = 0;

	for (size_t i = 0; i + 160 <= l->n; i += 160) {
		uint8_t code[160];
		g711_encode(G711_ULAW, l->pcm + i, code, 160);
		g711_decode(G711_ULAW, code, l->pcm + i, 160);
		n += goertzel_feed(&g, l->pcm + i, 160, keys + n, max - n);
	}
	free(l->pcm);
	*l = (struct line){0};
	return n;
}

static void expect_all_keys(double amp1, double amp2, unsigned noise, double detune)
{
	struct line l = {.noise = noise};
	char keys[64];

	for (const char *p = pad; *p; p++) {
		add_key(&l, *p, 50, amp1, amp2, detune);
		add_tones(&l, 50, 0, 0, 0, 0);
	}
	assert_int_equal(hear(&l, keys, sizeof(keys)), 16);
	assert_memory_equal(keys, pad, 16);
}

static void tones_are_keys(void **state)
{
	(void)state;
	expect_all_keys(8000, 8000, 0, 1);
	expect_all_keys(500, 500, 0, 1);   /* -30 dB */
	expect_all_keys(8000, 4500, 0, 1); /* 5 dB of twist */
	expect_all_keys(4500, 8000, 0, 1);
	expect_all_keys(6000, 6000, 1500, 1); /* 15 dB over noise */
	expect_all_keys(8000, 8000, 0, 1.015);
	expect_all_keys(8000, 8000, 0, 0.985);
}

static void a_long_press_is_one_key(void **state)
{
	struct line l = {0};
	char keys[8];

	(void)state;
	add_key(&l, '4', 2000, 8000, 8000, 1);
	add_tones(&l, 60, 0, 0, 0, 0);
	add_key(&l, '4', 60, 8000, 8000, 1);
	add_tones(&l, 60, 0, 0, 0, 0);
	assert_int_equal(hear(&l, keys, sizeof(keys)), 2);
	assert_memory_equal(keys, "44", 2);
}

static void what_sounds_alike_is_no_key(void **state)
{
	struct line l = {0};
	char keys[8];

	(void)state;
	add_tones(&l, 300, 697, 8000, 0, 0);      /* one of the two */
	add_tones(&l, 300, 350, 8000, 440, 8000); /* dial tone */
	add_tones(&l, 300, 440, 8000, 480, 8000); /* ringing */
	add_tones(&l, 300, 697, 8000, 770, 8000); /* of the same group */
	add_key(&l, '5', 300, 8000, 8000, 1.04);
	add_key(&l, '5', 300, 8000, 1000, 1); /* 18 dB of twist */
	add_key(&l, '5', 10, 8000, 8000, 1);  /* too short */
	add_key(&l, '5', 300, 20, 20, 1);     /* too soft */
	l.noise = 12000;
	add_tones(&l, 5000, 0, 0, 0, 0);
	assert_int_equal(hear(&l, keys, sizeof(keys)), 0);
}

/* ---- clips ---- */

static struct tc_clip *clip(uint32_t rate, unsigned ms, const char *key)
{
	size_t n = (size_t)rate * ms / 1000;
	struct tc_clip *c = tc_clip_new(rate, n);
	int16_t *pcm = tone(rate, 1000, n);

	memcpy(c->pcm, pcm, n * sizeof(*pcm));
	free(pcm);
	tc_strcopy(c->key, sizeof(c->key), key);
	return c;
}

static void clips_are_coded_once(void **state)
{
	struct clips *clips = clips_new(1 << 20);
	struct tc_clip *a = clip(RATE, 50, "a"), *same = clip(RATE, 50, "a"),
		       *none = clip(RATE, 50, "");
	struct coded *x = clips_get(clips, a), *y = clips_get(clips, same);
	struct coded *p = clips_get(clips, none), *q = clips_get(clips, none);

	(void)state;
	assert_ptr_equal(x, y);
	assert_ptr_not_equal(p, q);
	assert_int_equal(x->frames, 3);
	assert_int_equal(x->ms, 50);
	assert_int_equal(x->code[0][399], g711_ulaw_encode(a->pcm[399]));
	assert_int_equal(x->code[1][399], g711_alaw_encode(a->pcm[399]));
	/* the last frame is filled up */
	assert_int_equal(x->code[0][400], G711_ULAW_SILENCE);
	assert_int_equal(x->code[1][479], G711_ALAW_SILENCE);
	coded_unref(x);
	coded_unref(y);
	coded_unref(p);
	coded_unref(q);
	clips_free(clips);
	tc_clip_unref(a);
	tc_clip_unref(same);
	tc_clip_unref(none);
}

static void old_clips_go_first(void **state)
{
	struct tc_clip *c[4] = {clip(RATE, 1000, "0"), clip(RATE, 1000, "1"), clip(RATE, 1000, "2"),
				clip(16000, 1000, "3")};
	struct clips *clips = clips_new(35000); /* room for two */
	struct coded *first = clips_get(clips, c[0]), *again;

	(void)state;
	coded_unref(clips_get(clips, c[1]));
	again = clips_get(clips, c[0]);
	assert_ptr_equal(first, again);
	coded_unref(again);
	coded_unref(clips_get(clips, c[2])); /* takes the place of "1" */
	again = clips_get(clips, c[0]);
	assert_ptr_equal(first, again);
	coded_unref(again);
	assert_true(clips_bytes(clips) <= 35000);
	coded_unref(clips_get(clips, c[3]));
	coded_unref(clips_get(clips, c[2]));
	again = clips_get(clips, c[0]); /* gone from there; whoever plays it still has it */
	assert_ptr_not_equal(first, again);
	assert_int_equal(first->frames, 50);
	coded_unref(again);
	coded_unref(first);
	clips_free(clips);
	for (int i = 0; i < 4; i++)
		tc_clip_unref(c[i]);
}

/* ---- play lists ---- */

static struct playlist *three_items(struct clips *clips)
{
	struct tc_clip *c = clip(RATE, 50, "");
	struct playlist *list = playlist_new(9, 4);

	list->items[0] = (struct playlist_item){.frames = 2, .ms = 30};
	list->items[1] = (struct playlist_item){.frames = 0, .ms = 0};
	list->items[2].coded = clips_get(clips, c);
	list->items[2].frames = list->items[2].coded->frames;
	list->items[2].ms = 50;
	tc_clip_unref(c);
	return list;
}

static void a_list_is_played_in_order(void **state)
{
	struct clips *clips = clips_new(0);
	struct playlist *list = three_items(clips);
	struct playlist_end end;
	bool sound, ended;

	(void)state;
	assert_false(playlist_skip(list, &end));
	assert_null(playlist_next(list, 0, &sound, &ended, &end));
	assert_false(sound || ended);
	assert_null(playlist_next(list, 0, &sound, &ended, &end));
	assert_true(ended);
	assert_int_equal(end.play_id, 9);
	assert_int_equal(end.item, 0);
	assert_int_equal(end.item_ms, 30);
	assert_true(playlist_skip(list, &end));
	assert_int_equal(end.item, 1);
	assert_false(playlist_skip(list, &end));
	for (size_t i = 0; i < 3; i++) {
		const uint8_t *p = playlist_next(list, 1, &sound, &ended, &end);
		assert_ptr_equal(p, list->items[2].coded->code[1] + i * FRAME);
		assert_true(sound);
		assert_int_equal(ended, i == 2);
	}
	assert_int_equal(end.item, 2);
	assert_true(end.sound);
	assert_false(playlist_done(list));
	assert_true(playlist_skip(list, &end));
	assert_true(playlist_done(list));
	assert_null(playlist_next(list, 0, &sound, &ended, &end));
	assert_false(sound || ended);
	playlist_free(list);
	clips_free(clips);
}

/* ---- pacing ---- */

/* Two sockets and a stream between them. */
struct wire {
	int from, to, notify;
	struct sockaddr_in dst;
	struct pacer *pacer;
	struct stream *stream;
};

static int bound_socket(struct sockaddr_in *in)
{
	socklen_t len = sizeof(*in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*in = (struct sockaddr_in){.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)in, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)in, &len), 0);
	return fd;
}

static int wire_open(void **state)
{
	struct wire *w = tc_alloc(sizeof(*w));
	struct sockaddr_in from;

	w->from = bound_socket(&from);
	w->to = bound_socket(&w->dst);
	w->notify = eventfd(0, EFD_CLOEXEC);
	w->pacer = pacer_new(NULL, w->notify);
	assert_non_null(w->pacer);
	w->stream = stream_new(w->pacer, "call", w->from);
	stream_aim(w->stream, &w->dst, G711_ALAW);
	*state = w;
	return 0;
}

static int wire_close(void **state)
{
	struct wire *w = *state;

	stream_free(w->stream);
	assert_int_equal(pacer_figures(w->pacer).streams, 0);
	pacer_free(w->pacer);
	close(w->from);
	close(w->to);
	close(w->notify);
	free(w);
	return 0;
}

struct packet {
	uint8_t data[300];
	ssize_t len;
};

static struct packet receive(const struct wire *w)
{
	struct pollfd fd = {.fd = w->to, .events = POLLIN};
	struct packet p;

	assert_int_equal(poll(&fd, 1, 5000), 1);
	p.len = recv(w->to, p.data, sizeof(p.data), 0);
	return p;
}

static unsigned seq_of(const struct packet *p)
{
	return (unsigned)(p->data[2] << 8 | p->data[3]);
}

static uint32_t stamp_of(const struct packet *p)
{
	return (uint32_t)p->data[4] << 24 | (uint32_t)p->data[5] << 16 | (uint32_t)p->data[6] << 8 |
	       p->data[7];
}

static void packets_are_rtp(void **state)
{
	struct wire *w = *state;
	struct clips *clips = clips_new(0);
	struct packet last = {.len = 0};
	struct pacer_end *note;
	uint64_t count;

	stream_play(w->stream, three_items(clips));
	stream_start(w->stream);
	for (unsigned i = 0; i < 12; i++) {
		struct packet p = receive(w);
		assert_int_equal(p.len, 12 + FRAME);
		assert_int_equal(p.data[0], 0x80);
		assert_int_equal(p.data[1], (i == 0 ? 0x80 : 0) | G711_ALAW);
		if (i > 0) {
			assert_int_equal(seq_of(&p), (seq_of(&last) + 1) & 0xffff);
			assert_int_equal(stamp_of(&p), stamp_of(&last) + FRAME);
			assert_memory_equal(p.data + 8, last.data + 8, 4);
		}
		/* 40 ms of silence, three frames of a tone, silence until the end */
		assert_int_equal(p.data[12] == G711_ALAW_SILENCE && p.data[50] == G711_ALAW_SILENCE,
				 i < 2 || i > 4);
		last = p;
	}
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(read(w->notify, &count, sizeof(count)) > 0 || i > 0, 1);
		note = pacer_take(w->pacer);
		assert_non_null(note);
		assert_int_equal(note->end.item, i);
		assert_string_equal(note->call_id, "call");
		assert_int_equal(note->total_ms, i < 2 ? 0 : 50);
		free(note);
		count = 1;
		assert_int_equal(write(w->notify, &count, sizeof(count)), sizeof(count));
	}
	assert_null(pacer_take(w->pacer));
	assert_int_equal(stream_total_ms(w->stream), 50);
	assert_true(pacer_figures(w->pacer).packets >= 12);
	clips_free(clips);
}

static void a_held_stream_waits(void **state)
{
	struct wire *w = *state;
	struct pollfd fd = {.fd = w->to, .events = POLLIN};
	struct packet p;
	unsigned seq;

	stream_start(w->stream);
	p = receive(w);
	stream_hold(w->stream, true);
	while (poll(&fd, 1, 100) == 1)
		p = receive(w);
	seq = seq_of(&p);
	stream_hold(w->stream, false);
	p = receive(w);
	assert_int_equal(seq_of(&p), (seq + 1) & 0xffff);
}

static int reverse(void *arg, uint8_t *packet, size_t *len, size_t cap)
{
	(void)packet;
	assert_int_equal(*(int *)arg, 5);
	assert_true(cap >= *len + 10);
	*len += 10;
	return 0;
}

static void packets_are_sealed(void **state)
{
	struct wire *w = *state;
	int five = 5;

	stream_seal(w->stream, reverse, &five);
	stream_start(w->stream);
	assert_int_equal(receive(w).len, 12 + FRAME + 10);
}

#define WIRED(f) cmocka_unit_test_setup_teardown(f, wire_open, wire_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_of_the_tables),
		cmocka_unit_test(codes_come_back),
		cmocka_unit_test(keys_are_checked),
		cmocka_unit_test(keys_become_events),
		cmocka_unit_test(keys_become_tones),
		cmocka_unit_test(rates_are_changed),
		cmocka_unit_test(resampling_moves_nothing),
		cmocka_unit_test(tones_are_keys),
		cmocka_unit_test(a_long_press_is_one_key),
		cmocka_unit_test(what_sounds_alike_is_no_key),
		cmocka_unit_test(clips_are_coded_once),
		cmocka_unit_test(old_clips_go_first),
		cmocka_unit_test(a_list_is_played_in_order),
		WIRED(packets_are_rtp),
		WIRED(a_held_stream_waits),
		WIRED(packets_are_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
