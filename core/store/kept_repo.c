/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What plugin instances keep, in the store: the statements on the table kept. Whose instance asks
 * is keep.c's.
 */
#include "store/kept_repo.h"

#include <stdlib.h>
#include <string.h>

#include "store/row.h"

int kept_put(struct db *db, const char *owner, const char *name, const char *body, int64_t now_us)
{
	const struct tc_value params[] = {DB_TEXT(owner), DB_TEXT(name), DB_TEXT(body),
					  DB_INT(now_us)};
	int err = db_run(db, "DELETE FROM kept WHERE owner = ? AND name = ?", params, 2);

	if (err || !body)
		return err;
	return db_run(db, "INSERT INTO kept (owner, name, body, updated_us) VALUES (?, ?, ?, ?)",
		      params, sizeof(params) / sizeof(params[0]));
}

struct reader {
	const char *prefix;
	int (*fn)(const char *name, const char *body, void *arg);
	void *arg;
};

static int hand_over(const struct tc_value *v, void *arg)
{
	const struct reader *reader = arg;
	char *name = row_text_or_empty(&v[0]), *body;
	int stop = 0;

	/* how a database orders texts is its own affair: the prefix is compared here */
	if (!strncmp(name, reader->prefix, strlen(reader->prefix))) {
		body = row_text_or_empty(&v[1]);
		stop = reader->fn(name, body, reader->arg);
		free(body);
	}
	free(name);
	return stop;
}

int kept_list(struct db *db, const char *owner, const char *prefix,
	      int (*fn)(const char *name, const char *body, void *arg), void *arg)
{
	const struct tc_value params[] = {DB_TEXT(owner)};
	struct reader reader = {prefix, fn, arg};

	return rows_each(db, "SELECT name, body FROM kept WHERE owner = ? ORDER BY name", params, 1,
			 2, hand_over, &reader);
}
