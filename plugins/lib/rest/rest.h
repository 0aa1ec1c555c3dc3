/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to somebody's REST interface: libcurl on the daemon's loop, a bounded pool of kept
 * connections, those that cannot wait first.
 *
 * All: loop thread; nothing blocks.
 */
#ifndef REST_REST_H
#define REST_REST_H

#include <jansson.h>

#include <tocsin/alloc.h>
#include <tocsin/plugin.h>

struct rest;
struct rest_want; /* one request that is waited for */

/* All borrowed for the life of the client. */
struct rest_settings {
	const char *url;      /* "http://pbx:8088/ari", without a final slash */
	const char *user, *password; /* NULL = none */
	const char *token;    /* "Authorization: Bearer ..." in place of them; NULL = none */
	const char *tls_ca;   /* file of certificates, NULL = the system's */
	unsigned connections; /* kept at most, 1..64 */
};

struct rest_reply {
	int status;          /* of HTTP; 0 = no answer came */
	int err;             /* 0 when there is a status; else -ECONNREFUSED, -EHOSTUNREACH (no such
				name, no route), -EPROTO (TLS), -EIO: nothing can have happened; or
				TC_EUNSURE: the request left, no answer came in time */
	const json_t *json;  /* borrowed; NULL = no body, or none that is JSON */
	const char *text;    /* for people, never NULL: "connection refused", "401 Unauthorized",
				"500 Allocation failed"; never has the password in it */
	int64_t took_us;     /* from the moment it was sent (not queued) */
};

typedef void (*rest_done_fn)(void *arg, const struct rest_reply *reply);

/* What must not wait behind the others when all connections are busy. */
enum rest_class { REST_URGENT, REST_NORMAL };

struct rest *rest_new(struct tc_instance *self, const struct rest_settings *settings);
/* No done is called any more. */
void rest_free(struct rest *rest);

/*
 * Send a request.
 *
 * method      "GET", "POST", "DELETE"
 * path        below the url, "/channels/ID/play"; parts that come from outside were escaped by
 *             rest_escape()
 * body        sent as JSON; taken; NULL = none
 * timeout_ms  from the moment that it is sent until its answer is there
 * done        told once, never inside this call; NULL = nobody wants to know
 * result      handle for rest_cancel() until done was called; never NULL
 */
struct rest_want *rest_send(struct rest *rest, enum rest_class class, const char *method,
			    const char *path, json_t *body, int64_t timeout_ms, rest_done_fn done,
			    void *arg);
/* done will not be called; the request goes on if it has left, and is dropped if it has not. */
void rest_cancel(struct rest_want *want);

/* Append s, percent-encoded. */
void rest_escape(struct tc_buf *path, const char *s);

struct rest_figures {
	uint64_t sent, failed; /* failed: no answer */
	unsigned busy, queued; /* under way, waiting for a connection */
	int64_t last_us;       /* how long the last answer took */
};
struct rest_figures rest_figures(const struct rest *rest);

#endif
