/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's own configuration: defaults, every check that is not in a table, and the example file.
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

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "host/config.h"

static char path[] = "/tmp/tocsin-test-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 || close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static struct config *load(const char *text)
{
	struct tc_errors *errs = tc_errors_new();
	struct config *cfg;

	write_file(text);
	cfg = config_load(path, errs);
	if (!cfg)
		errors_print(errs, stderr);
	assert_non_null(cfg);
	assert_int_equal(tc_errors_count(errs), 0);
	tc_errors_free(errs);
	return cfg;
}

/* The faults as printed, without the file's name at the front of each line. */
static char *faults(const struct tc_errors *errs)
{
	char *text = NULL, *out;
	struct tc_buf cut = {0};
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	errors_print(errs, file);
	fclose(file);
	for (char *line = text; *line; line = strchr(line, '\n') + 1) {
		assert_memory_equal(line, path, strlen(path));
		assert_int_equal(line[strlen(path)], ':');
		line += strlen(path) + 1;
		tc_buf_add(&cut, line, strcspn(line, "\n") + 1);
	}
	out = tc_buf_take(&cut);
	free(text);
	return out;
}

static void expect_faults(const char *text, const char *wanted)
{
	struct tc_errors *errs = tc_errors_new();
	char *found;

	write_file(text);
	assert_null(config_load(path, errs));
	found = faults(errs);
	assert_string_equal(found, wanted);
	free(found);
	tc_errors_free(errs);
}

static void test_defaults(void **state)
{
	struct config *cfg = load("");

	(void)state;
	assert_non_null(cfg->node);
	assert_true(strlen(cfg->node) > 0);
	assert_int_equal(cfg->state_dir[0], '/');
	assert_int_equal(cfg->log.level, TC_LOG_INFO);
	assert_int_equal(cfg->log.format, 0);
	assert_int_equal(cfg->http.listen.n, 2);
	assert_string_equal(cfg->http.listen.v[0], "127.0.0.1:8086");
	assert_null(cfg->http.public_url);
	assert_int_equal(cfg->http.max_body, 1 << 20);
	assert_null(cfg->store);
	assert_int_equal(cfg->trunks.n + cfg->voices.n + cfg->carriers.n + cfg->triggers.n, 0);
	assert_int_equal(cfg->call.ring_timeout, 30000);
	assert_int_equal(cfg->call.keys.n, 5);
	assert_int_equal(cfg->call.repeat_message, 3);
	assert_int_equal(cfg->call.attempts, 3);
	assert_int_equal(cfg->call.window, 180000);
	assert_int_equal(cfg->call.redial.busy, 20000);
	assert_int_equal(cfg->call.redial.no_answer, 30000);
	assert_int_equal(cfg->call.redial.rejected, 60000);
	assert_int_equal(cfg->call.redial.unreachable, 30000);
	assert_int_equal(cfg->call.redial.congestion, 10000);
	assert_int_equal(cfg->call.redial.machine, 30000);
	assert_int_equal(cfg->call.redial.heard, 30000);
	assert_int_equal(cfg->call.redial.unheard, 10000);
	assert_int_equal(cfg->call.redial.failed, 5000);
	assert_int_equal(cfg->call.max_concurrent, 200);
	assert_true(cfg->call.inbound.enabled);
	assert_int_equal(cfg->call.inbound.max_calls, 5);
	assert_int_equal(cfg->call.inbound.allow.n, 0);
	assert_null(cfg->call.inbound.country_code);
	assert_true(cfg->call.inbound.known_numbers && cfg->call.inbound.pin_from_anywhere);
	assert_int_equal(cfg->call.inbound.pin_tries, 3);
	assert_int_equal(cfg->call.inbound.flood_window, 600000);
	assert_int_equal(cfg->call.inbound.recent, 86400000);
	assert_non_null(strstr(cfg->prompts.inbound.count, "{{count}}"));
	assert_string_equal(cfg->prompts.language, "en");
	assert_non_null(strstr(cfg->prompts.greeting, "{{severity}}"));
	assert_non_null(strstr(cfg->prompts.menu, "4"));
	assert_int_equal(cfg->prompts.pause, 1000);
	assert_int_equal(cfg->prompt_cache_size, INT64_C(500) << 20);
	config_free(cfg);
}

