/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets: what is written in an alert ("+4930123") resolved into who must be reached.
 */
#ifndef CORE_ONCALL_TARGET_H
#define CORE_ONCALL_TARGET_H

#include <tocsin/defs.h>

/* One person to reach, as far as the telephone is concerned. */
struct target_person {
	const char *number;     /* [+]digits, * and # */
	const char *contact_id; /* NULL: a bare number */
	const char *name;       /* for people: a name, or the number */
};

/*
 * Resolve a target.
 *
 * target  borrowed; person points into it
 * fault   receives why it cannot be resolved, for people
 * result  0 | -EINVAL not a target at all | -ENOENT nobody of that name
 * thread  any
 */
int target_resolve(const char *target, struct target_person *person, char *fault,
		   size_t size_bytes);

#endif
