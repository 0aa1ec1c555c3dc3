/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of an earlier process: their trunks are asked; one that is up goes on with a page, or is
 * hung up when nobody wants it any more. Which of both is the alert layer's affair.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "call/call.h"
#include "host/host.h"

#define RECOVER_MS 10000 /* for a trunk to tell whether a call is up */
#define FOUND_MAX 4096   /* beyond the calls that all trunks of a daemon have */

/* A call that a trunk has found before it was known whose it is. */
struct found {
	STAILQ_ENTRY(found) link;
	struct trunk *trunk;
	char id[TC_ID_SIZE];
};

/* ---- what becomes of one ---- */

static void tell_ride(struct ride *ride, enum caller_found found)
{
	struct call *call = ride->call;
	struct caller_word word = {.call_id = call->id,
				   .alert_id = ride->alert_id,
				   .serial = ride->serial,
				   .found = found,
				   .past = {.number = call->number,
					    .result = call_result_name(ride->result),
					    .use = ride->use,
					    .attempt = ride->attempt,
					    .placed_us = call->placed_us,
					    .ended_us = call->ended_us}};

	word.pressed = ack_pressed(ride, &word.key, &word.how);
	call->word(call->word_arg, &word);
}

static void tell(struct call *call, enum caller_found found)
{
	struct ride *ride;

	TAILQ_FOREACH(ride, &call->rides, link)
		if (ride->asked && call->word)
			tell_ride(ride, found);
}

void recover_alive(struct call *call, bool talks)
{
	if (!call->alive) {
		call->alive = true;
		monitor_limit_left(call, talks);
	}
	if (call->word)
		tell(call, talks ? CALLER_TALKS : CALLER_RINGS);
	if (!call->word && !call->callee)
		call_hang_up(call);
}

void recover_over(struct call *call)
{
	if (call->word)
		tell(call, CALLER_OVER);
	call->word = NULL;
}

static bool any_asked(const struct call *call)
{
	const struct ride *ride;

	TAILQ_FOREACH(ride, &call->rides, link)
		if (ride->asked)
			return true;
	return false;
}

/* Nobody is to be asked about this one any more. */
static void answered_for(struct ride *ride)
{
	ride->asked = false;
	if (!any_asked(ride->call))
		ride->call->word = NULL;
}

/*
 * What has been said so far is said again: the trunk has stopped it, and nobody knows how far it
 * came.
 */
void recover_take(struct ride *ride, struct page *page)
{
	struct call *call = ride->call;
	bool first = !call->callee;

	answered_for(ride);
	recall_begin(&page->recall, ride->attempt);
	ride_take(ride, page);
	if (first) {
		callee_begin(page->callee, call);
		call->adopted = true;
		call->greeted = call->state == CALL_ANSWERED;
	}
	call_event(call, ride->alert_id, "call.adopted",
		   "the daemon was restarted during this call", "the call to %s goes on",
		   call_whom(call));
	call_record(call, NULL, NULL, NULL, "%s", "");
	if (first)
		play_prepare(call);
	else
		bundle_joined(call);
	ack_again(ride);
}

void caller_let_go(struct caller *caller, const char *call_id, const char *alert_id,
		   const char *why)
{
	struct call *call = caller_find(caller, call_id);
	struct ride *ride = call ? ride_find(call, alert_id) : NULL;

	if (!ride || ride->page || call->state == CALL_ENDED)
		return;
	answered_for(ride);
	if (call->callee || call->word)
		return;
	call->let_go = why;
	if (call->alive)
		call_hang_up(call);
}

/* ---- asking ---- */

static void restore_ride(struct call *call, const struct call_told *told, bool asked)
{
	struct ride *ride = ride_new(call, NULL, told->alert_id);

	ride->serial = told->serial;
	ride->attempt = told->attempt;
	ride->joined_us = told->joined_us;
	ride->result = call_result_find(told->result);
	tc_strcopy(ride->pressed, sizeof(ride->pressed), told->pressed);
	ride->stored = true;
	ride->asked = asked;
}

