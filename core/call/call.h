/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this folder share: the caller, its pages and their calls. The alert layer sees
 * page.h only.
 *
 * defer.c    calls that a limit puts off
 * place.c    a call from "wanted" to "the trunk was asked"
 * monitor.c  what the trunk reports, and the states that follow
 * play.c     what is said in a call with one alert, and when
 * bundle.c   the same with several
 * ack.c      keys
 * ride.c     the alerts in a call
 * callee.c   the persons, and who of their pages rides in which call
 * redial.c   what comes after a call: the next trunk, the next attempt, or the end
 * recall.c   the rules for that: what the calls that are over say about the next one
 * record.c   every transition, committed in order
 * pin.c      the PIN of who is called
 * machine.c  answering machines
 * recover.c  calls of an earlier process
 * callback.c what a PBX's own dialplan says of a call
 * note.c     what else a PBX tells of a call
 * inbound.h  the calls that come in
 * drill.h    test calls
 */
#ifndef CORE_CALL_CALL_H
#define CORE_CALL_CALL_H

#include <sys/queue.h>

#include <tocsin/alloc.h>

#include "call/keying.h"
#include "call/page.h"
#include "call/recall.h"
#include "call/speak.h"
#include "call/trunk.h"
#include "host/config.h"
#include "host/loop.h"
#include "speech/speech.h"
#include "store/call_repo.h"
#include "store/event_repo.h"

#define CALL_STATES(X) \
	X(CALL_DEFERRED, "deferred") \
	X(CALL_QUEUED, "queued") \
	X(CALL_PLACING, "placing") \
	X(CALL_RINGING, "ringing") \
	X(CALL_ANSWERED, "answered") \
	X(CALL_ENDED, "ended")

enum call_state {
#define X(sym, name) sym,
	CALL_STATES(X)
#undef X
	CALL_STATE_COUNT
};

struct call;

const char *call_state_name(enum call_state state);
/* It waits: no trunk has it. */
bool call_waits(const struct call *call);

struct callee;
struct defer_load;
struct drill;
struct inbound;
struct limits;
struct record;
struct record_event;
struct ride;

/*
 * A telephone number with a call up or being set up, and the calls that wait for it: never two at
 * once.
 */
struct line {
	char *number; /* owned, in plain form; first: the key of the tree */
	unsigned calls; /* that name it; the last one frees it */
	unsigned up;    /* calls for which a trunk was asked */
	unsigned busy;  /* calls that are up, or about to be. After a restart there may be two,
			   one of which is only believed to be */
	TAILQ_HEAD(, call) waiting;
};

TAILQ_HEAD(call_list, call);

struct found;

struct caller {
	struct caller_deps deps;
	void *calls;                 /* tsearch tree of struct call by id */
	void *lines;                 /* tsearch tree of struct line by number */
	struct call_list queue[2];   /* calls that wait for room, in order; [1]: those that are
					rerouted */
	TAILQ_HEAD(, page) pages;    /* all that are not freed */
	void *callee_tree;           /* tsearch, by key */
	TAILQ_HEAD(, callee) callees;
	size_t queued, live;
	uint64_t ups;                /* of the trunks, when those were last looked at for whom none
					could be asked */
	struct loop_timer pump;      /* when a trunk's rate allows the next call */
	struct inbound *inbound;     /* the calls that come in */
	LIST_HEAD(, drill) drills;   /* test calls: drill.h */
	struct limits *limits;       /* how often each person was called */
	struct defer_load *load;     /* the calls of earlier processes are being read */
	STAILQ_HEAD(, found) found;  /* by trunks, before it was known whose they are */
	size_t found_n;
	uint64_t notes;              /* what note.c has taken */
	bool all_known;              /* the calls of earlier processes are */
	bool closing;                /* nothing is begun any more */
};

/* What a call with one alert says. Rendered while the first call is placed, kept for the next. */
enum page_prompt { PROMPT_GREETING, PROMPT_MESSAGE, PROMPT_MENU, PROMPT_COUNT };

