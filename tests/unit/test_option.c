/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binder: types, defaults, ranges, secrets, and the exact words of every fault; the tables for
 * people and as JSON Schema. What concerns YAML alone is in test_yaml.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/config.h"
#include "host/errors.h"
#include "host/quantity.h"

/* ---- a table with everything ---- */

struct inner {
	const char *name;
	int64_t weight;
	struct tc_strings tags;
};

struct all {
	const char *text, *password;
	bool flag;
	int64_t count, offset, wait, pause, room;
	double ratio;
	int colour;
	struct tc_strings names;
	struct tc_map labels;
	struct inner one;
	struct tc_list many;
	struct tc_list raw;
	const json_t *any;
};

static const char *const colours[] = {"red", "green", "blue", NULL};

#define AT(field) .offset = offsetof(struct inner, field)
static const struct tc_option inner_table[] = {
	{"name", TC_STRING, AT(name), .flags = TC_REQUIRED, .help = "What it is called"},
	{"weight", TC_INT, AT(weight), .def = "7", .min = 1, .max = 9, .unit = "kg"},
	{"tags", TC_STRINGS, AT(tags), .def = "[a, \"b c\"]"},
	TC_OPTION_END,
};
#undef AT

#define AT(field) .offset = offsetof(struct all, field)
static const struct tc_option table[] = {
	{"text", TC_STRING, AT(text), .def = "hello", .min = 2, .max = 8, .help = "Some text"},
	{"password", TC_SECRET, AT(password), .max = 20, .help = "Opens the door"},
	{"flag", TC_BOOL, AT(flag), .def = "yes"},
	{"count", TC_INT, AT(count), .def = "5", .min = 1, .max = 10, .unit = "calls"},
	{"offset", TC_INT, AT(offset), .min = -20, .max = 0},
	{"wait", TC_DURATION, AT(wait), .def = "30s", .min = 1000, .max = 300000},
	{"pause", TC_DURATION, AT(pause), .max = 2000},
	{"room", TC_SIZE, AT(room), .def = "64k", .min = 1024, .flags = TC_RELOAD},
	{"ratio", TC_DOUBLE, AT(ratio), .def = "0.5", .min = 0, .max = 2},
	{"colour", TC_ENUM, AT(colour), .def = "green", .choices = colours},
	{"names", TC_STRINGS, AT(names), .max = 3},
	{"labels", TC_MAP, AT(labels), .def = "{k: v}", .max = 3},
	{"one", TC_OBJECT, AT(one), .sub = inner_table, .sub_size = sizeof(struct inner)},
	{"many", TC_LIST, AT(many), .sub = inner_table, .sub_size = sizeof(struct inner),
	 .max = 2},
	{"raw", TC_LIST, AT(raw)},
	{"any", TC_JSON, AT(any), .def = "{x: [1]}"},
	TC_OPTION_END,
};
#undef AT

struct needs {
	const char *text, *secret;
	struct tc_strings names;
	struct tc_map labels;
	struct tc_list many;
	struct inner one;
	int64_t n;
};

#define AT(field) .offset = offsetof(struct needs, field), .flags = TC_REQUIRED
static const struct tc_option needs_table[] = {
	{"text", TC_STRING, AT(text)},
	{"secret", TC_SECRET, AT(secret)},
	{"names", TC_STRINGS, AT(names)},
	{"labels", TC_MAP, AT(labels)},
	{"many", TC_LIST, AT(many), .sub = inner_table, .sub_size = sizeof(struct inner)},
	{"one", TC_OBJECT, AT(one), .sub = inner_table, .sub_size = sizeof(struct inner)},
	{"n", TC_INT, AT(n), .min = 1},
	TC_OPTION_END,
};
#undef AT

/* ---- one fill ---- */

enum mode { JSON, QUERY, YAML };

struct filled {
	struct all all;
	struct needs needs;
	struct tc_errors *errs;
	void *memory;
	json_t *json;
	struct yaml_doc *doc;
	int result;
};

static void fill(struct filled *f, enum mode mode, const struct tc_option *t, const char *text)
{
	void *out = t == table ? (void *)&f->all : (void *)&f->needs;
	const json_t *object;

	memset(f, 0, sizeof(*f));
	f->errs = tc_errors_new();
	if (mode == YAML) {
		f->doc = yaml_parse("f.yaml", text, strlen(text), f->errs);
		assert_non_null(f->doc);
		errors_set_doc(f->errs, f->doc);
		object = yaml_root(f->doc);
	} else {
		object = f->json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		assert_non_null(object);
		errors_set_lenient(f->errs, mode == QUERY);
	}
	f->result = tc_options_fill(t, object, out, &f->memory, f->errs);
	assert_int_equal(f->result, tc_errors_count(f->errs) ? -EINVAL : 0);
}

