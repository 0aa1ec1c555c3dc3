/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * WebSocket clients: libwebsockets on the daemon's loop. Names are resolved and certificates loaded
 * in a lane, as nothing here may block.
 *
 * All: loop thread.
 */
#ifndef ARI_SOCKET_H
#define ARI_SOCKET_H

#include <tocsin/plugin.h>

struct sockets; /* the context of all of an instance */
struct socket;

struct socket_target {
	const char *url;            /* "ws://HOST:PORT/path?query", wss://; copied */
	const char *protocol;       /* subprotocol: "ari", "media"; copied; NULL = none */
	const char *user, *password; /* Basic, in the header; copied; user NULL = none */
	int64_t ping_ms;            /* ping after so much silence; nothing for as long again: it
				       is closed; 0 = never */
	int64_t timeout_ms;         /* until it is open, > 0 */
};

/* All told on the loop, never inside a call of this header. */
struct socket_events {
	void (*opened)(void *arg);
	/* A whole text or binary message; data has a NUL behind len. Borrowed. */
	void (*text)(void *arg, const char *data, size_t len);
	void (*binary)(void *arg, const void *data, size_t len); /* may be NULL */
	/*
	 * It could not be opened, or is closed now: the last event; the socket is gone.
	 *
	 * status  of HTTP, when the server refused the upgrade (401 ...), else 0
	 * text    for people, why
	 */
	void (*closed)(void *arg, int status, const char *text);
};

/* tls_ca: file of certificates, NULL = the system's; borrowed. result: NULL on failure (logged) */
struct sockets *sockets_new(struct tc_instance *self, const char *tls_ca);
/* Closes all; no event comes any more. */
void sockets_free(struct sockets *sockets);

/* Connect. result: never NULL: a failure is told by closed */
struct socket *socket_open(struct sockets *sockets, const struct socket_target *target,
			   const struct socket_events *events, void *arg);
/* Send a message; copied and queued when it must be. Before it is open: sent then. */
void socket_text(struct socket *socket, const char *text);
void socket_binary(struct socket *socket, const void *data, size_t len);
/* Bytes that wait to be sent, without those of the message that is being sent. */
size_t socket_queued(const struct socket *socket);
/* No event comes any more; what is queued is still sent if the peer takes it soon. */
void socket_close(struct socket *socket);

#endif
