/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of libc and libre is replaced at link time (-Wl,--wrap in plugin.mk): libre's clock, its
 * branches, its stderr, its STUN.
 */
#ifndef SIP_WRAP_H
#define SIP_WRAP_H

#include <stdint.h>

/*
 * Until wrap_branch_free(), the random numbers that libre asks for on this thread are this one:
 * it becomes the Via branch of the request that is being sent. Thread: any, for itself only.
 */
void wrap_branch_force(uint64_t value);
void wrap_branch_free(void);

#endif
