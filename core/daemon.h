/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon as a whole: puts the rooms together from a configuration, runs, reloads and takes
 * them down.
 */
#ifndef CORE_DAEMON_H
#define CORE_DAEMON_H

struct tc_errors;

/* What the command line says. */
struct daemon_options {
	const char *config_path;
	const char *plugin_path;
};

/*
 * Read the configuration and check all of it, the settings of every instance included.
 *
 * errs    receives all faults
 * result  0, or -EINVAL
 */
int daemon_check(const struct daemon_options *options, struct tc_errors *errs);

/*
 * Start, run until SIGTERM or SIGINT, stop.
 *
 * result  the exit status of the process
 */
int daemon_run(const struct daemon_options *options);

#endif
