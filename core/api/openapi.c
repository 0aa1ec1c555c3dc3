/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/openapi.json: the API's description (OpenAPI 3.1), made from the tables of routes, so that
 * it is true.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "host/config.h"
#include "http/server.h"

static const char *const methods[] = {
	[TC_GET] = "get",
	[TC_POST] = "post",
	[TC_PUT] = "put",
	[TC_DELETE] = "delete",
};

static const char *const scopes[] = {
	[TC_SCOPE_READ] = "read",
	[TC_SCOPE_ALERT] = "alert",
	[TC_SCOPE_ADMIN] = "admin",
};

/* "{id}" in the path, and the table of the query. */
static json_t *parameters(const struct tc_http_route *route)
{
	json_t *all = json_array();
	json_t *schema = route->query ? option_schema(route->query) : NULL, *value;
	const char *name;

	for (const char *at = strchr(route->path, '{'); at; at = strchr(at, '{')) {
		size_t len = strcspn(++at, "}");

		json_array_append_new(all,
				      json_pack("{s:s%, s:s, s:b, s:{s:s}}", "name", at, len, "in",
						"path", "required", 1, "schema", "type", "string"));
	}
	json_object_foreach (json_object_get(schema, "properties"), name, value)
		json_array_append_new(all, json_pack("{s:s, s:s, s:O}", "name", name, "in", "query",
						     "schema", value));
	json_decref(schema);
	return all;
}

static json_t *content(const char *type, json_t *schema)
{
	return json_pack("{s:{s:o}}", type, "schema", schema);
}

static json_t *reference(const char *name)
{
	return json_pack("{s:s+}", "$ref", "#/components/schemas/", name);
}

static json_t *good_answer(const struct tc_http_route *route, const json_t *schemas)
{
	json_t *answer = json_pack("{s:s}", "description", route->summary);
	json_t *schema;

	if (!route->reply)
		return answer;
	if (json_object_get(schemas, route->reply))
		schema = reference(route->reply);
	else
		schema = json_pack("{s:s}", "type", "string");
	json_object_set_new(answer, "content", content(schema_media_type(route->reply), schema));
	return answer;
}

static json_t *answers(const struct tc_http_route *route, const json_t *schemas)
{
	json_t *all = json_object();
	char status[8];

	snprintf(status, sizeof(status), "%d", route->success);
	json_object_set_new(all, status, good_answer(route, schemas));
	json_object_set_new(all, "default",
			    json_pack("{s:s, s:o}", "description", "a problem (RFC 9457)",
				      "content",
				      content("application/problem+json", reference("problem"))));
	return all;
}

/* "post_v1_alerts_id_acknowledge" */
static json_t *operation_id(const struct tc_http_route *route)
{
	struct tc_buf text = {0};
	json_t *id;

	tc_buf_puts(&text, methods[route->method]);
	for (const char *s = route->path; *s; s++) {
		if (isalnum((unsigned char)*s))
			tc_buf_add(&text, s, 1);
		else if (*s == '/')
			tc_buf_puts(&text, "_");
	}
	id = json_string(text.data);
	tc_buf_fini(&text);
	return id;
}

/* type: what schema_body_type() says */
static json_t *body(const struct tc_http_route *route, const char *type)
{
	bool text = strcmp(type, "application/json") != 0;
	json_t *schema = route->body ? option_schema(route->body)
				     : json_pack("{s:s}", "type", text ? "string" : "object");

	return json_pack("{s:b, s:o}", "required",
			 json_object_get(schema, "required") || route->body_any || text, "content",
			 content(type, schema));
}

struct making {
	json_t *paths, *schemas;
};

static void add_route(void *arg, const struct tc_http_route *route)
{
	struct making *making = arg;
	json_t *path = json_object_get(making->paths, route->path);
	json_t *operation = json_pack("{s:o, s:s, s:o, s:o}", "operationId", operation_id(route),
				      "summary", route->summary, "parameters", parameters(route),
				      "responses", answers(route, making->schemas));

	if (schema_body_type(route))
		json_object_set_new(operation, "requestBody", body(route, schema_body_type(route)));
	if (route->scope == TC_SCOPE_PUBLIC)
		json_object_set_new(operation, "security", json_array());
	else
		json_object_set_new(operation, "security",
				    json_pack("[{s:[s]}]", "token", scopes[route->scope]));
	if (!path) {
		path = json_object();
		json_object_set_new(making->paths, route->path, path);
	}
	json_object_set_new(path, methods[route->method], operation);
}

json_t *openapi_make(const struct http_server *server)
{
	struct making making = {json_object(), schema_all()};

	http_server_routes(server, add_route, &making);
	return json_pack(
		"{s:s, s:{s:s, s:s, s:s}, s:o, s:{s:o, s:{s:{s:s, s:s, s:s}}}}", "openapi", "3.1.0",
		"info", "title", "Tocsin", "version", TC_VERSION, "description",
		"An alarm bell: it takes alerts and telephones people until one of them "
		"acknowledges.",
		"paths", making.paths, "components", "schemas", making.schemas, "securitySchemes",
		"token", "type", "http", "scheme", "bearer", "description",
		"An API token with a scope: read, alert or admin; each contains those before "
		"it. On the Unix socket root and the daemon's own user need none.");
}

static void on_get(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;

	if (!api->openapi) { /* all routes were added before the server listened */
		json_t *json = openapi_make(api->deps.http);

		api->openapi = json_dumps(json, JSON_COMPACT);
		json_decref(json);
	}
	tc_http_reply(req, 200, "application/json", api->openapi, strlen(api->openapi));
}

static const struct tc_http_route routes[] = {
	{.method = TC_GET,
	 .path = "/v1/openapi.json",
	 .scope = TC_SCOPE_PUBLIC,
	 .fn = on_get,
	 .summary = "This description",
	 .success = 200,
	 .reply = "openapi"},
	{.path = NULL},
};

void api_openapi_init(struct api *api)
{
	api_routes(api, routes);
}
