/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A peer in threads; see tcp_peer.h. No test stands here.
 */
#include "unit/tcp_peer.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

struct connection {
	SLIST_ENTRY(connection) link;
	struct tcp_peer *peer;
	pthread_t thread;
	unsigned n;
	int fd;
	bool ended; /* fd is closed */
};

struct tcp_peer {
	tcp_peer_fn serve;
	void *arg;
	int fd;
	unsigned port;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t change;
	SLIST_HEAD(, connection) connections;
	unsigned count, held, releases;
	bool closing;
};

static int listener(unsigned *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static void *serve_one(void *arg)
{
	struct connection *c = arg;
	struct tcp_peer *peer = c->peer;

	peer->serve(peer, c->fd, c->n, peer->arg);
	pthread_mutex_lock(&peer->lock);
	c->ended = true;
	close(c->fd);
	pthread_mutex_unlock(&peer->lock);
	return NULL;
}

static void *accept_all(void *arg)
{
	struct tcp_peer *peer = arg;
	int fd;

	while ((fd = accept(peer->fd, NULL, NULL)) >= 0) {
		struct connection *c = tc_alloc(sizeof(*c));

		c->peer = peer;
		c->fd = fd;
		pthread_mutex_lock(&peer->lock);
		c->n = ++peer->count;
		SLIST_INSERT_HEAD(&peer->connections, c, link);
		if (peer->closing)
			shutdown(fd, SHUT_RDWR);
		if (pthread_create(&c->thread, NULL, serve_one, c))
			abort();
		pthread_mutex_unlock(&peer->lock);
	}
	return NULL;
}

struct tcp_peer *tcp_peer_new(tcp_peer_fn serve, void *arg)
{
	struct tcp_peer *peer = tc_alloc(sizeof(*peer));

	peer->serve = serve;
	peer->arg = arg;
	pthread_mutex_init(&peer->lock, NULL);
	pthread_cond_init(&peer->change, NULL);
	peer->fd = listener(&peer->port);
	assert_int_equal(listen(peer->fd, 128), 0);
	assert_int_equal(pthread_create(&peer->thread, NULL, accept_all, peer), 0);
	return peer;
}

void tcp_peer_free(struct tcp_peer *peer)
{
	struct connection *c;

	pthread_mutex_lock(&peer->lock);
	peer->closing = true;
	SLIST_FOREACH (c, &peer->connections, link)
		if (!c->ended)
			shutdown(c->fd, SHUT_RDWR);
	pthread_cond_broadcast(&peer->change);
	pthread_mutex_unlock(&peer->lock);
	shutdown(peer->fd, SHUT_RDWR); /* accept() fails now */
	pthread_join(peer->thread, NULL);
	while ((c = SLIST_FIRST(&peer->connections))) {
		SLIST_REMOVE_HEAD(&peer->connections, link);
		pthread_join(c->thread, NULL);
		free(c);
	}
	close(peer->fd);
	pthread_cond_destroy(&peer->change);
	pthread_mutex_destroy(&peer->lock);
	free(peer);
}

unsigned tcp_peer_port(const struct tcp_peer *peer)
{
	return peer->port;
}

unsigned tcp_peer_count(struct tcp_peer *peer)
{
	unsigned n;

	pthread_mutex_lock(&peer->lock);
	n = peer->count;
	pthread_mutex_unlock(&peer->lock);
	return n;
}

void tcp_peer_hold(struct tcp_peer *peer)
{
	unsigned releases;

	pthread_mutex_lock(&peer->lock);
	releases = peer->releases;
	peer->held++;
	while (peer->releases == releases && !peer->closing)
		pthread_cond_wait(&peer->change, &peer->lock);
	pthread_mutex_unlock(&peer->lock);
}

void tcp_peer_release(struct tcp_peer *peer)
{
	pthread_mutex_lock(&peer->lock);
	peer->releases++;
	peer->held = 0;
	pthread_cond_broadcast(&peer->change);
	pthread_mutex_unlock(&peer->lock);
}

unsigned tcp_peer_held(struct tcp_peer *peer)
{
	unsigned n;

	pthread_mutex_lock(&peer->lock);
	n = peer->held;
	pthread_mutex_unlock(&peer->lock);
	return n;
}

bool tcp_peer_read(int fd, void *data, size_t len)
{
	ssize_t n = 0;

	for (size_t done = 0; done < len; done += (size_t)n)
		if ((n = recv(fd, (char *)data + done, len - done, 0)) <= 0)
			return false;
	return true;
}

bool tcp_peer_write(int fd, const void *data, size_t len)
{
	ssize_t n = 0;

	for (size_t done = 0; done < len; done += (size_t)n)
		if ((n = send(fd, (const char *)data + done, len - done, MSG_NOSIGNAL)) <= 0)
			return false;
	return true;
}

bool tcp_peer_head(int fd, char *head, size_t size_bytes)
{
	for (size_t n = 0; n + 1 < size_bytes; n++) {
		if (!tcp_peer_read(fd, head + n, 1))
			return false;
		head[n + 1] = '\0';
		if (n >= 3 && !memcmp(head + n - 3, "\r\n\r\n", 4))
			return true;
	}
	return false;
}

unsigned tcp_peer_refuse(int *fd)
{
	unsigned port;

	*fd = listener(&port);
	return port;
}
