/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trigger alertmanager: Alertmanager's webhook. The payload is payload.c's, routes and
 * messages are route.c's; what is missing is heartbeat.c's, what is written back silence.c's.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/http.h>
#include <tocsin/log.h>
#include <tocsin/trigger.h>

#include "heartbeat.h"
#include "payload.h"
#include "route.h"
#include "silence.h"

enum { SEVERITY_MAX = 64 };

struct am {
	struct tc_instance *self;
	const struct am_config *cfg;
	char *source, *named_path; /* owned */
	struct tc_http_route plain, named;
	struct heartbeats *heartbeats;
	struct silences *silences; /* NULL: none are made */
	uint64_t groups, firing, resolved, refused, truncated, beats;
};

/* A group on its way through the store. */
struct group {
	struct tc_http_req *req;
	size_t n;
	bool beat[]; /* of each alert: it was a heartbeat, the store has nothing of it */
};

static void busy(struct tc_http_req *req)
{
	tc_http_reply_header(req, "Retry-After", "2");
	tc_http_problem(req, 503, NULL, "the store is overloaded or away: nothing was taken");
}

static json_t *one_answer(const struct tc_intake_result *r)
{
	if (!r)
		return json_pack("{s:n, s:s, s:b}", "id", "state", "heartbeat", "deduplicated", 0);
	return json_pack("{s:s?, s:s?, s:b}", "id", r->id[0] ? r->id : NULL, "state",
			 r->id[0] ? r->state : NULL, "deduplicated", r->deduplicated);
}

static void on_stored(void *arg, int err, const struct tc_intake_result *results, size_t n)
{
	struct group *g = arg;
	json_t *alerts;

	(void)n;
	if (err) {
		busy(g->req);
		free(g);
		return;
	}
	alerts = json_array();
	for (size_t i = 0; i < g->n; i++)
		json_array_append_new(alerts, one_answer(g->beat[i] ? NULL : results++));
	tc_http_reply_json(g->req, 200, json_pack("{s:o}", "alerts", alerts));
	free(g);
}

/* What the label says; if that is nothing usable, the core's own: better too loud than refused. */
static const char *severity_of(const struct am_config *cfg, const struct payload_alert *alert)
{
	const char *text = json_string_value(json_object_get(alert->labels, cfg->severity_label));

	return text && *text && strlen(text) <= SEVERITY_MAX ? text : NULL;
}

/* One alert as the core takes it. message: receives what the caller frees. */
static void fill(const struct am *am, struct tc_intake *intake, char **message,
		 const struct payload_alert *alert, const struct am_route *route, json_t *root)
{
	const struct am_config *cfg = am->cfg;

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

/* The alerts of a group for the core; those that are heartbeats are not among them. */
struct items {
	struct tc_intake *v;
	char **messages;
	size_t n, firing;
};

static void items_fill(struct am *am, struct items *items, struct group *group,
		       const struct payload *payload, const struct am_route *forced, json_t *root)
{
	for (size_t i = 0; i < payload->n; i++) {
		const struct payload_alert *alert = &payload->alerts[i];
		const struct am_route *route =
			forced ? forced : am_route_match(am->cfg, alert->labels);

		group->beat[i] = route && route->expect_every;
		if (!group->beat[i]) {
			fill(am, &items->v[items->n], &items->messages[items->n], alert, route,
			     root);
			items->n++;
			items->firing += alert->firing;
		} else if (alert->firing) { /* one that is resolved says that it beats no more */
			am->beats++;
			heartbeats_beat(am->heartbeats, route);
		}
	}
}

static void hand_in(struct am *am, struct group *group, const struct items *items)
{
	struct tc_http_req *req = group->req;
	struct tc_errors *errs = tc_errors_new();
	int err = tc_intake_submit(am->self, items->v, items->n, errs, on_stored, group);

	if (!err) {
		am->groups++;
		am->firing += items->firing;
		am->resolved += items->n - items->firing;
	} else if (err == -EINVAL && tc_errors_count(errs)) {
		refuse(am, req, errs);
	} else {
		am->refused++;
		busy(req);
	}
	if (err)
		free(group);
	tc_errors_free(errs);
}

static void submit(struct am *am, struct tc_http_req *req, const struct payload *payload,
		   const struct am_route *forced)
{
	struct group *group = tc_alloc(sizeof(*group) + payload->n * sizeof(group->beat[0]));
	struct items items = {.v = tc_calloc(payload->n, sizeof(*items.v)),
			      .messages = tc_calloc(payload->n, sizeof(*items.messages))};

	group->req = req;
	group->n = payload->n;
	items_fill(am, &items, group, payload, forced, tc_http_json(req));
	if (items.n)
		hand_in(am, group, &items);
	else
		on_stored(group, 0, NULL,
			  0); /* heartbeats only: a store that is away is no matter */
	for (size_t i = 0; i < items.n; i++)
		free(items.messages[i]);
	free(items.messages);
	free(items.v);
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

static int am_decided(void *state, struct tc_op *op, const struct tc_decision *decision)
{
	struct am *am = state;
	size_t len = strlen(HEARTBEAT_KEY);

	/* Alertmanager knows nothing of an alert about itself */
	if (am->silences &&
	    (!decision->dedup_key || strncmp(decision->dedup_key, HEARTBEAT_KEY, len) != 0))
		return silences_decided(am->silences, op, decision);
	tc_op_done(op, 0, NULL, NULL);
	return 0;
}

static void am_close(void *state)
{
	struct am *am = state;

	heartbeats_free(am->heartbeats);
	silences_free(am->silences);
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
	am->heartbeats = heartbeats_new(self, cfg, am->source);
	am->silences = silences_new(self, cfg);
	*state = am;
	return 0;
}

static void am_status(void *state, struct tc_status *out)
{
	const struct am *am = state;
	struct tc_buf missing = {0};

	tc_status_number(out, "groups_taken", (double)am->groups);
	tc_status_number(out, "alerts_firing", (double)am->firing);
	tc_status_number(out, "alerts_resolved", (double)am->resolved);
	tc_status_number(out, "alerts_truncated", (double)am->truncated);
	tc_status_number(out, "requests_refused", (double)am->refused);
	tc_status_number(out, "heartbeats", (double)am->beats);
	heartbeats_status(am->heartbeats, out, &missing);
	if (am->silences)
		silences_status(am->silences, out);
	tc_status_health(out, true, "takes alerts at %s%s", am->cfg->path,
			 missing.data ? missing.data : "");
	tc_buf_fini(&missing);
}

static const struct tc_trigger_ops am_ops = {.decided = am_decided};

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
	.ops = &am_ops,
};
