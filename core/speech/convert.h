/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Speech as an engine makes it, made fit for the telephone.
 */
#ifndef CORE_SPEECH_CONVERT_H
#define CORE_SPEECH_CONVERT_H

#include <tocsin/audio.h>

/*
 * Take away the silence at both ends (all but 50 ms), bring it to SPEECH_RATE_HZ, and its loudest
 * sample to -3 dB of full scale (what is very quiet is not made louder than by 18 dB).
 *
 * out     receives one reference; its key is empty
 * result  0 | -ENODATA it is silent | -ENOMEM | -EIO the resampler failed
 * thread  any but the loop's: some milliseconds for each second of speech
 */
int convert_clip(const struct tc_clip *in, struct tc_clip **out);

#endif
