/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The repositories of calls and events, and the journal, over a real database.
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

#include "store/call_repo.h"
#include "store/event_repo.h"
#include "store/journal.h"
#include "unit/store_rig.h"

static struct call_row sample(unsigned n)
{
	struct call_row row = {
		.number = "+4930123",
		.state = "queued",
		.attempt = 1,
		.created_us = 1000 + n,
		.keys = "",
	};

	snprintf(row.id, sizeof(row.id), "id-%02u", n);
	snprintf(row.alert_id, sizeof(row.alert_id), "alert-%u", n % 2);
	return row;
}

static void check_same(const struct call_row *a, const struct call_row *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->alert_id, b->alert_id);
	assert_string_equal(a->number, b->number);
	assert_string_equal(a->state, b->state);
	assert_string_equal(a->keys, b->keys);
	assert_int_equal(a->sip, b->sip);
	assert_int_equal(a->q850, b->q850);
	assert_int_equal(a->attempt, b->attempt);
	assert_true(a->created_us == b->created_us && a->placed_us == b->placed_us);
	assert_true(a->ringing_us == b->ringing_us && a->answered_us == b->answered_us);
	assert_true(a->ended_us == b->ended_us && a->spoken_ms == b->spoken_ms);
}

static void check_text(const char *a, const char *b)
{
	if (b)
		assert_string_equal(a, b);
	else
		assert_null(a);
}

static void check_stored(struct db *db, const struct call_row *want)
{
	struct call_row got;

	assert_int_equal(call_get(db, want->id, &got), 1);
	check_same(&got, want);
	check_text(got.contact_id, want->contact_id);
	check_text(got.trunk, want->trunk);
	check_text(got.result, want->result);
	check_text(got.cause, want->cause);
	check_text(got.ref, want->ref);
	call_row_fini(&got);
}

static void test_life_of_a_call(void **state)
{
	struct db *db = rig_db(*state);
	struct call_row row = sample(1), got, other;

	assert_int_equal(call_get(db, row.id, &got), 0);
	assert_int_equal(call_insert(db, &row), 0);
	assert_int_equal(call_insert(db, &row), -EEXIST);
	check_stored(db, &row);
	row.state = "ringing";
	row.trunk = "direct";
	row.contact_id = "c-1";
	row.placed_us = 2000;
	row.ringing_us = 2100;
	assert_int_equal(call_update(db, &row), 0);
	assert_int_equal(call_update(db, &row), 0); /* the same again */
	check_stored(db, &row);
	assert_int_equal(call_set_ref(db, row.id, "sip:abc@192.0.2.1"), 0);
	assert_int_equal(call_set_ref(db, row.id, "sip:abc@192.0.2.1"), 0);
	row.ref = "sip:abc@192.0.2.1";
	check_stored(db, &row);
	/* what is never written again */
	other = row;
	other.number = "+1";
	other.created_us = 1;
	tc_strcopy(other.alert_id, sizeof(other.alert_id), "alert-9");
	assert_int_equal(call_update(db, &other), 0);
	check_stored(db, &row);
	row.state = "ended";
	row.result = "busy";
	row.sip = 486;
	row.q850 = 17;
	row.cause = "Busy Here";
	row.answered_us = 2200;
	row.ended_us = 2300;
	row.spoken_ms = INT64_C(5000000000);
	row.keys = "4*#";
	row.attempt = 2;
	assert_int_equal(call_update(db, &row), 0);
	check_stored(db, &row);
	db_close(db);
}

static void test_ended_is_final(void **state)
{
	struct db *db = rig_db(*state);
	struct call_row row = sample(1), late;

	row.state = "ended";
	row.result = "acknowledged";
	assert_int_equal(call_insert(db, &row), 0);
	late = row;
	late.state = "ringing";
	late.result = NULL;
	assert_int_equal(call_update(db, &late), -EPERM);
	late = row;
	late.result = "lost";
	assert_int_equal(call_update(db, &late), -EPERM);
	assert_int_equal(call_set_ref(db, row.id, "x"), -EPERM);
	check_stored(db, &row);
	late = sample(2);
	assert_int_equal(call_update(db, &late), -ENOENT);
	assert_int_equal(call_set_ref(db, late.id, "x"), -ENOENT);
	db_close(db);
}

struct seen {
	char text[512];
};

static int see(const struct call_row *row, void *arg)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%s%s", len ? " " : "", row->id + 3);
	return 0;
}

static void check_list(struct db *db, struct call_filter filter, const char *want)
{
	struct seen seen = {0};

	if (!filter.limit)
		filter.limit = 500;
	assert_int_equal(call_list(db, &filter, see, &seen), 0);
	assert_string_equal(seen.text, want);
}

