/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contacts in the store. All functions run on a store thread, inside a transaction.
 */
#ifndef CORE_STORE_CONTACT_REPO_H
#define CORE_STORE_CONTACT_REPO_H

#include <tocsin/defs.h>

struct db;

/* One row. Strings are owned when it was read (contact_row_fini), borrowed when it is written. */
struct contact_row {
	char id[TC_ID_SIZE];
	const char *name;
	const char *numbers;  /* JSON array as text: [{"number":"+4930123","use":["call"]}] */
	const char *language, *voice, *timezone; /* may be NULL */
	const char *pin;      /* as pin_keep() has made it; NULL = none */
	bool enabled;
	const char *note;     /* NULL counts as "" */
	int64_t version;      /* grows with each change; of a new one 1 */
	int64_t created_us, updated_us;
};

void contact_row_fini(struct contact_row *row);
/* A copy that owns its strings. */
void contact_row_copy(struct contact_row *to, const struct contact_row *from);

int contact_insert(struct db *db, const struct contact_row *row); /* -EEXIST: the name is taken */
/*
 * Write all columns but id and created_us. row->version receives the new version.
 *
 * version  the one that is to be changed; 0 = whatever it is
 * result   0 | -ENOENT | -ESTALE it has another version | -EEXIST the name is another's
 */
int contact_update(struct db *db, struct contact_row *row, int64_t version);
int contact_delete(struct db *db, const char *id, int64_t version); /* -ENOENT, -ESTALE */
/* 1 found, 0 none. */
int contact_get(struct db *db, const char *id, struct contact_row *row);
/* All, by name; fn is called per row, which is released after it; it returns 0 to go on. */
int contact_list(struct db *db, int (*fn)(const struct contact_row *row, void *arg), void *arg);
/*
 * Figures that are others after any change of the contacts: how many there are, and when the last
 * one was written.
 */
struct contact_mark {
	int64_t n, updated_us;
};
int contact_mark(struct db *db, struct contact_mark *mark);

#endif
