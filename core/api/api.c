/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The API as a whole: its beginning and end. Each resource has a file of its own.
 */
#include <stdlib.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "http/server.h"

void api_routes(struct api *api, const struct tc_http_route *routes)
{
	for (; routes->path; routes++)
		if (http_server_route(api->deps.http, routes, api))
			abort(); /* two resources of the core want the same path */
}

void api_busy(struct tc_http_req *req)
{
	tc_http_reply_header(req, "Retry-After", "2");
	tc_http_problem(req, 503, NULL, "the store is overloaded or away");
}

struct api *api_new(const struct api_deps *deps)
{
	struct api *api = tc_alloc(sizeof(*api));

	api->deps = *deps;
	api_alerts_init(api);
	api_alert_act_init(api);
	api_calls_init(api);
	api_contacts_init(api);
	api_contacts_csv_init(api);
	api_documents_init(api);
	api_oncall_init(api);
	api_calendar_init(api);
	api_events_init(api);
	api_tokens_init(api);
	api_plugins_init(api);
	api_trunks_init(api);
	api_speech_init(api);
	api_prompts_init(api);
	api_readiness_init(api);
	api_test_calls_init(api);
	api_health_init(api);
	api_openapi_init(api);
	return api;
}

void api_set_ready(struct api *api, int ready)
{
	api->ready = ready;
}

void api_reconfigure(struct api *api, const struct config *config)
{
	api->deps.config = config;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	api_events_fini(api);
	api_speech_fini(api);
	api_trunks_fini(api);
	api_prompts_fini(api);
	api_tokens_fini(api);
	api_contacts_csv_fini(api);
	api_oncall_fini(api);
	api_documents_fini(api);
	free(api->openapi);
	free(api);
}
