/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: Alertmanager's payload, checked, routed and made into what is said. The plugin's
 * files are compiled in here, for a plugin is no part of the core that fuzz targets are linked
 * with.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/utf8.h>

#include "../../plugins/triggers/alertmanager/payload.c"
#include "../../plugins/triggers/alertmanager/route.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct am_route routes[] = {
	{.name = "web",
	 .match = {.v = (struct tc_pair[]){{"service", "web|shop"}}, .n = 1},
	 .template = "{{labels.alertname|groupLabels.alertname}} {{annotations}} {{startsAt}}"},
	{.name = "rest", .match = {.v = (struct tc_pair[]){{"severity", ""}}, .n = 1}},
};

static const struct am_config config = {
	.path = "/v1/alertmanager",
	.default_target = "+4930123",
	.default_strategy = "call",
	.template = "{{labels.alertname}}: {{annotations.summary|annotations.description}}",
	.severity_label = "severity",
	.routes = {.v = routes, .n = 2},
};

static void check_text(const char *s)
{
	uint32_t code;
	size_t n;

	for (; *s; s += n) {
		n = tc_utf8_decode(s, &code);
		assert(n);
	}
}

static void check_alert(const struct payload_alert *alert, json_t *root)
{
	char *message = am_message(&config, am_route_match(&config, alert->labels), alert, root);

	assert(*message && strlen(message) <= 4096);
	check_text(message);
	check_text(alert->key);
	assert(strchr(alert->key, '/') && strlen(alert->key) < sizeof(alert->key) - 1);
	free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct payload payload = {0};
	struct payload_fault fault = {0};

	if (json_is_object(root) && payload_parse(&payload, root, &fault)) {
		assert(payload.n > 0);
		for (size_t i = 0; i < payload.n; i++)
			check_alert(&payload.alerts[i], root);
	} else if (json_is_object(root)) {
		assert(fault.status >= 400 && fault.text && *fault.field);
		check_text(fault.field);
	}
	payload_fini(&payload);
	json_decref(root);
	return 0;
}
