/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The book: the alerts that are being worked on, in memory. The work itself is course.c's.
 */
#include "alert/book.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "alert/change.h"
#include "alert/notice.h"

struct alerts *alerts_new(const struct alerts_deps *deps)
{
	struct alerts *alerts = tc_alloc(sizeof(*alerts));

	alerts->loop = deps->loop;
	alerts->store = deps->store;
	alerts->journal = deps->journal;
	alerts->caller = deps->caller;
	alerts->oncall = deps->oncall;
	alerts->config = deps->config;
	TAILQ_INIT(&alerts->list);
	TAILQ_INIT(&alerts->changes);
	TAILQ_INIT(&alerts->undecided);
	TAILQ_INIT(&alerts->unsure);
	TAILQ_INIT(&alerts->loads);
	caller_serve(alerts->caller, &concern_inbound_ops, alerts);
	hold_start(alerts);
	return alerts;
}

void alerts_configure(struct alerts *alerts, const struct config_escalation *config)
{
	alerts->config = config;
}

void alerts_tell(struct alerts *alerts, struct host *host)
{
	alerts->notices = notices_new(alerts->loop, alerts->store, alerts->journal, host);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(a, b); /* the id is an alert's first member */
}

static void forget(struct alert *alert)
{
	struct alerts *alerts = alert->alerts;
	struct word *word;

	loop_timer_stop(&alert->wake);
	reach_forget_all(alert);
	tdelete(alert, &alerts->tree, by_id);
	TAILQ_REMOVE(&alerts->list, alert, link);
	if (!alert->acknowledged)
		alerts->open--;
	left_free(alert, true);
	while ((word = STAILQ_FIRST(&alert->words))) {
		STAILQ_REMOVE_HEAD(&alert->words, link);
		word_free(word);
	}
	escalation_fini(&alert->e);
	alert_row_fini(&alert->row);
	json_decref(alert->values);
	free(alert);
	resume_settled(alerts);
}

/* At the end of the process: the alerts stay open in the store. The pages go with the caller. */
void alerts_free(struct alerts *alerts)
{
	struct alert *alert;

	if (!alerts)
		return;
	hold_stop(alerts);
	notices_free(alerts->notices);
	outcome_drop(alerts);
	intake_drop(alerts);
	resume_drop(alerts);
	load_drop_all(alerts);
	change_drop_all(alerts);
	while ((alert = TAILQ_FIRST(&alerts->list))) {
		struct reach *reach;

		TAILQ_FOREACH(reach, &alert->reaches, link)
			reach->page = NULL; /* it goes with the caller */
		reach_drop_all(alert, "");
		forget(alert);
	}
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

struct alert *book_open(struct alerts *alerts, const struct alert_row *row, struct escalation *e,
			int64_t version)
{
	json_t *labels = row->labels ? json_loads(row->labels, 0, NULL) : NULL;
	struct alert *alert;

	if (book_find(alerts, row->id)) {
		/* came in while the start was under way, and was read as well */
		json_decref(labels);
		escalation_fini(e);
		return NULL;
	}
	alert = tc_alloc(sizeof(*alert));
	tc_strcopy(alert->id, sizeof(alert->id), row->id);
	alert->alerts = alerts;
	alert_row_copy(&alert->row, row);
	alert->values = json_pack("{s:s, s:s, s:o}", "message", row->message, "severity",
				  row->severity, "labels", labels ? labels : json_object());
	alert->acknowledged = !strcmp(row->state, "acknowledged");
	alert->e = *e;
	*e = (struct escalation){.target = NULL};
	alert->version = version;
	TAILQ_INIT(&alert->reaches);
	STAILQ_INIT(&alert->words);
	tsearch(alert, &alerts->tree, by_id);
	TAILQ_INSERT_TAIL(&alerts->list, alert, link);
	alerts->open += !alert->acknowledged;
	return alert;
}

void book_close(struct alert *alert, const char *state)
{
	reach_drop_all(alert, state);
	course_drop(alert, state);
	left_free(alert, false);
	forget(alert);
}

void book_acknowledged(struct alert *alert, const char *state, int64_t expires_us)
{
	reach_drop_all(alert, state);
	course_drop(alert, state);
	left_free(alert, false);
	if (!alert->acknowledged)
		alert->alerts->open--;
	alert->acknowledged = true;
	alert->expires_us = expires_us;
	course_wake(alert);
}
