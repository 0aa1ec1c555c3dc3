/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether RTP gets to Asterisk and through it: what we send into one RTP channel comes back out of
 * another that is in a bridge with it. Nobody is called.
 */
#ifndef ARI_MEDIA_RTP_PROBE_H
#define ARI_MEDIA_RTP_PROBE_H

#include "media_rtpchan.h"

struct rtp_probe;

/* media_probed() tells the outcome. */
struct rtp_probe *rtp_probe_new(struct ari *ari, struct rtpnet *net);
/* NULL is fine. */
void rtp_probe_free(struct rtp_probe *probe);

#endif
