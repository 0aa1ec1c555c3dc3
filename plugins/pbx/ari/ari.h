/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the ari trunk: what its files share.
 *
 * ari.c       the plugin: settings, checks, operations
 * link.c      the connection for events: connect, back off, ping, health
 * message.c   one event, taken apart
 * leg.c       one call: originate, hang up, what Asterisk reports, how it ended
 * resync.c    after a connection was lost or a process died: what is up, what is gone
 * inbound.c   calls that come to us
 * check.c     what is wrong with the trunk, step by step
 * endpoint.c  number -> the endpoint that Asterisk is asked to call
 * cause.c     cause codes -> why a call ended
 * media*.c    speech to the PBX: media.h
 * rest.c, socket.c   HTTP and WebSocket on the loop; they know nothing of calls
 *
 * All of it belongs to the loop thread.
 */
#ifndef ARI_ARI_H
#define ARI_ARI_H

#include <sys/queue.h>

#include <tocsin/pbx.h>

#include "message.h"
#include "rest.h"
#include "socket.h"

struct link;
struct media_leg;
struct media_way;
struct medias;

struct ari_config {
	const char *url, *user, *password, *tls_ca;
	const char *app;
	const char *endpoint, *caller_id;
	const char *plus;             /* what a leading "+" becomes: "+", "00", "" */
	struct tc_map variables;
	const char *context, *extension; /* dialplan mode when given */
	int64_t priority;
	int media;                    /* enum ari_media */
	const char *media_dir;        /* our name of the shared folder */
	const char *media_path;       /* and Asterisk's; NULL = the same */
	const char *rtp_address;      /* ours, for externalmedia */
	const char *rtp_ports;
	int64_t keepalive_ms, timeout_ms;
	int64_t connections;
	int64_t max_calls;
	double calls_per_second;
	int64_t max_setups;           /* originates without an answer at one time */
	bool inbound;
};

enum ari_media {
	ARI_MEDIA_AUTO,
	ARI_MEDIA_FILE,
	ARI_MEDIA_HTTP,
	ARI_MEDIA_WEBSOCKET,
	ARI_MEDIA_RTP,
};

TAILQ_HEAD(leg_list, leg);

struct ari {
	struct tc_instance *self;
	const struct ari_config *cfg;
	struct rest *rest;
	struct sockets *sockets;
	struct link *link;
	struct medias *medias;
	struct leg_list legs;
	void *by_id;                  /* tsearch of struct leg by id */
	void *by_channel;             /* and by channel */
	unsigned n_legs, setups;      /* setups: originates without an answer */
	bool held;
	char version[64];             /* Asterisk's, "" = not yet known */
	int major;
	uint64_t unknown;             /* events of no call of ours */
	bool closing;
};

/* ---- leg.c: a call ---- */

enum leg_state {
	LEG_ASKED,   /* POST /channels has no answer yet */
	LEG_PLACED,
	LEG_RINGING,
	LEG_UP,      /* answered; in our app when in_app */
	LEG_ENDED,   /* told to the core; kept until nothing refers to it */
};

struct leg {
	char id[TC_ID_SIZE];      /* first: key of by_id */
	char channel[160];        /* Asterisk's id: the call's own when we placed it */
	TAILQ_ENTRY(leg) link;
	struct ari *ari;
	enum leg_state state;
	bool in_app;              /* in Stasis: things can be played */
	bool incoming, recovering, dialplan;
	bool rang;                /* the far end was reached */
	bool hung_up;             /* the core wants its end */
	bool timed_out;           /* it rang for ring_timeout_ms */
	bool released;            /* given back to the dialplan */
	char *number;             /* owned */
	int cause, tech_cause;    /* newest heard of */
	char cause_text[64];
	char dialstatus[24];
	uint32_t spoken_ms;
	struct tc_timer *timer;   /* ring time-out, then repeats of the hang-up */
	int64_t again_ms;
	struct rest_want *asking; /* POST /channels, or the GET that looks it up */
	struct rest_want *ending;
	struct media_leg *media;  /* owned by media.c; NULL until it is needed */
	json_t *notes;            /* owned; events that nothing is done about */
	size_t notes_bytes;
};

struct leg *leg_find(struct ari *ari, const char *id);
struct leg *leg_of_channel(struct ari *ari, const char *channel);
int leg_originate(struct ari *ari, const struct tc_pbx_originate *call);
int leg_hangup(struct ari *ari, const char *id);
int leg_recover(struct ari *ari, const char *id, const char *number);
int leg_release(struct ari *ari, const char *id);
void legs_free(struct ari *ari);

/* An event of Asterisk that concerns this leg's channel. */
void leg_message(struct leg *leg, const struct message *m);
/* Make it an incoming one. */
struct leg *leg_incoming(struct ari *ari, const char *channel);
/* As found in a list of channels, state is Asterisk's ("Ring", "Ringing", "Up"). */
void leg_sync(struct leg *leg, const char *state);
/* No such channel is up any more. */
void leg_gone(struct leg *leg);
/* Tell the core. */
void leg_report(struct leg *leg, enum tc_pbx_event_type type);
/* For media: an item has ended. item_ms: how much of it was sent; sound: it was no silence. */
void leg_played(struct leg *leg, uint32_t play_id, uint32_t item, uint32_t item_ms, bool whole,
		bool sound);

/* ---- link.c ---- */

struct link *link_new(struct ari *ari);
void link_free(struct link *link);
/* Events arrive and requests are answered. */
bool link_up(const struct link *link);
/* For status(). */
const char *link_text(const struct link *link);

/* ---- resync.c ---- */

/* The connection for events is open (again): compare with what Asterisk has. */
void resync(struct ari *ari);
/* Give up what is under way. */
void resync_stop(struct ari *ari);

#endif
