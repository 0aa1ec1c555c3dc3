/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Placing a call: it waits for its line (never two calls to one number) and for room on a trunk,
 * is committed, and only then is the trunk asked.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "call/call.h"
#include "host/host.h"
#include "host/id.h"
#include "oncall/directory.h"
#include "oncall/number.h"

/* ---- lines ---- */

static int by_number(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* There is one for the number from now on, and one more that names it. */
static struct line *join(struct caller *caller, const char *number)
{
	const struct directory *dir = caller->deps.directory;
	char plain[NUMBER_PLAIN_SIZE];
	struct line key = {.number = plain}, *line;
	void *found;

	if (!number_plain(plain, number, dir ? directory_country(dir) : NULL))
		tc_strcopy(plain, sizeof(plain), number);
	found = tfind(&key, &caller->lines, by_number);

	if (found) {
		line = *(struct line **)found;
	} else {
		line = tc_alloc(sizeof(*line));
		line->number = tc_strdup(plain);
		TAILQ_INIT(&line->waiting);
		tsearch(line, &caller->lines, by_number);
	}
	line->calls++;
	return line;
}

void place_join(struct call *call)
{
	call->line = join(call->caller, call->number);
}

void place_hold(struct call *call)
{
	call->on_line = true;
	call->line->busy++;
	call->caller->live++;
}

void place_up(struct call *call)
{
	call->originated = true;
	call->line->up++;
}

/* One of which nothing is recorded does not wait for those that wait for the store. */
static bool line_busy(const struct call *call)
{
	return call->unrecorded ? call->line->up : call->line->busy;
}

static void line_free(struct caller *caller, struct line *line)
{
	tdelete(line, &caller->lines, by_number);
	free(line->number);
	free(line);
}

void place_lines_free(struct caller *caller)
{
	while (caller->lines)
		line_free(caller, *(struct line **)caller->lines);
}

/* ---- queues ---- */

static void wait_for(struct call *call, enum call_wait wait)
{
	struct caller *caller = call->caller;

	call->wait = wait;
	caller->queued++;
	if (wait == WAIT_LINE)
		TAILQ_INSERT_TAIL(&call->line->waiting, call, link);
	else
		TAILQ_INSERT_TAIL(&caller->queue[call->rerouted], call, link);
}

/* Its turn has come, or it was looked at in vain: the next one for a trunk. */
static void wait_first(struct call *call)
{
	call->wait = WAIT_TRUNK;
	call->caller->queued++;
	TAILQ_INSERT_HEAD(&call->caller->queue[call->rerouted], call, link);
}

void place_unqueue(struct call *call)
{
	if (call->wait == WAIT_NOTHING)
		return;
	if (call->wait == WAIT_LINE)
		TAILQ_REMOVE(&call->line->waiting, call, link);
	else
		TAILQ_REMOVE(&call->caller->queue[call->rerouted], call, link);
	call->wait = WAIT_NOTHING;
	call->caller->queued--;
}

/* ---- asking the trunk ---- */

static void not_placed(struct call *call, enum tc_pbx_end end, const char *text)
{
	struct tc_pbx_event event = {.type = TC_PBX_ENDED, .end = end};

	tc_strcopy(event.text, sizeof(event.text), text);
	monitor_ended(call, &event);
}

/* While it was being committed, one of which nothing is recorded has taken the line. */
static void give_way(struct call *call)
{
	struct caller *caller = call->caller;
	struct trunk *trunk = call->trunk;

	call->trunk = call->speaker.trunk = NULL;
	call->on_line = false;
	call->line->busy--;
	caller->live--;
	call->placed_us = 0;
	call_enter(call, CALL_QUEUED, "line");
	wait_for(call, WAIT_LINE);
	call_record(call, "call.queued", "another call to this number is up", NULL,
		    "a call to %s waits", call_whom(call));
	trunk_leave(caller->deps.trunks, trunk);
}

/* The row is committed: now the trunk may be asked. */
static void originate(struct call *call)
{
	struct caller *caller = call->caller;
	struct tc_pbx_originate o = {.call_id = call->id,
				     .number = call->number,
				     .ring_timeout_ms = caller->deps.config->ring_timeout};
	char number[40];
	int err;

	if (call->state == CALL_ENDED || caller->closing)
		return;
	if (call->hung_up) { /* it is not wanted any more, and nothing was sent yet */
		not_placed(call, TC_PBX_END_LOCAL, "not needed any more");
		return;
	}
	if (call->line->up) {
		give_way(call);
		return;
	}
	err = trunk_originate(call->trunk, &o);
	if (err) {
		tc_log(call->trunk->instance, TC_LOG_WARN, "call %s to %s refused: %s", call->id,
		       tc_log_number(number, sizeof(number), call->number), tc_strerror(err));
		not_placed(call, err == -EINVAL ? TC_PBX_END_UNREACHABLE : TC_PBX_END_TRUNK,
			   tc_strerror(err));
		return;
	}
	place_up(call);
	monitor_limit(call, caller->deps.config->ring_timeout + ANSWER_MS);
	play_prepare(call);
}

static void begin(struct call *call, struct trunk *trunk)
{
	struct caller *caller = call->caller;
	const char *from = call->created_us ? "room" : "new";

	call->trunk = call->speaker.trunk = trunk;
	trunk_enter(trunk);
	place_hold(call);
	call->placed_us = loop_wall_us(caller->deps.loop);
	defer_placed(call);
	call_enter(call, CALL_PLACING, from);
	call_record(call, "call.placing", NULL, originate, "calling %s by trunk %s",
		    call_whom(call), trunk->instance->name);
}

/* result: false when it has to wait for a trunk; *wait_us as trunks_pick(). */
static bool try_trunk(struct call *call, int64_t *wait_us)
{
	struct caller *caller = call->caller;
	struct trunk *trunk = NULL;

	*wait_us = INT64_MAX;
	if (caller->live < (size_t)caller->deps.config->max_concurrent)
		trunk = trunks_pick(caller->deps.trunks, call->callee ? call->callee->skip : 0,
				    wait_us);
	if (trunk)
		begin(call, trunk);
	return trunk != NULL;
}

/* result: as *wait_us of trunks_pick() */
static int64_t pump(struct call_list *queue)
{
	int64_t wait_us = INT64_MAX;
	struct call *call;

	while ((call = TAILQ_FIRST(queue))) {
		place_unqueue(call);
		if (line_busy(call)) {
			wait_for(call, WAIT_LINE);
			continue;
		}
		if (try_trunk(call, &wait_us))
			continue;
		wait_first(call);
		break;
	}
	return wait_us;
}

/*
 * Those that were rerouted have waited for longer; and they hold nobody up whom another trunk
 * takes.
 */
void place_pump(void *arg)
{
	struct caller *caller = arg;
	int64_t rerouted_us, wait_us;

	if (caller->closing)
		return;
	redial_stalled(caller);
	rerouted_us = pump(&caller->queue[true]);
	wait_us = pump(&caller->queue[false]);
	if (rerouted_us < wait_us)
		wait_us = rerouted_us;
	if (wait_us < INT64_MAX)
		loop_timer_start_us(&caller->pump, wait_us);
}

/* A call that has to wait is a row as well: one sees what waits, and for what. */
static void queue(struct call *call, enum call_wait wait, const char *why)
{
	wait_for(call, wait);
	if (call->state == CALL_DEFERRED)
		call_enter(call, CALL_QUEUED, "limit is over");
	call_record(call, "call.queued", why, NULL, "a call to %s waits", call_whom(call));
}

/* All who want a call ride in it. */
static void fill(struct call *call, struct callee *callee)
{
	struct page *page;

	TAILQ_FOREACH(page, &callee->pages, of_callee) {
		if (!page_wants_call(page))
			continue;
		ride_change(ride_new(call, page, page->alert_id));
		call->unrecorded = page->unrecorded;
	}
}

/* Each of several alerts has that it is told together with others in its timeline. */
static void note_bundle(struct call *call)
{
	const struct ride *ride;

	if (call->n_rides < 2)
		return;
	TAILQ_FOREACH(ride, &call->rides, link)
		call_event(call, ride->alert_id, "call.bundled", NULL,
			   "told together with %u other alert%s in a call to %s",
			   call->n_rides - 1, call->n_rides == 2 ? "" : "s", call_whom(call));
}

void place_call(struct callee *callee)
{
	struct caller *caller = callee->caller;
	char id[TC_ID_SIZE];
	struct call *call;

	if (caller->closing)
		return;
	id_new(id, loop_wall_us(caller->deps.loop));
	call = call_new(caller, id, callee->numbers[callee->recall.next]);
	fill(call, callee);
	if (!call->n_rides) {
		call_free(call);
		return;
	}
	call->contact_id = tc_strdup(callee->contact_id);
	callee_begin(callee, call);
	note_bundle(call);
	call->rerouted = callee->skip != 0;
	place_join(call);
	if (call->unrecorded || !defer_by_limit(call))
		place_now(call);
}

/* The trunks' rates put it off: until when, as far as can be told; behind those before it. */
static void queue_by_rate(struct call *call, int64_t wait_us)
{
	struct caller *caller = call->caller;
	int64_t each_us = trunks_each_us(caller->deps.trunks, call->callee->skip);
	int64_t until_us = loop_wall_us(caller->deps.loop) + wait_us +
			   (int64_t)caller->queued * each_us;

	wait_for(call, WAIT_TRUNK);
	defer_until(call, until_us,
		    tc_strdup("the trunks take no more calls a second (calls_per_second)"));
}

static void queue_for_trunk(struct call *call, int64_t wait_us)
{
	struct caller *caller = call->caller;
	char *why;

	if (caller->live < (size_t)caller->deps.config->max_concurrent &&
	    trunks_at_rate(caller->deps.trunks, call->callee->skip)) {
		queue_by_rate(call, wait_us < INT64_MAX ? wait_us : 0);
	} else {
		why = trunks_why_not(caller->deps.trunks, call->callee->skip);
		queue(call, WAIT_TRUNK, why);
		free(why);
	}
	place_pump(caller);
}

void place_now(struct call *call)
{
	int64_t wait_us = INT64_MAX;

	if (call->caller->closing)
		return;
	if (line_busy(call))
		queue(call, WAIT_LINE, "another call to this number is up");
	else if (!TAILQ_EMPTY(&call->caller->queue[call->rerouted]) ||
		 !try_trunk(call, &wait_us)) /* not past those who wait already */
		queue_for_trunk(call, wait_us);
}

/*
 * One that has named it does so no longer: also when it had its turn and still waited for a trunk,
 * somebody must have the turn.
 */
static void part(struct caller *caller, struct line *line)
{
	struct call *next = line->busy ? NULL : TAILQ_FIRST(&line->waiting);

	if (next) {
		place_unqueue(next);
		wait_first(next);
	}
	if (!--line->calls)
		line_free(caller, line);
}

struct line *place_seize(struct caller *caller, const char *number)
{
	struct line *line = join(caller, number);

	if (line->calls > 1) {
		line->calls--;
		return NULL;
	}
	line->busy++;
	line->up++;
	return line;
}

void place_yield(struct caller *caller, struct line *line)
{
	line->busy--;
	line->up--;
	part(caller, line);
	place_pump(caller);
}

void place_leave(struct call *call)
{
	struct caller *caller = call->caller;
	struct line *line = call->line;
	struct trunk *trunk = call->trunk;

	place_unqueue(call);
	call->line = NULL;
	if (call->on_line) {
		call->on_line = false;
		line->busy--;
		line->up -= call->originated;
		caller->live--;
	}
	part(caller, line);
	if (trunk)
		trunk_leave(caller->deps.trunks, trunk); /* its on_room pumps */
	else
		place_pump(caller);
}
