/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's side of a WebSocket (RFC 6455), for tests of clients: handshake and frames, over a
 * blocking descriptor in a thread of tcp_peer.
 */
#ifndef TESTS_UNIT_WS_PEER_H
#define TESTS_UNIT_WS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ws_op { WS_MORE = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/*
 * The answer to a request.
 *
 * head      of the request
 * protocol  that is granted, NULL = none
 * result    owned by the caller; NULL: it asks for no WebSocket
 */
char *ws_peer_answer(const char *head, const char *protocol);

/* Read the request into head, answer it; false when it is none. */
bool ws_peer_accept(int fd, char *head, size_t size_bytes, const char *protocol);

/* One frame, not masked. Thread: any. */
bool ws_peer_send(int fd, enum ws_op op, bool final, const void *data, size_t len);

struct ws_frame {
	enum ws_op op;
	bool final, masked;
	size_t len;
	char *data; /* owned; unmasked, with a NUL behind */
};

/* result: false when the connection has ended; then there is nothing to free */
bool ws_peer_receive(int fd, struct ws_frame *frame);

#endif
