/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: a calendar is read as windows of a schedule. Alice and Bob are known.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "host/rfc3339.h"
#include "oncall/ical.h"
#include "oncall/schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *find(void *arg, const char *name)
{
	(void)arg;
	return !strcmp(name, "Alice") ? "id-alice" : !strcmp(name, "Bob") ? "id-bob" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ical_source source = {
		.text = (const char *)data,
		.size_bytes = size,
		.zone = "Europe/Rome",
		.from_us = INT64_C(1767225600000000), /* 2026 */
		.until_us = INT64_C(1798761600000000),
	};
	struct tc_errors *errs = tc_errors_new();
	json_t *windows = NULL, *window;
	int64_t start, end;
	size_t i;

	assert(!ical_windows_of(find, NULL, &source, &windows, errs) == !tc_errors_count(errs));
	assert(json_array_size(windows) <= SCHEDULE_SPANS_MAX);
	json_array_foreach (windows, i, window) {
		assert(!rfc3339_parse(json_string_value(json_object_get(window, "start")), &start));
		assert(!rfc3339_parse(json_string_value(json_object_get(window, "end")), &end));
		assert(start < end && end > source.from_us && start < source.until_us);
	}
	json_decref(windows);
	tc_errors_free(errs);
	return 0;
}
