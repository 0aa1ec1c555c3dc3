/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Documents in memory over a real store; policies, maintenance windows and their matchers. What
 * schedules are is test_schedule.c's.
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

#include "host/rfc3339.h"
#include "oncall/directory.h"
#include "oncall/maintenance.h"
#include "oncall/matcher.h"
#include "oncall/oncall.h"
#include "oncall/policy.h"
#include "oncall/reference.h"
#include "store/contact_repo.h"
#include "store/document_repo.h"
#include "unit/store_rig.h"

#define ALICE  "01890000-0000-7000-8000-000000000001"
#define POLICY "01890000-0000-7000-8000-000000000002"

struct world {
	struct store_rig *rig;
	struct store *store;
	struct oncall *oncall;
	int told;
};

static int setup(void **state)
{
	struct world *w = tc_alloc(sizeof(*w));
	int err = rig_setup((void **)&w->rig);

	*state = w;
	return err;
}

static int teardown(void **state)
{
	struct world *w = *state;
	int err;

	while (w->store && store_pending(w->store))
		loop_turn(w->rig->loop);
	oncall_free(w->oncall);
	store_close(w->store);
	err = rig_teardown((void **)&w->rig);
	free(w);
	return err;
}

static bool is_ready(void *arg)
{
	return oncall_ready(arg);
}

/* Alice is there; nothing else. */
static struct world *world_of(void **state)
{
	struct world *w = *state;
	struct contact_row alice = {
		.id = ALICE, .name = "Alice", .numbers = "[]", .enabled = true, .version = 1};

	if (!w->rig->instance)
		skip();
	w->store = rig_store(w->rig);
	w->oncall = oncall_new(w->rig->loop, w->store);
	assert_false(oncall_ready(w->oncall));
	rig_wait(w->rig, is_ready, w->oncall);
	directory_put(oncall_directory(w->oncall), &alice);
	return w;
}

static struct document_row row_of(const char *kind, const char *id, const char *name,
				  const char *body)
{
	struct document_row row = {.kind = kind, .name = name, .body = body, .version = 1};

	tc_strcopy(row.id, sizeof(row.id), id);
	return row;
}

#define ONE_STEP "{\"name\":\"default\",\"steps\":[{\"targets\":[\"contact:" ALICE "\"]}]}"

/* ---- documents ---- */

static int insert_row(struct db *db, void *arg)
{
	return document_insert(db, arg);
}

static void settle(struct world *w)
{
	while (store_pending(w->store) || loop_turn(w->rig->loop))
		loop_turn(w->rig->loop);
}

static void changed(void *arg)
{
	((struct world *)arg)->told++;
}

static void reads_what_is_stored(void **state)
{
	struct world *w = world_of(state);
	struct documents *docs = oncall_policies(w->oncall);
	struct document_row row = row_of("policy", POLICY, "default", ONE_STEP),
			    broken = row_of("policy", "id-b", "Broken", "{\"name\":7}"),
			    worse = row_of("policy", "id-c", "worse", "no JSON");
	const struct document *doc;

	documents_listen(docs, changed, w);
	assert_int_equal(store_write(w->store, insert_row, NULL, &row), 0);
	assert_int_equal(store_write(w->store, insert_row, NULL, &broken), 0);
	assert_int_equal(store_write(w->store, insert_row, NULL, &worse), 0);
	settle(w);
	documents_reload(docs);
	settle(w);
	assert_int_equal(w->told, 1);
	doc = documents_find(docs, POLICY);
	assert_ptr_equal(doc, documents_named(docs, "default"));
	assert_ptr_equal(doc, documents_named(docs, POLICY));
	assert_null(documents_named(docs, "Default"));
	assert_null(documents_find(docs, "default"));
	assert_non_null(doc->compiled);
	assert_int_equal(doc->version, 1);
	assert_int_equal(json_array_size(json_object_get(doc->body, "steps")), 1);
	assert_null(documents_named(docs, "Broken")->compiled);
	assert_null(documents_named(docs, "worse")->compiled);
	assert_ptr_equal(documents_next(docs, NULL), documents_named(docs, "Broken"));
	assert_ptr_equal(documents_behind(docs, ""), documents_named(docs, "Broken"));
	assert_ptr_equal(documents_behind(docs, "cc"), doc);
	assert_null(documents_behind(docs, "worse"));
}

