/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate for calls that come in: counts those in which nobody made himself known, by number, so
 * that PINs cannot be tried on and on.
 */
#ifndef CORE_CALL_GATE_H
#define CORE_CALL_GATE_H

#include <tocsin/defs.h>

struct gate;

struct gate *gate_new(void);
void gate_free(struct gate *gate);

/*
 * Nobody made himself known in a call.
 *
 * number     in plain form, "" = withheld
 * now_us     monotonic
 * window_us  for how long it counts
 */
void gate_failed(struct gate *gate, const char *number, int64_t now_us, int64_t window_us);
/* Somebody did: what was before counts no more. */
void gate_passed(struct gate *gate, const char *number);

/*
 * Is a call of this number to be refused?
 *
 * known    whether it is somebody's here; for all others together there is a limit as well
 * limit    calls that are allowed
 * first    receives whether this is the first one that is refused since another one was let in
 */
bool gate_refuses(struct gate *gate, const char *number, bool known, unsigned limit, int64_t now_us,
		  bool *first);

#endif
