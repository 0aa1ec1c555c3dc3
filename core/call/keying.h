/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keying of a PIN: digits, the hash that ends them, the star that begins anew. What a PIN is
 * asked for, and whose it is, is others' affair.
 */
#ifndef CORE_CALL_KEYING_H
#define CORE_CALL_KEYING_H

#include <tocsin/defs.h>

#include "oncall/pin.h"

struct keying {
	char digits[PIN_MAX + 2]; /* one more than a PIN has: that is none */
	size_t n;
	int64_t tries;            /* that were wrong */
};

/* result: it is complete */
bool keying_key(struct keying *k, char key);
void keying_forget(struct keying *k);

#endif
