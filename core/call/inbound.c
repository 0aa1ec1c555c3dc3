/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that come in: whether they are answered, what the trunk reports about them, and their end.
 * What is talked about is in identify.c and menu.c.
 */
#include "call/inbound.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "call/menu.h"

#define ANSWER_MS 20000          /* for the trunk to report that it has answered */
#define TALK_MS (20 * 60 * 1000) /* nobody listens to alerts for longer */

/* ---- arriving ---- */

static struct incoming *find(const struct inbound *in, const char *id)
{
	struct incoming *call;

	TAILQ_FOREACH (call, &in->list, link)
		if (!strcmp(call->id, id))
			return call;
	return NULL;
}

static bool allowed(const struct config_inbound *config, const char *plain)
{
	char begin[NUMBER_PLAIN_SIZE];

	for (size_t i = 0; i < config->allow.n; i++)
		if (number_plain(begin, config->allow.v[i], config->country_code) &&
		    !strncmp(plain, begin, strlen(begin)))
			return true;
	return !config->allow.n;
}

/* Why it is not answered; NULL: it is. *told: the event was already written for one like it. */
static const char *why_not(struct inbound *in, const char *number, const char *plain, bool *told)
{
	const struct caller_deps *deps = &in->caller->deps;
	const struct config_inbound *config = &deps->config->inbound;
	bool known, first = true;

	*told = false;
	if (!config->enabled)
		return "calls are not answered: call.inbound.enabled";
	if (!allowed(config, plain))
		return "the number is not in call.inbound.allow";
	if (in->n >= (unsigned)config->max_calls)
		return "too many callers at one time: call.inbound.max_calls";
	known = directory_find_number(deps->directory, number, NULL) != NULL;
	if (!gate_refuses(in->gate, plain, known, (unsigned)config->flood_calls,
			  loop_now_us(deps->loop), &first))
		return NULL;
	*told = !first;
	return "too many calls of unknown callers: call.inbound.flood_calls";
}

static void refuse(struct inbound *in, struct trunk *trunk, const struct tc_pbx_event *event,
		   const char *why, bool told)
{
	char masked[40];

	trunk_hangup(trunk, event->call_id);
	inbound_count("refused");
	tc_log(trunk->instance, TC_LOG_INFO, "call %s from %s is refused: %s", event->call_id,
	       tc_log_number(masked, sizeof(masked), event->number), why);
	if (!told)
		inbound_note(in, event->call_id, "inbound.refused", NULL, why,
		     tc_asprintf("a call from %s was refused",
				 event->number[0] ? event->number : "a withheld number"));
}

static void arrive(struct inbound *in, struct trunk *trunk, const struct tc_pbx_event *event,
		   const char *plain)
{
	struct incoming *call = incoming_new(in, trunk, event, plain);
	int err = trunk_answer(trunk, call->id);
	char masked[40];

	tc_log(trunk->instance, err ? TC_LOG_ERROR : TC_LOG_INFO, "call %s from %s%s%s", call->id,
	       tc_log_number(masked, sizeof(masked), call->number),
	       err ? " cannot be answered: " : "", err ? tc_strerror(err) : "");
	if (err)
		incoming_hang_up(call);
	else
		incoming_limit(call, ANSWER_MS);
}

static void on_incoming(struct inbound *in, struct trunk *trunk, const struct tc_pbx_event *event)
{
	const struct caller *caller = in->caller;
	struct incoming *before = find(in, event->call_id);
	char plain[NUMBER_PLAIN_SIZE];
	const char *why;
	bool told;

	if (before) /* the trunk begins anew with it */
		incoming_free(before);
	if (!in->ops || caller->closing || !caller->deps.directory ||
	    !directory_ready(caller->deps.directory)) {
		trunk_hangup(trunk, event->call_id);
		return;
	}
	number_plain(plain, event->number, caller->deps.config->inbound.country_code);
	why = why_not(in, event->number, plain, &told);
	if (why)
		refuse(in, trunk, event, why, told);
	else
		arrive(in, trunk, event, plain);
}