static void follows_changes(void **state)
{
	struct world *w = world_of(state);
	struct documents *docs = oncall_policies(w->oncall);
	struct document_row row = row_of("policy", POLICY, "zulu", ONE_STEP),
			    other = row_of("policy", "id-2", "Yankee", ONE_STEP);

	documents_listen(docs, changed, w);
	documents_put(docs, &row);
	documents_put(docs, &other);
	assert_string_equal(documents_next(docs, NULL)->name, "Yankee");
	row.name = "alpha";
	row.version = 2;
	documents_put(docs, &row);
	assert_string_equal(documents_next(docs, NULL)->name, "alpha");
	assert_int_equal(documents_find(docs, POLICY)->version, 2);
	assert_null(documents_named(docs, "zulu"));
	documents_drop(docs, "id-2");
	documents_drop(docs, "id-2");
	assert_null(documents_next(docs, documents_find(docs, POLICY)));
	assert_int_equal(w->told, 5);
	documents_reload(docs); /* neither was stored */
	documents_put(docs, &other);
	settle(w);
	assert_null(documents_next(docs, NULL));
}

/* ---- policies ---- */

/* The faults of a policy: "field text\n" ...; owned. */
static char *faults_of(struct world *w, const struct document_kind *kind, const char *text)
{
	struct tc_errors *errs = tc_errors_new();
	json_t *json = json_loads(text, 0, NULL);
	void *fields = tc_alloc(kind->fields_size), *memory = NULL;
	struct tc_buf all = {0};

	assert_non_null(json);
	if (!tc_options_fill(kind->table, json, fields, &memory, errs))
		kind->check(w->oncall, fields, errs);
	tc_buf_puts(&all, "");
	for (size_t i = 0; i < tc_errors_count(errs); i++)
		tc_buf_printf(&all, "%s: %s\n", tc_errors_field(errs, i), tc_errors_text(errs, i));
	tc_options_release(memory);
	free(fields);
	json_decref(json);
	tc_errors_free(errs);
	return tc_buf_take(&all);
}

static void expect_faults(struct world *w, const struct document_kind *kind, const char *text,
			  const char *want)
{
	char *got = faults_of(w, kind, text);

	if (!*want ? *got : !strstr(got, want))
		fail_msg("%s\nhas the faults\n%s\nnot\n%s", text, got, want);
	free(got);
}

#define STEP(inner) "{\"name\":\"p\",\"steps\":[{" inner "}]}"

static void policies_are_checked(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ONE_STEP, ""},
		{STEP("\"targets\":[\"contact:Alice\",\"+4930123\",\"oncall\"],\"wait\":\"2m\""),
		 ""},
		{STEP("\"targets\":[\"contact:alice\"]"),
		 "steps[0].targets[0]: there is no 'contact:alice'"},
		{STEP("\"targets\":[\"+4930123\",\"schedule:none\"]"),
		 "steps[0].targets[1]: there is no 'schedule:none'"},
		{STEP("\"targets\":[\"policy:p\"]"), "steps[0].targets[0]: must not be a policy"},
		{STEP("\"targets\":[\"Alice\"]"), "steps[0].targets[0]: must be schedule:NAME"},
		{STEP("\"targets\":[\"contact:\"]"), "steps[0].targets[0]: must be schedule:NAME"},
		{STEP("\"targets\":[]"), "steps[0].targets: "},
		{STEP("\"targets\":[\"oncall\"],\"strategy\":\"sms\""),
		 "steps[0].strategy: needs a carrier"},
		{STEP("\"targets\":[\"oncall\"],\"strategy\":\"shout\""),
		 "steps[0].strategy: must be one of"},
		{STEP("\"targets\":[\"oncall\"],\"wait\":\"8d\""), "steps[0].wait: "},
		{"{\"name\":\"p\",\"steps\":[]}", "steps: "},
		{"{\"name\":\"p\"}", "steps: "},
		{"{\"name\":\"p\",\"steps\":[{\"targets\":[\"oncall\"]}],\"final\":[{\"targets\":"
		 "[\"contact:Bob\"]}]}",
		 "final[0].targets[0]: there is no 'contact:Bob'"},
		{"{\"name\":\"p\",\"steps\":[{\"targets\":[\"oncall\"]}],\"final\":[{\"targets\":"
		 "[\"oncall\"]},{\"targets\":[\"oncall\"]}]}",
		 "final: "},
		{"{\"name\":\"p\",\"steps\":[{\"targets\":[\"oncall\"]}],\"repeat\":101}",
		 "repeat: "},
	};
	struct world *w = world_of(state);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_faults(w, &policy_kind, rows[i].text, rows[i].want);
}

