/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events on the loop side: rows that ride in somebody's transaction, published to listeners after
 * the commit.
 */
#ifndef CORE_STORE_JOURNAL_H
#define CORE_STORE_JOURNAL_H

#include <tocsin/defs.h>

struct db;
struct event_row;
struct journal;

struct journal *journal_new(void);
void journal_free(struct journal *journal);

/* A listener is told of each committed event, in order, on the loop thread. */
typedef void (*journal_fn)(void *arg, const struct event_row *row);
void *journal_listen(struct journal *journal, journal_fn fn, void *arg);
void journal_unlisten(struct journal *journal, void *listener);

/* Tell the listeners; called by whoever's transaction carried the row, after its commit. */
void journal_publish(struct journal *journal, const struct event_row *row);

#endif
