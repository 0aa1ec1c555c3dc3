/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The caller and its pages: beginning, stopping, freeing. The calls themselves are in the other
 * files.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/trigger.h>

#include "call/call.h"
#include "call/drill.h"
#include "call/inbound.h"
#include "call/limit.h"
#include "call/severity.h"
#include "host/host.h"

struct caller *caller_new(const struct caller_deps *deps)
{
	struct caller *caller = tc_alloc(sizeof(*caller));

	caller->deps = *deps;
	TAILQ_INIT(&caller->queue[false]);
	TAILQ_INIT(&caller->queue[true]);
	TAILQ_INIT(&caller->pages);
	TAILQ_INIT(&caller->callees);
	LIST_INIT(&caller->drills);
	STAILQ_INIT(&caller->found);
	loop_timer_init(&caller->pump, deps->loop, place_pump, caller);
	caller->inbound = inbound_new(caller);
	drills_begin(caller);
	caller->limits = limits_new();
	defer_load(caller);
	trunks_listen(deps->trunks, monitor_event, place_pump, caller);
	trunks_set_round_robin(deps->trunks, deps->config->trunk_order == TRUNKS_ROUND_ROBIN);
	return caller;
}

void caller_close(struct caller *caller)
{
	if (caller)
		caller->closing = true;
}

/*
 * At the end of the process: calls that are up stay committed as they are, for the next one to
 * recover.
 */
void caller_free(struct caller *caller)
{
	if (!caller)
		return;
	caller->closing = true;
	trunks_listen(caller->deps.trunks, NULL, NULL, NULL);
	loop_timer_stop(&caller->pump);
	drills_free(caller);
	inbound_free(caller->inbound);
	while (caller->calls) {
		struct call *call = *(struct call **)caller->calls;

		record_drop(call);
		callee_end(call);
		call_free(call);
	}
	while (!TAILQ_EMPTY(&caller->pages))
		page_free(TAILQ_FIRST(&caller->pages));
	place_lines_free(caller);
	defer_forget(caller);
	limits_free(caller->limits);
	recover_forget(caller);
	free(caller);
}

/* The caller is who listens to the trunks. */
struct caller *caller_of(struct tc_instance *self)
{
	struct trunks *trunks = host_services(self->host)->trunks;

	return trunks && trunks->on_event == monitor_event ? trunks->arg : NULL;
}

void caller_reconfigure(struct caller *caller, const struct config_call *config,
			const struct config_prompts *prompts)
{
	caller->deps.config = config;
	caller->deps.prompts = prompts;
	trunks_set_round_robin(caller->deps.trunks, config->trunk_order == TRUNKS_ROUND_ROBIN);
	inbound_configure(caller->inbound);
	caller_warm(caller);
	place_pump(caller);
}

void caller_figures(const struct caller *caller, size_t *queued, size_t *live)
{
	*queued = caller->queued;
	*live = caller->live;
}

char *page_prompt(const json_t *values, const char *template)
{
	const char *fault = NULL;
	char *text = tc_template_render(template, values, &fault);

	return text ? text : tc_strdup(template);
}

static void tell_over(void *arg)
{
	struct page *page = arg;

	if (!page->caller->closing && !page->ride)
		page->events->done(page->arg, page->over);
}

void page_over(struct page *page, char *why)
{
	free(page->over);
	page->over = why;
	if (!page->ride)
		loop_timer_start_us(&page->tell, 0);
}

static void take_past(struct page *page, const struct page_request *request)
{
	const struct callee *callee = page->callee;

	recall_init(&page->recall, callee->n);
	for (size_t i = 0; i < request->n_past; i++) {
		const struct page_past *past = &request->past[i];
		struct recall_end end = {.number = callee_number(callee, past->number),
					 .result = call_result_find(past->result),
					 .use = past->use,
					 .attempt = past->attempt,
					 .placed_us = past->placed_us,
					 .ended_us = past->ended_us};

		recall_add(&page->recall, page->caller->deps.config, &end);
	}
}

