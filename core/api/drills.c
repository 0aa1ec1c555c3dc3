/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/test-calls: calls that only try whether somebody can be reached, and their history.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "call/drill.h"
#include "call/trunk.h"
#include "oncall/oncall.h"
#include "oncall/people.h"
#include "store/drill_repo.h"

/* ---- shape ---- */

/* From one moment to another one; null when either has not come. */
static json_t *span(int64_t from_us, int64_t until_us)
{
	return from_us && until_us ? json_integer((until_us - from_us) / 1000) : json_null();
}

static json_t *shape(const struct drill_row *row)
{
	json_t *j = json_pack("{s:s, s:s?, s:s, s:s?, s:s, s:s?, s:s?, s:s?, s:s}", "id", row->id,
			      "name", row->name, "target", row->target, "contact_id",
			      row->contact_id, "number", row->number, "trunk", row->trunk,
			      "result", row->result, "reason", row->reason, "by", row->by);

	json_object_update_new(
		j, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s?, s:s?, s:o}",
			     "created_at", shape_time(row->created_us), "ringing_at",
			     shape_time(row->ringing_us), "answered_at",
			     shape_time(row->answered_us), "key_at", shape_time(row->key_us),
			     "ended_at", shape_time(row->ended_us), "ring_ms",
			     span(row->created_us, row->ringing_us), "answer_ms",
			     span(row->created_us, row->answered_us), "key_ms",
			     span(row->answered_us, row->key_us), "keys_sent", row->keys_sent,
			     "keys_heard", row->keys_heard, "level_dbov",
			     row->has_level ? json_integer(row->level_dbov) : json_null()));
	return j;
}

/* ---- reading ---- */

struct tried_query {
	const char *name, *number, *result, *cursor;
	int64_t limit;
};

#define QUERY(field) .name = #field, .offset = offsetof(struct tried_query, field)

static const struct tc_option tried_query[] = {
	{QUERY(name), .type = TC_STRING, .help = "those of one loop-back test"},
	{QUERY(number), .type = TC_STRING, .help = "exactly"},
	{QUERY(result), .type = TC_STRING, .help = "passed, no_key, busy, no_answer ..."},
	{QUERY(limit), .type = TC_INT, .def = "100", .min = 1, .max = 500, .help = "of a page"},
	{QUERY(cursor), .type = TC_STRING, .help = "the \"next\" of the page before"},
	TC_OPTION_END,
};

struct tried_read {
	struct api_read read;
	struct drill_filter filter; /* its strings are owned */
	char cursor[TC_ID_SIZE];
};

static int add_row(const struct drill_row *row, void *arg)
{
	return api_page_add(arg, row->id, shape(row));
}

static int list_run(struct db *db, struct api_read *read, json_t **answer)
{
	struct drill_filter filter = ((struct tried_read *)read)->filter;
	struct api_page page;
	int err;

	api_page_init(&page, filter.limit);
	filter.limit = api_page_ask(&page);
	err = drill_list(db, &filter, add_row, &page);
	*answer = api_page_done(&page, err);
	return err;
}

static void list_fini(struct api_read *read)
{
	struct drill_filter *filter = &((struct tried_read *)read)->filter;

	free((char *)filter->name);
	free((char *)filter->number);
	free((char *)filter->result);
}

static void on_list(struct tc_http_req *req, void *arg)
{
	struct tried_query query = {0};
	struct tried_read *r;
	char cursor[TC_ID_SIZE];

	if (tc_http_query_fields(req, &query) || !api_cursor(req, query.cursor, cursor))
		return;
	r = tc_alloc(sizeof(*r));
	r->read = (struct api_read){.req = req, .run = list_run, .fini = list_fini};
	tc_strcopy(r->cursor, sizeof(r->cursor), cursor);
	r->filter = (struct drill_filter){.name = tc_strdup(query.name),
					  .number = tc_strdup(query.number),
					  .result = tc_strdup(query.result),
					  .before_id = *cursor ? r->cursor : NULL,
					  .limit = (int)query.limit};
	api_read(arg, &r->read);
}

static int one_run(struct db *db, struct api_read *read, json_t **answer)
{
	struct drill_row row = {0};
	int found = drill_get(db, read->id, &row);

	if (found <= 0)
		return found ? found : -ENOENT;
	*answer = shape(&row);
	drill_row_fini(&row);
	return 0;
}

