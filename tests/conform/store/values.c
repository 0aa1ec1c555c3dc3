/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract on statements, parameters, rows and errors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conform/store/suite.h"

static struct tc_stmt *prepare(struct tc_db *db, const char *sql)
{
	struct tc_stmt *stmt = NULL;
	int err = ops->prepare(db, sql, &stmt);

	if (err)
		print_message("%s: %d: %s\n", sql, err, ops->error(db));
	assert_int_equal(err, 0);
	return stmt;
}

void test_dialect(void **state)
{
	const struct tc_store_dialect *d = ops->dialect(instance_state);

	(void)state;
	assert_true(d->name && *d->name);
	assert_true(d->autoid && *d->autoid);
	assert_true(d->text && *d->text);
	assert_true(d->blob && *d->blob);
	assert_non_null(d->table_suffix);
	assert_non_null(d->for_update);
	assert_non_null(d->skip_locked);
	assert_ptr_equal(d, ops->dialect(instance_state));
}

/* Store a value in a column of the type, and read the same back. */
static void round_trip(struct tc_db *db, const char *column, struct tc_value v)
{
	char columns[128];
	struct tc_stmt *stmt;
	struct tc_value got;

	snprintf(columns, sizeof(columns), "(id INT NOT NULL PRIMARY KEY, v %s)", column);
	table(db, "conform_v", columns);
	assert_int_equal(try_run(db, "INSERT INTO conform_v (id, v) VALUES (1, ?)", &v, 1), 0);
	stmt = prepare(db, "SELECT v FROM conform_v");
	assert_int_equal(ops->execute(stmt, NULL, 0), 0);
	memset(&got, 0xa5, sizeof(got));
	assert_int_equal(ops->next(stmt, &got, 1), 1);
	assert_int_equal(got.type, v.type);
	if (v.type == TC_V_INT)
		assert_true(got.i == v.i);
	if (v.type == TC_V_TEXT || v.type == TC_V_BLOB) {
		assert_int_equal(got.len, v.len);
		assert_non_null(got.s);
		assert_memory_equal(got.s, v.s, v.len);
	}
	if (v.type == TC_V_TEXT)
		assert_int_equal(got.s[got.len], 0);
	assert_int_equal(ops->next(stmt, &got, 1), 0);
	ops->reset(stmt);
	ops->finish(stmt);
}

void test_round_trip(void **state)
{
	static const int64_t numbers[] = {0,
					  1,
					  -1,
					  255,
					  INT32_MIN,
					  INT32_MAX,
					  INT64_C(4294967296),
					  INT64_C(1893456000000000),
					  INT64_MIN,
					  INT64_MAX};
	static const char *const types[] = {"INT", "BIGINT", "VARCHAR(64)", "{text}", "{blob}"};
	struct tc_db *db = connect_db();
	char bytes[256];

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		round_trip(db, types[i], NOTHING);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		round_trip(db, "BIGINT", INT(numbers[i]));
	round_trip(db, "INT", INT(-2147483647));
	for (size_t i = 2; i < 4; i++) {
		round_trip(db, types[i], TEXT(""));
		round_trip(db, types[i], TEXT(" "));
		round_trip(db, types[i], TEXT("0"));
		round_trip(db, types[i], TEXT("null"));
		round_trip(db, types[i], TEXT("it's 100% \"quoted\" \\ and ? and ;--"));
		round_trip(db, types[i],
			   TEXT("Gr\xc3\xbc\xc3\x9f"
				"e \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x94\x94"));
		round_trip(db, types[i], TEXT("line\r\nline\ttab"));
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	round_trip(db, "{blob}", BLOB(bytes, sizeof(bytes)));
	round_trip(db, "{blob}", BLOB("", 0));
	round_trip(db, "{blob}", BLOB("\0", 1));
	ops->disconnect(db);
}

void test_long_text(void **state)
{
	struct tc_db *db = connect_db();
	size_t len = 1024 * 1024;
	char *s = malloc(len);

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < len; i++)
		s[i] = (char)('a' + i % 26);
	round_trip(db, "{text}", (struct tc_value){.type = TC_V_TEXT, .s = s, .len = len});
	s[17] = '\0';
	round_trip(db, "{blob}", BLOB(s, 60000));
	free(s);
	ops->disconnect(db);
}

