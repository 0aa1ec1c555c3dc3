/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether Asterisk can play a sound: it is played to nobody, in a bridge without channels, which
 * needs no dialplan and calls nobody.
 */
#ifndef ARI_MEDIA_TRIAL_H
#define ARI_MEDIA_TRIAL_H

#include "media.h"

struct trial;

/* media_probed() tells the outcome. uri: "sound:...", borrowed */
struct trial *trial_new(struct ari *ari, const struct media_way *way, const char *uri);
void trial_message(struct trial *trial, const struct message *m);
/* For probe_end(); NULL is fine. */
void trial_free(struct trial *trial);

#endif
