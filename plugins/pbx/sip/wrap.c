/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions that the linker puts in the place of others, for libre 1.1 and 2.0. */
#include "wrap.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

/* These names are the linker's: see "man ld", --wrap. */
int __wrap_gettimeofday(struct timeval *tv, void *zone);
uint64_t __wrap_rand_u64(void);
uint64_t __real_rand_u64(void);
int __wrap_re_fprintf(FILE *stream, const char *fmt, ...);
int __wrap_stun_msg_decode(void *msgp, void *mb, void *unknown);

/* Set around one call into libre and empty outside of it: no state that outlives a frame. */
static _Thread_local struct {
	bool on;
	uint64_t value;
} forced;

void wrap_branch_force(uint64_t value)
{
	forced.on = true;
	forced.value = value;
}

void wrap_branch_free(void)
{
	forced.on = false;
}

uint64_t __wrap_rand_u64(void)
{
	return forced.on ? forced.value : __real_rand_u64();
}

/*
 * libre's timers follow gettimeofday: a step of the wall clock would end calls or keep them
 * ringing.
 */
int __wrap_gettimeofday(struct timeval *tv, void *zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_MONOTONIC, &now);
	tv->tv_sec = now.tv_sec;
	tv->tv_usec = now.tv_nsec / 1000;
	return 0;
}

/*
 * libre writes a line for each packet that it cannot read: anybody could fill the log with
 * these.
 */
int __wrap_re_fprintf(FILE *stream, const char *fmt, ...)
{
	(void)stream;
	(void)fmt;
	return 0;
}

/* libre answers STUN on its SIP socket, to anybody: nothing that comes there is STUN for us. */
int __wrap_stun_msg_decode(void *msgp, void *mb, void *unknown)
{
	(void)msgp;
	(void)mb;
	(void)unknown;
	return EBADMSG;
}
