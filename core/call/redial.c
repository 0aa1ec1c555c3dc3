/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After a call: what its end means for each of the alerts that it told, and for the person who was
 * called. The rules are in recall.c, the next call is callee.c's affair.
 */
#include <stdlib.h>

#include "call/call.h"

void redial_stalled(struct caller *caller)
{
	struct callee *callee;

	if (caller->ups == caller->deps.trunks->ups)
		return;
	caller->ups = caller->deps.trunks->ups;
	TAILQ_FOREACH(callee, &caller->callees, link) {
		if (!callee->recall.stalled)
			continue;
		callee->recall.stalled = 0;
		if (loop_timer_armed(&callee->redial))
			loop_timer_start_us(&callee->redial, 0);
	}
}

/* Calls that never had a chance to reach anybody, for no fault of theirs, use up no attempt. */
static enum page_use use_of(const struct call *call, enum tc_pbx_end end)
{
	struct callee *callee = call->callee;
	struct trunks *trunks = call->caller->deps.trunks;

	if (!rides_decided(call) && call->trunk &&
	    (end == TC_PBX_END_TRUNK || end == TC_PBX_END_CONGESTION)) {
		callee->skip |= trunks_bit(trunks, call->trunk);
		if (trunks_left(trunks, callee->skip))
			return PAGE_USE_TRUNK;
	}
	callee->skip = 0;
	if (end == TC_PBX_END_TRUNK && !call->originated)
		return PAGE_USE_STALL;
	return call->result == CALL_LOST || call->result == CALL_CANCELLED ? PAGE_USE_NONE
									   : PAGE_USE_ATTEMPT;
}

/* How a call went for those in it on whom nobody has decided. */
static enum call_result rest_of(const struct call *call)
{
	const struct ride *ride;

	if (call->state != CALL_ENDED || !rides_decided(call))
		return call->result;
	TAILQ_FOREACH(ride, &call->rides, link)
		if (ride->open && !ride->heard)
			return CALL_UNHEARD;
	return CALL_HEARD;
}

static void add_end(struct recall *recall, const struct call *call, enum call_result result,
		    enum page_use use, int attempt)
{
	struct recall_end end = {.number = callee_number(call->callee, call->number),
				 .result = result,
				 .use = use,
				 .attempt = attempt,
				 .placed_us = call->placed_us,
				 .ended_us = call->ended_us};

	recall_add(recall, call->caller->deps.config, &end);
}

static char *next_attempt(const struct page *page, const struct call *call)
{
	const struct callee *callee = page->callee;
	const struct config_call *config = page->caller->deps.config;
	int64_t wait_us = callee->recall.due_us - loop_wall_us(page->caller->deps.loop);
	bool same = callee_number(callee, call->number) == callee->recall.next;
	struct tc_buf text = {0};

	if (same || wait_us > 0)
		tc_buf_printf(&text, "calling again in %lld s",
			      (long long)(wait_us > 0 ? wait_us / 1000000 : 0));
	else
		tc_buf_puts(&text, "calling the next number");
	if (!same)
		tc_buf_printf(&text, ", %s", callee->numbers[callee->recall.next]);
	tc_buf_printf(&text, ", attempt %d", page->recall.attempts + 1);
	if (!config->until_reached)
		tc_buf_printf(&text, " of %d", recall_attempts(&page->recall, config));
	return tc_buf_take(&text);
}

/* What comes next for one alert, by the rules; for its timeline. */
static char *by_rules(struct page *page, const struct ride *ride)
{
	char *why;

	if (ride->busy) /* it hangs on that; it is stored, sooner or later */
		return tc_strdup("the key is being recorded");
	if (page->decided)
		return NULL;
	if (page->over)
		return tc_strdup(page->over);
	if (ride->use == PAGE_USE_TRUNK)
		return tc_strdup("trying the next trunk");
	if (ride->use == PAGE_USE_STALL)
		return tc_strdup("no trunk takes the call: as soon as one is up");
	why = recall_over(&page->recall, page->caller->deps.config);
	if (!why)
		return next_attempt(page, ride->call);
	page_over(page, tc_strdup(why));
	return why;
}

char *redial_after(struct ride *ride)
{
	struct page *page = ride->page;

	if (!page || page->stopped)
		return NULL;
	add_end(&page->recall, ride->call, ride->result, ride->use, ride->attempt);
	return by_rules(page, ride);
}

enum page_use redial_callee(struct call *call, enum tc_pbx_end end)
{
	enum page_use use = use_of(call, end);

	add_end(&call->callee->recall, call, rest_of(call), use, 0);
	return use;
}