static void release(struct filled *f)
{
	tc_options_release(f->memory);
	tc_errors_free(f->errs);
	json_decref(f->json);
	yaml_close(f->doc);
}

static void expect_good(const struct filled *f)
{
	if (f->result)
		errors_print(f->errs, stderr);
	assert_int_equal(f->result, 0);
}

/* All faults as they are printed; to be freed. */
static char *printed(const struct tc_errors *errs)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	errors_print(errs, file);
	fclose(file);
	return text;
}

static void expect_printed(const struct filled *f, const char *wanted)
{
	char *text = printed(f->errs);

	assert_string_equal(text, wanted);
	free(text);
}

/* ---- values ---- */

static void test_defaults(void **state)
{
	struct filled f;

	(void)state;
	fill(&f, JSON, table, "{}");
	expect_good(&f);
	assert_string_equal(f.all.text, "hello");
	assert_null(f.all.password);
	assert_true(f.all.flag);
	assert_int_equal(f.all.count, 5);
	assert_int_equal(f.all.offset, 0);
	assert_int_equal(f.all.wait, 30000);
	assert_int_equal(f.all.room, 65536);
	assert_true(f.all.ratio == 0.5);
	assert_int_equal(f.all.colour, 1);
	assert_int_equal(f.all.names.n, 0);
	assert_int_equal(f.all.labels.n, 1);
	assert_string_equal(f.all.labels.v[0].key, "k");
	assert_string_equal(f.all.labels.v[0].value, "v");
	assert_null(f.all.one.name); /* required only where the object is given */
	assert_int_equal(f.all.one.weight, 7);
	assert_int_equal(f.all.one.tags.n, 2);
	assert_string_equal(f.all.one.tags.v[1], "b c");
	assert_int_equal(f.all.many.n, 0);
	assert_int_equal(json_array_size(json_object_get(f.all.any, "x")), 1);
	release(&f);
}

static void expect_values(const struct filled *f)
{
	const struct inner *many = f->all.many.v;
	const json_t *const *raw = f->all.raw.v;

	expect_good(f);
	assert_string_equal(f->all.text, "gr\xc3\xbc\xc3\x9f");
	assert_string_equal(f->all.password, "s3cret");
	assert_false(f->all.flag);
	assert_int_equal(f->all.count, 10);
	assert_int_equal(f->all.offset, -20);
	assert_int_equal(f->all.wait, 300000);
	assert_int_equal(f->all.room, (int64_t)2 << 30);
	assert_true(f->all.ratio == 2.0);
	assert_int_equal(f->all.colour, 2);
	assert_int_equal(f->all.names.n, 2);
	assert_string_equal(f->all.names.v[0], "x");
	assert_string_equal(f->all.names.v[1], "");
	assert_int_equal(f->all.labels.n, 2);
	assert_string_equal(f->all.labels.v[1].key, "b.c");
	assert_string_equal(f->all.labels.v[1].value, "2");
	assert_string_equal(f->all.one.name, "inner");
	assert_int_equal(f->all.one.weight, 9);
	assert_int_equal(f->all.many.n, 2);
	assert_string_equal(many[1].name, "second");
	assert_int_equal(many[0].weight, 7);
	assert_int_equal(f->all.raw.n, 1);
	assert_non_null(json_object_get(raw[0], "what"));
	assert_true(json_is_array(f->all.any));
}

static void test_json_values(void **state)
{
	struct filled f;

	(void)state;
	fill(&f, JSON, table,
	     "{\"text\":\"gr\\u00fc\\u00df\",\"password\":\"s3cret\",\"flag\":false,\"count\":10,"
	     "\"offset\":-20,\"wait\":\"5m\",\"room\":\"2G\",\"ratio\":2,\"colour\":\"blue\","
	     "\"names\":[\"x\",\"\"],\"labels\":{\"a\":\"1\",\"b.c\":\"2\"},"
	     "\"one\":{\"name\":\"inner\",\"weight\":9},"
	     "\"many\":[{\"name\":\"first\"},{\"name\":\"second\",\"tags\":[]}],"
	     "\"raw\":[{\"what\":1}],\"any\":[null]}");
	expect_values(&f);
	release(&f);
}

static void test_yaml_values(void **state)
{
	struct filled f;

	(void)state;
	fill(&f, YAML, table,
	     "text: gr\xc3\xbc\xc3\x9f\npassword: s3cret\nflag: off\ncount: 10\noffset: -20\n"
	     "wait: 5m\nroom: 2g\nratio: 2.0\ncolour: blue\nnames: [x, \"\"]\n"
	     "labels: {a: 1, b.c: 2}\none:\n  name: inner\n  weight: 9\n"
	     "many:\n- name: first\n- {name: second, tags: []}\nraw: [what: 1]\nany: [null]\n");
	expect_values(&f);
	release(&f);
}