static void *compiled(const struct document_kind *kind, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	void *made = kind->compile(json);

	json_decref(json); /* it must not live in the document */
	return made;
}

static void policies_are_compiled(void **state)
{
	struct world *w = world_of(state);
	struct policy *p = compiled(&policy_kind,
				    "{\"name\":\"p\",\"steps\":[{\"targets\":[\"contact:Alice\"],"
				    "\"wait\":\"90s\",\"all_must_acknowledge\":true},{\"targets\":["
				    "\"+49301\"]}],\"repeat\":2,\"ack_timeout\":\"0s\"}");
	const struct policy_step *steps = p->fields.steps.v;

	assert_int_equal(p->fields.steps.n, 2);
	assert_string_equal(steps[0].targets.v[0], "contact:Alice");
	assert_string_equal(steps[0].strategy, "call");
	assert_int_equal(steps[0].wait_ms, 90000);
	assert_true(steps[0].all_must_acknowledge);
	assert_int_equal(steps[1].wait_ms, 0);
	assert_false(steps[1].all_must_acknowledge);
	assert_int_equal(p->fields.repeat, 2);
	assert_int_equal(p->fields.final.n, 0);
	assert_int_equal(p->fields.ack_timeout_ms, 0);
	assert_true(policy_kind.refers(w->oncall, p, "contact:" ALICE));
	assert_false(policy_kind.refers(w->oncall, p, "schedule:" ALICE));
	assert_false(policy_kind.refers(w->oncall, p, "contact:" POLICY));
	policy_kind.free(p);
	p = compiled(&policy_kind, "{\"name\":\"p\",\"steps\":[{\"targets\":[\"oncall\"]}],"
				   "\"final\":[{\"targets\":[\"contact:" ALICE "\"]}],"
				   "\"ack_timeout\":null}");
	assert_int_equal(p->fields.repeat, 0);
	assert_int_equal(p->fields.ack_timeout_ms, -1);
	assert_true(policy_kind.refers(w->oncall, p, "contact:" ALICE));
	policy_kind.free(p);
	assert_null(compiled(&policy_kind, "{\"name\":\"p\"}"));
}

static void references_become_ids(void **state)
{
	struct world *w = world_of(state);
	json_t *body = json_pack("{s:[{s:[s,s,s,s]}], s:[{s:s},{s:s},{s:s},{s:i}]}", "steps",
				 "targets", "contact:Alice", "contact:nobody", "+4930123", "oncall",
				 "windows", "contact", "Alice", "contact", "contact:Alice",
				 "contact", "nobody", "contact", 7);
	json_t *want =
		json_pack("{s:[{s:[s,s,s,s]}], s:[{s:s},{s:s},{s:s},{s:i}]}", "steps", "targets",
			  "contact:" ALICE, "contact:nobody", "+4930123", "oncall", "windows",
			  "contact", ALICE, "contact", ALICE, "contact", "nobody", "contact", 7);

	reference_keep(w->oncall, body);
	assert_true(json_equal(body, want));
	json_decref(body);
	json_decref(want);
}

/* ---- matchers ---- */

