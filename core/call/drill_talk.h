/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of drills share. Others see drill.h.
 *
 * drill.c       beginning, end, what is kept
 * drill_talk.c  what is said to a person, and his key
 * drill_loop.c  a call that comes back to us
 */
#ifndef CORE_CALL_DRILL_TALK_H
#define CORE_CALL_DRILL_TALK_H

#include <sys/queue.h>

#include "call/call.h"
#include "call/drill.h"
#include "store/drill_repo.h"

enum drill_prompt { DRILL_GREETING, DRILL_ASK, DRILL_CONFIRMED, DRILL_PROMPTS };

struct drill_text {
	struct drill *drill;
	struct speech_want *want; /* it is being rendered */
	struct tc_clip *clip;     /* owned; NULL: until it is */
};

struct drill {
	LIST_ENTRY(drill) link;
	struct caller *caller;
	struct trunk *trunk;
	struct line *line;
	struct drill_row row;     /* owned */
	char *who, *language, *voice; /* owned; language, voice may be NULL */
	void (*done)(void *arg, const struct drill_row *row);
	void *arg;
	struct loop_timer limit;  /* how long it may go on so */
	bool originated, hung_up;
	const char *failed;       /* constant: what is wrong, found before the end */
	/* drill_talk.c; in a loop-back test the far end speaks */
	struct drill_text texts[DRILL_PROMPTS];
	uint32_t play_id;
	unsigned items, wanted;   /* items: of the list that plays, 0 = none */
	bool confirming;
	/* drill_loop.c */
	char *called;             /* owned */
	char far_id[TC_ID_SIZE];  /* the call that came back, "" = not yet */
	struct trunk *far_trunk;
	bool far_up, keys_out;
	struct tc_buf heard;      /* keys */
};

/* ---- drill.c ---- */

void drill_limit(struct drill *drill, int64_t limit_ms);
/* failed: constant, what is wrong; NULL = nothing */
void drill_hang_up(struct drill *drill, const char *failed);

/* ---- drill_talk.c ---- */

/* Have its texts rendered. */
void drill_prepare(struct drill *drill);
/* Say what is to be said first, as soon as it is rendered. */
void drill_speak(struct drill *drill);
void drill_key(struct drill *drill, char key);
void drill_played(struct drill *drill, const struct tc_pbx_event *event);
void drill_talk_fini(struct drill *drill);

/* ---- drill_loop.c ---- */

/* Our end was answered. */
void drill_loop_answered(struct drill *drill);
/* What comes of the far end; false: it is no drill's. */
bool drill_loop_event(struct caller *caller, struct trunk *trunk, const struct tc_pbx_event *event);
/* It spoke to its end. */
void drill_loop_spoken(struct drill *drill);
/* What is wrong with it, at its end; NULL = nothing. */
const char *drill_loop_fault(const struct drill *drill);

#endif
