/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A play list as one playback of Asterisk: started, followed by its events, stopped.
 *
 * How Asterisk 16 and 22 play a list: each item gives PlaybackStarted with its media_uri; the end
 * of the last, or a DELETE, gives PlaybackFinished "done". An item that cannot be played is passed
 * over at once, without a word: only when it is the last one the playback ends as "failed". That is
 * also how it ends when the channel is hung up. A second playback waits for the first, so that a
 * POST of the next and a DELETE of the one that plays may reach Asterisk in any order.
 */
#include "media_play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#define RETRY_MS   250
#define RETRIES    10
#define FAILED_MS  250  /* a channel that is hung up fails first: time for the news of its end */
#define OVERDUE_MS 5000 /* behind the end of an item there is news */
#define SHORT_MS   60   /* of items this short it is not asked whether they were played */

struct playing {
	TAILQ_ENTRY(playing) link;
	struct player *player;
	char id[TC_ID_SIZE + 4];
	struct rest_want *post, *del, *get;
	struct tc_timer *timer;
	void (*next)(struct playing *p);
	bool posted;   /* Asterisk has it, or may have it */
	bool stopping; /* nobody wants it any more: freed when it is gone */
	bool started; /* events before the first PlaybackStarted are of an older one of this name */
	unsigned tries;
	unsigned quiet;     /* how often it was asked in vain */
	bool over;          /* it has failed */
	size_t from, n, at; /* first item, number of uris, the one that plays */
	size_t asked;       /* at, when it was asked for news */
	char **uris;        /* owned; NULL = without a length */
	uint32_t *ms;       /* owned; how long they are */
	int64_t began_ms;   /* by Asterisk's clock, when at began; 0 = unknown */
};

/* ---- memory ---- */

static void playing_free(struct playing *p)
{
	TAILQ_REMOVE(&p->player->all, p, link);
	if (p->player->now == p)
		p->player->now = NULL;
	if (p->post)
		rest_cancel(p->post);
	if (p->del)
		rest_cancel(p->del);
	if (p->get)
		rest_cancel(p->get);
	tc_timer_free(p->timer);
	for (size_t i = 0; i < p->n; i++)
		free(p->uris[i]);
	free(p->uris);
	free(p->ms);
	free(p);
}

static void on_timer(void *arg)
{
	struct playing *p = arg;

	p->next(p);
}

static void later(struct playing *p, int64_t delay_ms, void (*next)(struct playing *p))
{
	p->next = next;
	tc_timer_start(p->timer, delay_ms);
}

void player_init(struct player *player, struct leg *leg)
{
	player->leg = leg;
	player->now = NULL;
	TAILQ_INIT(&player->all);
}

static void broken(struct playing *p, const char *why)
{
	media_broken(p->player->leg, why);
}

/* ---- when there is no news ---- */

static void ask(struct playing *p);

static void expect_news(struct playing *p)
{
	later(p, (int64_t)p->ms[p->at] + OVERDUE_MS, ask);
}

static void on_asked(void *arg, const struct rest_reply *reply)
{
	struct playing *p = arg;
	struct leg *leg = p->player->leg;
	bool last = p->at + 1 == p->n;

	p->get = NULL;
	if (p->stopping || p->over)
		return;
	if (reply->status == 404) { /* its end was missed */
		playing_free(p);
		media_list_ended(leg, !last);
	} else if (reply->status != 200) {
		p->quiet = 0; /* a PBX that stands still plays on later */
		later(p, OVERDUE_MS, ask);
	} else if (p->at == p->asked && p->quiet++) {
		broken(p, "Asterisk does not get to the end of it");
	} else {
		expect_news(p); /* it may have stood still until just now */
	}
}

