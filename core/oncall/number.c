/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telephone numbers: what counts as one, and their plain form.
 */
#include "oncall/number.h"

#include <string.h>

#define DIALLED "0123456789*#"

bool number_valid(const char *s)
{
	size_t plus = *s == '+', n = strspn(s + plus, DIALLED);

	return plus + n <= NUMBER_MAX && s[plus + n] == '\0' && strpbrk(s, "0123456789");
}

/* What can be dialled of it, behind what is there already; what does not fit is left out. */
static void add(char plain[NUMBER_PLAIN_SIZE], const char *s)
{
	size_t len = strlen(plain);

	for (; *s && len + 1 < NUMBER_PLAIN_SIZE; s++)
		if (strchr(DIALLED, *s))
			plain[len++] = *s;
	plain[len] = '\0';
}

bool number_plain(char plain[NUMBER_PLAIN_SIZE], const char *number, const char *country)
{
	char digits[NUMBER_PLAIN_SIZE] = "";
	const char *first = number + strcspn(number, "+" DIALLED);

	add(digits, number);
	plain[0] = '\0';
	if (*first == '+' || !digits[0] || digits[0] != '0' || !digits[1]) {
		add(plain, digits);
	} else if (digits[1] == '0') {
		add(plain, digits + 2);
	} else {
		add(plain, country ? country : "");
		add(plain, digits + (country && *country ? 1 : 0));
	}
	return plain[0] != '\0';
}

bool number_same(const char *a, const char *b, const char *country)
{
	char plain_a[NUMBER_PLAIN_SIZE], plain_b[NUMBER_PLAIN_SIZE];

	return number_plain(plain_a, a, country) && number_plain(plain_b, b, country) &&
	       !strcmp(plain_a, plain_b);
}
