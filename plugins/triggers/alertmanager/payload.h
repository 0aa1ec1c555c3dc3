/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Alertmanager sends (webhook, version 4), checked. What becomes of it is not decided here.
 */
#ifndef ALERTMANAGER_PAYLOAD_H
#define ALERTMANAGER_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* One alert; all borrowed from the document. */
struct payload_alert {
	json_t *json;        /* the whole of it */
	json_t *labels;      /* texts */
	json_t *annotations; /* texts; may be NULL */
	bool firing;         /* by its own status: the group's says nothing of one alert */
	char key[128];       /* fingerprint "/" startsAt: names this one occurrence */
	char family[128];    /* fingerprint "/": what the keys of all its occurrences begin with */
};

struct payload {
	struct payload_alert *alerts; /* owned */
	size_t n;
	int64_t truncated; /* alerts that Alertmanager left out (max_alerts) */
};

/* What is wrong with a payload. */
struct payload_fault {
	int status;       /* 400 not the shape, 422 a value */
	char field[160];  /* "alerts[1].labels" */
	const char *text; /* constant */
};

/*
 * Check a payload and take it apart. Fields that are not known are let through: later versions of
 * Alertmanager add some.
 *
 * payload  zeroed; payload_fini() releases it, also after a fault
 * result   false with fault filled
 * source   https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
 */
bool payload_parse(struct payload *payload, json_t *root, struct payload_fault *fault);
void payload_fini(struct payload *payload);

/*
 * The fingerprint that Alertmanager gives to these labels: FNV-1a, 64 bit, over the sorted names
 * and values.
 *
 * source  prometheus/common, model/signature.go
 */
uint64_t payload_fingerprint(json_t *labels);

#endif
