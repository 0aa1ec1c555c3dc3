/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations: each completes once for whoever asked, whatever the plugin, the deadline and a
 * cancellation do. Where the work is done is not known here.
 */
#include <assert.h>
#include <stdlib.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "host/loop.h"
#include "host/runtime.h"

#define OP_MAGIC 0x6f705f31u

/*
 * Two hold an operation: the one who waits (until told), and the plugin (until tc_op_done). The
 * plugin's completion is posted, so everything but the two flags belongs to the loop thread.
 */
struct tc_op {
	uint32_t magic;
	struct tc_instance *self;
	const char *what;
	struct loop_timer deadline;
	op_done_fn done;
	void (*discard)(void *result);
	void *arg;
	bool told;      /* the one who waits has been told */
	bool cancelled; /* atomic: nobody waits */
	bool completed; /* atomic: the plugin has completed it */
	/* the completion */
	int err;
	void *result;
	char *text; /* owned */
};

static void op_free(struct tc_op *op)
{
	loop_timer_stop(&op->deadline);
	op->magic = 0;
	free(op->text);
	free(op);
}

static void tell(struct tc_op *op, int err, void *result, const char *text)
{
	op->told = true;
	__atomic_store_n(&op->cancelled, true, __ATOMIC_RELAXED);
	loop_timer_stop(&op->deadline);
	op->done(op->arg, err, result, text);
}

static void on_deadline(void *arg)
{
	struct tc_op *op = arg;

	tc_log(op->self, TC_LOG_WARN, "%s did not end in time", op->what);
	tell(op, -ETIMEDOUT, NULL, "it did not end in time");
}

struct tc_op *op_new(struct tc_instance *self, const char *what, int64_t timeout_ms,
		     op_done_fn done, void (*discard)(void *result), void *arg)
{
	struct tc_op *op = tc_alloc(sizeof(*op));

	op->magic = OP_MAGIC;
	op->self = self;
	op->what = what;
	op->done = done;
	op->discard = discard;
	op->arg = arg;
	loop_timer_init(&op->deadline, self->host->loop, on_deadline, op);
	loop_timer_start_us(&op->deadline, timeout_ms * 1000);
	return op;
}

void op_refused(struct tc_op *op)
{
	assert(op->magic == OP_MAGIC && !op->completed);
	op_free(op);
}

void op_cancel(struct tc_op *op)
{
	assert(op->magic == OP_MAGIC && !op->told);
	tell(op, -ECANCELED, NULL, "cancelled");
}

static void complete(void *arg)
{
	struct tc_op *op = arg;

	bool wanted = !op->told && !op->err; /* a result beside an error is nobody's */

	if (op->result && !wanted && op->discard)
		op->discard(op->result);
	if (!op->told)
		tell(op, op->err, wanted ? op->result : NULL, op->text);
	op_free(op);
}

void tc_op_done(struct tc_op *op, int err, void *result, const char *text)
{
	bool before;

	assert(op->magic == OP_MAGIC);
	before = __atomic_exchange_n(&op->completed, true, __ATOMIC_ACQ_REL);
	assert(!before); /* exactly once */
	op->err = err;
	op->result = result;
	op->text = tc_strdup(text);
	/* the host's queue, not the instance's: it counts also while the instance closes */
	loop_post(op->self->host->loop, complete, op);
}

bool tc_op_cancelled(const struct tc_op *op)
{
	return __atomic_load_n(&op->cancelled, __ATOMIC_RELAXED);
}
