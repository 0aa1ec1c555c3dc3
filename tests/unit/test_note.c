/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a PBX tells of a call beside the states: how it is kept, cut, shown, and forgotten.
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

#include "api/private.h"
#include "call/page.h"
#include "call/trunk.h"
#include "host/config.h"
#include "store/call_repo.h"
#include "store/event_repo.h"
#include "store/journal.h"
#include "unit/store_rig.h"

#define ALERT "01900000-0000-7000-8000-00000000000a"
#define CALL "01900000-0000-7000-8000-00000000000c"

/* ---- a caller that has a trunk which does nothing ---- */

static int pbx_open(struct tc_instance *self, const void *cfg, void **state)
{
	(void)cfg;
	*state = self;
	return 0;
}

static void pbx_close(void *state)
{
	(void)state;
}

static const struct tc_option pbx_options[] = {TC_OPTION_END};
static const struct tc_pbx_ops pbx_ops = {.originate = NULL};
static const struct tc_plugin pbx_plugin = {TC_PLUGIN_GUARD(TC_KIND_PBX),
					    .name = "silent",
					    .version = "1",
					    .summary = "a trunk that does nothing",
					    .options = pbx_options,
					    .config_size = 8,
					    .open = pbx_open,
					    .close = pbx_close,
					    .ops = &pbx_ops};

struct rig {
	struct store_rig *base;
	struct store *store;
	struct journal *journal;
	struct trunks *trunks;
	struct config_call config;
	struct config_prompts prompts;
	struct caller *caller;
	struct tc_instance *pbx;
	/* what the journal told last */
	size_t told;
	char what[32], text[128], alert_id[TC_ID_SIZE], call_id[TC_ID_SIZE];
	char *data; /* owned */
};

static void on_event(void *arg, const struct event_row *row)
{
	struct rig *rig = arg;

	rig->told++;
	tc_strcopy(rig->what, sizeof(rig->what), row->what);
	tc_strcopy(rig->text, sizeof(rig->text), row->text);
	tc_strcopy(rig->alert_id, sizeof(rig->alert_id), row->alert_id ? row->alert_id : "");
	tc_strcopy(rig->call_id, sizeof(rig->call_id), row->call_id);
	free(rig->data);
	rig->data = tc_strdup(row->data);
}

static void open_rig(struct rig *rig, void **state)
{
	struct tc_errors *errs = tc_errors_new();
	struct caller_deps deps = {.config = &rig->config, .prompts = &rig->prompts};
	json_t *settings = json_pack("{s:s, s:s}", "name", "pbx", "plugin", "silent");

	rig->base = *state;
	rig->store = deps.store = rig_store(rig->base);
	rig->journal = deps.journal = journal_new();
	journal_listen(rig->journal, on_event, rig);
	deps.loop = rig->base->loop;
	rig->trunks = deps.trunks = trunks_new(rig->base->loop, rig->store, rig->journal);
	rig->caller = caller_new(&deps);
	host_services(rig->base->host)->trunks = rig->trunks;
	host_plugin_add(rig->base->host, &pbx_plugin);
	rig->pbx = instance_new(rig->base->host, TC_KIND_PBX, settings, errs);
	assert_non_null(rig->pbx);
	trunks_add(rig->trunks, rig->pbx);
	assert_int_equal(instance_open(rig->pbx), 0);
	tc_errors_free(errs);
	json_decref(settings);
}

static void close_rig(struct rig *rig)
{
	caller_free(rig->caller);
	trunks_free(rig->trunks);
	host_services(rig->base->host)->trunks = NULL;
	store_close(rig->store);
	journal_free(rig->journal);
	instance_free(rig->pbx);
	free(rig->data);
}

static void note(struct rig *rig, json_t *data)
{
	size_t want = rig->told + 1;

	tc_pbx_note(rig->pbx, CALL, data);
	rig_wait_count(rig->base, &rig->told, want);
}

static int insert_call(struct db *db, void *arg)
{
	(void)arg;
	return call_insert(db, &(struct call_row){.id = CALL,
						  .alert_id = ALERT,
						  .number = "+4930",
						  .state = "ended",
						  .result = "busy",
						  .attempt = 1,
						  .created_us = 1,
						  .keys = ""});
}

