/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong with the trunk: a row of questions to Asterisk, each with an answer for people.
 * Nobody's telephone rings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "ari.h"
#include "endpoint.h"
#include "media.h"

struct check {
	TAILQ_ENTRY(check) link;
	struct ari *ari;
	struct tc_op *op;
	json_t *steps; /* owned */
	char *number;  /* owned; NULL = none */
	size_t at;     /* the step under way */
	bool stop;     /* what follows cannot be tried */
	struct rest_want *want;
};

static void go_on(struct check *c);

static void note(struct check *c, const char *step, int ok, const char *fmt, ...) TC_PRINTF(4, 5);
static void note(struct check *c, const char *step, int ok, const char *fmt, ...)
{
	struct tc_buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	tc_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	json_array_append_new(c->steps,
			      json_pack("{s:s, s:o, s:s}", "step", step, "ok",
					ok < 0 ? json_null() : json_boolean(ok), "text",
					text.data ? text.data : ""));
	tc_buf_fini(&text);
}

static void ask(struct check *c, const char *method, const char *path, rest_done_fn done)
{
	c->want = rest_send(c->ari->rest, REST_URGENT, method, path, NULL,
			    c->ari->cfg->timeout_ms, done, c);
}

/* ---- the steps ---- */

static void on_ping(void *arg, const struct rest_reply *reply)
{
	struct check *c = arg;
	const struct ari_config *cfg = c->ari->cfg;

	c->want = NULL;
	c->stop = reply->status != 200;
	if (!reply->status)
		note(c, "connect", false,
		     "%s cannot be reached: %s. Is Asterisk's HTTP server enabled (http.conf), and "
		     "does the address lead to it?",
		     cfg->url, reply->text);
	else
		note(c, "connect", true, "%s answers after %.1f ms", cfg->url,
		     (double)reply->took_us / 1000);
	if (reply->status == 401 || reply->status == 403)
		note(c, "login", false,
		     "user '%s' is refused: compare user and password with ari.conf", cfg->user);
	else if (reply->status == 404)
		note(c, "login", false,
		     "there is no REST interface below %s: is ari.conf enabled, is the prefix "
		     "right, is res_ari loaded?",
		     cfg->url);
	else if (reply->status && reply->status != 200)
		note(c, "login", false, "Asterisk says %s", reply->text);
	go_on(c);
}

static void ask_ping(struct check *c)
{
	ask(c, "GET", "/asterisk/ping", on_ping);
}

/* No such channel is the right answer of one who may write. */
static void on_write(void *arg, const struct rest_reply *reply)
{
	struct check *c = arg;

	c->want = NULL;
	c->stop = reply->status != 404;
	if (reply->status == 404)
		note(c, "login", true, "logged in as '%s', may place calls", c->ari->cfg->user);
	else
		note(c, "login", false,
		     "user '%s' may not place calls (%s): read_only must be no in ari.conf",
		     c->ari->cfg->user, reply->text);
	go_on(c);
}

static void ask_write(struct check *c)
{
	ask(c, "POST", "/channels/tocsin-check/ring", on_write);
}

static void on_info(void *arg, const struct rest_reply *reply)
{
	struct check *c = arg;
	const json_t *system = json_object_get(reply->json, "system");
	const char *version = json_string_value(json_object_get(system, "version"));

	c->want = NULL;
	if (!version)
		note(c, "version", false, "Asterisk does not tell its version: %s", reply->text);
	else
		note(c, "version", strtol(version, NULL, 10) >= 16, "Asterisk %s%s", version,
		     strtol(version, NULL, 10) >= 16 ? "" : ": 16 or later is needed");
	go_on(c);
}

static void ask_info(struct check *c)
{
	ask(c, "GET", "/asterisk/info?only=system", on_info);
}

static void on_app(void *arg, const struct rest_reply *reply)
{
	struct check *c = arg;
	struct ari *ari = c->ari;

	c->want = NULL;
	if (reply->status == 200 && link_up(ari->link))
		note(c, "events", true, "the events of application '%s' arrive", ari->cfg->app);
	else if (reply->status == 404)
		note(c, "events", false,
		     "Asterisk knows no application '%s': its WebSocket is not connected (%s)",
		     ari->cfg->app, link_text(ari->link));
	else
		note(c, "events", false, "%s", link_text(ari->link));
	go_on(c);
}

static void ask_app(struct check *c)
{
	struct tc_buf path = {0};

	tc_buf_puts(&path, "/applications/");
	rest_escape(&path, c->ari->cfg->app);
	ask(c, "GET", path.data, on_app);
	tc_buf_fini(&path);
}

