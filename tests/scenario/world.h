/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world for one scenario: the daemon's rooms over a virtual clock, a real store on disk,
 * scripted trunks and a scripted voice.
 */
#ifndef TESTS_SCENARIO_WORLD_H
#define TESTS_SCENARIO_WORLD_H

#include <tocsin/pbx.h>

#include "host/config.h"

struct world;

struct world *world_new(void);
void world_free(struct world *w);

/* Before the first start: "call.attempts: 2" lines of the core's configuration, and trunks. */
void world_config(struct world *w, const char *path, const char *value);
void world_trunk(struct world *w, const char *name, const char *max_calls, const char *rate);

/* Begin, and after world_crash() again, over the same store. */
void world_start(struct world *w);
/* The process dies, at a moment of rest: nothing more is said to trunks or the store. */
void world_crash(struct world *w);

/*
 * The process ends in order, as daemon.c does it: the trunks first, then the store for another
 * second.
 */
void world_stop(struct world *w);

/* Let everything happen that can without time passing. */
void world_settle(struct world *w);
void world_pass(struct world *w, int64_t us);
/* Let time pass until an instant; false: it is over, or none. */
bool world_pass_until(struct world *w, const char *rfc3339);
/* The wall clock is set. */
void world_jump(struct world *w, int64_t by_us);
int64_t world_now_us(const struct world *w);

/*
 * Hand an alert in.
 *
 * result  its id, owned by the world; NULL with what (static) set: "fault FIELD", "overloaded"
 */
const char *world_alert(struct world *w, const char *to, const char *message, const char *key,
			bool once, const char **what);
/* The condition of a key is over. False if nothing was found. */
bool world_resolve(struct world *w, const char *key, const char *family);
/*
 * acknowledge, resolve, cancel, escalate, snooze, unsnooze: "ok", or the state that forbade it.
 *
 * for_us  snooze: how long
 */
const char *world_act(struct world *w, const char *id, const char *verb, int64_t for_us);

/* The alert's state as the store has it. */
const char *world_state(struct world *w, const char *id);
/*
 * How far the alert's escalation has come, as the store has it: "default 2/3 1: Alice calling, Bob
 * tried"; "held by snooze by X"
 */
const char *world_escalation(struct world *w, const char *id);
/* "busy,no_answer": the results of an alert's calls, "-" for one that has not ended. */
const char *world_results(struct world *w, const char *id);
/* Milliseconds of speech in the newest of them. */
int64_t world_spoken_ms(struct world *w, const char *id);
/*
 * True when the alert's timeline has this event; its text must contain text unless NULL. id: NULL =
 * that of any alert, or of none.
 */
bool world_event(struct world *w, const char *id, const char *what, const char *text);

/*
 * What the trunks were asked, one at a time, oldest first: "originate direct +49301", "hangup
 * +49301", "recover +49301", "play +49301 greeting message menu", "stop +49301". NULL = nothing
 * (more).
 */
const char *world_asked(struct world *w);
/* One of the things that they were asked: where two threads decide which one comes first. */
bool world_asked_among(struct world *w, const char *what);

/* A trunk reports about the newest call to a number. False if there is none. */
bool world_report(struct world *w, const char *number, struct tc_pbx_event *event);
/* What recover() of the newest call to a number is answered with from now on. */
bool world_adopt(struct world *w, const char *number, const char *state);
/*
 * A trunk finds the newest call to a number; one that is made up if there is none.
 *
 * early  when the next process opens its trunks
 */
void world_found(struct world *w, const char *number, bool early);
/* The dialplan's callback, "heard" or "acknowledge": "ok", "unknown", "already", "early". */
const char *world_callback(struct world *w, const char *number, const char *what);
/* The PBX tells more of the newest call to a number. */
bool world_note(struct world *w, const char *number, const char *json);
/* Calls that a trunk has, as the core counts; NULL: all trunks. */
unsigned world_live(struct world *w, const char *trunk);

/*
 * Somebody calls us by the first trunk. The call is named "from:NUMBER" from then on; "-" withholds
 * it. again: the trunk reports the newest one once more
 */
void world_incoming(struct world *w, const char *number, bool again);
/* A contact is stored, or changed. numbers: "+491,+492"; they, pin: "-" = none */
void world_contact(struct world *w, const char *name, const char *numbers, const char *pin,
		   bool enabled);
/* Documents are stored, or changed; words are the script's (README.md), and cut. False: a fault. */
bool world_schedule(struct world *w, const char *name, char **words, int n);
bool world_policy(struct world *w, const char *name, char **words, int n);
bool world_maintenance(struct world *w, const char *name, char **words, int n);
/* "contact", "schedule" ...; deleted. */
bool world_drop(struct world *w, const char *kind, const char *name);
/* A call that is over, made for an alert to a number that is not its target. */
void world_called(struct world *w, const char *alert_id, const char *number);
/* The severity of the alerts that are handed in from now on. */
void world_severity(struct world *w, const char *severity);

/* The items of the running list end, all of them or the first n. */
bool world_played(struct world *w, const char *number, int n);
void world_health(struct world *w, const char *trunk, bool healthy);
/* The trunk holds back; why NULL: no longer. False if there is no such trunk. */
bool world_hold(struct world *w, const char *trunk, const char *why);
/* How a trunk is: "up", "held", "failing", "down", "unknown"; text receives why. */
const char *world_trunk_is(struct world *w, const char *name, const char **text);
/* The next originate of a trunk is refused at once. */
void world_refuse(struct world *w, const char *trunk);
/* The end that was asked for is not reported any more: the script says when, if at all. */
void world_forget_ends(void);
/* The voice "works", "fails", or is "slow" from now on: then it speaks when it works again. */
void world_voice(struct world *w, const char *how);
/*
 * The store "works", is "locked": nothing can be written, or "unsure": its next commit is done, and
 * reported as lost.
 */
void world_store(struct world *w, const char *how);
#endif
