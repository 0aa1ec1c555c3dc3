/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recall rules as a fold over the ends of calls. What is done about it is in redial.c.
 */
#include "call/recall.h"

#include <string.h>

#include <tocsin/alloc.h>

#include "host/config.h"

#define STALL_MAX_MS (10 * 60 * 1000)

static int64_t redial_ms(const struct config_call *c, enum call_result result)
{
	switch (result) {
	case CALL_BUSY:
		return c->redial.busy;
	case CALL_NO_ANSWER:
		return c->redial.no_answer;
	case CALL_REJECTED:
		return c->redial.rejected;
	case CALL_UNREACHABLE:
		return c->redial.unreachable;
	case CALL_CONGESTION:
		return c->redial.congestion;
	case CALL_MACHINE:
		return c->redial.machine;
	case CALL_HEARD:
		return c->redial.heard;
	case CALL_UNHEARD:
		return c->redial.unheard;
	case CALL_LOST:
	case CALL_CANCELLED:
		return 0;
	default:
		return c->redial.failed;
	}
}

/* How many calls may end so; 0: as many as there are attempts. */
static int64_t most(const struct config_call *c, enum call_result result)
{
	switch (result) {
	case CALL_BUSY:
		return c->most.busy;
	case CALL_NO_ANSWER:
		return c->most.no_answer;
	case CALL_REJECTED:
		return c->most.rejected;
	case CALL_UNREACHABLE:
		return c->most.unreachable;
	case CALL_CONGESTION:
		return c->most.congestion;
	case CALL_MACHINE:
		return c->most.machine;
	case CALL_HEARD:
		return c->most.heard;
	case CALL_UNHEARD:
		return c->most.unheard;
	case CALL_FAILED:
		return c->most.failed;
	default:
		return 0;
	}
}

static uint64_t bit(size_t number)
{
	return UINT64_C(1) << number;
}

static uint64_t all(const struct recall *r)
{
	return r->numbers == RECALL_NUMBERS ? UINT64_MAX : bit(r->numbers) - 1;
}

void recall_init(struct recall *r, size_t numbers)
{
	*r = (struct recall){.numbers = numbers < RECALL_NUMBERS ? numbers : RECALL_NUMBERS};
}

void recall_renumber(struct recall *r, size_t numbers)
{
	r->numbers = numbers < RECALL_NUMBERS ? numbers : RECALL_NUMBERS;
	r->tried = r->ever = 0;
	r->next = 0;
}

/* The next number at once, or from the first one again after the interval. */
static void next_number(struct recall *r, const struct recall_end *end, int64_t wait_ms)
{
	if (end->number < r->numbers) {
		r->tried |= bit(end->number);
		r->ever |= bit(end->number);
	}
	if (r->tried == all(r) || end->number >= r->numbers)
		r->due_us = end->ended_us + wait_ms * 1000;
	else
		r->due_us = end->ended_us;
	if (r->tried == all(r))
		r->tried = 0;
	for (r->next = 0; r->tried & bit(r->next);)
		r->next++;
}

static void stall(struct recall *r, const struct recall_end *end, int64_t wait_ms)
{
	for (unsigned i = 0; i < r->stalled && wait_ms < STALL_MAX_MS; i++)
		wait_ms *= 2;
	r->stalled++;
	r->due_us = end->ended_us + (wait_ms < STALL_MAX_MS ? wait_ms : STALL_MAX_MS) * 1000;
}

void recall_begin(struct recall *r, int attempt)
{
	if (r->attempts < attempt - 1)
		r->attempts = attempt - 1;
}

void recall_add(struct recall *r, const struct config_call *config, const struct recall_end *end)
{
	int64_t wait_ms = redial_ms(config, end->result);

	recall_begin(r, end->attempt);
	r->last = end->result;
	r->last_us = end->ended_us;
	if (end->use == PAGE_USE_STALL) {
		stall(r, end, wait_ms);
		return;
	}
	r->stalled = 0;
	if (end->use == PAGE_USE_TRUNK) {
		r->due_us = end->ended_us;
		return;
	}
	if (!r->first_us)
		r->first_us = end->placed_us;
	if (end->use == PAGE_USE_NONE) {
		r->due_us = end->ended_us + wait_ms * 1000;
		return;
	}
	r->attempts++;
	r->ends[end->result]++;
	next_number(r, end, wait_ms);
}

int recall_attempts(const struct recall *r, const struct config_call *config)
{
	return config->attempts < (int64_t)r->numbers ? (int)r->numbers : (int)config->attempts;
}

char *recall_over(const struct recall *r, const struct config_call *config)
{
	int64_t limit = most(config, r->last);

	if (config->until_reached || !r->attempts || r->ever != all(r))
		return NULL;
	if (r->attempts >= recall_attempts(r, config))
		return tc_strdup("all attempts are used up");
	if (limit && r->ends[r->last] >= limit)
		return tc_asprintf("%s, %d time%s", call_result_text(r->last), r->ends[r->last],
				   r->ends[r->last] == 1 ? "" : "s");
	if (r->due_us > r->first_us + config->window * 1000)
		return tc_strdup("the time for attempts is over");
	return NULL;
}
