/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * People with several numbers, calls that tell several alerts, storms: the commands of persons.c.
 */
#ifndef TESTS_SCENARIO_PERSONS_H
#define TESTS_SCENARIO_PERSONS_H

#include <tocsin/defs.h>

struct world;

/* A line of a scenario: its words, and what the names of alerts in it stand for. */
struct persons_line {
	char *const *w;
	int n;
	const char *(*id_of)(void *arg, const char *name);
	void *arg;
};

/*
 * Carry out a command, or an expectation ("EXPECT" is w[0]).
 *
 * fault   receives what is wrong, "" = nothing
 * result  false: it is none of these
 */
bool persons_command(struct world *w, const struct persons_line *line, char *fault,
		     size_t size_bytes);

/* What a call that tells several alerts says, by the clip's key; NULL: something else. */
const char *persons_name_of(struct world *w, const char *key);

#endif
