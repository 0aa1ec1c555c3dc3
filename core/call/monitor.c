/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a trunk reports about a call, the states that follow from it, and the result at its end.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "call/call.h"
#include "call/drill.h"
#include "call/inbound.h"
#include "host/host.h"
#include "host/metrics.h"

#define TALK_MS (20 * 60 * 1000) /* nobody listens to an alert for longer */
#define END_MS 10000             /* for the trunk to report the end that was asked for */

/* The wall time of an event that carries a monotonic one. */
static int64_t event_wall_us(const struct call *call, const struct tc_pbx_event *event)
{
	const struct loop *loop = call->caller->deps.loop;
	int64_t ago_us = event->at_us ? loop_now_us(loop) - event->at_us : 0;

	return loop_wall_us(loop) - (ago_us > 0 ? ago_us : 0);
}

/* result: it is a new one */
static bool take_ref(struct call *call, const struct tc_pbx_event *event)
{
	if (!event->ref[0] || (call->ref && !strcmp(call->ref, event->ref)))
		return false;
	free(call->ref);
	call->ref = tc_strdup(event->ref);
	return true;
}

/* Nothing new but perhaps the reference. */
static void on_placed(struct call *call, const struct tc_pbx_event *event)
{
	if (take_ref(call, event))
		call_record(call, NULL, NULL, NULL, "%s", "");
}

static void on_ringing(struct call *call, const struct tc_pbx_event *event)
{
	if (call->state != CALL_PLACING) {
		on_placed(call, event);
		return;
	}
	take_ref(call, event);
	call->ringing_us = event_wall_us(call, event);
	trunk_outcome(call->trunk, call->id, call->placed_us, true);
	call_enter(call, CALL_RINGING, "ringing");
	call_record(call, "call.ringing", NULL, NULL, "%s: the phone rings", call_whom(call));
}

static void answered(struct call *call, const struct tc_pbx_event *event)
{
	take_ref(call, event);
	call->answered_us = event_wall_us(call, event);
	trunk_outcome(call->trunk, call->id, call->placed_us, true);
	call_enter(call, CALL_ANSWERED, "answered");
	if (!call->hung_up) /* else the end that was asked for is near */
		monitor_limit(call, TALK_MS);
	call_record(call, "call.answered", NULL, NULL, "%s answered", call_whom(call));
}

/*
 * In an answered call it says more than that only when an earlier process has heard of the answer,
 * or when the dialplan lets us have the call once more.
 */
static void on_answered(struct call *call, const struct tc_pbx_event *event)
{
	bool first = call->state != CALL_ANSWERED, adopted = call->adopted, back = call->released;

	if (first)
		answered(call, event);
	else
		on_placed(call, event);
	if (!call->callee || !(first || adopted || back))
		return;
	call->adopted = call->released = false;
	call->dialplan = event->dialplan;
	if (!back || call->open)
		play_answered(call);
	else if (call->dialplan) /* there is nothing left to say */
		play_give_back(call);
	else
		call_hang_up(call);
}

static void on_released(struct call *call, const struct tc_pbx_event *event)
{
	if (call->state != CALL_ANSWERED)
		answered(call, event); /* while nobody looked */
	take_ref(call, event);
	if (!call->callee || call->adopted) /* an earlier process gave it back, after the message */
		rides_hear(call);
	call->adopted = false;
	play_release(call);
	if (!call->hung_up)
		monitor_limit(call, TALK_MS);
	call_record(call, "call.released", NULL, NULL,
		    "the PBX's dialplan goes on with the call to %s", call_whom(call));
}

static void on_resumed(struct call *call, const struct tc_pbx_event *event)
{
	(void)event;
	if (call->state != CALL_ANSWERED)
		return;
	call_record(call, "call.resumed", "keys may have been missed", NULL,
		    "the trunk hears the call to %s again", call_whom(call));
	play_resume(call);
}

static void on_dtmf(struct call *call, const struct tc_pbx_event *event)
{
	if (call->state == CALL_ANSWERED)
		ack_key(call, event->key);
}

static void on_played(struct call *call, const struct tc_pbx_event *event)
{
	call->spoken_ms = call->spoken_before_ms + event->total_ms;
	if (call->state == CALL_ANSWERED)
		play_played(call, event);
}

void call_hang_up(struct call *call)
{
	if (call->hung_up || call->state == CALL_ENDED)
		return;
	call->hung_up = true;
	if (call->originated && call->trunk) {
		trunk_hangup(call->trunk, call->id);
		monitor_limit(call, END_MS);
	} else if (call_waits(call)) {
		monitor_ended(call, &(struct tc_pbx_event){.type = TC_PBX_ENDED,
							   .end = TC_PBX_END_LOCAL});
	} /* else its row is being committed: originate() will see that it is not wanted */
}

