/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers that belong to no call any more: acknowledged, and hung up.
 */
#ifndef SIP_STRAY_H
#define SIP_STRAY_H

#include "dialog.h"

/*
 * A 2xx to one of our INVITEs that nobody waits for (another branch of a fork, or the call of a
 * process that died): ACK, BYE.
 *
 * dialog  the call's own, for what cannot be learned from msg; not changed
 */
void stray_end(struct agent *agent, const struct dialog *dialog, const struct sip_msg *msg);

#endif
