/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this folder share: the caller, its pages and their calls. The alert layer sees
 * page.h only.
 *
 * place.c    a call from "wanted" to "the trunk was asked"
 * monitor.c  what the trunk reports, and the states that follow
 * play.c     what is said in a call, and when
 * ack.c      keys
 * redial.c   what comes after a call: the next trunk, the next attempt, or the end
 * recall.c   the rules for that: what the calls that are over say about the next one
 * record.c   every transition, committed in order
 * recover.c  calls of an earlier process
 * callback.c what a PBX's own dialplan says of a call
 * note.c     what else a PBX tells of a call
 * inbound.h  the calls that come in
 */
#ifndef CORE_CALL_CALL_H
#define CORE_CALL_CALL_H

#include <sys/queue.h>

#include <tocsin/alloc.h>

#include "call/page.h"
#include "call/recall.h"
#include "call/trunk.h"
#include "host/config.h"
#include "host/loop.h"
#include "speech/speech.h"
#include "store/call_repo.h"
#include "store/event_repo.h"

#define CALL_STATES(X) \
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

const char *call_state_name(enum call_state state);

struct inbound;
struct record;

/*
 * A telephone number with a call up or being set up, and the calls that wait for it: never two at
 * once.
 */
struct line {
	char *number; /* owned; first: the key of the tree */
	unsigned calls; /* that name it; the last one frees it */
	unsigned busy;  /* calls that are up. After a restart there may be two, one of which is
			   only believed to be */
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
	size_t queued, live;
	uint64_t ups;                /* of the trunks, when stalled pages were last looked at */
	struct loop_timer pump;      /* when a trunk's rate allows the next call */
	struct inbound *inbound;     /* the calls that come in */
	STAILQ_HEAD(, found) found;  /* by trunks, before it was known whose they are */
	size_t found_n;
	uint64_t notes;              /* what note.c has taken */
	bool all_known;              /* the calls of earlier processes are */
	bool closing;                /* nothing is begun any more */
};

/* What a page's calls say. Rendered while the first call is placed, kept for the next ones. */
enum page_prompt { PROMPT_GREETING, PROMPT_MESSAGE, PROMPT_MENU, PROMPT_COUNT };

struct page {
	TAILQ_ENTRY(page) link;
	struct caller *caller;
	const struct page_events *events;
	void *arg;
	char alert_id[TC_ID_SIZE];
	int serial;                  /* within its alert */
	char **numbers;              /* owned; in order of preference */
	size_t n;
	char *contact_id, *who, *language, *voice; /* owned; contact_id, language, voice may be
						      NULL */
	json_t *values;              /* one reference; of the alert, for the prompts' templates */
	char *text[PROMPT_COUNT];    /* owned; what will be said */
	struct tc_clip *clip[PROMPT_COUNT]; /* owned; NULL until rendered */
	struct speech_want *want[PROMPT_COUNT];
	unsigned wanted;             /* prompts still being rendered */
	bool rendering;              /* rendering was begun */
	struct recall recall;        /* how far its calls have come */
	uint64_t skip;               /* trunks that failed in this attempt */
	struct call *call;           /* the one under way, or NULL */
	struct loop_timer redial;
	char *over;                  /* owned; why no more calls are made: told by the timer once
					none is up */
	bool retired;                /* none is to be begun */
	bool stopped;                /* nobody waits for it any more: freed with its last call */
};

enum call_wait { WAIT_NOTHING, WAIT_TRUNK, WAIT_LINE };

