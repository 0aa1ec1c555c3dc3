/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contacts in memory: reading them, changing them, finding them. Checking and storing them is
 * not done here.
 */
#include "oncall/directory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "host/loop.h"
#include "oncall/contact_index.h"
#include "oncall/pin.h"
#include "oncall/zone.h"
#include "store/contact_repo.h"
#include "store/store.h"

#define RETRY_US (1000 * 1000)

TAILQ_HEAD(contact_list, contact);

/* One who waits for a reading. */
struct waiter {
	LIST_ENTRY(waiter) link;
	void (*fn)(void *arg);
	void *arg;
};

LIST_HEAD(waiter_list, waiter);

struct directory {
	struct loop *loop;
	struct store *store;
	struct contact_list list; /* by name */
	struct contact_index index;
	struct zones *zones;
	char country[8];
	bool ready;
	bool told; /* that they cannot be read */
	bool reading;
	bool again; /* something was changed since the reading began: what was read may be old */
	struct loop_timer retry;
	struct waiter_list waiters;
	void (*changed)(void *arg);
	void *changed_arg;
};

/* ---- one contact ---- */

static void contact_free(struct contact *c)
{
	free(c->name);
	free(c->language);
	free(c->voice);
	free(c->timezone);
	free(c->note);
	free(c->pin);
	free(c->numbers);
	free(c);
}

static bool has_use(const json_t *entry, const char *use)
{
	const json_t *uses = json_object_get(entry, "use"), *value;
	size_t i;

	json_array_foreach (uses, i, value) {
		const char *text = json_string_value(value);

		if (text && !strcmp(text, use))
			return true;
	}
	return false;
}

static void read_numbers(const char *country, struct contact *c, const char *text)
{
	json_t *all = json_loads(text, 0, NULL), *entry;
	size_t i;

	c->numbers = tc_calloc(json_array_size(all) + 1, sizeof(*c->numbers));
	json_array_foreach (all, i, entry) {
		struct contact_number *n = &c->numbers[c->n];
		const char *number = json_string_value(json_object_get(entry, "number"));

		if (!number || !number_valid(number))
			continue; /* somebody wrote into the table by hand */
		tc_strcopy(n->number, sizeof(n->number), number);
		number_plain(n->plain, number, country);
		n->call = has_use(entry, "call");
		n->sms = has_use(entry, "sms");
		c->n++;
	}
	json_decref(all);
}

static struct contact *contact_new(const char *country, const struct contact_row *row)
{
	struct contact *c = tc_alloc(sizeof(*c));

	tc_strcopy(c->id, sizeof(c->id), row->id);
	c->name = tc_strdup(row->name);
	c->language = tc_strdup(row->language);
	c->voice = tc_strdup(row->voice);
	c->timezone = tc_strdup(row->timezone);
	c->note = tc_strdup(row->note ? row->note : "");
	c->pin = tc_strdup(row->pin);
	c->enabled = row->enabled;
	c->version = row->version;
	read_numbers(country, c, row->numbers);
	return c;
}

/* ---- the list ---- */

static int by_name(const char *a, const char *b)
{
	int order = strcasecmp(a, b);

	return order ? order : strcmp(a, b);
}

static void insert(struct contact_list *list, struct contact *c)
{
	struct contact *before = TAILQ_LAST(list, contact_list);

	while (before && by_name(before->name, c->name) > 0)
		before = TAILQ_PREV(before, contact_list, link);
	if (before)
		TAILQ_INSERT_AFTER(list, before, c, link);
	else
		TAILQ_INSERT_HEAD(list, c, link);
}

static void clear(struct contact_list *list)
{
	struct contact *c;

	while ((c = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, c, link);
		contact_free(c);
	}
}

static void plain_again(struct directory *dir)
{
	struct contact *c;

	TAILQ_FOREACH (c, &dir->list, link)
		for (size_t i = 0; i < c->n; i++)
			number_plain(c->numbers[i].plain, c->numbers[i].number, dir->country);
}

static void tell(const struct directory *dir)
{
	if (dir->changed)
		dir->changed(dir->changed_arg);
}

static void take_out(struct directory *dir, const char *id)
{
	struct contact *c = contact_index_id(&dir->index, id);

	dir->again = dir->reading;
	if (!c)
		return;
	contact_index_del(&dir->index, c);
	TAILQ_REMOVE(&dir->list, c, link);
	contact_free(c);
}

