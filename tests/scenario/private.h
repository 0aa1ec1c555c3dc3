/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the world share: world.c builds it and lets it run, hands.c is what telephones,
 * trunks and the like do in it, eyes.c what can be seen.
 */
#ifndef TESTS_SCENARIO_PRIVATE_H
#define TESTS_SCENARIO_PRIVATE_H

#include "host/host.h"
#include "host/loop.h"
#include "scenario/fakes.h"
#include "scenario/world.h"

struct world {
	char dir[64];
	json_t *config;        /* owned; the core's part, as JSON text values */
	json_t *trunks;        /* owned; settings */
	int64_t passed_us;     /* before the last crash */
	/* while it runs */
	bool running;
	struct config cfg;
	void *memory;
	struct loop *loop;
	struct host *host;
	struct tc_instance *trigger;
	struct store *store;
	struct journal *journal;
	struct trunks *lines;
	struct speech *speech;
	struct caller *caller;
	struct alerts *alerts;
	bool resumed;
	/* answers */
	char id[TC_ID_SIZE], text[512], asked[2048], message[4097];
};

#endif
