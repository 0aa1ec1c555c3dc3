/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/contacts.csv: the directory as a file, and a file into the directory. What the file means is
 * oncall/contact_csv.c's; here are the ways to the store and back.
 *
 * What a file changes is found out on the reader's thread, written in one transaction if nobody has
 * changed the contacts meanwhile (else it is found out again), and then the directory is read anew:
 * the loop does not go through the rows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "oncall/contact_csv.h"
#include "oncall/directory.h"
#include "store/contact_repo.h"
#include "store/event_repo.h"
#include "store/journal.h"
#include "store/store.h"

#define TRIES 5

/* ---- export ---- */

struct contact_export {
	struct api *api;
	struct tc_http_req *req;
	struct tc_buf text;
};

static int put_contact(const struct contact_row *row, void *arg)
{
	contact_csv_put(arg, row);
	return 0;
}

static int export_run(struct db *db, void *arg)
{
	struct contact_export *e = arg;

	e->text.len = 0;
	contact_csv_put_header(&e->text);
	return contact_list(db, put_contact, &e->text);
}

static void export_free(struct contact_export *e)
{
	tc_buf_fini(&e->text);
	free(e);
}

static void export_done(void *arg, int err)
{
	struct contact_export *e = arg;

	if (err) {
		api_busy(e->req);
	} else {
		tc_http_reply_header(e->req, "Content-Disposition",
				     "attachment; filename=\"contacts.csv\"");
		tc_http_reply(e->req, 200, "text/csv; charset=utf-8", e->text.data, e->text.len);
	}
	export_free(e);
}

static void on_export(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	struct contact_export *e = tc_alloc(sizeof(*e));

	e->api = api;
	e->req = req;
	if (!store_read(api->deps.store, export_run, export_done, e))
		return;
	api_busy(req);
	export_free(e);
}

/* ---- import ---- */

struct import_query {
	bool partial;
};

static const struct tc_option import_query[] = {
	{.name = "partial",
	 .offset = offsetof(struct import_query, partial),
	 .type = TC_BOOL,
	 .def = "false",
	 .help = "true: rows without a fault are taken; else all or none"},
	TC_OPTION_END,
};

/* One on its way. */
struct contact_import {
	LIST_ENTRY(contact_import) link;
	struct api *api;
	struct tc_http_req *req;
	bool partial;
	int tries;
	int64_t now_us;
	char country[8];
	const struct zones *zones;
	char *text; /* owned, until csv has it */
	size_t len;
	struct contact_csv *csv;
	struct contact_mark mark;
	struct event_row event;
	char *sentence; /* owned */
};

/* So many small pieces of memory are given back on the reader's thread. */
static int drop_run(struct db *db, void *arg)
{
	struct contact_csv **csv = arg;

	(void)db;
	contact_csv_free(*csv);
	*csv = NULL;
	return 0;
}

static void drop_done(void *arg, int err)
{
	struct contact_csv **csv = arg;

	(void)err;
	contact_csv_free(*csv);
	free(csv);
}

/* csv: taken, may be NULL */
static void drop(struct api *api, struct contact_csv *csv)
{
	struct contact_csv **job = tc_alloc(sizeof(struct contact_csv *));

	*job = csv;
	if (!csv || store_read(api->deps.store, drop_run, drop_done, job))
		drop_done(job, 0);
}

static void import_free(struct contact_import *im)
{
	LIST_REMOVE(im, link);
	drop(im->api, im->csv);
	free(im->text);
	free(im->sentence);
	free(im);
}

static void import_busy(struct contact_import *im)
{
	api_busy(im->req);
	import_free(im);
}

/* 422: the report, as a problem (RFC 9457). */
static void answer_faults(struct contact_import *im)
{
	json_t *report = contact_csv_report(im->csv, false), *problem;
	const json_t *first = json_array_get(json_object_get(report, "faults"), 0);
	const char *field = json_string_value(json_object_get(first, "field"));
	char *text;

	problem = json_pack(
		"{s:s, s:s, s:i, s:o, s:s*}", "type", "about:blank", "title",
		"Unprocessable Content", "status", 422, "detail",
		json_sprintf("line %lld: %s%s%s",
			     (long long)json_integer_value(json_object_get(first, "line")),
			     field ? field : "", field ? ": " : "",
			     json_string_value(json_object_get(first, "text"))),
		"field", field);
	json_object_update(problem, report);
	text = json_dumps(problem, JSON_COMPACT);
	json_decref(report);
	json_decref(problem);
	tc_http_reply(im->req, 422, "application/problem+json", text, strlen(text));
	free(text);
	import_free(im);
}

/* The directory has been read anew: who asks now sees what was imported. */
static void import_answer(void *arg)
{
	struct contact_import *im = arg;

	tc_http_reply_json(im->req, 200, contact_csv_report(im->csv, true));
	import_free(im);
}

