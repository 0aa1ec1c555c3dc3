/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who calls, and whether they may: bearer tokens (RFC 6750), and the peer of a Unix socket.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tocsin/alloc.h>

#include "http/private.h"

static const char *const scope_names[] = {
	[TC_SCOPE_PUBLIC] = "public",
	[TC_SCOPE_READ] = "read",
	[TC_SCOPE_ALERT] = "alert",
	[TC_SCOPE_ADMIN] = "admin",
};

void conn_identify(struct http_conn *conn)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss);
	struct ucred peer;

	conn->scope = TC_SCOPE_PUBLIC;
	tc_strcopy(conn->who, sizeof(conn->who), "anonymous");
	if (getsockname(conn->fd, (struct sockaddr *)&ss, &len) || ss.ss_family != AF_UNIX)
		return;
	len = sizeof(peer);
	if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return;
	snprintf(conn->who, sizeof(conn->who), "uid:%u", (unsigned)peer.uid);
	if (peer.uid == 0 || peer.uid == geteuid())
		conn->scope = TC_SCOPE_ADMIN;
}

/* The token in the Authorization header, or NULL. */
static const char *bearer(const char *header)
{
	if (strncasecmp(header, "Bearer ", 7))
		return NULL;
	header += 7;
	while (*header == ' ')
		header++;
	return *header ? header : NULL;
}

static void unauthorized(struct tc_http_req *req, const char *challenge, const char *detail)
{
	tc_http_reply_header(req, "WWW-Authenticate", challenge);
	tc_http_problem(req, 401, NULL, "%s", detail);
}

/* A header that is there decides, whoever is at the other end of the socket. */
static bool by_header(struct tc_http_req *req, const char *header)
{
	struct http_server *server = req->server;
	const char *token = bearer(header), *name = NULL;

	if (!token) {
		unauthorized(req, "Bearer realm=\"tocsin\", error=\"invalid_request\"",
			     "the Authorization header is not of the form \"Bearer TOKEN\"");
		return false;
	}
	req->scope = server->auth ? server->auth(server->auth_arg, token, &name) : TC_SCOPE_PUBLIC;
	if (req->scope == HTTP_AUTH_LATER) {
		reply_busy(req, "the tokens are not read yet");
		return false;
	}
	if (req->scope == TC_SCOPE_PUBLIC) {
		unauthorized(req, "Bearer realm=\"tocsin\", error=\"invalid_token\"",
			     "this token is not known, or has expired");
		return false;
	}
	tc_strcopy(req->who, sizeof(req->who), name ? name : "token");
	return true;
}

bool request_authorize(struct tc_http_req *req, enum tc_scope wanted)
{
	const char *header = tc_http_header(req, "Authorization");
	char challenge[96];

	if (wanted == TC_SCOPE_PUBLIC)
		return true;
	if (header && !by_header(req, header))
		return false;
	if (req->scope == TC_SCOPE_PUBLIC) {
		unauthorized(req, "Bearer realm=\"tocsin\"",
			     "an API token is needed: \"Authorization: Bearer TOKEN\"");
		return false;
	}
	if (req->scope >= wanted)
		return true;
	snprintf(challenge, sizeof(challenge),
		 "Bearer realm=\"tocsin\", error=\"insufficient_scope\", scope=\"%s\"",
		 scope_names[wanted]);
	tc_http_reply_header(req, "WWW-Authenticate", challenge);
	tc_http_problem(req, 403, NULL, "%s has scope %s, and %s is wanted", req->who,
			scope_names[req->scope], scope_names[wanted]);
	return false;
}