static void test_kept(void **state)
{
	struct rig rig = {0};

	open_rig(&rig, state);
	note(&rig, json_pack("[{s:s}]", "type", "StasisEnd"));
	assert_string_equal(rig.what, "pbx.events");
	assert_string_equal(rig.text, "1 further event of the PBX");
	assert_string_equal(rig.data, "[{\"type\":\"StasisEnd\"}]");
	assert_string_equal(rig.call_id, CALL);
	assert_string_equal(rig.alert_id, ""); /* a call that is not in the store */
	assert_int_equal(store_write(rig.store, insert_call, NULL, NULL), 0);
	note(&rig, json_pack("[{s:i}, {s:n}]", "a", 1, "b"));
	assert_string_equal(rig.text, "2 further events of the PBX");
	assert_string_equal(rig.data, "[{\"a\":1},{\"b\":null}]");
	assert_string_equal(rig.alert_id, ALERT);
	assert_int_equal(rig_number(rig.base, "SELECT COUNT(*) FROM events WHERE alert_id = "
					      "'" ALERT "' AND call_id = '" CALL "'"),
			 1);
	/* nothing to tell, and no array */
	tc_pbx_note(rig.pbx, CALL, json_array());
	tc_pbx_note(rig.pbx, CALL, json_object());
	tc_pbx_note(rig.pbx, CALL, NULL);
	note(&rig, json_pack("[i]", 7));
	assert_int_equal(rig.told, 3);
	close_rig(&rig);
}

/* Never half a JSON text: what does not fit is left out, entry by entry. */
static void test_cut(void **state)
{
	struct rig rig = {0};
	json_t *data = json_array(), *kept;
	char long_text[20000];

	open_rig(&rig, state);
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	json_array_append_new(data, json_pack("{s:i}", "n", 0));
	json_array_append_new(data, json_pack("{s:s}", "text", long_text));
	for (int i = 1; i < 5000; i++)
		json_array_append_new(data, json_pack("{s:i}", "n", i));
	note(&rig, data);
	assert_in_range(strlen(rig.data), 16384 - 16, 16384);
	kept = json_loads(rig.data, 0, NULL);
	assert_true(json_is_array(kept));
	for (size_t i = 0; i < json_array_size(kept); i++)
		assert_int_equal(json_integer_value(
					 json_object_get(json_array_get(kept, i), "n")),
				 i);
	snprintf(long_text, sizeof(long_text),
		 "5001 further events of the PBX, there was room for %zu", json_array_size(kept));
	assert_string_equal(rig.text, long_text);
	json_decref(kept);
	close_rig(&rig);
}

/* One that fits to the byte, and one that does not. */
static void test_to_the_byte(void **state)
{
	struct rig rig = {0};
	char text[16384];

	open_rig(&rig, state);
	memset(text, 'x', sizeof(text));
	text[16384 - 4] = '\0'; /* ["..."] */
	note(&rig, json_pack("[s]", text));
	assert_int_equal(strlen(rig.data), 16384);
	assert_string_equal(rig.text, "1 further event of the PBX");
	text[16384 - 4] = 'x';
	text[16384 - 3] = '\0';
	note(&rig, json_pack("[s]", text));
	assert_string_equal(rig.data, "[]");
	assert_string_equal(rig.text, "1 further event of the PBX, there was room for 0");
	close_rig(&rig);
}

/* Without a caller (yet), or with a closed instance, it is nobody's. */
static void test_nobody(void **state)
{
	struct rig rig = {0};

	open_rig(&rig, state);
	host_services(rig.base->host)->trunks = NULL;
	tc_pbx_note(rig.pbx, CALL, json_pack("[i]", 1));
	while (loop_turn(rig.base->loop))
		;
	assert_int_equal(tc_call_callback(rig.pbx, CALL, TC_CALL_HEARD), -EAGAIN);
	host_services(rig.base->host)->trunks = rig.trunks;
	assert_int_equal(tc_call_callback(rig.pbx, CALL, TC_CALL_HEARD), -EAGAIN);
	caller_all_known(rig.caller);
	assert_int_equal(tc_call_callback(rig.pbx, CALL, TC_CALL_HEARD), -ENOENT);
	tc_pbx_note(rig.pbx, CALL, json_pack("[i]", 2));
	instance_close(rig.pbx);
	while (loop_turn(rig.base->loop))
		;
	assert_int_equal(rig_number(rig.base, "SELECT COUNT(*) FROM events"), 0);
	assert_int_equal(rig.told, 0);
	close_rig(&rig);
}

