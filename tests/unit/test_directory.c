/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telephone numbers, PINs and time zones; and the directory over a real store.
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

#include "oncall/directory.h"
#include "oncall/pin.h"
#include "oncall/zone.h"
#include "store/contact_repo.h"
#include "unit/store_rig.h"

/* ---- numbers ---- */

static void numbers_in_plain_form(void **state)
{
	static const struct {
		const char *number, *country, *plain;
	} all[] = {
		{"+4930123", NULL, "4930123"},
		{"004930123", NULL, "4930123"},
		{"4930123", NULL, "4930123"},
		{"+49 (30) 1-2/3", NULL, "4930123"},
		{"00 49.30.123", "41", "4930123"},
		{"030123", NULL, "030123"},
		{"030123", "", "030123"},
		{"030123", "49", "4930123"},
		{"030 123", "49", "4930123"},
		{"+030123", "49", "030123"}, /* no such country: it stands as it is */
		{"101", "49", "101"},
		{"0", "49", "0"},
		{"*21#", "49", "*21#"},
		{"00", NULL, ""},
		{"", NULL, ""},
		{"anonymous", NULL, ""},
		{"12345678901234567890123456789012345678901234567890123456789", NULL,
		 "12345678901234567890123456789012345678901234567"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char plain[NUMBER_PLAIN_SIZE] = "?";

		assert_int_equal(number_plain(plain, all[i].number, all[i].country),
				 all[i].plain[0] != '\0');
		assert_string_equal(plain, all[i].plain);
	}
	assert_true(number_same("+4930123", "0049 30 123", NULL));
	assert_true(number_same("+4930123", "030123", "49"));
	assert_false(number_same("+4930123", "030123", NULL));
	assert_false(number_same("+4930123", "+4930124", NULL));
	assert_false(number_same("", "", NULL)); /* two who withhold theirs */
}

/* ---- PINs ---- */

static void pins_are_kept_as_hashes(void **state)
{
	char one[PIN_KEPT_SIZE], other[PIN_KEPT_SIZE];

	(void)state;
	assert_int_equal(pin_keep("4711", one), 0);
	assert_int_equal(pin_keep("4711", other), 0);
	assert_int_equal(strlen(one), PIN_KEPT_SIZE - 1);
	assert_string_not_equal(one, other);
	assert_null(strstr(one + PIN_KEPT_SIZE - 5, "4711"));
	assert_true(pin_matches(one, "4711"));
	assert_true(pin_matches(other, "4711"));
	assert_false(pin_matches(one, "4712"));
	assert_false(pin_matches(one, "47110"));
	assert_false(pin_matches(one, ""));
	assert_false(pin_matches("4711", "4711")); /* somebody wrote it there by hand */
	assert_int_equal(pin_keep("123456789012", one), 0);
	assert_true(pin_matches(one, "123456789012"));
	assert_false(pin_matches(one, "1234567890123"));
	one[5] ^= 1;
	assert_false(pin_matches(one, "123456789012"));
}

static void pins_have_digits(void **state)
{
	static const char *const good[] = {"0000", "4711", "123456789012"};
	static const char *const bad[] = {"",     "123",  "1234567890123", "12 4",
					  "12a4", "+123", "12#4",          "****"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(pin_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(pin_valid(bad[i]));
}

/* ---- time zones ---- */

static void knows_time_zones(void **state)
{
	const char *text = "# version 2026a\nR d 1916 o - Jun 14 23s 1 S\n"
			   "Z Europe/Berlin 0:53:28 - LMT 1893 Ap\n1 c CE%sT 1945\n"
			   "L Europe/Berlin Arctic/Longyearbyen\n";
	char path[] = "/tmp/tocsin-zones-XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	struct zones *zones;

	(void)state;
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	zones = zones_load(path);
	remove(path);
	assert_true(zones_know(zones, "Europe/Berlin"));
	assert_true(zones_know(zones, "Arctic/Longyearbyen"));
	assert_true(zones_know(zones, "UTC"));
	assert_false(zones_know(zones, "Europe/Berlni"));
	assert_false(zones_know(zones, "europe/berlin"));
	assert_false(zones_know(zones, ""));
	zones_free(zones);
	/* where the names cannot be read, all that could be one is taken */
	zones = zones_load("/nowhere/tzdata.zi");
	assert_true(zones_know(zones, "Europe/Berlin"));
	assert_true(zones_know(zones, "Etc/GMT+1"));
	assert_false(zones_know(zones, "../../etc/passwd"));
	assert_false(zones_know(zones, "/etc/passwd"));
	assert_false(zones_know(zones, "Europe/Berlin "));
	assert_false(zones_know(zones, ""));
	zones_free(zones);
	zones_free(NULL);
}

/* ---- the directory ---- */

struct world {
	struct store_rig *rig;
	struct store *store;
	struct directory *dir;
};

static int add_row(struct db *db, void *arg)
{
	return contact_insert(db, arg);
}

static void on_done(void *arg, int err)
{
	assert_int_equal(err, 0);
	(void)arg;
}

/* The row with a number and a PIN, either may be NULL. kept: memory for the PIN */
static struct contact_row person(unsigned n, const char *name, const char *number, const char *pin,
				 char kept[PIN_KEPT_SIZE])
{
	static char numbers[8][128];
	struct contact_row row = {.name = name, .enabled = true, .version = 1};

	snprintf(row.id, sizeof(row.id), "id-%02u", n);
	snprintf(numbers[n % 8], sizeof(numbers[0]),
		 "[{\"number\":\"%s\",\"use\":[\"call\"]},{\"number\":\"no number\"},7]",
		 number ? number : "");
	row.numbers = number ? numbers[n % 8] : "[]";
	if (pin) {
		assert_int_equal(pin_keep(pin, kept), 0);
		row.pin = kept;
	}
	return row;
}

static void store_row(struct world *w, struct contact_row *row)
{
	assert_int_equal(store_write(w->store, add_row, on_done, row), 0);
	while (store_pending(w->store))
		loop_turn(w->rig->loop);
}

static int setup(void **state)
{
	struct world *w = tc_alloc(sizeof(*w));
	int err = rig_setup((void **)&w->rig);

	*state = w;
	return err;
}

static int teardown(void **state)
{
	struct world *w = *state;
	int err;

	while (w->store && store_pending(w->store))
		loop_turn(w->rig->loop);
	directory_free(w->dir);
	store_close(w->store);
	err = rig_teardown((void **)&w->rig);
	free(w);
	return err;
}

static struct world *world_of(void **state)
{
	struct world *w = *state;

	if (!w->rig->instance)
		skip();
	w->store = rig_store(w->rig);
	return w;
}

static bool is_ready(void *arg)
{
	return directory_ready(arg);
}

static void open_directory(struct world *w)
{
	w->dir = directory_new(w->rig->loop, w->store);
	assert_false(directory_ready(w->dir));
	rig_wait(w->rig, is_ready, w->dir);
}

static void names_are(struct directory *dir, const char *want)
{
	const struct contact *c = NULL;
	struct tc_buf seen = {0};

	tc_buf_puts(&seen, "");
	while ((c = directory_next(dir, c)))
		tc_buf_printf(&seen, "%s ", c->name);
	assert_string_equal(seen.data, want);
	tc_buf_fini(&seen);
}

static const char *name_of(const struct contact *c)
{
	return c ? c->name : "nobody";
}

static void reads_what_is_stored(void **state)
{
	struct world *w = world_of(state);
	char kept[PIN_KEPT_SIZE];
	struct contact_row rows[] = {person(1, "bob", "+49302", NULL, NULL),
				     person(2, "Alice", "+49301", "4711", kept),
				     person(3, "Carol", NULL, NULL, NULL)};
	const struct contact *c;

	rows[1].language = "de";
	rows[1].timezone = "UTC";
	rows[2].enabled = false;
	for (size_t i = 0; i < 3; i++)
		store_row(w, &rows[i]);
	open_directory(w);
	names_are(w->dir, "Alice bob Carol ");
	c = directory_find(w->dir, "id-02");
	assert_ptr_equal(c, directory_find_name(w->dir, "Alice"));
	assert_string_equal(c->language, "de");
	assert_string_equal(c->timezone, "UTC");
	assert_string_equal(c->note, "");
	assert_null(c->voice);
	assert_int_equal(c->n, 1); /* what is no number was left out */
	assert_true(c->numbers[0].call);
	assert_false(c->numbers[0].sms);
	assert_string_equal(c->numbers[0].number, "+49301");
	assert_null(directory_find_name(w->dir, "alice"));
	assert_null(directory_find(w->dir, "id-04"));
	assert_string_equal(name_of(directory_behind(w->dir, "Alice")), "bob");
	assert_string_equal(name_of(directory_behind(w->dir, "")), "Alice");
	assert_string_equal(name_of(directory_behind(w->dir, "Carol")), "nobody");
}

static void finds_by_number(void **state)
{
	struct world *w = world_of(state);
	struct contact_row rows[] = {person(1, "Alice", "+4930123", NULL, NULL),
				     person(2, "Bob", "0049 30 123", NULL, NULL),
				     person(3, "Carol", "030123", NULL, NULL),
				     person(4, "Dora", "004930123", NULL, NULL)};
	const struct contact *c;

	open_directory(w);
	for (size_t i = 0; i < 4; i++)
		directory_put(w->dir, &rows[i]);
	c = directory_find_number(w->dir, "49 30 123", NULL);
	assert_string_equal(name_of(c), "Alice");
	c = directory_find_number(w->dir, "49 30 123", c);
	assert_string_equal(name_of(c), "Dora"); /* Bob's is none: it has blanks */
	assert_null(directory_find_number(w->dir, "49 30 123", c));
	assert_string_equal(name_of(directory_find_number(w->dir, "030/123", NULL)), "Carol");
	assert_null(directory_find_number(w->dir, "", NULL));
	assert_null(directory_find_number(w->dir, "30123", NULL));
	directory_set_country(w->dir, "49");
	assert_string_equal(directory_country(w->dir), "49");
	assert_string_equal(name_of(directory_find_number(w->dir, "030/123", NULL)), "Alice");
	c = directory_find_name(w->dir, "Alice");
	assert_string_equal(name_of(directory_find_number(w->dir, "+4930123", c)), "Carol");
	directory_set_country(w->dir, NULL);
	assert_string_equal(name_of(directory_find_number(w->dir, "030/123", NULL)), "Carol");
}

static void finds_by_pin(void **state)
{
	struct world *w = world_of(state);
	char kept[4][PIN_KEPT_SIZE];
	struct contact_row alice = person(1, "Alice", NULL, "4711", kept[0]),
			   bob = person(2, "Bob", NULL, "0815", kept[1]),
			   other = person(3, "Carol", NULL, "4711", kept[2]);

	open_directory(w);
	assert_false(directory_has_pins(w->dir));
	bob.enabled = false;
	directory_put(w->dir, &bob);
	assert_false(directory_has_pins(w->dir));
	assert_null(directory_find_pin(w->dir, "0815"));
	directory_put(w->dir, &alice);
	assert_true(directory_has_pins(w->dir));
	assert_string_equal(name_of(directory_find_pin(w->dir, "4711")), "Alice");
	assert_null(directory_find_pin(w->dir, "4712"));
	assert_null(directory_find_pin(w->dir, ""));
	directory_put(w->dir, &other); /* by another node, at the same moment */
	assert_null(directory_find_pin(w->dir, "4711"));
	directory_drop(w->dir, alice.id);
	assert_string_equal(name_of(directory_find_pin(w->dir, "4711")), "Carol");
}

static void follows_changes(void **state)
{
	struct world *w = world_of(state);
	struct contact_row row = person(1, "Bob", "+491", NULL, NULL), other;

	open_directory(w);
	names_are(w->dir, "");
	directory_put(w->dir, &row);
	other = person(2, "Carol", "+492", NULL, NULL);
	directory_put(w->dir, &other);
	row.name = "Zoe";
	row.version = 2;
	directory_put(w->dir, &row);
	names_are(w->dir, "Carol Zoe ");
	assert_int_equal(directory_find(w->dir, "id-01")->version, 2);
	directory_drop(w->dir, "id-02");
	directory_drop(w->dir, "id-02");
	names_are(w->dir, "Zoe ");
}

/* Many, put and dropped and read: each is found by its id and by its name, and nobody else. */
static void finds_each_of_many(void **state)
{
	enum { MANY = 1000 };
	struct world *w = world_of(state);
	struct contact_row row = {.numbers = "[]", .enabled = true, .version = 1};
	char name[32];

	open_directory(w);
	for (int i = 0; i < MANY; i++) {
		snprintf(row.id, sizeof(row.id), "id-%d", i);
		snprintf(name, sizeof(name), "name %d", i);
		row.name = name;
		directory_put(w->dir, &row);
	}
	for (int i = 0; i < MANY; i += 3) {
		snprintf(row.id, sizeof(row.id), "id-%d", i);
		if (i % 2) {
			directory_drop(w->dir, row.id);
			continue;
		}
		snprintf(name, sizeof(name), "new %d", i);
		row.name = name;
		directory_put(w->dir, &row);
	}
	for (int i = 0; i < MANY; i++) {
		const struct contact *c, *named;

		snprintf(row.id, sizeof(row.id), "id-%d", i);
		c = directory_find(w->dir, row.id);
		snprintf(name, sizeof(name), "%s %d", i % 6 ? "name" : "new", i);
		named = directory_find_name(w->dir, name);
		if (i % 3 == 0 && i % 2) {
			assert_null(c);
			assert_null(named);
		} else {
			assert_string_equal(name_of(c), name);
			assert_ptr_equal(c, named);
		}
	}
	assert_null(directory_find(w->dir, "id-1000"));
	assert_null(directory_find_name(w->dir, "name 0"));
}

/* What is read may be older than a change that came meanwhile: it is read again. */
static void reads_again_after_a_change(void **state)
{
	struct world *w = world_of(state);
	struct contact_row stored = person(1, "Alice", NULL, NULL, NULL),
			   gone = person(2, "Bob", NULL, NULL, NULL);

	store_row(w, &stored);
	w->dir = directory_new(w->rig->loop, w->store);
	directory_put(w->dir, &gone); /* the reading is under way */
	rig_wait(w->rig, is_ready, w->dir);
	names_are(w->dir, "Alice ");
	directory_put(w->dir, &gone);
	directory_reload(w->dir);
	directory_reload(w->dir);
	while (store_pending(w->store) || loop_turn(w->rig->loop))
		loop_turn(w->rig->loop);
	names_are(w->dir, "Alice ");
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_in_plain_form),
		cmocka_unit_test(pins_are_kept_as_hashes),
		cmocka_unit_test(pins_have_digits),
		cmocka_unit_test(knows_time_zones),
		WORLD_TEST(reads_what_is_stored),
		WORLD_TEST(finds_by_number),
		WORLD_TEST(finds_by_pin),
		WORLD_TEST(follows_changes),
		WORLD_TEST(finds_each_of_many),
		WORLD_TEST(reads_again_after_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
