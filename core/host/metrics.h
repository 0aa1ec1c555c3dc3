/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metrics: counters, gauges and histograms in the Prometheus text format. Loop thread only.
 */
#ifndef CORE_HOST_METRICS_H
#define CORE_HOST_METRICS_H

#include <tocsin/alloc.h>

/*
 * Add to a counter, set a gauge, or observe a duration in seconds. A series comes into being when
 * it is first named.
 *
 * name    constant, "tocsin_calls_total"
 * help    constant, one sentence
 * labels  "result=\"busy\",trunk=\"direct\"" ready made (metrics_label() escapes), or NULL
 */
void metrics_count(const char *name, const char *help, const char *labels, double add);
void metrics_gauge(const char *name, const char *help, const char *labels, double value);
void metrics_observe(const char *name, const char *help, const char *labels, double seconds);
/* A series is not told any more: what it was about is gone. */
void metrics_forget(const char *name, const char *labels);
/* key="value" with the value escaped, appended to buf with a "," in front when it is not empty. */
void metrics_label(char *buf, size_t size_bytes, const char *key, const char *value);
/* All of them as text. */
void metrics_write(struct tc_buf *out);
/* Forget all (end of process, tests). */
void metrics_reset(void);

#endif
