/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The repositories of alerts and tokens, over a real database.
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

#include "store/alert_repo.h"
#include "store/token_repo.h"
#include "unit/store_rig.h"

/* An alert with the id "id-NN", which sort as ids do. */
static struct alert_row sample(unsigned n)
{
	struct alert_row row = {
		.state = "open",
		.message = "Disk full",
		.target = "+4930123",
		.strategy = "call",
		.severity = "critical",
		.labels = "{}",
		.created_us = 1000 + n,
		.updated_us = 1000 + n,
	};

	snprintf(row.id, sizeof(row.id), "id-%02u", n);
	return row;
}

static void add(struct db *db, struct alert_row row)
{
	assert_int_equal(alert_insert(db, &row), 0);
}

static void test_insert_and_get(void **state)
{
	struct db *db = rig_db(*state);
	struct alert_row row = sample(1), got;

	row.message = "Pl\xc3\xa4tte voll \xf0\x9f\x94\x94 100% _!'\"\\";
	row.language = "de";
	row.voice = "local";
	row.source = "alertmanager/am";
	row.dedup_key = "k";
	row.labels = "{\"a\":\"b\"}";
	row.acknowledged_by = "alice";
	row.acknowledged_us = INT64_C(1893456000000000);
	row.step = 3;
	add(db, row);
	assert_int_equal(alert_get(db, "id-01", &got), 1);
	assert_string_equal(got.id, row.id);
	assert_string_equal(got.state, row.state);
	assert_string_equal(got.message, row.message);
	assert_string_equal(got.target, row.target);
	assert_string_equal(got.strategy, row.strategy);
	assert_string_equal(got.severity, row.severity);
	assert_string_equal(got.language, row.language);
	assert_string_equal(got.voice, row.voice);
	assert_string_equal(got.source, row.source);
	assert_string_equal(got.dedup_key, row.dedup_key);
	assert_string_equal(got.labels, row.labels);
	assert_string_equal(got.acknowledged_by, row.acknowledged_by);
	assert_true(got.acknowledged_us == row.acknowledged_us);
	assert_true(got.created_us == row.created_us && got.updated_us == row.updated_us);
	assert_int_equal(got.step, 3);
	alert_row_fini(&got);
	assert_null(got.message);

	add(db, sample(2));
	assert_int_equal(alert_get(db, "id-02", &got), 1);
	assert_null(got.language);
	assert_null(got.voice);
	assert_null(got.source);
	assert_null(got.dedup_key);
	assert_null(got.acknowledged_by);
	assert_true(got.acknowledged_us == 0);
	alert_row_fini(&got);

	assert_int_equal(alert_get(db, "id-03", &got), 0);
	assert_int_equal(alert_insert(db, &row), -EEXIST);
	db_close(db);
}

static void test_by_key_finds_the_newest(void **state)
{
	struct db *db = rig_db(*state);
	char id[TC_ID_SIZE] = "", now[16] = "";
	struct alert_row row;

	assert_int_equal(alert_by_key(db, "key", id, now), 0);
	for (unsigned n = 1; n <= 3; n++) {
		row = sample(n);
		row.dedup_key = "key";
		row.state = n == 3 ? "acknowledged" : "resolved";
		add(db, row);
	}
	row = sample(4);
	row.dedup_key = "Key";
	add(db, row);
	add(db, sample(5));
	assert_int_equal(alert_by_key(db, "key", id, now), 1);
	assert_string_equal(id, "id-03");
	assert_string_equal(now, "acknowledged");
	assert_int_equal(alert_by_key(db, "ke", id, now), 0);
	db_close(db);
}

static void check(struct db *db, const char *state, const char *by, int64_t at_us,
		  int64_t updated_us)
{
	struct alert_row row;

	assert_int_equal(alert_get(db, "id-01", &row), 1);
	assert_string_equal(row.state, state);
	if (by)
		assert_string_equal(row.acknowledged_by, by);
	else
		assert_null(row.acknowledged_by);
	assert_true(row.acknowledged_us == at_us);
	assert_true(row.updated_us == updated_us);
	alert_row_fini(&row);
}

