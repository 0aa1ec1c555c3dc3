/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often one person is called within a while: counts, and when the next call may be placed.
 */
#ifndef CORE_CALL_LIMIT_H
#define CORE_CALL_LIMIT_H

#include <tocsin/defs.h>

struct limits;

struct limits *limits_new(void);
void limits_free(struct limits *limits);

/*
 * A call to a person was placed.
 *
 * key     who it is
 * at_us   wall time
 * within  us; older ones are forgotten
 */
void limit_note(struct limits *limits, const char *key, int64_t at_us, int64_t within_us);
/*
 * When the next call to him may be placed, wall time; 0: now.
 *
 * calls  allowed within that time, 0 = any number
 */
int64_t limit_until(const struct limits *limits, const char *key, int64_t calls, int64_t within_us,
		    int64_t now_us);

#endif
