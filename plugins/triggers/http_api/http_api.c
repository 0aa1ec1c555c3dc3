/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trigger http_api: POST /v1/alerts raises one alert, now or later. What a PBX's dialplan says
 * of calls is in callbacks.c; reading alerts and acting on them is the core's API, what is planned
 * is the trigger scheduler's.
 */
#include "http_api.h"

#include <stdlib.h>
#include <time.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

struct config {
	const char *path;
	bool dialplan_callbacks;
};

static const struct tc_option options[] = {
	{.name = "path",
	 .type = TC_STRING,
	 .offset = offsetof(struct config, path),
	 .def = "/v1/alerts",
	 .min = 2,
	 .max = 100,
	 .help = "where alerts are posted; a second instance needs another"},
	{.name = "dialplan_callbacks",
	 .type = TC_BOOL,
	 .offset = offsetof(struct config, dialplan_callbacks),
	 .def = "false",
	 .help = "take what the dialplan of a PBX says of a call: /heard and /ack, without a "
		 "token"},
	TC_OPTION_END,
};

struct body {
	const char *message, *target, *strategy, *severity, *dedup_key, *at, *timezone;
	const char *language, *voice, *source;
	struct tc_map labels;
};

#define FIELD(field) .name = #field, .offset = offsetof(struct body, field)

static const struct tc_option body_table[] = {
	{FIELD(message), .type = TC_STRING, .flags = TC_REQUIRED, .min = 1, .max = 4096,
	 .help = "what is said"},
	{FIELD(target), .type = TC_STRING, .flags = TC_REQUIRED, .min = 1, .max = 200,
	 .help = "who must be reached: \"+4930123\", \"contact:alice\", \"schedule:ops\", ..."},
	{FIELD(strategy), .type = TC_STRING, .max = 32, .help = "how: \"call\" (default)"},
	{FIELD(severity), .type = TC_STRING, .max = 64, .help = "default \"critical\""},
	{FIELD(labels), .type = TC_MAP,
	 .help = "names and values, to find it by and for the prompts"},
	{FIELD(dedup_key), .type = TC_STRING, .max = 255,
	 .help = "an open alert with this key takes this one in"},
	{FIELD(at), .type = TC_STRING, .max = 64,
	 .help = "when: RFC 3339, or YYYY-MM-DDTHH:MM in timezone; needs a scheduler"},
	{FIELD(timezone), .type = TC_STRING, .max = 64,
	 .help = "of a local \"at\", as \"Europe/Rome\""},
	{FIELD(language), .type = TC_STRING, .max = 35, .help = "of the message (BCP 47)"},
	{FIELD(voice), .type = TC_STRING, .max = 64, .help = "name of a configured voice"},
	{FIELD(source), .type = TC_STRING, .max = 200, .help = "who sends it; default: who calls"},
	TC_OPTION_END,
};

static void busy(struct tc_http_req *req)
{
	tc_http_reply_header(req, "Retry-After", "2");
	tc_http_problem(req, 503, NULL, "the store is overloaded or away: the alert was not taken");
}

static void on_stored(void *arg, int err, const struct tc_intake_result *results, size_t n)
{
	struct tc_http_req *req = arg;

	if (err || n != 1) {
		busy(req);
		return;
	}
	tc_http_reply_json(req, 202,
			   json_pack("{s:s, s:s, s:b}", "id", results->id, "state", results->state,
				     "deduplicated", results->deduplicated));
}

static void submit(struct api *api, struct tc_http_req *req, const struct tc_intake *intake)
{
	struct tc_errors *errs = tc_errors_new();
	int err = tc_intake_submit(api->self, intake, 1, errs, on_stored, req);

	if (err)
		api->refused++;
	else
		api->taken++;
	if (err == -EINVAL && tc_errors_count(errs))
		tc_http_faults(req, 422, errs);
	else if (err)
		busy(req);
	tc_errors_free(errs);
}

/* ---- later ---- */

