/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libespeak-ng, which has one state for the whole process: what is done with it, one caller at a
 * time.
 */
#ifndef PLUGINS_TTS_ESPEAK_ENGINE_H
#define PLUGINS_TTS_ESPEAK_ENGINE_H

#include <tocsin/audio.h>
#include <tocsin/op.h>

#include "catalog.h"

/* What the library is told before it speaks. */
struct engine_setup {
	char data[512];         /* folder of its data, as engine_open() has found it */
	char id[VOICE_ID_SIZE]; /* voice, from the catalog */
	int rate;               /* words per minute, 80..450 */
	int pitch;              /* 0..99 */
	int volume;             /* percent, 0..200 */
	int word_gap_ms;
};

/*
 * Load the library's data and read which voices there are.
 *
 * data_dir  where its data is, or NULL: its own place
 * data      receives the folder that was found; size_bytes of it
 * catalog   is filled; catalog_fini() releases it
 * result    0 | -ENOENT no data there | -EIO
 * thread    any; blocks
 */
int engine_open(const char *data_dir, char *data, size_t size_bytes, struct catalog *catalog);

/*
 * Speak.
 *
 * text    UTF-8 without control characters
 * op      asked now and then whether anybody still waits
 * clip    receives one reference
 * result  0 | -ENOENT no such voice | -EIO it failed or made no sound | -ENOMEM | -ECANCELED
 * thread  any; blocks
 */
int engine_speak(const struct engine_setup *setup, const char *text, const struct tc_op *op,
		 struct tc_clip **clip);

/* The library's version, a constant string. Thread: any. */
const char *engine_version(void);

#endif
