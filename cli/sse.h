/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server-sent events taken apart, as the bytes come.
 */
#ifndef CLI_SSE_H
#define CLI_SSE_H

#include <stdbool.h>
#include <stddef.h>

/* An event's parts; NUL-terminated, "" when not given. */
struct sse_event {
	const char *id, *name, *data;
};

typedef void (*sse_fn)(void *arg, const struct sse_event *event);

struct sse_text {
	char *data; /* owned */
	size_t len, room;
};

struct sse {
	sse_fn fn;
	void *arg;
	struct sse_text line, name, data, id;
	struct sse_text last_id; /* of the last event that was complete: what to resume behind */
	bool has_data;
	bool after_cr; /* the last byte was a CR: an LF that follows belongs to it */
};

void sse_init(struct sse *s, sse_fn fn, void *arg);
/*
 * More bytes of the stream; fn is told of each event that is complete now.
 *
 * result  false when a line or an event is longer than a megabyte: this is no stream of ours
 * source  WHATWG HTML, 9.2.6 interpreting an event stream
 */
bool sse_feed(struct sse *s, const char *bytes, size_t len);
/* Forget what is half read, as at the end of a connection. last_id is kept. */
void sse_cut(struct sse *s);
void sse_fini(struct sse *s);

#endif