static void tell(struct db *db, const struct call_row *row, const char *alert_id)
{
	struct call_told told = {.serial = 1, .attempt = 1, .joined_us = 5, .pressed = ""};

	tc_strcopy(told.call_id, sizeof(told.call_id), row->id);
	tc_strcopy(told.alert_id, sizeof(told.alert_id), alert_id);
	assert_int_equal(call_told_insert(db, &told), 0);
	assert_int_equal(call_told_insert(db, &told), -EEXIST);
}

static int see_told(const struct call_told *told, void *arg)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "[%s %s %d %d %lld %s %d '%s']",
		 told->call_id, told->alert_id, told->serial, told->attempt,
		 (long long)told->joined_us, told->result ? told->result : "-", told->use,
		 told->pressed);
	return 0;
}

static int see_past(const struct call_past *past, void *arg)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "[%s %d %d %s %d %s %d %lld %lld]",
		 past->call_id, past->serial, past->attempt, past->number, past->over,
		 past->result ? past->result : "-", past->use, (long long)past->placed_us,
		 (long long)past->ended_us);
	return 0;
}

/* A call tells several alerts: each sees it as a call of its own, with a result of its own. */
static void test_told(void **state)
{
	struct db *db = rig_db(*state);
	struct call_row one = sample(1), two = sample(2);
	struct call_told told = {.result = "acknowledged", .use = 1, .pressed = "4"};
	struct seen seen = {0};

	assert_int_equal(call_insert(db, &one), 0);
	tell(db, &one, "alert-1");
	tell(db, &one, "alert-2");
	tc_strcopy(told.call_id, sizeof(told.call_id), one.id);
	tc_strcopy(told.alert_id, sizeof(told.alert_id), "alert-2");
	assert_int_equal(call_told_update(db, &told), 0);
	assert_int_equal(call_told_list(db, one.id, see_told, &seen), 0);
	assert_string_equal(seen.text, "[id-01 alert-1 1 1 5 - 0 '']"
				       "[id-01 alert-2 1 1 5 acknowledged 1 '4']");
	one.state = "ended";
	one.result = "heard";
	one.placed_us = 7;
	one.ended_us = 9;
	assert_int_equal(call_update(db, &one), 0);
	assert_int_equal(call_insert(db, &two), 0);
	tell(db, &two, "alert-1");
	seen = (struct seen){0};
	assert_int_equal(call_list_past(db, "alert-1", see_past, &seen), 0);
	assert_string_equal(seen.text, "[id-01 1 1 +4930123 1 heard 0 7 9]"
				       "[id-02 1 1 +4930123 0 - 0 0 0]");
	seen = (struct seen){0};
	assert_int_equal(call_list_past(db, "alert-2", see_past, &seen), 0);
	assert_string_equal(seen.text, "[id-01 1 1 +4930123 1 acknowledged 1 7 9]");
	seen = (struct seen){0};
	assert_int_equal(call_list_alert(db, "alert-1", see, &seen), 0);
	assert_string_equal(seen.text, "01 02");
	check_list(db, (struct call_filter){.alert_id = "alert-2"}, "01");
	db_close(db);
}

static void test_lists(void **state)
{
	static const char *const states[] = {"queued",   "placing", "ringing",
					     "answered", "ended",   "ended"};
	struct db *db = rig_db(*state);
	struct seen seen = {0};

	for (unsigned n = 1; n <= 6; n++) {
		struct call_row row = sample(n);

		row.state = states[n - 1];
		row.result = n == 5 ? "busy" : n == 6 ? "heard" : NULL;
		row.trunk = n > 3 ? "office" : NULL;
		row.number = n == 2 ? "+49301" : "+49302";
		assert_int_equal(call_insert(db, &row), 0);
		tell(db, &row, row.alert_id);
	}
	check_list(db, (struct call_filter){0}, "06 05 04 03 02 01");
	check_list(db, (struct call_filter){.alert_id = "alert-1"}, "05 03 01");
	check_list(db, (struct call_filter){.state = "ended"}, "06 05");
	check_list(db, (struct call_filter){.result = "busy"}, "05");
	check_list(db, (struct call_filter){.trunk = "office"}, "06 05 04");
	check_list(db, (struct call_filter){.number = "+49301"}, "02");
	check_list(db, (struct call_filter){.since_us = 1002, .until_us = 1004}, "03 02");
	check_list(db, (struct call_filter){.limit = 2}, "06 05");
	check_list(db, (struct call_filter){.limit = 2, .before_id = "id-05"}, "04 03");
	check_list(db,
		   (struct call_filter){.alert_id = "alert-0",
					.state = "ended",
					.result = "heard",
					.trunk = "office",
					.number = "+49302",
					.since_us = 1,
					.until_us = 9999,
					.before_id = "id-07"},
		   "06");
	assert_int_equal(call_list_live(db, see, &seen), 0);
	assert_string_equal(seen.text, "01 02 03 04");
	seen = (struct seen){0};
	assert_int_equal(call_list_alert(db, "alert-0", see, &seen), 0);
	assert_string_equal(seen.text, "02 04 06");
	db_close(db);
}