struct page {
	TAILQ_ENTRY(page) link;
	TAILQ_ENTRY(page) of_callee;
	struct caller *caller;
	struct callee *callee;       /* whom it is to reach */
	const struct page_events *events;
	void *arg;
	char alert_id[TC_ID_SIZE];
	int serial;                  /* within its alert */
	int rank;                    /* of the alert's severity: the lower the worse */
	bool unrecorded;
	char *language, *voice;      /* owned; may be NULL */
	json_t *values;              /* one reference; of the alert, for the prompts' templates */
	char *text[PROMPT_COUNT];    /* owned; what will be said */
	struct tc_clip *clip[PROMPT_COUNT]; /* owned; NULL until rendered */
	struct speech_want *want[PROMPT_COUNT];
	unsigned wanted;             /* prompts still being rendered */
	bool rendering;              /* rendering was begun */
	struct recall recall;        /* how far its calls have come */
	struct ride *ride;           /* in the call that is to tell it now, or NULL */
	bool missed;                 /* it came too late for the call that is up */
	bool decided;                /* by a key: what comes next is its owner's affair */
	struct loop_timer tell;      /* that it is over */
	char *over;                  /* owned; why no more calls are made: told by the timer once
					none is up */
	bool retired;                /* none is to be begun */
	bool stopped;                /* nobody waits for it any more: freed with its last call */
};

/* A person, as far as the telephone goes: all pages for him share his calls. */
struct callee {
	char *key;                   /* owned; first: the key of the tree */
	TAILQ_ENTRY(callee) link;
	struct caller *caller;
	TAILQ_HEAD(, page) pages;
	char **numbers;              /* owned; in order of preference */
	size_t n;
	char *contact_id, *name, *pin; /* owned; contact_id, pin may be NULL */
	struct recall recall;        /* which number is next, and when */
	uint64_t skip;               /* trunks that failed in this attempt */
	struct call *call;           /* the one under way, or NULL */
	unsigned live;               /* calls under way; after a restart there may be two */
	struct loop_timer redial;
};

/* An alert in a call that tells it. */
struct ride {
	char alert_id[TC_ID_SIZE];   /* first: the key of the tree */
	TAILQ_ENTRY(ride) link;      /* of the call's, in the order in which they came */
	STAILQ_ENTRY(ride) change;   /* not committed yet */
	bool changed, stored;
	struct call *call;
	struct page *page;           /* NULL: of an earlier process, not taken by one (yet) */
	int serial, attempt;
	int64_t joined_us;
	enum call_result result;     /* decided by a key, else at the end */
	enum page_use use;
	char pressed[16];            /* the keys that decide on it */
	bool open;                   /* it is to be told, and nobody has decided yet */
	bool heard;                  /* its message was sent to its end at least once */
	bool busy;                   /* a key's consequence is being committed */
	bool asked;                  /* recover.c: who decides what becomes of it has not */
	unsigned rounds;             /* times that it was told */
	unsigned index;              /* of those that are told in this call, from 1; 0 = not yet */
};

enum call_wait { WAIT_NOTHING, WAIT_TRUNK, WAIT_LINE };

/* bundle.c: a call that tells several alerts. */
struct bundle {
	bool on;
	struct ride *at;             /* the one that is read, or was read last: keys decide on it */
	struct ride *next;           /* the one in the list that plays */
	unsigned text_item;          /* of that list: its alert */
	unsigned round, told;
	bool menu, menu_said;        /* it is in the list; was said in this round */
	bool all;                    /* all were acknowledged at once */
	struct loop_timer change;    /* the list is to be made again */
};

