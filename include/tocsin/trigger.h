/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a trigger plugin does: hand in alerts, and say that they are over.
 *
 * In open() a trigger adds HTTP routes (http.h) or starts its timers, and calls tc_intake_submit(),
 * or tc_call_callback(). It has operations (struct tc_trigger_ops) only if it wants to hear what
 * becomes of its alerts, or takes in alerts that are to be raised later.
 */
#ifndef TOCSIN_TRIGGER_H
#define TOCSIN_TRIGGER_H

#include <tocsin/op.h>
#include <tocsin/plugin.h>

#include <jansson.h>

enum tc_intake_action {
	TC_INTAKE_RAISE,   /* somebody must acknowledge this */
	TC_INTAKE_RESOLVE, /* the condition with this dedup_key is over */
};

/* What to do when an alert with the same dedup_key is known. */
enum tc_dedup {
	TC_DEDUP_ACTIVE, /* one that is open or acknowledged takes it in; else a new one */
	TC_DEDUP_ONCE,   /* also one that is resolved or cancelled: the key names one occurrence,
			    and a late
	                    duplicate must not ring again. An exhausted one is raised anew */
};

struct tc_intake {
	enum tc_intake_action action;
	enum tc_dedup dedup;
	const char *message;    /* UTF-8, 1..4096 bytes */
	const char *target;     /* "+4930123", "contact:alice", ... */
	const char *strategy;   /* "call" ..., NULL = call */
	const char *severity;   /* NULL = "critical" */
	const char *language;   /* NULL = the voice's own */
	const char *voice;      /* name of a configured voice, or NULL */
	const char *source;     /* who sent it: "alertmanager/am", the API token's name */
	const char *dedup_key;  /* NULL = never deduplicated; required for RESOLVE */
	json_t *labels;         /* object of strings, borrowed; NULL = none */
	const char *id;         /* RAISE: a UUIDv7 that it is to have, chosen before; when there is
				   an alert of this id that one takes it in. NULL = a new one */
	const char *family;     /* RESOLVE: also all that are active and whose dedup_key begins so;
				   NULL = only dedup_key itself */
};

struct tc_intake_result {
	char id[TC_ID_SIZE];   /* "" for a RESOLVE that found nothing */
	const char *state;     /* constant: the alert's state now */
	bool deduplicated;     /* it was taken in by an alert that was there */
};

/*
 * Told once, on the loop thread, never inside the call of tc_intake_submit(); what is under way
 * when the instance is closed is told after its close().
 *
 * err      0: everything is committed, n results in the order given
 *          -EAGAIN: the store is away or overloaded, nothing is stored; answer 503
 * results  borrowed
 */
typedef void (*tc_intake_done_fn)(void *arg, int err, const struct tc_intake_result *results,
				  size_t n);

/*
 * Take in alerts, all in one transaction: all or none.
 *
 * items    copied before return
 * errs     receives faults of the items: field is the name in struct tc_intake, prefixed
 *          "alerts[i]." when n > 1
 * result   0 taken: done will be called | -EINVAL faults, nothing stored | -EAGAIN too much waits:
 *          answer 503
 * thread   loop
 */
TC_API int tc_intake_submit(struct tc_instance *self, const struct tc_intake *items, size_t n,
			    struct tc_errors *errs, tc_intake_done_fn done, void *arg);

/* ---- what becomes of alerts ---- */

#define TC_DECIDED(X) \
	X(TC_DECIDED_ACKNOWLEDGED, "acknowledged") \
	X(TC_DECIDED_REOPENED, "reopened") /* the acknowledgement has expired, or was undone */ \
	X(TC_DECIDED_RESOLVED, "resolved") \
	X(TC_DECIDED_CANCELLED, "cancelled") \
	X(TC_DECIDED_EXHAUSTED, "exhausted")

enum tc_decided {
#define X(sym, name) sym,
	TC_DECIDED(X)
#undef X
	TC_DECIDED_COUNT
};

