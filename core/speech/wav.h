/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clips as WAV: in memory and in files. All may block, on any thread but the loop's.
 */
#ifndef CORE_SPEECH_WAV_H
#define CORE_SPEECH_WAV_H

#include <tocsin/audio.h>

/*
 * A clip as WAV (RIFF, PCM 16 bit, mono).
 *
 * data    receives what the caller frees with free()
 * result  0 | -ENOMEM | -EIO
 */
int wav_format(const struct tc_clip *clip, void **data, size_t *len);

/*
 * The clip that a WAV holds.
 *
 * clip    receives one reference; its key is empty
 * result  0 | -EINVAL not such a WAV, cut short, or empty | -ENOMEM
 */
int wav_parse(const void *data, size_t len, struct tc_clip **clip);

/* Read a file. result: 0 | -EINVAL as wav_parse(), also when too large | -errno of the system. */
int wav_load(const char *path, struct tc_clip **clip);

/*
 * Write a file, whole or not at all: it is made beside its place, under a name that begins with
 * WAV_TEMP, and moved there. It may be lost when the machine loses power.
 *
 * size    receives its length in bytes; may be NULL
 * result  0 | -errno of the system
 */
#define WAV_TEMP ".new-"
int wav_save(const char *path, const struct tc_clip *clip, size_t *size);

#endif