static void test_query_values(void **state)
{
	struct filled f;

	(void)state;
	fill(&f, QUERY, table,
	     "{\"flag\":\"no\",\"count\":\"3\",\"ratio\":\"1.5\",\"names\":\"only\"}");
	expect_good(&f);
	assert_false(f.all.flag);
	assert_int_equal(f.all.count, 3);
	assert_true(f.all.ratio == 1.5);
	assert_int_equal(f.all.names.n, 1);
	assert_string_equal(f.all.names.v[0], "only");
	release(&f);
}

static void test_null_is_not_given(void **state)
{
	struct filled f;

	(void)state;
	fill(&f, JSON, table, "{\"text\":null,\"count\":null,\"one\":null,\"labels\":null}");
	expect_good(&f);
	assert_string_equal(f.all.text, "hello");
	assert_int_equal(f.all.count, 5);
	assert_int_equal(f.all.one.weight, 7);
	assert_int_equal(f.all.labels.n, 1);
	release(&f);
	fill(&f, YAML, table, "text:\ncount: ~\n");
	expect_good(&f);
	assert_int_equal(f.all.count, 5);
	release(&f);
}

/* What was filled does not point into the document, except TC_JSON and lists without a table. */
static void test_copies(void **state)
{
	struct filled f;

	(void)state;
	fill(&f, JSON, table, "{\"text\":\"abc\",\"names\":[\"n\"],\"labels\":{\"k\":\"w\"}}");
	json_decref(f.json);
	f.json = NULL;
	assert_string_equal(f.all.text, "abc");
	assert_string_equal(f.all.names.v[0], "n");
	assert_string_equal(f.all.labels.v[0].value, "w");
	release(&f);
}

static void test_bool_words(void **state)
{
	static const char *const words[] = {"true", "yes", "on", "false", "no", "off"};
	struct filled f;
	char text[32];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		snprintf(text, sizeof(text), "flag: %s", words[i]);
		fill(&f, YAML, table, text);
		expect_good(&f);
		assert_int_equal(f.all.flag, i < 3);
		release(&f);
	}
}

static void test_quantities(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} durations[] = {{"500ms", 500}, {"30s", 30000}, {"5m", 300000}, {"2h", 7200000},
			 {"7d", 604800000}, {"0s", 0}},
	  sizes[] = {{"512", 512}, {"64k", 65536}, {"100M", 104857600}, {"2G", INT64_C(1) << 31},
		     {"1T", INT64_C(1) << 40}, {"0", 0}};
	static const char *const bad[] = {"",	"s",	"-1s", " 1s", "1s ",
					  "1.5s", "1h30m", "1w",  "0x1s", "1 s"};
	char buf[QUANTITY_SIZE];
	int64_t n;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(quantity_parse_duration(durations[i].text, &n), 0);
		assert_int_equal(n, durations[i].value);
		assert_string_equal(quantity_format_duration(buf, n), durations[i].text);
		assert_int_equal(quantity_parse_size(sizes[i].text, &n), 0);
		assert_int_equal(n, sizes[i].value);
		assert_string_equal(quantity_format_size(buf, n), sizes[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(quantity_parse_duration(bad[i], &n), -EINVAL);
		assert_int_equal(quantity_parse_size(bad[i], &n), -EINVAL);
	}
	assert_int_equal(quantity_parse_duration("30", &n), -EINVAL);
	assert_int_equal(quantity_parse_duration("5M", &n), -EINVAL);
	assert_int_equal(quantity_parse_duration("0", &n), 0);
	assert_int_equal(quantity_parse_duration("99999999999999999999s", &n), -ERANGE);
	assert_int_equal(quantity_parse_duration("9223372036854775807d", &n), -ERANGE);
	assert_int_equal(quantity_parse_size("9000000T", &n), -ERANGE);
	assert_string_equal(quantity_format_duration(buf, 1500), "1500ms");
	assert_string_equal(quantity_format_duration(buf, 90000), "90s");
}

/* ---- faults: document, field, sentence ---- */

