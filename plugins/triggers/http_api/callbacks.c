/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the dialplan of a PBX says of a call, as py-phone-caller's does by CURL: GET /heard and
 * GET /ack. It knows no token; the id of a call cannot be guessed, and only who has the call knows
 * it.
 *
 * source  py-phone-caller, asterisk_call and its extensions.conf
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "http_api.h"

#define PARAMETER "asterisk_chan"

struct callback_query {
	const char *asterisk_chan;
};

static const struct tc_option query_table[] = {
	{.name = PARAMETER,
	 .type = TC_STRING,
	 .offset = offsetof(struct callback_query, asterisk_chan),
	 .help = "the channel's unique id: the id of the call; required"},
	TC_OPTION_END,
};

/*
 * The call that is meant; "" = not said. A dialplan that posts may have it in a form. Ids have
 * nothing in them that a form would encode.
 */
static void call_of(struct tc_http_req *req, char *id, size_t size_bytes)
{
	const char *given = tc_http_query(req, PARAMETER), *body;
	size_t len;

	tc_strcopy(id, size_bytes, given ? given : "");
	if (given)
		return;
	body = tc_http_body(req, &len);
	while (body && strncmp(body, PARAMETER "=", sizeof(PARAMETER)) != 0) {
		body = strchr(body, '&');
		body += body != NULL;
	}
	if (!body)
		return;
	tc_strcopy(id, size_bytes, body + sizeof(PARAMETER));
	id[strcspn(id, "&\r\n")] = '\0';
}

static void on_callback(struct tc_http_req *req, struct api *api, enum tc_call_callback what)
{
	char id[TC_ID_SIZE + 1]; /* what is longer is no id, and stays none */
	int err;

	call_of(req, id, sizeof(id));
	if (!*id) {
		tc_http_problem(req, 422, PARAMETER, PARAMETER " is missing: which call is meant?");
		return;
	}
	err = tc_call_callback(api->self, id, what);
	if (err == -ENOENT) {
		tc_http_problem(req, 404, PARAMETER, "there is no such call, or it has ended");
	} else if (err && err != -EALREADY) {
		tc_http_reply_header(req, "Retry-After", "2");
		tc_http_problem(req, 503, NULL, "the calls that are up are not known yet");
	} else { /* who says it twice, or late, has said it */
		api->callbacks++;
		tc_http_reply_json(req, 200, json_pack("{s:i}", "status", 200));
	}
}

static void on_heard(struct tc_http_req *req, void *arg)
{
	on_callback(req, arg, TC_CALL_HEARD);
}

static void on_ack(struct tc_http_req *req, void *arg)
{
	on_callback(req, arg, TC_CALL_ACKNOWLEDGE);
}

#define CALLBACK(by, where, handler, text)                                                         \
	{                                                                                          \
		.method = by, .path = where, .scope = TC_SCOPE_PUBLIC, .fn = handler,              \
		.summary = text, .query = query_table, .success = 200, .reply = "callback"         \
	}

#define HEARD "A PBX's dialplan says that the message of a call was heard"
#define ACK   "A PBX's dialplan says that a call's alert is acknowledged"

static const struct tc_http_route routes[] = {
	CALLBACK(TC_GET, "/heard", on_heard, HEARD),
	CALLBACK(TC_POST, "/heard", on_heard, HEARD),
	CALLBACK(TC_GET, "/ack", on_ack, ACK),
	CALLBACK(TC_POST, "/ack", on_ack, ACK),
};

int callbacks_add(struct api *api)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]) && !err; i++)
		err = tc_http_route_add(api->self, &routes[i], api);
	return err;
}
