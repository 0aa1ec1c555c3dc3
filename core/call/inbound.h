/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that come in: who calls hears the alerts that concern him, and decides on them by keys.
 * This is what the other rooms and the other files of this folder see of it.
 */
#ifndef CORE_CALL_INBOUND_H
#define CORE_CALL_INBOUND_H

#include <jansson.h>

#include "call/page.h"

struct inbound;
struct tc_pbx_event;
struct trunk;

/* An alert as a caller hears of it. All borrowed. */
struct inbound_alert {
	const char *id;
	const char *state; /* open acknowledged exhausted */
	const char *message, *severity;
	const char *language, *voice; /* may be NULL */
	const json_t *labels;         /* may be NULL */
};

/* Whose alerts: those for one of these numbers, as target or by a call that was made for them. */
struct inbound_whose {
	const char *const *numbers; /* in plain form (oncall/number.h) */
	size_t n;
	const char *country;        /* to bring those of the alerts into that form */
	int64_t since_us;           /* of those that are not open: changed since, wall time */
	int limit;                  /* most that are wanted */
};

/* What the alert layer does for a caller; call_id: of the call that has come in. */
struct inbound_ops {
	/*
	 * Find the alerts that concern somebody: the open ones first, by severity, then by age.
	 * Answered by inbound_listed(), never within this call. whose is copied.
	 */
	void (*list)(void *arg, const char *call_id, const struct inbound_whose *whose);
	/*
	 * A key was pressed: to be committed, however long that takes, also when they hang up
	 * meanwhile, and then answered by call_confirm().
	 *
	 * by  who it is, for the timeline; copied
	 */
	void (*key)(void *arg, const char *call_id, const char *alert_id, enum page_key key,
		    const char *by);
};

/* Who serves the calls that come in; without it none is answered. Set once. ops: constant. */
void caller_serve(struct caller *caller, const struct inbound_ops *ops, void *arg);

/* What concerns somebody. Borrowed. */
struct inbound_found {
	const struct inbound_alert *alerts;
	size_t n;
	size_t open, more; /* how many are not acknowledged; how many there are beyond n */
};

/*
 * What concerns the caller of this call, who may be gone already.
 *
 * found  NULL: the alerts cannot be read
 */
void inbound_listed(struct caller *caller, const char *call_id, const struct inbound_found *found);

/* ---- for the files of this folder ---- */

struct inbound *inbound_new(struct caller *caller);
void inbound_free(struct inbound *inbound);
/*
 * What a trunk reports about a call that nobody here has placed.
 *
 * result  false: it is none that has come in
 */
bool inbound_event(struct inbound *inbound, struct trunk *trunk, const struct tc_pbx_event *event);
/* As call_confirm(): false if the call is none that has come in, or is gone. */
bool inbound_confirm(struct inbound *inbound, const char *call_id, const char *prompt);
/* After a reload, too: what is taken from the configuration. */
void inbound_configure(struct inbound *inbound);
/* What is said to callers in so many words: into the cache. */
void inbound_warm(struct inbound *inbound);

#endif
