/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calendars (text/calendar): those of schedules and of people, and a calendar as windows of a
 * schedule. What stands in them is oncall/ical.c's.
 */
#include <tocsin/alloc.h>

#include "api/documents.h"
#include "oncall/ical.h"
#include "oncall/oncall.h"
#include "oncall/schedule.h"

#define DAY_US (24 * 3600 * INT64_C(1000000))

struct calendar_query {
	int64_t days, priority;
};

static const struct tc_option read_query[] = {
	{.name = "days",
	 .offset = offsetof(struct calendar_query, days),
	 .type = TC_INT,
	 .def = "90",
	 .min = 1,
	 .max = 366,
	 .help = "how far, from now"},
	TC_OPTION_END,
};

static const struct tc_option import_query[] = {
	{.name = "days",
	 .offset = offsetof(struct calendar_query, days),
	 .type = TC_INT,
	 .def = "366",
	 .min = 1,
	 .max = 1100,
	 .help = "how far recurrences are followed, from now"},
	{.name = "priority",
	 .offset = offsetof(struct calendar_query, priority),
	 .type = TC_INT,
	 .def = "0",
	 .min = -1000,
	 .max = 1000,
	 .help = "of the windows: the lowest number comes first"},
	TC_OPTION_END,
};

/* out: taken */
static void answer(struct tc_http_req *req, struct tc_buf *out)
{
	tc_http_reply_header(req, "Content-Disposition", "attachment; filename=\"oncall.ics\"");
	tc_http_reply(req, 200, "text/calendar; charset=utf-8", out->data, out->len);
	tc_buf_fini(out);
}

/* The schedule in the path; NULL after the 404, or the 503, has been answered. */
static const struct document *schedule_of(struct tc_http_req *req, const struct api *api)
{
	const struct document *doc;

	if (!oncall_ready(api->deps.oncall)) {
		api_busy(req);
		return NULL;
	}
	doc = document_of(req, api->documents[0]);
	if (!doc || doc->compiled)
		return doc;
	tc_http_problem(req, 404, NULL, "the schedule is broken in the store");
	return NULL;
}

static void on_schedule(struct tc_http_req *req, void *arg)
{
	const struct api *api = arg;
	struct calendar_query query = {0};
	const struct document *doc;
	struct tc_buf out = {0};
	int64_t now_us;

	if (tc_http_query_fields(req, &query))
		return;
	doc = schedule_of(req, api);
	if (!doc)
		return;
	now_us = loop_wall_us(api->deps.loop);
	ical_schedule(api->deps.oncall, doc, now_us, now_us, now_us + query.days * DAY_US, &out);
	answer(req, &out);
}

static void on_contact(struct tc_http_req *req, void *arg)
{
	const struct api *api = arg;
	struct calendar_query query = {0};
	const struct contact *c;
	struct tc_buf out = {0};
	int64_t now_us;

	if (tc_http_query_fields(req, &query))
		return;
	if (!oncall_ready(api->deps.oncall)) {
		api_busy(req);
		return;
	}
	c = contact_of(req, api);
	if (!c)
		return;
	now_us = loop_wall_us(api->deps.loop);
	ical_contact(api->deps.oncall, c, now_us, now_us, now_us + query.days * DAY_US, &out);
	answer(req, &out);
}

static void import(struct tc_http_req *req, const struct api *api, const struct document *doc,
		   const struct ical_source *source)
{
	struct tc_errors *errs = tc_errors_new();
	json_t *windows = NULL;

	if (ical_windows(api->deps.oncall, source, &windows, errs))
		tc_http_faults(req, 422, errs);
	else
		document_import(req, api->documents[0], doc, windows);
	json_decref(windows);
	tc_errors_free(errs);
}

static void on_import(struct tc_http_req *req, void *arg)
{
	const struct api *api = arg;
	int64_t now_us = loop_wall_us(api->deps.loop), version;
	struct calendar_query query = {0};
	struct ical_source source;
	const struct document *doc;

	if (tc_http_query_fields(req, &query))
		return;
	doc = schedule_of(req, api);
	if (!doc)
		return;
	if (tc_http_header(req, "If-Match") &&
	    !api_precondition(req, "schedule", doc->version, &version))
		return;
	source = (struct ical_source){
		.zone = schedule_timezone(doc->compiled),
		.from_us = now_us,
		.until_us = now_us + query.days * DAY_US,
		.priority = query.priority,
	};
	source.text = tc_http_body(req, &source.size_bytes);
	import(req, api, doc, &source);
}

static const struct tc_http_route routes[] = {
	{.method = TC_GET,
	 .path = "/v1/schedules/{id}/calendar.ics",
	 .scope = TC_SCOPE_READ,
	 .fn = on_schedule,
	 .summary = "Who is on call in a schedule, as a calendar",
	 .query = read_query,
	 .success = 200,
	 .reply = "ics"},
	{.method = TC_POST,
	 .path = "/v1/schedules/{id}/calendar.ics",
	 .scope = TC_SCOPE_ADMIN,
	 .fn = on_import,
	 .summary = "Add the events of a calendar as windows; attendee or summary is a contact",
	 .query = import_query,
	 .success = 200,
	 .reply = "calendar_import"},
	{.method = TC_GET,
	 .path = "/v1/contacts/{id}/calendar.ics",
	 .scope = TC_SCOPE_READ,
	 .fn = on_contact,
	 .summary = "When a contact is on call, in whatever schedule, as a calendar",
	 .query = read_query,
	 .success = 200,
	 .reply = "ics"},
	{.path = NULL},
};

void api_calendar_init(struct api *api)
{
	api_routes(api, routes);
}
