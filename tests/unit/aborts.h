/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests of what must end the process: it is tried in a child.
 */
#ifndef TESTS_UNIT_ABORTS_H
#define TESTS_UNIT_ABORTS_H

/* The test fails unless fn(arg) ends its process by SIGABRT (or the sanitizer's report). */
void assert_aborts(void (*fn)(void *arg), void *arg);

#endif
