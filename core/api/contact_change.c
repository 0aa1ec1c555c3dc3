/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing the directory: adding, changing and removing contacts, committed first. What makes a
 * good contact is in oncall/contact.c; reading them is contacts.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "host/id.h"
#include "oncall/contact.h"
#include "oncall/directory.h"
#include "oncall/pin.h"
#include "store/contact_repo.h"
#include "store/event_repo.h"
#include "store/journal.h"
#include "store/store.h"

#define PIN_TAKEN (-EADDRINUSE) /* what a job says; the database has no such error */

/* ---- changes ---- */

enum pin_change { PIN_KEEP, PIN_SET, PIN_REMOVE };

/* One on its way to the store and back. */
struct change {
	struct api *api;
	struct tc_http_req *req;
	bool add, remove;
	int64_t version;        /* the one that is changed, 0 = any */
	struct contact_row row; /* owned strings */
	enum pin_change pin;
	char digits[PIN_MAX + 1];
	struct event_row event;
	char *text;             /* owned */
};

static void change_free(struct change *ch)
{
	OPENSSL_cleanse(ch->digits, sizeof(ch->digits));
	contact_row_fini(&ch->row);
	free(ch->text);
	free(ch);
}

static int compare_pin(const struct contact_row *row, void *arg)
{
	const struct change *ch = arg;

	return row->pin && strcmp(row->id, ch->row.id) != 0 && pin_matches(row->pin, ch->digits)
		       ? PIN_TAKEN
		       : 0;
}

/* Another one may have changed it meanwhile: what is kept is what is there. */
static int keep_pin(struct db *db, struct change *ch)
{
	struct contact_row old;
	int found = contact_get(db, ch->row.id, &old);

	if (found <= 0)
		return found;
	free((void *)ch->row.pin);
	ch->row.pin = tc_strdup(old.pin);
	contact_row_fini(&old);
	return 0;
}

static int put(struct db *db, struct change *ch)
{
	int err = 0;

	if (ch->pin == PIN_SET)
		err = contact_list(db, compare_pin, ch);
	else if (ch->pin == PIN_KEEP && !ch->add)
		err = keep_pin(db, ch);
	if (err)
		return err;
	return ch->add ? contact_insert(db, &ch->row)
		       : contact_update(db, &ch->row, ch->version);
}

static int run(struct db *db, void *arg)
{
	struct change *ch = arg;
	int err = ch->remove ? contact_delete(db, ch->row.id, ch->version) : put(db, ch);

	return err ? err : event_insert(db, &ch->event);
}

static void refuse(const struct change *ch, int err)
{
	switch (err) {
	case -ENOENT:
		tc_http_problem(ch->req, 404, NULL, "there is no such contact");
		break;
	case -ESTALE:
		api_version_gone(ch->req, "contact");
		break;
	case -EEXIST:
		tc_http_problem(ch->req, 409, "name", "there is a contact with this name");
		break;
	case PIN_TAKEN:
		tc_http_problem(ch->req, 422, "pin", "this PIN cannot be used: choose another one");
		break;
	default:
		api_busy(ch->req);
		directory_reload(api_directory(ch->api)); /* perhaps it was done */
	}
}

static void answer(const struct change *ch)
{
	const struct directory *dir = api_directory(ch->api);
	const struct contact *c = directory_find(dir, ch->row.id);
	char where[64];

	if (ch->remove || !c) {
		tc_http_reply(ch->req, 204, NULL, NULL, 0);
		return;
	}
	api_put_etag(ch->req, c->version);
	if (ch->add) {
		snprintf(where, sizeof(where), "/v1/contacts/%s", c->id);
		tc_http_reply_header(ch->req, "Location", where);
	}
	tc_http_reply_json(ch->req, ch->add ? 201 : 200, contact_shape(c));
}

static void done(void *arg, int err)
{
	struct change *ch = arg;

	if (err) {
		refuse(ch, err);
		change_free(ch);
		return;
	}
	if (ch->remove)
		directory_drop(api_directory(ch->api), ch->row.id);
	else
		directory_put(api_directory(ch->api), &ch->row);
	answer(ch);
	journal_publish(ch->api->deps.journal, &ch->event);
	change_free(ch);
}

static struct change *change_new(struct tc_http_req *req, struct api *api)
{
	struct change *ch = tc_alloc(sizeof(*ch));