/* A person's own words before the alert's. */
static void take_words(struct page *page, const struct page_request *request)
{
	const struct config_prompts *p = page->caller->deps.prompts;
	const struct page_person *person = &request->person;

	page->rank = severity_rank(request->severity);
	page->language = tc_strdup(person->language ? person->language : request->language);
	page->voice = tc_strdup(person->voice ? person->voice : request->voice);
	page->values = json_incref((json_t *)request->values);
	page->text[PROMPT_GREETING] = page_prompt(request->values, p->greeting);
	page->text[PROMPT_MESSAGE] = tc_strdup(request->message);
	page->text[PROMPT_MENU] = page_prompt(request->values, p->menu);
}

/* The call of an earlier process that is to go on; NULL: there is none. */
static struct ride *left_ride(struct caller *caller, const struct page_request *request)
{
	struct call *call = request->call_id ? caller_find(caller, request->call_id) : NULL;
	struct ride *ride = call ? ride_find(call, request->alert_id) : NULL;

	return ride && !ride->page && call->state != CALL_ENDED ? ride : NULL;
}

struct page *page_start(struct caller *caller, const struct page_request *request,
			const struct page_events *events, void *arg)
{
	struct ride *left = left_ride(caller, request);
	struct page *page = tc_alloc(sizeof(*page));
	char *over;

	page->caller = caller;
	TAILQ_INSERT_TAIL(&caller->pages, page, link);
	page->events = events;
	page->arg = arg;
	tc_strcopy(page->alert_id, sizeof(page->alert_id), request->alert_id);
	page->serial = request->serial;
	page->unrecorded = request->unrecorded;
	loop_timer_init(&page->tell, caller->deps.loop, tell_over, page);
	take_words(page, request);
	callee_join(page, &request->person);
	take_past(page, request);
	over = left ? NULL : recall_over(&page->recall, caller->deps.config);
	if (left)
		recover_take(left, page);
	else if (over) /* an earlier process could not tell any more */
		page_over(page, over);
	else
		callee_want(page);
	return page;
}

void page_free(struct page *page)
{
	TAILQ_REMOVE(&page->caller->pages, page, link);
	if (page->ride)
		page->ride->page = NULL;
	play_forget(page);
	loop_timer_stop(&page->tell);
	callee_leave(page);
	json_decref(page->values);
	for (unsigned i = 0; i < PROMPT_COUNT; i++)
		free(page->text[i]);
	free(page->over);
	free(page->language);
	free(page->voice);
	free(page);
}

/* Nobody wants it told any more: what that means for a call with nothing else to tell. */
static void last_left(struct call *call, const struct ride *ride, const char *reason)
{
	pin_drop(call);
	machine_not(call);
	/* with the PBX's dialplan nobody can be told, except by its own key: let that finish */
	if (call->state != CALL_ANSWERED || (call->released && !ride->result))
		call_hang_up(call); /* may free the page */
	else if (!call->finishing && !call->busy)
		play_say(call, reason, true);
}

void page_stop(struct page *page, const char *reason)
{
	struct ride *ride = page->ride;

	page->stopped = true;
	loop_timer_stop(&page->tell);
	if (!ride) {
		page_free(page);
		return;
	}
	ride_close(ride);
	if (ride->call->open)
		bundle_left(ride, reason);
	else
		last_left(ride->call, ride, reason);
}

void page_retire(struct page *page, const char *reason)
{
	struct ride *ride = page->ride;

	if (page->retired || page->stopped)
		return;
	page->retired = true;
	page_over(page, tc_strdup(reason));
	if (!ride || !call_waits(ride->call))
		return;
	ride_close(ride);
	if (!ride->call->open) {
		call_hang_up(ride->call);
		return;
	}
	ride->page = NULL;
	page->ride = NULL;
	loop_timer_start_us(&page->tell, 0);
}

bool page_live(const struct page *page)
{
	const struct call *call = page->ride ? page->ride->call : NULL;

	return call && (call->state == CALL_PLACING || call->state == CALL_RINGING ||
			call->state == CALL_ANSWERED);
}

const char *page_who(const struct page *page)
{
	return page->callee->name;
}
