/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of readiness.c: one target over the coming days, and the problems that were found.
 * Nobody else includes this.
 */
#ifndef CORE_ONCALL_READINESS_TARGET_H
#define CORE_ONCALL_READINESS_TARGET_H

#include "oncall/people.h"
#include "oncall/readiness.h"

#define READINESS_WHERE 700 /* a word, and a name */

enum readiness_severity { READINESS_ERROR, READINESS_WARNING, READINESS_NOTE };

struct readiness {
	const struct oncall *oncall;
	const struct readiness_facts *facts;
	json_t *problems; /* so far */
	size_t count;     /* of these, without notes */
	json_t *seen;     /* targets that were looked at: their periods */
	json_t *proven;   /* people that were judged, by name */
};

/* A target over all of the time; where: what it is a target of. New reference. */
json_t *readiness_target(struct readiness *r, const char *target, const char *where);
/* Whether it was looked at already: "schedule:ID". */
bool readiness_seen(const struct readiness *r, const char *target);

/* from_us, until_us: of the problem; 0 = all of the time */
void readiness_problem(struct readiness *r, enum readiness_severity severity, const char *kind,
		       const char *where, int64_t from_us, int64_t until_us, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));

json_t *readiness_time(int64_t wall_us); /* 0 = null */
int64_t readiness_from_us(const json_t *period);
int64_t readiness_until_us(const json_t *period);

#endif
