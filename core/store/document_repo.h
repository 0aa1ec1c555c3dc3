/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Documents of people in the store: schedules, policies, maintenance windows. All functions run on
 * a store thread, inside a transaction.
 */
#ifndef CORE_STORE_DOCUMENT_REPO_H
#define CORE_STORE_DOCUMENT_REPO_H

#include <tocsin/defs.h>

struct db;

/* One row. Strings are owned when it was read (document_row_fini), borrowed when it is written. */
struct document_row {
	char id[TC_ID_SIZE];
	const char *kind;  /* "schedule", "policy", "maintenance" */
	const char *name;  /* no other one of its kind has it */
	const char *body;  /* a JSON object as text */
	int64_t version;   /* grows with each change; of a new one 1 */
	int64_t created_us, updated_us;
};

void document_row_fini(struct document_row *row);
/* A copy that owns its strings. */
void document_row_copy(struct document_row *to, const struct document_row *from);

/* -EEXIST: the name is taken. */
int document_insert(struct db *db, const struct document_row *row);
/*
 * Write name, body and updated_us of the one with this kind and id. row->version receives the new
 * version.
 *
 * version  the one that is to be changed; 0 = whatever it is
 * result   0 | -ENOENT | -ESTALE it has another version | -EEXIST the name is another's
 */
int document_update(struct db *db, struct document_row *row, int64_t version);
/* -ENOENT, -ESTALE */
int document_delete(struct db *db, const char *kind, const char *id, int64_t version);
/* 1 found, 0 none. */
int document_get(struct db *db, const char *kind, const char *id, struct document_row *row);
/* All of a kind, by name; fn is called per row, which is released after it; 0 goes on. */
int document_list(struct db *db, const char *kind,
		  int (*fn)(const struct document_row *row, void *arg), void *arg);

#endif
