/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page: all that is done by telephone to reach one person for one alert: calls, keys, redials.
 *
 * This is what the alert layer sees of the calls. place.c, monitor.c, play.c, ack.c and redial.c
 * do the work.
 */
#ifndef CORE_CALL_PAGE_H
#define CORE_CALL_PAGE_H

#include <tocsin/trigger.h>

#include <jansson.h>

struct caller;
struct config_call;
struct config_prompts;
struct directory;
struct journal;
struct loop;
struct page;
struct speech;
struct store;
struct trunks;

/* What the person asks for by a key. */
enum page_key {
	PAGE_KEY_ACKNOWLEDGE,
	PAGE_KEY_ESCALATE,
	PAGE_KEY_RESOLVE,
	PAGE_KEY_SILENCE /* acknowledged, and the alert's source is to silence it */
};

/* Whom to call. All borrowed. */
struct page_person {
	const char *contact_id;       /* NULL: a bare number */
	const char *name;             /* for the timeline: a name, or the number */
	const char *const *numbers;   /* in order of preference */
	size_t n;                     /* of these, 1..64; what is beyond is left out */
	const char *language, *voice; /* NULL = the alert's */
	const char *pin;              /* as pin_keep() has made it, NULL = none */
};

/* What a call has used up. */
enum page_use {
	PAGE_USE_NONE,    /* nothing: it could not have reached anybody */
	PAGE_USE_ATTEMPT, /* an attempt */
	PAGE_USE_TRUNK,   /* a trunk: the next one is asked at once */
	PAGE_USE_STALL    /* no trunk could be asked: it is tried again in longer and longer
			     intervals */
};

/* A call of a page that is over. All borrowed. */
struct page_past {
	const char *number, *result; /* "busy" */
	enum page_use use;
	int attempt;                 /* 1-based; those before it were used up */
	int64_t placed_us, ended_us; /* wall time */
};

struct page_events {
	/*
	 * A key was pressed in a call: to be committed, however long that takes, and then answered
	 * by call_confirm() and page_stop(). Nobody is called until then.
	 *
	 * how  for the timeline, constant: "key pressed in the call"
	 */
	void (*key)(void *arg, struct page *page, const char *call_id, enum page_key key,
		    const char *how);
	/*
	 * Nobody is called any more, and no call of it is up: all attempts are used up, or the page
	 * was retired. It is kept until page_stop(). Never told within page_start(), page_retire().
	 *
	 * reason  for the timeline
	 */
	void (*done)(void *arg, const char *reason);
};

struct page_request {
	const char *alert_id;
	int serial;             /* of this page within its alert, from 1; its calls carry it */
	struct page_person person;
	const char *message, *severity, *language, *voice;
	const json_t *values;   /* for the prompts' templates; a reference is kept */
	bool unrecorded;        /* the store is away: nothing is committed, nothing read */
	const struct page_past *past; /* after a restart: its calls that are over, oldest first */
	size_t n_past;
	const char *call_id;    /* a call of an earlier process that is up and goes on as the page's
				   own; NULL = none */
};

struct caller_deps {
	struct loop *loop;
	struct store *store;
	struct journal *journal;
	struct trunks *trunks;
	struct speech *speech;
	const struct config_call *config;
	const struct config_prompts *prompts;
	struct directory *directory; /* NULL: calls that come in are not answered */
};

struct caller *caller_new(const struct caller_deps *deps);
void caller_free(struct caller *caller);
/*
 * The process is about to end, and the trunks with it: nobody is called any more and no page comes
 * to its end. What is open stays so in the store, for the next process. NULL is fine.
 */
void caller_close(struct caller *caller);
/* After a reload of the configuration. */
void caller_reconfigure(struct caller *caller, const struct config_call *config,
			const struct config_prompts *prompts);

/* Begin. arg goes with events. */
struct page *page_start(struct caller *caller, const struct page_request *request,
			const struct page_events *events, void *arg);
/*
 * The alert needs it no more (acknowledged elsewhere, resolved, cancelled): a call that rings is
 * cancelled; one in which somebody listens hears why, then ends. No done; the page is gone for the
 * caller.
 *
 * reason  the alert's new state: the prompt of that name is said
 */
