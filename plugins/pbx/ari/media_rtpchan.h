/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An RTP channel of Asterisk (externalMedia) and our socket for it. What is sent there, and
 * what comes from there, is not known here.
 */
#ifndef ARI_MEDIA_RTPCHAN_H
#define ARI_MEDIA_RTPCHAN_H

#include <netinet/in.h>

#include "ari.h"

struct rtpnet;
struct rtpchan;

/* What the channels of a trunk share: addresses and ports. */
struct rtpnet *rtpnet_new(struct ari *ari);
void rtpnet_free(struct rtpnet *net);

/* Told on the loop, never inside a call; after failed() nothing is told. */
struct rtpchan_events {
	void (*open)(void *arg, const struct sockaddr_in *to); /* RTP is taken there */
	void (*failed)(void *arg, const char *why);
};

/* channel: the id that it is to have; events are borrowed */
struct rtpchan *rtpchan_new(struct rtpnet *net, const char *channel,
			    const struct rtpchan_events *events, void *arg);
/* The socket, once it is open; it lives until rtpchan_free(). */
int rtpchan_fd(const struct rtpchan *chan);
/* The channel is hung up. NULL is fine. */
void rtpchan_free(struct rtpchan *chan);

/* The host of "http://HOST:PORT/..."; to be freed. */
char *rtpnet_host(const char *url);

#endif
