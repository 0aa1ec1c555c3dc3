/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request: from evhttp to its route's handler, and what the handler may ask of it. Bodies are
 * in body.c, answers in reply.c.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "host/config.h"
#include "http/private.h"

void request_free(struct tc_http_req *req)
{
	LIST_REMOVE(req, link);
	req->server->in_flight--;
	if (req->conn)
		req->conn->req = NULL;
	/*
	 * Not answered, and evhttp has let it go: evhttp_send_reply_end() frees what has no
	 * connection.
	 */
	if (req->ev && !evhttp_request_get_connection(req->ev))
		evhttp_send_reply_end(req->ev);
	tc_options_release(req->fields);
	tc_options_release(req->query_fields);
	json_decref(req->json);
	json_decref(req->query_json);
	free(req->body);
	free(req->query);
	free(req->query_text);
	free(req->path.text);
	free(req);
}

/* ---- the query ---- */

/*
 * Cut "a=1&b=2"; the parts still point into one text. bad: receives the name of a value that is
 * malformed.
 */
static bool parse_query(struct tc_http_req *req, const char *raw, const char **bad)
{
	size_t n = 1;

	for (const char *s = raw; *s; s++)
		n += *s == '&';
	req->query_text = tc_strdup(raw);
	req->query = tc_calloc(n, sizeof(*req->query));
	for (char *at = req->query_text; at;) {
		char *name = at, *value;

		at = strchr(at, '&');
		if (at)
			*at++ = '\0';
		if (!*name)
			continue;
		value = strchr(name, '=');
		if (value)
			*value++ = '\0';
		else
			value = name + strlen(name);
		*bad = NULL;
		if (!http_decode(name, true))
			return false;
		*bad = name;
		if (!http_decode(value, true))
			return false;
		req->query[req->n_query].name = name;
		req->query[req->n_query++].value = value;
	}
	return true;
}

static bool query_known(const struct tc_option *table, const char *name)
{
	for (; table && table->name; table++)
		if (!strcmp(table->name, name))
			return true;
	return false;
}

/* False after the 400 has been answered. */
static bool take_query(struct tc_http_req *req)
{
	const char *raw = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(req->ev));
	const struct tc_option *table = req->def->query;
	const char *bad = NULL;

	if (!raw || !*raw)
		return true;
	if (!parse_query(req, raw, &bad)) {
		tc_http_problem(req, 400, bad,
				"the query string is not well-formed UTF-8 with %%XX escapes");
		return false;
	}
	for (size_t i = 0; i < req->n_query; i++) {
		const char *name = req->query[i].name, *near;

		if (!query_known(table, name)) {
			near = table ? option_nearest(table, name) : NULL;
			tc_http_problem(req, 400, name, "there is no parameter \"%s\"%s%s%s", name,
					near ? ", did you mean \"" : "", near ? near : "",
					near ? "\"?" : "");
			return false;
		}
		for (size_t k = 0; k < i; k++) {
			if (strcmp(req->query[k].name, name))
				continue;
			tc_http_problem(req, 400, name, "the parameter \"%s\" is given twice",
					name);
			return false;
		}
	}
	return true;
}

/* ---- dispatch ---- */

/* false: a method that no route has */
static bool method_of(struct evhttp_request *ev, enum tc_http_method *method)
{
	switch (evhttp_request_get_command(ev)) {
	case EVHTTP_REQ_GET:
	case EVHTTP_REQ_HEAD:
		*method = TC_GET;
		return true;
	case EVHTTP_REQ_POST:
		*method = TC_POST;
		return true;
	case EVHTTP_REQ_PUT:
		*method = TC_PUT;
		return true;
	case EVHTTP_REQ_DELETE:
		*method = TC_DELETE;
		return true;
	default:
		return false;
	}
}