	ch->api = api;
	ch->req = req;
	return ch;
}

/* what: of the event, constant; done: what was done, for people */
static void submit(struct change *ch, const char *what, const char *did)
{
	ch->text = tc_asprintf("contact %s was %s by %s", ch->row.name, did, tc_http_who(ch->req));
	ch->event = (struct event_row){
		.at_us = loop_wall_us(ch->api->deps.loop), .what = what, .text = ch->text};
	if (!store_write(ch->api->deps.store, run, done, ch))
		return;
	api_busy(ch->req);
	change_free(ch);
}

/* ---- what a body says ---- */

/* Without the field, or with what is shown for a PIN, the PIN stays. */
static void read_pin(struct change *ch, const struct contact_fields *fields)
{
	if (fields->pin && pin_valid(fields->pin)) {
		ch->pin = PIN_SET;
		tc_strcopy(ch->digits, sizeof(ch->digits), fields->pin);
	} else if ((fields->pin && !*fields->pin) ||
		   json_is_null(json_object_get(tc_http_json(ch->req), "pin"))) {
		ch->pin = PIN_REMOVE;
	}
}

/* id: of the path, NULL for a new one. False after the 4xx has been answered. */
static bool read_fields(struct tc_http_req *req, const struct api *api, const char *id,
			struct contact_fields *fields)
{
	struct tc_errors *errs;
	bool good;

	if (tc_http_fields(req, fields))
		return false;
	errs = tc_errors_new();
	if (fields->id && !id)
		tc_errors_add(errs, "id", "cannot be chosen");
	else if (fields->id && strcmp(fields->id, id) != 0)
		tc_errors_add(errs, "id", "is not the one in the path");
	if (!id && fields->pin && !strcmp(fields->pin, CONTACT_PIN_SHOWN))
		tc_errors_add(errs, "pin", "must have %d to %d digits", PIN_MIN, PIN_MAX);
	contact_check(fields, directory_zones(api_directory(api)), errs);
	good = !tc_errors_count(errs);
	if (!good)
		tc_http_faults(req, 422, errs);
	tc_errors_free(errs);
	return good;
}

/* False after the 500 has been answered. */
static bool fill(struct change *ch, const struct contact_fields *fields)
{
	char kept[PIN_KEPT_SIZE];

	contact_row_fill(&ch->row, fields);
	read_pin(ch, fields);
	if (ch->pin != PIN_SET)
		return true;
	if (!pin_keep(ch->digits, kept)) {
		ch->row.pin = tc_strdup(kept);
		return true;
	}
	tc_http_problem(ch->req, 500, NULL, "there is no randomness to keep a PIN with");
	return false;
}

void contact_on_add(struct tc_http_req *req, void *arg)
{
	struct contact_fields fields = {0};
	struct api *api = arg;
	struct change *ch;

	if (!read_fields(req, api, NULL, &fields))
		return;
	ch = change_new(req, api);
	ch->add = true;
	if (!fill(ch, &fields)) {
		change_free(ch);
		return;
	}
	ch->row.version = 1;
	ch->row.created_us = ch->row.updated_us = loop_wall_us(api->deps.loop);
	id_new(ch->row.id, ch->row.created_us);
	submit(ch, "contact.added", "added");
}

void contact_on_put(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	struct contact_fields fields = {0};
	const struct contact *c = contact_of(req, api);
	int64_t version;
	struct change *ch;

	if (!c || !read_fields(req, api, c->id, &fields) ||
	    !api_precondition(req, "contact", c->version, &version))
		return;
	ch = change_new(req, api);
	ch->version = version;
	if (!fill(ch, &fields)) {
		change_free(ch);
		return;
	}
	tc_strcopy(ch->row.id, sizeof(ch->row.id), c->id);
	ch->row.updated_us = loop_wall_us(api->deps.loop);
	submit(ch, "contact.changed", "changed");
}

void contact_on_delete(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	const struct contact *c = contact_of(req, api);
	int64_t version;
	struct change *ch;

	if (!c || !api_precondition(req, "contact", c->version, &version) ||
	    !api_unreferred(req, api, "contact", c->id))
		return;
	ch = change_new(req, api);
	ch->remove = true;
	ch->version = version;
	tc_strcopy(ch->row.id, sizeof(ch->row.id), c->id);
	ch->row.name = tc_strdup(c->name);
	submit(ch, "contact.removed", "removed");
}
