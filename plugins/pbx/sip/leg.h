/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call: from the command to place it, or the INVITE by which it comes in, until nothing of it is
 * on the wire any more.
 *
 * leg.c        its birth, its commands, its end
 * leg_place.c  one that we place, until it is answered
 * leg_take.c   one that comes in, until it is answered
 * leg_in.c     requests of the far end within it
 */
#ifndef SIP_LEG_H
#define SIP_LEG_H

#include "dialog.h"
#include "media.h"

/* X(symbol, name): a leg only goes down this list, skipping some. */
#define LEG_STATES(X)                                                                              \
	X(LEG_QUEUED, "queued")     /* waits for its turn */                                       \
	X(LEG_CALLING, "calling")   /* INVITE sent */                                              \
	X(LEG_RINGING, "ringing")   /* 180 or 183 */                                               \
	X(LEG_OFFERED, "offered")   /* came in: 180 sent, the core decides */                      \
	X(LEG_ACCEPTED, "accepted") /* came in: 200 sent, the ACK is not there */                  \
	X(LEG_ANSWERED, "answered")                                                                \
	X(LEG_CLOSING, "closing") /* CANCEL or BYE sent, not yet answered */

enum leg_state {
#define X(sym, name) sym,
	LEG_STATES(X)
#undef X
};

/* Our 200 to an INVITE, sent until it is acknowledged. */
struct leg_reply {
	struct mbuf *mb; /* NULL = none waits */
	struct sa dst;
	void *sock; /* owned reference */
	uint32_t cseq;
	uint64_t wait_ms, until_ms; /* the next time; when it is given up, by tmr_jiffies() */
	bool offered;               /* the ACK brings the answer to our offer */
	struct tmr tmr;
};

struct leg {
	struct le he, he_theirs;     /* agent->legs_by_id; the second one by their Call-ID */
	TAILQ_ENTRY(leg) link;       /* agent->legs */
	TAILQ_ENTRY(leg) queue_link; /* agent->queue, while LEG_QUEUED */
	struct agent *agent;
	char id[TC_ID_SIZE];
	struct dialog dialog;
	enum leg_state state;
	int64_t ring_timeout_ms;
	struct sip_request *invite, *bye;
	struct tmr tmr_first, tmr_ring, tmr_guard, tmr_free;
	struct media *media;
	uint32_t play_id;         /* of the newest play() */
	struct playlist *waiting; /* owned; a list that came before there was media */
	uint32_t total_ms;        /* when media is gone */
	int level_dbov;           /* as in the event */
	uint32_t answer_cseq;     /* of the INVITE that was answered */
	uint32_t remote_cseq;     /* the highest one of theirs */
	struct sa signal;         /* where the answer, or the INVITE, came from */
	struct leg_reply reply;
	bool bye_due; /* it is to be hung up as soon as the far end has acknowledged */
	/* Of one that comes in. */
	bool incoming;
	uint32_t first_cseq;        /* of its INVITE */
	struct sip_msg *request;    /* owned; the INVITE, until it has its final answer */
	struct sip_strans *invited; /* owned; the same */
	struct mbuf *sdp;           /* owned; what answers it */
	bool ended;                 /* ENDED was reported */
	struct tc_pbx_event end;    /* how, once it is known */
};

/* Commands. The loop thread has taken a place for the call (agent_admit). */
void leg_new(struct agent *agent, const struct command *command);
void leg_invite(struct leg *leg); /* its turn has come */
void leg_play(struct leg *leg, const struct command *command);
void leg_hangup(struct leg *leg);
void leg_press(struct leg *leg, const struct command *command);
/* The core asks for a call that lives here: say how far it is. */
void leg_adopt(struct leg *leg);

/* The INVITE of a new call. */
void leg_take(struct agent *agent, const struct sip_msg *msg);
/* The core wants a call that comes in. */
void leg_answer(struct leg *leg);

struct leg *leg_find(struct agent *agent, const char *id);
/* The one in whose dialog the far end asks for something; or to whose INVITE this may be said. */
struct leg *leg_of_request(struct agent *agent, const struct sip_msg *msg);
struct leg *leg_of_response(struct agent *agent, const struct sip_msg *msg);
/*
 * Whether this INVITE, which begins a dialog, has come before by another way (RFC 3261 8.2.2.2), or
 * is one of our own that came back.
 */
bool leg_is_known(struct agent *agent, const struct sip_msg *msg);

/* An item was played. */
void leg_played(struct leg *leg, const struct pacer_end *note);

/* Whether a message of the far end belongs to the dialog, by tags. */
bool leg_matches(const struct leg *leg, const struct sip_msg *msg);
/* Whether it comes from where the far end said that it is, or from where it answered. */
bool leg_is_from(const struct leg *leg, const struct sa *src);

/* Requests of the far end in the dialog. */
void leg_on_bye(struct leg *leg, const struct sip_msg *msg);
void leg_on_reinvite(struct leg *leg, const struct sip_msg *msg);
void leg_on_ack(struct leg *leg, const struct sip_msg *msg);
void leg_on_info(struct leg *leg, const struct sip_msg *msg);
void leg_on_update(struct leg *leg, const struct sip_msg *msg);
/*
 * A 2xx to the INVITE that no transaction waits for: a retransmission, or another branch of a
 * fork.
 */
void leg_on_answer_again(struct leg *leg, const struct sip_msg *msg);

/* At the end of the thread: whatever is left. */
void leg_free_all(struct agent *agent);

/* ---- for the files of a leg alone ---- */

/* A new one, known by its id; the dialog is the caller's to make. */
struct leg *leg_create(struct agent *agent, const char *id);
/* At once: not from one of its own callbacks. */
void leg_free(struct leg *leg);
void leg_leave_queue(struct leg *leg);
void leg_set_state(struct leg *leg, enum leg_state state);
/* Tell the core of a step, with a ref. */
void leg_tell(struct leg *leg, enum tc_pbx_event_type type, enum dialog_state how);
/* What its sound is to tell; arg is the leg. The second: of a call that comes in. */
extern const struct media_events leg_sound, leg_sound_in;

/* Sound ends, timers end; how the call ended is settled by whoever comes first. */
void leg_set_end(struct leg *leg, enum tc_pbx_end end, int sip, int q850, const char *text);
/* End it on the wire, by what its state needs, with the end set before. */
void leg_close(struct leg *leg);
/* It has ended on the wire. */
void leg_over(struct leg *leg);
/* Tell the core, once, how it ended. */
void leg_report_end(struct leg *leg);
/* Free it, soon, if nothing waits for the far end any more. */
void leg_settle(struct leg *leg);
/* Hang up. */
void leg_bye(struct leg *leg);

/*
 * 200 to an INVITE, with this SDP, until the ACK comes.
 *
 * transaction  the INVITE's; NULL = it has none yet
 * result       0 or a positive errno
 */
int leg_reply(struct leg *leg, struct sip_strans **transaction, const struct sip_msg *msg,
	      struct mbuf *sdp);
/* The final refusal that goes with the end that was set, to a call that comes in. */
void leg_refuse(struct leg *leg);
/* The far end has acknowledged our answer to its first INVITE. msg: the ACK */
void leg_on_first_ack(struct leg *leg, const struct sip_msg *msg);
/* It has not, in 64 * T1. */
void leg_on_no_ack(struct leg *leg);

#endif