/* "PJSIP/0049@provider" -> technology and the resource that Asterisk may know. */
static bool resource_of(const char *endpoint, char tech[32], char resource[ENDPOINT_SIZE])
{
	const char *slash = strchr(endpoint, '/');
	const char *at = strrchr(slash, '@');

	snprintf(tech, 32, "%.*s", (int)(slash - endpoint < 31 ? slash - endpoint : 31), endpoint);
	if (!strcmp(tech, "PJSIP") && at && !strchr(slash + 1, '/'))
		tc_strcopy(resource, ENDPOINT_SIZE, at + 1);
	else
		tc_strcopy(resource, ENDPOINT_SIZE, slash + 1);
	resource[strcspn(resource, "/")] = '\0';
	return strcmp(tech, "Local") != 0;
}

/* "PJSIP/provider/sip:0049@host": where it leads is not what the endpoint itself knows. */
static bool names_address(const char *endpoint)
{
	const char *slash = strchr(endpoint, '/');

	return slash && strchr(slash + 1, '/');
}

static void on_endpoint(void *arg, const struct rest_reply *reply)
{
	struct check *c = arg;
	const char *state = json_string_value(json_object_get(reply->json, "state"));
	bool offline = state && !strcmp(state, "offline");

	c->want = NULL;
	if (reply->status == 404)
		note(c, "endpoint", false,
		     "Asterisk knows no endpoint for %s: compare with pjsip.conf, and with what "
		     "'pjsip show endpoints' says",
		     c->ari->cfg->endpoint);
	else if (reply->status != 200)
		note(c, "endpoint", -1, "Asterisk does not tell: %s", reply->text);
	else
		note(c, "endpoint", !offline || names_address(c->ari->cfg->endpoint),
		     "%s: Asterisk says it is %s", c->ari->cfg->endpoint,
		     state && !offline ? state : offline ? "there, and not registered" : "there");
	go_on(c);
}

static void ask_endpoint(struct check *c)
{
	const struct ari_config *cfg = c->ari->cfg;
	char endpoint[ENDPOINT_SIZE], tech[32], resource[ENDPOINT_SIZE];
	struct tc_buf path = {0};

	if (endpoint_format(cfg->endpoint, cfg->plus, c->number ? c->number : "0", endpoint)) {
		note(c, "endpoint", false, "%s is no number that %s takes",
		     c->number ? c->number : "0", cfg->endpoint);
		go_on(c);
		return;
	}
	if (!resource_of(endpoint, tech, resource)) {
		note(c, "endpoint", -1, "%s leads into the dialplan: only a call shows where",
		     endpoint);
		go_on(c);
		return;
	}
	tc_buf_puts(&path, "/endpoints/");
	rest_escape(&path, tech);
	tc_buf_puts(&path, "/");
	rest_escape(&path, resource);
	ask(c, "GET", path.data, on_endpoint);
	tc_buf_fini(&path);
}

static void on_proved(void *arg, bool ok, const char *text)
{
	struct check *c = arg;

	note(c, "speech", ok, "%s", text);
	go_on(c);
}

static void ask_media(struct check *c)
{
	medias_prove(c->ari->medias, on_proved, c);
}

static const struct {
	const char *name;
	void (*ask)(struct check *c);
} steps[] = {
	{"connect", ask_ping}, {"login", ask_write},       {"version", ask_info},
	{"events", ask_app},   {"endpoint", ask_endpoint}, {"speech", ask_media},
};

/* ---- one after the other ---- */

static void check_free(struct check *c)
{
	TAILQ_REMOVE(&c->ari->checks, c, link);
	json_decref(c->steps);
	free(c->number);
	free(c);
}

static void finish(struct check *c)
{
	tc_op_done(c->op, 0, json_incref(c->steps), NULL);
	check_free(c);
}

static bool tried(const struct check *c, const char *step)
{
	size_t i;
	json_t *v;

	json_array_foreach(c->steps, i, v)
		if (!strcmp(json_string_value(json_object_get(v, "step")), step))
			return true;
	return false;
}

static void go_on(struct check *c)
{
	const size_t n = sizeof(steps) / sizeof(*steps);

	if (!c->stop && ++c->at < n) {
		steps[c->at].ask(c);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!tried(c, steps[i].name))
			note(c, steps[i].name, -1, "was not tried");
	finish(c);
}

int check_trunk(struct ari *ari, struct tc_op *op, const char *number)
{
	struct check *c = tc_alloc(sizeof(*c));

	c->ari = ari;
	c->op = op;
	c->steps = json_array();
	c->number = tc_strdup(number);
	TAILQ_INSERT_TAIL(&ari->checks, c, link);
	steps[0].ask(c);
	return 0;
}

void checks_stop(struct ari *ari)
{
	struct check *c;

	while ((c = TAILQ_FIRST(&ari->checks))) {
		if (c->want)
			rest_cancel(c->want);
		tc_op_done(c->op, -ECANCELED, NULL, "the trunk is being closed");
		check_free(c);
	}
}
