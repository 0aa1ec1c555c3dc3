/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line taken apart by the tables of options, and the help that comes out of them.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdio.h>

#include "cli.h"

enum { ARGS_GIVEN_MAX = 64, ARGS_WORDS_MAX = 8 };

struct args_given {
	const struct cli_option *option;
	const char *value; /* NULL for an option without one */
};

/* All point into argv. */
struct args {
	const struct cli_command *command; /* NULL: none was named */
	const char *group;                 /* "token": the first half of a command was named */
	const char *words[ARGS_WORDS_MAX];
	int n_words;
	struct args_given given[ARGS_GIVEN_MAX];
	int n_given;
};

/*
 * Take the command line apart. Options may stand anywhere, "--" ends them.
 *
 * commands  NULL-terminated
 * globals   options that every command has; --help among them makes everything else optional
 * result    0, or EXIT_USAGE after stderr was told why
 */
int args_parse(struct args *args, int argc, char **argv, const struct cli_command *const *commands,
	       const struct cli_option *globals);

/* The value of an option ("" for one without), the last one given; NULL if it was not given. */
const char *args_get(const struct args *args, const char *name);

/* Value by value of an option that may be repeated; *at begins at 0. NULL: no more. */
const char *args_next(const struct args *args, const char *name, int *at);

/* Help: of one command, or of all (of those in the group, if that is not NULL). */
void args_help_command(FILE *to, const struct cli_command *command,
		       const struct cli_option *globals);
void args_help_all(FILE *to, const struct cli_command *const *commands, const char *group,
		   const struct cli_option *globals);

/* A usage error that a command finds: stderr is told. result: EXIT_USAGE */
int args_wrong(const struct args *args, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
