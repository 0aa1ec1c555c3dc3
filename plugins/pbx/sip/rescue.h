/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ending the call of a process that died: CANCEL or BYE made from what was derived and stored,
 * until the far end is quiet.
 */
#ifndef SIP_RESCUE_H
#define SIP_RESCUE_H

#include "dialog.h"

struct rescue;

/*
 * The command recover(): ENDED with TC_PBX_END_GONE follows, at the latest after 4 s on the
 * wire.
 */
void rescue_new(struct agent *agent, const struct command *command);
/* The transports are open: begin with those that waited for them. */
void rescue_run_all(struct agent *agent);
void rescue_free_all(struct agent *agent);
/* Whether all have been reported. */
bool rescue_idle(const struct agent *agent);
/*
 * A response that no transaction waits for: perhaps to a CANCEL of ours, or to the dead
 * process's INVITE.
 */
void rescue_on_response(struct agent *agent, const struct sip_msg *msg);

#endif
