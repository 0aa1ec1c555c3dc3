/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A blocking-looking HTTP client for tests that run the server on a loop of the same thread.
 */
#ifndef TESTS_UNIT_HTTP_CLIENT_H
#define TESTS_UNIT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct loop;

struct http_answer {
	int status;
	char *head; /* owned; the status line and the header fields */
	char *body; /* owned */
	size_t len;
	bool closed; /* the server has closed the connection behind it */
};

/* Connect to 127.0.0.1:port, or to a Unix socket when path is given. */
int client_connect(unsigned port, const char *path);
void client_send(int fd, const char *text);
void client_send_bytes(int fd, const void *data, size_t len);
/* The same for what may be more than a socket takes: the loop is turned meanwhile. */
void client_push(struct loop *loop, int fd, const void *data, size_t len);
/* Turn the loop until cond() is true; fails the test after 10 s. */
void client_wait(struct loop *loop, bool (*cond)(void *arg), void *arg);
/* Turn the loop once without waiting. */
void client_turn(struct loop *loop);
/*
 * One answer (by its Content-Length, or to the end of the connection); fails the test if none
 * comes.
 */
void client_answer(struct loop *loop, int fd, struct http_answer *answer);
/* The same for the answer to a HEAD request. */
void client_answer_head(struct loop *loop, int fd, struct http_answer *answer);
void answer_free(struct http_answer *answer);
/* Whether the header has this line ("Allow: GET, HEAD"). */
bool answer_has(const struct http_answer *answer, const char *line);
/* The body as JSON; new reference; fails the test when it is none. */
json_t *answer_json(const struct http_answer *answer);
/*
 * One request on a connection of its own.
 *
 * head  further header lines, each with "\r\n", or ""
 * body  NULL = none
 */
void client_ask(struct loop *loop, unsigned port, const char *method, const char *path,
		const char *head, const char *body, struct http_answer *answer);
/*
 * The same, and the answer must be a problem (RFC 9457) with this status and, unless NULL, this
 * field.
 */
void client_problem(struct loop *loop, unsigned port, const char *request_head, const char *body,
		    int status, const char *field);

#endif