struct call {
	char id[TC_ID_SIZE]; /* first: the key of the tree */
	char alert_id[TC_ID_SIZE];
	struct caller *caller;
	struct page *page; /* NULL: of an earlier process, not taken by a page (yet) */
	struct line *line;
	bool on_line; /* one of line->busy */
	struct trunk *trunk; /* holds a place in it, from CALL_PLACING on */
	TAILQ_ENTRY(call) link; /* in one of caller->queue or line->waiting */
	enum call_wait wait;
	bool rerouted; /* a trunk has failed in this attempt: only the others will do */
	enum call_state state;
	enum call_result result; /* decided by a key before the end, else at the end */
	char *number, *contact_id; /* owned */
	int serial;            /* its page's */
	int attempt;
	enum page_use use;     /* at the end: what it has used up */
	struct tc_buf pressed; /* those of its keys that decide */
	int64_t created_us, placed_us, ringing_us, answered_us, ended_us;
	int64_t spoken_ms, spoken_before_ms; /* before: in an earlier process */
	int sip, q850;
	char cause[96];
	char *ref; /* owned; the trunk's */
	struct tc_buf keys;
	/* the play list that is on: play.c */
	uint32_t play_id;
	unsigned items, first_message;  /* of the list; index of the first message in it, repeated
					   every ... */
	unsigned message_every;
	bool greeted;   /* the greeting was said, or is in the list */
	bool heard;     /* the message was sent to its end at least once */
	bool finishing; /* the list ends with hanging up */
	bool key_busy;  /* a key's consequence is being committed */
	bool hung_up;   /* we asked the trunk to end it */
	bool dialplan;  /* the PBX's own greets and asks for keys: only the message is played */
	bool released;  /* it has the call (again): nothing can be played */
	bool acked;     /* it has told us of an acknowledgement */
	bool originated; /* the trunk was asked */
	struct speech_want *want; /* a prompt on its way: after a key */
	struct tc_clip *spare;    /* owned; what stands in for a prompt that could not be
				     rendered */
	/* record.c */
	STAILQ_HEAD(, record) records;
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
/* Nothing more will be recorded: free it when all is committed. */
void call_release(struct call *call);
/* Forget what is not yet committed: the end of the process. The store must have been drained. */
void record_drop(struct call *call);
/* Change the state: logs the transition. */
void call_enter(struct call *call, enum call_state state, const char *event);
/* "called Alice on +49..." */
const char *call_whom(const struct call *call);

/* ---- place.c ---- */

struct call *call_new(struct caller *caller, const char *id, const char *number);
void call_free(struct call *call);
struct call *caller_find(struct caller *caller, const char *id);
/* A call for the page's next attempt. */
void place_call(struct page *page);
/* Place what waits and can be placed now. */
void place_pump(void *caller);
/* Give it its line; take the line and a place in its trunk: one of an earlier process. */
void place_join(struct call *call);
void place_hold(struct call *call);
/* The trunk and the line are free again. */
void place_leave(struct call *call);
void place_lines_free(struct caller *caller);
/* It waits in a queue: take it out, it is not wanted any more. */
void place_unqueue(struct call *call);

/* ---- recover.c ---- */

/*
 * A call without a page is up.
 *
 * talks  somebody has answered
 */
void recover_alive(struct call *call, bool talks);
/* Its end is recorded. */
void recover_over(struct call *call);
/* It is the page's from now on, and goes on where it is. */
void recover_take(struct call *call, struct page *page);
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

/* Begin to render what the page's calls will say. */
void play_prepare(struct page *page);
void play_forget(struct page *page);
/* The phone was answered: begin to speak, if that has not been arranged before. */
void play_answered(struct call *call);
/* (Again) from the message on. */
void play_message(struct call *call);
/* Say a prompt ("acknowledged" ...); finish: then hang up, else go on with the menu. */
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

/* ---- ack.c ---- */

void ack_key(struct call *call, char key);
/* The PBX's dialplan says that it is acknowledged. 0, -EALREADY */
int ack_callback(struct call *call);
/*
 * The key by which a call of an earlier process was decided, and perhaps without consequence. how:
 * as in page_events
 */
bool ack_pressed(const struct call *call, enum page_key *key, const char **how);
/* The call's result by it, or CALL_NO_RESULT. */
enum call_result ack_result(const struct call *call);
/* Such a key counts now, in the call that has been taken. */
void ack_again(struct call *call);
/* What a key means by the configuration: acknowledge escalate resolve repeat; NULL = nothing. */
const char *ack_action(const struct config_call *config, char key);

/* ---- redial.c ---- */

/*
 * The page's call has ended: what now? Returns the reason for the timeline (owned by the caller).
 */
char *redial_after(struct call *call, enum tc_pbx_end end);
/* Go on after calls that are over: call when it is due, or tell that the page is over. */
void redial_go_on(struct page *page);
/* Trunks may have become healthy: calls that none could be asked for are placed now. */
void redial_stalled(struct caller *caller);
/* No more calls: the owner is told by the timer, once none is up. why: taken */
void page_over(struct page *page, char *why);

/* ---- page.c ---- */

/* Who places the calls of this daemon: for what comes through an instance. NULL: nobody (yet). */
struct caller *caller_of(struct tc_instance *self);
void page_free(struct page *page);
/* The place of a number among the page's; RECALL_NUMBERS: it is none of them. */
size_t page_number(const struct page *page, const char *number);
/*
 * A prompt's text for an alert; a template that is broken is said as it stands.
 *
 * values  NULL = none
 * result  owned by the caller
 */
char *page_prompt(const json_t *values, const char *template);

#endif
