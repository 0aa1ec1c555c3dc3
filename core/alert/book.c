/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The book: the alerts that are open, each with the page that tries to reach somebody for it.
 */
#include "alert/book.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "alert/notice.h"
#include "oncall/target.h"

struct alerts *alerts_new(struct loop *loop, struct store *store, struct journal *journal,
			  struct caller *caller)
{
	struct alerts *alerts = tc_alloc(sizeof(*alerts));

	alerts->loop = loop;
	alerts->store = store;
	alerts->journal = journal;
	alerts->caller = caller;
	TAILQ_INIT(&alerts->list);
	TAILQ_INIT(&alerts->undecided);
	TAILQ_INIT(&alerts->unsure);
	caller_serve(caller, &concern_inbound_ops, alerts);
	return alerts;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(a, b); /* the id is an alert's first member */
}

static void forget(struct alert *alert)
{
	struct alerts *alerts = alert->alerts;

	tdelete(alert, &alerts->tree, by_id);
	TAILQ_REMOVE(&alerts->list, alert, link);
	alerts->open--;
	free(alert);
}

void alerts_tell(struct alerts *alerts, struct host *host)
{
	alerts->notices = notices_new(alerts->loop, alerts->store, alerts->journal, host);
}

/* At the end of the process: the alerts stay open in the store. The pages go with the caller. */
void alerts_free(struct alerts *alerts)
{
	if (!alerts)
		return;
	notices_free(alerts->notices);
	outcome_drop(alerts);
	intake_drop(alerts);
	resume_drop(alerts);
	while (!TAILQ_EMPTY(&alerts->list))
		forget(TAILQ_FIRST(&alerts->list));
	free(alerts);
}

struct alert *book_find(struct alerts *alerts, const char *id)
{
	void *found = tfind(id, &alerts->tree, by_id);

	return found ? *(struct alert **)found : NULL;
}

size_t alerts_open(const struct alerts *alerts)
{
	return alerts->open;
}

void book_open(struct alerts *alerts, const struct alert_row *row, const struct progress *progress)
{
	struct target_person person;
	struct page_request request;
	char fault[160];
	struct alert *alert;
	json_t *values, *labels;

	if (book_find(alerts, row->id))
		return; /* came in while the start was under way, and was read as well */
	if (target_resolve(row->target, &person, fault, sizeof(fault))) {
		/* it was resolved when it came in: somebody changed the directory since */
		tc_log(NULL, TC_LOG_ERROR, "alert %s: target %s", row->id, fault);
		return;
	}
	labels = row->labels ? json_loads(row->labels, 0, NULL) : NULL;
	values = json_pack("{s:s, s:s, s:o}", "message", row->message, "severity", row->severity,
			   "labels", labels ? labels : json_object());
	request = (struct page_request){
		.alert_id = row->id,
		.serial = 1,
		.person = {.contact_id = person.contact_id,
			   .name = person.name,
			   .numbers = &person.number,
			   .n = 1},
		.message = row->message,
		.severity = row->severity,
		.language = row->language,
		.voice = row->voice,
		.values = values,
		.past = progress ? progress->past : NULL,
		.n_past = progress ? progress->n : 0,
		.call_id = progress ? progress->call_id : NULL,
	};
	alert = tc_alloc(sizeof(*alert));
	tc_strcopy(alert->id, sizeof(alert->id), row->id);
	alert->alerts = alerts;
	tsearch(alert, &alerts->tree, by_id);
	TAILQ_INSERT_TAIL(&alerts->list, alert, link);
	alerts->open++;
	alert->page = page_start(alerts->caller, &request, &outcome_page_events, alert);
	json_decref(values);
}

void book_close(struct alert *alert, const char *state)
{
	if (alert->page)
		page_stop(alert->page, state);
	alert->page = NULL;
	forget(alert);
}