/* NULL after the 4xx has been answered. */
static struct http_route *find_route(struct tc_http_req *req)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req->ev);
	const char *raw = uri ? evhttp_uri_get_path(uri) : NULL;
	enum tc_http_method method = TC_GET;
	bool known = method_of(req->ev, &method);
	struct http_route *route;
	unsigned methods;
	int err;

	err = http_path_parse(&req->path, raw && *raw ? raw : "/");
	if (err == -EINVAL) {
		tc_http_problem(req, 400, NULL,
				"the path is not well-formed UTF-8 with %%XX escapes");
		return NULL;
	}
	route = err ? NULL : http_route_find(req->server, &req->path, method, &methods);
	if (route && known)
		return route;
	if (route)
		methods = 1u << method;
	if (err || !methods)
		tc_http_problem(req, 404, NULL, "there is nothing at this path");
	else
		reply_method_not_allowed(req, methods);
	return NULL;
}

static struct tc_http_req *request_new(struct http_server *server, struct http_conn *conn,
				       struct evhttp_request *ev)
{
	struct tc_http_req *req = tc_alloc(sizeof(*req));

	req->server = server;
	req->conn = conn;
	req->ev = ev;
	req->head = evhttp_request_get_command(ev) == EVHTTP_REQ_HEAD;
	req->scope = conn->scope;
	tc_strcopy(req->who, sizeof(req->who), conn->who);
	conn->req = req;
	server->in_flight++;
	LIST_INSERT_HEAD(&server->requests, req, link);
	return req;
}

void request_arrived(struct evhttp_request *ev, void *arg)
{
	struct http_server *server = arg;
	struct http_conn *conn = conn_find(server, ev);
	struct tc_http_req *req;
	struct http_route *route;

	if (!conn) { /* there was no memory when it began */
		evhttp_send_error(ev, 503, NULL);
		return;
	}
	req = request_new(server, conn, ev);
	/*
	 * Before its route is looked for: those of the triggers are gone already, and a 404 would
	 * tell the sender that the alert is not to be sent again.
	 */
	if (server->closing) {
		reply_busy(req, "the daemon is stopping");
		return;
	}
	route = find_route(req);
	if (!route)
		return;
	req->route = route;
	req->def = route->def;
	if (server->in_flight > HTTP_IN_FLIGHT_MAX) {
		reply_busy(req, "too many requests wait for their answers");
		return;
	}
	if (request_authorize(req, route->def->scope) && take_query(req))
		route->def->fn(req, route->arg);
}

/* ---- what a handler asks ---- */

const char *tc_http_param(struct tc_http_req *req, const char *name)
{
	const char *path = req->def->path;
	size_t len = strlen(name);

	/* The pattern is walked, not the route: that may have been taken away since. */
	for (size_t i = 0; i < req->path.n && *path == '/'; i++) {
		const char *text = ++path;

		path += strcspn(path, "/");
		if (text[0] == '{' && (size_t)(path - text) == len + 2 &&
		    !memcmp(text + 1, name, len))
			return req->path.segment[i];
	}
	return NULL;
}

const char *tc_http_query(struct tc_http_req *req, const char *name)
{
	for (size_t i = 0; i < req->n_query; i++)
		if (!strcmp(req->query[i].name, name))
			return req->query[i].value;
	return NULL;
}

const char *tc_http_header(struct tc_http_req *req, const char *name)
{
	return req->ev ? evhttp_find_header(evhttp_request_get_input_headers(req->ev), name) : NULL;
}

const char *tc_http_who(struct tc_http_req *req)
{
	return req->who;
}

int tc_http_query_fields(struct tc_http_req *req, void *out)
{
	struct tc_errors *errs = tc_errors_new();
	int err;

	errors_set_lenient(errs, true);
	json_decref(req->query_json);
	req->query_json = json_object();
	for (size_t i = 0; i < req->n_query; i++)
		json_object_set_new(req->query_json, req->query[i].name,
				    json_string(req->query[i].value));
	err = tc_options_fill(req->def->query, req->query_json, out, &req->query_fields, errs);
	if (err)
		tc_http_faults(req, 400, errs);
	tc_errors_free(errs);
	return err;
}
