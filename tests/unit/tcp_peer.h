/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A peer for tests of clients: listens on a port of the loopback, and serves each connection in a
 * thread of its own with a function of the test, so that it may block there.
 */
#ifndef TESTS_UNIT_TCP_PEER_H
#define TESTS_UNIT_TCP_PEER_H

#include <stdbool.h>
#include <stddef.h>

struct tcp_peer;

/*
 * Serve one connection; it is closed when this returns. Reads fail once the peer is being freed.
 *
 * n  which connection it is, from 1 on
 */
typedef void (*tcp_peer_fn)(struct tcp_peer *peer, int fd, unsigned n, void *arg);

struct tcp_peer *tcp_peer_new(tcp_peer_fn serve, void *arg);
/* Ends all connections, waits for their threads. */
void tcp_peer_free(struct tcp_peer *peer);

unsigned tcp_peer_port(const struct tcp_peer *peer);
/* Connections so far. Thread: any. */
unsigned tcp_peer_count(struct tcp_peer *peer);

/*
 * For serve(): wait until tcp_peer_release(), or until the peer is being freed. Each release lets
 * all go that wait then, and none that comes later.
 */
void tcp_peer_hold(struct tcp_peer *peer);
void tcp_peer_release(struct tcp_peer *peer);
/* How many are held now. Thread: any. */
unsigned tcp_peer_held(struct tcp_peer *peer);

/* For serve(): all of it; false when the connection has ended. */
bool tcp_peer_read(int fd, void *data, size_t len);
bool tcp_peer_write(int fd, const void *data, size_t len);
/*
 * Read the head of a request (up to the empty line), byte by byte.
 *
 * head    receives it with a final NUL, size_bytes of it at most
 * result  false when the connection has ended before
 */
bool tcp_peer_head(int fd, char *head, size_t size_bytes);

/* A port that refuses connections as long as *fd is open. */
unsigned tcp_peer_refuse(int *fd);

#endif