static void limit_reached(void *arg)
{
	struct call *call = arg;
	struct tc_pbx_event event = {.type = TC_PBX_ENDED,
				     .end = call->callee ? TC_PBX_END_FAILED : TC_PBX_END_GONE,
				     .text = "the trunk did not report its end"};
	bool silent = !call->callee && !call->alive; /* an earlier process's, unheard of */

	if (silent || call->hung_up || !call->originated) {
		if (call->callee && call->trunk)
			trunk_outcome(call->trunk, call->id, call->placed_us, false);
		if (silent) /* should it turn up yet, nobody wants it */
			trunk_hangup(call->trunk, call->id);
		monitor_ended(call, &event);
		return;
	}
	tc_log(NULL, TC_LOG_WARN, "call %s: goes on for too long, hanging up", call->id);
	call_hang_up(call);
	monitor_limit(call, END_MS);
}

void monitor_limit(struct call *call, int64_t limit_ms)
{
	if (!call->limit.fn)
		loop_timer_init(&call->limit, call->caller->deps.loop, limit_reached, call);
	loop_timer_start_us(&call->limit, limit_ms * 1000);
}

void monitor_limit_left(struct call *call, bool talks)
{
	const struct caller *caller = call->caller;
	int64_t limit_ms = talks ? TALK_MS : caller->deps.config->ring_timeout + ANSWER_MS;
	int64_t now_us = loop_wall_us(caller->deps.loop);
	int64_t since_us = talks ? call->answered_us : call->placed_us;
	int64_t left_ms = limit_ms - (since_us ? now_us - since_us : 0) / 1000;

	/* the wall clock may have been set meanwhile */
	monitor_limit(call, left_ms < 0 ? 0 : left_ms > limit_ms ? limit_ms : left_ms);
}

static bool any_wanted(const struct call *call)
{
	const struct ride *ride;

	TAILQ_FOREACH(ride, &call->rides, link)
		if (ride->page && !ride->page->stopped)
			return true;
	return false;
}

/* What the end means, as far as no key has decided. */
static enum call_result end_of(const struct call *call, const struct tc_pbx_event *event)
{
	bool answered = call->state == CALL_ANSWERED, heard = rides_heard(call);

	if (answered && call->machine &&
	    (event->end == TC_PBX_END_REMOTE || event->end == TC_PBX_END_LOCAL))
		return CALL_MACHINE;
	switch (event->end) {
	case TC_PBX_END_GONE:
		return call_waits(call) || !call->originated ? CALL_CANCELLED : CALL_LOST;
	case TC_PBX_END_TIMEOUT:
		return CALL_NO_ANSWER;
	case TC_PBX_END_BUSY:
		return CALL_BUSY;
	case TC_PBX_END_REJECTED:
		return CALL_REJECTED;
	case TC_PBX_END_UNREACHABLE:
		return CALL_UNREACHABLE;
	case TC_PBX_END_CONGESTION:
		return CALL_CONGESTION;
	case TC_PBX_END_TRUNK: /* nothing came back at all, or something that refuses us */
		return event->sip ? CALL_FAILED : CALL_UNREACHABLE;
	case TC_PBX_END_LOCAL:
		if (!call->callee)
			return call->alive ? CALL_CANCELLED : CALL_LOST;
		if (!any_wanted(call))
			return heard ? CALL_HEARD : CALL_CANCELLED;
		if (call_waits(call)) /* its page was retired */
			return CALL_CANCELLED;
		if (!answered) /* it rang for too long, and the trunk did not see to it */
			return CALL_NO_ANSWER;
		return heard ? CALL_HEARD : CALL_UNHEARD;
	case TC_PBX_END_REMOTE:
		return heard ? CALL_HEARD : CALL_UNHEARD;
	default:
		return CALL_FAILED;
	}
}

static void count(const struct call *call)
{
	char labels[160] = "";

	metrics_label(labels, sizeof(labels), "result", call_result_name(call->result));
	metrics_label(labels, sizeof(labels), "trunk",
		      call->trunk ? call->trunk->instance->name : "");
	metrics_count("tocsin_calls_total", "Calls that have ended, by result and trunk.", labels,
		      1);
}

/* "busy (486)", "no answer (480, Q.850 19)" */
static void describe(const struct call *call, enum call_result result, struct tc_buf *out)
{
	tc_buf_puts(out, call_result_text(result));
	if (call->sip && call->q850)
		tc_buf_printf(out, " (%d, Q.850 %d)", call->sip, call->q850);
	else if (call->sip)
		tc_buf_printf(out, " (%d)", call->sip);
	else if (call->q850)
		tc_buf_printf(out, " (Q.850 %d)", call->q850);
	if (call->cause[0] && (result == CALL_FAILED || result == CALL_UNREACHABLE))
		tc_buf_printf(out, ": %s", call->cause);
}

/* Why one of an earlier process has ended. */
static const char *why_over(const struct call *call)
{
	if (!call->originated)
		return "the daemon ended, the call was never placed";
	return call->hung_up ? call->let_go : "the daemon ended during this call";
}

/*
 * What one of an earlier process has used up. When the trunk may have failed another one may have
 * been left to try: that is no attempt, rather one call more than one too few.
 */
static enum page_use unpaged_use(enum call_result result)
{
	return result == CALL_LOST || result == CALL_CANCELLED || result == CALL_UNREACHABLE ||
			       result == CALL_CONGESTION || result == CALL_FAILED
		       ? PAGE_USE_NONE
		       : PAGE_USE_ATTEMPT;
}

