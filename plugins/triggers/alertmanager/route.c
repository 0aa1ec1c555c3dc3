/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes and templates of the Alertmanager trigger; see route.h.
 */
#include "route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/trigger.h>

enum { MESSAGE_MAX = 4096, EXPECT_MIN_MS = 1000 };

#define ROUTE(field) .name = #field, .type = TC_STRING, .offset = offsetof(struct am_route, field)

static const struct tc_option route_table[] = {
	{ROUTE(name), .flags = TC_REQUIRED, .max = 64,
	 .help = "POST /v1/alertmanager/NAME takes this route"},
	{.name = "match",
	 .type = TC_MAP,
	 .offset = offsetof(struct am_route, match),
	 .help = "labels that an alert must have for this route, as \"a\" or \"a|b\"; none: only "
		 "by "
		 "its name"},
	{ROUTE(target), .max = 200, .help = "who must be reached; default: default_target"},
	{ROUTE(strategy), .max = 32, .help = "how; default: default_strategy"},
	{ROUTE(severity), .max = 64, .help = "in place of the label's"},
	{ROUTE(template), .max = 4096, .help = "what is said; default: the instance's"},
	{ROUTE(language), .max = 35, .help = "in which the message is spoken (BCP 47)"},
	{ROUTE(voice), .max = 64, .help = "name of a configured voice"},
	{.name = "expect_every",
	 .type = TC_DURATION,
	 .offset = offsetof(struct am_route, expect_every),
	 .def = "0s",
	 .max = 7 * 24 * 3600 * 1000,
	 .help = "its alerts are heartbeats, as Prometheus' Watchdog: when none comes for so long, "
		 "that is an alert; template says its message"},
	TC_OPTION_END,
};

static const char *const silence_choices[] = {
	[AM_SILENCE_NEVER] = "never",
	[AM_SILENCE_ON_KEY] = "on_key",
	[AM_SILENCE_ALWAYS] = "always",
	NULL,
};

#define CONFIG(field) .name = #field, .type = TC_STRING, .offset = offsetof(struct am_config, field)

const struct tc_option am_options[] = {
	{CONFIG(path), .def = "/v1/alertmanager", .min = 2, .max = 100,
	 .help = "where Alertmanager posts; a second instance needs another"},
	{CONFIG(default_target), .flags = TC_REQUIRED, .max = 200,
	 .help = "who must be reached when no route says it: \"+4930123\", \"policy:default\""},
	{CONFIG(default_strategy), .def = "call", .max = 32, .help = "how"},
	{CONFIG(template), .max = 4096,
	 .def = "{{labels.alertname}}: "
		"{{annotations.summary|annotations.description|annotations.message}}",
	 .help = "what is said: {{labels.x}}, {{annotations.y}}, {{a|b}} the first that is there"},
	{CONFIG(severity_label), .def = "severity", .max = 200,
	 .help = "label that holds the severity; without it: critical"},
	{.name = "routes",
	 .type = TC_LIST,
	 .offset = offsetof(struct am_config, routes),
	 .sub = route_table,
	 .sub_size = sizeof(struct am_route),
	 .help = "the first that matches decides"},
	{CONFIG(api_url), .min = 8, .max = 1000,
	 .help = "Alertmanager's own address, \"http://am:9093\": for silences; default: none are "
		 "made"},
	{CONFIG(user), .min = 1, .max = 255, .help = "login for api_url"},
	{.name = "password",
	 .type = TC_SECRET,
	 .offset = offsetof(struct am_config, password),
	 .help = "and its password"},
	{.name = "token",
	 .type = TC_SECRET,
	 .offset = offsetof(struct am_config, token),
	 .help = "in place of a login: a bearer token"},
	{CONFIG(ca_file), .min = 1,
	 .help = "file with the certificates that sign Alertmanager's; default: the system's"},
	{.name = "silence",
	 .type = TC_ENUM,
	 .offset = offsetof(struct am_config, silence),
	 .choices = silence_choices,
	 .def = "on_key",
	 .help = "when an acknowledged alert is silenced in Alertmanager, if there is an api_url: "
		 "on_key: by the key whose meaning is silence"},
	{.name = "silence_for",
	 .type = TC_DURATION,
	 .offset = offsetof(struct am_config, silence_for),
	 .def = "2h",
	 .min = 1000,
	 .max = (int64_t)30 * 24 * 3600 * 1000,
	 .help = "how long, from the acknowledgement on; it ends with the alert at the latest"},
	{CONFIG(silence_author), .def = "{{by}} (Tocsin)", .min = 1, .max = 255,
	 .help = "who is named as its author: {{by}} is who acknowledged, {{labels.x}}"},
	TC_OPTION_END,
};

static const struct am_route *route_at(const struct am_config *cfg, size_t i)
{
	return (const struct am_route *)cfg->routes.v + i;
}

/* ---- checking the configuration ---- */

static void check_template(const char *template, const char *field, struct tc_errors *errs)
{
	json_t *nothing = json_object();
	const char *fault = NULL;
	char *text = template ? tc_template_render(template, nothing, &fault) : NULL;

	if (template && !text)
		tc_errors_add(errs, field, "is not a template: %s", fault);
	free(text);
	json_decref(nothing);
}

