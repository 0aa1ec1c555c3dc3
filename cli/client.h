/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's API over HTTP: requests, answers, what is wrong with them, and the stream of events.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>

#include "cli.h"

/*
 * Where the daemon is, and who asks.
 *
 * url         "http://...", "https://..." or "unix:/path"; NULL = $TOCSIN_URL, else the socket that
 *             the daemon opens
 * token_file  NULL = $TOCSIN_TOKEN_FILE, else $TOCSIN_TOKEN, else none
 * result      NULL after stderr was told why (a usage error)
 */
struct client *client_new(const char *url, const char *token_file);
void client_free(struct client *client);

/* The URL as it was given, for people. */
const char *client_url(const struct client *client);

/* While quiet, requests that find no daemon are not complained about. */
void client_set_quiet(struct client *client, bool quiet);

/* If-Match of the requests that follow: "*", or an ETag in quotes; NULL = none. Constant. */
void client_set_match(struct client *client, const char *match);

/* The ETag of the last answer, "" = it had none; lives until the next request. */
const char *client_etag(const struct client *client);

/* A parameter of a query; left out when its value is NULL. */
struct client_param {
	const char *name, *value;
};

/*
 * A path with a query.
 *
 * params  ended by one without a name
 * result  owned by the caller
 */
char *client_path(struct client *client, const char *path, const struct client_param *params);

/* A path with an id as its part: before, id, after. Owned by the caller. */
char *client_path_of(struct client *client, const char *before, const char *id, const char *after);

/*
 * Ask, and take JSON for an answer.
 *
 * body    taken; NULL = none
 * reply   receives a new reference, NULL for an empty answer; may be NULL
 * result  EXIT_OK, or EXIT_REFUSED or EXIT_AWAY after stderr was told why
 */
int client_ask(struct client *client, const char *method, const char *path, json_t *body,
	       json_t **reply);

/* The same, taking bytes: *data is freed by the caller. */
int client_fetch(struct client *client, const char *method, const char *path, json_t *body,
		 char **data, size_t *len);

/* POST a file of another type, and take JSON for an answer. */
int client_send(struct client *client, const char *path, const char *type, const char *data,
		size_t len, json_t **reply);

/* Tell stderr the faults of a file: [{"line","field","text"}]. */
void client_faults(const json_t *faults);

/*
 * Follow the events until the connection ends.
 *
 * last_id    the last event that was seen, "" = from now on
 * connected  told when the stream has begun
 * bytes      told of each piece; false ends it
 * result     EXIT_OK the connection ended (or bytes() ended it), EXIT_REFUSED after stderr was told
 *            why, EXIT_AWAY not connected, or lost; stderr was told why unless quiet
 */
struct client_stream {
	const char *last_id;
	void (*connected)(void *arg);
	bool (*bytes)(void *arg, const char *data, size_t len);
	void *arg;
};
int client_follow(struct client *client, const char *path, const struct client_stream *stream);

#endif
