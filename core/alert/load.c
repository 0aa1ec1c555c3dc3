/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alerts that are not being worked on, read because somebody wants something of them: one that is
 * acknowledged for ever is only in the store.
 */
#include <stdlib.h>
#include <string.h>

#include "alert/book.h"
#include "store/escalation_repo.h"
#include "store/store.h"

struct load {
	TAILQ_ENTRY(load) link;
	struct alerts *alerts;
	char id[TC_ID_SIZE];
	struct word *word; /* owned; may be NULL */
	/* what is found */
	bool found;
	struct alert_row row;
	struct escalation_row escalation;
};

static void fini(struct load *l)
{
	if (l->found)
		alert_row_fini(&l->row);
	escalation_row_fini(&l->escalation);
	l->found = false;
}

static void load_free(struct load *l)
{
	TAILQ_REMOVE(&l->alerts->loads, l, link);
	fini(l);
	if (l->word)
		word_free(l->word);
	free(l);
}

static int run(struct db *db, void *arg)
{
	struct load *l = arg;
	int err;

	fini(l);
	err = alert_get(db, l->id, &l->row);
	l->found = err > 0;
	if (err > 0)
		err = escalation_get(db, l->id, &l->escalation);
	return err < 0 ? err : 0;
}

static struct alert *open_it(struct load *l)
{
	struct escalation e;

	if (l->escalation.body)
		escalation_parse(&e, l->row.target, l->escalation.body);
	else
		escalation_init(&e, l->row.target);
	e.ack_timeout_ms = l->escalation.ack_timeout_ms;
	return book_open(l->alerts, &l->row, &e, l->escalation.version);
}

static void done(void *arg, int err)
{
	struct load *l = arg;
	struct alert *alert = book_find(l->alerts, l->id);
	bool acknowledged = l->found && !strcmp(l->row.state, "acknowledged");
	struct word *word = l->word;

	l->word = NULL;
	if (!err && !alert && acknowledged && (word || l->escalation.expires_us)) {
		alert = open_it(l);
		alert->expires_us = l->escalation.expires_us;
	}
	if (alert && word)
		course_say(alert, word);
	else if (alert)
		course_wake(alert);
	else if (word)
		word_refuse(l->alerts, l->id, word,
			    err        ? -EAGAIN
			    : l->found ? -EPERM
				       : -ENOENT,
			    l->found ? l->row.state : "");
	load_free(l);
}

void load_say(struct alerts *alerts, const char *id, struct word *word)
{
	struct alert *alert = book_find(alerts, id);
	struct load *l;

	if (alert) {
		if (word)
			course_say(alert, word);
		return;
	}
	if (word && resume_reading(alerts)) {
		resume_say(alerts, id, word);
		return;
	}
	l = tc_alloc(sizeof(*l));
	l->alerts = alerts;
	l->word = word;
	tc_strcopy(l->id, sizeof(l->id), id);
	TAILQ_INSERT_TAIL(&alerts->loads, l, link);
	if (store_read(alerts->store, run, done, l)) {
		l->word = NULL;
		load_free(l);
		if (word)
			word_refuse(alerts, id, word, -EAGAIN, "");
	}
}

void load_drop_all(struct alerts *alerts)
{
	while (!TAILQ_EMPTY(&alerts->loads))
		load_free(TAILQ_FIRST(&alerts->loads));
}