static void import_begin(struct contact_import *im);

static int import_write(struct db *db, void *arg)
{
	struct contact_import *im = arg;
	struct contact_mark mark;
	size_t n;
	struct contact_csv_change *changes = contact_csv_changes(im->csv, &n);
	int err = contact_mark(db, &mark);

	if (!err && (mark.n != im->mark.n || mark.updated_us != im->mark.updated_us))
		err = -ESTALE;
	for (size_t i = 0; !err && i < n; i++)
		err = changes[i].version ? contact_update(db, &changes[i].row, changes[i].version)
					 : contact_insert(db, &changes[i].row);
	return err ? err : event_insert(db, &im->event);
}

static void import_written(void *arg, int err)
{
	struct contact_import *im = arg;
	struct directory *dir = api_directory(im->api);

	if ((err == -ESTALE || err == -EEXIST || err == -ENOENT) && ++im->tries < TRIES) {
		import_begin(im); /* somebody was quicker */
		return;
	}
	if (err) {
		directory_reload(dir); /* perhaps it was done */
		import_busy(im);
		return;
	}
	journal_publish(im->api->deps.journal, &im->event);
	directory_reload_then(dir, import_answer, im);
}

static void import_submit(struct contact_import *im)
{
	size_t added, changed;

	contact_csv_count(im->csv, &added, &changed);
	free(im->sentence);
	im->sentence = tc_asprintf("contacts were imported by %s: %zu added, %zu changed",
				   tc_http_who(im->req), added, changed);
	im->event = (struct event_row){
		.at_us = im->now_us, .what = "contacts.imported", .text = im->sentence};
	if (store_write(im->api->deps.store, import_write, import_written, im))
		import_busy(im);
}

static int import_plan(struct db *db, void *arg)
{
	struct contact_import *im = arg;
	int err;

	if (!im->csv)
		im->csv = contact_csv_new(im->text, im->len, im->zones, im->country);
	im->text = NULL;
	contact_csv_begin(im->csv);
	err = contact_mark(db, &im->mark);
	if (!err)
		err = contact_list(db, contact_csv_known, im->csv);
	if (!err)
		contact_csv_plan(im->csv, im->now_us);
	return err;
}

static void import_planned(void *arg, int err)
{
	struct contact_import *im = arg;
	size_t n;

	if (err) {
		import_busy(im);
		return;
	}
	contact_csv_changes(im->csv, &n);
	if (contact_csv_faults(im->csv) && (!im->partial || contact_csv_broken(im->csv)))
		answer_faults(im);
	else if (n)
		import_submit(im);
	else
		import_answer(im);
}

static void import_begin(struct contact_import *im)
{
	im->now_us = loop_wall_us(im->api->deps.loop);
	if (store_read(im->api->deps.store, import_plan, import_planned, im))
		import_busy(im);
}

static void on_import(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	const struct directory *dir = api_directory(api);
	struct import_query query = {0};
	struct contact_import *im;
	const char *body;
	size_t len;

	if (tc_http_query_fields(req, &query))
		return;
	if (!directory_ready(dir)) {
		api_busy(req);
		return;
	}
	body = tc_http_body(req, &len);
	im = tc_alloc(sizeof(*im));
	im->api = api;
	im->req = req;
	im->partial = query.partial;
	im->zones = directory_zones(dir);
	tc_strcopy(im->country, sizeof(im->country), directory_country(dir));
	im->text = tc_try_alloc(len + 1);
	im->len = len;
	LIST_INSERT_HEAD(&api->imports, im, link);
	if (!im->text) {
		import_busy(im);
		return;
	}
	memcpy(im->text, body, len);
	import_begin(im);
}

static const struct tc_http_route routes[] = {
	{.method = TC_GET,
	 .path = "/v1/contacts.csv",
	 .scope = TC_SCOPE_READ,
	 .fn = on_export,
	 .summary = "All contacts as CSV, without PINs",
	 .success = 200,
	 .reply = "csv"},
	{.method = TC_POST,
	 .path = "/v1/contacts.csv",
	 .scope = TC_SCOPE_ADMIN,
	 .fn = on_import,
	 .summary = "Add and change contacts by a CSV file: all of it or nothing",
	 .query = import_query,
	 .success = 200,
	 .reply = "import_report"},
	{.path = NULL},
};

void api_contacts_csv_init(struct api *api)
{
	LIST_INIT(&api->imports);
	api_routes(api, routes);
}

/* The store has been stopped: nobody but the directory has one of these. */
void api_contacts_csv_fini(struct api *api)
{
	struct contact_import *im;

	while ((im = LIST_FIRST(&api->imports))) {
		directory_unwait(api_directory(api), im);
		import_free(im);
	}
}
