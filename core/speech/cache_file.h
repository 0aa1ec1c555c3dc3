/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of the prompt cache, for cache.c: work that is done on the worker's thread.
 */
#ifndef CORE_SPEECH_CACHE_FILE_H
#define CORE_SPEECH_CACHE_FILE_H

#include "speech/voice.h"
#include "speech/worker.h"

struct cache;

enum file_verb { FILE_LOAD, FILE_SAVE, FILE_REMOVE, FILE_TOUCH };

/* Work on one file. */
struct file_work {
	struct work work; /* first */
	struct cache *cache;
	enum file_verb verb;
	char key[VOICE_KEY_SIZE];
	char *path; /* owned */
	/* loaded, or to be saved: one reference */
	struct tc_clip *clip;
	size_t size; /* of the file */
	int err;
	void (*fn)(void *arg, struct tc_clip *clip);
	void *arg;
};

/* done is called with it on the loop; then file_work_free(). */
struct file_work *file_work_new(struct cache *cache, enum file_verb verb, const char *dir,
				const char *key, void (*done)(struct work *work));
void file_work_free(struct file_work *work);

/* A file that is there. */
struct stored {
	char key[VOICE_KEY_SIZE];
	int64_t size, used_us;
};

/* Reading the folder. */
struct scan_work {
	struct work work; /* first */
	struct cache *cache;
	char *dir;        /* owned */
	struct stored *v; /* owned; the latest used first */
	size_t n, cap;
	int err;
};

struct scan_work *scan_work_new(struct cache *cache, const char *dir,
				void (*done)(struct work *work));
void scan_work_free(struct scan_work *work);

#endif