static bool usable_name(const char *name)
{
	return name[strspn(name,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] ==
	       '\0';
}

static void check_api_url(const struct am_config *cfg, struct tc_errors *errs)
{
	const char *url = cfg->api_url;
	bool tls = !strncmp(url, "https://", 8);
	const char *host = url + (tls ? 8 : 7);

	if (!tls && strncmp(url, "http://", 7) != 0)
		tc_errors_add(errs, "api_url", "must begin with http:// or https://");
	else if (strchr(host, '@'))
		tc_errors_add(errs, "api_url",
			      "must not have a login in it: say user and password");
	else if (strpbrk(host, "?# "))
		tc_errors_add(errs, "api_url", "must not have a query or spaces in it");
	else if (!*host || host[0] == '/' || host[0] == ':')
		tc_errors_add(errs, "api_url", "has no host");
	else if (url[strlen(url) - 1] == '/')
		tc_errors_add(errs, "api_url", "must not end with \"/\"");
	if (!tls && cfg->ca_file)
		tc_errors_add(errs, "ca_file", "is of use with https:// only");
}

static void check_silences(const struct am_config *cfg, struct tc_errors *errs)
{
	if (cfg->api_url)
		check_api_url(cfg, errs);
	else if (cfg->silence == AM_SILENCE_ALWAYS)
		tc_errors_add(errs, "silence", "needs an api_url");
	if (cfg->user && cfg->token)
		tc_errors_add(errs, "token", "and user cannot both be given");
	if (cfg->user && !cfg->password)
		tc_errors_add(errs, "password", "is missing for user");
	check_template(cfg->silence_author, "silence_author", errs);
}

int am_check(const void *config, struct tc_errors *errs)
{
	const struct am_config *cfg = config;
	size_t before = tc_errors_count(errs);
	char field[64];

	if (cfg->path[0] != '/' || cfg->path[strlen(cfg->path) - 1] == '/')
		tc_errors_add(errs, "path", "must begin with \"/\" and not end with it");
	check_template(cfg->template, "template", errs);
	check_silences(cfg, errs);
	for (size_t i = 0; i < cfg->routes.n; i++) {
		const struct am_route *route = route_at(cfg, i);

		snprintf(field, sizeof(field), "routes[%zu].name", i);
		if (!usable_name(route->name))
			tc_errors_add(errs, field,
				      "has characters other than letters, digits, _ . -");
		if (am_route_find(cfg, route->name) != route)
			tc_errors_add(errs, field, "there is another route \"%s\"", route->name);
		snprintf(field, sizeof(field), "routes[%zu].template", i);
		check_template(route->template, field, errs);
		if (route->expect_every && route->expect_every < EXPECT_MIN_MS) {
			snprintf(field, sizeof(field), "routes[%zu].expect_every", i);
			tc_errors_add(errs, field, "must be at least 1s");
		}
	}
	return tc_errors_count(errs) > before ? -EINVAL : 0;
}

/* ---- choosing ---- */

const struct am_route *am_route_find(const struct am_config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->routes.n; i++)
		if (!strcmp(route_at(cfg, i)->name, name))
			return route_at(cfg, i);
	return NULL;
}

/* value is one of "a|b|c". */
static bool is_among(const char *value, const char *wanted)
{
	size_t len = strlen(value);

	for (;;) {
		size_t n = strcspn(wanted, "|");

		if (n == len && !memcmp(wanted, value, n))
			return true;
		if (!wanted[n])
			return false;
		wanted += n + 1;
	}
}

static bool matches(const struct am_route *route, json_t *labels)
{
	for (size_t i = 0; i < route->match.n; i++) {
		const struct tc_pair *pair = &route->match.v[i];
		const char *value = json_string_value(json_object_get(labels, pair->key));

		/* As in Prometheus, a label that is missing is one that is empty. */
		if (!is_among(value ? value : "", pair->value))
			return false;
	}
	return route->match.n > 0;
}

const struct am_route *am_route_match(const struct am_config *cfg, json_t *labels)
{
	for (size_t i = 0; i < cfg->routes.n; i++)
		if (matches(route_at(cfg, i), labels))
			return route_at(cfg, i);
	return NULL;
}

/* ---- what is said ---- */

/* Without what a missing value leaves at the end ("DiskFull: "), and cut between characters. */
static void trim(char *text)
{
	size_t n = strlen(text);

	if (n > MESSAGE_MAX) {
		n = MESSAGE_MAX;
		while (n && (text[n] & 0xc0) == 0x80)
			n--;
	}
	while (n && strchr(" \t\r\n:", text[n - 1]))
		n--;
	text[n] = '\0';
}

char *am_message(const struct am_config *cfg, const struct am_route *route,
		 const struct payload_alert *alert, json_t *root)
{
	static const char *const of_the_group[] = {"receiver", "groupLabels", "commonLabels",
						   "commonAnnotations", "externalURL"};
	json_t *values = json_copy(alert->json);
	const char *template = route && route->template ? route->template : cfg->template;
	const char *fault, *name;
	char *text;

	for (size_t i = 0; i < sizeof(of_the_group) / sizeof(of_the_group[0]); i++)
		json_object_set(values, of_the_group[i], json_object_get(root, of_the_group[i]));
	text = tc_template_render(template, values, &fault);
	json_decref(values);
	if (text)
		trim(text);
	if (text && *text)
		return text;
	free(text);
	name = json_string_value(json_object_get(alert->labels, "alertname"));
	text = tc_strdup(name && *name ? name : "Alert without a name");
	trim(text);
	if (*text)
		return text;
	free(text);
	return tc_strdup("Alert without a name");
}
