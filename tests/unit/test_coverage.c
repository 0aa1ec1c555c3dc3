/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metrics of schedules: gaps, people on call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "host/metrics.h"
#include "host/rfc3339.h"
#include "oncall/coverage.h"
#include "oncall/directory.h"
#include "unit/oncall_rig.h"

#define ALICE "01890000-0000-7000-8000-00000000000a"
#define OPS   "01890000-0000-7000-8000-000000000001"

#define LAYER                                                                                      \
	"'layers':[{'name':'l','members':['contact:Alice'],'start':'2020-01-01','rotation':'"      \
	"daily'}]"

static struct tc_buf metrics;

static bool has_line(void *arg)
{
	tc_buf_fini(&metrics);
	metrics_write(&metrics);
	return metrics.data && strstr(metrics.data, arg);
}

static bool has_no_line(void *arg)
{
	return !has_line(arg);
}

static void wait_line(struct oncall_rig *rig, const char *line)
{
	rig_wait(rig->store_rig, has_line, (void *)line);
}

#define FULL "1209600\n"

static void gaps_and_people_are_metrics(void **state)
{
	struct oncall_rig *rig = *state;
	struct coverage *cov;

	if (!rig->oncall)
		skip();
	cov = coverage_new(rig->store_rig->loop, rig->oncall);
	oncall_rig_schedule(rig, OPS, "ops", "{'name':'ops','timezone':'UTC'}");
	wait_line(rig, "tocsin_schedule_gap_seconds{schedule=\"ops\"} " FULL);
	wait_line(rig, "tocsin_oncall_people{schedule=\"ops\"} 0\n");
	oncall_rig_contact(rig, ALICE, "Alice", "+4911", true);
	oncall_rig_schedule(rig, OPS, "ops", "{'name':'ops','timezone':'UTC'," LAYER "}");
	wait_line(rig, "tocsin_schedule_gap_seconds{schedule=\"ops\"} 0\n");
	wait_line(rig, "tocsin_oncall_people{schedule=\"ops\"} 1\n");
	/* only a contact is changed */
	oncall_rig_contact(rig, ALICE, "Alice", "+4911", false);
	wait_line(rig, "tocsin_schedule_gap_seconds{schedule=\"ops\"} " FULL);
	wait_line(rig, "tocsin_oncall_people{schedule=\"ops\"} 0\n");
	/* another name, and broken */
	oncall_rig_schedule(rig, OPS, "night \"shift\"", "{'name':'night'}");
	wait_line(rig, "tocsin_schedule_gap_seconds{schedule=\"night \\\"shift\\\"\"} " FULL);
	assert_false(has_line((void *)"schedule=\"ops\""));
	documents_drop(oncall_schedules(rig->oncall), OPS);
	rig_wait(rig->store_rig, has_no_line, (void *)"schedule=");
	oncall_rig_schedule(rig, OPS, "ops", "{'name':'ops','timezone':'UTC'}");
	wait_line(rig, "tocsin_oncall_people{schedule=\"ops\"} 0\n");
	coverage_free(cov);
	assert_false(has_line((void *)"schedule="));
	tc_buf_fini(&metrics);
}

/* Nothing is changed; a window ends. */
static void the_next_change_is_not_missed(void **state)
{
	struct oncall_rig *rig = *state;
	char start[RFC3339_SIZE], end[RFC3339_SIZE], *body;
	struct coverage *cov;
	int64_t now_us;

	if (!rig->oncall)
		skip();
	now_us = loop_wall_us(rig->store_rig->loop);
	oncall_rig_contact(rig, ALICE, "Alice", "+4911", true);
	body = tc_asprintf("{'name':'ops','timezone':'UTC','windows':[{'contact':'Alice',"
			   "'start':'%s','end':'%s'}]}",
			   rfc3339_format(start, now_us - 1000000),
			   rfc3339_format(end, now_us + 1500000));
	oncall_rig_schedule(rig, OPS, "ops", body);
	cov = coverage_new(rig->store_rig->loop, rig->oncall);
	wait_line(rig, "tocsin_oncall_people{schedule=\"ops\"} 1\n");
	wait_line(rig, "tocsin_oncall_people{schedule=\"ops\"} 0\n");
	assert_true(loop_wall_us(rig->store_rig->loop) >= now_us + 1500000);
	coverage_free(cov);
	tc_buf_fini(&metrics);
	free(body);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, oncall_rig_setup, oncall_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(gaps_and_people_are_metrics),
		TEST(the_next_change_is_not_missed),
	};
#undef TEST

	return cmocka_run_group_tests_name("coverage", tests, NULL, NULL);
}
