/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of a telephony plugin (kind pbx): a trunk that places calls, plays sound, and
 * reports.
 *
 * A call is known on both sides by its id, which the core chose and committed before it asks: no
 * pointer crosses the border, and an event for a call that is gone finds nothing.
 */
#ifndef TOCSIN_PBX_H
#define TOCSIN_PBX_H

#include <jansson.h>

#include <tocsin/audio.h>
#include <tocsin/op.h>
#include <tocsin/plugin.h>

struct tc_pbx_originate {
	const char *call_id;      /* UUID text; the SIP Call-ID or PBX channel id is derived from
				     it */
	const char *number;       /* [+]digits, * and #, 1..32 characters; put into the trunk's
				     template */
	const char *caller_name;  /* UTF-8, or NULL: the trunk's own */
	int64_t ring_timeout_ms;  /* the trunk gives up by itself after this: ENDED with
				     TC_PBX_END_TIMEOUT */
};

/* What may come back for a call. Each call ends with exactly one ENDED; nothing follows it. */
#define TC_PBX_EVENTS(X) \
	X(TC_PBX_PLACED, "placed")     /* the request has left */ \
	X(TC_PBX_RINGING, "ringing")   /* 180, or early media */ \
	X(TC_PBX_ANSWERED, "answered") \
	X(TC_PBX_DTMF, "dtmf")         /* key */ \
	X(TC_PBX_PLAYED, "played")     /* play_id, item, item_ms, total_ms, whole */ \
	/* an answered call goes on, but the trunk was deaf for a while: keys and the ends of \
	   items may have been missed, and nothing plays any more */ \
	X(TC_PBX_RESUMED, "resumed") \
	/* the PBX's own dialplan has the call (again): it will end by itself, nothing can be \
	   played */ \
	X(TC_PBX_RELEASED, "released") \
	/* somebody calls us: number, called. The plugin chose the call id; the core says answer() \
	   or hangup() */ \
	X(TC_PBX_INCOMING, "incoming") \
	/* a call of this id is up that neither originate() nor recover() was asked for: an \
	   earlier process placed it. The core says hangup() when nobody wants it */ \
	X(TC_PBX_FOUND, "found") \
	/* hints on an answered call, at most one of the first two, only where the trunk's \
	   settings ask for them: text says why. BEEP: after MACHINE, its tone is over: now it \
	   records */ \
	X(TC_PBX_HUMAN, "human") \
	X(TC_PBX_MACHINE, "machine") \
	X(TC_PBX_BEEP, "beep") \
	X(TC_PBX_ENDED, "ended")       /* end, sip, q850, text */

enum tc_pbx_event_type {
#define X(sym, name) sym,
	TC_PBX_EVENTS(X)
#undef X
	TC_PBX_EVENT_COUNT
};

/* Why a call ended, as far as the trunk can tell. The core makes the call's result of it. */
#define TC_PBX_ENDS(X) \
	/* the far end hung up after it had answered */ \
	X(TC_PBX_END_REMOTE, "remote") \
	/* we hung up or cancelled */ \
	X(TC_PBX_END_LOCAL, "local") \
	/* rang for ring_timeout_ms; or 408, 480, Q.850 18, 19 */ \
	X(TC_PBX_END_TIMEOUT, "timeout") \
	/* 486, 600, Q.850 17 */ \
	X(TC_PBX_END_BUSY, "busy") \
	/* 603, 403 by the callee, Q.850 21 */ \
	X(TC_PBX_END_REJECTED, "rejected") \
	/* no such number: 404, 410, 484, 604, Q.850 1, 3, 22, 28 */ \
	X(TC_PBX_END_UNREACHABLE, "unreachable") \
	/* the network is full: 503, 500, 504, Q.850 34, 38, 42 */ \
	X(TC_PBX_END_CONGESTION, "congestion") \
	/* the trunk itself failed: no route, no answer to the request, refused login */ \
	X(TC_PBX_END_TRUNK, "trunk") \
	/* anything else: no common codec, a protocol error */ \
	X(TC_PBX_END_FAILED, "failed") \
	/* after recover(), or after the PBX was away: no such call is up (any more), nobody saw \
	   how it ended */ \
	X(TC_PBX_END_GONE, "gone")

enum tc_pbx_end {
#define X(sym, name) sym,
	TC_PBX_ENDS(X)
#undef X
	TC_PBX_END_COUNT
};

struct tc_pbx_event {
	enum tc_pbx_event_type type;
	char call_id[TC_ID_SIZE];
	int64_t at_us;         /* monotonic, when it happened on the wire; 0 = now */
	char key;              /* DTMF: 0-9 * # A-D */
	uint32_t play_id;      /* PLAYED: of which play() */
	uint32_t item;         /* PLAYED: index in the play list of what has just ended */
	uint32_t item_ms;      /* PLAYED: how much of this item was sent */
	uint32_t total_ms;     /* PLAYED, ENDED: sound other than silence sent in this call so
				  far */
	bool whole;            /* PLAYED: the item was sent to its end (not stopped) */
	bool dialplan;         /* ANSWERED: the PBX's dialplan greets, asks for keys and says
				  goodbye: only the message is to be played, once, and then
				  release() */
	enum tc_pbx_end end;
	int sip, q850;         /* ENDED: cause codes, 0 = none */
	char text[96];         /* ENDED: for people, "Busy Here"; HUMAN, MACHINE: why */
	int level_dbov;        /* ENDED: the loudest half second that was heard from the far end,
				  -1 .. -127 dBov; 0 = not measured */
	char number[40];       /* INCOMING: the caller, digits with or without "+"; "" = withheld */
	char called[40];       /* INCOMING: the number or extension dialled, "" = unknown */
	char ref[512];         /* PLACED, RINGING, ANSWERED, RELEASED: opaque; "" = none. The core
				  stores the newest one with the
	                          call and gives it back to recover() after a crash */
};

