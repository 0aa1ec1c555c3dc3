/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media "file": prompts are written into a folder that Asterisk reads as well. What is written how
 * is media_folder.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/prompt.h>

#include "media_folder.h"
#include "media_play.h"
#include "media_trial.h"

#define FOLDER_MS 3000 /* a folder that takes longer is hung */

/* A leg. */
struct file_leg {
	struct player player;       /* first */
	TAILQ_ENTRY(file_leg) link; /* while waiting */
	bool waiting;               /* for files of the list */
	const struct speech *list;  /* borrowed from media.c, while waiting */
	size_t from;
	struct tc_timer *timer;
};

struct file {
	struct ari *ari;
	struct folder *folder;
	TAILQ_HEAD(, file_leg) waiting;
	struct trial *probe;   /* or NULL */
	struct tc_clip *trial; /* one reference; its file is waited for, or played */
};

static char *uri_of(struct ari *ari, struct tc_clip *clip)
{
	const struct ari_config *cfg = ari->cfg;
	char name[65];

	tc_prompt_name(clip, name);
	return tc_asprintf("sound:%s/%s", cfg->media_path ? cfg->media_path : cfg->media_dir, name);
}

/* ---- playing ---- */

static struct tc_clip *sound_of(struct ari *ari, const struct speech_item *item)
{
	return item->clip ? item->clip : media_silence(ari, item->ms);
}

/* Begin to write what is not there. result: 0 all is there | -EAGAIN wait | other: it cannot be */
static int want_files(struct ari *ari, const struct speech *list, size_t from)
{
	struct file *file = media_own(ari, &media_file);
	int result = 0;

	for (size_t i = from; i < list->n; i++) {
		struct tc_clip *clip = list->items[i].ms ? sound_of(ari, &list->items[i]) : NULL;
		int err;

		if (!list->items[i].ms)
			continue;
		err = clip ? folder_want(file->folder, clip) : -ENOMEM;
		if (err && err != -EAGAIN)
			return err;
		if (err)
			result = err;
	}
	return result;
}

static void wait_no_more(struct file_leg *f)
{
	struct file *file = media_own(f->player.leg->ari, &media_file);

	if (!f->waiting)
		return;
	f->waiting = false;
	TAILQ_REMOVE(&file->waiting, f, link);
	tc_timer_stop(f->timer);
}

static void play_now(struct file_leg *f, const struct speech *list, size_t from)
{
	struct ari *ari = f->player.leg->ari;
	char **uris = tc_calloc(list->n - from, sizeof(*uris));

	for (size_t i = from; i < list->n; i++)
		if (list->items[i].ms)
			uris[i - from] = uri_of(ari, sound_of(ari, &list->items[i]));
	player_play(&f->player, list, from, uris);
}

static void broken(struct leg *leg, int err)
{
	char why[200];

	snprintf(why, sizeof(why), "%s: %s", leg->ari->cfg->media_dir, tc_strerror(err));
	media_broken(leg, why);
}

static void on_hung(void *arg)
{
	struct file_leg *f = arg;

	broken(f->player.leg, -ETIMEDOUT);
}

static struct file_leg *leg_of(struct leg *leg)
{
	struct file_leg *f = leg->media->state;

	if (!f) {
		f = leg->media->state = tc_alloc(sizeof(*f));
		player_init(&f->player, leg);
		f->timer = tc_timer_new(leg->ari->self, on_hung, f);
	}
	return f;
}

static void file_load(struct leg *leg, const struct speech *list)
{
	want_files(leg->ari, list, 0);
}

static void file_play(struct leg *leg, const struct speech *list, size_t from)
{
	struct file *file = media_own(leg->ari, &media_file);
	struct file_leg *f = leg_of(leg);
	int err = want_files(leg->ari, list, from);

	if (!err) {
		play_now(f, list, from);
	} else if (err == -EAGAIN) {
		f->waiting = true;
		f->list = list;
		f->from = from;
		TAILQ_INSERT_TAIL(&file->waiting, f, link);
		tc_timer_start(f->timer, FOLDER_MS);
	} else {
		broken(leg, err);
	}
}

