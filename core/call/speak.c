/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of texts, rendered and then played.
 */
#include "call/speak.h"

#include <stdlib.h>

#include <tocsin/log.h>

#include "call/call.h"

#define NOTHING_MS 20 /* an empty list is one with silence: its end comes as every other's */

static void drop_items(struct speaker *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (s->items[i].want)
			speech_cancel(s->items[i].want);
		tc_clip_unref(s->items[i].clip);
		s->items[i] = (struct speak_item){.speaker = s};
	}
	s->n = s->wanted = 0;
	s->then = NULL;
}

void speaker_begin(struct speaker *s)
{
	drop_items(s);
	s->sent = false;
	s->play_id++; /* what still comes of the one before means nothing */
}

void speaker_fini(struct speaker *s)
{
	drop_items(s);
}

static void send_list(struct speaker *s)
{
	struct tc_pbx_item items[SPEAK_MAX];
	int err;

	for (unsigned i = 0; i < s->n; i++)
		items[i] = (struct tc_pbx_item){.clip = s->items[i].clip,
						.silence_ms = s->items[i].silence_ms};
	s->sent = true;
	err = trunk_play(s->trunk, s->call_id, ++s->play_id, items, s->n);
	if (!err)
		return;
	tc_log(NULL, TC_LOG_ERROR, "call %s: the trunk does not play, hanging up: %s", s->call_id,
	       tc_strerror(err));
	s->failed(s->arg);
}

static void rendered(void *arg, int err, struct tc_clip *clip, const char *text)
{
	struct speak_item *item = arg;
	struct speaker *s = item->speaker;

	item->want = NULL;
	item->clip = clip;
	if (err) {
		tc_log(NULL, TC_LOG_ERROR, "call %s: a prompt cannot be spoken: %s", s->call_id,
		       text ? text : tc_strerror(err));
		item->clip = play_chime();
	}
	s->wanted--;
	if (!s->wanted && s->then && !*s->hung_up)
		send_list(s);
}

static struct speak_item *add(struct speaker *s)
{
	struct speak_item *item = &s->items[s->n++];

	item->speaker = s;
	return item;
}

static struct speech_want *render(const struct speaker *s, const char *template,
				  const struct speak_words *words, speech_done_fn done, void *arg)
{
	char *said = page_prompt(words->values, template);
	struct speech_text text = {.text = said,
				   .language = words->language,
				   .voice = words->voice,
				   .any_voice = true};
	struct speech_want *want = NULL;

	if (*said)
		want = speech_render(s->caller->deps.speech, &text, done, arg);
	free(said);
	return want;
}

void speaker_text(struct speaker *s, const char *template, const struct speak_words *words)
{
	struct speak_item *item;

	if (s->n == SPEAK_MAX)
		return;
	item = add(s);
	item->want = render(s, template, words, rendered, item);
	if (item->want)
		s->wanted++;
	else
		s->n--;
}

void speaker_silence(struct speaker *s, int64_t ms)
{
	if (ms > 0 && s->n < SPEAK_MAX)
		add(s)->silence_ms = (uint32_t)ms;
}

void speaker_play(struct speaker *s, void (*then)(void *arg))
{
	if (!s->n)
		speaker_silence(s, NOTHING_MS);
	s->then = then;
	if (!s->wanted)
		send_list(s);
}

bool speaker_busy(const struct speaker *s)
{
	return s->n && s->then;
}

void speaker_again(struct speaker *s)
{
	if (s->sent && s->n && !*s->hung_up)
		send_list(s);
}

void speaker_stop(struct speaker *s)
{
	bool playing = s->sent && s->n;

	speaker_begin(s);
	if (playing && !*s->hung_up)
		trunk_play(s->trunk, s->call_id, s->play_id, NULL, 0);
}

bool speaker_played(struct speaker *s, const struct tc_pbx_event *event)
{
	void (*then)(void *arg) = s->then;

	if (event->play_id != s->play_id || !s->sent || !s->n)
		return false;
	if (event->item + 1 < s->n)
		return true;
	speaker_begin(s);
	then(s->arg);
	return true;
}

/* ---- ahead ---- */

static void forget(void *arg, int err, struct tc_clip *clip, const char *text)
{
	(void)arg;
	(void)err; /* told when it is to be said */
	(void)text;
	tc_clip_unref(clip);
}

void speaker_ahead(struct speaker *s, const char *template, const struct speak_words *words)
{
	render(s, template, words, forget, NULL);
}
