/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The people who are being reached for an alert, each by a page: begun when the escalation that is
 * committed asks for them, retired when it asks no more. Who that is, escalation.h decides.
 */
#include <stdlib.h>
#include <string.h>

#include "alert/book.h"

static void on_key(void *arg, struct page *page, const char *call_id, enum page_key key,
		   const char *how)
{
	struct reach *reach = arg;

	(void)page; /* while it is being started it is not known yet */
	outcome_by_key(reach->alert->alerts, reach->alert->id,
		       &(struct caller_word){.call_id = call_id, .key = key, .how = how}, reach,
		       NULL);
}

static void on_done(void *arg, const char *reason)
{
	struct reach *reach = arg;

	free(reach->done);
	reach->done = tc_strdup(reason);
	course_wake(reach->alert);
}

static const struct page_events page_events = {.key = on_key, .done = on_done};

static void reach_free(struct reach *reach)
{
	TAILQ_REMOVE(&reach->alert->reaches, reach, link);
	free(reach->contact_id);
	free(reach->name);
	free(reach->done);
	free(reach);
}

void reach_drop(struct reach *reach, const char *state)
{
	if (reach->page)
		page_stop(reach->page, state);
	reach_free(reach);
}

void reach_forget_all(struct alert *alert)
{
	while (!TAILQ_EMPTY(&alert->reaches))
		reach_free(TAILQ_FIRST(&alert->reaches));
}

void reach_drop_all(struct alert *alert, const char *state)
{
	while (!TAILQ_EMPTY(&alert->reaches))
		reach_drop(TAILQ_FIRST(&alert->reaches), state);
}

bool reach_live(const struct alert *alert, int but)
{
	const struct reach *reach;

	TAILQ_FOREACH(reach, &alert->reaches, link)
		if (reach->page && reach->serial != but && page_live(reach->page))
			return true;
	return left_waits(alert);
}

/* ---- beginning ---- */

static struct reach *reach_new(struct alert *alert, int serial, const char *contact_id,
			       const char *name)
{
	struct reach *reach = tc_alloc(sizeof(*reach));

	reach->alert = alert;
	reach->serial = serial;
	reach->contact_id = tc_strdup(contact_id);
	reach->name = tc_strdup(name);
	reach->all = alert->e.all;
	TAILQ_INSERT_TAIL(&alert->reaches, reach, link);
	return reach;
}

static void start(struct reach *reach, const struct page_person *person, const char *call_id,
		  const struct page_past *past, size_t n)
{
	struct alert *alert = reach->alert;
	const struct page_request request = {
		.alert_id = alert->id,
		.serial = reach->serial,
		.person = *person,
		.message = alert->row.message,
		.severity = alert->row.severity,
		.language = alert->row.language,
		.voice = alert->row.voice,
		.values = alert->values,
		.past = past,
		.n_past = n,
		.call_id = call_id,
	};

	reach->page = page_start(alert->alerts->caller, &request, &page_events, reach);
}

/* The person as he is now; his numbers may have changed since he was chosen. */
static void find(const struct alert *alert, const char *contact_id, const char *number,
		 struct people *people)
{
	const struct target target = {.kind = contact_id ? TARGET_CONTACT : TARGET_NUMBER,
				      .name = contact_id ? contact_id : number};

	people_find(alert->alerts->oncall, &target, loop_wall_us(alert->alerts->loop), people);
}

static struct page_person person_of(const struct people *people)
{
	const struct person *p = &people->v[0];

	return (struct page_person){.contact_id = p->contact_id,
				    .name = p->name,
				    .numbers = p->numbers,
				    .n = p->n_numbers,
				    .language = p->language,
				    .voice = p->voice,
				    .pin = p->pin};
}

/*
 * Somebody who cannot be called any more, but whose call is up: that goes on. Without one he is
 * used up.
 */
static void begin_without(struct reach *reach, const char *number, const char *call_id,
			  const char *fault)
{
	const struct page_person person = {.contact_id = reach->contact_id,
					   .name = reach->name,
					   .numbers = &number,
					   .n = 1};

	if (call_id) {
		start(reach, &person, call_id, NULL, 0);
		page_retire(reach->page, "cannot be called any more");
		return;
	}
	reach->done = tc_strdup(fault ? fault : "cannot be called any more");
	course_wake(reach->alert);
}

static void begin(struct alert *alert, const struct asked *asked)
{
	const char *call_id;
	struct page_past *past;
	struct page_person person;
	struct people people;
	struct reach *reach;
	size_t n;

	if (!left_ready(alert, asked->serial, asked->contact_id, asked->number, &call_id, &past,
			&n))
		return;
	reach = reach_new(alert, asked->serial, asked->contact_id, asked->name);
	if (!asked->contact_id) {
		person = (struct page_person){.name = asked->name,
					      .numbers = (const char *const *)&asked->number,
					      .n = 1};
		start(reach, &person, call_id, past, n);
	} else {
		find(alert, asked->contact_id, asked->number, &people);
		if (people.n) {
			person = person_of(&people);
			start(reach, &person, call_id, past, n);
		} else {
			begin_without(reach, asked->number, call_id, people.fault);
		}
		people_free(&people);
	}
	free(past);
	left_taken(alert, asked->serial, call_id);
}

static void retire(struct reach *reach)
{
	reach->retired = true;
	if (reach->page)
		page_retire(reach->page, "the time of its step is over");
}

void reach_adopt(struct alert *alert, int serial, const char *contact_id, const char *number,
		 const char *call_id)
{
	struct page_person person = {.name = number, .numbers = &number, .n = 1};
	struct people people;
	struct reach *reach;

	find(alert, contact_id, number, &people);
	if (people.n)
		person = person_of(&people);
	reach = reach_new(alert, serial, contact_id, person.name);
	start(reach, &person, call_id, NULL, 0);
	people_free(&people);
	retire(reach);
	left_taken(alert, serial, call_id);
}

/* ---- what is wanted ---- */

static bool has(const struct alert *alert, const struct asked *asked)
{
	const struct reach *reach;

	/* by an earlier page, too: he is called again when that is over */
	TAILQ_FOREACH(reach, &alert->reaches, link)
		if (reach->serial == asked->serial ||
		    chain_same_person(reach->contact_id, reach->name, asked->contact_id,
				      asked->name))
			return true;
	return false;
}

void reach_settle(struct alert *alert)
{
	struct escalation *e = &alert->e;
	struct reach *reach, *next;

	if (alert->acknowledged)
		return;
	for (reach = TAILQ_FIRST(&alert->reaches); reach; reach = next) {
		next = TAILQ_NEXT(reach, link);
		if (!reach->retired && (e->held_by || !escalation_asks(e, reach->serial)))
			retire(reach);
	}
	for (size_t i = 0; i < e->n && !e->held_by; i++) {
		const struct asked *asked = chain_asks(&e->chains[i]);

		if (asked && !has(alert, asked))
			begin(alert, asked);
	}
}
