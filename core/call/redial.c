/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After a call: the next trunk at once, the next attempt when the rules say, or the end of the
 * page. The rules themselves are in recall.c.
 */
#include <stdlib.h>

#include <tocsin/log.h>

#include "call/call.h"

static void on_redial(void *arg)
{
	struct page *page = arg;

	if (page->caller->closing || page->call)
		return;
	if (page->over)
		page->events->done(page->arg, page->over);
	else
		place_call(page);
}

static void call_in_us(struct page *page, int64_t delay_us)
{
	loop_timer_init(&page->redial, page->caller->deps.loop, on_redial, page);
	loop_timer_start_us(&page->redial, delay_us > 0 ? delay_us : 0);
}

void page_over(struct page *page, char *why)
{
	free(page->over);
	page->over = why;
	call_in_us(page, 0);
}

void redial_go_on(struct page *page)
{
	int64_t now_us = loop_wall_us(page->caller->deps.loop);
	char *over = recall_over(&page->recall, page->caller->deps.config);

	if (over)
		page_over(page, over);
	else if (page->recall.due_us > now_us)
		call_in_us(page, page->recall.due_us - now_us);
	else
		place_call(page);
}

void redial_stalled(struct caller *caller)
{
	struct page *page;

	if (caller->ups == caller->deps.trunks->ups)
		return;
	caller->ups = caller->deps.trunks->ups;
	TAILQ_FOREACH(page, &caller->pages, link) {
		if (!page->recall.stalled || page->over)
			continue;
		page->recall.stalled = 0;
		loop_timer_start_us(&page->redial, 0);
	}
}

/* Calls that never had a chance to reach anybody, for no fault of theirs, use up no attempt. */
static enum page_use use_of(struct call *call, enum tc_pbx_end end)
{
	struct page *page = call->page;
	struct trunks *trunks = call->caller->deps.trunks;

	if (call->trunk && (end == TC_PBX_END_TRUNK || end == TC_PBX_END_CONGESTION)) {
		page->skip |= trunks_bit(trunks, call->trunk);
		if (trunks_left(trunks, page->skip))
			return PAGE_USE_TRUNK;
	}
	page->skip = 0;
	if (end == TC_PBX_END_TRUNK && !call->originated)
		return PAGE_USE_STALL;
	return call->result == CALL_LOST || call->result == CALL_CANCELLED ? PAGE_USE_NONE
									   : PAGE_USE_ATTEMPT;
}

static char *next_attempt(const struct page *page, const struct call *call, int64_t wait_us)
{
	const struct config_call *config = page->caller->deps.config;
	const char *number = page->numbers[page->recall.next];
	bool same = page_number(page, call->number) == page->recall.next;
	struct tc_buf text = {0};

	if (wait_us > 0)
		tc_buf_printf(&text, "calling again in %lld s", (long long)(wait_us / 1000000));
	else
		tc_buf_puts(&text, same ? "calling again in 0 s" : "calling the next number");
	if (!same)
		tc_buf_printf(&text, ", %s", number);
	tc_buf_printf(&text, ", attempt %d", page->recall.attempts + 1);
	if (!config->until_reached)
		tc_buf_printf(&text, " of %d", recall_attempts(&page->recall, config));
	return tc_buf_take(&text);
}

/* What comes next, by the rules. */
static char *by_rules(struct page *page, const struct call *call)
{
	int64_t wait_us = page->recall.due_us - loop_wall_us(page->caller->deps.loop);
	char *why;

	if (call->use == PAGE_USE_STALL || call->use == PAGE_USE_TRUNK) {
		call_in_us(page, wait_us);
		return tc_strdup(call->use == PAGE_USE_TRUNK
					 ? "trying the next trunk"
					 : "no trunk takes the call: as soon as one is up");
	}
	why = recall_over(&page->recall, page->caller->deps.config);
	if (why) {
		page_over(page, tc_strdup(why));
		return why;
	}
	call_in_us(page, wait_us);
	return next_attempt(page, call, wait_us);
}

char *redial_after(struct call *call, enum tc_pbx_end end)
{
	struct page *page = call->page;
	struct recall_end over = {.number = page_number(page, call->number),
				  .result = call->result,
				  .attempt = call->attempt,
				  .placed_us = call->placed_us,
				  .ended_us = call->ended_us};

	if (page->stopped)
		return NULL;
	call->use = over.use = use_of(call, end);
	recall_add(&page->recall, call->caller->deps.config, &over);
	if (call->key_busy) /* what comes next hangs on that; it is stored, sooner or later */
		return tc_strdup("the key is being recorded");
	if (!page->over)
		return by_rules(page, call);
	call_in_us(page, 0);
	return tc_strdup(page->over);
}
