/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas: many small pieces of memory that are released together. Not a general allocator.
 */
#include "host/arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <tocsin/alloc.h>

#define ALIGN _Alignof(max_align_t)
#define CHUNK_BYTES 2000

struct chunk {
	SLIST_ENTRY(chunk) link;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

struct keep {
	SLIST_ENTRY(keep) link;
	void (*drop)(void *p);
	void *p;
};

struct arena {
	SLIST_HEAD(, chunk) chunks; /* the first one is filled */
	SLIST_HEAD(, keep) kept;
};

struct arena *arena_new(void)
{
	struct arena *arena = tc_alloc(sizeof(*arena));

	SLIST_INIT(&arena->chunks);
	SLIST_INIT(&arena->kept);
	return arena;
}

void arena_free(struct arena *arena)
{
	struct keep *keep;
	struct chunk *chunk;

	if (!arena)
		return;
	SLIST_FOREACH(keep, &arena->kept, link)
		keep->drop(keep->p);
	while ((chunk = SLIST_FIRST(&arena->chunks))) {
		SLIST_REMOVE_HEAD(&arena->chunks, link);
		free(chunk);
	}
	free(arena);
}

static struct chunk *chunk_add(struct arena *arena, size_t size)
{
	struct chunk *first = SLIST_FIRST(&arena->chunks);
	struct chunk *chunk = tc_try_alloc(sizeof(*chunk) + size);

	if (!chunk)
		return NULL;
	chunk->size = size;
	/* A large piece has a chunk of its own; the one that is being filled stays in front. */
	if (first && size > CHUNK_BYTES)
		SLIST_INSERT_AFTER(first, chunk, link);
	else
		SLIST_INSERT_HEAD(&arena->chunks, chunk, link);
	return chunk;
}

void *arena_try_calloc(struct arena *arena, size_t n, size_t size_bytes)
{
	struct chunk *chunk = SLIST_FIRST(&arena->chunks);
	size_t size;
	void *p;

	if (__builtin_mul_overflow(n, size_bytes, &size) || size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (!chunk || chunk->size - chunk->used < size)
		chunk = chunk_add(arena, size > CHUNK_BYTES ? size : CHUNK_BYTES);
	if (!chunk)
		return NULL;
	p = chunk->data + chunk->used;
	chunk->used += size;
	return p;
}

void *arena_alloc(struct arena *arena, size_t size_bytes)
{
	void *p = arena_try_calloc(arena, 1, size_bytes);

	if (!p)
		abort();
	return p;
}

char *arena_strndup(struct arena *arena, const char *s, size_t n)
{
	char *copy = arena_alloc(arena, n + 1);

	memcpy(copy, s, n);
	return copy;
}

void arena_keep(struct arena *arena, void (*drop)(void *p), void *p)
{
	struct keep *keep = arena_alloc(arena, sizeof(*keep));

	keep->drop = drop;
	keep->p = p;
	SLIST_INSERT_HEAD(&arena->kept, keep, link);
}