/* ---- the oldest go ---- */

static void insert(struct db *db, bool is_note, int n)
{
	struct event_row row = {.at_us = 1, .what = is_note ? "pbx.events" : "call.ended"};

	for (int i = 0; i < n; i++)
		assert_int_equal(is_note ? event_note_insert(db, &row) : event_insert(db, &row), 0);
}

static void test_trim(void **state)
{
	struct store_rig *rig = *state;
	struct db *db = rig_db(rig);

	assert_int_equal(event_notes_trim(db, 3), 0);
	insert(db, true, 2);
	insert(db, false, 4);
	insert(db, true, 2);
	assert_int_equal(event_notes_trim(db, 4), 0);
	assert_int_equal(rig_number(rig, "SELECT COUNT(*) FROM events"), 8);
	assert_int_equal(event_notes_trim(db, 3), 0);
	assert_int_equal(rig_number(rig, "SELECT MIN(id) FROM events"), 2);
	assert_int_equal(rig_number(rig, "SELECT COUNT(*) FROM events"), 7);
	assert_int_equal(rig_number(rig, "SELECT COUNT(*) FROM event_notes"), 3);
	insert(db, true, 2500); /* more than go at once */
	assert_int_equal(event_notes_trim(db, 2), 0);
	assert_int_equal(rig_number(rig, "SELECT COUNT(*) FROM events WHERE what = 'pbx.events'"),
			 2);
	assert_int_equal(rig_number(rig, "SELECT MIN(event_id) FROM event_notes"), 2507);
	assert_int_equal(rig_number(rig, "SELECT COUNT(*) FROM events WHERE what = 'call.ended'"),
			 4);
	db_close(db);
}

/* Every so often they are looked after, and at once after a start. */
static void test_bounded(void **state)
{
	struct rig rig = {0};
	struct db *db = rig_db(*state);

	assert_int_equal(db_begin(db, true), 0);
	insert(db, true, 10100);
	assert_int_equal(db_commit(db), 0);
	db_close(db);
	open_rig(&rig, state);
	note(&rig, json_pack("[i]", 1));
	assert_int_equal(rig_number(rig.base, "SELECT COUNT(*) FROM event_notes"), 10000);
	assert_int_equal(rig_number(rig.base, "SELECT COUNT(*) FROM events"), 10000);
	for (int i = 0; i < 255; i++)
		tc_pbx_note(rig.pbx, CALL, json_pack("[i]", i));
	rig_wait_count(rig.base, &rig.told, 256);
	assert_int_equal(rig_number(rig.base, "SELECT COUNT(*) FROM event_notes"), 10255);
	note(&rig, json_pack("[i]", 1));
	assert_int_equal(rig_number(rig.base, "SELECT COUNT(*) FROM events"), 10000);
	close_rig(&rig);
}

/* ---- how it is shown ---- */

static void test_shown(void **state)
{
	struct event_row row = {.id = 5,
				.at_us = 1,
				.what = "pbx.events",
				.text = "1 further event of the PBX",
				.data = "[{\"type\":\"StasisEnd\"}]"};
	json_t *shown = shape_timeline(&row);
	char *streamed;

	(void)state;
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(shown, "data"), 0), "type")),
			    "StasisEnd");
	json_decref(shown);
	/* in the stream one short event a call */
	streamed = shape_event(&row);
	assert_non_null(strstr(streamed, "further event"));
	assert_null(strstr(streamed, "Stasis"));
	free(streamed);
	row.data = "{\"a\":1}";
	shown = shape_timeline(&row);
	assert_null(json_object_get(shown, "data"));
	json_decref(shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_cut, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_to_the_byte, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_nobody, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_trim, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_bounded, rig_setup, rig_teardown),
		cmocka_unit_test(test_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
