/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bridge in which a call's channel and the one that we speak into are together: "ID-b". Their
 * channel is "ID-m".
 */
#ifndef ARI_MEDIA_BRIDGE_H
#define ARI_MEDIA_BRIDGE_H

#include "ari.h"

struct bridge;

/* They are together (why NULL), or cannot be. On the loop, never inside a call. */
typedef void (*bridge_done_fn)(void *arg, const char *why);

/* Ask for the bridge. */
struct bridge *bridge_new(struct leg *leg, bridge_done_fn done, void *arg);
/* Our channel has come into our application: before that it cannot be put into a bridge. */
void bridge_entered(struct bridge *bridge);
/* Put both channels into it, as soon as can be; done tells. Asked for once. */
void bridge_join(struct bridge *bridge);
/* Its end, here and in Asterisk: the call's channel is by itself again. NULL is fine. */
void bridge_free(struct bridge *bridge);

/* Send DELETE /KIND/ID; nobody waits for the answer. */
void bridge_delete(struct ari *ari, const char *kind, const char *id);

#endif
