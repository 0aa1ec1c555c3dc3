/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recall rules: what the calls that are over say about the next one. Nothing but a fold over
 * their ends: the same in the process that made them and, out of the store, in the next one.
 */
#ifndef CORE_CALL_RECALL_H
#define CORE_CALL_RECALL_H

#include <tocsin/defs.h>

#include "call/page.h"
#include "call/result.h"

struct config_call;

#define RECALL_NUMBERS 64 /* most numbers of one person */

/* How far the calls to one person have come. */
struct recall {
	size_t numbers;                /* that there are */
	int attempts;                  /* used up */
	int ends[CALL_RESULT_COUNT];   /* of these attempts, by result */
	uint64_t tried, ever;          /* bit i: number i was, in this turn; at all */
	size_t next;                   /* the number to be called next */
	unsigned stalled;              /* times in a row that no trunk could be asked */
	enum call_result last;         /* of the newest call */
	int64_t first_us, last_us;     /* the first was placed, the newest has ended; 0 = none */
	int64_t due_us;                /* before which the next one is not to be placed */
};

/* A call that is over. */
struct recall_end {
	size_t number;                 /* by place; RECALL_NUMBERS: none that there is any more */
	enum call_result result;
	enum page_use use;
	int attempt;                   /* 1-based; those before it were used up */
	int64_t placed_us, ended_us;   /* wall time */
};

void recall_init(struct recall *r, size_t numbers);
/* The person has other numbers now: each of them is to be tried. */
void recall_renumber(struct recall *r, size_t numbers);
/* A call of this attempt is under way: those before it were used up. */
void recall_begin(struct recall *r, int attempt);
void recall_add(struct recall *r, const struct config_call *config, const struct recall_end *end);
/* Calls to one person at most: every number is tried at least once. */
int recall_attempts(const struct recall *r, const struct config_call *config);
/* Why no more calls are made; NULL: more are. Owned by the caller. */
char *recall_over(const struct recall *r, const struct config_call *config);

#endif
