/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: one line an event, "LEVEL kind/instance sentence key=value ...".
 *
 * Log once, where the knowledge is, with the object. No secret ever; phone numbers only through
 * tc_log_number().
 */
#ifndef TOCSIN_LOG_H
#define TOCSIN_LOG_H

#include <tocsin/defs.h>

struct tc_instance;

enum tc_log_level {
	TC_LOG_ERROR,
	TC_LOG_WARN,
	TC_LOG_INFO,
	TC_LOG_DEBUG,
};

/*
 * Write one line.
 *
 * self    the plugin instance that speaks, or NULL for the core
 * fmt     a sentence without a final stop or newline, then key=value pairs; line breaks that come
 *         in with the arguments are written as spaces
 * thread  any
 */
TC_API void tc_log(const struct tc_instance *self, enum tc_log_level level, const char *fmt, ...)
	TC_PRINTF(3, 4);

/* True when lines of this level are written: for what is costly to prepare. Thread: any. */
TC_API bool tc_log_enabled(enum tc_log_level level);

/*
 * A phone number as the log may show it: all but the last three digits masked, unless the level is
 * debug.
 *
 * buf, size_bytes  where it is written, at least 24 bytes
 * result           buf
 * thread           any
 */
TC_API const char *tc_log_number(char *buf, size_t size_bytes, const char *number);

#endif
