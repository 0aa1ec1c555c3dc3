/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Documents of one kind (schedules, policies, maintenance windows) in memory, on the loop: read at
 * the start, kept up to date by whoever commits a change. Each is JSON, and what its kind has made
 * of that. All functions: loop thread.
 */
#ifndef CORE_ONCALL_DOCUMENT_H
#define CORE_ONCALL_DOCUMENT_H

#include <sys/queue.h>

#include <jansson.h>

#include <tocsin/option.h>

#define DOCUMENT_NAME_MAX 100

struct document_row;
struct documents;
struct loop;
struct oncall;
struct store;

/* What a kind of documents is. */
struct document_kind {
	const char *name, *plural;      /* "schedule", "schedules": in the store, in paths */
	const struct tc_option *table;  /* of what is given from outside, "name" among it */
	size_t fields_size;             /* of the struct that the table fills */
	/* What the table cannot express; fields as table has filled them. */
	void (*check)(const struct oncall *oncall, const void *fields, struct tc_errors *errs);
	/* Make what is looked at when it is used; NULL: it cannot be made of it (edited by hand) */
	void *(*compile)(const json_t *body);
	void (*free)(void *compiled);
	/*
	 * The document names another one or a contact: for deleting. what: "contact:ID",
	 * "schedule:ID". May be NULL.
	 */
	bool (*refers)(const struct oncall *oncall, const void *compiled, const char *what);
};

/* Others read; it lives until it is changed or the loop is returned to. */
struct document {
	TAILQ_ENTRY(document) link;
	char id[TC_ID_SIZE];
	char *name;      /* owned */
	json_t *body;    /* one reference; without id */
	void *compiled;  /* owned; NULL: it is broken */
	int64_t version;
};

/* Begins to read all of this kind, and tries until that has worked. */
struct documents *documents_new(struct loop *loop, struct store *store,
				const struct document_kind *kind);
void documents_free(struct documents *docs);
const struct document_kind *documents_kind(const struct documents *docs);
/* Whether they have been read. */
bool documents_ready(const struct documents *docs);
/* Read them again: a commit may or may not have been done. */
void documents_reload(struct documents *docs);

/* After the commit: one is new, or was changed; or is gone. */
void documents_put(struct documents *docs, const struct document_row *row);
void documents_drop(struct documents *docs, const char *id);
/* changed is told after each of these, and after reading; one listener. */
void documents_listen(struct documents *docs, void (*changed)(void *arg), void *arg);

/* By name, in order; NULL: no more. after: NULL = from the first one. */
const struct document *documents_next(const struct documents *docs, const struct document *after);
/* The first one behind this name, whether there is one of it or not. */
const struct document *documents_behind(const struct documents *docs, const char *name);
/* NULL: there is none. */
const struct document *documents_find(const struct documents *docs, const char *id);
/* By its id, or else by its name. */
const struct document *documents_named(const struct documents *docs, const char *id_or_name);

#endif
