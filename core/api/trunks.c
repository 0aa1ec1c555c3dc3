/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/trunks: how the trunks are, and what is wrong with one.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "call/trunk.h"
#include "host/host.h"

#define NUMBER_MAX 32 /* bytes, the "+" among them: what a trunk takes (tocsin/pbx.h) */

static void on_trunks(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;

	tc_http_reply_json(req, 200, shape_list(trunks_status(api->deps.trunks)));
}

/* ---- the check ---- */

struct check_body {
	const char *number;
};

static const struct tc_option check_body[] = {
	{"number", TC_STRING, offsetof(struct check_body, number), .min = 1, .max = NUMBER_MAX,
	 .help = "to look at the way to it as well; it is not called"},
	TC_OPTION_END,
};

/* One that is under way. */
struct checking {
	LIST_ENTRY(checking) link;
	struct tc_http_req *req; /* NULL: nobody waits for the answer any more */
	struct tc_op *op;
};

static void on_checked(void *arg, json_t *report)
{
	struct checking *c = arg;

	if (c->req)
		tc_http_reply_json(c->req, 200, report);
	else
		json_decref(report);
	LIST_REMOVE(c, link);
	free(c);
}

static bool is_number(const char *s)
{
	size_t plus = *s == '+', n = strspn(s + plus, "0123456789*#");

	return n && !s[plus + n];
}

static void on_check(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	struct check_body body = {0};
	struct trunk *trunk = trunks_find(api->deps.trunks, tc_http_param(req, "name"));
	struct checking *c;
	struct tc_op *op;

	if (!trunk) {
		tc_http_problem(req, 404, NULL, "there is no such trunk");
		return;
	}
	if (tc_http_fields(req, &body))
		return;
	if (body.number && !is_number(body.number)) {
		tc_http_problem(req, 422, "number", "must be a telephone number: +4930123");
		return;
	}
	c = tc_alloc(sizeof(*c));
	c->req = req;
	LIST_INSERT_HEAD(&api->checkings, c, link);
	op = trunk_check(trunk, body.number, on_checked, c);
	if (op) /* else it is answered, and c is gone */
		c->op = op;
}

static const struct tc_http_route routes[] = {
	{.method = TC_GET,
	 .path = "/v1/trunks",
	 .scope = TC_SCOPE_READ,
	 .fn = on_trunks,
	 .summary = "Trunks, in order of preference, and how they are",
	 .success = 200,
	 .reply = "trunks"},
	{.method = TC_POST,
	 .path = "/v1/trunks/{name}/check",
	 .scope = TC_SCOPE_ADMIN,
	 .fn = on_check,
	 .summary = "Find out what is wrong with a trunk, step by step; nobody is called",
	 .body = check_body,
	 .success = 200,
	 .reply = "trunk_check"},
	{.path = NULL},
};

void api_trunks_init(struct api *api)
{
	LIST_INIT(&api->checkings);
	api_routes(api, routes);
}

void api_trunks_fini(struct api *api)
{
	struct checking *c;

	while ((c = LIST_FIRST(&api->checkings))) {
		c->req = NULL;
		op_cancel(c->op); /* on_checked() frees it */
	}
}
