/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the ari trunk: what its files share.
 *
 * ari.c       the plugin: settings, checks, operations
 * link.c      the connection for events: connect, back off, ping, health
 * message.c   one event, taken apart
 * leg.c       one call: what Asterisk is asked for
 * leg_event.c one call: what Asterisk reports, and how it ended
 * resync.c    after a connection was lost or a process died: what is up, what is gone
 * inbound.c   calls that come to us
 * check.c     what is wrong with the trunk, step by step
 * endpoint.c  number -> the endpoint that Asterisk is asked to call
 * cause.c     cause codes -> why a call ended
 * hear.c      who has answered, and how loud
 * media*.c    speech to the PBX: media.h
 * rest.c, socket.c   HTTP and WebSocket on the loop; they know nothing of calls
 *
 * All of it belongs to the loop thread.
 */
#ifndef ARI_ARI_H
#define ARI_ARI_H

#include <sys/queue.h>

#include <tocsin/pbx.h>

#include "amd/talk.h"
#include "message.h"
#include "rest/rest.h"
#include "socket.h"

struct check;
struct hear;
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
	int64_t lost_after_ms;        /* without a connection its calls are given up */
	int64_t connections;
	int64_t max_calls;
	double calls_per_second;
	int64_t max_setups;           /* originates without an answer at one time */
	bool inbound;
	bool detect;                  /* detect_machine */
	struct talk_settings talk;
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
	struct rest_want *listing;    /* resync.c */
	json_t *app_ids;              /* owned; the channels of our app */
	int64_t listed_us;            /* when the list of channels was asked for */
	struct tc_timer *deaf;        /* resync.c: since nothing is heard of it */
	bool is_deaf;
	struct tc_timer *relist;      /* resync.c: ask again */
	int64_t relist_ms;
	TAILQ_HEAD(, check) checks;   /* check.c */
};

/* ---- a call ---- */

enum leg_state {
	LEG_ASKED,   /* POST /channels has no answer yet */
	LEG_PLACED,
	LEG_RINGING,
	LEG_UP,      /* answered */
	LEG_ENDED,   /* the core knows that it is over; kept while its channel may still appear */
};

struct leg {
	char id[TC_ID_SIZE];      /* first: key of by_id */
	char channel[160];        /* Asterisk's id: the call's own when we placed it */
	TAILQ_ENTRY(leg) link;
	struct ari *ari;
	enum leg_state state;
	bool incoming;            /* it was not placed by us */
	bool recovering;          /* by an earlier process: not yet known whether it is up */
	bool dialplan;            /* answered calls are sent into the PBX's dialplan */
	bool in_app;              /* in Stasis, and ours: things can be played */
	bool released;            /* given back to the dialplan after the message */
	bool rang;                /* the far end was reached */
	bool mute;                /* there is no way to speak in it */
	bool hung_up;             /* the core wants its end */
	bool timed_out;           /* it rang for ring_timeout_ms */
	bool shut_down;           /* Asterisk ends it because it ends itself */
	bool counted;             /* among ari->setups */
	bool doubtful;            /* asked for without an answer: it may yet appear */
	char caller[40], called[40];
	int cause, tech_cause;    /* the newest heard of */
	char cause_text[64], dialstatus[24];
	int64_t placed_us;        /* monotonic */
	int64_t moved_us;         /* monotonic, when it was last heard to come or go */
	int64_t stay_ms;          /* by Asterisk's clock, when it came into our app last */
	int64_t key_ms;           /* by Asterisk's clock, of the newest key: */
	char key;
	int64_t ending_us;        /* monotonic, when its end was asked for, 0 = it was not */
	uint32_t spoken_ms;
	struct tc_timer *timer;   /* what it does next: on_timer */
	void (*on_timer)(struct leg *leg);
	int64_t again_ms;         /* until a request is repeated */
	struct rest_want *asking; /* POST /channels, or the GET that looks it up */
	struct rest_want *ending; /* DELETE */
	struct rest_want *moving; /* answer, continue */
	struct rest_want *pressing; /* keys */
	char keys[33];            /* that wait for that */
	struct media_leg *media;  /* owned by media.c; NULL until it is needed */
	struct hear *hear;        /* owned by hear.c; the same */
	json_t *notes;            /* owned; events that nothing is done about */
	size_t notes_bytes;
};

/* In dialplan mode: what Stasis is given at the answer, and not by the dialplan. */
#define LEG_BEGIN "begin"
/* The reference of a call that was given back to the dialplan after its message. */
#define LEG_RELEASED "released"

/* ---- leg.c: what Asterisk is asked for ---- */

