/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/planned: what is planned, listed, added, changed and cancelled. Checking is body.c's,
 * writing planner.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "planner.h"
#include "when.h"

#define CURSOR_SIZE (20 + 1 + TC_ID_SIZE)

/* ---- answers ---- */

static void away(struct tc_http_req *req)
{
	tc_http_reply_header(req, "Retry-After", "2");
	tc_http_problem(req, 503, NULL, "the store is overloaded or away: nothing was changed");
}

/* False: what is planned is being read, and fn is called again then. */
static bool is_ready(struct planner *planner, struct tc_http_req *req, tc_http_fn fn)
{
	if (!planner->loaded)
		planner_wait(planner, "", req, fn);
	return planner->loaded;
}

static void put_etag(struct tc_http_req *req, const struct plan *plan)
{
	char etag[32];

	snprintf(etag, sizeof(etag), "\"%lld\"", (long long)plan->version);
	tc_http_reply_header(req, "ETag", etag);
}

/* NULL: fn is called again, or the problem has been answered. */
static struct entry *entry_of(struct planner *planner, struct tc_http_req *req, tc_http_fn fn)
{
	struct entry *e;

	if (!is_ready(planner, req, fn))
		return NULL;
	e = planner_find(planner, tc_http_param(req, "id"));
	if (!e)
		tc_http_problem(req, 404, NULL, "nothing is planned under this id");
	return e;
}

/* ---- reading ---- */

struct list_query {
	const char *state, *cursor;
	int64_t limit;
};

#define QUERY(field) .name = #field, .offset = offsetof(struct list_query, field)

static const struct tc_option list_table[] = {
	{QUERY(state), .type = TC_STRING, .max = 16,
	 .help = "only those: planned, raised, missed, cancelled or finished"},
	{QUERY(limit), .type = TC_INT, .def = "100", .min = 1, .max = 500, .help = "of a page"},
	{QUERY(cursor), .type = TC_STRING, .max = CURSOR_SIZE,
	 .help = "the \"next\" of the page before"},
	TC_OPTION_END,
};

/* Where it stands in a list: when it is to be, or was to be. */
static int64_t time_of(const struct plan *p)
{
	int64_t at_us = p->at_us ? p->at_us : p->last_us > p->missed_us ? p->last_us : p->missed_us;

	return p->next_us ? p->next_us : at_us ? at_us : p->updated_us;
}

static void cursor_of(const struct plan *plan, char cursor[CURSOR_SIZE])
{
	snprintf(cursor, CURSOR_SIZE, "%020lld.%s", (long long)time_of(plan), plan->id);
}

static int compare(int64_t t, const char *id, int64_t u, const char *other)
{
	return t != u ? (t < u ? -1 : 1) : strcmp(id, other);
}

static int by_time(const void *a, const void *b)
{
	const struct plan *p = *(struct plan *const *)a, *q = *(struct plan *const *)b;

	return compare(time_of(p), p->id, time_of(q), q->id);
}

/* Those that are wanted, in order; owned by the caller. */
static const struct plan **pick(struct planner *planner, const struct list_query *query, size_t *n)
{
	enum plan_state state = query->state ? plan_state_find(query->state) : PLAN_STATE_COUNT;
	const char *after = query->cursor ? strchr(query->cursor, '.') : NULL;
	int64_t after_us = after ? strtoll(query->cursor, NULL, 10) : 0;
	const struct plan **all;
	struct entry *e;

	*n = 0;
	TAILQ_FOREACH(e, &planner->entries, link)
		(*n)++;
	all = tc_calloc(*n + 1, sizeof(*all));
	*n = 0;
	TAILQ_FOREACH(e, &planner->entries, link) {
		const struct plan *p = &e->plan;

		if (!e->there || (query->state && p->state != state))
			continue;
		if (!after || compare(time_of(p), p->id, after_us, after + 1) > 0)
			all[(*n)++] = p;
	}
	qsort(all, *n, sizeof(*all), by_time);
	return all;
}

