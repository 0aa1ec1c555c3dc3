/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking in: alerts that triggers hand over are checked, deduplicated and committed, all of a
 * batch in one transaction; only then is anybody told, and only then does the work on them begin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/log.h>

#include "alert/book.h"
#include "alert/intake_check.h"
#include "alert/notice.h"
#include "host/host.h"
#include "host/id.h"
#include "host/metrics.h"
#include "store/escalation_repo.h"
#include "store/journal.h"
#include "store/notice_repo.h"
#include "store/store.h"

#define LOOK_US (1000 * 1000)

/* An alert that an item has ended beside the one that it names. */
struct relative {
	char id[TC_ID_SIZE];
	struct event_row event;
	bool over; /* after an unsure commit: it is in the store */
};

/* One item on its way through the store. */
struct item {
	enum tc_intake_action action;
	enum tc_dedup dedup;
	struct alert_row row;
	char *strings;          /* owned: all of the row's text, one behind the other */
	char *raiser;           /* owned; the instance that wants to hear what becomes of it, or
				   NULL */
	char *labels;           /* owned */
	struct event_row event; /* alert.raised, alert.resolved */
	char text[160];
	struct escalation e;    /* RAISE only: as it begins, and what is told of that */
	struct escalation_notes notes;
	struct event_row *begins; /* owned; one for each note */
	size_t begins_n;
	char *body;             /* owned */
	char found_id[TC_ID_SIZE]; /* the alert that was there */
	char found_state[16];
	bool chosen; /* the id of the row was chosen by who sent it */
	bool created, resolved;
	const char *family;        /* in strings; RESOLVE only */
	struct relative *relatives; /* owned */
	size_t relatives_n;
	bool there;                /* after an unsure commit: it is in the store, and open */
};

struct batch {
	TAILQ_ENTRY(batch) link; /* while it is unsure */
	struct loop_timer look;
	struct alerts *alerts;
	tc_intake_done_fn done;
	void *arg;
	size_t n;
	struct item items[];
};

/* ---- copying ---- */

/* Append a copy to the block of strings; NULL stays NULL. */
static const char *keep(char **at, const char *s)
{
	char *copy = *at;
	size_t len;

	if (!s)
		return NULL;
	len = strlen(s) + 1;
	memcpy(copy, s, len);
	*at += len;
	return copy;
}

static size_t room_for(const struct tc_intake *in, const char *severity, const char *strategy)
{
	const char *const all[] = {in->message, in->target,   strategy,     severity,
				   in->language, in->voice, in->source, in->dedup_key,
				   in->family};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		n += all[i] ? strlen(all[i]) + 1 : 0;
	return n;
}

static void copy_item(struct item *item, const struct tc_intake *in, int64_t now_us)
{
	const char *severity = in->severity ? in->severity : "critical";
	const char *strategy = in->strategy ? in->strategy : "call";
	char *at = item->strings = tc_alloc(room_for(in, severity, strategy));

	item->action = in->action;
	item->dedup = in->dedup;
	item->labels = in->labels && json_object_size(in->labels)
			       ? json_dumps(in->labels, JSON_COMPACT)
			       : NULL;
	item->chosen = in->id != NULL;
	if (in->id)
		tc_strcopy(item->row.id, sizeof(item->row.id), in->id);
	else
		id_new(item->row.id, now_us);
	item->row.state = "open";
	item->row.message = keep(&at, in->message);
	item->row.target = keep(&at, in->target);
	item->row.strategy = keep(&at, strategy);
	item->row.severity = keep(&at, severity);
	item->row.language = keep(&at, in->language);
	item->row.voice = keep(&at, in->voice);
	item->row.source = keep(&at, in->source);
	item->row.dedup_key = keep(&at, in->dedup_key);
	item->family = keep(&at, in->family);
	item->row.labels = item->labels ? item->labels : "{}";
	item->row.created_us = item->row.updated_us = now_us;
	snprintf(item->text, sizeof(item->text), "%s by %.100s",
		 in->action == TC_INTAKE_RAISE ? "raised" : "resolved",
		 in->source ? in->source : "an unnamed source");
	item->event = (struct event_row){
		.at_us = now_us,
		.what = in->action == TC_INTAKE_RAISE ? "alert.raised" : "alert.resolved",
		.text = item->text,
		.reason = in->action == TC_INTAKE_RAISE ? NULL : "its condition is over"};
}

