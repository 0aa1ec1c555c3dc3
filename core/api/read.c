/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers that are read from the store: the way to the reader's thread and back, pages, cursors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "host/id.h"
#include "host/rfc3339.h"
#include "store/store.h"

static void read_free(struct api_read *read)
{
	if (read->fini)
		read->fini(read);
	free(read->text);
	free(read);
}

/* The reader's thread: the text too is made here, for the loop has better to do. */
static int read_run(struct db *db, void *arg)
{
	struct api_read *read = arg;
	json_t *answer = NULL;
	int err = read->run(db, read, &answer);

	free(read->text);
	read->text = !err && answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	json_decref(answer);
	return !err && !read->text ? -EIO : err;
}

static void read_done(void *arg, int err)
{
	struct api_read *read = arg;

	if (!err)
		tc_http_reply(read->req, 200, "application/json", read->text, strlen(read->text));
	else if (err == -ENOENT)
		tc_http_problem(read->req, 404, NULL, "there is no such %s", read->noun);
	else
		api_busy(read->req);
	read_free(read);
}

void api_read(struct api *api, struct api_read *read)
{
	if (!store_read(api->deps.store, read_run, read_done, read))
		return;
	api_busy(read->req);
	read_free(read);
}

/* ---- pages ---- */

void api_page_init(struct api_page *page, int limit)
{
	*page = (struct api_page){.items = json_array(), .limit = limit};
}

/* One more than wanted tells whether there are more. */
int api_page_ask(const struct api_page *page)
{
	return page->limit < 500 ? page->limit + 1 : page->limit;
}

int api_page_add(struct api_page *page, const char *id, json_t *item)
{
	if (page->n == page->limit) {
		page->more = true;
		json_decref(item);
		return 1;
	}
	page->n++;
	tc_strcopy(page->last_id, sizeof(page->last_id), id);
	json_array_append_new(page->items, item);
	return 0;
}

json_t *api_page_done(struct api_page *page, int err)
{
	/* Of the longest page it is not known: the next one may be empty. */
	bool more = page->more || (page->limit >= 500 && page->n == page->limit);

	if (err) {
		json_decref(page->items);
		return NULL;
	}
	return json_pack("{s:o, s:s?}", "items", page->items, "next", more ? page->last_id : NULL);
}

/* ---- what a query says ---- */

bool api_cursor(struct tc_http_req *req, const char *text, char id[TC_ID_SIZE])
{
	id[0] = '\0';
	if (!text)
		return true;
	if (id_valid(text))
		return tc_strcopy(id, TC_ID_SIZE, text);
	tc_http_problem(req, 400, "cursor", "this is not a cursor: take the \"next\" of a page");
	return false;
}

bool api_time(struct tc_http_req *req, const char *field, const char *text, int64_t *wall_us)
{
	*wall_us = 0;
	if (!text || !rfc3339_parse(text, wall_us))
		return true;
	tc_http_problem(req, 400, field,
			"%s is not a date and time with a zone, as 2026-01-31T18:00:00Z (RFC 3339)",
			field);
	return false;
}

bool api_id(struct tc_http_req *req, const char *noun, char id[TC_ID_SIZE])
{
	const char *text = tc_http_param(req, "id");

	if (id_valid(text))
		return tc_strcopy(id, TC_ID_SIZE, text);
	tc_http_problem(req, 404, NULL, "there is no such %s", noun);
	return false;
}

/* ---- pages by name ---- */

void api_name_cursor(char cursor[API_NAME_CURSOR_SIZE], const char *name)
{
	for (; *name; name++, cursor += 2)
		snprintf(cursor, 3, "%02x", (unsigned char)*name);
	*cursor = '\0';
}

bool api_cursor_name(struct tc_http_req *req, const char *text, char name[API_NAME_MAX + 1])
{
	size_t len = text ? strlen(text) : 0;
	unsigned byte;

	if (text && (!len || len % 2 || len / 2 > API_NAME_MAX ||
		     strspn(text, "0123456789abcdef") != len)) {
		tc_http_problem(req, 400, "cursor",
				"this is not a cursor: take the \"next\" of a page");
		return false;
	}
	for (; text && *text; text += 2) {
		sscanf(text, "%2x", &byte);
		*name++ = (char)byte;
	}
	*name = '\0';
	return true;
}
