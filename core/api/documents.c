/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/schedules, /v1/policies, /v1/maintenance: reading documents, which are in memory, and the
 * routes of each kind. Changing them is document_change.c's.
 */
#include "api/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "http/server.h"
#include "oncall/oncall.h"

json_t *document_shape(const struct document *doc)
{
	json_t *shape = json_pack("{s:s}", "id", doc->id);

	json_object_update(shape, doc->body);
	return shape;
}

/* ---- the list ---- */

struct documents_query {
	const char *q, *cursor;
	int64_t limit;
};

#define QUERY(field) .name = #field, .offset = offsetof(struct documents_query, field)

static const struct tc_option documents_query[] = {
	{QUERY(q), .type = TC_STRING, .max = 200, .help = "part of the name"},
	{QUERY(limit), .type = TC_INT, .def = "100", .min = 1, .max = 500, .help = "of a page"},
	{QUERY(cursor), .type = TC_STRING, .help = "the \"next\" of the page before"},
	TC_OPTION_END,
};

static json_t *page_of(const struct documents *docs, const struct document *doc,
		       const struct documents_query *query)
{
	char next[API_NAME_CURSOR_SIZE] = "";
	json_t *items = json_array();
	const char *last = "";

	for (; doc; doc = documents_next(docs, doc)) {
		if (query->q && !strcasestr(doc->name, query->q))
			continue;
		if (json_array_size(items) == (size_t)query->limit) {
			api_name_cursor(next, last);
			break;
		}
		json_array_append_new(items, document_shape(doc));
		last = doc->name;
	}
	return json_pack("{s:o, s:s?}", "items", items, "next", *next ? next : NULL);
}

static void on_list(struct tc_http_req *req, void *arg)
{
	const struct api_documents *res = arg;
	struct documents_query query = {0};
	char name[API_NAME_MAX + 1];

	if (tc_http_query_fields(req, &query))
		return;
	if (!documents_ready(res->docs))
		api_busy(req);
	else if (api_cursor_name(req, query.cursor, name))
		tc_http_reply_json(req, 200,
				   page_of(res->docs, documents_behind(res->docs, name), &query));
}

/* ---- one ---- */

const struct document *document_of(struct tc_http_req *req, const struct api_documents *res)
{
	const char *kind = res->kind->name;
	const char *noun = strcmp(kind, "maintenance") ? kind : "maintenance window";
	const struct document *doc;
	char id[TC_ID_SIZE];

	if (!documents_ready(res->docs)) {
		api_busy(req);
		return NULL;
	}
	if (!api_id(req, noun, id))
		return NULL;
	doc = documents_find(res->docs, id);
	if (!doc)
		tc_http_problem(req, 404, NULL, "there is no such %s", noun);
	return doc;
}

static void on_get(struct tc_http_req *req, void *arg)
{
	const struct document *doc = document_of(req, arg);

	if (!doc)
		return;
	api_put_etag(req, doc->version);
	tc_http_reply_json(req, 200, document_shape(doc));
}

/* ---- routes ---- */

/* The kind's table with "id" in front, whose field stands behind those of the kind. */
static struct tc_option *table_of(const struct document_kind *kind)
{
	struct tc_option *table;
	size_t n = 0;

	while (kind->table[n].name)
		n++;
	table = tc_calloc(n + 2, sizeof(*table));
	table[0] = (struct tc_option){.name = "id",
				      .type = TC_STRING,
				      .offset = kind->fields_size,
				      .max = TC_ID_SIZE - 1,
				      .help = "Only as it stands in the path"};
	memcpy(table + 1, kind->table, (n + 1) * sizeof(*table));
	return table;
}

#define TEXT(to, ...) snprintf(to, sizeof(to), __VA_ARGS__)

static void make_texts(struct api_documents *res)
{
	const char *name = res->kind->name;
	bool window = !strcmp(name, "maintenance");

	TEXT(res->path, "/v1/%s", res->kind->plural);
	TEXT(res->item_path, "%s/{id}", res->path);
	TEXT(res->reply, "%s%s", res->kind->plural, window ? "s" : "");
	TEXT(res->summaries[0], "All %s%s, by name", res->kind->plural, window ? " windows" : "");
	TEXT(res->summaries[1], "Add a %s%s", name, window ? " window" : "");
	TEXT(res->summaries[2], "One %s%s, with its ETag", name, window ? " window" : "");
	TEXT(res->summaries[3], "Change a %s to what is given; needs If-Match", name);
	TEXT(res->summaries[4], "Take a %s away; needs If-Match", name);
}

static void make_routes(struct api_documents *res)
{
	static const struct {
		enum tc_http_method method;
		tc_http_fn fn;
		int success;
		bool body;
	} rows[] = {
		{TC_GET, on_list, 200, false},
		{TC_POST, document_on_add, 201, true},
		{TC_GET, on_get, 200, false},
		{TC_PUT, document_on_put, 200, true},
		{TC_DELETE, document_on_delete, 204, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		res->routes[i] = (struct tc_http_route){
			.method = rows[i].method,
			.path = i < 2 ? res->path : res->item_path,
			.scope = rows[i].method == TC_GET ? TC_SCOPE_READ : TC_SCOPE_ADMIN,
			.fn = rows[i].fn,
			.summary = res->summaries[i],
			.query = i ? NULL : documents_query,
			.body = rows[i].body ? res->table : NULL,
			.success = rows[i].success,
			.reply = rows[i].success == 204 ? NULL
				 : i                    ? res->kind->name
							: res->reply,
		};
}

static struct api_documents *resource_new(struct api *api, struct documents *docs)
{
	struct api_documents *res = tc_alloc(sizeof(*res));

	res->api = api;
	res->docs = docs;
	res->kind = documents_kind(docs);
	res->table = table_of(res->kind);
	make_texts(res);
	make_routes(res);
	for (const struct tc_http_route *route = res->routes; route->path; route++)
		if (http_server_route(api->deps.http, route, res))
			abort(); /* two resources of the core want the same path */
	return res;
}

void api_documents_init(struct api *api)
{
	const struct oncall *oncall = api->deps.oncall;

	api->documents[0] = resource_new(api, oncall_schedules(oncall));
	api->documents[1] = resource_new(api, oncall_policies(oncall));
	api->documents[2] = resource_new(api, oncall_maintenance(oncall));
}

/* The server is closed by then: nobody asks any more. */
void api_documents_fini(struct api *api)
{
	for (size_t i = 0; i < sizeof(api->documents) / sizeof(api->documents[0]); i++) {
		free(api->documents[i]->table);
		free(api->documents[i]);
	}
}
