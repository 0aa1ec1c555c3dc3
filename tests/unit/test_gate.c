/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate for calls that come in: who is refused, for how long, and that its memory is bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "call/gate.h"

enum { LIMIT = 3 };

#define WINDOW (INT64_C(600) * 1000000)

static bool refuses(struct gate *gate, const char *number, bool known, int64_t now_us)
{
	bool first;

	return gate_refuses(gate, number, known, LIMIT, now_us, &first);
}

static void miss(struct gate *gate, const char *number, unsigned times, int64_t now_us)
{
	while (times--)
		gate_failed(gate, number, now_us, WINDOW);
}

static void counts_by_number(void **state)
{
	struct gate *gate = gate_new();

	(void)state;
	assert_false(refuses(gate, "491", false, 0));
	miss(gate, "491", LIMIT - 1, 0);
	assert_false(refuses(gate, "491", false, 0));
	miss(gate, "491", 1, 0);
	assert_true(refuses(gate, "491", false, 0));
	assert_true(refuses(gate, "491", true, 0)); /* whoever he says he is */
	assert_false(refuses(gate, "492", false, 0));
	assert_false(refuses(gate, "", false, 0));
	miss(gate, "", LIMIT, 0);
	assert_true(refuses(gate, "", false, 0));
	gate_free(gate);
}

static void forgets(void **state)
{
	struct gate *gate = gate_new();

	(void)state;
	miss(gate, "491", LIMIT - 1, 0);
	miss(gate, "491", 1, WINDOW - 1);
	assert_true(refuses(gate, "491", false, 2 * WINDOW - 2));
	assert_false(refuses(gate, "491", false, 2 * WINDOW - 1));
	miss(gate, "491", LIMIT - 1, 2 * WINDOW);
	assert_false(refuses(gate, "491", false, 2 * WINDOW)); /* counted anew */
	miss(gate, "491", 1, 2 * WINDOW);
	gate_passed(gate, "491");
	gate_passed(gate, "492");
	assert_false(refuses(gate, "491", false, 2 * WINDOW));
	gate_free(gate);
}

static void limits_all_unknown_ones(void **state)
{
	struct gate *gate = gate_new();
	char number[16];

	(void)state;
	for (int i = 0; i < 10 * LIMIT; i++) {
		snprintf(number, sizeof(number), "49%d", i);
		assert_false(refuses(gate, number, false, 0));
		miss(gate, number, 1, 0);
	}
	assert_true(refuses(gate, "43", false, 0));
	assert_false(refuses(gate, "43", true, 0));
	assert_false(refuses(gate, "43", false, WINDOW));
	gate_free(gate);
}

static void tells_once(void **state)
{
	struct gate *gate = gate_new();
	bool first;

	(void)state;
	miss(gate, "491", LIMIT, 0);
	assert_true(gate_refuses(gate, "491", true, LIMIT, 0, &first));
	assert_true(first);
	assert_true(gate_refuses(gate, "491", true, LIMIT, 0, &first));
	assert_false(first);
	assert_false(gate_refuses(gate, "491", true, LIMIT, WINDOW, &first));
	miss(gate, "491", LIMIT, WINDOW);
	assert_true(gate_refuses(gate, "491", true, LIMIT, WINDOW, &first));
	assert_true(first);
	gate_free(gate);
}

/* More numbers than it keeps: the oldest are forgotten, all of them together are not. */
static void is_bounded(void **state)
{
	struct gate *gate = gate_new();
	char number[16];

	(void)state;
	miss(gate, "491", LIMIT, 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(number, sizeof(number), "1%d", i);
		miss(gate, number, 1, 0);
	}
	assert_false(refuses(gate, "491", true, 0));
	assert_true(refuses(gate, "491", false, 0));
	gate_free(gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_by_number), cmocka_unit_test(forgets),
		cmocka_unit_test(limits_all_unknown_ones), cmocka_unit_test(tells_once),
		cmocka_unit_test(is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
