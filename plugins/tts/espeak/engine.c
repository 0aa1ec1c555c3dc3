/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one place that calls libespeak-ng. Which voice, and when, is decided elsewhere.
 *
 * Source: espeak-ng/speak_lib.h of espeak-ng 1.51. The library is used in its synchronous mode,
 * in which it has no thread of its own and calls back on the thread that called it.
 */
#include "engine.h"

#include <espeak-ng/espeak_ng.h>
#include <espeak-ng/speak_lib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#define BUFFER_MS   100  /* the library calls back this often */
#define SECONDS_MAX 1800 /* of speech: longer is an error of somebody */

/*
 * The only file-scope object of this plugin that is not constant. The library keeps all that it
 * knows in global variables, so the instances of this plugin, each with a thread of its own, must
 * take turns.
 */
static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

/* What the callback gathers. */
struct sound {
	const struct tc_op *op;
	int16_t *pcm; /* owned */
	size_t n, cap, max;
	int err;
};

static int grow(struct sound *sound, size_t more)
{
	size_t cap = sound->cap ? sound->cap : 65536;
	int16_t *pcm;

	if (sound->n + more > sound->max)
		return -EIO;
	while (cap < sound->n + more)
		cap *= 2;
	if (cap == sound->cap)
		return 0;
	pcm = realloc(sound->pcm, cap * sizeof(*pcm));
	if (!pcm)
		return -ENOMEM;
	sound->pcm = pcm;
	sound->cap = cap;
	return 0;
}

/* 1 stops the synthesis. */
static int on_sound(short *wav, int n, espeak_EVENT *events)
{
	struct sound *sound = events->user_data;

	if (!sound)
		return 1;
	if (!wav || n <= 0)
		return sound->err != 0;
	if (!sound->err && tc_op_cancelled(sound->op))
		sound->err = -ECANCELED;
	if (!sound->err)
		sound->err = grow(sound, (size_t)n);
	if (sound->err)
		return 1;
	memcpy(sound->pcm + sound->n, wav, (size_t)n * sizeof(*wav));
	sound->n += (size_t)n;
	return 0;
}

/*
 * Whether the folder that the library has taken is the wanted one: it takes another when that has
 * no data.
 */
static bool is_below(const char *path, const char *data_dir)
{
	size_t len = strlen(data_dir);

	while (len > 1 && data_dir[len - 1] == '/')
		len--;
	return !strncmp(path, data_dir, len) && (!path[len] || path[len] == '/');
}

static int load(const char *data_dir)
{
	const char *path = NULL;

	if (espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, BUFFER_MS, data_dir,
			      espeakINITIALIZE_DONT_EXIT) <= 0)
		return -ENOENT;
	espeak_SetSynthCallback(on_sound);
	espeak_Info(&path);
	return data_dir && (!path || !is_below(path, data_dir)) ? -ENOENT : 0;
}

static void read_tags(const char *tags, struct catalog_voice *voice)
{
	while (*tags && voice->n_tags < sizeof(voice->tags) / sizeof(voice->tags[0])) {
		struct catalog_tag *tag = &voice->tags[voice->n_tags++];

		tag->priority = (unsigned char)tags[0];
		tc_strcopy(tag->tag, sizeof(tag->tag), tags + 1);
		tags += strlen(tags + 1) + 2;
	}
}

static void read_voices(struct catalog *catalog)
{
	const espeak_VOICE **list = espeak_ListVoices(NULL);
	size_t n = 0;

	while (list[n])
		n++;
	catalog->voices = tc_calloc(n, sizeof(*catalog->voices));
	for (size_t i = 0; i < n; i++) {
		struct catalog_voice *voice = &catalog->voices[catalog->n_voices];

		if (!list[i]->identifier || !list[i]->languages ||
		    !tc_strcopy(voice->id, sizeof(voice->id), list[i]->identifier))
			continue;
		tc_strcopy(voice->name, sizeof(voice->name), list[i]->name ? list[i]->name : "");
		read_tags(list[i]->languages, voice);
		catalog->n_voices++;
	}
}

static void read_variants(struct catalog *catalog)
{
	espeak_VOICE variants = {.languages = "variant"};
	const espeak_VOICE **list = espeak_ListVoices(&variants);
	size_t n = 0;

	while (list[n])
		n++;
	catalog->variants = tc_calloc(n, sizeof(*catalog->variants));
	for (size_t i = 0; i < n; i++) {
		const char *id = list[i]->identifier;

		if (id && !strncmp(id, "!v/", 3) &&
		    tc_strcopy(catalog->variants[catalog->n_variants], VOICE_ID_SIZE, id + 3))
			catalog->n_variants++;
	}
}

int engine_open(const char *data_dir, char *data, size_t size_bytes, struct catalog *catalog)
{
	const char *path = "";
	int err;

	pthread_mutex_lock(&library);
	err = load(data_dir);
	if (err)
		goto out;
	espeak_Info(&path);
	if (!tc_strcopy(data, size_bytes, path)) {
		err = -ENOENT;
		goto out;
	}
	read_voices(catalog);
	read_variants(catalog);
out:
	pthread_mutex_unlock(&library);
	return err;
}

/*
 * Instances may have their data in several places: the library is turned to the one that is
 * needed now.
 */
static int prepare(const struct engine_setup *setup)
{
	const char *path = NULL;
	espeak_ERROR e;

	espeak_Info(&path);
	if ((!path || strcmp(path, setup->data)) && load(setup->data))
		return -EIO;
	e = espeak_SetVoiceByName(setup->id);
	if (e)
		return e == EE_NOT_FOUND ? -ENOENT : -EIO;
	/* behind the voice, which brings values of its own */
	if (espeak_SetParameter(espeakRATE, setup->rate, 0) ||
	    espeak_SetParameter(espeakPITCH, setup->pitch, 0) ||
	    espeak_SetParameter(espeakVOLUME, setup->volume, 0) ||
	    espeak_SetParameter(espeakWORDGAP, setup->word_gap_ms / 10, 0))
		return -EIO;
	return 0;
}

static int to_clip(const struct sound *sound, uint32_t rate_hz, struct tc_clip **clip)
{
	struct tc_clip *made;

	if (!sound->n)
		return -EIO;
	made = tc_clip_new(rate_hz, sound->n);
	if (!made)
		return -ENOMEM;
	memcpy(made->pcm, sound->pcm, sound->n * sizeof(made->pcm[0]));
	*clip = made;
	return 0;
}

int engine_speak(const struct engine_setup *setup, const char *text, const struct tc_op *op,
		 struct tc_clip **clip)
{
	struct sound sound = {.op = op};
	uint32_t rate_hz = 0;
	int err;

	pthread_mutex_lock(&library);
	/* it may have waited long for its turn */
	err = tc_op_cancelled(op) ? -ECANCELED : prepare(setup);
	if (!err) {
		rate_hz = (uint32_t)espeak_ng_GetSampleRate();
		sound.max = (size_t)rate_hz * SECONDS_MAX;
		/* without espeakSSML and espeakPHONEMES neither <> nor [[]] mean anything */
		if (espeak_Synth(text, strlen(text) + 1, 0, POS_CHARACTER, 0, espeakCHARS_UTF8,
				 NULL, &sound))
			err = -EIO;
	}
	pthread_mutex_unlock(&library);
	if (sound.err)
		err = sound.err;
	if (!err)
		err = to_clip(&sound, rate_hz, clip);
	free(sound.pcm);
	return err;
}

const char *engine_version(void)
{
	return espeak_Info(NULL);
}
