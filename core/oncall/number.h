/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telephone numbers: what counts as one, and the form in which two of them can be compared.
 */
#ifndef CORE_ONCALL_NUMBER_H
#define CORE_ONCALL_NUMBER_H

#include <tocsin/defs.h>

#define NUMBER_MAX 32 /* bytes, the "+" among them: what a trunk takes (tocsin/pbx.h) */
#define NUMBER_PLAIN_SIZE 48

/* [+]digits, * and #, with a digit among them: a number that can be dialled. */
bool number_valid(const char *s);

/*
 * A number without what is written in one way here and in another there: separators, and the
 * sign of an international number, "+" or "00". So +49 30/123, 004930123 and 4930123 are alike.
 *
 * country  digits of the own country ("49"), or NULL: a number that begins with one 0 is then of
 *          this country
 * result   false when nothing is left: plain is ""
 * source   ITU-T E.123, E.164
 */
bool number_plain(char plain[NUMBER_PLAIN_SIZE], const char *number, const char *country);

/* Whether two that are written in whatever way are the same. */
bool number_same(const char *a, const char *b, const char *country);

#endif
