/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the host share among themselves: the inside of the host. Nobody else includes
 * this.
 */
#ifndef CORE_HOST_RUNTIME_H
#define CORE_HOST_RUNTIME_H

#include <signal.h>

#include "host/host.h"

struct loaded;

struct host {
	struct loop *loop;
	char *plugin_path, *state_dir; /* owned */
	SLIST_HEAD(, loaded) loaded;
	TAILQ_HEAD(, tc_instance) instances;
	struct host_services services;
};

/* Signals are the main thread's: threads that are begun until old is restored take none. */
static inline void signals_block(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, old);
}

/* The lanes of an instance, ended with it. */
void lanes_close(struct tc_instance *self);

#endif
