/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scripted plugins: a trunk that notes what it is asked, a voice that says each text with a
 * sound of its own.
 */
#ifndef TESTS_SCENARIO_FAKES_H
#define TESTS_SCENARIO_FAKES_H

#include <stdatomic.h>
#include <sys/queue.h>

#include <tocsin/pbx.h>
#include <tocsin/tts.h>

/* A call as the scripted trunk knows it: it survives a crash of the daemon, as a telephone does. */
struct fake_call {
	TAILQ_ENTRY(fake_call) link;
	char id[TC_ID_SIZE];
	char number[40];
	bool ended;
	enum tc_pbx_event_type adopt; /* what recover() is answered with at once; 0 = the script
					 says it */
	/* the list that plays */
	uint32_t play_id;
	unsigned items, done;
	uint32_t item_ms[64];
	uint32_t total_ms;
};

struct fake_asked {
	STAILQ_ENTRY(fake_asked) link;
	char *what;                 /* owned: "play +4930" */
	char keys[64][65];          /* play: of the clips, "-" for silence */
	unsigned items;
};

/* What all scripted plugins of a world share; there is one world at a time. */
struct fakes {
	TAILQ_HEAD(, fake_call) calls;
	STAILQ_HEAD(, fake_asked) asked;
	struct tc_instance *trunk[8]; /* by order of opening */
	unsigned trunks;
	char found[TC_ID_SIZE];     /* a call that the next trunk to be opened finds; "" = none */
	const char *refuse;         /* name of the trunk that refuses its next call or play list */
	bool forgets;               /* the end that was asked for is not reported */
	bool mute;                  /* the voice fails */
	bool slow;                  /* the voice speaks only when it is let: held */
	struct fake_held {
		struct tc_op *op;
		struct tc_clip *clip;
	} held[16];
	unsigned held_n;
	atomic_bool store_locked;   /* the store cannot be written to */
	atomic_bool store_unsure;   /* its next commit is done, and nobody is told */
};

extern struct fakes fakes;

extern const struct tc_plugin fake_pbx;
extern const struct tc_plugin fake_tts;

/* Put the faults above before an instance of a store. */
void fake_store(struct tc_instance *self);
/*
 * The newest call to a number that has not ended, else the newest; "+4930#2": the second one.
 */
struct fake_call *fake_call_find(const char *number);
/* One that no daemon has placed. */
struct fake_call *fake_call_new(const char *id, const char *number);
void fake_asked_free(struct fake_asked *a);
/* What the slow voice has held back comes now. */
void fake_release(void);

#endif
