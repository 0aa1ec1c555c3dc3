/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After a call: the next trunk at once, the next attempt after its interval, or the end of the
 * page.
 */
#include <stdlib.h>

#include <tocsin/log.h>

#include "call/call.h"

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

int64_t caller_redial_ms(const struct caller *caller, const char *result)
{
	return redial_ms(caller->deps.config, call_result_find(result));
}

/* Calls that never had a chance to reach anybody, for no fault of theirs, use up no attempt. */
static bool counts(enum call_result result)
{
	return result != CALL_LOST && result != CALL_CANCELLED;
}

int caller_used(const char *result, int attempt)
{
	switch (call_result_find(result)) {
	case CALL_UNREACHABLE:
	case CALL_CONGESTION:
	case CALL_FAILED: /* another trunk may have been left to try: rather one call more than one
			     too few */
		return attempt - 1;
	default:
		return counts(call_result_find(result)) ? attempt : attempt - 1;
	}
}

static void on_redial(void *arg)
{
	struct page *page = arg;

	if (page->caller->closing)
		return;
	if (page->over)
		page->events->done(page->arg, page->over);
	else
		place_call(page);
}

void page_call_in(struct page *page, int64_t delay_ms)
{
	loop_timer_init(&page->redial, page->caller->deps.loop, on_redial, page);
	loop_timer_start_us(&page->redial, delay_ms * 1000);
}

void page_over(struct page *page, const char *why)
{
	page->over = why;
	page_call_in(page, 0);
}

static bool next_trunk(struct call *call, enum tc_pbx_end end)
{
	struct page *page = call->page;
	struct trunks *trunks = call->caller->deps.trunks;

	if (end != TC_PBX_END_TRUNK && end != TC_PBX_END_CONGESTION)
		return false;
	page->skip |= trunks_bit(trunks, call->trunk);
	return trunks_left(trunks, page->skip);
}

#define STALL_MAX_MS (10 * 60 * 1000)

/*
 * No trunk could be asked at all: that is nobody's attempt. It is tried again when a trunk becomes
 * healthy (recall_stalled), and now and then, as its health is a guess.
 */
static char *stall(struct page *page, int64_t wait_ms)
{
	for (unsigned i = 0; i < page->stalled && wait_ms < STALL_MAX_MS; i++)
		wait_ms *= 2;
	page->stalled++;
	page_call_in(page, wait_ms < STALL_MAX_MS ? wait_ms : STALL_MAX_MS);
	return tc_strdup("no trunk takes the call: as soon as one is up");
}

void recall_stalled(struct caller *caller)
{
	struct page *page;

	if (caller->ups == caller->deps.trunks->ups)
		return;
	caller->ups = caller->deps.trunks->ups;
	TAILQ_FOREACH(page, &caller->pages, link) {
		if (!page->stalled)
			continue;
		page->stalled = 0;
		loop_timer_start_us(&page->redial, 0);
	}
}

char *recall_after(struct call *call, enum tc_pbx_end end)
{
	struct page *page = call->page;
	const struct config_call *config = call->caller->deps.config;
	int64_t wait_ms = redial_ms(config, call->result);
	int64_t next_us = loop_wall_us(call->caller->deps.loop) + wait_ms * 1000;
	const char *why = NULL;

	if (page->stopped)
		return NULL;
	if (call->key_busy) /* what comes next hangs on that; it is stored, sooner or later */
		return tc_strdup("the key is being recorded");
	if (call->trunk && next_trunk(call, end)) {
		page_call_in(page, 0);
		return tc_strdup("trying the next trunk");
	}
	page->skip = 0;
	if (end == TC_PBX_END_TRUNK && !call->originated)
		return stall(page, wait_ms);
	page->stalled = 0;
	if (!page->first_us)
		page->first_us = call->placed_us;
	if (counts(call->result))
		page->attempts++;
	if (page->attempts >= config->attempts)
		why = PAGE_USED_UP;
	else if (next_us > page->first_us + config->window * 1000)
		why = "the time for attempts is over";
	if (why) {
		page_over(page, why);
		return tc_strdup(why);
	}
	page_call_in(page, wait_ms);
	return tc_asprintf("calling again in %lld s, attempt %d of %lld",
			   (long long)(wait_ms / 1000), page->attempts + 1,
			   (long long)config->attempts);
}
