/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of a speech plugin (kind tts): text in, sound out.
 */
#ifndef TOCSIN_TTS_H
#define TOCSIN_TTS_H

#include <tocsin/audio.h>
#include <tocsin/op.h>

struct tc_tts_request {
	const char *text;     /* UTF-8, 1..8192 bytes, without markup */
	const char *language; /* BCP 47 ("en", "de-AT"), or NULL: the instance's own */
	const char *voice;    /* the engine's name for it, or NULL: the instance's own */
	int rate;             /* words per minute, 80..450; 0 = the instance's own */
};

struct tc_tts_ops {
	/*
	 * Turn text into speech.
	 *
	 * op       completes with a struct tc_clip * (one reference goes to the host), at the
	 *          engine's own rate; key is left empty
	 * request  borrowed until this call returns
	 * result   0 taken | -EINVAL not UTF-8 or empty | -EBUSY the lane is full
	 * errors   by completion: -ENOENT no such voice or language | -EIO the engine failed |
	 *          -ENOMEM
	 * thread   loop; never blocks
	 */
	int (*synthesize)(void *state, struct tc_op *op, const struct tc_tts_request *request);

	/*
	 * What, beside the text and the request, decides how it sounds (engine and its version,
	 * the instance's voice, pitch, rate): goes into the key of the prompt cache, so a changed
	 * setting makes new prompts.
	 *
	 * result   bytes written (as snprintf), at most 200
	 * thread   loop
	 */
	int (*fingerprint)(void *state, char *buf, size_t size_bytes);
};

#endif
