/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is heard of the far end, in a call that we have placed: who has answered, the beep, how loud
 * it was. By its sound, where the way of speech brings it back, else by Asterisk's TALK_DETECT.
 */
#ifndef ARI_HEAR_H
#define ARI_HEAR_H

#include "ari.h"

struct hear;

/* For POST /channels, when who has answered is to be guessed: the value of TALK_DETECT(set). */
#define HEAR_VARIABLE "TALK_DETECT(set)"
void hear_variable(const struct ari_config *cfg, char *value, size_t size_bytes);

/* It has been answered just now, and is in our app. */
void hear_answered(struct leg *leg);
/* Its sound: PCM at 8 kHz. */
void hear_sound(struct leg *leg, const int16_t *pcm, size_t n);
/* An event of TALK_DETECT. */
void hear_talk(struct leg *leg, const struct message *m);
/* Nothing more is to be guessed: something may have been missed. */
void hear_missed(struct leg *leg);
/* As in the event of the end. */
int hear_level_dbov(const struct leg *leg);
void hear_free(struct leg *leg);

#endif
