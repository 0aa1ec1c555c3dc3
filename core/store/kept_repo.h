/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What plugin instances keep, in the store. All functions run on a store thread, inside a
 * transaction.
 */
#ifndef CORE_STORE_KEPT_REPO_H
#define CORE_STORE_KEPT_REPO_H

#include <tocsin/defs.h>

struct db;

/* Write one, in place of what was there. body: NULL = delete it; there need not be one. */
int kept_put(struct db *db, const char *owner, const char *name, const char *body,
	     int64_t now_us);
/*
 * Those of an owner whose names begin so, by name; fn is called per row, which is released after
 * it, and returns 0 to go on.
 */
int kept_list(struct db *db, const char *owner, const char *prefix,
	      int (*fn)(const char *name, const char *body, void *arg), void *arg);

#endif
