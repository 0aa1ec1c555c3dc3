/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resolution of targets. Telephone numbers stand for themselves.
 */
#include "oncall/target.h"

#include <stdio.h>
#include <string.h>

#include "host/text.h"

#define NUMBER_MAX 32 /* bytes, the "+" among them: what a trunk takes (tocsin/pbx.h) */

static bool is_number(const char *s)
{
	size_t plus = *s == '+', n = strspn(s + plus, "0123456789*#");

	return plus + n <= NUMBER_MAX && s[plus + n] == '\0' && strpbrk(s, "0123456789");
}

/* "contact:alice": the word before the colon, if it is one that names a directory. */
static bool is_reference(const char *s)
{
	static const char *const prefixes[] = {"contact:", "schedule:", "policy:"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(s, prefixes[i], strlen(prefixes[i])) && s[strlen(prefixes[i])])
			return true;
	return !strcmp(s, "oncall");
}

int target_resolve(const char *target, struct target_person *person, char *fault, size_t size_bytes)
{
	char shown[100];

	if (is_number(target)) {
		*person = (struct target_person){.number = target, .name = target};
		return 0;
	}
	if (is_reference(target)) {
		text_copy(shown, sizeof(shown), target);
		snprintf(fault, size_bytes, "there is no '%s'", shown);
		return -ENOENT;
	}
	snprintf(fault, size_bytes,
		 "must be a telephone number (+4930123), contact:NAME, schedule:NAME or "
		 "policy:NAME");
	return -EINVAL;
}
