/* SPDX-License-Identifier: BSD-2-Clause */
/* The store of coded clips, the least recently used going first. */
#include "clips.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <tocsin/alloc.h>

#include "resample.h"

struct kept {
	TAILQ_ENTRY(kept) link;
	char key[sizeof(((struct tc_clip *)0)->key)];
	struct coded *coded;
};

struct clips {
	TAILQ_HEAD(kept_list, kept) list; /* the most recently used first */
	size_t bytes, max;
};

static size_t bytes_of(const struct coded *coded)
{
	return 2 * coded->frames * FRAME + sizeof(struct kept) + sizeof(*coded);
}

struct coded *coded_ref(struct coded *coded)
{
	atomic_fetch_add_explicit(&coded->refs, 1, memory_order_relaxed);
	return coded;
}

void coded_unref(struct coded *coded)
{
	if (!coded || atomic_fetch_sub_explicit(&coded->refs, 1, memory_order_acq_rel) > 1)
		return;
	free(coded->code[0]);
	free(coded->code[1]);
	free(coded);
}

static struct coded *encode(const struct tc_clip *clip)
{
	size_t n = resample_length(clip->samples, clip->rate_hz);
	size_t frames = (n + FRAME - 1) / FRAME;
	struct coded *coded = tc_alloc(sizeof(*coded));
	int16_t *pcm = NULL;

	atomic_init(&coded->refs, 1);
	coded->frames = frames;
	coded->ms = (uint32_t)tc_clip_ms(clip);
	coded->code[0] = tc_try_alloc(frames * FRAME + 1);
	coded->code[1] = tc_try_alloc(frames * FRAME + 1);
	if (clip->rate_hz != 8000)
		pcm = tc_try_alloc(n * sizeof(*pcm) + 1);
	if (!coded->code[0] || !coded->code[1] || (clip->rate_hz != 8000 && !pcm))
		goto fail;
	if (pcm && resample(clip->pcm, clip->samples, clip->rate_hz, pcm))
		goto fail;
	memset(coded->code[0], G711_ULAW_SILENCE, frames * FRAME);
	memset(coded->code[1], G711_ALAW_SILENCE, frames * FRAME);
	g711_encode(G711_ULAW, pcm ? pcm : clip->pcm, coded->code[0], n);
	g711_encode(G711_ALAW, pcm ? pcm : clip->pcm, coded->code[1], n);
	free(pcm);
	return coded;
fail:
	free(pcm);
	coded_unref(coded);
	return NULL;
}

static void forget(struct clips *clips, struct kept *kept)
{
	TAILQ_REMOVE(&clips->list, kept, link);
	clips->bytes -= bytes_of(kept->coded);
	coded_unref(kept->coded);
	free(kept);
}

struct clips *clips_new(size_t size_bytes)
{
	struct clips *clips = tc_alloc(sizeof(*clips));

	TAILQ_INIT(&clips->list);
	clips->max = size_bytes;
	return clips;
}

void clips_free(struct clips *clips)
{
	while (!TAILQ_EMPTY(&clips->list))
		forget(clips, TAILQ_FIRST(&clips->list));
	free(clips);
}

struct coded *clips_get(struct clips *clips, const struct tc_clip *clip)
{
	struct kept *kept;

	if (!clip->key[0])
		return encode(clip);
	TAILQ_FOREACH (kept, &clips->list, link) {
		if (strcmp(kept->key, clip->key) == 0) {
			TAILQ_REMOVE(&clips->list, kept, link);
			TAILQ_INSERT_HEAD(&clips->list, kept, link);
			return coded_ref(kept->coded);
		}
	}
	struct coded *coded = encode(clip);
	if (!coded || bytes_of(coded) > clips->max)
		return coded;
	kept = tc_alloc(sizeof(*kept));
	memcpy(kept->key, clip->key, sizeof(kept->key));
	kept->coded = coded_ref(coded);
	TAILQ_INSERT_HEAD(&clips->list, kept, link);
	clips->bytes += bytes_of(coded);
	while (clips->bytes > clips->max)
		forget(clips, TAILQ_LAST(&clips->list, kept_list));
	return coded;
}

size_t clips_bytes(const struct clips *clips)
{
	return clips->bytes;
}
