/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of the program tocsin: it is run against a daemon that says what it was told to.
 */
#ifndef TESTS_UNIT_CLI_RIG_H
#define TESTS_UNIT_CLI_RIG_H

#include <tocsin/alloc.h>

enum { CLI_ARGS_MAX = 16, CLI_ANSWERS_MAX = 4 };

/* What the daemon is to say, and what came of it. */
struct cli_run {
	/* set by the test */
	const char *args[CLI_ARGS_MAX];
	const char *answers[CLI_ANSWERS_MAX]; /* one a connection: status line, head and body */
	const char *env[2];                   /* "NAME=VALUE" */
	const char *input;                    /* on the standard input */
	int stop_after; /* connections after which it is ended, 0 = by itself */
	/* received */
	int status; /* exit code, or 1000 + the signal that ended it */
	struct tc_buf out, err, asked;
	int connections;
};

/* "HTTP/1.1 200 OK" with a body, given as a string constant. */
#define OK(body)              "200 OK\r\nContent-Type: application/json\r\n\r\n" body
#define PROBLEM(status, body) status "\r\nContent-Type: application/problem+json\r\n\r\n" body

/* The folder for what a test writes; for cmocka_run_group_tests(). */
extern char cli_folder[];
int cli_rig_setup(void **state);
int cli_rig_teardown(void **state);

/* Run the program, to its end. */
void cli_run(struct cli_run *run);
void cli_run_fini(struct cli_run *run);

/* The test fails if it is otherwise. */
void cli_status(const struct cli_run *run, int status);
void cli_contains(const struct tc_buf *where, const char *text);
void cli_lacks(const struct tc_buf *where, const char *text);

/* A file in the folder, opened; and all that is in one. */
int cli_file(const char *name, int flags);
void cli_slurp(const char *name, struct tc_buf *buf);

#endif
