/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The YAML reader: values, places of keys and values, and the exact words and places of its faults.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/config.h"
#include "host/errors.h"

static char *printed(const struct tc_errors *errs)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	errors_print(errs, file);
	fclose(file);
	return text;
}

/* A text without faults gives this JSON. */
static void expect_json(const char *yaml, const char *json)
{
	struct tc_errors *errs = tc_errors_new();
	struct yaml_doc *doc = yaml_parse("f.yaml", yaml, strlen(yaml), errs);
	char *text;

	if (tc_errors_count(errs))
		errors_print(errs, stderr);
	assert_int_equal(tc_errors_count(errs), 0);
	assert_non_null(doc);
	text = json_dumps(yaml_root(doc), JSON_COMPACT | JSON_ENCODE_ANY);
	assert_string_equal(text, json);
	free(text);
	yaml_close(doc);
	tc_errors_free(errs);
}

static void expect_faults(const char *yaml, size_t len, bool readable, const char *wanted)
{
	struct tc_errors *errs = tc_errors_new();
	struct yaml_doc *doc = yaml_parse("f.yaml", yaml, len, errs);
	char *text = printed(errs);

	assert_string_equal(text, wanted);
	assert_int_equal(doc != NULL, readable);
	free(text);
	yaml_close(doc);
	tc_errors_free(errs);
}

static void test_values(void **state)
{
	(void)state;
	expect_json("", "null");
	expect_json("# nothing\n", "null");
	expect_json("---\na: b\n...\n", "{\"a\":\"b\"}");
	expect_json("a: 1\nb: true\nc: 1.5\nd: 010\ne: 2026-01-01\n",
		    "{\"a\":\"1\",\"b\":\"true\",\"c\":\"1.5\",\"d\":\"010\","
		    "\"e\":\"2026-01-01\"}");
	expect_json("[~, null, Null, NULL, '', \"null\", '~', nul]",
		    "[null,null,null,null,\"\",\"null\",\"~\",\"nul\"]");
	expect_json("a:\nb: ''\n", "{\"a\":null,\"b\":\"\"}");
	expect_json("- {x: [1, {y: z}]}\n- - a\n  - b\n",
		    "[{\"x\":[\"1\",{\"y\":\"z\"}]},[\"a\",\"b\"]]");
	expect_json("a: |\n  one\n  two\nb: >-\n  one\n  two\n",
		    "{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\"}");
	expect_json("\"\\u00e9\": \"\\n\\\"\"\n", "{\"\xc3\xa9\":\"\\n\\\"\"}");
	expect_json("{\"4\": acknowledge, \"*\": repeat}",
		    "{\"4\":\"acknowledge\",\"*\":\"repeat\"}");
	expect_json("\xef\xbb\xbf"
		    "a: b",
		    "{\"a\":\"b\"}");
	expect_json("<<: x\n", "{\"<<\":\"x\"}");
	expect_json("a: b\r\nc: d\r\n", "{\"a\":\"b\",\"c\":\"d\"}");
}

static void expect_place(const struct yaml_doc *doc, const char *path, bool key, unsigned line,
			 unsigned column)
{
	unsigned l = 0, c = 0;

	assert_true(yaml_place(doc, path, key, &l, &c));
	if (l != line || c != column)
		fail_msg("%s: %u:%u, not %u:%u", path, l, c, line, column);
}

static void test_places(void **state)
{
	static const char text[] = "a: 1\n"
				   "\xc3\xa4: {b: [x, ~], c:\n"
				   "    {d: null}}\n"
				   "e:\n"
				   "  - f: |\n"
				   "      g\n"
				   "    h:\n";
	struct tc_errors *errs = tc_errors_new();
	struct yaml_doc *doc = yaml_parse("f.yaml", text, strlen(text), errs);
	unsigned line, column;
	json_t *e, *copy;

	(void)state;
	assert_int_equal(tc_errors_count(errs), 0);
	expect_place(doc, "", false, 1, 1);
	expect_place(doc, "", true, 1, 1); /* no key: the value */
	expect_place(doc, "a", true, 1, 1);
	expect_place(doc, "a", false, 1, 4);
	expect_place(doc, "\xc3\xa4", true, 2, 1);
	expect_place(doc, "\xc3\xa4.b", true, 2, 5); /* columns are characters */
	expect_place(doc, "\xc3\xa4.b[0]", false, 2, 9);
	expect_place(doc, "\xc3\xa4.b[0]", true, 2, 9);
	expect_place(doc, "\xc3\xa4.b[1]", false, 2, 12);
	expect_place(doc, "\xc3\xa4.c.d", false, 3, 9);
	expect_place(doc, "e[0]", false, 5, 5);
	expect_place(doc, "e[0].f", false, 5, 8);
	expect_place(doc, "e[0].h", true, 7, 5);
	assert_false(yaml_place(doc, "e[1]", false, &line, &column));
	assert_false(yaml_place(doc, "aa", false, &line, &column));
	assert_false(yaml_place(doc, "e[0", false, &line, &column));
	assert_string_equal(yaml_file(doc), "f.yaml");

	e = json_array_get(json_object_get(yaml_root(doc), "e"), 0);
	assert_string_equal(yaml_path(doc, e), "e[0]");
	assert_string_equal(yaml_path(doc, yaml_root(doc)), "");
	copy = json_copy(e);
	assert_string_equal(yaml_path(doc, copy), "e[0]");
	json_object_clear(copy);
	assert_null(yaml_path(doc, copy));
	json_decref(copy);
	copy = json_copy(yaml_root(doc));
	assert_string_equal(yaml_path(doc, copy), "");
	json_decref(copy);
	yaml_close(doc);
	tc_errors_free(errs);
}

