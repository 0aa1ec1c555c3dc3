/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Voices: the configured speech engines, which of them is to speak, and how they do.
 */
#ifndef CORE_SPEECH_VOICE_H
#define CORE_SPEECH_VOICE_H

#include <sys/queue.h>

#include <tocsin/tts.h>

#include <jansson.h>

struct flight;
TAILQ_HEAD(flight_list, flight);

/* Hex digits of SHA-256, and a NUL. */
#define VOICE_KEY_SIZE 65

struct voice {
	TAILQ_ENTRY(voice) link;
	struct tc_instance *instance;
	const struct tc_tts_ops *ops;
	const char *language;     /* of its settings; "" = not said */
	struct flight_list queue; /* what waits for it; of flight.c */
	unsigned queued, live;    /* how many wait, and are being made */
	/* how it does */
	uint64_t syntheses, errors;
	int64_t busy_us; /* all successful syntheses together */
	int64_t rest_us; /* loop time until which it is asked last */
	char text[128];  /* why it failed last; "" = it did not */
};

TAILQ_HEAD(voice_list, voice);

struct voices {
	struct voice_list list; /* in order of preference */
	size_t n;
};

void voices_init(struct voices *voices);
void voices_fini(struct voices *voices);
void voices_add(struct voices *voices, struct tc_instance *instance);

/*
 * In which order to try the voices: the named one, those for the language, the others; those that
 * failed lately last.
 *
 * name      NULL = none in particular
 * language  BCP 47, NULL = any
 * order     receives all voices->n of them, also when there is none of that name
 * result    0 | -ENOENT there is none of that name, or none at all
 */
int voices_order(const struct voices *voices, const char *name, const char *language,
		 int64_t now_us, struct voice **order);

/* The key of what this voice makes of a text: names it in the cache. */
void voice_key(const struct voice *voice, const char *language, const char *text,
	       char key[VOICE_KEY_SIZE]);

/*
 * How a synthesis went. The first failure and the recovery are logged; a voice that failed rests
 * for half a minute, unless it was the request's fault.
 *
 * err, text  as the operation completed
 * spent_us   from the request to the completion
 */
void voice_note(struct voice *voice, int err, const char *text, int64_t spent_us, int64_t now_us);

/* [{"name","plugin","healthy","text","language","syntheses","errors","average_ms","waiting"}] */
json_t *voices_status(const struct voices *voices);

#endif
