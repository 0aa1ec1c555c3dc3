/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the host share among themselves: the inside of the host. Nobody else includes this.
 */
#ifndef CORE_HOST_RUNTIME_H
#define CORE_HOST_RUNTIME_H

#include "host/host.h"

struct loaded;

struct host {
	struct loop *loop;
	char *plugin_path, *state_dir; /* owned */
	SLIST_HEAD(, loaded) loaded;
	TAILQ_HEAD(, tc_instance) instances;
	struct host_services services;
};

/* The lanes of an instance, ended with it. */
void lanes_close(struct tc_instance *self);

#endif