/* One that waits for the file, and cannot have it. result: false: none */
static bool fail_one(struct file *file, const char *name, int err)
{
	struct file_leg *f;
	char other[65];

	TAILQ_FOREACH (f, &file->waiting, link) {
		for (size_t i = f->from; i < f->list->n; i++) {
			if (!f->list->items[i].ms)
				continue;
			tc_prompt_name(sound_of(file->ari, &f->list->items[i]), other);
			if (strcmp(name, other) != 0)
				continue;
			broken(f->player.leg, err);
			return true;
		}
	}
	return false;
}

static void begin_trial(struct file *file, int err);

/* A file is there now, or cannot be had. */
static void on_file(void *arg, const char *name, int err)
{
	struct file *file = arg;
	struct file_leg *f, *next;
	char trial[65];

	if (file->trial && !file->probe) {
		tc_prompt_name(file->trial, trial);
		if (!strcmp(trial, name))
			begin_trial(file, err);
	}
	if (err) {
		while (fail_one(file, name, err))
			;
		return;
	}
	for (f = TAILQ_FIRST(&file->waiting); f; f = next) {
		next = TAILQ_NEXT(f, link);
		err = want_files(file->ari, f->list, f->from);
		if (err && err != -EAGAIN)
			broken(f->player.leg, err);
		if (err)
			continue;
		wait_no_more(f);
		play_now(f, f->list, f->from);
	}
}

static void file_stop(struct leg *leg)
{
	struct file_leg *f = leg_of(leg);

	wait_no_more(f);
	player_stop(&f->player);
}

static void file_message(struct leg *leg, const struct message *m)
{
	player_message(&leg_of(leg)->player, m);
}

static void file_end(struct leg *leg)
{
	struct file_leg *f = leg->media->state;

	if (!f)
		return;
	wait_no_more(f);
	player_end(&f->player);
	tc_timer_free(f->timer);
	free(f);
	leg->media->state = NULL;
}

/* ---- proving that it works ---- */

static bool file_usable(struct ari *ari, char *why, size_t size_bytes)
{
	if (!ari->cfg->media_dir)
		snprintf(why, size_bytes, "media_dir is not set");
	return ari->cfg->media_dir != NULL;
}

static void begin_trial(struct file *file, int err)
{
	struct ari *ari = file->ari;
	char why[200];
	char *uri;

	if (err) {
		snprintf(why, sizeof(why), "%s: %s", ari->cfg->media_dir, tc_strerror(err));
		media_probed(ari, &media_file, false, why);
		return;
	}
	uri = uri_of(ari, file->trial);
	file->probe = trial_new(ari, &media_file, uri);
	free(uri);
}

static void file_probe(struct ari *ari)
{
	struct file *file = media_own(ari, &media_file);
	int err = -ENOMEM;

	folder_doubt(file->folder);
	file->trial = media_probe_clip();
	if (file->trial)
		err = folder_want(file->folder, file->trial);
	if (err != -EAGAIN)
		begin_trial(file, err);
}

static void file_probe_message(struct ari *ari, const struct message *m)
{
	struct file *file = media_own(ari, &media_file);

	if (file->probe)
		trial_message(file->probe, m);
}

static void file_probe_end(struct ari *ari)
{
	struct file *file = media_own(ari, &media_file);

	trial_free(file->probe);
	file->probe = NULL;
	if (file->trial)
		folder_remove(file->folder, file->trial);
	tc_clip_unref(file->trial);
	file->trial = NULL;
}

/* ---- the whole ---- */

static void *file_open(struct ari *ari)
{
	struct file *file = tc_alloc(sizeof(*file));

	file->ari = ari;
	TAILQ_INIT(&file->waiting);
	if (ari->cfg->media_dir)
		file->folder = folder_new(ari->self, ari->cfg->media_dir, on_file, file);
	return file;
}

static void file_close(void *own)
{
	struct file *file = own;

	folder_free(file->folder);
	free(file);
}

const struct media_way media_file = {
	.id = ARI_MEDIA_FILE,
	.name = "file",
	.open = file_open,
	.close = file_close,
	.usable = file_usable,
	.probe = file_probe,
	.probe_message = file_probe_message,
	.probe_end = file_probe_end,
	.load = file_load,
	.play = file_play,
	.stop = file_stop,
	.message = file_message,
	.end = file_end,
};
