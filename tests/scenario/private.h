/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the world share: world.c builds it and lets it run, hands.c is what telephones,
 * trunks and the like do in it, eyes.c what can be seen; callers.c is about those who call us,
 * people.c about those who are called.
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
	struct self_alarms *self_alarms;
	struct oncall *oncall;
	bool resumed;
	const char *severity;  /* owned; of the alerts to come, NULL = none is given */
	char *messages[16];    /* owned; of all alerts, in order */
	unsigned messages_n;
	/* answers */
	char id[TC_ID_SIZE], text[512], asked[2048], message[4097];
};

/* ---- callers.c ---- */

/* What is said to those who call, by the clip's key; NULL: something else. */
const char *callers_name_of(struct world *w, const char *key);
/* The key of a text's clip, "" if it is not rendered. */
void eyes_key(struct world *w, const char *text, char key[65]);

#endif