static void test_set_state(void **state)
{
	struct db *db = rig_db(*state);
	char now[16] = "";

	add(db, sample(1));
	add(db, sample(2));
	assert_int_equal(alert_set_state(db, "id-99", "open", "resolved", NULL, 1, now), -ENOENT);
	assert_string_equal(now, "");
	assert_int_equal(alert_set_state(db, "id-01", "acknowledged", "open", NULL, 2000, now),
			 -EPERM);
	assert_string_equal(now, "open");
	check(db, "open", NULL, 0, 1001);
	assert_int_equal(alert_set_state(db, "id-01", "open", "acknowledged", "alice", 2000, now),
			 0);
	assert_string_equal(now, "acknowledged");
	check(db, "acknowledged", "alice", 2000, 2000);
	/* twice: the second comes too late, and is told so */
	assert_int_equal(alert_set_state(db, "id-01", "open", "acknowledged", "bob", 2001, now),
			 -EPERM);
	assert_string_equal(now, "acknowledged");
	check(db, "acknowledged", "alice", 2000, 2000);
	/* escalated: open again, and nobody has acknowledged it any more */
	assert_int_equal(
		alert_set_state(db, "id-01", "open,acknowledged", "open", "alice", 3000, now), 0);
	check(db, "open", NULL, 0, 3000);
	/* the same again, even at the same moment, is no refusal */
	assert_int_equal(alert_set_state(db, "id-01", "open,acknowledged", "open", NULL, 3000, now),
			 0);
	assert_int_equal(alert_set_state(db, "id-01", "open", "acknowledged", "carol", 3500, now),
			 0);
	assert_int_equal(alert_set_state(db, "id-01", "open,acknowledged,exhausted", "resolved",
					 "am", 4000, NULL),
			 0);
	check(db, "resolved", "carol", 3500, 4000);
	assert_int_equal(alert_set_state(db, "id-01", "open,acknowledged,exhausted", "cancelled",
					 NULL, 5000, NULL),
			 -EPERM);
	/* a part of a name is not the name */
	assert_int_equal(alert_set_state(db, "id-01", "resolve,resolvedx", "open", NULL, 1, now),
			 -EPERM);
	assert_string_equal(now, "resolved");
	db_close(db);
}

static void test_set_step(void **state)
{
	struct db *db = rig_db(*state);
	struct alert_row row;

	add(db, sample(1));
	assert_int_equal(alert_set_step(db, "id-01", 2, 7000), 0);
	assert_int_equal(alert_set_step(db, "id-01", 2, 7000), 0);
	assert_int_equal(alert_set_step(db, "id-02", 2, 7000), -ENOENT);
	assert_int_equal(alert_get(db, "id-01", &row), 1);
	assert_int_equal(row.step, 2);
	assert_true(row.updated_us == 7000);
	alert_row_fini(&row);
	db_close(db);
}

/* ---- lists ---- */

struct seen {
	char ids[512];
	unsigned n, stop_at;
	int stop;
};

static int see(const struct alert_row *row, void *arg)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->ids);

	snprintf(seen->ids + len, sizeof(seen->ids) - len, "%s%s", len ? " " : "", row->id + 3);
	return ++seen->n == seen->stop_at ? seen->stop : 0;
}

static void check_list(struct db *db, struct alert_filter filter, const char *want)
{
	struct seen seen = {0};

	if (!filter.limit)
		filter.limit = 500;
	assert_int_equal(alert_list(db, &filter, see, &seen), 0);
	assert_string_equal(seen.ids, want);
}

static void fill(struct db *db)
{
	for (unsigned n = 1; n <= 6; n++) {
		struct alert_row row = sample(n);

		row.state = n % 2 ? "open" : "resolved";
		row.severity = n > 4 ? "warning" : "critical";
		row.source = n == 3 ? "api" : NULL;
		row.target = n == 4 ? "contact:alice" : "+4930123";
		row.message = n == 1   ? "Load at 100% on web_1"
			      : n == 2 ? "Load at 1000 on webX1"
			      : n == 5 ? "D\xc3\xbcrre! \xf0\x9f\x94\xa5"
				       : "Disk full";
		row.labels = n == 6 ? "{\"instance\":\"LOAD-balancer\"}" : "{}";
		add(db, row);
	}
}

static void test_list_filters(void **state)
{
	struct db *db = rig_db(*state);
	char long_q[2000];

	fill(db);
	check_list(db, (struct alert_filter){0}, "06 05 04 03 02 01");
	check_list(db, (struct alert_filter){.state = "open"}, "05 03 01");
	check_list(db, (struct alert_filter){.state = "nonsense"}, "");
	check_list(db, (struct alert_filter){.severity = "warning"}, "06 05");
	check_list(db, (struct alert_filter){.source = "api"}, "03");
	check_list(db, (struct alert_filter){.target = "contact:alice"}, "04");
	check_list(db, (struct alert_filter){.since_us = 1003}, "06 05 04 03");
	check_list(db, (struct alert_filter){.until_us = 1003}, "02 01");
	check_list(db, (struct alert_filter){.since_us = 1002, .until_us = 1004, .state = "open"},
		   "03");
	/* contains: message or labels, any case, no wildcards of the database */
	check_list(db, (struct alert_filter){.q = "load"}, "06 02 01");
	check_list(db, (struct alert_filter){.q = "100%"}, "01");
	check_list(db, (struct alert_filter){.q = "web_1"}, "01");
	check_list(db, (struct alert_filter){.q = "!"}, "05");
	check_list(db, (struct alert_filter){.q = "d\xc3\xbcrre"}, "05");
	check_list(db, (struct alert_filter){.q = "\xf0\x9f\x94\xa5"}, "05");
	check_list(db, (struct alert_filter){.q = "' OR 1=1 --"}, "");
	check_list(db, (struct alert_filter){.q = ""}, "06 05 04 03 02 01");
	check_list(db,
		   (struct alert_filter){.state = "open",
					 .severity = "critical",
					 .source = "api",
					 .target = "+4930123",
					 .q = "disk",
					 .since_us = 1,
					 .until_us = 9999,
					 .before_id = "id-06",
					 .limit = 5},
		   "03");
	memset(long_q, 'a', sizeof(long_q));
	long_q[sizeof(long_q) - 1] = '\0';
	assert_int_equal(alert_list(db, &(struct alert_filter){.q = long_q, .limit = 1}, see, NULL),
			 -EINVAL);
	db_close(db);
}

