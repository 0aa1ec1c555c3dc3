/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the daemon is and who asks: URL and token, from options and environment.
 */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include <stdbool.h>

/* All owned. */
struct target {
	char *url;    /* as it was given, for people */
	char *base;   /* what goes before the path of a request, without a "/" at its end */
	char *socket; /* path of the Unix socket, or NULL */
	char *token;  /* or NULL */
	bool near;    /* on this machine: never by a proxy */
};

/*
 * As client_new(). target: zeroed; target_fini() releases it, also after a failure.
 *
 * result  false after stderr was told why
 */
bool target_find(struct target *target, const char *url, const char *token_file);
void target_fini(struct target *target);

#endif
