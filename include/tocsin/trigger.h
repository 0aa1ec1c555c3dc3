/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a trigger plugin does: hand in alerts, and say that they are over.
 *
 * A trigger has no operations of its own: in open() it adds HTTP routes (http.h) or starts its
 * timers, and calls tc_intake_submit(), or tc_call_callback().
 */
#ifndef TOCSIN_TRIGGER_H
#define TOCSIN_TRIGGER_H

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
	const char *family;     /* RESOLVE: also all that are active and whose dedup_key begins so;
				   NULL = only dedup_key itself */
};

struct tc_intake_result {
	char id[TC_ID_SIZE];   /* "" for a RESOLVE that found nothing */
	const char *state;     /* constant: the alert's state now */
	bool deduplicated;     /* it was taken in by an alert that was there */
};

/*
 * Told once, on the loop thread, never inside the call of tc_intake_submit().
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
