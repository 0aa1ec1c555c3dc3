/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The voices that espeak-ng has, copied out of the library: finding one needs neither the library
 * nor its lock.
 */
#ifndef PLUGINS_TTS_ESPEAK_CATALOG_H
#define PLUGINS_TTS_ESPEAK_CATALOG_H

#include <tocsin/defs.h>

#define VOICE_ID_SIZE 96

/* One language of a voice. */
struct catalog_tag {
	int priority; /* of this voice among those with the same tag; lower is better */
	char tag[32]; /* BCP 47, lower case: "en-gb" */
};

struct catalog_voice {
	char id[VOICE_ID_SIZE]; /* what the library knows it by: "gmw/en-US" */
	char name[64];          /* "English (America)" */
	struct catalog_tag tags[8];
	size_t n_tags;
};

struct catalog {
	struct catalog_voice *voices; /* owned */
	size_t n_voices;
	char (*variants)[VOICE_ID_SIZE]; /* owned; "f3", "whisper" ... */
	size_t n_variants;
};

/*
 * The voice that somebody names.
 *
 * name    "gmw/en-US", "en-us", "English (America)", case does not matter; "+VARIANT" may follow:
 *         "en-us+f3"
 * id      receives what the library is told; VOICE_ID_SIZE bytes
 * result  0 | -ENOENT no such voice or variant
 * thread  any
 */
int catalog_find(const struct catalog *catalog, const char *name, char *id);

/*
 * The voice for a language: the own one if no other fits better, else the best.
 *
 * language  BCP 47 ("de-AT"); a voice for "de" or "de-CH" is taken when there is none for it
 * own       id of the preferred voice, or NULL
 * id        receives what the library is told
 * result    0 | -ENOENT nothing speaks it
 * thread    any
 */
int catalog_match(const struct catalog *catalog, const char *language, const char *own, char *id);

void catalog_fini(struct catalog *catalog);

#endif
