/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The alerts in a call that tells them: which these are, and which of them are still open.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "call/call.h"

static int by_alert(const void *a, const void *b)
{
	return strcmp(a, b); /* the alert's id is the first member */
}

struct ride *ride_new(struct call *call, struct page *page, const char *alert_id)
{
	struct ride *ride = tc_alloc(sizeof(*ride));

	tc_strcopy(ride->alert_id, sizeof(ride->alert_id), alert_id);
	ride->call = call;
	ride->joined_us = loop_wall_us(call->caller->deps.loop);
	TAILQ_INSERT_TAIL(&call->rides, ride, link);
	tsearch(ride, &call->ride_tree, by_alert);
	if (!call->n_rides++)
		tc_strcopy(call->alert_id, sizeof(call->alert_id), alert_id);
	if (page) {
		ride->serial = page->serial;
		ride->attempt = page->recall.attempts + 1;
		ride_take(ride, page);
	}
	return ride;
}

struct ride *ride_find(struct call *call, const char *alert_id)
{
	void *found = tfind(alert_id, &call->ride_tree, by_alert);

	return found ? *(struct ride **)found : NULL;
}

void ride_take(struct ride *ride, struct page *page)
{
	ride->page = page;
	page->ride = ride;
	page->missed = false;
	ride->open = true;
	ride->call->open++;
}

void ride_close(struct ride *ride)
{
	if (!ride->open)
		return;
	ride->open = false;
	ride->call->open--;
}

void ride_change(struct ride *ride)
{
	if (ride->changed)
		return;
	ride->changed = true;
	STAILQ_INSERT_TAIL(&ride->call->changed, ride, change);
}

void rides_free(struct call *call)
{
	struct ride *ride;

	while ((ride = TAILQ_FIRST(&call->rides))) {
		TAILQ_REMOVE(&call->rides, ride, link);
		tdelete(ride, &call->ride_tree, by_alert);
		if (ride->page)
			ride->page->ride = NULL;
		free(ride);
	}
}

bool rides_heard(const struct call *call)
{
	const struct ride *ride;

	TAILQ_FOREACH(ride, &call->rides, link)
		if (ride->heard)
			return true;
	return false;
}

/* Those that were told; all, when nobody knows which these are. */
void rides_hear(struct call *call)
{
	struct ride *ride;

	TAILQ_FOREACH(ride, &call->rides, link)
		if (ride->index || !call->bundle.told)
			ride->heard = true;
}

enum call_result rides_decided(const struct call *call)
{
	enum call_result found = CALL_NO_RESULT;
	const struct ride *ride;

	TAILQ_FOREACH(ride, &call->rides, link) {
		if (ride->result == CALL_ACKNOWLEDGED)
			return CALL_ACKNOWLEDGED;
		if (ride->result == CALL_ESCALATED)
			found = CALL_ESCALATED;
	}
	return found;
}

struct ride *rides_first(const struct call *call)
{
	struct ride *ride;

	TAILQ_FOREACH(ride, &call->rides, link)
		if (ride->open)
			return ride;
	return NULL;
}
