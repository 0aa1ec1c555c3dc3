/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said in a call as a list of texts, rendered and then played. Which texts these are is
 * others' affair.
 */
#ifndef CORE_CALL_SPEAK_H
#define CORE_CALL_SPEAK_H

#include <jansson.h>

#include <tocsin/defs.h>

struct caller;
struct speaker;
struct speech_want;
struct tc_clip;
struct tc_pbx_event;
struct trunk;

#define SPEAK_MAX 64

/* In whose words a template is said. Borrowed; all may be NULL. */
struct speak_words {
	const json_t *values;
	const char *language, *voice;
};

/* A piece of a play list. */
struct speak_item {
	struct speaker *speaker;
	struct speech_want *want; /* it is being rendered */
	struct tc_clip *clip;     /* owned; NULL = silence */
	uint32_t silence_ms;
};

struct speaker {
	struct caller *caller;
	const char *call_id;      /* borrowed */
	struct trunk *trunk;      /* set before anything is played */
	const bool *hung_up;      /* nothing is said any more */
	void (*failed)(void *arg); /* the trunk does not play */
	void *arg;                /* of that, and of then */
	struct speak_item items[SPEAK_MAX];
	unsigned n, wanted;
	bool sent;                /* the list was given to the trunk */
	uint32_t play_id;
	void (*then)(void *arg);
};

/* A new list, in place of the one before. */
void speaker_begin(struct speaker *s);
/* template: "" = nothing */
void speaker_text(struct speaker *s, const char *template, const struct speak_words *words);
void speaker_silence(struct speaker *s, int64_t ms);
/* Play it as soon as all of it is rendered; then runs when it was played. */
void speaker_play(struct speaker *s, void (*then)(void *arg));
/* Once more: the trunk has lost it. */
void speaker_again(struct speaker *s);
/* Nothing is said any more. */
void speaker_stop(struct speaker *s);
/* Is a list being rendered, or played? */
bool speaker_busy(const struct speaker *s);
/* The event is of its list: result; at the end of the list then has run. */
bool speaker_played(struct speaker *s, const struct tc_pbx_event *event);
void speaker_fini(struct speaker *s);
/* Have a text rendered that will be said later. */
void speaker_ahead(struct speaker *s, const char *template, const struct speak_words *words);

#endif