/*
 * The values given to execute() may be gone when it has returned, also for a query whose rows come
 * later.
 */
void test_params_are_used_up(void **state)
{
	struct tc_db *db = connect_db();
	char text[] = "kept";
	struct tc_value v = TEXT(text);
	struct tc_stmt *stmt;

	(void)state;
	table(db, "conform_v", "(id INT NOT NULL PRIMARY KEY, v VARCHAR(64))");
	v.len = 4;
	for (int i = 1; i <= 3; i++) {
		struct tc_value params[] = {INT(i), v};

		assert_int_equal(
			try_run(db, "INSERT INTO conform_v (id, v) VALUES (?, ?)", params, 2), 0);
	}
	stmt = prepare(db, "SELECT id FROM conform_v WHERE v = ? ORDER BY id");
	assert_int_equal(ops->execute(stmt, &v, 1), 0);
	memset(text, 'x', 4);
	for (int i = 1; i <= 3; i++) {
		struct tc_value got;

		assert_int_equal(ops->next(stmt, &got, 1), 1);
		assert_int_equal(got.i, i);
	}
	assert_int_equal(ops->next(stmt, &v, 1), 0);
	ops->reset(stmt);
	ops->finish(stmt);
	ops->disconnect(db);
}

static void fill(struct tc_db *db, int n)
{
	table(db, "conform_v", "(id INT NOT NULL PRIMARY KEY, v VARCHAR(64))");
	for (int i = 1; i <= n; i++) {
		struct tc_value params[] = {INT(i), NOTHING};

		assert_int_equal(
			try_run(db, "INSERT INTO conform_v (id, v) VALUES (?, ?)", params, 2), 0);
	}
}

void test_rows(void **state)
{
	struct tc_db *db = connect_db();
	struct tc_value row[3];
	struct tc_stmt *stmt;

	(void)state;
	fill(db, 3);
	stmt = prepare(db, "SELECT id, v, 'x' FROM conform_v WHERE id >= ? ORDER BY id DESC");
	assert_int_equal(ops->execute(stmt, &INT(2), 1), 0);
	for (int i = 3; i >= 2; i--) {
		assert_int_equal(ops->next(stmt, row, 3), 1);
		assert_int_equal(row[0].i, i);
		assert_int_equal(row[1].type, TC_V_NULL);
		assert_int_equal(row[2].type, TC_V_TEXT);
		assert_string_equal(row[2].s, "x");
	}
	assert_int_equal(ops->next(stmt, row, 3), 0);
	assert_int_equal(ops->next(stmt, row, 3), 0); /* the end is the end */
	ops->reset(stmt);
	assert_int_equal(ops->execute(stmt, &INT(9), 1), 0);
	assert_int_equal(ops->next(stmt, row, 3), 0);
	ops->reset(stmt);
	ops->finish(stmt);
	ops->disconnect(db);
}

void test_reuse_after_reset(void **state)
{
	struct tc_db *db = connect_db();
	struct tc_stmt *query, *insert;
	struct tc_value v;

	(void)state;
	fill(db, 5);
	query = prepare(db, "SELECT id FROM conform_v WHERE id > ? ORDER BY id");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ops->execute(query, &INT(i), 1), 0);
		assert_int_equal(ops->next(query, &v, 1), 1);
		assert_int_equal(v.i, i + 1);
		ops->reset(query); /* in the middle of its rows */
	}
	insert = prepare(db, "INSERT INTO conform_v (id) VALUES (?)");
	for (int i = 10; i < 13; i++) {
		assert_int_equal(ops->execute(insert, &INT(i), 1), 0);
		ops->reset(insert);
		assert_int_equal(ops->execute(insert, &INT(i), 1),
				 -EEXIST); /* also after an error */
		ops->reset(insert);
	}
	assert_int_equal(number(db, "SELECT COUNT(*) FROM conform_v"), 8);
	ops->finish(query);
	ops->finish(insert);
	ops->disconnect(db);
}

