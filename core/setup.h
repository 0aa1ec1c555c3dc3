/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a configuration to the instances of its plugins, and what can only be checked with both.
 */
#ifndef CORE_SETUP_H
#define CORE_SETUP_H

#include <tocsin/defs.h>

struct config;
struct host;
struct tc_errors;

/*
 * Make an instance of each section, none of them open, and check the whole.
 *
 * errs  receives all faults, with the places of the configuration's file
 */
void setup_instances(struct host *host, const struct config *config, struct tc_errors *errs);
void setup_free_instances(struct host *host);

/*
 * Read and check a configuration, the settings of all instances included; nothing is opened.
 *
 * errs    receives all faults
 * result  NULL when there were any
 */
struct config *setup_read(const char *path, const char *plugin_path, struct tc_errors *errs);

/* Are these alike in all that takes effect at a start only? */
bool setup_same(const struct config *a, const struct config *b);

#endif