static const struct {
	enum mode mode;
	const char *text, *field, *sentence;
} faults[] = {
	{JSON, "[]", NULL, "must be an object"},
	{JSON, "\"x\"", NULL, "must be an object"},
	{YAML, "- a", NULL, "must be a mapping (name: value)"},
	/* keys */
	{JSON, "{\"txet\":\"abc\"}", "txet", "unknown field 'txet', did you mean 'text'?"},
	{JSON, "{\"zzz\":1}", "zzz", "unknown field 'zzz'"},
	{JSON, "{\"\":1}", "", "unknown field ''"},
	{JSON, "{\"password_file\":\"/etc/passwd\"}", "password_file",
	 "unknown field 'password_file'"},
	{QUERY, "{\"cuont\":\"1\"}", "cuont", "unknown parameter 'cuont', did you mean 'count'?"},
	{YAML, "coun: 1", "coun", "unknown option 'coun', did you mean 'count'?"},
	{YAML, "pasword_file: x", "pasword_file",
	 "unknown option 'pasword_file', did you mean 'password_file'?"},
	{YAML, "{password:s3cret}", "password:...",
	 "unknown option 'password:...', a space is missing after the colon"},
	{JSON, "{\"one\":{\"name\":\"x\",\"wait\":1}}", "one.wait",
	 "unknown field 'wait'"},
	{JSON, "{\"a\\nb\\u001b[1m\":1}", "a?b?[1m", "unknown field 'a?b?[1m'"},
	{JSON,
	 "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\u00e9bcd\":1}",
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...",
	 "unknown field 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'"},
	/* text */
	{JSON, "{\"text\":12}", "text", "must be text"},
	{JSON, "{\"text\":[\"a\"]}", "text", "must be text"},
	{YAML, "text: [a]", "text", "must be text"},
	{JSON, "{\"text\":\"a\"}", "text", "must have 2 to 8 bytes, not 1"},
	{JSON, "{\"text\":\"\"}", "text", "must have 2 to 8 bytes, not 0"},
	{JSON, "{\"text\":\"\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\"}", "text",
	 "must have 2 to 8 bytes, not 10"},
	{JSON, "{\"text\":\"a\\u0000b\"}", "text", "must not contain a NUL character"},
	{JSON, "{\"labels\":{\"x\":\"\\u0000\"}}", "labels.x",
	 "must not contain a NUL character"},
	/* secrets: the sentence never has the value */
	{JSON, "{\"password\":12345}", "password", "must be text"},
	{YAML, "password: 0123456789012345678901", "password",
	 "must have at most 20 bytes, not 22"},
	/* truth values */
	{JSON, "{\"flag\":\"true\"}", "flag", "must be true or false"},
	{JSON, "{\"flag\":1}", "flag", "must be true or false"},
	{YAML, "flag: maybe", "flag", "must be true or false, not 'maybe'"},
	{QUERY, "{\"flag\":\"\"}", "flag", "must be true or false, not ''"},
	/* numbers */
	{JSON, "{\"count\":\"3\"}", "count", "must be a number"},
	{JSON, "{\"count\":true}", "count", "must be a number"},
	{JSON, "{\"count\":{}}", "count", "must be a number"},
	{JSON, "{\"count\":3.5}", "count", "must be a whole number"},
	{JSON, "{\"count\":0}", "count", "must be 1 to 10 calls, not 0"},
	{JSON, "{\"count\":11}", "count", "must be 1 to 10 calls, not 11"},
	{JSON, "{\"offset\":1}", "offset", "must be -20 to 0, not 1"},
	{YAML, "count: 3x", "count", "must be a whole number, not '3x'"},
	{YAML, "count: 0x3", "count", "must be a whole number, not '0x3'"},
	{YAML, "count: \" 3\"", "count", "must be a whole number, not ' 3'"},
	{YAML, "count: \"\"", "count", "must be a whole number, not ''"},
	{YAML, "count: 3.5", "count", "must be a whole number, not '3.5'"},
	{YAML, "count: 99999999999999999999", "count", "must be a number of at most 64 bits"},
	{YAML, "count: [1]", "count", "must be a number"},
	{QUERY, "{\"count\":\"many\"}", "count", "must be a whole number, not 'many'"},
	{JSON, "{\"ratio\":\"1\"}", "ratio", "must be a number"},
	{JSON, "{\"ratio\":2.5}", "ratio", "must be 0 to 2, not 2.5"},
	{JSON, "{\"ratio\":-1}", "ratio", "must be 0 to 2, not -1"},
	{YAML, "ratio: nan", "ratio", "must be a number, not 'nan'"},
	{YAML, "ratio: 1e999", "ratio", "must be a finite number"},
	/* quantities */
	{JSON, "{\"wait\":30}", "wait",
	 "must be a duration, such as 500ms, 30s, 5m, 2h or 7d, as text"},
	{YAML, "wait: 30", "wait",
	 "must be a duration, such as 500ms, 30s, 5m, 2h or 7d, not '30'"},
	{YAML, "wait: 1h", "wait", "must be 1s to 5m, not 1h"},
	{YAML, "wait: 99999999999999999d", "wait", "is out of all bounds"},
	{JSON, "{\"room\":1024}", "room", "must be a size, such as 512, 64k, 100M or 2G, as text"},
	{YAML, "pause: 3s", "pause", "must be 0s to 2s, not 3s"},
	{YAML, "room: big", "room", "must be a size, such as 512, 64k, 100M or 2G, not 'big'"},
	{YAML, "room: 1", "room", "must be at least 1k, not 1"},
	/* choices */
	{JSON, "{\"colour\":\"pink\"}", "colour", "must be one of red, green, blue, not 'pink'"},
	{JSON, "{\"colour\":1}", "colour", "must be one of red, green, blue"},
	/* what has parts */
	{JSON, "{\"names\":\"one\"}", "names", "must be a list of texts"},
	{YAML, "names: {a: b}", "names", "must be a list of texts"},
	{JSON, "{\"names\":[\"a\",2]}", "names[1]", "must be text"},
	{JSON, "{\"names\":[null]}", "names[0]", "must be text"},
	{JSON, "{\"names\":[\"a\",\"b\",\"c\",\"d\"]}", "names",
	 "must have at most 3 entries, not 4"},
	{JSON, "{\"labels\":[]}", "labels", "must be an object"},
	{YAML, "labels: x", "labels", "must be a mapping (name: value)"},
	{JSON, "{\"labels\":{\"x\":1}}", "labels.x", "must be text"},
	{YAML, "labels: {x: }", "labels.x", "must be text"},
	{JSON, "{\"labels\":{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\"}}", "labels",
	 "must have at most 3 entries, not 4"},
	{JSON, "{\"one\":[]}", "one", "must be an object"},
	{JSON, "{\"one\":{}}", "one.name", "is required"},
	{JSON, "{\"one\":{\"name\":\"\"}}", "one.name", "must not be empty"},
	{JSON, "{\"one\":{\"name\":\"x\",\"weight\":0}}", "one.weight",
	 "must be 1 to 9 kg, not 0"},
	{JSON, "{\"many\":{}}", "many", "must be a list"},
	{JSON, "{\"many\":[1]}", "many[0]", "must be an object"},
	{YAML, "many: [x]", "many[0]", "must be a mapping (name: value)"},
	{JSON, "{\"many\":[{\"name\":\"a\"},{\"name\":5}]}", "many[1].name", "must be text"},
	{JSON, "{\"many\":[{},{},{}]}", "many", "must have at most 2 entries, not 3"},
	{JSON, "{\"raw\":[1]}", "raw[0]", "must be an object"},
};

