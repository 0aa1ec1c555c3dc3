/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: levels, both formats, what comes in with the arguments, and the masking of numbers.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "host/host.h"
#include "host/logging.h"
#include "host/rfc3339.h"
#include "host/text.h"

/* Standard error as a file in memory. */
static int saved, file;

static int setup(void **state)
{
	(void)state;
	saved = dup(STDERR_FILENO);
	file = memfd_create("log", 0);
	/* else writes of two threads may land on each other */
	return saved < 0 || file < 0 || fcntl(file, F_SETFL, O_APPEND) < 0 ||
	       dup2(file, STDERR_FILENO) < 0;
}

static int teardown(void **state)
{
	(void)state;
	logging_setup(TC_LOG_INFO, LOGGING_TEXT);
	dup2(saved, STDERR_FILENO);
	close(saved);
	return close(file);
}

/* What was written since the last time; the caller frees it. */
static char *written(void)
{
	off_t len = lseek(file, 0, SEEK_END);
	char *text = tc_alloc((size_t)len + 1);

	assert_int_equal(pread(file, text, (size_t)len, 0), len);
	assert_int_equal(ftruncate(file, 0), 0);
	return text;
}

static void expect(const char *wanted)
{
	char *text = written();

	assert_string_equal(text, wanted);
	free(text);
}

static const struct tc_plugin plugin = {TC_PLUGIN_GUARD(TC_KIND_PBX), .name = "sip"};
static struct tc_instance trunk = {.plugin = &plugin, .name = (char *)"direct"};

static void test_lines(void **state)
{
	(void)state;
	logging_setup(TC_LOG_INFO, LOGGING_TEXT);
	tc_log(NULL, TC_LOG_INFO, "ready node=%s", "a");
	tc_log(&trunk, TC_LOG_ERROR, "is down");
	tc_log(NULL, TC_LOG_WARN, "%s", "");
	expect("info  core: ready node=a\nerror pbx/direct: is down\nwarn  core: \n");
}

static void test_levels(void **state)
{
	(void)state;
	for (int level = TC_LOG_ERROR; level <= TC_LOG_DEBUG; level++) {
		unsigned lines = 0;
		char *text;

		logging_setup((enum tc_log_level)level, LOGGING_TEXT);
		for (int of = TC_LOG_ERROR; of <= TC_LOG_DEBUG; of++) {
			assert_int_equal(tc_log_enabled((enum tc_log_level)of), of <= level);
			tc_log(NULL, (enum tc_log_level)of, "x");
		}
		text = written();
		for (char *s = text; (s = strchr(s, '\n')); s++)
			lines++;
		assert_int_equal(lines, level + 1);
		free(text);
	}
}

