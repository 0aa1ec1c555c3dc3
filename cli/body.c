/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What options say about an alert, as the body of a request: for those who raise one, now or
 * later.
 */
#include "body.h"

#include <stdlib.h>
#include <string.h>

#include "format.h"

enum { MESSAGE_MAX = 64 * 1024 };

/* The options that are fields as they stand. */
static int add_texts(const struct args *args, json_t *body)
{
	static const char *const fields[][2] = {
		{"to", "target"},         {"severity", "severity"}, {"dedup-key", "dedup_key"},
		{"language", "language"}, {"voice", "voice"},       {"strategy", "strategy"},
		{"at", "at"},             {"timezone", "timezone"}, {"rrule", "rrule"},
		{"start", "start"},       {"max-lateness", "max_lateness"},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *value = args_get(args, fields[i][0]);

		if (value && json_object_set_new(body, fields[i][1], json_string(value)))
			return args_wrong(args, "--%s is not UTF-8", fields[i][0]);
	}
	return EXIT_OK;
}

/* "k=v" of each --label. */
static int add_labels(const struct args *args, json_t *body)
{
	json_t *labels = json_object();
	const char *label, *equals;
	char *key;
	int at = 0;

	json_object_set_new(body, "labels", labels);
	while ((label = args_next(args, "label", &at))) {
		equals = strchr(label, '=');
		if (!equals || equals == label)
			return args_wrong(args, "--label %s: NAME=VALUE is wanted", label);
		key = format_text("%.*s", (int)(equals - label), label);
		if (json_object_set_new(labels, key, json_string(equals + 1))) {
			free(key);
			return args_wrong(args, "--label: not UTF-8");
		}
		free(key);
	}
	return EXIT_OK;
}

int body_message(const struct args *args, const char *text, json_t *body)
{
	char buf[MESSAGE_MAX + 1];
	size_t n;

	if (!strcmp(text, "-")) {
		n = fread(buf, 1, MESSAGE_MAX, stdin);
		while (n && strchr(" \t\r\n", buf[n - 1]))
			n--;
		buf[n] = '\0';
		text = buf;
	}
	if (json_object_set_new(body, "message", json_string(text)))
		return args_wrong(args, "the text is not UTF-8");
	return EXIT_OK;
}

int body_fields(const struct args *args, json_t *body)
{
	int code = add_texts(args, body);

	return code || !args_get(args, "label") ? code : add_labels(args, body);
}
