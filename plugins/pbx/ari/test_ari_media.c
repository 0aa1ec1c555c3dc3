/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Play lists: what Asterisk is asked for, and what its events are taken to mean. The peer is an
 * HTTP server of this test; its events are made up here, after those of Asterisk 16 and 22. The
 * sound itself is heard in the tests with a real Asterisk.
 */
#include <ftw.h>
#include <pthread.h>
#include <search.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <tocsin/alloc.h>
#include <tocsin/prompt.h>

#include "ari.h"
#include "call/trunk.h"
#include "media.h"
#include "media_play.h"
#include "unit/host_rig.h"
#include "unit/tcp_peer.h"

#define ID       "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
#define LOG_MAX  64
#define LOG_SIZE 200
#define EVENTS   32

struct fixture {
	struct host_rig host;
	struct tc_instance *self;
	struct trunks *trunks;
	struct tcp_peer *peer;
	struct ari_config cfg;
	struct ari ari;
	struct leg *leg;
	char dir[40];
	pthread_mutex_t lock;        /* guards what follows */
	char log[LOG_MAX][LOG_SIZE]; /* requests: "METHOD PATH" */
	char body[1000];             /* of the newest one that had one */
	unsigned n_log;
	bool hold;                          /* POST is not answered until tcp_peer_release() */
	int status;                         /* of the answer to POST play */
	struct tc_pbx_event events[EVENTS]; /* on the loop only */
	unsigned n_events;
};

/* ---- the server ---- */

static void answer(int fd, int status)
{
	char text[80];
	int n = snprintf(text, sizeof(text), "HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s",
			 status, status == 204 ? 0 : 2, status == 204 ? "" : "{}");

	tcp_peer_write(fd, text, (size_t)n);
}

static void serve(struct tcp_peer *peer, int fd, unsigned n, void *arg)
{
	struct fixture *f = arg;
	char head[2000], method[16], path[160], body[1000];

	(void)n;
	while (tcp_peer_head(fd, head, sizeof(head)) &&
	       sscanf(head, "%15s /ari%159s", method, path) == 2) {
		const char *length = strstr(head, "Content-Length: ");
		size_t len = length ? strtoul(length + 16, NULL, 10) : 0;
		bool play = !strcmp(method, "POST") && strstr(path, "/play");
		bool hold;
		int status;

		if (len >= sizeof(body) || !tcp_peer_read(fd, body, len))
			return;
		pthread_mutex_lock(&f->lock);
		snprintf(f->log[f->n_log++ % LOG_MAX], LOG_SIZE, "%s %s", method, path);
		if (len) {
			memcpy(f->body, body, len);
			f->body[len] = '\0';
		}
		hold = play && f->hold;
		status = play ? f->status : !strcmp(method, "DELETE") ? 204 : 200;
		pthread_mutex_unlock(&f->lock);
		if (hold)
			tcp_peer_hold(peer);
		answer(fd, status);
	}
}

static unsigned logged(struct fixture *f, const char *what)
{
	unsigned n = 0;

	pthread_mutex_lock(&f->lock);
	for (unsigned i = 0; i < f->n_log && i < LOG_MAX; i++)
		n += !strcmp(f->log[i], what);
	pthread_mutex_unlock(&f->lock);
	return n;
}

/* ---- the trunk ---- */

