/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/alerts/{id}/acknowledge and the like: what people decide about an alert.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "alert/alert.h"
#include "api/private.h"

#define SNOOZE_MAX_MS (365 * 24 * INT64_C(3600000))

struct decision {
	const char *by, *note;
	bool silence;
	int64_t for_ms;
	const char *until;
};

#define AT(field) .offset = offsetof(struct decision, field)
#define WHO                                                                                        \
	{"by", TC_STRING, AT(by), .max = 200, .help = "who decides; default: who calls"},          \
	{"note", TC_STRING, AT(note), .max = 1000, .help = "what they have to say about it"}

static const struct tc_option decision_body[] = {WHO, TC_OPTION_END};

static const struct tc_option acknowledge_body[] = {
	WHO,
	{"silence", TC_BOOL, AT(silence), .def = "false",
	 .help = "have the alert's source silence it, as key 7 does"},
	TC_OPTION_END,
};

static const struct tc_option snooze_body[] = {
	WHO,
	{"for", TC_DURATION, AT(for_ms), .def = "0s", .max = SNOOZE_MAX_MS,
	 .help = "how long nobody is called, as 1h; or:"},
	{"until", TC_STRING, AT(until), .max = 40, .help = "until when (RFC 3339)"},
	TC_OPTION_END,
};
#undef AT

struct act {
	struct api *api;
	struct tc_http_req *req;
	char id[TC_ID_SIZE];
};

static void conflict(struct tc_http_req *req, const char *state)
{
	json_t *problem = json_pack("{s:s, s:s, s:i, s:s++, s:s}", "type", "about:blank", "title",
				    "Conflict", "status", 409, "detail", "the alert is ", state,
				    ": this cannot be done in that state", "state", state);
	char *text = json_dumps(problem, JSON_COMPACT);

	tc_http_reply(req, 409, "application/problem+json", text, strlen(text));
	free(text);
	json_decref(problem);
}

static void on_acted(void *arg, int err, const char *now)
{
	struct act *act = arg;

	if (!err)
		api_alert_answer(act->api, act->req, act->id);
	else if (err == -ENOENT)
		tc_http_problem(act->req, 404, NULL, "there is no such alert");
	else if (err == -EPERM)
		conflict(act->req, now && *now ? now : "in another state");
	else
		api_busy(act->req);
	free(act);
}

static void act_on(struct tc_http_req *req, struct api *api, const char *id, struct alert_act what,
		   const struct decision *decision)
{
	struct act *act = tc_alloc(sizeof(*act));

	act->api = api;
	act->req = req;
	tc_strcopy(act->id, sizeof(act->id), id);
	what.by = decision->by && *decision->by ? decision->by : tc_http_who(req);
	what.note = decision->note;
	what.silence = decision->silence;
	if (!alerts_act(api->deps.alerts, id, &what, on_acted, act))
		return;
	api_busy(req);
	free(act);
}

static void decide(struct tc_http_req *req, struct api *api, enum alert_verb verb)
{
	struct decision decision = {0};
	char id[TC_ID_SIZE];

	if (api_id(req, "alert", id) && !tc_http_fields(req, &decision))
		act_on(req, api, id, (struct alert_act){.verb = verb}, &decision);
}

static void on_acknowledge(struct tc_http_req *req, void *arg)
{
	decide(req, arg, ALERT_ACKNOWLEDGE);
}

static void on_resolve(struct tc_http_req *req, void *arg)
{
	decide(req, arg, ALERT_RESOLVE);
}

static void on_cancel(struct tc_http_req *req, void *arg)
{
	decide(req, arg, ALERT_CANCEL);
}

static void on_escalate(struct tc_http_req *req, void *arg)
{
	decide(req, arg, ALERT_ESCALATE);
}

/* ---- snooze ---- */

/* False: the request was answered. */
static bool snooze_end(struct tc_http_req *req, const struct api *api, const struct decision *d,
		       int64_t *until_us)
{
	int64_t now_us = loop_wall_us(api->deps.loop);

	if (!d->until == !d->for_ms) {
		tc_http_problem(req, 400, d->until ? "until" : "for",
				"either for (a duration) or until (a time) must be given");
		return false;
	}
	if (!api_time(req, "until", d->until, until_us))
		return false;
	if (!d->until)
		*until_us = now_us + d->for_ms * 1000;
	if (*until_us > now_us && *until_us <= now_us + SNOOZE_MAX_MS * 1000)
		return true;
	tc_http_problem(req, 422, d->until ? "until" : "for",
			"must be a time to come, within a year");
	return false;
}

static void on_snooze(struct tc_http_req *req, void *arg)
{
	struct alert_act what = {.verb = ALERT_SNOOZE};
	struct decision decision = {0};
	char id[TC_ID_SIZE];

	if (api_id(req, "alert", id) && !tc_http_fields(req, &decision) &&
	    snooze_end(req, arg, &decision, &what.until_us))
		act_on(req, arg, id, what, &decision);
}

static void on_unsnooze(struct tc_http_req *req, void *arg)
{
	const struct decision decision = {0};
	char id[TC_ID_SIZE];

	if (api_id(req, "alert", id))
		act_on(req, arg, id, (struct alert_act){.verb = ALERT_UNSNOOZE}, &decision);
}

#define ACT(verb, handler, table, text)                                                            \
	{                                                                                          \
		.method = TC_POST, .path = "/v1/alerts/{id}/" verb, .scope = TC_SCOPE_ALERT,       \
		.fn = handler, .summary = text, .body = table, .success = 200, .reply = "alert"    \
	}

static const struct tc_http_route routes[] = {
	ACT("acknowledge", on_acknowledge, acknowledge_body,
	    "Somebody takes care of it: the calls stop"),
	ACT("resolve", on_resolve, decision_body, "It is over: the calls stop"),
	ACT("cancel", on_cancel, decision_body, "It was a mistake: the calls stop"),
	ACT("escalate", on_escalate, decision_body, "Go on with the next step at once"),
	ACT("snooze", on_snooze, snooze_body,
	    "Call nobody for a while; what is up goes on, and then all of it"),
	{.method = TC_DELETE,
	 .path = "/v1/alerts/{id}/snooze",
	 .scope = TC_SCOPE_ALERT,
	 .fn = on_unsnooze,
	 .summary = "End the snooze: it goes on at once",
	 .success = 200,
	 .reply = "alert"},
	{.path = NULL},
};

void api_alert_act_init(struct api *api)
{
	api_routes(api, routes);
}
