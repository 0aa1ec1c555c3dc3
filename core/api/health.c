/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /healthz, /readyz, /metrics: for those who watch the watchman. They need no token and tell no
 * secret, no number.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "alert/alert.h"
#include "api/private.h"
#include "call/page.h"
#include "call/trunk.h"
#include "host/host.h"
#include "host/metrics.h"
#include "http/server.h"
#include "store/store.h"

static void on_health(struct tc_http_req *req, void *arg)
{
	(void)arg;
	tc_http_reply_json(req, 200, json_pack("{s:s}", "status", "ok"));
}

/* ---- ready ---- */

/* Names and health only: why a trunk is down may name hosts and users. */
static json_t *trunks_of(const struct api *api)
{
	json_t *trunks = json_array();
	struct trunk *trunk;

	TAILQ_FOREACH (trunk, &api->deps.trunks->list, link)
		json_array_append_new(trunks, json_pack("{s:s, s:b}", "name",
							tc_instance_name(trunk->instance),
							"healthy", trunk->healthy));
	return trunks;
}

/*
 * A daemon without a usable trunk is ready: it takes alerts and keeps them, which nobody else
 * would do in its place. That it cannot call is in the body, in /metrics, and in each alert's
 * timeline.
 */
static void on_ready(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	bool store = store_healthy(api->deps.store, NULL),
	     ready = store && api->ready && api->tokens_loaded;
	json_t *answer = json_pack("{s:b, s:b, s:b, s:o}", "ready", ready, "store", store,
				   "resumed", api->ready, "trunks", trunks_of(api));
	char *text;

	if (ready) {
		tc_http_reply_json(req, 200, answer);
		return;
	}
	json_object_update_missing_new(
		answer, json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title",
				  "Service Unavailable", "status", 503, "detail",
				  store ? "the alerts that were left open are being read"
					: "the store cannot be used"));
	text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	tc_http_reply_header(req, "Retry-After", "1");
	tc_http_reply(req, 503, "application/problem+json", text, strlen(text));
	free(text);
}

/* ---- metrics ---- */

static void loop_metrics(const struct api *api)
{
	double worst_ms, lag_ms = loop_lag_ms(api->deps.loop, &worst_ms);

	metrics_gauge("tocsin_loop_lag_seconds", "How late the loop was at its last tick.", NULL,
		      lag_ms / 1000);
	metrics_gauge("tocsin_loop_lag_worst_seconds",
		      "How late it was at worst in the last minute.", NULL, worst_ms / 1000);
	metrics_gauge("tocsin_build_info", "The program.", "version=\"" TC_VERSION "\"", 1);
	metrics_gauge("tocsin_ready", "Whether what was left open has been read.", NULL,
		      api->ready);
}

static void store_metrics(struct api *api)
{
	uint64_t commits, jobs, commit_us;

	store_figures(api->deps.store, &commits, &jobs, &commit_us);
	metrics_gauge("tocsin_store_healthy", "Whether the last commit or read worked.", NULL,
		      store_healthy(api->deps.store, NULL));
	metrics_gauge("tocsin_store_pending", "Jobs submitted and not yet done.", NULL,
		      (double)store_pending(api->deps.store));
	metrics_count("tocsin_store_commits_total", "Transactions committed.", NULL,
		      (double)(commits - api->commits));
	metrics_count("tocsin_store_jobs_total", "Jobs committed.", NULL,
		      (double)(jobs - api->jobs));
	metrics_count("tocsin_store_commit_seconds_total", "Time spent in commits.", NULL,
		      (double)(commit_us - api->commit_us) / 1e6);
	api->commits = commits;
	api->jobs = jobs;
	api->commit_us = commit_us;
}

/* What was counted since it was last told. */
static void count(const char *name, const char *help, const char *labels, uint64_t now,
		  uint64_t *told)
{
	metrics_count(name, help, labels, (double)(now - *told));
	*told = now;
}

