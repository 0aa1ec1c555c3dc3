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

enum { MESSAGE_MAX = 4096 };

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
	TC_OPTION_END,
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

int am_check(const void *config, struct tc_errors *errs)
{
	const struct am_config *cfg = config;
	size_t before = tc_errors_count(errs);
	char field[64];

	if (cfg->path[0] != '/' || cfg->path[strlen(cfg->path) - 1] == '/')
		tc_errors_add(errs, "path", "must begin with \"/\" and not end with it");
	check_template(cfg->template, "template", errs);
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
