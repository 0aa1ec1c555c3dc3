/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Payloads, routes and messages of the Alertmanager trigger. The way into the store is the
 * contract suite's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <tocsin/alloc.h>

#include "payload.h"
#include "route.h"

/* ---- payloads ---- */

static json_t *captured(const char *name)
{
	const char *srcdir = getenv("TOCSIN_SRCDIR");
	char path[512];
	json_t *json;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/alertmanager/%s.json",
		 srcdir ? srcdir : ".", name);
	json = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	if (!json)
		fail_msg("cannot read %s", path);
	return json;
}

static void reads_what_was_captured(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		int64_t truncated;
		const char *firing; /* one letter an alert */
		const char *first_key;
	} all[] = {
		{"firing-single", 1, 0, "f", "e3e969e9c2afbf49/2026-11-22T14:02:48.632Z"},
		{"firing-grouped-truncated", 2, 1, "ff",
		 "efcbf984d69fa0c5/2026-11-22T14:02:54.632Z"},
		{"mixed-firing-and-resolved", 2, 0, "rf", "7e7ea11619abea44/2026-11-22T14:04:45Z"},
		{"resolved-grouped", 2, 1, "rr", "efcbf984d69fa0c5/2026-11-22T14:02:54.632Z"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		json_t *json = captured(all[i].name);
		struct payload payload = {0};
		struct payload_fault fault;

		assert_true(payload_parse(&payload, json, &fault));
		assert_int_equal(payload.n, all[i].n);
		assert_int_equal(payload.truncated, all[i].truncated);
		assert_string_equal(payload.alerts[0].key, all[i].first_key);
		for (size_t k = 0; k < payload.n; k++)
			assert_int_equal(payload.alerts[k].firing, all[i].firing[k] == 'f');
		payload_fini(&payload);
		json_decref(json);
	}
}

/* Those that Alertmanager itself made are the measure. */
static void makes_the_fingerprints_of_alertmanager(void **state)
{
	static const char *const names[] = {"firing-single", "firing-grouped-truncated",
					    "mixed-firing-and-resolved"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *json = captured(names[i]), *alert;
		size_t k;

		json_array_foreach (json_object_get(json, "alerts"), k, alert) {
			const char *want = json_string_value(json_object_get(alert, "fingerprint"));
			char got[17];

			snprintf(got, sizeof(got), "%016llx",
				 (unsigned long long)payload_fingerprint(
					 json_object_get(alert, "labels")));
			assert_string_equal(got, want);
		}
		json_decref(json);
	}
}

static void derives_a_missing_fingerprint(void **state)
{
	json_t *json = captured("firing-single");
	struct payload payload = {0};
	struct payload_fault fault;

	(void)state;
	json_object_del(json_array_get(json_object_get(json, "alerts"), 0), "fingerprint");
	assert_true(payload_parse(&payload, json, &fault));
	assert_string_equal(payload.alerts[0].key, "e3e969e9c2afbf49/2026-11-22T14:02:48.632Z");
	payload_fini(&payload);
	json_decref(json);
}

static void expect_fault(const char *text, int status, const char *field)
{
	json_t *json = json_loads(text, 0, NULL);
	struct payload payload = {0};
	struct payload_fault fault = {0};

	assert_non_null(json);
	if (payload_parse(&payload, json, &fault))
		fail_msg("taken: %s", text);
	if (fault.status != status || strcmp(fault.field, field))
		fail_msg("%s: %d \"%s\" %s", text, fault.status, fault.field, fault.text);
	payload_fini(&payload);
	json_decref(json);
}

#define GOOD                                                                                       \
	"{\"status\":\"firing\",\"labels\":{\"a\":\"b\"},\"startsAt\":\"2026-01-01T00:00:00Z\"}"
#define SECOND(alert) "{\"alerts\":[" GOOD "," alert "]}"
#define STARTS        "\"startsAt\":\"2026-01-01T00:00:00Z\""