static void test_faults(void **state)
{
	struct filled f;

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		const char *field;

		fill(&f, faults[i].mode, table, faults[i].text);
		if (tc_errors_count(f.errs) != 1)
			errors_print(f.errs, stderr);
		if (tc_errors_count(f.errs) != 1)
			fail_msg("%s: not one fault", faults[i].text);
		field = tc_errors_field(f.errs, 0);
		assert_string_equal(tc_errors_text(f.errs, 0), faults[i].sentence);
		if (faults[i].field && *faults[i].field)
			assert_string_equal(field, faults[i].field);
		else
			assert_null(field);
		release(&f);
	}
}

/* Not possible with what jansson reads, but with what a program makes. */
static void test_not_utf8(void **state)
{
	static const char *const bad[] = {"\xff",	  "\xc3",	  "\xc0\x80",
					  "\xed\xa0\x80", "\xf5\x80\x80\x80", "ab\x80",
					  "\xe2\x82",	  "\xf4\x90\x80\x80", "\xe0\x80\x80"};
	static const char *const good[] = {"\xc3\xa9\xc3\xa9", "\xe2\x82\xac",
					   "\xf0\x9f\x94\x94", "ab"};

	(void)state;
	for (size_t i = 0; i < 9 + 4; i++) {
		const char *text = i < 9 ? bad[i] : good[i - 9];
		json_t *object = json_object();
		struct tc_errors *errs = tc_errors_new();
		struct all all = {0};
		void *memory;

		json_object_set_new(object, "any", json_string_nocheck(text));
		json_object_set_new(object, "names", json_array());
		json_array_append_new(json_object_get(object, "names"),
				      json_string_nocheck(text));
		tc_options_fill(table, object, &all, &memory, errs);
		assert_int_equal(tc_errors_count(errs), i < 9 ? 1 : 0);
		if (i < 9)
			assert_string_equal(tc_errors_text(errs, 0), "must be valid UTF-8");
		tc_options_release(memory);
		tc_errors_free(errs);
		json_decref(object);
	}
}

static void test_required(void **state)
{
	struct filled f;

	(void)state;
	fill(&f, JSON, needs_table, "{}");
	expect_printed(&f, "text: is required\nsecret: is required\nnames: is required\n"
			   "labels: is required\nmany: is required\none: is required\n"
			   "n: is required\n");
	release(&f);
	fill(&f, JSON, needs_table,
	     "{\"text\":\"\",\"secret\":\"\",\"names\":[],\"labels\":{},\"many\":[],"
	     "\"one\":{\"name\":\"\"},\"n\":0}");
	expect_printed(&f, "text: must not be empty\nsecret: must not be empty\n"
			   "names: must not be empty\nlabels: must not be empty\n"
			   "many: must not be empty\none.name: must not be empty\n"
			   "n: must be at least 1, not 0\n");
	release(&f);
	fill(&f, YAML, needs_table, "text: x\nn: 1\none: {name: x}\nmany:\n- name: y\nnames: z\n"
				    "labels: {a: b}\n");
	expect_printed(&f, "f.yaml:1:1: secret: is required (here, or with _file or _env behind "
			   "its name)\n");
	release(&f);
}

