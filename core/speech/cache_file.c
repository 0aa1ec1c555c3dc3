/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File work of the prompt cache. Runs on the worker's thread and sees nothing of the cache itself.
 */
#include "speech/cache_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tocsin/alloc.h>

#include "speech/speech.h"
#include "speech/wav.h"

#define SUFFIX ".wav"

/* A damaged file goes: it will be made anew. */
static void load(struct file_work *f)
{
	f->err = wav_load(f->path, &f->clip);
	if (!f->err && f->clip->rate_hz != SPEECH_RATE_HZ) {
		tc_clip_unref(f->clip);
		f->clip = NULL;
		f->err = -EINVAL;
	}
	if (f->err == -EINVAL)
		unlink(f->path);
	if (f->err)
		return;
	tc_strcopy(f->clip->key, sizeof(f->clip->key), f->key);
	utimensat(AT_FDCWD, f->path, NULL, 0); /* its time is when it was used last */
}

static void run_file(struct work *work)
{
	struct file_work *f = (struct file_work *)work;

	switch (f->verb) {
	case FILE_LOAD:
		load(f);
		break;
	case FILE_SAVE:
		f->err = wav_save(f->path, f->clip, &f->size);
		break;
	case FILE_REMOVE:
		f->err = unlink(f->path) ? -errno : 0;
		break;
	case FILE_TOUCH:
		f->err = utimensat(AT_FDCWD, f->path, NULL, 0) ? -errno : 0;
		break;
	}
}

static void drop_file(struct work *work)
{
	file_work_free((struct file_work *)work);
}

struct file_work *file_work_new(struct cache *cache, enum file_verb verb, const char *dir,
				const char *key, void (*done)(struct work *work))
{
	struct file_work *f = tc_alloc(sizeof(*f));

	f->work.run = run_file;
	f->work.done = done;
	f->work.drop = drop_file;
	f->work.skip = verb == FILE_LOAD;
	f->cache = cache;
	f->verb = verb;
	tc_strcopy(f->key, sizeof(f->key), key);
	f->path = tc_asprintf("%s/%s" SUFFIX, dir, key);
	return f;
}

void file_work_free(struct file_work *f)
{
	tc_clip_unref(f->clip);
	free(f->path);
	free(f);
}

/* ---- reading the folder ---- */

static bool is_ours(const char *name)
{
	size_t digits = strspn(name, "0123456789abcdef");

	return digits == VOICE_KEY_SIZE - 1 && !strcmp(name + digits, SUFFIX);
}

static void note(struct scan_work *s, const char *name, const struct stat *st)
{
	struct stored *file;

	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 256;
		s->v = tc_realloc(s->v, s->cap * sizeof(*s->v));
	}
	file = &s->v[s->n++];
	memcpy(file->key, name, VOICE_KEY_SIZE - 1);
	file->key[VOICE_KEY_SIZE - 1] = '\0';
	file->size = st->st_size;
	file->used_us = (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
}

static int latest_first(const void *a, const void *b)
{
	const struct stored *x = a, *y = b;

	return (x->used_us < y->used_us) - (x->used_us > y->used_us);
}

/* What is neither a prompt nor a left-over of writing one is somebody else's: it stays. */
static void look_at(struct scan_work *s, int fd, const char *name)
{
	struct stat st;

	if (!strncmp(name, WAV_TEMP, sizeof(WAV_TEMP) - 1))
		unlinkat(fd, name, 0);
	else if (is_ours(name) && !fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) &&
		 S_ISREG(st.st_mode))
		note(s, name, &st);
}

static void run_scan(struct work *work)
{
	struct scan_work *s = (struct scan_work *)work;
	struct dirent *entry;
	DIR *dir;

	if (mkdir(s->dir, 0700) && errno != EEXIST) {
		s->err = -errno;
		return;
	}
	dir = opendir(s->dir);
	if (!dir) {
		s->err = -errno;
		return;
	}
	while ((entry = readdir(dir)))
		look_at(s, dirfd(dir), entry->d_name);
	closedir(dir);
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), latest_first);
}

static void drop_scan(struct work *work)
{
	scan_work_free((struct scan_work *)work);
}

struct scan_work *scan_work_new(struct cache *cache, const char *dir,
				void (*done)(struct work *work))
{
	struct scan_work *s = tc_alloc(sizeof(*s));

	s->work.run = run_scan;
	s->work.done = done;
	s->work.drop = drop_scan;
	s->cache = cache;
	s->dir = tc_strdup(dir);
	return s;
}

void scan_work_free(struct scan_work *s)
{
	free(s->v);
	free(s->dir);
	free(s);
}
