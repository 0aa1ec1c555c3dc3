/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scripted trigger's ear: what it is told of its alerts, and how it takes that.
 */
#include "scenario/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <tocsin/alloc.h>

#include "scenario/world.h"

#define HELD_MAX 64

struct told {
	STAILQ_ENTRY(told) link;
	char *what; /* owned */
};

static struct {
	STAILQ_HEAD(, told) told;
	char how[16];
	struct tc_op *held[HELD_MAX];
	unsigned held_n;
	char last[256];
} ear = {.told = STAILQ_HEAD_INITIALIZER(ear.told), .how = "works"};

static bool is(const char *how)
{
	return !strcmp(ear.how, how);
}

static int decided(void *state, struct tc_op *op, const struct tc_decision *d)
{
	static const char *const names[] = {
#define X(sym, name) [sym] = name,
		TC_DECIDED(X)
#undef X
	};
	struct told *t = tc_alloc(sizeof(*t));

	(void)state;
	t->what = tc_asprintf("%s %s by %s%s", names[d->what], d->alert_id, d->by ? d->by : "-",
			      d->silence ? " silence" : "");
	STAILQ_INSERT_TAIL(&ear.told, t, link);
	if (is("busy"))
		return -EAGAIN;
	if (is("slow") && ear.held_n < HELD_MAX)
		ear.held[ear.held_n++] = op;
	else if (is("away"))
		tc_op_done(op, -EAGAIN, NULL, "the script is away");
	else if (is("refuses"))
		tc_op_done(op, -EPERM, NULL, "the script refuses");
	else
		tc_op_done(op, 0, NULL, is("quiet") ? NULL : "the script has heard it");
	return 0;
}

void watch_status(void *state, struct tc_status *out)
{
	(void)state;
	tc_status_health(out, !is("sick"), "says the script");
}

const struct tc_trigger_ops watch_ops = {.decided = decided};

static void let_go(int err)
{
	for (unsigned i = 0; i < ear.held_n; i++)
		tc_op_done(ear.held[i], err, NULL, "the script has heard it");
	ear.held_n = 0;
}

void watch_close(void)
{
	let_go(-ECANCELED);
}

void world_trigger(struct world *w, const char *how)
{
	tc_strcopy(ear.how, sizeof(ear.how), how);
	if (!is("slow"))
		let_go(0);
	world_settle(w);
}

const char *world_told(struct world *w)
{
	struct told *t = STAILQ_FIRST(&ear.told);

	(void)w;
	if (!t)
		return NULL;
	STAILQ_REMOVE_HEAD(&ear.told, link);
	snprintf(ear.last, sizeof(ear.last), "%s", t->what);
	free(t->what);
	free(t);
	return ear.last;
}

void watch_reset(void)
{
	while (world_told(NULL))
		;
	tc_strcopy(ear.how, sizeof(ear.how), "works");
}
