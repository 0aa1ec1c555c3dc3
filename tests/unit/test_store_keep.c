/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What plugin instances keep (tocsin/keep.h), over a real database.
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
#include <tocsin/keep.h>

#include "store/event_repo.h"
#include "store/journal.h"
#include "unit/host_rig.h"
#include "unit/store_rig.h"

struct fixture {
	struct store_rig *rig;
	struct store *store;
	struct journal *journal;
	struct tc_instance *a, *b; /* two that keep something */
	size_t done, told;         /* completions, events */
	int err;                   /* of the last completion */
	struct tc_buf seen;        /* "key=text " of what was read */
	char what[64], text[64], reason[64]; /* of the last event */
};

static void on_event(void *arg, const struct event_row *row)
{
	struct fixture *f = arg;

	f->told++;
	tc_strcopy(f->what, sizeof(f->what), row->what);
	tc_strcopy(f->text, sizeof(f->text), row->text);
	tc_strcopy(f->reason, sizeof(f->reason), row->reason ? row->reason : "");
	assert_true(row->id > 0); /* it is committed */
}

static struct tc_instance *instance(struct fixture *f, const char *name)
{
	json_t *settings = json_pack("{s:s, s:s}", "plugin", "nothing", "name", name);
	struct tc_errors *errs = tc_errors_new();
	struct tc_instance *self = instance_new(f->rig->host, TC_KIND_TRIGGER, settings, errs);

	assert_non_null(self);
	assert_int_equal(instance_open(self), 0);
	tc_errors_free(errs);
	json_decref(settings);
	return self;
}

static int setup(void **state)
{
	struct fixture *f = tc_alloc(sizeof(*f));
	int err = rig_setup((void **)&f->rig);

	*state = f;
	return err;
}

/* What needs the plugin: not in setup(), where nothing can be skipped. */
static struct fixture *begin(void **state)
{
	struct fixture *f = *state;

	f->store = rig_store(f->rig);
	f->journal = journal_new();
	journal_listen(f->journal, on_event, f);
	host_plugin_add(f->rig->host, &host_rig_plugin);
	host_services(f->rig->host)->store = f->store;
	host_services(f->rig->host)->journal = f->journal;
	f->a = instance(f, "a");
	f->b = instance(f, "b");
	return f;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	instance_free(f->a);
	instance_free(f->b);
	if (f->journal)
		journal_free(f->journal);
	tc_buf_fini(&f->seen);
	rig_teardown((void **)&f->rig);
	free(f);
	return 0;
}

static void on_done(void *arg, int err)
{
	struct fixture *f = arg;

	f->done++;
	f->err = err;
}

static void on_entry(void *arg, const char *key, const char *text)
{
	struct fixture *f = arg;

	tc_buf_printf(&f->seen, "%s=%s ", key, text);
}

static void put(struct fixture *f, struct tc_instance *self, const char *key, const char *text)
{
	size_t before = f->done;

	assert_int_equal(tc_keep_put(self, key, text, on_done, f), 0);
	assert_int_equal(f->done, before); /* never inside the call */
	rig_wait_count(f->rig, &f->done, before + 1);
	assert_int_equal(f->err, 0);
}

static void expect(struct fixture *f, struct tc_instance *self, const char *prefix,
		   const char *want)
{
	size_t before = f->done;

	tc_buf_fini(&f->seen);
	assert_int_equal(tc_keep_read(self, prefix, on_entry, on_done, f), 0);
	assert_int_equal(f->done, before);
	rig_wait_count(f->rig, &f->done, before + 1);
	assert_int_equal(f->err, 0);
	assert_string_equal(f->seen.data ? f->seen.data : "", want);
}

static void keeps_replaces_and_deletes(void **state)
{
	struct fixture *f = begin(state);

	expect(f, f->a, "", "");
	put(f, f->a, "k", "one");
	expect(f, f->a, "", "k=one ");
	put(f, f->a, "k", "two");
	expect(f, f->a, "", "k=two ");
	put(f, f->a, "k", "two"); /* the same again */
	expect(f, f->a, "", "k=two ");
	put(f, f->a, "k", "");
	expect(f, f->a, "", "k= ");
	put(f, f->a, "k", NULL);
	expect(f, f->a, "", "");
	put(f, f->a, "k", NULL); /* there need not be one */
}

static void each_has_its_own(void **state)
{
	struct fixture *f = begin(state);

	put(f, f->a, "k", "of a");
	put(f, f->b, "k", "of b");
	expect(f, f->a, "", "k=of a ");
	expect(f, f->b, "", "k=of b ");
	put(f, f->b, "k", NULL);
	expect(f, f->a, "", "k=of a ");
	expect(f, f->b, "", "");
}