void directory_put(struct directory *dir, const struct contact_row *row)
{
	struct contact *c;

	take_out(dir, row->id);
	c = contact_new(dir->country, row);
	insert(&dir->list, c);
	contact_index_add(&dir->index, c);
	tell(dir);
}

void directory_drop(struct directory *dir, const char *id)
{
	take_out(dir, id);
	tell(dir);
}

void directory_listen(struct directory *dir, void (*changed)(void *arg), void *arg)
{
	dir->changed = changed;
	dir->changed_arg = arg;
}

/* ---- reading ---- */

/* The contacts are made on the reader's thread: the loop has better to do. */
struct reading {
	struct directory *dir;
	char country[8];
	struct contact **v; /* owned, with what they point to */
	size_t n, room;
	struct contact_index index;
};

static void reading_clear(struct reading *r)
{
	for (size_t i = 0; i < r->n; i++)
		contact_free(r->v[i]);
	r->n = 0;
	contact_index_fini(&r->index);
}

static int add_row(const struct contact_row *row, void *arg)
{
	struct reading *r = arg;

	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		r->v = tc_realloc(r->v, r->room * sizeof(*r->v));
	}
	r->v[r->n++] = contact_new(r->country, row);
	return 0;
}

static int contacts_by_name(const void *a, const void *b)
{
	struct contact *const *contact_a = a, *const *contact_b = b;

	return by_name((*contact_a)->name, (*contact_b)->name);
}

static int run(struct db *db, void *arg)
{
	struct reading *r = arg;
	int err;

	reading_clear(r);
	err = contact_list(db, add_row, r);
	if (r->n)
		qsort(r->v, r->n, sizeof(struct contact *), contacts_by_name);
	for (size_t i = 0; i < r->n; i++)
		contact_index_add(&r->index, r->v[i]);
	return err;
}

static void tell_waiters(struct directory *dir)
{
	struct waiter *waiter;

	while ((waiter = LIST_FIRST(&dir->waiters))) {
		LIST_REMOVE(waiter, link);
		waiter->fn(waiter->arg);
		free(waiter);
	}
}

static int drop_run(struct db *db, void *arg)
{
	struct contact_list *list = arg;

	(void)db;
	clear(list);
	return 0;
}

static void drop_done(void *arg, int err)
{
	(void)err;
	clear(arg);
	free(arg);
}

/* So many small pieces of memory are given back on the reader's thread. */
static void drop(struct directory *dir)
{
	struct contact_list *old = tc_alloc(sizeof(*old));

	TAILQ_INIT(old);
	TAILQ_CONCAT(old, &dir->list, link);
	if (TAILQ_EMPTY(old) || store_read(dir->store, drop_run, drop_done, old))
		drop_done(old, 0);
}

static void take(struct directory *dir, struct reading *r)
{
	drop(dir);
	for (size_t i = 0; i < r->n; i++)
		TAILQ_INSERT_TAIL(&dir->list, r->v[i], link);
	r->n = 0;
	contact_index_fini(&dir->index);
	dir->index = r->index;
	r->index = (struct contact_index){0};
	if (strcmp(r->country, dir->country) != 0)
		plain_again(dir);
	if (dir->told)
		tc_log(NULL, TC_LOG_INFO, "the contacts could be read");
	dir->told = false;
	dir->ready = true;
	tell(dir);
	tell_waiters(dir);
}

static void done(void *arg, int err)
{
	struct reading *r = arg;
	struct directory *dir = r->dir;

	dir->reading = false;
	if (err) {
		if (!dir->told)
			tc_log(NULL, TC_LOG_ERROR, "the contacts cannot be read, trying again: %s",
			       tc_strerror(err));
		dir->told = true;
		loop_timer_start_us(&dir->retry, RETRY_US);
	} else if (!dir->again) {
		take(dir, r);
	} else {
		directory_reload(dir);
	}
	reading_clear(r);
	free(r->v);
	free(r);
}

