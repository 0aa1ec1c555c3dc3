/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small documents that a plugin instance keeps in the store: what it must still know after a
 * restart. Each instance, by its name, has its own.
 */
#ifndef TOCSIN_KEEP_H
#define TOCSIN_KEEP_H

#include <tocsin/plugin.h>

#define TC_KEEP_KEY_MAX 200
#define TC_KEEP_TEXT_MAX 65536

/* Told once, on the loop, never inside the call. err: 0 committed | -EAGAIN the store is away. */
typedef void (*tc_keep_done_fn)(void *arg, int err);

/*
 * Write one, in place of what was there.
 *
 * key     1..TC_KEEP_KEY_MAX bytes; copied
 * text    UTF-8, at most TC_KEEP_TEXT_MAX bytes; copied; NULL: delete it
 * done    may be NULL
 * result  0 done will be called | -EINVAL | -EAGAIN too much waits for the store
 * thread  loop
 */
TC_API int tc_keep_put(struct tc_instance *self, const char *key, const char *text,
		       tc_keep_done_fn done, void *arg);

/* One of those read; borrowed. */
typedef void (*tc_keep_entry_fn)(void *arg, const char *key, const char *text);

/*
 * Read all whose keys begin so, by key: entry is called for each, then done.
 *
 * prefix  "" = all
 * result  0 done will be called | -EAGAIN
 * thread  loop
 */
TC_API int tc_keep_read(struct tc_instance *self, const char *prefix, tc_keep_entry_fn entry,
			tc_keep_done_fn done, void *arg);

#endif
