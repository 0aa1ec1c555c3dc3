/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/oncall and the gaps of a schedule: who is on call at an instant and why, and when nobody is.
 * The schedules themselves are documents.c's.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/calendar.h>

#include "api/private.h"
#include "host/rfc3339.h"
#include "oncall/directory.h"
#include "oncall/oncall.h"
#include "oncall/people.h"
#include "oncall/schedule.h"

#define DAY_US      (24 * 3600 * INT64_C(1000000))
#define GAPS_MAX    1000
#define SLICE_STEPS 100 /* of a search, before others have their turn on the loop */

static json_t *time_or_null(int64_t at_us)
{
	return at_us == INT64_MAX ? json_null() : shape_time(at_us);
}

/* ---- who is on call ---- */

struct oncall_query {
	const char *schedule, *at;
};

#define QUERY(field) .name = #field, .offset = offsetof(struct oncall_query, field)

static const struct tc_option oncall_query[] = {
	{QUERY(schedule), .type = TC_STRING, .max = 120,
	 .help = "id or name; default: what the target oncall means"},
	{QUERY(at), .type = TC_STRING, .max = 40,
	 .help = "RFC 3339, or local time of the schedule (2026-01-31T18:00); default: now"},
	TC_OPTION_END,
};

/* Without a name it is not the client's fault that there is no such schedule. */
static void answer_nobody(struct tc_http_req *req, const struct api *api, const char *name)
{
	json_t *fault = json_sprintf("there is no schedule '%s', which is what oncall means "
				     "(escalation.default_schedule)",
				     name);

	tc_http_reply_json(req, 200,
			   json_pack("{s:s, s:o, s:[], s:n, s:o}", "schedule", name, "at",
				     shape_time(loop_wall_us(api->deps.loop)), "people", "until",
				     "fault", fault));
}

/* NULL after an answer has been given. */
static const struct document *schedule_asked(struct tc_http_req *req, const struct api *api,
					     const char *given)
{
	const struct oncall *oncall = api->deps.oncall;
	const char *name = given && *given ? given : oncall_default_schedule(oncall);
	const struct document *doc;

	if (!oncall_ready(oncall)) {
		api_busy(req);
		return NULL;
	}
	if (!strncmp(name, "schedule:", strlen("schedule:")))
		name += strlen("schedule:");
	doc = documents_named(oncall_schedules(oncall), name);
	if (doc && doc->compiled)
		return doc;
	if (doc)
		tc_http_problem(req, 422, "schedule", "the schedule '%s' is broken in the store",
				name);
	else if (given && *given)
		tc_http_problem(req, 422, "schedule", "there is no schedule '%s'", name);
	else
		answer_nobody(req, api, name);
	return NULL;
}

/* False after the 400 has been answered. */
static bool time_asked(struct tc_http_req *req, const struct api *api,
		       const struct schedule *schedule, const char *text, int64_t *at_us)
{
	enum tc_local kind = TC_LOCAL_ONCE;

	*at_us = loop_wall_us(api->deps.loop);
	if (!text || !rfc3339_parse(text, at_us))
		return true;
	if (tc_local_parse(text, schedule_timezone(schedule), at_us, &kind)) {
		tc_http_problem(req, 400, "at",
				"at must be a date and time: 2026-01-31T18:00:00Z (RFC 3339), or "
				"2026-01-31T18:00 for local time of the schedule");
		return false;
	}
	if (kind != TC_LOCAL_GAP)
		return true;
	tc_http_problem(req, 400, "at",
			"this local time does not exist in %s: clocks are put "
			"forward over it",
			schedule_timezone(schedule));
	return false;
}

/* The turn of a contact; NULL: none. */
static const struct schedule_turn *turn_of(const struct oncall *oncall,
					   const struct schedule_turn *turns, size_t n,
					   const char *contact_id)
{
	for (size_t i = 0; i < n; i++) {
		const struct contact *c = people_contact(oncall, turns[i].contact);

		if (c && !strcmp(c->id, contact_id))
			return &turns[i];
	}
	return NULL;
}

static json_t *people_shape(const struct oncall *oncall, const struct people *people,
			    const struct schedule_turn *turns, size_t n)
{
	json_t *all = json_array();

	for (size_t i = 0; i < people->n; i++) {
		const struct person *p = &people->v[i];
		const struct schedule_turn *turn = turn_of(oncall, turns, n, p->contact_id);

		json_array_append_new(
			all, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "contact_id",
				       p->contact_id, "name", p->name, "number", p->numbers[0],
				       "why", p->why ? p->why : "", "from",
				       turn ? shape_time(turn->from_us) : json_null(), "until",
				       turn ? time_or_null(turn->until_us) : json_null()));
	}
	return all;
}

