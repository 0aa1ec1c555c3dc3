/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trial of Asterisk's player, step by step: a bridge, its events, a sound in it.
 */
#include "media_trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#define TRIAL_MS 10000

struct trial {
	struct ari *ari;
	const struct media_way *way;
	char *name; /* owned; of the bridge, and of the playback */
	char *uri;  /* owned */
	int step;
	struct rest_want *want;
	struct tc_timer *timer;
};

static void ask(struct trial *trial);

void trial_free(struct trial *trial)
{
	struct ari *ari;
	char *path;

	if (!trial)
		return;
	ari = trial->ari;
	if (trial->want)
		rest_cancel(trial->want);
	path = tc_asprintf("/bridges/%s", trial->name);
	rest_send(ari->rest, REST_NORMAL, "DELETE", path, NULL, ari->cfg->timeout_ms, NULL, NULL);
	free(path);
	tc_timer_free(trial->timer);
	free(trial->name);
	free(trial->uri);
	free(trial);
}

static void on_reply(void *arg, const struct rest_reply *reply)
{
	struct trial *trial = arg;
	char why[200];

	trial->want = NULL;
	if (reply->status >= 200 && reply->status < 300) {
		trial->step++;
		ask(trial);
		return;
	}
	snprintf(why, sizeof(why), "Asterisk refuses a trial: %s", reply->text);
	media_probed(trial->ari, trial->way, false, why);
}

/* A bridge, its events, a sound in it. */
static void ask(struct trial *trial)
{
	struct ari *ari = trial->ari;
	struct tc_buf path = {0};
	json_t *body = NULL;

	switch (trial->step) {
	case 0:
		tc_buf_printf(&path, "/bridges/%s", trial->name);
		body = json_pack("{s:s, s:s}", "type", "mixing", "name", ari->cfg->app);
		break;
	case 1:
		tc_buf_puts(&path, "/applications/");
		rest_escape(&path, ari->cfg->app);
		tc_buf_puts(&path, "/subscription?eventSource=bridge:");
		rest_escape(&path, trial->name);
		break;
	case 2:
		tc_buf_printf(&path, "/bridges/%s/play", trial->name);
		body = json_pack("{s:[s], s:s}", "media", trial->uri, "playbackId", trial->name);
		break;
	default:
		return; /* the events tell */
	}
	trial->want = rest_send(ari->rest, REST_NORMAL, "POST", path.data, body,
				ari->cfg->timeout_ms, on_reply, trial);
	tc_buf_fini(&path);
}

static void timed_out(void *arg)
{
	struct trial *trial = arg;

	media_probed(trial->ari, trial->way, false,
		     "Asterisk did not get to the end of a short sound");
}

struct trial *trial_new(struct ari *ari, const struct media_way *way, const char *uri)
{
	struct trial *trial = tc_alloc(sizeof(*trial));

	trial->ari = ari;
	trial->way = way;
	trial->name = media_probe_name(ari, way);
	trial->uri = tc_strdup(uri);
	trial->timer = tc_timer_new(ari->self, timed_out, trial);
	tc_timer_start(trial->timer, TRIAL_MS);
	ask(trial);
	return trial;
}

void trial_message(struct trial *trial, const struct message *m)
{
	struct ari *ari = trial->ari;
	const struct media_way *way = trial->way;
	const json_t *playback = json_object_get(m->json, "playback");
	const char *uri = json_string_value(json_object_get(playback, "media_uri"));

	if (!uri || m->type != MESSAGE_PLAYBACK_FINISHED || strcmp(m->playback, trial->name) != 0 ||
	    strcmp(uri, trial->uri) != 0)
		return;
	if (!strcmp(m->playback_state, "done"))
		media_probed(ari, way, true, "Asterisk has played a trial");
	else
		media_probed(ari, way, false, "Asterisk cannot play a trial");
}
