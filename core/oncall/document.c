/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Documents of one kind in memory: reading them, changing them, finding them. Checking and storing
 * them is not done here; what stands in them only their kind knows.
 */
#include "oncall/document.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "host/loop.h"
#include "store/document_repo.h"
#include "store/store.h"

#define RETRY_US (1000 * 1000)

TAILQ_HEAD(document_queue, document);

struct documents {
	struct store *store;
	const struct document_kind *kind;
	struct document_queue list; /* by name */
	bool ready;
	bool told; /* that they cannot be read */
	bool reading;
	bool again; /* something was changed since the reading began: what was read may be old */
	struct loop_timer retry;
	void (*changed)(void *arg);
	void *changed_arg;
};

/* ---- one document ---- */

static void document_free(const struct documents *docs, struct document *doc)
{
	if (doc->compiled)
		docs->kind->free(doc->compiled);
	json_decref(doc->body);
	free(doc->name);
	free(doc);
}

static struct document *document_new(const struct documents *docs, const struct document_row *row)
{
	struct document *doc = tc_alloc(sizeof(*doc));

	tc_strcopy(doc->id, sizeof(doc->id), row->id);
	doc->name = tc_strdup(row->name);
	doc->version = row->version;
	doc->body = json_loads(row->body, 0, NULL);
	if (!json_is_object(doc->body)) {
		json_decref(doc->body);
		doc->body = json_object();
	} else {
		doc->compiled = docs->kind->compile(doc->body);
	}
	if (!doc->compiled)
		tc_log(NULL, TC_LOG_ERROR, "the %s %s is broken in the store, and does nothing",
		       docs->kind->name, doc->name);
	return doc;
}

/* ---- the list ---- */

static int by_name(const char *a, const char *b)
{
	int order = strcasecmp(a, b);

	return order ? order : strcmp(a, b);
}

static void insert(struct documents *docs, struct document *doc)
{
	struct document *before = TAILQ_LAST(&docs->list, document_queue);

	while (before && by_name(before->name, doc->name) > 0)
		before = TAILQ_PREV(before, document_queue, link);
	if (before)
		TAILQ_INSERT_AFTER(&docs->list, before, doc, link);
	else
		TAILQ_INSERT_HEAD(&docs->list, doc, link);
}

static void clear(struct documents *docs)
{
	struct document *doc;

	while ((doc = TAILQ_FIRST(&docs->list))) {
		TAILQ_REMOVE(&docs->list, doc, link);
		document_free(docs, doc);
	}
}

static struct document *find(const struct documents *docs, const char *id)
{
	struct document *doc;

	TAILQ_FOREACH (doc, &docs->list, link)
		if (!strcmp(doc->id, id))
			return doc;
	return NULL;
}

static void tell(const struct documents *docs)
{
	if (docs->changed)
		docs->changed(docs->changed_arg);
}

static void take_out(struct documents *docs, const char *id)
{
	struct document *doc = find(docs, id);

	docs->again = docs->reading;
	if (!doc)
		return;
	TAILQ_REMOVE(&docs->list, doc, link);
	document_free(docs, doc);
}

void documents_put(struct documents *docs, const struct document_row *row)
{
	take_out(docs, row->id);
	insert(docs, document_new(docs, row));
	tell(docs);
}

void documents_drop(struct documents *docs, const char *id)
{
	take_out(docs, id);
	tell(docs);
}

void documents_listen(struct documents *docs, void (*changed)(void *arg), void *arg)
{
	docs->changed = changed;
	docs->changed_arg = arg;
}

/* ---- reading ---- */

struct reading {
	struct documents *docs;
	struct document_row *rows; /* owned, with their strings */
	size_t n, room;
};

static void rows_clear(struct reading *r)
{
	for (size_t i = 0; i < r->n; i++)
		document_row_fini(&r->rows[i]);
	r->n = 0;
}

static int add_row(const struct document_row *row, void *arg)
{
	struct reading *r = arg;

	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 16;
		r->rows = tc_realloc(r->rows, r->room * sizeof(*r->rows));
	}
	document_row_copy(&r->rows[r->n++], row);
	return 0;
}

static int run(struct db *db, void *arg)
{
	struct reading *r = arg;

	rows_clear(r);
	return document_list(db, r->docs->kind->name, add_row, r);
}

static void take(struct documents *docs, const struct reading *r)
{
	clear(docs);
	for (size_t i = 0; i < r->n; i++)
		insert(docs, document_new(docs, &r->rows[i]));
	if (docs->told)
		tc_log(NULL, TC_LOG_INFO, "the %s documents could be read", docs->kind->name);
	docs->told = false;
	docs->ready = true;
	tell(docs);
}

static void done(void *arg, int err)
{
	struct reading *r = arg;
	struct documents *docs = r->docs;

	docs->reading = false;
	if (err) {
		if (!docs->told)
			tc_log(NULL, TC_LOG_ERROR,
			       "the %s documents cannot be read, trying again: %s",
			       docs->kind->name, tc_strerror(err));
		docs->told = true;
		loop_timer_start_us(&docs->retry, RETRY_US);
	} else if (!docs->again) {
		take(docs, r);
	} else {
		documents_reload(docs);
	}
	rows_clear(r);
	free(r->rows);
	free(r);
}

static void begin(void *arg)
{
	struct documents *docs = arg;
	struct reading *r = tc_alloc(sizeof(*r));

	r->docs = docs;
	loop_timer_stop(&docs->retry);
	docs->again = false;
	docs->reading = !store_read(docs->store, run, done, r);
	if (docs->reading)
		return;
	free(r);
	loop_timer_start_us(&docs->retry, RETRY_US);
}

void documents_reload(struct documents *docs)
{
	if (docs->reading)
		docs->again = true;
	else
		begin(docs);
}

bool documents_ready(const struct documents *docs)
{
	return docs->ready;
}

/* ---- beginning and end ---- */

struct documents *documents_new(struct loop *loop, struct store *store,
				const struct document_kind *kind)
{
	struct documents *docs = tc_alloc(sizeof(*docs));

	docs->store = store;
	docs->kind = kind;
	TAILQ_INIT(&docs->list);
	loop_timer_init(&docs->retry, loop, begin, docs);
	begin(docs);
	return docs;
}

/* The store must have been drained: nothing is being read any more. */
void documents_free(struct documents *docs)
{
	if (!docs)
		return;
	loop_timer_stop(&docs->retry);
	clear(docs);
	free(docs);
}

const struct document_kind *documents_kind(const struct documents *docs)
{
	return docs->kind;
}

/* ---- finding ---- */

const struct document *documents_next(const struct documents *docs, const struct document *after)
{
	return after ? TAILQ_NEXT(after, link) : TAILQ_FIRST(&docs->list);
}

const struct document *documents_behind(const struct documents *docs, const char *name)
{
	struct document *doc;

	TAILQ_FOREACH (doc, &docs->list, link)
		if (by_name(doc->name, name) > 0)
			return doc;
	return NULL;
}

const struct document *documents_find(const struct documents *docs, const char *id)
{
	return find(docs, id);
}

const struct document *documents_named(const struct documents *docs, const char *id_or_name)
{
	struct document *doc = find(docs, id_or_name);

	if (doc)
		return doc;
	TAILQ_FOREACH (doc, &docs->list, link)
		if (!strcmp(doc->name, id_or_name))
			return doc;
	return NULL;
}
