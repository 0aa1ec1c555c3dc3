/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said in a drill, and the key that is waited for.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "call/drill_talk.h"

#define TIMES 3         /* that it is said */
#define TAIL_MS 5000    /* after it: time to find the key */
#define FAREWELL_MS 300 /* what was sent last is still on its way when we hang up */
#define ITEMS (3 * TIMES + 1)

/* ---- texts ---- */

static void begin_to_speak(struct drill *drill);

static void rendered(void *arg, int err, struct tc_clip *clip, const char *text)
{
	struct drill_text *t = arg;

	t->want = NULL;
	t->clip = clip;
	if (err) {
		tc_log(NULL, TC_LOG_ERROR, "test call %s: a prompt cannot be spoken: %s",
		       t->drill->row.id, text ? text : tc_strerror(err));
		t->clip = play_chime();
	}
	if (!--t->drill->wanted)
		begin_to_speak(t->drill);
}

void drill_prepare(struct drill *drill)
{
	const struct config_test_prompts *p = &drill->caller->deps.prompts->test;
	const char *const templates[] = {p->greeting, p->ask, p->confirmed};
	json_t *values = json_pack("{s:s, s:s}", "name", drill->who, "number", drill->row.number);

	for (size_t i = 0; i < DRILL_PROMPTS; i++) {
		char *said = page_prompt(values, templates[i]);
		struct speech_text text = {.text = said,
					   .language = drill->language,
					   .voice = drill->voice,
					   .any_voice = true};

		drill->texts[i].drill = drill;
		if (*said) {
			drill->wanted++;
			drill->texts[i].want = speech_render(drill->caller->deps.speech, &text,
							     rendered, &drill->texts[i]);
		}
		free(said);
	}
	json_decref(values);
}

void drill_talk_fini(struct drill *drill)
{
	for (size_t i = 0; i < DRILL_PROMPTS; i++) {
		if (drill->texts[i].want)
			speech_cancel(drill->texts[i].want);
		tc_clip_unref(drill->texts[i].clip);
		drill->texts[i] = (struct drill_text){.drill = drill};
	}
}

/* ---- lists ---- */

static void play(struct drill *drill, const struct tc_pbx_item *items, unsigned n)
{
	bool far = drill->row.name != NULL;
	int err;

	drill->items = n;
	err = trunk_play(far ? drill->far_trunk : drill->trunk,
			 far ? drill->far_id : drill->row.id, ++drill->play_id, items, n);
	if (err)
		drill_hang_up(drill, "the trunk does not play");
}

static void add(const struct drill *drill, struct tc_pbx_item *items, unsigned *n,
		enum drill_prompt prompt)
{
	if (drill->texts[prompt].clip)
		items[(*n)++] = (struct tc_pbx_item){.clip = drill->texts[prompt].clip};
}

static void begin_to_speak(struct drill *drill)
{
	bool loop = drill->row.name != NULL;
	struct tc_pbx_item items[ITEMS];
	unsigned n = 0;

	if (drill->wanted || drill->hung_up || drill->items || drill->confirming ||
	    !drill->row.answered_us || (loop && !drill->keys_out))
		return;
	for (int i = 0; i < (loop ? 1 : TIMES); i++) {
		add(drill, items, &n, DRILL_GREETING);
		if (!loop)
			add(drill, items, &n, DRILL_ASK);
		if (i + 1 < TIMES && !loop)
			items[n++] = (struct tc_pbx_item){
				.silence_ms = (uint32_t)drill->caller->deps.prompts->pause};
	}
	items[n++] = (struct tc_pbx_item){.silence_ms = loop ? FAREWELL_MS : TAIL_MS};
	play(drill, items, n);
}

void drill_speak(struct drill *drill)
{
	begin_to_speak(drill);
}

static void confirm(struct drill *drill)
{
	struct tc_pbx_item items[2];
	unsigned n = 0;

	drill->confirming = true;
	add(drill, items, &n, DRILL_CONFIRMED);
	items[n++] = (struct tc_pbx_item){.silence_ms = FAREWELL_MS};
	play(drill, items, n);
}

void drill_key(struct drill *drill, char key)
{
	const char *action = ack_action(drill->caller->deps.config, key);

	if (!drill->row.answered_us || drill->confirming || drill->hung_up)
		return;
	if (action && !strcmp(action, "acknowledge")) {
		drill->row.key_us = loop_wall_us(drill->caller->deps.loop);
		confirm(drill);
	} else {
		drill->items = 0; /* from the beginning */
		begin_to_speak(drill);
	}
}

void drill_played(struct drill *drill, const struct tc_pbx_event *event)
{
	if (event->play_id != drill->play_id || !drill->items || event->item + 1 < drill->items)
		return;
	if (drill->row.name)
		drill_loop_spoken(drill);
	else
		drill_hang_up(drill, drill->confirming ? NULL : "no key was pressed");
}
