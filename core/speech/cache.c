/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The index of the prompt cache, on the loop thread: what there is, in memory and on disk, and what
 * has to go. The files themselves are touched in cache_file.c only.
 */
#include "speech/cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "host/loop.h"
#include "speech/cache_file.h"

#define BUCKETS  1024                      /* a power of 2 */
#define TOUCH_US (INT64_C(3600) * 1000000) /* how precisely files tell when they were used */

/* A prompt that is in memory, on disk, or both. */
struct entry {
	LIST_ENTRY(entry) link;
	TAILQ_ENTRY(entry) by_memory, by_disk; /* while it is there; the latest used first */
	char key[VOICE_KEY_SIZE];
	struct tc_clip *clip; /* owned; NULL = not in memory */
	int64_t size;         /* of the file, 0 = there is none */
	int64_t touched_us;   /* loop time when the file was last marked as used */
};

TAILQ_HEAD(entry_list, entry);

struct cache {
	struct loop *loop;
	struct worker *worker;
	char *dir; /* owned */
	LIST_HEAD(, entry) buckets[BUCKETS];
	struct entry_list memory, disk;
	size_t memory_n, disk_n;
	int64_t memory_bytes, memory_max;
	int64_t disk_bytes, disk_max;
	bool scanned;    /* the folder has been read */
	bool complained; /* of files that cannot be written */
};

static int64_t clip_bytes(const struct tc_clip *clip)
{
	return (int64_t)(sizeof(*clip) + clip->samples * sizeof(clip->pcm[0]));
}

/* Keys are hex digits of a hash: the first ones will do. */
static size_t bucket(const char *key)
{
	char first[6];

	tc_strcopy(first, sizeof(first), key);
	return strtoul(first, NULL, 16) % BUCKETS;
}

static struct entry *find(const struct cache *cache, const char *key)
{
	struct entry *e;

	LIST_FOREACH (e, &cache->buckets[bucket(key)], link)
		if (!strcmp(e->key, key))
			return e;
	return NULL;
}

static struct entry *find_or_add(struct cache *cache, const char *key)
{
	struct entry *e = find(cache, key);

	if (e)
		return e;
	e = tc_alloc(sizeof(*e));
	tc_strcopy(e->key, sizeof(e->key), key);
	LIST_INSERT_HEAD(&cache->buckets[bucket(key)], e, link);
	return e;
}

static void drop_if_empty(struct entry *e)
{
	if (e->clip || e->size)
		return;
	LIST_REMOVE(e, link);
	free(e);
}

/* ---- in memory ---- */

static void memory_remove(struct cache *cache, struct entry *e)
{
	assert(e->clip); /* who is in the list has one */
	TAILQ_REMOVE(&cache->memory, e, by_memory);
	cache->memory_n--;
	cache->memory_bytes -= clip_bytes(e->clip);
	tc_clip_unref(e->clip);
	e->clip = NULL;
}

static void memory_add(struct cache *cache, struct tc_clip *clip)
{
	struct entry *e = find_or_add(cache, clip->key);

	if (e->clip)
		memory_remove(cache, e);
	e->clip = tc_clip_ref(clip);
	TAILQ_INSERT_HEAD(&cache->memory, e, by_memory);
	cache->memory_n++;
	cache->memory_bytes += clip_bytes(clip);
	while (cache->memory_bytes > cache->memory_max &&
	       (e = TAILQ_LAST(&cache->memory, entry_list))) {
		memory_remove(cache, e);
		drop_if_empty(e);
	}
}

/* ---- on disk ---- */

static void disk_forget(struct cache *cache, struct entry *e)
{
	TAILQ_REMOVE(&cache->disk, e, by_disk);
	cache->disk_n--;
	cache->disk_bytes -= e->size;
	e->size = 0;
}

static void on_ignored(struct work *work)
{
	file_work_free((struct file_work *)work);
}

/* Work whose result does not matter: when the worker is busy it is left undone. */
static void do_file(struct cache *cache, enum file_verb verb, const char *key)
{
	struct file_work *f = file_work_new(cache, verb, cache->dir, key, on_ignored);

	if (worker_submit(cache->worker, &f->work))
		file_work_free(f);
}

static void disk_shrink(struct cache *cache)
{
	struct entry *e;

	while (cache->disk_bytes > cache->disk_max && (e = TAILQ_LAST(&cache->disk, entry_list))) {
		do_file(cache, FILE_REMOVE, e->key);
		disk_forget(cache, e);
		drop_if_empty(e);
	}
}

static struct entry *disk_note(struct cache *cache, const char *key, int64_t size)
{
	struct entry *e = find_or_add(cache, key);

	if (e->size)
		disk_forget(cache, e);
	e->size = size;
	e->touched_us = loop_now_us(cache->loop);
	cache->disk_n++;
	cache->disk_bytes += size;
	return e;
}

static void disk_used(struct cache *cache, struct entry *e)
{
	int64_t now_us = loop_now_us(cache->loop);

	TAILQ_REMOVE(&cache->disk, e, by_disk);
	TAILQ_INSERT_HEAD(&cache->disk, e, by_disk);
	if (now_us - e->touched_us < TOUCH_US)
		return;
	e->touched_us = now_us;
	do_file(cache, FILE_TOUCH, e->key);
}

