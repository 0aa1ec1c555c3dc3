/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trigger alertmanager: Alertmanager's webhook. The payload is payload.c's, routes and
 * messages are route.c's.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/http.h>
#include <tocsin/log.h>
#include <tocsin/trigger.h>

#include "payload.h"
#include "route.h"

enum { SEVERITY_MAX = 64 };

struct am {
	struct tc_instance *self;
	const struct am_config *cfg;
	char *source, *named_path; /* owned */
	struct tc_http_route plain, named;
	uint64_t groups, firing, resolved, refused, truncated;
};

static void busy(struct tc_http_req *req)
{
	tc_http_reply_header(req, "Retry-After", "2");
	tc_http_problem(req, 503, NULL, "the store is overloaded or away: nothing was taken");
}

static void on_stored(void *arg, int err, const struct tc_intake_result *results, size_t n)
{
	struct tc_http_req *req = arg;
	json_t *alerts;

	if (err) {
		busy(req);
		return;
	}
	alerts = json_array();
	for (size_t i = 0; i < n; i++) {
		const struct tc_intake_result *r = &results[i];

		json_array_append_new(alerts,
				      json_pack("{s:s?, s:s?, s:b}", "id", r->id[0] ? r->id : NULL,
						"state", r->id[0] ? r->state : NULL, "deduplicated",
						r->deduplicated));
	}
	tc_http_reply_json(req, 200, json_pack("{s:o}", "alerts", alerts));
}

/* What the label says; if that is nothing usable, the core's own: better too loud than refused. */
static const char *severity_of(const struct am_config *cfg, const struct payload_alert *alert)
{
	const char *text = json_string_value(json_object_get(alert->labels, cfg->severity_label));

	return text && *text && strlen(text) <= SEVERITY_MAX ? text : NULL;
}

/* One alert as the core takes it. message: receives what the caller frees. */
static void fill(const struct am *am, struct tc_intake *intake, char **message,
		 const struct payload_alert *alert, const struct am_route *forced, json_t *root)
{
	const struct am_config *cfg = am->cfg;
	const struct am_route *route = forced ? forced : am_route_match(cfg, alert->labels);

	intake->dedup = TC_DEDUP_ONCE;
	intake->dedup_key = alert->key;
	intake->source = am->source;
	if (!alert->firing) {
		intake->action = TC_INTAKE_RESOLVE;
		/* the start may have moved since: Alertmanager tells the earliest that it knows */
		intake->family = alert->family;
		return;
	}
	intake->action = TC_INTAKE_RAISE;
	intake->message = *message = am_message(cfg, route, alert, root);
	intake->target = route && route->target ? route->target : cfg->default_target;
	intake->strategy = route && route->strategy ? route->strategy : cfg->default_strategy;
	intake->severity = route && route->severity ? route->severity : severity_of(cfg, alert);
	intake->language = route ? route->language : NULL;
	intake->voice = route ? route->voice : NULL;
	intake->labels = alert->labels;
}

/* Alertmanager does not repeat what was refused with 4xx: somebody must hear of it. */
static void refuse(struct am *am, struct tc_http_req *req, const struct tc_errors *errs)
{
	am->refused++;
	tc_log(am->self, TC_LOG_ERROR, "refused alerts of Alertmanager's: %s %s",
	       tc_errors_field(errs, 0) ? tc_errors_field(errs, 0) : "", tc_errors_text(errs, 0));
	tc_http_faults(req, 422, errs);
}

static void submit(struct am *am, struct tc_http_req *req, const struct payload *payload,
		   const struct am_route *forced)
{
	struct tc_intake *items = tc_calloc(payload->n, sizeof(*items));
	char **messages = tc_calloc(payload->n, sizeof(*messages));
	struct tc_errors *errs = tc_errors_new();
	size_t firing = 0;
	int err;

	for (size_t i = 0; i < payload->n; i++) {
		fill(am, &items[i], &messages[i], &payload->alerts[i], forced, tc_http_json(req));
		firing += payload->alerts[i].firing;
	}
	err = tc_intake_submit(am->self, items, payload->n, errs, on_stored, req);
	if (!err) {
		am->groups++;
		am->firing += firing;
		am->resolved += payload->n - firing;
	} else if (err == -EINVAL && tc_errors_count(errs)) {
		refuse(am, req, errs);
	} else {
		am->refused++;
		busy(req);
	}
	tc_errors_free(errs);
	for (size_t i = 0; i < payload->n; i++)
		free(messages[i]);
	free(messages);
	free(items);
}

