/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/contacts: reading the directory, which is in memory. Changing it is contact_change.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "oncall/contact.h"
#include "oncall/directory.h"
#include "oncall/oncall.h"

struct directory *api_directory(const struct api *api)
{
	return oncall_directory(api->deps.oncall);
}

/* ---- shapes ---- */

static json_t *shape_number(const struct contact_number *n)
{
	json_t *use = json_array();

	if (n->call)
		json_array_append_new(use, json_string("call"));
	if (n->sms)
		json_array_append_new(use, json_string("sms"));
	return json_pack("{s:s, s:o}", "number", n->number, "use", use);
}

json_t *contact_shape(const struct contact *c)
{
	json_t *numbers = json_array();

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(numbers, shape_number(&c->numbers[i]));
	return json_pack("{s:s, s:s, s:o, s:s?, s:s?, s:s?, s:s?, s:b, s:s}", "id", c->id, "name",
			 c->name, "numbers", numbers, "language", c->language, "voice", c->voice,
			 "timezone", c->timezone, "pin", c->pin ? CONTACT_PIN_SHOWN : NULL,
			 "enabled", c->enabled, "note", c->note);
}

/* ---- the list ---- */

struct contacts_query {
	const char *q, *cursor;
	int64_t limit;
};

#define QUERY(field) .name = #field, .offset = offsetof(struct contacts_query, field)

static const struct tc_option contacts_query[] = {
	{QUERY(q), .type = TC_STRING, .max = 200, .help = "part of the name, a number or the note"},
	{QUERY(limit), .type = TC_INT, .def = "100", .min = 1, .max = 500, .help = "of a page"},
	{QUERY(cursor), .type = TC_STRING, .help = "the \"next\" of the page before"},
	TC_OPTION_END,
};

static bool has(const struct contact *c, const char *q)
{
	if (!q || !*q || strcasestr(c->name, q) || strcasestr(c->note, q))
		return true;
	for (size_t i = 0; i < c->n; i++)
		if (strstr(c->numbers[i].number, q))
			return true;
	return false;
}

static json_t *page_of(const struct directory *dir, const struct contact *c,
		       const struct contacts_query *query)
{
	char next[API_NAME_CURSOR_SIZE] = "";
	json_t *items = json_array();
	const char *last = "";

	for (; c; c = directory_next(dir, c)) {
		if (!has(c, query->q))
			continue;
		if (json_array_size(items) == (size_t)query->limit) {
			api_name_cursor(next, last);
			break;
		}
		json_array_append_new(items, contact_shape(c));
		last = c->name;
	}
	return json_pack("{s:o, s:s?}", "items", items, "next", *next ? next : NULL);
}

static void on_list(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	const struct directory *dir = api_directory(api);
	struct contacts_query query = {0};
	char name[API_NAME_MAX + 1];

	if (tc_http_query_fields(req, &query))
		return;
	if (!directory_ready(dir))
		api_busy(req);
	else if (api_cursor_name(req, query.cursor, name))
		tc_http_reply_json(req, 200,
				   page_of(dir,
					   query.cursor ? directory_behind(dir, name)
							: directory_next(dir, NULL),
					   &query));
}

/* ---- one ---- */

const struct contact *contact_of(struct tc_http_req *req, const struct api *api)
{
	const struct contact *c;
	char id[TC_ID_SIZE];

	if (!directory_ready(api_directory(api))) {
		api_busy(req);
		return NULL;
	}
	if (!api_id(req, "contact", id))
		return NULL;
	c = directory_find(api_directory(api), id);
	if (!c)
		tc_http_problem(req, 404, NULL, "there is no such contact");
	return c;
}

static void on_get(struct tc_http_req *req, void *arg)
{
	const struct contact *c = contact_of(req, arg);

	if (!c)
		return;
	api_put_etag(req, c->version);
	tc_http_reply_json(req, 200, contact_shape(c));
}

static const struct tc_http_route routes[] = {
	{.method = TC_GET,
	 .path = "/v1/contacts",
	 .scope = TC_SCOPE_READ,
	 .fn = on_list,
	 .summary = "Contacts, by name",
	 .query = contacts_query,
	 .success = 200,
	 .reply = "contacts"},
	{.method = TC_POST,
	 .path = "/v1/contacts",
	 .scope = TC_SCOPE_ADMIN,
	 .fn = contact_on_add,
	 .summary = "Add a contact",
	 .body = contact_table,
	 .success = 201,
	 .reply = "contact"},
	{.method = TC_GET,
	 .path = "/v1/contacts/{id}",
	 .scope = TC_SCOPE_READ,
	 .fn = on_get,
	 .summary = "One contact, with its ETag",
	 .success = 200,
	 .reply = "contact"},
	{.method = TC_PUT,
	 .path = "/v1/contacts/{id}",
	 .scope = TC_SCOPE_ADMIN,
	 .fn = contact_on_put,
	 .summary = "Change a contact to what is given; needs If-Match",
	 .body = contact_table,
	 .success = 200,
	 .reply = "contact"},
	{.method = TC_DELETE,
	 .path = "/v1/contacts/{id}",
	 .scope = TC_SCOPE_ADMIN,
	 .fn = contact_on_delete,
	 .summary = "Take a contact away; needs If-Match",
	 .success = 204},
	{.path = NULL},
};

void api_contacts_init(struct api *api)
{
	api_routes(api, routes);
}