/* ---- events ---- */

static int see_event(const struct event_row *row, void *arg)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "[%lld %lld %s %s %s %s %s %s]",
		 (long long)row->id, (long long)row->at_us, row->alert_id ? row->alert_id : "-",
		 row->call_id ? row->call_id : "-", row->what, row->text,
		 row->reason ? row->reason : "-", row->data ? row->data : "-");
	return 0;
}

static void test_events(void **state)
{
	struct event_row full = {.at_us = 5,
				 .alert_id = "a",
				 .call_id = "c",
				 .what = "call.ended",
				 .text = "called Alice",
				 .reason = "busy",
				 .data = "{}"};
	struct event_row bare = {.at_us = 4, .what = "start", .text = ""};
	struct db *db = rig_db(*state);
	struct seen seen = {0};
	int64_t id = -1;

	assert_int_equal(event_last_id(db, &id), 0);
	assert_true(id == 0);
	assert_int_equal(event_insert(db, &full), 0);
	assert_true(full.id == 1);
	assert_int_equal(event_insert(db, &bare), 0);
	assert_true(bare.id == 2);
	full.at_us = 6;
	assert_int_equal(event_insert(db, &full), 0);
	assert_int_equal(event_last_id(db, &id), 0);
	assert_true(id == 3);
	assert_int_equal(event_list_alert(db, "a", see_event, &seen), 0);
	assert_string_equal(seen.text, "[1 5 a c call.ended called Alice busy {}]"
				       "[3 6 a c call.ended called Alice busy {}]");
	seen = (struct seen){0};
	assert_int_equal(event_list_after(db, 1, 1, see_event, &seen), 0);
	assert_string_equal(seen.text, "[2 4 - - start  - -]");
	seen = (struct seen){0};
	assert_int_equal(event_list_after(db, 3, 10, see_event, &seen), 0);
	assert_string_equal(seen.text, "");
	/* a deleted id does not come again: who resumes behind it misses nothing */
	assert_int_equal(db_exec_text(db, "DELETE FROM events WHERE id >= 2"), 0);
	assert_int_equal(event_insert(db, &bare), 0);
	assert_true(bare.id == 4);
	db_close(db);
}

/* ---- the journal ---- */

struct ear {
	struct journal *journal;
	void *me, *other;
	struct ear *newcomer;
	unsigned heard;
	bool leave, again;
	int64_t last;
};

static void hear(void *arg, const struct event_row *row)
{
	struct ear *ear = arg;

	ear->heard++;
	ear->last = row->id;
	if (ear->leave)
		journal_unlisten(ear->journal, ear->me);
	if (ear->other)
		journal_unlisten(ear->journal, ear->other);
	ear->other = NULL;
	if (ear->newcomer)
		ear->newcomer->me = journal_listen(ear->journal, hear, ear->newcomer);
	ear->newcomer = NULL;
	if (ear->again) {
		ear->again = false;
		journal_publish(ear->journal, &(struct event_row){.id = row->id + 100});
	}
}

static void test_journal(void **state)
{
	struct journal *j = journal_new();
	struct ear e[5] = {0};

	(void)state;
	journal_publish(j, &(struct event_row){.id = 1}); /* nobody listens */
	for (int i = 0; i < 4; i++) {
		e[i].journal = j;
		e[i].me = journal_listen(j, hear, &e[i]);
	}
	e[4].journal = j;
	/*
	 * While the event is told: the first leaves, takes the second with it, and a fifth comes.
	 */
	e[0].leave = true;
	e[0].other = e[1].me;
	e[0].newcomer = &e[4];
	journal_publish(j, &(struct event_row){.id = 2});
	assert_int_equal(e[0].heard, 1);
	assert_int_equal(e[1].heard, 0);
	assert_int_equal(e[2].heard, 1);
	assert_int_equal(e[3].heard, 1);
	assert_int_equal(e[4].heard, 0);
	/* One that publishes while it is told, and one that leaves in the inner round. */
	e[2].again = true;
	e[3].leave = true;
	journal_publish(j, &(struct event_row){.id = 3});
	assert_int_equal(e[0].heard, 1);
	assert_int_equal(e[2].heard, 3);
	assert_int_equal(e[3].heard, 2);
	assert_true(e[3].last == 103);
	assert_int_equal(e[4].heard, 2);
	journal_unlisten(j, e[4].me);
	journal_unlisten(j, NULL);
	journal_publish(j, &(struct event_row){.id = 4});
	assert_int_equal(e[2].heard, 4);
	assert_int_equal(e[4].heard, 2);
	journal_free(j);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_life_of_a_call), RIG_TEST(test_ended_is_final),  RIG_TEST(test_lists),
		RIG_TEST(test_told),           RIG_TEST(test_events),
		cmocka_unit_test(test_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
