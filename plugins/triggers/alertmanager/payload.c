/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking Alertmanager's payload; see payload.h.
 */
#include "payload.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

__attribute__((format(printf, 4, 5))) static bool wrong(struct payload_fault *fault, int status,
							const char *text, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(fault->field, sizeof(fault->field), fmt, ap);
	va_end(ap);
	n = strlen(fault->field);
	/* A label's name that was cut within a character would make the answer no JSON. */
	if (n == sizeof(fault->field) - 1)
		while (n && fault->field[n - 1] & 0x80)
			fault->field[--n] = '\0';
	fault->status = status;
	fault->text = text;
	return false;
}

/* ---- fingerprints ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static uint64_t fnv(uint64_t sum, const char *text)
{
	for (; *text; text++)
		sum = (sum ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return (sum ^ 0xff) * UINT64_C(1099511628211); /* the separator */
}

uint64_t payload_fingerprint(json_t *labels)
{
	size_t n = 0, size = json_object_size(labels);
	const char **names = tc_calloc(size + 1, sizeof(*names)), *name;
	uint64_t sum = UINT64_C(14695981039346656037);
	json_t *value;

	json_object_foreach (labels, name, value)
		names[n++] = name;
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++)
		sum = fnv(fnv(sum, names[i]), json_string_value(json_object_get(labels, names[i])));
	free(names);
	return sum;
}

/* ---- one alert ---- */

static bool digits(const char **s, int n)
{
	for (; n > 0; n--, (*s)++)
		if (!isdigit((unsigned char)**s))
			return false;
	return true;
}

static bool one_of(const char **s, const char *set)
{
	if (!**s || !strchr(set, **s))
		return false;
	(*s)++;
	return true;
}

/* A date-time with a zone (RFC 3339); by its form, for it is only compared. */
static bool is_time(const char *s)
{
	if (!digits(&s, 4) || !one_of(&s, "-") || !digits(&s, 2) || !one_of(&s, "-") ||
	    !digits(&s, 2) || !one_of(&s, "Tt") || !digits(&s, 2) || !one_of(&s, ":") ||
	    !digits(&s, 2) || !one_of(&s, ":") || !digits(&s, 2))
		return false;
	if (*s == '.') {
		s++;
		if (!digits(&s, 1))
			return false;
		while (isdigit((unsigned char)*s))
			s++;
	}
	if (one_of(&s, "Zz"))
		return !*s;
	return one_of(&s, "+-") && digits(&s, 2) && one_of(&s, ":") && digits(&s, 2) && !*s;
}

static bool take_texts(json_t **out, json_t *alert, const char *name, bool required, size_t i,
		       struct payload_fault *fault)
{
	json_t *texts = json_object_get(alert, name), *value;
	const char *key;

	*out = NULL;
	if (!required && (!texts || json_is_null(texts)))
		return true;
	if (!json_is_object(texts))
		return wrong(fault, 400, texts ? "is not an object of texts" : "is missing",
			     "alerts[%zu].%s", i, name);
	json_object_foreach (texts, key, value)
		if (!json_is_string(value))
			return wrong(fault, 400, "is not a text", "alerts[%zu].%s.%s", i, name,
				     key);
	*out = texts;
	return true;
}

static bool take_status(struct payload_alert *alert, size_t i, struct payload_fault *fault)
{
	json_t *status = json_object_get(alert->json, "status");
	const char *text = json_string_value(status);

	if (!text)
		return wrong(fault, 400, status ? "is not a text" : "is missing",
			     "alerts[%zu].status", i);
	alert->firing = !strcmp(text, "firing");
	if (!alert->firing && strcmp(text, "resolved"))
		return wrong(fault, 422, "is neither \"firing\" nor \"resolved\"",
			     "alerts[%zu].status", i);
	return true;
}

static bool take_key(struct payload_alert *alert, size_t i, struct payload_fault *fault)
{
	json_t *starts = json_object_get(alert->json, "startsAt");
	json_t *print = json_object_get(alert->json, "fingerprint");
	const char *at = json_string_value(starts), *text = json_string_value(print);

	if (!at)
		return wrong(fault, 400, starts ? "is not a text" : "is missing",
			     "alerts[%zu].startsAt", i);
	if (strlen(at) > 40 || !is_time(at))
		return wrong(fault, 422, "is not a date and time with a zone (RFC 3339)",
			     "alerts[%zu].startsAt", i);
	if (print && !text && !json_is_null(print))
		return wrong(fault, 400, "is not a text", "alerts[%zu].fingerprint", i);
	if (text && strlen(text) > 64)
		return wrong(fault, 422, "is longer than 64 bytes", "alerts[%zu].fingerprint", i);
	if (text && *text)
		snprintf(alert->family, sizeof(alert->family), "%s/", text);
	else
		snprintf(alert->family, sizeof(alert->family), "%016" PRIx64 "/",
			 payload_fingerprint(alert->labels));
	tc_strcopy(alert->key, sizeof(alert->key), alert->family);
	tc_strcopy(alert->key + strlen(alert->key), sizeof(alert->key) - strlen(alert->key), at);
	return true;
}

static bool take_alert(struct payload_alert *alert, json_t *json, size_t i,
		       struct payload_fault *fault)
{
	alert->json = json;
	if (!json_is_object(json))
		return wrong(fault, 400, "is not an object", "alerts[%zu]", i);
	return take_status(alert, i, fault) &&
	       take_texts(&alert->labels, json, "labels", true, i, fault) &&
	       take_texts(&alert->annotations, json, "annotations", false, i, fault) &&
	       take_key(alert, i, fault);
}

/* ---- the payload ---- */

bool payload_parse(struct payload *payload, json_t *root, struct payload_fault *fault)
{
	json_t *alerts = json_object_get(root, "alerts");
	json_t *truncated = json_object_get(root, "truncatedAlerts");
	json_t *version = json_object_get(root, "version");

	if (version && !json_is_string(version))
		return wrong(fault, 400, "is not a text", "version");
	if (version && strcmp(json_string_value(version), "4"))
		return wrong(fault, 422, "is not \"4\", the only one that is known", "version");
	if (!json_is_array(alerts))
		return wrong(fault, 400, alerts ? "is not an array" : "is missing", "alerts");
	if (!json_array_size(alerts))
		return wrong(fault, 422, "is empty", "alerts");
	if (truncated && !json_is_integer(truncated) && !json_is_null(truncated))
		return wrong(fault, 400, "is not a whole number", "truncatedAlerts");
	payload->truncated = json_integer_value(truncated);
	payload->alerts = tc_try_alloc(json_array_size(alerts) * sizeof(*payload->alerts));
	if (!payload->alerts)
		return wrong(fault, 503, "is too long for the memory there is", "alerts");
	for (; payload->n < json_array_size(alerts); payload->n++)
		if (!take_alert(&payload->alerts[payload->n], json_array_get(alerts, payload->n),
				payload->n, fault))
			return false;
	return true;
}

void payload_fini(struct payload *payload)
{
	free(payload->alerts);
	*payload = (struct payload){0};
}
