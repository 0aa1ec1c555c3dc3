/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets: what counts as a telephone number, and what is said about the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/utf8.h>

#include "oncall/target.h"

static void test_numbers(void **state)
{
	static const char *const good[] = {
		"+4930123", "110", "0", "*21*0301234#", "**9", "#31#030", "00493012345",
		"+1234567890123456789012345678901", "12345678901234567890123456789012",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct target_person person = {.contact_id = "x"};
		char fault[8] = "none";

		if (target_resolve(good[i], &person, fault, sizeof(fault)))
			fail_msg("'%s' is refused", good[i]);
		assert_ptr_equal(person.number, good[i]);
		assert_ptr_equal(person.name, good[i]);
		assert_null(person.contact_id);
		assert_string_equal(fault, "none");
	}
}

static void test_what_is_none(void **state)
{
	static const char *const bad[] = {
		"", "+", "*", "#", "+*#", "++49", "4+9", "+49 30", "+49-30", "(030)1", "1a", "a",
		" 110", "110 ", "110\n", "tel:110", "sip:110@example.com", "1;2", "1,2", "1@b",
		"+12345678901234567890123456789012", "123456789012345678901234567890123",
		"contact", "contact:", "Contact:alice", "policy:", "oncall:", "oncall2",
		"\xd9\xa1\xd9\xa2",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct target_person person = {.number = "untouched"};
		char fault[160];

		if (target_resolve(bad[i], &person, fault, sizeof(fault)) != -EINVAL)
			fail_msg("'%s' is a target", bad[i]);
		assert_string_equal(person.number, "untouched");
		assert_string_equal(fault, "must be a telephone number (+4930123), contact:NAME, "
					   "schedule:NAME or policy:NAME");
	}
}

static void test_nobody_of_that_name(void **state)
{
	static const char *const names[] = {"contact:alice", "schedule:ops", "policy:a b",
					    "oncall"};
	struct target_person person;
	char fault[160], wanted[160];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(target_resolve(names[i], &person, fault, sizeof(fault)), -ENOENT);
		snprintf(wanted, sizeof(wanted), "there is no '%s'", names[i]);
		assert_string_equal(fault, wanted);
	}
}

/* The fault goes into JSON: a long name is cut, but not within a character. */
static void test_long_names(void **state)
{
	struct target_person person;
	char name[400], fault[160];
	uint32_t code;

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		memset(name, 0, sizeof(name));
		memcpy(name, "contact:xxx", 8 + shift);
		for (size_t i = 8 + shift; i + 4 < sizeof(name); i += 4)
			memcpy(name + i, "\xf0\x9f\x94\x94", 4);
		assert_int_equal(target_resolve(name, &person, fault, sizeof(fault)), -ENOENT);
		assert_in_range(strlen(fault), 90, 130);
		assert_int_equal(fault[strlen(fault) - 1], '\'');
		for (const char *s = fault; *s; s += tc_utf8_decode(s, &code))
			assert_true(tc_utf8_decode(s, &code) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_nobody_of_that_name),
		cmocka_unit_test(test_long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