static void names_what_is_wrong(void **state)
{
	(void)state;
	expect_fault("{}", 400, "alerts");
	expect_fault("{\"alerts\":{}}", 400, "alerts");
	expect_fault("{\"version\":4,\"alerts\":[]}", 400, "version");
	expect_fault("{\"version\":\"3\",\"alerts\":[]}", 422, "version");
	expect_fault("{\"alerts\":[]}", 422, "alerts");
	expect_fault("{\"alerts\":[" GOOD "],\"truncatedAlerts\":\"1\"}", 400, "truncatedAlerts");
	expect_fault(SECOND("7"), 400, "alerts[1]");
	expect_fault(SECOND("{\"labels\":{}," STARTS "}"), 400, "alerts[1].status");
	expect_fault(SECOND("{\"status\":1,\"labels\":{}," STARTS "}"), 400, "alerts[1].status");
	expect_fault(SECOND("{\"status\":\"on\",\"labels\":{}," STARTS "}"), 422,
		     "alerts[1].status");
	expect_fault(SECOND("{\"status\":\"firing\"," STARTS "}"), 400, "alerts[1].labels");
	expect_fault(SECOND("{\"status\":\"firing\",\"labels\":[]," STARTS "}"), 400,
		     "alerts[1].labels");
	expect_fault(SECOND("{\"status\":\"firing\",\"labels\":{\"x\":1}," STARTS "}"), 400,
		     "alerts[1].labels.x");
	expect_fault(SECOND("{\"status\":\"firing\",\"labels\":{},\"annotations\":7," STARTS "}"),
		     400, "alerts[1].annotations");
	expect_fault(SECOND("{\"status\":\"firing\",\"labels\":{}}"), 400, "alerts[1].startsAt");
	expect_fault(SECOND("{\"status\":\"firing\",\"labels\":{},\"startsAt\":5}"), 400,
		     "alerts[1].startsAt");
	expect_fault(SECOND("{\"status\":\"firing\",\"labels\":{},\"startsAt\":\"yesterday\"}"),
		     422, "alerts[1].startsAt");
	expect_fault(SECOND("{\"status\":\"firing\",\"labels\":{},\"startsAt\":\"2026-01-01T00:00:"
			    "00\"}"),
		     422, "alerts[1].startsAt");
	expect_fault(SECOND("{\"status\":\"firing\",\"labels\":{},\"fingerprint\":1," STARTS "}"),
		     400, "alerts[1].fingerprint");
}

static void lets_unknown_fields_through(void **state)
{
	json_t *json =
		json_loads("{\"new\":[1],\"version\":\"4\",\"alerts\":[{\"status\":\"firing\","
			   "\"labels\":{},\"startsAt\":\"2026-01-01T00:00:00.1+01:00\","
			   "\"annotations\":null,\"fingerprint\":\"\",\"newer\":{}}]}",
			   0, NULL);
	struct payload payload = {0};
	struct payload_fault fault;

	(void)state;
	assert_true(payload_parse(&payload, json, &fault));
	assert_null(payload.alerts[0].annotations);
	assert_string_equal(payload.alerts[0].key, "cbf29ce484222325/2026-01-01T00:00:00.1+01:00");
	payload_fini(&payload);
	json_decref(json);
}

/* A label's name may be as long as it likes: the fault's field is cut, and still UTF-8. */
static void survives_long_names(void **state)
{
	char name[400] = "", text[700];
	json_t *json, *field;
	struct payload payload = {0};
	struct payload_fault fault = {0};

	(void)state;
	for (size_t i = 0; i + 3 < sizeof(name); i += 3)
		memcpy(name + i, "\xe2\x82\xac", 4);
	snprintf(text, sizeof(text),
		 SECOND("{\"status\":\"firing\",\"labels\":{\"%s\":1}," STARTS "}"), name);
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	assert_false(payload_parse(&payload, json, &fault));
	field = json_string(fault.field);
	assert_non_null(field);
	json_decref(field);
	payload_fini(&payload);
	json_decref(json);
}

/* ---- routes ---- */

struct fixture {
	struct am_config cfg;
	void *memory;
	json_t *settings, *root;
	struct payload payload;
};

