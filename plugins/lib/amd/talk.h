/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who has answered, by how long is spoken and when not: a human says a few words and waits, a
 * machine talks on. It sees when speech begins and ends; where that comes from is not known here.
 */
#ifndef AMD_TALK_H
#define AMD_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The thresholds; their options, with the defaults, are in options.h. */
struct talk_settings {
	int64_t machine_after_ms;    /* so much speech without a pause is a machine's */
	int64_t machine_words;       /* and so many words */
	int64_t human_silence_ms;    /* so long a silence after a few words is a human's */
	int64_t unsure_after_ms;     /* when nothing is said for so long nobody can tell */
	int64_t greeting_silence_ms; /* so long a silence of a machine is its beep */
	int64_t word_ms;             /* what is shorter is no word */
	int64_t voice_level;         /* dBov; what is less loud is no speech */
};

enum talk_outcome {
	TALK_NOTHING,
	TALK_HUMAN,
	TALK_MACHINE,
	TALK_UNSURE,  /* from now on nothing is told */
	TALK_SILENCE, /* after TALK_MACHINE: its greeting is over */
};

/* Begins with cfg set and zeros. Times: milliseconds since the answer, never going back. */
struct talk {
	const struct talk_settings *cfg; /* borrowed */
	enum { TALK_LISTENS, TALK_WAITS, TALK_OVER } state;
	bool talks;
	int64_t began_ms;  /* of the newest word */
	int64_t quiet_ms;  /* since when there is silence, if there is */
	int64_t spoken_ms; /* words that have ended, together */
	int64_t words;     /* the same */
};

/* A word begins. */
void talk_begin(struct talk *talk, int64_t now_ms);
/* It has ended, at end_ms. */
void talk_end(struct talk *talk, int64_t end_ms);
/* There is no speech, but no silence either. */
void talk_other(struct talk *talk, int64_t now_ms);
/* What follows from that. Each outcome is told once. */
enum talk_outcome talk_look(struct talk *talk, int64_t now_ms);
/* When talk_look() is to be asked next should nothing be heard until then; -1 = never. */
int64_t talk_due_ms(const struct talk *talk);
/* It is known by other means. */
void talk_is_machine(struct talk *talk);
/* Nothing more is to be told. */
void talk_stop(struct talk *talk);
/* Whether a word was heard. */
bool talk_heard(const struct talk *talk, int64_t now_ms);
/* Why, for people: after talk_look() has told something. */
void talk_why(const struct talk *talk, enum talk_outcome outcome, int64_t now_ms, char *text,
	      size_t size_bytes);

#endif
