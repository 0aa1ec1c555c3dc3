/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a trunk works: what its plugin says, and how its newest calls went. Both must be good.
 * Which trunk a call takes is trunk.c's affair.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "call/trunk.h"
#include "host/host.h"
#include "store/event_repo.h"
#include "store/journal.h"
#include "store/store.h"

#define SECOND INT64_C(1000000)
#define WINDOW_US (60 * SECOND) /* an outcome counts for so long */
#define RETRY_US (30 * SECOND)  /* between two calls that try a failing trunk */
#define JUDGED_MIN 5            /* fewer calls say nothing */
#define HELD_LOGGED_US (60 * SECOND)

/* ---- telling ---- */

struct change {
	struct journal *journal;
	struct event_row row;
	char *sentence; /* owned */
};

static int store_change(struct db *db, void *arg)
{
	struct change *c = arg;

	return event_insert(db, &c->row);
}

static void change_free(struct change *c)
{
	free(c->sentence);
	free(c);
}

static void change_stored(void *arg, int err)
{
	struct change *c = arg;

	if (!err)
		journal_publish(c->journal, &c->row);
	change_free(c);
}

static void publish(struct trunk *t, const char *why)
{
	struct trunks *trunks = t->trunks;
	const char *word = t->healthy ? "up" : "down";
	struct change *c;

	tc_log(t->instance, t->healthy ? TC_LOG_INFO : TC_LOG_WARN, "trunk is %s: %s", word, why);
	if (!trunks->store)
		return;
	c = tc_alloc(sizeof(*c));
	c->journal = trunks->journal;
	c->sentence = tc_asprintf("trunk %s is %s: %s", t->instance->name, word, why);
	c->row = (struct event_row){.at_us = loop_wall_us(trunks->loop),
				    .what = t->healthy ? "trunk.up" : "trunk.down",
				    .text = c->sentence};
	if (store_write(trunks->store, store_change, change_stored, c))
		change_free(c);
}

static char *share_text(const struct trunk *t)
{
	unsigned failed, n = trunk_recent(t, loop_now_us(t->trunks->loop), &failed);

	return tc_asprintf("%u of %u calls failed at the trunk within a minute; one call tries it "
			   "again every %d s",
			   failed, n, (int)(RETRY_US / SECOND));
}

/*
 * up or failing may have changed: what follows from it.
 *
 * why  it is healthy again, if that is not what its plugin says; or NULL
 */
static void settle(struct trunk *t, const char *why)
{
	bool healthy = t->up && !t->failing, changed = healthy != t->healthy;

	t->healthy = healthy;
	free(t->text);
	t->text = t->up && t->failing ? share_text(t) : tc_strdup(t->said);
	if (!changed)
		return;
	publish(t, healthy && why ? why : t->text);
	t->trunks->ups += healthy;
	if (healthy && t->trunks->on_room)
		t->trunks->on_room(t->trunks->arg);
}

/* ---- what the plugin says ---- */

static void forget(struct trunk *t)
{
	memset(t->outcomes, 0, sizeof(t->outcomes));
	t->next_outcome = 0;
	t->failing = false;
}

void trunk_said(struct trunk *t, bool up, const char *text)
{
	if (up && !t->up) {
		forget(t);
		t->fresh_us = loop_wall_us(t->trunks->loop);
	}
	t->up = up;
	free(t->said);
	t->said = tc_strdup(text);
	settle(t, NULL);
}

/* It may be held and let go several times a second: the log tells of it now and then. */
static void log_hold(struct trunk *t, int64_t now_us)
{
	if (t->held && (!t->held_logged_us || now_us - t->held_logged_us >= HELD_LOGGED_US)) {
		t->held_logged_us = now_us;
		t->held_logged = true;
		tc_log(t->instance, TC_LOG_WARN, "trunk is held back: %s", t->held_why);
	} else if (!t->held && t->held_logged) {
		t->held_logged = false;
		tc_log(t->instance, TC_LOG_INFO, "trunk is no longer held back");
	}
}

void trunk_hold(struct trunk *t, bool hold, const char *text)
{
	bool changed = hold != t->held;

	t->held = hold;
	free(t->held_why);
	t->held_why = hold ? tc_strdup(text) : NULL;
	if (!changed)
		return;
	log_hold(t, loop_now_us(t->trunks->loop));
	t->holds += hold;
	if (!hold && t->trunks->on_room)
		t->trunks->on_room(t->trunks->arg);
}

/* ---- how its calls go ---- */

unsigned trunk_recent(const struct trunk *t, int64_t now_us, unsigned *failed)
{
	unsigned n = 0;

	*failed = 0;
	for (unsigned i = 0; i < TRUNK_OUTCOMES; i++) {
		const struct trunk_outcome *o = &t->outcomes[i];

		if (!o->call_id[0] || now_us - o->at_us >= WINDOW_US)
			continue;
		n++;
		*failed += !o->good;
	}
	return n;
}

/* The place for this call: its own, else the oldest one. */
static struct trunk_outcome *outcome_of(struct trunk *t, const char *call_id)
{
	struct trunk_outcome *o;

	for (unsigned i = 0; i < TRUNK_OUTCOMES; i++)
		if (!strcmp(t->outcomes[i].call_id, call_id))
			return &t->outcomes[i];
	o = &t->outcomes[t->next_outcome];
	t->next_outcome = (t->next_outcome + 1) % TRUNK_OUTCOMES;
	*o = (struct trunk_outcome){.good = true};
	tc_strcopy(o->call_id, sizeof(o->call_id), call_id);
	return o;
}

static void judge(struct trunk *t, int64_t now_us)
{
	unsigned failed, n = trunk_recent(t, now_us, &failed);

	if (!t->failing && (n < JUDGED_MIN || 2 * failed < n))
		return;
	if (!t->failing)
		t->retry_us = now_us + RETRY_US;
	t->failing = true;
	settle(t, NULL);
}

void trunk_outcome(struct trunk *t, const char *call_id, int64_t placed_us, bool good)
{
	int64_t now_us = loop_now_us(t->trunks->loop);
	bool recovered = good && t->failing, was_good;
	struct trunk_outcome *o;

	if (placed_us < t->fresh_us) { /* of the time when it was down */
		t->failed += !good;
		return;
	}
	if (recovered)
		forget(t);
	o = outcome_of(t, call_id);
	was_good = o->good;
	o->good = good;
	o->at_us = now_us;
	t->failed += was_good && !good;
	if (!good)
		judge(t, now_us);
	else if (recovered)
		settle(t, "a call went through");
}

void trunk_ended(struct trunk *t, const char *call_id, int64_t placed_us, enum tc_pbx_end end)
{
	switch (end) {
	case TC_PBX_END_TRUNK:
	case TC_PBX_END_CONGESTION:
		trunk_outcome(t, call_id, placed_us, false);
		break;
	case TC_PBX_END_REMOTE:
	case TC_PBX_END_TIMEOUT:
	case TC_PBX_END_BUSY:
	case TC_PBX_END_REJECTED:
	case TC_PBX_END_UNREACHABLE:
		trunk_outcome(t, call_id, placed_us, true);
		break;
	default: /* we ended it, or nobody knows: that says nothing of the trunk */
		break;
	}
}

void trunk_tried(struct trunk *t, int64_t now_us)
{
	if (t->failing)
		t->retry_us = now_us + RETRY_US;
}
