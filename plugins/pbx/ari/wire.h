/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the WebSocket clients: socket.c has the life of a socket, wire.c runs libwebsockets
 * on the loop. Nobody else includes this.
 *
 * All: loop thread.
 */
#ifndef ARI_WIRE_H
#define ARI_WIRE_H

#include <sys/queue.h>

#include <tocsin/alloc.h>

#include "resolve.h"
#include "socket.h"

struct event;
struct lws;
struct lws_context;
struct lws_vhost;
struct wire_message;

#define SOCKET_MESSAGE_MAX (4u << 20)

enum socket_state {
	SOCKET_RESOLVING,
	SOCKET_CONNECTING,
	SOCKET_OPEN,
	SOCKET_CLOSING, /* was open; what is queued goes, then the closing handshake */
	SOCKET_ENDED,   /* libwebsockets knows it no more; to be told and freed */
};

STAILQ_HEAD(wire_queue, wire_message);

struct socket {
	TAILQ_ENTRY(socket) link;
	TAILQ_ENTRY(socket) todo; /* when to_do */
	struct sockets *all;
	enum socket_state state;
	bool to_do;
	/* the target; owned */
	char *host, *host_header, *path, *protocol, *user, *password;
	unsigned port;
	bool tls;
	int64_t ping_ms, timeout_ms;
	/* who is told; zeroed when nobody is */
	struct socket_events events;
	void *arg;
	/* finding and connecting */
	struct resolving *resolving;
	struct resolve_result found;
	unsigned next;      /* of found, to be tried */
	struct lws *wsi;    /* NULL: there is no connection */
	int fd, watched_fd; /* libwebsockets' and, owned, ours of the same */
	struct event *readable, *writable;
	/* open */
	struct tc_timer *timer; /* until it is open; then silence; then until it is closed */
	int64_t heard_us;       /* when something came last */
	bool ping_due;
	struct wire_queue queue;
	size_t queued_bytes;
	struct tc_buf in; /* a message as far as it is here */
	int close_code;   /* of our closing handshake */
	bool left;        /* we have sent it */
	/* its end */
	int status;
	char why[200];
};

TAILQ_HEAD(socket_list, socket);

struct sockets {
	struct tc_instance *self;
	struct resolver *resolver;
	struct socket_list all, todo;
	SSL_CTX *tls; /* owned; NULL until it is needed */
	struct lws_context *context;
	struct lws_vhost *plain, *secure; /* secure: NULL until it is needed */
	struct event *turn;
	struct tc_timer *tick;
	int64_t tick_due_us; /* 0 = not armed */
	unsigned unsettled;  /* sockets with a connection that are not open */
	unsigned activity, inside;
	bool freed; /* inside an event: the end of it frees */
};

/* ---- wire.c ---- */

/* result: false when libwebsockets refuses */
bool wire_init(struct sockets *sockets);
/* Closes all connections; nothing is reported. */
void wire_fini(struct sockets *sockets);
/* Run libwebsockets, and socket_do() for those to be done, in this turn of the loop. */
void wire_wake(struct sockets *sockets);
/* Connect to found.address[next]. result: false: it failed already, and was reported */
bool wire_connect(struct socket *socket);
/* End the connection now. Reported as any other end; not from inside an event. */
void wire_kill(struct socket *socket);
/* A message to be sent, a ping or the closing handshake is due. */
void wire_write(struct socket *socket);
void wire_queue(struct socket *socket, bool binary, const void *data, size_t len);
void wire_queue_free(struct socket *socket);

/* ---- socket.c: what libwebsockets reports ---- */

void socket_on_open(struct socket *socket);
/* A whole message is in socket->in. */
void socket_on_message(struct socket *socket, bool binary);
/* The connection has ended, or could not be made. why: NULL = nothing is known */
void socket_on_end(struct socket *socket, const char *why, size_t len);
/* Remember why it ends; the first reason stays. */
void socket_why(struct socket *socket, const char *fmt, ...) TC_PRINTF(2, 3);
/* It is being closed by us, with this code: for a while, then it is ended. */
void socket_shut(struct socket *socket, int code);
/* Marked by mark(): what is to be done outside of libwebsockets. The socket may be gone. */
void socket_do(struct socket *socket);
void socket_free(struct socket *socket);
void sockets_destroy(struct sockets *sockets);

#endif
