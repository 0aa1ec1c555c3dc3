/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resolution of targets. Telephone numbers stand for themselves.
 */
#include "oncall/target.h"

#include <stdio.h>
#include <string.h>

#include "host/text.h"
#include "oncall/number.h"

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

	if (number_valid(target)) {
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
