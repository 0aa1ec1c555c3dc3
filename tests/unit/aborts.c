/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A child in which something must abort. No test stands here.
 */
#include "unit/aborts.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SURVIVED 77
#define LIMIT_S 30

/* Without cmocka's handlers, core files, and the message that is expected. */
static void child(void (*fn)(void *arg), void *arg)
{
	int null = open("/dev/null", O_WRONLY);

	signal(SIGABRT, SIG_DFL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	alarm(LIMIT_S);
	fn(arg);
	_exit(SURVIVED);
}

void assert_aborts(void (*fn)(void *arg), void *arg)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		child(fn, arg);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* a sanitizer that sees the fault first exits with a status of its own */
	if (WIFEXITED(status) && WEXITSTATUS(status) != SURVIVED && WEXITSTATUS(status) != 0 &&
	    getenv("TOCSIN_SANITIZE") && *getenv("TOCSIN_SANITIZE"))
		return;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		fail_msg("it did not abort: wait status %x", (unsigned)status);
}
