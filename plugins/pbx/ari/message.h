/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One event of Asterisk, taken apart.
 */
#ifndef ARI_MESSAGE_H
#define ARI_MESSAGE_H

#include <jansson.h>

#include <tocsin/defs.h>

/* Those that something is done about. Source: Asterisk's rest-api/api-docs/events.json */
#define MESSAGES(X) \
	X(MESSAGE_DIAL, "Dial") \
	X(MESSAGE_STATE, "ChannelStateChange") \
	X(MESSAGE_STASIS_START, "StasisStart") \
	X(MESSAGE_STASIS_END, "StasisEnd") \
	X(MESSAGE_DTMF, "ChannelDtmfReceived") \
	X(MESSAGE_HANGUP_REQUEST, "ChannelHangupRequest") \
	X(MESSAGE_DESTROYED, "ChannelDestroyed") \
	X(MESSAGE_PLAYBACK_STARTED, "PlaybackStarted") \
	X(MESSAGE_PLAYBACK_CONTINUING, "PlaybackContinuing") \
	X(MESSAGE_PLAYBACK_FINISHED, "PlaybackFinished") \
	X(MESSAGE_TALK_STARTED, "ChannelTalkingStarted") \
	X(MESSAGE_TALK_FINISHED, "ChannelTalkingFinished") \
	X(MESSAGE_REPLACED, "ApplicationReplaced")

enum message_type {
	MESSAGE_OTHER,
#define X(sym, name) sym,
	MESSAGES(X)
#undef X
};

/* Strings are borrowed from json; "" where there is none. */
struct message {
	enum message_type type;
	const char *name;           /* its type as Asterisk calls it */
	const char *channel;        /* id of the channel that it concerns; of a Dial: the peer; of a
				       playback: its target */
	const char *state;          /* of the channel: "Ringing", "Up" */
	const char *dialstatus;     /* of a Dial */
	const char *digit;
	int cause, tech_cause;      /* 0 = none */
	const char *cause_text;
	const char *playback;       /* its id */
	const char *playback_state; /* "playing", "done", "failed" ... */
	const char *media;          /* what it plays, or plays next */
	const char *caller, *called; /* of a StasisStart: who calls, what he dialled */
	const json_t *json;         /* the whole */
};

/* result: 0 | -EINVAL it is no event */
int message_parse(const json_t *json, struct message *m);

#endif
