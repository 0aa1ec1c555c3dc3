/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user agent of one trunk: its threads and what they share. The part that needs libre is in
 * stack.h.
 */
#ifndef SIP_AGENT_H
#define SIP_AGENT_H

#include "rtp/pacer.h"
#include "sip.h"

struct agent;

/* For status(). */
struct agent_figures {
	bool up, registered, healthy;
	char why[128];     /* when not healthy, or how */
	char local[48];    /* "udp 192.0.2.1:5060" */
	unsigned calls;    /* not ended */
	unsigned queued;   /* of these, the INVITE has not left */
	unsigned incoming; /* besides these, calls that came in */
	unsigned closing;  /* ended for the core, but still something on the wire */
	uint64_t dropped;  /* requests of strangers */
	size_t clips_bytes;
	struct pacer_figures pacer;
};

/*
 * Start the threads; the transports follow with COMMAND_RESOLVED.
 *
 * cfg     lives until agent_free()
 * result  NULL on failure (logged)
 * thread  loop, as all here
 */
struct agent *agent_new(struct tc_instance *self, const struct sip_config *cfg);

/* Hang up, unregister, wait at most 5 s for answers, join the threads. */
void agent_free(struct agent *agent);

/* Queue a command; ownership passes. */
void agent_command(struct agent *agent, struct command *command);

/*
 * Wait until the transports are open.
 *
 * result  0 | -ETIMEDOUT not yet | -EADDRINUSE and others: they cannot be opened (logged)
 */
int agent_wait(struct agent *agent, int64_t timeout_ms);

/*
 * Take a place for a new call, given back when it ends.
 *
 * result  0 | -EBUSY as many as can be | -EHOSTDOWN the trunk is down
 */
int agent_admit(struct agent *agent);

struct agent_figures agent_figures(struct agent *agent);

#endif
