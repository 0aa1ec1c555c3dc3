/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding plugins, and a fixture for each way in which one is refused: found and wanted, one line.
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

#include <tocsin/alloc.h>

#include "unit/host_rig.h"

static const char *fixtures(void)
{
	const char *dir = getenv("TOCSIN_FIXTURES");

	return dir ? dir : "tests/fixtures";
}

static struct host *open_host(const char *path)
{
	return host_new(NULL, path, "/");
}

static void expect_refused(enum tc_kind kind, const char *name, const char *wanted)
{
	struct host *host = open_host(fixtures());
	char fault[512] = "";

	assert_null(host_plugin(host, kind, name, fault, sizeof(fault)));
	assert_string_equal(fault, wanted);
	assert_null(strchr(fault, '\n'));
	/* and it is not remembered */
	assert_null(host_plugin(host, kind, name, fault, sizeof(fault)));
	host_free(host);
}

static void test_refusals(void **state)
{
	char text[256];

	(void)state;
	expect_refused(TC_KIND_TRIGGER, "wrong_magic",
		       "not a Tocsin plugin: magic is 41414141, wanted 54435031");
	snprintf(text, sizeof(text),
		 "built for plugin interface %u, this daemon has %u: rebuild it",
		 TC_PLUGIN_ABI + 6, TC_PLUGIN_ABI);
	expect_refused(TC_KIND_TRIGGER, "wrong_abi", text);
	snprintf(text, sizeof(text), "its descriptor has %zu bytes, wanted %zu: rebuild it",
		 sizeof(struct tc_plugin) - 8, sizeof(struct tc_plugin));
	expect_refused(TC_KIND_TRIGGER, "wrong_size", text);
	expect_refused(TC_KIND_TTS, "wrong_kind", "is of kind sms, wanted tts");
	expect_refused(TC_KIND_TTS, "unknown_kind", "is of kind ?, wanted tts");
	expect_refused(TC_KIND_TRIGGER, "wrong_name",
		       "calls itself 'right_name', wanted 'wrong_name'");
	expect_refused(TC_KIND_TRIGGER, "no_name", "calls itself '', wanted 'no_name'");
	expect_refused(TC_KIND_TRIGGER, "incomplete",
		       "its descriptor is incomplete: version, summary, options, config_size, open "
		       "and close are needed");
	expect_refused(TC_KIND_TTS, "no_ops", "its descriptor has no operations");
	snprintf(text, sizeof(text), "%s/triggers/no_symbol.so has no symbol 'tc_plugin'",
		 fixtures());
	expect_refused(TC_KIND_TRIGGER, "no_symbol", text);
	snprintf(text, sizeof(text),
		 "%s/triggers/unresolved.so: undefined symbol: tc_of_the_future", fixtures());
	expect_refused(TC_KIND_TRIGGER, "unresolved", text);
}

static void test_not_there(void **state)
{
	char text[256];

	(void)state;
	snprintf(text, sizeof(text), "there is no plugin triggers/nothing in %s", fixtures());
	expect_refused(TC_KIND_TRIGGER, "nothing", text);
	snprintf(text, sizeof(text), "there is no plugin sms/good in %s", fixtures());
	expect_refused(TC_KIND_SMS, "good", text); /* of another kind */
}

/* A name becomes part of a path. */
static void test_names_that_are_none(void **state)
{
	static const char *const bad[] = {
		"../triggers/good", "..", ".", "a/b", "/etc/passwd", "", "good.so", "good ",
		"g\xc3\xb6\xc3\xb6t", "good\n",
	};
	char wanted[256], *long_name = tc_alloc(65);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct host *host = open_host(fixtures());
		char fault[512] = "";

		assert_null(host_plugin(host, TC_KIND_TRIGGER, bad[i], fault, sizeof(fault)));
		snprintf(wanted, sizeof(wanted), "'%s' is not a plugin's name", bad[i]);
		assert_string_equal(fault, wanted);
		host_free(host);
	}
	memset(long_name, 'x', 64);
	snprintf(wanted, sizeof(wanted), "'%s' is not a plugin's name", long_name);
	expect_refused(TC_KIND_TRIGGER, long_name, wanted);
	free(long_name);
}

/* ---- files that are no shared objects ---- */

struct folder {
	char dir[64], kind[80], file[96];
};

