/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing schedules, policies and maintenance windows: committed first. What makes a good one its
 * kind knows; reading them is documents.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "api/documents.h"
#include "host/config.h"
#include "host/id.h"
#include "host/text.h"
#include "oncall/ical.h"
#include "oncall/oncall.h"
#include "oncall/reference.h"
#include "store/document_repo.h"
#include "store/event_repo.h"
#include "store/journal.h"
#include "store/store.h"

/* ---- changes ---- */

/* One on its way to the store and back. */
struct change {
	const struct api_documents *res;
	struct tc_http_req *req;
	bool add, remove;
	int64_t version;         /* the one that is changed, 0 = any */
	struct document_row row; /* owned strings */
	struct event_row event;
	char *what, *text; /* owned */
	bool import;             /* of a calendar */
	size_t added;            /* windows */
};

static void change_free(struct change *ch)
{
	document_row_fini(&ch->row);
	free(ch->what);
	free(ch->text);
	free(ch);
}

static int run(struct db *db, void *arg)
{
	struct change *ch = arg;
	int err;

	if (ch->remove)
		err = document_delete(db, ch->row.kind, ch->row.id, ch->version);
	else if (ch->add)
		err = document_insert(db, &ch->row);
	else
		err = document_update(db, &ch->row, ch->version);
	return err ? err : event_insert(db, &ch->event);
}

static void refuse(const struct change *ch, int err)
{
	const char *name = ch->res->kind->name;
	const char *noun = strcmp(name, "maintenance") ? name : "maintenance window";

	switch (err) {
	case -ENOENT:
		tc_http_problem(ch->req, 404, NULL, "there is no such %s", noun);
		break;
	case -ESTALE:
		api_version_gone(ch->req, name);
		break;
	case -EEXIST:
		tc_http_problem(ch->req, 409, "name", "there is a %s with this name", noun);
		break;
	default:
		api_busy(ch->req);
		documents_reload(ch->res->docs); /* perhaps it was done */
	}
}

static void answer(const struct change *ch)
{
	const struct document *doc = documents_find(ch->res->docs, ch->row.id);
	char where[96];

	if (ch->remove || !doc) {
		tc_http_reply(ch->req, 204, NULL, NULL, 0);
		return;
	}
	api_put_etag(ch->req, doc->version);
	if (ch->add) {
		snprintf(where, sizeof(where), "%s/%s", ch->res->path, doc->id);
		tc_http_reply_header(ch->req, "Location", where);
	}
	if (ch->import)
		tc_http_reply_json(ch->req, 200,
				   json_pack("{s:I, s:o}", "added", (json_int_t)ch->added,
					     "schedule", document_shape(doc)));
	else
		tc_http_reply_json(ch->req, ch->add ? 201 : 200, document_shape(doc));
}

static void done(void *arg, int err)
{
	struct change *ch = arg;

	if (err) {
		refuse(ch, err);
		change_free(ch);
		return;
	}
	if (ch->remove)
		documents_drop(ch->res->docs, ch->row.id);
	else
		documents_put(ch->res->docs, &ch->row);
	answer(ch);
	journal_publish(ch->res->api->deps.journal, &ch->event);
	change_free(ch);
}

static struct change *change_new(struct tc_http_req *req, const struct api_documents *res,
				 const char *name)
{
	struct change *ch = tc_alloc(sizeof(*ch));

	ch->res = res;
	ch->req = req;
	ch->row.kind = tc_strdup(res->kind->name);
	ch->row.name = tc_strdup(name);
	ch->row.updated_us = loop_wall_us(res->api->deps.loop);
	return ch;
}

/* did: what was done, for people, and of the event */
static void submit(struct change *ch, const char *did)
{
	ch->what = tc_asprintf("%s.%s", ch->row.kind, did);
	ch->text = tc_asprintf("%s %s was %s by %s", ch->row.kind, ch->row.name, did,
			       tc_http_who(ch->req));
	ch->event =
		(struct event_row){.at_us = ch->row.updated_us, .what = ch->what, .text = ch->text};
	if (!store_write(ch->res->api->deps.store, run, done, ch))
		return;
	api_busy(ch->req);
	change_free(ch);
}

/* ---- what a body says ---- */

static void check_id(const char *given, const char *id, struct tc_errors *errs)
{
	if (given && !id)
		tc_errors_add(errs, "id", "cannot be chosen");
	else if (given && strcmp(given, id) != 0)
		tc_errors_add(errs, "id", "is not the one in the path");
}

