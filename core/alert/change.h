/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A change of an alert's escalation on its way to the store: committed, however long that takes;
 * then the alert is told (course.c). For course.c only.
 */
#ifndef CORE_ALERT_CHANGE_H
#define CORE_ALERT_CHANGE_H

#include "alert/book.h"
#include "store/escalation_repo.h"

struct change {
	TAILQ_ENTRY(change) link;
	struct alerts *alerts;
	struct alert *alert;       /* NULL: it was decided otherwise meanwhile */
	struct loop_timer retry;
	unsigned tries, early;     /* early: a call that is its reason was not recorded yet */
	bool wait;
	bool sent;                 /* with the store */
	void (*told)(struct change *c, int err);
	int64_t at_us;
	const char *from, *to;     /* constant; to NULL: it stays open */
	int step;                  /* the alert's new one, -1 = as before */
	struct escalation_row row; /* body: owned */
	struct escalation_notes notes;
	struct event_row *events;  /* owned; one for each note */
	char **reasons;            /* owned; of these */
	size_t n;
	struct words words;        /* answered by it */
	char now[16];              /* the state that was in the way */
	bool known;                /* it was stored before: by a commit that was reported as lost */
};

struct change *change_new(struct alert *alert);
void change_free(struct change *c);
/* The state is as it is to be: write it. told is called when that is done, or cannot be. */
void change_commit(struct change *c, void (*told)(struct change *c, int err));
/* The alert is closed: what is with the store comes back, the rest is forgotten. */
void change_leave(struct change *c);
void change_drop_all(struct alerts *alerts);

#endif
