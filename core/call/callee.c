/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Persons, as far as the telephone goes: all pages for one share his calls, so that nobody's
 * telephone rings once for every alert.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "call/call.h"
#include "oncall/directory.h"
#include "oncall/number.h"

#define RIDES_MAX 10000 /* in one call */

static int by_key(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * A contact, or the plain form of a number that is nobody's. What cannot be committed has calls of
 * its own: the others may wait for the store.
 */
static char *key_of(const struct page *page, const struct page_person *person)
{
	const struct directory *dir = page->caller->deps.directory;
	const char *sort = page->unrecorded ? "!" : "";
	char plain[NUMBER_PLAIN_SIZE];

	if (person->contact_id)
		return tc_asprintf("%sc%s", sort, person->contact_id);
	if (number_plain(plain, person->numbers[0], dir ? directory_country(dir) : NULL))
		return tc_asprintf("%sn%s", sort, plain);
	return tc_asprintf("%sn%s", sort, person->numbers[0]);
}

static void numbers_free(struct callee *callee)
{
	for (size_t i = 0; i < callee->n; i++)
		free(callee->numbers[i]);
	free(callee->numbers);
	callee->numbers = NULL;
	callee->n = 0;
}

static bool same_numbers(const struct callee *callee, const struct page_person *p)
{
	bool same = callee->n == p->n;

	for (size_t i = 0; i < p->n && same; i++)
		same = !strcmp(callee->numbers[i], p->numbers[i]);
	return same;
}

/* His turn begins anew when his numbers have changed, also for those who call him already. */
static void take_numbers(struct callee *callee, const struct page_person *p)
{
	struct recall before = callee->recall;
	struct page *page;

	if (same_numbers(callee, p))
		return;
	numbers_free(callee);
	callee->n = p->n < RECALL_NUMBERS ? p->n : RECALL_NUMBERS;
	callee->numbers = tc_calloc(callee->n + 1, sizeof(*callee->numbers));
	for (size_t i = 0; i < callee->n; i++)
		callee->numbers[i] = tc_strdup(p->numbers[i]);
	recall_init(&callee->recall, callee->n);
	callee->recall.due_us = before.due_us;
	callee->recall.last_us = before.last_us;
	TAILQ_FOREACH(page, &callee->pages, of_callee)
		recall_renumber(&page->recall, callee->n);
}

static void take_person(struct callee *callee, const struct page_person *p)
{
	take_numbers(callee, p);
	free(callee->contact_id);
	free(callee->name);
	free(callee->pin);
	callee->contact_id = tc_strdup(p->contact_id);
	callee->name = tc_strdup(p->name);
	callee->pin = tc_strdup(p->pin);
}

static void on_redial(void *arg)
{
	struct callee *callee = arg;

	if (!callee->caller->closing && !callee->live)
		place_call(callee);
}

static struct callee *callee_new(struct caller *caller, char *key)
{
	struct callee *callee = tc_alloc(sizeof(*callee));

	callee->key = key;
	callee->caller = caller;
	TAILQ_INIT(&callee->pages);
	loop_timer_init(&callee->redial, caller->deps.loop, on_redial, callee);
	tsearch(callee, &caller->callee_tree, by_key);
	TAILQ_INSERT_TAIL(&caller->callees, callee, link);
	return callee;
}

static void free_if_unused(struct callee *callee)
{
	if (!TAILQ_EMPTY(&callee->pages) || callee->live)
		return;
	tdelete(callee, &callee->caller->callee_tree, by_key);
	TAILQ_REMOVE(&callee->caller->callees, callee, link);
	loop_timer_stop(&callee->redial);
	numbers_free(callee);
	free(callee->key);
	free(callee->contact_id);
	free(callee->name);
	free(callee->pin);
	free(callee);
}

void callee_join(struct page *page, const struct page_person *person)
{
	struct caller *caller = page->caller;
	char *key = key_of(page, person);
	struct callee *callee;
	void *found = tfind(&key, &caller->callee_tree, by_key);

	if (found) {
		callee = *(struct callee **)found;
		free(key);
	} else {
		callee = callee_new(caller, key);
	}
	take_person(callee, person);
	page->callee = callee;
	TAILQ_INSERT_TAIL(&callee->pages, page, of_callee);
}

void callee_leave(struct page *page)
{
	struct callee *callee = page->callee;

	TAILQ_REMOVE(&callee->pages, page, of_callee);
	page->callee = NULL;
	free_if_unused(callee);
}

size_t callee_number(const struct callee *callee, const char *number)
{
	size_t i = 0;

	while (i < callee->n && strcmp(callee->numbers[i], number) != 0)
		i++;
	return i < callee->n ? i : RECALL_NUMBERS;
}

bool page_wants_call(const struct page *page)
{
	return !page->stopped && !page->over && !page->decided && !page->ride;
}

/* Until somebody has answered, and then while there is still something to be told. */
static bool takes(struct call *call, const struct page *page)
{
	if (!call || call->hung_up || call->state == CALL_ENDED || call->n_rides >= RIDES_MAX ||
	    ride_find(call, page->alert_id))
		return false;
	return call->state != CALL_ANSWERED ||
	       (call->open && !call->finishing && !call->dialplan && !call->released &&
		!call->machine);
}

static void ride_along(struct page *page)
{
	struct call *call = page->callee->call;
	struct ride *ride = ride_new(call, page, page->alert_id);

	ride_change(ride);
	call_event(call, page->alert_id, "call.bundled", NULL,
		   "told together with %u other alert%s in a call to %s", call->n_rides - 1,
		   call->n_rides == 2 ? "" : "s", call_whom(call));
	call_record(call, NULL, NULL, NULL, "%s", "");
	bundle_joined(call);
}

static void call_at(struct callee *callee, int64_t due_us)
{
	int64_t wait_us = due_us - loop_wall_us(callee->caller->deps.loop);

	loop_timer_start_us(&callee->redial, wait_us > 0 ? wait_us : 0);
}

/* While he waits for a call already, whoever comes waits with him. */
static void wait_with(struct page *page)
{
	struct callee *callee = page->callee;
	bool waits = loop_timer_armed(&callee->redial);

	if (waits && page->recall.last_us <= callee->recall.last_us)
		return;
	if (!waits)
		callee->skip = 0;
	if (page->recall.numbers == callee->n)
		callee->recall = page->recall;
	call_at(callee, callee->recall.due_us);
}

void callee_want(struct page *page)
{
	struct callee *callee = page->callee;

	if (takes(callee->call, page))
		ride_along(page);
	else if (callee->live)
		page->missed = true;
	else
		wait_with(page);
}

void callee_begin(struct callee *callee, struct call *call)
{
	call->callee = callee;
	callee->call = call;
	callee->live++;
	loop_timer_stop(&callee->redial);
	free(call->whom);
	call->whom = !strcmp(callee->name, call->number)
			     ? tc_strdup(callee->name)
			     : tc_asprintf("%s (%s)", callee->name, call->number);
}

/* Those for whom it came too late are not to wait for another one. */
static void go_on(struct callee *callee)
{
	bool wanted = false, missed = false;
	struct page *page;

	TAILQ_FOREACH(page, &callee->pages, of_callee) {
		if (!page_wants_call(page))
			continue;
		wanted = true;
		missed = missed || page->missed;
		page->missed = false;
	}
	if (wanted)
		call_at(callee, missed ? 0 : callee->recall.due_us);
}

void callee_end(struct call *call)
{
	struct callee *callee = call->callee;

	if (!callee)
		return;
	call->callee = NULL;
	if (callee->call == call)
		callee->call = NULL;
	if (!--callee->live && !callee->caller->closing)
		go_on(callee);
	free_if_unused(callee);
}