static void on_list(struct tc_http_req *req, void *arg)
{
	struct planner *planner = arg;
	struct list_query query = {.state = NULL};
	json_t *items, *next = NULL;
	const struct plan **all;
	char cursor[CURSOR_SIZE];
	size_t n, count;

	if (!is_ready(planner, req, on_list) || tc_http_query_fields(req, &query))
		return;
	if (query.state && plan_state_find(query.state) == PLAN_STATE_COUNT) {
		tc_http_problem(req, 400, "state",
				"is none of planned, raised, missed, cancelled, finished");
		return;
	}
	if (query.cursor && !strchr(query.cursor, '.')) {
		tc_http_problem(req, 400, "cursor", "is not the \"next\" of a page");
		return;
	}
	all = pick(planner, &query, &n);
	items = json_array();
	count = n < (size_t)query.limit ? n : (size_t)query.limit;
	for (size_t i = 0; i < count; i++)
		json_array_append_new(items, plan_shape(all[i]));
	if (count < n) {
		cursor_of(all[count - 1], cursor);
		next = json_string(cursor);
	}
	free(all);
	tc_http_reply_json(req, 200,
			   json_pack("{s:o, s:o}", "items", items, "next",
				     next ? next : json_null()));
}

static void on_get(struct tc_http_req *req, void *arg)
{
	struct entry *e = entry_of(arg, req, on_get);

	if (!e)
		return;
	put_etag(req, &e->plan);
	tc_http_reply_json(req, 200, plan_shape(&e->plan));
}

/* ---- what a body says ---- */

struct body {
	const char *message, *target, *strategy, *severity, *dedup_key;
	const char *language, *voice, *source;
	struct tc_map labels;
	const char *at, *rrule, *start, *timezone;
	int64_t max_lateness;
	const json_t *shown; /* what an answer has beside these: taken, and not looked at */
};

#define FIELD(field) .name = #field, .offset = offsetof(struct body, field)
#define SHOWN(field) \
	{.name = #field, .type = TC_JSON, .offset = offsetof(struct body, shown), \
	 .help = "as it was read; is not changed by this"}

#define FIELDS \
	{FIELD(message), .type = TC_STRING, .flags = TC_REQUIRED, .min = 1, .max = 4096, \
	 .help = "what is said"}, \
	{FIELD(target), .type = TC_STRING, .flags = TC_REQUIRED, .min = 1, .max = 200, \
	 .help = "who must be reached"}, \
	{FIELD(strategy), .type = TC_STRING, .max = 32, .help = "how: \"call\" (default)"}, \
	{FIELD(severity), .type = TC_STRING, .max = 64, .help = "default \"critical\""}, \
	{FIELD(labels), .type = TC_MAP, .help = "names and values"}, \
	{FIELD(dedup_key), .type = TC_STRING, .max = 255, \
	 .help = "an open alert with this key takes it in when it is raised"}, \
	{FIELD(language), .type = TC_STRING, .max = 35, .help = "of the message (BCP 47)"}, \
	{FIELD(voice), .type = TC_STRING, .max = 64, .help = "name of a configured voice"}, \
	{FIELD(source), .type = TC_STRING, .max = 200, .help = "default: who calls"}, \
	{FIELD(at), .type = TC_STRING, .max = 64, \
	 .help = "once: RFC 3339, or YYYY-MM-DDTHH:MM in timezone"}, \
	{FIELD(rrule), .type = TC_STRING, .max = 512, \
	 .help = "again and again: an RRULE (RFC 5545), as \"FREQ=WEEKLY;BYDAY=MO\""}, \
	{FIELD(start), .type = TC_STRING, .max = 32, \
	 .help = "of rrule: YYYY-MM-DDTHH:MM in timezone"}, \
	{FIELD(timezone), .type = TC_STRING, .max = 64, .help = "as \"Europe/Rome\""}, \
	{FIELD(max_lateness), .type = TC_DURATION, .min = 1000, .max = INT64_C(366) * 86400000, \
	 .help = "what is later than this is missed; default: the instance's"}

static const struct tc_option post_table[] = {FIELDS, TC_OPTION_END};

static const struct tc_option put_table[] = {
	FIELDS,
	SHOWN(id),
	SHOWN(state),
	SHOWN(next_at),
	SHOWN(last_at),
	SHOWN(last_alert_id),
	SHOWN(missed_at),
	SHOWN(reason),
	SHOWN(raised),
	SHOWN(missed),
	SHOWN(created_at),
	SHOWN(updated_at),
	TC_OPTION_END,
};

static int make(struct planner *planner, const struct body *body, const struct tc_intake *alert,
		struct plan *plan, struct tc_errors *errs)
{
	const struct recurrence r = {body->rrule, body->start, body->timezone};

	if (!body->at == !body->rrule)
		tc_errors_add(errs, body->at ? "rrule" : "at",
			      "one of \"at\" (once) and \"rrule\" (again and again) is wanted");
	else if (body->at && body->start)
		tc_errors_add(errs, "start", "belongs to \"rrule\"");
	else
		return body->at ? plan_make(planner, alert, body->at, body->timezone, plan, errs)
				: plan_make_recurring(planner, alert, &r, plan, errs);
	return -EINVAL;
}