struct call {
	char id[TC_ID_SIZE]; /* first: the key of the tree */
	char alert_id[TC_ID_SIZE]; /* the first one that it tells */
	struct caller *caller;
	struct callee *callee; /* NULL: of an earlier process, not taken by a page (yet) */
	char *whom;            /* owned; for people */
	TAILQ_HEAD(, ride) rides;
	void *ride_tree;       /* tsearch, by alert */
	unsigned n_rides, open, busy; /* of these: all, open, busy */
	struct line *line;
	bool on_line; /* one of line->busy */
	struct trunk *trunk; /* holds a place in it, from CALL_PLACING on */
	TAILQ_ENTRY(call) link; /* in one of caller->queue or line->waiting */
	enum call_wait wait;
	bool rerouted; /* a trunk has failed in this attempt: only the others will do */
	bool unrecorded; /* nothing of it is committed */
	enum call_state state;
	enum call_result result; /* at the end */
	char *number, *contact_id; /* owned */
	int64_t created_us, placed_us, ringing_us, answered_us, ended_us;
	int64_t spoken_ms, spoken_before_ms; /* before: in an earlier process */
	int sip, q850;
	char cause[96];
	char *ref; /* owned; the trunk's */
	struct tc_buf keys;
	/* the play list that is on: play.c, or the speaker's */
	struct speaker speaker;
	unsigned items, first_message;  /* of the list; index of the first message in it, repeated
					   every ... */
	unsigned message_every;
	bool greeted;   /* the greeting was said, or is in the list */
	bool finishing; /* the list ends with hanging up */
	bool hung_up;   /* we asked the trunk to end it */
	bool dialplan;  /* the PBX's own greets and asks for keys: only the message is played */
	bool released;  /* it has the call (again): nothing can be played */
	bool acked;     /* it has told us of an acknowledgement */
	bool originated; /* the trunk was asked */
	struct speech_want *want; /* a prompt on its way: after a key */
	struct tc_clip *spare;    /* owned; what stands in for a prompt that could not be
				     rendered */
	struct bundle bundle;
	/* pin.c: the person's PIN, before a key that decides counts */
	struct {
		bool ok, asking, locked;
		int64_t deaf_us, hash_us; /* until then keys, or a hash, are for nobody,
					     monotonic */
		struct ride *ride; /* on what the key decides that waits for it, what, by which */
		int what;
		char key;
		struct keying keying;
		struct loop_timer timer;
	} pin;
	/* machine.c */
	bool machine;        /* one seems to have answered */
	struct loop_timer machine_beep; /* it is waited for */
	/* ack.c */
	int64_t acked_us; /* the acknowledging key was pressed, monotonic; 0 = was not */
	/* defer.c */
	int64_t deferred_us; /* until when, wall time */
	char *deferred_why;  /* owned */
	bool defer_stored;
	struct loop_timer defer;
	/* record.c */
	STAILQ_HEAD(, record) records;
	STAILQ_HEAD(, record_event) events; /* that go with the next record */
	STAILQ_HEAD(, ride) changed;
	struct record **batch; /* owned; those that are with the store, up to a NULL; or NULL */
	bool told; /* that they cannot be committed */
	struct loop_timer retry;
	bool done; /* ended, and to be freed with its last record */
	/* recover.c */
	caller_word_fn word; /* who decides what becomes of it; NULL = decided */
	void *word_arg;
	const char *let_go;  /* constant: why nobody wants it */
	bool alive;          /* the trunk says that it is up */
	bool adopted;        /* by a page; the trunk has not said "answered" yet */
	struct loop_timer limit; /* how long the present state may last */
};

/* ---- ride.c ---- */

/* The call is to tell it, from now on. page: NULL = of an earlier process */
struct ride *ride_new(struct call *call, struct page *page, const char *alert_id);
struct ride *ride_find(struct call *call, const char *alert_id);
/* A page of this process has it: it is to be told. */
void ride_take(struct ride *ride, struct page *page);
/* It is decided, or nobody wants it told any more. */
void ride_close(struct ride *ride);
/* It goes into the call's next record. */
void ride_change(struct ride *ride);
void rides_free(struct call *call);
/* The PBX's dialplan has told them. */
void rides_hear(struct call *call);
/* Has somebody heard any of them? */
bool rides_heard(const struct call *call);
/* Has a key decided on any? How, or CALL_NO_RESULT. */
enum call_result rides_decided(const struct call *call);
/* The one that a call with one alert tells; NULL: there is none that is open. */
struct ride *rides_first(const struct call *call);

/* ---- record.c ---- */

/*
 * Commit the call as it is now together with an event; then runs after the commit, on the loop.
 *
 * what    event name, constant; NULL = no event
 * reason  why, copied; NULL = none
 * then    may be NULL
 */
void call_record(struct call *call, const char *what, const char *reason,
		 void (*then)(struct call *call), const char *fmt, ...) TC_PRINTF(5, 6);
/*
 * An event that is committed with the call's next record.
 *
 * alert_id  of which alert
 */
void call_event(struct call *call, const char *alert_id, const char *what, const char *reason,
		const char *fmt, ...) TC_PRINTF(5, 6);