/*
 * Report what happened. The event is copied.
 *
 * thread  any
 */
TC_API void tc_pbx_event(struct tc_instance *self, const struct tc_pbx_event *event);

/*
 * Report the trunk's health. Calls go to a healthy trunk first; a change is logged and published
 * once.
 *
 * text    for people, why
 * thread  any
 */
TC_API void tc_pbx_health(struct tc_instance *self, bool healthy, const char *text);

/*
 * Hold back: a trunk that is overloaded takes no new calls until it says otherwise. What waits
 * stays queued; the trunk is shown as held, with the reason.
 *
 * text    for people, why
 * thread  any
 */
TC_API void tc_pbx_hold(struct tc_instance *self, bool hold, const char *text);

/*
 * What else the PBX has told of a call: kept with its alert's events as one entry, for those who
 * look into it later.
 *
 * call_id  a call that this instance placed
 * data     a JSON array of objects, at most 16 kB as text; taken
 * thread   any
 */
TC_API void tc_pbx_note(struct tc_instance *self, const char *call_id, json_t *data);

/*
 * A new id for an incoming call.
 *
 * thread  any
 */
TC_API void tc_pbx_call_id(char id[TC_ID_SIZE]);

struct tc_pbx_item {
	struct tc_clip *clip; /* NULL: silence. The plugin takes its own reference */
	uint32_t silence_ms;
};

/* All: loop thread, never block, 0 or a negative errno; what happens is told by events. */
struct tc_pbx_ops {
	/*
	 * Place a call. Its row is committed.
	 *
	 * result  0 taken (an ENDED will come) | -EBUSY the plugin's queue is full | -EHOSTDOWN
	 *         the trunk is down | -EINVAL the number does not fit the template. When refused
	 *         nothing was sent and no event comes.
	 */
	int (*originate)(void *state, const struct tc_pbx_originate *call);

	/*
	 * Play a list, at once, in place of whatever plays (which gets no PLAYED any more, except
	 * that total_ms counts on). Each item reports PLAYED at its end. n = 0 stops what plays.
	 * Before the answer: kept until then.
	 *
	 * play_id  chosen by the core, given back in PLAYED
	 */
	int (*play)(void *state, const char *call_id, uint32_t play_id,
		    const struct tc_pbx_item *items, size_t n);

	/* Cancel or hang up; ENDED with TC_PBX_END_LOCAL follows, unless another end came first. */
	int (*hangup)(void *state, const char *call_id);

	/*
	 * After a crash or a take-over: a call of this id was placed by an earlier process. Either
	 * it is adopted (events go on, beginning with the state it is in) or it is ended on the
	 * wire (CANCEL, BYE) and ENDED with TC_PBX_END_GONE comes once the far end cannot be
	 * ringing any more.
	 *
	 * ref     the newest one stored, or ""
	 * number  as in originate
	 */
	int (*recover)(void *state, const char *call_id, const char *number, const char *ref);

	/*
	 * Take an incoming call: ANSWERED follows, or ENDED. NULL: the trunk never reports
	 * INCOMING.
	 */
	int (*answer)(void *state, const char *call_id);

	/*
	 * The message was played in a call that was answered with dialplan set: give it back to the
	 * PBX's dialplan. RELEASED follows, or ENDED. NULL: the trunk never sets dialplan.
	 */
	int (*release)(void *state, const char *call_id);

	/*
	 * Find out what is wrong with the trunk, step by step, without ringing anybody.
	 *
	 * number  to check the way to it as well, or NULL
	 * op      completes with a json_t *, an array of
	 *         {"step": "login", "ok": true, "text": "logged in as tocsin"}, in order; a step
	 *         that could not be tried has "ok": null
	 * result  0 taken | negative errno. NULL: health is all that is known
	 */
	int (*check)(void *state, struct tc_op *op, const char *number);

	/*
	 * Press keys for the far end, in an answered call, one behind the other, while what plays
	 * goes on (in its sound they may leave holes) or, where a PBX plays it, after it. No event
	 * tells of them.
	 *
	 * keys    1..32 of 0-9 * # A-D; copied
	 * result  0 they will be sent, unless the call ends before | -EINVAL other keys, or too
	 *         many | -EBUSY too many wait to be sent | -ENOTCONN no such call is answered, as
	 *         far as is known at once. NULL: the trunk cannot
	 */
	int (*dtmf)(void *state, const char *call_id, const char *keys);
};

#endif