static void test_given(void **state)
{
	struct config *cfg = load("node: pager-1\n"
				  "state_dir: /srv/x\n"
				  "log: {level: debug, format: json}\n"
				  "http:\n"
				  "  listen: [\"[::1]:80\", \"unix:/x\", \"localhost:65535\"]\n"
				  "  public_url: HTTPS://x\n"
				  "store: {plugin: sqlite, path: x.db}\n"
				  "trunks:\n"
				  "- {name: a, plugin: sip, uri: x}\n"
				  "- {name: b, plugin: sip}\n"
				  "voices: [{name: a, plugin: espeak}]\n"
				  "call:\n"
				  "  keys: {\"1\": acknowledge, A: repeat}\n"
				  "  redial: {failed: 100ms}\n"
				  "prompts: {goodbye: \"\"}\n");
	const struct config_instance *trunks = cfg->trunks.v;

	(void)state;
	assert_string_equal(cfg->node, "pager-1");
	assert_string_equal(cfg->state_dir, "/srv/x");
	assert_int_equal(cfg->log.level, TC_LOG_DEBUG);
	assert_int_equal(cfg->log.format, 1);
	assert_int_equal(cfg->http.listen.n, 3);
	assert_string_equal(json_string_value(json_object_get(cfg->store, "path")), "x.db");
	assert_int_equal(cfg->trunks.n, 2);
	assert_string_equal(json_string_value(json_object_get(trunks[0].settings, "uri")), "x");
	assert_string_equal(json_string_value(json_object_get(trunks[1].settings, "name")), "b");
	assert_int_equal(cfg->voices.n, 1);
	assert_int_equal(cfg->call.keys.n, 2);
	assert_int_equal(cfg->call.redial.failed, 100);
	assert_int_equal(cfg->call.redial.busy, 20000);
	assert_string_equal(cfg->prompts.goodbye, "");
	config_free(cfg);
}

static void test_levels_are_the_logs(void **state)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	static const int levels[] = {TC_LOG_ERROR, TC_LOG_WARN, TC_LOG_INFO, TC_LOG_DEBUG};
	char text[64];

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct config *cfg;

		snprintf(text, sizeof(text), "log: {level: %s}", names[i]);
		cfg = load(text);
		assert_int_equal(cfg->log.level, levels[i]);
		config_free(cfg);
	}
}

static void test_single_faults(void **state)
{
	(void)state;
	expect_faults("- a\n", "1:1: must be a mapping (name: value)\n");
	expect_faults("provision: x\n", "1:1: provision: unknown option 'provision'\n");
	expect_faults("node: a b\n", "1:7: node: must be a name: 1 to 64 letters, digits, '_', "
				     "'-' or '.'\n");
	expect_faults("state_dir: x\n", "1:12: state_dir: must be an absolute path\n");
	expect_faults("http: {public_url: pager}\n",
		      "1:20: http.public_url: must begin with http:// or https://\n");
	expect_faults("http: {listen: []}\n",
		      "1:16: http.listen: must have 1 to 64 entries, not 0\n");
	expect_faults("store: sqlite\n", "1:8: store: must be a mapping (name: value)\n");
	expect_faults("store: {path: x}\n", "1:8: store.plugin: is required\n");
	expect_faults("store: {plugin: a, name: [x]}\n",
		      "1:26: store.name: must be a name: 1 to 64 letters, digits, '_', '-' or "
		      "'.'\n");
	expect_faults("trunks: {a: b}\n", "1:9: trunks: must be a list\n");
}

static void test_listen_faults(void **state)
{
	static const char *const bad[] = {"8086",    ":8086",	"a:",	   "a:0",    "a:65536",
					  "a:1x",    "::1:80",	"[::1]80", "[]:80",  "[::1]:",
					  "unix:x",  "unix:/",	"unix:",   "a:-1",   "a:123456"};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "http: {listen: [\"%s\"]}\n", bad[i]);
		expect_faults(text, "1:17: http.listen[0]: must be ADDRESS:PORT, [IPV6]:PORT or "
				    "unix:/PATH\n");
	}
}

