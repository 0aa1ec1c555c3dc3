/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text made fit for a voice: alerts are written for the eye.
 */
#ifndef CORE_SPEECH_SPEAKABLE_H
#define CORE_SPEECH_SPEAKABLE_H

/* Characters (not bytes) of the result, at most. */
#define SPEAKABLE_MAX 2000

/*
 * Make a text fit to be spoken:
 *
 * - control characters, no-break spaces and bytes that are not UTF-8 become spaces, "_" too
 *   (High_Load is two words);
 * - spaces in a row become one, those at both ends go;
 * - an address (https://...) becomes "a link": nobody can note it down from hearing. A full stop,
 *   comma, bracket or quote at its end stays;
 * - what is longer than SPEAKABLE_MAX characters is cut between words, and ends with "... and
 *   more".
 *
 * text    any bytes
 * result  UTF-8, owned by the caller; "" when there is nothing to say
 * thread  any
 */
char *speakable_text(const char *text);

#endif
