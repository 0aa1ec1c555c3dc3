/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PINs of contacts: what counts as one, and the form in which they are kept.
 */
#ifndef CORE_ONCALL_PIN_H
#define CORE_ONCALL_PIN_H

#include <tocsin/defs.h>

#define PIN_MIN 4
#define PIN_MAX 12
#define PIN_KEPT_SIZE 98 /* salt, "$", hash: hexadecimal */

/* 4 to 12 digits. */
bool pin_valid(const char *digits);

/*
 * The form in which it is kept: a random salt, and the SHA-256 of that and the digits.
 *
 * result  0 | -EIO there is no randomness
 */
int pin_keep(const char *digits, char kept[PIN_KEPT_SIZE]);

/* Whether these digits are the PIN that was kept; takes as long when they are not. */
bool pin_matches(const char *kept, const char *digits);

#endif
