/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP side of a plugin: routes on the daemon's server.
 *
 * Authentication, limits, the parsing of paths and the problem+json shape of errors (RFC 9457) are
 * the server's. A handler runs on the loop thread, never blocks, and answers each request exactly
 * once, at once or later.
 */
#ifndef TOCSIN_HTTP_H
#define TOCSIN_HTTP_H

#include <tocsin/plugin.h>

#include <jansson.h>

enum tc_http_method { TC_GET, TC_POST, TC_PUT, TC_DELETE };

/* Who may call. Each scope contains those before it, except that PUBLIC needs no token. */
enum tc_scope { TC_SCOPE_PUBLIC, TC_SCOPE_READ, TC_SCOPE_ALERT, TC_SCOPE_ADMIN };

struct tc_http_req;

typedef void (*tc_http_fn)(struct tc_http_req *req, void *arg);

/* A route. The tables are also what /v1/openapi.json is made from. All strings constant. */
struct tc_http_route {
	enum tc_http_method method;
	const char *path; /* "/v1/alerts/{id}": {name} matches one segment without "/" */
	enum tc_scope scope;
	tc_http_fn fn;
	const char *summary;               /* one line, for the description */
	const struct tc_option *query;     /* parameters of the query, or NULL: none; unknown ones
					      are a 400 */
	const struct tc_option *body;      /* fields of the JSON body, or NULL: none or not JSON */
	int success;                       /* the status of a good answer: 200, 202, 204 */
	const char *reply;                 /* name of the answer's shape in the description:
					      "alert", "alerts" ... or NULL */
	bool body_any;                     /* the body is JSON, checked by the handler (unknown
					      fields are allowed) */
};

/*
 * Add a route.
 *
 * self    the instance: its routes go when it is closed
 * route   constant storage
 * result  0 | -EEXIST the same method and path is taken (logged)
 * thread  loop, in open()
 */
TC_API int tc_http_route_add(struct tc_instance *self, const struct tc_http_route *route,
			     void *arg);

/* All below: loop thread; strings live until the answer is given. */

/* The part of the path that {name} matched, decoded; NULL if the route has no such part. */
TC_API const char *tc_http_param(struct tc_http_req *req, const char *name);
/* A parameter of the query, decoded; NULL if absent. */
TC_API const char *tc_http_query(struct tc_http_req *req, const char *name);
/* A request header, or NULL. */
TC_API const char *tc_http_header(struct tc_http_req *req, const char *name);
/* The raw body; NUL-terminated behind len bytes. */
TC_API const char *tc_http_body(struct tc_http_req *req, size_t *len);
/*
 * The body as JSON; NULL after the 4xx has been answered (not JSON, not an object, not UTF-8,
 * doubled key). Borrowed.
 */
TC_API json_t *tc_http_json(struct tc_http_req *req);
/*
 * Body fields by the route's table into a struct (as tc_options_fill; freed with the request).
 * result: 0, or -EINVAL after a 400 or 422 has been answered that names the field.
 */
TC_API int tc_http_fields(struct tc_http_req *req, void *out);
/* As tc_http_fields for the query. */
TC_API int tc_http_query_fields(struct tc_http_req *req, void *out);
/* Who calls, for "by" fields: the token's name, "uid:0" on the Unix socket, or "anonymous". */
TC_API const char *tc_http_who(struct tc_http_req *req);

/* Answer. json is taken (its reference goes to the server). */
TC_API void tc_http_reply_json(struct tc_http_req *req, int status, json_t *json);
/* Answer with anything. body is copied. */
TC_API void tc_http_reply(struct tc_http_req *req, int status, const char *content_type,
			  const void *body, size_t len);
/* A header of the answer, before it is given. */
TC_API void tc_http_reply_header(struct tc_http_req *req, const char *name, const char *value);
/*
 * Answer application/problem+json (RFC 9457): type, title, status, detail, field.
 *
 * field   the field that is wrong, or NULL
 * fmt     a sentence
 */
TC_API void tc_http_problem(struct tc_http_req *req, int status, const char *field, const char *fmt,
			    ...) TC_PRINTF(4, 5);
/*
 * The same for faults found in the request (at least one): field and detail of the first, and all
 * in "errors".
 */
TC_API void tc_http_faults(struct tc_http_req *req, int status, const struct tc_errors *errs);

#endif
