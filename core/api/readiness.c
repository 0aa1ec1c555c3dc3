/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/readiness: who would be reached in the coming days, and what is wrong with that; and the
 * number of problems for /metrics. What readiness is, oncall/readiness.c knows.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "call/trunk.h"
#include "host/config.h"
#include "host/host.h"
#include "host/metrics.h"
#include "host/quantity.h"
#include "oncall/oncall.h"
#include "oncall/readiness.h"
#include "store/store.h"
#include "store/drill_repo.h"

#define DAY_US (24 * 3600 * INT64_C(1000000))
#define DAYS 7
#define METRIC_US (60 * INT64_C(1000000)) /* so old the number may be */

/* When a number was reached. */
struct reached {
	char *number; /* owned */
	int64_t at_us;
};

/* One answer that is being made. */
struct looking {
	LIST_ENTRY(looking) link;
	struct api *api;
	struct tc_http_req *req; /* NULL: only the number of problems is wanted */
	int64_t now_us, unproven_us;
	int days;
	struct reached *v; /* owned; read on the store's thread */
	size_t n;
};

static void looking_free(struct looking *look)
{
	for (size_t i = 0; i < look->n; i++)
		free(look->v[i].number);
	free(look->v);
	free(look);
}

/* ---- twice: to learn which numbers there are, and with what the store knows of them ---- */

/* Few: a search through them costs less than what is done for each of them. */
static struct reached *find(const struct looking *look, const char *number)
{
	for (size_t i = 0; i < look->n; i++)
		if (!strcmp(look->v[i].number, number))
			return &look->v[i];
	return NULL;
}

static int64_t learn_number(void *arg, const char *number)
{
	struct looking *look = arg;

	if (!find(look, number)) {
		look->v = tc_realloc(look->v, (look->n + 1) * sizeof(*look->v));
		look->v[look->n++] = (struct reached){.number = tc_strdup(number)};
	}
	return 0;
}

static int64_t reached_us(void *arg, const char *number)
{
	const struct reached *r = find(arg, number);

	return r ? r->at_us : 0;
}

static json_t *make(struct looking *look, int64_t (*fn)(void *arg, const char *number))
{
	const struct api *api = look->api;
	const struct config *config = api->deps.config;
	struct readiness_trunk *trunks =
		tc_calloc(api->deps.trunks->n + 1, sizeof(*trunks));
	struct readiness_facts facts = {.now_us = look->now_us,
					.until_us = look->now_us + look->days * DAY_US,
					.unproven_us = look->unproven_us,
					.fallback = config->escalation.fallback,
					.self_alarm = config->self_alarms.target,
					.trunks = trunks,
					.reached_us = fn,
					.arg = look};
	struct trunk *trunk;
	json_t *answer;

	TAILQ_FOREACH (trunk, &api->deps.trunks->list, link)
		trunks[facts.n_trunks++] =
			(struct readiness_trunk){.name = tc_instance_name(trunk->instance),
						 .text = trunk->text ? trunk->text : "",
						 .healthy = trunk->healthy};
	answer = readiness_make(api->deps.oncall, &facts);
	free(trunks);
	return answer;
}

/* ---- what the store knows ---- */

static int read_reached(struct db *db, void *arg)
{
	struct looking *look = arg;
	int err = 0;

	for (size_t i = 0; i < look->n && !err; i++)
		err = drill_reached(db, look->v[i].number, &look->v[i].at_us);
	return err;
}

static void on_read(void *arg, int err)
{
	struct looking *look = arg;
	struct api *api = look->api;
	json_t *answer;

	LIST_REMOVE(look, link);
	if (!err) {
		answer = make(look, reached_us);
		if (look->req)
			tc_http_reply_json(look->req, 200, json_incref(answer));
		else
			api->problems =
				json_integer_value(json_object_get(answer, "problem_count"));
		json_decref(answer);
	} else if (look->req) {
		api_busy(look->req);
	}
	if (!look->req)
		api->counting = false;
	looking_free(look);
}

static int begin(struct looking *look)
{
	look->now_us = loop_wall_us(look->api->deps.loop);
	json_decref(make(look, learn_number));
	LIST_INSERT_HEAD(&look->api->lookings, look, link);
	if (!store_read(look->api->deps.store, read_reached, on_read, look))
		return 0;
	LIST_REMOVE(look, link);
	looking_free(look);
	return -EAGAIN;
}

/* ---- the resource ---- */

struct readiness_query {
	int64_t days;
	const char *unproven;
};

#define QUERY(field) .name = #field, .offset = offsetof(struct readiness_query, field)

static const struct tc_option readiness_query[] = {
	{QUERY(days), .type = TC_INT, .def = "7", .min = 1, .max = 31,
	 .help = "how far to look ahead"},
	{QUERY(unproven), .type = TC_STRING,
	 .help = "in place of the option readiness.unproven: 30d, 0s"},
	TC_OPTION_END,
};

static void on_readiness(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	struct readiness_query query = {0};
	int64_t unproven_ms = api->deps.config->readiness.unproven;
	struct looking *look;

	if (tc_http_query_fields(req, &query))
		return;
	if (query.unproven && (quantity_parse_duration(query.unproven, &unproven_ms) ||
			       unproven_ms < 0)) {
		tc_http_problem(req, 400, "unproven", "unproven is not a duration, as 30d");
		return;
	}
	if (!oncall_ready(api->deps.oncall)) {
		api_busy(req);
		return;
	}
	look = tc_alloc(sizeof(*look));
	look->api = api;
	look->req = req;
	look->days = (int)query.days;
	look->unproven_us = unproven_ms * 1000;
	if (begin(look))
		api_busy(req);
}

/* ---- the number of problems ---- */

/* It is what was found a moment ago, and looked for again when that is too old. */
void api_readiness_metrics(struct api *api)
{
	int64_t now_us = loop_now_us(api->deps.loop);
	struct looking *look;

	if (api->problems >= 0)
		metrics_gauge("tocsin_readiness_problems",
			      "Problems of the next 7 days that 'tocsin readiness' shows.", NULL,
			      (double)api->problems);
	if (api->counting || !oncall_ready(api->deps.oncall) ||
	    (api->counted_us && now_us - api->counted_us < METRIC_US))
		return;
	look = tc_alloc(sizeof(*look));
	look->api = api;
	look->days = DAYS;
	look->unproven_us = api->deps.config->readiness.unproven * 1000;
	api->counting = true;
	api->counted_us = now_us;
	if (begin(look))
		api->counting = false;
}

static const struct tc_http_route routes[] = {
	{.method = TC_GET,
	 .path = "/v1/readiness",
	 .scope = TC_SCOPE_READ,
	 .fn = on_readiness,
	 .summary = "Who would be reached in the coming days, and what is wrong with that",
	 .query = readiness_query,
	 .success = 200,
	 .reply = "readiness"},
	{.path = NULL},
};

void api_readiness_init(struct api *api)
{
	LIST_INIT(&api->lookings);
	api->problems = -1;
	api_routes(api, routes);
}