static void trunk_metrics(const struct api *api, struct trunk *t)
{
	unsigned failed, recent = trunk_recent(t, loop_now_us(api->deps.loop), &failed);
	char labels[256] = "";

	metrics_label(labels, sizeof(labels), "trunk", tc_instance_name(t->instance));
	metrics_gauge("tocsin_trunk_healthy", "Whether the trunk can be used.", labels, t->healthy);
	metrics_gauge("tocsin_trunk_up", "Whether the trunk's plugin says that it works.", labels,
		      t->up);
	metrics_gauge("tocsin_trunk_held", "Whether the trunk holds back: it takes no new calls.",
		      labels, t->held);
	metrics_gauge("tocsin_trunk_live_calls", "Calls on the trunk.", labels, t->live);
	metrics_gauge("tocsin_trunk_max_calls", "Calls that the trunk takes at one time.", labels,
		      t->max_calls);
	metrics_gauge("tocsin_trunk_failed_share",
		      "Share of the newest calls (20 at most, of the last minute) that failed at "
		      "the trunk.",
		      labels, recent ? (double)failed / recent : 0);
	count("tocsin_trunk_placed_total", "Calls given to the trunk.", labels, t->placed,
	      &t->told.placed);
	count("tocsin_trunk_failed_total", "Calls that failed at the trunk.", labels, t->failed,
	      &t->told.failed);
	count("tocsin_trunk_holds_total", "How often the trunk has begun to hold back.", labels,
	      t->holds, &t->told.holds);
}

static void call_metrics(const struct api *api)
{
	size_t queued, live;
	struct trunk *trunk;

	caller_figures(api->deps.caller, &queued, &live);
	metrics_gauge("tocsin_alerts_open", "Alerts that are worked on.", NULL,
		      (double)alerts_open(api->deps.alerts));
	metrics_gauge("tocsin_calls_queued", "Calls that wait for a trunk.", NULL, (double)queued);
	metrics_gauge("tocsin_calls_live", "Calls that are being set up or are up.", NULL,
		      (double)live);
	TAILQ_FOREACH (trunk, &api->deps.trunks->list, link)
		trunk_metrics(api, trunk);
}

static void instance_metrics(struct tc_instance *self)
{
	json_t *status = instance_status(self), *value;
	char whose[256] = "", labels[512];
	const char *name;

	metrics_label(whose, sizeof(whose), "kind", kind_name((enum tc_kind)self->plugin->kind));
	metrics_label(whose, sizeof(whose), "instance", tc_instance_name(self));
	metrics_gauge("tocsin_plugin_healthy", "Whether the plugin says that it can be used.",
		      whose, json_is_true(json_object_get(status, "healthy")));
	json_object_foreach (json_object_get(status, "numbers"), name, value) {
		tc_strcopy(labels, sizeof(labels), whose);
		metrics_label(labels, sizeof(labels), "name", name);
		metrics_gauge("tocsin_plugin_number", "A figure of the plugin's own.", labels,
			      json_number_value(value));
	}
	json_decref(status);
}

static void on_metrics(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	struct tc_instance *self;
	struct tc_buf text = {0};

	loop_metrics(api);
	store_metrics(api);
	call_metrics(api);
	api_readiness_metrics(api);
	http_server_metrics(api->deps.http);
	for (self = instance_next(api->deps.host, NULL); self;
	     self = instance_next(api->deps.host, self))
		instance_metrics(self);
	metrics_write(&text);
	tc_http_reply(req, 200, "text/plain; version=0.0.4; charset=utf-8", text.data, text.len);
	tc_buf_fini(&text);
}

#define GET(where, handler, shape, text)                                                           \
	{                                                                                          \
		.method = TC_GET, .path = where, .scope = TC_SCOPE_PUBLIC, .fn = handler,          \
		.summary = text, .success = 200, .reply = shape                                    \
	}

static const struct tc_http_route routes[] = {
	GET("/healthz", on_health, "health", "The daemon is alive"),
	GET("/readyz", on_ready, "ready", "The daemon takes alerts: 503 until it does"),
	GET("/metrics", on_metrics, "metrics", "Figures for Prometheus"),
	{.path = NULL},
};

void api_health_init(struct api *api)
{
	api_routes(api, routes);
}
