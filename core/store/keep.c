/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What plugins keep (tocsin/keep.h): documents of an instance on their way into the store and out
 * of it. The statements are kept_repo.c's.
 */
#include <tocsin/keep.h>

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/utf8.h>

#include "host/host.h"
#include "host/loop.h"
#include "store/event_repo.h"
#include "store/journal.h"
#include "store/kept_repo.h"
#include "store/store.h"

/* ---- writing ---- */

struct put {
	struct journal *journal;
	char *owner, *key, *text;             /* owned; text NULL = delete */
	char *told, *reason;                  /* owned */
	struct event_row event;               /* what NULL = none */
	int64_t now_us;
	tc_keep_done_fn done;
	void *arg;
};

static void put_free(struct put *p)
{
	free(p->owner);
	free(p->key);
	free(p->text);
	free(p->told);
	free(p->reason);
	free(p);
}

static int run_put(struct db *db, void *arg)
{
	struct put *p = arg;
	int err = kept_put(db, p->owner, p->key, p->text, p->now_us);

	return err || !p->event.what ? err : event_insert(db, &p->event);
}

static void put_done(void *arg, int err)
{
	struct put *p = arg;

	if (p->done)
		p->done(p->arg, err ? -EAGAIN : 0);
	if (!err && p->event.what && p->journal)
		journal_publish(p->journal, &p->event);
	put_free(p);
}

static bool fits(const char *text, size_t max)
{
	size_t len = strlen(text), n;
	uint32_t code;

	if (len > max)
		return false;
	for (; *text; text += n) {
		n = tc_utf8_decode(text, &code);
		if (!n)
			return false;
	}
	return true;
}

int tc_keep_put_event(struct tc_instance *self, const char *key, const char *text,
		      const struct tc_keep_event *event, tc_keep_done_fn done, void *arg)
{
	const struct host_services *services = host_services(self->host);
	struct put *p;
	int err;

	if (!*key || !fits(key, TC_KEEP_KEY_MAX) || (text && !fits(text, TC_KEEP_TEXT_MAX)))
		return -EINVAL;
	if (!services->store)
		return -EAGAIN;
	p = tc_alloc(sizeof(*p));
	p->journal = services->journal;
	p->owner = tc_strdup(self->name);
	p->key = tc_strdup(key);
	p->text = tc_strdup(text);
	p->now_us = loop_wall_us(host_loop(self->host));
	p->done = done;
	p->arg = arg;
	if (event) {
		p->told = tc_strdup(event->text);
		p->reason = tc_strdup(event->reason);
		p->event = (struct event_row){.at_us = p->now_us,
					      .what = event->what,
					      .text = p->told,
					      .reason = p->reason};
	}
	err = store_write(services->store, run_put, put_done, p);
	if (err)
		put_free(p);
	return err;
}

int tc_keep_put(struct tc_instance *self, const char *key, const char *text, tc_keep_done_fn done,
		void *arg)
{
	return tc_keep_put_event(self, key, text, NULL, done, arg);
}

/* ---- reading ---- */

struct reading {
	char *owner, *prefix; /* owned */
	struct kept {
		char *key, *text; /* owned */
	} *kept;              /* owned */
	size_t n, room;
	tc_keep_entry_fn entry;
	tc_keep_done_fn done;
	void *arg;
};

static void forget(struct reading *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->kept[i].key);
		free(r->kept[i].text);
	}
	r->n = 0;
}

static int add(const char *name, const char *body, void *arg)
{
	struct reading *r = arg;

	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		r->kept = tc_realloc(r->kept, r->room * sizeof(*r->kept));
	}
	r->kept[r->n++] = (struct kept){tc_strdup(name), tc_strdup(body)};
	return 0;
}

static int run_read(struct db *db, void *arg)
{
	struct reading *r = arg;

	forget(r);
	return kept_list(db, r->owner, r->prefix, add, r);
}

static void reading_free(struct reading *r)
{
	forget(r);
	free(r->kept);
	free(r->owner);
	free(r->prefix);
	free(r);
}

static void read_done(void *arg, int err)
{
	struct reading *r = arg;

	for (size_t i = 0; i < r->n && !err; i++)
		r->entry(r->arg, r->kept[i].key, r->kept[i].text);
	r->done(r->arg, err ? -EAGAIN : 0);
	reading_free(r);
}

int tc_keep_read(struct tc_instance *self, const char *prefix, tc_keep_entry_fn entry,
		 tc_keep_done_fn done, void *arg)
{
	struct store *store = host_services(self->host)->store;
	struct reading *r;
	int err;

	if (!store)
		return -EAGAIN;
	r = tc_alloc(sizeof(*r));
	r->owner = tc_strdup(self->name);
	r->prefix = tc_strdup(prefix);
	r->entry = entry;
	r->done = done;
	r->arg = arg;
	err = store_read(store, run_read, read_done, r);
	if (err)
		reading_free(r);
	return err;
}
