/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A dialog on the wire: who, where to, which numbers, and the making of its requests. What a
 * call does with it is leg.h.
 */
#ifndef SIP_DIALOG_H
#define SIP_DIALOG_H

#include "digest.h"
#include "ids.h"
#include "stack.h"

struct dialog {
	struct agent *agent;
	char *call_id; /* owned; the value of Call-ID */
	char ltag[IDS_TAG_SIZE];
	char rtag[160];        /* "" until known */
	char *from, *to;       /* owned; without tags */
	char *ruri;            /* owned; what the first request asks for */
	char *target;          /* owned; the far end's Contact; NULL until known */
	char *routes;          /* owned; value of the Route header; NULL = none */
	struct sa hop;         /* where requests go */
	uint32_t cseq;         /* the last one used */
	uint32_t invites;      /* INVITEs sent; the n-th has CSeq n */
	struct digest auth[2]; /* of the server, of the proxy */
	bool tried[2];         /* this request was challenged by them before */
	unsigned challenges;   /* to this request */
};

/* How far a call got, in a ref. */
enum dialog_state { DIALOG_PLACED = 'P', DIALOG_RINGING = 'R', DIALOG_ANSWERED = 'A' };

/*
 * name   for the From header, or "" = the trunk's own
 * ruri   where to; also the To
 */
void dialog_init(struct dialog *d, struct agent *agent, const char *call_id, const char *name,
		 const char *ruri);
void dialog_fini(struct dialog *d);

/*
 * The dialog of a call that comes in: theirs is the Call-ID, ours the tag in To.
 *
 * id      the call's id: the tag is derived from it
 * result  0 | -EINVAL the INVITE lacks what makes a dialog (From tag, Contact); dialog_fini() is
 *         due all the same
 */
int dialog_accept(struct dialog *d, struct agent *agent, const char *id,
		  const struct sip_msg *msg);

/*
 * Send a request.
 *
 * method   "INVITE", "BYE", "REGISTER", "OPTIONS" ...; an INVITE gets its derived branch
 * headers  further header lines, or ""
 * body     SDP or NULL
 * reqp     must be set to NULL by the caller's resp; see libre
 * result   0 or a positive errno
 */
int dialog_request(struct dialog *d, const char *method, const char *headers, struct mbuf *body,
		   struct sip_request **reqp, sip_resp_h *resp, void *arg);

/* Acknowledge a 2xx for the INVITE with this CSeq: the same text each time. */
int dialog_ack(struct dialog *d, uint32_t cseq);

/* Learn from a response to the INVITE (2xx, or 1xx with a tag): tag, target, routes, next hop. */
void dialog_learn(struct dialog *d, const struct sip_msg *msg);

/* Back to before anything was learned: the request goes out once more, as a first one. */
void dialog_forget(struct dialog *d);

/* A request in the dialog may move the far end. */
void dialog_retarget(struct dialog *d, const struct sip_msg *msg);

/* What follows is another request, not one more try of the last: it may be challenged anew. */
void dialog_begin(struct dialog *d);

/*
 * Take in the challenges of a 401 or 407.
 *
 * result  0 send it again | -EACCES our answer was refused, or there are no credentials | -ENOTSUP
 */
int dialog_challenge(struct dialog *d, const struct sip_msg *msg);

/* What recover() needs and cannot derive, in less than 512 bytes. */
void dialog_ref(const struct dialog *d, enum dialog_state state, char *ref, size_t size_bytes);

/*
 * Read a ref back into a dialog that dialog_init() made.
 *
 * local   receives our address then
 * state   receives how far it got
 * result  0 | -EINVAL: nothing was changed
 */
int dialog_ref_parse(struct dialog *d, const char *ref, enum dialog_state *state, struct sa *local);

/* A value of a message as a string of its own. */
char *dialog_strdup(const struct pl *pl);
/* The Contact header of ours, with CRLF. */
void dialog_contact(const struct agent *agent, char *buf, size_t size_bytes);
/* Headers that each answer to an INVITE and OPTIONS has. */
#define DIALOG_ALLOW "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE\r\n"

#endif
