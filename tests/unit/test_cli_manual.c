/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The manual pages tell what the programs of this build do: doc/generate finds nothing to change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tocsin/alloc.h>

enum { CANNOT_TELL = 77 };

static void manual_pages_are_up_to_date(void **state)
{
	const char *source = getenv("TOCSIN_SRCDIR"), *build = getenv("TOCSIN_BUILDDIR");
	char *script = tc_asprintf("%s/doc/generate", source ? source : ".");
	int status = -1;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid) {
		execl(script, script, "--check", build ? build : ".", (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	free(script);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CANNOT_TELL)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manual_pages_are_up_to_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