static void matchers_match_the_whole_value(void **state)
{
	static const struct {
		enum matcher_op op;
		const char *value, *given;
		bool matches;
	} rows[] = {
		{MATCHER_EQUAL, "db", "db", true},
		{MATCHER_EQUAL, "db", "db1", false},
		{MATCHER_EQUAL, "", "", true},
		{MATCHER_UNEQUAL, "db", "db1", true},
		{MATCHER_UNEQUAL, "db", "db", false},
		{MATCHER_UNEQUAL, "db", "", true},
		{MATCHER_LIKE, "db|web", "web", true},
		{MATCHER_LIKE, "db|web", "web1", false},
		{MATCHER_LIKE, "db|web", "adb", false},
		{MATCHER_LIKE, "db[0-9]{1,3}", "db12", true},
		{MATCHER_LIKE, "db[0-9]{1,3}", "db1234", false},
		{MATCHER_LIKE, "[]a[:digit:]\\]+", "]a1\\]", true},
		{MATCHER_LIKE, "db\\.example", "db.example", true},
		{MATCHER_LIKE, "db\\.example", "dbxexample", false},
		{MATCHER_LIKE, ".*", "", true},
		{MATCHER_LIKE, ".+", "", false},
		{MATCHER_LIKE, "", "", true},
		{MATCHER_LIKE, "([0-9a-f]{8})-([0-9a-f]{4}-){3}[0-9a-f]{12}",
		 "01890000-0000-7000-8000-000000000001", true},
		{MATCHER_UNLIKE, "db.*", "db1", false},
		{MATCHER_UNLIKE, "db.*", "web", true},
	};
	char fault[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct matcher *m =
			matcher_new("x", rows[i].op, rows[i].value, fault, sizeof(fault));

		if (!m)
			fail_msg("%s: %s", rows[i].value, fault);
		assert_string_equal(matcher_label(m), "x");
		if (matcher_matches(m, rows[i].given) != rows[i].matches)
			fail_msg("'%s' %s '%s'", rows[i].given, matcher_ops[rows[i].op],
				 rows[i].value);
		matcher_free(m);
	}
	matcher_free(NULL);
}

/* What would take the C library for ever, or means something else to it, is refused at once. */
static void strange_expressions_are_refused(void **state)
{
	static const char *const rows[] = {
		"(",
		"a)b(",
		"[a",
		"*{",
		"a{3,2}",
		"\\d+",
		"[a-z]\\w",
		"(.*)\\1",
		"(?i)db",
		"(?:a)",
		"((((a{100}){100}){100}){100})",
		"(a{200}b{200}c{200}){200}",
		"a{99999}",
		"\\",
		"a++",
		"a**",
		"a{2}{2}",
		"a{9223372036854775807,}",
		"((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+",
		"((((((((((((((((((((a))))))))))))))))))))",
	};
	char fault[200], *text = tc_alloc(MATCHER_VALUE_MAX + 2);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct matcher *m;

		fault[0] = '\0';
		m = matcher_new("x", MATCHER_LIKE, rows[i], fault, sizeof(fault));
		if (!strcmp(rows[i], "[a-z]\\w")) {
			assert_non_null(m); /* the one escape that is known to both */
			matcher_free(m);
			continue;
		}
		if (m)
			fail_msg("'%s' was taken", rows[i]);
		assert_true(strlen(fault) > 10);
		m = matcher_new("x", MATCHER_EQUAL, rows[i], fault, sizeof(fault));
		assert_true(matcher_matches(m, rows[i]));
		matcher_free(m);
	}
	memset(text, 'a', MATCHER_VALUE_MAX + 1);
	assert_null(matcher_new("x", MATCHER_LIKE, text, fault, sizeof(fault)));
	free(text);
}

/* ---- maintenance windows ---- */

#define WINDOW(matchers, start, end)                                                               \
	"{\"name\":\"w\",\"matchers\":[" matchers "],\"start\":\"2026-01-31T" start                \
	":00Z\",\"end\":\"2026-01-31T" end ":00Z\"}"
#define DB "{\"label\":\"host\",\"op\":\"=~\",\"value\":\"db.*\"}"

