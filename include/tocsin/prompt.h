/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clips for those who fetch them: as WAV, and under an address of the daemon.
 */
#ifndef TOCSIN_PROMPT_H
#define TOCSIN_PROMPT_H

#include <tocsin/audio.h>
#include <tocsin/plugin.h>

#define TC_PROMPT_URL_SIZE 1200

/*
 * The WAV file of a clip: RIFF, PCM, 16 bit, mono, at the clip's rate.
 *
 * data    receives len bytes, to be freed by the caller
 * result  0 | -ENOMEM
 * thread  any
 */
TC_API int tc_clip_wav(const struct tc_clip *clip, void **data, size_t *len);

/*
 * The name of a clip's sound: 64 hexadecimal digits, the same for the same clip at any time.
 * That is its key; a clip whose key is something else, or "", gets the hash of its samples.
 *
 * thread  any
 */
TC_API void tc_prompt_name(const struct tc_clip *clip, char name[65]);

/*
 * Put a clip up to be fetched: http.public_url + "/v1/prompts/NAME.wav?s=SIGNATURE", the same
 * address for the same clip for a day (PBXs cache by address), also after a restart. It can be
 * fetched for at least an hour, and as long as the prompt is in the cache.
 *
 * clip    a reference is taken for as long as it is up
 * url     TC_PROMPT_URL_SIZE bytes
 * result  0 | -ENOTCONN http.public_url is not configured
 * thread  loop
 */
TC_API int tc_prompt_url(struct tc_instance *self, struct tc_clip *clip,
			 char url[TC_PROMPT_URL_SIZE]);

#endif
