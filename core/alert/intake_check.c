/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be wrong with alerts that triggers hand over. Taking them in is intake.c's.
 */
#include "alert/intake_check.h"

#include <stdio.h>
#include <string.h>

#include <tocsin/utf8.h>

#include "alert/book.h"
#include "host/config.h"
#include "host/id.h"
#include "oncall/oncall.h"

#define BATCH_MAX 10000
#define MESSAGE_MAX 4096
#define WORD_MAX 64
#define KEY_MAX 255

struct check {
	const struct alerts *alerts;
	struct tc_errors *errs;
	char prefix[32];
};

static void fault(const struct check *c, const char *field, const char *text)
{
	char path[96];

	snprintf(path, sizeof(path), "%s%s", c->prefix, field);
	tc_errors_add(c->errs, path, "%s", text);
}

static bool is_utf8(const char *s)
{
	uint32_t code;
	size_t n;

	for (; *s; s += n) {
		n = tc_utf8_decode(s, &code);
		if (!n)
			return false;
	}
	return true;
}

static void check_text(const struct check *c, const char *field, const char *s, size_t max)
{
	char text[80];

	if (!s)
		return;
	if (!is_utf8(s))
		fault(c, field, "is not valid UTF-8");
	if (!*s || strlen(s) > max) {
		snprintf(text, sizeof(text), "must have 1 to %zu bytes", max);
		fault(c, field, text);
	}
}

static void check_strategy(const struct check *c, const char *s)
{
	static const char *const sms[] = {"sms", "sms_then_call", "call_and_sms"};

	if (!s || !strcmp(s, "call"))
		return;
	for (size_t i = 0; i < sizeof(sms) / sizeof(*sms); i++) {
		if (!strcmp(s, sms[i])) {
			fault(c, "strategy", "needs a carrier for SMS, and none is configured");
			return;
		}
	}
	fault(c, "strategy", "must be one of call, sms, sms_then_call, call_and_sms");
}

static void check_labels(const struct check *c, const json_t *labels)
{
	const char *key;
	json_t *value;

	if (labels && !json_is_object(labels)) {
		fault(c, "labels", "must be an object of strings");
		return;
	}
	json_object_foreach((json_t *)labels, key, value) {
		char field[48];

		snprintf(field, sizeof(field), "labels.%.32s", key);
		if (!json_is_string(value))
			fault(c, field, "must be a string");
	}
}

/* One that leads to nobody is taken all the same when somebody stands in. */
static void check_target(const struct check *c, const char *target)
{
	char text[200];
	int err = target_check(c->alerts->oncall, target, text, sizeof(text));

	if (err == -EINVAL || (err == -ENOENT && !c->alerts->config->fallback))
		fault(c, "target", text);
	else
		check_text(c, "target", target, KEY_MAX);
}

static void check_raise(const struct check *c, const struct tc_intake *in)
{
	if (!in->message)
		fault(c, "message", "is missing");
	else if (!in->message[strspn(in->message, " \t\r\n")])
		fault(c, "message", "must not be empty");
	else
		check_text(c, "message", in->message, MESSAGE_MAX);
	if (!in->target)
		fault(c, "target", "is missing");
	else
		check_target(c, in->target);
	check_strategy(c, in->strategy);
	check_text(c, "severity", in->severity, WORD_MAX);
	check_text(c, "language", in->language, WORD_MAX);
	check_text(c, "voice", in->voice, WORD_MAX);
	check_labels(c, in->labels);
}

static void check_item(const struct check *c, const struct tc_intake *in)
{
	check_text(c, "source", in->source, KEY_MAX);
	check_text(c, "dedup_key", in->dedup_key, KEY_MAX);
	check_text(c, "family", in->family, KEY_MAX);
	if (in->id && (in->action != TC_INTAKE_RAISE || !id_valid(in->id)))
		fault(c, "id", "must be a UUID in lower case, of an alert that is raised");
	if (in->action == TC_INTAKE_RAISE)
		check_raise(c, in);
	else if (!in->dedup_key)
		fault(c, "dedup_key", "is needed to find what is resolved");
}

int intake_check(const struct alerts *alerts, const struct tc_intake *items, size_t n,
		 struct tc_errors *errs)
{
	size_t before = tc_errors_count(errs);

	if (n < 1 || n > BATCH_MAX)
		tc_errors_add(errs, "alerts", "must have 1 to %d entries", BATCH_MAX);
	for (size_t i = 0; i < n && n <= BATCH_MAX; i++) {
		struct check c = {.alerts = alerts, .errs = errs};

		if (n > 1)
			snprintf(c.prefix, sizeof(c.prefix), "alerts[%zu].", i);
		check_item(&c, &items[i]);
	}
	if (tc_errors_count(errs) != before)
		return -EINVAL;
	return oncall_ready(alerts->oncall) ? 0 : -EAGAIN;
}
