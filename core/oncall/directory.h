/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory: all contacts in memory, on the loop. Read at the start, kept up to date by whoever
 * commits a change. All functions: loop thread.
 */
#ifndef CORE_ONCALL_DIRECTORY_H
#define CORE_ONCALL_DIRECTORY_H

#include <sys/queue.h>

#include "oncall/number.h"

struct contact_row;
struct directory;
struct loop;
struct store;
struct zones;

struct contact_number {
	char number[NUMBER_MAX + 1];
	char plain[NUMBER_PLAIN_SIZE];
	bool call, sms; /* what it is used for */
};

/* Others read; it lives until it is changed or the loop is returned to. */
struct contact {
	TAILQ_ENTRY(contact) link;
	char id[TC_ID_SIZE];
	char *name, *language, *voice, *timezone, *note; /* owned; language, voice, timezone may be
							    NULL */
	char *pin;                      /* owned; as pin_keep() has made it, NULL = none */
	struct contact_number *numbers; /* owned; in order of preference */
	size_t n;
	bool enabled;
	int64_t version;
	struct contact *next_id, *next_name; /* contact_index.c's */
};

/* Begins to read all contacts, and tries until that has worked. Blocks: reads the time zones. */
struct directory *directory_new(struct loop *loop, struct store *store);
void directory_free(struct directory *dir);
/* Whether they have been read. */
bool directory_ready(const struct directory *dir);
/* Read them again: a commit may or may not have been done. */
void directory_reload(struct directory *dir);
/*
 * The same; fn is told once they have been read, never inside. directory_unwait() takes those with
 * this arg back.
 */
void directory_reload_then(struct directory *dir, void (*fn)(void *arg), void *arg);
void directory_unwait(struct directory *dir, const void *arg);

/*
 * The own country ("49"), by which numbers that begin with one 0 are understood; copied, NULL or
 * "" = none.
 */
void directory_set_country(struct directory *dir, const char *country);
const char *directory_country(const struct directory *dir);

/* The time zones that there are. */
const struct zones *directory_zones(const struct directory *dir);

/* After the commit: a contact is new, or was changed; or is gone. */
void directory_put(struct directory *dir, const struct contact_row *row);
void directory_drop(struct directory *dir, const char *id);

/* changed is told after each of these, and after reading; one listener. */
void directory_listen(struct directory *dir, void (*changed)(void *arg), void *arg);

/* By name, in order; NULL: no more. after: NULL = from the first one. */
const struct contact *directory_next(const struct directory *dir, const struct contact *after);
/* The first one behind this name, whether somebody has it or not. */
const struct contact *directory_behind(const struct directory *dir, const char *name);
/* NULL: there is none. */
const struct contact *directory_find(const struct directory *dir, const char *id);
const struct contact *directory_find_name(const struct directory *dir, const char *name);
/* Those who have this number, written in whatever way: in order, one a call; also disabled ones. */
const struct contact *directory_find_number(const struct directory *dir, const char *number,
					    const struct contact *after);
/* The one who is enabled and has this PIN; NULL also when it is that of several. */
const struct contact *directory_find_pin(const struct directory *dir, const char *digits);
/* Is there anybody who is enabled and has a PIN? */
bool directory_has_pins(const struct directory *dir);

#endif