static void configure(struct fixture *f, const char *settings, size_t faults)
{
	struct tc_errors *errs = tc_errors_new();

	f->settings = json_loads(settings, 0, NULL);
	assert_non_null(f->settings);
	if (!tc_options_fill(am_options, f->settings, &f->cfg, &f->memory, errs))
		am_check(&f->cfg, errs);
	if (tc_errors_count(errs) != faults)
		fail_msg("%zu faults in %s, first: %s", tc_errors_count(errs), settings,
			 tc_errors_count(errs) ? tc_errors_text(errs, 0) : "none");
	tc_errors_free(errs);
}

static void load(struct fixture *f, const char *name)
{
	struct payload_fault fault;

	f->root = captured(name);
	assert_true(payload_parse(&f->payload, f->root, &fault));
}

static void release(struct fixture *f)
{
	payload_fini(&f->payload);
	tc_options_release(f->memory);
	json_decref(f->settings);
	json_decref(f->root);
	*f = (struct fixture){0};
}

static void checks_its_settings(void **state)
{
	static const struct {
		const char *settings;
		size_t faults;
	} all[] = {
		{"{\"default_target\":\"+1\"}", 0},
		{"{}", 1},
		{"{\"default_target\":\"+1\",\"default_targt\":\"+1\"}", 1},
		{"{\"default_target\":\"+1\",\"template\":\"{{labels.x\"}", 1},
		{"{\"default_target\":\"+1\",\"path\":\"am\"}", 1},
		{"{\"default_target\":\"+1\",\"path\":\"/am/\"}", 1},
		{"{\"default_target\":\"+1\",\"routes\":[{\"name\":\"a\"},{\"name\":\"a\"}]}", 1},
		{"{\"default_target\":\"+1\",\"routes\":[{\"name\":\"a/b\"}]}", 1},
		{"{\"default_target\":\"+1\",\"routes\":[{\"name\":\"a\",\"template\":\"{{\"}]}",
		 1},
		{"{\"default_target\":\"+1\",\"routes\":[{\"target\":\"+2\"}]}", 1},
		{"{\"default_target\":\"+1\",\"routes\":[{\"name\":\"a\",\"expect_every\":\"5m\"}]"
		 "}",
		 0},
		{"{\"default_target\":\"+1\",\"routes\":[{\"name\":\"a\","
		 "\"expect_every\":\"10ms\"}]}",
		 1},
		{"{\"default_target\":\"+1\",\"api_url\":\"http://am:9093\"}", 0},
		{"{\"default_target\":\"+1\",\"api_url\":\"https://am/prefix\",\"user\":\"u\","
		 "\"password\":\"p\",\"ca_file\":\"/ca.pem\",\"silence\":\"always\"}",
		 0},
		{"{\"default_target\":\"+1\",\"api_url\":\"am:9093\"}", 1},
		{"{\"default_target\":\"+1\",\"api_url\":\"http://u:p@am:9093\"}", 1},
		{"{\"default_target\":\"+1\",\"api_url\":\"http://am:9093/\"}", 1},
		{"{\"default_target\":\"+1\",\"api_url\":\"http://am?x=1\"}", 1},
		{"{\"default_target\":\"+1\",\"api_url\":\"http://:9093\"}", 1},
		{"{\"default_target\":\"+1\",\"api_url\":\"http://am\",\"ca_file\":\"/ca\"}", 1},
		{"{\"default_target\":\"+1\",\"silence\":\"always\"}", 1},
		{"{\"default_target\":\"+1\",\"silence\":\"sometimes\"}", 1},
		{"{\"default_target\":\"+1\",\"silence_author\":\"{{by\"}", 1},
		{"{\"default_target\":\"+1\",\"api_url\":\"http://am\",\"user\":\"u\"}", 1},
		{"{\"default_target\":\"+1\",\"api_url\":\"http://am\",\"user\":\"u\","
		 "\"password\":\"p\",\"token\":\"t\"}",
		 1},
	};
	struct fixture f = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		configure(&f, all[i].settings, all[i].faults);
		release(&f);
	}
}

static const char *chosen(const struct fixture *f, const char *labels)
{
	json_t *json = json_loads(labels, 0, NULL);
	const struct am_route *route;

	assert_non_null(json);
	route = am_route_match(&f->cfg, json);
	json_decref(json);
	return route ? route->name : "none";
}

