/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listening sockets of the server, TCP and Unix. What comes in through them is conn.c's.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/listener.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "http/private.h"

enum { BACKLOG = 512, ACCEPT_PAUSE_US = 1000000 };

struct http_listener {
	LIST_ENTRY(http_listener) link;
	struct http_server *server;
	struct evhttp_bound_socket *bound;
	char *path; /* owned; of a Unix socket */
	dev_t dev;  /* the file that we made */
	ino_t ino;
	struct loop_timer again; /* armed while accept() is paused */
};

static void accept_again(void *arg)
{
	struct http_listener *l = arg;

	evconnlistener_enable(evhttp_bound_socket_get_listener(l->bound));
}

/*
 * No file descriptor is left, or the like: a pause, for the loop would find the socket readable
 * at once again.
 */
static void accept_failed(struct evconnlistener *listener, void *arg)
{
	struct http_server *server = arg;
	struct http_listener *l;

	tc_log(NULL, TC_LOG_ERROR, "cannot accept a connection: %s", strerror(errno));
	LIST_FOREACH (l, &server->listeners, link) {
		if (evhttp_bound_socket_get_listener(l->bound) != listener)
			continue;
		evconnlistener_disable(listener);
		loop_timer_start_us(&l->again, ACCEPT_PAUSE_US);
	}
}

/* fd is bound: listen on it. Takes fd. */
static int begin(struct http_server *server, int fd, const char *path, char *fault,
		 size_t size_bytes)
{
	struct http_listener *l;
	struct evhttp_bound_socket *bound = NULL;
	struct stat st;

	if (!listen(fd, BACKLOG))
		bound = evhttp_accept_socket_with_handle(server->http, fd);
	if (!bound) {
		int err = errno;

		snprintf(fault, size_bytes, "cannot listen: %s", strerror(err));
		close(fd);
		return -err;
	}
	l = tc_alloc(sizeof(*l));
	l->server = server;
	l->bound = bound;
	loop_timer_init(&l->again, server->loop, accept_again, l);
	evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(bound), accept_failed);
	if (path && !stat(path, &st)) {
		l->path = tc_strdup(path);
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	LIST_INSERT_HEAD(&server->listeners, l, link);
	return 0;
}

void listeners_close(struct http_server *server)
{
	struct http_listener *l;
	struct stat st;

	while ((l = LIST_FIRST(&server->listeners))) {
		LIST_REMOVE(l, link);
		loop_timer_stop(&l->again);
		evhttp_del_accept_socket(server->http, l->bound);
		if (l->path && !stat(l->path, &st) && st.st_dev == l->dev && st.st_ino == l->ino)
			unlink(l->path);
		free(l->path);
		free(l);
	}
}

/* ---- TCP ---- */

/* "127.0.0.1:8086", "[::1]:8086": no names, for looking them up may block. */
static struct addrinfo *parse_address(const char *where)
{
	static const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	const char *colon = strrchr(where, ':');
	size_t len = colon ? (size_t)(colon - where) : 0;
	struct addrinfo *found = NULL;
	char *host;

	if (!len || !colon[1])
		return NULL;
	if (where[0] == '[' && where[len - 1] == ']')
		host = tc_strndup(where + 1, len - 2);
	else
		host = tc_strndup(where, len);
	/* An IPv6 address without its brackets would lose its last part to the port. */
	if ((where[0] == '[') != (strchr(host, ':') != NULL) ||
	    getaddrinfo(host, colon + 1, &hints, &found))
		found = NULL;
	free(host);
	return found;
}

static unsigned port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = {.in6 = {0}};
	socklen_t len = sizeof(address);

	if (getsockname(fd, &address.any, &len))
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.in6.sin6_port
						       : address.in.sin_port);
}

static int bind_tcp(const struct addrinfo *address)
{
	static const int on = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* accepted ones inherit it */
	if (address->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (!bind(fd, address->ai_addr, address->ai_addrlen))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int listen_tcp(struct http_server *server, const char *where, char *fault, size_t size_bytes)
{
	struct addrinfo *address = parse_address(where);
	int fd, err;

	if (!address) {
		snprintf(fault, size_bytes,
			 "\"%s\" is not an address: write \"127.0.0.1:8086\", \"[::1]:8086\" or "
			 "\"unix:/path\"",
			 where);
		return -EINVAL;
	}
	fd = bind_tcp(address);
	freeaddrinfo(address);
	if (fd < 0) {
		snprintf(fault, size_bytes, "cannot listen on %s: %s", where, strerror(-fd));
		return fd;
	}
	err = begin(server, fd, NULL, fault, size_bytes);
	if (!err)
		server->port = port_of(fd);
	return err;
}

/* ---- Unix sockets ---- */

/*
 * Take a socket file away that nobody answers at. result: 0 | -EADDRINUSE | -EEXIST it is no
 * socket
 */
static int clear_stale(const struct sockaddr_un *un)
{
	struct stat st;
	int fd, err = 0;

	if (lstat(un->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)un, sizeof(*un)) || errno != ECONNREFUSED)
		err = -EADDRINUSE; /* also when its queue is full, or it is not ours to try */
	close(fd);
	if (!err && unlink(un->sun_path))
		err = -errno;
	return err;
}

static int listen_unix(struct http_server *server, const char *path, char *fault, size_t size_bytes)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd, err;

	if (path[0] != '/' || !tc_strcopy(un.sun_path, sizeof(un.sun_path), path)) {
		snprintf(fault, size_bytes,
			 "\"unix:%s\" is not an absolute path of at most %zu bytes", path,
			 sizeof(un.sun_path) - 1);
		return -EINVAL;
	}
	err = clear_stale(&un);
	if (err) {
		snprintf(fault, size_bytes, "cannot listen on %s: %s", path,
			 err == -EADDRINUSE ? "somebody answers there already"
			 : err == -EEXIST   ? "it is there and is not a socket"
					    : strerror(-err));
		return err;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/*
	 * The mode of the socket is that of the file to be made: it is never wider than this
	 * (unix(7)).
	 */
	if (fd < 0 || fchmod(fd, 0660) || bind(fd, (struct sockaddr *)&un, sizeof(un)) ||
	    chmod(path, 0660)) {
		err = -errno;
		snprintf(fault, size_bytes, "cannot listen on %s: %s", path, strerror(-err));
		if (fd >= 0)
			close(fd);
		return err;
	}
	return begin(server, fd, path, fault, size_bytes);
}

int http_server_listen(struct http_server *server, const char *where, char *fault,
		       size_t size_bytes)
{
	if (!strncmp(where, "unix:", 5))
		return listen_unix(server, where + 5, fault, size_bytes);
	return listen_tcp(server, where, fault, size_bytes);
}
