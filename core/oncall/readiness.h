/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether people would be reached: for each policy, step by step, who would be called when in the
 * coming days, and what is wrong with that.
 */
#ifndef CORE_ONCALL_READINESS_H
#define CORE_ONCALL_READINESS_H

#include <jansson.h>

#include <tocsin/defs.h>

struct oncall;

struct readiness_trunk {
	const char *name, *text; /* text: how it is, for people */
	bool healthy;
};

/* What this room does not know itself. Borrowed. */
struct readiness_facts {
	int64_t now_us, until_us;
	int64_t unproven_us;    /* so long without a call that reached somebody is too long; 0 = it
				   does not matter */
	const char *fallback;   /* target of alerts that lead to nobody; NULL = none */
	const char *self_alarm; /* target of alerts about ourselves; NULL = none */
	const struct readiness_trunk *trunks;
	size_t n_trunks;
	/* When somebody at this number pressed a key last; 0 = never. Wall time. */
	int64_t (*reached_us)(void *arg, const char *number);
	void *arg;
};

/*
 * {"at", "until", "ready", "problem_count",
 *  "trunks": [{"name", "healthy", "text"}],
 *  "policies": [{"id", "name", "steps": [{"step", "final", "wait", "targets": [TARGET]}]}],
 *  "targets": [TARGET, those that no policy names],
 *  "problems": [{"kind", "severity": "error"|"warning"|"note", "where", "text", "from", "until"}]}
 * TARGET: {"target", "text", "periods": [{"from", "until", "people": [{"contact_id", "name",
 * "numbers", "why", "last_reached"}]}]}
 *
 * ready, problem_count: a note is no problem. All times are RFC 3339 in UTC, or null.
 *
 * result  new reference
 * thread  loop
 */
json_t *readiness_make(const struct oncall *oncall, const struct readiness_facts *facts);

#endif