static void takes_the_first_route_that_matches(void **state)
{
	struct fixture f = {0};

	(void)state;
	configure(&f,
		  "{\"default_target\":\"+1\",\"routes\":["
		  "{\"name\":\"named\"},"
		  "{\"name\":\"db\",\"match\":{\"team\":\"dba\",\"severity\":\"critical|page\"}},"
		  "{\"name\":\"rest\",\"match\":{\"team\":\"dba|ops\"}},"
		  "{\"name\":\"orphan\",\"match\":{\"team\":\"\"}}]}",
		  0);
	assert_string_equal(chosen(&f, "{\"team\":\"dba\",\"severity\":\"critical\"}"), "db");
	assert_string_equal(chosen(&f, "{\"team\":\"dba\",\"severity\":\"page\"}"), "db");
	assert_string_equal(chosen(&f, "{\"team\":\"dba\",\"severity\":\"pag\"}"), "rest");
	assert_string_equal(chosen(&f, "{\"team\":\"dba\",\"severity\":\"critical|page\"}"),
			    "rest");
	assert_string_equal(chosen(&f, "{\"team\":\"ops\"}"), "rest");
	assert_string_equal(chosen(&f, "{\"severity\":\"page\"}"), "orphan");
	assert_string_equal(chosen(&f, "{\"team\":\"web\"}"), "none");
	assert_string_equal(am_route_find(&f.cfg, "named")->name, "named");
	assert_null(am_route_find(&f.cfg, "other"));
	release(&f);
}

/* ---- messages ---- */

static void expect_message(const char *settings, const char *name, size_t i, const char *want)
{
	struct fixture f = {0};
	char *got;

	configure(&f, settings, 0);
	load(&f, name);
	got = am_message(&f.cfg, NULL, &f.payload.alerts[i], f.root);
	assert_string_equal(got, want);
	free(got);
	release(&f);
}

static void says_what_the_template_says(void **state)
{
	(void)state;
	expect_message("{\"default_target\":\"+1\"}", "firing-single", 0,
		       "AlwaysFiring: Always firing");
	/* no annotation at all */
	expect_message("{\"default_target\":\"+1\"}", "mixed-firing-and-resolved", 1, "Slow");
	expect_message("{\"default_target\":\"+1\",\"template\":\"{{annotations.description}}\"}",
		       "firing-single", 0, "value 1 & \"quotes\" <tag> \u00f1");
	expect_message(
		"{\"default_target\":\"+1\",\"template\":\"{{receiver}} {{groupLabels.service}} "
		"{{commonLabels.route}} {{status}}\"}",
		"mixed-firing-and-resolved", 1, "flaky web flaky firing");
	/* nothing is left: the name must do */
	expect_message("{\"default_target\":\"+1\",\"template\":\" {{labels.none}} : \"}",
		       "firing-single", 0, "AlwaysFiring");
}

static size_t message_length(const char *settings)
{
	struct fixture f = {0};
	struct tc_buf text = {0};
	size_t len;
	char *got;

	configure(&f, settings, 0);
	load(&f, "firing-single");
	for (int i = 0; i < 2000; i++)
		tc_buf_puts(&text, "\u20ac");
	json_object_set_new(f.payload.alerts[0].labels, "long", json_string(text.data));
	got = am_message(&f.cfg, NULL, &f.payload.alerts[0], f.root);
	len = strlen(got);
	free(got);
	tc_buf_fini(&text);
	release(&f);
	return len;
}

static void cuts_long_messages_between_characters(void **state)
{
	(void)state;
	assert_int_equal(
		message_length("{\"default_target\":\"+1\",\"template\":\"x{{labels.long}}\"}"),
		1 + 1365 * 3);
	assert_int_equal(
		message_length("{\"default_target\":\"+1\",\"template\":\"xx{{labels.long}}\"}"),
		2 + 1364 * 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_was_captured),
		cmocka_unit_test(makes_the_fingerprints_of_alertmanager),
		cmocka_unit_test(derives_a_missing_fingerprint),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(lets_unknown_fields_through),
		cmocka_unit_test(survives_long_names),
		cmocka_unit_test(checks_its_settings),
		cmocka_unit_test(takes_the_first_route_that_matches),
		cmocka_unit_test(says_what_the_template_says),
		cmocka_unit_test(cuts_long_messages_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
