/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of a trunk need: the host, one instance of the plugin, the telephones, and all
 * that was reported, in order.
 */
#ifndef CONFORM_PBX_RIG_H
#define CONFORM_PBX_RIG_H

#include <tocsin/alloc.h>
#include <tocsin/audio.h>
#include <tocsin/pbx.h>

#include "phone.h"

struct rig {
	const char *plugin;
	struct loop *loop;
	struct host *host;
	struct trunks *trunks;
	struct phone *phone;
	unsigned sip_port; /* where the trunk listens */
	struct asterisk *asterisk; /* between trunk and telephones; NULL = none */
	/*
	 * What only some trunks have. A case that needs one of these says what it does not look at
	 * without it.
	 */
	bool direct;   /* no PBX in between: the telephone sees what the trunk sends */
	bool has_sip;  /* the far end's SIP status is known */
	bool adopts;   /* a call goes on without the process that placed it */
	const char *extra; /* settings of the next instance besides its own, JSON; NULL = none */
	struct tc_instance *self;
	struct tc_pbx_event *seen; /* owned */
	size_t n_seen;
};

extern struct rig rig;

/* Host and telephones for all tests; the state directory is made and removed. */
void rig_begin(const char *plugin);
void rig_end(void);

/* A running instance, and its end. port: where it listens */
struct tc_instance *rig_open(const char *name, unsigned port);
void rig_close(struct tc_instance *self);
/* A UDP port of loopback that is free now. */
unsigned rig_free_port(void);

/* cmocka's set-up and tear-down: rig.self is fresh in each test. */
int rig_setup(void **state);
int rig_teardown(void **state);

const struct tc_pbx_ops *rig_ops(const struct tc_instance *self);

/* Place a call under a new id. result: what originate() says */
int rig_try(struct tc_instance *self, char call_id[TC_ID_SIZE], const char *number,
	    int64_t ring_timeout_ms);
/* As rig_try, and it must be taken. */
void rig_call(char call_id[TC_ID_SIZE], const char *number);

/* Run the loop until ready(arg), checked after each report and every 5 ms. Fails after 10 s. */
void rig_wait(bool (*ready)(void *arg), void *arg, const char *what);
/* Does the trunk have this trait of struct rig? If not, what is not looked at is written down. */
bool rig_has(bool trait, const char *what);
/* Let time pass: for what must not happen. */
void rig_idle(int64_t ms);

/* The i-th report (0-based) of this type for a call, or NULL. */
const struct tc_pbx_event *rig_event(const char *call_id, enum tc_pbx_event_type type, size_t i);
/* As rig_event, waiting for it. The pointer is good until the next wait. */
const struct tc_pbx_event *rig_await(const char *call_id, enum tc_pbx_event_type type, size_t i);
/* Wait for its end, and look whether it is the only one and the last. */
const struct tc_pbx_event *rig_await_end(const char *call_id);
size_t rig_count(const char *call_id, enum tc_pbx_event_type type);

/* A tone of this length. key may be "". */
struct tc_clip *rig_tone(uint32_t rate_hz, unsigned ms, const char *key);

/*
 * A process of its own that places a call and is killed without warning.
 *
 * until  killed once this was reported (and the telephone, if it is one that answers, has heard)
 * ref    receives the newest ref
 */
void rig_crash(unsigned port, const char *call_id, const char *number, enum tc_pbx_event_type until,
	       char ref[static 512]);
/* What main() does in that process. */
int rig_child(char **argv);

#endif