/* Rows of one statement are read while others run on the same connection. */
void test_two_statements_at_once(void **state)
{
	struct tc_db *db = connect_db();
	struct tc_stmt *outer, *inner, *update;
	struct tc_value v, w;

	(void)state;
	fill(db, 3);
	outer = prepare(db, "SELECT id FROM conform_v WHERE id <= 3 ORDER BY id");
	inner = prepare(db, "SELECT COUNT(*) FROM conform_v WHERE id < ?");
	update = prepare(db, "UPDATE conform_v SET v = 'seen' WHERE id = ?");
	assert_int_equal(ops->execute(outer, NULL, 0), 0);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(ops->next(outer, &v, 1), 1);
		assert_int_equal(v.i, i);
		assert_int_equal(ops->execute(inner, &INT(i), 1), 0);
		assert_int_equal(ops->next(inner, &w, 1), 1);
		assert_int_equal(w.i, i - 1);
		ops->reset(inner);
		assert_int_equal(ops->execute(update, &INT(i), 1), 0);
		ops->reset(update);
	}
	assert_int_equal(ops->next(outer, &v, 1), 0);
	ops->reset(outer);
	ops->finish(outer);
	ops->finish(inner);
	ops->finish(update);
	assert_int_equal(number(db, "SELECT COUNT(*) FROM conform_v WHERE v = 'seen'"), 3);
	ops->disconnect(db);
}

void test_autoid(void **state)
{
	struct tc_db *db = connect_db();
	int64_t before = 0;

	(void)state;
	table(db, "conform_a", "(id {autoid}, v INT)");
	for (int i = 0; i < 5; i++) {
		struct tc_value v = INT(i);

		assert_int_equal(try_run(db, "INSERT INTO conform_a (v) VALUES (?)", &v, 1), 0);
		assert_true(ops->last_id(db) > before);
		before = ops->last_id(db);
		assert_true(number(db, "SELECT MAX(id) FROM conform_a") == before);
		assert_true(ops->last_id(db) == before);
	}
	run(db, "DELETE FROM conform_a WHERE v >= 3");
	run(db, "INSERT INTO conform_a (v) VALUES (9)");
	assert_true(ops->last_id(db) > before); /* a deleted one is not given again */
	ops->disconnect(db);
}

void test_changes(void **state)
{
	struct tc_db *db = connect_db();

	(void)state;
	fill(db, 4);
	run(db, "INSERT INTO conform_v (id) VALUES (5)");
	assert_int_equal(ops->changes(db), 1);
	run(db, "UPDATE conform_v SET v = 'x' WHERE id > 2");
	assert_int_equal(ops->changes(db), 3);
	run(db, "UPDATE conform_v SET v = 'x' WHERE id > 100");
	assert_int_equal(ops->changes(db), 0);
	run(db, "DELETE FROM conform_v WHERE id <= 2");
	assert_int_equal(ops->changes(db), 2);
	run(db, "DELETE FROM conform_v WHERE id <= 2");
	assert_int_equal(ops->changes(db), 0);
	ops->disconnect(db);
}