/* Asterisk fetches a sound for minutes, if the server is silent, or has been stopped. */
static void ask(struct playing *p)
{
	struct ari *ari = p->player->leg->ari;
	char path[64];

	snprintf(path, sizeof(path), "/playbacks/%s", p->id);
	p->asked = p->at;
	p->get = rest_send(ari->rest, REST_NORMAL, "GET", path, NULL, ari->cfg->timeout_ms,
			   on_asked, p);
}

static void posted(struct playing *p)
{
	p->posted = true;
	expect_news(p);
}

/* ---- start and stop ---- */

static void post(struct playing *p);
static void take_back(struct playing *p);

static void on_deleted(void *arg, const struct rest_reply *reply)
{
	struct playing *p = arg;

	p->del = NULL;
	if (!reply->status) {
		later(p, RETRY_MS, take_back);
		return;
	}
	/* 404: it has ended, or was never there */
	if (p->stopping)
		playing_free(p);
	else
		post(p); /* it was not known whether Asterisk had it: now it has not */
}

static void take_back(struct playing *p)
{
	struct ari *ari = p->player->leg->ari;
	char path[64];

	if (p->del)
		return;
	snprintf(path, sizeof(path), "/playbacks/%s", p->id);
	p->del = rest_send(ari->rest, REST_URGENT, "DELETE", path, NULL, ari->cfg->timeout_ms,
			   on_deleted, p);
}

static void refused(struct playing *p, const struct rest_reply *reply)
{
	if (reply->err == TC_EUNSURE && p->started) {
		posted(p);
	} else if (reply->err == TC_EUNSURE) {
		p->posted = true;
		take_back(p);
	} else if (reply->status == 404) {
		p->posted = false; /* the channel is gone: the leg will hear of it */
	} else if ((!reply->status || reply->status == 409) && ++p->tries < RETRIES) {
		/* 409: the channel is not in our application now */
		later(p, RETRY_MS, post);
	} else {
		broken(p, reply->text);
	}
}

static void on_posted(void *arg, const struct rest_reply *reply)
{
	struct playing *p = arg;
	bool good = reply->status >= 200 && reply->status < 300;

	p->post = NULL;
	if (p->stopping && (good || reply->err == TC_EUNSURE))
		take_back(p);
	else if (p->stopping)
		playing_free(p);
	else if (good)
		posted(p);
	else
		refused(p, reply);
}

static json_t *body_of(const struct playing *p)
{
	json_t *media = json_array();

	for (size_t i = 0; i < p->n; i++)
		if (p->uris[i])
			json_array_append_new(media, json_string(p->uris[i]));
	return json_pack("{s:s, s:o}", "playbackId", p->id, "media", media);
}

static void post(struct playing *p)
{
	struct ari *ari = p->player->leg->ari;
	struct tc_buf path = {0};

	tc_buf_puts(&path, "/channels/");
	rest_escape(&path, p->player->leg->channel);
	tc_buf_puts(&path, "/play");
	p->post = rest_send(ari->rest, REST_URGENT, "POST", path.data, body_of(p),
			    ari->cfg->timeout_ms, on_posted, p);
	tc_buf_fini(&path);
}

void player_play(struct player *player, const struct speech *list, size_t from, char **uris)
{
	struct playing *p = tc_alloc(sizeof(*p));

	p->player = player;
	p->timer = tc_timer_new(player->leg->ari->self, on_timer, p);
	snprintf(p->id, sizeof(p->id), "%s-%u", player->leg->id, list->play_id % PLAYER_NAMES);
	p->from = from;
	p->n = list->n - from;
	p->uris = uris;
	p->ms = tc_calloc(p->n, sizeof(*p->ms));
	for (size_t i = 0; i < p->n; i++)
		p->ms[i] = list->items[from + i].ms;
	TAILQ_INSERT_TAIL(&player->all, p, link);
	player->now = p;
	post(p);
}

void player_stop(struct player *player)
{
	struct playing *p = player->now;

	if (!p)
		return;
	player->now = NULL;
	p->stopping = true;
	tc_timer_stop(p->timer);
	if (p->posted)
		take_back(p);
	else if (!p->post && !p->del)
		playing_free(p);
	/* else when the POST is answered: a DELETE might overtake it */
}

