/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas: many small pieces of memory that are released together.
 */
#ifndef CORE_HOST_ARENA_H
#define CORE_HOST_ARENA_H

#include <tocsin/defs.h>

struct arena;

/* An empty arena, to be used by one thread at a time. */
struct arena *arena_new(void);
/* Release all that was taken from it. NULL is fine. */
void arena_free(struct arena *arena);

/* Zeroed memory, aligned for anything. Aborts when there is none. */
void *arena_alloc(struct arena *arena, size_t size_bytes);
/* As arena_alloc() for a size from outside, n objects: NULL when there is none, or on overflow. */
void *arena_try_calloc(struct arena *arena, size_t n, size_t size_bytes);
/* Copy of n bytes with a final NUL. */
char *arena_strndup(struct arena *arena, const char *s, size_t n);

/* Call drop(p) when the arena is freed: for what it cannot hold itself. Last in, first out. */
void arena_keep(struct arena *arena, void (*drop)(void *p), void *p);

#endif
