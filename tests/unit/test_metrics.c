/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metrics: the text that comes out, to the byte.
 */
#include <setjmp.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/metrics.h"

static void expect_text(const char *wanted)
{
	struct tc_buf out = {0};

	metrics_write(&out);
	assert_string_equal(out.data ? out.data : "", wanted);
	tc_buf_fini(&out);
}

static int forget(void **state)
{
	(void)state;
	metrics_reset();
	return 0;
}

static void test_counter(void **state)
{
	(void)state;
	expect_text("");
	metrics_count("t_calls_total", "Calls \\ made.\nAll.", "result=\"busy\"", 1);
	metrics_count("t_alerts_total", "Alerts.", NULL, 0);
	metrics_count("t_calls_total", "Calls \\ made.\nAll.", NULL, 2);
	metrics_count("t_calls_total", "Calls \\ made.\nAll.", "result=\"busy\"", 1.5);
	metrics_count("t_alerts_total", "Alerts.", "", 9007199254740991.0);
	expect_text("# HELP t_calls_total Calls \\\\ made.\\nAll.\n"
		    "# TYPE t_calls_total counter\n"
		    "t_calls_total{result=\"busy\"} 2.5\n"
		    "t_calls_total 2\n"
		    "# HELP t_alerts_total Alerts.\n"
		    "# TYPE t_alerts_total counter\n"
		    "t_alerts_total 9007199254740991\n");
}

static void test_gauge(void **state)
{
	(void)state;
	metrics_gauge("t_up", "Whether it is up.", "trunk=\"a\"", 1);
	metrics_gauge("t_up", "Whether it is up.", "trunk=\"a\"", 0.1);
	metrics_gauge("t_up", "Whether it is up.", "trunk=\"b\"", -1e300);
	metrics_gauge("t_up", "Whether it is up.", "trunk=\"c\"", NAN);
	metrics_gauge("t_up", "Whether it is up.", "trunk=\"d\"", INFINITY);
	metrics_gauge("t_up", "Whether it is up.", "trunk=\"e\"", -INFINITY);
	expect_text("# HELP t_up Whether it is up.\n"
		    "# TYPE t_up gauge\n"
		    "t_up{trunk=\"a\"} 0.1\n"
		    "t_up{trunk=\"b\"} -1e+300\n"
		    "t_up{trunk=\"c\"} NaN\n"
		    "t_up{trunk=\"d\"} +Inf\n"
		    "t_up{trunk=\"e\"} -Inf\n");
}