static void windows_are_checked(void **state)
{
	struct world *w = world_of(state);

	expect_faults(w, &maintenance_kind, WINDOW(DB, "10:00", "12:00"), "");
	expect_faults(w, &maintenance_kind, WINDOW(DB, "12:00", "12:00"),
		      "end: must be later than start");
	expect_faults(w, &maintenance_kind, WINDOW("", "10:00", "12:00"), "matchers: ");
	expect_faults(w, &maintenance_kind, WINDOW(DB, "25:00", "12:00"),
		      "start: is not a date and time");
	expect_faults(w, &maintenance_kind, WINDOW(DB, "10:00", "12:61"),
		      "end: is not a date and time");
	expect_faults(w, &maintenance_kind,
		      WINDOW("{\"label\":\"a\",\"op\":\"=~\",\"value\":\"(\"}", "10:00", "12:00"),
		      "matchers[0].value: is no regular expression");
	expect_faults(w, &maintenance_kind,
		      WINDOW("{\"label\":\"a\",\"op\":\"==\",\"value\":\"b\"}", "10:00", "12:00"),
		      "matchers[0].op: ");
	expect_faults(w, &maintenance_kind,
		      WINDOW("{\"label\":\"\",\"value\":\"b\"}", "10:00", "12:00"),
		      "matchers[0].label: ");
	assert_null(compiled(&maintenance_kind, WINDOW(DB, "25:00", "12:00")));
	assert_null(compiled(&maintenance_kind, "{\"name\":\"w\"}"));
}

static void put_window(struct world *w, const char *id, const char *body)
{
	struct document_row row = row_of("maintenance", id, id, body);

	documents_put(oncall_maintenance(w->oncall), &row);
}

/* The name of the window that holds, "" for none. */
static const char *holds(struct world *w, const struct maintenance_alert *alert, const char *clock)
{
	const struct document *doc;
	int64_t at_us, until_us = 0;
	char text[40];

	snprintf(text, sizeof(text), "2026-01-31T%sZ", clock);
	assert_int_equal(rfc3339_parse(text, &at_us), 0);
	doc = maintenance_holds(w->oncall, alert, at_us, &until_us);
	assert_true(doc ? until_us > at_us : until_us == 0);
	return doc ? doc->name : "";
}

static void windows_hold_alerts(void **state)
{
	struct world *w = world_of(state);
	json_t *labels = json_pack("{s:s, s:s}", "host", "db1", "team", "x");
	struct maintenance_alert alert = {labels, "critical", "api", "oncall"},
				 bare = {NULL, "warning", NULL, "+49301"};

	put_window(w, "db", WINDOW(DB, "10:00", "12:00"));
	put_window(w, "broken", "{}");
	assert_string_equal(holds(w, &alert, "09:59:59.999999"), "");
	assert_string_equal(holds(w, &alert, "10:00:00"), "db");
	assert_string_equal(holds(w, &alert, "11:59:59.999999"), "db");
	assert_string_equal(holds(w, &alert, "12:00:00"), "");
	assert_string_equal(holds(w, &bare, "11:00:00"), "");
	/* of several the one that ends last */
	put_window(w, "a", WINDOW("{\"label\":\"team\",\"value\":\"x\"}", "09:00", "11:30"));
	put_window(w, "z", WINDOW("{\"label\":\"team\",\"value\":\"x\"}", "10:00", "13:00"));
	assert_string_equal(holds(w, &alert, "09:30:00"), "a");
	assert_string_equal(holds(w, &alert, "11:00:00"), "z");
	documents_drop(oncall_maintenance(w->oncall), "z");
	assert_string_equal(holds(w, &alert, "11:00:00"), "db");
	/* all of its matchers must match; what an alert has beside its labels can be matched */
	put_window(w, "sev",
		   WINDOW("{\"label\":\"severity\",\"value\":\"warning\"},{\"label\":\"source\","
			  "\"op\":\"!=\",\"value\":\"api\"},{\"label\":\"target\",\"op\":\"=~\","
			  "\"value\":\"[+]49.*\"}",
			  "14:00", "15:00"));
	assert_string_equal(holds(w, &bare, "14:30:00"), "sev");
	bare.source = "api";
	assert_string_equal(holds(w, &bare, "14:30:00"), "");
	bare.source = "am";
	bare.labels = labels;
	json_object_set_new(labels, "severity", json_string("info"));
	assert_string_equal(holds(w, &bare, "14:30:00"), ""); /* its own label comes first */
	json_decref(labels);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(reads_what_is_stored),
		WORLD_TEST(follows_changes),
		WORLD_TEST(policies_are_checked),
		WORLD_TEST(policies_are_compiled),
		WORLD_TEST(references_become_ids),
		cmocka_unit_test(matchers_match_the_whole_value),
		cmocka_unit_test(strange_expressions_are_refused),
		WORLD_TEST(windows_are_checked),
		WORLD_TEST(windows_hold_alerts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