/* Nothing more will be recorded: free it when all is committed. */
void call_release(struct call *call);
/* Forget what is not yet committed: the end of the process. The store must have been drained. */
void record_drop(struct call *call);
/* Change the state: logs the transition. */
void call_enter(struct call *call, enum call_state state, const char *event);
/* "Alice (+49...)", or the number alone. */
const char *call_whom(const struct call *call);

/* ---- place.c ---- */

struct call *call_new(struct caller *caller, const char *id, const char *number);
void call_free(struct call *call);
struct call *caller_find(struct caller *caller, const char *id);
/* A call for a person's next attempt, with all of his pages that want one. */
void place_call(struct callee *callee);
/* It may be placed, or wait for its line, or a trunk. */
void place_now(struct call *call);
/* Place what waits and can be placed now. */
void place_pump(void *caller);
/* Give it its line; take the line and a place in its trunk: one of an earlier process. */
void place_join(struct call *call);
void place_hold(struct call *call);
/* Its trunk was asked. */
void place_up(struct call *call);
/* The trunk and the line are free again. */
void place_leave(struct call *call);
void place_lines_free(struct caller *caller);
/*
 * The line of a number, for a call that is none of a page's; NULL: somebody has it or waits for it.
 */
struct line *place_seize(struct caller *caller, const char *number);
/* Give it back. */
void place_yield(struct caller *caller, struct line *line);
/* It waits in a queue: take it out, it is not wanted any more. */
void place_unqueue(struct call *call);

/* ---- defer.c ---- */

/* It is put off, and that can be seen. why: taken */
void defer_until(struct call *call, int64_t until_us, char *why);
/* Is its person called too often? Then it is put off, and placed later. */
bool defer_by_limit(struct call *call);
/* It counts. */
void defer_placed(struct call *call);
/* Count the calls of earlier processes; and do not, any more. */
void defer_load(struct caller *caller);
void defer_forget(struct caller *caller);

/* ---- recover.c ---- */

/*
 * A call without a page is up.
 *
 * talks  somebody has answered
 */
void recover_alive(struct call *call, bool talks);
/* Its end is recorded. */
void recover_over(struct call *call);
/* The page has it from now on, and the call goes on where it is. */
void recover_take(struct ride *ride, struct page *page);
/* A trunk has a call that nobody asked for. */
void recover_found(struct caller *caller, struct trunk *trunk, const char *call_id);
/* At the end: forget what was found. */
void recover_forget(struct caller *caller);

/* ---- monitor.c ---- */

#define ANSWER_MS 20000 /* beyond the ring time-out, for the trunk to report the end by itself */

void monitor_event(void *caller, struct trunk *trunk, const struct tc_pbx_event *event);
/* The end of a call, by the trunk or because it could not be asked. */
void monitor_ended(struct call *call, const struct tc_pbx_event *event);
/*
 * The longest that the call may go on without a word from the trunk; then it is hung up, and ended.
 */
void monitor_limit(struct call *call, int64_t limit_ms);
/*
 * The same by how long the call is in its state already.
 *
 * talks  it is answered, since now if nothing else is known
 */
void monitor_limit_left(struct call *call, bool talks);
/* Ask the trunk to end it; before it was asked: ends at once. */
void call_hang_up(struct call *call);

/* ---- play.c ---- */

void play_init(struct call *call);
/* Begin to render what the call will say. */
void play_prepare(struct call *call);
void play_forget(struct page *page);
/*
 * Begin to speak, if nothing is being said and what is to be said first is there.
 */
void play_ready(struct call *call);
/* The phone was answered: begin to speak, if that has not been arranged before. */
void play_answered(struct call *call);
/* (Again) from the message on. */
void play_message(struct call *call);
/* A prompt's text by its name ("acknowledged" ...); that of the goodbye when there is none. */
const char *play_text(const struct call *call, const char *prompt);
/* Say a prompt by its name; finish: then hang up, else go on with the menu. */
void play_say(struct call *call, const char *prompt, bool finish);
void play_stop(struct call *call);
void play_played(struct call *call, const struct tc_pbx_event *event);
/* The trunk was deaf and plays nothing any more: say again what was being said. */
void play_resume(struct call *call);
/* The PBX's dialplan has the call: nothing is said any more. */
void play_release(struct call *call);
/* Let it have the call. */
void play_give_back(struct call *call);
/* What stands in for speech when no voice can speak; NULL when there is no memory. */
struct tc_clip *play_chime(void);

