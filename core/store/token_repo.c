/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * API tokens in the store: the statements on the table of tokens. The hash is stored as lower-case
 * hexadecimal text, which every database can index.
 */
#include "store/token_repo.h"

#include <stdlib.h>
#include <string.h>

#include "store/row.h"

#define COLUMNS      "id, name, scope, hash, created_us, expires_us"
#define COLUMN_COUNT 6
#define HASH_BYTES   32

void token_row_fini(struct token_row *row)
{
	free((void *)row->name);
	free((void *)row->scope);
	*row = (struct token_row){0};
}

static void hash_format(const unsigned char hash[HASH_BYTES], char text[2 * HASH_BYTES + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < HASH_BYTES; i++) {
		text[2 * i] = digits[hash[i] >> 4];
		text[2 * i + 1] = digits[hash[i] & 15];
	}
	text[2 * HASH_BYTES] = '\0';
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False when it is no hash: somebody wrote into the table by hand. */
static bool hash_parse(const struct tc_value *v, unsigned char hash[HASH_BYTES])
{
	if (v->type != TC_V_TEXT || v->len != 2 * HASH_BYTES)
		return false;
	for (size_t i = 0; i < HASH_BYTES; i++) {
		int high = digit(v->s[2 * i]), low = digit(v->s[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		hash[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

int token_insert(struct db *db, const struct token_row *row)
{
	char hash[2 * HASH_BYTES + 1];
	const struct tc_value params[COLUMN_COUNT] = {
		DB_TEXT(row->id),        DB_TEXT(row->name),
		DB_TEXT(row->scope),     {.type = TC_V_TEXT, .s = hash, .len = 2 * HASH_BYTES},
		DB_INT(row->created_us), DB_INT(row->expires_us),
	};

	hash_format(row->hash, hash);
	return db_run(db, "INSERT INTO tokens (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)", params,
		      COLUMN_COUNT);
}

struct reader {
	int (*fn)(const struct token_row *row, void *arg);
	void *arg;
};

static int hand_over(const struct tc_value *v, void *arg)
{
	struct reader *reader = arg;
	struct token_row row = {0};
	int stop;

	/* A token without a hash opens nothing. */
	if (!hash_parse(&v[3], row.hash))
		return 0;
	row_id(&v[0], row.id);
	row.name = row_text_or_empty(&v[1]);
	row.scope = row_text_or_empty(&v[2]);
	row.created_us = v[4].i;
	row.expires_us = v[5].i;
	stop = reader->fn(&row, reader->arg);
	token_row_fini(&row);
	return stop;
}

int token_list(struct db *db, int (*fn)(const struct token_row *row, void *arg), void *arg)
{
	struct reader reader = {fn, arg};

	return rows_each(db, "SELECT " COLUMNS " FROM tokens ORDER BY name", NULL, 0, COLUMN_COUNT,
			 hand_over, &reader);
}

int token_delete(struct db *db, const char *id)
{
	const struct tc_value params[] = {DB_TEXT(id)};
	int err;

	err = db_run(db, "DELETE FROM tokens WHERE id = ?", params, 1);
	if (err)
		return err;
	return db_changes(db) ? 0 : -ENOENT;
}