#define FAULTS(text, readable, wanted) expect_faults(text, sizeof(text) - 1, readable, wanted)

static void test_syntax(void **state)
{
	(void)state;
	FAULTS("a: [1, 2\nb: c\n", false,
	       "f.yaml:2:2: did not find expected ',' or ']' while parsing a flow sequence\n");
	FAULTS("a: b: c\n", false, "f.yaml:1:5: mapping values are not allowed in this context\n");
	FAULTS("a: 'b\n", false,
	       "f.yaml:2:1: found unexpected end of stream while scanning a quoted scalar\n");
	FAULTS("\ta: b\n", false,
	       "f.yaml:1:1: found character that cannot start any token while scanning for the "
	       "next token\n");
	FAULTS("a: b\n c: d\n", false,
	       "f.yaml:2:3: mapping values are not allowed in this context\n");
	FAULTS("a: \"\\q\"\n", false,
	       "f.yaml:1:5: found unknown escape character while parsing a quoted scalar\n");
}

static void test_bytes(void **state)
{
	(void)state;
	FAULTS("a: b\n\xc3\xa4: \xff\n", false, "f.yaml:2:4: invalid leading UTF-8 octet\n");
	FAULTS("a: b\xc3", false, "f.yaml:1:5: incomplete UTF-8 octet sequence\n");
	FAULTS("a: b\x01\n", false, "f.yaml:1:5: control characters are not allowed\n");
	FAULTS("a: \"x\\0y\"\n", true, "f.yaml:1:4: a: a NUL character is not allowed\n");
	FAULTS("\"x\\0y\": a\n", true, "f.yaml:1:1: a NUL character is not allowed\n");
}

/* None of them shows what was written: it may be a password that begins with such a character. */
static void test_not_supported(void **state)
{
	(void)state;
	FAULTS("a: &hunter2 x\n", true,
	       "f.yaml:1:4: a: anchors are not supported; text that begins with & needs quotes\n");
	FAULTS("a: *hunter2\n", true,
	       "f.yaml:1:4: a: aliases are not supported; text that begins with * needs quotes\n");
	FAULTS("a: !hunter2 x\n", true,
	       "f.yaml:1:4: a: tags are not supported; text that begins with ! needs quotes\n");
	FAULTS("a: !!str 5\n", true,
	       "f.yaml:1:4: a: tags are not supported; text that begins with ! needs quotes\n");
	FAULTS("a: &x [1]\nb: !t {c: d}\n", true,
	       "f.yaml:1:4: a: anchors are not supported; text that begins with & needs quotes\n"
	       "f.yaml:2:4: b: tags are not supported; text that begins with ! needs quotes\n");
	FAULTS("? [a, b]\n: c\nd: e\n", true, "f.yaml:1:3: a key must be text\n");
	FAULTS("a: b\n---\nc: d\n", true, "f.yaml:3:1: a second document is not allowed\n");
}

static void test_doubled(void **state)
{
	(void)state;
	FAULTS("a: 1\nb: 2\na: 3\n", true, "f.yaml:3:1: a: 'a' is given twice\n");
	FAULTS("x:\n  - {a: ~, a: }\n", true, "f.yaml:2:12: x[0].a: 'a' is given twice\n");
	/* The first counts, and keeps its place; what is in the second is looked at too. */
	FAULTS("a: {b: 1}\na: {b: *x}\n", true,
	       "f.yaml:2:1: a: 'a' is given twice\n"
	       "f.yaml:2:8: a.b: aliases are not supported; text that begins with * needs "
	       "quotes\n");
	FAULTS("{p:hunter2, p:hunter2}", true, "f.yaml:1:13: p:...: 'p:...' is given twice\n");
}

static void test_depth(void **state)
{
	char text[200];

	(void)state;
	memset(text, '[', 100);
	memset(text + 100, ']', 100);
	expect_faults(text + 61, 78, true, "");
	expect_faults(text + 59, 82, false,
		      "f.yaml:1:41: [0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]"
		      "[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: this is "
		      "nested too deeply\n");
}

static void test_files(void **state)
{
	struct tc_errors *errs = tc_errors_new();
	char path[] = "/tmp/tocsin-test-XXXXXX", *text;
	int fd = mkstemp(path);
	struct yaml_doc *doc;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a: b\n", 5), 5);
	close(fd);
	doc = yaml_load(path, errs);
	assert_non_null(doc);
	assert_string_equal(yaml_file(doc), path);
	assert_string_equal(json_string_value(json_object_get(yaml_root(doc), "a")), "b");
	yaml_close(doc);
	unlink(path);
	assert_null(yaml_load("/nonexistent/f.yaml", errs));
	assert_null(yaml_load("/", errs));
	text = printed(errs);
	assert_string_equal(text,
			    "/: cannot be read: Is a directory\n"
			    "/nonexistent/f.yaml: cannot be read: No such file or directory\n");
	free(text);
	tc_errors_free(errs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	      cmocka_unit_test(test_places),
		cmocka_unit_test(test_syntax),	      cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_not_supported), cmocka_unit_test(test_doubled),
		cmocka_unit_test(test_depth),	      cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