static void begin(void *arg)
{
	struct directory *dir = arg;
	struct reading *r = tc_alloc(sizeof(*r));

	r->dir = dir;
	tc_strcopy(r->country, sizeof(r->country), dir->country);
	loop_timer_stop(&dir->retry);
	dir->again = false;
	dir->reading = !store_read(dir->store, run, done, r);
	if (dir->reading)
		return;
	free(r);
	loop_timer_start_us(&dir->retry, RETRY_US);
}

void directory_reload(struct directory *dir)
{
	if (dir->reading)
		dir->again = true;
	else
		begin(dir);
}

void directory_reload_then(struct directory *dir, void (*fn)(void *arg), void *arg)
{
	struct waiter *waiter = tc_alloc(sizeof(*waiter));

	waiter->fn = fn;
	waiter->arg = arg;
	LIST_INSERT_HEAD(&dir->waiters, waiter, link);
	directory_reload(dir);
}

void directory_unwait(struct directory *dir, const void *arg)
{
	struct waiter *waiter, *next;

	for (waiter = LIST_FIRST(&dir->waiters); waiter; waiter = next) {
		next = LIST_NEXT(waiter, link);
		if (waiter->arg != arg)
			continue;
		LIST_REMOVE(waiter, link);
		free(waiter);
	}
}

bool directory_ready(const struct directory *dir)
{
	return dir->ready;
}

/* ---- beginning and end ---- */

struct directory *directory_new(struct loop *loop, struct store *store)
{
	struct directory *dir = tc_alloc(sizeof(*dir));

	dir->loop = loop;
	dir->store = store;
	TAILQ_INIT(&dir->list);
	dir->zones = zones_load(NULL);
	loop_timer_init(&dir->retry, loop, begin, dir);
	begin(dir);
	return dir;
}

/* The store must have been drained: nothing is being read any more. */
void directory_free(struct directory *dir)
{
	struct waiter *waiter;

	if (!dir)
		return;
	loop_timer_stop(&dir->retry);
	while ((waiter = LIST_FIRST(&dir->waiters))) {
		LIST_REMOVE(waiter, link);
		free(waiter);
	}
	clear(&dir->list);
	contact_index_fini(&dir->index);
	zones_free(dir->zones);
	free(dir);
}

void directory_set_country(struct directory *dir, const char *country)
{
	tc_strcopy(dir->country, sizeof(dir->country), country ? country : "");
	plain_again(dir);
}

const char *directory_country(const struct directory *dir)
{
	return dir->country;
}

const struct zones *directory_zones(const struct directory *dir)
{
	return dir->zones;
}

/* ---- finding ---- */

const struct contact *directory_next(const struct directory *dir, const struct contact *after)
{
	return after ? TAILQ_NEXT(after, link) : TAILQ_FIRST(&dir->list);
}

const struct contact *directory_behind(const struct directory *dir, const char *name)
{
	struct contact *c;

	TAILQ_FOREACH (c, &dir->list, link)
		if (by_name(c->name, name) > 0)
			return c;
	return NULL;
}

const struct contact *directory_find(const struct directory *dir, const char *id)
{
	return contact_index_id(&dir->index, id);
}

const struct contact *directory_find_name(const struct directory *dir, const char *name)
{
	return contact_index_name(&dir->index, name);
}

const struct contact *directory_find_number(const struct directory *dir, const char *number,
					    const struct contact *after)
{
	char plain[NUMBER_PLAIN_SIZE];
	const struct contact *c;

	if (!number_plain(plain, number, dir->country))
		return NULL;
	for (c = directory_next(dir, after); c; c = TAILQ_NEXT(c, link))
		for (size_t i = 0; i < c->n; i++)
			if (!strcmp(c->numbers[i].plain, plain))
				return c;
	return NULL;
}

/* All are compared: how long it takes tells nothing. */
const struct contact *directory_find_pin(const struct directory *dir, const char *digits)
{
	const struct contact *found = NULL;
	struct contact *c;
	size_t n = 0;

	TAILQ_FOREACH (c, &dir->list, link) {
		if (!c->enabled || !c->pin || !pin_matches(c->pin, digits))
			continue;
		found = c;
		n++;
	}
	return n == 1 ? found : NULL;
}

bool directory_has_pins(const struct directory *dir)
{
	struct contact *c;

	TAILQ_FOREACH (c, &dir->list, link)
		if (c->enabled && c->pin)
			return true;
	return false;
}
