/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media "http": Asterisk fetches each prompt from us once, and keeps it for the day that its
 * address is good for.
 */
#include <stdio.h>
#include <stdlib.h>

#include <tocsin/alloc.h>
#include <tocsin/prompt.h>

#include "media_play.h"
#include "media_trial.h"

struct http {
	struct trial *probe; /* or NULL */
};

static void *http_open(struct ari *ari)
{
	(void)ari;
	return tc_alloc(sizeof(struct http));
}

static void http_close(void *own)
{
	free(own);
}

/* "sound:http://...", to be freed; NULL after *err. */
static char *uri_of(struct ari *ari, struct tc_clip *clip, int *err)
{
	char url[TC_PROMPT_URL_SIZE];

	*err = clip ? tc_prompt_url(ari->self, clip, url) : -ENOMEM;
	return *err ? NULL : tc_asprintf("sound:%s", url);
}

static const char *fault_text(int err)
{
	return err == -ENOTCONN ? "http.public_url is not set" : tc_strerror(err);
}

/* ---- proving that it works ---- */

/* public_url may be set or changed by a reload. */
static bool http_usable(struct ari *ari, char *why, size_t size_bytes)
{
	struct tc_clip *clip = media_silence(ari, 20);
	int err;

	free(uri_of(ari, clip, &err));
	if (err)
		snprintf(why, size_bytes, "%s", fault_text(err));
	return !err;
}

static void http_probe(struct ari *ari)
{
	struct http *http = media_own(ari, &media_http);
	struct tc_clip *clip = media_probe_clip();
	int err;
	char *uri = uri_of(ari, clip, &err);

	if (uri)
		http->probe = trial_new(ari, &media_http, uri);
	else
		media_probed(ari, &media_http, false, fault_text(err));
	tc_clip_unref(clip);
	free(uri);
}

static void http_probe_message(struct ari *ari, const struct message *m)
{
	struct http *http = media_own(ari, &media_http);

	if (http->probe)
		trial_message(http->probe, m);
}

static void http_probe_end(struct ari *ari)
{
	struct http *http = media_own(ari, &media_http);

	trial_free(http->probe);
	http->probe = NULL;
}

/* ---- a leg ---- */

static struct player *player_of(struct leg *leg)
{
	struct player *player = leg->media->state;

	if (!player) {
		player = leg->media->state = tc_alloc(sizeof(*player));
		player_init(player, leg);
	}
	return player;
}

static void http_play(struct leg *leg, const struct speech *list, size_t from)
{
	size_t n = list->n - from;
	char **uris = tc_calloc(n, sizeof(*uris));
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		const struct speech_item *item = &list->items[from + i];

		if (item->ms)
			uris[i] = uri_of(
				leg->ari,
				item->clip ? item->clip : media_silence(leg->ari, item->ms), &err);
	}
	if (!err) {
		player_play(player_of(leg), list, from, uris);
		return;
	}
	for (size_t i = 0; i < n; i++)
		free(uris[i]);
	free(uris);
	media_broken(leg, fault_text(err));
}

static void http_stop(struct leg *leg)
{
	player_stop(player_of(leg));
}

static void http_message(struct leg *leg, const struct message *m)
{
	player_message(player_of(leg), m);
}

static void http_end(struct leg *leg)
{
	if (leg->media->state)
		player_end(leg->media->state);
	free(leg->media->state);
	leg->media->state = NULL;
}

const struct media_way media_http = {
	.id = ARI_MEDIA_HTTP,
	.name = "http",
	.open = http_open,
	.close = http_close,
	.usable = http_usable,
	.probe = http_probe,
	.probe_message = http_probe_message,
	.probe_end = http_probe_end,
	.play = http_play,
	.stop = http_stop,
	.message = http_message,
	.end = http_end,
};
