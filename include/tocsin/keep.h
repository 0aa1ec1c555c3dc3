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

/*
 * Told once, on the loop, never inside the call; what is under way when the instance is closed is
 * told after its close(): what arg points to must live until then.
 *
 * err  0 committed, or read | -EAGAIN the store is away; what was to be written may be there all
 *      the same: write it again, or what is to stand in its place
 */
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

/* An event for all who listen (/v1/events). */
struct tc_keep_event {
	const char *what;   /* "planned.missed"; constant */
	const char *text;   /* a sentence for people; copied */
	const char *reason; /* why; copied; may be NULL */
};

/* As tc_keep_put(), and an event in the same transaction. event: NULL = none. */
TC_API int tc_keep_put_event(struct tc_instance *self, const char *key, const char *text,
			     const struct tc_keep_event *event, tc_keep_done_fn done, void *arg);

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
