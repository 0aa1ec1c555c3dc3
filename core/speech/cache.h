/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The prompt cache: clips under their keys, the latest in memory, more of them as files.
 */
#ifndef CORE_SPEECH_CACHE_H
#define CORE_SPEECH_CACHE_H

#include <tocsin/audio.h>

#include <jansson.h>

struct cache;
struct loop;
struct worker;

/*
 * worker     does the file work; outlives the cache, but has been freed of its work before
 * dir        folder of the files, KEY.wav; made when it is not there; what is in it is taken over
 * disk_max   bytes of files; 0 = none are kept
 * memory_max bytes of clips
 */
struct cache *cache_new(struct loop *loop, struct worker *worker, const char *dir, int64_t disk_max,
			int64_t memory_max);
void cache_free(struct cache *cache);

/* A clip from memory, with one reference, or NULL. */
struct tc_clip *cache_find(struct cache *cache, const char *key);

/* Whether there may be a file: before the folder has been read, there may be any. */
bool cache_stored(const struct cache *cache, const char *key);

/*
 * Read a file. A damaged one is removed.
 *
 * done    is told once, on the loop, never inside the call; clip: one reference, or NULL: there is
 *         none. Not told after the worker has been freed
 * result  0 | -EBUSY
 */
typedef void (*cache_done_fn)(void *arg, struct tc_clip *clip);
int cache_load(struct cache *cache, const char *key, cache_done_fn done, void *arg);

/* Keep a clip under its key, in memory now, and as a file a little later. Borrowed. */
void cache_add(struct cache *cache, struct tc_clip *clip);

/* {"bytes","entries","memory_bytes","memory_entries"}: files, and clips in memory. */
json_t *cache_status(const struct cache *cache);

#endif
