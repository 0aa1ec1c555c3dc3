/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bridge in which a call's channel and the one that we speak into are together.
 *
 * What a way has in Asterisk for a call is called "ID-LETTER", with letters of its own: the end of
 * what one way has may be asked for at the same time as the beginning of another's.
 */
#ifndef ARI_MEDIA_BRIDGE_H
#define ARI_MEDIA_BRIDGE_H

#include "ari.h"

#define WEBSOCKET_CHANNEL 'm'
#define WEBSOCKET_BRIDGE  'b'
#define RTP_CHANNEL       'n'
#define RTP_BRIDGE        'c'

#define PART_SIZE (TC_ID_SIZE + 2)

struct bridge;

/* They are together (why NULL), or cannot be. On the loop, never inside a call. */
typedef void (*bridge_done_fn)(void *arg, const char *why);

/* "ID-LETTER" */
const char *bridge_part(const struct leg *leg, char letter, char part[PART_SIZE]);

/* Ask for the bridge. letter, channel: its own, and that of our channel */
struct bridge *bridge_new(struct leg *leg, char letter, char channel, bridge_done_fn done,
			  void *arg);
/* Our channel has come into our application: before that it cannot be put into a bridge. */
void bridge_entered(struct bridge *bridge);
/* Put both channels into it, as soon as can be; done tells. Asked for once. */
void bridge_join(struct bridge *bridge);
/* Its end, here and in Asterisk: the call's channel is by itself again. NULL is fine. */
void bridge_free(struct bridge *bridge);

/* Send DELETE /KIND/ID; nobody waits for the answer. */
void bridge_delete(struct ari *ari, const char *kind, const char *id);

#endif
