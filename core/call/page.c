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
#include "call/inbound.h"
#include "host/host.h"

struct caller *caller_new(const struct caller_deps *deps)
{
	struct caller *caller = tc_alloc(sizeof(*caller));

	caller->deps = *deps;
	TAILQ_INIT(&caller->queue[false]);
	TAILQ_INIT(&caller->queue[true]);
	TAILQ_INIT(&caller->pages);
	STAILQ_INIT(&caller->found);
	loop_timer_init(&caller->pump, deps->loop, place_pump, caller);
	caller->inbound = inbound_new(caller);
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
	inbound_free(caller->inbound);
	while (caller->calls) {
		struct call *call = *(struct call **)caller->calls;

		record_drop(call);
		call_free(call);
	}
	while (!TAILQ_EMPTY(&caller->pages))
		page_free(TAILQ_FIRST(&caller->pages));
	place_lines_free(caller);
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

/* A person's own words before the alert's. */
static void take_person(struct page *page, const struct page_request *request)
{
	const struct page_person *p = &request->person;

	page->n = p->n < RECALL_NUMBERS ? p->n : RECALL_NUMBERS;
	page->numbers = tc_calloc(page->n + 1, sizeof(*page->numbers));
	for (size_t i = 0; i < page->n; i++)
		page->numbers[i] = tc_strdup(p->numbers[i]);
	page->contact_id = tc_strdup(p->contact_id);
	page->who = tc_strdup(p->name);
	page->language = tc_strdup(p->language ? p->language : request->language);
	page->voice = tc_strdup(p->voice ? p->voice : request->voice);
}

static void take_past(struct page *page, const struct page_request *request)
{
	recall_init(&page->recall, page->n);
	for (size_t i = 0; i < request->n_past; i++) {
		const struct page_past *past = &request->past[i];
		struct recall_end end = {.number = page_number(page, past->number),
					 .result = call_result_find(past->result),
					 .use = past->use,
					 .attempt = past->attempt,
					 .placed_us = past->placed_us,
					 .ended_us = past->ended_us};

		recall_add(&page->recall, page->caller->deps.config, &end);
	}
}

size_t page_number(const struct page *page, const char *number)
{
	size_t i = 0;

	while (i < page->n && strcmp(page->numbers[i], number) != 0)
		i++;
	return i < page->n ? i : RECALL_NUMBERS;
}

struct page *page_start(struct caller *caller, const struct page_request *request,
			const struct page_events *events, void *arg)
{
	struct call *call = request->call_id ? caller_find(caller, request->call_id) : NULL;
	struct page *page = tc_alloc(sizeof(*page));
	const struct config_prompts *p = caller->deps.prompts;

	page->caller = caller;
	TAILQ_INSERT_TAIL(&caller->pages, page, link);
	page->events = events;
	page->arg = arg;
	tc_strcopy(page->alert_id, sizeof(page->alert_id), request->alert_id);
	page->serial = request->serial;
	take_person(page, request);
	page->values = json_incref((json_t *)request->values);
	page->text[PROMPT_GREETING] = page_prompt(request->values, p->greeting);
	page->text[PROMPT_MESSAGE] = tc_strdup(request->message);
	page->text[PROMPT_MENU] = page_prompt(request->values, p->menu);
	take_past(page, request);
	if (call && call->state != CALL_ENDED && !call->page)
		recover_take(call, page);
	else
		redial_go_on(page);
	return page;
}

void page_free(struct page *page)
{
	TAILQ_REMOVE(&page->caller->pages, page, link);
	play_forget(page);
	loop_timer_stop(&page->redial);
	json_decref(page->values);
	for (unsigned i = 0; i < PROMPT_COUNT; i++)
		free(page->text[i]);
	for (size_t i = 0; i < page->n; i++)
		free(page->numbers[i]);
	free(page->numbers);
	free(page->over);
	free(page->contact_id);
	free(page->who);
	free(page->language);
	free(page->voice);
	free(page);
}

void page_stop(struct page *page, const char *reason)
{
	struct call *call = page->call;

	page->stopped = true;
	loop_timer_stop(&page->redial);
	if (!call) {
		page_free(page);
		return;
	}
	/* with the PBX's dialplan nobody can be told, except by its own key: let that finish */
	if (call->state != CALL_ANSWERED || (call->released && !call->result))
		call_hang_up(call); /* may free the page */
	else if (!call->finishing && !call->key_busy)
		play_say(call, reason, true);
}

void page_retire(struct page *page, const char *reason)
{
	struct call *call = page->call;

	if (page->retired || page->stopped)
		return;
	page->retired = true;
	page_over(page, tc_strdup(reason));
	if (call && call->state == CALL_QUEUED)
		call_hang_up(call);
}

bool page_live(const struct page *page)
{
	const struct call *call = page->call;

	return call && (call->state == CALL_PLACING || call->state == CALL_RINGING ||
			call->state == CALL_ANSWERED);
}

const char *page_who(const struct page *page)
{
	return page->who;
}