void test_unique(void **state)
{
	struct tc_value twice[] = {INT(1), TEXT("other")}, same[] = {INT(2), TEXT("one")};
	struct tc_db *db = connect_db();

	(void)state;
	table(db, "conform_u",
	      "(id INT NOT NULL PRIMARY KEY, name VARCHAR(255), must INT NOT NULL)");
	run(db, "CREATE UNIQUE INDEX IF NOT EXISTS conform_u_name ON conform_u (name)");
	run(db, "INSERT INTO conform_u (id, name, must) VALUES (1, 'one', 1)");
	assert_int_equal(
		try_run(db, "INSERT INTO conform_u (id, name, must) VALUES (?, ?, 1)", twice, 2),
		-EEXIST);
	assert_int_equal(
		try_run(db, "INSERT INTO conform_u (id, name, must) VALUES (?, ?, 1)", same, 2),
		-EEXIST);
	/* NULLs do not meet, and another constraint is another error */
	run(db, "INSERT INTO conform_u (id, name, must) VALUES (3, NULL, 1)");
	run(db, "INSERT INTO conform_u (id, name, must) VALUES (4, NULL, 1)");
	assert_int_equal(try_run(db, "UPDATE conform_u SET name = 'one' WHERE id = 3", NULL, 0),
			 -EEXIST);
	assert_int_equal(try_run(db, "UPDATE conform_u SET must = NULL WHERE id = 3", NULL, 0),
			 -EINVAL);
	ops->disconnect(db);
}

/* Keys that differ are different: in case, in accents, in spaces at the end. */
void test_comparisons_are_exact(void **state)
{
	static const char *const names[] = {"key", "Key", "key ", "k\xc3\xa9y", ""};
	struct tc_db *db = connect_db();

	(void)state;
	table(db, "conform_u", "(name VARCHAR(255) NOT NULL PRIMARY KEY)");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct tc_value v = {.type = TC_V_TEXT, .s = names[i], .len = strlen(names[i])};

		assert_int_equal(try_run(db, "INSERT INTO conform_u (name) VALUES (?)", &v, 1), 0);
		assert_int_equal(try_run(db, "INSERT INTO conform_u (name) VALUES (?)", &v, 1),
				 -EEXIST);
	}
	assert_int_equal(number(db, "SELECT COUNT(*) FROM conform_u WHERE name = 'key'"), 1);
	/* ids are ordered as bytes are */
	assert_int_equal(number(db, "SELECT COUNT(*) FROM conform_u WHERE name < 'a'"), 2);
	ops->disconnect(db);
}

void test_like(void **state)
{
	struct tc_db *db = connect_db();
	struct tc_stmt *stmt;
	struct tc_value v;
	static const struct {
		const char *pattern;
		int want;
	} cases[] = {
		{"%LOAD%", 2}, {"%100!%%", 1},   {"%web!_1%", 1},
		{"%", 3},      {"%nothing%", 0}, {"%\\%", 1},
	};

	(void)state;
	table(db, "conform_l", "(id INT NOT NULL PRIMARY KEY, v {text})");
	run(db, "INSERT INTO conform_l (id, v) VALUES (1, 'Load at 100% on web_1')");
	run(db, "INSERT INTO conform_l (id, v) VALUES (2, 'load at 1000 on webX1')");
	v = TEXT("back\\slash");
	assert_int_equal(try_run(db, "INSERT INTO conform_l (id, v) VALUES (3, ?)", &v, 1), 0);
	stmt = prepare(db,
		       "SELECT COUNT(*) FROM conform_l WHERE LOWER(v) LIKE LOWER(?) ESCAPE '!'");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tc_value pattern = {
			.type = TC_V_TEXT, .s = cases[i].pattern, .len = strlen(cases[i].pattern)};

		assert_int_equal(ops->execute(stmt, &pattern, 1), 0);
		assert_int_equal(ops->next(stmt, &v, 1), 1);
		assert_int_equal(v.i, cases[i].want);
		ops->reset(stmt);
	}
	ops->finish(stmt);
	ops->disconnect(db);
}

