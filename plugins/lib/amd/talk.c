/* SPDX-License-Identifier: BSD-2-Clause */
/* The estimate by speech and pauses. It hears nothing by itself, and has no clock. */
#include "talk.h"

#include <stdio.h>

/* Of the word that is being spoken, if it is one. */
static int64_t word_so_far(const struct talk *t, int64_t now_ms)
{
	int64_t ms = t->talks ? now_ms - t->began_ms : 0;

	return ms >= t->cfg->word_ms ? ms : 0;
}

void talk_begin(struct talk *t, int64_t now_ms)
{
	if (t->talks)
		return;
	t->talks = true;
	t->began_ms = now_ms;
}

void talk_end(struct talk *t, int64_t end_ms)
{
	int64_t ms = end_ms - t->began_ms;

	if (!t->talks)
		return;
	t->talks = false;
	if (ms < t->cfg->word_ms)
		return; /* a click: the silence goes on */
	t->quiet_ms = end_ms;
	t->spoken_ms += ms;
	t->words++;
}

void talk_other(struct talk *t, int64_t now_ms)
{
	t->quiet_ms = now_ms;
}

bool talk_heard(const struct talk *t, int64_t now_ms)
{
	return t->words || word_so_far(t, now_ms);
}

/* How long nothing was said. */
static int64_t silence_ms(const struct talk *t, int64_t now_ms)
{
	return word_so_far(t, now_ms) ? 0 : now_ms - t->quiet_ms;
}

static enum talk_outcome listen(struct talk *t, int64_t now_ms)
{
	const struct talk_settings *cfg = t->cfg;
	int64_t more = word_so_far(t, now_ms);

	if (t->spoken_ms + more >= cfg->machine_after_ms ||
	    t->words + (more > 0) >= cfg->machine_words) {
		talk_is_machine(t);
		return TALK_MACHINE;
	}
	if (t->words && silence_ms(t, now_ms) >= cfg->human_silence_ms) {
		t->state = TALK_OVER;
		return TALK_HUMAN;
	}
	if (!talk_heard(t, now_ms) && now_ms >= cfg->unsure_after_ms) {
		t->state = TALK_OVER;
		return TALK_UNSURE;
	}
	return TALK_NOTHING;
}

enum talk_outcome talk_look(struct talk *t, int64_t now_ms)
{
	if (t->state == TALK_LISTENS)
		return listen(t, now_ms);
	if (t->state == TALK_WAITS && silence_ms(t, now_ms) >= t->cfg->greeting_silence_ms) {
		t->state = TALK_OVER;
		return TALK_SILENCE;
	}
	return TALK_NOTHING;
}

int64_t talk_due_ms(const struct talk *t)
{
	const struct talk_settings *cfg = t->cfg;
	int64_t due = -1, word;

	if (t->state == TALK_WAITS)
		due = t->quiet_ms + cfg->greeting_silence_ms;
	else if (t->state == TALK_LISTENS)
		due = t->words ? t->quiet_ms + cfg->human_silence_ms : cfg->unsure_after_ms;
	if (!t->talks || due < 0)
		return due;
	if (t->state == TALK_WAITS)
		return -1; /* what is spoken now must end first */
	word = cfg->machine_after_ms - t->spoken_ms;
	if (t->words + 1 >= cfg->machine_words || word < cfg->word_ms)
		word = cfg->word_ms;
	return t->began_ms + word;
}

void talk_is_machine(struct talk *t)
{
	t->state = TALK_WAITS;
}

void talk_stop(struct talk *t)
{
	t->state = TALK_OVER;
}

void talk_why(const struct talk *t, enum talk_outcome outcome, int64_t now_ms, char *text,
	      size_t size_bytes)
{
	double spoken = (double)(t->spoken_ms + word_so_far(t, now_ms)) / 1000;
	int64_t words = t->words + (word_so_far(t, now_ms) > 0);

	text[0] = '\0';
	switch (outcome) {
	case TALK_HUMAN:
		snprintf(text, size_bytes, "%.1f s of speech, then silence", spoken);
		break;
	case TALK_MACHINE:
		if (words >= t->cfg->machine_words)
			snprintf(text, size_bytes, "%d words without a pause", (int)words);
		else
			snprintf(text, size_bytes, "%.1f s of speech without a pause", spoken);
		break;
	case TALK_SILENCE:
		snprintf(text, size_bytes, "no beep, but %.1f s of silence",
			 (double)silence_ms(t, now_ms) / 1000);
		break;
	case TALK_UNSURE:
		snprintf(text, size_bytes, "nobody spoke");
		break;
	case TALK_NOTHING:
		break;
	}
}