static struct call *restore(struct caller *caller, const struct call_row *row)
{
	struct call *call = call_new(caller, row->id, row->number);

	tc_strcopy(call->alert_id, sizeof(call->alert_id), row->alert_id);
	call->contact_id = tc_strdup(row->contact_id);
	call->created_us = row->created_us;
	call->placed_us = row->placed_us;
	call->ringing_us = row->ringing_us;
	call->answered_us = row->answered_us;
	call->spoken_ms = call->spoken_before_ms = row->spoken_ms;
	tc_buf_puts(&call->keys, row->keys);
	call->ref = tc_strdup(row->ref);
	call->state = row->answered_us  ? CALL_ANSWERED
		      : row->ringing_us ? CALL_RINGING
					: CALL_PLACING;
	/* never one that the earlier process has used: it cannot have made a list a millisecond */
	call->speaker.play_id =
		(uint32_t)((loop_wall_us(caller->deps.loop) - row->placed_us) / 1000);
	return call;
}

static void gone(void *arg)
{
	struct call *call = arg;

	monitor_ended(call, &(struct tc_pbx_event){.type = TC_PBX_ENDED, .end = TC_PBX_END_GONE});
}

int caller_recover(struct caller *caller, const struct call_row *row, const struct call_told *told,
		   size_t n, caller_word_fn word, void *arg)
{
	struct call *call;

	if (caller_find(caller, row->id))
		return -EEXIST; /* placed while the store was being read */
	call = restore(caller, row);
	for (size_t i = 0; i < n; i++)
		restore_ride(call, &told[i], word != NULL);
	tc_strcopy(call->alert_id, sizeof(call->alert_id), row->alert_id);
	call->word = word;
	call->word_arg = arg;
	call->let_go = "the daemon was restarted during this call, and its alert is closed";
	place_join(call);
	call->trunk = row->trunk ? trunks_find(caller->deps.trunks, row->trunk) : NULL;
	call->speaker.trunk = call->trunk;
	if (call->trunk) { /* one that was queued has never been up: it does not hold the line */
		place_hold(call);
		call->trunk->live++;
		place_up(call);
	}
	if (!call->trunk ||
	    trunk_recover(call->trunk, row->id, row->number, row->ref ? row->ref : ""))
		loop_post(caller->deps.loop, gone, call); /* nothing was sent, or nobody can tell */
	else
		monitor_limit(call, RECOVER_MS);
	return 0;
}

/* ---- what trunks find ---- */

static void not_wanted(struct trunk *trunk, const char *call_id)
{
	tc_log(trunk->instance, TC_LOG_WARN, "call %s is up and nobody's: hanging up", call_id);
	trunk_hangup(trunk, call_id);
}

void recover_found(struct caller *caller, struct trunk *trunk, const char *call_id)
{
	struct found *f;

	if (caller->closing)
		return;
	if (caller->all_known) {
		not_wanted(trunk, call_id);
		return;
	}
	if (caller->found_n == FOUND_MAX) {
		tc_log(trunk->instance, TC_LOG_ERROR,
		       "call %s is up, one of too many to look after: it is left alone", call_id);
		return;
	}
	f = tc_alloc(sizeof(*f));
	f->trunk = trunk;
	tc_strcopy(f->id, sizeof(f->id), call_id);
	STAILQ_INSERT_TAIL(&caller->found, f, link);
	caller->found_n++;
}

void caller_all_known(struct caller *caller)
{
	struct found *f;

	caller->all_known = true;
	STAILQ_FOREACH(f, &caller->found, link) {
		struct call *call = caller_find(caller, f->id);

		if (!call || call->trunk != f->trunk || call->state == CALL_ENDED)
			not_wanted(f->trunk, f->id);
	}
	recover_forget(caller);
}

void recover_forget(struct caller *caller)
{
	struct found *f;

	while ((f = STAILQ_FIRST(&caller->found))) {
		STAILQ_REMOVE_HEAD(&caller->found, link);
		free(f);
	}
	caller->found_n = 0;
}