/* One event, one line, and nothing that moves a terminal's cursor. */
static void test_control_characters(void **state)
{
	(void)state;
	logging_setup(TC_LOG_INFO, LOGGING_TEXT);
	tc_log(NULL, TC_LOG_INFO, "a%sb", "\r\nerror core: forged\x1b[2J\x7f\t");
	expect("info  core: a  error core: forged [2J  b\n");
	tc_log(NULL, TC_LOG_INFO, "%s", "\xc2\x9b" "31m"); /* U+009B, as good as ESC [ */
	expect("info  core:   31m\n");
	tc_log(NULL, TC_LOG_INFO, "%s", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x94");
	expect("info  core: caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x94\n");
	tc_log(NULL, TC_LOG_INFO, "%s", "\xe9 \xc3 \xed\xa0\x80 \x9b");
	expect("info  core: ? ? ??? ?\n");
}

static void test_json(void **state)
{
	char *text;
	int64_t at;
	json_t *j;

	(void)state;
	logging_setup(TC_LOG_INFO, LOGGING_JSON);
	tc_log(&trunk, TC_LOG_WARN, "says \"%s\"", "hi\n\xe9\\");
	text = written();
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_int_equal(json_object_size(j), 4);
	assert_string_equal(json_string_value(json_object_get(j, "level")), "warn");
	assert_string_equal(json_string_value(json_object_get(j, "who")), "pbx/direct");
	assert_string_equal(json_string_value(json_object_get(j, "text")), "says \"hi ?\\\"");
	assert_int_equal(rfc3339_parse(json_string_value(json_object_get(j, "at")), &at), 0);
	assert_true(tc_wall_us() - at >= 0 && tc_wall_us() - at < 60 * 1000000);
	json_decref(j);
	free(text);
}

static void test_long_lines(void **state)
{
	char *big = tc_alloc(300001), *text;

	(void)state;
	logging_setup(TC_LOG_INFO, LOGGING_TEXT);
	memset(big, 'x', 300000);
	tc_log(NULL, TC_LOG_INFO, "%s", big);
	text = written();
	assert_int_equal(strlen(text), strlen("info  core: ") + 300000 + 1);
	free(text);
	free(big);
}

static void test_errno_stays(void **state)
{
	(void)state;
	close(STDERR_FILENO);
	errno = ENOSPC;
	tc_log(NULL, TC_LOG_ERROR, "nowhere to go");
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
}

#define THREADS 4
#define EACH 500

static void *talk(void *arg)
{
	char word[65];

	memset(word, *(const char *)arg, 64);
	word[64] = '\0';
	for (int i = 0; i < EACH; i++)
		tc_log(NULL, TC_LOG_INFO, "%s", word);
	return NULL;
}

static void test_threads_do_not_mix(void **state)
{
	static const char letters[THREADS + 1] = "abcd";
	unsigned lines = 0;
	pthread_t threads[THREADS];
	char *text;

	(void)state;
	logging_setup(TC_LOG_INFO, LOGGING_TEXT);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, talk, (void *)&letters[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	text = written();
	for (char *s = text; *s; s += strcspn(s, "\n") + 1, lines++) {
		assert_memory_equal(s, "info  core: ", 12);
		assert_int_equal(strspn(s + 12, (char[]){s[12], '\0'}), 64);
		assert_int_equal(s[12 + 64], '\n');
	}
	assert_int_equal(lines, THREADS * EACH);
	free(text);
}

static void expect_number(const char *number, const char *shown)
{
	char buf[24];

	assert_string_equal(tc_log_number(buf, sizeof(buf), number), shown);
}

static void test_numbers(void **state)
{
	(void)state;
	logging_setup(TC_LOG_INFO, LOGGING_TEXT);
	expect_number("+49301234567", "+xxxxxxxx567");
	expect_number("4567", "x567");
	expect_number("110", "110");
	expect_number("", "");
	expect_number("*21*49301234#", "*xx*xxxxxx34#");
	/* cut: then nothing of its end is shown */
	expect_number("+4930123456789012345678901234567", "+xxxxxxxxxxxxxxxxxxxxxx");
	logging_setup(TC_LOG_DEBUG, LOGGING_TEXT);
	expect_number("+49301234567", "+49301234567");
}

static void expect_copy(size_t size, const char *src, const char *wanted)
{
	char buf[16];

	memset(buf, 'z', sizeof(buf));
	text_copy(buf, size, src);
	assert_string_equal(buf, wanted);
	for (size_t i = size; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 'z');
}

static void test_text_copy(void **state)
{
	(void)state;
	expect_copy(5, "abcd", "abcd");
	expect_copy(5, "abcde", "abcd");
	expect_copy(5, "abc\xc3\xa9", "abc");
	expect_copy(6, "abc\xc3\xa9", "abc\xc3\xa9");
	expect_copy(6, "abc\xc3\xa9x", "abc\xc3\xa9");
	expect_copy(4, "\xf0\x9f\x94\x94", "");
	expect_copy(1, "\xc3\xa9", "");
	expect_copy(1, "", "");
}

int main(void)
{
#define CAPTURED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CAPTURED(test_lines),
		CAPTURED(test_levels),
		CAPTURED(test_control_characters),
		CAPTURED(test_json),
		CAPTURED(test_long_lines),
		CAPTURED(test_errno_stays),
		CAPTURED(test_threads_do_not_mix),
		CAPTURED(test_numbers),
		cmocka_unit_test(test_text_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
