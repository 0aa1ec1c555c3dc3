/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trigger's settings, and what they make of one alert: its target, how it is reached, what is
 * said.
 */
#ifndef ALERTMANAGER_ROUTE_H
#define ALERTMANAGER_ROUTE_H

#include <tocsin/option.h>

#include "payload.h"

struct am_route {
	const char *name;
	struct tc_map match; /* label -> "value" or "value|value" */
	const char *target, *strategy, *severity, *template, *language, *voice;
	int64_t expect_every; /* ms; its alerts are heartbeats. 0 = they are alerts */
};

/* When an acknowledgement is written back as a silence. */
enum am_silence { AM_SILENCE_NEVER, AM_SILENCE_ON_KEY, AM_SILENCE_ALWAYS };

struct am_config {
	const char *path;
	const char *default_target, *default_strategy, *template, *severity_label;
	struct tc_list routes; /* of struct am_route */
	const char *api_url, *user, *password, *token, *ca_file; /* NULL = not given */
	int silence;           /* enum am_silence */
	int64_t silence_for;   /* ms */
	const char *silence_author; /* template */
};

extern const struct tc_option am_options[];

/* What the table cannot express. result: 0, -EINVAL. */
int am_check(const void *cfg, struct tc_errors *errs);

/* NULL = there is none of this name. */
const struct am_route *am_route_find(const struct am_config *cfg, const char *name);
/* The first whose labels match, NULL = none: the defaults hold. */
const struct am_route *am_route_match(const struct am_config *cfg, json_t *labels);

/*
 * What is to be said for an alert: the route's template, or the instance's. Never empty, at most
 * 4096 bytes, UTF-8.
 *
 * root    the payload that the alert is from: the template sees receiver, groupLabels ... of it
 * result  owned by the caller
 */
char *am_message(const struct am_config *cfg, const struct am_route *route,
		 const struct payload_alert *alert, json_t *root);

#endif