/* How its escalation begins is worked out now, to be committed with it. */
static void begin_item(struct alerts *alerts, struct item *item, const json_t *labels)
{
	const struct escalation_note *note;

	course_begin(alerts, &item->row, labels, &item->e, &item->notes);
	item->body = escalation_format(&item->e);
	STAILQ_FOREACH(note, &item->notes, link)
		item->begins_n++;
	item->begins = tc_calloc(item->begins_n + 1, sizeof(*item->begins));
	item->begins_n = 0;
	STAILQ_FOREACH(note, &item->notes, link)
		item->begins[item->begins_n++] = (struct event_row){.at_us = item->row.created_us,
								    .alert_id = item->row.id,
								    .what = note->what,
								    .text = note->text,
								    .reason = note->reason};
}

static void batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		escalation_fini(&b->items[i].e);
		escalation_notes_free(&b->items[i].notes);
		free(b->items[i].begins);
		free(b->items[i].body);
		free(b->items[i].strings);
		free(b->items[i].raiser);
		free(b->items[i].labels);
		free(b->items[i].relatives);
	}
	free(b);
}

/* ---- in the store's thread ---- */

static bool one_of(const char *state, const char *a, const char *b)
{
	return !strcmp(state, a) || !strcmp(state, b);
}

/* Does the alert that was found take the new one in? */
static bool takes_in(const struct item *item)
{
	const char *state = item->found_state;

	if (one_of(state, "open", "acknowledged"))
		return true;
	return item->dedup == TC_DEDUP_ONCE && one_of(state, "resolved", "cancelled");
}

static int find(struct db *db, struct item *item)
{
	int found = 0;

	item->found_id[0] = '\0';
	if (item->row.dedup_key)
		found = alert_by_key(db, item->row.dedup_key, item->found_id, item->found_state);
	return found;
}

/* One of this very id, whatever became of it: 1 found, 0 none. */
static int find_chosen(struct db *db, struct item *item)
{
	struct alert_row row;
	int found = item->chosen ? alert_get(db, item->row.id, &row) : 0;

	if (found <= 0)
		return found;
	tc_strcopy(item->found_id, sizeof(item->found_id), row.id);
	tc_strcopy(item->found_state, sizeof(item->found_state), row.state);
	alert_row_fini(&row);
	return 1;
}

static int insert_escalation(struct db *db, struct item *item)
{
	struct escalation_row row = {.version = 1,
				     .ack_timeout_ms = item->e.ack_timeout_ms,
				     .body = item->body};
	int err;

	tc_strcopy(row.alert_id, sizeof(row.alert_id), item->row.id);
	err = escalation_insert(db, &row);
	for (size_t i = 0; i < item->begins_n && !err; i++)
		err = event_insert(db, &item->begins[i]);
	return err;
}

static int raise_one(struct db *db, struct item *item)
{
	int err = find_chosen(db, item);

	item->created = false;
	if (err)
		return err < 0 ? err : 0;
	err = find(db, item);
	if (err < 0)
		return err;
	if (err && takes_in(item))
		return 0;
	err = alert_insert(db, &item->row);
	if (err)
		return err;
	item->created = true;
	item->event.alert_id = item->row.id;
	err = event_insert(db, &item->event);
	if (!err)
		err = insert_escalation(db, item);
	if (!err && item->raiser)
		err = notice_raiser_insert(db, item->row.id, item->raiser);
	return err;
}

#define ENDS_FROM "open,acknowledged,exhausted"

static int resolved(struct db *db, const struct item *item, struct event_row *event)
{
	int err = event_insert(db, event);

	if (!err)
		err = escalation_over(db, event->alert_id);
	return err ? err
		   : notice_decided(db, event->alert_id, "resolved", item->row.source, false,
				    event->at_us);
}

/* The others of its family: Alertmanager may name another start than the one that was raised. */
static int resolve_relatives(struct db *db, struct item *item)
{
	char id[TC_ID_SIZE];
	int err = 0;

	item->relatives_n = 0;
	while (item->family && (err = alert_by_prefix(db, item->family, id)) == 1) {
		struct relative *r;
		char state[16];

		err = alert_set_state(db, id, ENDS_FROM, "resolved", NULL, item->event.at_us,
				      state);
		if (err)
			return err;
		item->relatives = tc_realloc(item->relatives,
					     (item->relatives_n + 1) * sizeof(*item->relatives));
		r = &item->relatives[item->relatives_n++];
		tc_strcopy(r->id, sizeof(r->id), id);
		r->event = item->event;
		r->event.alert_id = id;
		err = resolved(db, item, &r->event);
		if (err)
			return err;
	}
	return err;
}