static void on_oncall(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	const struct oncall *oncall = api->deps.oncall;
	struct schedule_turn turns[SCHEDULE_TURNS];
	struct oncall_query query = {0};
	struct people people;
	const struct document *doc;
	int64_t at_us, until_us;
	size_t n;

	if (tc_http_query_fields(req, &query))
		return;
	doc = schedule_asked(req, api, query.schedule);
	if (!doc || !time_asked(req, api, doc->compiled, query.at, &at_us))
		return;
	n = schedule_at(doc->compiled, at_us, turns, &until_us);
	people_find(oncall, &(struct target){TARGET_SCHEDULE, doc->id}, at_us, &people);
	tc_http_reply_json(req, 200,
			   json_pack("{s:s, s:o, s:o, s:o, s:s?}", "schedule", doc->name, "at",
				     shape_time(at_us), "people",
				     people_shape(oncall, &people, turns, n), "until",
				     time_or_null(until_us), "fault", people.fault));
	people_free(&people);
}

/* ---- gaps ---- */

struct gaps_query {
	int64_t days;
};

static const struct tc_option gaps_query[] = {
	{.name = "days",
	 .offset = offsetof(struct gaps_query, days),
	 .type = TC_INT,
	 .def = "14",
	 .min = 1,
	 .max = 400,
	 .help = "how far to look, from now"},
	TC_OPTION_END,
};

/* One that goes through a schedule piece by piece. */
struct gap_search {
	LIST_ENTRY(gap_search) link;
	struct api *api;
	struct tc_http_req *req;
	struct loop_timer next;
	char id[TC_ID_SIZE];
	int64_t version, from_us, until_us;
	struct schedule_gap gaps[GAPS_MAX];
	struct schedule_sweep sweep;
};

static void search_free(struct gap_search *s)
{
	loop_timer_stop(&s->next);
	LIST_REMOVE(s, link);
	free(s);
}

static void search_begin(struct gap_search *s, int64_t version)
{
	s->version = version;
	s->sweep =
		(struct schedule_sweep){.from_us = s->from_us, .gaps = s->gaps, .room = GAPS_MAX};
}

static void search_answer(const struct gap_search *s, const struct document *doc)
{
	size_t n = s->sweep.n < GAPS_MAX ? s->sweep.n : GAPS_MAX;
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, json_pack("{s:o, s:o}", "from",
						     shape_time(s->gaps[i].from_us), "until",
						     shape_time(s->gaps[i].until_us)));
	tc_http_reply_json(s->req, 200,
			   json_pack("{s:s, s:o, s:o, s:o, s:I}", "schedule", doc->name, "from",
				     shape_time(s->from_us), "until", shape_time(s->until_us),
				     "gaps", all, "seconds",
				     (json_int_t)(s->sweep.gap_us / 1000000)));
}

/* The schedule may have been changed since the piece before: then all begins anew. */
static void search_on(void *arg)
{
	struct gap_search *s = arg;
	const struct oncall *oncall = s->api->deps.oncall;
	const struct document *doc = documents_find(oncall_schedules(oncall), s->id);

	if (!doc || !doc->compiled) {
		tc_http_problem(s->req, 404, NULL, "there is no such schedule");
		search_free(s);
		return;
	}
	if (doc->version != s->version)
		search_begin(s, doc->version);
	if (!schedule_sweep(oncall, doc->compiled, &s->sweep, s->until_us, SLICE_STEPS)) {
		loop_timer_start_us(&s->next, 0);
		return;
	}
	search_answer(s, doc);
	search_free(s);
}

static void on_gaps(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	struct gaps_query query = {0};
	struct gap_search *s;
	char id[TC_ID_SIZE];

	if (tc_http_query_fields(req, &query) || !api_id(req, "schedule", id))
		return;
	if (!oncall_ready(api->deps.oncall)) {
		api_busy(req);
		return;
	}
	s = tc_alloc(sizeof(*s));
	s->api = api;
	s->req = req;
	tc_strcopy(s->id, sizeof(s->id), id);
	s->from_us = loop_wall_us(api->deps.loop);
	s->until_us = s->from_us + query.days * DAY_US;
	loop_timer_init(&s->next, api->deps.loop, search_on, s);
	LIST_INSERT_HEAD(&api->gap_searches, s, link);
	search_on(s);
}

static const struct tc_http_route routes[] = {
	{.method = TC_GET,
	 .path = "/v1/oncall",
	 .scope = TC_SCOPE_READ,
	 .fn = on_oncall,
	 .summary = "Who is on call, in order, and why",
	 .query = oncall_query,
	 .success = 200,
	 .reply = "oncall"},
	{.method = TC_GET,
	 .path = "/v1/schedules/{id}/gaps",
	 .scope = TC_SCOPE_READ,
	 .fn = on_gaps,
	 .summary = "When nobody who can be called is on call",
	 .query = gaps_query,
	 .success = 200,
	 .reply = "gaps"},
	{.path = NULL},
};

void api_oncall_init(struct api *api)
{
	LIST_INIT(&api->gap_searches);
	api_routes(api, routes);
}

void api_oncall_fini(struct api *api)
{
	while (!LIST_EMPTY(&api->gap_searches))
		search_free(LIST_FIRST(&api->gap_searches));
}