/* ---- bundle.c ---- */

/* (Again) from the first one on, or from the one that was read last. */
void bundle_begin(struct call *call);
/* For a PBX's own dialplan: the messages alone, once. */
void bundle_dialplan(struct call *call);
/* Another alert is to be told in a call that was begun. */
void bundle_joined(struct call *call);
/* The call was answered: what is kept for that may tell too few. */
void bundle_answered(struct call *call);
/* An alert needs to be told no more, and others do. reason: as in page_stop() */
void bundle_left(struct ride *ride, const char *reason);
/* A key: the next one; the same again, behind a prompt (NULL = none). */
void bundle_skip(struct call *call);
void bundle_again(struct call *call, const char *first);
/* How many there are, at the end of the speaker's list. */
void bundle_greet(struct call *call);
/* What a key has decided: say so, and go on. */
void bundle_confirm(struct ride *ride, const char *prompt);
/* An item of its list was sent. */
void bundle_played(struct call *call, const struct tc_pbx_event *event);

/* ---- ack.c ---- */

void ack_key(struct call *call, char key);
/* The PBX's dialplan says that it is acknowledged. 0, -EALREADY */
int ack_callback(struct call *call);
/*
 * The key by which a call of an earlier process was decided, and perhaps without consequence. how:
 * as in page_events
 */
bool ack_pressed(const struct ride *ride, enum page_key *key, const char **how);
/* What it comes to, or CALL_NO_RESULT. */
enum call_result ack_result(const struct ride *ride);
/* Such a key counts now, in the call that has been taken. */
void ack_again(struct ride *ride);
/* What a key means by the configuration: acknowledge escalate resolve repeat; NULL = nothing. */
const char *ack_action(const struct config_call *config, char key);

/* A key that decides counts: it is recorded, and its consequence is committed. */
void ack_counts(struct ride *ride, int what, char key);

/* ---- pin.c ---- */

/* Has the person a PIN that was not keyed in this call? */
bool pin_needed(const struct call *call);
/* Ask for it; then ack_counts() goes on. */
void pin_ask(struct ride *ride, int what, char key);
/* Is the key one of a PIN? Then it is for nobody else, and stands nowhere. */
bool pin_takes(struct call *call, char key);
void pin_init(struct call *call);
/* It is asked for no more: what was to be decided is. */
void pin_drop(struct call *call);

/* ---- machine.c ---- */

void machine_found(struct call *call, const struct tc_pbx_event *event);
void machine_beep(struct call *call, const struct tc_pbx_event *event);
/* A key was pressed: it is somebody. */
void machine_not(struct call *call);

/* ---- redial.c ---- */

/* A call has ended: what it has used up; and when the person is to be called again. */
enum page_use redial_callee(struct call *call, enum tc_pbx_end end);
/* And what now, for one of the alerts in it: for its timeline, owned by the caller; may be NULL. */
char *redial_after(struct ride *ride);
/* Trunks may have become healthy: calls that none could be asked for are placed now. */
void redial_stalled(struct caller *caller);

/* ---- callee.c ---- */

/* Whose page it is, in the words of the newest one. */
void callee_join(struct page *page, const struct page_person *person);
void callee_leave(struct page *page);
/* The page wants a call: by the one that is up, or by the next one. */
void callee_want(struct page *page);
/* A call is under way for him, or is not any more. */
void callee_begin(struct callee *callee, struct call *call);
void callee_end(struct call *call);
/* The place of a number among his; RECALL_NUMBERS: it is none of them. */
size_t callee_number(const struct callee *callee, const char *number);
bool page_wants_call(const struct page *page);

/* ---- page.c ---- */

/* Who places the calls of this daemon: for what comes through an instance. NULL: nobody (yet). */
struct caller *caller_of(struct tc_instance *self);
/* No more calls: the owner is told by the timer, once none is up. why: taken */
void page_over(struct page *page, char *why);
void page_free(struct page *page);
/*
 * A prompt's text for an alert; a template that is broken is said as it stands.
 *
 * values  NULL = none
 * result  owned by the caller
 */
char *page_prompt(const json_t *values, const char *template);

#endif
