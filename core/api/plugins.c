/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/plugins, /v1/voices, /v1/carriers: what is configured, and how it is.
 */
#include "api/private.h"
#include "host/host.h"
#include "speech/speech.h"

static json_t *shape_instance(struct tc_instance *self)
{
	json_t *shape =
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", tc_instance_name(self), "kind",
			  kind_name((enum tc_kind)self->plugin->kind), "plugin", self->plugin->name,
			  "version", self->plugin->version, "summary", self->plugin->summary);
	json_t *status = instance_status(self);

	json_object_update_missing(shape, status);
	json_decref(status);
	return shape;
}

/* kind TC_KIND_COUNT: all. */
static json_t *instances(struct host *host, enum tc_kind kind)
{
	json_t *items = json_array();
	struct tc_instance *self;

	for (self = instance_next(host, NULL); self; self = instance_next(host, self))
		if (kind == TC_KIND_COUNT || self->plugin->kind == kind)
			json_array_append_new(items, shape_instance(self));
	return shape_list(items);
}

static void on_plugins(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;

	tc_http_reply_json(req, 200, instances(api->deps.host, TC_KIND_COUNT));
}

static void on_voices(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	json_t *answer = instances(api->deps.host, TC_KIND_TTS);
	json_t *status = speech_status(api->deps.speech);

	json_object_set(answer, "cache", json_object_get(status, "cache"));
	json_decref(status);
	tc_http_reply_json(req, 200, answer);
}

static void on_carriers(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;

	tc_http_reply_json(req, 200, instances(api->deps.host, TC_KIND_SMS));
}

#define GET(where, handler, shape, text)                                                           \
	{                                                                                          \
		.method = TC_GET, .path = where, .scope = TC_SCOPE_READ, .fn = handler,            \
		.summary = text, .success = 200, .reply = shape                                    \
	}

static const struct tc_http_route routes[] = {
	GET("/v1/plugins", on_plugins, "plugins", "Plugin instances and how they are"),
	GET("/v1/voices", on_voices, "voices", "Voices, in order of preference, and how they are"),
	GET("/v1/carriers", on_carriers, "plugins", "Carriers for SMS, and how they are"),
	{.path = NULL},
};

void api_plugins_init(struct api *api)
{
	api_routes(api, routes);
}