/* A value on a bound belongs to that bucket; buckets are cumulative. */
static void test_histogram(void **state)
{
	static const double seconds[] = {0, 0.001, 0.0011, 0.25, 60, 60.5, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
		metrics_observe("t_seconds", "Time.", "op=\"x\"", seconds[i]);
	metrics_observe("t_seconds", "Time.", NULL, 0.5);
	expect_text("# HELP t_seconds Time.\n"
		    "# TYPE t_seconds histogram\n"
		    "t_seconds_bucket{op=\"x\",le=\"0.001\"} 2\n"
		    "t_seconds_bucket{op=\"x\",le=\"0.0025\"} 3\n"
		    "t_seconds_bucket{op=\"x\",le=\"0.005\"} 3\n"
		    "t_seconds_bucket{op=\"x\",le=\"0.01\"} 3\n"
		    "t_seconds_bucket{op=\"x\",le=\"0.025\"} 3\n"
		    "t_seconds_bucket{op=\"x\",le=\"0.05\"} 3\n"
		    "t_seconds_bucket{op=\"x\",le=\"0.1\"} 3\n"
		    "t_seconds_bucket{op=\"x\",le=\"0.25\"} 4\n"
		    "t_seconds_bucket{op=\"x\",le=\"0.5\"} 4\n"
		    "t_seconds_bucket{op=\"x\",le=\"1\"} 4\n"
		    "t_seconds_bucket{op=\"x\",le=\"2.5\"} 4\n"
		    "t_seconds_bucket{op=\"x\",le=\"5\"} 4\n"
		    "t_seconds_bucket{op=\"x\",le=\"10\"} 4\n"
		    "t_seconds_bucket{op=\"x\",le=\"30\"} 4\n"
		    "t_seconds_bucket{op=\"x\",le=\"60\"} 5\n"
		    "t_seconds_bucket{op=\"x\",le=\"+Inf\"} 7\n"
		    "t_seconds_sum{op=\"x\"} 1120.7521\n"
		    "t_seconds_count{op=\"x\"} 7\n"
		    "t_seconds_bucket{le=\"0.001\"} 0\n"
		    "t_seconds_bucket{le=\"0.0025\"} 0\n"
		    "t_seconds_bucket{le=\"0.005\"} 0\n"
		    "t_seconds_bucket{le=\"0.01\"} 0\n"
		    "t_seconds_bucket{le=\"0.025\"} 0\n"
		    "t_seconds_bucket{le=\"0.05\"} 0\n"
		    "t_seconds_bucket{le=\"0.1\"} 0\n"
		    "t_seconds_bucket{le=\"0.25\"} 0\n"
		    "t_seconds_bucket{le=\"0.5\"} 1\n"
		    "t_seconds_bucket{le=\"1\"} 1\n"
		    "t_seconds_bucket{le=\"2.5\"} 1\n"
		    "t_seconds_bucket{le=\"5\"} 1\n"
		    "t_seconds_bucket{le=\"10\"} 1\n"
		    "t_seconds_bucket{le=\"30\"} 1\n"
		    "t_seconds_bucket{le=\"60\"} 1\n"
		    "t_seconds_bucket{le=\"+Inf\"} 1\n"
		    "t_seconds_sum 0.5\n"
		    "t_seconds_count 1\n");
}

static void test_many_series(void **state)
{
	char labels[64];
	struct tc_buf out = {0};
	size_t lines = 0;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 5000; i++) {
			snprintf(labels, sizeof(labels), "n=\"%d\"", i);
			metrics_count("t_many_total", "Many.", labels, i);
		}
	}
	metrics_write(&out);
	assert_non_null(strstr(out.data, "\nt_many_total{n=\"4999\"} 9998\n"));
	for (const char *p = out.data; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 5002);
	tc_buf_fini(&out);
}

static void test_label(void **state)
{
	char buf[64] = "";

	(void)state;
	metrics_label(buf, sizeof(buf), "a", "x");
	assert_string_equal(buf, "a=\"x\"");
	metrics_label(buf, sizeof(buf), "b", "q\"\\\n\xc3\xa9");
	assert_string_equal(buf, "a=\"x\",b=\"q\\\"\\\\\\n\xc3\xa9\"");
	metrics_label(buf, sizeof(buf), "c", "");
	assert_string_equal(buf, "a=\"x\",b=\"q\\\"\\\\\\n\xc3\xa9\",c=\"\"");
}

/* What does not fit is cut between characters, and always closed. */
static void test_label_cut(void **state)
{
	static const char *const wanted[] = {
		"", "", "", "", /* sizes 1 to 4: not even a="" */
		"a=\"\"", "a=\"x\"", "a=\"x\"", "a=\"x\xc3\xa9\"", "a=\"x\xc3\xa9\"",
		"a=\"x\xc3\xa9\\\"\"", "a=\"x\xc3\xa9\\\"\"",
		"a=\"x\xc3\xa9\\\"\xc3\xa9\"",
	};
	char buf[16];

	(void)state;
	for (size_t size = 1; size <= 12; size++) {
		memset(buf, '#', sizeof(buf));
		buf[0] = '\0';
		metrics_label(buf, size, "a", "x\xc3\xa9\"\xc3\xa9");
		assert_string_equal(buf, wanted[size - 1]);
		assert_int_equal(buf[size], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_counter, forget),
		cmocka_unit_test_teardown(test_gauge, forget),
		cmocka_unit_test_teardown(test_histogram, forget),
		cmocka_unit_test_teardown(test_many_series, forget),
		cmocka_unit_test(test_label),
		cmocka_unit_test(test_label_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
