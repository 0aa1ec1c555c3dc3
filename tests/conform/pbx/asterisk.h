/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A real Asterisk between a trunk and the telephones, by tests/lib/asterisk. Its application for
 * calls that come in is "conform".
 */
#ifndef CONFORM_PBX_ASTERISK_H
#define CONFORM_PBX_ASTERISK_H

struct asterisk;

/*
 * Begin, and wait until it is booted. Its folder is made below dir. Aborts when there is none: the
 * message stands on standard error. TOCSIN_CONFORM_SUITE says which one, "sid" if not given.
 */
struct asterisk *asterisk_new(const char *dir);
/* End it, and remove its folder. NULL is allowed. */
void asterisk_free(struct asterisk *a);

/*
 * The settings of a trunk that reaches the telephones at this port through it, as JSON text; to be
 * freed.
 */
char *asterisk_settings(const struct asterisk *a, unsigned phone_port);
/* "PORT NUMBER": what a telephone dials to come to the application. To be freed. */
char *asterisk_dial(const struct asterisk *a);
/* 22; 16 */
int asterisk_major(const struct asterisk *a);

#endif