/* All borrowed for the call. */
struct tc_decision {
	enum tc_decided what;
	const char *alert_id;
	const char *dedup_key, *source; /* may be NULL */
	const json_t *labels;           /* object */
	const char *message;
	const char *by;                 /* who decided; may be NULL */
	bool silence;                   /* they asked for silence (key 7) */
	int64_t at_us;                  /* wall time */
};

/*
 * Told once, on the loop, never inside the call, also after close() of the instance.
 *
 * err           0 committed | -EAGAIN the store is away | -ENOSPC too much is planned
 * id, at_us     of what is planned; the alert will have this id
 * deduplicated  it was planned before: the same dedup_key at the same time
 */
typedef void (*tc_plan_done_fn)(void *arg, int err, const char *id, int64_t at_us,
				bool deduplicated);

/* All: loop thread, never block; each may be NULL. */
struct tc_trigger_ops {
	/*
	 * An alert that this instance has raised was decided, and that is committed. It is told in
	 * order for an alert, again after a restart, and again until it completes with 0: a
	 * repetition must do no harm.
	 *
	 * op      completes with 0 (text, if any, goes into the alert's timeline), -EAGAIN: told
	 *         again later; another error: never again, text goes into the timeline
	 * result  0 taken | negative: as if it had completed so
	 */
	int (*decided)(void *state, struct tc_op *op, const struct tc_decision *decision);

	/*
	 * Keep an alert that is to be raised later.
	 *
	 * alert     RAISE; checked but for its place in time; copied
	 * at        RFC 3339, or a local time with timezone
	 * timezone  IANA name, or NULL
	 * errs      receives faults of "at" and "timezone"
	 * result    0 done will be called | -EINVAL | -EAGAIN | -ENOSPC
	 */
	int (*plan)(void *state, const struct tc_intake *alert, const char *at,
		    const char *timezone, struct tc_errors *errs, tc_plan_done_fn done, void *arg);
};

/*
 * Have an alert raised later, by the trigger of this configuration that can do that.
 *
 * result  as plan() | -ENOTSUP there is none: configure a trigger with the plugin scheduler
 * thread  loop
 */
TC_API int tc_intake_plan(struct tc_instance *self, const struct tc_intake *alert, const char *at,
			  const char *timezone, struct tc_errors *errs, tc_plan_done_fn done,
			  void *arg);

/*
 * Check an alert as tc_intake_submit() would, and store nothing.
 *
 * result  0 | -EINVAL after faults | -EAGAIN the contacts and schedules are not read yet
 * thread  loop
 */
TC_API int tc_intake_check(struct tc_instance *self, const struct tc_intake *item,
			   struct tc_errors *errs);

/*
 * Was an alert of this id ever taken in? For who has chosen it, and does not know how that ended.
 *
 * done    told once, on the loop, never inside the call, also after close() of the instance;
 *         err: 0 | -EAGAIN the store is away
 * result  0 taken | -EAGAIN
 * thread  loop
 */
typedef void (*tc_intake_found_fn)(void *arg, int err, bool found);
TC_API int tc_intake_find(struct tc_instance *self, const char *id, tc_intake_found_fn done,
			  void *arg);

/* What a PBX's own dialplan tells of a call that it has. */
enum tc_call_callback {
	TC_CALL_HEARD,       /* the message was heard */
	TC_CALL_ACKNOWLEDGE, /* and is acknowledged: as by a key */
};

/*
 * A dialplan reports about a call that a trunk has released to it (pbx.h).
 *
 * call_id  as in originate()
 * result   0 | -ENOENT there is no such call, or it has ended | -EALREADY ACKNOWLEDGE: the alert
 *          was decided before | -EAGAIN the daemon has only just started: ask again
 * thread   loop
 */
TC_API int tc_call_callback(struct tc_instance *self, const char *call_id,
			    enum tc_call_callback what);

/*
 * A text template: {{message}}, {{labels.x}}, {{annotations.y}}, any path into a JSON object. A
 * missing value is "".
 *
 * result  owned by the caller; NULL with *fault set (constant text) when the template is malformed
 * thread  any
 */
TC_API char *tc_template_render(const char *template, const json_t *values, const char **fault);

#endif