static void check_name(const char *name, struct tc_errors *errs)
{
	if (!text_is_line(name))
		tc_errors_add(errs, "name",
			      "must not have control characters, nor blanks at its "
			      "beginning or end");
	else if (id_valid(name))
		tc_errors_add(errs, "name", "must not look like an id");
}

/*
 * The document that a body makes.
 *
 * id      of the path, NULL for a new one
 * result  new reference; NULL after the 4xx has been answered
 */
static json_t *read_body(struct tc_http_req *req, const struct api_documents *res, const char *id)
{
	const struct oncall *oncall = res->api->deps.oncall;
	size_t size = res->kind->fields_size;
	struct tc_errors *errs;
	json_t *body = NULL;
	const char *given;
	char *fields;

	if (!oncall_ready(oncall)) {
		api_busy(req);
		return NULL;
	}
	fields = tc_alloc(size + sizeof(given));
	if (tc_http_fields(req, fields)) {
		free(fields);
		return NULL;
	}
	memcpy(&given, fields + size, sizeof(given));
	errs = tc_errors_new();
	check_id(given, id, errs);
	check_name(json_string_value(json_object_get(tc_http_json(req), "name")), errs);
	res->kind->check(oncall, fields, errs);
	if (tc_errors_count(errs)) {
		tc_http_faults(req, 422, errs);
	} else {
		body = option_complete(res->kind->table, tc_http_json(req));
		reference_keep(oncall, body);
	}
	tc_errors_free(errs);
	free(fields);
	return body;
}

/* body: taken. */
static struct change *change_to(struct tc_http_req *req, const struct api_documents *res,
				json_t *body)
{
	struct change *ch = change_new(req, res, json_string_value(json_object_get(body, "name")));

	ch->row.body = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return ch;
}

void document_on_add(struct tc_http_req *req, void *arg)
{
	const struct api_documents *res = arg;
	json_t *body = read_body(req, res, NULL);
	struct change *ch;

	if (!body)
		return;
	ch = change_to(req, res, body);
	ch->add = true;
	ch->row.version = 1;
	ch->row.created_us = ch->row.updated_us;
	id_new(ch->row.id, ch->row.created_us);
	submit(ch, "added");
}

void document_on_put(struct tc_http_req *req, void *arg)
{
	const struct api_documents *res = arg;
	const struct document *doc = document_of(req, res);
	json_t *body = doc ? read_body(req, res, doc->id) : NULL;
	struct change *ch;
	int64_t version;

	if (!body)
		return;
	if (!api_precondition(req, res->kind->name, doc->version, &version)) {
		json_decref(body);
		return;
	}
	ch = change_to(req, res, body);
	ch->version = version;
	tc_strcopy(ch->row.id, sizeof(ch->row.id), doc->id);
	submit(ch, "changed");
}

void document_on_delete(struct tc_http_req *req, void *arg)
{
	const struct api_documents *res = arg;
	const struct document *doc = document_of(req, res);
	struct change *ch;
	int64_t version;

	if (!doc || !api_precondition(req, res->kind->name, doc->version, &version) ||
	    !api_unreferred(req, res->api, res->kind->name, doc->id))
		return;
	ch = change_new(req, res, doc->name);
	ch->remove = true;
	ch->version = version;
	tc_strcopy(ch->row.id, sizeof(ch->row.id), doc->id);
	submit(ch, "removed");
}

/* ---- calendars ---- */

/* Whether a document that was put together is good: so many windows may be too many. */
static bool check_body(struct tc_http_req *req, const struct api_documents *res, const json_t *body)
{
	struct tc_errors *errs = tc_errors_new();
	void *fields = tc_alloc(res->kind->fields_size), *memory = NULL;
	bool good;

	if (!tc_options_fill(res->kind->table, body, fields, &memory, errs))
		res->kind->check(res->api->deps.oncall, fields, errs);
	good = !tc_errors_count(errs);
	if (!good)
		tc_http_faults(req, 422, errs);
	tc_options_release(memory);
	tc_errors_free(errs);
	free(fields);
	return good;
}

void document_import(struct tc_http_req *req, const struct api_documents *res,
		     const struct document *doc, const json_t *windows)
{
	json_t *body = json_deep_copy(doc->body);
	size_t added = ical_merge(body, windows);
	struct change *ch;

	if (!check_body(req, res, body)) {
		json_decref(body);
		return;
	}
	ch = change_to(req, res, body);
	ch->import = true;
	ch->added = added;
	ch->version = doc->version; /* what it was merged with */
	tc_strcopy(ch->row.id, sizeof(ch->row.id), doc->id);
	submit(ch, "changed");
}