static void test_instance_faults(void **state)
{
	(void)state;
	expect_faults("trunks:\n"
		      "- {name: a, plugin: sip}\n"
		      "- {name: a, plugin: ari}\n"
		      "- name: c\n"
		      "- plugin: x\n"
		      "- d\n"
		      "- {name: a/b, plugin: ../x}\n"
		      "voices:\n"
		      "- {name: a, plugin: espeak}\n",
		      "3:10: trunks[1].name: another one of the trunks is called 'a' too\n"
		      "4:3: trunks[2].plugin: is required\n"
		      "5:3: trunks[3].name: is required\n"
		      "6:3: trunks[4]: must be a mapping (name: value)\n"
		      "7:10: trunks[5].name: must be a name: 1 to 64 letters, digits, '_', '-' or "
		      "'.'\n"
		      "7:23: trunks[5].plugin: must be a name: 1 to 64 letters, digits, '_', '-' "
		      "or '.'\n");
}

static void test_key_faults(void **state)
{
	(void)state;
	expect_faults("call: {keys: {\"4\": repeat}}\n",
		      "1:14: call.keys: no key means acknowledge: nobody could stop an alert\n");
	expect_faults("call:\n  keys: {\"4\": acknowledge, 10: repeat, e: repeat, \"\": "
		      "repeat}\n",
		      "2:28: call.keys.10: a key must be one of 0 to 9, *, #, A to D\n"
		      "2:40: call.keys.e: a key must be one of 0 to 9, *, #, A to D\n"
		      "2:51: call.keys.: a key must be one of 0 to 9, *, #, A to D\n");
	expect_faults("call:\n  keys:\n    \"4\": acknowledge\n    \"5\": escape\n",
		      "4:10: call.keys.5: must be one of acknowledge, escalate, resolve, repeat, "
		      "silence, "
		      "not 'escape'\n");
	expect_faults("call: {keys: {}}\n",
		      "1:14: call.keys: must have 1 to 16 entries, not 0\n");
	expect_faults("call: {keys: {\"4\": [acknowledge]}}\n",
		      "1:20: call.keys.4: must be text\n");
}

static void test_inbound_faults(void **state)
{
	(void)state;
	config_free(load("call:\n  inbound: {country_code: \"49\", allow: [\"+49\", \"030\", "
			 "\"*2\"]}\n"));
	expect_faults("call:\n  inbound:\n    country_code: \"+49\"\n",
		      "3:19: call.inbound.country_code: must be digits, as 49 (without + or 00)\n");
	expect_faults("call:\n  inbound:\n    country_code: \"0049\"\n",
		      "3:19: call.inbound.country_code: must be digits, as 49 (without + or 00)\n");
	expect_faults("call:\n  inbound:\n    allow: [\"+49\", \"+\", \"+4 9\", \"\"]\n",
		      "3:20: call.inbound.allow[1]: must be the beginning of a telephone number, "
		      "as +49\n"
		      "3:25: call.inbound.allow[2]: must be the beginning of a telephone number, "
		      "as +49\n"
		      "3:33: call.inbound.allow[3]: must be the beginning of a telephone number, "
		      "as +49\n");
	expect_faults("call: {inbound: {pin_tries: 0, max_callers: 3}}\n",
		      "1:29: call.inbound.pin_tries: must be 1 to 10 times, not 0\n"
		      "1:32: call.inbound.max_callers: unknown option 'max_callers', did you mean "
		      "'max_calls'?\n");
}