static int resolve_one(struct db *db, struct item *item)
{
	int err = find(db, item);

	item->resolved = false;
	if (err < 0)
		return err;
	if (err)
		err = alert_set_state(db, item->found_id, ENDS_FROM, "resolved", NULL,
				      item->event.at_us, item->found_state);
	else
		err = -EPERM; /* none of this key */
	if (!err) {
		item->resolved = true;
		tc_strcopy(item->found_state, sizeof(item->found_state), "resolved");
		item->event.alert_id = item->found_id;
		err = resolved(db, item, &item->event);
	}
	return err && err != -EPERM ? err : resolve_relatives(db, item);
}

static int run(struct db *db, void *arg)
{
	struct batch *b = arg;
	int err = 0;

	for (size_t i = 0; i < b->n && !err; i++)
		err = b->items[i].action == TC_INTAKE_RAISE ? raise_one(db, &b->items[i])
							    : resolve_one(db, &b->items[i]);
	return err;
}

/* ---- back on the loop ---- */

static const char *constant_state(const char *state)
{
	static const char *const all[] = {"open", "acknowledged", "resolved", "cancelled",
					  "exhausted"};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(all[i], state))
			return all[i];
	return "open";
}

static void end_work(struct alerts *alerts, const char *id, const char *state)
{
	struct alert *alert = book_find(alerts, id);

	if (alert)
		book_close(alert, state);
	else
		resume_forget(alerts, id);
}

static void work_on(struct alerts *alerts, struct item *item)
{
	struct alert *alert = book_open(alerts, &item->row, &item->e, 1);

	if (alert)
		course_wake(alert);
}

static void act(struct alerts *alerts, struct item *item)
{
	if (item->created) {
		journal_publish(alerts->journal, &item->event);
		for (size_t i = 0; i < item->begins_n; i++)
			journal_publish(alerts->journal, &item->begins[i]);
		work_on(alerts, item);
	}
	if (item->resolved)
		journal_publish(alerts->journal, &item->event);
	/* also one that was over already: by a commit that was done and reported as lost */
	if (item->action == TC_INTAKE_RESOLVE && item->found_id[0])
		end_work(alerts, item->found_id, item->found_state);
	for (size_t i = 0; i < item->relatives_n; i++) {
		struct relative *r = &item->relatives[i];

		r->event.alert_id = r->id;
		journal_publish(alerts->journal, &r->event);
		end_work(alerts, r->id, "resolved");
	}
}

static void answer(struct batch *b)
{
	struct tc_intake_result *r = tc_calloc(b->n, sizeof(*r));

	for (size_t i = 0; i < b->n; i++) {
		const struct item *item = &b->items[i];

		r[i].deduplicated = item->action == TC_INTAKE_RAISE && !item->created;
		tc_strcopy(r[i].id, TC_ID_SIZE, item->created ? item->row.id : item->found_id);
		r[i].state = item->created ? "open" : constant_state(item->found_state);
		if (item->relatives_n && !item->resolved) {
			tc_strcopy(r[i].id, TC_ID_SIZE, item->relatives[0].id);
			r[i].state = "resolved";
		}
	}
	b->done(b->arg, 0, r, b->n);
	free(r);
}

/* ---- a commit of which nobody knows whether it was done ---- */

/*
 * Whoever sent the batch was told to try again. But when it was stored, a repetition finds the
 * alerts there, and they would be nobody's work until the next start; or it finds them over, and
 * people would be called for them on and on: so look.
 */
static int is_in_state(struct db *db, const char *id, const char *state, bool *is)
{
	struct alert_row row;
	int found = alert_get(db, id, &row);

	*is = false;
	if (found <= 0)
		return found;
	*is = !strcmp(row.state, state);
	alert_row_fini(&row);
	return 0;
}

static int run_look(struct db *db, void *arg)
{
	struct batch *b = arg;
	int err = 0;

	for (size_t i = 0; i < b->n && !err; i++) {
		struct item *item = &b->items[i];

		item->there = false;
		if (item->created)
			err = is_in_state(db, item->row.id, "open", &item->there);
		for (size_t k = 0; k < item->relatives_n && !err; k++)
			err = is_in_state(db, item->relatives[k].id, "resolved",
					  &item->relatives[k].over);
	}
	return err;
}

static void look_later(struct batch *b);