static void test_all_faults_by_place(void **state)
{
	struct filled f;

	(void)state;
	fill(&f, YAML, table,
	     "many:\n  - weight: 77\n    name: a\n  - tags: x\nwiat: 1s\ncount: 11\n"
	     "one: {name: \"\",\n  wieght: 3}\ntext: x\n");
	expect_printed(&f, "f.yaml:2:13: many[0].weight: must be 1 to 9 kg, not 77\n"
			   "f.yaml:4:5: many[1].name: is required\n"
			   "f.yaml:5:1: wiat: unknown option 'wiat', did you mean 'wait'?\n"
			   "f.yaml:6:8: count: must be 1 to 10 calls, not 11\n"
			   "f.yaml:7:13: one.name: must not be empty\n"
			   "f.yaml:8:3: one.wieght: unknown option 'wieght', did you mean "
			   "'weight'?\n"
			   "f.yaml:9:7: text: must have 2 to 8 bytes, not 1\n");
	release(&f);
}

/* The part of a document that is an instance: with other keys, and as a copy without them. */
static void test_part_of_document(void **state)
{
	static const char text[] = "trunks:\n- name: a\n  plugin: p\n  wait: 1h\n"
				   "- name: b\n  plugin: p\n";
	static const char *const skip[] = {"name", "plugin", NULL};
	struct tc_errors *errs = tc_errors_new();
	struct yaml_doc *doc = yaml_parse("f.yaml", text, strlen(text), errs);
	const json_t *trunks = json_object_get(yaml_root(doc), "trunks");
	const json_t *first = json_array_get(trunks, 0), *second = json_array_get(trunks, 1);
	json_t *copy = json_copy((json_t *)first), *empty = json_object();
	struct all all = {0};
	struct needs needs = {0};
	void *memory;
	char *all_text;

	(void)state;
	errors_set_doc(errs, doc);
	assert_int_equal(options_fill(table, first, skip, &all, &memory, errs), -EINVAL);
	tc_options_release(memory);
	json_object_del(copy, "name");
	json_object_del(copy, "plugin");
	assert_int_equal(tc_options_fill(table, copy, &all, &memory, errs), -EINVAL);
	tc_options_release(memory);
	errors_set_object(errs, second);
	assert_int_equal(tc_options_fill(needs_table + 6, empty, &needs, &memory, errs), -EINVAL);
	tc_options_release(memory);
	tc_errors_add(errs, "name", "is not liked");
	tc_errors_add(errs, NULL, "is bad as a whole");
	errors_set_object(errs, NULL);
	tc_errors_add(errs, "trunks[0].plugin", "is not there");
	all_text = printed(errs);
	assert_string_equal(all_text,
			    "f.yaml:3:11: trunks[0].plugin: is not there\n"
			    "f.yaml:4:9: trunks[0].wait: must be 1s to 5m, not 1h\n"
			    "f.yaml:4:9: trunks[0].wait: must be 1s to 5m, not 1h\n"
			    "f.yaml:5:3: trunks[1].n: is required\n"
			    "f.yaml:5:3: trunks[1]: is bad as a whole\n"
			    "f.yaml:5:9: trunks[1].name: is not liked\n");
	free(all_text);
	json_decref(copy);
	json_decref(empty);
	tc_errors_free(errs);
	yaml_close(doc);
}

/* ---- secrets ---- */

static void put_file(const char *dir, const char *name, const char *data, size_t len)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

/*
 * Fill from a file DIR/c.yaml with this text; the password, or NULL. Appends what is printed to
 * out.
 */
static char *secret_of(const char *dir, const char *text, char **out)
{
	struct tc_errors *errs = tc_errors_new();
	struct all all = {0};
	struct yaml_doc *doc;
	void *memory;
	char path[128], *password;

	put_file(dir, "c.yaml", text, strlen(text));
	snprintf(path, sizeof(path), "%s/c.yaml", dir);
	doc = yaml_load(path, errs);
	assert_non_null(doc);
	errors_set_doc(errs, doc);
	tc_options_fill(table, yaml_root(doc), &all, &memory, errs);
	password = all.password ? strdup(all.password) : NULL;
	*out = printed(errs);
	tc_options_release(memory);
	tc_errors_free(errs);
	yaml_close(doc);
	return password;
}

static void expect_secret(const char *dir, const char *text, const char *password)
{
	char *out, *found = secret_of(dir, text, &out);

	assert_string_equal(out, "");
	assert_non_null(found);
	assert_string_equal(found, password);
	free(found);
	free(out);
}

