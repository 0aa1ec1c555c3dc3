/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call: from the command to place it until nothing of it is on the wire any more.
 */
#ifndef SIP_LEG_H
#define SIP_LEG_H

#include "dialog.h"
#include "media.h"

/* X(symbol, name): a leg only goes down this list, skipping some. */
#define LEG_STATES(X)                                                                              \
	X(LEG_QUEUED, "queued")   /* waits for its turn */                                         \
	X(LEG_CALLING, "calling") /* INVITE sent */                                                \
	X(LEG_RINGING, "ringing") /* 180 or 183 */                                                 \
	X(LEG_ANSWERED, "answered")                                                                \
	X(LEG_CLOSING, "closing") /* CANCEL or BYE sent, not yet answered */

enum leg_state {
#define X(sym, name) sym,
	LEG_STATES(X)
#undef X
};

/* The answer to a re-INVITE, sent until it is acknowledged. */
struct leg_reply {
	struct mbuf *mb; /* NULL = none waits */
	struct sa dst;
	void *sock; /* owned reference */
	uint32_t cseq;
	unsigned sent;
	bool offered; /* the ACK brings the answer to our offer */
	struct tmr tmr;
};

struct leg {
	struct le he;                /* agent->legs_by_id */
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
	uint32_t answer_cseq;     /* of the INVITE that was answered */
	uint32_t remote_cseq;     /* the highest one of theirs */
	struct sa signal;         /* where the answer came from */
	struct leg_reply reply;
	bool ended;              /* ENDED was reported */
	struct tc_pbx_event end; /* how, once it is known */
};

/* Commands. The loop thread has taken a place for the call (agent_admit). */
void leg_new(struct agent *agent, const struct command *command);
void leg_invite(struct leg *leg); /* its turn has come */
void leg_play(struct leg *leg, const struct command *command);
void leg_hangup(struct leg *leg);
/* The core asks for a call that lives here: say how far it is. */
void leg_adopt(struct leg *leg);

struct leg *leg_find(struct agent *agent, const struct pl *call_id);
struct leg *leg_find_str(struct agent *agent, const char *call_id);

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
/*
 * A 2xx to the INVITE that no transaction waits for: a retransmission, or another branch of a
 * fork.
 */
void leg_on_answer_again(struct leg *leg, const struct sip_msg *msg);

/* At the end of the thread: whatever is left. */
void leg_free_all(struct agent *agent);

#endif