static void complain(struct cache *cache, int err)
{
	if (err && !cache->complained)
		tc_log(NULL, TC_LOG_WARN, "speech: prompts cannot be kept in %s: %s", cache->dir,
		       tc_strerror(err));
	else if (!err && cache->complained)
		tc_log(NULL, TC_LOG_INFO, "speech: prompts are kept in %s again", cache->dir);
	cache->complained = err != 0;
}

static void on_saved(struct work *work)
{
	struct file_work *f = (struct file_work *)work;
	struct cache *cache = f->cache;
	struct entry *e;

	complain(cache, f->err);
	if (!f->err) {
		e = disk_note(cache, f->key, (int64_t)f->size);
		TAILQ_INSERT_HEAD(&cache->disk, e, by_disk);
		disk_shrink(cache);
	}
	file_work_free(f);
}

/* What was written meanwhile is known already, and newer. */
static void on_scanned(struct work *work)
{
	struct scan_work *s = (struct scan_work *)work;
	struct cache *cache = s->cache;

	cache->scanned = true;
	complain(cache, s->err);
	for (size_t i = 0; i < s->n; i++) {
		struct entry *e = find(cache, s->v[i].key);

		if ((e && e->size) || !s->v[i].size)
			continue;
		e = disk_note(cache, s->v[i].key, s->v[i].size);
		TAILQ_INSERT_TAIL(&cache->disk, e, by_disk);
	}
	disk_shrink(cache);
	scan_work_free(s);
}

/* ---- from outside ---- */

struct cache *cache_new(struct loop *loop, struct worker *worker, const char *dir, int64_t disk_max,
			int64_t memory_max)
{
	struct cache *cache = tc_alloc(sizeof(*cache));
	struct scan_work *scan;

	cache->loop = loop;
	cache->worker = worker;
	cache->dir = tc_strdup(dir);
	cache->disk_max = disk_max;
	cache->memory_max = memory_max;
	TAILQ_INIT(&cache->memory);
	TAILQ_INIT(&cache->disk);
	for (size_t i = 0; i < BUCKETS; i++)
		LIST_INIT(&cache->buckets[i]);
	cache->scanned = disk_max <= 0;
	if (cache->scanned)
		return cache;
	scan = scan_work_new(cache, dir, on_scanned);
	if (worker_submit(worker, &scan->work))
		scan_work_free(scan);
	return cache;
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct entry *e;

		while ((e = LIST_FIRST(&cache->buckets[i]))) {
			LIST_REMOVE(e, link);
			tc_clip_unref(e->clip);
			free(e);
		}
	}
	free(cache->dir);
	free(cache);
}

struct tc_clip *cache_find(struct cache *cache, const char *key)
{
	struct entry *e = find(cache, key);

	if (!e || !e->clip)
		return NULL;
	TAILQ_REMOVE(&cache->memory, e, by_memory);
	TAILQ_INSERT_HEAD(&cache->memory, e, by_memory);
	if (e->size)
		disk_used(cache, e);
	return tc_clip_ref(e->clip);
}

bool cache_stored(const struct cache *cache, const char *key)
{
	const struct entry *e = find(cache, key);

	return !cache->scanned || (e && e->size);
}

static void on_loaded(struct work *work)
{
	struct file_work *f = (struct file_work *)work;
	struct cache *cache = f->cache;
	struct entry *e = find(cache, f->key);

	if (f->err == -EINVAL)
		tc_log(NULL, TC_LOG_WARN, "speech: %s was damaged and is made anew", f->path);
	if (!f->err) {
		memory_add(cache, f->clip);
		e = find(cache, f->key);
		if (e && e->size) {
			e->touched_us = loop_now_us(cache->loop);
			disk_used(cache, e);
		}
	} else if (e && e->size) {
		disk_forget(cache, e);
		drop_if_empty(e);
	}
	f->fn(f->arg, f->clip);
	f->clip = NULL;
	file_work_free(f);
}

int cache_load(struct cache *cache, const char *key, cache_done_fn done, void *arg)
{
	struct file_work *f = file_work_new(cache, FILE_LOAD, cache->dir, key, on_loaded);
	int err;

	f->fn = done;
	f->arg = arg;
	err = worker_submit(cache->worker, &f->work);
	if (err)
		file_work_free(f);
	return err;
}

void cache_add(struct cache *cache, struct tc_clip *clip)
{
	struct file_work *f;

	memory_add(cache, clip);
	if (cache->disk_max <= 0)
		return;
	f = file_work_new(cache, FILE_SAVE, cache->dir, clip->key, on_saved);
	f->clip = tc_clip_ref(clip);
	if (worker_submit(cache->worker, &f->work))
		file_work_free(f); /* it stays in memory only */
}

json_t *cache_status(const struct cache *cache)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "bytes", (json_int_t)cache->disk_bytes, "entries",
			 (json_int_t)cache->disk_n, "memory_bytes", (json_int_t)cache->memory_bytes,
			 "memory_entries", (json_int_t)cache->memory_n);
}
