/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drills: calls that only try whether a person, or a trunk, can be reached. They belong to no
 * alert; what came of them is kept in the store. All functions: loop thread.
 */
#ifndef CORE_CALL_DRILL_H
#define CORE_CALL_DRILL_H

#include <tocsin/defs.h>

struct caller;
struct drill_row;
struct tc_pbx_event;
struct trunk;

/* Whom to call. All borrowed. */
struct drill_request {
	const char *target;           /* as it was asked for */
	const char *number;
	const char *contact_id;       /* NULL = a bare number */
	const char *who;              /* for people */
	const char *language, *voice; /* NULL = those of the prompts */
	const char *by;               /* who asks for it */
	struct trunk *trunk;          /* NULL = the one that an alert's call would take */
	/*
	 * A loop-back test: the call comes back to us, is answered, and what was pressed and said
	 * at one end must be heard at the other.
	 */
	const char *loop;             /* its name; NULL: a person is called */
	const char *called;           /* the number as it comes in */
	/* Told when its row is committed, or cannot be: then it is not begun; may be NULL. */
	void (*begun)(void *arg, const char *id, int err);
	/* Told when it is over, after the commit, whatever came of that; may be NULL. */
	void (*done)(void *arg, const struct drill_row *row);
	void *arg;
};

/*
 * Begin: the row is committed, then the trunk is asked.
 *
 * id      receives the id of the test call
 * result  0 | -EBUSY a call to this number is up | -EAGAIN no trunk has room, or the store is
 *         overloaded | -EHOSTDOWN there is no trunk
 */
int drill_start(struct caller *caller, const struct drill_request *request, char id[TC_ID_SIZE]);

/* ---- for the files of this folder ---- */

/* At the start: test calls that an earlier process has left are lost. */
void drills_begin(struct caller *caller);
/* What a trunk reports about a call that is a drill's; false: it is none. */
bool drill_event(struct caller *caller, struct trunk *trunk, const struct tc_pbx_event *event);
/* The end of the process: those that go on are forgotten; the next process calls them lost. */
void drills_free(struct caller *caller);

#endif
