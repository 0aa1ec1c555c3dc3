/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What else a PBX tells of a call: kept beside the events of its alert, for those who look into it
 * later. Nothing is done about it, and only the newest of these are kept.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "call/call.h"
#include "store/journal.h"
#include "store/store.h"

#define TEXT_MAX 16384   /* bytes of one note */
#define NOTES_MAX 10000  /* that are kept */
#define TRIM_EVERY 256   /* notes; the oldest ones are looked for so often */

struct note {
	struct tc_instance *self;
	struct caller *caller;
	char call_id[TC_ID_SIZE], alert_id[TC_ID_SIZE];
	char *text, *data; /* owned */
	bool trim;
	struct event_row row;
};

static void note_free(void *arg)
{
	struct note *n = arg;

	free(n->text);
	free(n->data);
	free(n);
}

/*
 * The array as text, with as many of its entries from the first one on as there is room for.
 *
 * kept  receives how many these are
 */
static char *dump(const json_t *data, size_t *kept)
{
	struct tc_buf out = {0};
	json_t *entry;
	size_t i;

	*kept = 0;
	tc_buf_puts(&out, "[");
	json_array_foreach((json_t *)data, i, entry) {
		char *text = json_dumps(entry, JSON_COMPACT | JSON_ENCODE_ANY);
		const char *comma = *kept ? "," : "";

		if (text && out.len + strlen(comma) + strlen(text) + 1 <= TEXT_MAX) {
			tc_buf_printf(&out, "%s%s", comma, text);
			++*kept;
		}
		free(text);
	}
	tc_buf_puts(&out, "]");
	return tc_buf_take(&out);
}

static char *sentence(size_t n, size_t kept)
{
	const char *plural = n == 1 ? "" : "s";

	if (kept == n)
		return tc_asprintf("%zu further event%s of the PBX", n, plural);
	return tc_asprintf("%zu further event%s of the PBX, there was room for %zu", n, plural,
			   kept);
}

/* ---- in the store's thread ---- */

/* The call may be over by now: its row knows the alert. */
static int run(struct db *db, void *arg)
{
	struct note *n = arg;
	struct call_row call = {0};
	int err = call_get(db, n->call_id, &call);

	if (err < 0)
		return err;
	n->alert_id[0] = '\0';
	if (err)
		tc_strcopy(n->alert_id, sizeof(n->alert_id), call.alert_id);
	call_row_fini(&call);
	n->row.alert_id = n->alert_id[0] ? n->alert_id : NULL;
	err = event_note_insert(db, &n->row);
	return err || !n->trim ? err : event_notes_trim(db, NOTES_MAX);
}

/* ---- on the loop ---- */

static void done(void *arg, int err)
{
	struct note *n = arg;

	if (!err)
		journal_publish(n->caller->deps.journal, &n->row);
	note_free(n);
}

static void take(void *arg)
{
	struct note *n = arg;

	n->caller = caller_of(n->self);
	if (!n->caller) {
		note_free(n);
		return;
	}
	n->trim = n->caller->notes++ % TRIM_EVERY == 0;
	n->row = (struct event_row){.at_us = loop_wall_us(n->caller->deps.loop),
				    .call_id = n->call_id,
				    .what = "pbx.events",
				    .text = n->text,
				    .data = n->data};
	if (store_write(n->caller->deps.store, run, done, n)) {
		tc_log(n->self, TC_LOG_WARN, "call %s: %s, not kept: too much waits for the store",
		       n->call_id, n->text);
		note_free(n);
	}
}

void tc_pbx_note(struct tc_instance *self, const char *call_id, json_t *data)
{
	size_t entries = json_array_size(data), kept;
	struct note *n;

	if (entries) {
		n = tc_alloc(sizeof(*n));
		n->self = self;
		tc_strcopy(n->call_id, sizeof(n->call_id), call_id);
		n->data = dump(data, &kept);
		n->text = sentence(entries, kept);
		tc_post(self, take, note_free, n);
	}
	json_decref(data);
}