void page_stop(struct page *page, const char *reason);
/*
 * Its time is over: no call is begun for it any more. One that is up (placing, ringing, answered)
 * goes on, and its keys count; done is told once there is none.
 *
 * reason  for done, copied
 */
void page_retire(struct page *page, const char *reason);
/* A call of it is up, or being set up: its keys count. */
bool page_live(const struct page *page);
/* Whom it tries to reach, for people. */
const char *page_who(const struct page *page);

/*
 * The key's consequence is committed, or came too late: say so in the call, and hang up.
 *
 * alert_id  on which it was decided: a call may tell several
 * prompt    what to say: the alert's state ("acknowledged", "resolved", "escalated")
 */
void call_confirm(struct caller *caller, const char *call_id, const char *alert_id,
		  const char *prompt);

/* ---- recover.c: calls of an earlier process ---- */

/* What has become known of one. */
enum caller_found {
	CALLER_OVER,  /* it has ended (or never begun), and that is recorded */
	CALLER_RINGS, /* it is up, and not answered yet */
	CALLER_TALKS  /* it is up, somebody has answered */
};

/* All borrowed. */
struct caller_word {
	const char *call_id;
	const char *alert_id; /* one of those that the call tells; each is told of */
	int serial;           /* its page's */
	enum caller_found found;
	struct page_past past; /* CALLER_OVER: as it is to be given to page_start() */
	bool pressed;       /* a key was committed whose consequence is not known to be */
	enum page_key key;
	const char *how;    /* constant; as in page_events */
};

/*
 * CALLER_RINGS and CALLER_TALKS may be told again and again, until the call is taken by
 * page_start() or let go; CALLER_OVER is the last word. Never told within caller_recover().
 */
typedef void (*caller_word_fn)(void *arg, const struct caller_word *word);

/*
 * After a restart: a call that may still be up. Its trunk is asked; calls to its number wait until
 * it is over. When nothing is heard of it for ten seconds it counts as gone.
 *
 * row     of the store
 * told    the alerts that it tells, n of them, as the store has them; result: what a key is known
 *         to have decided in it ("acknowledged"), or NULL
 * word    called for each of these; NULL: nobody wants it any more, it is hung up
 * result  0 word will be called | -EEXIST this process has placed it itself
 */
struct call_row;
struct call_told;
int caller_recover(struct caller *caller, const struct call_row *row, const struct call_told *told,
		   size_t n, caller_word_fn word, void *arg);
/*
 * What was decided in a call that is over, going by the keys that are in the store: the daemon may
 * have died before what follows from it was.
 *
 * keys    that were pressed for the alert
 * result  of the call, for the alert
 * key     receives what it was; how: as in page_events
 *
 * result  false: nothing
 */
bool caller_decided(const struct caller *caller, const char *keys, const char *result,
		    enum page_key *key, const char **how);
/*
 * Nobody wants it for this alert: word is not called for it any more, and a call that nobody wants
 * for any alert is hung up once it is known to be up. Nothing happens where page_start() has taken
 * it, or that is gone.
 *
 * why  for the timeline, constant
 */
void caller_let_go(struct caller *caller, const char *call_id, const char *alert_id,
		   const char *why);
/*
 * caller_recover() was called for all that are in the store: what a trunk finds beside these is
 * nobody's, and is hung up.
 */
void caller_all_known(struct caller *caller);

/* ---- callback.c ---- */

/*
 * What the PBX's own dialplan says of a call (tc_call_callback() in tocsin/trigger.h).
 *
 * result  0 | -ENOENT there is no such live call | -EALREADY it was decided before | -EAGAIN it
 *         cannot be known yet, the start is under way
 */
int call_callback(struct caller *caller, const char *call_id, enum tc_call_callback what);

/* Render the fixed prompts once, so that they are in the cache. */
void caller_warm(struct caller *caller);

/* Calls by state, for /metrics: queued, live. */
void caller_figures(const struct caller *caller, size_t *queued, size_t *live);

#endif