static void looked(void *arg, int err)
{
	struct batch *b = arg;

	if (err) {
		look_later(b);
		return;
	}
	for (size_t i = 0; i < b->n; i++) {
		if (b->items[i].there) {
			tc_log(NULL, TC_LOG_WARN, "alert %s: was stored after all",
			       b->items[i].row.id);
			work_on(b->alerts, &b->items[i]);
		}
		for (size_t k = 0; k < b->items[i].relatives_n; k++)
			if (b->items[i].relatives[k].over)
				end_work(b->alerts, b->items[i].relatives[k].id, "resolved");
	}
	notices_wake(b->alerts->notices);
	batch_free(b);
}

static void look(void *arg)
{
	struct batch *b = arg;

	TAILQ_REMOVE(&b->alerts->unsure, b, link);
	if (store_read(b->alerts->store, run_look, looked, b))
		look_later(b);
}

static void look_later(struct batch *b)
{
	TAILQ_INSERT_TAIL(&b->alerts->unsure, b, link);
	loop_timer_init(&b->look, b->alerts->loop, look, b);
	loop_timer_start_us(&b->look, LOOK_US);
}

void intake_drop(struct alerts *alerts)
{
	struct batch *b;

	while ((b = TAILQ_FIRST(&alerts->unsure))) {
		TAILQ_REMOVE(&alerts->unsure, b, link);
		loop_timer_stop(&b->look);
		batch_free(b);
	}
}

/* Its statements were run, and something became of the commit. */
static bool unsure(const struct batch *b, int err)
{
	for (size_t i = 0; i < b->n; i++)
		if (err == -EHOSTDOWN && (b->items[i].created || b->items[i].relatives_n))
			return true;
	return false;
}

/* Some alert is over: there may be something to tell. */
static bool has_ended(const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].resolved || b->items[i].relatives_n)
			return true;
	return false;
}

static void done(void *arg, int err)
{
	struct batch *b = arg;

	if (err) {
		tc_log(NULL, TC_LOG_ERROR, "%zu alerts could not be stored: %s", b->n,
		       tc_strerror(err));
		b->done(b->arg, -EAGAIN, NULL, 0);
		if (unsure(b, err))
			look_later(b);
		else
			batch_free(b);
		return;
	}
	answer(b); /* who waits is told first */
	if (has_ended(b))
		notices_wake(b->alerts->notices);
	for (size_t i = 0; i < b->n; i++) {
		metrics_count("tocsin_alerts_total", "Alerts taken in, deduplicated or resolved.",
			      b->items[i].created    ? "how=\"raised\""
			      : b->items[i].resolved ? "how=\"resolved\""
						     : "how=\"known\"",
			      1);
		act(b->alerts, &b->items[i]);
	}
	batch_free(b);
}

int tc_intake_check(struct tc_instance *self, const struct tc_intake *item, struct tc_errors *errs)
{
	struct alerts *alerts = host_services(self->host)->alerts;

	return alerts ? intake_check(alerts, item, 1, errs) : -EAGAIN;
}

int tc_intake_submit(struct tc_instance *self, const struct tc_intake *items, size_t n,
		     struct tc_errors *errs, tc_intake_done_fn fn, void *arg)
{
	struct alerts *alerts = host_services(self->host)->alerts;

	return alerts ? alerts_submit(alerts, notice_wanted(self) ? self : NULL, items, n, errs,
				      fn, arg)
		      : -EAGAIN;
}

int alerts_submit(struct alerts *alerts, const struct tc_instance *raiser,
		  const struct tc_intake *items, size_t n, struct tc_errors *errs,
		  tc_intake_done_fn fn, void *arg)
{
	int err = intake_check(alerts, items, n, errs);
	struct batch *b;

	if (err)
		return err;
	b = tc_alloc(sizeof(*b) + n * sizeof(b->items[0]));
	b->alerts = alerts;
	b->done = fn;
	b->arg = arg;
	b->n = n;
	for (size_t i = 0; i < n; i++) {
		struct item *item = &b->items[i];

		copy_item(item, &items[i], loop_wall_us(alerts->loop));
		STAILQ_INIT(&item->notes);
		item->raiser = tc_strdup(raiser ? raiser->name : NULL);
		if (item->action == TC_INTAKE_RAISE)
			begin_item(alerts, item, items[i].labels);
	}
	err = store_write(alerts->store, run, done, b);
	if (err)
		batch_free(b);
	return err;
}