static void expect_secret_fault(const char *dir, const char *text, const char *fault)
{
	char *out, *found = secret_of(dir, text, &out);

	if (!strstr(out, fault))
		fail_msg("'%s' does not contain '%s'", out, fault);
	assert_ptr_equal(strchr(out, '\n') + 1, out + strlen(out)); /* one fault only */
	assert_null(strstr(out, "hunter"));
	free(found);
	free(out);
}

static void test_secrets(void **state)
{
	char dir[] = "/tmp/tocsin-test-XXXXXX", path[64], text[128];

	(void)state;
	assert_non_null(mkdtemp(dir));
	put_file(dir, "plain", "hunter2", 7);
	put_file(dir, "line", "hunter3\n", 8);
	put_file(dir, "crlf", "hunter4\r\n", 9);
	put_file(dir, "two", "hunter5\n\n", 9);
	put_file(dir, "nul", "hunter6\0x", 9);
	put_file(dir, "latin", "hunter\xfc", 7);
	put_file(dir, "long", "hunter7 hunter7 hunter7", 23);
	snprintf(path, sizeof(path), "%s/pipe", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	setenv("TOCSIN_TEST_SECRET", "hunter8", 1);

	expect_secret(dir, "password: hunter1", "hunter1");
	expect_secret(dir, "password_file: plain", "hunter2");
	expect_secret(dir, "password_file: line", "hunter3");
	expect_secret(dir, "password_file: crlf", "hunter4");
	expect_secret(dir, "password_file: two", "hunter5\n");
	expect_secret(dir, "password_env: TOCSIN_TEST_SECRET", "hunter8");
	expect_secret(dir, "password: ~\npassword_env: TOCSIN_TEST_SECRET", "hunter8");
	snprintf(text, sizeof(text), "password_file: %s/plain", dir);
	expect_secret(dir, text, "hunter2");

	expect_secret_fault(dir, "password_file: none",
			    "c.yaml:1:16: password_file: ");
	expect_secret_fault(dir, "password_file: none",
			    "/none cannot be read: No such file or directory");
	expect_secret_fault(dir, "password_file: .", "/. cannot be read: Is a directory");
	expect_secret_fault(dir, "password_file: pipe", "/pipe is not a regular file");
	expect_secret_fault(dir, "password_file: nul", "must not contain a NUL character");
	expect_secret_fault(dir, "password_file: latin", "must be valid UTF-8");
	expect_secret_fault(dir, "password_file: long", "must have at most 20 bytes, not 23");
	expect_secret_fault(dir, "password_file: [plain]", "must be text");
	expect_secret_fault(dir, "password_env: TOCSIN_TEST_NONE",
			    "the environment variable TOCSIN_TEST_NONE is not set");
	expect_secret_fault(dir, "password: hunter1\npassword_file: plain",
			    "c.yaml:2:1: password_file: only one of password, password_file and "
			    "password_env can be given");
	expect_secret_fault(dir, "text_file: plain", "unknown option 'text_file'");

	unsetenv("TOCSIN_TEST_SECRET");
	for (const char *const *name = (const char *const[]){"plain", "line", "crlf", "two", "nul",
							     "latin", "long", "pipe", "c.yaml",
							     NULL};
	     *name; name++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *name);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
}

/* ---- the list of faults ---- */

static void test_fault_limit(void **state)
{
	json_t *object = json_object();
	struct tc_errors *errs = tc_errors_new();
	struct all all = {0};
	void *memory;
	char key[16];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		snprintf(key, sizeof(key), "q%d", i);
		json_object_set_new(object, key, json_null());
	}
	assert_int_equal(tc_options_fill(table, object, &all, &memory, errs), -EINVAL);
	assert_int_equal(tc_errors_count(errs), ERRORS_MAX);
	assert_string_equal(tc_errors_text(errs, ERRORS_MAX - 1),
			    "more faults follow that are not shown");
	assert_null(tc_errors_text(errs, ERRORS_MAX));
	assert_null(tc_errors_field(errs, ERRORS_MAX));
	tc_options_release(memory);
	/* A full list does not make it good. */
	assert_int_equal(tc_options_fill(table, object, &all, &memory, errs), -EINVAL);
	tc_options_release(memory);
	tc_errors_free(errs);
	json_decref(object);
}

static void test_free_null(void **state)
{
	(void)state;
	tc_errors_free(NULL);
	tc_options_release(NULL);
	yaml_close(NULL);
	config_free(NULL);
}

/* ---- for people, and for programs ---- */

static void test_nearest(void **state)
{
	(void)state;
	assert_string_equal(option_nearest(table, "colr"), "colour");
	assert_string_equal(option_nearest(table, "cuont"), "count");
	assert_string_equal(option_nearest(table, "text"), "text");
	assert_null(option_nearest(table, "zebra"));
	assert_null(option_nearest(table, ""));
}