static void reads_by_prefix_in_order(void **state)
{
	struct fixture *f = begin(state);

	put(f, f->a, "b/2", "3");
	put(f, f->a, "a%", "1");
	put(f, f->a, "b/1", "2");
	put(f, f->a, "bb", "4");
	put(f, f->a, "B/1", "another");
	expect(f, f->a, "b/", "b/1=2 b/2=3 ");
	expect(f, f->a, "b", "b/1=2 b/2=3 bb=4 ");
	expect(f, f->a, "a%", "a%=1 ");
	expect(f, f->a, "a_", "");
	expect(f, f->a, "%", "");
	expect(f, f->a, "c", "");
}

static void survives_the_process(void **state)
{
	struct fixture *f = begin(state);

	put(f, f->a, "k", "text");
	store_close(f->store);
	f->store = rig_store(f->rig);
	host_services(f->rig->host)->store = f->store;
	expect(f, f->a, "", "k=text ");
}

static void refuses_what_does_not_fit(void **state)
{
	struct fixture *f = begin(state);
	char key[TC_KEEP_KEY_MAX + 2], *text = tc_alloc(TC_KEEP_TEXT_MAX + 2);

	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	memset(text, 't', TC_KEEP_TEXT_MAX + 1);
	assert_int_equal(tc_keep_put(f->a, "", "x", on_done, f), -EINVAL);
	assert_int_equal(tc_keep_put(f->a, key, "x", on_done, f), -EINVAL);
	assert_int_equal(tc_keep_put(f->a, "k", text, on_done, f), -EINVAL);
	assert_int_equal(tc_keep_put(f->a, "k", "\xff", on_done, f), -EINVAL);
	assert_int_equal(tc_keep_put(f->a, "\xff", "x", on_done, f), -EINVAL);
	key[TC_KEEP_KEY_MAX] = text[TC_KEEP_TEXT_MAX] = '\0';
	put(f, f->a, key, text);
	put(f, f->a, key, NULL);
	free(text);
}

/* The order of the calls is the order in which they count. */
static void the_last_of_many_counts(void **state)
{
	struct fixture *f = begin(state);
	char text[16];

	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(tc_keep_put(f->a, "k", text, i % 2 ? on_done : NULL, f), 0);
	}
	rig_wait_count(f->rig, &f->done, 50);
	expect(f, f->a, "", "k=99 ");
}

static void tells_an_event_with_it(void **state)
{
	struct fixture *f = begin(state);
	const struct tc_keep_event event = {"planned.missed", "it was missed", "too late"};

	assert_int_equal(tc_keep_put_event(f->a, "k", "x", &event, on_done, f), 0);
	assert_int_equal(f->told, 0);
	rig_wait_count(f->rig, &f->told, 1);
	assert_int_equal(f->done, 1); /* who waits is told first */
	assert_string_equal(f->what, "planned.missed");
	assert_string_equal(f->text, "it was missed");
	assert_string_equal(f->reason, "too late");
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(rig_number(f->rig, "SELECT COUNT(*) FROM events "
					    "WHERE what = 'planned.missed'"),
			 1);
}

/* The end of the process: what is under way is told once the store has stopped, and not later. */
static void tells_what_is_under_way_at_the_end(void **state)
{
	struct fixture *f = begin(state);

	for (int i = 0; i < 20; i++)
		assert_int_equal(tc_keep_put(f->a, "k", "x", on_done, f), 0);
	assert_int_equal(tc_keep_read(f->a, "", on_entry, on_done, f), 0);
	instance_close(f->a);
	store_stop(f->store);
	assert_int_equal(f->done, 21);
	assert_int_equal(tc_keep_put(f->b, "k", "x", on_done, f), -EAGAIN);
	assert_int_equal(tc_keep_read(f->b, "", on_entry, on_done, f), -EAGAIN);
}

static void without_a_store_nothing_is_kept(void **state)
{
	struct fixture *f = begin(state);

	host_services(f->rig->host)->store = NULL;
	assert_int_equal(tc_keep_put(f->a, "k", "x", on_done, f), -EAGAIN);
	assert_int_equal(tc_keep_read(f->a, "", on_entry, on_done, f), -EAGAIN);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(keeps_replaces_and_deletes),
		TEST(each_has_its_own),
		TEST(reads_by_prefix_in_order),
		TEST(survives_the_process),
		TEST(refuses_what_does_not_fit),
		TEST(the_last_of_many_counts),
		TEST(tells_an_event_with_it),
		TEST(tells_what_is_under_way_at_the_end),
		TEST(without_a_store_nothing_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
