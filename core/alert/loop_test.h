/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loop-back tests: calls that come back to us, made now and then as the configuration says, so that
 * it is known that a trunk works before it is needed. All: loop thread.
 */
#ifndef CORE_ALERT_LOOP_TEST_H
#define CORE_ALERT_LOOP_TEST_H

#include <tocsin/option.h>

struct alerts;
struct caller;
struct config_self_alarms;
struct loop;
struct loop_tests;
struct store;
struct trunks;

struct loop_test_deps {
	struct loop *loop;
	struct store *store;
	struct trunks *trunks;
	struct caller *caller;
	struct alerts *alerts;
	const struct tc_list *tests;             /* of struct config_loop_test */
	const struct config_self_alarms *alarms; /* who is called when they fail */
};

struct loop_tests *loop_tests_new(const struct loop_test_deps *deps);
/* Once the store has stopped, before the caller goes. NULL is fine. */
void loop_tests_free(struct loop_tests *all);
/* After a reload of the configuration; the tests themselves stay. NULL is fine. */
void loop_tests_configure(struct loop_tests *all, const struct config_self_alarms *alarms);

#endif
