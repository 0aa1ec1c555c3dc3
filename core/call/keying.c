/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The digits of a PIN as they are keyed; nobody else is to see them.
 */
#include "call/keying.h"

#include <openssl/crypto.h>

bool keying_key(struct keying *k, char key)
{
	if (key == '#')
		return true;
	if (key == '*')
		keying_forget(k);
	else if (key >= '0' && key <= '9' && k->n < PIN_MAX + 1)
		k->digits[k->n++] = key;
	return false;
}

void keying_forget(struct keying *k)
{
	OPENSSL_cleanse(k->digits, sizeof(k->digits));
	k->n = 0;
}
