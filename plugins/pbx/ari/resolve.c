/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and certificates, in a lane; see resolve.h. Nothing is kept: the name server's library and
 * the caller do that.
 */
#include "resolve.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <tocsin/alloc.h>
#include <tocsin/op.h>

#define THREADS 2
#define DEPTH   1000

struct resolving {
	TAILQ_ENTRY(resolving) link;
	struct resolver *resolver; /* NULL once that is gone */
	struct tc_instance *self;
	char *host;   /* owned */
	char *tls_ca; /* owned */
	bool tls;
	resolve_fn fn; /* NULL: nobody waits */
	void *arg;
	struct resolve_result result; /* the lane's until it is posted */
};

struct resolver {
	struct tc_instance *self;
	const char *tls_ca;
	struct tc_lane *lane; /* NULL until a host is no number */
	TAILQ_HEAD(, resolving) all;
};

/* ---- in the lane ---- */

/* flags: of getaddrinfo(). result: its result */
static int find(const char *host, int flags, struct resolve_result *r)
{
	const struct addrinfo hints = {.ai_flags = flags, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	int err = getaddrinfo(host, NULL, &hints, &list);

	for (const struct addrinfo *a = list; a && r->n < RESOLVE_MAX; a = a->ai_next)
		if (!getnameinfo(a->ai_addr, a->ai_addrlen, r->address[r->n], RESOLVE_SIZE, NULL, 0,
				 NI_NUMERICHOST))
			r->n++;
	if (list)
		freeaddrinfo(list);
	return err;
}

static void load_certificates(const char *file, struct resolve_result *r)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	int ok;

	if (!tls)
		abort(); /* no memory */
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	ok = file ? SSL_CTX_load_verify_file(tls, file) : SSL_CTX_set_default_verify_paths(tls);
	ERR_clear_error();
	if (ok) {
		r->tls = tls;
		return;
	}
	snprintf(r->fault, sizeof(r->fault), "%s: no certificates can be read from it",
		 file ? file : "the system's certificates");
	r->n = 0;
	SSL_CTX_free(tls);
}

static void tell(void *arg)
{
	struct resolving *job = arg;

	if (job->resolver)
		TAILQ_REMOVE(&job->resolver->all, job, link);
	if (job->fn)
		job->fn(job->arg, &job->result);
	else
		SSL_CTX_free(job->result.tls);
	free(job->host);
	free(job->tls_ca);
	free(job);
}

/* The instance has ended. */
static void drop(void *arg)
{
	struct resolving *job = arg;

	job->fn = NULL;
	job->resolver = NULL;
	tell(job);
}

static void run(struct tc_op *op, void *arg)
{
	struct resolving *job = arg;
	struct resolve_result *r = &job->result;
	int err = r->n ? 0 : find(job->host, 0, r);

	(void)op;
	if (!r->n)
		snprintf(r->fault, sizeof(r->fault), "%.100s: %s", job->host,
			 err ? gai_strerror(err) : "no address");
	else if (job->tls)
		load_certificates(job->tls_ca, r);
	tc_post(job->self, tell, drop, job);
}

/* ---- on the loop ---- */

struct resolver *resolver_new(struct tc_instance *self, const char *tls_ca)
{
	struct resolver *resolver = tc_alloc(sizeof(*resolver));

	resolver->self = self;
	resolver->tls_ca = tls_ca;
	TAILQ_INIT(&resolver->all);
	return resolver;
}

void resolver_free(struct resolver *resolver)
{
	struct resolving *job;

	if (!resolver)
		return;
	tc_lane_close(resolver->lane);
	while ((job = TAILQ_FIRST(&resolver->all))) { /* told, to nobody, when its turn comes */
		TAILQ_REMOVE(&resolver->all, job, link);
		job->resolver = NULL;
		job->fn = NULL;
	}
	free(resolver);
}

struct resolving *resolve(struct resolver *resolver, const char *host, bool tls, resolve_fn fn,
			  void *arg)
{
	struct resolving *job = tc_alloc(sizeof(*job));

	job->resolver = resolver;
	job->self = resolver->self;
	job->host = tc_strdup(host);
	job->tls_ca = tc_strdup(resolver->tls_ca);
	job->tls = tls;
	job->fn = fn;
	job->arg = arg;
	TAILQ_INSERT_TAIL(&resolver->all, job, link);
	find(host, AI_NUMERICHOST, &job->result);
	if (job->result.n && !tls) {
		tc_post(job->self, tell, drop, job);
		return job;
	}
	if (!resolver->lane)
		resolver->lane = tc_lane_open(resolver->self, "ari-names", THREADS, DEPTH);
	if (tc_lane_submit(resolver->lane, run, NULL, job)) {
		job->result.n = 0;
		tc_strcopy(job->result.fault, sizeof(job->result.fault),
			   "the name server is too slow");
		tc_post(job->self, tell, drop, job);
	}
	return job;
}

void resolve_cancel(struct resolving *resolving)
{
	if (resolving)
		resolving->fn = NULL;
}
