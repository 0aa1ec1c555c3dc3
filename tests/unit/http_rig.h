/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of the HTTP server: one with routes of all kinds, on a TCP port and a Unix socket.
 */
#ifndef TESTS_UNIT_HTTP_RIG_H
#define TESTS_UNIT_HTTP_RIG_H

#include "host/loop.h"
#include "http/private.h"
#include "unit/http_client.h"

enum { HTTP_RIG_MAX_BODY = 100000 };

struct http_rig {
	struct loop *loop;
	struct http_server *server;
	unsigned port;
	struct tc_http_req *held; /* of the route that answers later */
	struct http_stream *stream;
	int closed; /* how often the stream's end was told */
	bool tokens_later;
	char dir[64], path[96];
};

#define READER "Authorization: Bearer reader\r\n"
#define RAISER "Authorization: bearer raiser\r\n"

int http_rig_setup(void **state);
int http_rig_teardown(void **state);
/* Add the rig's routes to another server. */
void http_rig_routes(struct http_rig *f, struct http_server *server);
/* A request to the TCP port (client_ask(), client_problem()). */
void http_rig_ask(struct http_rig *f, const char *method, const char *path, const char *head,
		  const char *body, struct http_answer *a);
void http_rig_problem(struct http_rig *f, const char *head, const char *body, int status,
		      const char *field);
/* Send a request that is to be answered later, and wait until it is there. */
struct tc_http_req *http_rig_hold(struct http_rig *f, int fd);
/* A condition: no connection is up. arg: the rig. */
bool http_rig_idle(void *arg);

#endif
