/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must be done away from the loop before a WebSocket can be opened: find the addresses of a
 * host, load the certificates that are trusted.
 *
 * All: loop thread.
 */
#ifndef ARI_RESOLVE_H
#define ARI_RESOLVE_H

#include <openssl/types.h>

#include <tocsin/plugin.h>

#define RESOLVE_MAX  8  /* addresses of one host */
#define RESOLVE_SIZE 64 /* of one, as text */

struct resolver;
struct resolving;

struct resolve_result {
	unsigned n;                              /* addresses, 0 = failed */
	char address[RESOLVE_MAX][RESOLVE_SIZE]; /* numeric */
	SSL_CTX *tls;                            /* when it was wanted; the receiver's */
	char fault[200];                         /* why it failed */
};

typedef void (*resolve_fn)(void *arg, const struct resolve_result *result);

/* tls_ca: file of certificates, NULL = the system's; borrowed */
struct resolver *resolver_new(struct tc_instance *self, const char *tls_ca);
/* Nobody is told any more. Waits until the name server has answered what is under way. */
void resolver_free(struct resolver *resolver);

/*
 * Find the addresses of a host, and load the certificates if tls.
 *
 * host    a name or a numeric address; copied
 * fn      told once, never inside this call
 * result  handle for resolve_cancel() until fn was called
 */
struct resolving *resolve(struct resolver *resolver, const char *host, bool tls, resolve_fn fn,
			  void *arg);
void resolve_cancel(struct resolving *resolving);

#endif
