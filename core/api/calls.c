/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/calls: reading calls.
 */
#include <stdlib.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "host/id.h"
#include "store/call_repo.h"

static const char *const states[] = {"any",      "deferred", "queued", "placing", "ringing",
				     "answered", "ended",  NULL};

struct calls_query {
	int state;
	const char *alert_id, *result, *trunk, *number, *since, *until, *cursor;
	int64_t limit;
};

#define QUERY(field) .name = #field, .offset = offsetof(struct calls_query, field)

static const struct tc_option calls_query[] = {
	{QUERY(alert_id), .type = TC_STRING, .help = "those of one alert"},
	{QUERY(state), .type = TC_ENUM, .choices = states, .def = "any",
	 .help = "only those in it"},
	{QUERY(result), .type = TC_STRING, .help = "acknowledged, busy, no_answer ..."},
	{QUERY(trunk), .type = TC_STRING, .help = "name of the trunk"},
	{QUERY(number), .type = TC_STRING, .help = "exactly"},
	{QUERY(since), .type = TC_STRING, .help = "made then or later (RFC 3339)"},
	{QUERY(until), .type = TC_STRING, .help = "made before (RFC 3339)"},
	{QUERY(limit), .type = TC_INT, .def = "100", .min = 1, .max = 500, .help = "of a page"},
	{QUERY(cursor), .type = TC_STRING, .help = "the \"next\" of the page before"},
	TC_OPTION_END,
};

struct calls_read {
	struct api_read read;
	struct call_filter filter; /* its strings are owned */
	char cursor[TC_ID_SIZE], alert_id[TC_ID_SIZE];
};

static int add_call(const struct call_row *row, void *arg)
{
	return api_page_add(arg, row->id, shape_call(row));
}

static int list_run(struct db *db, struct api_read *read, json_t **answer)
{
	struct calls_read *r = (struct calls_read *)read;
	struct call_filter filter = r->filter;
	struct api_page page;
	int err;

	api_page_init(&page, filter.limit);
	filter.limit = api_page_ask(&page);
	err = call_list(db, &filter, add_call, &page);
	*answer = api_page_done(&page, err);
	return err;
}

static void list_fini(struct api_read *read)
{
	struct call_filter *filter = &((struct calls_read *)read)->filter;

	free((char *)filter->result);
	free((char *)filter->trunk);
	free((char *)filter->number);
}

static void on_list(struct tc_http_req *req, void *arg)
{
	struct calls_query query = {0};
	struct calls_read *r;
	char cursor[TC_ID_SIZE];
	int64_t since_us, until_us;

	if (tc_http_query_fields(req, &query) || !api_cursor(req, query.cursor, cursor) ||
	    !api_time(req, "since", query.since, &since_us) ||
	    !api_time(req, "until", query.until, &until_us))
		return;
	if (query.alert_id && !id_valid(query.alert_id)) {
		tc_http_problem(req, 400, "alert_id", "alert_id is not the id of an alert");
		return;
	}
	r = tc_alloc(sizeof(*r));
	r->read = (struct api_read){.req = req, .run = list_run, .fini = list_fini};
	tc_strcopy(r->cursor, sizeof(r->cursor), cursor);
	tc_strcopy(r->alert_id, sizeof(r->alert_id), query.alert_id ? query.alert_id : "");
	r->filter = (struct call_filter){
		.alert_id = query.alert_id ? r->alert_id : NULL,
		.state = query.state ? states[query.state] : NULL,
		.result = tc_strdup(query.result),
		.trunk = tc_strdup(query.trunk),
		.number = tc_strdup(query.number),
		.since_us = since_us,
		.until_us = until_us,
		.before_id = *cursor ? r->cursor : NULL,
		.limit = (int)query.limit,
	};
	api_read(arg, &r->read);
}

static int call_run(struct db *db, struct api_read *read, json_t **answer)
{
	struct call_row row = {0};
	int found = call_get(db, read->id, &row);

	if (found <= 0)
		return found ? found : -ENOENT;
	*answer = shape_call(&row);
	call_row_fini(&row);
	return 0;
}

static void on_get(struct tc_http_req *req, void *arg)
{
	struct api_read *read;
	char id[TC_ID_SIZE];

	if (!api_id(req, "call", id))
		return;
	read = tc_alloc(sizeof(*read));
	*read = (struct api_read){.req = req, .run = call_run, .noun = "call"};
	tc_strcopy(read->id, sizeof(read->id), id);
	api_read(arg, read);
}

static const struct tc_http_route routes[] = {
	{.method = TC_GET,
	 .path = "/v1/calls",
	 .scope = TC_SCOPE_READ,
	 .fn = on_list,
	 .summary = "Calls, newest first",
	 .query = calls_query,
	 .success = 200,
	 .reply = "calls"},
	{.method = TC_GET,
	 .path = "/v1/calls/{id}",
	 .scope = TC_SCOPE_READ,
	 .fn = on_get,
	 .summary = "One call",
	 .success = 200,
	 .reply = "call"},
	{.path = NULL},
};

void api_calls_init(struct api *api)
{
	api_routes(api, routes);
}
