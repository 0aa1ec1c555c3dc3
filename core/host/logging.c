/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: lines to stderr, where systemd or a file takes them. No files, no rotation here.
 */
#include "host/logging.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tocsin/alloc.h>

#include "host/host.h"
#include "host/rfc3339.h"
#include "host/text.h"

static int log_level = TC_LOG_INFO;
static int log_format = LOGGING_TEXT;

static const char *const level_names[] = {
	[TC_LOG_ERROR] = "error",
	[TC_LOG_WARN] = "warn",
	[TC_LOG_INFO] = "info",
	[TC_LOG_DEBUG] = "debug",
};

void logging_setup(enum tc_log_level level, enum logging_format format)
{
	__atomic_store_n(&log_level, (int)level, __ATOMIC_RELAXED);
	__atomic_store_n(&log_format, (int)format, __ATOMIC_RELAXED);
}

bool tc_log_enabled(enum tc_log_level level)
{
	return (int)level <= __atomic_load_n(&log_level, __ATOMIC_RELAXED);
}

/* One write if the file takes it, so that lines of several threads do not mix. */
static void write_line(struct tc_buf *line)
{
	ssize_t n;

	tc_buf_puts(line, "\n");
	for (size_t done = 0; done < line->len; done += (size_t)n) {
		n = write(STDERR_FILENO, line->data + done, line->len - done);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return; /* nowhere to complain to */
	}
}

static void as_json(struct tc_buf *line, enum tc_log_level level, const char *who, const char *text)
{
	char at[RFC3339_SIZE];
	json_t *j = json_pack("{s:s, s:s, s:s, s:s}", "at", rfc3339_format(at, tc_wall_us()),
			      "level", level_names[level], "who", who, "text", text);
	char *s = j ? json_dumps(j, JSON_COMPACT) : NULL;

	tc_buf_puts(line, s ? s : "{}");
	free(s);
	json_decref(j);
}

void tc_log(const struct tc_instance *self, enum tc_log_level level, const char *fmt, ...)
{
	struct tc_buf text = {0}, line = {0};
	char who[128] = "core";
	int err = errno; /* callers log first and look at it then */
	va_list ap;

	if (!tc_log_enabled(level))
		return;
	va_start(ap, fmt);
	tc_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (text.data)
		text_clean(text.data);
	if (self)
		snprintf(who, sizeof(who), "%s/%s", kind_name(self->plugin->kind), self->name);
	if (__atomic_load_n(&log_format, __ATOMIC_RELAXED) == LOGGING_JSON)
		as_json(&line, level, who, text.data ? text.data : "");
	else
		tc_buf_printf(&line, "%-5s %s: %s", level_names[level], who,
			      text.data ? text.data : "");
	write_line(&line);
	tc_buf_fini(&text);
	tc_buf_fini(&line);
	errno = err;
}

const char *tc_log_number(char *buf, size_t size_bytes, const char *number)
{
	size_t len = strlen(number);

	tc_strcopy(buf, size_bytes, number);
	if (tc_log_enabled(TC_LOG_DEBUG))
		return buf;
	for (size_t i = 0; buf[i]; i++)
		if (i + 3 < len && isdigit((unsigned char)buf[i]))
			buf[i] = 'x';
	return buf;
}