static void test_list_pages(void **state)
{
	struct db *db = rig_db(*state);
	struct seen seen = {.stop_at = 2, .stop = 1};
	struct alert_filter filter = {.limit = 4};

	fill(db);
	check_list(db, (struct alert_filter){.limit = 4}, "06 05 04 03");
	check_list(db, (struct alert_filter){.limit = 4, .before_id = "id-03"}, "02 01");
	check_list(db, (struct alert_filter){.limit = 4, .before_id = "id-01"}, "");
	check_list(db, (struct alert_filter){.limit = -1}, "06");
	check_list(db, (struct alert_filter){.limit = 1000000}, "06 05 04 03 02 01");
	/* a reader that has enough, and one that fails */
	assert_int_equal(alert_list(db, &filter, see, &seen), 0);
	assert_int_equal(seen.n, 2);
	seen = (struct seen){.stop_at = 1, .stop = -ENOMEM};
	assert_int_equal(alert_list(db, &filter, see, &seen), -ENOMEM);
	assert_int_equal(seen.n, 1);
	db_close(db);
}

static void test_list_open(void **state)
{
	struct db *db = rig_db(*state);
	struct seen seen = {0};

	fill(db);
	assert_int_equal(alert_list_open(db, see, &seen), 0);
	assert_string_equal(seen.ids, "01 03 05");
	db_close(db);
}

/* ---- tokens ---- */

struct tokens {
	char names[128];
	unsigned char hash[32];
	int64_t expires_us;
};

static int see_token(const struct token_row *row, void *arg)
{
	struct tokens *t = arg;
	size_t len = strlen(t->names);

	snprintf(t->names + len, sizeof(t->names) - len, "%s/%s/%s ", row->id, row->name,
		 row->scope);
	memcpy(t->hash, row->hash, sizeof(t->hash));
	t->expires_us = row->expires_us;
	return 0;
}

static void test_tokens(void **state)
{
	struct token_row row = {.id = "1", .name = "zoe", .scope = "admin", .created_us = 5};
	struct db *db = rig_db(*state);
	struct tokens t = {0};

	assert_int_equal(token_list(db, see_token, &t), 0);
	assert_string_equal(t.names, "");
	for (unsigned i = 0; i < 32; i++)
		row.hash[i] = (unsigned char)(i * 8 + 1);
	row.expires_us = 77;
	assert_int_equal(token_insert(db, &row), 0);
	assert_int_equal(token_list(db, see_token, &t), 0);
	assert_memory_equal(t.hash, row.hash, 32);
	assert_true(t.expires_us == 77);

	tc_strcopy(row.id, sizeof(row.id), "2");
	row.hash[0]++;
	assert_int_equal(token_insert(db, &row), -EEXIST); /* the name */
	row.name = "adam";
	row.hash[0]--;
	assert_int_equal(token_insert(db, &row), -EEXIST); /* the hash */
	row.hash[0]++;
	row.scope = "read";
	assert_int_equal(token_insert(db, &row), 0);
	t = (struct tokens){0};
	assert_int_equal(token_list(db, see_token, &t), 0);
	assert_string_equal(t.names, "2/adam/read 1/zoe/admin ");
	assert_int_equal(token_delete(db, "2"), 0);
	assert_int_equal(token_delete(db, "2"), -ENOENT);
	/* what is no hash opens nothing */
	assert_int_equal(db_exec_text(db, "UPDATE tokens SET hash = 'Z'"), 0);
	t = (struct tokens){0};
	assert_int_equal(token_list(db, see_token, &t), 0);
	assert_string_equal(t.names, "");
	db_close(db);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_insert_and_get), RIG_TEST(test_by_key_finds_the_newest),
		RIG_TEST(test_set_state),      RIG_TEST(test_set_step),
		RIG_TEST(test_list_filters),   RIG_TEST(test_list_pages),
		RIG_TEST(test_list_open),      RIG_TEST(test_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