/* ---- what is reported then ---- */

static void on_answered(struct incoming *call)
{
	const char *number = call->number[0] ? call->number : "a withheld number";

	if (call->answered || call->hung_up)
		return;
	call->answered = true;
	incoming_limit(call, TALK_MS);
	incoming_note(call, "inbound.answered", NULL, NULL, "a call from %s was answered", number);
	identify(call);
}

static void on_key(struct incoming *call, char key)
{
	if (!call->answered || call->hung_up)
		return;
	if (call->state == IN_PIN)
		identify_key(call, key);
	else
		menu_key(call, key);
}

bool inbound_event(struct inbound *in, struct trunk *trunk, const struct tc_pbx_event *event)
{
	struct incoming *call = find(in, event->call_id);

	if (event->type == TC_PBX_INCOMING) {
		on_incoming(in, trunk, event);
		return true;
	}
	if (!call || call->trunk != trunk)
		return false;
	if (event->type == TC_PBX_ANSWERED)
		on_answered(call);
	else if (event->type == TC_PBX_DTMF)
		on_key(call, event->key);
	else if (event->type == TC_PBX_PLAYED)
		say_played(call, event);
	else if (event->type == TC_PBX_RESUMED)
		say_again(call);
	else if (event->type == TC_PBX_ENDED)
		incoming_over(call);
	return true;
}

/* ---- for the others ---- */

bool inbound_confirm(struct inbound *in, const char *call_id, const char *prompt)
{
	struct incoming *call = find(in, call_id);

	if (call && !call->hung_up)
		menu_confirm(call, prompt);
	return call != NULL;
}

void inbound_listed(struct caller *caller, const char *call_id, const struct inbound_found *found)
{
	struct incoming *call = find(caller->inbound, call_id);

	if (call && !call->hung_up)
		menu_listed(call, found);
}

void caller_serve(struct caller *caller, const struct inbound_ops *ops, void *arg)
{
	caller->inbound->ops = ops;
	caller->inbound->arg = arg;
}

static void warm_done(void *arg, int err, struct tc_clip *clip, const char *text)
{
	(void)arg;
	(void)err; /* told when it is to be said */
	(void)text;
	tc_clip_unref(clip);
}

/* What is said in so many words to everybody. */
void inbound_warm(struct inbound *in)
{
	const struct config_inbound_prompts *p = &in->caller->deps.prompts->inbound;
	const char *const prompts[] = {p->welcome, p->pin,  p->wrong_pin,      p->unknown,
				       p->one,     p->none, p->menu,           p->exhausted_menu,
				       p->over,    p->end,  p->acknowledged_menu, p->more,
				       p->failed};

	if (!in->caller->deps.config->inbound.enabled)
		return;
	for (size_t i = 0; i < sizeof(prompts) / sizeof(*prompts); i++) {
		char *said = page_prompt(NULL, prompts[i]);
		struct speech_text text = {.text = said, .any_voice = true};

		if (*said)
			speech_render(in->caller->deps.speech, &text, warm_done, NULL);
		free(said);
	}
}

void inbound_configure(struct inbound *in)
{
	if (in->caller->deps.directory)
		directory_set_country(in->caller->deps.directory,
				      in->caller->deps.config->inbound.country_code);
}

struct inbound *inbound_new(struct caller *caller)
{
	struct inbound *in = tc_alloc(sizeof(*in));

	in->caller = caller;
	in->gate = gate_new();
	TAILQ_INIT(&in->list);
	inbound_configure(in);
	return in;
}

/* The calls that are up are the trunks' to end. */
void inbound_free(struct inbound *in)
{
	while (!TAILQ_EMPTY(&in->list))
		incoming_free(TAILQ_FIRST(&in->list));
	gate_free(in->gate);
	free(in);
}
