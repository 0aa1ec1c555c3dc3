/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations and lanes: how a plugin does work that takes time.
 *
 * The host makes an operation, owns its id, deadline and cancel mark, and hands it to the plugin.
 * The plugin returns 0 (taken) or a negative errno (refused). A taken operation completes exactly
 * once through tc_op_done(), never inside the caller's own frame; a second completion aborts the
 * daemon. A deadline is the host's affair: a completion that comes too late is swallowed. No
 * plugin writes a time-out of its own. Cancel only marks.
 */
#ifndef TOCSIN_OP_H
#define TOCSIN_OP_H

#include <tocsin/plugin.h>

struct tc_op;

/*
 * Complete an operation.
 *
 * err     0 or a negative errno or TC_EUNSURE
 * result  what the operation's header says, ownership to the host; NULL on error
 * text    for people, why it failed; copied; may be NULL
 * thread  any
 */
TC_API void tc_op_done(struct tc_op *op, int err, void *result, const char *text);

/*
 * True when nobody waits for the result any more: a long job may stop early (and still completes).
 * Thread: any.
 */
TC_API bool tc_op_cancelled(const struct tc_op *op);

/*
 * A lane: a named, bounded FIFO with threads of its own, for libraries that block. One thread
 * gives order and thread affinity.
 *
 * threads  1..64
 * depth    how many jobs may wait, 1..100000
 * result   owned by the instance: it is closed (its jobs done) after the instance's close() was
 *          called, or earlier by tc_lane_close()
 * thread   loop
 */
struct tc_lane;
TC_API struct tc_lane *tc_lane_open(struct tc_instance *self, const char *name, unsigned threads,
				    unsigned depth);

/*
 * Run run(op, arg) in the lane. run() completes op, exactly once. op may be NULL for work without
 * a result.
 *
 * result  0, or -EBUSY when the lane is full: then nothing was taken
 * thread  any
 */
TC_API int tc_lane_submit(struct tc_lane *lane, void (*run)(struct tc_op *op, void *arg),
			  struct tc_op *op, void *arg);

/* Run what waits, then join the threads. Blocks; for close(). Thread: loop. */
TC_API void tc_lane_close(struct tc_lane *lane);

#endif
