/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Speech to the PBX. There are several ways, and each trunk uses the one that it was told, or the
 * best that works with its Asterisk:
 *
 * file           Asterisk plays files from a folder that both can reach
 * http           Asterisk fetches the prompts from us (sound:http://...)
 * websocket      a chan_websocket channel beside the call; Asterisk 22
 * externalmedia  an RTP channel beside the call
 *
 * media.c keeps each leg's play list, a way plays it; media_choose.c finds out which ways work.
 */
#ifndef ARI_MEDIA_H
#define ARI_MEDIA_H

#include "ari.h"

struct speech_item {
	struct tc_clip *clip; /* one reference; NULL = silence */
	uint32_t ms;
};

struct speech {
	uint32_t play_id;
	size_t n;
	struct speech_item items[];
};

void media_list_free(struct speech *list);

/*
 * A way. Its functions are called by media.c and media_choose.c only. It reports with
 * media_item_started() and media_list_ended(); when it can play no more in this call,
 * media_broken().
 */
struct media_way {
	enum ari_media id;
	const char *name;
	bool hears; /* it brings the far end's sound: hear_sound() */
	/* What it has for the whole trunk: media_own() gives it back. May be NULL. */
	void *(*open)(struct ari *ari);
	void (*close)(void *own);
	/*
	 * Can it be used with the settings and this version at all? why: receives a sentence why
	 * not (size_bytes of it).
	 */
	bool (*usable)(struct ari *ari, char *why, size_t size_bytes);
	/*
	 * Try it, with a short sound played to nobody; media_probed() tells the outcome. One at a
	 * time.
	 */
	void (*probe)(struct ari *ari);
	/* An event of a probe, perhaps of another way. */
	void (*probe_message)(struct ari *ari, const struct message *m);
	/* It is over, or not wanted any more: free what it has, here and in Asterisk. */
	void (*probe_end)(struct ari *ari);
	/* The call rings or is up: begin what takes time. May be NULL. */
	void (*prepare)(struct leg *leg);
	/* This list will be played when the leg is in the app. May be NULL. */
	void (*load)(struct leg *leg, const struct speech *list);
	/* Play the list (borrowed; it lives until stop() or end()) from item from on, which has a
	   length. The leg is in the app. */
	void (*play)(struct leg *leg, const struct speech *list, size_t from);
	/* Stop at once; nothing more is reported for this list. */
	void (*stop)(struct leg *leg);
	/* An event of one of the leg's playbacks or of a channel that belongs to it. */
	void (*message)(struct leg *leg, const struct message *m);
	/*
	 * Events may have been missed; what plays has been stopped. result: false: it is to begin
	 * anew, with end() and prepare(). NULL: nothing is to be done.
	 */
	bool (*resume)(struct leg *leg);
	/*
	 * The leg is over, or plays in another way from now on: free what media_of() has, and end
	 * what belongs to it in Asterisk.
	 */
	void (*end)(struct leg *leg);
};

extern const struct media_way media_file, media_http, media_websocket, media_rtp;

#define MEDIA_WAYS 4

/* ---- what leg.c, link.c and ari.c call ---- */

struct medias *medias_new(struct ari *ari);
void medias_free(struct medias *medias);
/* Asterisk is there (again) and ari->version known: find out which way works. */
void medias_choose(struct medias *medias);
/* The way for the next call and why, for status(); NULL: none works. */
const char *medias_way(struct medias *medias, const char **why);

/*
 * An event of no leg: result: true when it was a probe's (its channel, bridge or playback is called
 * "tocsin-probe-...").
 */
bool medias_message(struct medias *medias, const struct message *m);

/* Whether a channel or bridge has the form of what is made here, for a call or a probe. */
bool media_is_ours(const char *id);

/* It rings, or is up already; told once or twice. */
void media_prepare(struct leg *leg);
/* The leg is in the app now: begin with what was asked for. */
void media_ready(struct leg *leg);
/* As the trunk's play(); kept until media_ready(). list is taken; NULL = stop. */
int media_play(struct leg *leg, struct speech *list);
static inline void media_stop(struct leg *leg)
{
	media_play(leg, NULL);
}
/* Events may have been missed. What played is over, nothing is reported for it. */
void media_resume(struct leg *leg);
/* An event whose playback or channel id begins with the leg's id. result: it was media's */
bool media_message(struct leg *leg, const struct message *m);
void media_end(struct leg *leg);

/*
 * Prove that a way works: as medias_choose() does, for check.c.
 *
 * way   NULL = the one in use
 * done  ok, and a sentence; on the loop, once
 */
void medias_prove(struct medias *medias, void (*done)(void *arg, bool ok, const char *text),
		  void *arg);

/* ---- a leg's play list: media.c ---- */

struct media_leg {
	const struct media_way *way; /* NULL: not yet chosen */
	struct speech *list;         /* owned; what plays or is to be played, or NULL */
	size_t at;                   /* the item that plays */
	int64_t since_us;            /* when it began, 0 = it has not */
	bool ready, playing;         /* playing: the way has the list */
	bool prepared;
	unsigned broken;           /* ways that did not work in this call, 1 << id */
	struct cleaning *cleaning; /* what an earlier process left behind, while it is removed */
	void *state;               /* the way's */
};

/* ---- what the ways call ---- */

/* What the way has for the trunk. */
void *media_own(struct ari *ari, const struct media_way *way);

/* The item has begun to be heard; all before it have ended. */
void media_item_started(struct leg *leg, size_t item);
/* All items have ended; cut: not by themselves. */
void media_list_ended(struct leg *leg, bool cut);
/*
 * The way does not work in this call. The list is begun again at its item by the next way that
 * works; with none left the call is hung up. The way's state is gone afterwards.
 */
void media_broken(struct leg *leg, const char *why);
/* The outcome of a probe; why: for people, in either case. Calls the way's probe_end(). */
void media_probed(struct ari *ari, const struct media_way *way, bool ok, const char *why);

/* So much silence, borrowed until the next call. NULL: no memory */
struct tc_clip *media_silence(struct ari *ari, uint32_t ms);
/* A short sound as good as silent that there never was before; one reference, or NULL. */
struct tc_clip *media_probe_clip(void);
#define MEDIA_PROBE "tocsin-probe-"
/* A name for what a probe has in Asterisk: MEDIA_PROBE "INSTANCE-WAY-RANDOM"; to be freed */
char *media_probe_name(struct ari *ari, const struct media_way *way);

/* ---- media_choose.c for media.c ---- */

/* The best way that works, or at least may work, but none of those in broken; or NULL. */
const struct media_way *medias_pick(struct medias *medias, unsigned broken);
/* It did not work in a call: look again soon. */
void medias_doubt(struct medias *medias, const struct media_way *way);

#endif