/* What core/store uses beside the plainest. */
void test_common_sql(void **state)
{
	struct tc_db *db = connect_db();
	struct tc_stmt *stmt;
	struct tc_value v;

	(void)state;
	fill(db, 5);
	stmt = prepare(db, "SELECT id FROM conform_v WHERE id IN (?, ?, ?) ORDER BY id LIMIT ?");
	assert_int_equal(ops->execute(stmt, (struct tc_value[]){INT(4), INT(2), INT(3), INT(2)}, 4),
			 0);
	assert_int_equal(ops->next(stmt, &v, 1), 1);
	assert_int_equal(v.i, 2);
	assert_int_equal(ops->next(stmt, &v, 1), 1);
	assert_int_equal(v.i, 3);
	assert_int_equal(ops->next(stmt, &v, 1), 0);
	ops->reset(stmt);
	ops->finish(stmt);
	stmt = prepare(db, "UPDATE conform_v SET v = COALESCE(?, v) WHERE id = 1");
	assert_int_equal(ops->execute(stmt, &TEXT("set"), 1), 0);
	ops->reset(stmt);
	assert_int_equal(ops->execute(stmt, &NOTHING, 1), 0);
	ops->reset(stmt);
	ops->finish(stmt);
	assert_int_equal(number(db, "SELECT COUNT(*) FROM conform_v WHERE v = 'set'"), 1);
	assert_int_equal(number(db, "SELECT MAX(id) FROM conform_v"), 5);
	stmt = prepare(db, "SELECT MAX(id) FROM conform_v WHERE id > 100");
	assert_int_equal(ops->execute(stmt, NULL, 0), 0);
	assert_int_equal(ops->next(stmt, &v, 1), 1);
	assert_int_equal(v.type, TC_V_NULL);
	ops->reset(stmt);
	ops->finish(stmt);
	ops->disconnect(db);
}

void test_refused_statements(void **state)
{
	struct tc_db *db = connect_db();
	struct tc_stmt *stmt;

	(void)state;
	fill(db, 1);
	assert_int_equal(ops->prepare(db, "SELEKT 1", &stmt), -EINVAL);
	assert_true(*ops->error(db));
	assert_int_equal(ops->prepare(db, "SELECT x FROM conform_missing", &stmt), -EINVAL);
	assert_non_null(strstr(ops->error(db), "conform_missing"));
	assert_int_equal(ops->prepare(db, "", &stmt), -EINVAL);
	assert_int_equal(ops->prepare(db, "DELETE FROM conform_v; DELETE FROM conform_v", &stmt),
			 -EINVAL);
	stmt = prepare(db, "SELECT id FROM conform_v WHERE id = ?");
	assert_int_equal(ops->execute(stmt, NULL, 0), -EINVAL);
	ops->reset(stmt);
	assert_int_equal(ops->execute(stmt, (struct tc_value[]){INT(1), INT(2)}, 2), -EINVAL);
	ops->reset(stmt);
	ops->finish(stmt);
	/* the connection is none the worse */
	assert_int_equal(number(db, "SELECT COUNT(*) FROM conform_v"), 1);
	ops->disconnect(db);
}

void test_error_text_has_no_values(void **state)
{
	struct tc_value v = TEXT("s3cret-value");
	struct tc_db *db = connect_db();

	(void)state;
	table(db, "conform_u", "(name VARCHAR(255) NOT NULL PRIMARY KEY)");
	assert_int_equal(try_run(db, "INSERT INTO conform_u (name) VALUES (?)", &v, 1), 0);
	assert_int_equal(try_run(db, "INSERT INTO conform_u (name) VALUES (?)", &v, 1), -EEXIST);
	assert_true(*ops->error(db));
	assert_null(strstr(ops->error(db), "s3cret"));
	ops->disconnect(db);
}

void test_finish_and_disconnect(void **state)
{
	struct tc_db *db = connect_db();
	struct tc_stmt *stmt[20];
	struct tc_value v;

	(void)state;
	fill(db, 3);
	for (int i = 0; i < 20; i++)
		stmt[i] = prepare(db, "SELECT id FROM conform_v ORDER BY id");
	assert_int_equal(ops->execute(stmt[0], NULL, 0), 0);
	assert_int_equal(ops->next(stmt[0], &v, 1), 1);
	ops->finish(stmt[0]); /* with rows left */
	for (int i = 1; i < 10; i++)
		ops->finish(stmt[i]);
	assert_int_equal(ops->execute(stmt[10], NULL, 0), 0);
	assert_int_equal(ops->next(stmt[10], &v, 1), 1);
	ops->disconnect(db); /* with statements left, one of them at work */
}
