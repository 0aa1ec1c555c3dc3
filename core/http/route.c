/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of routes: adding to it, and finding the one for a path. Handling the request is in
 * request.c.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>
#include <tocsin/utf8.h>

#include "host/host.h"
#include "http/private.h"

static const char *const method_names[] = {
	[TC_GET] = "GET",
	[TC_POST] = "POST",
	[TC_PUT] = "PUT",
	[TC_DELETE] = "DELETE",
};

const char *http_method_name(enum tc_http_method method)
{
	return method_names[method];
}

/* ---- paths ---- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_utf8(const char *s)
{
	size_t n = 1;
	uint32_t code;

	for (; n && *s; s += n)
		n = tc_utf8_decode(s, &code);
	return n;
}

bool http_decode(char *s, bool plus)
{
	char *to = s;

	for (const char *from = s; *from; from++) {
		if (*from == '%') {
			int high = hex(from[1]), low = high < 0 ? -1 : hex(from[2]);

			if (low < 0 || high + low == 0)
				return false;
			*to++ = (char)(high << 4 | low);
			from += 2;
		} else {
			*to++ = *from == '+' && plus ? ' ' : *from;
		}
	}
	*to = '\0';
	return is_utf8(s);
}

int http_path_parse(struct http_path *path, const char *raw)
{
	char *at;

	path->n = 0;
	if (*raw != '/')
		return -EINVAL;
	path->text = tc_strdup(raw + 1);
	/* Cut first, then decode: "%2F" is part of a segment. */
	for (at = path->text; at;) {
		if (path->n == HTTP_SEGMENTS)
			return -ENOENT;
		path->segment[path->n++] = at;
		at = strchr(at, '/');
		if (at)
			*at++ = '\0';
	}
	for (size_t i = 0; i < path->n; i++)
		if (!http_decode((char *)path->segment[i], false))
			return -EINVAL;
	return 0;
}

/* ---- the table ---- */

static void cut(struct http_route *route, const char *path)
{
	while (*path == '/') {
		struct http_segment *s = &route->segments[route->n_segments];

		if (route->n_segments++ == HTTP_SEGMENTS)
			abort();
		s->text = path + 1;
		s->len = strcspn(s->text, "/");
		path = s->text + s->len;
		s->param = s->len > 2 && s->text[0] == '{' && s->text[s->len - 1] == '}';
		if (s->param) {
			s->text++;
			s->len -= 2;
			route->n_params++;
		}
	}
}

/* The same path, whatever its parameters are called. */
static bool same_path(const struct http_route *a, const struct http_route *b)
{
	if (a->n_segments != b->n_segments)
		return false;
	for (size_t i = 0; i < a->n_segments; i++) {
		const struct http_segment *x = &a->segments[i], *y = &b->segments[i];

		if (x->param != y->param)
			return false;
		if (!x->param && (x->len != y->len || memcmp(x->text, y->text, x->len)))
			return false;
	}
	return true;
}

static int route_add(struct http_server *server, const struct tc_instance *owner,
		     const struct tc_http_route *def, void *arg)
{
	struct http_route *route = tc_alloc(sizeof(*route)), *other;

	route->def = def;
	route->arg = arg;
	route->owner = owner;
	cut(route, def->path);
	TAILQ_FOREACH (other, &server->routes, link) {
		if (other->def->method != def->method || !same_path(route, other))
			continue;
		tc_log(owner, TC_LOG_ERROR, "%s %s is taken%s%s", method_names[def->method],
		       def->path, other->owner ? " by " : "",
		       other->owner ? other->owner->name : "");
		free(route);
		return -EEXIST;
	}
	/* Literals win over parameters: those with fewer parameters stand first. */
	TAILQ_FOREACH (other, &server->routes, link)
		if (other->n_params > route->n_params)
			break;
	if (other)
		TAILQ_INSERT_BEFORE(other, route, link);
	else
		TAILQ_INSERT_TAIL(&server->routes, route, link);
	return 0;
}

int http_server_route(struct http_server *server, const struct tc_http_route *route, void *arg)
{
	return route_add(server, NULL, route, arg);
}

int tc_http_route_add(struct tc_instance *self, const struct tc_http_route *route, void *arg)
{
	return route_add(host_services(self->host)->http, self, route, arg);
}

void http_server_forget(struct http_server *server, const struct tc_instance *instance)
{
	struct http_route *route, *next;
	struct tc_http_req *req;

	for (route = TAILQ_FIRST(&server->routes); route; route = next) {
		next = TAILQ_NEXT(route, link);
		if (route->owner != instance)
			continue;
		LIST_FOREACH (req, &server->requests, link)
			if (req->route == route)
				req->route = NULL;
		TAILQ_REMOVE(&server->routes, route, link);
		free(route);
	}
}

void http_server_routes(const struct http_server *server,
			void (*fn)(void *arg, const struct tc_http_route *route), void *arg)
{
	struct http_route *route;

	TAILQ_FOREACH (route, &server->routes, link)
		fn(arg, route->def);
}

static bool matches(const struct http_route *route, const struct http_path *path)
{
	if (route->n_segments != path->n)
		return false;
	for (size_t i = 0; i < path->n; i++) {
		const struct http_segment *s = &route->segments[i];

		if (s->param ? !path->segment[i][0]
			     : strncmp(path->segment[i], s->text, s->len) ||
				       path->segment[i][s->len])
			return false;
	}
	return true;
}

struct http_route *http_route_find(struct http_server *server, const struct http_path *path,
				   enum tc_http_method method, unsigned *methods)
{
	struct http_route *route;

	*methods = 0;
	TAILQ_FOREACH (route, &server->routes, link) {
		if (!matches(route, path))
			continue;
		if (route->def->method == method)
			return route;
		*methods |= 1u << route->def->method;
	}
	return NULL;
}