static void test_test_call_faults(void **state)
{
	static const char trunks[] = "trunks: [{name: t, plugin: sip}]\n";
	static const char *const faults[][2] = {
		{"[{name: a, trunk: u, number: '1'}]",
		 "2:31: test_calls[0].trunk: there is no trunk 'u'\n"},
		{"[{name: a, trunk: t, number: '1', at: '24:00'}]",
		 "2:51: test_calls[0].at: must be a time of the day, as 03:30\n"},
		{"[{name: a, trunk: t, number: '1', at: 'noon!'}]",
		 "2:51: test_calls[0].at: must be a time of the day, as 03:30\n"},
		{"[{name: a, trunk: t, number: '1'}, {name: a, trunk: t, number: '2'}]",
		 "2:55: test_calls[1].name: another test call has this name\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		char *text = tc_asprintf("%stest_calls: %s\n", trunks, faults[i][0]);

		expect_faults(text, faults[i][1]);
		free(text);
	}
}

/* Faults of reading, binding and checking come together, in the order of the file. */
static void test_all_at_once(void **state)
{
	(void)state;
	expect_faults("node: \"\"\n"
		      "trunks:\n"
		      "  - {name: a, plugin: sip}\n"
		      "  - {name: a, plugin: sip}\n"
		      "call:\n"
		      "  ring_timout: 30s\n"
		      "  attempts: 0\n"
		      "  attempts: 3\n"
		      "state_dir: *x\n",
		      "1:7: node: must have 1 to 64 bytes, not 0\n"
		      "4:12: trunks[1].name: another one of the trunks is called 'a' too\n"
		      "6:3: call.ring_timout: unknown option 'ring_timout', did you mean "
		      "'ring_timeout'?\n"
		      "7:13: call.attempts: must be 1 to 100 calls, not 0\n"
		      "8:3: call.attempts: 'attempts' is given twice\n"
		      "9:12: state_dir: aliases are not supported; text that begins with * needs "
		      "quotes\n");
}

/* With faults too: for the faults of the instances, which get places of the same file. */
static void test_read(void **state)
{
	static const struct tc_option none[] = {TC_OPTION_END};
	static const char *const skip[] = {"name", "plugin", NULL};
	struct tc_errors *errs = tc_errors_new();
	const struct config_instance *trunks;
	struct config *cfg;
	void *memory;
	char *found;

	(void)state;
	write_file("nod: x\ntrunks:\n- name: a\n- {name: b, plugin: sip, port: 1}\n");
	cfg = config_read(path, errs);
	assert_non_null(cfg);
	assert_int_equal(cfg->trunks.n, 1);
	trunks = cfg->trunks.v;
	options_fill(none, trunks[0].settings, skip, NULL, &memory, errs);
	tc_options_release(memory);
	errors_set_object(errs, trunks[0].settings);
	tc_errors_add(errs, "plugin", "is not there");
	found = faults(errs);
	assert_string_equal(found, "1:1: nod: unknown option 'nod', did you mean 'node'?\n"
				   "3:3: trunks[0].plugin: is required\n"
				   "4:21: trunks[1].plugin: is not there\n"
				   "4:26: trunks[1].port: unknown option 'port'\n");
	free(found);
	tc_errors_free(errs);
	config_free(cfg);
	errs = tc_errors_new();
	assert_null(config_read("/nonexistent", errs));
	assert_int_equal(tc_errors_count(errs), 1);
	tc_errors_free(errs);
}

static void test_example(void **state)
{
	const char *srcdir = getenv("TOCSIN_SRCDIR");
	char *example = tc_asprintf("%s/etc/tocsin.yaml", srcdir ? srcdir : ".");
	struct tc_errors *errs = tc_errors_new();
	struct config *cfg = config_load(example, errs);

	(void)state;
	errors_print(errs, stderr);
	assert_int_equal(tc_errors_count(errs), 0);
	assert_non_null(cfg);
	assert_true(cfg->trunks.n > 0 && cfg->voices.n > 0 && cfg->triggers.n > 0);
	config_free(cfg);
	tc_errors_free(errs);
	free(example);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),	cmocka_unit_test(test_given),
		cmocka_unit_test(test_levels_are_the_logs), cmocka_unit_test(test_single_faults),
		cmocka_unit_test(test_listen_faults),	cmocka_unit_test(test_instance_faults),
		cmocka_unit_test(test_key_faults),
		cmocka_unit_test(test_inbound_faults),
		cmocka_unit_test(test_test_call_faults),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_read),		cmocka_unit_test(test_example),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
