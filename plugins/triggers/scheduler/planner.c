/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries of the planner: read after a start, and changed. A change is written first and
 * counts when it is committed; an entry has one change at a time. When something is due is due.c's.
 */
#include "planner.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#define KEY_PREFIX "plan/"
#define AGAIN_MS 1000

/* ---- beginning and end ---- */

static void entry_free(struct entry *e)
{
	TAILQ_REMOVE(&e->planner->entries, e, link);
	if (e->there && e->plan.state == PLAN_PLANNED)
		e->planner->planned--;
	plan_fini(&e->plan);
	plan_fini(&e->next);
	tc_recur_free(e->recur);
	tc_timer_free(e->again);
	free(e->trouble);
	free(e->text);
	free(e->reason);
	free(e);
}

void planner_hold(struct planner *planner)
{
	planner->refs++;
}

void planner_release(struct planner *planner)
{
	if (--planner->refs)
		return;
	while (!TAILQ_EMPTY(&planner->entries))
		entry_free(TAILQ_FIRST(&planner->entries));
	free(planner->routes);
	free(planner->one_path);
	free(planner);
}

void planner_close(struct planner *planner)
{
	struct waiting *w;
	struct entry *e;

	planner->self = NULL;
	planner->cfg = NULL;
	tc_timer_free(planner->timer);
	planner->timer = NULL;
	TAILQ_FOREACH(e, &planner->entries, link) {
		tc_timer_free(e->again);
		e->again = NULL;
	}
	while ((w = STAILQ_FIRST(&planner->waiting))) {
		STAILQ_REMOVE_HEAD(&planner->waiting, link);
		tc_http_problem(w->req, 503, NULL, "the scheduler is being stopped");
		free(w);
	}
	planner_release(planner);
}

static struct entry *entry_new(struct planner *planner)
{
	struct entry *e = tc_alloc(sizeof(*e));

	e->planner = planner;
	TAILQ_INSERT_TAIL(&planner->entries, e, link);
	return e;
}

struct entry *planner_find(struct planner *planner, const char *id)
{
	struct entry *e;

	TAILQ_FOREACH(e, &planner->entries, link)
		if (e->there && !strcmp(e->plan.id, id))
			return e;
	return NULL;
}

/* ---- requests that wait ---- */

void planner_wait(struct planner *planner, const char *id, struct tc_http_req *req, tc_http_fn fn)
{
	struct waiting *w = tc_alloc(sizeof(*w));

	tc_strcopy(w->id, sizeof(w->id), id);
	w->req = req;
	w->fn = fn;
	STAILQ_INSERT_TAIL(&planner->waiting, w, link);
}

/* Those that wait for this have their turn; they may begin something that others wait for then. */
static void let_in(struct planner *planner, const char *id)
{
	struct waiting_list mine = STAILQ_HEAD_INITIALIZER(mine), others;
	struct waiting *w;

	STAILQ_INIT(&others);
	while ((w = STAILQ_FIRST(&planner->waiting))) {
		STAILQ_REMOVE_HEAD(&planner->waiting, link);
		if (!strcmp(w->id, id))
			STAILQ_INSERT_TAIL(&mine, w, link);
		else
			STAILQ_INSERT_TAIL(&others, w, link);
	}
	STAILQ_CONCAT(&planner->waiting, &others);
	while ((w = STAILQ_FIRST(&mine))) {
		STAILQ_REMOVE_HEAD(&mine, link);
		w->fn(w->req, planner);
		free(w);
	}
}

/* ---- what is kept ---- */

static void on_entry(void *arg, const char *key, const char *text)
{
	struct planner *planner = arg;
	struct entry *e;
	struct plan plan;

	if (!planner->self)
		return;
	if (!plan_read(&plan, key + strlen(KEY_PREFIX), text)) {
		planner->unreadable++;
		tc_log(planner->self, TC_LOG_ERROR, "what is kept under %s cannot be read", key);
		return;
	}
	e = entry_new(planner);
	e->plan = plan;
	e->there = true;
	planner->planned += plan.state == PLAN_PLANNED;
}

static void on_loaded(void *arg, int err)
{
	struct planner *planner = arg;

	planner->unread = err != 0;
	if (planner->self && err) {
		tc_timer_start(planner->timer, AGAIN_MS);
	} else if (planner->self) {
		planner->loaded = true;
		tc_log(planner->self, TC_LOG_INFO, "%zu alerts are planned", planner->planned);
		planner_pass(planner);
		let_in(planner, "");
	}
	planner_release(planner);
}

static void load(struct planner *planner)
{
	planner_hold(planner);
	if (!tc_keep_read(planner->self, KEY_PREFIX, on_entry, on_loaded, planner))
		return;
	tc_timer_start(planner->timer, AGAIN_MS);
	planner_release(planner);
}

static void on_timer(void *arg)
{
	struct planner *planner = arg;

	if (planner->loaded)
		planner_pass(planner);
	else
		load(planner);
}

struct planner *planner_new(struct tc_instance *self, const struct scheduler_config *cfg)
{
	struct planner *planner = tc_alloc(sizeof(*planner));

