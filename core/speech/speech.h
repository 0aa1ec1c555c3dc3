/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text to clips: voices (instances of kind tts), the prompt cache, conversion to the telephone's
 * rate.
 */
#ifndef CORE_SPEECH_SPEECH_H
#define CORE_SPEECH_SPEECH_H

#include <tocsin/audio.h>

#include <jansson.h>

struct host;
struct loop;
struct speech;
struct tc_instance;

#define SPEECH_RATE_HZ 8000

/*
 * cache_dir   "STATE_DIR/prompts", made when it is not there
 * cache_size  bytes on disk; the least recently used prompts go first
 */
struct speech *speech_new(struct loop *loop, const char *cache_dir, int64_t cache_size);
/* Finishes file work; no done is called any more. */
void speech_free(struct speech *speech);

/* Add a voice, in order of preference. The instance outlives speech. */
void speech_voice_add(struct speech *speech, struct tc_instance *voice);

/* What is wanted. All borrowed until speech_render() returns. */
struct speech_text {
	const char *text;     /* UTF-8, 1..8192 bytes */
	const char *language; /* NULL = any */
	const char *voice;    /* name of a configured voice, or NULL: the first for the language */
	bool any_voice;       /* when there is none of that name, take another: it must be heard */
};

/*
 * Told once on the loop thread, never inside speech_render().
 *
 * clip    one reference goes to the callee; rate SPEECH_RATE_HZ, key set; NULL on error
 * text    why it failed, may be NULL
 */
typedef void (*speech_done_fn)(void *arg, int err, struct tc_clip *clip, const char *text);

/*
 * Render, or find in the cache. Several who want the same at once share one synthesis.
 *
 * result  handle for speech_cancel(); NULL never
 * errors  by done: -ENOENT no such voice | -ETIMEDOUT | -EIO | -EBUSY
 */
struct speech_want *speech_render(struct speech *speech, const struct speech_text *text,
				  speech_done_fn done, void *arg);
/* done will not be called. Only before done was called. Returns its arg, for its owner to free. */
void *speech_cancel(struct speech_want *want);

/* How many wait for their prompts. */
size_t speech_pending(const struct speech *speech);

/* Clips kept in memory and on disk, bytes, hits and misses: for /metrics and /v1/voices. */
json_t *speech_status(const struct speech *speech);

/* A clip from the memory of the cache, one reference, by its key; NULL: it is not there. */
struct tc_clip *speech_find(struct speech *speech, const char *key);

/*
 * Read a clip of the cache from its file.
 *
 * done    told once on the loop thread, never inside this call; clip: one reference goes to the
 *         callee, NULL: there is none. Not told after speech_free()
 * result  0 | -ENOENT there is no such file | -EBUSY
 */
typedef void (*speech_load_fn)(void *arg, struct tc_clip *clip);
int speech_load(struct speech *speech, const char *key, speech_load_fn done, void *arg);

/* Have a clip that has a key kept in the cache, if it is not and can be. Borrowed. */
void speech_keep(struct speech *speech, struct tc_clip *clip);

#endif
