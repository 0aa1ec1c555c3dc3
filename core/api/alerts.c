/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/alerts: reading alerts. What people decide about them is alert_act.c's, raising them the
 * trigger http_api's.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "store/alert_repo.h"
#include "store/event_repo.h"

/* ---- the list ---- */

static const char *const states[] = {"any",       "open", "acknowledged", "resolved", "cancelled",
				     "exhausted", NULL};

struct alerts_query {
	int state;
	const char *severity, *source, *target, *since, *until, *q, *cursor;
	int64_t limit;
};

#define QUERY(field) .name = #field, .offset = offsetof(struct alerts_query, field)

static const struct tc_option alerts_query[] = {
	{QUERY(state), .type = TC_ENUM, .choices = states, .def = "any",
	 .help = "only those in it"},
	{QUERY(severity), .type = TC_STRING, .help = "exactly"},
	{QUERY(source), .type = TC_STRING, .help = "exactly"},
	{QUERY(target), .type = TC_STRING, .help = "exactly"},
	{QUERY(since), .type = TC_STRING, .help = "made then or later (RFC 3339)"},
	{QUERY(until), .type = TC_STRING, .help = "made before (RFC 3339)"},
	{QUERY(q), .type = TC_STRING, .max = 200, .help = "part of the message or of a label"},
	{QUERY(limit), .type = TC_INT, .def = "100", .min = 1, .max = 500, .help = "of a page"},
	{QUERY(cursor), .type = TC_STRING, .help = "the \"next\" of the page before"},
	TC_OPTION_END,
};

struct alerts_read {
	struct api_read read;
	struct alert_filter
		filter; /* its strings are owned: the request may go before they are read */
	char cursor[TC_ID_SIZE];
};

static int add_alert(const struct alert_row *row, void *arg)
{
	return api_page_add(arg, row->id, shape_alert(row));
}

static int list_run(struct db *db, struct api_read *read, json_t **answer)
{
	struct alerts_read *r = (struct alerts_read *)read;
	struct alert_filter filter = r->filter;
	struct api_page page;
	int err;

	api_page_init(&page, filter.limit);
	filter.limit = api_page_ask(&page);
	err = alert_list(db, &filter, add_alert, &page);
	*answer = api_page_done(&page, err);
	return err ? err : api_escalations(db, json_object_get(*answer, "items"));
}

static void list_fini(struct api_read *read)
{
	struct alert_filter *filter = &((struct alerts_read *)read)->filter;

	free((char *)filter->severity);
	free((char *)filter->source);
	free((char *)filter->target);
	free((char *)filter->q);
}

static void on_list(struct tc_http_req *req, void *arg)
{
	struct alerts_query query = {0};
	struct alerts_read *r;
	char cursor[TC_ID_SIZE];
	int64_t since_us, until_us;

	if (tc_http_query_fields(req, &query) || !api_cursor(req, query.cursor, cursor) ||
	    !api_time(req, "since", query.since, &since_us) ||
	    !api_time(req, "until", query.until, &until_us))
		return;
	r = tc_alloc(sizeof(*r));
	r->read = (struct api_read){.req = req, .run = list_run, .fini = list_fini};
	tc_strcopy(r->cursor, sizeof(r->cursor), cursor);
	r->filter = (struct alert_filter){
		.state = query.state ? states[query.state] : NULL,
		.severity = tc_strdup(query.severity),
		.source = tc_strdup(query.source),
		.target = tc_strdup(query.target),
		.q = tc_strdup(query.q),
		.since_us = since_us,
		.until_us = until_us,
		.before_id = *cursor ? r->cursor : NULL,
		.limit = (int)query.limit,
	};
	api_read(arg, &r->read);
}

/* ---- one ---- */

static int add_event(const struct event_row *row, void *arg)
{
	json_array_append_new(arg, shape_timeline(row));
	return 0;
}

static int alert_run(struct db *db, struct api_read *read, json_t **answer)
{
	struct alert_row row = {0};
	json_t *timeline;
	int found = alert_get(db, read->id, &row), err;

	if (found <= 0)
		return found ? found : -ENOENT;
	timeline = json_array();
	err = event_list_alert(db, read->id, add_event, timeline);
	*answer = shape_alert(&row);
	json_object_set_new(*answer, "timeline", timeline);
	alert_row_fini(&row);
	return err ? err : api_escalation(db, *answer);
}

void api_alert_answer(struct api *api, struct tc_http_req *req, const char *id)
{
	struct api_read *read = tc_alloc(sizeof(*read));

	*read = (struct api_read){.req = req, .run = alert_run, .noun = "alert"};
	tc_strcopy(read->id, sizeof(read->id), id);
	api_read(api, read);
}

static void on_get(struct tc_http_req *req, void *arg)
{
	char id[TC_ID_SIZE];

	if (api_id(req, "alert", id))
		api_alert_answer(arg, req, id);
}

static const struct tc_http_route routes[] = {
	{.method = TC_GET,
	 .path = "/v1/alerts",
	 .scope = TC_SCOPE_READ,
	 .fn = on_list,
	 .summary = "Alerts, newest first",
	 .query = alerts_query,
	 .success = 200,
	 .reply = "alerts"},
	{.method = TC_GET,
	 .path = "/v1/alerts/{id}",
	 .scope = TC_SCOPE_READ,
	 .fn = on_get,
	 .summary = "One alert with its timeline",
	 .success = 200,
	 .reply = "alert"},
	{.path = NULL},
};

void api_alerts_init(struct api *api)
{
	api_routes(api, routes);
}