struct leg *leg_find(struct ari *ari, const char *id);
struct leg *leg_of_channel(struct ari *ari, const char *channel);
/* A leg by the id that a longer name begins with ("ID-m", "ID-3"); NULL if there is none. */
struct leg *leg_of_part(struct ari *ari, const char *name);
int leg_originate(struct ari *ari, const struct tc_pbx_originate *call);
int leg_hangup(struct ari *ari, const char *id);
int leg_recover(struct ari *ari, const char *id, const char *ref);
int leg_answer(struct ari *ari, const char *id);
int leg_release(struct ari *ari, const char *id);
int leg_press(struct ari *ari, const char *id, const char *keys);
/* A channel of somebody else has come into our app. */
struct leg *leg_incoming(struct ari *ari, const struct message *m);
void leg_free(struct leg *leg);
void legs_free(struct ari *ari);

/* Send DELETE for its channel, and again until it is gone. */
void leg_delete(struct leg *leg);
/* Send it into the dialplan: where the settings say, or back to where it came from. */
void leg_continue(struct leg *leg, bool begin);
/* Ask whether its channel is up, and go on from that. */
void leg_look_up(struct leg *leg);
void leg_timer(struct leg *leg, int64_t delay_ms, void (*fn)(struct leg *leg));

/* ---- leg_event.c: what Asterisk reports ---- */

/* An event that concerns this leg's channel. The leg may be gone afterwards. */
void leg_message(struct leg *leg, const struct message *m);
/* As found in a list of channels: Asterisk's "Ring", "Ringing", "Up" ... and dialplan app. */
void leg_sync(struct leg *leg, const json_t *channel);
/* No such channel is up. The leg may be gone afterwards. */
void leg_gone(struct leg *leg);
/* Tell the core. */
void leg_report(struct leg *leg, enum tc_pbx_event_type type);
/* Tell the core of a guess, and why. */
void leg_guess(struct leg *leg, enum tc_pbx_event_type type, const char *why);
/* Asterisk has it. */
void leg_placed(struct leg *leg);
/* It is over: tell the core. The leg may be gone afterwards. text may be "" */
void leg_end(struct leg *leg, enum tc_pbx_end end, const char *text);
/*
 * It is over for the core, although Asterisk cannot be asked: what may still be there is ended
 * when it can.
 */
void leg_give_up(struct leg *leg, const char *text);
/* One that has ended is kept for a while, should its channel show up. */
void leg_linger(struct leg *leg);
/* For media: an item has ended. item_ms: how much of it was sent; sound: it was no silence. */
void leg_played(struct leg *leg, uint32_t play_id, uint32_t item, uint32_t item_ms, bool whole,
		bool sound);

/* ---- ari.c ---- */

/* Whether a channel has the form of our call ids; of what belongs to a call ("ID-m"). */
bool ari_is_call_id(const char *channel);
bool ari_is_part(const char *channel);
/* Hold the trunk back, and why; NULL = not any more. */
void ari_hold(struct ari *ari, const char *why);
/* Where the events come from: ws://HOST:PORT/ari/events?app=APP; to be freed. */
char *ari_events_url(const struct ari_config *cfg);
/* "MIN-MAX"; min is made even. result: 0 | -EINVAL */
int ari_ports(const char *range, uint16_t *min, uint16_t *max);

/* ---- link.c ---- */

/* An event of a channel that belongs to none of our legs. */
void link_stranger(struct ari *ari, const struct message *m);

struct link *link_new(struct ari *ari);
void link_free(struct link *link);
/* Events arrive and requests are answered. */
bool link_up(const struct link *link);
/*
 * In this connection the list of channels has been compared with our legs. It is up once the first
 * event has come, a moment later.
 */
bool link_listed(const struct link *link);
/* The same, and speech can be given to it: the trunk can be used. */
bool link_healthy(const struct link *link);
/* Why (not), for people. */
const char *link_text(const struct link *link);
/* The list of channels could not be had: begin with a new connection. */
void link_broken(struct link *link, const char *why);
/* It could not be had now, and is asked for again: the connection stays. */
void link_unsynced(struct link *link, const char *why);
/* No way of speech works, and why; NULL: one does. */
void link_speech(struct link *link, const char *why);
/* What was missed is known now: the trunk can be used. */
void link_synced(struct link *link);

/* ---- resync.c ---- */

/*
 * The connection for events is open (again): compare with what Asterisk has; link_synced() or
 * link_broken() follows.
 */
void resync(struct ari *ari);
/* The same once more, in the same connection: what was asked for did not come. */
void resync_again(void *ari);
/* End what nobody needs: kind is "/channels/" or "/bridges/". */
void resync_sweep(struct ari *ari, const char *kind, const char *id);
/* Give up what is under way: nothing is heard of Asterisk. */
void resync_stop(struct ari *ari);
/* Nothing was heard of it for too long: ari's calls are over for the core. */
void resync_deaf(void *ari);

/* ---- check.c ---- */

/* As the trunk's check(). */
int check_trunk(struct ari *ari, struct tc_op *op, const char *number);
/* Give up those under way: their operations complete. */
void checks_stop(struct ari *ari);

#endif