static void on_planned(void *arg, int err, const char *id, int64_t at_us, bool deduplicated)
{
	struct tc_http_req *req = arg;
	time_t at_s = (time_t)(at_us / 1000000);
	struct tm tm;
	char at[40];

	if (err == -ENOSPC) {
		tc_http_problem(req, 422, "at", "too many alerts are planned already");
	} else if (err) {
		busy(req);
	} else {
		gmtime_r(&at_s, &tm);
		strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
		tc_http_reply_json(req, 202,
				   json_pack("{s:s, s:s, s:b, s:s}", "id", id, "state", "planned",
					     "deduplicated", deduplicated, "at", at));
	}
}

static void plan(struct api *api, struct tc_http_req *req, const struct tc_intake *intake,
		 const struct body *body)
{
	struct tc_errors *errs = tc_errors_new();
	int err = tc_intake_plan(api->self, intake, body->at, body->timezone, errs, on_planned,
				 req);

	if (err)
		api->refused++;
	else
		api->taken++;
	if (err == -EINVAL && tc_errors_count(errs))
		tc_http_faults(req, 422, errs);
	else if (err == -ENOTSUP) /* not ignored: it would ring now, in somebody's night */
		tc_http_problem(req, 422, "at",
				"no scheduler is configured: add {name: clock, plugin: scheduler} "
				"to the triggers in tocsin.yaml");
	else if (err)
		on_planned(req, err, NULL, 0, false);
	tc_errors_free(errs);
}

static void on_post(struct tc_http_req *req, void *arg)
{
	struct body body = {0};
	struct tc_intake intake = {.action = TC_INTAKE_RAISE, .dedup = TC_DEDUP_ACTIVE};

	if (tc_http_fields(req, &body))
		return;
	if (body.timezone && !body.at) {
		tc_http_problem(req, 422, "timezone", "belongs to \"at\", which is missing");
		return;
	}
	intake.message = body.message;
	intake.target = body.target;
	intake.strategy = body.strategy;
	intake.severity = body.severity;
	intake.language = body.language;
	intake.voice = body.voice;
	intake.source = body.source ? body.source : tc_http_who(req);
	intake.dedup_key = body.dedup_key;
	intake.labels = json_object_get(tc_http_json(req), "labels");
	if (json_is_null(intake.labels))
		intake.labels = NULL;
	if (body.at)
		plan(arg, req, &intake, &body);
	else
		submit(arg, req, &intake);
}

/* ---- the instance ---- */

static int check(const void *cfg, struct tc_errors *errs)
{
	const struct config *config = cfg;

	if (config->path[0] == '/')
		return 0;
	tc_errors_add(errs, "path", "does not begin with \"/\"");
	return -EINVAL;
}

static int api_open(struct tc_instance *self, const void *cfg, void **state)
{
	const struct config *config = cfg;
	struct api *api = tc_alloc(sizeof(*api));
	int err;

	api->self = self;
	api->route = (struct tc_http_route){
		.method = TC_POST,
		.path = config->path,
		.scope = TC_SCOPE_ALERT,
		.fn = on_post,
		.summary = "Raise an alert",
		.body = body_table,
		.success = 202,
		.reply = "accepted",
	};
	err = tc_http_route_add(self, &api->route, api);
	if (!err && config->dialplan_callbacks)
		err = callbacks_add(api);
	if (err) {
		free(api);
		return err;
	}
	*state = api;
	return 0;
}

static void api_close(void *state)
{
	free(state);
}

static void api_status(void *state, struct tc_status *out)
{
	const struct api *api = state;

	tc_status_health(out, true, "takes alerts at %s", api->route.path);
	tc_status_number(out, "alerts_taken", (double)api->taken);
	tc_status_number(out, "alerts_refused", (double)api->refused);
	tc_status_number(out, "callbacks_taken", (double)api->callbacks);
}

TC_API const struct tc_plugin tc_plugin = {
	TC_PLUGIN_GUARD(TC_KIND_TRIGGER),
	.name = "http_api",
	.version = TC_VERSION,
	.summary = "Takes alerts by HTTP: POST /v1/alerts",
	.options = options,
	.config_size = sizeof(struct config),
	.check = check,
	.open = api_open,
	.close = api_close,
	.status = api_status,
};