static void make_file(struct folder *f, const char *text)
{
	FILE *file;

	tc_strcopy(f->dir, sizeof(f->dir), "/tmp/tocsin-plugin-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->kind, sizeof(f->kind), "%s/triggers", f->dir);
	snprintf(f->file, sizeof(f->file), "%s/good.so", f->kind);
	assert_int_equal(mkdir(f->kind, 0700), 0);
	file = fopen(f->file, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void remove_file(struct folder *f)
{
	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(rmdir(f->kind), 0);
	assert_int_equal(rmdir(f->dir), 0);
}

static void expect_broken(const char *text, const char *why)
{
	struct folder f;
	struct host *host;
	char fault[512] = "", wanted[256];

	make_file(&f, text);
	host = open_host(f.dir);
	assert_null(host_plugin(host, TC_KIND_TRIGGER, "good", fault, sizeof(fault)));
	snprintf(wanted, sizeof(wanted), "%s: %s", f.file, why);
	assert_string_equal(fault, wanted);
	host_free(host);
	remove_file(&f);
}

static void test_not_a_shared_object(void **state)
{
	(void)state;
	expect_broken("", "file too short");
	expect_broken("This is the text of a manual and no program at all, however long it may be: "
		      "sixty-four bytes.",
		      "invalid ELF header");
}

/* The first folder that has it decides: one that is broken there is not passed over in silence. */
static void test_first_in_the_path(void **state)
{
	char *good_first, *broken_first, fault[512] = "";
	struct folder f;
	struct host *host;

	(void)state;
	make_file(&f, "");
	good_first = tc_asprintf("::/nonexistent:%s:%s", fixtures(), f.dir);
	broken_first = tc_asprintf("%s:%s", f.dir, fixtures());
	host = open_host(good_first);
	assert_non_null(host_plugin(host, TC_KIND_TRIGGER, "good", fault, sizeof(fault)));
	host_free(host);
	host = open_host(broken_first);
	assert_null(host_plugin(host, TC_KIND_TRIGGER, "good", fault, sizeof(fault)));
	assert_non_null(strstr(fault, "file too short"));
	host_free(host);
	free(good_first);
	free(broken_first);
	remove_file(&f);
}

/* ---- those that are accepted ---- */

static void test_loaded_once(void **state)
{
	struct host *host = open_host(fixtures());
	char fault[512] = "untouched";
	const struct tc_plugin *p;

	(void)state;
	p = host_plugin(host, TC_KIND_TRIGGER, "good", fault, sizeof(fault));
	assert_non_null(p);
	assert_string_equal(p->name, "good");
	assert_ptr_equal(host_plugin(host, TC_KIND_TRIGGER, "good", fault, sizeof(fault)), p);
	assert_string_equal(fault, "untouched");
	host_free(host);
	assert_string_equal(p->summary, "Counts"); /* it lives as long as the process */
}

static void expect_count(struct tc_instance *self, const char *text, double n)
{
	json_t *status = instance_status(self), *numbers = json_object_get(status, "numbers");

	assert_string_equal(json_string_value(json_object_get(status, "text")), text);
	assert_true(json_real_value(json_object_get(numbers, "n")) == n);
	json_decref(status);
}

static void test_several_instances(void **state)
{
	struct loop *loop = loop_new(LOOP_VIRTUAL);
	struct host_rig rig = {loop, host_new(loop, fixtures(), "/")};
	struct tc_instance *self[3];
	char fault[512], settings[32];
	const struct tc_plugin *p =
		host_plugin(rig.host, TC_KIND_TRIGGER, "good", fault, sizeof(fault));

	(void)state;
	assert_non_null(p);
	for (int i = 0; i < 3; i++) {
		snprintf(settings, sizeof(settings), "{\"begin\": %d}", i * 10);
		self[i] = host_rig_instance(&rig, p, (const char *[]){"a", "b", "c"}[i], settings);
		assert_int_equal(instance_open(self[i]), 0);
	}
	host_rig_turn(&rig);
	expect_count(self[0], "I am a", 1);
	expect_count(self[1], "I am b", 11);
	instance_close(self[1]);
	expect_count(self[2], "I am c", 21); /* the others go on */
	assert_int_equal(instance_open(self[1]), 0);
	expect_count(self[1], "I am b", 10);
	host_rig_fini(&rig);
}

/* ---- listing ---- */

static void list(void *arg, enum tc_kind kind, const char *name, const struct tc_plugin *plugin,
		 const char *fault)
{
	struct tc_buf *out = arg;

	tc_buf_printf(out, "%s/%s %s\n", kind_name(kind), name, plugin ? plugin->version : "-");
	assert_true(plugin ? !*fault : !!*fault);
}

static void test_listing(void **state)
{
	char *twice = tc_asprintf("%s:%s", fixtures(), fixtures());
	struct host *host = open_host(twice);
	struct tc_buf out = {0};

	(void)state;
	host_plugin_each(host, list, &out);
	assert_string_equal(out.data, "tts/no_ops -\n"
				      "tts/unknown_kind -\n"
				      "tts/wrong_kind -\n"
				      "triggers/good 1.5\n"
				      "triggers/incomplete -\n"
				      "triggers/no_name -\n"
				      "triggers/no_symbol -\n"
				      "triggers/unresolved -\n"
				      "triggers/wrong_abi -\n"
				      "triggers/wrong_magic -\n"
				      "triggers/wrong_name -\n"
				      "triggers/wrong_size -\n");
	host_free(host);
	tc_buf_fini(&out);
	host = open_host("/nonexistent:");
	host_plugin_each(host, list, &out);
	assert_null(out.data);
	host_free(host);
	free(twice);
}

static void test_kinds(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < TC_KIND_COUNT; kind++)
		assert_int_equal(kind_find(kind_name((enum tc_kind)kind)), kind);
	assert_string_equal(kind_name(TC_KIND_TRIGGER), "triggers");
	assert_int_equal(kind_find("trigger"), TC_KIND_COUNT);
	assert_int_equal(kind_find(""), TC_KIND_COUNT);
	assert_string_equal(kind_name(TC_KIND_COUNT), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_names_that_are_none),
		cmocka_unit_test(test_not_a_shared_object),
		cmocka_unit_test(test_first_in_the_path),
		cmocka_unit_test(test_loaded_once),
		cmocka_unit_test(test_several_instances),
		cmocka_unit_test(test_listing),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
