/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of calls that come in share. Others see inbound.h.
 *
 * inbound.c   the calls: whether they are answered, and what the trunk reports about them
 * incoming.c  one of them as an object: birth, events, end
 * gate.c      who is refused
 * identify.c  who calls: by number, by PIN
 * menu.c      the alerts, one after the other, and keys
 * say.c       what is said, as lists of texts
 */
#ifndef CORE_CALL_MENU_H
#define CORE_CALL_MENU_H

#include <sys/queue.h>

#include "call/call.h"
#include "call/gate.h"
#include "call/inbound.h"
#include "oncall/directory.h"
#include "oncall/pin.h"

enum incoming_state {
	IN_ARRIVED,  /* the trunk was asked to answer */
	IN_PIN,      /* a PIN is asked for */
	IN_LOOKING,  /* the alerts are being read, by which the number may become known */
	IN_LISTING,  /* the alerts of a known caller are being read */
	IN_GREETING, /* how many there are is being said */
	IN_ALERT,    /* one is being said: keys decide on it */
	IN_DECIDING, /* a key's consequence is being committed */
	IN_DECIDED,  /* it is being told */
	IN_LEAVING   /* the last words, or it was hung up */
};

/* An alert that the caller hears. */
struct menu_alert {
	char id[TC_ID_SIZE];
	char *state, *language, *voice; /* owned; language, voice may be NULL */
	json_t *values;                 /* one reference; for the templates */
	bool heard;
};

struct incoming {
	char id[TC_ID_SIZE];
	TAILQ_ENTRY(incoming) link;
	struct inbound *inbound;
	struct trunk *trunk;
	enum incoming_state state;
	bool answered, hung_up, greeted;
	bool known;   /* somebody, or at least a number that is called for alerts */
	bool excused; /* that nobody was known is not the caller's fault */
	char number[40];                /* as the trunk reports it, "" = withheld */
	char plain[NUMBER_PLAIN_SIZE];
	char *name;                     /* owned; of the contact, or the number */
	bool contact;                   /* name is a contact's */
	char *language, *voice;         /* owned; his, or NULL */
	json_t *values;                 /* one reference; for the templates: name, number */
	struct loop_timer limit;        /* how long it may go on so */
	/* identify.c */
	struct keying keying;
	struct loop_timer pin;
	/* menu.c */
	struct menu_alert *alerts;      /* owned */
	size_t n, at;
	size_t more;                    /* that are not told in this call */
	unsigned decided;               /* how many he has decided on */
	/* say.c */
	struct speaker speaker;
	void (*then)(struct incoming *call);
};

struct inbound {
	struct caller *caller;
	const struct inbound_ops *ops;
	void *arg;
	struct gate *gate;
	TAILQ_HEAD(, incoming) list;
	unsigned n;
};

/* ---- incoming.c ---- */

/* plain: the caller's number in plain form */
struct incoming *incoming_new(struct inbound *in, struct trunk *trunk,
			      const struct tc_pbx_event *event, const char *plain);
void incoming_free(struct incoming *call);
const struct config_inbound *incoming_config(const struct incoming *call);
/* "Alice (+4930123)", for people. Returns buf. */
const char *incoming_who(const struct incoming *call, char buf[200]);
/* The longest that it may go on so; then it is hung up, and ended. */
void incoming_limit(struct incoming *call, int64_t limit_ms);
void incoming_hang_up(struct incoming *call);
/* It is over: by the trunk's word, or because the trunk says nothing any more. Frees it. */
void incoming_over(struct incoming *call);

/* An event of it. what, reason: constant; alert_id, reason may be NULL. */
void incoming_note(struct incoming *call, const char *what, const char *alert_id,
		   const char *reason, const char *fmt, ...) TC_PRINTF(5, 6);
/* The same for one that is not answered. text: taken */
void inbound_note(const struct inbound *in, const char *call_id, const char *what,
		  const char *alert_id, const char *reason, char *text);
/* Count what became of a call: refused known unknown failed. */
void inbound_count(const char *result);

/* ---- identify.c ---- */

/* It is answered: who is it? */
void identify(struct incoming *call);
/* The number has no alerts: a PIN, if there are any, or good-bye. */
void identify_by_pin(struct incoming *call);
void identify_key(struct incoming *call, char key);

/* ---- menu.c ---- */

/* The caller is known; contact: NULL = by the number alone. */
void menu_open(struct incoming *call, const struct contact *contact);
/* Are there open alerts for this number, which is nobody's? */
void menu_look(struct incoming *call);
/* found: NULL: they cannot be read */
void menu_listed(struct incoming *call, const struct inbound_found *found);
void menu_key(struct incoming *call, char key);
void menu_confirm(struct incoming *call, const char *prompt);
/* The first words of an alert were sent to their end. */
void menu_heard(struct incoming *call);
void menu_fini(struct incoming *call);

/* ---- say.c ---- */

void say_init(struct incoming *call);
/* A new list, in place of the one before. */
void say_begin(struct incoming *call);
/* template: "" = nothing; alert: whose words are in it, NULL = none */
void say_text(struct incoming *call, const char *template, const struct menu_alert *alert);
void say_silence(struct incoming *call, int64_t ms);
/* Play it as soon as all of it is rendered; then runs when it was played. */
void say_play(struct incoming *call, void (*then)(struct incoming *call));
/* The same with the last words: hung up behind them, and a little silence. */
void say_farewell(struct incoming *call);
/* Once more: the trunk has lost it. */
void say_again(struct incoming *call);
/* Nothing is said any more. */
void say_stop(struct incoming *call);
void say_played(struct incoming *call, const struct tc_pbx_event *event);
void say_fini(struct incoming *call);
/* Have a text rendered that will be said later. */
void say_ahead(struct incoming *call, const char *template, const struct menu_alert *alert);

#endif