static void on_event(void *arg, struct trunk *trunk, const struct tc_pbx_event *event)
{
	struct fixture *f = arg;

	(void)trunk;
	assert_true(f->n_events < EVENTS);
	f->events[f->n_events++] = *event;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct leg *leg_of(struct fixture *f)
{
	struct leg *leg = tc_alloc(sizeof(*leg));

	tc_strcopy(leg->id, sizeof(leg->id), ID);
	tc_strcopy(leg->channel, sizeof(leg->channel), ID);
	leg->ari = &f->ari;
	leg->state = LEG_UP;
	leg->in_app = true;
	leg->timer = tc_timer_new(f->self, NULL, leg);
	TAILQ_INSERT_TAIL(&f->ari.legs, leg, link);
	tsearch(leg, &f->ari.by_id, by_id);
	return leg;
}

static int setup(void **state)
{
	struct fixture *f = tc_alloc(sizeof(*f));
	struct rest_settings rest = {.user = "rig", .password = "rig", .connections = 4};
	char *url;

	pthread_mutex_init(&f->lock, NULL);
	f->status = 201;
	tc_strcopy(f->dir, sizeof(f->dir), "/tmp/tocsin-media-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	host_rig_init(&f->host, LOOP_REAL);
	f->trunks = trunks_new(f->host.loop, NULL, NULL);
	trunks_listen(f->trunks, on_event, NULL, f);
	host_services(f->host.host)->trunks = f->trunks;
	f->self = host_rig_instance(&f->host, &host_rig_plugin, "pbx", NULL);
	trunks_add(f->trunks, f->self);
	assert_int_equal(instance_open(f->self), 0);
	f->peer = tcp_peer_new(serve, f);
	url = tc_asprintf("http://127.0.0.1:%u/ari", tcp_peer_port(f->peer));
	rest.url = f->cfg.url = url;
	f->cfg.app = "tocsin";
	f->cfg.media = ARI_MEDIA_FILE;
	f->cfg.media_dir = f->dir;
	f->cfg.media_path = "/pbx";
	f->cfg.timeout_ms = 20000;
	f->ari.self = f->self;
	f->ari.cfg = &f->cfg;
	TAILQ_INIT(&f->ari.legs);
	f->ari.rest = rest_new(f->self, &rest);
	f->ari.medias = medias_new(&f->ari);
	f->leg = leg_of(f);
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	media_end(f->leg);
	if (f->leg->ending)
		rest_cancel(f->leg->ending);
	tdelete(f->leg, &f->ari.by_id, by_id);
	tc_timer_free(f->leg->timer);
	medias_free(f->ari.medias);
	rest_free(f->ari.rest);
	trunks_free(f->trunks);
	tcp_peer_free(f->peer);
	host_rig_fini(&f->host);
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	pthread_mutex_destroy(&f->lock);
	free((void *)f->cfg.url);
	free(f->leg);
	free(f);
	return 0;
}

/* ---- waiting ---- */

struct until {
	struct fixture *f;
	const char *file, *what; /* both NULL: events */
	unsigned n;
	bool reached;
	struct loop_timer timer;
};

static void look(void *arg)
{
	struct until *u = arg;
	unsigned n = u->what ? logged(u->f, u->what) : u->f->n_events;

	if (u->file ? access(u->file, F_OK) == 0 : n >= u->n)
		u->reached = true;
	else
		loop_timer_start_us(&u->timer, 500);
}

static void wait_until(struct until *u)
{
	loop_timer_init(&u->timer, u->f->host.loop, look, u);
	loop_timer_start_us(&u->timer, 0);
	host_rig_wait(&u->f->host, &u->reached);
}

static void until_file(struct fixture *f, const char *path)
{
	struct until u = {.f = f, .file = path};

	wait_until(&u);
}

/* So many requests of this kind, or events (NULL), and no more. */
static void until(struct fixture *f, const char *what, unsigned n)
{
	struct until u = {.f = f, .what = what, .n = n};

	wait_until(&u);
	assert_int_equal(what ? logged(f, what) : f->n_events, n);
}

/* ---- lists and events ---- */

/* ms > 0: a sound that only this length has; < 0: silence. Ends with 0x7fffffff. */
#define END 0x7fffffff
static struct speech *list_of(uint32_t play_id, ...)
{
	struct speech *list = tc_alloc(sizeof(*list) + 10 * sizeof(list->items[0]));
	va_list ap;

	list->play_id = play_id;
	va_start(ap, play_id);
	for (int ms; (ms = va_arg(ap, int)) != END;) {
		struct speech_item *item = &list->items[list->n++];

		item->ms = (uint32_t)abs(ms);
		if (ms <= 0)
			continue;
		item->clip = tc_clip_new(8000, (size_t)ms * 8);
		assert_non_null(item->clip);
		item->clip->pcm[0] = 7;
	}
	va_end(ap);
	return list;
}

/* The name under which Asterisk plays it. */
static void uri_of(int ms, char uri[120])
{
	struct tc_clip *clip = tc_clip_new(8000, (size_t)abs(ms) * 8);
	char name[65];

	if (ms > 0)
		clip->pcm[0] = 7;
	tc_prompt_name(clip, name);
	snprintf(uri, 120, "sound:/pbx/%s", name);
	tc_clip_unref(clip);
}

/* An event of the playback ID-number, at_ms after a full hour of Asterisk's clock. */
static void event(struct fixture *f, const char *type, unsigned number, int ms, const char *state,
		  int64_t at_ms)
{
	char uri[120], stamp[64];
	struct message m;
	json_t *json;

	uri_of(ms, uri);
	snprintf(stamp, sizeof(stamp), "2026-11-23T02:00:%02d.%03d+0000", (int)(at_ms / 1000),
		 (int)(at_ms % 1000));
	json = json_pack("{s:s, s:s, s:{s:o, s:s, s:s, s:s}}", "type", type, "timestamp", stamp,
			 "playback", "id", json_sprintf("%s-%u", ID, number), "media_uri", uri,
			 "target_uri", "channel:" ID, "state", state);
	assert_int_equal(message_parse(json, &m), 0);
	media_message(f->leg, &m);
	json_decref(json);
}

static void started(struct fixture *f, unsigned number, int ms, int64_t at_ms)
{
	event(f, "PlaybackStarted", number, ms, "playing", at_ms);
}

static void finished(struct fixture *f, unsigned number, int ms, const char *state, int64_t at_ms)
{
	event(f, "PlaybackFinished", number, ms, state, at_ms);
}

static void played(struct fixture *f, unsigned n, unsigned play_id, unsigned item, unsigned ms)
{
	const struct tc_pbx_event *e = &f->events[n];

	assert_int_equal(e->type, TC_PBX_PLAYED);
	assert_int_equal(e->play_id, play_id);
	assert_int_equal(e->item, item);
	assert_int_equal(e->item_ms, ms);
	assert_true(e->whole);
}

#define PLAY    "POST /channels/" ID "/play"
#define HANGUP  "DELETE /channels/" ID
#define STOP(n) "DELETE /playbacks/" ID "-" n

static void play(struct fixture *f, struct speech *list)
{
	media_play(f->leg, list);
}

/* ---- tests ---- */

static void a_list_is_one_playback(void **state)
{
	struct fixture *f = *state;
	char uris[3][120], *body;

	media_ready(f->leg);
	play(f, list_of(9, 1000, -300, 0, 2000, END));
	until(f, PLAY, 1);
	uri_of(1000, uris[0]);
	uri_of(-300, uris[1]);
	uri_of(2000, uris[2]);
	body = tc_asprintf("{\"playbackId\":\"%s-1\",\"media\":[\"%s\",\"%s\",\"%s\"]}", ID,
			   uris[0], uris[1], uris[2]);
	pthread_mutex_lock(&f->lock);
	assert_string_equal(f->body, body);
	pthread_mutex_unlock(&f->lock);
	free(body);

	started(f, 1, 1000, 0);
	started(f, 1, -300, 1000);
	until(f, NULL, 1);
	played(f, 0, 9, 0, 1000);
	started(f, 1, 2000, 1300);
	until(f, NULL, 3);
	played(f, 1, 9, 1, 300);
	played(f, 2, 9, 2, 0);
	finished(f, 1, 2000, "done", 3300);
	until(f, NULL, 4);
	played(f, 3, 9, 3, 2000);
	assert_int_equal(f->events[3].total_ms, 3000);
	assert_null(f->leg->media->list);
}

/* Its sounds are got ready meanwhile. */
static void a_list_waits_for_the_answer(void **state)
{
	struct fixture *f = *state;
	char path[140], uri[120];

	f->leg->in_app = false;
	play(f, list_of(1, 500, END));
	uri_of(500, uri);
	snprintf(path, sizeof(path), "%s%s.wav", f->dir, strrchr(uri, '/'));
	until_file(f, path);
	assert_int_equal(logged(f, PLAY), 0);
	f->leg->in_app = true;
	media_ready(f->leg);
	until(f, PLAY, 1);
}

/* Asterisk passes over what it cannot play: the call goes on without it, or is ended. */
static void what_was_not_played_is_noticed(void **state)
{
	struct fixture *f = *state;

	media_ready(f->leg);
	play(f, list_of(1, 1000, 900, 800, END));
	until(f, PLAY, 1);
	started(f, 1, 1000, 0);
	started(f, 1, 900, 1000);
	started(f, 1, 800, 1001);
	until(f, HANGUP, 1);
	until(f, STOP("1"), 1);
	assert_int_equal(f->n_events, 1);
	played(f, 0, 1, 0, 1000);
}

static void a_failure_is_the_end_of_the_way(void **state)
{
	struct fixture *f = *state;

	media_ready(f->leg);
	play(f, list_of(1, 1000, END));
	until(f, PLAY, 1);
	started(f, 1, 1000, 0);
	finished(f, 1, 1000, "failed", 1);
	assert_int_equal(logged(f, HANGUP), 0); /* it may be the call that has ended */
	until(f, HANGUP, 1);
	assert_int_equal(f->n_events, 0);
}

static void refusals_are_the_end_of_the_way(void **state)
{
	struct fixture *f = *state;

	f->status = 500;
	media_ready(f->leg);
	play(f, list_of(1, 1000, END));
	until(f, HANGUP, 1);
	assert_int_equal(logged(f, PLAY), 1);
}

static void events_come_twice_and_late(void **state)
{
	struct fixture *f = *state;

	media_ready(f->leg);
	play(f, list_of(2, 1000, -300, 900, -300, 800, END));
	until(f, PLAY, 1);
	started(f, 2, 1000, 0);
	started(f, 2, 1000, 0);
	started(f, 2, -300, 1000);
	started(f, 2, -300, 1000); /* not the other silence */
	assert_int_equal(f->leg->media->at, 1);
	started(f, 2, 900, 1300);
	started(f, 2, -300, 1000);
	assert_int_equal(f->leg->media->at, 2);
	started(f, 2, 800, 2500); /* that of the second silence comes late */
	started(f, 2, -300, 2200);
	assert_int_equal(f->leg->media->at, 4);
	until(f, NULL, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(f->events[i].item, i);
	finished(f, 2, 800, "done", 3300);
	finished(f, 2, 800, "done", 3300);
	until(f, NULL, 5);
}

static void the_same_sound_may_come_again(void **state)
{
	struct fixture *f = *state;

	media_ready(f->leg);
	play(f, list_of(2, 1000, 1000, 1000, END));
	until(f, PLAY, 1);
	started(f, 2, 1000, 0);
	started(f, 2, 1000, 1000);
	started(f, 2, 1000, 2000);
	assert_int_equal(f->leg->media->at, 2);
	finished(f, 2, 1000, "done", 3000);
	until(f, NULL, 3);
}

/* An older playback of this name, which an earlier process had. */
static void ends_of_others_are_not_ours(void **state)
{
	struct fixture *f = *state;

	media_ready(f->leg);
	play(f, list_of(3, 1000, END));
	until(f, PLAY, 1);
	finished(f, 3, 1000, "done", 0);
	finished(f, 2, 1000, "done", 0);
	assert_non_null(f->leg->media->list);
	started(f, 3, 1000, 100);
	finished(f, 3, 1000, "done", 0); /* late */
	assert_non_null(f->leg->media->list);
	finished(f, 3, 1000, "done", 1100);
	until(f, NULL, 1);
}

static void what_somebody_else_stops_is_not_whole(void **state)
{
	struct fixture *f = *state;

	media_ready(f->leg);
	play(f, list_of(3, 1000, 900, END));
	until(f, PLAY, 1);
	started(f, 3, 1000, 0);
	finished(f, 3, 1000, "done", 10);
	until(f, NULL, 2);
	assert_false(f->events[0].whole);
	assert_false(f->events[1].whole);
	assert_int_equal(f->events[1].item_ms, 0);
}

/* The DELETE must not overtake the POST: it would find nothing. */
static void a_stop_waits_for_the_start(void **state)
{
	struct fixture *f = *state;

	f->hold = true;
	media_ready(f->leg);
	play(f, list_of(4, 1000, END));
	until(f, PLAY, 1);
	media_stop(f->leg);
	play(f, list_of(5, 900, END)); /* that need not wait */
	until(f, PLAY, 2);
	assert_int_equal(logged(f, STOP("4")), 0);
	pthread_mutex_lock(&f->lock);
	f->hold = false;
	pthread_mutex_unlock(&f->lock);
	while (tcp_peer_held(f->peer))
		tcp_peer_release(f->peer);
	until(f, STOP("4"), 1);
	started(f, 4, 1000, 0);
	finished(f, 4, 1000, "done", 1);
	started(f, 5, 900, 1);
	finished(f, 5, 900, "done", 901);
	until(f, NULL, 1);
	played(f, 0, 5, 0, 900);
}

static void what_was_spoken_before_a_stop_counts(void **state)
{
	struct fixture *f = *state;

	media_ready(f->leg);
	play(f, list_of(1, 100, 90, END));
	until(f, PLAY, 1);
	started(f, 1, 100, 0);
	started(f, 1, 90, 100);
	until(f, NULL, 1);
	f->leg->media->since_us -= 40000;
	media_stop(f->leg);
	assert_in_range(f->leg->spoken_ms, 140, 190);
	until(f, STOP("1"), 1);
}

/* A call of an earlier process: until all that it may have left has gone, nothing is played. */
static void an_adopted_call_is_silenced_first(void **state)
{
	struct fixture *f = *state;

	f->leg->recovering = true;
	media_play(f->leg, list_of(1, 1000, END));
	media_resume(f->leg);
	f->leg->recovering = false;
	media_ready(f->leg);
	until(f, PLAY, 1);
	pthread_mutex_lock(&f->lock);
	for (unsigned i = 0; i + 1 < f->n_log; i++)
		assert_int_equal(strncmp(f->log[i], "DELETE ", 7), 0);
	assert_string_equal(f->log[f->n_log - 1], PLAY);
	assert_int_equal(f->n_log, PLAYER_NAMES + 5);
	pthread_mutex_unlock(&f->lock);
	assert_int_equal(logged(f, STOP("0")), 1);
	assert_int_equal(logged(f, STOP("7")), 1);
	assert_int_equal(logged(f, "DELETE /bridges/" ID "-b"), 1);
}

static void after_a_gap_what_played_is_over(void **state)
{
	struct fixture *f = *state;

	media_ready(f->leg);
	play(f, list_of(1, 1000, END));
	until(f, PLAY, 1);
	started(f, 1, 1000, 0);
	media_resume(f->leg);
	until(f, STOP("1"), 1);
	finished(f, 1, 1000, "done", 1000);
	play(f, list_of(2, 900, END));
	until(f, PLAY, 2);
	started(f, 2, 900, 2000);
	finished(f, 2, 900, "done", 2900);
	until(f, NULL, 1);
	played(f, 0, 2, 0, 900);
}

static void clocks_are_read(void **state)
{
	json_t *a = json_pack("{s:s}", "timestamp", "2026-11-23T02:59:59.999+0100");
	json_t *b = json_pack("{s:s}", "timestamp", "2026-11-23T03:00:00.001+0100");
	json_t *c = json_pack("{s:s}", "timestamp", "yesterday");

	(void)state;
	assert_int_equal(player_event_ms(b) - player_event_ms(a), 2);
	assert_int_equal(player_event_ms(c), 0);
	json_decref(a);
	json_decref(b);
	json_decref(c);
}

static void silences_are_kept(void **state)
{
	struct fixture *f = *state;
	struct tc_clip *first = media_silence(&f->ari, 300);

	assert_int_equal(tc_clip_ms(first), 300);
	for (uint32_t ms = 1; ms < 16; ms++)
		assert_int_equal(tc_clip_ms(media_silence(&f->ari, ms)), ms);
	assert_ptr_equal(media_silence(&f->ari, 300), first);
	for (uint32_t ms = 1; ms < 100; ms++)
		assert_int_equal(tc_clip_ms(media_silence(&f->ari, ms)), ms);
	assert_int_equal(tc_clip_ms(media_silence(&f->ari, 300)), 300);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_list_is_one_playback),
		TEST(a_list_waits_for_the_answer),
		TEST(what_was_not_played_is_noticed),
		TEST(a_failure_is_the_end_of_the_way),
		TEST(refusals_are_the_end_of_the_way),
		TEST(events_come_twice_and_late),
		TEST(the_same_sound_may_come_again),
		TEST(ends_of_others_are_not_ours),
		TEST(what_somebody_else_stops_is_not_whole),
		TEST(a_stop_waits_for_the_start),
		TEST(what_was_spoken_before_a_stop_counts),
		TEST(an_adopted_call_is_silenced_first),
		TEST(after_a_gap_what_played_is_over),
		cmocka_unit_test(clocks_are_read),
		TEST(silences_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
