/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For those who call: the alerts that concern them, in the order in which they are told, and what
 * their keys decide. The talking is the call layer's.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "alert/book.h"
#include "call/severity.h"
#include "oncall/directory.h"
#include "oncall/number.h"
#include "oncall/oncall.h"
#include "store/call_repo.h"
#include "store/escalation_repo.h"
#include "store/store.h"

#define LOOK_MAX 1000 /* most alerts of a state, beside the open ones, that are looked at */

/* A question on its way through the store's reader. */
struct concern {
	struct alerts *alerts;
	char call_id[TC_ID_SIZE];
	char **numbers;  /* owned; in plain form */
	size_t n_numbers;
	char country[8];
	int64_t since_us;
	int limit;
	/* what is found; the reader's thread, then the loop's */
	struct alert_row *rows; /* owned, with their strings */
	size_t n, room;
	bool called;     /* one of the numbers, for the alert that is looked at */
};

static void rows_clear(struct concern *c)
{
	for (size_t i = 0; i < c->n; i++)
		alert_row_fini(&c->rows[i]);
	c->n = 0;
}

static void concern_free(struct concern *c)
{
	rows_clear(c);
	for (size_t i = 0; i < c->n_numbers; i++)
		free(c->numbers[i]);
	free(c->numbers);
	free(c->rows);
	free(c);
}

/* ---- in the store's thread ---- */

static bool is_his(const struct concern *c, const char *number)
{
	char plain[NUMBER_PLAIN_SIZE];

	if (!number_plain(plain, number, c->country))
		return false;
	for (size_t i = 0; i < c->n_numbers; i++)
		if (!strcmp(c->numbers[i], plain))
			return true;
	return false;
}

static int add(const struct alert_row *row, void *arg)
{
	struct concern *c = arg;

	if (c->n == c->room) {
		c->room = c->room ? 2 * c->room : 64;
		c->rows = tc_realloc(c->rows, c->room * sizeof(*c->rows));
	}
	alert_row_copy(&c->rows[c->n++], row);
	return 0;
}

static int see_call(const struct call_row *row, void *arg)
{
	struct concern *c = arg;

	c->called = is_his(c, row->number);
	return c->called;
}

/* Is he one of those whom the running step asks, called or not? */
static int see_step(struct db *db, struct concern *c, const struct alert_row *row)
{
	struct escalation_row stored;
	struct escalation e;
	int found = escalation_get(db, row->id, &stored);

	if (found <= 0)
		return found;
	escalation_parse(&e, row->target, stored.body);
	for (size_t i = 0; i < e.n && !c->called; i++)
		for (size_t k = 0; k < e.chains[i].n && !c->called; k++)
			c->called = is_his(c, e.chains[i].asked[k].number);
	escalation_fini(&e);
	escalation_row_fini(&stored);
	return 0;
}

/*
 * Of all that were read only those stay that are for him, for which he was called, or for which he
 * is to be.
 */
static int sift(struct db *db, struct concern *c)
{
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct alert_row *row = &c->rows[i];

		c->called = number_valid(row->target) && is_his(c, row->target);
		if (!c->called && !err)
			err = call_list_alert(db, row->id, see_call, c);
		if (!c->called && !err)
			err = see_step(db, c, row);
		if (c->called && !err)
			c->rows[kept++] = *row;
		else
			alert_row_fini(row);
	}
	c->n = kept;
	return err;
}

/* What is open first, then the worst, then the oldest: ids begin with the time. */
static int by_urgency(const void *a, const void *b)
{
	const struct alert_row *row_a = a, *row_b = b;
	int done_a = !strcmp(row_a->state, "acknowledged");
	int done_b = !strcmp(row_b->state, "acknowledged");
	int rank_a = severity_rank(row_a->severity), rank_b = severity_rank(row_b->severity);

	if (done_a != done_b)
		return done_a - done_b;
	return rank_a != rank_b ? rank_a - rank_b : strcmp(row_a->id, row_b->id);
}