static void take(struct am *am, struct tc_http_req *req, const struct am_route *forced)
{
	struct payload payload = {0};
	struct payload_fault fault;
	json_t *root = tc_http_json(req);

	if (!root) {
		am->refused++;
		return;
	}
	if (!payload_parse(&payload, root, &fault)) {
		am->refused++;
		tc_log(am->self, TC_LOG_ERROR, "refused a payload: %s %s", fault.field, fault.text);
		tc_http_problem(req, fault.status, fault.field, "%s %s", fault.field, fault.text);
	} else {
		if (payload.truncated > 0) {
			am->truncated += (uint64_t)payload.truncated;
			tc_log(am->self, TC_LOG_WARN,
			       "Alertmanager left out alerts of a group (its max_alerts): nobody "
			       "is called for "
			       "them truncated=%lld",
			       (long long)payload.truncated);
		}
		submit(am, req, &payload, forced);
	}
	payload_fini(&payload);
}

static void on_plain(struct tc_http_req *req, void *arg)
{
	take(arg, req, NULL);
}

static void on_named(struct tc_http_req *req, void *arg)
{
	struct am *am = arg;
	const char *name = tc_http_param(req, "route");
	const struct am_route *route = am_route_find(am->cfg, name);

	if (route) {
		take(am, req, route);
		return;
	}
	am->refused++;
	tc_log(am->self, TC_LOG_ERROR, "refused alerts for a route that is not configured route=%s",
	       name);
	tc_http_problem(req, 404, "route", "there is no route \"%s\"", name);
}

/* ---- the instance ---- */

static void am_close(void *state)
{
	struct am *am = state;

	free(am->source);
	free(am->named_path);
	free(am);
}

static int am_open(struct tc_instance *self, const void *cfg, void **state)
{
	struct am *am = tc_alloc(sizeof(*am));
	int err;

	am->self = self;
	am->cfg = cfg;
	am->source = tc_asprintf("alertmanager/%s", tc_instance_name(self));
	am->named_path = tc_asprintf("%s/{route}", am->cfg->path);
	am->plain = (struct tc_http_route){
		.method = TC_POST,
		.path = am->cfg->path,
		.scope = TC_SCOPE_ALERT,
		.fn = on_plain,
		.summary = "Alertmanager's webhook (version 4): routes by the labels",
		.success = 200,
		.reply = "accepted_group",
		.body_any = true,
	};
	am->named = am->plain;
	am->named.path = am->named_path;
	am->named.fn = on_named;
	am->named.summary = "Alertmanager's webhook (version 4): all by one route";
	err = tc_http_route_add(self, &am->plain, am);
	if (!err)
		err = tc_http_route_add(self, &am->named, am);
	if (err) {
		am_close(am);
		return err;
	}
	*state = am;
	return 0;
}

static void am_status(void *state, struct tc_status *out)
{
	const struct am *am = state;

	tc_status_health(out, true, "takes alerts at %s", am->cfg->path);
	tc_status_number(out, "groups_taken", (double)am->groups);
	tc_status_number(out, "alerts_firing", (double)am->firing);
	tc_status_number(out, "alerts_resolved", (double)am->resolved);
	tc_status_number(out, "alerts_truncated", (double)am->truncated);
	tc_status_number(out, "requests_refused", (double)am->refused);
}

TC_API const struct tc_plugin tc_plugin = {
	TC_PLUGIN_GUARD(TC_KIND_TRIGGER),
	.name = "alertmanager",
	.version = TC_VERSION,
	.summary = "Takes the webhook of Prometheus' Alertmanager (version 4)",
	.options = am_options,
	.config_size = sizeof(struct am_config),
	.check = am_check,
	.open = am_open,
	.close = am_close,
	.status = am_status,
};