/* How the call went for one of its alerts; a result that a key has decided stands. */
static enum call_result ride_result(const struct ride *ride, enum call_result end)
{
	bool told = end == CALL_HEARD || end == CALL_UNHEARD;

	if (ride->result)
		return ride->result;
	if (ride->asked && ack_result(ride)) /* it is being seen to */
		return ack_result(ride);
	if (told && ride->heard)
		return CALL_HEARD;
	if (told && ride->page && ride->page->stopped)
		return CALL_CANCELLED;
	return told ? CALL_UNHEARD : end;
}

static void end_event(struct ride *ride, const char *reason)
{
	struct call *call = ride->call;
	struct tc_buf text = {0};

	describe(call, ride->result, &text);
	if (call->n_rides > 1)
		call_event(call, ride->alert_id, "call.ended", reason,
			   "called %s, with %u other alert%s: %s", call_whom(call),
			   call->n_rides - 1, call->n_rides == 2 ? "" : "s", text.data);
	else
		call_event(call, ride->alert_id, "call.ended", reason, "called %s: %s",
			   call_whom(call), text.data);
	tc_buf_fini(&text);
}

static void results(struct call *call, enum call_result end)
{
	struct ride *ride;

	TAILQ_FOREACH(ride, &call->rides, link)
		ride->result = ride_result(ride, end);
	call->result = rides_decided(call) ? rides_decided(call) : end;
}

/* The end, for each of the alerts in it. */
static void end_rides(struct call *call, enum page_use use)
{
	struct ride *ride;

	TAILQ_FOREACH(ride, &call->rides, link) {
		char *reason = NULL;

		ride->use = ride->page ? use : unpaged_use(ride->result);
		ride_change(ride);
		if (call->callee)
			reason = redial_after(ride);
		end_event(ride, call->callee ? reason : why_over(call));
		free(reason);
	}
}

/* The pages are rid of it, and the person can be called again. */
static void detach(struct call *call)
{
	struct ride *ride;

	TAILQ_FOREACH(ride, &call->rides, link) {
		struct page *page = ride->page;

		ride_close(ride);
		ride->page = NULL;
		if (!page)
			continue;
		page->ride = NULL;
		if (page->stopped)
			page_free(page);
		else if (page->over)
			loop_timer_start_us(&page->tell, 0);
	}
	callee_end(call);
}

void monitor_ended(struct call *call, const struct tc_pbx_event *event)
{
	enum page_use use = PAGE_USE_NONE;

	if (call->state == CALL_ENDED)
		return;
	results(call, end_of(call, event));
	call->sip = event->sip;
	call->q850 = event->q850;
	tc_strcopy(call->cause, sizeof(call->cause), event->text);
	if (event->total_ms)
		call->spoken_ms = call->spoken_before_ms + event->total_ms;
	call->ended_us = event_wall_us(call, event);
	call_enter(call, CALL_ENDED, call_result_name(call->result));
	count(call);
	/* one that was not sent for the number's sake says nothing of the trunk */
	if (call->trunk && (call->originated || event->end == TC_PBX_END_TRUNK))
		trunk_ended(call->trunk, call->id, call->placed_us, event->end);
	loop_timer_stop(&call->limit);
	loop_timer_stop(&call->defer);
	loop_timer_stop(&call->machine_beep);
	pin_drop(call);
	if (call->callee)
		use = redial_callee(call, event->end);
	end_rides(call, use);
	call_record(call, NULL, NULL, recover_over, "%s", "");
	detach(call);
	place_leave(call);
	call_release(call);
}

void monitor_event(void *arg, struct trunk *trunk, const struct tc_pbx_event *event)
{
	static void (*const on[TC_PBX_EVENT_COUNT])(struct call *call,
						    const struct tc_pbx_event *event) = {
		[TC_PBX_PLACED] = on_placed,
		[TC_PBX_RINGING] = on_ringing,
		[TC_PBX_ANSWERED] = on_answered,
		[TC_PBX_DTMF] = on_dtmf,
		[TC_PBX_PLAYED] = on_played,
		[TC_PBX_RESUMED] = on_resumed,
		[TC_PBX_RELEASED] = on_released,
		[TC_PBX_MACHINE] = machine_found,
		[TC_PBX_BEEP] = machine_beep,
		[TC_PBX_ENDED] = monitor_ended,
	};
	struct caller *caller = arg;
	struct call *call = caller_find(caller, event->call_id);
	bool ours = call && call->trunk == trunk && call->state != CALL_ENDED;

	if (event->type >= TC_PBX_EVENT_COUNT ||
	    (!call && (drill_event(caller, trunk, event) ||
			inbound_event(caller->inbound, trunk, event))))
		return;
	if (!ours && event->type == TC_PBX_FOUND)
		recover_found(caller, trunk, event->call_id);
	if (!ours || !on[event->type])
		return;
	if ((!call->callee || call->word) && event->type != TC_PBX_ENDED)
		recover_alive(call, call->state == CALL_ANSWERED || event->type > TC_PBX_RINGING);
	on[event->type](call, event);
}