static int run(struct db *db, void *arg)
{
	struct concern *c = arg;
	int err;

	rows_clear(c);
	err = alert_list_open(db, add, c);
	if (!err)
		err = alert_list_changed(db, "exhausted", c->since_us, LOOK_MAX, add, c);
	if (!err)
		err = alert_list_changed(db, "acknowledged", c->since_us, LOOK_MAX, add, c);
	if (!err)
		err = sift(db, c);
	if (c->n)
		qsort(c->rows, c->n, sizeof(*c->rows), by_urgency);
	return err;
}

/* ---- on the loop ---- */

static void answer(const struct concern *c)
{
	size_t n = c->n < (size_t)c->limit ? c->n : (size_t)c->limit;
	struct inbound_alert *told = tc_calloc(n + 1, sizeof(*told));
	struct inbound_found found = {.alerts = told, .n = n, .more = c->n - n};

	for (size_t i = 0; i < n; i++) {
		const struct alert_row *row = &c->rows[i];

		told[i] = (struct inbound_alert){.id = row->id,
						 .state = row->state,
						 .message = row->message,
						 .severity = row->severity,
						 .language = row->language,
						 .voice = row->voice,
						 .labels = json_loads(row->labels, 0, NULL)};
	}
	for (size_t i = 0; i < c->n; i++)
		found.open += strcmp(c->rows[i].state, "acknowledged") != 0;
	inbound_listed(c->alerts->caller, c->call_id, &found);
	for (size_t i = 0; i < n; i++)
		json_decref((json_t *)told[i].labels);
	free(told);
}

static void done(void *arg, int err)
{
	struct concern *c = arg;

	if (!err) {
		answer(c);
	} else {
		tc_log(NULL, TC_LOG_ERROR, "call %s: the alerts cannot be read: %s", c->call_id,
		       tc_strerror(err));
		inbound_listed(c->alerts->caller, c->call_id, NULL);
	}
	concern_free(c);
}

static void refused(void *arg)
{
	done(arg, -EAGAIN);
}

static void list(void *arg, const char *call_id, const struct inbound_whose *whose)
{
	struct concern *c = tc_alloc(sizeof(*c));

	c->alerts = arg;
	tc_strcopy(c->call_id, sizeof(c->call_id), call_id);
	c->n_numbers = whose->n;
	c->numbers = tc_calloc(whose->n + 1, sizeof(*c->numbers));
	for (size_t i = 0; i < whose->n; i++)
		c->numbers[i] = tc_strdup(whose->numbers[i]);
	tc_strcopy(c->country, sizeof(c->country), whose->country);
	c->since_us = whose->since_us;
	c->limit = whose->limit;
	if (store_read(c->alerts->store, run, done, c))
		loop_post(c->alerts->loop, refused, c);
}

/* Is it he whom this page tries to reach? */
static bool is_reached(const struct reach *reach, const struct contact *contact, const char *by,
		       const char *country)
{
	if (!contact || reach->contact_id)
		return contact && reach->contact_id ? !strcmp(reach->contact_id, contact->id)
						    : number_same(reach->name, by, country);
	for (size_t i = 0; i < contact->n; i++)
		if (number_same(reach->name, contact->numbers[i].number, country))
			return true;
	return false;
}

/* The page of who calls, if he is being reached; by: a contact's name, or a number. */
static const struct reach *reach_of(const struct alerts *alerts, const struct alert *alert,
				    const char *by)
{
	const struct directory *dir = oncall_directory(alerts->oncall);
	const struct contact *contact = directory_find_name(dir, by);
	const struct reach *reach;

	TAILQ_FOREACH(reach, &alert->reaches, link)
		if (is_reached(reach, contact, by, directory_country(dir)))
			return reach;
	return NULL;
}

static void key(void *arg, const char *call_id, const char *alert_id, enum page_key pressed,
		const char *by)
{
	struct alerts *alerts = arg;
	const struct alert *alert = book_find(alerts, alert_id);
	const struct caller_word word = {
		.call_id = call_id, .key = pressed, .how = "key pressed in a call that came in"};

	outcome_by_key(alerts, alert_id, &word, alert ? reach_of(alerts, alert, by) : NULL, by);
}

const struct inbound_ops concern_inbound_ops = {.list = list, .key = key};
