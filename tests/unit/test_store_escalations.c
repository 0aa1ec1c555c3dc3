/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The repository of escalations, over a real database.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/alert_repo.h"
#include "store/escalation_repo.h"
#include "unit/store_rig.h"

static void add(struct db *db, const char *id, const char *state, int64_t timeout_ms)
{
	struct alert_row alert = {.state = state,
				  .message = "Disk full",
				  .target = "policy:p",
				  .strategy = "call",
				  .severity = "critical",
				  .labels = "{}"};
	struct escalation_row row = {.version = 1, .ack_timeout_ms = timeout_ms, .body = "{}"};

	snprintf(alert.id, sizeof(alert.id), "%s", id);
	snprintf(row.alert_id, sizeof(row.alert_id), "%s", id);
	assert_int_equal(alert_insert(db, &alert), 0);
	assert_int_equal(escalation_insert(db, &row), 0);
}

static struct escalation_row version(const char *id, int64_t n, const char *body)
{
	struct escalation_row row = {.version = n, .ack_timeout_ms = 5000, .body = body};

	snprintf(row.alert_id, sizeof(row.alert_id), "%s", id);
	return row;
}

static void assert_body(struct db *db, const char *id, const char *body)
{
	struct escalation_row got;

	assert_int_equal(escalation_get(db, id, &got), 1);
	assert_string_equal(got.body, body);
	escalation_row_fini(&got);
}

static void versions_follow_each_other(void **state)
{
	struct db *db = rig_db(*state);
	struct escalation_row row = version("a", 2, "{\"n\":2}");

	add(db, "a", "open", 0);
	assert_int_equal(escalation_put(db, &row), 0);
	assert_int_equal(escalation_put(db, &row), -EALREADY); /* a commit reported as lost */
	row = version("a", 4, "{\"n\":4}");
	assert_int_equal(escalation_put(db, &row), -ESTALE);
	assert_body(db, "a", "{\"n\":2}");
	row = version("b", 1, "{\"n\":1}"); /* of an alert without one */
	assert_int_equal(escalation_put(db, &row), 0);
	assert_body(db, "b", "{\"n\":1}");
	assert_int_equal(escalation_get(db, "c", &row), 0);
	db_close(db);
}

static void acknowledgements_expire(void **state)
{
	struct db *db = rig_db(*state);
	int64_t expires_us = 7;

	add(db, "a", "acknowledged", 3000);
	add(db, "b", "acknowledged", 0);
	assert_int_equal(escalation_acknowledged(db, "a", "{\"x\":1}", 1000, &expires_us), 0);
	assert_int_equal(expires_us, 3001000);
	assert_body(db, "a", "{\"x\":1}");
	assert_int_equal(escalation_acknowledged(db, "a", NULL, 2000, &expires_us), 0);
	assert_int_equal(expires_us, 3002000);
	assert_body(db, "a", "{\"x\":1}");
	assert_int_equal(escalation_acknowledged(db, "b", NULL, 1000, &expires_us), 0);
	assert_int_equal(expires_us, 0);
	assert_int_equal(escalation_acknowledged(db, "none", NULL, 1000, &expires_us), 0);
	assert_int_equal(expires_us, 0);
	db_close(db);
}

struct seen {
	char text[200];
};

static int see(const struct alert_row *alert, const struct escalation_row *escalation, void *arg)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	snprintf(s->text + len, sizeof(s->text) - len, "%s:%lld%s ", alert->id,
		 (long long)escalation->version, escalation->body ? escalation->body : "-");
	return 0;
}

static void what_is_left_at_the_start(void **state)
{
	struct db *db = rig_db(*state);
	struct alert_row old = {.id = "c", .state = "open", .message = "m", .target = "+491",
				.strategy = "call", .severity = "x", .labels = "{}"};
	struct seen open = {""}, expiring = {""};
	int64_t expires_us;

	add(db, "b", "open", 0);
	add(db, "a", "open", 0);
	add(db, "d", "acknowledged", 3000);
	add(db, "e", "acknowledged", 3000);
	add(db, "f", "resolved", 3000);
	assert_int_equal(alert_insert(db, &old), 0);
	assert_int_equal(escalation_acknowledged(db, "d", NULL, 1000, &expires_us), 0);
	assert_int_equal(escalation_acknowledged(db, "e", NULL, 1000, &expires_us), 0);
	assert_int_equal(escalation_acknowledged(db, "f", NULL, 1000, &expires_us), 0);
	assert_int_equal(escalation_over(db, "e"), 0);
	assert_int_equal(escalation_list_open(db, see, &open), 0);
	assert_string_equal(open.text, "a:1{} b:1{} c:0- ");
	assert_int_equal(escalation_list_expiring(db, see, &expiring), 0);
	assert_string_equal(expiring.text, "d:1{} ");
	db_close(db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(versions_follow_each_other),
		TEST(acknowledgements_expire),
		TEST(what_is_left_at_the_start),
	};

	return cmocka_run_group_tests_name("store_escalations", tests, NULL, NULL);
}
