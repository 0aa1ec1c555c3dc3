/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From any rate to the telephone's 8 kHz.
 */
#ifndef RTP_RESAMPLE_H
#define RTP_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

/* How many samples come out. rate_hz: 8000..48000. */
size_t resample_length(size_t samples, uint32_t rate_hz);

/*
 * Bring sound to 8 kHz, what lies above 3.6 kHz being filtered out.
 *
 * out     resample_length(samples, rate_hz) samples
 * result  0 | -ENOMEM
 * thread  any
 */
int resample(const int16_t *in, size_t samples, uint32_t rate_hz, int16_t *out);

#endif