	planner->self = self;
	planner->cfg = cfg;
	planner->refs = 1;
	planner->wall_us = tc_wall_us;
	TAILQ_INIT(&planner->entries);
	STAILQ_INIT(&planner->waiting);
	planner->timer = tc_timer_new(self, on_timer, planner);
	load(planner);
	return planner;
}

/* ---- changes ---- */

void entry_idle(struct entry *e)
{
	struct planner *planner = e->planner;

	e->busy = false;
	let_in(planner, e->plan.id);
	planner_wake(planner);
}

/* It is committed: the plan is the new one. */
static void take_over(struct entry *e)
{
	bool added = e->change == CHANGE_ADD;

	if (e->there && e->plan.state == PLAN_PLANNED && e->next.state != PLAN_PLANNED)
		e->planner->planned--;
	if (added || e->change == CHANGE_EDIT) { /* its rule may be another one */
		tc_recur_free(e->recur);
		e->recur = NULL;
	}
	plan_fini(&e->plan);
	e->plan = e->next;
	e->next = (struct plan){.id = ""};
	e->there = true;
	e->tried = false;
	e->retry_us = 0;
	free(e->trouble);
	e->trouble = NULL;
}

static void write_again(struct entry *e);

static void on_written(void *arg, int err)
{
	struct entry *e = arg;
	struct planner *planner = e->planner;
	changed_fn changed = e->changed;
	bool gone = e->change == CHANGE_REMOVE || (e->change == CHANGE_REPAIR && !e->there);

	e->changed = NULL;
	if (!err && !gone && e->change != CHANGE_REPAIR)
		take_over(e);
	if (changed)
		changed(e->arg, err, e);
	if (!planner->self) {
		planner_release(planner);
		return; /* what could not be written is found again after the next start */
	}
	if (err) {
		if (changed) {
			e->change = CHANGE_REPAIR; /* nobody knows which of the two is there */
			if (!e->there)
				planner->planned--;
		}
		write_again(e);
	} else if (gone) {
		entry_free(e);
	} else {
		plan_fini(&e->next); /* of a repair; else it is empty */
		entry_idle(e);
	}
	planner_release(planner);
}

/* Hand it to the store: the new plan, or for a repair the old one. */
static void write_now(void *arg)
{
	struct entry *e = arg;
	bool old = e->change == CHANGE_REPAIR || e->change == CHANGE_REMOVE;
	const struct plan *plan = old ? &e->plan : &e->next;
	const struct tc_keep_event event = {e->what, e->text, e->reason};
	bool nothing = e->change == CHANGE_REMOVE || (old && !e->there);
	char *key = tc_asprintf(KEY_PREFIX "%s", e->there || !old ? plan->id : e->next.id);
	char *text = nothing ? NULL : plan_text(plan);
	int err;

	planner_hold(e->planner);
	err = tc_keep_put_event(e->planner->self, key, text,
				!old && e->what ? &event : NULL, on_written, e);
	free(key);
	free(text);
	if (!err)
		return;
	planner_release(e->planner);
	write_again(e); /* also for those who are to be told: never inside their call */
}

/* Later; who waits for an answer gets it first. */
static void write_later(void *arg)
{
	struct entry *e = arg;

	if (!e->changed) {
		write_now(e);
		return;
	}
	planner_hold(e->planner);
	on_written(e, -EAGAIN);
}

static void write_again(struct entry *e)
{
	if (!e->again)
		e->again = tc_timer_new(e->planner->self, write_later, e);
	tc_timer_start(e->again, e->changed ? 0 : AGAIN_MS);
}

void entry_change(struct entry *e, enum change change, struct plan *next, const char *what,
		  char *text, char *reason, changed_fn changed, void *arg)
{
	e->busy = true;
	e->change = change;
	if (next) {
		e->next = *next;
		e->next.version = e->plan.version + 1;
		e->next.updated_us = e->planner->wall_us();
	}
	free(e->text);
	free(e->reason);
	e->what = what;
	e->text = text;
	e->reason = reason;
	e->changed = changed;
	e->arg = arg;
	write_now(e);
}

int planner_add(struct planner *planner, struct plan *plan, char *text, changed_fn changed,
		void *arg)
{
	if (planner->planned >= (size_t)planner->cfg->max_planned) {
		plan_fini(plan);
		free(text);
		return -ENOSPC;
	}
	planner->planned++;
	plan->created_us = planner->wall_us();
	entry_change(entry_new(planner), CHANGE_ADD, plan, "planned.added", text, NULL, changed,
		     arg);
	return 0;
}

/* ---- recurrences ---- */

int64_t entry_next(struct entry *e, int64_t after_us, char **fault)
{
	char why[256] = "";
	int64_t next;

	if (!e->recur && tc_recur_new(&e->recur, e->plan.rrule, e->plan.start, e->plan.timezone,
				      why, sizeof(why))) {
		*fault = tc_strdup(why);
		return 0;
	}
	next = tc_recur_next(e->recur, after_us);
	return next == INT64_MAX ? 0 : next;
}

int64_t plan_lateness_us(const struct planner *planner, const struct plan *plan)
{
	int64_t ms = plan->max_lateness_ms < 0 ? planner->cfg->max_lateness_ms
					       : plan->max_lateness_ms;

	return ms * 1000;
}