static void on_one(struct tc_http_req *req, void *arg)
{
	struct api_read *read;
	char id[TC_ID_SIZE];

	if (!api_id(req, "test call", id))
		return;
	read = tc_alloc(sizeof(*read));
	*read = (struct api_read){.req = req, .run = one_run, .noun = "test call"};
	tc_strcopy(read->id, sizeof(read->id), id);
	api_read(arg, read);
}

/* ---- calling ---- */

struct tried_body {
	const char *target, *trunk;
};

static const struct tc_option tried_body[] = {
	{"target", TC_STRING, offsetof(struct tried_body, target), .flags = TC_REQUIRED, .min = 1,
	 .max = 200, .help = "contact:NAME, or a number: +4930123"},
	{"trunk", TC_STRING, offsetof(struct tried_body, trunk), .min = 1, .max = 200,
	 .help = "name of the trunk; default: the one that an alert's call would take"},
	TC_OPTION_END,
};

static void refuse(struct tc_http_req *req, int err, const char *number)
{
	if (err == -EBUSY)
		tc_http_problem(req, 409, "target", "a call to %s is up, or being set up", number);
	else if (err == -EHOSTDOWN)
		tc_http_problem(req, 409, "trunk", "no trunk is configured");
	else
		tc_http_problem(req, 503, "trunk", "no trunk has room for a call now");
}

static void on_begun(void *arg, const char *id, int err)
{
	struct tc_http_req *req = arg;

	if (err)
		api_busy(req);
	else
		tc_http_reply_json(req, 202, json_pack("{s:s, s:s}", "id", id, "state", "placing"));
}

static void call(struct tc_http_req *req, struct api *api, const struct tried_body *body,
		 const struct person *person, struct trunk *trunk)
{
	struct drill_request request = {.target = body->target,
					.number = person->numbers[0],
					.contact_id = person->contact_id,
					.who = person->name,
					.language = person->language,
					.voice = person->voice,
					.by = tc_http_who(req),
					.trunk = trunk,
					.begun = on_begun,
					.arg = req};
	char id[TC_ID_SIZE];
	int err = drill_start(api->deps.caller, &request, id);

	if (err)
		refuse(req, err, request.number);
}

/* result: false after the problem has been told */
static bool find_target(struct tc_http_req *req, const struct api *api, const char *text,
			struct target *target)
{
	char fault[200];
	int err = target_parse(text, target, fault, sizeof(fault));

	if (!err)
		err = target_check(api->deps.oncall, text, fault, sizeof(fault));
	if (err == -EAGAIN) {
		api_busy(req);
		return false;
	}
	if (!err && target->kind != TARGET_CONTACT && target->kind != TARGET_NUMBER) {
		snprintf(fault, sizeof(fault), "must be a contact or a number");
		err = -EINVAL;
	}
	if (err)
		tc_http_problem(req, 422, "target", "%s", fault);
	return !err;
}

static void on_call(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	struct tried_body body = {0};
	struct trunk *trunk = NULL;
	struct target target;
	struct people people;

	if (tc_http_fields(req, &body) || !find_target(req, api, body.target, &target))
		return;
	if (body.trunk && !(trunk = trunks_find(api->deps.trunks, body.trunk))) {
		tc_http_problem(req, 422, "trunk", "there is no such trunk");
		return;
	}
	people_find(api->deps.oncall, &target, loop_wall_us(api->deps.loop), &people);
	if (!people.n || !people.v[0].n_numbers)
		tc_http_problem(req, 422, "target", "%s",
				people.fault ? people.fault : "has no number to call");
	else
		call(req, api, &body, &people.v[0], trunk);
	people_free(&people);
}

static const struct tc_http_route routes[] = {
	{.method = TC_GET,
	 .path = "/v1/test-calls",
	 .scope = TC_SCOPE_READ,
	 .fn = on_list,
	 .summary = "Test calls, newest first",
	 .query = tried_query,
	 .success = 200,
	 .reply = "test_calls"},
	{.method = TC_GET,
	 .path = "/v1/test-calls/{id}",
	 .scope = TC_SCOPE_READ,
	 .fn = on_one,
	 .summary = "One test call",
	 .success = 200,
	 .reply = "test_call"},
	{.method = TC_POST,
	 .path = "/v1/test-calls",
	 .scope = TC_SCOPE_ALERT,
	 .fn = on_call,
	 .summary = "Call somebody to try whether he can be reached; it says that it is a test",
	 .body = tried_body,
	 .success = 202,
	 .reply = "test_call_begun"},
	{.path = NULL},
};

void api_test_calls_init(struct api *api)
{
	api_routes(api, routes);
}