static char *described(const struct tc_option *t)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	option_describe(t, file);
	fclose(file);
	return text;
}

static void test_describe(void **state)
{
	char *text = described(table);

	(void)state;
	assert_string_equal(
		text,
		"text      text, default \"hello\", 2 to 8 bytes\n"
		"          Some text\n"
		"password  secret, at most 20 bytes (or password_file, password_env)\n"
		"          Opens the door\n"
		"flag      true|false, default yes\n"
		"count     number, default 5, 1 to 10 calls\n"
		"offset    number, -20 to 0\n"
		"wait      duration, default 30s, 1s to 5m\n"
		"pause     duration, 0s to 2s\n"
		"room      size, default 64k, at least 1k, reloadable\n"
		"ratio     decimal, default 0.5, 0 to 2\n"
		"colour    choice, default green, one of red|green|blue\n"
		"names     texts, at most 3 entries\n"
		"labels    map, default {k: v}, at most 3 entries\n"
		"one       object\n"
		"  name    text, required\n"
		"          What it is called\n"
		"  weight  number, default 7, 1 to 9 kg\n"
		"  tags    texts, default [a, \"b c\"]\n"
		"many      list, at most 2 entries\n"
		"  name    text, required\n"
		"          What it is called\n"
		"  weight  number, default 7, 1 to 9 kg\n"
		"  tags    texts, default [a, \"b c\"]\n"
		"raw       list\n"
		"any       any, default {x: [1]}\n");
	free(text);
}

static void test_schema(void **state)
{
	static const char wanted[] =
		"{\"type\":\"object\",\"properties\":{"
		"\"text\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":8,"
		"\"description\":\"Some text\",\"default\":\"hello\"},"
		"\"password\":{\"type\":\"string\",\"format\":\"password\",\"writeOnly\":true,"
		"\"maxLength\":20,\"description\":\"Opens the door\"},"
		"\"flag\":{\"type\":\"boolean\",\"default\":true},"
		"\"count\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10,"
		"\"description\":\"(calls)\",\"default\":5},"
		"\"offset\":{\"type\":\"integer\",\"minimum\":-20,\"maximum\":0},"
		"\"wait\":{\"type\":\"string\",\"pattern\":\"^([0-9]+(ms|s|m|h|d)|0+)$\","
		"\"description\":\"(1s to 5m)\",\"default\":\"30s\"},"
		"\"pause\":{\"type\":\"string\",\"pattern\":\"^([0-9]+(ms|s|m|h|d)|0+)$\","
		"\"description\":\"(0s to 2s)\"},"
		"\"room\":{\"type\":\"string\",\"pattern\":\"^[0-9]+[kKmMgGtT]?$\","
		"\"description\":\"(at least 1k)\",\"default\":\"64k\"},"
		"\"ratio\":{\"type\":\"number\",\"minimum\":0,\"maximum\":2,\"default\":0.5},"
		"\"colour\":{\"type\":\"string\",\"enum\":[\"red\",\"green\",\"blue\"],"
		"\"default\":\"green\"},"
		"\"names\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":3},"
		"\"labels\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},"
		"\"maxProperties\":3},"
		"\"one\":INNER,\"many\":{\"type\":\"array\",\"items\":INNER,\"maxItems\":2},"
		"\"raw\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},"
		"\"any\":{}},\"additionalProperties\":false}";
	static const char inner[] =
		"{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\","
		"\"minLength\":1,\"description\":\"What it is called\"},"
		"\"weight\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9,"
		"\"description\":\"(kg)\",\"default\":7},\"tags\":{\"type\":\"array\","
		"\"items\":{\"type\":\"string\"}}},\"required\":[\"name\"],"
		"\"additionalProperties\":false}";
	json_t *schema = option_schema(table), *expected;
	struct tc_buf text = {0};
	const char *rest = wanted, *hole;

	(void)state;
	while ((hole = strstr(rest, "INNER"))) {
		tc_buf_add(&text, rest, (size_t)(hole - rest));
		tc_buf_puts(&text, inner);
		rest = hole + 5;
	}
	tc_buf_puts(&text, rest);
	expected = json_loads(text.data, 0, NULL);
	assert_non_null(expected);
	if (!json_equal(schema, expected)) {
		json_dumpf(schema, stderr, JSON_INDENT(1));
		fail();
	}
	json_decref(schema);
	json_decref(expected);
	tc_buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_json_values),
		cmocka_unit_test(test_yaml_values),
		cmocka_unit_test(test_query_values),
		cmocka_unit_test(test_null_is_not_given),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_bool_words),
		cmocka_unit_test(test_quantities),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_not_utf8),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_all_faults_by_place),
		cmocka_unit_test(test_part_of_document),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_fault_limit),
		cmocka_unit_test(test_free_null),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