void player_end(struct player *player)
{
	struct leg *leg = player->leg;
	struct playing *p;
	char path[64];

	while ((p = TAILQ_FIRST(&player->all))) {
		snprintf(path, sizeof(path), "/playbacks/%s", p->id);
		if (p->posted && leg->state != LEG_ENDED)
			rest_send(leg->ari->rest, REST_URGENT, "DELETE", path, NULL,
				  leg->ari->cfg->timeout_ms, NULL, NULL);
		playing_free(p);
	}
}

/* ---- events ---- */

int64_t player_event_ms(const json_t *event)
{
	const char *text = json_string_value(json_object_get(event, "timestamp"));
	struct tm tm = {0};
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	long ms = 0;

	/* The zone does not matter: only differences are made of it. */
	if (!rest)
		return 0;
	if (*rest == '.')
		ms = strtol(rest + 1, NULL, 10);
	return (int64_t)timegm(&tm) * 1000 + ms;
}

static const char *uri_of(const struct message *m)
{
	const char *uri = json_string_value(
		json_object_get(json_object_get(m->json, "playback"), "media_uri"));

	return uri ? uri : "";
}

/* Where, from i on, the sound is; n if nowhere. */
static size_t find(const struct playing *p, size_t i, const char *uri)
{
	while (i < p->n && (!p->uris[i] || strcmp(p->uris[i], uri) != 0))
		i++;
	return i;
}

/* The item that played has given way to another at this time: it cannot have been heard. */
static bool too_short(const struct playing *p, int64_t now_ms)
{
	uint32_t ms = p->ms[p->at];

	return p->began_ms && now_ms && ms > SHORT_MS && now_ms - p->began_ms < ms / 2;
}

/* Late, or delivered a second time: it must not be taken for the same sound further down. */
static bool is_old(const struct playing *p, const struct message *m, int64_t now_ms)
{
	if (!now_ms || now_ms > p->began_ms)
		return false;
	return now_ms < p->began_ms || !strcmp(uri_of(m), p->uris[p->at]);
}

static void on_started(struct playing *p, const struct message *m)
{
	int64_t now_ms = player_event_ms(m->json);
	size_t i = find(p, p->started ? p->at + 1 : 0, uri_of(m));

	if (i == p->n || (p->started && is_old(p, m, now_ms)))
		return;
	if (p->started && too_short(p, now_ms)) {
		broken(p, "Asterisk passed over what it was to play");
		return;
	}
	p->started = true;
	p->at = i;
	p->began_ms = now_ms;
	p->quiet = 0;
	if (p->posted && !p->get)
		expect_news(p);
	media_item_started(p->player->leg, p->from + i);
}

static void cannot_play(struct playing *p)
{
	broken(p, "Asterisk cannot play it");
}

static void on_finished(struct playing *p, const struct message *m)
{
	struct leg *leg = p->player->leg;
	int64_t now_ms = player_event_ms(m->json);
	size_t last = p->n - 1;

	if (!p->started || (now_ms && now_ms < p->began_ms))
		return;
	while (last && !p->uris[last])
		last--;
	if (!strcmp(m->playback_state, "failed")) {
		p->posted = false;
		p->over = true;
		later(p, FAILED_MS, cannot_play);
		return;
	}
	bool cut = strcmp(uri_of(m), p->uris[last]) != 0;
	playing_free(p);
	media_list_ended(leg, cut);
}

void player_message(struct player *player, const struct message *m)
{
	struct playing *p = player->now;

	if (!p || strcmp(p->id, m->playback) != 0)
		return;
	if (m->type == MESSAGE_PLAYBACK_STARTED)
		on_started(p, m);
	else if (m->type == MESSAGE_PLAYBACK_FINISHED)
		on_finished(p, m);
}