/* The plan that a request wants; false after the problem has been answered. */
static bool read_plan(struct planner *planner, struct tc_http_req *req, struct plan *plan)
{
	struct body body = {.message = NULL};
	struct tc_errors *errs;
	struct tc_intake alert;
	json_t *json;
	int err;

	if (tc_http_fields(req, &body))
		return false;
	json = tc_http_json(req);
	alert = (struct tc_intake){
		.action = TC_INTAKE_RAISE,
		.message = body.message,
		.target = body.target,
		.strategy = body.strategy,
		.severity = body.severity,
		.language = body.language,
		.voice = body.voice,
		.source = body.source ? body.source : tc_http_who(req),
		.dedup_key = body.dedup_key,
		.labels = json_is_object(json_object_get(json, "labels"))
				  ? json_object_get(json, "labels")
				  : NULL,
	};
	*plan = (struct plan){.id = ""};
	plan->max_lateness_ms =
		json_is_string(json_object_get(json, "max_lateness")) ? body.max_lateness : -1;
	errs = tc_errors_new();
	err = make(planner, &body, &alert, plan, errs);
	if (err == -EINVAL)
		tc_http_faults(req, 422, errs);
	else if (err)
		away(req);
	tc_errors_free(errs);
	if (err)
		plan_fini(plan);
	return !err;
}

/* ---- changing ---- */

/* One that waits for the commit; holds what its answer needs when the instance is closed. */
struct change_request {
	struct tc_http_req *req;
	char *path; /* owned; of the list: a new one's address; NULL = it was changed */
	bool cancelled;
};

static void on_changed(void *arg, int err, const struct entry *e)
{
	struct change_request *c = arg;
	char *where = NULL;

	if (err) {
		away(c->req);
	} else if (c->cancelled) {
		tc_http_reply(c->req, 204, NULL, NULL, 0);
	} else {
		if (c->path) {
			where = tc_asprintf("%s/%s", c->path, e->plan.id);
			tc_http_reply_header(c->req, "Location", where);
		}
		put_etag(c->req, &e->plan);
		tc_http_reply_json(c->req, c->path ? 201 : 200, plan_shape(&e->plan));
	}
	free(where);
	free(c->path);
	free(c);
}

static struct change_request *change_new(struct tc_http_req *req)
{
	struct change_request *c = tc_alloc(sizeof(*c));

	c->req = req;
	return c;
}

/* What an event says: "planned alert ID was changed by alice: 2026-..Z". */
static char *sentence(const struct plan *plan, const char *did, struct tc_http_req *req)
{
	char at[WHEN_SIZE];

	return tc_asprintf("planned alert %s was %s by %s%s%s", plan->id, did, tc_http_who(req),
			   plan->next_us ? ": " : "",
			   plan->next_us ? when_format(at, plan->next_us) : "");
}

static void on_post(struct tc_http_req *req, void *arg)
{
	struct planner *planner = arg;
	struct change_request *c;
	struct plan plan;

	if (!is_ready(planner, req, on_post) || !read_plan(planner, req, &plan))
		return;
	tc_id_new(plan.id, plan.next_us);
	tc_strcopy(plan.next_id, sizeof(plan.next_id), plan.id);
	c = change_new(req);
	c->path = tc_strdup(planner->cfg->path);
	if (!planner_add(planner, &plan, sentence(&plan, "added", req), on_changed, c))
		return;
	free(c->path);
	free(c);
	tc_http_problem(req, 422, NULL, "too many alerts are planned already: max_planned is %lld",
			(long long)planner->cfg->max_planned);
}

/* ---- what must hold before one is changed ---- */

/* RFC 9110, 13.1.1, and RFC 6585, 3. False after the problem has been answered. */
static bool precondition(struct tc_http_req *req, const struct plan *plan)
{
	const char *match = tc_http_header(req, "If-Match"), *at;
	char etag[32];

	snprintf(etag, sizeof(etag), "\"%lld\"", (long long)plan->version);
	if (!match) {
		tc_http_problem(req, 428, NULL,
				"If-Match is needed, with the ETag of what is meant: so nobody "
				"undoes what another one has changed meanwhile");
		return false;
	}
	at = strcmp(match, "*") ? strstr(match, etag) : match;
	if (at && (at == match || at[-1] == ' ' || at[-1] == ',' || at[-1] == '\t'))
		return true;
	tc_http_problem(req, 412, NULL,
			"it was changed since: read it again, its ETag is another one");
	return false;
}

/* While something of it is on its way, whoever wants to change it waits for the end of that. */
static bool is_busy(struct entry *e, struct tc_http_req *req, tc_http_fn fn)
{
	if (e->tried && !e->busy) { /* perhaps it was raised, and nobody knows */
		away(req);
		return true;
	}
	if (e->busy)
		planner_wait(e->planner, e->plan.id, req, fn);
	return e->busy;
}

static bool is_changeable(const struct plan *plan, struct tc_http_req *req)
{
	if (plan->state == PLAN_PLANNED)
		return true;
	tc_http_problem(req, 409, NULL, "it is %s%s%s: only what is planned can be changed",
			plan_state_name(plan->state),
			plan->last_id[0] ? ", the last alert is " : "", plan->last_id);
	return false;
}

static void on_put(struct tc_http_req *req, void *arg)
{
	struct entry *e = entry_of(arg, req, on_put);
	struct plan plan;

	if (!e || is_busy(e, req, on_put) || !precondition(req, &e->plan) ||
	    !is_changeable(&e->plan, req) || !read_plan(arg, req, &plan))
		return;
	tc_strcopy(plan.id, sizeof(plan.id), e->plan.id);
	if (plan.at_us)
		tc_strcopy(plan.next_id, sizeof(plan.next_id), plan.id);
	else
		tc_id_new(plan.next_id, plan.next_us);
	plan.created_us = e->plan.created_us;
	plan.last_us = e->plan.last_us;
	plan.missed_us = e->plan.missed_us;
	plan.raised = e->plan.raised;
	plan.missed = e->plan.missed;
	plan.reason = tc_strdup(e->plan.reason);
	tc_strcopy(plan.last_id, sizeof(plan.last_id), e->plan.last_id);
	entry_change(e, CHANGE_EDIT, &plan, "planned.changed", sentence(&plan, "changed", req),
		     NULL, on_changed, change_new(req));
}

static void on_delete(struct tc_http_req *req, void *arg)
{
	struct entry *e = entry_of(arg, req, on_delete);
	struct change_request *c;
	struct plan plan;

	if (!e || is_busy(e, req, on_delete) || !precondition(req, &e->plan))
		return;
	if (e->plan.state == PLAN_CANCELLED) {
		tc_http_reply(req, 204, NULL, NULL, 0);
		return;
	}
	if (!is_changeable(&e->plan, req))
		return;
	plan_copy(&plan, &e->plan);
	plan.state = PLAN_CANCELLED;
	plan.next_us = 0;
	plan.next_id[0] = '\0';
	c = change_new(req);
	c->cancelled = true;
	entry_change(e, CHANGE_EDIT, &plan, "planned.cancelled",
		     sentence(&plan, "cancelled", req), NULL, on_changed, c);
}

/* ---- the routes ---- */

static const struct tc_http_route routes[] = {
	{.method = TC_GET, .scope = TC_SCOPE_READ, .fn = on_list,
	 .summary = "Alerts that are planned, and what became of those that were, by time",
	 .query = list_table, .success = 200, .reply = "planned_list"},
	{.method = TC_POST, .scope = TC_SCOPE_ALERT, .fn = on_post,
	 .summary = "Plan an alert: once (at), or again and again (rrule, start, timezone)",
	 .body = post_table, .success = 201, .reply = "planned"},
	{.method = TC_GET, .path = "", .scope = TC_SCOPE_READ, .fn = on_get,
	 .summary = "One of them, with its ETag", .success = 200, .reply = "planned"},
	{.method = TC_PUT, .path = "", .scope = TC_SCOPE_ALERT, .fn = on_put,
	 .summary = "Change what is planned to what is given; needs If-Match", .body = put_table,
	 .success = 200, .reply = "planned"},
	{.method = TC_DELETE, .path = "", .scope = TC_SCOPE_ALERT, .fn = on_delete,
	 .summary = "Cancel what is planned; needs If-Match", .success = 204},
};

#define ROUTES (sizeof(routes) / sizeof(routes[0]))

int routes_add(struct planner *planner)
{
	int err = 0;

	planner->one_path = tc_asprintf("%s/{id}", planner->cfg->path);
	planner->routes = tc_alloc(sizeof(routes));
	memcpy(planner->routes, routes, sizeof(routes));
	for (size_t i = 0; i < ROUTES && !err; i++) {
		struct tc_http_route *route = &planner->routes[i];

		route->path = route->path ? planner->one_path : planner->cfg->path;
		err = tc_http_route_add(planner->self, route, planner);
	}
	return err;
}
